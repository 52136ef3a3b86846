//! What is handed out: the list of days, a day's total, and each owner's proof.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::sum_tree::SumNode;
use jialing_ledger::Id;
use serde::{Deserialize, Serialize};

use super::store::{self, Stated};
use super::tree::{self, WIDTH};
use super::{Book, Day, blinds};
use crate::anchors::{self, NoteProof};
use crate::clock::rfc3339;
use crate::id::{InstitutionId, MerchantId, PersonId, WalletId, digits};
use crate::receipts::Proves;
use crate::{App, Code, Money, Page, Problem, Result, institutions, merchants, wallets};

/// The format of a day's total.
const TOTAL_FORMAT: &str = "jialing-supply-total/1";
/// The format of one account's proof.
const BALANCE_FORMAT: &str = "jialing-supply-balance/1";

/// Which day is asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DayAsk {
    /// The day, such as `2026-11-21`; the newest that is published by default.
    pub day: Option<String>,
}

/// Which days are asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAsk {
    /// Days wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// Only days before this one.
    pub before: Option<String>,
}

/// A day whose supply is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SupplyDay)]
pub struct Listed {
    /// The day.
    #[schema(example = "2026-11-21")]
    pub day: String,
    /// Its end, RFC 3339.
    pub cut: String,
    /// Records in the log before the cut.
    pub records: u64,
    /// The books.
    pub books: Vec<BookView>,
    /// The digest of the statement, base64: what the log holds.
    pub digest: String,
    /// The record that holds it.
    pub record: u64,
    /// When it was published, RFC 3339.
    pub published_at: String,
}

/// All accounts of one currency with one liability holder, on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SupplyBook)]
pub struct BookView {
    /// ISO 4217 numeric.
    #[schema(example = 156)]
    pub currency: u16,
    /// The number of the liability holder; 1 is the central bank.
    pub holder: u32,
    /// The holder's code, where it has one: the platform says so, the statement does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub institution: Option<String>,
    /// All it ever issued.
    pub issued: Money,
    /// All it ever took back.
    pub redeemed: Money,
    /// What all its accounts held together.
    pub sum: Money,
    /// Accounts counted.
    pub accounts: u64,
    /// The root of the sum tree, base64.
    pub tree: String,
}

/// A day's statement with the proof that the log holds its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SupplyTotal {
    /// `jialing-supply-total/1`.
    #[schema(example = "jialing-supply-total/1")]
    pub format: String,
    /// The statement, word for word.
    pub statement: String,
    /// The proof that its digest is in the log.
    pub proof: NoteProof,
    /// The same for reading; not proven by itself.
    pub described: Listed,
    /// What it shows, in words.
    pub proves: Proves,
}

/// The proof that one account's balance is counted in a day's supply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BalanceProof {
    /// `jialing-supply-balance/1`.
    #[schema(example = "jialing-supply-balance/1")]
    pub format: String,
    /// The account's number, 26 digits of base 32; for a wallet, the end of its id.
    pub account: String,
    /// What it held at the cut.
    pub balance: Money,
    /// The liability holder of its money.
    pub holder: u32,
    /// What hides the account in its leaf, base64. Whoever has it and the number finds the leaf.
    pub nonce: String,
    /// The leaf's place in the tree, from 0.
    pub leaf_index: u64,
    /// The siblings from the leaf up to the root.
    pub path: Vec<PathNode>,
    /// The day's statement, word for word.
    pub statement: String,
    /// The proof that the statement's digest is in the log.
    pub proof: NoteProof,
    /// What it shows, in words.
    pub proves: Proves,
}

/// A node beside the way from a leaf to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SumNode)]
pub struct PathNode {
    /// What it commits to, base64.
    pub hash: String,
    /// The sum of the balances under it, minor units, in decimal digits.
    #[schema(example = "1250")]
    pub sum: String,
}

impl From<SumNode> for PathNode {
    fn from(node: SumNode) -> Self {
        Self { hash: STANDARD.encode(node.hash), sum: node.sum.to_string() }
    }
}

fn day(field: &'static str, text: Option<&str>) -> Result<Option<Day>> {
    let bad = |bad: super::BadDay| Problem::new(Code::InvalidRequest).field(field).detail(format!("{bad}."));
    text.map(|text| text.parse().map_err(bad)).transpose()
}

/// The days whose supply is published, newest first.
///
/// # Errors
/// `invalid_request` for a limit or day that is none.
pub async fn list(app: &App, ask: &ListAsk) -> Result<Page<Listed>> {
    let limit = anchors::limit(ask.limit)?;
    let rows = store::list(app, day("before", ask.before.as_deref())?, limit + 1).await?;
    let named = institutions::all(app).await?;
    Ok(Page::cut(rows.into_iter().map(|row| listed(&row, &named)).collect(), limit))
}

fn listed(row: &Stated, named: &[institutions::Institution]) -> Listed {
    let statement = &row.statement;
    let view = |book: &Book| BookView {
        currency: book.currency,
        holder: book.holder,
        institution: named
            .iter()
            .find(|known| known.holder == book.holder && known.issues())
            .map(|known| known.code.clone()),
        issued: Money::fen(book.issued),
        redeemed: Money::fen(book.redeemed),
        sum: Money::fen(book.tree.sum),
        accounts: book.leaves,
        tree: STANDARD.encode(book.tree.hash),
    };
    Listed {
        day: statement.day.to_string(),
        cut: rfc3339((statement.day.cut() / 1_000_000) as i64),
        records: statement.records,
        books: statement.books.iter().map(view).collect(),
        digest: STANDARD.encode(row.digest),
        record: row.record_seq.unwrap_or_default(),
        published_at: rfc3339(row.published_at),
    }
}

/// The statement asked for; none is `not_found`.
async fn published(app: &App, asked: Option<Day>) -> Result<Stated> {
    let none = || Problem::new(Code::NotFound).detail("No supply is published for that day.");
    store::published(app, asked).await?.ok_or_else(none)
}

/// The total of a day with its proof; `newest` stands for the newest day.
///
/// # Errors
/// `not_found`; `invalid_request` for what is no day.
pub async fn total(app: &App, asked: &str) -> Result<SupplyTotal> {
    let asked = if asked == "newest" { None } else { day("day", Some(asked))? };
    let row = published(app, asked).await?;
    let proof = anchors::proof(app, row.record_seq.unwrap_or_default()).await?;
    Ok(SupplyTotal {
        format: TOTAL_FORMAT.to_owned(),
        proof,
        described: listed(&row, &institutions::all(app).await?),
        statement: row.text,
        proves: total_words(),
    })
}

/// The person's own wallet in a day's supply.
///
/// # Errors
/// `not_found` for somebody else's wallet, an unknown day, or a wallet that was not open at the cut.
pub async fn of_wallet(app: &App, person: PersonId, wallet: WalletId, ask: &DayAsk) -> Result<BalanceProof> {
    let wallet = wallets::of(app, person, wallet).await?;
    of_account(app, wallet.id.number(), ask).await
}

/// The merchant's wallet in a day's supply.
///
/// # Errors
/// As [`of_wallet`].
pub async fn of_merchant(app: &App, merchant: MerchantId, ask: &DayAsk) -> Result<BalanceProof> {
    let wallet = merchants::get(app, merchant).await?.wallet_id.ok_or(Problem::new(Code::NotFound))?;
    of_account(app, wallet.number(), ask).await
}

/// A bank's vault in a day's supply.
///
/// # Errors
/// As [`of_wallet`].
pub async fn of_vault(app: &App, bank: InstitutionId, ask: &DayAsk) -> Result<BalanceProof> {
    of_account(app, institutions::by_id(app, bank).await?.vault(), ask).await
}

/// Any account in a day's supply, for its owner.
async fn of_account(app: &App, account: Id, ask: &DayAsk) -> Result<BalanceProof> {
    let row = published(app, day("day", ask.day.as_deref())?).await?;
    let (day, hash) = (row.statement.day, row.statement.hash);
    let blinds = blinds(app, day);
    let commitment = blinds.commitment(hash, account);
    for (place, book) in row.statement.books.iter().enumerate() {
        let Some((page, bytes)) = store::leaf_page(app, day, place, &commitment).await? else { continue };
        let leaves = tree::leaves(&bytes).ok_or_else(damaged)?;
        let Ok(at) = leaves.binary_search_by_key(&commitment, |leaf| leaf.commitment) else { continue };
        let mut path = tree::path_among_leaves(hash, &leaves, at).map_err(Problem::internal)?;
        path.extend(upper_path(app, &row, place, book.leaves, page).await?);
        return Ok(BalanceProof {
            format: BALANCE_FORMAT.to_owned(),
            account: digits(account),
            balance: Money::fen(leaves[at].balance),
            holder: book.holder,
            nonce: STANDARD.encode(blinds.nonce(account)),
            leaf_index: page * WIDTH as u64 + at as u64,
            path: path.into_iter().map(PathNode::from).collect(),
            statement: row.text,
            proof: anchors::proof(app, row.record_seq.unwrap_or_default()).await?,
            proves: balance_words(),
        });
    }
    let kept = row.statement.books.iter().all(|book| book.leaves == 0) || store::has_tree(app, day).await?;
    Err(Problem::new(Code::NotFound).detail(if kept {
        format!("The account was not open at the end of {day}.")
    } else {
        format!("The trees of {day} are kept no longer.")
    }))
}

/// The siblings from a page of leaves up to the root.
async fn upper_path(app: &App, row: &Stated, place: usize, leaves: u64, page: u64) -> Result<Vec<SumNode>> {
    let (mut at, mut path) = (page, Vec::new());
    for level in 1..=tree::levels_above(leaves) {
        let bytes = store::tree_page(app, row.statement.day, place, level, at / WIDTH as u64)
            .await?
            .ok_or_else(damaged)?;
        let within = (at % WIDTH as u64) as usize;
        path.extend(tree::path_among_nodes(row.statement.hash, &bytes, within).ok_or_else(damaged)?);
        at /= WIDTH as u64;
    }
    Ok(path)
}

fn damaged() -> Problem {
    Problem::internal("a page of a supply tree is missing or damaged")
}

fn total_words() -> Proves {
    Proves {
        zh: "本文件证明:运营方在日志中公布了这一天的供应声明,内容与 statement 一字不差;声明中每一账套的账户余额合计等于已发行减已回笼。\
             它本身不证明没有账户被漏计——每个人用自己的余额证明核对;也不证明所有人看到的是同一份声明——请与他人比对摘要。"
            .to_owned(),
        en: "This file proves that the platform wrote this statement of the day's supply into its log, word for word, and that in every \
             book the balances of all accounts add up to what was issued less what was redeemed. It does not prove by itself that no \
             account was left out: everyone checks that with the proof of their own balance. Nor that everyone is shown the same \
             statement: compare its digest with what others have."
            .to_owned(),
    }
}

fn balance_words() -> Proves {
    Proves {
        zh: "本文件证明:该账户在当日日切时的余额,完整计入了 statement 中公布的合计。路径上只出现陌生账户的余额合计,不出现账户号码。\
             它不证明银行账户中的存款,也不证明日切之后的余额。持有本文件的人可以看到该账户的号码与余额,请勿随意转发。"
            .to_owned(),
        en: "This file proves that this account's balance at the end of the day is counted, whole, in the total that the statement \
             publishes. The path shows sums of strangers' balances and no account numbers. It proves nothing about deposits in bank \
             accounts, nor about the balance after the cut. Whoever has this file sees the account's number and balance: do not pass it \
             on lightly."
            .to_owned(),
    }
}

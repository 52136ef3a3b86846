//! A batch is checked as a whole: each line alone, then all together against each other, the merchant's
//! earlier lines, the wallets and the people.
//!
//! Whose phone belongs to which name is nobody's to find out: a phone that is unknown, one whose holder
//! does not want to be found, one without a wallet and one of another name are one and the same reason.
//! Such lines are counted per merchant and day; above the policy `payout_misses_day` no line may name a
//! phone.

use std::collections::{HashMap, HashSet};

use jialing_ledger::calendar;

use super::ask::{BadLine, LineAsk, PayoutAsk};
use super::{may_be_paid, store};
use crate::id::{MerchantId, PersonId, WalletId};
use crate::people::{self, Phone};
use crate::wallets::{self, Owner, Wallet};
use crate::{App, Code, Problem, Result, Tx, policies, text};

/// Longest remark, characters.
const MAX_REMARK: usize = 100;
/// Longest name, characters.
const MAX_PAYEE_NAME: usize = 60;

/// A batch that may be taken in.
pub(super) struct Checked {
    /// Lines to pay.
    pub(super) good: Vec<Good>,
    /// Lines left out.
    pub(super) bad: Vec<BadLine>,
    /// The sum of those to pay.
    pub(super) amount: i64,
}

/// A line to pay.
#[derive(Clone, Debug)]
pub(super) struct Good {
    pub(super) line: i64,
    pub(super) out_transfer_no: String,
    pub(super) wallet: WalletId,
    pub(super) payee: String,
    pub(super) amount: i64,
    pub(super) remark: Option<String>,
}

/// A line that is whole in itself.
struct Alone<'a> {
    line: usize,
    ask: &'a LineAsk,
    payee: Named,
}

/// How a line names its payee.
enum Named {
    Wallet(WalletId),
    Phone { index: String, shown: String },
}

/// Checks every line.
///
/// # Errors
/// `payout_lines_invalid` with each bad line, unless they may be skipped and one is good;
/// `invalid_request` for too many lines; `rate_limited`; any fault of the database.
pub(super) async fn check(
    app: &App,
    merchant: MerchantId,
    payer: WalletId,
    ask: &PayoutAsk,
) -> Result<Checked> {
    let most = policies::number(app, "payout_lines").await?;
    if ask.lines.0.len() as i64 > most {
        return Err(Problem::new(Code::InvalidRequest)
            .field("lines")
            .detail(format!("A batch has at most {most} lines.")));
    }
    let mut bad = Vec::new();
    let alone = each_alone(app, ask, &mut bad);
    let alone = new_numbers(app, merchant, alone, &mut bad).await?;
    let good = payees(app, merchant, payer, alone, &mut bad).await?;
    bad.sort_unstable_by_key(|bad| bad.line);
    if !bad.is_empty() && (!ask.skip_invalid || good.is_empty()) {
        return Err(Problem::new(Code::PayoutLinesInvalid)
            .detail(format!("{} of {} lines are not valid.", bad.len(), ask.lines.0.len()))
            .with("invalid", bad.len())
            .with("total", ask.lines.0.len())
            .with("lines", serde_json::to_value(&bad).map_err(Problem::internal)?));
    }
    // At most 10^5 lines of at most 10^12 fen: far from what 63 bits hold.
    let amount = good.iter().map(|line| line.amount).sum();
    Ok(Checked { good, bad, amount })
}

/// Lines that are whole in themselves and whose numbers differ; the others go to `bad`.
fn each_alone<'a>(app: &App, ask: &'a PayoutAsk, bad: &mut Vec<BadLine>) -> Vec<Alone<'a>> {
    let mut alone = Vec::with_capacity(ask.lines.0.len());
    let mut seen = HashMap::new();
    for (line, read) in (1..).zip(&ask.lines.0) {
        let ask = match read {
            Ok(ask) => ask,
            Err(fault) => {
                bad.push(fault.clone());
                continue;
            }
        };
        let first = *seen.entry(ask.out_transfer_no.as_str()).or_insert(line);
        let checked = one(app, ask).and_then(|payee| match first == line {
            true => Ok(payee),
            false => Err(Problem::new(Code::Conflict)
                .field("out_transfer_no")
                .detail(format!("Line {first} has the same number."))),
        });
        match checked {
            Ok(payee) => alone.push(Alone { line, ask, payee }),
            Err(problem) => bad.push(of(line, ask, &problem)),
        }
    }
    alone
}

/// A problem of one line.
fn of(line: usize, ask: &LineAsk, problem: &Problem) -> BadLine {
    let (field, detail) = (problem.field.as_deref(), problem.detail.as_deref());
    let number = Some(ask.out_transfer_no.clone());
    BadLine {
        out_transfer_no: number.filter(|number| text::key("out_transfer_no", number).is_ok()),
        ..BadLine::new(line, field.unwrap_or_default(), problem.code, detail.unwrap_or(problem.code.title()))
    }
}

fn one(app: &App, ask: &LineAsk) -> Result<Named> {
    let wrong = |field: &str, detail: &str| Problem::new(Code::InvalidRequest).field(field).detail(detail);
    text::key("out_transfer_no", &ask.out_transfer_no)?;
    ask.amount.positive("amount")?;
    text::optional_line("remark", ask.remark.as_deref(), MAX_REMARK)?;
    text::optional_line("name", ask.name.as_deref(), MAX_PAYEE_NAME)?;
    match (&ask.wallet_id, &ask.phone) {
        (Some(wallet), None) => {
            wallet.parse().map(Named::Wallet).map_err(|_| wrong("wallet_id", "It is no wallet's id."))
        }
        (None, Some(phone)) => {
            let phone = Phone::parse(phone)?;
            if ask.name.is_none() {
                return Err(wrong("name", "With a phone the payee's surname is needed."));
            }
            Ok(Named::Phone { index: people::phone_index(app, &phone), shown: phone.masked() })
        }
        _ => Err(wrong("wallet_id", "Name the payee by `wallet_id` or by `phone`, not both.")),
    }
}

/// Lines whose numbers the merchant has not used before.
async fn new_numbers<'a>(
    app: &App,
    merchant: MerchantId,
    alone: Vec<Alone<'a>>,
    bad: &mut Vec<BadLine>,
) -> Result<Vec<Alone<'a>>> {
    let numbers: Vec<&str> = alone.iter().map(|line| line.ask.out_transfer_no.as_str()).collect();
    let used: HashSet<String> = store::used(app, merchant, &numbers).await?;
    let (fresh, taken): (Vec<_>, Vec<_>) =
        alone.into_iter().partition(|line| !used.contains(&line.ask.out_transfer_no));
    let problem = Problem::new(Code::Conflict)
        .field("out_transfer_no")
        .detail("You have used this number for an earlier line.");
    bad.extend(taken.iter().map(|line| of(line.line, line.ask, &problem)));
    Ok(fresh)
}

/// Lines whose payees there are.
async fn payees(
    app: &App,
    merchant: MerchantId,
    payer: WalletId,
    alone: Vec<Alone<'_>>,
    bad: &mut Vec<BadLine>,
) -> Result<Vec<Good>> {
    let known = Known::look_up(app, merchant, &alone).await?;
    let (mut good, mut misses) = (Vec::with_capacity(alone.len()), 0);
    for line in alone {
        match known.payee(&line, payer) {
            Ok((wallet, payee)) => good.push(Good {
                line: line.line as i64,
                out_transfer_no: line.ask.out_transfer_no.clone(),
                wallet,
                payee,
                amount: line.ask.amount.amount as i64,
                remark: line.ask.remark.clone(),
            }),
            Err(problem) => {
                misses += i64::from(line.ask.name.is_some() && problem.code == Code::PayeeUnknown);
                bad.push(of(line.line, line.ask, &problem));
            }
        }
    }
    if misses > 0 {
        let day = today(app);
        app.db.write(async move |tx: &mut Tx| store::count_misses(tx, merchant, day, misses).await).await?;
    }
    Ok(good)
}

fn today(app: &App) -> i64 {
    i64::from(calendar::day(app.clock.nanos()))
}

/// What is known of the payees of a batch.
struct Known {
    wallets: HashMap<WalletId, Wallet>,
    phones: HashMap<String, PersonId>,
    receiving: HashMap<PersonId, WalletId>,
    names: HashMap<PersonId, zeroize::Zeroizing<String>>,
}

impl Known {
    async fn look_up(app: &App, merchant: MerchantId, alone: &[Alone<'_>]) -> Result<Self> {
        let (mut named, mut indexes) = (Vec::new(), Vec::new());
        for line in alone {
            match &line.payee {
                Named::Wallet(wallet) => named.push(wallet.number()),
                Named::Phone { index, .. } => indexes.push(index.clone()),
            }
        }
        // Names are asked about with wallets too: both tell who somebody is.
        if alone.iter().any(|line| line.ask.name.is_some()) {
            let most = policies::number(app, "payout_misses_day").await?;
            if store::misses(app, merchant, today(app)).await? >= most {
                return Err(Problem::new(Code::RateLimited)
                    .detail("Too many lines of today named somebody who is not there. Name wallets without names, or go on tomorrow.")
                    .retry_after(3_600));
            }
        }
        let mut connection = app.db.read().acquire().await?;
        let wallets = wallets::find_many_in(&mut connection, &named).await?;
        drop(connection);
        let phones = people::found_by(app, &indexes).await?;
        let mut persons: Vec<PersonId> = phones.values().copied().collect();
        let receiving = wallets::receiving_of(app, &persons).await?;
        persons.extend(wallets.iter().filter_map(|wallet| match wallet.owner {
            Owner::Person(person) => Some(person),
            Owner::Organisation(_) => None,
        }));
        let names = match alone.iter().any(|line| line.ask.name.is_some()) {
            true => people::names_of(app, &persons).await?,
            false => HashMap::new(),
        };
        let wallets = wallets.into_iter().map(|wallet| (wallet.id, wallet)).collect();
        Ok(Self { wallets, phones, receiving, names })
    }

    fn payee(&self, line: &Alone<'_>, payer: WalletId) -> Result<(WalletId, String)> {
        let given = line.ask.name.as_deref();
        let is_named = |person: &PersonId| match (given, self.names.get(person)) {
            (None, _) => true,
            (Some(given), Some(name)) => people::is_named(name, given),
            (Some(_), None) => false,
        };
        let unknown = |field: &str| {
            Err(Problem::new(Code::PayeeUnknown)
                .field(field)
                .detail("Nobody of this name receives there, or does not want to be found so."))
        };
        match &line.payee {
            Named::Wallet(id) => match self.wallets.get(id) {
                Some(wallet) if wallet.id == payer => Err(Problem::new(Code::InvalidRequest)
                    .field("wallet_id")
                    .detail("The payee is your own wallet.")),
                Some(wallet) if !may_be_paid(wallet, payer) => unknown("wallet_id"),
                Some(wallet) => match wallet.owner {
                    Owner::Person(person) if is_named(&person) => Ok((*id, id.to_string())),
                    Owner::Organisation(_) if given.is_none() => Ok((*id, id.to_string())),
                    _ => unknown("wallet_id"),
                },
                None => unknown("wallet_id"),
            },
            Named::Phone { index, shown } => {
                let person = self.phones.get(index).filter(|person| is_named(person));
                match person.and_then(|person| self.receiving.get(person)) {
                    Some(wallet) if *wallet != payer => Ok((*wallet, shown.clone())),
                    _ => unknown("phone"),
                }
            }
        }
    }
}

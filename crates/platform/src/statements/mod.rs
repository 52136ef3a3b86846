//! Merchants' statements: the trades and the funds of each natural day (UTC+8), as files.
//!
//! Once a day is over, the statements of every merchant with movements in it are made by themselves
//! ([`work`]); any past day can be asked for. A statement's file is an export: made line by line out of the
//! history, checked against the ledger's balances before it is finished, sealed, hashed under SHA-256 and
//! SM3, its digest noted in the ledger's log. What does not fit the ledger is never published: the
//! statement is `FAILED` and the operator hears of it.
//!
//! Whoever asks is told the hashes first, and a link that is good for a short time ([`link`]). The file is
//! destroyed after the policy `statement_hours`; asking again makes it again.

pub(crate) mod lines;
pub mod link;
mod store;
pub mod work;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::exports::{self, Content, Form};
use crate::history::account;
use crate::history::range::{self, Places, Range, RangeAsk};
use crate::history::statement::Total;
use crate::id::{MerchantId, StatementId};
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, policies, stored};

stored! {
    /// What a statement shows.
    #[schema(as = StatementKind)]
    pub enum Kind {
        /// Payments of the merchant's orders, and refunds.
        Trades = "trades",
        /// Every movement of the merchant's wallet.
        Funds = "funds",
    }
}

stored! {
    /// The form of a statement's file.
    #[schema(as = StatementFormat)]
    pub enum Format {
        /// Comma-separated values, RFC 4180, UTF-8, packed with gzip.
        CsvGz = "csv.gz",
        /// Apache Parquet.
        Parquet = "parquet",
    }
}

stored! {
    /// How far a statement has come.
    #[schema(as = StatementState)]
    pub enum State {
        /// It is being made.
        Making = "MAKING",
        /// The file can be fetched until `expires_at`.
        Ready = "READY",
        /// The file was destroyed; ask for the statement again.
        Expired = "EXPIRED",
        /// It could not be made; the operator was told.
        Failed = "FAILED",
    }
}

impl Kind {
    const fn content(self) -> Content {
        match self {
            Self::Trades => Content::Trades,
            Self::Funds => Content::Funds,
        }
    }
}

impl Format {
    const fn form(self) -> Form {
        match self {
            Self::CsvGz => Form::CsvGz,
            Self::Parquet => Form::Parquet,
        }
    }
}

/// A statement to make.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DayStatementAsk)]
pub struct StatementAsk {
    /// A day at UTC+8 that is over.
    #[schema(example = "2026-11-21")]
    pub day: String,
    /// `trades` or `funds`.
    pub kind: Kind,
    /// `csv.gz` or `parquet`; `csv.gz` by default.
    pub format: Option<Format>,
}

/// A statement of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DayStatement {
    /// Its id.
    pub id: StatementId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The day at UTC+8.
    #[schema(example = "2026-11-21")]
    pub day: String,
    /// What it shows.
    pub kind: Kind,
    /// The form of the file.
    pub format: Format,
    /// How far it has come.
    pub state: State,
    /// What the merchant's wallet held before the day; absent until the statement is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opening: Option<Money>,
    /// What it held at the day's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<Money>,
    /// All that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_in: Option<Total>,
    /// All that went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_out: Option<Total>,
    /// Payments of the merchant's orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payments: Option<Total>,
    /// Refunds of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunds: Option<Total>,
    /// Lines of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Bytes of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the file as it is fetched, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SM3 of the file as it is fetched, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sm3: Option<String>,
    /// When it was asked for, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was ready, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ready_at: Option<String>,
    /// Until when the file can be fetched, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
    /// Where to fetch the file; only of one statement that is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download: Option<link::Download>,
    /// What binds the file to the ledger; only of one statement that is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<exports::Proof>,
}

/// Asks for the statement of a past day. Asked for again it answers the one there is, and makes the file
/// again if it was destroyed or could not be made.
///
/// # Errors
/// `invalid_request`, naming the field, for a day that is none, is not over or lies too far back;
/// `not_found` for a merchant without a wallet; `rate_limited` with too many unfinished; `overloaded`
/// while the history is behind the ledger.
pub async fn ask(app: &App, merchant: MerchantId, ask: StatementAsk) -> Result<DayStatement> {
    let (range, places) = day(app, merchant, &ask.day).await?;
    let format = ask.format.unwrap_or(Format::CsvGz);
    let most = policies::number(app, "statements_unfinished").await?;
    let row = put(app, merchant, &ask.day, (ask.kind, format), Some(most)).await?;
    if row.state == State::Making {
        queue(app, &row, range, places).await?;
    }
    get(app, merchant, row.id).await
}

/// Makes sure that there is such a statement; with `most`, refuses more unfinished ones.
async fn put(
    app: &App,
    merchant: MerchantId,
    day: &str,
    what: (Kind, Format),
    most: Option<i64>,
) -> Result<store::Row> {
    let (day, now) = (day.to_owned(), app.clock.millis());
    app.db.write(async move |tx: &mut Tx| store::put(tx, merchant, &day, what, most, now).await).await
}

/// Puts the statement's file into the queue of exports. Done again, it changes nothing.
async fn queue(app: &App, row: &store::Row, range: Range, places: Places) -> Result<()> {
    let account = account::merchant_wallet(app, row.merchant).await?;
    let what = (row.kind.content(), row.format.form());
    exports::queue(app, &account, row.export, what, (range, places)).await
}

/// A day that is over, as places of the journal.
async fn day(app: &App, merchant: MerchantId, text: &str) -> Result<(Range, Places)> {
    let account = account::merchant_wallet(app, merchant).await?;
    places_of(app, account.number(), text).await
}

/// The same of an account.
pub(crate) async fn places_of(app: &App, account: u128, text: &str) -> Result<(Range, Places)> {
    let refused = |detail: &str| Problem::new(Code::InvalidRequest).field("day").detail(detail.to_owned());
    if text.len() != DAY_LEN {
        return Err(refused("`day` is a day as in 2026-11-21."));
    }
    let range = RangeAsk { period: Some(text.to_owned()), from: None, to: None }.range();
    let range = range.map_err(|_| refused("`day` is a day as in 2026-11-21."))?;
    let furthest = policies::number(app, "export_days").await?;
    if app.clock.millis() - range.to > furthest * DAY_MS {
        return Err(refused(&format!("A statement lies at most {furthest} days back.")));
    }
    let places = range::places(app, account, range).await?;
    if !places.is_over || range.to > app.clock.millis() {
        return Err(refused("The day is not over."));
    }
    Ok((range, places))
}

/// Characters of a day.
const DAY_LEN: usize = "2026-11-21".len();
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// One of the merchant's statements; once it is ready with a link and what binds it to the ledger.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn get(app: &App, merchant: MerchantId, id: StatementId) -> Result<DayStatement> {
    let row = store::find(app, merchant, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let now = app.clock.millis();
    let mut shown = row.shown(now);
    if shown.state == State::Ready {
        let account = account::merchant_wallet(app, merchant).await?;
        if let Some(made) = exports::made(app, &account, row.export).await? {
            shown.proof = made.proof(app).await?;
        }
        shown.download = Some(link::make(app, &row).await?);
    }
    Ok(shown)
}

/// Which statements are asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAsk {
    /// Of this day.
    pub day: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

/// The merchant's statements, the newest asked for first, without links.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, ask: &ListAsk) -> Result<Page<DayStatement>> {
    let page = PageAsk { limit: ask.limit, after: ask.after.clone(), before: ask.before.clone() };
    let now = app.clock.millis();
    Ok(store::list(app, merchant, ask, &page).await?.map(|row| row.shown(now)))
}

impl store::Row {
    /// As the merchant sees it now.
    fn shown(&self, now: i64) -> DayStatement {
        let state = self.state_at(now);
        let totals = self.totals();
        let total = |(count, amount): (u64, u64)| Total { count, amount: Money::fen(amount) };
        let fen = |amount: Option<i64>| amount.map(|amount| Money::fen(amount.unsigned_abs()));
        DayStatement {
            id: self.id,
            merchant_id: self.merchant,
            day: self.day.clone(),
            kind: self.kind,
            format: self.format,
            state,
            opening: fen(self.opening),
            closing: fen(self.closing),
            total_in: totals.map(|totals| total(totals.came)),
            total_out: totals.map(|totals| total(totals.went)),
            payments: totals.map(|totals| total(totals.payments)),
            refunds: totals.map(|totals| total(totals.refunds)),
            rows: totals.map(|totals| if self.kind == Kind::Trades { totals.trades } else { totals.lines }),
            bytes: self.bytes.map(i64::unsigned_abs),
            sha256: self.sha256.clone(),
            sm3: self.sm3.clone(),
            created_at: rfc3339(self.created_at),
            ready_at: self.ready_at.map(rfc3339),
            expires_at: self.expires_at.filter(|_| state == State::Ready).map(rfc3339),
            version: self.version,
            download: None,
            proof: None,
        }
    }
}

//! Issue and redemption: digital yuan between the central bank and an operating bank's vault.

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Group, Leg, LegOp, MAX_METERS, Refusal, Why};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use super::{Institution, by_id, central};
use crate::clock::rfc3339;
use crate::id::{InstitutionId, IssuanceId, IssuanceTag};
use crate::kind::Kind;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, text, wallets};

/// Orders left in progress for longer than this are taken up again, milliseconds.
const TAKE_UP_AFTER_MS: i64 = 5_000;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, institution_id, out_issuance_no, direction, amount, state, reason, created_at, settled_at FROM issuances ", $rest)
    };
}

crate::stored! {
    /// Which way the money goes.
    #[schema(as = IssuanceDirection)]
    pub enum Direction {
        /// From the central bank into the bank's vault.
        Issue = "ISSUE",
        /// Back to the central bank.
        Redeem = "REDEEM",
    }
}

crate::stored! {
    /// How far an issue or redemption has come.
    pub enum IssuanceState {
        /// Taken in.
        Processing = "PROCESSING",
        /// The money has moved; final.
        Success = "SUCCESS",
        /// Nothing moved and nothing will; `reason` says why.
        Refused = "REFUSED",
    }
}

/// An issue or redemption to make.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuanceAsk {
    /// The bank's own number for it: the same number is carried out once, ever.
    #[schema(example = "ISS-20261122-001", max_length = 64)]
    pub out_issuance_no: String,
    /// How much.
    pub amount: Money,
}

/// An issue or redemption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Issuance {
    /// Its id; also the ledger transfer's.
    pub issuance_id: IssuanceId,
    /// The bank's own number for it.
    pub out_issuance_no: String,
    /// Which way.
    pub direction: Direction,
    /// How much.
    pub amount: Money,
    /// How far it has come.
    pub state: IssuanceState,
    /// Why it was refused: a code of the error registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked for, RFC 3339.
    pub created_at: String,
    /// When the money moved, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<String>,
    #[serde(skip)]
    institution: InstitutionId,
}

/// Asks the central bank to issue to, or redeem from, the operating bank `institution`.
///
/// The same number with the same content answers what there is, whatever came of it. `digest` binds
/// the bank's signed request into the journal.
///
/// # Errors
/// `conflict` naming the field that differs; `forbidden` for the central bank itself.
pub async fn request(
    app: &App,
    institution: InstitutionId,
    direction: Direction,
    ask: IssuanceAsk,
    digest: [u8; 24],
) -> Result<Issuance> {
    text::key("out_issuance_no", &ask.out_issuance_no)?;
    let amount = ask.amount.positive("amount")?;
    if by_id(app, institution).await?.is_central() {
        return Err(Problem::new(Code::Forbidden).detail("Operating banks ask for issue and redemption."));
    }
    let now = app.clock.millis();
    let issuance = app
        .db
        .write(async move |tx: &mut Tx| {
            insert(tx, institution, direction, &ask, now).await?;
            let stored = find(&mut *tx, institution, &ask.out_issuance_no).await?;
            let differs = if stored.direction != direction {
                Some("direction")
            } else {
                (stored.amount != ask.amount).then_some("amount")
            };
            match differs {
                Some(field) => Err(Problem::new(Code::Conflict)
                    .field(field)
                    .detail("This out_issuance_no was used for something else.")),
                None => Ok(stored),
            }
        })
        .await?;
    if issuance.state == IssuanceState::Processing {
        carry_out(app, &issuance, amount, digest).await?;
    }
    read(app, institution, issuance.issuance_id).await
}

/// Moves the money, or writes down that the ledger refused. The follower writes the success.
async fn carry_out(app: &App, issuance: &Issuance, amount: u64, digest: [u8; 24]) -> Result<()> {
    let bank = by_id(app, issuance.institution).await?;
    let leg = leg(issuance, &central(app).await?, &bank, amount, digest);
    match app.engine.submit(Command::Transfer(Group { legs: vec![leg] })).await {
        Ok(outcome) => {
            app.progress.passed(outcome.first).await;
            Ok(())
        }
        Err(SubmitError::Refused(refusal))
            if refusal.why == Why::IdTaken && refusal.field == Some("digest") =>
        {
            Ok(())
        }
        Err(SubmitError::Refused(refusal)) => {
            refuse(app, issuance.issuance_id, reason(&refusal, issuance.direction)).await
        }
        Err(error) => Err(wallets::stopped(error)),
    }
}

fn leg(issuance: &Issuance, central: &Institution, bank: &Institution, amount: u64, digest: [u8; 24]) -> Leg {
    let (debit, credit, kind) = match issuance.direction {
        Direction::Issue => (central.issuance(), bank.vault(), Kind::Issue),
        Direction::Redeem => (bank.vault(), central.issuance(), Kind::Redeem),
    };
    Leg {
        id: issuance.issuance_id.number(),
        op: LegOp::Plain { debit, credit, amount },
        kind: kind as u16,
        digest,
        meters: [0; MAX_METERS],
    }
}

const fn reason(refusal: &Refusal, direction: Direction) -> Code {
    match (refusal.why, direction) {
        (Why::BalanceTooLow, Direction::Issue) => Code::OverAuthorised,
        (Why::BalanceTooLow, Direction::Redeem) => Code::BalanceTooLow,
        _ => Code::LedgerRefused,
    }
}

async fn refuse(app: &App, id: IssuanceId, reason: Code) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(
                "UPDATE issuances SET state = 'REFUSED', reason = $2 WHERE id = $1 AND state = 'PROCESSING'",
            )
            .bind(id)
            .bind(reason.text())
            .execute(&mut *tx)
            .await
            .map(drop)
            .map_err(Problem::from)
        })
        .await
}

/// Takes up what a crash left in progress. Answers how many.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn repair(app: &App) -> Result<usize> {
    let rows =
        sqlx::query(select!("WHERE state = 'PROCESSING' AND created_at <= $1 ORDER BY created_at LIMIT 100"))
            .bind(app.clock.millis() - TAKE_UP_AFTER_MS)
            .fetch_all(app.db.read())
            .await?;
    for row in &rows {
        let issuance = from_row(row)?;
        // Whether it moved before the crash decides; the digest of the request is not kept.
        if app.engine.transfer(issuance.issuance_id.number()).await.map_err(Problem::internal)?.is_none() {
            carry_out(app, &issuance, issuance.amount.amount, [0; 24]).await?;
        }
    }
    Ok(rows.len())
}

/// The bank's own issue or redemption.
///
/// # Errors
/// `not_found`.
pub async fn read(app: &App, institution: InstitutionId, id: IssuanceId) -> Result<Issuance> {
    let row = sqlx::query(select!("WHERE id = $1 AND institution_id = $2"))
        .bind(id)
        .bind(institution)
        .fetch_optional(app.db.read())
        .await?
        .ok_or(Problem::new(Code::NotFound))?;
    from_row(&row)
}

/// The bank's issues and redemptions, newest first.
///
/// # Errors
/// `invalid_request` for a page that cannot be.
pub async fn issuances(app: &App, institution: InstitutionId, ask: &PageAsk) -> Result<Page<Issuance>> {
    let (limit, cursor) = (ask.limit()?, ask.cursor::<IssuanceTag>()?);
    let sql = crate::page::paged!(cursor, select!("WHERE institution_id = $1"), "id", "$2", "$3");
    let rows = sqlx::query(sql)
        .bind(institution)
        .bind(&cursor.from)
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows.iter().map(from_row).collect::<Result<_>>()?, limit))
}

async fn insert(
    tx: &mut Tx,
    institution: InstitutionId,
    direction: Direction,
    ask: &IssuanceAsk,
    now: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO issuances (id, institution_id, out_issuance_no, direction, amount, state, created_at) VALUES ($1, $2, $3, $4, $5, 'PROCESSING', $6) \
         ON CONFLICT (institution_id, out_issuance_no) DO NOTHING",
    )
    .bind(IssuanceId::new(now))
    .bind(institution)
    .bind(&ask.out_issuance_no)
    .bind(direction)
    .bind(ask.amount.amount as i64)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn find<'e>(
    on: impl Executor<'e, Database = Any>,
    institution: InstitutionId,
    number: &str,
) -> Result<Issuance> {
    let row = sqlx::query(select!("WHERE institution_id = $1 AND out_issuance_no = $2"))
        .bind(institution)
        .bind(number.to_owned())
        .fetch_one(on)
        .await?;
    from_row(&row)
}

fn from_row(row: &AnyRow) -> Result<Issuance> {
    Ok(Issuance {
        issuance_id: row.try_get("id")?,
        institution: row.try_get("institution_id")?,
        out_issuance_no: row.try_get("out_issuance_no")?,
        direction: row.try_get("direction")?,
        amount: Money::fen(u64::try_from(row.try_get::<i64, _>("amount")?).map_err(Problem::internal)?),
        state: row.try_get("state")?,
        reason: row.try_get("reason")?,
        created_at: rfc3339(row.try_get("created_at")?),
        settled_at: row.try_get::<Option<i64>, _>("settled_at")?.map(rfc3339),
    })
}

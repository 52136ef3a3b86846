//! Cases: breaks that a reconciliation found, with both sides beside each other.
//!
//! `OPEN → EXPLAINED → RESOLVED`, or `OPEN → RESOLVED`. Each step has a note and says which key made it.

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use super::{ItemKind, Outcome, Reason, TheirState};
use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{CaseId, CaseTag, MerchantId, ReconciliationId};
use crate::merchants::Caller;
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, db, stored, text};

/// Longest note, characters.
pub const MAX_NOTE: usize = 500;
/// Cases written by one statement.
const TOGETHER: usize = 500;

stored! {
    /// How far a case is.
    #[schema(as = CaseState)]
    pub enum State {
        /// Nobody has said anything.
        Open = "OPEN",
        /// Somebody knows why; it is still to be put right.
        Explained = "EXPLAINED",
        /// It is put right, or needs nothing; final.
        Resolved = "RESOLVED",
    }
}

/// What this side says of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseOurs)]
pub struct Ours {
    /// How much.
    pub amount: Money,
    /// Its state.
    pub state: String,
    /// When it was paid or given back, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// The id of the order or refund.
    pub subject: String,
}

/// What the other side's file says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseTheirs)]
pub struct Theirs {
    /// How much.
    pub amount: Money,
    /// Its state.
    pub state: TheirState,
    /// The file's line, from 1.
    pub line: u64,
}

/// A break, with both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationCase)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// The reconciliation that found it.
    pub reconciliation_id: ReconciliationId,
    /// The day at UTC+8.
    pub day: String,
    /// What kind of break.
    pub outcome: Outcome,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A payment or a refund.
    pub kind: ItemKind,
    /// The merchant's number of it.
    pub out_no: String,
    /// This side; absent where it is only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<Ours>,
    /// The other side; absent where it is only here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Theirs>,
    /// How far it is.
    pub state: State,
    /// What was said of it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The serial of the key that said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When it was found, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When something was said of it last, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub decided_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// A row of `reconciliation_cases`.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Row {
    id: CaseId,
    reconciliation: ReconciliationId,
    merchant: MerchantId,
    day: String,
    outcome: Outcome,
    kind: ItemKind,
    out_no: String,
    reason: Option<Reason>,
    our_amount: Option<i64>,
    our_state: Option<String>,
    our_at: Option<i64>,
    subject: Option<String>,
    their_amount: Option<i64>,
    their_state: Option<TheirState>,
    their_line: Option<i64>,
    state: State,
    note: Option<String>,
    decided_by: Option<String>,
    created_at: i64,
    decided_at: Option<i64>,
    version: i64,
}

impl From<Row> for Case {
    fn from(row: Row) -> Self {
        let fen = |amount: i64| Money::fen(amount.unsigned_abs());
        let ours = row.our_amount.zip(row.our_state).zip(row.subject).map(|((amount, state), subject)| {
            Ours { amount: fen(amount), state, at: row.our_at.map(rfc3339), subject }
        });
        let theirs = row.their_amount.zip(row.their_state).zip(row.their_line);
        let theirs = theirs.map(|((amount, state), line)| Theirs {
            amount: fen(amount),
            state,
            line: line.unsigned_abs(),
        });
        Self {
            id: row.id,
            reconciliation_id: row.reconciliation,
            day: row.day,
            outcome: row.outcome,
            reason: row.reason,
            kind: row.kind,
            out_no: row.out_no,
            ours,
            theirs,
            state: row.state,
            note: row.note,
            decided_by: row.decided_by,
            created_at: rfc3339(row.created_at),
            decided_at: row.decided_at.map(rfc3339),
            version: row.version,
        }
    }
}

/// A break to open a case for. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Break {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    pub(super) kind: ItemKind,
    pub(super) out_no: String,
    /// Amount, state, time and id.
    pub(super) ours: Option<(i64, String, Option<i64>, String)>,
    /// Amount, state and line.
    pub(super) theirs: Option<(i64, TheirState, u32)>,
}

/// Whose breaks: the reconciliation, merchant and day.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) reconciliation: ReconciliationId,
    pub(super) merchant: MerchantId,
    pub(super) day: String,
    pub(super) now: i64,
}

/// Opens a case for each break. They show once the reconciliation is done.
pub(super) async fn open(tx: &mut Tx, found: &Found, breaks: &[Break]) -> Result<()> {
    const WIDTH: usize = 18;
    for some in breaks.chunks(TOGETHER) {
        let rows: Vec<String> =
            (0..some.len()).map(|n| format!("({})", db::places(1 + n * WIDTH, WIDTH))).collect();
        let sql = format!(
            "INSERT INTO reconciliation_cases (id, reconciliation, merchant, day, outcome, kind, out_no, reason, our_amount, our_state, \
             our_at, subject, their_amount, their_state, their_line, state, created_at, version) VALUES {}",
            rows.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for each in some {
            let ours = each.ours.as_ref();
            query = query
                .bind(CaseId::new(found.now))
                .bind(found.reconciliation)
                .bind(found.merchant)
                .bind(found.day.as_str())
                .bind(each.outcome)
                .bind(each.kind)
                .bind(each.out_no.as_str())
                .bind(each.reason)
                .bind(ours.map(|ours| ours.0))
                .bind(ours.map(|ours| ours.1.as_str()))
                .bind(ours.and_then(|ours| ours.2))
                .bind(ours.map(|ours| ours.3.as_str()))
                .bind(each.theirs.map(|theirs| theirs.0))
                .bind(each.theirs.map(|theirs| theirs.1))
                .bind(each.theirs.map(|theirs| i64::from(theirs.2)))
                .bind(State::Open)
                .bind(found.now)
                .bind(1i64);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Removes the cases of a try that was not finished.
pub(super) async fn clear(tx: &mut Tx, reconciliation: ReconciliationId) -> Result<()> {
    sqlx::query("DELETE FROM reconciliation_cases WHERE reconciliation = $1")
        .bind(reconciliation)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Which cases are asked for. All that is given must fit.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAsk {
    /// Of this reconciliation.
    pub reconciliation_id: Option<ReconciliationId>,
    /// In this state.
    pub state: Option<State>,
    /// Of this kind of break.
    pub outcome: Option<Outcome>,
    /// With this number.
    pub out_no: Option<String>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

macro_rules! list_sql {
    () => {
        "SELECT c.* FROM reconciliation_cases c WHERE c.merchant = $1
         AND (CAST($3 AS TEXT) IS NULL OR c.reconciliation = $3) AND (CAST($4 AS TEXT) IS NULL OR c.state = $4)
         AND (CAST($5 AS TEXT) IS NULL OR c.outcome = $5) AND (CAST($6 AS TEXT) IS NULL OR c.out_no = $6)
         AND EXISTS (SELECT 1 FROM reconciliations r WHERE r.id = c.reconciliation AND r.state = 'DONE')"
    };
}

/// The merchant's cases, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, ask: &ListAsk) -> Result<Page<Case>> {
    let page = PageAsk { limit: ask.limit, after: ask.after.clone(), before: ask.before.clone() };
    let (limit, cursor) = (page.limit()?, page.cursor::<CaseTag>()?);
    let rows: Vec<Row> = sqlx::query_as(crate::page::paged!(cursor, list_sql!(), "c.id", "$2", "$7"))
        .bind(merchant)
        .bind(cursor.from.clone())
        .bind(ask.reconciliation_id)
        .bind(ask.state)
        .bind(ask.outcome)
        .bind(ask.out_no.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit).map(Case::from))
}

/// One of the merchant's cases.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn get(app: &App, merchant: MerchantId, id: CaseId) -> Result<Case> {
    let mut connection = app.db.read().acquire().await?;
    find(&mut connection, merchant, id).await.map(Case::from)
}

async fn find(tx: &mut Tx, merchant: MerchantId, id: CaseId) -> Result<Row> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT c.* FROM reconciliation_cases c WHERE c.id = $1 AND c.merchant = $2
         AND EXISTS (SELECT 1 FROM reconciliations r WHERE r.id = c.reconciliation AND r.state = 'DONE')",
    )
    .bind(id)
    .bind(merchant)
    .fetch_optional(&mut *tx)
    .await?;
    row.ok_or(Problem::new(Code::NotFound))
}

/// What to say of a case.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CaseNoteAsk)]
pub struct NoteAsk {
    /// Why, or what was done; up to 500 characters.
    pub note: String,
}

/// Says why a case is as it is, or ends it. The same again changes nothing.
///
/// # Errors
/// `not_found` unless it is the merchant's; `invalid_request` for the note; `state_conflict` for a case that
/// is further.
pub async fn decide(app: &App, caller: &Caller, id: CaseId, to: State, ask: NoteAsk) -> Result<Case> {
    text::line("note", &ask.note, MAX_NOTE)?;
    let (caller, now) = (caller.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let before = find(tx, caller.merchant, id).await?;
            if before.state == to && before.note.as_deref() == Some(ask.note.as_str()) {
                return Ok(before.into());
            }
            let may = match (before.state, to) {
                (_, State::Open) | (State::Resolved, _) => false,
                (State::Open | State::Explained, State::Explained | State::Resolved) => true,
            };
            if !may {
                return Err(Problem::new(Code::StateConflict)
                    .detail(format!("The case is {}.", before.state))
                    .with("state", before.state.text()));
            }
            let row: Row = sqlx::query_as(
                "UPDATE reconciliation_cases SET state = $2, note = $3, decided_by = $4, decided_at = $5, version = version + 1
                 WHERE id = $1 RETURNING *",
            )
            .bind(id)
            .bind(to)
            .bind(ask.note.clone())
            .bind(caller.serial.clone())
            .bind(now)
            .fetch_one(&mut *tx)
            .await?;
            changed(tx, &caller, before.state, row.clone(), now).await?;
            Ok(row.into())
        })
        .await
}

async fn changed(tx: &mut Tx, caller: &Caller, before: State, row: Row, now: i64) -> Result<()> {
    let (action, event) = match row.state {
        State::Resolved => ("case.resolve", EventType::CaseResolved),
        State::Open | State::Explained => ("case.explain", EventType::CaseExplained),
    };
    let who = format!("{}/{}", caller.provider.unwrap_or(caller.merchant), caller.serial);
    let entry = Entry::new(who, action, row.id, now).before(before.text()).after(row.state.text());
    audit::log(tx, entry).await?;
    let (merchant, object, version) = (row.merchant, row.id.to_string(), row.version);
    let resource = serde_json::to_value(Case::from(row)).map_err(Problem::internal)?;
    outbox::publish(
        tx,
        NewEvent {
            merchant,
            event,
            object,
            object_version: version,
            occasion: version,
            resource,
            notify_url: None,
            at: now,
        },
    )
    .await
}

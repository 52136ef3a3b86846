//! Our records against a bank's statement of a natural day.
//!
//! Every movement gets one outcome. A statement is the bank's last word: what it lists and we did
//! not know becomes known here, and the exchange goes on from there.

use jialing_ledger::calendar;
use jialing_rails::bank::{BankNotice, Entry, EntryKind};
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row as _};

use super::store::{self, Row};
use super::{BankOutcome, Direction, State, drive_for_a_moment, notice};
use crate::id::InstitutionId;
use crate::{App, Code, Money, Problem, Result, Tx, institutions};

/// Rows looked at together.
const TOGETHER: i64 = 200;
/// Hours after midnight from which the day before is compared.
const STATEMENT_HOUR: i8 = 1;

crate::stored! {
    /// What a comparison came to.
    pub enum Compared {
        /// Both sides say the same.
        Same = "SAME",
        /// Only here.
        More = "MORE",
        /// Only there.
        Less = "LESS",
        /// The amounts differ.
        Diff = "DIFF",
        /// It moved there and has ended otherwise here.
        StateDiff = "STATE_DIFF",
        /// No outcome yet, or booked around midnight: the next statement tells.
        Pending = "PENDING",
    }
}

/// One movement, compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ReconciliationItem)]
pub struct Item {
    /// Our reference, as the bank knows it.
    pub reference: String,
    /// `PULL`, `PUSH` or `RETURN`.
    pub kind: String,
    /// The natural day.
    pub day: String,
    /// What it came to.
    pub outcome: Compared,
    /// What we have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<Money>,
    /// What the bank has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Money>,
    /// Our state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub our_state: Option<State>,
}

/// What the comparison of a day came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ReconciliationReport)]
pub struct Report {
    /// Entries of the bank's statement.
    pub entries: u64,
    /// Items of each outcome: SAME, MORE, LESS, DIFF, STATE_DIFF, PENDING.
    pub same: u64,
    /// Only here.
    pub more: u64,
    /// Only there.
    pub less: u64,
    /// Amounts differ.
    pub diff: u64,
    /// States differ.
    pub state_diff: u64,
    /// Open.
    pub pending: u64,
    /// Everything that is not SAME.
    pub breaks: Vec<Item>,
}

/// Compares our records with the statement of the bank `code` for `day`, writes the outcomes down,
/// and goes on with whatever the statement has settled. Repeating it is safe and brings the outcomes
/// up to date.
///
/// # Errors
/// `not_found`; `bank_unavailable` if the statement cannot be had or does not add up.
pub async fn run(app: &App, code: &str, day: Date) -> Result<Report> {
    let bank = institutions::by_code(app, code).await?;
    let connector = app.connectors.banks.get(code).ok_or(Problem::new(Code::NotFound))?;
    let statement = connector.statement(day).await.map_err(|why| {
        Problem::new(Code::BankUnavailable).detail(format!("The statement of {day} cannot be had: {why}."))
    })?;
    let number = day_number(day)?;
    // A row of the day before may be booked after midnight.
    for ours in [number, number - 1] {
        compare_ours(app, bank.id, ours, ours < number, day, &statement.entries).await?;
    }
    for entry in &statement.entries {
        compare_theirs(app, bank.id, day, entry).await?;
    }
    let (entries, now) = (statement.entries.len() as i64, app.clock.millis());
    app.db.write(async move |tx: &mut Tx| keep_run(tx, bank.id, day, entries, now).await).await?;
    report(app, bank.id, day, statement.entries.len() as u64).await
}

/// Our rows of a day of which the statement may not know.
async fn compare_ours(
    app: &App,
    bank: InstitutionId,
    number: i64,
    day_before: bool,
    day: Date,
    entries: &[Entry],
) -> Result<()> {
    let known: std::collections::HashSet<&str> =
        entries.iter().map(|entry| entry.reference.as_str()).collect();
    let mut after = String::new();
    loop {
        let rows = store::of_day(app.db.read(), bank, number, &after, TOGETHER).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after.clone_from(&last.id);
        let missing: Vec<Row> = rows.into_iter().filter(|row| !known.contains(row.id.as_str())).collect();
        let now = app.clock.millis();
        let settled_later = move |row: &Row| row.settled_at.is_some_and(|at| day_of(at) > number);
        app.db
            .write(async move |tx: &mut Tx| {
                for row in &missing {
                    let earlier = outcome_of(&mut *tx, bank, &row.id, own_kind(row)).await?;
                    let outcome = match (row.bank_outcome, earlier) {
                        // Another day's statement had it, or nothing was to be there.
                        (_, Some(Compared::Same)) | (Some(BankOutcome::Refused), _) => continue,
                        (None, _) if !row.state.is_open() => continue,
                        (None, _) => Compared::Pending,
                        (Some(BankOutcome::Done), _)
                            if !day_before && (settled_later(row) || near_midnight(row)) =>
                        {
                            Compared::Pending
                        }
                        (Some(BankOutcome::Done), _) => Compared::More,
                    };
                    let item = Compare {
                        reference: &row.id,
                        kind: own_kind(row),
                        outcome,
                        ours: Some(row),
                        theirs: None,
                    };
                    keep(tx, bank, day, &item, now).await?;
                }
                Ok(())
            })
            .await?;
    }
}

/// An entry of the statement.
async fn compare_theirs(app: &App, bank: InstitutionId, day: Date, entry: &Entry) -> Result<()> {
    let (id, attempt) = notice::parse(&entry.reference);
    let row = store::find(app.db.read(), id).await?.filter(|row| row.bank_id == bank);
    let outcome = outcome(row.as_ref(), entry, attempt);
    let learns = outcome == Compared::Same || outcome == Compared::StateDiff;
    let (key, now, entry) = (row.as_ref().map(|row| row.id.clone()), app.clock.millis(), entry.clone());
    app.db
        .write(async move |tx: &mut Tx| {
            if let (Some(row), true) = (&row, learns) {
                learn(tx, row, &entry, now).await?;
            }
            let item = Compare {
                reference: &entry.reference,
                kind: entry.kind,
                outcome,
                ours: row.as_ref(),
                theirs: Some(&entry),
            };
            keep(tx, bank, day, &item, now).await
        })
        .await?;
    if let (Some(key), true) = (key, learns)
        && let Err(problem) = drive_for_a_moment(app, &key).await
    {
        tracing::warn!(exchange = key, %problem, "what a statement settled could not be finished now");
    }
    Ok(())
}

/// What an entry of the statement comes to beside our row.
fn outcome(row: Option<&Row>, entry: &Entry, attempt: Option<i64>) -> Compared {
    let Some(row) = row else { return Compared::Less };
    let expected = match (row.direction, entry.kind, attempt) {
        (Direction::TopUp, EntryKind::Pull, None)
        | (Direction::Withdrawal, EntryKind::Push | EntryKind::Return, None) => true,
        (Direction::TopUp, EntryKind::Push | EntryKind::Return, Some(attempt)) => {
            (1..=row.give_back).contains(&attempt)
        }
        _ => false,
    };
    let ended_otherwise = attempt.is_none() && row.state == State::Fail;
    match () {
        () if !expected => Compared::Less,
        () if entry.money.amount != row.fen() || entry.money.currency != "CNY" => Compared::Diff,
        () if ended_otherwise => Compared::StateDiff,
        () => Compared::Same,
    }
}

/// What the statement says is certain.
async fn learn(tx: &mut Tx, row: &Row, entry: &Entry, now: i64) -> Result<()> {
    match (entry.kind, row.direction) {
        (EntryKind::Pull, _) | (EntryKind::Push, Direction::Withdrawal) => {
            store::set_outcome(tx, &row.id, BankOutcome::Done, Some(&entry.bank_ref), None, now).await
        }
        (EntryKind::Return, Direction::Withdrawal) => notice::came_back(tx, row, None, now).await,
        (EntryKind::Push, Direction::TopUp) if entry.reference == row.return_reference() => {
            store::finish(tx, &row.id, State::Returned, None).await
        }
        (EntryKind::Push | EntryKind::Return, Direction::TopUp) => Ok(()),
    }
}

/// A notice about another amount than ours: a break at once.
pub(super) async fn note_difference(app: &App, row: &Row, notice: &BankNotice) -> Result<()> {
    let (row, now) = (row.clone(), app.clock.millis());
    let entry = Entry {
        line: 0,
        bank_ref: notice.bank_ref.clone().unwrap_or_default(),
        reference: notice.reference.clone(),
        kind: notice.kind,
        money: notice.money.clone(),
        at: notice.at,
    };
    app.db
        .write(async move |tx: &mut Tx| {
            let item = Compare {
                reference: &entry.reference,
                kind: entry.kind,
                outcome: Compared::Diff,
                ours: Some(&row),
                theirs: Some(&entry),
            };
            keep(tx, row.bank_id, date_of(now), &item, now).await
        })
        .await
}

/// Compares the day before for every bank that was not compared yet. Answers how many it compared.
///
/// # Errors
/// Any fault of the database; a bank without a statement is tried again later.
pub async fn catch_up(app: &App) -> Result<usize> {
    let zoned = app.clock.now().to_zoned(TimeZone::fixed(offset(8)));
    if zoned.hour() < STATEMENT_HOUR {
        return Ok(0);
    }
    let yesterday = zoned.date().yesterday().map_err(Problem::internal)?;
    let mut compared = 0;
    for bank in institutions::all(app).await? {
        if !app.connectors.banks.contains_key(&bank.code)
            || has_run(app.db.read(), bank.id, yesterday).await?
        {
            continue;
        }
        match run(app, &bank.code, yesterday).await {
            Ok(report) => {
                compared += 1;
                if !report.breaks.is_empty() {
                    tracing::warn!(bank = bank.code, day = %yesterday, breaks = report.breaks.len(), "the statement and our records differ");
                }
            }
            Err(problem) if problem.code == Code::BankUnavailable => {
                tracing::warn!(bank = bank.code, %problem, "no statement yet")
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok(compared)
}

/// One comparison to write down.
struct Compare<'a> {
    reference: &'a str,
    kind: EntryKind,
    outcome: Compared,
    ours: Option<&'a Row>,
    theirs: Option<&'a Entry>,
}

async fn keep(tx: &mut Tx, bank: InstitutionId, day: Date, item: &Compare<'_>, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO reconciliation_items (institution_id, reference, kind, day, outcome, our_amount, their_amount, our_state, bank_ref, compared_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (institution_id, reference, kind) DO UPDATE SET day = $4, outcome = $5, our_amount = $6, their_amount = $7, our_state = $8, bank_ref = $9, compared_at = $10",
    )
    .bind(bank)
    .bind(item.reference.to_owned())
    .bind(kind_text(item.kind))
    .bind(day.to_string())
    .bind(item.outcome)
    .bind(item.ours.map(|row| row.amount))
    .bind(item.theirs.and_then(|entry| i64::try_from(entry.money.amount).ok()))
    .bind(item.ours.map(|row| row.state.text()))
    .bind(item.theirs.map(|entry| entry.bank_ref.clone()))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn keep_run(tx: &mut Tx, bank: InstitutionId, day: Date, entries: i64, now: i64) -> Result<()> {
    let sql = "INSERT INTO reconciliation_runs (institution_id, day, entries, ran_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (institution_id, day) DO UPDATE SET entries = $3, ran_at = $4";
    sqlx::query(sql).bind(bank).bind(day.to_string()).bind(entries).bind(now).execute(&mut *tx).await?;
    Ok(())
}

async fn has_run<'e>(on: impl Executor<'e, Database = Any>, bank: InstitutionId, day: Date) -> Result<bool> {
    let runs: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM reconciliation_runs WHERE institution_id = $1 AND day = $2")
            .bind(bank)
            .bind(day.to_string())
            .fetch_one(on)
            .await?;
    Ok(runs > 0)
}

async fn outcome_of<'e>(
    on: impl Executor<'e, Database = Any>,
    bank: InstitutionId,
    reference: &str,
    kind: EntryKind,
) -> Result<Option<Compared>> {
    let sql =
        "SELECT outcome FROM reconciliation_items WHERE institution_id = $1 AND reference = $2 AND kind = $3";
    Ok(sqlx::query_scalar(sql)
        .bind(bank)
        .bind(reference.to_owned())
        .bind(kind_text(kind))
        .fetch_optional(on)
        .await?)
}

async fn report(app: &App, bank: InstitutionId, day: Date, entries: u64) -> Result<Report> {
    let rows = sqlx::query("SELECT reference, kind, day, outcome, our_amount, their_amount, our_state FROM reconciliation_items WHERE institution_id = $1 AND day = $2 ORDER BY reference")
        .bind(bank)
        .bind(day.to_string())
        .fetch_all(app.db.read())
        .await?;
    let mut report = Report { entries, ..Report::default() };
    for row in &rows {
        let item = read(row)?;
        let count = match item.outcome {
            Compared::Same => &mut report.same,
            Compared::More => &mut report.more,
            Compared::Less => &mut report.less,
            Compared::Diff => &mut report.diff,
            Compared::StateDiff => &mut report.state_diff,
            Compared::Pending => &mut report.pending,
        };
        *count += 1;
        if item.outcome != Compared::Same {
            report.breaks.push(item);
        }
    }
    Ok(report)
}

fn read(row: &AnyRow) -> Result<Item> {
    let money = |amount: Option<i64>| amount.and_then(|amount| u64::try_from(amount).ok()).map(Money::fen);
    Ok(Item {
        reference: row.try_get("reference")?,
        kind: row.try_get("kind")?,
        day: row.try_get("day")?,
        outcome: row.try_get("outcome")?,
        ours: money(row.try_get("our_amount")?),
        theirs: money(row.try_get("their_amount")?),
        our_state: row.try_get("our_state")?,
    })
}

const fn kind_text(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Pull => "PULL",
        EntryKind::Push => "PUSH",
        EntryKind::Return => "RETURN",
    }
}

const fn own_kind(row: &Row) -> EntryKind {
    match row.direction {
        Direction::TopUp => EntryKind::Pull,
        Direction::Withdrawal => EntryKind::Push,
    }
}

/// Whether a bank may have booked the row on the day after it was asked for.
fn near_midnight(row: &Row) -> bool {
    day_of(row.not_after) > day_of(row.created_at)
}

fn day_of(millis: i64) -> i64 {
    i64::from(calendar::day(u64::try_from(millis).unwrap_or(0) * 1_000_000))
}

fn date_of(millis: i64) -> Date {
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    at.to_zoned(TimeZone::fixed(offset(8))).date()
}

fn day_number(day: Date) -> Result<i64> {
    let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::fixed(offset(8))).map_err(Problem::internal)?;
    Ok(day_of(noon.timestamp().as_millisecond()))
}

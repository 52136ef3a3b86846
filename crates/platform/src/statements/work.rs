//! Making the statements of days that are over, and telling merchants.
//!
//! Merchant by merchant the last day's statements are asked for where the wallet moved; the place is kept,
//! so a stop costs nothing, and several nodes do the same work once: the statement's key is the merchant,
//! day, kind and format. A statement whose file is ready is written down and told in one transaction.

use std::time::Duration;

use jiff::civil::Date;
use jiff::{ToSpan, Zoned, tz};
use tokio::task::JoinHandle;

use super::{Format, Kind, State, day, places_of, put, queue, store};
use crate::exports;
use crate::history::{self, account};
use crate::id::MerchantId;
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Problem, Result, Tx, background, merchants};

/// How often somebody looks whether a day is over or a file is ready.
pub const EVERY: Duration = Duration::from_secs(1);
/// Exports that a statement is tried with before it counts as failed; each is itself tried several times.
pub const MAX_TRIES: i64 = 2;
/// Days that are made up for after a stop, at most; what lies further back is asked for.
pub const MOST_DAYS_BACK: i64 = 35;
/// Merchants looked at between two marks of how far a day is.
const MERCHANTS: u32 = 100;
/// Statements looked at in one go.
const TOGETHER: i64 = 1_000;

/// Makes and tells for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "statements could not be asked for or told", |app| async move {
        advance(&app).await?;
        while ask_for_some(&app).await? {}
        Ok(())
    })
}

/// Asks for the statements of some merchants of the oldest day that is over and not done; false if there is
/// nothing to do.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn ask_for_some(app: &App) -> Result<bool> {
    let Some((text, after)) = next_day(app).await? else { return Ok(false) };
    let some = merchants::wallets_after(app, &after, MERCHANTS).await?;
    // The day's places are the same for every account.
    let found = match some.first() {
        Some((_, wallet)) => Some(places_of(app, wallet.number(), &text).await?),
        None => None,
    };
    if let Some((_, places)) = found {
        history::range::told(app, places.end).await?;
    }
    for ((merchant, _), (range, places)) in some.iter().zip(found.into_iter().cycle()) {
        let account = account::merchant_wallet(app, *merchant).await?;
        if history::store::count(app, &account.key(), places.first, places.end, 1).await? == 0 {
            continue;
        }
        for kind in [Kind::Trades, Kind::Funds] {
            let row = put(app, *merchant, &text, (kind, Format::CsvGz), None).await?;
            if row.state == State::Making {
                queue(app, &row, range, places).await?;
            }
        }
    }
    let last = some.last().map_or(after, |(merchant, _)| merchant.to_string());
    let done = some.len() < MERCHANTS as usize;
    app.db.write(async move |tx: &mut Tx| store::advance_day(tx, &text, &last, done).await).await?;
    Ok(true)
}

/// The day to go on with, and the merchant after whom.
async fn next_day(app: &App) -> Result<Option<(String, String)>> {
    let yesterday = today(app).checked_sub(1.day()).map_err(Problem::internal)?;
    let nobody = String::new();
    let day = match store::newest_day(app).await? {
        Some((day, after, 0)) => return Ok(Some((day, after))),
        Some((day, ..)) => {
            let day: Date = day.parse().map_err(Problem::internal)?;
            let furthest = yesterday.checked_sub(MOST_DAYS_BACK.days()).map_err(Problem::internal)?;
            day.checked_add(1.day()).map_err(Problem::internal)?.max(furthest)
        }
        None => yesterday,
    };
    // The ledger's time may be a moment behind the clock's.
    let is_over = day <= yesterday && app.engine.now() / 1_000_000 >= midnight_after(day)?;
    Ok(is_over.then(|| (day.to_string(), nobody)))
}

/// The day it is at UTC+8.
fn today(app: &App) -> Date {
    Zoned::new(app.clock.now(), tz::TimeZone::fixed(tz::offset(8))).date()
}

fn midnight_after(day: Date) -> Result<u64> {
    let next = day.checked_add(1.day()).map_err(Problem::internal)?;
    let at = next.to_zoned(tz::TimeZone::fixed(tz::offset(8))).map_err(Problem::internal)?;
    u64::try_from(at.timestamp().as_millisecond()).map_err(Problem::internal)
}

/// Writes down and tells which statements are ready, and tries again those that could not be made.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn advance(app: &App) -> Result<()> {
    for row in store::making(app, TOGETHER).await? {
        if let Err(problem) = advance_one(app, &row).await {
            tracing::error!(statement = %row.id, %problem, fault = problem.internal.as_deref(), "a statement waits");
        }
    }
    Ok(())
}

async fn advance_one(app: &App, row: &store::Row) -> Result<()> {
    let account = account::merchant_wallet(app, row.merchant).await?;
    let Some(made) = exports::made(app, &account, row.export).await? else {
        // A stop came between writing the statement down and putting its file into the queue.
        let (range, places) = day(app, row.merchant, &row.day).await?;
        return queue(app, row, range, places).await;
    };
    match made.state() {
        exports::State::Queued | exports::State::Running => Ok(()),
        exports::State::Ready => publish(app, row, &made).await,
        exports::State::Failed | exports::State::Cancelled | exports::State::Expired => {
            let (row, now, for_good) = (row.clone(), app.clock.millis(), row.tries >= MAX_TRIES);
            if for_good {
                tracing::error!(statement = %row.id, merchant = %row.merchant, day = row.day, "a statement could not be made");
            }
            app.db.write(async move |tx: &mut Tx| store::give_up(tx, &row, for_good, now).await).await
        }
    }
}

async fn publish(app: &App, row: &store::Row, made: &exports::Made) -> Result<()> {
    let missing = || Problem::internal(format!("the file of statement {} is not described", row.id));
    let finished = store::Finished {
        balances: made.balances(),
        totals: made.totals().ok_or_else(missing)?.to_owned(),
        file: made.file().ok_or_else(missing)?,
        expires_at: made.expires_at().ok_or_else(missing)?,
    };
    let (row, now) = (row.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let Some(row) = store::finish(tx, &row, &finished, now).await? else { return Ok(()) };
            tell(tx, row.merchant, &row, now).await
        })
        .await
}

async fn tell(tx: &mut Tx, merchant: MerchantId, row: &store::Row, now: i64) -> Result<()> {
    let resource = serde_json::to_value(row.shown(now)).map_err(Problem::internal)?;
    outbox::publish(
        tx,
        NewEvent {
            merchant,
            event: EventType::StatementReady,
            object: row.id.to_string(),
            object_version: row.version,
            occasion: row.version,
            resource,
            notify_url: None,
            at: now,
        },
    )
    .await
}

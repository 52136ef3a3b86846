//! Monitoring: what an integrator's servers asked of the signed API, how it went, and what it is told of it.
//!
//! The edge counts each request whose key was proved in a [`Meter`]; [`flush`] writes what a node counted into
//! `integration_counts` every minute, by adding, so any number of nodes may count for one merchant. What a node
//! counted since is added from its memory when figures are read there, so that an answer lags by a minute
//! at most. A process that is killed loses the minute that it had not written; one that is stopped writes it.
//!
//! A merchant's figures hold all that was asked for it, a service provider's besides what it asked for others.
//! Figures are kept [`rules::KEPT_DAYS`] days. [`alerts`] looks at the last minutes.

pub mod alerts;
mod meter;
pub mod rules;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::clock::rfc3339;
use crate::id::MerchantId;
use crate::merchants::{self, Caller};
use crate::sessions::Actor;
use crate::webhooks::health::{self, EndpointFigures};
use crate::{App, Code, Problem, Result, Tx, background};

pub use alerts::Alert;
pub use meter::{Key, MAX_CELLS, Meter};
pub use rules::{AlertRule, Figures};

use rules::Sums;

pub(crate) const MINUTE_MS: i64 = 60_000;
/// How often a node writes what it counted.
const EVERY: Duration = Duration::from_secs(60);
/// What is shown without `from`.
const DEFAULT_MS: i64 = 60 * MINUTE_MS;
/// Other sides that are listed, those with the most requests first.
const MOST_SIDES: usize = 100;

/// Which figures are asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MonitoringAsk {
    /// Not before this time, RFC 3339; an hour before `to` where it is absent.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Before this time, RFC 3339; now where it is absent. At most 30 days after `from`.
    #[param(format = DateTime)]
    pub to: Option<String>,
}

/// How an integration is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Monitoring {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The first minute, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
    /// The first minute after it, RFC 3339.
    #[schema(format = DateTime)]
    pub to: String,
    /// All requests of the time.
    pub total: Figures,
    /// Minutes that a point of `series` stands for.
    pub step_minutes: i64,
    /// The same over time, oldest first; points without a request are left out.
    pub series: Vec<Point>,
    /// What service providers asked for this merchant: part of `total`.
    pub providers: Vec<Side>,
    /// What this service provider asked for other merchants: not part of `total`.
    pub acting_for: Vec<Side>,
    /// Its endpoints.
    pub webhooks: Vec<EndpointFigures>,
    /// What is wrong now.
    pub alerts: Vec<Alert>,
}

/// Figures of a part of the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MonitoringPoint)]
pub struct Point {
    /// Its first minute, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Figures of one other side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MonitoringSide)]
pub struct Side {
    /// The other side's id: the provider that asked, or the merchant that was asked for.
    pub merchant_id: MerchantId,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Whole minutes since 1970, the end left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: i64,
    to: i64,
}

impl MonitoringAsk {
    fn range(&self, now: i64) -> Result<Range> {
        let time = |field: &'static str, text: &str| {
            text.parse::<jiff::Timestamp>()
                .map(|at| at.as_millisecond())
                .map_err(|_| refused(field, &format!("`{field}` is a time as in 2026-11-22T08:00:00+08:00.")))
        };
        let to = self.to.as_deref().map_or(Ok(now), |text| time("to", text))?;
        let from =
            self.from.as_deref().map_or(Ok(to.saturating_sub(DEFAULT_MS)), |text| time("from", text))?;
        if to <= from {
            return Err(refused("to", "`to` is after `from`."));
        }
        if to.saturating_sub(from) > rules::KEPT_DAYS * 24 * 60 * MINUTE_MS {
            return Err(refused("to", &format!("At most {} days.", rules::KEPT_DAYS)));
        }
        // Minutes that are touched count whole; the present one is touched from its first moment on.
        let end = match self.to {
            Some(_) => to.saturating_add(MINUTE_MS - 1).div_euclid(MINUTE_MS),
            None => to.div_euclid(MINUTE_MS) + 1,
        };
        Ok(Range { from: from.div_euclid(MINUTE_MS), to: end })
    }
}

fn refused(field: &'static str, detail: &str) -> Problem {
    Problem::new(Code::InvalidRequest).field(field).detail(detail)
}

/// The figures of a merchant for its own server, or for a provider that acts for it: then only what that
/// provider asked.
///
/// # Errors
/// `invalid_request`, naming the field.
pub async fn of(app: &App, meter: &Meter, caller: &Caller, ask: &MonitoringAsk) -> Result<Monitoring> {
    read(app, meter, caller.merchant, caller.provider, ask).await
}

/// The figures of one's own merchant.
///
/// # Errors
/// `not_found` unless the actor owns it; `invalid_request`, naming the field.
pub async fn owned(
    app: &App,
    meter: &Meter,
    actor: &Actor,
    merchant: MerchantId,
    ask: &MonitoringAsk,
) -> Result<Monitoring> {
    merchants::owned(app, actor, merchant).await?;
    read(app, meter, merchant, None, ask).await
}

async fn read(
    app: &App,
    meter: &Meter,
    merchant: MerchantId,
    only: Option<MerchantId>,
    ask: &MonitoringAsk,
) -> Result<Monitoring> {
    let range = ask.range(app.clock.millis())?;
    let step = rules::step(range.to - range.from);
    let bounds = (range.from, range.to);
    let live = Live::of(meter, merchant, range);
    let mut slots: BTreeMap<i64, Sums> = BTreeMap::new();
    let written = store::series(app, merchant, only, (range.from, range.to, step)).await?;
    let counted = live.asked_for(merchant, only).map(|(key, row)| (key.minute / step, row.0, row.1));
    for (slot, what, times) in written.into_iter().chain(counted) {
        slots.entry(slot).or_default().add(&what, times.unsigned_abs());
    }
    let (mut providers, mut acting_for) = (Vec::new(), Vec::new());
    if only.is_none() {
        let rows =
            store::by_provider(app, merchant, bounds).await?.into_iter().chain(live.by_provider(merchant));
        providers = sides(rows)?;
        let rows =
            store::by_merchant(app, merchant, bounds).await?.into_iter().chain(live.by_merchant(merchant));
        acting_for = sides(rows)?;
    }
    let mut total = Sums::default();
    for sums in slots.values() {
        total.join(sums);
    }
    let at = |slot: i64| rfc3339((slot * step).max(range.from) * MINUTE_MS);
    Ok(Monitoring {
        merchant_id: merchant,
        from: rfc3339(range.from * MINUTE_MS),
        to: rfc3339(range.to * MINUTE_MS),
        total: total.figures(),
        step_minutes: step,
        series: slots.iter().map(|(slot, sums)| Point { at: at(*slot), figures: sums.figures() }).collect(),
        providers,
        acting_for,
        webhooks: health::figures(app, merchant, (range.from * MINUTE_MS, range.to * MINUTE_MS)).await?,
        alerts: store::lasting(app, Some(merchant)).await?.iter().map(|one| one.shown(None)).collect(),
    })
}

/// What this node counted and has not written, as rows of the table.
struct Live(Vec<(Key, (String, i64))>);

impl Live {
    fn of(meter: &Meter, merchant: MerchantId, range: Range) -> Self {
        let cells =
            meter.of(merchant).into_iter().filter(|(key, _)| (range.from..range.to).contains(&key.minute));
        let rows = cells.flat_map(|(key, cell)| {
            store::rows(&key, &cell).into_iter().map(move |row| (key, row.counted())).collect::<Vec<_>>()
        });
        Self(rows.collect())
    }

    fn asked_for(
        &self,
        merchant: MerchantId,
        only: Option<MerchantId>,
    ) -> impl Iterator<Item = (Key, (String, i64))> + '_ {
        let mine = move |key: &Key| key.merchant == merchant && (only.is_none() || key.provider == only);
        self.0.iter().filter(move |(key, _)| mine(key)).cloned()
    }

    fn by_provider(&self, merchant: MerchantId) -> impl Iterator<Item = (String, String, i64)> + '_ {
        let mine = self.0.iter().filter(move |(key, _)| key.merchant == merchant);
        mine.filter_map(|(key, (what, times))| Some((key.provider?.to_string(), what.clone(), *times)))
    }

    fn by_merchant(&self, provider: MerchantId) -> impl Iterator<Item = (String, String, i64)> + '_ {
        let mine = self.0.iter().filter(move |(key, _)| key.provider == Some(provider));
        mine.map(|(key, (what, times))| (key.merchant.to_string(), what.clone(), *times))
    }
}

/// Rows of anybody as sums of each.
fn fold(rows: impl IntoIterator<Item = (String, String, i64)>) -> BTreeMap<String, Sums> {
    let mut all: BTreeMap<String, Sums> = BTreeMap::new();
    for (who, what, times) in rows {
        all.entry(who).or_default().add(&what, times.unsigned_abs());
    }
    all
}

fn sides(rows: impl IntoIterator<Item = (String, String, i64)>) -> Result<Vec<Side>> {
    let mut sides = Vec::new();
    for (who, sums) in fold(rows) {
        sides.push(Side { merchant_id: who.parse().map_err(Problem::internal)?, figures: sums.figures() });
    }
    sides.sort_by_key(|side: &Side| std::cmp::Reverse(side.figures.requests));
    sides.truncate(MOST_SIDES);
    Ok(sides)
}

/// Writes what a node counts every minute, for as long as the handle lives.
#[must_use]
pub fn keep_writing(app: &App, meter: Arc<Meter>) -> JoinHandle<()> {
    background::every(app, EVERY, "what integrators asked could not be written down", move |app| {
        let meter = meter.clone();
        async move { flush(&app, &meter).await }
    })
}

/// Writes what was counted; how many cells. What cannot be written is put back and comes with the next time; a
/// commit whose answer was lost may count a minute twice.
///
/// # Errors
/// Any fault of the database.
pub async fn flush(app: &App, meter: &Meter) -> Result<usize> {
    let (cells, left_out) = meter.take();
    if left_out > 0 {
        tracing::warn!(left_out, room = MAX_CELLS, "requests of integrators found no room to be counted");
    }
    if cells.is_empty() {
        return Ok(0);
    }
    let counts: Vec<store::Count> = cells.iter().flat_map(|(key, cell)| store::rows(key, cell)).collect();
    let written = app.db.write(async move |tx: &mut Tx| store::add(tx, &counts).await).await;
    let count = cells.len();
    if let Err(problem) = written {
        let lost = meter.give_back(cells);
        if lost > 0 {
            tracing::warn!(lost, "cells of integrators' figures found no room again");
        }
        return Err(problem);
    }
    Ok(count)
}

/// Forgets figures older than [`rules::KEPT_DAYS`] days; how many rows. Call it now and then.
///
/// # Errors
/// Any fault of the database.
pub async fn expire(app: &App) -> Result<u64> {
    let before = app.clock.millis() / MINUTE_MS - rules::KEPT_DAYS * 24 * 60;
    app.db.write(async move |tx: &mut Tx| store::forget(tx, before).await).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_whole_minutes_and_of_bounded_length() {
        let now = 1_795_000_000_000;
        let ask = |from: Option<i64>, to: Option<i64>| {
            let text = |at: i64| rfc3339(at);
            MonitoringAsk { from: from.map(text), to: to.map(text) }
        };
        let check = |ask: MonitoringAsk, expect: std::result::Result<i64, &str>| {
            let range = ask.range(now).map(|range| range.to - range.from);
            let range = range.as_ref().map_err(|problem| problem.field.as_deref().unwrap_or_default());
            assert_eq!(range.copied(), expect, "{ask:?}");
        };
        let days = 24 * 60 * MINUTE_MS;
        check(ask(None, None), Ok(61));
        assert_eq!(
            ask(None, None).range(120_000).map(|range| range.to).ok(),
            Some(3),
            "the minute that begins"
        );
        check(ask(Some(now - MINUTE_MS), Some(now)), Ok(2));
        check(ask(Some(MINUTE_MS), Some(2 * MINUTE_MS)), Ok(1));
        check(ask(Some(now), Some(now)), Err("to"));
        check(ask(Some(now - 30 * days), None), Ok(30 * 24 * 60 + 1));
        check(ask(Some(now - 30 * days - 1), None), Err("to"));
        let odd = |text: &str| MonitoringAsk { from: Some(text.into()), to: None };
        check(odd("yesterday"), Err("from"));
        check(odd("9999-12-30T00:00:00Z"), Err("to"));
    }
}

//! Alerts: what an integrator is told while something is wrong with its integration, and when it is over.
//!
//! A look judges the [`rules::WINDOW_MINUTES`] whole minutes that ended a minute ago, so that every node has
//! written its part, and the endpoints that fail. An incident begins with the first look that finds a rule broken
//! and is told once as `integration.alert`; it is over, and told as `integration.recovered`, once no look found
//! it for [`rules::QUIET_MINUTES`]. Any number of nodes may look: the row of the incident decides who
//! tells. Memory is bounded by what is wrong, not by how many integrations there are.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::rules::{self, AlertRule, Sums};
use super::store::{self, Incident};
use super::{MINUTE_MS, fold};
use crate::clock::rfc3339;
use crate::id::MerchantId;
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Problem, Result, Tx, background, webhooks};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);
/// Changes that one job writes.
const TOGETHER: usize = 200;

/// Something that is wrong, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = IntegrationAlert)]
pub struct Alert {
    /// Which rule was broken.
    pub rule: AlertRule,
    /// The error code, or the endpoint's id; absent for rules about all requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What was measured when it began: per cent, milliseconds, or minutes, as the rule counts.
    pub measured: u64,
    /// The bound that was crossed.
    pub threshold: u64,
    /// When it began, RFC 3339.
    #[schema(format = DateTime)]
    pub began_at: String,
    /// When it was over, RFC 3339; absent while it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub recovered_at: Option<String>,
}

impl Incident {
    pub(super) fn shown(&self, recovered_at: Option<i64>) -> Alert {
        Alert {
            rule: self.rule,
            subject: Some(self.subject.clone()).filter(|subject| !subject.is_empty()),
            measured: self.measured.unsigned_abs(),
            threshold: self.rule.threshold(),
            began_at: rfc3339(self.began_at),
            recovered_at: recovered_at.map(rfc3339),
        }
    }
}

/// A rule that a look found broken.
#[derive(Clone, Debug)]
struct Broken {
    merchant: MerchantId,
    rule: AlertRule,
    subject: String,
    measured: u64,
}

/// Looks every minute for as long as the handle lives.
#[must_use]
pub fn keep_looking(app: &App) -> JoinHandle<()> {
    background::every(
        app,
        EVERY,
        "integrations could not be looked at",
        |app| async move { look(&app).await },
    )
}

/// Looks once: begins incidents and ends those that are over. Done again in the same minute it changes nothing.
///
/// # Errors
/// Any fault of the database; safe to repeat.
pub async fn look(app: &App) -> Result<()> {
    let now = app.clock.millis();
    let end = now / MINUTE_MS - 1;
    let mut broken = measured(app, (end - rules::WINDOW_MINUTES, end)).await?;
    broken.extend(failing(app, now).await?);
    for together in broken.chunks(TOGETHER) {
        let together = together.to_vec();
        app.db
            .write(async move |tx: &mut Tx| {
                for one in &together {
                    let about = (one.merchant, one.rule, one.subject.as_str());
                    let measured = i64::try_from(one.measured).unwrap_or(i64::MAX);
                    if let Some(incident) = store::begin(tx, about, measured, now).await? {
                        tell(tx, &incident, None, now).await?;
                    }
                }
                Ok(())
            })
            .await?;
    }
    let quiet_since = now - rules::QUIET_MINUTES * MINUTE_MS;
    let over: Vec<Incident> =
        store::lasting(app, None).await?.into_iter().filter(|one| one.seen_at <= quiet_since).collect();
    for together in over.chunks(TOGETHER) {
        let together = together.to_vec();
        app.db
            .write(async move |tx: &mut Tx| {
                for incident in &together {
                    if store::end(tx, incident, quiet_since, now).await? {
                        tell(tx, incident, Some(now), now).await?;
                    }
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// What the counts of these minutes break, integration by integration.
async fn measured(app: &App, window: (i64, i64)) -> Result<Vec<Broken>> {
    let (mut broken, mut after) = (Vec::new(), String::new());
    loop {
        let (mut rows, all) = store::everybody(app, window, &after).await?;
        if !all {
            // The last integration may be cut off: it comes whole with the next part.
            let last = rows.last().map(|(who, ..)| who.clone()).unwrap_or_default();
            rows.retain(|(who, ..)| *who != last);
        }
        let Some((last, ..)) = rows.last() else { return Ok(broken) };
        after.clone_from(last);
        for (who, sums) in fold(rows) {
            broken.extend(found(&who, &sums)?);
        }
        if all {
            return Ok(broken);
        }
    }
}

fn found(who: &str, sums: &Sums) -> Result<Vec<Broken>> {
    let merchant: MerchantId = who.parse().map_err(Problem::internal)?;
    let broken = sums.broken().into_iter();
    Ok(broken
        .map(|(rule, subject, measured)| Broken { merchant, rule, subject: subject.to_owned(), measured })
        .collect())
}

/// Endpoints that have failed for too long.
async fn failing(app: &App, now: i64) -> Result<Vec<Broken>> {
    let since = now - rules::ENDPOINT_FAILS_MINUTES * MINUTE_MS;
    let endpoints = webhooks::health::failing(app, since).await?;
    Ok(endpoints
        .into_iter()
        .map(|one| Broken {
            merchant: one.merchant,
            rule: AlertRule::Endpoint,
            subject: one.webhook.to_string(),
            measured: ((now - one.failing_since) / MINUTE_MS).unsigned_abs(),
        })
        .collect())
}

async fn tell(tx: &mut Tx, incident: &Incident, recovered_at: Option<i64>, now: i64) -> Result<()> {
    let resource = serde_json::to_value(incident.shown(recovered_at)).map_err(Problem::internal)?;
    let (event, version) = match recovered_at {
        None => (EventType::IntegrationAlert, incident.number * 2 - 1),
        Some(_) => (EventType::IntegrationRecovered, incident.number * 2),
    };
    let event = NewEvent {
        merchant: incident.merchant,
        event,
        object: format!("{}/{}/{}", incident.merchant, incident.rule, incident.subject),
        object_version: version,
        occasion: incident.number,
        resource,
        notify_url: None,
        at: now,
    };
    outbox::publish(tx, event).await
}

//! The doors of one sandbox that are not the platform's: `/v1/sandbox/*` below its base address, for
//! whoever has its token.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jialing_conform::{Outcome, Report as Conformance, Scenario, System, Told, signed};
use jialing_platform::id::EventId;
use jialing_platform::outbox;
use jialing_platform::{Code, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::faults::{FaultKind, FaultOrder};
use crate::grounds::Grounds;
use crate::notices::Report;
use crate::payers::{Manner, Ordered};
use crate::refused::Refused;
use crate::triggers::{self, Trigger};
use crate::yard::Yard;

/// The longest that an answer waits for something to tell, milliseconds.
const MOST_WAIT_MS: u64 = 30_000;
/// Between two looks for events.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// The longest body, bytes.
pub(crate) const BODY_BYTES: usize = 64 << 10;

/// What the doors have at hand.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) grounds: Arc<Grounds>,
    pub(crate) yard: Arc<Yard>,
}

type Answer = Result<Json<Value>, Refused>;

pub(crate) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/sandbox", get(card).delete(remove))
        .route("/v1/sandbox/clock", get(clock).post(advance))
        .route("/v1/sandbox/faults", get(faults).post(order_fault).delete(clear_faults))
        .route("/v1/sandbox/payers", get(payers).put(tell_payers))
        .route("/v1/sandbox/payments", post(pay))
        .route("/v1/sandbox/triggers", post(trigger))
        .route("/v1/sandbox/logs", get(logs))
        .route("/v1/sandbox/notices", get(notices))
        .route("/v1/sandbox/notices/{delivery_id}", post(report))
        .route("/v1/sandbox/resends", post(resend))
        .route("/v1/sandbox/keys/rotation", post(rotate))
        .route("/v1/sandbox/conformance", get(seen))
        .route("/v1/sandbox/conformance/reports", post(sign))
        .fallback(async || Refused::from(Code::NotFound))
        .method_not_allowed_fallback(async || Refused::from(Code::MethodNotAllowed))
}

/// The body as `T`; unknown members are refused.
pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::new(Code::InvalidRequest).detail(format!("The body: {error}.")))
}

fn told(value: impl serde::Serialize) -> Answer {
    serde_json::to_value(value).map(Json).map_err(|error| Problem::internal(error).into())
}

/// `GET /v1/sandbox`
async fn card(State(Desk { yard, .. }): State<Desk>) -> Answer {
    let kept = yard.kept();
    told(json!({
        "sandbox_id": kept.id,
        "name": kept.name,
        "base_url": yard.base,
        "clock": yard.shown(),
        "merchant": kept.merchant.map(|merchant| json!({
            "merchant_id": merchant.merchant_id, "serial_no": merchant.serial_no,
        })),
        "payers": kept.manner,
        "faults": yard.around.faults.waiting().len(),
        "notices": yard.around.notices.waiting(),
        "keys": yard.answer_keys().iter().map(|key| key.id().to_owned()).collect::<Vec<_>>(),
    }))
}

/// `DELETE /v1/sandbox`
async fn remove(State(Desk { grounds, yard }): State<Desk>) -> StatusCode {
    let id = yard.kept().id;
    drop(yard);
    grounds.remove(&id).await;
    StatusCode::NO_CONTENT
}

/// `GET /v1/sandbox/clock`
async fn clock(State(Desk { yard, .. }): State<Desk>) -> Answer {
    told(yard.shown())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: i64,
}

/// `POST /v1/sandbox/clock`
async fn advance(State(Desk { yard, .. }): State<Desk>, body: Bytes) -> Answer {
    let Advance { advance_s } = read(&body)?;
    told(yard.advance(advance_s).await?)
}

/// `GET /v1/sandbox/faults`
async fn faults(State(Desk { yard, .. }): State<Desk>) -> Answer {
    told(json!({ "items": yard.around.faults.waiting() }))
}

/// `POST /v1/sandbox/faults`
async fn order_fault(State(Desk { yard, .. }): State<Desk>, body: Bytes) -> Result<Response, Refused> {
    let order: FaultOrder = read(&body)?;
    let waiting = yard.around.faults.order(order)?;
    Ok((StatusCode::CREATED, Json(json!({ "items": waiting }))).into_response())
}

/// `DELETE /v1/sandbox/faults`
async fn clear_faults(State(Desk { yard, .. }): State<Desk>) -> StatusCode {
    yard.around.faults.clear();
    StatusCode::NO_CONTENT
}

/// `GET /v1/sandbox/payers`
async fn payers(State(Desk { yard, .. }): State<Desk>) -> Answer {
    told(yard.kept().manner)
}

/// `PUT /v1/sandbox/payers`
async fn tell_payers(State(Desk { yard, .. }): State<Desk>, body: Bytes) -> Answer {
    let manner: Manner = read(&body)?;
    told(yard.tell_payers(manner)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    order_id: String,
}

/// `POST /v1/sandbox/payments`
async fn pay(State(Desk { yard, .. }): State<Desk>, body: Bytes) -> Answer {
    let Pay { order_id } = read(&body)?;
    let id = order_id.parse().map_err(|_| Problem::new(Code::NotFound).field("order_id"))?;
    let (merchant, _) = yard.merchant()?;
    let name = jialing_platform::orders::Name::Id(id);
    let order = jialing_platform::orders::of(&yard.app, merchant, &name).await?;
    let ordered =
        Ordered { order_id, merchant_id: merchant.to_string(), amount: order.amount.amount, expires_at: 0 };
    match yard.payers()?.pay(&ordered).await {
        Ok(paid) => told(json!({
            "order_id": ordered.order_id, "state": paid.state, "transaction_id": paid.transaction_id,
        })),
        Err(jialing_sdk::Error::Refused(problem)) => {
            let code = Code::ALL.iter().copied().find(|code| code.text() == problem.code);
            let detail = problem.detail.unwrap_or(problem.title);
            Err(Problem::new(code.unwrap_or(Code::StateConflict)).detail(detail).into())
        }
        Err(error) => Err(Problem::new(Code::OutcomeUnknown).detail(error.to_string()).into()),
    }
}

/// `POST /v1/sandbox/triggers`
async fn trigger(State(Desk { yard, .. }): State<Desk>, body: Bytes) -> Answer {
    let ask: Trigger = read(&body)?;
    told(triggers::pull(&yard, &ask).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait_ms: u64,
}

fn waiting(wait_ms: u64) -> Result<Duration, Problem> {
    if wait_ms > MOST_WAIT_MS {
        return Err(Problem::new(Code::InvalidRequest).field("wait_ms").detail("At most 30,000."));
    }
    Ok(Duration::from_millis(wait_ms))
}

fn query<T>(query: Result<Query<T>, axum::extract::rejection::QueryRejection>) -> Result<T, Problem> {
    query
        .map(|Query(query)| query)
        .map_err(|error| Problem::new(Code::InvalidRequest).detail(error.body_text()))
}

/// `GET /v1/sandbox/logs?after=…&wait_ms=…`
async fn logs(
    State(Desk { yard, .. }): State<Desk>,
    ask: Result<Query<Since>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let Since { after, wait_ms } = query(ask)?;
    let wait = waiting(wait_ms)?;
    told(json!({ "items": yard.around.journal.after(after, wait).await }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    #[serde(default)]
    wait_ms: u64,
}

/// `GET /v1/sandbox/notices?wait_ms=…`: those that are due, to be delivered and reported by the caller.
async fn notices(
    State(Desk { yard, .. }): State<Desk>,
    ask: Result<Query<Wait>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let Wait { wait_ms } = query(ask)?;
    let until = tokio::time::Instant::now() + waiting(wait_ms)?;
    let (merchant, _) = yard.merchant()?;
    let mut moves = yard.app.clock.moves();
    loop {
        moves.borrow_and_update();
        let around = &yard.around;
        for lost in around.notices.take_up(&yard.app, merchant, &around.faults).await? {
            yard.watch(|watch, _| watch.lost_notice(&lost));
        }
        let due = around.notices.claim(&yard.app, &yard.answers);
        if !due.is_empty() || tokio::time::Instant::now() >= until {
            return told(json!({ "items": due }));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = moves.changed() => {}
        }
    }
}

/// `POST /v1/sandbox/notices/{delivery_id}`
async fn report(
    State(Desk { yard, .. }): State<Desk>,
    Path(delivery_id): Path<String>,
    body: Bytes,
) -> Answer {
    let report: Report = read(&body)?;
    let settled = yard.around.notices.report(&yard.app, &delivery_id, &report)?;
    let told_of = Told {
        event: &settled.event,
        event_id: &settled.event_id,
        object: &settled.object,
        fault: settled.fault.map(FaultKind::name),
        genuine: settled.genuine,
        status: report.status,
        serial: yard.answers.public().id(),
    };
    yard.watch(|watch, at| watch.told(&told_of, at));
    if settled.acknowledges {
        let (merchant, _) = yard.merchant()?;
        let event: EventId = settled.event_id.parse().map_err(Problem::internal)?;
        outbox::acknowledge(&yard.app, merchant, event).await?;
    }
    told(json!({
        "event_id": settled.event_id, "type": settled.event, "attempts": settled.attempts,
        "fault": settled.fault, "acknowledged": settled.acknowledges,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resend {
    event_id: String,
}

/// `POST /v1/sandbox/resends`
async fn resend(State(Desk { yard, .. }): State<Desk>, body: Bytes) -> Answer {
    let Resend { event_id } = read(&body)?;
    let id: EventId = event_id.parse().map_err(|_| Problem::new(Code::NotFound).field("event_id"))?;
    let (merchant, _) = yard.merchant()?;
    let event = outbox::get(&yard.app, merchant, id).await?;
    yard.around.notices.resend(&yard.app, merchant, &event).await?;
    told(json!({ "event_id": event_id, "type": event.event }))
}

/// `POST /v1/sandbox/keys/rotation`
async fn rotate(State(Desk { grounds, yard }): State<Desk>) -> Answer {
    let id = yard.kept().id;
    drop(yard);
    told(json!({ "serial": grounds.rotate(&id).await? }))
}

/// What the integrator's traffic has shown of each scenario.
fn outcomes(yard: &Yard) -> Vec<Outcome> {
    yard.watch(|watch, _| watch.outcomes())
}

/// `GET /v1/sandbox/conformance`
async fn seen(State(Desk { yard, .. }): State<Desk>) -> Answer {
    let outcomes = outcomes(&yard);
    let item = |outcome: &Outcome| {
        let Outcome { scenario, seen, .. } = outcome;
        json!({ "scenario": scenario, "zh": scenario.zh(), "en": scenario.en(), "seen": seen })
    };
    told(json!({
        "passed": outcomes.iter().all(Outcome::passed),
        "items": outcomes.iter().map(item).collect::<Vec<_>>(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    #[serde(default)]
    system: System,
    /// What a driver did and found, beside what the sandbox saw itself.
    #[serde(default)]
    outcomes: Vec<Outcome>,
}

/// Steps of a driver that a report takes.
const MOST_STEPS: usize = 50;

/// `POST /v1/sandbox/conformance/reports`: the signed report of what the sandbox saw itself, with what a
/// driver adds. What the sandbox did not see has not passed, whatever the driver says.
async fn sign(State(Desk { yard, .. }): State<Desk>, body: Bytes) -> Answer {
    let Sign { system, outcomes: driven } = read(&body)?;
    let steps = |scenario: Scenario| {
        let mine = driven.iter().filter(|outcome| outcome.scenario == scenario);
        mine.flat_map(|outcome| outcome.steps.clone()).take(MOST_STEPS).collect()
    };
    let outcomes: Vec<Outcome> = outcomes(&yard)
        .into_iter()
        .map(|outcome| Outcome { steps: steps(outcome.scenario), ..outcome })
        .collect();
    let (merchant, _) = yard.merchant()?;
    let made_at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let report = Conformance::new(made_at, yard.kept().id, merchant.to_string(), system, &outcomes);
    told(signed::sign(&report, &yard.answers))
}

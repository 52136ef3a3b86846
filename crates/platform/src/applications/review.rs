//! What operators decide. Every step has its audit entry, its place in the application's states, and an event.

use serde::{Deserialize, Serialize};

use super::store::{self, Decision, Row};
use super::{Application, Correction, State, agreement, rules};
use crate::audit::{self, Entry};
use crate::id::{ApplicationId, MerchantId};
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Code, Problem, Result, Tx, text};

/// What to correct.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationCorrectionsAsk)]
pub struct CorrectionsAsk {
    /// Field by field.
    pub corrections: Vec<Correction>,
}

/// An operator's no.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationRefuseAsk)]
pub struct RefuseAsk {
    /// Why, up to 500 characters; the owner reads it.
    pub reason: String,
}

/// Longest name of an operator, characters.
const MAX_OPERATOR: usize = 64;

/// How an operator stands in the record.
fn who(operator: &str) -> Result<String> {
    text::key("operator", operator)?;
    if operator.len() > MAX_OPERATOR {
        return Err(Problem::new(Code::InvalidRequest).field("operator"));
    }
    Ok(format!("operator/{operator}"))
}

/// The operator takes a submitted application to look at it. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `state_conflict` unless it is submitted, or somebody else has it.
pub async fn take(app: &App, operator: &str, id: ApplicationId) -> Result<Application> {
    let (operator, now) = (who(operator)?, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, id).await?;
            match row.state {
                State::InReview if row.reviewer.as_deref() == Some(operator.as_str()) => Ok(()),
                State::Submitted => {
                    let decision = Decision { reviewer: Some(operator.clone()), ..Decision::default() };
                    store::decide(tx, id, &decision).await?;
                    let row = store::locked(tx, id).await?;
                    turn(tx, &row, State::InReview, (&operator, "application.take"), now).await
                }
                state => Err(rules::conflict(state)),
            }
        })
        .await?;
    super::read(app, id).await
}

/// Gives an application back, saying what to correct.
///
/// # Errors
/// `not_found`; `invalid_request`, naming the field; `state_conflict` unless it is in review.
pub async fn return_to(
    app: &App,
    operator: &str,
    id: ApplicationId,
    ask: CorrectionsAsk,
) -> Result<Application> {
    rules::corrections(&ask.corrections)?;
    let corrections = serde_json::to_string(&ask.corrections).map_err(Problem::internal)?;
    let decision = Decision { corrections: Some(corrections), ..Decision::default() };
    decide(app, operator, id, State::Returned, decision, "application.return").await
}

/// Refuses an application for good.
///
/// # Errors
/// `not_found`; `invalid_request` for the reason; `state_conflict` unless it is in review.
pub async fn refuse(app: &App, operator: &str, id: ApplicationId, ask: RefuseAsk) -> Result<Application> {
    text::line("reason", &ask.reason, rules::MAX_TEXT)?;
    let decision = Decision { reason: Some(ask.reason), ..Decision::default() };
    decide(app, operator, id, State::Refused, decision, "application.refuse").await
}

async fn decide(
    app: &App,
    operator: &str,
    id: ApplicationId,
    to: State,
    decision: Decision,
    action: &'static str,
) -> Result<Application> {
    let (operator, now) = (who(operator)?, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, id).await?;
            if row.state != State::InReview {
                return Err(rules::conflict(row.state));
            }
            let decision = Decision { reviewer: row.reviewer.clone(), ..decision.clone() };
            store::decide(tx, id, &decision).await?;
            let row = store::locked(tx, id).await?;
            turn(tx, &row, to, (&operator, action), now).await
        })
        .await?;
    super::read(app, id).await
}

/// Approves an application. The first operator's approval waits for a second one's; the same operator's again
/// changes nothing. With the second the merchant is registered and the agreement offered.
///
/// # Errors
/// `not_found`; `state_conflict` unless it is in review.
pub async fn approve(app: &App, operator: &str, id: ApplicationId) -> Result<Application> {
    let (operator, now) = (who(operator)?, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, id).await?;
            if row.state != State::InReview {
                return if row.second_approver.is_some() { Ok(row) } else { Err(rules::conflict(row.state)) };
            }
            let decision = Decision {
                reviewer: row.reviewer.clone(),
                first_approver: row.first_approver.clone().or(Some(operator.clone())),
                ..Decision::default()
            };
            match row.first_approver.as_deref() {
                Some(first) if first == operator => {}
                None => {
                    store::decide(tx, id, &decision).await?;
                    log(tx, id, (operator.clone(), "application.approve_first"), None, now).await?;
                }
                Some(_) => {
                    let decision = Decision { second_approver: Some(operator.clone()), ..decision };
                    store::decide(tx, id, &decision).await?;
                    let row = store::locked(tx, id).await?;
                    turn(tx, &row, State::Approved, (&operator, "application.approve"), now).await?;
                }
            }
            store::locked(tx, id).await
        })
        .await?;
    if row.state == State::Approved {
        agreement::offer(app, row).await?;
    }
    super::read(app, id).await
}

/// Moves an application on, writes down who did it, and tells the merchant to be.
pub(super) async fn turn(
    tx: &mut Tx,
    row: &Row,
    to: State,
    (who, action): (&str, &'static str),
    now: i64,
) -> Result<()> {
    let turned = store::turn(tx, row, to).await?;
    store::mark(tx, &turned, who, now).await?;
    log(tx, row.id, (who.to_owned(), action), Some((row.state, to)), now).await?;
    tell(tx, &turned, now).await
}

/// Writes an audit entry.
pub(super) async fn log(
    tx: &mut Tx,
    id: ApplicationId,
    (who, action): (String, &'static str),
    change: Option<(State, State)>,
    now: i64,
) -> Result<()> {
    let mut entry = Entry::new(who, action, id, now);
    if let Some((before, after)) = change {
        entry = entry.before(before.text()).after(after.text());
    }
    audit::log(tx, entry).await.map(drop)
}

/// The merchant that an application is about: registered under the application's own number.
pub(super) const fn merchant_of(row: &Row) -> MerchantId {
    match row.merchant {
        Some(merchant) => merchant,
        None => row.id.cast(),
    }
}

async fn tell(tx: &mut Tx, row: &Row, now: i64) -> Result<()> {
    let event = match row.state {
        State::Draft => return Ok(()),
        State::Submitted => EventType::ApplicationSubmitted,
        State::InReview => EventType::ApplicationTaken,
        State::Returned => EventType::ApplicationReturned,
        State::Approved => EventType::ApplicationApproved,
        State::Refused => EventType::ApplicationRefused,
        State::AgreementPending => EventType::ApplicationOffered,
        State::Active => EventType::ApplicationActivated,
    };
    // Ids, states and what to correct: personal data stays where it is sealed.
    let corrections: serde_json::Value = match &row.corrections {
        Some(text) => serde_json::from_str(text).map_err(Problem::internal)?,
        None => serde_json::Value::Null,
    };
    let resource = serde_json::json!({
        "id": row.id,
        "state": row.state,
        "kind": row.kind,
        "name_zh": row.name_zh,
        "name_en": row.name_en,
        "merchant_id": row.merchant,
        "corrections": corrections,
        "reason": row.reason,
        "version": row.version,
    });
    outbox::publish(
        tx,
        NewEvent {
            merchant: merchant_of(row),
            event,
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

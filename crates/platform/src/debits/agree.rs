//! Proposing, approving and refusing an agreement.

use jialing_engine::SubmitError;
use jialing_ledger::{Command, PolicyVersion};
use serde::{Deserialize, Serialize};

use super::{ACTION, DebitAgreement, PayerAgreement, Period, State, rules, store};
use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{DebitAgreementId, PersonId, WalletId};
use crate::merchants::{self, Caller};
use crate::orders::{Made, rules::MAX_DESCRIPTION};
use crate::outbox::{self, EventType};
use crate::sessions::Actor;
use crate::{
    App, Code, Money, Problem, Result, Tx, devices, mandates, orders, pins, policies, text, wallets,
};

/// An agreement to propose.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DebitAgreementAsk)]
pub struct AgreementAsk {
    /// Your number of it, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    #[schema(example = "gym-2026-0001")]
    pub out_agreement_no: String,
    /// What is paid for, up to 127 characters; the payer reads it.
    #[schema(example = "健身月卡")]
    pub description: String,
    /// The most that one debit takes.
    pub max_amount: Money,
    /// What the number of debits is counted in.
    pub period: Period,
    /// The most debits in one period, 1 to 366.
    pub max_count: i64,
    /// Until when debits may be made, RFC 3339, at most ten years ahead.
    pub valid_until: String,
    /// Where events about it and its debits are sent: http or https.
    pub notify_url: Option<String>,
}

/// A payer's yes.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveAsk {
    /// The wallet that pays.
    pub wallet_id: WalletId,
    /// The payment PIN: debits need none later.
    pub pin: String,
    /// What your device signed: action `debit_agreement`, payee the merchant's id, amount the most that
    /// one debit takes, subject as the agreement says.
    pub evidence: devices::EvidenceAsk,
}

/// Most debits in one period.
const MAX_COUNT: i64 = 366;

/// Proposes an agreement. The same parameters again answer the one there is.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field; `merchant_inactive`; `conflict`, naming the
/// first field that differs.
pub async fn propose(app: &App, caller: &Caller, ask: AgreementAsk) -> Result<Made<DebitAgreement>> {
    let now = app.clock.millis();
    let valid_until = check(app, &ask, now).await?;
    let used = merchants::active(app, caller.merchant).await.map(drop);
    let expires_at = now + policies::number(app, "debit_proposal_validity").await? * 1000;
    let merchant = caller.merchant;
    let made = app
        .db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = store::numbered(tx, merchant, &ask.out_agreement_no).await? {
                same(&row, &ask, valid_until)?;
                return Ok(Made { value: row, fresh: false });
            }
            used.clone()?;
            if valid_until <= now {
                return Err(Problem::new(Code::InvalidRequest)
                    .field("valid_until")
                    .detail("An agreement ends after now."));
            }
            let row =
                store::insert(tx, merchant, &ask, valid_until, now, expires_at.min(valid_until)).await?;
            Ok(Made { value: row, fresh: true })
        })
        .await?;
    Ok(Made { value: made.value.shown(now), fresh: made.fresh })
}

async fn check(app: &App, ask: &AgreementAsk, now: i64) -> Result<i64> {
    text::key("out_agreement_no", &ask.out_agreement_no)?;
    text::line("description", &ask.description, MAX_DESCRIPTION)?;
    ask.max_amount.positive("max_amount")?;
    ask.notify_url.as_deref().map_or(Ok(()), |address| text::url("notify_url", address))?;
    let wrong = |field: &str, detail: String| Problem::new(Code::InvalidRequest).field(field).detail(detail);
    if !(1..=MAX_COUNT).contains(&ask.max_count) {
        return Err(wrong("max_count", format!("A period has from 1 to {MAX_COUNT} debits.")));
    }
    let longest = policies::number(app, "debit_agreement_days").await?;
    let until = orders::moment("valid_until", Some(&ask.valid_until))?.unwrap_or(0);
    if until > now + longest * 86_400_000 {
        return Err(wrong("valid_until", format!("An agreement ends within {longest} days.")));
    }
    Ok(until)
}

fn same(row: &store::Row, ask: &AgreementAsk, valid_until: i64) -> Result<()> {
    let differs = [
        ("max_amount", row.max_amount.unsigned_abs() != ask.max_amount.amount),
        ("period", row.period != ask.period),
        ("max_count", row.max_count != ask.max_count),
        ("valid_until", row.valid_until != valid_until),
        ("description", row.description != ask.description),
        ("notify_url", row.notify_url != ask.notify_url),
    ];
    Problem::conflict_if(differs, |field| {
        format!("`out_agreement_no` was used for an agreement with another `{field}`.")
    })
    .map_err(|problem| problem.with("debit_agreement_id", row.id.to_string()))
}

/// The payer says yes. Done again by the same person, it answers the agreement.
///
/// # Errors
/// `not_found` for a proposal that is unknown or another's by now, or a wallet that is not the actor's;
/// `debit_agreement_unusable` where it does not wait any more; `wallet_unavailable`;
/// `merchant_inactive`; those of device evidence and the PIN; `state_conflict` when the wallet has as
/// many agreements as the policy `debit_agreements_per_wallet` allows.
pub async fn approve(
    app: &App,
    actor: &Actor,
    id: DebitAgreementId,
    ask: ApproveAsk,
) -> Result<PayerAgreement> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::seen_by(&mut connection, id, actor.person).await?;
    drop(connection);
    match row.state_at(app.clock.millis()) {
        State::Proposed => {}
        State::Opening => return super::told(app, publish(app, row).await?).await,
        State::Active => return super::told(app, row).await,
        state => return Err(unusable(state)),
    }
    wallets::of(app, actor.person, ask.wallet_id).await?.may_pay()?;
    merchants::active(app, row.merchant).await?;
    let evidence = devices::Evidence {
        action: ACTION,
        payee: row.merchant.to_string(),
        amount: orders::fen(row.max_amount),
        subject: rules::subject_of(&row),
        wallet: ask.wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    pins::verify(app, actor, &ask.pin).await?;
    let most = policies::number(app, "debit_agreements_per_wallet").await?;
    let (person, now) = (actor.person, app.clock.millis());
    let approved = app
        .db
        .write(async move |tx: &mut Tx| {
            let digest = signed.keep(tx).await?.digest;
            if store::live(tx, ask.wallet_id).await? >= most {
                return Err(Problem::new(Code::StateConflict)
                    .detail(format!("A wallet has at most {most} debit agreements. Cancel one first."))
                    .with("limit", most));
            }
            let policy = mandates::next_policy(tx).await?;
            let by = store::Approval { person, wallet: ask.wallet_id, digest, policy };
            match store::approve(tx, id, &by, now).await? {
                Some(row) => {
                    note(tx, person, "debit_agreement.approve", &row, now).await?;
                    Ok(row)
                }
                // Somebody was faster, perhaps the same person.
                None => store::seen_by(tx, id, person).await,
            }
        })
        .await?;
    let row = match approved.state {
        State::Opening => publish(app, approved).await?,
        State::Active => approved,
        state => return Err(unusable(state)),
    };
    super::told(app, row).await
}

/// Tells the ledger the limits of an agreement that is opening, and makes it active. Done again, it
/// changes nothing.
pub(super) async fn publish(app: &App, row: store::Row) -> Result<store::Row> {
    let policy = row.policy.ok_or_else(|| Problem::internal("an approved agreement has no policy"))?;
    let published = PolicyVersion {
        policy: u32::try_from(policy).map_err(Problem::internal)?,
        version: 1,
        from: row.approved_at.unwrap_or(row.created_at).unsigned_abs() * 1_000_000,
        bounds: rules::bounds(row.period, row.max_amount.unsigned_abs(), row.max_count.unsigned_abs()),
    };
    match app.engine.submit(Command::PublishPolicy(published)).await {
        Ok(_) => {}
        Err(SubmitError::Refused(refusal)) => {
            return Err(Problem::internal(format!("the ledger refused an agreement's limits: {refusal}")));
        }
        Err(other) => return Err(wallets::stopped(other)),
    }
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| match store::activate(tx, row.id).await? {
            Some(active) => {
                tell(tx, EventType::DebitAgreementApproved, &active, now).await?;
                Ok(active)
            }
            None => store::find(tx, row.id).await?.ok_or(Problem::new(Code::NotFound)),
        })
        .await
}

/// The payer says no to a proposal. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `debit_agreement_unusable` where it does not wait any more.
pub async fn refuse(app: &App, actor: &Actor, id: DebitAgreementId) -> Result<PayerAgreement> {
    let (person, now) = (actor.person, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::seen_by(tx, id, person).await?;
            match row.state_at(now) {
                State::Refused => Ok(row),
                State::Proposed => {
                    let ended = store::end(tx, &row, State::Refused, None, now).await?;
                    let ended = ended.ok_or_else(Problem::again)?;
                    note(tx, person, "debit_agreement.refuse", &ended, now).await?;
                    tell(tx, EventType::DebitAgreementRefused, &ended, now).await?;
                    Ok(ended)
                }
                state => Err(unusable(state)),
            }
        })
        .await?;
    super::told(app, row).await
}

pub(super) fn unusable(state: State) -> Problem {
    Problem::new(Code::DebitAgreementUnusable).detail(format!("The agreement is {state}."))
}

/// Tells the merchant what became of an agreement, in the transaction of the change.
pub(super) async fn tell(tx: &mut Tx, event: EventType, row: &store::Row, at: i64) -> Result<()> {
    let new = outbox::NewEvent {
        merchant: row.merchant,
        event,
        object: row.id.to_string(),
        object_version: row.version,
        occasion: row.version,
        resource: serde_json::to_value(row.clone().shown(at)).map_err(Problem::internal)?,
        notify_url: row.notify_url.clone(),
        at,
    };
    outbox::publish(tx, new).await
}

pub(super) async fn note(
    tx: &mut Tx,
    who: PersonId,
    action: &'static str,
    row: &store::Row,
    at: i64,
) -> Result<()> {
    let after = serde_json::json!({ "state": row.state, "valid_until": rfc3339(row.valid_until) });
    let entry = Entry {
        who: who.to_string(),
        action,
        subject: row.id.to_string(),
        before: None,
        after: Some(after),
        at,
    };
    audit::log(tx, entry).await.map(drop)
}

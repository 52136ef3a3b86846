//! Announcing a debit: its order is made, the payer is told, and its time is set.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Debit, Name, Retry, State, agree, rules, store};
use crate::clock::rfc3339;
use crate::id::{DebitAgreementId, StoreId};
use crate::merchants::{self, Caller};
use crate::notices::{self, NoticeCode};
use crate::orders::{self, Goods, Made, OrderAsk, Way};
use crate::{App, Code, Money, Problem, Result, Tx, policies};

/// A debit to announce.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DebitAsk {
    /// Your number of its order, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    pub out_trade_no: String,
    /// What is paid for, up to 127 characters; the payer is told.
    pub description: String,
    /// What is taken, at most what the agreement allows.
    pub amount: Money,
    /// When, RFC 3339; as soon as the notice allows by default.
    pub due_at: Option<String>,
    /// What is done if it fails; `NONE` by default.
    pub retry: Option<Retry>,
    /// What it consists of, up to 50 lines.
    pub goods_detail: Option<Vec<Goods>>,
    /// One of your stores.
    pub store_id: Option<StoreId>,
    /// Your own data, up to 128 characters, told back with the order.
    pub attach: Option<String>,
    /// Where events about its order are sent: http or https.
    pub notify_url: Option<String>,
    /// What campaigns look at, up to 32 characters.
    pub goods_tag: Option<String>,
}

/// Announces a debit: tells the payer, and makes it when its time has come. The same parameters again
/// answer the debit as it stands.
///
/// # Errors
/// Those of [`orders::create`]; `not_found` for another merchant's agreement;
/// `debit_agreement_unusable` unless it is active; `over_single_limit` above what one debit may take;
/// `invalid_request` for a time that is too early, too late or after the agreement's end;
/// `state_conflict` where as many debits wait as a period allows; `conflict`, naming the field.
pub async fn announce(
    app: &App,
    caller: &Caller,
    id: DebitAgreementId,
    ask: DebitAsk,
) -> Result<Made<Debit>> {
    let mut connection = app.db.read().acquire().await?;
    let agreement = store::named(&mut connection, caller.merchant, &Name::Id(id)).await?;
    let asked = orders::moment("due_at", ask.due_at.as_deref())?;
    let retry = ask.retry.unwrap_or(Retry::None);
    let known = orders::store::numbered(&mut connection, caller.merchant, &ask.out_trade_no).await?;
    let debit = match &known {
        Some(order) => store::debit(&mut connection, order.id.cast()).await?,
        None => None,
    };
    drop(connection);
    let order = order(&ask);
    if let (Some(row), Some(debit)) = (&known, debit) {
        same(&debit, id, asked, retry)?;
        orders::rules::same(row, &order, Way::Debit(0))?;
        return Ok(Made { value: debit.into(), fresh: false });
    }
    let due_at = due(app, &agreement, &ask, asked).await?;
    let patience = patience(app, retry).await?;
    let placed = orders::place(app, caller, order, Way::Debit(patience.until(due_at))).await?.value;
    let new = store::NewDebit {
        agreement: id,
        merchant: caller.merchant,
        order: placed.id,
        amount: placed.amount,
        due_asked: asked,
        due_at,
        retry,
        digest: caller.digest(),
    };
    keep(app, agreement, new, &ask.description).await
}

fn order(ask: &DebitAsk) -> OrderAsk {
    OrderAsk {
        out_trade_no: ask.out_trade_no.clone(),
        description: ask.description.clone(),
        amount: ask.amount,
        goods_detail: ask.goods_detail.clone(),
        store_id: ask.store_id,
        terminal: None,
        expires_in: None,
        attach: ask.attach.clone(),
        notify_url: ask.notify_url.clone(),
        return_url: None,
        goods_tag: ask.goods_tag.clone(),
        split: None,
    }
}

/// Whether the request repeats what the debit was announced by.
fn same(debit: &store::DebitRow, id: DebitAgreementId, due: Option<i64>, retry: Retry) -> Result<()> {
    let differs = [
        ("debit_agreement_id", debit.agreement != id),
        ("due_at", debit.due_asked != due),
        ("retry", debit.retry != retry),
    ];
    Problem::conflict_if(differs, |field| {
        format!("`out_trade_no` was used for a debit with another `{field}`.")
    })
    .map_err(|problem| problem.with("debit_id", debit.id.to_string()))
}

/// When the debit is made, if it may be announced now.
async fn due(app: &App, agreement: &store::Row, ask: &DebitAsk, asked: Option<i64>) -> Result<i64> {
    let now = app.clock.millis();
    let state = agreement.state_at(now);
    if state != State::Active {
        return Err(agree::unusable(state));
    }
    if ask.amount.positive("amount")? > agreement.max_amount.unsigned_abs() {
        return Err(Problem::new(Code::OverSingleLimit)
            .field("amount")
            .with("limited_by", "debit_agreement")
            .with("limit", agreement.max_amount));
    }
    let day = 86_400_000;
    let notice = policies::number(app, "debit_notice_days").await?;
    let ahead = policies::number(app, "debit_ahead_days").await?;
    let due = asked.unwrap_or(now + notice * day);
    let wrong = |detail: String| Err(Problem::new(Code::InvalidRequest).field("due_at").detail(detail));
    if due < now + notice * day {
        return wrong(format!("The payer is told at least {notice} days before."));
    }
    if due > now + ahead * day {
        return wrong(format!("A debit is announced at most {ahead} days ahead."));
    }
    if due >= agreement.valid_until {
        return wrong("The agreement ends before.".to_owned());
    }
    Ok(due)
}

/// How a debit with this choice is tried again.
pub(super) async fn patience(app: &App, retry: Retry) -> Result<rules::Patience> {
    let (tries, days) =
        (policies::number(app, "debit_retries").await?, policies::number(app, "debit_retry_days").await?);
    Ok(rules::Patience::of(retry, tries, days))
}

/// Keeps the debit and tells the payer.
async fn keep(
    app: &App,
    agreement: store::Row,
    new: store::NewDebit,
    description: &str,
) -> Result<Made<Debit>> {
    let merchant = merchants::read(app, agreement.merchant).await?;
    let person = agreement.person.ok_or_else(|| Problem::internal("an active agreement has no payer"))?;
    let (now, most) = (app.clock.millis(), agreement.max_count);
    let params = json!({
        "amount": new.amount,
        "counterparty": merchant.name_zh,
        "counterparty_en": merchant.name_en,
        "description": description,
        "due_at": rfc3339(new.due_at),
    });
    app.db
        .write(async move |tx: &mut Tx| {
            if let Some(debit) = store::debit(tx, new.order.cast()).await? {
                same(&debit, new.agreement, new.due_asked, new.retry)?;
                return Ok(Made { value: debit.into(), fresh: false });
            }
            let state =
                store::find(tx, new.agreement).await?.map_or(State::Cancelled, |row| row.state_at(now));
            if state != State::Active {
                return Err(agree::unusable(state));
            }
            if store::waiting(tx, new.agreement).await?.len() as i64 >= most {
                return Err(Problem::new(Code::StateConflict)
                    .detail(format!("{most} debits wait already, as many as a period allows.")));
            }
            let debit = store::add_debit(tx, &new, now).await?.ok_or_else(Problem::again)?;
            let notice = notices::New::about(
                person,
                NoticeCode::DebitAhead,
                params.clone(),
                debit.id.to_string(),
                now,
            );
            notices::tell(tx, notice).await?;
            Ok(Made { value: debit.into(), fresh: true })
        })
        .await
}

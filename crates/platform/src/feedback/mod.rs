//! Feedback: what integrators and readers of the documents write to the people who run the platform, and the
//! answer.
//!
//! A merchant's server writes with its signature and is told of the answer by the event `feedback.answered`.
//! Anyone may write by the public form; there an answer reaches whoever left a way to be reached, by the
//! operator's own means. What is written and whom to answer may be personal data: it lies sealed and never
//! enters a log line or an event. Bounded are the text, what waits for an answer of one merchant and of
//! the public, and how long it is kept.
//!
//! `OPEN → ANSWERED`.

mod store;

use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{FeedbackId, MerchantId};
use crate::merchants::Caller;
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Code, Page, Problem, Result, Tx, stored, text};

pub use store::ListAsk;

/// Longest text and longest answer, characters.
pub const MAX_TEXT: usize = 4_000;
/// Longest way to be reached, characters.
pub const MAX_CONTACT: usize = 120;
/// Longest name of where it happened, characters.
pub const MAX_ABOUT: usize = 200;
/// Feedback of one merchant that may wait for an answer.
pub const MAX_OPEN_OF_MERCHANT: i64 = 50;
/// Feedback of the public that may wait for an answer.
pub const MAX_OPEN_OF_PUBLIC: i64 = 5_000;
/// Days that feedback is kept.
pub const KEPT_DAYS: i64 = 730;
/// After how many seconds one may try again where too much waits.
const RETRY_AFTER: u64 = 3_600;

stored! {
    /// What feedback is about.
    #[schema(as = FeedbackTopic)]
    pub enum Topic {
        /// Something does not work as it is described.
        Fault = "FAULT",
        /// The documents.
        Documents = "DOCUMENTS",
        /// The sandbox and its tools.
        Sandbox = "SANDBOX",
        /// Something that is missing.
        Wish = "WISH",
        /// Anything else.
        Other = "OTHER",
    }
}

stored! {
    /// Where feedback stands.
    #[schema(as = FeedbackState)]
    pub enum State {
        /// It waits for an answer.
        Open = "OPEN",
        /// It was answered; final.
        Answered = "ANSWERED",
    }
}

/// Feedback to give.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackAsk {
    /// What it is about.
    pub topic: Topic,
    /// The text, up to 4,000 characters; lines are parted by line feeds.
    #[schema(example = "沙箱里 close_order 之后 read_order 仍返回 NOTPAY。")]
    pub text: String,
    /// The page, the operation or the `Request-Id`, up to 200 characters.
    #[schema(example = "close_order")]
    pub about: Option<String>,
    /// How to reach you, up to 120 characters; without it nobody can ask back.
    #[schema(example = "dev@shop.example")]
    pub contact: Option<String>,
}

impl FeedbackAsk {
    fn check(&self) -> Result<()> {
        text::lines("text", &self.text, MAX_TEXT)?;
        text::optional_line("about", self.about.as_deref(), MAX_ABOUT)?;
        text::optional_line("contact", self.contact.as_deref(), MAX_CONTACT)
    }
}

/// An operator's answer.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackAnswerAsk {
    /// The answer, up to 4,000 characters; the merchant reads it.
    pub answer: String,
}

/// That feedback was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeedbackReceived {
    /// Its id: name it when you ask back.
    pub id: FeedbackId,
    /// Where it stands.
    pub state: State,
    /// When it came, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Feedback, with its answer once there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Feedback {
    /// Its id.
    pub id: FeedbackId,
    /// The merchant that gave it; absent from the public form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_id: Option<MerchantId>,
    /// The caller and its key, as in the record: the merchant or its service provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// What it is about.
    pub topic: Topic,
    /// The text.
    pub text: String,
    /// The page, the operation or the `Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How to reach whoever wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Where it stands.
    pub state: State,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// When it was answered, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub answered_at: Option<String>,
    /// When it came, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Takes in a merchant's feedback under `id`. The same id again answers what there is.
///
/// # Errors
/// `invalid_request`, naming the field; `rate_limited` while too much of the merchant's waits.
pub async fn give(app: &App, caller: &Caller, id: FeedbackId, ask: FeedbackAsk) -> Result<FeedbackReceived> {
    let sender = format!("{}/{}", caller.provider.unwrap_or(caller.merchant), caller.serial);
    take_in(app, id, Some((caller.merchant, sender)), ask).await
}

/// Takes in anybody's feedback under `id`. The same id again answers what there is.
///
/// # Errors
/// `invalid_request`, naming the field; `rate_limited` while too much of the public's waits.
pub async fn give_publicly(app: &App, id: FeedbackId, ask: FeedbackAsk) -> Result<FeedbackReceived> {
    take_in(app, id, None, ask).await
}

async fn take_in(
    app: &App,
    id: FeedbackId,
    from: Option<(MerchantId, String)>,
    ask: FeedbackAsk,
) -> Result<FeedbackReceived> {
    ask.check()?;
    let said = serde_json::to_vec(&ask).map_err(Problem::internal)?;
    let said = app.seal.seal(&said, &place(id));
    let (topic, now) = (ask.topic, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = store::find(tx, id).await? {
                return Ok(row);
            }
            let merchant = from.as_ref().map(|(merchant, _)| *merchant);
            let most = if merchant.is_some() { MAX_OPEN_OF_MERCHANT } else { MAX_OPEN_OF_PUBLIC };
            if store::open(tx, merchant).await? >= most {
                return Err(Problem::new(Code::RateLimited).retry_after(RETRY_AFTER).detail(format!(
                    "{most} of these wait for an answer; it will be read, please come back."
                )));
            }
            store::insert(tx, id, from.clone(), (topic, &said), now).await?;
            store::find(tx, id)
                .await?
                .ok_or_else(|| Problem::internal("feedback that was written is not there"))
        })
        .await?;
    Ok(FeedbackReceived { id: row.id, state: row.state, created_at: rfc3339(row.created_at) })
}

/// Feedback of a merchant, with its answer once there is one.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, id: FeedbackId) -> Result<Feedback> {
    let row = read_row(app, id).await?.filter(|row| row.merchant == Some(merchant));
    shown(app, row.ok_or(Problem::new(Code::NotFound))?)
}

/// Every feedback that fits, newest first, for operators.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn all(app: &App, ask: &ListAsk) -> Result<Page<Feedback>> {
    let rows = store::all(app, ask).await?;
    let items = rows.items.into_iter().map(|row| shown(app, row)).collect::<Result<Vec<_>>>()?;
    Ok(Page { items, has_more: rows.has_more })
}

/// One feedback, for operators.
///
/// # Errors
/// `not_found`.
pub async fn read(app: &App, id: FeedbackId) -> Result<Feedback> {
    shown(app, read_row(app, id).await?.ok_or(Problem::new(Code::NotFound))?)
}

/// Answers feedback, and tells the merchant. The same answer again changes nothing.
///
/// # Errors
/// `not_found`; `invalid_request` for the answer; `conflict` where another answer was given.
pub async fn answer(app: &App, operator: &str, id: FeedbackId, ask: FeedbackAnswerAsk) -> Result<Feedback> {
    text::key("operator", operator)?;
    text::lines("answer", &ask.answer, MAX_TEXT)?;
    let (who, now) = (format!("operator/{operator}"), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
            match row.answer.as_deref() {
                Some(given) if given == ask.answer => return Ok(()),
                Some(_) => {
                    return Err(Problem::new(Code::Conflict)
                        .field("answer")
                        .detail("It was answered with other words, and whoever asked was told them."));
                }
                None => {}
            }
            store::answer(tx, id, (&ask.answer, &who), now).await?;
            audit::log(tx, Entry::new(&who, "feedback.answer", id, now).after(State::Answered.text()))
                .await?;
            match row.merchant {
                Some(merchant) => tell(tx, merchant, &row, &ask.answer, now).await,
                None => Ok(()),
            }
        })
        .await?;
    read(app, id).await
}

/// Tells the merchant the answer: what it wrote itself stays where it is sealed.
async fn tell(tx: &mut Tx, merchant: MerchantId, row: &store::Row, answer: &str, now: i64) -> Result<()> {
    let resource = serde_json::json!({
        "id": row.id,
        "topic": row.topic,
        "state": State::Answered,
        "answer": answer,
        "answered_at": rfc3339(now),
    });
    let event = NewEvent {
        merchant,
        event: EventType::FeedbackAnswered,
        object: row.id.to_string(),
        object_version: 2,
        occasion: 2,
        resource,
        notify_url: None,
        at: now,
    };
    outbox::publish(tx, event).await
}

async fn read_row(app: &App, id: FeedbackId) -> Result<Option<store::Row>> {
    let mut connection = app.db.read().acquire().await?;
    store::find(&mut connection, id).await
}

/// Where feedback is sealed.
fn place(id: FeedbackId) -> Vec<u8> {
    format!("feedback.said/{id}").into_bytes()
}

fn shown(app: &App, row: store::Row) -> Result<Feedback> {
    let said = app.seal.open(&row.said, &place(row.id)).map_err(Problem::internal)?;
    let said: FeedbackAsk = serde_json::from_slice(&said).map_err(Problem::internal)?;
    Ok(Feedback {
        id: row.id,
        merchant_id: row.merchant,
        sender: row.sender,
        topic: row.topic,
        text: said.text,
        about: said.about,
        contact: said.contact,
        state: row.state,
        answer: row.answer,
        answered_at: row.answered_at.map(rfc3339),
        created_at: rfc3339(row.created_at),
    })
}

/// Forgets feedback older than [`KEPT_DAYS`] days; how many. Call it now and then.
///
/// # Errors
/// Any fault of the database.
pub async fn expire(app: &App) -> Result<u64> {
    let before = app.clock.millis() - KEPT_DAYS * 86_400_000;
    app.db.write(async move |tx: &mut Tx| store::forget(tx, before).await).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feedback_is_checked_field_by_field() {
        let ask = || FeedbackAsk {
            topic: Topic::Fault,
            text: "It answers 500.\nEvery time.".into(),
            about: Some("create_order".into()),
            contact: None,
        };
        let check = |change: fn(&mut FeedbackAsk), field: Option<&str>| {
            let mut ask = ask();
            change(&mut ask);
            assert_eq!(ask.check().err().and_then(|problem| problem.field).as_deref(), field);
        };
        check(|_| {}, None);
        check(|ask| ask.text = "字".repeat(MAX_TEXT), None);
        check(|ask| ask.text = "字".repeat(MAX_TEXT + 1), Some("text"));
        check(|ask| ask.text = "\n".into(), Some("text"));
        check(|ask| ask.about = Some("a\nb".into()), Some("about"));
        check(|ask| ask.about = Some("x".repeat(MAX_ABOUT + 1)), Some("about"));
        check(|ask| ask.contact = Some(String::new()), Some("contact"));
        check(|ask| ask.contact = Some("x".repeat(MAX_CONTACT + 1)), Some("contact"));
    }
}

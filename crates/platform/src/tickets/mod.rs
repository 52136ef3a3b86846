//! Tickets: what a person asks, complains of or contests, and what the people who run the platform answer.
//!
//! `OPEN → ANSWERED → CLOSED`. Whoever writes again opens it once more, until one side closes it. A ticket
//! about a payment names one of the person's own. What is written is personal: it lies sealed under the
//! person's own key, never enters a log line, a notice or the audit, and is gone when the person is erased
//! or [`KEPT_DAYS`] after the last word. Bounded are the text, the messages of a ticket, the tickets of a
//! person that are not closed, and how often one may write.

mod desk;
mod store;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::history::{self, HistoryAsk};
use crate::id::{OrderId, PersonId, TicketId};
use crate::people::{self, audited};
use crate::sessions::Actor;
use crate::sessions::quotas::{self, Quota};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, audit, stored, text, wallets};

pub use desk::{DeskMessage, DeskTicket, all, answer, close_for, read_for};

/// Longest message, characters.
pub const MAX_TEXT: usize = 2_000;
/// Messages of a ticket at most.
pub const MAX_MESSAGES: i64 = 100;
/// Tickets of a person that are not closed, at most.
pub const MAX_OPEN: i64 = 20;
/// Days that a ticket is kept after the last word in it.
pub const KEPT_DAYS: i64 = 730;

stored! {
    /// What a ticket is about.
    #[schema(as = TicketTopic)]
    pub enum Topic {
        /// Anything one wants to know.
        Question = "QUESTION",
        /// Something that went wrong.
        Complaint = "COMPLAINT",
        /// A payment that one did not make, or not so.
        ContestPayment = "CONTEST_PAYMENT",
        /// Money that a merchant is to give back.
        AskRefund = "ASK_REFUND",
        /// A device that is lost.
        LostDevice = "LOST_DEVICE",
    }
}

stored! {
    /// Where a ticket stands.
    #[schema(as = TicketState)]
    pub enum State {
        /// It waits for an answer.
        Open = "OPEN",
        /// It was answered; writing again opens it.
        Answered = "ANSWERED",
        /// It is over; final.
        Closed = "CLOSED",
    }
}

stored! {
    /// Who wrote a message.
    #[schema(as = TicketAuthor)]
    pub enum Author {
        /// The person whose ticket it is.
        You = "YOU",
        /// The people who run the platform.
        Staff = "STAFF",
    }
}

/// A ticket to open.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketAsk {
    /// What it is about.
    pub topic: Topic,
    /// The id of what it is about. To contest a payment, or ask for a refund, that of your payment: the
    /// `subject` of the movement; the order's for a refund.
    #[schema(example = "ord_01k9zq6m8e0000000000000000")]
    pub subject: Option<String>,
    /// What you want to say, up to 2,000 characters; lines are parted by line feeds.
    #[schema(example = "我没有买过这个。")]
    pub text: String,
}

/// A further message.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TicketMessageAsk)]
pub struct MessageAsk {
    /// What you want to say, up to 2,000 characters.
    pub text: String,
}

/// A message of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = TicketMessage)]
pub struct Message {
    /// Who wrote it.
    pub from: Author,
    /// What.
    pub text: String,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
}

/// A ticket, as the person whose it is sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// What it is about.
    pub topic: Topic,
    /// The id of what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Where it stands.
    pub state: State,
    /// What was written, the oldest first; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<Message>>,
    /// When it was opened, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When something last changed, RFC 3339.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// Opens a ticket of the actor's under `id`. The same id again answers what there is.
///
/// # Errors
/// `invalid_request`, naming the field, also for a subject that is no payment of the actor's where one is
/// needed; `state_conflict` with too many that are not closed; `rate_limited`.
pub async fn open(app: &App, actor: &Actor, id: TicketId, ask: TicketAsk) -> Result<Ticket> {
    text::lines("text", &ask.text, MAX_TEXT)?;
    check_subject(app, actor, &ask).await?;
    let said = people::seal(app, actor.person, store::COLUMN, &ask.text).await?;
    let quota = Quota::of(app, "ticket_messages").await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if store::find(tx, id).await?.is_some_and(|row| row.person == person) {
                return Ok(());
            }
            if store::not_closed(tx, person).await? >= MAX_OPEN {
                return Err(Problem::new(Code::StateConflict)
                    .detail("Close a ticket first: too many are not closed.")
                    .with("limit", MAX_OPEN));
            }
            quotas::take(tx, &bucket(person), now, quota).await?;
            store::insert(tx, id, person, (ask.topic, ask.subject.as_deref()), now).await?;
            let new = store::NewMessage { ticket: id, place: 0, by: None, said: &said, now };
            store::append(tx, &new).await?;
            audited(tx, person, "ticket.open", id, None, now).await
        })
        .await?;
    get(app, actor, id).await
}

/// A ticket about a payment names one that the actor made.
async fn check_subject(app: &App, actor: &Actor, ask: &TicketAsk) -> Result<()> {
    let wrong = |detail: &str| Err(Problem::new(Code::InvalidRequest).field("subject").detail(detail));
    if let Some(subject) = &ask.subject {
        text::key("subject", subject)?;
    }
    match (ask.topic, &ask.subject) {
        (Topic::ContestPayment | Topic::AskRefund, None) => {
            wrong("Say which payment: `subject` is the id of what was paid.")
        }
        (Topic::AskRefund, Some(subject)) if subject.parse::<OrderId>().is_err() => {
            wrong("A refund is asked of the merchant that was paid: `subject` is the order's id.")
        }
        (Topic::ContestPayment | Topic::AskRefund, Some(subject)) => {
            match has_paid(app, actor, subject).await? {
                true => Ok(()),
                false => wrong("No payment of yours has this id."),
            }
        }
        _ => Ok(()),
    }
}

/// Whether money left a wallet of the actor's for `subject`.
async fn has_paid(app: &App, actor: &Actor, subject: &str) -> Result<bool> {
    let ask = HistoryAsk {
        reference: Some(subject.to_owned()),
        direction: Some(history::Direction::Out),
        limit: Some(1),
        ..HistoryAsk::default()
    };
    for wallet in wallets::list(app, actor.person).await? {
        if !history::of_wallet(app, actor, wallet.wallet_id, &ask).await?.items.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One of the actor's tickets.
///
/// # Errors
/// `not_found`.
pub async fn get(app: &App, actor: &Actor, id: TicketId) -> Result<Ticket> {
    let row = own(app, actor, id).await?;
    let messages = spoken(app, &row).await?;
    let messages =
        messages.into_iter().map(|said| Message { from: said.author, text: said.text, at: said.at });
    Ok(shown(row, Some(messages.collect())))
}

/// The actor's tickets, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<Ticket>> {
    Ok(store::of_person(app, actor.person, page).await?.map(|row| shown(row, None)))
}

/// Writes on in one of the actor's tickets, which is then open. The last message again changes nothing.
///
/// # Errors
/// `not_found`; `invalid_request` for the text; `state_conflict` once it is closed or full;
/// `rate_limited`.
pub async fn say(app: &App, actor: &Actor, id: TicketId, ask: MessageAsk) -> Result<Ticket> {
    own(app, actor, id).await?;
    append(app, id, None, &ask.text).await?;
    get(app, actor, id).await
}

/// Closes one of the actor's tickets. Done again, it changes nothing.
///
/// # Errors
/// `not_found`.
pub async fn close(app: &App, actor: &Actor, id: TicketId) -> Result<Ticket> {
    own(app, actor, id).await?;
    end(app, id, actor.person.to_string()).await?;
    get(app, actor, id).await
}

async fn own(app: &App, actor: &Actor, id: TicketId) -> Result<store::Row> {
    let row = store::read(app, id).await?.filter(|row| row.person == actor.person);
    row.ok_or(Problem::new(Code::NotFound))
}

/// Adds a message of the person's, or of `operator`'s; false if that side said the same last.
async fn append(app: &App, id: TicketId, operator: Option<&str>, said: &str) -> Result<bool> {
    text::lines("text", said, MAX_TEXT)?;
    let quota = Quota::of(app, "ticket_messages").await?;
    loop {
        let row = store::read(app, id).await?.ok_or(Problem::new(Code::NotFound))?;
        let messages = spoken(app, &row).await?;
        let author = if operator.is_some() { Author::Staff } else { Author::You };
        let repeated = messages.last().is_some_and(|last| last.author == author && last.text == said);
        if repeated && row.state != State::Closed {
            return Ok(false);
        }
        let place = messages.len() as i64;
        if place >= MAX_MESSAGES {
            return Err(Problem::new(Code::StateConflict)
                .detail("This ticket is full. Open another and name this one.")
                .with("limit", MAX_MESSAGES));
        }
        let sealed = people::seal(app, row.person, store::COLUMN, said).await?;
        let (who, person, now) = (operator.map(str::to_owned), row.person, app.clock.millis());
        let added = app
            .db
            .write(async move |tx: &mut Tx| {
                let to = if who.is_some() { State::Answered } else { State::Open };
                let by = who.as_deref();
                let new = store::NewMessage { ticket: id, place, by, said: &sealed, now };
                if !store::append(tx, &new).await? {
                    return Ok(false);
                }
                if !store::speak(tx, id, to, now).await? {
                    return Err(over());
                }
                match by {
                    Some(operator) => desk::answered(tx, operator, person, id, now).await?,
                    None => quotas::take(tx, &bucket(person), now, quota).await?,
                }
                Ok(true)
            })
            .await?;
        // Otherwise somebody was faster: what was said meanwhile may be the same.
        if added {
            return Ok(true);
        }
    }
}

/// Closes a ticket for `who`, unless it is closed.
async fn end(app: &App, id: TicketId, who: String) -> Result<()> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            if !store::speak(tx, id, State::Closed, now).await? {
                return Ok(());
            }
            let entry = audit::Entry::new(&who, "ticket.close", id, now).after(State::Closed.text());
            audit::log(tx, entry).await.map(drop)
        })
        .await
}

/// A message, opened.
struct Spoken {
    author: Author,
    operator: Option<String>,
    text: String,
    at: String,
}

async fn spoken(app: &App, row: &store::Row) -> Result<Vec<Spoken>> {
    let mut messages = Vec::new();
    for said in store::messages(app, row.id).await? {
        let text = people::open(app, row.person, store::COLUMN, &said.said).await?;
        messages.push(Spoken {
            author: said.author,
            operator: said.operator,
            text: text.to_string(),
            at: rfc3339(said.at),
        });
    }
    Ok(messages)
}

fn shown(row: store::Row, messages: Option<Vec<Message>>) -> Ticket {
    Ticket {
        id: row.id,
        topic: row.topic,
        subject: row.subject,
        state: row.state,
        messages,
        created_at: rfc3339(row.created_at),
        updated_at: rfc3339(row.updated_at),
    }
}

fn over() -> Problem {
    Problem::new(Code::StateConflict).detail("The ticket is closed. Open another and name this one.")
}

fn bucket(person: PersonId) -> String {
    format!("ticket_messages/{person}")
}

/// Takes the tickets of an erased person away.
pub(crate) async fn forget(tx: &mut Tx, person: PersonId) -> Result<()> {
    store::forget_person(tx, person).await
}

/// Forgets tickets in which nothing was said for [`KEPT_DAYS`] days; how many. Call it now and then.
///
/// # Errors
/// Any fault of the database.
pub async fn expire(app: &App) -> Result<u64> {
    let before = app.clock.millis() - KEPT_DAYS * 86_400_000;
    app.db.write(async move |tx: &mut Tx| store::forget(tx, before).await).await
}

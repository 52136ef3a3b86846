//! Tickets as the people who run the platform see and answer them.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Author, MessageAsk, State, Topic, append, end, spoken, store};
use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{PersonId, TicketId};
use crate::notices::{self, NoticeCode};
use crate::page::ListAsk;
use crate::{App, Code, Page, Problem, Result, Tx, people, text};

/// A message of a ticket, with who of the staff wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeskMessage {
    /// Which side wrote it: `YOU` is the person.
    pub from: Author,
    /// The operator, where one wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// What.
    pub text: String,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
}

/// A ticket, with whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeskTicket {
    /// Its id.
    pub id: TicketId,
    /// Whose it is.
    pub person_id: PersonId,
    /// The person's name, masked.
    pub person_name: String,
    /// What it is about.
    pub topic: Topic,
    /// The id of what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Where it stands.
    pub state: State,
    /// What was written, the oldest first; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<DeskMessage>>,
    /// When it was opened, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When something last changed, RFC 3339.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// Every ticket that fits, newest first, without what was written.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn all(app: &App, ask: &ListAsk<State>) -> Result<Page<DeskTicket>> {
    let rows = store::all(app, ask).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(app, row, None).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// One ticket for `operator`, who has then read it: the audit says so.
///
/// # Errors
/// `not_found`; `invalid_request` for the operator's name.
pub async fn read_for(app: &App, operator: &str, id: TicketId) -> Result<DeskTicket> {
    text::key("operator", operator)?;
    let row = find(app, id).await?;
    let (who, now) = (who(operator), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            audit::log(tx, Entry::new(&who, "ticket.read", id, now)).await.map(drop)
        })
        .await?;
    opened(app, row).await
}

/// Answers a ticket, and tells the person that it was. The last answer again changes nothing.
///
/// # Errors
/// `not_found`; `invalid_request` for the text; `state_conflict` once it is closed or full.
pub async fn answer(app: &App, operator: &str, id: TicketId, ask: MessageAsk) -> Result<DeskTicket> {
    text::key("operator", operator)?;
    append(app, id, Some(operator), &ask.text).await?;
    opened(app, find(app, id).await?).await
}

/// Closes a ticket. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `invalid_request` for the operator's name.
pub async fn close_for(app: &App, operator: &str, id: TicketId) -> Result<DeskTicket> {
    text::key("operator", operator)?;
    find(app, id).await?;
    end(app, id, who(operator)).await?;
    opened(app, find(app, id).await?).await
}

/// The answer of `operator` is written down: the audit has it, and the person is told that there is one.
pub(super) async fn answered(
    tx: &mut Tx,
    operator: &str,
    person: PersonId,
    id: TicketId,
    now: i64,
) -> Result<()> {
    let entry = Entry::new(who(operator), "ticket.answer", id, now).after(State::Answered.text());
    audit::log(tx, entry).await?;
    let notice = notices::New::about(person, NoticeCode::TicketAnswered, json!({}), id.to_string(), now);
    notices::tell(tx, notice).await
}

fn who(operator: &str) -> String {
    format!("operator/{operator}")
}

async fn find(app: &App, id: TicketId) -> Result<store::Row> {
    store::read(app, id).await?.ok_or(Problem::new(Code::NotFound))
}

async fn opened(app: &App, row: store::Row) -> Result<DeskTicket> {
    let said = spoken(app, &row).await?.into_iter();
    let messages = said.map(|said| DeskMessage {
        from: said.author,
        operator: said.operator,
        text: said.text,
        at: said.at,
    });
    let messages = messages.collect();
    shown(app, row, Some(messages)).await
}

async fn shown(app: &App, row: store::Row, messages: Option<Vec<DeskMessage>>) -> Result<DeskTicket> {
    Ok(DeskTicket {
        id: row.id,
        person_id: row.person,
        person_name: people::display_name(app, row.person).await?,
        topic: row.topic,
        subject: row.subject,
        state: row.state,
        messages,
        created_at: rfc3339(row.created_at),
        updated_at: rfc3339(row.updated_at),
    })
}

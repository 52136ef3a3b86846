//! The bank rail over ISO 20022: messages instead of JSON, signed and carried like every other call.
//!
//! | what | message | answer |
//! |---|---|---|
//! | pull (top-up) | `POST /rail/v1/iso20022/pain.001.001.12` | pacs.002 |
//! | push (withdrawal) | `POST /rail/v1/iso20022/pacs.008.001.13` | pacs.002 |
//! | query | `POST /rail/v1/iso20022/pacs.028.001.06` | pacs.002, the same one as before where nothing has changed |
//! | statement | `GET /rail/v1/iso20022/camt.053.001.13/{day}?page={n}` | camt.053 |
//! | notice | the bank posts pacs.002, pacs.004 or camt.054 to the door for notices | |
//!
//! Our reference is the end-to-end id and the message id; the UETR is derived from it, so that the
//! same order is the same order however often it is sent. The agreement stands for the account, as its
//! proxy. A bank that never saw a reference says `RJCT` with the reason `NOOR` to a question, and to
//! nothing else.

mod notice;
mod order;
mod reason;
mod statement;

pub(super) use notice::notices;
pub use order::read_order;
pub use reason::{NOT_SEEN, from_iso, to_iso};

use jiff::Timestamp;
use jiff::civil::Date;

use super::{
    Agreement, Bank, Dialect, HttpBank, LinkStarted, MAX_STATEMENT_PAGES, Move, Settled, StartLink, Statement,
};
use crate::iso20022::{
    Agent, Amount, BusinessMessage, CAMT_053, CONTENT_TYPE, Document, Header, Lei, Original, StatusQuestion,
    StatusReport, StatusRequest, TransactionStatus, TxStatus, Uetr,
};
use crate::{Answer, BadPeer, Outcome, Peer, SignedCaller, Why};

/// Where messages go; the definition follows.
pub const MESSAGES: &str = "/rail/v1/iso20022";
/// The scheme of agreements, in which they stand for accounts.
pub const AGREEMENT: &str = "AGREEMENT";
/// The longest name that fits a message, in characters.
pub const MAX_ID: usize = 35;

/// How we appear in messages, beside our id.
#[derive(Clone, Debug, Default)]
pub struct OurSide {
    /// Our legal entity identifier.
    pub lei: Option<Lei>,
    /// Our settlement account with the bank.
    pub account: Option<String>,
}

/// A bank that speaks ISO 20022.
#[derive(Clone, Debug)]
pub struct IsoBank {
    caller: SignedCaller,
    links: HttpBank,
    us: OurSide,
}

/// What a status report says about one reference.
enum Said {
    Outcome(Outcome<Settled>),
    NotSeen,
}

impl IsoBank {
    /// Prepares calls; nothing is sent yet. The peer's name is the institution's id.
    ///
    /// # Errors
    /// [`BadPeer`].
    pub fn new(peer: Peer, us: OurSide) -> Result<Self, BadPeer> {
        if peer.name.chars().count() > MAX_ID || peer.caller_id.len() > MAX_ID {
            return Err(BadPeer::IdTooLong);
        }
        Ok(Self { links: HttpBank::new(peer.clone())?, caller: SignedCaller::new(peer)?, us })
    }

    fn header(&self, id: &str) -> Header {
        Header {
            from: Agent { lei: self.us.lei.clone(), ..Agent::member(self.caller.caller_id()) },
            to: Agent::member(self.caller.name()),
            id: id.to_owned(),
            created: Timestamp::now(),
            possible_duplicate: None,
        }
    }

    /// Sends a document and reads the status report that answers it.
    async fn ask(&self, id: &str, document: Document) -> Result<StatusReport, Why> {
        let target = format!("{MESSAGES}/{}", document.definition());
        let body = BusinessMessage { header: self.header(id), document }.write().map_err(|bad| {
            tracing::error!(peer = self.caller.name(), %bad, "a message of ours cannot be written");
            Why::Unreadable("our own message")
        })?;
        match self.read(&self.caller.post_bytes(&target, CONTENT_TYPE, body).await?)? {
            Document::StatusReport(report) => Ok(report),
            _ => Err(Why::Unreadable("another message than a status report")),
        }
    }

    fn read(&self, answer: &[u8]) -> Result<Document, Why> {
        let message = BusinessMessage::read(answer).map_err(|bad| {
            tracing::warn!(peer = self.caller.name(), %bad, "a message cannot be read");
            Why::Unreadable("not the message we expect")
        })?;
        let is = |agent: &Agent, id: &str| agent.member.as_deref() == Some(id);
        if is(&message.header.from, self.caller.name()) && is(&message.header.to, self.caller.caller_id()) {
            Ok(message.document)
        } else {
            Err(Why::Unreadable("a message between others"))
        }
    }

    /// Sends an order and reads what becomes of it.
    async fn order(&self, ask: &Move, document: Document) -> Outcome<Settled> {
        let report = match self.ask(&ask.reference, document).await {
            Ok(report) => report,
            Err(why) => return Outcome::Unknown(why),
        };
        let over = Amount::new(ask.money.amount, &ask.money.currency);
        let another = |status: &TransactionStatus| status.amount.as_ref().is_some_and(|said| *said != over);
        if report.transactions.iter().any(another) {
            return Outcome::Unknown(Why::Unreadable("an answer about another amount"));
        }
        match self.said(&ask.reference, &report) {
            Said::Outcome(outcome) => outcome,
            Said::NotSeen => Outcome::Unknown(Why::Unreadable("never seen, though just sent")),
        }
    }

    async fn question(&self, reference: &str) -> Result<StatusReport, Why> {
        // A name of its own: it is the answer that stays the same, not the question.
        let id = jialing_crypto::random::nonce();
        let original = Original {
            end_to_end: Some(reference.to_owned()),
            uetr: Some(self.uetr(reference)),
            ..Original::default()
        };
        let request = StatusRequest {
            id: id.clone(),
            created: Timestamp::now(),
            instructing: Some(Agent::member(self.caller.caller_id())),
            instructed: Some(Agent::member(self.caller.name())),
            questions: vec![StatusQuestion { id: Some(id.clone()), original }],
        };
        self.ask(&id, Document::StatusRequest(request)).await
    }

    fn uetr(&self, reference: &str) -> Uetr {
        Uetr::of(self.caller.name(), reference)
    }

    /// What a report says about `reference`, and nothing else.
    fn said(&self, reference: &str, report: &StatusReport) -> Said {
        let unreadable = |what| Said::Outcome(Outcome::Unknown(Why::Unreadable(what)));
        let status = match (report.transactions.as_slice(), report.groups.as_slice()) {
            ([status], _) => status,
            // The message was refused as a whole. Of one payment, nothing else decides.
            ([], [group]) if group.message == reference && group.status == Some(TxStatus::Rejected) => {
                return Said::Outcome(Outcome::Refused(reason::refusal(&group.reasons)));
            }
            ([], [_]) => return Said::Outcome(Outcome::Unknown(Why::TheirsToo)),
            _ => return unreadable("not exactly one status"),
        };
        let original = &status.original;
        let is_ours = original.end_to_end.as_deref() == Some(reference)
            && original.uetr.as_ref().is_none_or(|uetr| *uetr == self.uetr(reference));
        match &status.status {
            _ if !is_ours => unreadable("an answer about another reference"),
            Some(TxStatus::Settled) => match &status.servicer_reference {
                Some(name) => Said::Outcome(Outcome::Done(Settled { bank_ref: name.clone() })),
                None => unreadable("done, but a field is missing"),
            },
            Some(TxStatus::Rejected) if reason::is_not_seen(&status.reasons) => Said::NotSeen,
            Some(TxStatus::Rejected) => Said::Outcome(Outcome::Refused(reason::refusal(&status.reasons))),
            Some(
                TxStatus::TechnicallyAccepted
                | TxStatus::ProfileAccepted
                | TxStatus::Pending
                | TxStatus::Settling,
            ) => Said::Outcome(Outcome::Accepted),
            Some(TxStatus::Partly) | None => Said::Outcome(Outcome::Unknown(Why::TheirsToo)),
            Some(TxStatus::Other(_)) => unreadable("a status that we do not know"),
        }
    }

    async fn whole_statement(&self, day: Date) -> Result<Statement, Why> {
        let mut pages = Vec::new();
        for number in 1.. {
            if pages.len() >= MAX_STATEMENT_PAGES {
                break;
            }
            let target = format!("{MESSAGES}/{CAMT_053}/{day}?page={number}");
            let Document::Statement(message) =
                self.read(&self.caller.get_bytes(&target, CONTENT_TYPE).await?)?
            else {
                return Err(Why::Unreadable("another message than a statement"));
            };
            let last = match message.page {
                Some(page) if page.number == number => page.last,
                _ => return Err(Why::Unreadable("another page than the one asked for")),
            };
            pages.push(statement::only(day, message)?);
            if last {
                return statement::assemble(day, pages);
            }
        }
        Err(Why::Unreadable("a statement of too many pages"))
    }
}

/// Whether `reference` can stand in a message, and in an address line.
fn fits(reference: &str) -> bool {
    jialing_crypto::http_signature::is_id(reference) && reference.len() <= MAX_ID
}

/// The refusal to ask about what cannot be one of our references.
fn not_ours() -> Outcome<Settled> {
    Outcome::Unknown(Why::Unreadable("our own reference"))
}

impl Bank for IsoBank {
    fn institution(&self) -> &str {
        self.caller.name()
    }

    fn dialect(&self) -> Dialect {
        Dialect::Iso20022
    }

    fn start_link<'a>(&'a self, ask: &'a StartLink) -> Answer<'a, Outcome<LinkStarted>> {
        self.links.start_link(ask)
    }

    fn confirm_link<'a>(
        &'a self,
        reference: &'a str,
        link_id: &'a str,
        code: &'a str,
    ) -> Answer<'a, Outcome<Agreement>> {
        self.links.confirm_link(reference, link_id, code)
    }

    fn end_link<'a>(&'a self, reference: &'a str, agreement: &'a str) -> Answer<'a, Outcome<()>> {
        self.links.end_link(reference, agreement)
    }

    fn pull<'a>(&'a self, ask: &'a Move) -> Answer<'a, Outcome<Settled>> {
        Box::pin(async move {
            match fits(&ask.reference) {
                true => self.order(ask, Document::Initiation(self.initiation(ask))).await,
                false => not_ours(),
            }
        })
    }

    fn push<'a>(&'a self, ask: &'a Move) -> Answer<'a, Outcome<Settled>> {
        Box::pin(async move {
            match fits(&ask.reference) {
                true => self.order(ask, Document::CreditTransfers(self.transfers(ask))).await,
                false => not_ours(),
            }
        })
    }

    fn query<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Outcome<Settled>>> {
        Box::pin(async move {
            if !fits(reference) {
                return Some(not_ours());
            }
            match self.question(reference).await.map(|report| self.said(reference, &report)) {
                Ok(Said::NotSeen) => None,
                Ok(Said::Outcome(outcome)) => Some(outcome),
                Err(why) => Some(Outcome::Unknown(why)),
            }
        })
    }

    fn statement(&self, day: Date) -> Answer<'_, Result<Statement, Why>> {
        Box::pin(self.whole_statement(day))
    }
}

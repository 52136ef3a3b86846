//! The counter in ISO 20022: orders and questions come in, status reports, statements and notices go
//! out.

use axum::http::{Method, StatusCode};
use jialing_crypto::hash::HashAlgorithm;
use jialing_rails::bank::iso::{NOT_SEEN, read_order, to_iso};
use jialing_rails::bank::wire::{self, State};
use jialing_rails::bank::{self, EntryKind, NoticeState};
use jialing_rails::iso20022::{
    Account, AccountStatement, Advice, Agent, Amount, Balance, BankCode, Booking, BusinessMessage, CAMT_053,
    CONTENT_TYPE, CodeOr, Document, Entry, Header, Notification, Original, PACS_008, PACS_028, PAIN_001,
    Page, PaymentReturn, Reason, ReturnedTransfer, Settlement, SettlementMethod, StatementMessage,
    StatusReport, StatusRequest, Total, TransactionStatus, TxStatus, Uetr,
};
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use jiff::{Timestamp, ToSpan};

use super::book::{Form, Outgoing};
use super::http::BankDesk;
use super::movement::Movement;
use crate::fault::FaultKind;
use crate::service::Asked;

/// How many entries a page of a statement has: well below a megabyte.
const PAGE: usize = 200;
/// The platform's account with every bank of the city.
const SETTLEMENT_ACCOUNT: &str = "JIALING-SETTLEMENT";

/// The order in a body, if it is one: which way, and what.
pub(super) fn order(body: &[u8]) -> Option<(EntryKind, wire::Move)> {
    read_order(&BusinessMessage::read(body).ok()?.document)
}

impl BankDesk {
    /// What a request comes to; `rest` is its path below the messages'.
    pub(super) fn act_iso(&self, method: &Method, rest: &str, asked: &Asked) -> Result<Vec<u8>, StatusCode> {
        match (method.as_str(), rest) {
            ("POST", PAIN_001 | PACS_008) => self.take_order(rest, asked),
            ("POST", PACS_028) => self.take_question(asked),
            ("GET", _) => {
                let day = rest.strip_prefix(CAMT_053).and_then(|rest| rest.strip_prefix('/'));
                let day = day.and_then(|day| day.parse().ok()).ok_or(StatusCode::NOT_FOUND)?;
                let page = asked.target.split_once("?page=").and_then(|(_, page)| page.parse().ok());
                self.statement_page(day, page.filter(|page| *page > 0).ok_or(StatusCode::BAD_REQUEST)?)
            }
            _ => Err(StatusCode::NOT_FOUND),
        }
    }

    fn take_order(&self, definition: &str, asked: &Asked) -> Result<Vec<u8>, StatusCode> {
        let document = self.read(asked)?;
        let (kind, ask) = read_order(&document).ok_or(StatusCode::BAD_REQUEST)?;
        if document.definition() != definition {
            return Err(StatusCode::BAD_REQUEST);
        }
        let reference = ask.reference.clone();
        let reply = self.take_in((kind, true), ask, asked);
        self.report(&reference, &reply, asked)
    }

    fn take_question(&self, asked: &Asked) -> Result<Vec<u8>, StatusCode> {
        let Document::StatusRequest(StatusRequest { questions, .. }) = self.read(asked)? else {
            return Err(StatusCode::BAD_REQUEST);
        };
        let reference = match questions.as_slice() {
            [question] => question.original.end_to_end.clone().ok_or(StatusCode::BAD_REQUEST)?,
            _ => return Err(StatusCode::BAD_REQUEST),
        };
        // What is due is done before anybody looks, whether the courier has woken or not.
        self.book().settle(self.desk.clock.now());
        let reply = self.book().query(&reference);
        self.report(&reference, &reply, asked)
    }

    fn read(&self, asked: &Asked) -> Result<Document, StatusCode> {
        let message = BusinessMessage::read(&asked.body).map_err(|bad| {
            tracing::debug!(bank = self.desk.name, %bad, "a message is not served");
            StatusCode::BAD_REQUEST
        })?;
        let to_us = message.header.to.member.as_deref() == Some(self.desk.name.as_str());
        if to_us { Ok(message.document) } else { Err(StatusCode::BAD_REQUEST) }
    }

    /// The status report about a reference. Where nothing has changed, it is the same one as before.
    fn report(&self, reference: &str, reply: &wire::Reply, asked: &Asked) -> Result<Vec<u8>, StatusCode> {
        let veiled = asked.suffers(FaultKind::Unknown);
        // Where the reference stands for another order, nothing of that one is told.
        let reused = reply.code.as_deref() == Some("REFERENCE_REUSED");
        let kept = self.book().movement(reference).filter(|_| !reused).cloned();
        let status = status(reference, reply, kept.as_ref(), veiled, &self.desk.name);
        let made = kept.map_or_else(|| self.desk.clock.now(), |movement| movement.changed_at);
        let state = if veiled { "unknown".to_owned() } else { format!("{:?}", reply.state) };
        let id = name("S", &[reference, &state, reply.code.as_deref().unwrap_or_default()]);
        let report = StatusReport {
            id: id.clone(),
            created: made,
            instructing: Some(Agent::member(&self.desk.name)),
            instructed: Some(Agent::member(self.desk.caller_id())),
            groups: Vec::new(),
            transactions: vec![status],
        };
        self.message(id, made, Document::StatusReport(report)).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn message(&self, id: String, created: Timestamp, document: Document) -> Option<Vec<u8>> {
        let header = Header {
            from: Agent::member(&self.desk.name),
            to: Agent::member(self.desk.caller_id()),
            id,
            created,
            possible_duplicate: None,
        };
        let written = BusinessMessage { header, document }.write();
        written.map_err(|bad| tracing::error!(%bad, "the sandbox wrote a message that is none")).ok()
    }

    /// A notice as it travels, with its content type.
    pub(super) fn written(&self, outgoing: &Outgoing) -> Option<(Vec<u8>, &'static str)> {
        let notice = &outgoing.notice;
        let document = match (outgoing.form, notice.state) {
            (Form::Json, _) => return Some((serde_json::to_vec(notice).ok()?, "application/json")),
            (Form::Iso, NoticeState::Returned) => self.returned(notice),
            (Form::Iso, _) => self.ended(notice),
            (Form::Advice, _) => advice(notice),
        };
        let id = name("N", &[&notice.id, document.definition()]);
        Some((self.message(id, notice.at, document)?, CONTENT_TYPE))
    }

    fn ended(&self, notice: &bank::BankNotice) -> Document {
        let reply = wire::Reply {
            bank_ref: notice.bank_ref.clone(),
            code: notice.code.clone(),
            message: notice.message.clone(),
            ..wire::Reply::new(
                &notice.reference,
                if notice.state == NoticeState::Done { State::Done } else { State::Refused },
            )
        };
        let status = TransactionStatus {
            amount: Some(amount(&notice.money)),
            original: original(&notice.reference, Some(notice.kind), &self.desk.name),
            ..status(&notice.reference, &reply, None, false, &self.desk.name)
        };
        Document::StatusReport(StatusReport {
            id: name("N", &[&notice.id]),
            created: notice.at,
            instructing: Some(Agent::member(&self.desk.name)),
            instructed: Some(Agent::member(self.desk.caller_id())),
            groups: Vec::new(),
            transactions: vec![status],
        })
    }

    fn returned(&self, notice: &bank::BankNotice) -> Document {
        Document::PaymentReturn(PaymentReturn {
            id: name("R", &[&notice.id]),
            created: notice.at,
            settlement: Settlement {
                method: SettlementMethod::Instructing,
                account: Some(Account::number(SETTLEMENT_ACCOUNT)),
            },
            instructing: Some(Agent::member(&self.desk.name)),
            instructed: Some(Agent::member(self.desk.caller_id())),
            transactions: vec![ReturnedTransfer {
                id: Some(name("R", &[&notice.id])),
                original: original(&notice.reference, Some(notice.kind), &self.desk.name),
                original_amount: Some(amount(&notice.money)),
                amount: amount(&notice.money),
                reasons: notice.code.as_deref().map(reason).into_iter().collect(),
            }],
        })
    }

    fn statement_page(&self, day: Date, page: u32) -> Result<Vec<u8>, StatusCode> {
        let now = self.desk.clock.now();
        let mut book = self.book();
        book.settle(now);
        let opening = book.opening(day);
        let all: Vec<Entry> =
            book.entries(day).iter().map(|entry| entry_of(entry, &self.desk.name)).collect();
        drop(book);
        let first = (page as usize - 1).saturating_mul(PAGE);
        if first > 0 && first >= all.len() {
            return Err(StatusCode::NOT_FOUND);
        }
        let total = |credit: bool| {
            let of_kind = all.iter().filter(move |entry| entry.credit == credit);
            let (count, sum) =
                of_kind.fold((0, 0), |(count, sum), entry| (count + 1, sum + entry.amount.minor));
            Total { count, sum: Amount::new(sum, "CNY") }
        };
        let (credits, debits) = (total(true), total(false));
        let closing = opening + i128::from(credits.sum.minor) - i128::from(debits.sum.minor);
        let id = name("C", &[&self.desk.name, &day.to_string()]);
        let begins = |day: Date| day.to_zoned(TimeZone::fixed(offset(8))).ok().map(|day| day.timestamp());
        let document = Document::Statement(StatementMessage {
            id: id.clone(),
            created: now,
            page: Some(Page { number: page, last: first + PAGE >= all.len() }),
            statements: vec![AccountStatement {
                id: id.clone(),
                period: begins(day).zip(day.checked_add(1.day()).ok().and_then(begins)),
                account: Account { currency: Some("CNY".to_owned()), ..Account::number(SETTLEMENT_ACCOUNT) },
                balances: vec![balance("OPBD", opening, day), balance("CLBD", closing, day)],
                credits: Some(credits),
                debits: Some(debits),
                entries: all.into_iter().skip(first).take(PAGE).collect(),
            }],
        });
        self.message(id, now, document).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A name of at most 35 characters that is always the same for the same parts.
fn name(letter: &str, parts: &[&str]) -> String {
    let digest = HashAlgorithm::Sha256.digest(parts.join("\n").as_bytes());
    let hex: String = digest[..15].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{letter}{hex}")
}

fn amount(money: &bank::Money) -> Amount {
    Amount::new(money.amount, &money.currency)
}

fn original(reference: &str, kind: Option<EntryKind>, institution: &str) -> Original {
    let definition = kind.map(|kind| if kind == EntryKind::Pull { PAIN_001 } else { PACS_008 });
    Original {
        message: definition.map(|definition| (reference.to_owned(), definition.to_owned())),
        end_to_end: Some(reference.to_owned()),
        uetr: Some(Uetr::of(institution, reference)),
        ..Original::default()
    }
}

fn reason(code: &str) -> Reason {
    Reason { code: Some(to_iso(code)), information: Vec::new() }
}

/// What is said about a reference; nothing of it where that was ordered.
fn status(
    reference: &str,
    reply: &wire::Reply,
    kept: Option<&Movement>,
    veiled: bool,
    institution: &str,
) -> TransactionStatus {
    let said = match reply.state {
        _ if veiled => None,
        State::Accepted => Some(TxStatus::Settling),
        State::Done => Some(TxStatus::Settled),
        State::Refused | State::NotSeen => Some(TxStatus::Rejected),
        State::Unknown => None,
    };
    let reasons = match reply.state {
        State::Refused if !veiled => {
            let text = reply.message.as_ref().map(|text| text.chars().take(105).collect());
            let code = to_iso(reply.code.as_deref().unwrap_or("REFUSED"));
            vec![Reason { code: Some(code), information: text.into_iter().collect() }]
        }
        State::NotSeen if !veiled => {
            vec![Reason { code: Some(CodeOr::proprietary(NOT_SEEN)), information: Vec::new() }]
        }
        _ => Vec::new(),
    };
    TransactionStatus {
        id: None,
        original: original(reference, kept.map(|movement| movement.kind), institution),
        status: said,
        reasons,
        accepted: None,
        servicer_reference: reply.bank_ref.clone().filter(|_| !veiled),
        amount: kept.map(|movement| amount(&movement.ask.money)),
    }
}

fn code(kind: EntryKind) -> BankCode {
    let (family, sub_family) = match kind {
        EntryKind::Pull => ("RCDT", "DMCT"),
        EntryKind::Push => ("ICDT", "DMCT"),
        EntryKind::Return => ("ICDT", "RRTN"),
    };
    BankCode::Domain { domain: "PMNT".into(), family: family.into(), sub_family: sub_family.into() }
}

fn entry_of(entry: &bank::Entry, institution: &str) -> Entry {
    Entry {
        reference: Some(entry.line.to_string()),
        amount: amount(&entry.money),
        credit: entry.kind != EntryKind::Push,
        reversal: entry.kind == EntryKind::Return,
        status: CodeOr::code("BOOK"),
        booked: Some(entry.at),
        servicer_reference: Some(entry.bank_ref.clone()),
        code: code(entry.kind),
        bookings: vec![Booking {
            original: original(&entry.reference, None, institution),
            servicer_reference: Some(entry.bank_ref.clone()),
            return_reason: None,
        }],
    }
}

fn advice(notice: &bank::BankNotice) -> Document {
    let kind = if notice.state == NoticeState::Returned { EntryKind::Return } else { notice.kind };
    let booked = bank::Entry {
        line: 1,
        bank_ref: notice.bank_ref.clone().unwrap_or_default(),
        reference: notice.reference.clone(),
        kind,
        money: notice.money.clone(),
        at: notice.at,
    };
    let entry = Entry { reference: None, ..entry_of(&booked, &notice.institution) };
    let id = name("A", &[&notice.id]);
    Document::Advice(Advice {
        id: id.clone(),
        created: notice.at,
        notifications: vec![Notification {
            id,
            account: Account::number(SETTLEMENT_ACCOUNT),
            entries: vec![entry],
        }],
    })
}

fn balance(kind: &str, minor: i128, day: Date) -> Balance {
    let amount = Amount::new(u64::try_from(minor.unsigned_abs()).unwrap_or(u64::MAX), "CNY");
    Balance { kind: CodeOr::code(kind), amount, credit: minor >= 0, day }
}

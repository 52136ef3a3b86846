//! What a bank tells without being asked: pacs.002, pacs.004 and camt.054 as notices.

use super::reason::{from_iso, refusal};
use super::statement::kind;
use crate::bank::notice::{BadNotice, BankNotice, MAX_NOTICES, NoticeState};
use crate::bank::{EntryKind, Money};
use crate::iso20022::{
    Advice, Amount, BusinessMessage, Document, Entry, Original, PaymentReturn, Reason, ReturnedTransfer,
    StatusReport, TransactionStatus, TxStatus,
};

/// The notices in a message of `institution`. A status that decides nothing and an entry that is not
/// booked are none.
pub(in crate::bank) fn notices(institution: &str, body: &[u8]) -> Result<Vec<BankNotice>, BadNotice> {
    let message = BusinessMessage::read(body).map_err(|bad| {
        tracing::warn!(institution, %bad, "a bank's message cannot be read");
        BadNotice::Unreadable
    })?;
    if message.header.from.member.as_deref() != Some(institution) {
        return Err(BadNotice::WrongInstitution);
    }
    let found = match &message.document {
        Document::StatusReport(report) => of_report(report)?,
        Document::PaymentReturn(returned) => of_return(returned)?,
        Document::Advice(advice) => of_advice(advice)?,
        _ => return Err(BadNotice::Unreadable),
    };
    if found.len() > MAX_NOTICES {
        return Err(BadNotice::Unreadable);
    }
    let several = found.len() > 1;
    let named = found.into_iter().enumerate().map(|(at, notice)| BankNotice {
        id: if several { format!("{}#{at}", message.header.id) } else { message.header.id.clone() },
        institution: institution.to_owned(),
        ..notice
    });
    Ok(named.collect())
}

fn money(amount: &Amount) -> Money {
    Money { amount: amount.minor, currency: amount.currency.clone() }
}

fn reference(original: &Original) -> Result<String, BadNotice> {
    original.end_to_end.clone().ok_or(BadNotice::Unreadable)
}

fn of_report(report: &StatusReport) -> Result<Vec<BankNotice>, BadNotice> {
    let status = |status: &TransactionStatus| {
        let state = match status.status {
            Some(TxStatus::Settled) => NoticeState::Done,
            Some(TxStatus::Rejected) => NoticeState::Refused,
            _ => return Ok(None),
        };
        let definition = status.original.message.as_ref().map_or("", |(_, definition)| definition.as_str());
        let kind = match definition.get(..8) {
            Some("pain.001") => EntryKind::Pull,
            Some("pacs.008") => EntryKind::Push,
            _ => return Err(BadNotice::Unreadable),
        };
        let refused = (state == NoticeState::Refused).then(|| refusal(&status.reasons));
        let (code, message) = refused.map(|refused| (refused.code, refused.message)).unzip();
        Ok(Some(BankNotice {
            id: String::new(),
            institution: String::new(),
            reference: reference(&status.original)?,
            kind,
            state,
            money: money(status.amount.as_ref().ok_or(BadNotice::Unreadable)?),
            bank_ref: status.servicer_reference.clone(),
            code,
            message,
            at: report.created,
        }))
    };
    report.transactions.iter().filter_map(|one| status(one).transpose()).collect()
}

/// The code of the first reason, if there is one.
fn returned_because(reasons: &[Reason]) -> Option<String> {
    let code = reasons.iter().find_map(|reason| reason.code.as_ref())?;
    Some(from_iso(code).to_owned())
}

fn of_return(message: &PaymentReturn) -> Result<Vec<BankNotice>, BadNotice> {
    let returned = |returned: &ReturnedTransfer| {
        Ok(BankNotice {
            id: String::new(),
            institution: String::new(),
            reference: reference(&returned.original)?,
            kind: EntryKind::Push,
            state: NoticeState::Returned,
            money: money(&returned.amount),
            bank_ref: None,
            code: returned_because(&returned.reasons),
            message: None,
            at: message.created,
        })
    };
    message.transactions.iter().map(returned).collect()
}

fn of_advice(advice: &Advice) -> Result<Vec<BankNotice>, BadNotice> {
    let entry = |entry: &Entry| {
        let [booking] = entry.bookings.as_slice() else { return Err(BadNotice::Unreadable) };
        let (kind, state) = match kind(entry).ok_or(BadNotice::Unreadable)? {
            EntryKind::Return => (EntryKind::Push, NoticeState::Returned),
            kind => (kind, NoticeState::Done),
        };
        let reasons = booking.return_reason.as_slice();
        Ok(BankNotice {
            id: String::new(),
            institution: String::new(),
            reference: reference(&booking.original)?,
            kind,
            state,
            money: money(&entry.amount),
            bank_ref: entry.servicer_reference.clone().or(booking.servicer_reference.clone()),
            code: (state == NoticeState::Returned).then(|| returned_because(reasons)).flatten(),
            message: None,
            at: entry.booked.unwrap_or(advice.created),
        })
    };
    let entries = advice.notifications.iter().flat_map(|notification| &notification.entries);
    entries.filter(|entry| entry.is_booked()).map(entry).collect()
}

//! The orders: what is written into them, and read from them.

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};

use super::{AGREEMENT, IsoBank};
use crate::bank::wire;
use crate::bank::{EntryKind, Money, Move};
use crate::iso20022::{
    Account, Agent, Amount, Charges, CodeOr, CreditTransfer, CreditTransfers, Document, Identified, Ids,
    InitiatedTransfer, Initiation, Party, PartyId, Payment, Proxy, Remittance, Settlement, SettlementMethod,
    Structured,
};

/// The purpose of a top-up: loading an electronic purse.
const LOAD: &str = "ETUP";
/// The purpose of money that goes the other way.
const OTHER: &str = "OTHR";
/// A reference that the creditor gave.
const CREDITOR_REFERENCE: &str = "SCOR";

impl IsoBank {
    fn us(&self) -> Party {
        let other = Identified { id: self.caller.caller_id().to_owned(), scheme: None };
        let id = PartyId::Organisation { lei: self.us.lei.clone(), other: vec![other] };
        Party { name: None, id: Some(id), country: None }
    }

    fn our_account(&self) -> Option<Account> {
        self.us.account.as_deref().map(Account::number)
    }

    fn bank(&self) -> Agent {
        Agent::member(self.caller.name())
    }

    fn ids(&self, ask: &Move) -> Ids {
        Ids {
            instruction: Some(ask.reference.clone()),
            end_to_end: ask.reference.clone(),
            transaction: None,
            uetr: Some(self.uetr(&ask.reference)),
        }
    }

    /// The order to debit the linked account.
    pub(super) fn initiation(&self, ask: &Move) -> Initiation {
        let transfer = InitiatedTransfer {
            ids: self.ids(ask),
            amount: amount(&ask.money),
            mandate: None,
            creditor_agent: Some(self.bank()),
            creditor: Some(self.us()),
            creditor_account: self.our_account(),
            purpose: Some(CodeOr::code(LOAD)),
            remittance: Some(remittance(ask)),
            expires: Some(ask.not_after),
        };
        let payment = Payment {
            id: ask.reference.clone(),
            execution: ask.not_after.to_zoned(TimeZone::fixed(offset(8))).date(),
            debtor: holder(&ask.agreement),
            debtor_account: linked(&ask.agreement),
            debtor_agent: self.bank(),
            transfers: vec![transfer],
        };
        Initiation {
            id: ask.reference.clone(),
            created: Timestamp::now(),
            initiator: self.us(),
            payments: vec![payment],
        }
    }

    /// The order to credit the linked account.
    pub(super) fn transfers(&self, ask: &Move) -> CreditTransfers {
        let transfer = CreditTransfer {
            ids: Ids { transaction: Some(ask.reference.clone()), ..self.ids(ask) },
            amount: amount(&ask.money),
            settled: None,
            charges: Charges::Scheme,
            debtor: self.us(),
            debtor_account: self.our_account(),
            debtor_agent: self.bank(),
            creditor_agent: self.bank(),
            creditor: holder(&ask.agreement),
            creditor_account: Some(linked(&ask.agreement)),
            purpose: Some(CodeOr::code(OTHER)),
            remittance: Some(remittance(ask)),
        };
        CreditTransfers {
            id: ask.reference.clone(),
            created: Timestamp::now(),
            expires: Some(ask.not_after),
            settlement: Settlement { method: SettlementMethod::Instructed, account: self.our_account() },
            instructing: Some(Agent::member(self.caller.caller_id())),
            instructed: Some(self.bank()),
            transfers: vec![transfer],
        }
    }
}

fn amount(money: &Money) -> Amount {
    Amount::new(money.amount, &money.currency)
}

/// The account's holder, known to both sides by the agreement alone: no name and no number travels.
fn holder(agreement: &str) -> Party {
    let other = Identified { id: agreement.to_owned(), scheme: Some(CodeOr::proprietary(AGREEMENT)) };
    Party { id: Some(PartyId::Person { other: vec![other] }), ..Party::default() }
}

fn linked(agreement: &str) -> Account {
    let proxy = Proxy { kind: Some(CodeOr::proprietary(AGREEMENT)), id: agreement.to_owned() };
    Account { proxy: Some(proxy), ..Account::default() }
}

fn remittance(ask: &Move) -> Remittance {
    let kind = Some(CodeOr::code(CREDITOR_REFERENCE));
    let structured = Structured { reference: Some((kind, ask.reference.clone())), ..Structured::default() };
    let unstructured = Some(ask.purpose.clone()).filter(|text| !text.is_empty());
    Remittance { unstructured: unstructured.into_iter().collect(), structured: vec![structured] }
}

/// The order that a document holds, for a bank's side: which way, and what. Nothing if it is no order
/// of one payment with an agreement, a time and our marks.
#[must_use]
pub fn read_order(document: &Document) -> Option<(EntryKind, wire::Move)> {
    match document {
        Document::Initiation(message) => {
            let [payment] = message.payments.as_slice() else { return None };
            let [transfer] = payment.transfers.as_slice() else { return None };
            let (account, remittance) = (&payment.debtor_account, &transfer.remittance);
            let order = order(&transfer.ids, &transfer.amount, account, remittance, transfer.expires)?;
            Some((EntryKind::Pull, order))
        }
        Document::CreditTransfers(message) => {
            let [transfer] = message.transfers.as_slice() else { return None };
            let account = transfer.creditor_account.as_ref()?;
            let order =
                order(&transfer.ids, &transfer.amount, account, &transfer.remittance, message.expires)?;
            Some((EntryKind::Push, order))
        }
        _ => None,
    }
}

fn order(
    ids: &Ids,
    amount: &Amount,
    account: &Account,
    remittance: &Option<Remittance>,
    expires: Option<Timestamp>,
) -> Option<wire::Move> {
    let proxy = account.proxy.as_ref()?;
    if proxy.kind.as_ref().map(CodeOr::text) != Some(AGREEMENT) {
        return None;
    }
    let purpose = remittance.as_ref().and_then(|remittance| remittance.unstructured.first());
    Some(wire::Move {
        reference: ids.end_to_end.clone(),
        agreement: proxy.id.clone(),
        money: Money { amount: amount.minor, currency: amount.currency.clone() },
        purpose: purpose.cloned().unwrap_or_default(),
        not_after: expires?,
    })
}

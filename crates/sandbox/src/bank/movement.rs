//! One movement of money between an account and the platform, as the bank keeps it.

use jialing_rails::bank::wire::{Move, Reply, State};
use jialing_rails::bank::{BankNotice, EntryKind, NoticeState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A pull or push under one reference.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Movement {
    /// What was asked; the same reference with another ask is refused.
    pub(crate) ask: Move,
    /// Pull or push.
    pub(crate) kind: EntryKind,
    /// The account behind the agreement.
    pub(crate) account: String,
    /// ACCEPTED, DONE or REFUSED.
    pub(crate) state: State,
    /// The bank's name for it, once booked.
    pub(crate) bank_ref: Option<String>,
    /// Why it is refused.
    pub(crate) refusal: Option<(String, String)>,
    /// What happens later, and when.
    pub(crate) plan: Option<(Timestamp, Plan)>,
    /// How its notice travels.
    pub(crate) courier: CourierPlan,
    /// Whether it was ordered in ISO 20022: its notices are written so too.
    #[serde(default)]
    pub(crate) iso: bool,
    /// When it came to its state.
    #[serde(default)]
    pub(crate) changed_at: Timestamp,
}

/// What happens to a movement later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Plan {
    /// An accepted movement is booked.
    Settle,
    /// An accepted movement is booked, and comes back so many seconds later.
    SettleThenReturn(u32),
    /// An accepted movement is refused.
    Refuse,
    /// A booked push comes back.
    Return,
}

/// How the notice about a movement travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CourierPlan {
    /// How often it is sent: once, twice, or never.
    pub(crate) copies: u8,
    /// How many seconds it waits.
    pub(crate) delay_s: u32,
}

impl Default for CourierPlan {
    fn default() -> Self {
        Self { copies: 1, delay_s: 0 }
    }
}

impl Movement {
    /// Whether `ask` is the same request again. Until when it may arrive is no part of what it is:
    /// who asks again may give it more time.
    pub(crate) fn is_for(&self, kind: EntryKind, ask: &Move) -> bool {
        let again = Move { not_after: self.ask.not_after, ..ask.clone() };
        self.kind == kind && self.ask == again
    }

    /// The answer to the request or a query.
    pub(crate) fn reply(&self) -> Reply {
        let mut reply = Reply::new(&self.ask.reference, self.state);
        reply.bank_ref = self.bank_ref.clone();
        if let Some((code, message)) = &self.refusal {
            reply.code = Some(code.clone());
            reply.message = Some(message.clone());
        }
        reply
    }

    /// The notice that it has ended in `state`.
    pub(crate) fn notice(&self, institution: &str, state: NoticeState, at: Timestamp) -> BankNotice {
        let ending = match state {
            NoticeState::Done => "done",
            NoticeState::Refused => "refused",
            NoticeState::Returned => "returned",
        };
        let (code, message) = self.refusal.clone().unzip();
        BankNotice {
            id: format!("ntc_{}_{ending}", self.ask.reference),
            institution: institution.to_owned(),
            reference: self.ask.reference.clone(),
            kind: self.kind,
            state,
            money: self.ask.money.clone(),
            bank_ref: self.bank_ref.clone(),
            code,
            message,
            at,
        }
    }
}

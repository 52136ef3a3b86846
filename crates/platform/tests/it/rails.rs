//! The outside world in memory: a bank, an identity service and a notice service that do what a test
//! orders them to.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use jialing_platform::Clock;
use jialing_rails::bank::{
    Agreement, Bank, Entry, EntryKind, LinkStarted, Money, Move, Settled, StartLink, Statement,
};
use jialing_rails::identity::{Claim, Identity, Mismatch, Verdict};
use jialing_rails::notice::{Message, Notices, Sent};
use jialing_rails::{Answer, Outcome, Refusal, Why};

/// The code that every bank sends to confirm a link.
pub const LINK_CODE: &str = "246810";

/// What a bank does with its next movement instead of doing it at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Takes it in; [`TestBank::finish`] decides it.
    Later,
    /// Does it, but the answer is lost.
    AnswerLost,
    /// Never gets it, and there is no answer.
    RequestLost,
    /// Says no with this code.
    Refuse(&'static str),
}

#[derive(Clone, Debug)]
struct Moved {
    kind: EntryKind,
    money: Money,
    outcome: Outcome<Settled>,
    at: jiff::Timestamp,
}

#[derive(Default)]
struct BankState {
    faults: Vec<Fault>,
    moved: HashMap<String, Moved>,
    order: Vec<String>,
    links: HashMap<String, StartLink>,
    agreements: HashMap<String, bool>,
    calls: u32,
}

/// A bank.
pub struct TestBank {
    code: String,
    clock: Clock,
    state: Mutex<BankState>,
}

impl TestBank {
    pub fn new(code: &str, clock: &Clock) -> Self {
        Self { code: code.to_owned(), clock: clock.clone(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, BankState> {
        self.state.lock().expect("no test panics inside the bank")
    }

    /// Orders a fault for the next movement; several are taken in order.
    pub fn order(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Decides what was taken in: done, or refused with a code.
    pub fn finish(&self, reference: &str, refused: Option<&str>) {
        let mut state = self.state();
        let moved = state.moved.get_mut(reference).expect("the bank has this reference");
        assert_eq!(moved.outcome, Outcome::Accepted, "{reference} is decided");
        moved.outcome = match refused {
            Some(code) => Outcome::Refused(Refusal::new(code, "as the test ordered")),
            None => Outcome::Done(Settled { bank_ref: format!("{}-{reference}", self.code) }),
        };
    }

    /// The references that the bank has, in order.
    pub fn references(&self) -> Vec<String> {
        self.state().order.clone()
    }

    /// How many pulls and pushes were sent, repetitions too.
    pub fn calls(&self) -> u32 {
        self.state().calls
    }

    /// What the bank has pulled less what it has pushed, done movements only, fen.
    pub fn net(&self) -> i64 {
        let state = self.state();
        let done = state.moved.values().filter(|moved| matches!(moved.outcome, Outcome::Done(_)));
        let signed = done.map(|moved| {
            let amount = i64::try_from(moved.money.amount).expect("a test's amount");
            if moved.kind == EntryKind::Pull { amount } else { -amount }
        });
        signed.sum()
    }

    /// Books a movement that nobody asked for now, replacing one of the same reference.
    pub fn book(&self, reference: &str, kind: EntryKind, fen: u64) {
        let mut state = self.state();
        let outcome = Outcome::Done(Settled { bank_ref: format!("{}-{reference}", self.code) });
        let moved = Moved { kind, money: Money::cny(fen), outcome, at: self.clock.now() };
        if state.moved.insert(reference.to_owned(), moved).is_none() {
            state.order.push(reference.to_owned());
        }
    }

    /// Loses all trace of a movement.
    pub fn forget(&self, reference: &str) {
        let mut state = self.state();
        state.moved.remove(reference).expect("the bank has this reference");
        state.order.retain(|known| known != reference);
    }

    /// Whether the next ordered fault is that a request is lost; it then happened.
    fn loses_request(&self) -> bool {
        let mut state = self.state();
        let lost = state.faults.first() == Some(&Fault::RequestLost);
        if lost {
            state.faults.remove(0);
        }
        lost
    }

    fn act(&self, kind: EntryKind, ask: &Move) -> Outcome<Settled> {
        let mut state = self.state();
        state.calls += 1;
        if let Some(moved) = state.moved.get(&ask.reference) {
            assert_eq!((moved.kind, &moved.money), (kind, &ask.money), "a reference was used for two things");
            return moved.outcome.clone();
        }
        let fault = if state.faults.is_empty() { None } else { Some(state.faults.remove(0)) };
        if fault == Some(Fault::RequestLost) {
            return Outcome::Unknown(Why::TimedOut);
        }
        let late = self.clock.now() > ask.not_after;
        let ended = state.agreements.get(&ask.agreement) != Some(&true);
        let outcome = match &fault {
            _ if late => Outcome::Refused(Refusal::new("TOO_LATE", "after not_after")),
            _ if ended => Outcome::Refused(Refusal::new("NO_AGREEMENT", "no such agreement")),
            Some(Fault::Later) => Outcome::Accepted,
            Some(Fault::Refuse(code)) => Outcome::Refused(Refusal::new(code, "as the test ordered")),
            _ => Outcome::Done(Settled { bank_ref: format!("{}-{}", self.code, ask.reference) }),
        };
        state.order.push(ask.reference.clone());
        state.moved.insert(
            ask.reference.clone(),
            Moved { kind, money: ask.money.clone(), outcome: outcome.clone(), at: self.clock.now() },
        );
        if fault == Some(Fault::AnswerLost) { Outcome::Unknown(Why::Disconnected) } else { outcome }
    }
}

impl Bank for TestBank {
    fn institution(&self) -> &str {
        &self.code
    }

    fn start_link<'a>(&'a self, ask: &'a StartLink) -> Answer<'a, Outcome<LinkStarted>> {
        Box::pin(async move {
            if self.loses_request() {
                return Outcome::Unknown(Why::TimedOut);
            }
            let link_id = format!("link-{}", ask.reference);
            self.state().links.insert(link_id.clone(), ask.clone());
            Outcome::Done(LinkStarted { link_id })
        })
    }

    fn confirm_link<'a>(
        &'a self,
        _reference: &'a str,
        link_id: &'a str,
        code: &'a str,
    ) -> Answer<'a, Outcome<Agreement>> {
        Box::pin(async move {
            if self.loses_request() {
                return Outcome::Unknown(Why::TimedOut);
            }
            let mut state = self.state();
            let Some(link) = state.links.get(link_id).cloned() else {
                return Outcome::Refused(Refusal::new("NO_LINK", "no such link"));
            };
            if code != LINK_CODE {
                return Outcome::Refused(Refusal::new("WRONG_CODE", "another code was sent"));
            }
            let agreement = format!("agr-{link_id}");
            state.agreements.insert(agreement.clone(), true);
            let last = link.account.len().saturating_sub(4);
            Outcome::Done(Agreement { agreement, account_mask: format!("**** {}", &link.account[last..]) })
        })
    }

    fn end_link<'a>(&'a self, _reference: &'a str, agreement: &'a str) -> Answer<'a, Outcome<()>> {
        Box::pin(async move {
            self.state().agreements.insert(agreement.to_owned(), false);
            Outcome::Done(())
        })
    }

    fn pull<'a>(&'a self, ask: &'a Move) -> Answer<'a, Outcome<Settled>> {
        Box::pin(async move { self.act(EntryKind::Pull, ask) })
    }

    fn push<'a>(&'a self, ask: &'a Move) -> Answer<'a, Outcome<Settled>> {
        Box::pin(async move { self.act(EntryKind::Push, ask) })
    }

    fn query<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Outcome<Settled>>> {
        Box::pin(async move { self.state().moved.get(reference).map(|moved| moved.outcome.clone()) })
    }

    fn statement(&self, day: jiff::civil::Date) -> Answer<'_, Result<Statement, Why>> {
        Box::pin(async move {
            let state = self.state();
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
            let mut entries = Vec::new();
            for reference in &state.order {
                let moved = &state.moved[reference];
                let Outcome::Done(settled) = &moved.outcome else { continue };
                if moved.at.to_zoned(zone.clone()).date() == day {
                    entries.push(Entry {
                        line: entries.len() as u64 + 1,
                        bank_ref: settled.bank_ref.clone(),
                        reference: reference.clone(),
                        kind: moved.kind,
                        money: moved.money.clone(),
                        at: moved.at,
                    });
                }
            }
            Ok(Statement { day, entries })
        })
    }
}

/// An identity service that knows everybody, but for the names it is told to doubt or not to know.
#[derive(Default)]
pub struct TestIdentity {
    doubted: Mutex<Vec<String>>,
    silent: Mutex<bool>,
}

impl TestIdentity {
    /// Claims about this name do not fit.
    pub fn doubt(&self, name: &str) {
        self.doubted.lock().expect("not poisoned").push(name.to_owned());
    }

    /// Gives no verdict until told otherwise.
    pub fn set_silent(&self, silent: bool) {
        *self.silent.lock().expect("not poisoned") = silent;
    }
}

impl Identity for TestIdentity {
    fn check<'a>(&'a self, claim: &'a Claim) -> Answer<'a, Verdict> {
        Box::pin(async move {
            let check_id = format!("chk-{}", claim.reference);
            if *self.silent.lock().expect("not poisoned") {
                Verdict::Unknown(Why::TimedOut)
            } else if self.doubted.lock().expect("not poisoned").contains(&claim.name) {
                Verdict::NoMatch { check_id, mismatch: Mismatch::Name }
            } else {
                Verdict::Match { check_id }
            }
        })
    }
}

/// A notice service that keeps what it was given.
#[derive(Default)]
pub struct TestNotices {
    messages: Mutex<Vec<Message>>,
    failing: Mutex<u32>,
    tries: Mutex<u32>,
}

impl TestNotices {
    /// What was sent, each reference once, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().expect("not poisoned").clone()
    }

    /// The newest message to a phone.
    pub fn last_to(&self, phone: &str) -> Option<Message> {
        self.messages().into_iter().rev().find(|message| message.phone == phone)
    }

    /// The one-time code in the newest message to a phone.
    pub fn code_for(&self, phone: &str) -> String {
        let message = self.last_to(phone).expect("a message was sent to this phone");
        message.params.get("code").cloned().expect("the message carries a code")
    }

    /// Gives no answer to the next `times` messages.
    pub fn fail(&self, times: u32) {
        *self.failing.lock().expect("not poisoned") = times;
    }

    /// How many messages were tried, repetitions too.
    pub fn tries(&self) -> u32 {
        *self.tries.lock().expect("not poisoned")
    }
}

impl Notices for TestNotices {
    fn send<'a>(&'a self, message: &'a Message) -> Answer<'a, Outcome<Sent>> {
        Box::pin(async move {
            *self.tries.lock().expect("not poisoned") += 1;
            let mut failing = self.failing.lock().expect("not poisoned");
            if *failing > 0 {
                *failing -= 1;
                return Outcome::Unknown(Why::Disconnected);
            }
            let mut messages = self.messages.lock().expect("not poisoned");
            if !messages.iter().any(|sent| sent.reference == message.reference) {
                messages.push(message.clone());
            }
            Outcome::Done(Sent { message_id: format!("msg-{}", message.reference) })
        })
    }
}

//! A bank's book: who has an account, who linked it, and what moved.
//!
//! The book has no clock and no network: the time comes in, replies and notices come out. A
//! reference moves money once: asking again gives the state it has come to, and asking something
//! else under it is refused.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::io;
use std::path::Path;

use jialing_rails::bank::wire::{Move, Reply, State};
use jialing_rails::bank::{BankNotice, Entry, EntryKind, NoticeState};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::magic::fault_of;
use super::movement::{CourierPlan, Movement, Plan};
use crate::clock::day_of;
use crate::fault::Fault;
use crate::phone::canonical_phone;
use crate::shelf::Shelves;

/// An account of the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// 16 to 19 digits.
    pub number: String,
    /// As the identity document has it.
    pub holder_name: String,
    /// The holder's identity number.
    pub id_number: String,
    /// The phone the bank knows the holder by, in its national form.
    pub phone: String,
    /// In fen.
    pub balance: u64,
    /// A frozen account moves no money.
    #[serde(default)]
    pub frozen: bool,
}

/// The bank's own rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BookRules {
    /// How long a movement stays accepted; `None` books at once.
    pub(crate) settle_after_ms: Option<u32>,
    /// How long a code confirms a link, in seconds.
    pub(crate) code_valid_s: i64,
    /// How many wrong codes end a link.
    pub(crate) most_tries: u32,
    /// What a visitor's account is opened with, in fen.
    pub(crate) visitor_balance: u64,
}

impl Default for BookRules {
    fn default() -> Self {
        Self { settle_after_ms: None, code_valid_s: 300, most_tries: 5, visitor_balance: 5_000_000 }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) reference: String,
    pub(super) account: String,
    pub(super) code: String,
    pub(super) expires_at: Timestamp,
    pub(super) tries: u32,
    pub(super) agreement: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AgreementRow {
    pub(super) account: String,
    pub(super) ended: bool,
}

/// A notice on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    pub(crate) notice: BankNotice,
    pub(crate) not_before: Timestamp,
    pub(crate) tries: u32,
    #[serde(default)]
    pub(crate) form: Form,
}

impl Outgoing {
    /// Under what a copy of it is kept.
    fn key(&self, copy: u8) -> String {
        let form = match self.form {
            Form::Json => "",
            Form::Iso => "/iso",
            Form::Advice => "/advice",
        };
        format!("{}{form}#{copy}", self.notice.id)
    }
}

/// What a notice is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    /// JSON.
    #[default]
    Json,
    /// ISO 20022: a status report, or the return of a payment.
    Iso,
    /// ISO 20022: the advice of a booking, camt.054.
    Advice,
}

/// The book.
pub(crate) struct Book {
    pub(super) institution: String,
    pub(super) rules: BookRules,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) links: BTreeMap<String, Link>,
    pub(super) agreements: BTreeMap<String, AgreementRow>,
    pub(super) movements: BTreeMap<String, Movement>,
    pub(super) plans: BTreeSet<(Timestamp, String)>,
    pub(super) days: BTreeMap<Date, Vec<Entry>>,
    pub(super) entries: u64,
    pub(super) outbox: VecDeque<Outgoing>,
    pub(super) magic_done: HashSet<String>,
    pub(super) shelves: Shelves,
}

impl Book {
    /// Opens the book, with what the file holds before `accounts` are added.
    pub(crate) fn open(
        institution: &str,
        rules: BookRules,
        accounts: &[Account],
        file: Option<&Path>,
    ) -> io::Result<Self> {
        let (shelves, mut held) = Shelves::open(file)?;
        let mut book = Self {
            institution: institution.to_owned(),
            rules,
            accounts: held.take("accounts")?,
            links: held.take("links")?,
            agreements: held.take("agreements")?,
            movements: held.take("movements")?,
            plans: BTreeSet::new(),
            days: BTreeMap::new(),
            entries: 0,
            outbox: VecDeque::new(),
            magic_done: HashSet::new(),
            shelves,
        };
        for (reference, movement) in &book.movements {
            if let Some((at, _)) = movement.plan {
                book.plans.insert((at, reference.clone()));
            }
        }
        for entry in held.take::<Entry>("entries")?.into_values() {
            book.days.entry(day_of(entry.at)).or_default().push(entry);
            book.entries += 1;
        }
        let waiting = held.take::<Option<Outgoing>>("outbox")?;
        book.outbox = waiting.into_values().flatten().collect();
        for account in accounts {
            if !book.accounts.contains_key(&account.number) {
                book.put_account(account.clone());
            }
        }
        Ok(book)
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    pub(crate) fn account(&self, number: &str) -> Option<&Account> {
        self.accounts.get(number)
    }

    /// Adds an account, or changes the one with the same number.
    pub(crate) fn put_account(&mut self, mut account: Account) {
        account.phone = canonical_phone(&account.phone);
        self.shelves.put("accounts", &account.number, &account);
        self.accounts.insert(account.number.clone(), account);
    }

    /// The fault a movement's amount asks for, once per reference.
    pub(crate) fn magic(&mut self, ask: &Move) -> Option<Fault> {
        let fault = fault_of(ask.money.amount)?;
        let fresh =
            !self.movements.contains_key(&ask.reference) && self.magic_done.insert(ask.reference.clone());
        fresh.then_some(fault)
    }

    /// When the next movement is due, or the next notice where notices can travel.
    pub(crate) fn next_due(&self, has_door: bool) -> Option<Timestamp> {
        let plan = self.plans.first().map(|(at, _)| *at);
        let travelling = self.outbox.iter().filter(|_| has_door);
        let notice = travelling.map(|out| out.not_before).min();
        plan.into_iter().chain(notice).min()
    }

    /// Does everything that is due by `now`.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some((at, reference)) = self.plans.first().cloned() {
            if at > now {
                return;
            }
            self.plans.pop_first();
            let mut movement = self.movements[&reference].clone();
            let Some((_, plan)) = movement.plan.take() else {
                continue;
            };
            self.carry_out(&mut movement, plan, now);
            self.put_movement(movement);
        }
    }

    fn carry_out(&mut self, movement: &mut Movement, plan: Plan, now: Timestamp) {
        let amount = movement.ask.money.amount;
        let state = match plan {
            Plan::Settle | Plan::SettleThenReturn(_) => {
                if movement.kind == EntryKind::Push {
                    self.change_balance(&movement.account, |balance| balance + amount);
                }
                movement.state = State::Done;
                movement.bank_ref = Some(self.enter(movement, movement.kind, now));
                if let Plan::SettleThenReturn(delay_s) = plan
                    && movement.kind == EntryKind::Push
                {
                    movement.plan = Some((after(now, i64::from(delay_s) * 1_000), Plan::Return));
                }
                NoticeState::Done
            }
            Plan::Refuse => {
                if movement.kind == EntryKind::Pull {
                    self.change_balance(&movement.account, |balance| balance + amount);
                }
                movement.state = State::Refused;
                movement.refusal =
                    Some(("REFUSED_LATE".to_owned(), "事后拒绝 refused after it was accepted".to_owned()));
                NoticeState::Refused
            }
            Plan::Return => {
                self.change_balance(&movement.account, |balance| balance.saturating_sub(amount));
                self.enter(movement, EntryKind::Return, now);
                NoticeState::Returned
            }
        };
        movement.changed_at = now;
        self.announce(movement, state, now);
    }

    /// Puts the notices of a movement's ending into the outbox. What was ordered in ISO 20022 and is
    /// booked is advised as well.
    fn announce(&mut self, movement: &Movement, state: NoticeState, now: Timestamp) {
        let CourierPlan { copies, delay_s } = movement.courier;
        let forms: &[Form] = match (movement.iso, state) {
            (false, _) => &[Form::Json],
            (true, NoticeState::Refused) => &[Form::Iso],
            (true, _) => &[Form::Iso, Form::Advice],
        };
        for form in forms {
            for copy in 0..copies {
                let outgoing = Outgoing {
                    notice: movement.notice(&self.institution, state, now),
                    not_before: after(now, i64::from(delay_s) * 1_000),
                    tries: 0,
                    form: *form,
                };
                self.shelves.put("outbox", &outgoing.key(copy), &Some(&outgoing));
                self.outbox.push_back(outgoing);
            }
        }
    }

    /// Writes an entry into the day's statement and returns the bank's name for it.
    fn enter(&mut self, movement: &Movement, kind: EntryKind, now: Timestamp) -> String {
        self.entries += 1;
        let bank_ref = format!("{}{:012}", self.institution.to_uppercase(), self.entries);
        let day = self.days.entry(day_of(now)).or_default();
        let entry = Entry {
            line: day.len() as u64 + 1,
            bank_ref: bank_ref.clone(),
            reference: movement.ask.reference.clone(),
            kind,
            money: movement.ask.money.clone(),
            at: now,
        };
        self.shelves.put("entries", &format!("{:020}", self.entries), &entry);
        day.push(entry);
        bank_ref
    }

    /// The first notice that may travel by `now`, taken out of the outbox.
    pub(crate) fn next_notice(&mut self, now: Timestamp) -> Option<Outgoing> {
        let at = self.outbox.iter().position(|out| out.not_before <= now)?;
        self.outbox.remove(at)
    }

    /// The notice has arrived, or is given up.
    pub(crate) fn notice_done(&mut self, outgoing: &Outgoing) {
        let same = |out: &Outgoing| out.notice.id == outgoing.notice.id && out.form == outgoing.form;
        if !self.outbox.iter().any(same) {
            for copy in 0..2 {
                self.shelves.put("outbox", &outgoing.key(copy), &None::<Outgoing>);
            }
        }
    }

    /// The notice goes back into the outbox until `not_before`.
    pub(crate) fn notice_again(&mut self, mut outgoing: Outgoing, not_before: Timestamp) {
        outgoing.tries += 1;
        outgoing.not_before = not_before;
        self.outbox.push_back(outgoing);
    }

    pub(super) fn put_movement(&mut self, movement: Movement) {
        let reference = movement.ask.reference.clone();
        if let Some((at, _)) = movement.plan {
            self.plans.insert((at, reference.clone()));
        }
        self.shelves.put("movements", &reference, &movement);
        self.movements.insert(reference, movement);
    }

    pub(super) fn change_balance(&mut self, number: &str, change: impl FnOnce(u64) -> u64) {
        if let Some(account) = self.accounts.get_mut(number) {
            account.balance = change(account.balance);
            self.shelves.put("accounts", number, account);
        }
    }
}

/// The refusal of a reference that stands for another request.
pub(super) fn reused(reference: &str) -> Reply {
    Reply::refused(
        reference,
        "REFERENCE_REUSED",
        "流水号已用于其他请求 the reference belongs to another request",
    )
}

/// `millis` later, or the same time where the calendar ends.
pub(super) fn after(at: Timestamp, millis: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(millis)).unwrap_or(at)
}

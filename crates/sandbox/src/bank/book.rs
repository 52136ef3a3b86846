//! A bank's book: who has an account, who linked it, and what moved.
//!
//! The book has no clock and no network: the time comes in, replies and notices come out. A
//! reference moves money once: asking again gives the state it has come to, and asking something
//! else under it is refused.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::io;
use std::path::Path;

use jialing_crypto::random;
use jialing_rails::bank::wire::{ConfirmLink, EndLink, Move, Reply, StartLink, State, StatementPage};
use jialing_rails::bank::{BankNotice, Entry, EntryKind, NoticeState};
use jialing_rails::notice::Message;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::magic::{MAGIC_CODE_NEVER, VISITOR_PREFIX, fault_of};
use super::movement::{CourierPlan, Movement, Plan};
use crate::clock::day_of;
use crate::fault::{Fault, FaultKind};
use crate::phone::canonical_phone;
use crate::shelf::Shelves;

/// How many entries a page of a statement has.
const PAGE: usize = 500;

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
struct Link {
    reference: String,
    account: String,
    code: String,
    expires_at: Timestamp,
    tries: u32,
    agreement: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct AgreementRow {
    account: String,
    ended: bool,
}

/// A notice on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    pub(crate) notice: BankNotice,
    pub(crate) not_before: Timestamp,
    pub(crate) tries: u32,
}

/// The book.
pub(crate) struct Book {
    institution: String,
    rules: BookRules,
    accounts: BTreeMap<String, Account>,
    links: BTreeMap<String, Link>,
    agreements: BTreeMap<String, AgreementRow>,
    movements: BTreeMap<String, Movement>,
    plans: BTreeSet<(Timestamp, String)>,
    days: BTreeMap<Date, Vec<Entry>>,
    entries: u64,
    outbox: VecDeque<Outgoing>,
    magic_done: HashSet<String>,
    shelves: Shelves,
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

    /// Starts a link; the message carries the code to the holder.
    pub(crate) fn start_link(&mut self, ask: &StartLink, now: Timestamp) -> (Reply, Option<Message>) {
        if let Some((link_id, link)) = self.link_of(&ask.reference) {
            if link.account != ask.account {
                return (reused(&ask.reference), None);
            }
            return (link_reply(&ask.reference, link_id), None);
        }
        if let Err((code, message)) = self.check_holder(ask) {
            return (Reply::refused(&ask.reference, code, message), None);
        }
        let code = loop {
            let code = random::digits(6);
            if code != MAGIC_CODE_NEVER {
                break code;
            }
        };
        let link_id = format!("lnk_{}", random::nonce());
        let message = Message {
            reference: link_id.clone(),
            phone: ask.phone.clone(),
            template: "BANK_LINK_CODE".to_owned(),
            params: [("code".to_owned(), code.clone()), ("bank".to_owned(), self.institution.clone())].into(),
            language: "zh-CN".to_owned(),
        };
        let link = Link {
            reference: ask.reference.clone(),
            account: ask.account.clone(),
            code,
            expires_at: after(now, self.rules.code_valid_s * 1_000),
            tries: 0,
            agreement: None,
        };
        self.shelves.put("links", &link_id, &link);
        let reply = link_reply(&ask.reference, &link_id);
        self.links.insert(link_id, link);
        (reply, Some(message))
    }

    fn link_of(&self, reference: &str) -> Option<(&String, &Link)> {
        self.links.iter().find(|(_, link)| link.reference == reference)
    }

    /// Whether the account is the holder's; a visitor's account is opened here.
    fn check_holder(&mut self, ask: &StartLink) -> Result<(), (&'static str, &'static str)> {
        if !self.accounts.contains_key(&ask.account) && is_visitor(&ask.account) {
            self.put_account(Account {
                number: ask.account.clone(),
                holder_name: ask.holder_name.clone(),
                id_number: ask.id_number.clone(),
                phone: ask.phone.clone(),
                balance: self.rules.visitor_balance,
                frozen: false,
            });
        }
        let account =
            self.accounts.get(&ask.account).ok_or(("ACCOUNT_NOT_FOUND", "没有这个账户 no such account"))?;
        if account.holder_name != ask.holder_name || account.id_number != ask.id_number {
            return Err(("HOLDER_MISMATCH", "户名或证件不符 name or identity number differs"));
        }
        if account.phone != canonical_phone(&ask.phone) {
            return Err(("PHONE_MISMATCH", "预留手机号不符 the bank knows another phone"));
        }
        if account.frozen {
            return Err(("ACCOUNT_FROZEN", "账户已冻结 the account is frozen"));
        }
        Ok(())
    }

    /// Confirms a link with its code.
    pub(crate) fn confirm_link(&mut self, ask: &ConfirmLink, now: Timestamp) -> Reply {
        let refuse = |code, message| Reply::refused(&ask.reference, code, message);
        let Some(link) = self.links.get_mut(&ask.link_id) else {
            return refuse("LINK_NOT_FOUND", "没有这次签约 no such link");
        };
        if link.tries >= self.rules.most_tries {
            return refuse("TOO_MANY_TRIES", "尝试次数过多 start again");
        }
        if link.agreement.is_none() && now > link.expires_at {
            return refuse("CODE_EXPIRED", "验证码已过期 start again");
        }
        if link.code != ask.code {
            link.tries += 1;
            let link = link.clone();
            self.shelves.put("links", &ask.link_id, &link);
            return refuse("WRONG_CODE", "验证码错误 the code is wrong");
        }
        let agreement = link.agreement.get_or_insert_with(|| format!("agr_{}", random::nonce())).clone();
        let link = link.clone();
        let row = AgreementRow { account: link.account.clone(), ended: false };
        if !self.agreements.contains_key(&agreement) {
            self.shelves.put("agreements", &agreement, &row);
            self.agreements.insert(agreement.clone(), row);
        }
        self.shelves.put("links", &ask.link_id, &link);
        Reply {
            agreement: Some(agreement),
            account_mask: Some(mask(&link.account)),
            ..Reply::new(&ask.reference, State::Done)
        }
    }

    /// Ends an agreement; ending an ended one is done.
    pub(crate) fn end_link(&mut self, ask: &EndLink) -> Reply {
        let Some(row) = self.agreements.get_mut(&ask.agreement) else {
            return Reply::refused(&ask.reference, "AGREEMENT_NOT_FOUND", "没有这份协议 no such agreement");
        };
        row.ended = true;
        let row = row.clone();
        self.shelves.put("agreements", &ask.agreement, &row);
        Reply::new(&ask.reference, State::Done)
    }

    /// Takes in a pull or push.
    pub(crate) fn start_move(
        &mut self,
        kind: EntryKind,
        ask: Move,
        fault: Option<&Fault>,
        now: Timestamp,
    ) -> Reply {
        if let Some(known) = self.movements.get(&ask.reference) {
            if !known.is_for(kind, &ask) {
                return reused(&ask.reference);
            }
            return known.reply();
        }
        let reference = ask.reference.clone();
        let checked = match fault {
            Some(fault) if fault.kind == FaultKind::Refusal => {
                Err((fault.code().to_owned(), "refused on order".to_owned()))
            }
            _ => self
                .check_move(kind, &ask, now)
                .map_err(|(code, message)| (code.to_owned(), message.to_owned())),
        };
        let account = match &checked {
            Ok(account) => account.clone(),
            Err(_) => String::new(),
        };
        let mut movement = Movement {
            ask,
            kind,
            account,
            state: State::Accepted,
            bank_ref: None,
            refusal: None,
            plan: None,
            courier: courier_plan(fault),
        };
        if let Err(refusal) = checked {
            movement.state = State::Refused;
            movement.refusal = Some(refusal);
            let reply = movement.reply();
            self.put_movement(movement);
            return reply;
        }
        if kind == EntryKind::Pull {
            self.change_balance(&movement.account, |balance| {
                balance.saturating_sub(movement.ask.money.amount)
            });
        }
        movement.plan = Some(self.plan_of(fault, now));
        self.put_movement(movement);
        if self.rules.settle_after_ms.is_none() {
            self.settle(now);
        }
        self.movements[&reference].reply()
    }

    /// The account, if the movement may be made.
    fn check_move(
        &self,
        kind: EntryKind,
        ask: &Move,
        now: Timestamp,
    ) -> Result<String, (&'static str, &'static str)> {
        if now > ask.not_after {
            return Err(("TOO_LATE", "请求已过期 the request came after its time"));
        }
        if ask.money.currency != "CNY" {
            return Err(("BAD_CURRENCY", "币种不支持 only CNY"));
        }
        if ask.money.amount == 0 {
            return Err(("BAD_AMOUNT", "金额错误 the amount is zero"));
        }
        let row = self
            .agreements
            .get(&ask.agreement)
            .filter(|row| !row.ended)
            .ok_or(("AGREEMENT_NOT_FOUND", "协议不存在或已解约 no such agreement"))?;
        let account = &self.accounts[&row.account];
        if account.frozen {
            return Err(("ACCOUNT_FROZEN", "账户已冻结 the account is frozen"));
        }
        if kind == EntryKind::Pull && account.balance < ask.money.amount {
            return Err(("INSUFFICIENT_FUNDS", "余额不足 not enough money"));
        }
        if kind == EntryKind::Push && account.balance.checked_add(ask.money.amount).is_none() {
            return Err(("BAD_AMOUNT", "金额过大 the amount is too large"));
        }
        Ok(row.account.clone())
    }

    fn plan_of(&self, fault: Option<&Fault>, now: Timestamp) -> (Timestamp, Plan) {
        let usual = after(now, i64::from(self.rules.settle_after_ms.unwrap_or(0)));
        let Some(fault) = fault else {
            return (usual, Plan::Settle);
        };
        let late = after(now, fault.delay_s() * 1_000);
        match fault.kind {
            FaultKind::LateSuccess => (late, Plan::Settle),
            FaultKind::LateRefusal => (late, Plan::Refuse),
            FaultKind::Returned => {
                (usual, Plan::SettleThenReturn(u32::try_from(fault.delay_s()).unwrap_or(u32::MAX)))
            }
            _ => (usual, Plan::Settle),
        }
    }

    /// What became of a reference.
    pub(crate) fn query(&self, reference: &str) -> Reply {
        match self.movements.get(reference) {
            Some(movement) => movement.reply(),
            None => Reply::new(reference, State::NotSeen),
        }
    }

    /// A page of a day's statement: the entries after line `after`.
    pub(crate) fn statement(&self, day: Date, after: u64) -> StatementPage {
        let all = self.days.get(&day).map_or(&[][..], Vec::as_slice);
        let start = usize::try_from(after).unwrap_or(usize::MAX).min(all.len());
        let rest = &all[start..];
        let sum = |kind| {
            let of_kind = all.iter().filter(|entry| entry.kind == kind);
            of_kind.map(|entry| entry.money.amount).sum()
        };
        StatementPage {
            day,
            entries: rest.iter().take(PAGE).cloned().collect(),
            has_more: rest.len() > PAGE,
            count: all.len() as u64,
            pulled: sum(EntryKind::Pull),
            pushed: sum(EntryKind::Push),
            returned: sum(EntryKind::Return),
        }
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
        let CourierPlan { copies, delay_s } = movement.courier;
        for copy in 0..copies {
            let outgoing = Outgoing {
                notice: movement.notice(&self.institution, state, now),
                not_before: after(now, i64::from(delay_s) * 1_000),
                tries: 0,
            };
            self.shelves.put("outbox", &format!("{}#{copy}", outgoing.notice.id), &Some(&outgoing));
            self.outbox.push_back(outgoing);
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
        let same = |out: &Outgoing| out.notice.id == outgoing.notice.id;
        if !self.outbox.iter().any(same) {
            for copy in 0..2 {
                let key = format!("{}#{copy}", outgoing.notice.id);
                self.shelves.put("outbox", &key, &None::<Outgoing>);
            }
        }
    }

    /// The notice goes back into the outbox until `not_before`.
    pub(crate) fn notice_again(&mut self, mut outgoing: Outgoing, not_before: Timestamp) {
        outgoing.tries += 1;
        outgoing.not_before = not_before;
        self.outbox.push_back(outgoing);
    }

    fn put_movement(&mut self, movement: Movement) {
        let reference = movement.ask.reference.clone();
        if let Some((at, _)) = movement.plan {
            self.plans.insert((at, reference.clone()));
        }
        self.shelves.put("movements", &reference, &movement);
        self.movements.insert(reference, movement);
    }

    fn change_balance(&mut self, number: &str, change: impl FnOnce(u64) -> u64) {
        if let Some(account) = self.accounts.get_mut(number) {
            account.balance = change(account.balance);
            self.shelves.put("accounts", number, account);
        }
    }
}

fn courier_plan(fault: Option<&Fault>) -> CourierPlan {
    let usual = CourierPlan::default();
    let Some(fault) = fault else { return usual };
    match fault.kind {
        FaultKind::DuplicateNotice => CourierPlan { copies: 2, ..usual },
        FaultKind::LostNotice => CourierPlan { copies: 0, ..usual },
        FaultKind::OutOfOrder => {
            CourierPlan { delay_s: u32::try_from(fault.delay_s()).unwrap_or(u32::MAX), ..usual }
        }
        _ => usual,
    }
}

fn link_reply(reference: &str, link_id: &str) -> Reply {
    Reply { link_id: Some(link_id.to_owned()), ..Reply::new(reference, State::Done) }
}

fn reused(reference: &str) -> Reply {
    Reply::refused(
        reference,
        "REFERENCE_REUSED",
        "流水号已用于其他请求 the reference belongs to another request",
    )
}

fn is_visitor(account: &str) -> bool {
    (16..=19).contains(&account.len())
        && account.starts_with(VISITOR_PREFIX)
        && account.bytes().all(|b| b.is_ascii_digit())
}

/// All but the last four digits hidden.
fn mask(account: &str) -> String {
    let tail: String = account.chars().skip(account.chars().count().saturating_sub(4)).collect();
    format!("**** {tail}")
}

/// `millis` later, or the same time where the calendar ends.
fn after(at: Timestamp, millis: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(millis)).unwrap_or(at)
}

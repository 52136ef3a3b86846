//! Pulls and pushes: taken in, asked about, and listed.

use jialing_rails::bank::wire::{Move, Reply, State, StatementPage};
use jialing_rails::bank::{Entry, EntryKind};
use jiff::Timestamp;
use jiff::civil::Date;

use super::book::{Book, after, reused};
use super::movement::{CourierPlan, Movement, Plan};
use crate::fault::{Fault, FaultKind};

/// How many entries a page of a statement has.
const PAGE: usize = 500;

impl Book {
    /// Takes in a pull or push; `iso` if it was ordered in ISO 20022.
    pub(crate) fn start_move(
        &mut self,
        (kind, iso): (EntryKind, bool),
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
            iso,
            changed_at: now,
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

    /// A movement as the bank keeps it.
    pub(crate) fn movement(&self, reference: &str) -> Option<&Movement> {
        self.movements.get(reference)
    }

    /// What the bank has booked less what it has paid before `day`, in fen: the settlement account's
    /// balance in the morning.
    pub(crate) fn opening(&self, day: Date) -> i128 {
        let before = self.days.range(..day).flat_map(|(_, entries)| entries);
        let signed = before.map(|entry| match entry.kind {
            EntryKind::Pull | EntryKind::Return => i128::from(entry.money.amount),
            EntryKind::Push => -i128::from(entry.money.amount),
        });
        signed.sum()
    }

    /// The entries of a day.
    pub(crate) fn entries(&self, day: Date) -> &[Entry] {
        self.days.get(&day).map_or(&[][..], Vec::as_slice)
    }

    /// A page of a day's statement: the entries after line `after`.
    pub(crate) fn statement(&self, day: Date, after: u64) -> StatementPage {
        let all = self.entries(day);
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

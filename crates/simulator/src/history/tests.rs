//! Histories made by hand: good ones pass, and every sort of made-up violation is found.

use jialing_ledger::{AccountKind, Group, Leg, LegOp, NewAccount, Why};

use super::*;

const START: Nanos = 1_000_000_000;

/// A ledger that asks the rules, writes down what they say, and keeps the history of it.
#[derive(Default)]
struct Town {
    naive: Naive,
    log: Vec<Record>,
    history: Vec<Operation>,
    event: u64,
}

fn pay(id: Id, debit: Id, credit: Id, amount: u64) -> Command {
    let op = LegOp::Plain { debit, credit, amount };
    Command::Transfer(Group { legs: vec![Leg { id, op, kind: 1, digest: [3; 24], meters: [0; 4] }] })
}

impl Town {
    /// Issuance 1 and wallets 2 and 3; 100 with wallet 2.
    fn new() -> Self {
        let mut town = Self::default();
        for (id, min) in [(1, -1_000), (2, 0), (3, 0)] {
            let kind = if id == 1 { AccountKind::Issuance } else { AccountKind::Personal };
            town.ask(Command::OpenAccount(NewAccount { id, currency: 156, kind, holder: 1, min, max: 500 }));
        }
        town.ask(pay(10, 1, 2, 100));
        town
    }

    fn next_event(&mut self) -> u64 {
        self.event += 1;
        self.event
    }

    fn note(&mut self, asked: Asked, heard: Heard, sent: u64) {
        let told = self.next_event();
        self.history.push(Operation { asked, heard, sent, told, clock: START });
    }

    /// Asks and waits for the answer.
    fn ask(&mut self, command: Command) {
        let sent = self.next_event();
        let heard = self.decide(&command);
        self.note(Asked::Command(command), heard, sent);
    }

    fn decide(&mut self, command: &Command) -> Heard {
        match self.naive.judge(command, START) {
            Err(refusal) => Heard::Refused(refusal),
            Ok(verdict) => match verdict.written.clone() {
                Some(records) => {
                    self.naive.carry_out(verdict);
                    self.log.extend(&records);
                    Heard::Done(without_terms(&records))
                }
                None => {
                    let (first, end) = (verdict.first as usize, (verdict.first + verdict.count) as usize);
                    Heard::Already(without_terms(&self.log[first..end]))
                }
            },
        }
    }

    fn read(&mut self, id: Id) {
        let sent = self.next_event();
        let seen = Heard::Account(self.naive.account(id));
        self.note(Asked::Account(id), seen, sent);
    }

    fn verdict(self) -> Result<(), String> {
        History::default().advance(&self.log, self.history)
    }
}

#[track_caller]
fn passes(town: Town) {
    assert_eq!(town.verdict(), Ok(()));
}

#[track_caller]
fn fails(town: Town, with: &str) {
    let what = town.verdict().expect_err("the violation is found");
    assert!(what.contains(with), "found, but as: {what}");
}

#[test]
fn a_history_that_happened_passes() {
    let mut town = Town::new();
    town.read(2);
    town.ask(pay(11, 2, 3, 60));
    town.ask(pay(12, 2, 3, 60));
    town.ask(pay(11, 2, 3, 60));
    town.ask(pay(11, 2, 3, 61));
    town.read(3);
    passes(town);
}

#[test]
fn what_overlaps_may_stand_in_any_order() {
    // Both are under way when the payment is decided: one sees it, the other does not.
    for first in [0, 1] {
        let mut town = Town::new();
        let sent = [town.next_event(), town.next_event(), town.next_event()];
        let before = Heard::Account(town.naive.account(3));
        let heard = town.decide(&pay(11, 2, 3, 60));
        let after = Heard::Account(town.naive.account(3));
        let reads = if first == 0 { [before, after] } else { [after, before] };
        for (read, sent) in reads.into_iter().zip(sent) {
            town.note(Asked::Account(3), read, sent);
        }
        town.note(Asked::Command(pay(11, 2, 3, 60)), heard, sent[2]);
        passes(town);
    }
}

#[test]
fn a_stale_read_is_found() {
    let mut town = Town::new();
    let old = town.naive.account(2);
    town.ask(pay(11, 2, 3, 60));
    let sent = town.next_event();
    town.note(Asked::Account(2), Heard::Account(old), sent);
    fails(town, "no moment");
}

#[test]
fn two_reads_that_see_time_go_back_are_found() {
    let mut town = Town::new();
    let sent = town.next_event();
    let old = town.naive.account(2);
    let heard = town.decide(&pay(11, 2, 3, 60));
    let new = town.naive.account(2);
    // Both while the payment is under way, one after the other, the newer state first.
    for seen in [new, old] {
        let sent = town.next_event();
        town.note(Asked::Account(2), Heard::Account(seen), sent);
    }
    town.note(Asked::Command(pay(11, 2, 3, 60)), heard, sent);
    fails(town, "no moment");
}

#[test]
fn a_read_of_what_never_was_is_found() {
    let mut town = Town::new();
    let sent = town.next_event();
    let mut seen = town.naive.account(2);
    if let Some(account) = &mut seen {
        account.credits += 1;
    }
    town.note(Asked::Account(2), Heard::Account(seen), sent);
    fails(town, "no moment");
}

#[test]
fn a_write_that_stands_before_an_earlier_one_is_found() {
    let mut town = Town::new();
    town.ask(pay(11, 2, 3, 10));
    town.ask(pay(12, 2, 3, 20));
    // Told the other way round: what stands first in the log was asked after the second was answered.
    let last = town.history.len() - 1;
    let (a, b) = ((town.history[last - 1].sent, town.history[last - 1].told), town.history[last].clone());
    (town.history[last - 1].sent, town.history[last - 1].told) = (b.sent, b.told);
    (town.history[last].sent, town.history[last].told) = a;
    fails(town, "no moment");
}

#[test]
fn a_refusal_without_a_reason_is_found() {
    let mut town = Town::new();
    let sent = town.next_event();
    let refusal = Refusal { why: Why::BalanceTooLow, leg: 0, field: None };
    town.note(Asked::Command(pay(11, 2, 3, 60)), Heard::Refused(refusal), sent);
    fails(town, "no moment");
}

#[test]
fn a_refusal_for_another_reason_is_found() {
    let mut town = Town::new();
    town.ask(pay(11, 2, 9, 600));
    if let Some(Operation { heard: Heard::Refused(refusal), .. }) = town.history.last_mut() {
        assert_eq!(refusal.why, Why::CreditAccountUnknown);
        refusal.why = Why::BalanceTooLow;
    }
    fails(town, "no moment");
}

#[test]
fn a_payment_that_the_rules_refuse_is_found() {
    let mut town = Town::new();
    town.ask(pay(11, 2, 3, 100));
    // The log says that it was more than there was.
    for record in town.log.iter_mut().rev().take(1) {
        if let Body::Transfer(transfer) = &mut record.body {
            (transfer.amount, transfer.debit_balance, transfer.credit_balance) = (101, -1, 101);
        }
    }
    let told = town.log[town.log.len() - 1];
    let last = town.history.len() - 1;
    town.history[last].asked = Asked::Command(pay(11, 2, 3, 101));
    town.history[last].heard = Heard::Done(vec![told]);
    fails(town, "the rules refuse it");
}

#[test]
fn a_payment_of_another_amount_is_found() {
    let mut town = Town::new();
    town.ask(pay(11, 2, 3, 60));
    let last = town.history.len() - 1;
    town.history[last].asked = Asked::Command(pay(11, 2, 3, 59));
    fails(town, "the rules say");
}

#[test]
fn a_payment_that_nobody_asked_for_is_found() {
    let mut town = Town::new();
    town.decide(&pay(11, 2, 3, 60));
    fails(town, "nobody asked");
}

#[test]
fn what_was_not_even_taken_may_not_happen() {
    let mut town = Town::new();
    let sent = town.next_event();
    town.decide(&pay(11, 2, 3, 60));
    town.note(Asked::Command(pay(11, 2, 3, 60)), Heard::Overloaded, sent);
    fails(town, "nobody asked");
}

#[test]
fn what_nobody_heard_of_may_have_happened_or_not() {
    for happens in [true, false] {
        let mut town = Town::new();
        let sent = town.next_event();
        if happens {
            town.decide(&pay(11, 2, 3, 60));
        }
        town.note(Asked::Command(pay(11, 2, 3, 60)), Heard::Nothing, sent);
        town.read(2);
        passes(town);
    }
}

#[test]
fn what_was_asked_twice_and_never_heard_of_happened_at_either_time() {
    // Asked before and after the clock had moved on; the record is from the later time.
    for (first, second) in [(START, START + 7), (START + 7, START)] {
        let mut town = Town::new();
        let pay = pay(11, 2, 3, 60);
        for clock in [first, second] {
            let sent = town.next_event();
            town.note(Asked::Command(pay.clone()), Heard::Nothing, sent);
            town.history.last_mut().unwrap().clock = clock;
        }
        let verdict = town.naive.judge(&pay, START + 7).unwrap();
        town.log.extend(verdict.written.as_ref().unwrap());
        town.naive.carry_out(verdict);
        passes(town);
    }
}

#[test]
fn a_note_that_is_written_twice_for_one_asking_is_found() {
    let mut town = Town::new();
    let note = Command::Note { kind: 1, id: 5, digest: [1; 32] };
    town.ask(note.clone());
    town.decide(&note);
    fails(town, "nobody asked");
}

#[test]
fn an_answer_of_done_before_for_what_was_not_is_found() {
    let mut town = Town::new();
    town.ask(pay(11, 2, 3, 60));
    let Heard::Done(records) = town.history[town.history.len() - 1].heard.clone() else {
        panic!("the payment was done")
    };
    let sent = town.next_event();
    town.note(Asked::Command(pay(11, 2, 3, 61)), Heard::Already(records), sent);
    fails(town, "no moment");
}

#[test]
fn a_record_from_another_time_is_found() {
    let mut town = Town::new();
    town.ask(pay(11, 2, 3, 60));
    let last = town.history.len() - 1;
    town.history[last].clock += 1;
    fails(town, "the clock said");
}

#[test]
fn a_look_up_that_misses_an_acknowledged_transfer_is_found() {
    let mut town = Town::new();
    town.ask(pay(11, 2, 3, 60));
    let sent = town.next_event();
    town.note(Asked::Transfer(11), Heard::Transfer(None), sent);
    fails(town, "no moment");
}

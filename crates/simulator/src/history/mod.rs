//! Strict serialisability: what clients asked, heard and when, against the rules in the ledger's order.
//!
//! The log gives the order of everything that wrote. What only looked (reads, refusals, repeats)
//! must have a moment in that order at which the naive ledger says just what was heard. And the
//! order must respect real time: whoever was answered before somebody else asked, stands before them.
//!
//! The check walks the log once. At every position it takes in whatever can stand there and must not
//! wait for anything earlier. Moments are thus the earliest that are possible, so if any order
//! explains the answers, this one does.

use jialing_ledger::{Account, Body, Command, Hold, Id, Nanos, Op, Record, Refusal};

use crate::naive::Naive;

/// What somebody asked.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Command(Command),
    Account(Id),
    Hold(Id),
    Transfer(Id),
}

/// What they heard.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// Carried out now: its records, without terms.
    Done(Vec<Record>),
    /// Carried out before: its records, without terms.
    Already(Vec<Record>),
    Refused(Refusal),
    /// Not even taken.
    Overloaded,
    Account(Option<Account>),
    Hold(Option<Hold>),
    Transfer(Option<Record>),
    /// No answer, or nobody waited for it.
    Nothing,
}

/// One question with its answer. `sent` and `told` are places in the order of all such events.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) asked: Asked,
    pub(crate) heard: Heard,
    pub(crate) sent: u64,
    /// When the answer came; meaningless where none did.
    pub(crate) told: u64,
    /// What the clock said all the while.
    pub(crate) clock: Nanos,
}

impl Operation {
    /// Whether the answer must have its moment; what nobody heard may have none.
    const fn is_answered(&self) -> bool {
        !matches!(self.heard, Heard::Nothing | Heard::Overloaded)
    }
}

/// The check, as far as it has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    naive: Naive,
    /// Operations taken in, for counting.
    pub(crate) explained: u64,
}

/// One call of [`History::advance`].
struct Walk<'a> {
    naive: &'a mut Naive,
    log: &'a [Record],
    /// What has no moment yet, in the order of asking.
    waiting: Vec<Operation>,
    /// The latest asking among those that have their moment.
    latest_sent: u64,
    explained: u64,
}

impl History {
    /// Walks on to the end of `log`, which holds all records from the first on; `asked` is everything
    /// that was asked since the last call. Nothing is under way now.
    ///
    /// # Errors
    /// What no order can explain, in words.
    pub(crate) fn advance(&mut self, log: &[Record], mut asked: Vec<Operation>) -> Result<(), String> {
        asked.sort_by_key(|operation| operation.sent);
        let waiting = asked;
        let mut walk = Walk { naive: &mut self.naive, log, waiting, latest_sent: 0, explained: 0 };
        walk.take_in()?;
        while (walk.naive.next() as usize) < log.len() {
            walk.step()?;
            walk.take_in()?;
        }
        self.explained += walk.explained;
        match walk.waiting.iter().find(|operation| operation.is_answered()) {
            None => Ok(()),
            Some(left) => Err(walk.no_moment(left)),
        }
    }
}

impl Walk<'_> {
    /// Takes in all that can have its moment here.
    fn take_in(&mut self) -> Result<(), String> {
        let mut from = 0;
        while let Some(place) = (from..self.waiting.len()).find(|&place| self.may_stand_here(place)) {
            let operation = self.waiting.remove(place);
            self.in_time(&operation)?;
            self.settle(&operation);
            // Whoever waited for this one may stand here now; they asked later, so they come later.
            from = 0;
        }
        Ok(())
    }

    /// Whether an operation that writes nothing gets its answer at this position.
    fn may_stand_here(&self, place: usize) -> bool {
        let operation = &self.waiting[place];
        let others = self.waiting.iter().take_while(|other| other.sent < operation.sent);
        // Somebody was answered before this was asked, and has no moment yet.
        if others.into_iter().any(|other| other.is_answered() && other.told < operation.sent) {
            return false;
        }
        let naive = &self.naive;
        match (&operation.asked, &operation.heard) {
            (Asked::Transfer(id), Heard::Transfer(seen)) => {
                let kept = naive.place_of(*id).map(|seq| self.log[seq as usize]);
                *seen == kept
            }
            _ if naive.is_due(operation.clock.max(naive.now())) => false,
            (Asked::Account(id), Heard::Account(seen)) => *seen == naive.account(*id),
            (Asked::Hold(id), Heard::Hold(seen)) => *seen == naive.hold(*id),
            (Asked::Command(command), Heard::Refused(refusal)) => {
                naive.judge(command, operation.clock).err() == Some(*refusal)
            }
            (Asked::Command(command), Heard::Already(records)) => {
                let verdict = naive.judge(command, operation.clock);
                verdict.is_ok_and(|verdict| {
                    let (first, end) = (verdict.first as usize, (verdict.first + verdict.count) as usize);
                    verdict.written.is_none() && without_terms(&self.log[first..end]) == *records
                })
            }
            _ => false,
        }
    }

    /// An error when somebody who asked after this one was answered stands before it.
    fn in_time(&self, operation: &Operation) -> Result<(), String> {
        if operation.is_answered() && operation.told < self.latest_sent {
            return Err(format!(
                "real time is broken before record {}: {operation:?} was answered at {}, yet something \
                 asked at {} stands before it",
                self.naive.next(),
                operation.told,
                self.latest_sent
            ));
        }
        Ok(())
    }

    fn settle(&mut self, operation: &Operation) {
        self.latest_sent = self.latest_sent.max(operation.sent);
        self.explained += 1;
    }

    /// Takes the next command's records off the log.
    fn step(&mut self) -> Result<(), String> {
        let at = self.naive.next() as usize;
        let first = &self.log[at];
        if let Body::Transfer(transfer) = first.body
            && transfer.op == Op::Expire
        {
            return self.lapse(first);
        }
        if self.naive.is_due(first.time) {
            return Err(format!("record {at} was decided at {} before what was due had lapsed", first.time));
        }
        let place = self.whose()?;
        let operation = self.waiting.remove(place);
        let Asked::Command(command) = &operation.asked else { unreachable!("only commands write") };
        let verdict = self.naive.judge(command, first.time);
        let verdict =
            verdict.map_err(|refusal| format!("{operation:?} was done, the rules refuse it: {refusal}"))?;
        let written = verdict.written.as_deref().unwrap_or_default();
        let logged = self.log.get(at..at + written.len()).unwrap_or_default();
        if written.is_empty() || written != logged {
            return Err(format!("{operation:?} was done as {logged:?}, the rules say {written:?}"));
        }
        if let Heard::Done(told) = &operation.heard
            && *told != without_terms(logged)
        {
            return Err(format!("{operation:?} was told something else than the log has: {logged:?}"));
        }
        let (clock, before) = (operation.clock, self.naive.now());
        if first.time != clock.max(before) {
            let time = first.time;
            return Err(format!("record {at} is from {time}, the clock said {clock}, the log {before}"));
        }
        let early = self.waiting.iter().find(|other| other.is_answered() && other.told < operation.sent);
        if let Some(early) = early {
            return Err(self.no_moment(early));
        }
        self.in_time(&operation)?;
        self.settle(&operation);
        self.naive.carry_out(verdict);
        Ok(())
    }

    fn lapse(&mut self, record: &Record) -> Result<(), String> {
        let said = self.naive.lapse(record.time);
        if said.as_ref() == Some(record) {
            Ok(())
        } else {
            Err(format!("{record:?} lapses a hold, the rules say {said:?}"))
        }
    }

    /// Who asked for what stands next in the log: whoever was told so, or else somebody who heard
    /// nothing and whose command writes just that.
    fn whose(&self) -> Result<usize, String> {
        let rest = &self.log[self.naive.next() as usize..];
        let terms = usize::from(matches!(rest[0].body, Body::Terms { .. }));
        let Some(first) = rest.get(terms) else { return Err("the log ends inside a group".to_owned()) };
        let claims = |operation: &Operation| match &operation.heard {
            Heard::Done(records) => records.first().is_some_and(|record| record.seq == first.seq),
            _ => false,
        };
        let writes = |command: &Command| {
            let verdict = self.naive.judge(command, rest[0].time);
            let written = verdict.ok().and_then(|verdict| verdict.written);
            written.is_some_and(|written| rest.get(..written.len()) == Some(&written))
        };
        let wants = |operation: &Operation| match (&operation.asked, &operation.heard) {
            (Asked::Command(command), Heard::Nothing) => could_write(command, first) && writes(command),
            _ => false,
        };
        // One who heard nothing may have asked again later, without an answer either: the time tells which.
        let then = |operation: &Operation| rest[0].time == operation.clock.max(self.naive.now());
        let mut waiting = self.waiting.iter();
        let found = waiting.clone().position(claims);
        let found =
            found.or_else(|| waiting.clone().position(|operation| wants(operation) && then(operation)));
        let found = found.or_else(|| waiting.position(wants));
        found.ok_or_else(|| format!("nobody asked for {first:?}, or it was refused"))
    }

    fn no_moment(&self, operation: &Operation) -> String {
        let at = operation.clock.max(self.naive.now());
        let says = match &operation.asked {
            Asked::Command(command) => {
                let verdict = self.naive.judge(command, at);
                verdict.map_or_else(
                    |no| no.to_string(),
                    |yes| match yes.written {
                        Some(records) => format!("it would write {records:?}"),
                        None => format!("it was done at {}", yes.first),
                    },
                )
            }
            Asked::Account(id) => format!("{:?}", self.naive.account(*id)),
            Asked::Hold(id) => format!("{:?}", self.naive.hold(*id)),
            Asked::Transfer(id) => format!("record {:?}", self.naive.place_of(*id)),
        };
        let next = self.naive.next();
        format!("no moment in the log explains {operation:?}; before record {next} the rules say: {says}")
    }
}

/// Whether a command is of the sort that a record comes from: saves judging all of them.
fn could_write(command: &Command, record: &Record) -> bool {
    match (command, &record.body) {
        (Command::Transfer(group), Body::Transfer(transfer)) => {
            group.legs.first().is_some_and(|leg| leg.id == transfer.id)
        }
        (Command::OpenAccount(_), Body::AccountOpened { .. })
        | (Command::ChangeAccount(_), Body::AccountChanged { .. })
        | (Command::PublishPolicy(_), Body::PolicyPublished { .. })
        | (Command::SetMeter { .. }, Body::MeterSet { .. })
        | (Command::Note { .. }, Body::Note { .. }) => true,
        _ => false,
    }
}

/// Records as answers carry them.
fn without_terms(records: &[Record]) -> Vec<Record> {
    records.iter().filter(|record| !matches!(record.body, Body::Terms { .. })).copied().collect()
}

#[cfg(test)]
mod tests;

//! What goes on in a life: clients ask, many at a time; followers and witnesses look on.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jialing_engine::{Outcome, Stopped, SubmitError};
use jialing_ledger::{Command, Id};
use tokio::task::JoinHandle;

use super::Chain;
use crate::clients::{Clients, MS};
use crate::coverage::Topic;
use crate::door::{Answered, Door};
use crate::fate::Fate;
use crate::history::{Asked, Heard, Operation};
use crate::oracle::{By, Oracle, Trouble, ensure};

/// Something under way: what was asked together, and the answers with the moment they came.
struct Sent {
    asked: Vec<Asked>,
    at: u64,
    task: JoinHandle<(Vec<Told>, u64)>,
    gives_up: bool,
}

/// An answer as it came.
enum Told {
    Command(Answered),
    Look(Heard),
}

impl Chain {
    pub(crate) async fn work(&mut self, door: &Door, fate: Fate) -> Result<(), Trouble> {
        self.check(door).await?;
        let mut returning = Clients::founding();
        returning.extend(self.clients.unresolved());
        for part in returning.chunks(if self.quiet { 1 } else { 25 }) {
            self.submit(door, part.to_vec()).await?;
        }
        for _ in 0..self.profile.rounds {
            self.pass_time();
            self.round(door).await?;
            if self.disk.struck() {
                return Err(Trouble::NoAnswer("the disk was told to fail".to_owned()));
            }
        }
        if fate == Fate::Clean {
            return self.check(door).await;
        }
        // The fault did not strike by itself, so it strikes now, with commands under way.
        let now = self.clock.load(Ordering::SeqCst);
        let last = (0..self.profile.commands).map(|_| self.clients.draw(now)).collect::<Vec<_>>();
        let sent = self.send(door, last);
        for _ in 0..self.random.below(4) {
            tokio::task::yield_now().await;
        }
        self.disk.die();
        self.hear(sent).await
    }

    /// One round of commands, and looks at what they did.
    pub(crate) async fn round(&mut self, door: &Door) -> Result<(), Trouble> {
        let now = self.clock.load(Ordering::SeqCst);
        let most = if self.quiet { 1 } else { self.random.within(1, self.profile.commands) };
        let commands = (0..most).map(|_| self.clients.draw(now)).collect();
        self.submit(door, commands).await?;
        self.look(door).await
    }

    fn pass_time(&mut self) {
        let pass = match self.random.below(100) {
            0..60 => self.random.below(50 * MS),
            60..80 => self.random.below(120_000 * MS),
            80..92 => self.random.below(40_000_000 * MS),
            92..95 => self.random.below(150 * 86_400_000 * MS),
            95..97 => {
                // A clock that was set back.
                self.clock.fetch_sub(self.random.below(10_000 * MS), Ordering::SeqCst);
                0
            }
            _ => 0,
        };
        self.clock.fetch_add(pass, Ordering::SeqCst);
    }

    fn event(&self) -> u64 {
        self.events.fetch_add(1, Ordering::SeqCst)
    }

    /// Sends commands in order, one by one and in bundles, and looks beside them, without waiting.
    fn send(&mut self, door: &Door, mut commands: Vec<Command>) -> Vec<Sent> {
        let mut sent = Vec::new();
        while !commands.is_empty() {
            let bundle = if self.random.percent(70) { 1 } else { self.random.within(2, 20) as usize };
            let rest = commands.split_off(bundle.min(commands.len()));
            let asked = commands.iter().cloned().map(Asked::Command).collect();
            let gives_up = self.random.percent(6);
            let (at, own, events) = (self.event(), door.clone(), Arc::clone(&self.events));
            let task = tokio::spawn(async move {
                let answers = match <[Command; 1]>::try_from(commands) {
                    Ok([command]) => vec![own.submit(command).await],
                    Err(commands) => own.submit_all(commands).await,
                };
                (answers.into_iter().map(Told::Command).collect(), events.fetch_add(1, Ordering::SeqCst))
            });
            sent.push(Sent { asked, at, task, gives_up });
            if self.random.percent(25) {
                sent.push(self.send_look(door));
            }
            commands = rest;
        }
        sent
    }

    /// Somebody looks at an account, a hold or a transfer.
    fn send_look(&mut self, door: &Door) -> Sent {
        let id: Id = self.clients.some_id();
        let asked = match self.random.below(10) {
            0..5 => Asked::Account(self.random.within(1, 9).into()),
            5..7 => Asked::Hold(id),
            _ => Asked::Transfer(id),
        };
        let what = match asked {
            Asked::Account(_) => "look at an account",
            Asked::Hold(_) => "look at a hold",
            _ => "look up a transfer",
        };
        self.coverage.count(Topic::Operations, what, 1);
        let (own, events, question) = (door.clone(), Arc::clone(&self.events), asked.clone());
        let at = self.event();
        let task = tokio::spawn(async move {
            let heard = match question {
                Asked::Account(id) => own.account(id).await.ok().map(Heard::Account),
                Asked::Hold(id) => own.hold(id).await.ok().map(Heard::Hold),
                Asked::Transfer(id) => own.transfer(id).await.ok().map(Heard::Transfer),
                Asked::Command(_) => None,
            };
            (vec![Told::Look(heard.unwrap_or(Heard::Nothing))], events.fetch_add(1, Ordering::SeqCst))
        });
        Sent { asked: vec![asked], at, task, gives_up: false }
    }

    /// Waits for the answers in the order of the questions.
    async fn hear(&mut self, sent: Vec<Sent>) -> Result<(), Trouble> {
        let clock = self.clock.load(Ordering::SeqCst);
        for Sent { asked, at, task, gives_up } in sent {
            let (answers, told) = task.await.map_err(|error| error.to_string()).by(Oracle::Stops)?;
            ensure(answers.len() == asked.len(), Oracle::Answers, || {
                format!("{} answers to {} commands", answers.len(), asked.len())
            })?;
            for (asked, answer) in asked.into_iter().zip(answers) {
                let heard = match (&asked, answer) {
                    (_, Told::Look(heard)) => heard,
                    (Asked::Command(command), Told::Command(answer)) => {
                        let silence = Err(SubmitError::Stopped(Stopped("the client gave up".into())));
                        let answer = if gives_up { silence } else { answer };
                        self.clients.hear(command, &answer).by(Oracle::Answers)?;
                        heard(answer)
                    }
                    _ => Heard::Nothing,
                };
                self.asked.push(Operation { asked, heard, sent: at, told, clock });
            }
        }
        Ok(())
    }

    async fn submit(&mut self, door: &Door, commands: Vec<Command>) -> Result<(), Trouble> {
        let sent = self.send(door, commands);
        self.hear(sent).await
    }

    /// What followers and witnesses look at while money moves.
    async fn look(&mut self, door: &Door) -> Result<(), Trouble> {
        self.witness.notice(door)?;
        if let Some((_, last)) = self.clients.acknowledged.last_key_value() {
            let fed = door.feed(last.seq, 1).await?;
            ensure(fed.first() == Some(last), Oracle::Feed, || {
                format!("acknowledged {last:?}, the feed has {fed:?}")
            })?;
        }
        if self.random.percent(40) {
            let page = self.random.within(1, 200) as usize;
            self.witness.follow(door, page).await?;
        }
        let pages = self.random.below(6);
        self.follower.follow(door, Some(pages)).await
    }
}

/// An answer to a command, as the history keeps it.
fn heard(answer: Answered) -> Heard {
    match answer {
        Ok(Outcome { records, already: false, .. }) => Heard::Done(records),
        Ok(Outcome { records, .. }) => Heard::Already(records),
        Err(SubmitError::Refused(refusal)) => Heard::Refused(refusal),
        Err(SubmitError::Overloaded { .. }) => Heard::Overloaded,
        Err(SubmitError::Stopped(_)) => Heard::Nothing,
    }
}

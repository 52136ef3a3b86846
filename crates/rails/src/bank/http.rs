//! The bank rail over signed HTTP/JSON: see [`wire`] for the protocol.

use jiff::civil::Date;

use super::wire::{self, Reply, State, StatementPage};
use super::{Agreement, Bank, LinkStarted, MAX_STATEMENT_PAGES, Move, Settled, StartLink, Statement};
use crate::{Answer, BadPeer, Outcome, Peer, Refusal, SignedCaller, Why};

/// A bank that speaks the protocol of [`wire`].
#[derive(Clone, Debug)]
pub struct HttpBank {
    caller: SignedCaller,
}

impl HttpBank {
    /// Prepares calls; nothing is sent yet. The peer's name is the institution's id.
    ///
    /// # Errors
    /// [`BadPeer`].
    pub fn new(peer: Peer) -> Result<Self, BadPeer> {
        Ok(Self { caller: SignedCaller::new(peer)? })
    }

    async fn movement(&self, target: &str, ask: &Move) -> Outcome<Settled> {
        let body = wire::Move {
            reference: ask.reference.clone(),
            agreement: ask.agreement.clone(),
            money: ask.money.clone(),
            purpose: ask.purpose.clone(),
            not_after: ask.not_after,
        };
        let reply = self.caller.post(target, &body).await;
        outcome(&ask.reference, reply, settled)
    }

    async fn pages(&self, day: Date) -> Result<Vec<StatementPage>, Why> {
        let mut pages: Vec<StatementPage> = Vec::new();
        let mut after = 0;
        for _ in 0..MAX_STATEMENT_PAGES {
            let target = format!("{}/{day}?after={after}", wire::STATEMENTS);
            let page: StatementPage = self.caller.get(&target).await?;
            if page.day != day {
                return Err(Why::Unreadable("a statement of another day"));
            }
            let last = page.entries.last().map(|entry| entry.line);
            let more = page.has_more;
            pages.push(page);
            match (more, last) {
                (false, _) => return Ok(pages),
                (true, Some(line)) if line > after => after = line,
                (true, _) => return Err(Why::Unreadable("a page that does not move on")),
            }
        }
        Err(Why::Unreadable("a statement of too many pages"))
    }
}

impl Bank for HttpBank {
    fn institution(&self) -> &str {
        self.caller.name()
    }

    fn start_link<'a>(&'a self, ask: &'a StartLink) -> Answer<'a, Outcome<LinkStarted>> {
        Box::pin(async move {
            let body = wire::StartLink {
                reference: ask.reference.clone(),
                account: ask.account.clone(),
                holder_name: ask.holder_name.clone(),
                id_number: ask.id_number.clone(),
                phone: ask.phone.clone(),
            };
            let reply = self.caller.post(wire::LINKS, &body).await;
            outcome(&ask.reference, reply, |reply| {
                let link_id = reply.link_id?;
                Some(LinkStarted { link_id })
            })
        })
    }

    fn confirm_link<'a>(
        &'a self,
        reference: &'a str,
        link_id: &'a str,
        code: &'a str,
    ) -> Answer<'a, Outcome<Agreement>> {
        Box::pin(async move {
            let body = wire::ConfirmLink {
                reference: reference.to_owned(),
                link_id: link_id.to_owned(),
                code: code.to_owned(),
            };
            let reply = self.caller.post(wire::LINKS_CONFIRM, &body).await;
            outcome(reference, reply, |reply| {
                Some(Agreement { agreement: reply.agreement?, account_mask: reply.account_mask? })
            })
        })
    }

    fn end_link<'a>(&'a self, reference: &'a str, agreement: &'a str) -> Answer<'a, Outcome<()>> {
        Box::pin(async move {
            let body = wire::EndLink { reference: reference.to_owned(), agreement: agreement.to_owned() };
            let reply = self.caller.post(wire::LINKS_END, &body).await;
            outcome(reference, reply, |_| Some(()))
        })
    }

    fn pull<'a>(&'a self, ask: &'a Move) -> Answer<'a, Outcome<Settled>> {
        Box::pin(self.movement(wire::PULLS, ask))
    }

    fn push<'a>(&'a self, ask: &'a Move) -> Answer<'a, Outcome<Settled>> {
        Box::pin(self.movement(wire::PUSHES, ask))
    }

    fn query<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Outcome<Settled>>> {
        Box::pin(async move {
            if !jialing_crypto::http_signature::is_id(reference) {
                // Not one of ours, and it must not reach the address line.
                return Some(Outcome::Unknown(Why::Unreadable("our own reference")));
            }
            let target = format!("{}/{reference}", wire::MOVEMENTS);
            let reply: Result<Reply, Why> = self.caller.get(&target).await;
            match reply {
                Ok(reply) if reply.state == State::NotSeen && reply.reference == reference => None,
                reply => Some(outcome(reference, reply, settled)),
            }
        })
    }

    fn statement(&self, day: Date) -> Answer<'_, Result<Statement, Why>> {
        Box::pin(async move { Statement::assemble(day, self.pages(day).await?) })
    }
}

fn settled(reply: Reply) -> Option<Settled> {
    let bank_ref = reply.bank_ref.filter(|text| !text.is_empty())?;
    Some(Settled { bank_ref })
}

/// Reads a reply about `reference`; `done` picks what a finished request gives.
fn outcome<T>(
    reference: &str,
    reply: Result<Reply, Why>,
    done: impl FnOnce(Reply) -> Option<T>,
) -> Outcome<T> {
    let reply = match reply {
        Ok(reply) if reply.reference == reference => reply,
        Ok(_) => return Outcome::Unknown(Why::Unreadable("an answer about another reference")),
        Err(why) => return Outcome::Unknown(why),
    };
    match reply.state {
        State::Accepted => Outcome::Accepted,
        State::Done => done(reply)
            .map_or(Outcome::Unknown(Why::Unreadable("done, but a field is missing")), Outcome::Done),
        State::Refused => Outcome::Refused(Refusal::new(
            reply.code.as_deref().unwrap_or("REFUSED"),
            reply.message.as_deref().unwrap_or_default(),
        )),
        State::Unknown => Outcome::Unknown(Why::TheirsToo),
        State::NotSeen => Outcome::Unknown(Why::Unreadable("never seen, though just sent")),
    }
}

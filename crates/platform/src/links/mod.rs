//! Linked bank accounts: where top-ups come from and withdrawals go.
//!
//! A person with a confirmed identity names an account; the bank sends a code to the phone it knows
//! the holder by, and the code signs the link. What the bank gives for it, an *agreement*, stands for
//! the account from then on: the account's number is sent to the bank and not kept. A link is
//! PENDING, SIGNED, or ENDED, by its holder, by too many wrong codes, or because its time to be
//! signed is over.

mod rules;
pub(crate) mod store;

use std::sync::Arc;

use jialing_rails::Outcome;
use jialing_rails::bank::{Bank, StartLink};
use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{InstitutionId, LinkId, PersonId};
use crate::sessions::Actor;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, institutions, people, policies};

/// The lowest wallet class whose identity a bank can compare with its own.
const LOWEST_CLASS: u8 = 3;

crate::stored! {
    /// How far a link has come.
    pub enum LinkState {
        /// The bank has sent a code.
        Pending = "PENDING",
        /// Top-ups and withdrawals may use it.
        Signed = "SIGNED",
        /// Over for good.
        Ended = "ENDED",
    }
}

/// A bank account to link.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkAsk {
    /// The code of the bank that keeps the account.
    #[schema(example = "BKA")]
    pub institution: String,
    /// The account's number: 8 to 32 digits.
    #[schema(example = "6222020200112233445")]
    pub account_number: String,
}

/// The code that the bank has sent.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmAsk {
    /// The code.
    #[schema(example = "246810", max_length = 12)]
    pub code: String,
}

/// A linked bank account, as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BankLink)]
pub struct Link {
    /// Its id.
    pub link_id: LinkId,
    /// The code of the bank.
    #[schema(example = "BKA")]
    pub institution: String,
    /// The account with all but its last digits hidden.
    #[schema(example = "**** 3445")]
    pub account_mask: String,
    /// How far it has come.
    pub state: LinkState,
    /// Why it ended: `by_holder`, `not_signed_in_time`, `superseded`, or the bank's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when a pending link can be signed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_before: Option<String>,
    /// When it was started, RFC 3339.
    pub created_at: String,
    /// When it was signed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<String>,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// A signed link, for whoever moves money over it.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) id: LinkId,
    pub(crate) institution: InstitutionId,
}

/// Starts linking an account: the bank sends a code to the phone it knows the holder by. A link of
/// the same account that was not signed gives way.
///
/// # Errors
/// `forbidden` below wallet class III; `invalid_request`; `state_conflict` for too many links or an
/// account that is linked; `bank_refused`; `bank_unavailable`.
pub async fn start(app: &App, actor: &Actor, ask: LinkAsk) -> Result<Link> {
    start_as(app, actor, LinkId::new(app.clock.millis()), ask).await
}

/// [`start`] under an id that the caller keeps for repetitions: the same id starts one link.
///
/// # Errors
/// As [`start`].
pub async fn start_as(app: &App, actor: &Actor, id: LinkId, ask: LinkAsk) -> Result<Link> {
    people::require_level(app, actor, LOWEST_CLASS).await?;
    rules::check_account(&ask.account_number)?;
    let unknown = || {
        Problem::new(Code::InvalidRequest).field("institution").detail("No bank with this code takes links.")
    };
    let bank = institutions::by_code(app, &ask.institution).await.map_err(|_| unknown())?;
    let connector = connector(app, &bank.code).map_err(|_| unknown())?;
    let identity = people::identity_of(app, actor.person).await?;
    let most = policies::number(app, "links_per_person").await?;
    let now = app.clock.millis();
    let new = store::NewLink {
        id,
        person: actor.person,
        institution: bank.id,
        account_index: app.blind.of("bank_links.account", &format!("{}/{}", bank.code, ask.account_number)),
        account_mask: rules::mask(&ask.account_number),
        now,
        expires_at: now + policies::number(app, "link_confirm_validity").await? * 1000,
    };
    app.db
        .write(async move |tx: &mut Tx| {
            if store::exists(tx, new.id).await? {
                return Ok(());
            }
            store::give_way(tx, &new).await?;
            store::insert(tx, &new, most).await
        })
        .await?;
    let row = store::of(app.db.read(), actor.person, id).await?;
    if row.state != LinkState::Pending || row.attempt.is_some() {
        return Ok(row.into());
    }
    let start = StartLink {
        reference: id.to_string(),
        account: ask.account_number,
        holder_name: identity.name.to_string(),
        id_number: identity.number.to_string(),
        phone: identity.phone.text().to_owned(),
    };
    match connector.start_link(&start).await {
        Outcome::Done(started) => {
            app.db.write(async move |tx: &mut Tx| store::set_attempt(tx, id, &started.link_id).await).await?;
            read(app, actor.person, id).await
        }
        Outcome::Refused(refusal) => {
            let reason = refusal.code.clone();
            app.db
                .write(async move |tx: &mut Tx| store::end(tx, id, &reason, true, now).await.map(drop))
                .await?;
            Err(bank_refused(&refusal))
        }
        Outcome::Accepted | Outcome::Unknown(_) => {
            app.db
                .write(async move |tx: &mut Tx| {
                    store::end(tx, id, "bank_unavailable", true, now).await.map(drop)
                })
                .await?;
            Err(Problem::new(Code::BankUnavailable)
                .detail("The bank did not confirm that it sent a code. Start again in a moment."))
        }
    }
}

/// Signs a pending link with the code that the bank has sent. Signing a signed link changes nothing.
///
/// # Errors
/// `not_found`; `link_unusable` once it has ended; `code_invalid`; `bank_unavailable`, and then the
/// same code may be sent again.
pub async fn confirm(app: &App, actor: &Actor, id: LinkId, ask: ConfirmAsk) -> Result<Link> {
    let row = store::of(app.db.read(), actor.person, id).await?;
    let now = app.clock.millis();
    match row.state {
        LinkState::Signed => return read(app, actor.person, id).await,
        LinkState::Ended => return Err(Problem::new(Code::LinkUnusable)),
        LinkState::Pending if row.expires_at <= now => {
            app.db
                .write(async move |tx: &mut Tx| {
                    store::end(tx, id, "not_signed_in_time", true, now).await.map(drop)
                })
                .await?;
            return Err(Problem::new(Code::LinkUnusable).detail("The time to sign it is over. Start again."));
        }
        LinkState::Pending => {}
    }
    let attempt = row.attempt.ok_or(Problem::new(Code::LinkUnusable))?;
    let connector = connector(app, &row.institution_code)?;
    // A reference per try: the bank's answer to a wrong code must not stand for the right one.
    let reference = format!("{id}.{}", row.wrong_codes);
    match connector.confirm_link(&reference, &attempt, &ask.code).await {
        Outcome::Done(agreement) => {
            let person = actor.person;
            app.db
                .write(async move |tx: &mut Tx| {
                    if store::sign(tx, id, &agreement.agreement, &agreement.account_mask, now).await? {
                        let entry = Entry::new(person, "link.sign", id, now);
                        let entry = entry.before(LinkState::Pending.text()).after(LinkState::Signed.text());
                        audit::log(tx, entry).await?;
                    }
                    Ok(())
                })
                .await?;
            read(app, actor.person, id).await
        }
        Outcome::Refused(refusal) => {
            let over = refusal.code != "WRONG_CODE";
            let reason = refusal.code.clone();
            app.db
                .write(async move |tx: &mut Tx| {
                    if over {
                        store::end(tx, id, &reason, true, now).await.map(drop)
                    } else {
                        store::count_wrong_code(tx, id).await
                    }
                })
                .await?;
            let problem = Problem::new(Code::CodeInvalid).field("code").with("bank_code", refusal.code);
            Err(if over { problem.detail("The link has ended. Start again.") } else { problem })
        }
        Outcome::Accepted | Outcome::Unknown(_) => {
            Err(Problem::new(Code::BankUnavailable).detail("Send the same code again in a moment."))
        }
    }
}

/// Ends a link. The bank is told, again and again until it knows. Ending an ended one changes
/// nothing.
///
/// # Errors
/// `not_found`; `state_conflict` while a top-up or withdrawal over it has no outcome yet.
pub async fn end(app: &App, actor: &Actor, id: LinkId) -> Result<Link> {
    let before = store::of(app.db.read(), actor.person, id).await?.state;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if crate::exchange::has_unfinished(tx, id).await? {
                return Err(Problem::new(Code::StateConflict)
                    .detail("A top-up or withdrawal over this link has no outcome yet."));
            }
            if store::end(tx, id, "by_holder", false, now).await? {
                let entry = Entry::new(person, "link.end", id, now).before(before.text());
                audit::log(tx, entry.after(LinkState::Ended.text())).await?;
            }
            Ok(())
        })
        .await?;
    tell_bank(app, id).await?;
    read(app, actor.person, id).await
}

/// Tells the bank that a link has ended, if it does not know.
async fn tell_bank(app: &App, id: LinkId) -> Result<()> {
    let row = store::any(app.db.read(), id).await?;
    let (LinkState::Ended, false, Some(agreement)) = (row.state, row.bank_told, row.agreement) else {
        return Ok(());
    };
    let Ok(connector) = connector(app, &row.institution_code) else { return Ok(()) };
    match connector.end_link(&format!("{id}.end"), &agreement).await {
        Outcome::Done(()) | Outcome::Refused(_) => {
            app.db.write(async move |tx: &mut Tx| store::set_told(tx, id).await).await
        }
        Outcome::Accepted | Outcome::Unknown(_) => Ok(()),
    }
}

/// Ends links whose time to be signed is over, and tells banks what they do not know yet. Answers
/// how many links it dealt with.
///
/// # Errors
/// Any fault of the database.
pub async fn repair(app: &App) -> Result<usize> {
    let now = app.clock.millis();
    let lapsed = app.db.write(async move |tx: &mut Tx| store::end_lapsed(tx, now).await).await?;
    let untold = store::untold(app.db.read()).await?;
    for id in &untold {
        tell_bank(app, *id).await?;
    }
    Ok(lapsed + untold.len())
}

/// The person's own link.
///
/// # Errors
/// `not_found`.
pub async fn read(app: &App, person: PersonId, id: LinkId) -> Result<Link> {
    store::of(app.db.read(), person, id).await.map(Link::from)
}

/// The person's links, newest first.
///
/// # Errors
/// `invalid_request` for a page that cannot be.
pub async fn list(app: &App, person: PersonId, ask: &PageAsk) -> Result<Page<Link>> {
    store::list(app.db.read(), person, ask).await.map(|page| page.map(Link::from))
}

/// Whether the person has a signed link: what wallet class II asks for.
///
/// # Errors
/// Any fault of the database.
pub async fn has_signed(app: &App, person: PersonId) -> Result<bool> {
    store::has_signed(app.db.read(), person).await
}

/// The person's own link, if money can move over it.
///
/// # Errors
/// `not_found`; `link_unusable`.
pub(crate) async fn signed(tx: &mut Tx, person: PersonId, id: LinkId) -> Result<Signed> {
    let row = store::of(tx, person, id).await?;
    if row.state != LinkState::Signed || row.agreement.is_none() {
        return Err(Problem::new(Code::LinkUnusable).with("state", row.state.text()));
    }
    Ok(Signed { id: row.id, institution: row.institution_id })
}

/// The bank that a link is with, and the agreement that stands for the account.
///
/// # Errors
/// `internal` if the bank has no connector any more.
pub(crate) async fn agreement(app: &App, id: LinkId) -> Result<(Arc<dyn Bank>, String)> {
    let row = store::any(app.db.read(), id).await?;
    let agreement =
        row.agreement.ok_or_else(|| Problem::internal(format!("{id} moved money without an agreement")))?;
    Ok((connector(app, &row.institution_code)?, agreement))
}

fn connector(app: &App, code: &str) -> Result<Arc<dyn Bank>> {
    app.connectors
        .banks
        .get(code)
        .cloned()
        .ok_or_else(|| Problem::internal(format!("no connector to the bank {code}")))
}

fn bank_refused(refusal: &jialing_rails::Refusal) -> Problem {
    Problem::new(Code::BankRefused).detail(refusal.message.clone()).with("bank_code", refusal.code.clone())
}

impl From<store::Row> for Link {
    fn from(row: store::Row) -> Self {
        Self {
            link_id: row.id,
            institution: row.institution_code,
            account_mask: row.account_mask,
            state: row.state,
            reason: row.reason,
            sign_before: (row.state == LinkState::Pending).then(|| rfc3339(row.expires_at)),
            created_at: rfc3339(row.created_at),
            signed_at: row.signed_at.map(rfc3339),
            ended_at: row.ended_at.map(rfc3339),
        }
    }
}

//! Taking a share.

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Group};
use serde::Deserialize;

use super::store::{self, Share};
use super::{Claim, State, pot};
use crate::clock::rfc3339;
use crate::id::WalletId;
use crate::kind::Kind;
use crate::sessions::Actor;
use crate::wallets::{self, Attempt, Movement, Side};
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, payments};

/// How long one who delivers a share keeps others from it, milliseconds.
const DELIVERY_MS: i64 = 30_000;

/// A share is to be taken.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RedPacketClaimAsk)]
pub struct ClaimAsk {
    /// Where it goes; your oldest wallet that may receive by default.
    pub wallet_id: Option<WalletId>,
}

/// Takes a share of the packet whose token this is. Taken again, it answers the same share.
///
/// # Errors
/// `not_found` for no token of a packet, or a wallet that is not the actor's; `forbidden` where it is for
/// somebody else; `state_conflict` once it is empty or over; `payee_unknown` without a wallet that can
/// receive; `wallet_unavailable`, `balance_too_high`: the share is then free again.
pub async fn claim(app: &App, actor: &Actor, token: &str, ask: ClaimAsk) -> Result<Claim> {
    let packet = store::named(app, &hash(app, token)).await?.ok_or(Problem::new(Code::NotFound))?;
    if packet.for_person.is_some_and(|person| person != actor.person) {
        return Err(Problem::new(Code::Forbidden).detail("This red packet is for somebody else."));
    }
    let wallet = match ask.wallet_id {
        Some(id) => wallets::of(app, actor.person, id).await?,
        None => wallets::receiving(app, actor.person).await?,
    };
    wallet.may_receive()?;
    let (id, person, now) = (packet.id, actor.person, app.clock.millis());
    let (share, ours) = app
        .db
        .write(async move |tx: &mut Tx| {
            if let Some(mine) = store::share_of(tx, id, person).await? {
                let ours = store::take_over(tx, mine.id, now - DELIVERY_MS, now).await?;
                return Ok((mine, ours));
            }
            let refused = |why: &str| Problem::new(Code::StateConflict).detail(why);
            if store::state(tx, id).await? != State::Open || packet.expires_at <= now {
                return Err(refused("The red packet is over or all of it was taken."));
            }
            let share = store::take(tx, id, person, wallet.id, now).await?;
            let share = share.ok_or_else(|| refused("All of the red packet was taken."))?;
            Ok((share, true))
        })
        .await?;
    if ours {
        deliver(app, &share, now).await?;
    }
    let share = store::share(app, share.id).await?.ok_or(Problem::new(Code::NotFound))?;
    shown(share)
}

/// The shares that the actor took, newest first.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn claims(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<Claim>> {
    let rows = store::shares_list(app, actor.person, page).await?;
    let items = rows.items.into_iter().map(shown).collect::<Result<Vec<_>>>()?;
    Ok(Page { items, has_more: rows.has_more })
}

/// Moves a share that was taken, for the one who has it to deliver since `since`: one at a time, so that
/// a share that is free again is never still on its way to somebody.
async fn deliver(app: &App, share: &Share, since: i64) -> Result<()> {
    let id = share.id;
    let missing = || Problem::internal("a share under way belongs to nobody");
    let wallet = share.wallet.ok_or_else(missing)?;
    let packet = store::find(app, share.packet).await?.ok_or_else(missing)?;
    let from = pot::beside(&wallets::account(app, packet.wallet).await?);
    let (to, amount) = (wallets::account(app, wallet).await?, share.amount.unsigned_abs());
    let movement =
        Movement { id: id.number(), kind: Kind::RedPacketShare, amount, digest: [0; 24], meters: &[] };
    match app.engine.submit(Command::Transfer(Group { legs: wallets::legs(&from, &to, &movement) })).await {
        Ok(outcome) => {
            payments::passed(app, &outcome).await;
            Ok(())
        }
        Err(SubmitError::Refused(refusal)) => {
            let attempt = Attempt { payer: &from, payee: &to, amount, asks: Side::Payee };
            let problem = wallets::refused(app, &refusal, &attempt).await;
            app.db.write(async move |tx: &mut Tx| store::give_up(tx, id, since).await).await?;
            Err(problem)
        }
        Err(error) => Err(wallets::stopped(error)),
    }
}

/// Goes on with shares that were taken and not heard of since `before`. What the ledger refuses is free
/// again.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub(super) async fn resume(app: &App, before: i64, most: i64) -> Result<()> {
    for share in store::shares_silent(app, before, most).await? {
        let (id, now) = (share.id, app.clock.millis());
        if !app.db.write(async move |tx: &mut Tx| store::take_over(tx, id, before, now).await).await? {
            continue;
        }
        if let Err(problem) = deliver(app, &share, now).await
            && problem.code.status() >= 500
        {
            return Err(problem);
        }
    }
    Ok(())
}

/// What a packet is found by.
pub(super) fn hash(app: &App, token: &str) -> String {
    app.blind.of("red_packets.token", token)
}

pub(super) fn shown(share: Share) -> Result<Claim> {
    let (Some(wallet_id), Some(at)) = (share.wallet, share.claimed_at) else {
        // It was free again a moment ago.
        return Err(Problem::new(Code::StateConflict).detail("The share could not be delivered. Try again."));
    };
    Ok(Claim {
        id: share.id,
        packet_id: share.packet,
        amount: Money::fen(share.amount.unsigned_abs()),
        state: share.state,
        wallet_id,
        at: rfc3339(at),
    })
}

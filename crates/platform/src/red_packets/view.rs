//! Reading red packets: the sender's side, and that of whoever has the link.

use super::store::{self, Row, Share};
use super::{Kind, RedPacket, RedPacketView, State, Taken, claim};
use crate::clock::rfc3339;
use crate::id::RedPacketId;
use crate::sessions::Actor;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, people};

/// One of the actor's red packets, by its id or by the actor's own number of it, with who took what.
///
/// # Errors
/// `not_found`.
pub async fn get(app: &App, actor: &Actor, name: &str) -> Result<RedPacket> {
    let row = match name.parse::<RedPacketId>() {
        Ok(id) => store::find(app, id).await?.filter(|row| row.person == actor.person),
        Err(_) => store::numbered(app, actor.person, name).await?,
    };
    shown(app, row.ok_or(Problem::new(Code::NotFound))?, true).await
}

/// The actor's red packets, newest first.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn list(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<RedPacket>> {
    let rows = store::list(app, actor.person, page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(app, row, false).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// The packet whose token this is, for whoever has the link and may open it.
///
/// # Errors
/// `not_found` for no token of a packet.
pub async fn by_token(app: &App, actor: &Actor, token: &str) -> Result<RedPacketView> {
    let row = store::named(app, &claim::hash(app, token)).await?.ok_or(Problem::new(Code::NotFound))?;
    let taken = store::taken(app, row.id).await?;
    let mine = taken.iter().find(|share| share.person == Some(actor.person)).cloned();
    Ok(RedPacketView {
        id: row.id,
        sender_name: people::display_name(app, row.person).await?,
        kind: row.kind,
        greeting: greeting(app, &row)?,
        state: state(app, &row),
        shares: row.shares,
        claimed_shares: taken.len() as i64,
        expires_at: rfc3339(row.expires_at),
        mine: mine.map(claim::shown).transpose()?,
    })
}

pub(super) async fn shown(app: &App, row: Row, with_claims: bool) -> Result<RedPacket> {
    let taken = store::taken(app, row.id).await?;
    let claimed: i64 = taken.iter().map(|share| share.amount).sum();
    let token = store::open(app, &row.token, &store::token_place(row.id))?;
    let state = state(app, &row);
    let claims = if with_claims { Some(named(app, &row, &taken).await?) } else { None };
    Ok(RedPacket {
        id: row.id,
        greeting: greeting(app, &row)?,
        out_packet_no: row.out_packet_no,
        kind: row.kind,
        state,
        from_wallet_id: row.wallet,
        amount: Money::fen(row.amount.unsigned_abs()),
        shares: row.shares,
        claimed_shares: taken.len() as i64,
        claimed: Money::fen(claimed.unsigned_abs()),
        returned: (row.returned > 0).then(|| Money::fen(row.returned.unsigned_abs())),
        link: format!("{}/wallet/r/{token}", app.settings.public_url.trim_end_matches('/')),
        token,
        problem: row.problem,
        claims,
        created_at: rfc3339(row.created_at),
        expires_at: rfc3339(row.expires_at),
        ended_at: row.ended_at.map(rfc3339),
    })
}

/// One that is over is shown so, even before the background work has seen it.
fn state(app: &App, row: &Row) -> State {
    if row.state == State::Open && row.expires_at <= app.clock.millis() {
        State::Returning
    } else {
        row.state
    }
}

fn greeting(app: &App, row: &Row) -> Result<Option<String>> {
    row.greeting.as_deref().map(|sealed| store::open(app, sealed, &store::greeting_place(row.id))).transpose()
}

async fn named(app: &App, row: &Row, taken: &[Share]) -> Result<Vec<Taken>> {
    let whole = row.kind == Kind::Lucky && taken.len() as i64 == row.shares && row.shares > 1;
    let best = taken.iter().map(|share| share.amount).max().filter(|_| whole);
    let mut claims = Vec::with_capacity(taken.len());
    for share in taken {
        let (Some(person), Some(at)) = (share.person, share.claimed_at) else { continue };
        claims.push(Taken {
            name: people::display_name(app, person).await?,
            amount: Money::fen(share.amount.unsigned_abs()),
            at: rfc3339(at),
            best: best == Some(share.amount),
        });
    }
    Ok(claims)
}

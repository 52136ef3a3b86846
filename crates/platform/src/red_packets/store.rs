//! The tables of red packets and their shares.

use super::{Kind, RedPacketAsk, ShareState, State};
use crate::id::{PersonId, RedPacketId, RedPacketShareId, RedPacketShareTag, RedPacketTag, WalletId};
use crate::{App, Page, PageAsk, Problem, Result, Tx, db};

/// A row of `red_packets`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: RedPacketId,
    pub(super) person: PersonId,
    pub(super) out_packet_no: String,
    pub(super) wallet: WalletId,
    pub(super) kind: Kind,
    pub(super) amount: i64,
    pub(super) shares: i64,
    pub(super) greeting: Option<Vec<u8>>,
    pub(super) payee_hash: Option<String>,
    pub(super) for_person: Option<PersonId>,
    pub(super) token: Vec<u8>,
    pub(super) digest: Vec<u8>,
    pub(super) state: State,
    pub(super) problem: Option<String>,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) returned: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, person, out_packet_no, wallet, kind, amount, shares, greeting, payee_hash, for_person, token, digest, state, problem, \
             created_at, expires_at, ended_at, returned FROM red_packets ",
            $rest
        )
    };
}

/// A row of `red_packet_shares`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Share {
    pub(super) id: RedPacketShareId,
    pub(super) packet: RedPacketId,
    pub(super) amount: i64,
    pub(super) state: ShareState,
    pub(super) person: Option<PersonId>,
    pub(super) wallet: Option<WalletId>,
    pub(super) claimed_at: Option<i64>,
}

macro_rules! share {
    ($rest:literal) => {
        concat!("SELECT id, packet, amount, state, person, wallet, claimed_at FROM red_packet_shares ", $rest)
    };
}

/// A red packet to write.
#[derive(Clone)]
pub(super) struct New {
    pub(super) id: RedPacketId,
    pub(super) person: PersonId,
    pub(super) ask: RedPacketAsk,
    pub(super) payee_hash: Option<String>,
    pub(super) for_person: Option<PersonId>,
    pub(super) token_hash: String,
    pub(super) token: Vec<u8>,
    pub(super) greeting: Option<Vec<u8>>,
    pub(super) shares: Vec<u64>,
    pub(super) now: i64,
    pub(super) expires_at: i64,
}

/// Writes an accepted red packet with its shares, or answers the one that has its number.
pub(super) async fn accept(tx: &mut Tx, new: &New, digest: [u8; 24]) -> Result<Row> {
    let added = sqlx::query(
        "INSERT INTO red_packets (id, person, out_packet_no, wallet, kind, amount, shares, greeting, payee_hash, for_person, token_hash, token, \
         digest, state, created_at, tried_at, expires_at, returned) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'ACCEPTED', $14, $14, $15, 0) \
         ON CONFLICT (person, out_packet_no) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.person)
    .bind(&new.ask.out_packet_no)
    .bind(new.ask.from_wallet_id)
    .bind(new.ask.kind)
    .bind(new.ask.amount.amount as i64)
    .bind(new.shares.len() as i64)
    .bind(new.greeting.clone())
    .bind(new.payee_hash.clone())
    .bind(new.for_person)
    .bind(&new.token_hash)
    .bind(new.token.clone())
    .bind(digest.to_vec())
    .bind(new.now)
    .bind(new.expires_at)
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() == 1 {
        for (place, amount) in new.shares.iter().enumerate() {
            sqlx::query(
                "INSERT INTO red_packet_shares (id, packet, place, amount, state, tried_at) VALUES ($1, $2, $3, $4, 'FREE', $5)",
            )
            .bind(RedPacketShareId::new(new.now))
            .bind(new.id)
            .bind(place as i64)
            .bind(*amount as i64)
            .bind(new.now)
            .execute(&mut *tx)
            .await?;
        }
    }
    Ok(sqlx::query_as(select!("WHERE person = $1 AND out_packet_no = $2"))
        .bind(new.person)
        .bind(&new.ask.out_packet_no)
        .fetch_one(&mut *tx)
        .await?)
}

pub(super) async fn find(app: &App, id: RedPacketId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(select!("WHERE id = $1")).bind(id).fetch_optional(app.db.read()).await?)
}

pub(super) async fn numbered(app: &App, person: PersonId, out_packet_no: &str) -> Result<Option<Row>> {
    let row = sqlx::query_as(select!("WHERE person = $1 AND out_packet_no = $2"));
    Ok(row.bind(person).bind(out_packet_no.to_owned()).fetch_optional(app.db.read()).await?)
}

pub(super) async fn named(app: &App, token_hash: &str) -> Result<Option<Row>> {
    let row = sqlx::query_as(select!("WHERE token_hash = $1 AND state NOT IN ('ACCEPTED', 'FAIL')"));
    Ok(row.bind(token_hash.to_owned()).fetch_optional(app.db.read()).await?)
}

pub(super) async fn list(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<RedPacketTag>()?);
    let sql = crate::page::paged!(cursor, select!("WHERE person = $1"), "id", "$2", "$3");
    let rows = sqlx::query_as(sql)
        .bind(person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}

/// Whether a packet of the person's holds money that may come back.
pub(crate) async fn hold_money_of(app: &App, person: PersonId) -> Result<bool> {
    let found: Option<RedPacketId> = sqlx::query_scalar(
        "SELECT id FROM red_packets WHERE person = $1 AND state IN ('ACCEPTED', 'OPEN', 'RETURNING') LIMIT 1",
    )
    .bind(person)
    .fetch_optional(app.db.read())
    .await?;
    Ok(found.is_some())
}

/// Remembers that its money is tried to be moved there now; false once that has ended.
pub(super) async fn tried(tx: &mut Tx, id: RedPacketId, now: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE red_packets SET tried_at = $2 WHERE id = $1 AND state = 'ACCEPTED'")
        .bind(id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Those accepted and not tried since `before`, oldest first.
pub(super) async fn silent(app: &App, before: i64, limit: i64) -> Result<Vec<Row>> {
    let rows =
        sqlx::query_as(select!("WHERE state = 'ACCEPTED' AND tried_at < $1 ORDER BY tried_at LIMIT $2"));
    Ok(rows.bind(before).bind(limit).fetch_all(app.db.read()).await?)
}

/// The money has not moved.
pub(super) async fn fail(
    tx: &mut Tx,
    id: RedPacketId,
    problem: &str,
    tried_before: i64,
    now: i64,
) -> Result<()> {
    sqlx::query("UPDATE red_packets SET state = 'FAIL', problem = $2, ended_at = $3 WHERE id = $1 AND state = 'ACCEPTED' AND tried_at <= $4")
        .bind(id)
        .bind(problem.to_owned())
        .bind(now)
        .bind(tried_before)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// The journal says that the packet is filled, whatever was believed.
pub(super) async fn filled(tx: &mut Tx, id: RedPacketId, seq: i64) -> Result<()> {
    sqlx::query(
        "UPDATE red_packets SET state = 'OPEN', problem = NULL, ended_at = NULL, record_seq = $2 \
         WHERE id = $1 AND state IN ('ACCEPTED', 'FAIL')",
    )
    .bind(id)
    .bind(seq)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The share that the person has of the packet.
pub(super) async fn share_of(tx: &mut Tx, packet: RedPacketId, person: PersonId) -> Result<Option<Share>> {
    let row = sqlx::query_as(share!("WHERE packet = $1 AND person = $2"));
    Ok(row.bind(packet).bind(person).fetch_optional(&mut *tx).await?)
}

/// Where the packet stands, as this transaction sees it.
pub(super) async fn state(tx: &mut Tx, packet: RedPacketId) -> Result<State> {
    Ok(sqlx::query_scalar("SELECT state FROM red_packets WHERE id = $1")
        .bind(packet)
        .fetch_one(&mut *tx)
        .await?)
}

/// Gives the next free share to the person; `None` if there is none.
pub(super) async fn take(
    tx: &mut Tx,
    packet: RedPacketId,
    person: PersonId,
    wallet: WalletId,
    now: i64,
) -> Result<Option<Share>> {
    Ok(sqlx::query_as(
        "UPDATE red_packet_shares SET state = 'PROCESSING', person = $2, wallet = $3, claimed_at = $4, tried_at = $4 \
         WHERE state = 'FREE' AND id = (SELECT id FROM red_packet_shares WHERE packet = $1 AND state = 'FREE' ORDER BY place LIMIT 1) \
         RETURNING id, packet, amount, state, person, wallet, claimed_at",
    )
    .bind(packet)
    .bind(person)
    .bind(wallet)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?)
}

/// Takes over the delivery of a share that nobody has tried since `before`; false if it has ended or
/// somebody is at it.
pub(super) async fn take_over(tx: &mut Tx, id: RedPacketShareId, before: i64, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE red_packet_shares SET tried_at = $2 WHERE id = $1 AND state = 'PROCESSING' AND tried_at < $3",
    )
    .bind(id)
    .bind(now)
    .bind(before)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The ledger refused it to whoever has tried since `since`: it is free again.
pub(super) async fn give_up(tx: &mut Tx, id: RedPacketShareId, since: i64) -> Result<()> {
    sqlx::query(
        "UPDATE red_packet_shares SET state = 'FREE', person = NULL, wallet = NULL, claimed_at = NULL \
         WHERE id = $1 AND state = 'PROCESSING' AND tried_at = $2",
    )
    .bind(id)
    .bind(since)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Shares under way and not tried since `before`, oldest first.
pub(super) async fn shares_silent(app: &App, before: i64, limit: i64) -> Result<Vec<Share>> {
    let rows =
        sqlx::query_as(share!("WHERE state = 'PROCESSING' AND tried_at < $1 ORDER BY tried_at LIMIT $2"));
    Ok(rows.bind(before).bind(limit).fetch_all(app.db.read()).await?)
}

/// The journal says that the share has arrived; the packet is empty with its last one.
pub(super) async fn arrived(tx: &mut Tx, id: RedPacketShareId, seq: i64, at: i64) -> Result<()> {
    let packet: Option<RedPacketId> = sqlx::query_scalar(
        "UPDATE red_packet_shares SET state = 'SUCCESS', record_seq = $2 WHERE id = $1 AND state <> 'SUCCESS' RETURNING packet",
    )
    .bind(id)
    .bind(seq)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(packet) = packet else { return Ok(()) };
    sqlx::query(
        "UPDATE red_packets SET state = 'EMPTY', ended_at = $2 WHERE id = $1 AND state = 'OPEN' \
         AND NOT EXISTS (SELECT 1 FROM red_packet_shares WHERE packet = $1 AND state <> 'SUCCESS')",
    )
    .bind(packet)
    .bind(at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn share(app: &App, id: RedPacketShareId) -> Result<Option<Share>> {
    Ok(sqlx::query_as(share!("WHERE id = $1")).bind(id).fetch_optional(app.db.read()).await?)
}

/// The shares of a packet that somebody has, in the order in which they were handed out.
pub(super) async fn taken(app: &App, packet: RedPacketId) -> Result<Vec<Share>> {
    let rows = sqlx::query_as(share!("WHERE packet = $1 AND person IS NOT NULL ORDER BY place"));
    Ok(rows.bind(packet).fetch_all(app.db.read()).await?)
}

pub(super) async fn shares_list(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Share>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<RedPacketShareTag>()?);
    let sql = crate::page::paged!(cursor, share!("WHERE person = $1"), "id", "$2", "$3");
    let rows = sqlx::query_as(sql)
        .bind(person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}

/// Packets that are over and hold money that nobody took, oldest first.
pub(super) async fn over(app: &App, now: i64, limit: i64) -> Result<Vec<RedPacketId>> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM red_packets WHERE state = 'OPEN' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(app.db.read())
    .await?)
}

/// Closes a packet that is over: what nobody took is to go back. Nothing happens while a share is under
/// way: it may become free again.
pub(super) async fn close(tx: &mut Tx, id: RedPacketId, now: i64) -> Result<()> {
    let done = sqlx::query(
        "UPDATE red_packets SET state = 'RETURNING', tried_at = 0, \
         returned = (SELECT COALESCE(SUM(s.amount), 0) FROM red_packet_shares s WHERE s.packet = $1 AND s.state = 'FREE') \
         WHERE id = $1 AND state = 'OPEN' AND expires_at <= $2 \
         AND NOT EXISTS (SELECT 1 FROM red_packet_shares s WHERE s.packet = $1 AND s.state = 'PROCESSING')",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 1 {
        sqlx::query("UPDATE red_packet_shares SET state = 'RETURNED' WHERE packet = $1 AND state = 'FREE'")
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Packets whose rest is to go back and was not tried since `before`.
pub(super) async fn returning(app: &App, before: i64, limit: i64) -> Result<Vec<Row>> {
    let rows =
        sqlx::query_as(select!("WHERE state = 'RETURNING' AND tried_at < $1 ORDER BY expires_at LIMIT $2"));
    Ok(rows.bind(before).bind(limit).fetch_all(app.db.read()).await?)
}

/// Remembers that the rest is tried to be moved back to `wallet` now; false once it is back, or where
/// another wallet is being tried.
pub(super) async fn return_tried(tx: &mut Tx, id: RedPacketId, wallet: WalletId, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE red_packets SET tried_at = $3, return_wallet = $2 WHERE id = $1 AND state = 'RETURNING'",
    )
    .bind(id)
    .bind(wallet)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The journal says that the rest is back.
pub(super) async fn returned(
    tx: &mut Tx,
    id: RedPacketId,
    wallet: WalletId,
    seq: i64,
    at: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE red_packets SET state = 'RETURNED', return_wallet = $2, return_seq = $3, ended_at = $4 \
         WHERE id = $1 AND state = 'RETURNING'",
    )
    .bind(id)
    .bind(wallet)
    .bind(seq)
    .bind(at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) fn greeting_place(id: RedPacketId) -> String {
    format!("red_packets.greeting/{id}")
}

pub(super) fn token_place(id: RedPacketId) -> String {
    format!("red_packets.token/{id}")
}

pub(super) fn open(app: &App, sealed: &[u8], place: &str) -> Result<String> {
    let plain = app.seal.open(sealed, place.as_bytes()).map_err(Problem::internal)?;
    String::from_utf8(plain.to_vec()).map_err(Problem::internal)
}

/// What the senders of these red packets wrote, where they wrote anything; in no order.
///
/// # Errors
/// Any fault of the database.
pub async fn greetings(app: &App, packets: &[RedPacketId]) -> Result<Vec<(RedPacketId, String)>> {
    if packets.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, greeting FROM red_packets WHERE greeting IS NOT NULL AND id IN ({})",
        db::places(1, packets.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for packet in packets {
        query = query.bind(*packet);
    }
    let rows: Vec<(RedPacketId, Vec<u8>)> = query.fetch_all(app.db.read()).await?;
    rows.into_iter().map(|(id, sealed)| Ok((id, open(app, &sealed, &greeting_place(id))?))).collect()
}

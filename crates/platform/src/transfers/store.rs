//! The tables of transfers, payees and look-up buckets.

use super::rules::Bucket;
use super::{State, TransferAsk, payees};
use crate::id::{PersonId, TransferId, TransferTag, WalletId};
use crate::sessions::Actor;
use crate::{App, Page, PageAsk, Problem, Result, Tx, db};

/// A row of `transfers`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Row {
    /// Its id.
    pub id: TransferId,
    /// Who pays.
    pub person: PersonId,
    /// The payer's own number of it.
    pub out_transfer_no: String,
    /// From.
    pub from_wallet: WalletId,
    /// To.
    pub to_wallet: WalletId,
    /// A keyed hash of how the payer named the payee.
    pub payee_hash: String,
    /// Whether that was a look-up's token.
    pub looked_up: i16,
    /// How much.
    pub amount: i64,
    /// What the payer wrote, sealed.
    pub note: Option<Vec<u8>>,
    /// Digest of what was signed.
    pub digest: Vec<u8>,
    /// Where it stands.
    pub state: State,
    /// The code of the problem it failed with.
    pub problem: Option<String>,
    /// When it was accepted.
    pub created_at: i64,
    /// When it is to arrive, if not at once.
    pub arrives_at: Option<i64>,
    /// When the payer took it back.
    pub revoked_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
}

impl Row {
    /// Whether it has failed and `id` is its own: that of the request it is to pay. Others get a number of
    /// their own at each try.
    pub(super) fn can_be_tried_again(&self, id: TransferId) -> bool {
        self.state == State::Fail && self.id == id
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, person, out_transfer_no, from_wallet, to_wallet, payee_hash, looked_up, amount, note, digest, state, problem, created_at, arrives_at, revoked_at, ended_at \
             FROM transfers ",
            $rest
        )
    };
}

pub(super) async fn find(app: &App, id: TransferId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(select!("WHERE id = $1")).bind(id).fetch_optional(app.db.read()).await?)
}

pub(super) async fn numbered(app: &App, person: PersonId, out_transfer_no: &str) -> Result<Option<Row>> {
    let row = sqlx::query_as(select!("WHERE person = $1 AND out_transfer_no = $2"));
    Ok(row.bind(person).bind(out_transfer_no.to_owned()).fetch_optional(app.db.read()).await?)
}

pub(super) async fn list(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<TransferTag>()?);
    let sql = crate::page::paged!(cursor, select!("WHERE person = $1"), "id", "$2", "$3");
    let rows = sqlx::query_as(sql)
        .bind(person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}

/// Writes an accepted transfer, or answers the one that has its number. One that failed under this very id
/// is accepted once more.
pub(super) async fn accept(
    app: &App,
    actor: &Actor,
    id: TransferId,
    ask: &TransferAsk,
    (to, digest): (WalletId, [u8; 24]),
) -> Result<Row> {
    let now = app.clock.millis();
    let note = ask.note.as_ref().map(|note| app.seal.seal(note.as_bytes(), place(id).as_bytes()));
    let (person, ask, payee_hash) = (actor.person, ask.clone(), payees::hash(app, &ask.payee));
    let arrives_at = ask.delay.map(|delay| now + delay.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let added = sqlx::query(
                "INSERT INTO transfers (id, person, out_transfer_no, from_wallet, to_wallet, payee_hash, looked_up, amount, note, digest, state, created_at, tried_at, arrives_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'ACCEPTED', $11, $11, $12) ON CONFLICT DO NOTHING",
            )
            .bind(id)
            .bind(person)
            .bind(&ask.out_transfer_no)
            .bind(ask.from_wallet_id)
            .bind(to)
            .bind(&payee_hash)
            .bind(i16::from(payees::is_token(&ask.payee)))
            .bind(ask.amount.amount as i64)
            .bind(note.clone())
            .bind(digest.to_vec())
            .bind(now)
            .bind(arrives_at)
            .execute(&mut *tx)
            .await?;
            if added.rows_affected() == 0 {
                sqlx::query(
                    "UPDATE transfers SET state = 'ACCEPTED', from_wallet = $2, digest = $3, tried_at = $4, problem = NULL, ended_at = NULL \
                     WHERE id = $1 AND state = 'FAIL'",
                )
                .bind(id)
                .bind(ask.from_wallet_id)
                .bind(digest.to_vec())
                .bind(now)
                .execute(&mut *tx)
                .await?;
            }
            let row = sqlx::query_as(select!("WHERE person = $1 AND out_transfer_no = $2"));
            Ok(row.bind(person).bind(&ask.out_transfer_no).fetch_one(&mut *tx).await?)
        })
        .await
}

/// Remembers that it is tried now; false once it has ended.
pub(super) async fn tried(tx: &mut Tx, id: TransferId, now: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE transfers SET tried_at = $2 WHERE id = $1 AND state = 'ACCEPTED'")
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
    id: TransferId,
    problem: &str,
    tried_before: i64,
    now: i64,
) -> Result<()> {
    sqlx::query("UPDATE transfers SET state = 'FAIL', problem = $2, ended_at = $3 WHERE id = $1 AND state = 'ACCEPTED' AND tried_at <= $4")
        .bind(id)
        .bind(problem.to_owned())
        .bind(now)
        .bind(tried_before)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// The journal says that the money has moved, whatever was believed; the row, if that is news.
/// It says from which wallet too: another try may have named another.
pub(super) async fn succeed(
    tx: &mut Tx,
    id: TransferId,
    from: WalletId,
    seq: i64,
    at: i64,
) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE transfers SET state = 'SUCCESS', problem = NULL, from_wallet = $4, ended_at = $2, record_seq = $3 WHERE id = $1 AND state <> 'SUCCESS' \
         RETURNING id, person, out_transfer_no, from_wallet, to_wallet, payee_hash, looked_up, amount, note, digest, state, problem, created_at, arrives_at, revoked_at, ended_at",
    )
    .bind(id)
    .bind(at)
    .bind(seq)
    .bind(from)
    .fetch_optional(&mut *tx)
    .await?)
}

/// The journal says that the money is set aside; the row, if that is news.
pub(super) async fn held(tx: &mut Tx, id: TransferId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE transfers SET state = 'PENDING', problem = NULL, ended_at = NULL, tried_at = 0 WHERE id = $1 AND state IN ('ACCEPTED', 'FAIL') AND record_seq IS NULL \
         AND arrives_at IS NOT NULL AND released_at IS NULL \
         RETURNING id, person, out_transfer_no, from_wallet, to_wallet, payee_hash, looked_up, amount, note, digest, state, problem, created_at, arrives_at, revoked_at, ended_at",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?)
}

/// The journal says that the money is free again; the row, if that is news.
pub(super) async fn released(tx: &mut Tx, id: TransferId, at: i64) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE transfers SET state = CASE WHEN revoked_at IS NULL THEN 'FAIL' ELSE 'REVOKED' END, released_at = $2, ended_at = $2 \
         WHERE id = $1 AND released_at IS NULL AND state <> 'SUCCESS' \
         RETURNING id, person, out_transfer_no, from_wallet, to_wallet, payee_hash, looked_up, amount, note, digest, state, problem, created_at, arrives_at, revoked_at, ended_at",
    )
    .bind(id)
    .bind(at)
    .fetch_optional(&mut *tx)
    .await?)
}

/// The payer takes it back; false unless it waits and has not arrived by its time.
pub(super) async fn revoke(tx: &mut Tx, id: TransferId, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE transfers SET revoked_at = COALESCE(revoked_at, $2), tried_at = $2 WHERE id = $1 AND state = 'PENDING' AND arrives_at > $2",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Why it cannot arrive: it is to be released.
pub(super) async fn cannot_arrive(tx: &mut Tx, id: TransferId, problem: &str) -> Result<()> {
    sqlx::query("UPDATE transfers SET problem = $2 WHERE id = $1 AND state = 'PENDING'")
        .bind(id)
        .bind(problem.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Remembers that it is brought to its end now; false once it has ended.
pub(super) async fn ending(tx: &mut Tx, id: TransferId, now: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE transfers SET tried_at = $2 WHERE id = $1 AND state = 'PENDING'")
        .bind(id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Those whose time has come, or that were taken back, and that were not tried since `before`.
pub(super) async fn due(app: &App, now: i64, before: i64, limit: i64) -> Result<Vec<Row>> {
    let rows = sqlx::query_as(select!(
        "WHERE state = 'PENDING' AND tried_at < $2 AND (arrives_at <= $1 OR revoked_at IS NOT NULL OR problem IS NOT NULL) \
         ORDER BY arrives_at LIMIT $3"
    ));
    Ok(rows.bind(now).bind(before).bind(limit).fetch_all(app.db.read()).await?)
}

fn place(id: TransferId) -> String {
    format!("transfers.note/{id}")
}

/// What the payer wrote.
pub(super) fn note(app: &App, row: &Row) -> Result<Option<String>> {
    row.note.as_deref().map(|sealed| open(app, row.id, sealed)).transpose()
}

fn open(app: &App, id: TransferId, sealed: &[u8]) -> Result<String> {
    let plain = app.seal.open(sealed, place(id).as_bytes()).map_err(Problem::internal)?;
    String::from_utf8(plain.to_vec()).map_err(Problem::internal)
}

/// What the payers of these transfers wrote, where they wrote anything; in no order.
///
/// # Errors
/// Any fault of the database.
pub async fn notes(app: &App, transfers: &[TransferId]) -> Result<Vec<(TransferId, String)>> {
    if transfers.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, note FROM transfers WHERE note IS NOT NULL AND id IN ({})",
        db::places(1, transfers.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for transfer in transfers {
        query = query.bind(*transfer);
    }
    let rows: Vec<(TransferId, Vec<u8>)> = query.fetch_all(app.db.read()).await?;
    rows.into_iter().map(|(id, sealed)| Ok((id, open(app, id, &sealed)?))).collect()
}

/// What the person's bucket holds now, in thousandths of a point.
pub(super) async fn level(tx: &mut Tx, person: PersonId, bucket: &Bucket, now: i64) -> Result<i64> {
    let kept: Option<(i64, i64)> = sqlx::query_as("SELECT level, at FROM lookup_buckets WHERE person = $1")
        .bind(person)
        .fetch_optional(&mut *tx)
        .await?;
    Ok(kept.map_or(bucket.full(), |(level, at)| bucket.refilled(level, now - at)))
}

/// The bucket holds `level` now. Its time never goes back, so a clock that does gives nothing twice.
pub(super) async fn set_level(tx: &mut Tx, person: PersonId, level: i64, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO lookup_buckets (person, level, at) VALUES ($1, $2, $3) \
         ON CONFLICT (person) DO UPDATE SET level = $2, at = CASE WHEN lookup_buckets.at > $3 THEN lookup_buckets.at ELSE $3 END",
    )
    .bind(person)
    .bind(level)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Keeps what a token stands for, and forgets what has expired.
pub(super) async fn keep_payee(
    tx: &mut Tx,
    hash: &str,
    asker: PersonId,
    wallet: WalletId,
    expires_at: i64,
) -> Result<()> {
    sqlx::query("DELETE FROM payees WHERE expires_at < $1")
        .bind(expires_at - 2 * payees::TOKEN_MS)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO payees (token_hash, person, wallet, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(hash.to_owned())
        .bind(asker)
        .bind(wallet)
        .bind(expires_at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// The wallet that the asker's token stands for, while it lives.
pub(super) async fn payee(app: &App, hash: &str, asker: PersonId, now: i64) -> Result<Option<WalletId>> {
    Ok(sqlx::query_scalar(
        "SELECT wallet FROM payees WHERE token_hash = $1 AND person = $2 AND expires_at > $3",
    )
    .bind(hash.to_owned())
    .bind(asker)
    .bind(now)
    .fetch_optional(app.db.read())
    .await?)
}

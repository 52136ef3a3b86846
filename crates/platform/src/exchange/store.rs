//! The table `exchanges`.
//!
//! What the bank has said is only ever made more certain: a DONE is never taken back. The states
//! that the ledger decides are written by the followers.

use sqlx::{Any, Executor};

use super::rules::Used;
use super::{BankOutcome, Direction, State};
use crate::id::{InstitutionId, LinkId, PersonId, WalletId};
use crate::page::Cursor;
use crate::{Code, Page, Problem, Result, Tx};

/// A row. Amounts in fen, times in milliseconds, flags 0 or 1.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) direction: Direction,
    pub(crate) sweep: i64,
    pub(crate) person_id: PersonId,
    pub(crate) wallet_id: WalletId,
    pub(crate) link_id: LinkId,
    pub(crate) bank_id: InstitutionId,
    pub(crate) out_no: String,
    pub(crate) amount: i64,
    pub(crate) digest: Vec<u8>,
    pub(crate) state: State,
    pub(crate) reason: Option<String>,
    pub(crate) bank_outcome: Option<BankOutcome>,
    pub(crate) held: i64,
    pub(crate) asked: i64,
    pub(crate) give_back: i64,
    pub(crate) return_asked: i64,
    pub(crate) return_not_after: i64,
    pub(crate) created_at: i64,
    pub(crate) not_after: i64,
    pub(crate) next_try_at: Option<i64>,
    pub(crate) tries: i64,
    pub(crate) settled_at: Option<i64>,
}

impl Row {
    /// Whether the time of the next question has not come.
    pub(crate) fn is_waiting(&self, now: i64) -> bool {
        self.tries > 0 && self.next_try_at.is_some_and(|at| at > now)
    }
}

/// What a new row begins with.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) id: String,
    pub(crate) direction: Direction,
    pub(crate) sweep: bool,
    pub(crate) person: PersonId,
    pub(crate) wallet: WalletId,
    pub(crate) link: LinkId,
    pub(crate) out_no: String,
    pub(crate) amount: i64,
    pub(crate) day: i64,
    pub(crate) year: i64,
    pub(crate) now: i64,
    pub(crate) not_after: i64,
}

/// Rows that nobody has taken a step on for this long are taken up, milliseconds.
const TAKE_UP_AFTER_MS: i64 = 5_000;

pub(crate) async fn insert(tx: &mut Tx, new: &New, bank: InstitutionId, digest: &[u8; 24]) -> Result<()> {
    sqlx::query(
        "INSERT INTO exchanges (id, direction, sweep, person_id, wallet_id, link_id, bank_id, out_no, amount, digest, state, held, asked, \
         give_back, return_asked, return_not_after, day, year, created_at, not_after, next_try_at, tries) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'ACCEPTED', 0, 0, 0, 0, 0, $11, $12, $13, $14, $15, 0)",
    )
    .bind(&new.id)
    .bind(new.direction)
    .bind(i64::from(new.sweep))
    .bind(new.person)
    .bind(new.wallet)
    .bind(new.link)
    .bind(bank)
    .bind(&new.out_no)
    .bind(new.amount)
    .bind(digest.as_slice())
    .bind(new.day)
    .bind(new.year)
    .bind(new.now)
    .bind(new.not_after)
    .bind(new.now + TAKE_UP_AFTER_MS)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(crate) async fn read<'e>(on: impl Executor<'e, Database = Any>, id: &str) -> Result<Row> {
    find(on, id).await?.ok_or(Problem::new(Code::NotFound))
}

pub(crate) async fn find<'e>(on: impl Executor<'e, Database = Any>, id: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM exchanges WHERE id = $1").bind(id.to_owned()).fetch_optional(on).await?)
}

pub(crate) async fn by_number<'e>(
    on: impl Executor<'e, Database = Any>,
    person: PersonId,
    direction: Direction,
    out_no: &str,
) -> Result<Option<Row>> {
    let sql = "SELECT * FROM exchanges WHERE person_id = $1 AND direction = $2 AND out_no = $3";
    Ok(sqlx::query_as(sql).bind(person).bind(direction).bind(out_no.to_owned()).fetch_optional(on).await?)
}

pub(crate) async fn list<'e>(
    on: impl Executor<'e, Database = Any>,
    person: PersonId,
    direction: Direction,
    cursor: &Cursor,
    limit: u32,
) -> Result<Page<Row>> {
    let sql = crate::page::paged!(
        cursor,
        "SELECT * FROM exchanges WHERE person_id = $1 AND direction = $2",
        "id",
        "$3",
        "$4"
    );
    let rows = sqlx::query_as(sql)
        .bind(person)
        .bind(direction)
        .bind(&cursor.from)
        .bind(i64::from(limit) + 1)
        .fetch_all(on)
        .await?;
    Ok(cursor.page(rows, limit))
}

/// What has passed over a link, or is about to, for its holder; a merchant's settlements do not count.
pub(crate) async fn used(
    tx: &mut Tx,
    link: LinkId,
    direction: Direction,
    day: i64,
    year: i64,
) -> Result<Used> {
    let (day, day_count, year): (i64, i64, i64) = sqlx::query_as(
        "SELECT CAST(COALESCE(SUM(CASE WHEN day = $3 THEN amount ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN day = $3 THEN 1 ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(amount), 0) AS BIGINT) \
         FROM exchanges WHERE link_id = $1 AND direction = $2 AND year = $4 AND sweep = 0 AND out_no NOT LIKE '~%' AND state NOT IN ('FAIL', 'RETURNED')",
    )
    .bind(link)
    .bind(direction)
    .bind(day)
    .bind(year)
    .fetch_one(&mut *tx)
    .await?;
    Ok(Used { day, day_count, year })
}

/// What is about to arrive in a wallet by top-ups.
pub(crate) async fn arriving(tx: &mut Tx, wallet: WalletId) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM exchanges WHERE wallet_id = $1 AND direction = 'TOP_UP' \
               AND state IN ('ACCEPTED', 'PROCESSING', 'PRESUMED_SUCCESS', 'PRESUMED_FAIL')";
    Ok(sqlx::query_scalar(sql).bind(wallet).fetch_one(&mut *tx).await?)
}

pub(crate) async fn has_unfinished(tx: &mut Tx, link: LinkId) -> Result<bool> {
    let open: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM exchanges WHERE link_id = $1 AND next_try_at IS NOT NULL")
            .bind(link)
            .fetch_one(&mut *tx)
            .await?;
    Ok(open > 0)
}

pub(crate) async fn is_sweeping(tx: &mut Tx, wallet: WalletId) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM exchanges WHERE wallet_id = $1 AND direction = 'WITHDRAWAL' AND sweep = 1 AND state NOT IN ('FAIL', 'RETURNED')";
    let sweeps: i64 = sqlx::query_scalar(sql).bind(wallet).fetch_one(&mut *tx).await?;
    Ok(sweeps > 0)
}

/// Takes or prolongs a claim; false if somebody else has it.
pub(super) async fn claim(tx: &mut Tx, id: &str, ours: bool, now: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE exchanges SET claimed_until = $2 WHERE id = $1 AND ($3 = 1 OR claimed_until IS NULL OR claimed_until <= $4)")
        .bind(id.to_owned())
        .bind(now + super::CLAIM_MS)
        .bind(i64::from(ours))
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all claims on open exchanges.
pub(super) async fn release_all(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE exchanges SET claimed_until = NULL WHERE next_try_at IS NOT NULL AND claimed_until IS NOT NULL").execute(&mut *tx).await?;
    Ok(())
}

/// Ends a claim; after a fault the row is looked at again at `again_at`.
pub(super) async fn release(tx: &mut Tx, id: &str, again_at: Option<i64>) -> Result<()> {
    sqlx::query(
        "UPDATE exchanges SET claimed_until = NULL, \
         next_try_at = CASE WHEN next_try_at IS NULL OR CAST($2 AS BIGINT) IS NULL THEN next_try_at ELSE CAST($2 AS BIGINT) END WHERE id = $1",
    )
    .bind(id.to_owned())
    .bind(again_at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Rows whose time has come and that nobody works on.
pub(super) async fn due<'e>(
    on: impl Executor<'e, Database = Any>,
    now: i64,
    limit: i64,
) -> Result<Vec<String>> {
    let sql = "SELECT id FROM exchanges WHERE next_try_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1) ORDER BY next_try_at LIMIT $2";
    Ok(sqlx::query_scalar(sql).bind(now).bind(limit).fetch_all(on).await?)
}

/// Writes down that the bank is about to be asked.
pub(super) async fn set_asked(tx: &mut Tx, id: &str) -> Result<()> {
    sqlx::query("UPDATE exchanges SET asked = 1, state = CASE WHEN state = 'ACCEPTED' THEN 'PROCESSING' ELSE state END WHERE id = $1")
        .bind(id.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Writes down what the bank has said for certain. Money that has moved is never taken for refused.
pub(super) async fn set_outcome(
    tx: &mut Tx,
    id: &str,
    outcome: BankOutcome,
    bank_ref: Option<&str>,
    reason: Option<&str>,
    now: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE exchanges SET bank_outcome = $2, bank_ref = COALESCE(CAST($3 AS TEXT), bank_ref), \
         reason = CASE WHEN $2 = 'REFUSED' THEN COALESCE(CAST($4 AS TEXT), reason) ELSE reason END, \
         state = CASE WHEN state IN ('PRESUMED_SUCCESS', 'PRESUMED_FAIL') THEN 'PROCESSING' ELSE state END, next_try_at = $5, tries = 0 \
         WHERE id = $1 AND (bank_outcome IS NULL OR (bank_outcome = 'REFUSED' AND $2 = 'DONE'))",
    )
    .bind(id.to_owned())
    .bind(outcome)
    .bind(bank_ref.map(str::to_owned))
    .bind(reason.map(str::to_owned))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Writes down that the outcome is open, and when to ask again.
pub(super) async fn set_open(tx: &mut Tx, id: &str, state: State, next_try_at: i64) -> Result<()> {
    sqlx::query(
        "UPDATE exchanges SET state = CASE WHEN state IN ('ACCEPTED', 'PROCESSING', 'PRESUMED_SUCCESS', 'PRESUMED_FAIL') AND bank_outcome IS NULL THEN $2 ELSE state END, \
         next_try_at = $3, tries = tries + 1 WHERE id = $1",
    )
    .bind(id.to_owned())
    .bind(state)
    .bind(next_try_at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Ends a row that the ledger has no part in (any more).
pub(crate) async fn finish(tx: &mut Tx, id: &str, state: State, reason: Option<&str>) -> Result<()> {
    sqlx::query("UPDATE exchanges SET state = $2, reason = COALESCE(CAST($3 AS TEXT), reason), next_try_at = NULL WHERE id = $1")
        .bind(id.to_owned())
        .bind(state)
        .bind(reason.map(str::to_owned))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// What the ledger has decided: the money is there at `at`.
pub(crate) async fn settle(tx: &mut Tx, id: &str, state: State, at: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE exchanges SET state = $2, reason = CASE WHEN $2 = 'SUCCESS' AND give_back = 0 THEN NULL ELSE reason END, settled_at = $3, \
         next_try_at = CASE WHEN $2 = 'SUCCESS' AND give_back > 0 THEN next_try_at ELSE NULL END WHERE id = $1 AND state <> $2",
    )
        .bind(id.to_owned())
        .bind(state)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Says why, where nothing is said yet; the followers write the state.
pub(crate) async fn set_reason(tx: &mut Tx, id: &str, reason: &str) -> Result<()> {
    sqlx::query("UPDATE exchanges SET reason = COALESCE(reason, $2) WHERE id = $1")
        .bind(id.to_owned())
        .bind(reason.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Remembers a notice; false if it was taken in before.
pub(super) async fn keep_notice(
    tx: &mut Tx,
    bank: InstitutionId,
    notice: &str,
    reference: &str,
    now: i64,
) -> Result<bool> {
    let done = sqlx::query("INSERT INTO bank_notices (institution_id, id, reference, received_at) VALUES ($1, $2, $3, $4) ON CONFLICT (institution_id, id) DO NOTHING")
        .bind(bank)
        .bind(notice.to_owned())
        .bind(reference.to_owned())
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn forget_notices(tx: &mut Tx, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM bank_notices WHERE received_at < $1").bind(before).execute(&mut *tx).await?;
    Ok(())
}

/// Rows of a bank and natural day after `after`, in order.
pub(super) async fn of_day<'e>(
    on: impl Executor<'e, Database = Any>,
    bank: InstitutionId,
    day: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<Row>> {
    let sql = "SELECT * FROM exchanges WHERE bank_id = $1 AND day = $2 AND id > $3 ORDER BY id LIMIT $4";
    Ok(sqlx::query_as(sql).bind(bank).bind(day).bind(after.to_owned()).bind(limit).fetch_all(on).await?)
}

pub(crate) async fn set_held(tx: &mut Tx, id: &str) -> Result<()> {
    sqlx::query("UPDATE exchanges SET held = 1, state = CASE WHEN state = 'ACCEPTED' THEN 'PROCESSING' ELSE state END WHERE id = $1")
        .bind(id.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Begins to give the money back, because of `reason`.
pub(crate) async fn set_returning(tx: &mut Tx, id: &str, reason: &str, now: i64) -> Result<()> {
    sqlx::query("UPDATE exchanges SET give_back = 1, reason = $2, next_try_at = $3, tries = 0 WHERE id = $1 AND give_back = 0")
        .bind(id.to_owned())
        .bind(reason.to_owned())
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn set_return_asked(tx: &mut Tx, id: &str, not_after: i64) -> Result<()> {
    sqlx::query("UPDATE exchanges SET return_asked = 1, return_not_after = $2 WHERE id = $1")
        .bind(id.to_owned())
        .bind(not_after)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Begins another try to give the money back, under the next reference if the last one is used up.
pub(super) async fn set_return_again(
    tx: &mut Tx,
    id: &str,
    next_reference: bool,
    next_try_at: i64,
) -> Result<()> {
    sqlx::query("UPDATE exchanges SET return_asked = 0, give_back = give_back + $2, next_try_at = $3, tries = tries + 1 WHERE id = $1")
        .bind(id.to_owned())
        .bind(i64::from(next_reference))
        .bind(next_try_at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Something stands in the way that may pass: looked at again later.
pub(crate) async fn set_stuck(
    tx: &mut Tx,
    id: &str,
    state: Option<State>,
    reason: &str,
    next_try_at: i64,
) -> Result<()> {
    sqlx::query("UPDATE exchanges SET state = COALESCE(CAST($2 AS TEXT), state), reason = $3, next_try_at = $4, tries = tries + 1 WHERE id = $1")
        .bind(id.to_owned())
        .bind(state.map(|state| state.text()))
        .bind(reason.to_owned())
        .bind(next_try_at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

#[cfg(test)]
impl Row {
    /// One that was taken in just now; what is decided about it does not depend on whose it is.
    pub(crate) fn fresh(direction: Direction) -> Self {
        Self {
            id: String::new(),
            direction,
            sweep: 0,
            person_id: PersonId::from_number(16),
            wallet_id: WalletId::from_number(16),
            link_id: LinkId::from_number(16),
            bank_id: InstitutionId::from_number(16),
            out_no: String::new(),
            amount: 1,
            digest: vec![0; 24],
            state: State::Accepted,
            reason: None,
            bank_outcome: None,
            held: 0,
            asked: 0,
            give_back: 0,
            return_asked: 0,
            return_not_after: 0,
            created_at: 0,
            not_after: 300,
            next_try_at: Some(5),
            tries: 0,
            settled_at: None,
        }
    }
}

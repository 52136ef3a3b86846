//! The wallets' rows.

use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use super::{Class, Control, Owner, Standing, Wallet};
use crate::id::{PersonId, WalletId};
use crate::{Problem, Result, Tx};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT w.id, w.owner, w.institution_id, i.code, i.holder, w.class, w.name, w.control, w.lost, w.closing, w.closed, w.own_limits, w.revision, w.applied, w.created_at \
             FROM wallets w JOIN institutions i ON i.id = w.institution_id ",
            $rest
        )
    };
}

pub(super) async fn find<'e>(on: impl Executor<'e, Database = Any>, id: WalletId) -> Result<Option<Wallet>> {
    let row = sqlx::query(select!("WHERE w.id = $1")).bind(id).fetch_optional(on).await?;
    row.as_ref().map(read).transpose()
}

/// Most values in one list of a statement; SQLite takes 32,766.
const MOST_IN_LIST: usize = 1000;

pub(super) async fn find_many(tx: &mut Tx, accounts: &[u128]) -> Result<Vec<Wallet>> {
    let mut wallets = Vec::new();
    for some in accounts.chunks(MOST_IN_LIST) {
        let sql = format!("{}({})", select!("WHERE w.id IN "), crate::db::places(1, some.len()));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for account in some {
            query = query.bind(WalletId::from_number(*account));
        }
        for row in query.fetch_all(&mut *tx).await? {
            wallets.push(read(&row)?);
        }
    }
    Ok(wallets)
}

pub(super) async fn open_of<'e>(on: impl Executor<'e, Database = Any>, owner: Owner) -> Result<Vec<Wallet>> {
    let rows = sqlx::query(select!("WHERE w.owner = $1 AND w.closed = 0 ORDER BY w.id"))
        .bind(owner.to_string())
        .fetch_all(on)
        .await?;
    rows.iter().map(read).collect()
}

/// Open wallets of many persons, the oldest first.
pub(super) async fn open_of_many(on: &crate::db::Reads, persons: &[PersonId]) -> Result<Vec<Wallet>> {
    let mut wallets = Vec::new();
    for some in persons.chunks(MOST_IN_LIST) {
        let sql = format!(
            "{}({}) AND w.closed = 0 ORDER BY w.id",
            select!("WHERE w.owner IN "),
            crate::db::places(1, some.len())
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for person in some {
            query = query.bind(person.to_string());
        }
        for row in query.fetch_all(on).await? {
            wallets.push(read(&row)?);
        }
    }
    Ok(wallets)
}

pub(super) async fn all_of<'e>(on: impl Executor<'e, Database = Any>, owner: Owner) -> Result<Vec<Wallet>> {
    let rows = sqlx::query(select!("WHERE w.owner = $1 ORDER BY w.id DESC"))
        .bind(owner.to_string())
        .fetch_all(on)
        .await?;
    rows.iter().map(read).collect()
}

/// Wallets with ids after `after`, in order, open ones only.
pub(super) async fn open_after<'e>(
    on: impl Executor<'e, Database = Any>,
    after: &str,
    limit: i64,
) -> Result<Vec<Wallet>> {
    let rows = sqlx::query(select!("WHERE w.id > $1 AND w.closed = 0 ORDER BY w.id LIMIT $2"))
        .bind(after.to_owned())
        .bind(limit)
        .fetch_all(on)
        .await?;
    rows.iter().map(read).collect()
}

/// Ids of wallets that the ledger has not followed yet.
pub(super) async fn unapplied<'e>(
    on: impl Executor<'e, Database = Any>,
    limit: i64,
) -> Result<Vec<WalletId>> {
    Ok(sqlx::query_scalar("SELECT id FROM wallets WHERE applied <> revision ORDER BY id LIMIT $1")
        .bind(limit)
        .fetch_all(on)
        .await?)
}

/// Ids of wallets that are being closed.
pub(super) async fn closing<'e>(on: impl Executor<'e, Database = Any>) -> Result<Vec<WalletId>> {
    Ok(sqlx::query_scalar("SELECT id FROM wallets WHERE closing = 1 AND closed = 0 ORDER BY id")
        .fetch_all(on)
        .await?)
}

/// Inserts a wallet; false if its id exists.
pub(super) async fn insert(tx: &mut Tx, wallet: &Wallet) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO wallets (id, owner, institution_id, class, name, control, lost, closing, closed, revision, applied, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
    )
    .bind(wallet.id)
    .bind(wallet.owner.to_string())
    .bind(wallet.institution)
    .bind(wallet.standing.class.number() as i64)
    .bind(&wallet.name)
    .bind(wallet.standing.control)
    .bind(wallet.revision)
    .bind(wallet.applied)
    .bind(wallet.created_at)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes a new standing as the next revision; nothing if it is the same.
pub(super) async fn set_standing(tx: &mut Tx, wallet: &Wallet, standing: Standing) -> Result<()> {
    if standing == wallet.standing {
        return Ok(());
    }
    sqlx::query("UPDATE wallets SET class = $2, control = $3, lost = $4, closing = $5, closed = $6, revision = revision + 1 WHERE id = $1")
        .bind(wallet.id)
        .bind(standing.class.number() as i64)
        .bind(standing.control)
        .bind(i64::from(standing.lost))
        .bind(i64::from(standing.closing))
        .bind(i64::from(standing.closed))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Remembers that the ledger has followed to `revision`; false if the row has moved on since.
pub(super) async fn set_applied(tx: &mut Tx, id: WalletId, revision: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE wallets SET applied = $2 WHERE id = $1 AND revision = $2")
        .bind(id)
        .bind(revision)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn set_closed_at(tx: &mut Tx, id: WalletId, at: Option<i64>) -> Result<()> {
    sqlx::query("UPDATE wallets SET closed_at = $2 WHERE id = $1")
        .bind(id)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn class_of<'e>(on: impl Executor<'e, Database = Any>, person: PersonId) -> Result<Class> {
    let class: Option<i64> =
        sqlx::query_scalar("SELECT CAST(class AS BIGINT) FROM wallet_classes WHERE person_id = $1")
            .bind(person)
            .fetch_optional(on)
            .await?;
    class.map_or(Ok(Class::Four), Class::from_number)
}

pub(super) async fn set_class(tx: &mut Tx, person: PersonId, class: Class, now: i64) -> Result<()> {
    sqlx::query("INSERT INTO wallet_classes (person_id, class, changed_at) VALUES ($1, $2, $3) ON CONFLICT (person_id) DO UPDATE SET class = $2, changed_at = $3")
        .bind(person)
        .bind(class.number() as i64)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Wallet> {
    let flag = |name: &str| row.try_get::<i16, _>(name).map(|flag| flag != 0);
    Ok(Wallet {
        id: row.try_get("id")?,
        owner: row.try_get::<String, _>("owner")?.parse()?,
        institution: row.try_get("institution_id")?,
        institution_code: row.try_get("code")?,
        holder: u32::try_from(row.try_get::<i64, _>("holder")?).map_err(Problem::internal)?,
        name: row.try_get("name")?,
        standing: Standing {
            class: Class::from_number(row.try_get::<i16, _>("class")?.into())?,
            control: row.try_get::<Control, _>("control")?,
            lost: flag("lost")?,
            closing: flag("closing")?,
            closed: flag("closed")?,
        },
        own_limits: flag("own_limits")?,
        revision: row.try_get("revision")?,
        applied: row.try_get("applied")?,
        created_at: row.try_get("created_at")?,
    })
}

/// The ledger has followed the holder's limits of this policy, and the wallet has a meter for them.
pub(super) async fn own_limits_applied(tx: &mut Tx, wallet: WalletId, policy: i64) -> Result<()> {
    sqlx::query("UPDATE own_limits SET applied = 1 WHERE wallet = $1 AND policy = $2")
        .bind(wallet)
        .bind(policy)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE wallets SET own_limits = 1 WHERE id = $1 AND own_limits = 0")
        .bind(wallet)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(id) => id.fmt(f),
            Self::Organisation(id) => id.fmt(f),
        }
    }
}

impl std::str::FromStr for Owner {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self> {
        let person = text.parse().map(Self::Person);
        person.or_else(|_| text.parse().map(Self::Organisation)).map_err(Problem::internal)
    }
}

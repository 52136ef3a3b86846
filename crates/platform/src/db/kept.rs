//! Rows that are kept in memory until their table changes.
//!
//! An SQLite file belongs to one process, and one writer changes it. SQLite itself tells that writer which
//! tables it touched, so no domain can forget to; before anybody hears of a commit, the tables in it get a
//! new number, and what was read under an older one is read again. So a key that was revoked or a merchant
//! that was suspended is seen as such by whoever asks after the answer to the revocation, just as when it
//! is read from the table. On PostgreSQL other nodes write too and nobody tells us: nothing is kept there.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use super::Db;
use super::embedded::Embedded;

/// Rows of one kind that are kept at most; beyond it all are forgotten.
const MOST: usize = 20_000;

/// Tables of which rows are kept. Each has row ids and is never emptied by a `DELETE` without `WHERE`, or
/// SQLite would not tell of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Bound devices.
    Devices,
    /// Banks.
    Institutions,
    /// Keys of merchants' servers.
    MerchantKeys,
    /// Merchants.
    Merchants,
    /// Sessions.
    Sessions,
    /// Wallets, without their money.
    Wallets,
}

impl Table {
    const ALL: [Self; 6] = [
        Self::Devices,
        Self::Institutions,
        Self::MerchantKeys,
        Self::Merchants,
        Self::Sessions,
        Self::Wallets,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Institutions => "institutions",
            Self::MerchantKeys => "merchant_keys",
            Self::Merchants => "merchants",
            Self::Sessions => "sessions",
            Self::Wallets => "wallets",
        }
    }
}

/// How often each table of a file was changed, as far as anybody has heard of it.
#[derive(Debug, Default)]
pub(super) struct Changes([AtomicU64; Table::ALL.len()]);

impl Changes {
    /// Those of the file at `path`: the same for all who have it open in this process.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        static FILES: Mutex<BTreeMap<PathBuf, Weak<Changes>>> = Mutex::new(BTreeMap::new());
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|_, known| known.strong_count() > 0);
        if let Some(known) = files.get(&path).and_then(Weak::upgrade) {
            return known;
        }
        let fresh = Arc::<Self>::default();
        files.insert(path, Arc::downgrade(&fresh));
        fresh
    }

    /// Notes what the file's writer touches.
    pub(super) fn watch(self: &Arc<Self>, writer: &Embedded) -> sqlx::Result<Touched> {
        let tables = Arc::new(AtomicU32::new(0));
        let noted = tables.clone();
        writer.on_change(move |name| {
            if let Some(place) = Table::ALL.iter().position(|table| table.name() == name) {
                noted.fetch_or(1 << place, Ordering::Relaxed);
            }
        })?;
        Ok(Touched { tables, changes: self.clone() })
    }

    fn number(&self, tables: &[Table]) -> u64 {
        tables.iter().map(|&table| self.0[table as usize].load(Ordering::Acquire)).sum()
    }
}

/// The tables that a writer has touched since it last told.
pub(super) struct Touched {
    tables: Arc<AtomicU32>,
    changes: Arc<Changes>,
}

impl Touched {
    /// Makes what was read of these tables old. Call it after a commit or rollback, before its answers.
    pub(super) fn tell(&self) {
        let tables = self.tables.swap(0, Ordering::Relaxed);
        for (place, count) in self.changes.0.iter().enumerate() {
            if tables & 1 << place != 0 {
                count.fetch_add(1, Ordering::Release);
            }
        }
    }
}

/// What was read of some tables, by a key.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    of: &'static [Table],
    rows: RwLock<HashMap<K, (u64, V)>>,
}

/// The moment at which something was not kept and has to be read; nothing where nothing is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(Option<u64>);

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    /// Nothing yet; what will be kept is made of rows of these tables alone.
    pub(crate) fn new(of: &'static [Table]) -> Self {
        Self { of, rows: RwLock::default() }
    }

    /// What is kept under `key`, if its tables have not changed since. Otherwise read it and
    /// [`Self::put`] it with the moment that this answers.
    pub(crate) fn get(&self, db: &Db, key: &K) -> Result<V, At> {
        let Some(changes) = &db.changes else { return Err(At(None)) };
        let now = changes.number(self.of);
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        match rows.get(key) {
            Some((then, value)) if *then == now => Ok(value.clone()),
            _ => Err(At(Some(now))),
        }
    }

    /// Keeps what was read outside any transaction after `at`.
    pub(crate) fn put(&self, at: At, key: K, value: &V) {
        let At(Some(at)) = at else { return };
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= MOST {
            rows.clear();
        }
        rows.insert(key, (at, value.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tx;

    async fn named(db: &Db, kept: &Kept<i64, String>) -> (String, bool) {
        match kept.get(db, &1) {
            Ok(name) => (name, true),
            Err(at) => {
                let mut tx = db.quick().await.expect("a reader");
                let name: String = sqlx::query_scalar("SELECT name_en FROM institutions WHERE id = 'ins_1'")
                    .fetch_one(&mut tx)
                    .await
                    .expect("the row is there");
                kept.put(at, 1, &name);
                (name, false)
            }
        }
    }

    async fn rename(db: &Db, name: &'static str) {
        db.write(async move |tx: &mut Tx| {
            sqlx::query(
                "INSERT INTO institutions (id, code, role, model, holder, name_zh, name_en, authorised, created_at, number)
                 VALUES ('ins_1', 'BKA', 'operating', 'operational', 1, '', $1, 0, 0, 7) ON CONFLICT (id) DO UPDATE SET name_en = $1",
            )
            .bind(name)
            .execute(&mut *tx)
            .await?;
            Ok(())
        })
        .await
        .expect("the row is written");
    }

    #[tokio::test]
    async fn what_is_kept_is_good_until_a_commit_changes_its_table_whoever_wrote() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.db");
        let (db, other) = (Db::sqlite(&file).await.expect("opens"), Db::sqlite(&file).await.expect("opens"));
        let kept = Kept::new(&[Table::Institutions]);
        rename(&db, "one").await;
        assert_eq!(named(&db, &kept).await, ("one".to_owned(), false));
        assert_eq!(named(&db, &kept).await, ("one".to_owned(), true));
        db.write(async |tx: &mut Tx| {
            sqlx::query("INSERT INTO cursors (follower, next_seq) VALUES ('a', 1)").execute(&mut *tx).await?;
            Ok(())
        })
        .await
        .expect("another table is written");
        assert_eq!(named(&db, &kept).await, ("one".to_owned(), true));
        rename(&db, "two").await;
        assert_eq!(named(&db, &kept).await, ("two".to_owned(), false));
        rename(&other, "three").await;
        assert_eq!(named(&db, &kept).await, ("three".to_owned(), false));
    }

    #[test]
    fn every_table_that_is_kept_exists_and_has_row_ids() {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let db = Db::sqlite(&folder.path().join("a.db")).await.expect("opens");
            for table in Table::ALL {
                let sql = format!("SELECT COUNT(rowid) FROM {}", table.name());
                let counted: Result<i64, _> =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(db.read()).await;
                assert_eq!(counted.ok(), Some(0), "{table:?}");
            }
        });
    }
}

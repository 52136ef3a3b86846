//! A small world for a test: a ledger, a database, the outside in memory, and a clock that moves.
//!
//! [`on_each_backend`] runs a test in a fresh world on SQLite and then on PostgreSQL; the world's
//! followers run. [`World::crash`] ends them without warning and starts them again on the same data.
//! Databases and folders are removed at the end, even if the test fails.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use jialing_crypto::seal::{BlindIndex, KeyRing, SealAlgorithm, SealKey};
use jialing_engine::{Engine, Suite, TimeSource};
use jialing_platform::app::Parts;
use jialing_platform::db::Backend;
use jialing_platform::exports::Chest;
use jialing_platform::follow::{self, Progress};
use jialing_platform::{App, Clock, Connectors, Db, Settings};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::postgres::Database;
use crate::rails::{TestBank, TestIdentity, TestNotices};

/// The codes of the banks in every world. What each is, the tests say.
pub const BANKS: [&str; 3] = ["BKA", "BKB", "BKC"];

/// A database of its own.
pub struct Store {
    pub db: Db,
    folder: TempDir,
    database: Option<Database>,
}

impl Store {
    async fn create(backend: Backend) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let database = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Database::create().await),
        };
        let db = open(folder.path(), database.as_ref()).await;
        Self { db, folder, database }
    }

    /// The same database, opened once more.
    pub async fn open_again(&self) -> Db {
        open(self.folder.path(), self.database.as_ref()).await
    }

    async fn remove(self) {
        self.db.close().await;
        if let Some(database) = self.database {
            database.drop().await;
        }
    }
}

async fn open(folder: &Path, database: Option<&Database>) -> Db {
    match database {
        None => Db::sqlite(&folder.join("jialing.db")).await,
        Some(database) => Db::postgres(&database.url).await,
    }
    .expect("a test's database opens")
}

/// Everything a test of a domain needs.
pub struct World {
    pub app: App,
    pub clock: Clock,
    pub banks: BTreeMap<&'static str, Arc<TestBank>>,
    pub identity: Arc<TestIdentity>,
    pub notices: Arc<TestNotices>,
    store: Store,
    settings: Settings,
    followers: Vec<JoinHandle<()>>,
}

impl World {
    /// A new world with running followers.
    pub async fn start(backend: Backend) -> Self {
        let clock = Clock::default();
        let time = clock.clone();
        Self::with_ledger(backend, clock, Arc::new(move || time.nanos()), Suite::Sha256Ed25519).await
    }

    /// The same; the ledger takes its time from `time`, to the nanosecond, and is of the given suite.
    pub async fn with_ledger(backend: Backend, clock: Clock, time: TimeSource, suite: Suite) -> Self {
        let store = Store::create(backend).await;
        let banks: BTreeMap<_, _> = BANKS.map(|code| (code, Arc::new(TestBank::new(code, &clock)))).into();
        let (identity, notices) = (Arc::new(TestIdentity::default()), Arc::new(TestNotices::default()));
        let connectors = connect(&banks, &identity, &notices);
        let settings =
            Settings { approve_merchants: true, cheap_passwords: true, sandbox: true, ..Settings::default() };
        let ledger = engine(store.folder.path(), time, suite).await;
        let app = assemble(store.db.clone(), ledger, &clock, connectors, &settings, store.folder.path());
        jialing_platform::policies::establish(&app)
            .await
            .expect("the shipped policies fit an empty database");
        let followers = follow::start(&app);
        Self { app, clock, banks, identity, notices, store, settings, followers }
    }

    /// Ends the followers wherever they are and starts them on the same data, as after a crash of
    /// the process between any two steps.
    pub async fn crash(&mut self) {
        for follower in self.followers.drain(..) {
            follower.abort();
            let _ = follower.await;
        }
        self.store.db.close().await;
        self.store.db = self.store.open_again().await;
        let connectors = connect(&self.banks, &self.identity, &self.notices);
        self.app = assemble(
            self.store.db.clone(),
            self.app.engine.clone(),
            &self.clock,
            connectors,
            &self.settings,
            self.store.folder.path(),
        );
        self.followers = follow::start(&self.app);
    }

    /// From now on merchants await review, as they do outside a sandbox. Starts anew, as a crash does.
    pub async fn review_merchants(&mut self) {
        self.settings.approve_merchants = false;
        self.crash().await;
    }

    /// From now on this is production, though merchants are still approved without review. Starts anew, as a
    /// crash does.
    pub async fn leave_the_sandbox(&mut self) {
        self.settings.sandbox = false;
        self.crash().await;
    }

    /// Ends the followers only; [`World::crash`] starts them again.
    pub async fn stop_followers(&mut self) {
        for follower in self.followers.drain(..) {
            follower.abort();
            let _ = follower.await;
        }
    }

    /// Ends the followers without warning and starts them again beside requests that go on.
    pub async fn crash_only_followers(&mut self) {
        self.stop_followers().await;
        self.followers = follow::start(&self.app);
    }

    /// Where this world's files are.
    pub fn folder(&self) -> &Path {
        self.store.folder.path()
    }

    /// Waits until every follower has handled everything that is durable now.
    pub async fn settle(&self) {
        let records = *self.app.engine.durable().borrow();
        if records > 0 {
            assert!(
                self.app.progress.passed(records - 1).await,
                "the followers did not reach record {}",
                records - 1
            );
        }
    }

    async fn end(mut self) {
        self.stop_followers().await;
        self.app.engine.shutdown().await;
        drop(self.app);
        self.store.remove().await;
    }
}

async fn engine(folder: &Path, time: TimeSource, suite: Suite) -> Engine {
    let mut config = jialing_engine::Config::new(folder.join("ledger"));
    config.time = time;
    config.suite = suite;
    // Small, so that a test's folder stays small.
    config.segment_bytes = 1 << 20;
    let opened =
        tokio::task::spawn_blocking(move || Engine::open(config)).await.expect("opening does not panic");
    opened.expect("a new ledger opens").0
}

fn connect(
    banks: &BTreeMap<&'static str, Arc<TestBank>>,
    identity: &Arc<TestIdentity>,
    notices: &Arc<TestNotices>,
) -> Connectors {
    Connectors {
        banks: banks
            .iter()
            .map(|(code, bank)| ((*code).to_owned(), bank.clone() as Arc<dyn jialing_rails::bank::Bank>))
            .collect(),
        identity: identity.clone(),
        notices: notices.clone(),
    }
}

fn assemble(
    db: Db,
    engine: Engine,
    clock: &Clock,
    connectors: Connectors,
    settings: &Settings,
    folder: &Path,
) -> App {
    // Fixed keys: a reopened world opens what it sealed before.
    let key = SealKey::new(1, SealAlgorithm::Aes256Gcm, &[7; 32]).expect("32 bytes");
    App::new(Parts {
        db,
        engine,
        clock: clock.clone(),
        settings: settings.clone(),
        seal: KeyRing::new(vec![key], 1).expect("one key"),
        blind: BlindIndex::new([9; 32]),
        connectors,
        progress: Progress::default(),
        exports: Chest::new(folder.join("exports")),
        policies: Default::default(),
        witnesses: Default::default(),
    })
}

/// Runs `test` in a fresh world on each backend.
pub fn on_each_backend(test: impl AsyncFn(&mut World)) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        run(backend, async || {
            let mut world = World::start(backend).await;
            let outcome = std::panic::AssertUnwindSafe(test(&mut world)).catch_unwind().await;
            world.end().await;
            outcome
        });
    }
}

/// Runs `test` in a fresh world on each backend, whose ledger's time stands at what the number says,
/// `start` at first, in nanoseconds. The ledger beside SQLite is of the international suite, the one
/// beside PostgreSQL of the domestic one.
pub fn on_each_backend_at(start: u64, test: impl AsyncFn(&mut World, &AtomicU64)) {
    for (backend, suite) in [(Backend::Sqlite, Suite::Sha256Ed25519), (Backend::Postgres, Suite::Sm3Sm2)] {
        run(backend, async || {
            let now = Arc::new(AtomicU64::new(start));
            let time = now.clone();
            let read: TimeSource = Arc::new(move || time.load(Ordering::SeqCst));
            let mut world = World::with_ledger(backend, Clock::default(), read, suite).await;
            let outcome = std::panic::AssertUnwindSafe(test(&mut world, &now)).catch_unwind().await;
            world.end().await;
            outcome
        });
    }
}

/// Runs `test` on an empty database of each backend.
pub fn on_each_store(test: impl AsyncFn(&Store)) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        run(backend, async || {
            let store = Store::create(backend).await;
            let outcome = std::panic::AssertUnwindSafe(test(&store)).catch_unwind().await;
            store.remove().await;
            outcome
        });
    }
}

fn run(backend: Backend, test: impl AsyncFnOnce() -> std::thread::Result<()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    if let Err(panic) = runtime.block_on(test()) {
        eprintln!("the test failed on {backend:?}");
        std::panic::resume_unwind(panic);
    }
}

/// How many: `short` in the tests, `full` where `make load` measures.
#[allow(dead_code, reason = "other crates' tests share this file")]
pub fn load<N>(short: N, full: N) -> N {
    if std::env::var_os("JIALING_LOAD").is_some() { full } else { short }
}

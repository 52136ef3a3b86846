//! The whole platform in one process: storage opened, the past finished, followers and sweepers
//! running, the edge serving; and all of it stopped in order.
//!
//! A house has a listener of its own, or stands behind somebody else's and is handed its requests
//! ([`Door`]); many of the second sort fit into one process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jialing_crypto::cosign::Witness;
use jialing_crypto::note::NoteVerifier;
use jialing_crypto::seal::{BlindIndex, KeyRing};
use jialing_engine::{Config, Engine, OpenError, Opened, Suite};
use jialing_gateway::{Bulk, BulkConfig, BulkRunning, EdgeConfig, Gateway, Mounted, Platform, Running};
use jialing_platform::app::Parts;
use jialing_platform::exports::Chest;
use jialing_platform::follow::Progress;
use jialing_platform::institutions::{self, Founding};
use jialing_platform::witnesses::{Asked, Policy, Witnesses};
use jialing_platform::{App, Clock, Connectors, Db, Settings, background, follow};
use jialing_rails::bank::{Bank, HttpBank, IsoBank, OurSide};
use jialing_rails::identity::HttpIdentity;
use jialing_rails::notice::HttpNotices;
use jialing_rails::witness::HttpWitness;
use jialing_rails::{CallLimits, Peer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a house is built from.
pub struct Plan {
    /// The folder of the ledger and, unless `database` says otherwise, of the tables.
    pub data: PathBuf,
    /// `postgres://…`, or none for SQLite in `data`.
    pub database: Option<String>,
    /// The name in the log's checkpoints.
    pub origin: String,
    /// How the log hashes and signs; fixed at its first start.
    pub suite: Suite,
    /// What the operator has set.
    pub settings: Settings,
    /// The institutions of the beginning.
    pub founding: Founding,
    /// The banks, by institution code.
    pub banks: BTreeMap<String, Peer>,
    /// How we appear to the banks that speak ISO 20022; all others speak JSON.
    pub iso20022: BTreeMap<String, OurSide>,
    /// Confirms identities.
    pub identity: Peer,
    /// Sends codes and notices.
    pub notices: Peer,
    /// Seals personal data.
    pub seal: KeyRing,
    /// Makes sealed values findable.
    pub blind: BlindIndex,
    /// Who is asked for cosignatures.
    pub witnesses: Vec<Asked>,
    /// How many, and how long they are waited for.
    pub policy: Policy,
    /// How the edge is set up.
    pub edge: EdgeConfig,
    /// The door for banks' bulk work, if there is one.
    pub bulk: Option<BulkConfig>,
    /// How requests come in.
    pub door: Door,
    /// The platform's time.
    pub clock: Clock,
    /// How large the ledger's files and tables in memory are made.
    pub size: Size,
}

/// How requests come in.
pub enum Door {
    /// By this listener.
    Listen(TcpListener),
    /// They are handed over by whoever stands in front: see [`House::mounted`].
    Mounted,
}

/// How large the ledger's files and tables in memory are made. It decides nothing of what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// For a city: [`Config::new`]'s defaults.
    #[default]
    City,
    /// For one of many in a process: segments of 512 KiB, so that a folder and what is in memory of its
    /// newest records stay small.
    Small,
}

/// Bytes in a journal segment of a small house.
const SMALL_SEGMENT: u64 = 512 << 10;
/// Commands that may wait in a small house.
const SMALL_QUEUE: usize = 1_024;

/// A running platform.
pub struct House {
    /// The platform itself.
    pub app: App,
    /// What opening the ledger found.
    pub opened: Opened,
    edge: Edge,
    bulk: Option<BulkRunning>,
    tasks: Vec<JoinHandle<()>>,
}

enum Edge {
    Running(Running),
    Mounted(Mounted),
}

impl House {
    /// Opens everything and serves.
    ///
    /// # Errors
    /// What could not be opened and why, for a person.
    pub async fn open(plan: Plan) -> Result<Self, String> {
        std::fs::create_dir_all(&plan.data)
            .map_err(|error| format!("cannot make {}: {error}", plan.data.display()))?;
        let clock = plan.clock.clone();
        let (engine, opened) = open_engine(&plan).await.map_err(|error| error.to_string())?;
        let db = match &plan.database {
            Some(url) => Db::postgres(url)
                .await
                .map_err(|error| format!("cannot open the PostgreSQL database: {error}"))?,
            None => Db::sqlite(&plan.data.join("jialing.db")).await.map_err(|error| {
                format!("cannot open {}: {error}", plan.data.join("jialing.db").display())
            })?,
        };
        let log = NoteVerifier::from_vkey(&engine.verifier_key()).map_err(|error| error.to_string())?;
        let witnesses =
            Witnesses::new(plan.witnesses, plan.policy, &log).map_err(|error| error.to_string())?;
        let app = App::new(Parts {
            db,
            engine,
            clock,
            settings: plan.settings,
            seal: plan.seal,
            blind: plan.blind,
            connectors: connect(plan.banks, plan.iso20022, plan.identity, plan.notices)?,
            progress: Progress::default(),
            exports: Chest::new(plan.data.join("exports")),
            policies: Default::default(),
            witnesses,
        });
        let mut tasks = follow::start(&app);
        institutions::establish(&app, plan.founding)
            .await
            .map_err(|problem| told("setting up the institutions", &problem))?;
        background::reconcile(&app)
            .await
            .map_err(|problem| told("finishing what was left in between", &problem))?;
        tasks.extend(background::start(&app));
        let bulk = match plan.bulk {
            Some(config) => Some(open_bulk(&app, config).await?),
            None => None,
        };
        let mut edge = plan.edge;
        edge.bulk = bulk.as_ref().map(|bulk| bulk.address);
        let edge = match plan.door {
            Door::Listen(listener) => Gateway::serve_on(app.clone(), edge, listener)
                .map(Edge::Running)
                .map_err(|error| format!("cannot serve: {error}"))?,
            Door::Mounted => Edge::Mounted(Gateway::mount(app.clone(), edge)),
        };
        Ok(Self { app, opened, edge, bulk, tasks })
    }

    /// The address it is reached at: of its listener, or as its settings say.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.edge {
            Edge::Running(running) => format!("http://{}", running.address),
            Edge::Mounted(_) => self.app.settings.public_url.clone(),
        }
    }

    /// What answers requests where there is no listener.
    #[must_use]
    pub fn mounted(&self) -> Option<&Mounted> {
        match &self.edge {
            Edge::Running(_) => None,
            Edge::Mounted(mounted) => Some(mounted),
        }
    }

    /// Where banks' bulk work is taken, if it is.
    #[must_use]
    pub fn bulk(&self) -> Option<SocketAddr> {
        self.bulk.as_ref().map(|bulk| bulk.address)
    }

    /// Serves until `stop` says so (see [`listen_for_stop`]) or the ledger stops by itself.
    ///
    /// # Errors
    /// Why the ledger stopped by itself.
    pub async fn until_stopped(&self, mut stop: watch::Receiver<bool>) -> Result<(), String> {
        tokio::select! {
            stopped = self.app.engine.stopped() => Err(format!("{stopped}. Nothing acknowledged is lost: mend the cause and start again")),
            _ = stop.wait_for(|asked| *asked) => Ok(()),
        }
    }

    /// Stops in order: requests drain, followers end, the ledger writes its last checkpoint.
    pub async fn stop(self) {
        if let Some(bulk) = self.bulk {
            bulk.stop().await;
        }
        match self.edge {
            Edge::Running(running) => running.stop().await,
            Edge::Mounted(mounted) => mounted.stop().await,
        }
        for task in self.tasks {
            task.abort();
        }
        self.app.engine.shutdown().await;
        self.app.db.close().await;
    }
}

async fn open_bulk(app: &App, config: BulkConfig) -> Result<BulkRunning, String> {
    let listen = config.listen;
    Bulk::serve(app.engine.clone(), Platform(app.clone()), config)
        .await
        .map_err(|error| format!("cannot listen for bulk work on {listen}: {error}"))
}

async fn open_engine(plan: &Plan) -> Result<(Engine, Opened), OpenError> {
    let mut config = Config::new(plan.data.join("ledger"));
    config.origin.clone_from(&plan.origin);
    config.suite = plan.suite;
    if plan.size == Size::Small {
        (config.segment_bytes, config.queue) = (SMALL_SEGMENT, SMALL_QUEUE);
    }
    let time = plan.clock.clone();
    config.time = Arc::new(move || time.nanos());
    tokio::task::spawn_blocking(move || Engine::open(config)).await.map_err(|error| OpenError::Io {
        what: "opening the ledger".into(),
        source: std::io::Error::other(error),
    })?
}

fn connect(
    banks: BTreeMap<String, Peer>,
    mut iso20022: BTreeMap<String, OurSide>,
    identity: Peer,
    notices: Peer,
) -> Result<Connectors, String> {
    let mut connected = BTreeMap::new();
    for (code, peer) in banks {
        let bank = match iso20022.remove(&code) {
            Some(us) => IsoBank::new(peer, us).map(|bank| Arc::new(bank) as Arc<dyn Bank>),
            None => HttpBank::new(peer).map(|bank| Arc::new(bank) as Arc<dyn Bank>),
        };
        connected.insert(code.clone(), bank.map_err(|error| format!("bank {code}: {error}"))?);
    }
    Ok(Connectors {
        banks: connected,
        identity: Arc::new(
            HttpIdentity::new(identity).map_err(|error| format!("identity service: {error}"))?,
        ),
        notices: Arc::new(HttpNotices::new(notices).map_err(|error| format!("notice service: {error}"))?),
    })
}

/// The suite of a log by its name in settings: `sha256-ed25519` or `sm3-sm2`.
///
/// # Errors
/// A name that is none.
pub fn suite(name: &str) -> Result<Suite, String> {
    Suite::parse(&name.replace('-', ", "))
        .ok_or_else(|| format!("there is no suite {name}; choose sha256-ed25519 or sm3-sm2"))
}

/// A witness reached at this address, with this verifier key.
///
/// # Errors
/// A key or an address that is none.
pub fn witness(url: &str, key: &str) -> Result<Asked, String> {
    let key = Witness::from_vkey(key).map_err(|error| format!("witness {url}: {error}"))?;
    let rail =
        HttpWitness::new(url, CallLimits::default()).map_err(|error| format!("witness {url}: {error}"))?;
    Ok(Asked { key, url: url.to_owned(), rail: Arc::new(rail) })
}

/// A problem as an operator should read it.
#[must_use]
pub fn told(doing: &str, problem: &jialing_platform::Problem) -> String {
    match &problem.internal {
        Some(fault) => format!("{doing}: {problem} ({fault})"),
        None => format!("{doing}: {problem}"),
    }
}

/// Waits until somebody asks the process to stop.
///
/// # Errors
/// When the process cannot listen for signals.
pub async fn asked_to_stop() -> Result<(), String> {
    let mut asked = listen_for_stop()?;
    asked.wait_for(|asked| *asked).await.map(drop).map_err(|error| error.to_string())
}

/// Listens for SIGTERM and SIGINT from now on, so that one which comes early is not lost.
///
/// # Errors
/// When the process cannot listen for signals.
pub fn listen_for_stop() -> Result<watch::Receiver<bool>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let (asked, listening) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        asked.send_replace(true);
    });
    Ok(listening)
}

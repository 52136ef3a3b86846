//! The whole platform in one process: storage opened, the past finished, followers and sweepers
//! running, the edge serving; and all of it stopped in order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jialing_crypto::cosign::Witness;
use jialing_crypto::note::NoteVerifier;
use jialing_crypto::seal::{BlindIndex, KeyRing};
use jialing_engine::{Config, Engine, OpenError, Opened};
use jialing_gateway::{Bulk, BulkConfig, BulkRunning, EdgeConfig, Gateway, Platform, Running};
use jialing_journal::Suite;
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
pub(crate) struct Plan {
    /// The folder of the ledger and, unless `database` says otherwise, of the tables.
    pub(crate) data: PathBuf,
    /// `postgres://…`, or none for SQLite in `data`.
    pub(crate) database: Option<String>,
    /// The name in the log's checkpoints.
    pub(crate) origin: String,
    /// How the log hashes and signs; fixed at its first start.
    pub(crate) suite: Suite,
    pub(crate) settings: Settings,
    pub(crate) founding: Founding,
    pub(crate) banks: BTreeMap<String, Peer>,
    /// How we appear to the banks that speak ISO 20022; all others speak JSON.
    pub(crate) iso20022: BTreeMap<String, OurSide>,
    pub(crate) identity: Peer,
    pub(crate) notices: Peer,
    pub(crate) seal: KeyRing,
    pub(crate) blind: BlindIndex,
    pub(crate) witnesses: Vec<Asked>,
    pub(crate) policy: Policy,
    pub(crate) edge: EdgeConfig,
    /// The door for banks' bulk work, if there is one.
    pub(crate) bulk: Option<BulkConfig>,
    pub(crate) listener: TcpListener,
}

/// A running platform.
pub(crate) struct House {
    pub(crate) app: App,
    pub(crate) opened: Opened,
    gateway: Running,
    bulk: Option<BulkRunning>,
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Receiver<bool>,
}

impl House {
    /// Opens everything and serves.
    pub(crate) async fn open(plan: Plan) -> Result<Self, String> {
        let stop = listen_for_stop()?;
        std::fs::create_dir_all(&plan.data)
            .map_err(|error| format!("cannot make {}: {error}", plan.data.display()))?;
        let clock = Clock::default();
        let (engine, opened) = open_engine(&plan, &clock).await.map_err(|error| error.to_string())?;
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
        let gateway = Gateway::serve_on(app.clone(), edge, plan.listener)
            .map_err(|error| format!("cannot serve: {error}"))?;
        Ok(Self { app, opened, gateway, bulk, tasks, stop })
    }

    /// The address it serves on.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.gateway.address)
    }

    /// Where banks' bulk work is taken, if it is.
    pub(crate) fn bulk(&self) -> Option<SocketAddr> {
        self.bulk.as_ref().map(|bulk| bulk.address)
    }

    /// Serves until the process is asked to stop or the ledger stops by itself.
    pub(crate) async fn until_stopped(&self) -> Result<(), String> {
        let mut stop = self.stop.clone();
        tokio::select! {
            stopped = self.app.engine.stopped() => Err(format!("{stopped}. Nothing acknowledged is lost: mend the cause and start again")),
            _ = stop.wait_for(|asked| *asked) => Ok(()),
        }
    }

    /// Stops in order: requests drain, followers end, the ledger writes its last checkpoint.
    pub(crate) async fn stop(self) {
        if let Some(bulk) = self.bulk {
            bulk.stop().await;
        }
        self.gateway.stop().await;
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

async fn open_engine(plan: &Plan, clock: &Clock) -> Result<(Engine, Opened), OpenError> {
    let mut config = Config::new(plan.data.join("ledger"));
    config.origin.clone_from(&plan.origin);
    config.suite = plan.suite;
    let time = clock.clone();
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
pub(crate) fn suite(name: &str) -> Result<Suite, String> {
    Suite::parse(&name.replace('-', ", "))
        .ok_or_else(|| format!("there is no suite {name}; choose sha256-ed25519 or sm3-sm2"))
}

/// A witness reached at this address, with this verifier key.
pub(crate) fn witness(url: &str, key: &str) -> Result<Asked, String> {
    let key = Witness::from_vkey(key).map_err(|error| format!("witness {url}: {error}"))?;
    let rail =
        HttpWitness::new(url, CallLimits::default()).map_err(|error| format!("witness {url}: {error}"))?;
    Ok(Asked { key, url: url.to_owned(), rail: Arc::new(rail) })
}

/// A problem as an operator should read it.
pub(crate) fn told(doing: &str, problem: &jialing_platform::Problem) -> String {
    match &problem.internal {
        Some(fault) => format!("{doing}: {problem} ({fault})"),
        None => format!("{doing}: {problem}"),
    }
}

/// Waits until somebody asks the process to stop.
pub(crate) async fn asked_to_stop() -> Result<(), String> {
    let mut asked = listen_for_stop()?;
    asked.wait_for(|asked| *asked).await.map(drop).map_err(|error| error.to_string())
}

/// Listens for SIGTERM and SIGINT from now on, so that one which comes early is not lost.
pub(crate) fn listen_for_stop() -> Result<watch::Receiver<bool>, String> {
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

//! Starts the city's services and stops them.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use jialing_crypto::{PublicKey, SigningKey, Suite};
use jialing_rails::{CallLimits, Peer};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bank::{Account, BankDesk, Book, BookRules, Courier};
use crate::clock::CityClock;
use crate::fault::Fault;
use crate::identity::{IdentityDesk, Resident};
use crate::notice::{NoticeDesk, SentMessage};
use crate::service::{Desk, listen};

/// What the city consists of.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// The banks.
    pub banks: Vec<BankConfig>,
    /// The register of the identity service.
    pub residents: Vec<Resident>,
    /// Ports of the two other services; 0 for any.
    pub ports: Ports,
    /// The id the platform calls by.
    pub caller_id: String,
    /// The platform's keys: only what they sign is served.
    pub callers: Vec<PublicKey>,
    /// Where banks send their notices; can be set later by [`Sandbox::set_notice_door`].
    pub notice_door: Option<String>,
    /// How long a bank keeps a movement before it books it.
    pub settle_after: SettleAfter,
    /// Where keys and data are kept, so that a restart continues. `None` keeps them in memory.
    pub folder: Option<PathBuf>,
    /// How far the city's clock is ahead of real time, in seconds. A folder that knows better wins.
    pub clock_offset_s: i64,
}

/// One bank.
#[derive(Clone, Debug)]
pub struct BankConfig {
    /// Its institution id, such as `bank_jiangbei`: 1 to 64 of `A-Z a-z 0-9 _ - .`.
    pub institution: String,
    /// The suite of its key.
    pub suite: Suite,
    /// Its port; 0 for any.
    pub port: u16,
    /// Its customers.
    pub customers: Vec<BankCustomer>,
}

/// A customer with an account.
pub type BankCustomer = Account;

/// Ports of the services that are no banks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// The identity service's.
    pub identity: u16,
    /// The notice service's.
    pub notice: u16,
}

/// When a bank books a movement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SettleAfter {
    /// Before it answers; the notice comes all the same.
    #[default]
    AtOnce,
    /// So many milliseconds of the city's clock after it has accepted.
    Millis(u32),
}

/// Why the city could not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A port, a file or a folder.
    #[error("the sandbox could not start {what}: {error}")]
    Io {
        /// What it was about.
        what: String,
        /// The system's answer.
        error: io::Error,
    },
    /// A key file of the folder cannot be read as a key.
    #[error("the sandbox's key file {0} is damaged; delete it to get a new key")]
    BadKey(PathBuf),
    /// An institution's id cannot stand in a file name and a header, or comes twice.
    #[error("the institution id {0:?} is not allowed or comes twice")]
    BadInstitution(String),
    /// The HTTP client for notices could not be started.
    #[error("the sandbox could not start its HTTP client")]
    NoClient,
}

/// Where a service is and how to know its answers.
#[derive(Clone, Debug)]
pub struct Address {
    /// `identity`, `notice`, or the institution.
    pub name: String,
    /// `127.0.0.1:port`.
    pub socket: SocketAddr,
    /// The key it signs with.
    pub key: PublicKey,
}

impl Address {
    /// `http://127.0.0.1:port`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.socket)
    }

    /// The service as a peer of the platform, which signs with `key`.
    pub fn peer(&self, caller_id: &str, key: SigningKey, limits: CallLimits) -> Peer {
        Peer {
            name: self.name.clone(),
            base_url: self.base_url(),
            caller_id: caller_id.to_owned(),
            key,
            peer_keys: vec![self.key.clone()],
            limits,
        }
    }
}

/// The running city. Dropping it stops it without waiting; [`Sandbox::stop`] waits.
pub struct Sandbox {
    banks: Vec<(Address, Arc<Desk>)>,
    identity: (Address, Arc<Desk>),
    notice: (Address, Arc<Desk>),
    inboxes: Arc<NoticeDesk>,
    clock: CityClock,
    door: watch::Sender<Option<String>>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts all services on loopback and returns when they listen.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn start(config: SandboxConfig) -> Result<Self, SandboxError> {
        check_institutions(&config.banks)?;
        if let Some(folder) = &config.folder {
            std::fs::create_dir_all(folder).map_err(about("its folder"))?;
        }
        let (stop, stopping) = watch::channel(false);
        let clock = match &config.folder {
            Some(folder) => CityClock::kept_in(&folder.join("clock"), config.clock_offset_s)
                .map_err(about("its clock"))?,
            None => CityClock::new(config.clock_offset_s),
        };
        let (door, door_seen) = watch::channel(config.notice_door.clone());
        let mut start = Start { config: &config, clock: clock.clone(), stopping, tasks: Vec::new() };
        let started = start.all(&door_seen).await;
        let tasks = start.tasks;
        match started {
            Ok(Services { banks, identity, notice, inboxes }) => {
                Ok(Self { banks, identity, notice, inboxes, clock, door, stop, tasks })
            }
            Err(error) => {
                stop.send_replace(true);
                Err(error)
            }
        }
    }

    /// All services: banks first, then identity and notice.
    pub fn addresses(&self) -> Vec<Address> {
        self.services().map(|(address, _)| address.clone()).collect()
    }

    /// The banks.
    pub fn banks(&self) -> impl Iterator<Item = &Address> {
        self.banks.iter().map(|(address, _)| address)
    }

    /// The identity service.
    pub fn identity(&self) -> &Address {
        &self.identity.0
    }

    /// The notice service.
    pub fn notice(&self) -> &Address {
        &self.notice.0
    }

    /// The city's clock.
    pub fn clock(&self) -> &CityClock {
        &self.clock
    }

    /// Where banks send their notices from now on; what waited is sent.
    pub fn set_notice_door(&self, url: &str) {
        self.door.send_replace(Some(url.to_owned()));
    }

    /// Orders a fault at the service of this name. False when there is no such service, or too many
    /// faults wait there.
    pub fn order_fault(&self, service: &str, fault: Fault) -> bool {
        self.services()
            .find(|(address, _)| address.name == service)
            .is_some_and(|(_, desk)| desk.faults.order(fault))
    }

    /// The messages to a phone, newest first.
    pub fn messages(&self, phone: &str) -> Vec<SentMessage> {
        self.inboxes.inbox(Some(phone), 0)
    }

    /// Waits for the first message to `phone` after the message `after` (0 for any).
    pub async fn wait_for_message(&self, phone: &str, after: u64) -> SentMessage {
        self.inboxes.wait_for(phone, after).await
    }

    /// Stops all services and waits until they are gone.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            // A service that panicked has stopped as well; its panic was reported where it was.
            let _ = task.await;
        }
    }

    fn services(&self) -> impl Iterator<Item = &(Address, Arc<Desk>)> {
        self.banks.iter().chain([&self.identity, &self.notice])
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.addresses()).finish()
    }
}

struct Services {
    banks: Vec<(Address, Arc<Desk>)>,
    identity: (Address, Arc<Desk>),
    notice: (Address, Arc<Desk>),
    inboxes: Arc<NoticeDesk>,
}

/// What starting needs.
struct Start<'a> {
    config: &'a SandboxConfig,
    clock: CityClock,
    stopping: watch::Receiver<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Start<'_> {
    async fn all(&mut self, door: &watch::Receiver<Option<String>>) -> Result<Services, SandboxError> {
        let notice_desk = self.desk("notice", Suite::Ed25519)?;
        let inboxes = NoticeDesk::open(notice_desk.clone(), self.file("notice").as_deref());
        let inboxes = Arc::new(inboxes.map_err(about("the notice service"))?);
        let port = self.config.ports.notice;
        let notice = self.listen(port, notice_desk, inboxes.clone().router()).await?;

        let identity_desk = self.desk("identity", Suite::Sm2Sm3)?;
        let register = IdentityDesk::open(
            identity_desk.clone(),
            &self.config.residents,
            self.file("identity").as_deref(),
        );
        let register = Arc::new(register.map_err(about("the identity service"))?);
        let port = self.config.ports.identity;
        let identity = self.listen(port, identity_desk, register.router()).await?;

        let mut banks = Vec::new();
        for bank in &self.config.banks {
            banks.push(self.bank(bank, &inboxes, door).await?);
        }
        Ok(Services { banks, identity, notice, inboxes })
    }

    async fn bank(
        &mut self,
        bank: &BankConfig,
        inboxes: &Arc<NoticeDesk>,
        door: &watch::Receiver<Option<String>>,
    ) -> Result<(Address, Arc<Desk>), SandboxError> {
        let rules = BookRules {
            settle_after_ms: match self.config.settle_after {
                SettleAfter::AtOnce => None,
                SettleAfter::Millis(millis) => Some(millis),
            },
            ..BookRules::default()
        };
        let file = self.file(&bank.institution);
        let book = Book::open(&bank.institution, rules, &bank.customers, file.as_deref())
            .map_err(about(&bank.institution))?;
        let desk = self.desk(&bank.institution, bank.suite)?;
        let counter = Arc::new(BankDesk::new(desk.clone(), book, inboxes.clone()));
        let courier = Courier::new(counter.clone(), door.clone());
        let courier = courier.map_err(|_| SandboxError::NoClient)?;
        self.tasks.push(tokio::spawn(courier.run()));
        self.listen(bank.port, desk, counter.router()).await
    }

    async fn listen(
        &mut self,
        port: u16,
        desk: Arc<Desk>,
        router: Router,
    ) -> Result<(Address, Arc<Desk>), SandboxError> {
        let listening = listen(port, desk.clone(), router).await.map_err(about(&desk.name))?;
        self.tasks.push(listening.task);
        let address =
            Address { name: desk.name.clone(), socket: listening.address, key: desk.key.public().clone() };
        Ok((address, desk))
    }

    fn desk(&self, name: &str, suite: Suite) -> Result<Arc<Desk>, SandboxError> {
        let key = match &self.config.folder {
            Some(folder) => kept_key(&folder.join(format!("{name}.key.pem")), suite)?,
            None => SigningKey::generate(suite),
        };
        Ok(Arc::new(Desk::new(
            name,
            key,
            &self.config.caller_id,
            &self.config.callers,
            self.clock.clone(),
            self.stopping.clone(),
        )))
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        let folder = self.config.folder.as_ref()?;
        Some(folder.join(format!("{name}.jsonl")))
    }
}

/// The key in the file, or a new one that is written there for its owner's eyes only.
fn kept_key(path: &Path, suite: Suite) -> Result<SigningKey, SandboxError> {
    match std::fs::read_to_string(path) {
        Ok(pem) => SigningKey::from_pkcs8_pem(&pem)
            .ok()
            .filter(|key| key.suite() == suite)
            .ok_or_else(|| SandboxError::BadKey(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = SigningKey::generate(suite);
            write_private(path, key.to_pem().as_bytes()).map_err(about("a key file"))?;
            Ok(key)
        }
        Err(error) => Err(about("a key file")(error)),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn check_institutions(banks: &[BankConfig]) -> Result<(), SandboxError> {
    let mut seen = vec!["identity", "notice", "clock"];
    for bank in banks {
        let name = bank.institution.as_str();
        let plain = jialing_crypto::http_signature::is_id(name) && !name.starts_with('.');
        if !plain || seen.contains(&name) {
            return Err(SandboxError::BadInstitution(name.to_owned()));
        }
        seen.push(name);
    }
    Ok(())
}

fn about(what: &str) -> impl FnOnce(io::Error) -> SandboxError {
    let what = what.to_owned();
    |error| SandboxError::Io { what, error }
}

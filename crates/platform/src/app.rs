//! What every domain function needs at hand.

use std::sync::Arc;

use jialing_crypto::seal::{BlindIndex, KeyRing};
use jialing_engine::Engine;

use crate::follow::Progress;
use crate::memory::Memory;
use crate::sessions::Passwords;
use crate::{Clock, Db};

/// The platform's running parts. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Whole>);

/// The parts and what is made from them.
struct Whole {
    parts: Parts,
    passwords: Passwords,
    memory: Memory,
}

/// The parts themselves.
pub struct Parts {
    /// The SQL database.
    pub db: Db,
    /// The ledger.
    pub engine: Engine,
    /// The time.
    pub clock: Clock,
    /// What the operator has set.
    pub settings: Settings,
    /// Seals personal data; one subkey per person.
    pub seal: KeyRing,
    /// Makes sealed values findable by equality.
    pub blind: BlindIndex,
    /// Callers of the outside world.
    pub connectors: Connectors,
    /// How far each follower has read.
    pub progress: Progress,
    /// Where exports lie until they are fetched.
    pub exports: crate::exports::Chest,
    /// The numbers that regulators set, as last read from the database.
    pub policies: crate::policies::Book,
    /// Who cosigns the ledger's checkpoints.
    pub witnesses: crate::witnesses::Witnesses,
}

/// Callers of the outside world.
pub struct Connectors {
    /// By institution code (`BKA`…).
    pub banks: std::collections::BTreeMap<String, Arc<dyn jialing_rails::bank::Bank>>,
    /// Confirms identities.
    pub identity: Arc<dyn jialing_rails::identity::Identity>,
    /// Sends codes and notices.
    pub notices: Arc<dyn jialing_rails::notice::Notices>,
}

/// What the operator has set; numbers that regulators set are policies, not settings.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Approve merchants without review; for sandboxes.
    pub approve_merchants: bool,
    /// Hash passwords and PINs cheaply; for tests and sandboxes only, refused in production.
    pub cheap_passwords: bool,
    /// Answer sandbox aids such as whole signed texts in signature errors; refused in production.
    pub sandbox: bool,
    /// Where a sandbox's messages can be read, told by the status; refused in production.
    pub inbox: Option<String>,
    /// The public address, for links in codes and receipts.
    pub public_url: String,
    /// The city's name in payment codes, up to 15 printable ASCII characters.
    pub city_en: String,
    /// The same in Chinese.
    pub city_zh: String,
    /// Minutes that a session lives without use.
    pub session_idle_minutes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            approve_merchants: false,
            cheap_passwords: false,
            sandbox: false,
            inbox: None,
            public_url: "http://127.0.0.1".into(),
            city_en: "Chongqing".into(),
            city_zh: "重庆".into(),
            session_idle_minutes: 60 * 24 * 7,
        }
    }
}

impl App {
    /// The platform over its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let passwords = Passwords::new(parts.settings.cheap_passwords, &parts.blind);
        Self(Arc::new(Whole { parts, passwords, memory: Memory::default() }))
    }

    /// What keeps passwords and PINs.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// What was read of tables that seldom change.
    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

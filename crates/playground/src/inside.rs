//! Opens what a sandbox consists of: a bank, an identity and a notice service on loopback, and a whole
//! platform over them, small enough that many fit into one process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use jialing_gateway::{EdgeConfig, Rate, applications};
use jialing_house::{Door, House, Plan, Size};
use jialing_platform::institutions::{Founding, Model, NewInstitution, NewKey, Role};
use jialing_platform::witnesses::Policy;
use jialing_platform::{Clock, Settings};
use jialing_rails::CallLimits;
use jialing_sandbox::city::{City, CitySize};
use jialing_sandbox::{Sandbox, SettleAfter};

use crate::kept::{Kept, Keys};

/// The id by which the platform calls its bank and services.
const CALLER: &str = "jialing";
/// The code of the one bank.
pub(crate) const BANK: &str = "JBB";
/// What the central bank may have outstanding, in fen: 10 billion yuan.
const AUTHORISED: u64 = 1_000_000_000_000;
/// What each customer of the bank has there, in fen: 100 million yuan.
const DEPOSIT: u64 = 10_000_000_000;
/// Minutes that a session lives: longer than the clock can be moved, so that payers stay signed in.
const SESSION_MINUTES: u32 = 60 * 24 * 365 * 3;

/// The invented people of every sandbox: two payers with money, one without, and a shop.
pub(crate) fn city() -> City {
    City::invent(1, CitySize { people: 3, shops: 1, banks: 1 })
}

/// The running parts of a sandbox.
pub(crate) struct Inside {
    pub(crate) house: House,
    pub(crate) city: Sandbox,
    pub(crate) keys: Keys,
}

impl Inside {
    /// Opens the sandbox in `folder`, reached at `base`; its own people and bank come in at `back`.
    pub(crate) async fn open(folder: &Path, kept: &Kept, base: &str, back: &str) -> Result<Self, String> {
        let keys = Keys::open(&folder.join("keys"))?;
        let city = start_city(&keys, folder, kept.ahead_ms / 1000, back).await?;
        let peer = |address: &jialing_sandbox::Address| {
            address.peer(CALLER, keys.rails.clone(), CallLimits::default())
        };
        let plan = Plan {
            data: folder.to_owned(),
            database: None,
            origin: format!("jialing.example/{}", kept.id),
            suite: Default::default(),
            settings: Settings {
                approve_merchants: true,
                cheap_passwords: true,
                sandbox: true,
                public_url: base.to_owned(),
                inbox: Some(city.notice().base_url()),
                session_idle_minutes: SESSION_MINUTES,
                ..Settings::default()
            },
            founding: founding(&keys, &city),
            banks: city.banks().map(|bank| (bank.name.clone(), peer(bank))).collect(),
            identity: peer(city.identity()),
            notices: peer(city.notice()),
            seal: keys.seal_ring()?,
            blind: keys.blind_index(),
            witnesses: Vec::new(),
            policy: Policy::default(),
            iso20022: BTreeMap::new(),
            edge: edge(&keys, kept),
            bulk: None,
            door: Door::Mounted,
            clock: Clock::of_sandbox(kept.ahead_ms),
            size: Size::Small,
        };
        match open(plan).await {
            Ok(house) => Ok(Self { house, city, keys }),
            Err(error) => {
                city.stop().await;
                Err(error)
            }
        }
    }

    /// Stops everything in order.
    pub(crate) async fn stop(self) {
        self.house.stop().await;
        self.city.stop().await;
    }
}

/// Opens a platform on a thread where it may block: it reads what was written last.
async fn open(plan: Plan) -> Result<House, String> {
    let runtime = tokio::runtime::Handle::current();
    let opening = tokio::task::spawn_blocking(move || runtime.block_on(House::open(plan)));
    opening.await.map_err(|error| error.to_string())?
}

fn edge(keys: &Keys, kept: &Kept) -> EdgeConfig {
    let mut edge = EdgeConfig::new(vec![keys.answers.clone()]);
    edge.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    edge.retired_keys = kept.retired();
    edge.decryption_keys = keys.encryption.clone();
    edge.assets = applications();
    // A whole sandbox lives behind one address; the rate per key stays what it is in production.
    let wide = Rate { burst: 10_000, per_minute: 600_000 };
    (edge.limits.doors, edge.limits.public, edge.limits.session) = (wide, wide, wide);
    edge
}

async fn start_city(keys: &Keys, folder: &Path, ahead_s: i64, back: &str) -> Result<Sandbox, String> {
    let mut config = city().sandbox(CALLER, vec![keys.rails.public().clone()]);
    for bank in &mut config.banks {
        bank.institution = BANK.to_owned();
        for customer in &mut bank.customers {
            customer.balance = DEPOSIT;
        }
    }
    config.settle_after = SettleAfter::AtOnce;
    config.folder = Some(folder.join("city"));
    config.notice_door = Some(format!("{back}/v1/bank/notices"));
    config.clock_offset_s = ahead_s;
    Sandbox::start(config).await.map_err(|error| error.to_string())
}

fn founding(keys: &Keys, city: &Sandbox) -> Founding {
    let key = |key: &jialing_crypto::PublicKey| NewKey { public_key: key.to_pem(), expires_at: None };
    let central = NewInstitution {
        code: "PBC".into(),
        role: Role::Central,
        model: Model::Central,
        name_zh: "中央银行".into(),
        name_en: "Central Bank".into(),
        authorised: AUTHORISED,
        keys: Vec::new(),
    };
    let bank = NewInstitution {
        code: BANK.into(),
        role: Role::Operating,
        model: Model::Central,
        name_zh: "江北银行".into(),
        name_en: "Jiangbei Bank".into(),
        authorised: 0,
        keys: city.banks().map(|bank| key(&bank.key)).chain([key(keys.treasury.public())]).collect(),
    };
    Founding { institutions: vec![central, bank] }
}

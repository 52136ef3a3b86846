//! `jialing demo`: a seeded city on embedded storage, with traffic, that goes on where it stopped.

pub(crate) mod city;
mod keys;
mod traffic;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jialing_gateway::{BulkConfig, EdgeConfig, Rate, applications, city_page};
use jialing_journal::Suite;
use jialing_platform::witnesses::{Asked, Policy};
use jialing_platform::{Clock, Settings};
use jialing_rails::CallLimits;
use jialing_sandbox::city::{City, CitySize};
use jialing_sandbox::{Sandbox, SettleAfter};
use tokio::net::TcpListener;

use crate::actors::Town;
use crate::house::{Door, House, Plan, Size, listen_for_stop, suite, witness};
use crate::{Done, runtime};

/// The id by which the platform calls the city's services.
const CALLER: &str = "jialing";

/// Arguments of `jialing demo`.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds everything; started again on the same folder, the city goes on
    #[arg(long, default_value = "data/demo")]
    pub(crate) data: PathBuf,
    /// The port to serve on, on loopback; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// The port for banks' bulk work, on loopback; 0 takes a free one, which the status tells
    #[arg(long, default_value_t = 0)]
    pub(crate) bulk_port: u16,
    /// What the city grows from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Payments a second, on average
    #[arg(long, default_value_t = 3.0)]
    pub(crate) traffic: f64,
    /// No payments by themselves
    #[arg(long)]
    pub(crate) no_traffic: bool,
    /// People, 2 to 1,000
    #[arg(long, default_value_t = 200)]
    pub(crate) people: usize,
    /// Shops
    #[arg(long, default_value_t = 40)]
    pub(crate) shops: usize,
    /// Banks, 1 to 6
    #[arg(long, default_value_t = 3)]
    pub(crate) banks: usize,
    /// Keep the tables in this PostgreSQL database instead of the folder
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// How the ledger's log hashes and signs, fixed at the first start: sha256-ed25519 or sm3-sm2
    #[arg(long, default_value = "sha256-ed25519", value_parser = suite)]
    pub(crate) suite: Suite,
    /// A witness to ask for cosignatures, URL=VERIFIER_KEY; may be given more than once
    #[arg(long = "witness", value_name = "URL=VERIFIER_KEY", value_parser = asked)]
    pub(crate) witnesses: Vec<Asked>,
    /// Cosignatures that a published checkpoint and a receipt should have
    #[arg(long, default_value_t = 0)]
    pub(crate) witness_quorum: usize,
}

/// Reads URL=VERIFIER_KEY.
fn asked(text: &str) -> Result<Asked, String> {
    let (url, key) = text.split_once('=').ok_or("it looks like http://127.0.0.1:8090=witness.example+…")?;
    witness(url, key)
}

/// A running demonstration.
pub(crate) struct Demo {
    pub(crate) house: House,
    pub(crate) sandbox: Sandbox,
    pub(crate) town: Town,
    pub(crate) city: City,
}

pub(crate) fn run(args: &Args) -> Done {
    if !(0.0..=1000.0).contains(&args.traffic) {
        return Err("--traffic takes 0 to 1000 payments a second".into());
    }
    crate::log::start_quiet();
    runtime()?.block_on(async {
        let stop = listen_for_stop()?;
        let demo = Demo::open(args).await?;
        let (payers, sellers) = city::settle(&demo, args).await?;
        tell(args, &demo);
        let traffic = (!args.no_traffic && args.traffic > 0.0)
            .then(|| tokio::spawn(traffic::run(demo.city.clone(), payers, sellers, args.traffic, args.seed)));
        println!("ready {}", demo.house.url());
        let ended = demo.house.until_stopped(stop).await;
        if let Some(traffic) = traffic {
            traffic.abort();
        }
        eprintln!("demo: stopping");
        demo.stop().await;
        ended.map(|()| ExitCode::SUCCESS)
    })
}

impl Demo {
    /// Starts the city's services and the platform over them.
    pub(crate) async fn open(args: &Args) -> Result<Self, String> {
        std::fs::create_dir_all(&args.data)
            .map_err(|error| format!("cannot make {}: {error}", args.data.display()))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("cannot listen on {address}: {error}; choose another with --port"))?;
        let url = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
        let city =
            City::invent(args.seed, CitySize { people: args.people, shops: args.shops, banks: args.banks });
        let keys = keys::Keys::open(&args.data.join("keys"), args.banks)?;
        let sandbox = start_sandbox(&city, &keys, &args.data, &url).await?;
        let mut edge = EdgeConfig::new(vec![keys.platform.clone()]);
        edge.city = true;
        edge.decryption_keys = keys.encryption.clone();
        edge.assets = city_page().into_iter().chain(applications()).collect();
        // A whole city lives behind one address here.
        let wide = Rate { burst: 100_000, per_minute: 6_000_000 };
        (edge.limits.doors, edge.limits.public, edge.limits.session, edge.limits.key) =
            (wide, wide, wide, wide);
        let peer = |address: &jialing_sandbox::Address| {
            address.peer(CALLER, keys.platform.clone(), CallLimits::default())
        };
        let house = House::open(Plan {
            data: args.data.clone(),
            database: args.database.clone(),
            origin: "jialing.example/demo".into(),
            suite: args.suite,
            settings: Settings {
                approve_merchants: true,
                cheap_passwords: true,
                sandbox: true,
                public_url: url.clone(),
                inbox: Some(sandbox.notice().base_url()),
                ..Settings::default()
            },
            founding: city::founding(&city, &keys, &sandbox),
            banks: sandbox.banks().map(|bank| (bank.name.clone(), peer(bank))).collect(),
            iso20022: city::iso_banks(&city),
            identity: peer(sandbox.identity()),
            notices: peer(sandbox.notice()),
            seal: keys.seal_ring()?,
            blind: keys.blind_index(),
            witnesses: args.witnesses.clone(),
            policy: Policy { quorum: args.witness_quorum, ..Policy::default() },
            edge,
            bulk: Some(BulkConfig::new(
                SocketAddr::from((Ipv4Addr::LOCALHOST, args.bulk_port)),
                vec![keys.platform.clone()],
            )),
            door: Door::Listen(listener),
            clock: Clock::default(),
            size: Size::City,
        })
        .await?;
        let town = Town::new(&house.url(), &sandbox.notice().base_url());
        city::issue(&house, &keys).await?;
        Ok(Self { house, sandbox, town, city })
    }

    pub(crate) async fn stop(self) {
        self.house.stop().await;
        self.sandbox.stop().await;
    }
}

async fn start_sandbox(city: &City, keys: &keys::Keys, data: &Path, url: &str) -> Result<Sandbox, String> {
    let mut config = city.sandbox(CALLER, vec![keys.platform.public().clone()]);
    for (place, bank) in config.banks.iter_mut().enumerate() {
        bank.institution = city::code(place).to_owned();
    }
    config.settle_after = SettleAfter::Millis(300);
    config.folder = Some(data.join("sandbox"));
    config.notice_door = Some(format!("{url}/v1/bank/notices"));
    Sandbox::start(config).await.map_err(|error| error.to_string())
}

/// Where to look and what to try, on standard error: standard output is for the ready line.
fn tell(args: &Args, demo: &Demo) {
    let url = demo.house.url();
    let opened = &demo.house.opened;
    let data = args.data.display();
    let [first, second] = [&demo.city.people[0], &demo.city.people[1]];
    eprintln!(
        "\n  嘉陵 Jialing · {} people, {} shops, {} banks",
        demo.city.people.len(),
        demo.city.shops.len(),
        demo.city.banks.len()
    );
    eprintln!(
        "  everything is kept in {data}{}",
        if opened.created { String::new() } else { format!(" and goes on from record {}", opened.records) }
    );
    eprintln!("\n  look at      {url}/");
    if let Some(bulk) = demo.house.bulk() {
        eprintln!("  bulk work    {bulk}    (docs/guides/bulk.md)");
    }
    eprintln!("  messages     {}/messages?phone={}", demo.sandbox.notice().base_url(), first.phone);
    eprintln!(
        "  sign in as   {} {}  password {}  PIN {}",
        first.phone, first.name, first.password, first.pin
    );
    eprintln!(
        "               {} {}  password {}  PIN {}",
        second.phone, second.name, second.password, second.pin
    );
    eprintln!("\n  try          curl -s {url}/v1/public/supply");
    eprintln!("               cargo run --release --example pay_a_shop -p jialing-sdk -- {url}");
    eprintln!("               target/release/jialing verify --data {data}    (after stopping with Ctrl-C)\n");
}

//! What reconciling a large file costs: time, processor time, and the memory it takes at most.
//!
//! ```text
//! cargo run --release -p jialing-platform --example reconcile -- 1000000 [BREAKS_PER_THOUSAND]
//! ```
//!
//! Builds a day with so many paid orders in a new folder (SQLite; the rows are written straight into the tables,
//! their places of the journal taken by notes), sends a file that has all of them, some with another amount,
//! and makes the reconciliation as the platform's background work does.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::seal::{BlindIndex, KeyRing, SealAlgorithm, SealKey};
use jialing_crypto::{SigningKey, Suite};
use jialing_engine::{Config, Engine};
use jialing_ledger::Command;
use jialing_platform::app::Parts;
use jialing_platform::exports::Chest;
use jialing_platform::files::{Incoming, Promise};
use jialing_platform::follow::{self, Progress};
use jialing_platform::id::{MerchantId, OrderId, ReconciliationId, WalletId, digits};
use jialing_platform::institutions::{self, Founding, Model, NewInstitution, Role};
use jialing_platform::reconciliations::{self, ReconcileAsk, work};
use jialing_platform::{App, Clock, Connectors, Db, Settings, Tx, clock, policies};
use jialing_rails::identity::HttpIdentity;
use jialing_rails::notice::HttpNotices;
use jialing_rails::{CallLimits, Peer};

/// Commands submitted and rows written together.
const TOGETHER: u64 = 2_000;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut asked = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let items = asked.next().unwrap_or(Ok(100_000))?;
    let breaks = asked.next().unwrap_or(Ok(1))?;
    let folder = tempfile::tempdir()?;
    let app = open(folder.path()).await?;
    let followers = follow::start(&app);
    let (merchant, wallet) = (MerchantId::new(app.clock.millis()), WalletId::new(app.clock.millis()));
    let day = clock::rfc3339(app.clock.millis())[..10].to_owned();
    shop(&app, merchant, wallet).await?;
    let orders = paid(&app, (merchant, wallet), items).await?;
    app.clock.advance(DAY_MS);

    let file = file(&orders, breaks)?;
    let hash = HashAlgorithm::Sha256.digest(&file);
    let promise =
        Promise { bytes: file.len() as u64, sha256: hash.iter().map(|byte| format!("{byte:02x}")).collect() };
    let id = ReconciliationId::new(app.clock.millis());
    let ask = ReconcileAsk { day, file: Some(promise), layout: None };
    let begun = reconciliations::ask(&app, merchant, id, ask).await?;
    let url = begun.upload.ok_or("no address")?.url;
    let mut incoming = Incoming::begin(&app, url.rsplit('/').next().unwrap_or_default()).await?;
    let (start, cpu) = (Instant::now(), processor());
    file.chunks(64 << 10).try_for_each(|piece| incoming.add(piece))?;
    incoming.finish().await?;
    println!("items {items}, file {} MiB", file.len() >> 20);
    println!("taking it in   {:6.2} s, processor {:6.2} s", start.elapsed().as_secs_f64(), processor() - cpu);
    drop((file, orders));
    // The system forgets the peak so far: what was built to measure with does not count.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = resident();
    let (start, cpu) = (Instant::now(), processor());
    work::make_next(&app).await?;
    println!("comparing      {:6.2} s, processor {:6.2} s", start.elapsed().as_secs_f64(), processor() - cpu);
    println!("resident       {before} MiB before, {} MiB after, {} MiB at most", resident(), peak());
    let done = reconciliations::get(&app, merchant, id).await?;
    println!("{:?} {:?}", done.state, done.counts);
    followers.into_iter().for_each(|follower| follower.abort());
    app.engine.shutdown().await;
    Ok(())
}

/// A platform without anybody in it.
async fn open(folder: &std::path::Path) -> Result<App, Box<dyn Error>> {
    let clock = Clock::default();
    let time = clock.clone();
    let mut config = Config::new(folder.join("ledger"));
    config.time = Arc::new(move || time.nanos());
    let engine = tokio::task::spawn_blocking(move || Engine::open(config)).await??.0;
    let peer = |name: &str| Peer {
        name: name.into(),
        base_url: "http://127.0.0.1:9".into(),
        caller_id: "none".into(),
        key: SigningKey::generate(Suite::Ed25519),
        peer_keys: vec![SigningKey::generate(Suite::Ed25519).public().clone()],
        limits: CallLimits::default(),
    };
    let app = App::new(Parts {
        db: Db::sqlite(&folder.join("jialing.db")).await?,
        engine,
        clock,
        settings: Settings::default(),
        seal: KeyRing::new(vec![SealKey::generate(1, SealAlgorithm::Aes256Gcm)], 1)?,
        blind: BlindIndex::new([9; 32]),
        connectors: Connectors {
            banks: Default::default(),
            identity: Arc::new(HttpIdentity::new(peer("identity"))?),
            notices: Arc::new(HttpNotices::new(peer("notices"))?),
        },
        progress: Progress::default(),
        exports: Chest::new(folder.join("exports")),
        policies: Default::default(),
        witnesses: Default::default(),
    });
    policies::establish(&app).await?;
    Ok(app)
}

/// A merchant with a wallet, as the tables have them.
async fn shop(app: &App, merchant: MerchantId, wallet: WalletId) -> Result<(), Box<dyn Error>> {
    let institution = |code: &str, role, model| NewInstitution {
        code: code.into(),
        role,
        model,
        name_zh: code.into(),
        name_en: code.into(),
        authorised: 1_000_000,
        keys: Vec::new(),
    };
    let founding = Founding {
        institutions: vec![
            institution("CB", Role::Central, Model::Central),
            institution("BKA", Role::Operating, Model::Deposit),
        ],
    };
    institutions::establish(app, founding).await?;
    let bank = institutions::by_code(app, "BKA").await?.id;
    let texts = [
        format!(
            "INSERT INTO wallets (id, owner, institution_id, class, name, control, lost, closing, closed, revision, applied, created_at) \
             VALUES ('{wallet}', '{merchant}', '{bank}', 5, 'w', 'ACTIVE', 0, 0, 0, 1, 1, 0)"
        ),
        format!(
            "INSERT INTO merchants (id, organisation, owner, name_zh, name_en, mcc, institution, wallet, status, created_at, version) \
             VALUES ('{merchant}', 'org_00000000000000000000000010', 'per_00000000000000000000000010', 'x', 'x', '5812', 'BKA', \
             '{wallet}', 'ACTIVE', 0, 1)"
        ),
    ];
    for text in texts {
        write(app, text).await?;
    }
    Ok(())
}

async fn write(app: &App, text: String) -> Result<(), Box<dyn Error>> {
    let job = async move |tx: &mut Tx| {
        jialing_platform::db::execute_trusted(tx, text.clone()).await.map(drop).map_err(Into::into)
    };
    Ok(app.db.write(job).await?)
}

/// Orders that were paid today, their numbers and amounts.
async fn paid(
    app: &App,
    (merchant, wallet): (MerchantId, WalletId),
    items: u64,
) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let (now, mut orders) = (app.clock.millis(), Vec::new());
    let mut written = 0;
    while written < items {
        let some = TOGETHER.min(items - written);
        let note = |n: u64| Command::Note { kind: 99, id: u128::from(written + n), digest: [0; 32] };
        let mut places = Vec::new();
        for outcome in app.engine.submit_all((0..some).map(note).collect()).await {
            places.push(outcome.map_err(|error| error.to_string())?.first);
        }
        let (mut movements, mut rows) = (Vec::new(), Vec::new());
        for (n, place) in places.into_iter().enumerate() {
            let (number, amount) = (format!("20261122-{:08}", written + n as u64), 100 + written % 9_000);
            let id = OrderId::new(now);
            movements.push(format!(
                "('{wallet}', {place}, '{}', 'payment', 'in', {amount}, {amount}, 'r', {now})",
                digits(id.number())
            ));
            rows.push(format!(
                "('{id}', '{merchant}', '{number}', 'QR', 'noodles', {amount}, 'SUCCESS', 0, 0, {now}, {now}, {now}, {place}, 2)"
            ));
            orders.push((number, amount));
        }
        let text = "INSERT INTO movements (wallet, seq, transaction_no, kind, direction, amount, balance, counterparty_ref, at) VALUES ";
        write(app, format!("{text}{}", movements.join(","))).await?;
        let text = "INSERT INTO orders (id, merchant, out_trade_no, trade_type, description, amount, state, refunded, refunding, \
                    created_at, expires_at, paid_at, record_seq, version) VALUES ";
        write(app, format!("{text}{}", rows.join(","))).await?;
        written += some;
    }
    Ok(orders)
}

/// The merchant's file; of each thousand items so many have another amount.
fn file(orders: &[(String, u64)], breaks: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut file = Vec::new();
    writeln!(file, "time,out_no,kind,amount,state")?;
    for (n, (number, amount)) in orders.iter().enumerate() {
        let amount = amount + u64::from((n as u64) % 1_000 < breaks);
        writeln!(
            file,
            "2026-11-22T12:00:00+08:00,{number},payment,{}.{:02},SUCCESS",
            amount / 100,
            amount % 100
        )?;
    }
    Ok(file)
}

/// Seconds of processor time that this process has taken.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) >> 10
}

/// MiB of memory in use.
fn resident() -> u64 {
    status("VmRSS:")
}

/// MiB of memory in use at most so far.
fn peak() -> u64 {
    status("VmHWM:")
}

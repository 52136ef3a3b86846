//! Cosignatures of real witnesses over loopback, and of some that are dead, slow or lie.

use std::sync::Arc;
use std::time::Duration;

use jialing_crypto::cosign::{Witness as Key, WitnessSigner};
use jialing_crypto::note::NoteVerifier;
use jialing_crypto::seal::{BlindIndex, KeyRing, SealAlgorithm, SealKey};
use jialing_platform::app::Parts;
use jialing_platform::db::Backend;
use jialing_platform::receipts::{self, Cosigned, Fault, Receipt, ReceiptAsk, Trust, verify};
use jialing_platform::witnesses::{self, Asked, BadWitnesses, Policy, Standing, Witnesses};
use jialing_platform::{App, Connectors};
use jialing_rails::witness::{Cosigner, HttpWitness, Reply};
use jialing_rails::{Answer, CallLimits};
use jialing_witness::{Witness, http};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::city::found;
use crate::market::{Payer, Shop};
use crate::world::{World, on_each_backend};

/// Patient enough for a slow machine; whoever waits for it in vain fails.
const POLICY: Policy = Policy { quorum: 2, every_ms: 20, wait_ms: 60_000 };

fn log(app: &App) -> NoteVerifier {
    NoteVerifier::from_vkey(&app.engine.verifier_key()).expect("the ledger's key")
}

/// A real witness of the world's log.
struct Real {
    witness: Arc<Witness>,
    running: http::Running,
    _folder: TempDir,
}

impl Real {
    async fn start(app: &App, name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let witness = Arc::new(Witness::open(folder.path(), name, &[log(app)]).expect("it opens"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let running = http::serve(witness.clone(), listener).expect("it serves");
        Self { witness, running, _folder: folder }
    }

    fn key(&self) -> Key {
        Key::from_vkey(&self.witness.verifier_key()).expect("a key")
    }

    fn asked(&self) -> Asked {
        let url = format!("http://{}", self.running.address);
        let rail = Arc::new(HttpWitness::new(&url, CallLimits::default()).expect("an address"));
        Asked { key: self.key(), url, rail }
    }
}

/// A witness that says what it is told to.
struct Liar(Reply);

impl Cosigner for Liar {
    fn add<'a>(&'a self, _: &'a str) -> Answer<'a, Reply> {
        let reply = self.0.clone();
        Box::pin(async move { reply })
    }
}

fn liar(name: &str, reply: Reply) -> Asked {
    let key = WitnessSigner::from_seed(name, &[name.len() as u8; 32]).expect("a key").public().clone();
    Asked { key, url: "http://127.0.0.1:9".to_owned(), rail: Arc::new(Liar(reply)) }
}

/// A witness that nobody can reach.
async fn dead(name: &str) -> Asked {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let rail = HttpWitness::new(&format!("http://{gone}"), CallLimits::default()).expect("an address");
    Asked { rail: Arc::new(rail), ..liar(name, Reply::OtherSize(0)) }
}

/// The world's platform with witnesses, asking them.
fn witnessed(world: &World, asked: Vec<Asked>, policy: Policy) -> (App, Vec<JoinHandle<()>>) {
    let old = &world.app;
    let seal = SealKey::new(1, SealAlgorithm::Aes256Gcm, &[7; 32]).expect("32 bytes");
    let app = App::new(Parts {
        db: old.db.clone(),
        engine: old.engine.clone(),
        clock: old.clock.clone(),
        settings: old.settings.clone(),
        seal: KeyRing::new(vec![seal], 1).expect("one key"),
        blind: BlindIndex::new([9; 32]),
        connectors: Connectors {
            banks: old.connectors.banks.clone(),
            identity: old.connectors.identity.clone(),
            notices: old.connectors.notices.clone(),
        },
        progress: old.progress.clone(),
        exports: old.exports.clone(),
        policies: old.policies.clone(),
        witnesses: Witnesses::new(asked, policy, &log(old)).expect("they fit"),
    });
    let tasks = witnesses::start(&app);
    (app, tasks)
}

/// A payment in the world, and how to ask for its receipt.
async fn paid(world: &World, n: u32) -> (Payer, jialing_platform::id::TransactionId) {
    let (shop, ann) = (Shop::open(world, n, "BKB").await, Payer::with(world, n + 1, "BKA", 10_000).await);
    let done = ann.pay(world, &shop.order(world, "o-1", 2_800).await).await.expect("paid");
    (ann, done.transaction_id.expect("a transaction"))
}

async fn receipt(
    app: &App,
    ann: &Payer,
    transaction: jialing_platform::id::TransactionId,
    cosignatures: Option<u8>,
) -> Receipt {
    let ask = ReceiptAsk { cosignatures, ..ReceiptAsk::default() };
    receipts::of_person(app, &ann.citizen.actor, transaction, &ask).await.expect("the payer's")
}

fn check(app: &App, receipt: &Receipt, keys: &[Key], need: usize) -> Result<usize, Fault> {
    let trust = Trust { log: log(app), witnesses: keys.to_vec(), need };
    let text = serde_json::to_string(receipt).expect("JSON");
    verify(&text, &trust).map(|verified| verified.cosignatures.len())
}

/// Waits until `look` says so.
async fn until(app: &App, look: impl Fn(&App) -> bool) {
    let mut changes = app.witnesses.changes();
    let waiting = async {
        while !look(app) {
            changes.changed().await.expect("the platform runs");
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(waited.is_ok(), "it never came: {:?}", standings(app));
}

fn standings(app: &App) -> Vec<Standing> {
    app.witnesses.all().into_iter().map(|(_, standing)| standing).collect()
}

fn stop(tasks: Vec<JoinHandle<()>>) {
    tasks.iter().for_each(JoinHandle::abort);
}

#[test]
fn a_receipt_waits_for_its_quorum_and_what_is_published_never_shrinks() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (one, two) =
            (Real::start(&world.app, "w.example/1").await, Real::start(&world.app, "w.example/2").await);
        let keys = [one.key(), two.key()];
        let (app, tasks) = witnessed(world, vec![one.asked(), two.asked()], POLICY);
        let (ann, transaction) = paid(world, 10).await;
        let receipt_of_ann = receipt(&app, &ann, transaction, None).await;
        assert_eq!(receipt_of_ann.cosigned, Some(Cosigned { has: 2, need: 2, of: 2 }));
        assert_eq!(check(&app, &receipt_of_ann, &keys, 2), Ok(2));
        assert_eq!(check(&app, &receipt_of_ann, &[], 0), Ok(0));
        let size = receipt_of_ann.proof.tree_size;
        until(&app, |app| app.witnesses.published(&app.engine).size >= size).await;
        let published = app.witnesses.published(&app.engine);
        let opened = jialing_crypto::cosign::open(&published.note, &log(&app), &keys, 2).expect("cosigned");
        assert_eq!((opened.0.size, published.cosigned), (published.size, 2));
        stop(tasks);

        // The next process is dark: it shows what was published before, not less.
        let (later, tasks) =
            witnessed(world, vec![dead("w.example/3").await], Policy { quorum: 1, ..POLICY });
        witnesses::resume(&later).await.expect("read");
        let resumed = later.witnesses.published(&later.engine);
        assert_eq!((resumed.size, resumed.note), (published.size, published.note));
        stop(tasks);
        one.running.stop().await;
        two.running.stop().await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_witness_delays_nobody_and_the_receipt_says_so() {
    let world = World::start(Backend::Sqlite).await;
    found(&world).await;
    let one = Real::start(&world.app, "w.example/1").await;
    let asked = vec![dead("w.example/22").await, one.asked()];
    let absent = asked[0].key.clone();
    let (app, tasks) = witnessed(&world, asked, Policy { quorum: 1, every_ms: 20, wait_ms: 60_000 });
    let (ann, transaction) = paid(&world, 10).await;
    let good = receipt(&app, &ann, transaction, None).await;
    assert_eq!(good.cosigned, Some(Cosigned { has: 1, need: 1, of: 2 }));
    assert_eq!(check(&app, &good, &[one.key(), absent.clone()], 1), Ok(1));
    until(&app, |app| matches!(standings(app)[..], [Standing::Silent(_), Standing::Cosigned(_)])).await;
    stop(tasks);

    // Whoever asks for more than come gets what came, in the time that the policy allows.
    let impatient = Policy { quorum: 2, every_ms: 20, wait_ms: 1_500 };
    let (app, tasks) = witnessed(&world, vec![dead("w.example/22").await, one.asked()], impatient);
    until(&app, |app| standings(app)[1] != Standing::NotAsked).await;
    let poor = receipt(&app, &ann, transaction, None).await;
    assert_eq!(poor.cosigned, Some(Cosigned { has: 1, need: 2, of: 2 }));
    assert!(matches!(check(&app, &poor, &[one.key(), absent], 2), Err(Fault::Witnesses(_))));
    assert_eq!(check(&app, &poor, &[one.key()], 1), Ok(1));
    // Who asks for none waits for none.
    let quick = receipt(&app, &ann, transaction, Some(0)).await;
    assert_eq!(check(&app, &quick, &[], 0), Ok(0));
    stop(tasks);
    one.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lying_witness_says_never_reaches_a_note() {
    let world = World::start(Backend::Sqlite).await;
    found(&world).await;
    let one = Real::start(&world.app, "w.example/1").await;
    let stale =
        WitnessSigner::from_seed("w.example/333", &[13; 32]).expect("a key").line("another text\n", 7);
    let asked = vec![
        one.asked(),
        liar("w.example/22", Reply::Cosigned("no line at all".to_owned())),
        liar("w.example/333", Reply::Cosigned(stale)),
        liar("w.example/4444", Reply::OtherSize(u64::MAX)),
        liar("w.example/55555", Reply::Refused { status: 422, said: "not consistent".to_owned() }),
    ];
    let keys: Vec<Key> = asked.iter().map(|asked| asked.key.clone()).collect();
    let (app, tasks) = witnessed(&world, asked, Policy { quorum: 1, every_ms: 20, wait_ms: 60_000 });
    let (ann, transaction) = paid(&world, 10).await;
    let receipt = receipt(&app, &ann, transaction, None).await;
    assert_eq!(receipt.cosigned, Some(Cosigned { has: 1, need: 1, of: 5 }));
    assert_eq!(check(&app, &receipt, &keys, 1), Ok(1), "no false line spoils the note");
    until(&app, |app| standings(app)[1..].iter().all(|standing| matches!(standing, Standing::Refuses(_))))
        .await;
    let said = format!("{:?}", standings(&app));
    for words in ["no cosignature of its key", "was an old copy restored?", "status 422: not consistent"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    stop(tasks);
    one.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_that_cannot_be_and_a_key_that_counts_once_are_refused() {
    let world = World::start(Backend::Sqlite).await;
    let one = || liar("w.example/1", Reply::OtherSize(0));
    let log = log(&world.app);
    let new = |asked, quorum| Witnesses::new(asked, Policy { quorum, ..POLICY }, &log).err();
    assert_eq!(new(vec![one()], 1), None);
    assert_eq!(new(vec![one()], 2), Some(BadWitnesses::Quorum { quorum: 2, witnesses: 1 }));
    let twin = Asked { key: Key::new("w.example/2", one().key.key().clone()).expect("a name"), ..one() };
    assert_eq!(new(vec![one(), twin], 1), Some(BadWitnesses::SameKey("w.example/2".to_owned())));
    let own = Asked { key: Key::new("w.example/3", log.key().clone()).expect("a name"), ..one() };
    assert_eq!(new(vec![own], 1), Some(BadWitnesses::SameKey("w.example/3".to_owned())));
}

//! `POST /add-checkpoint`, answer by answer, as C2SP `tlog-witness` says.

use std::path::Path;
use std::sync::Arc;

use jialing_crypto::cosign;
use jialing_crypto::cosign::Witness as Key;
use jialing_crypto::note::{NoteSigner, add_line};
use jialing_crypto::{SigningKey, Suite};
use jialing_witness::{Witness, http};
use tokio::net::TcpListener;

use crate::log::{Log, ORIGIN};

pub(crate) const NAME: &str = "witness.example/w1";

pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) witness: Arc<Witness>,
    running: http::Running,
    client: reqwest::Client,
}

pub(crate) struct Said {
    pub(crate) status: u16,
    kind: String,
    reason: Option<String>,
    pub(crate) text: String,
}

impl Served {
    pub(crate) async fn start(folder: &Path, log: &Log) -> Self {
        let witness = Arc::new(Witness::open(folder, NAME, &[log.key()]).expect("it opens"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let running = http::serve(witness.clone(), listener).expect("it serves");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { url: format!("http://{}", running.address), witness, running, client }
    }

    pub(crate) async fn add(&self, body: impl Into<reqwest::Body>) -> Said {
        said(self.client.post(format!("{}/add-checkpoint", self.url)).body(body)).await
    }

    pub(crate) async fn get(&self, target: &str) -> Said {
        said(self.client.get(format!("{}{target}", self.url))).await
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}

async fn said(request: reqwest::RequestBuilder) -> Said {
    let answer = request.send().await.expect("an answer");
    let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
    let (kind, reason) = (header("content-type").unwrap_or_default(), header("reason"));
    Said { status: answer.status().as_u16(), kind, reason, text: answer.text().await.expect("text") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_only_grows_is_cosigned_step_by_step_under_both_suites() {
    for suite in [Suite::Ed25519, Suite::Sm2Sm3] {
        let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(suite, 40));
        let served = Served::start(folder.path(), &log).await;
        let key = Key::from_vkey(&served.witness.verifier_key()).expect("a witness key");
        for (old, size) in [(0, 1), (1, 2), (2, 7), (7, 7), (7, 8), (8, 31), (31, 40)] {
            let said = served.add(log.body(old, size)).await;
            assert_eq!(
                (said.status, said.kind.as_str()),
                (200, "text/plain; charset=utf-8"),
                "{}",
                said.text
            );
            let note = add_line(&log.note(size), &said.text).expect("a line of a note");
            let (checkpoint, found) =
                cosign::open(&note, &log.key(), std::slice::from_ref(&key), 1).expect("it is cosigned");
            assert_eq!((checkpoint.size, found[0].name.as_str()), (size as u64, NAME));
        }
        let kept = served.get(&format!("/checkpoint?origin={ORIGIN}")).await;
        cosign::open(&kept.text, &log.key(), &[key], 1).expect("what is kept is cosigned");
        let about = served.get("/").await.text;
        assert!(about.contains(&served.witness.verifier_key()) && about.contains("40 records"), "{about}");
        assert_eq!(served.get("/checkpoint?origin=another").await.status, 404);
        served.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_the_status_of_the_specification_and_cosigns_nothing() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Ed25519, 40));
    let served = Served::start(folder.path(), &log).await;
    assert_eq!(served.add(log.body(0, 10)).await.status, 200);
    let check = async |body: String, status: u16, words: &str| {
        let said = served.add(body.clone()).await;
        assert_eq!(said.status, status, "{body}\n{}", said.text);
        assert!(said.text.contains(words), "{words}: {}", said.text);
        assert_eq!(served.witness.logs()[0].1.expect("cosigned").size, 10, "{body}");
    };
    let good = log.body(10, 20);
    for (from, to) in [
        ("old 10", "old 010"),
        ("old 10", "old +10"),
        ("old 10", "old"),
        ("old 10", "new 10"),
        ("old 10\n", ""),
        ("old 10", "old 18446744073709551616"),
        ("\n\n", "\nnot base64\n\n"),
        ("\n\n", "\nAAAA\n\n"),
        ("\n\n", "\n"),
        ("\n20\n", "\n020\n"),
    ] {
        check(good.replacen(from, to, 1), 400, "malformed").await;
    }
    check(String::new(), 400, "malformed").await;
    check(good.trim_end().to_owned(), 400, "malformed").await;
    let long = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(64);
    check(format!("old 10\n{long}\n{}", log.note(20)), 400, "more than 63").await;
    check(log.body(10, 10).replacen("old 10", "old 11", 1), 400, "above").await;
    check("x".repeat(68 * 1024 + 1), 413, "longer").await;

    let stranger = NoteSigner::new(ORIGIN, SigningKey::generate(Suite::Ed25519)).expect("a name");
    let by = |signer: &NoteSigner, text: &str| format!("old 10\n\n{}", signer.sign(text).expect("a text"));
    check(by(&stranger, &log.text(20)), 403, "not signed").await;
    check(good.replacen("time 20", "time 21", 1), 403, "not signed").await;
    check(by(&stranger, &log.text(20).replacen(ORIGIN, "log.example/two", 1)), 404, "witnessed").await;
    check(
        log.ask(10, 20).to_body().replacen(
            "old 10\n",
            "old 10\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
            1,
        ),
        422,
        "grew",
    )
    .await;
    check(format!("old 10\n\n{}", log.note(20)), 422, "grew").await;
    check(log.forked(3).body(10, 20), 422, "grew").await;
    check(log.forked(3).body(10, 10), 409, "a fork").await;
    assert_eq!(served.get("/add-checkpoint").await.status, 405);

    // The same tree signed again, and a tree that grew: still good.
    assert_eq!(served.add(log.body(10, 10)).await.status, 200);
    assert_eq!(served.add(good).await.status, 200);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_elsewhere_hears_the_size_and_a_rollback_is_called_one() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Ed25519, 40));
    let served = Served::start(folder.path(), &log).await;
    assert_eq!(served.add(log.body(0, 30)).await.status, 200);
    let check = async |old, size, reason: &str| {
        let said = served.add(log.body(old, size)).await;
        assert_eq!((said.status, said.kind.as_str()), (409, "text/x.tlog.size"));
        assert_eq!((said.text.as_str(), said.reason.as_deref()), ("30\n", Some(reason)), "{old} {size}");
    };
    check(0, 40, "other-size").await;
    check(10, 40, "other-size").await;
    check(35, 40, "other-size").await;
    // An old checkpoint once more, and a log that was cut.
    check(0, 10, "rollback").await;
    check(10, 20, "rollback").await;
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_no_records_has_the_empty_root() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Sm2Sm3, 3));
    let served = Served::start(folder.path(), &log).await;
    let forged = log.text(0).replacen("\n0\n", "\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nwas ", 1);
    let note = log.signer.sign(&forged).expect("a text");
    assert_eq!(served.add(format!("old 0\n\n{note}")).await.status, 422);
    assert_eq!(served.add(log.body(0, 0)).await.status, 200);
    assert_eq!(served.add(log.body(0, 3)).await.status, 200);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_cosigned_and_none_goes_back() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Ed25519, 40));
    let served = Served::start(folder.path(), &log).await;
    assert_eq!(served.add(log.body(0, 10)).await.status, 200);
    let answers = futures(&served, (11..=40).map(|size| log.body(10, size)).collect()).await;
    let cosigned: Vec<_> = answers.iter().filter(|said| said.status == 200).collect();
    assert_eq!(cosigned.len(), 1);
    let size = served.witness.logs()[0].1.expect("cosigned").size;
    for said in answers.iter().filter(|said| said.status != 200) {
        assert_eq!((said.status, said.text.as_str()), (409, format!("{size}\n").as_str()));
    }
    served.stop().await;
}

async fn futures(served: &Served, bodies: Vec<String>) -> Vec<Said> {
    let mut tasks = tokio::task::JoinSet::new();
    for body in bodies {
        let (client, url) = (served.client.clone(), format!("{}/add-checkpoint", served.url));
        tasks.spawn(async move { said(client.post(url).body(body)).await });
    }
    tasks.join_all().await
}

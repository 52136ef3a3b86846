//! A small city, the platform's side of its rails, and a door for notices.

use std::collections::VecDeque;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_rails::bank::{
    Agreement, Bank, BankNotice, HttpBank, Money, Move, Settled, StartLink, read_notice,
};
use jialing_rails::identity::HttpIdentity;
use jialing_rails::notice::HttpNotices;
use jialing_rails::{CallLimits, Outcome, Peer};
use jialing_sandbox::city::{City, CitySize, Person};
use jialing_sandbox::{Sandbox, SandboxConfig, SettleAfter};
use tokio::sync::mpsc;

pub(crate) struct World {
    pub(crate) city: City,
    pub(crate) sandbox: Sandbox,
    pub(crate) key: SigningKey,
}

pub(crate) fn small_city() -> City {
    let size = CitySize { people: 6, shops: 3, banks: 2 };
    City::invent(7, size)
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|config| config.settle_after = SettleAfter::AtOnce).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let city = small_city();
        let key = SigningKey::generate(Suite::Ed25519);
        let mut config = city.sandbox("jialing", vec![key.public().clone()]);
        change(&mut config);
        let sandbox = Sandbox::start(config).await.unwrap();
        Self { city, sandbox, key }
    }

    pub(crate) fn peer(&self, name: &str) -> Peer {
        let addresses = self.sandbox.addresses();
        let address = addresses.iter().find(|a| a.name == name).unwrap();
        let limits = CallLimits { answer_ms: 2_000, ..CallLimits::default() };
        address.peer("jialing", self.key.clone(), limits)
    }

    pub(crate) fn bank(&self) -> HttpBank {
        HttpBank::new(self.peer("bank_jiangbei")).unwrap()
    }

    pub(crate) fn identity(&self) -> HttpIdentity {
        HttpIdentity::new(self.peer("identity")).unwrap()
    }

    pub(crate) fn notices(&self) -> HttpNotices {
        HttpNotices::new(self.peer("notice")).unwrap()
    }

    /// Somebody with an account at the first bank.
    pub(crate) fn customer(&self) -> &Person {
        self.city.people.iter().find(|person| person.bank == 0).unwrap()
    }

    pub(crate) async fn balance(&self) -> u64 {
        let number = &self.customer().account;
        let account = self.get("bank_jiangbei", &format!("/accounts/{number}")).await;
        account["balance"].as_u64().unwrap()
    }

    /// Links the customer's account with the code from the customer's inbox.
    pub(crate) async fn link(&self, bank: &HttpBank) -> Agreement {
        let ask = link_ask("lnk_1", self.customer());
        let Outcome::Done(started) = bank.start_link(&ask).await else {
            panic!("the link did not start");
        };
        let message = self.sandbox.wait_for_message(&ask.phone, 0).await;
        let code = &message.params["code"];
        match bank.confirm_link("lnk_2", &started.link_id, code).await {
            Outcome::Done(agreement) => agreement,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn get(&self, service: &str, path: &str) -> serde_json::Value {
        let url = format!("{}{path}", self.peer(service).base_url);
        reqwest::get(url).await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn post(&self, service: &str, path: &str, body: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.peer(service).base_url);
        let request = reqwest::Client::new().post(url);
        let request = request.header("content-type", "application/json");
        request.body(body.to_owned()).send().await.unwrap()
    }
}

pub(crate) fn link_ask(reference: &str, person: &Person) -> StartLink {
    StartLink {
        reference: reference.to_owned(),
        account: person.account.clone(),
        holder_name: person.name.clone(),
        id_number: person.id_number.clone(),
        phone: person.phone.clone(),
    }
}

pub(crate) fn movement(reference: &str, agreement: &Agreement, fen: u64) -> Move {
    Move {
        reference: reference.to_owned(),
        agreement: agreement.agreement.clone(),
        money: Money::cny(fen),
        purpose: "top-up".to_owned(),
        not_after: jiff::Timestamp::now() + jiff::SignedDuration::from_mins(10),
    }
}

pub(crate) fn bank_ref(outcome: Outcome<Settled>) -> String {
    match outcome {
        Outcome::Done(settled) => settled.bank_ref,
        other => panic!("{other:?}"),
    }
}

/// The platform's door: answers with the scripted statuses, then 204, and hands notices on.
pub(crate) struct Door {
    pub(crate) url: String,
    notices: mpsc::UnboundedReceiver<(CallbackSignature, Bytes)>,
    task: tokio::task::JoinHandle<()>,
}

impl Door {
    pub(crate) async fn open(statuses: &[u16]) -> Self {
        let (send, notices) = mpsc::unbounded_channel();
        let script = std::sync::Mutex::new(VecDeque::from(statuses.to_vec()));
        let script = std::sync::Arc::new(script);
        let take = move |headers: HeaderMap, body: Bytes| {
            let status = script.lock().unwrap().pop_front().unwrap_or(204);
            let signature = CallbackSignature::from_headers(|name| headers.get(name)?.to_str().ok());
            send.send((signature.unwrap(), body)).unwrap();
            async move { StatusCode::from_u16(status).unwrap() }
        };
        let router = axum::Router::new().route("/v1/bank/notices", post(take));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/bank/notices", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, notices, task }
    }

    /// The next notice as it came.
    pub(crate) async fn next_raw(&mut self) -> (CallbackSignature, Bytes) {
        self.notices.recv().await.unwrap()
    }

    /// The next notice of the first bank, checked as the gateway checks it.
    pub(crate) async fn next(&mut self, world: &World) -> BankNotice {
        let (signature, body) = self.next_raw().await;
        let keys = world.peer("bank_jiangbei").peer_keys;
        let now = jiff::Timestamp::now().as_second();
        read_notice("bank_jiangbei", &keys, &signature, &body, now, 300).unwrap()
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.notices.is_empty()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

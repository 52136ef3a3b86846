//! A playground for a test, and an integrator in it.

use std::time::Duration;

use jialing_crypto::SigningKey;
use jialing_crypto::http_signature::RequestSignature;
use jialing_playground::{Bounds, Playground};
use jialing_sdk::Merchant;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running playground on a folder of its own.
pub(crate) struct World {
    pub(crate) playground: Playground,
    folder: TempDir,
}

impl World {
    pub(crate) async fn start(bounds: Bounds) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let playground = Playground::start(folder.path().to_owned(), 0, bounds).await.expect("it starts");
        Self { playground, folder }
    }

    /// The same folder, opened anew on another port.
    pub(crate) async fn again(self, bounds: Bounds) -> Self {
        self.playground.stop().await;
        let playground =
            Playground::start(self.folder.path().to_owned(), 0, bounds).await.expect("it starts again");
        Self { playground, folder: self.folder }
    }

    pub(crate) async fn create(&self) -> Sandbox {
        let answer = Client::new()
            .post(format!("{}/v1/sandbox", self.playground.url()))
            .json(&json!({ "name": "a test" }))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 201, "{:?}", answer.text().await);
        Sandbox::of(&answer.json().await.expect("JSON"))
    }
}

/// A sandbox as its maker knows it.
pub(crate) struct Sandbox {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) base: String,
    pub(crate) merchant_id: String,
    pub(crate) key: SigningKey,
    pub(crate) http: Client,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Sandbox {
    fn of(made: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            id: text(&made["sandbox_id"]),
            token: text(&made["token"]),
            base: text(&made["base_url"]),
            merchant_id: text(&made["merchant"]["merchant_id"]),
            key: SigningKey::from_pkcs8_pem(&text(&made["merchant"]["private_key"])).expect("a key"),
            http: Client::new(),
        }
    }

    pub(crate) async fn merchant(&self) -> Merchant {
        Merchant::connect(&self.base, &self.merchant_id, self.key.clone()).await.expect("the keys")
    }

    /// A request to the sandbox's own doors.
    pub(crate) async fn door(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self
            .http
            .request(method, format!("{}/v1/sandbox{path}", self.base))
            .timeout(PATIENCE)
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.door(Method::POST, path, Some(body)).await;
        assert!(answer.status < 300, "{path} {body}: {answer:?}");
        answer.body
    }

    /// A signed request, sent once, without the patience of a client.
    pub(crate) async fn signed(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<reqwest::Response, reqwest::Error> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let now = jiff::Timestamp::now().as_second();
        let signature =
            RequestSignature::sign(&self.key, &self.merchant_id, method.as_str(), path, &bytes, now);
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("authorization", signature.to_header())
            .header("content-type", "application/json")
            .body(bytes);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await
    }

    /// An order's creation, sent once.
    pub(crate) async fn order_with(
        &self,
        number: &str,
        amount: u64,
        headers: &[(&str, &str)],
    ) -> Result<reqwest::Response, reqwest::Error> {
        self.signed(Method::POST, "/v1/merchant/orders", Some(&order(number, amount)), headers).await
    }

    /// Notices until one of this type about this object has come, each taken with `status`.
    pub(crate) async fn hear(&self, event: &str, object: &str) -> Value {
        let told = async {
            loop {
                let due = self.door(Method::GET, "/notices?wait_ms=5000", None).await;
                for notice in due.body["items"].as_array().expect("items") {
                    let mut body: Value =
                        serde_json::from_str(notice["body"].as_str().expect("a body")).expect("JSON");
                    body["resource"] = notice["resource"].clone();
                    let report = format!("/notices/{}", notice["delivery_id"].as_str().expect("an id"));
                    self.post(&report, &json!({ "status": 200 })).await;
                    if notice["type"] == event && body["resource"]["id"] == object {
                        return body;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, told)
            .await
            .unwrap_or_else(|_| panic!("{event} about {object} never came"))
    }
}

/// An order's body.
pub(crate) fn order(number: &str, amount: u64) -> Value {
    json!({
        "out_trade_no": number, "description": "tea", "amount": { "amount": amount, "currency": "CNY" },
    })
}

/// Waits until `look` answers something.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{what} never came"))
}

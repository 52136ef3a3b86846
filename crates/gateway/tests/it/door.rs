//! The door: a gateway in front of a world, and a caller that knows what every answer must have.

use jialing_crypto::http_signature::{CallbackSignature, RequestSignature};
use jialing_crypto::{PublicKey, SigningKey, Suite};
use jialing_gateway::{EdgeConfig, Gateway, Running};
use jialing_platform::id::{MerchantId, WalletId};
use jialing_platform::merchants::{self, KeyAsk};
use jialing_platform::orders::Order;
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::{Citizen, PIN};
use crate::city;
use crate::market::Shop;
use crate::world::World;

/// A gateway and a caller.
pub struct Door {
    pub running: Running,
    pub base: String,
    pub http: reqwest::Client,
    pub answer_keys: Vec<PublicKey>,
}

/// An answer.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
    pub body: Value,
}

impl Door {
    /// A gateway with the default settings.
    pub async fn open(world: &World) -> Self {
        Self::with(world, |_| {}).await
    }

    /// A gateway with other settings.
    pub async fn with(world: &World, change: impl FnOnce(&mut EdgeConfig)) -> Self {
        let keys: Vec<SigningKey> = [Suite::Ed25519, Suite::Sm2Sm3].map(SigningKey::generate).into();
        let answer_keys = keys.iter().map(|key| key.public().clone()).collect();
        let mut config = EdgeConfig::new(keys);
        change(&mut config);
        let running = Gateway::serve(world.app.clone(), config).await.expect("a free loopback port");
        let base = format!("http://{}", running.address);
        Self { running, base, http: reqwest::Client::new(), answer_keys }
    }

    pub fn request(&self, method: Method, target: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{target}", self.base))
    }

    pub async fn get(&self, target: &str) -> Heard {
        hear(self.request(Method::GET, target)).await
    }

    /// As a person: the token, and JSON if there is any.
    pub async fn person(
        &self,
        citizen: &Citizen,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Heard {
        let request = self.request(method, target).bearer_auth(&citizen.token);
        hear(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// The same with an `Idempotency-Key`.
    pub async fn keyed(&self, citizen: &Citizen, target: &str, key: &str, body: &Value) -> Heard {
        hear(
            self.request(Method::POST, target)
                .bearer_auth(&citizen.token)
                .header("Idempotency-Key", key)
                .json(body),
        )
        .await
    }

    /// Pays an order with the citizen's device and PIN.
    pub async fn pay(&self, world: &World, citizen: &Citizen, wallet: WalletId, order: &Order) -> Heard {
        let evidence = citizen.sign(
            world,
            "pay",
            &order.merchant_id.to_string(),
            order.amount.amount,
            &order.id.to_string(),
            wallet,
        );
        let ask = json!({ "wallet_id": wallet, "pin": PIN, "evidence": evidence });
        self.person(citizen, Method::POST, &format!("/v1/wallet/orders/{}/payments", order.id), Some(&ask))
            .await
    }

    /// As a merchant's server.
    pub async fn merchant(
        &self,
        server: &Server,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Heard {
        let bytes = body.map(|body| serde_json::to_vec(body).expect("JSON")).unwrap_or_default();
        let signature = server.sign(method.as_str(), target, &bytes);
        let heard = self.with_signature(&signature, method, target, bytes).await;
        self.check_signed(&heard);
        heard
    }

    /// Sends a request with this signature, whatever it covers.
    pub async fn with_signature(
        &self,
        signature: &RequestSignature,
        method: Method,
        target: &str,
        body: Vec<u8>,
    ) -> Heard {
        let request = self.request(method, target).header("Authorization", signature.to_header());
        hear(request.header("Content-Type", "application/json").body(body)).await
    }

    /// Every answer to an accepted signature is signed.
    pub fn check_signed(&self, heard: &Heard) {
        let header = |name: &'static str| heard.headers.get(name).and_then(|value| value.to_str().ok());
        let signature = CallbackSignature::from_headers(header).expect("the answer is signed");
        let key = self
            .answer_keys
            .iter()
            .find(|key| key.id() == signature.serial)
            .expect("one of the platform's keys");
        signature.verify(key, &heard.bytes).expect("the signature fits the answer");
    }
}

/// Sends a request and checks what holds for every answer.
pub async fn hear(request: reqwest::RequestBuilder) -> Heard {
    let response = request.send().await.expect("the gateway answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.expect("a whole answer").to_vec();
    let id = headers["request-id"].to_str().expect("ASCII");
    assert!(id.starts_with("req_") && id.len() == 30, "{id}");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    if status >= 400 {
        assert_eq!(headers["content-type"], "application/problem+json", "{body}");
        for member in ["type", "title", "status", "code", "detail", "request_id", "retryable"] {
            assert!(!body[member].is_null(), "{member} is missing: {body}");
        }
        assert_eq!((body["status"].as_u64(), body["request_id"].as_str()), (Some(status.into()), Some(id)));
    }
    Heard { status, headers, bytes, body }
}

impl Heard {
    /// It is this problem.
    #[track_caller]
    pub fn is(&self, code: &str) -> &Self {
        assert_eq!(self.body["code"], code, "{} {}", self.status, self.body);
        self
    }

    /// It is this problem and names this field.
    #[track_caller]
    pub fn names(&self, code: &str, field: &str) -> &Self {
        self.is(code);
        assert_eq!(self.body["field"], field, "{}", self.body);
        self
    }

    /// It went well.
    #[track_caller]
    pub fn went_well(&self) -> &Self {
        assert!(self.status < 300, "{} {}", self.status, self.body);
        self
    }

    pub fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("{member} is no text: {}", self.body)).to_owned()
    }
}

/// A merchant's server with its key.
pub struct Server {
    pub merchant: MerchantId,
    pub key: SigningKey,
    pub clock: jialing_platform::Clock,
}

impl Server {
    /// Registers a key of the suite for the shop.
    pub async fn of(world: &World, shop: &Shop, suite: Suite) -> Self {
        let key = SigningKey::generate(suite);
        let ask = KeyAsk { public_key: key.public().to_pem(), ..KeyAsk::default() };
        merchants::register_key(&world.app, &shop.owner.actor, shop.id, ask)
            .await
            .expect("a key is registered");
        Self { merchant: shop.id, key, clock: world.clock.clone() }
    }

    pub fn sign(&self, method: &str, target: &str, body: &[u8]) -> RequestSignature {
        RequestSignature::sign(
            &self.key,
            &self.merchant.to_string(),
            method,
            target,
            body,
            self.clock.millis() / 1000,
        )
    }
}

/// A street: banks, a shopkeeper with a shop and a server, a customer with a full wallet.
pub struct Street {
    pub shop: Shop,
    pub server: Server,
    pub payer: Citizen,
    pub wallet: WalletId,
}

impl Street {
    /// Builds it; the payer has 10,000.00 yuan in a wallet of class III.
    pub async fn build(world: &World) -> Self {
        city::found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let server = Server::of(world, &shop, Suite::Ed25519).await;
        let payer = Citizen::identified(world, 2, "李雷").await;
        let wallet = city::wallet(world, &payer, "BKA", 1_000_000).await;
        Self { shop, server, payer, wallet }
    }
}

/// Nothing was made and nothing was lost: every holder's equation holds, and the payers' money is
/// where it is said to be.
pub async fn nothing_is_lost(world: &World) {
    world.settle().await;
    let supply = jialing_platform::institutions::supply(&world.app).await.expect("the supply can be read");
    assert!(supply.balanced, "{supply:?}");
}

/// What an order of so many fen looks like to the API.
pub fn order_ask(out_trade_no: &str, amount: u64) -> Value {
    json!({ "out_trade_no": out_trade_no, "description": "小面", "amount": { "amount": amount, "currency": "CNY" } })
}

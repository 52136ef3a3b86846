//! A person's wallet app: a session, a bound device that signs every payment, and the calls.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::SigningKey;
use jialing_crypto::Suite;
use jialing_crypto::random;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answers::{
    Amount, IdentityCheck, Link, MerchantKey, MerchantView, Movement, NewMerchant, Organisation, Page, Payee,
    PayerOrder, TopUp, WalletView, Withdrawal,
};
use crate::error::Result;
use crate::evidence::Evidence;
use crate::http::{Http, Request};

/// A signed-in person with a bound device. Cheap to clone.
#[derive(Clone)]
pub struct Wallet {
    http: Http,
    session: Session,
    key: SigningKey,
}

/// What must be kept to go on after a restart. It holds secrets: keep it as you keep keys.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// The person.
    pub person_id: String,
    /// The bearer token.
    pub token: String,
    /// The bound device.
    pub device_id: String,
    /// The device's key, PKCS#8 PEM.
    pub device_key: String,
}

#[derive(Deserialize)]
struct SignedIn {
    person_id: String,
    token: String,
    session: SessionView,
}

#[derive(Deserialize)]
struct SessionView {
    device_id: Option<String>,
}

/// What a transfer between persons says.
pub struct Transfer<'a> {
    /// Your own number of it: the same number moves money once.
    pub out_transfer_no: &'a str,
    /// The wallet that pays.
    pub from_wallet_id: &'a str,
    /// A wallet id, or the token of [`Wallet::find_payee`].
    pub payee: &'a str,
    /// Minor units.
    pub amount: u64,
    /// A word to the payee.
    pub note: Option<&'a str>,
    /// The payment PIN, where the amount needs it.
    pub pin: Option<&'a str>,
}

impl Wallet {
    /// Has a one-time code sent to `phone`, for `sign_up`, `sign_in` or `recover`.
    ///
    /// # Errors
    /// `rate_limited` when codes are asked for too often.
    pub async fn request_code(base: &str, phone: &str, purpose: &str) -> Result<()> {
        let http = Http::new(base);
        let ask = json!({ "phone": phone, "purpose": purpose });
        http.send(&Request::new(Method::POST, "/v1/wallet/codes", Some(&ask)), |_| None).await.map(drop)
    }

    /// Opens an account for the phone that received `code`, with a fresh device key.
    ///
    /// # Errors
    /// `code_invalid`, `password_weak`, `phone_taken`.
    pub async fn sign_up(base: &str, phone: &str, code: &str, password: &str) -> Result<Self> {
        Self::enter(
            base,
            "/v1/wallet/people",
            "device",
            json!({ "phone": phone, "code": code, "password": password }),
        )
        .await
    }

    /// Signs in on a new device.
    ///
    /// # Errors
    /// `sign_in_failed`.
    pub async fn sign_in(base: &str, phone: &str, code: &str, password: &str) -> Result<Self> {
        Self::enter(
            base,
            "/v1/wallet/sessions",
            "new_device",
            json!({ "phone": phone, "code": code, "password": password }),
        )
        .await
    }

    async fn enter(base: &str, door: &str, device: &str, mut ask: Value) -> Result<Self> {
        let http = Http::new(base);
        let key = SigningKey::generate(Suite::Es256);
        ask[device] = proof(&http, &key).await?;
        let answer = http.send(&Request::new(Method::POST, door, Some(&ask)), |_| None).await?;
        let signed_in: SignedIn = answer.json()?;
        let device_id =
            signed_in.session.device_id.ok_or_else(|| answer.unacceptable("the session has no device"))?;
        let session = Session {
            person_id: signed_in.person_id,
            token: signed_in.token,
            device_id,
            device_key: key.to_pem().to_string(),
        };
        Ok(Self { http, session, key })
    }

    /// Goes on with a kept session; `None` if its key cannot be read.
    #[must_use]
    pub fn resume(base: &str, session: Session) -> Option<Self> {
        let key = SigningKey::from_pkcs8_pem(&session.device_key).ok()?;
        Some(Self { http: Http::new(base), session, key })
    }

    /// What must be kept to go on after a restart.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Chooses the payment PIN, six digits.
    ///
    /// # Errors
    /// `pin_weak`.
    pub async fn set_pin(&self, pin: &str) -> Result<()> {
        self.put("/v1/wallet/pin", &json!({ "pin": pin })).await.map(drop)
    }

    /// Raises the identity level by name and identity number; the wallet's class follows.
    ///
    /// # Errors
    /// `identity_mismatch`. A check without an outcome yet is no error: it is `PENDING`.
    pub async fn verify_identity(&self, name: &str, id_number: &str) -> Result<IdentityCheck> {
        let ask = json!({ "level": "REMOTE_PHONE_ID", "name": name, "id_number": id_number });
        self.typed(self.post("/v1/wallet/identity", &ask).await?)
    }

    /// Raises the identity level by a signed bank account.
    ///
    /// # Errors
    /// `link_unusable` without one.
    pub async fn verify_by_bank(&self) -> Result<IdentityCheck> {
        self.typed(self.post("/v1/wallet/identity", &json!({ "level": "REMOTE_BANK" })).await?)
    }

    /// Opens a wallet at the bank with the given code.
    ///
    /// # Errors
    /// `invalid_request` for an unknown bank.
    pub async fn open(&self, institution: &str) -> Result<WalletView> {
        self.typed(self.post("/v1/wallet/wallets", &json!({ "institution": institution })).await?)
    }

    /// One of the person's wallets.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn wallet(&self, wallet_id: &str) -> Result<WalletView> {
        self.typed(self.get(&format!("/v1/wallet/wallets/{wallet_id}")).await?)
    }

    /// Links a bank account; the bank sends a code to its holder's phone. Answers with the link.
    ///
    /// # Errors
    /// `bank_refused`.
    pub async fn link(&self, institution: &str, account_number: &str) -> Result<Link> {
        self.typed(
            self.post(
                "/v1/wallet/links",
                &json!({ "institution": institution, "account_number": account_number }),
            )
            .await?,
        )
    }

    /// Confirms a link with the bank's code.
    ///
    /// # Errors
    /// `code_invalid`.
    pub async fn confirm_link(&self, link_id: &str, code: &str) -> Result<Link> {
        self.typed(self.post(&format!("/v1/wallet/links/{link_id}/confirm"), &json!({ "code": code })).await?)
    }

    /// Turns `amount` fen of the linked account into wallet money, once for each `out_topup_no`.
    /// Answers with the top-up as it stands.
    ///
    /// # Errors
    /// `bank_refused`, `balance_too_high`, `pin_required`.
    pub async fn top_up(
        &self,
        out_topup_no: &str,
        wallet_id: &str,
        link_id: &str,
        amount: u64,
        pin: Option<&str>,
    ) -> Result<TopUp> {
        self.typed(
            self.exchange(
                ("top_up", "/v1/wallet/topups", "out_topup_no"),
                out_topup_no,
                [wallet_id, link_id],
                amount,
                pin,
            )
            .await?,
        )
    }

    /// A top-up as it stands.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn topup(&self, topup_id: &str) -> Result<TopUp> {
        self.typed(self.get(&format!("/v1/wallet/topups/{topup_id}")).await?)
    }

    /// Turns `amount` fen of wallet money into deposit money, once for each `out_withdrawal_no`.
    ///
    /// # Errors
    /// `balance_too_low`, `pin_required`.
    pub async fn withdraw(
        &self,
        out_withdrawal_no: &str,
        wallet_id: &str,
        link_id: &str,
        amount: u64,
        pin: Option<&str>,
    ) -> Result<Withdrawal> {
        self.typed(
            self.exchange(
                ("withdraw", "/v1/wallet/withdrawals", "out_withdrawal_no"),
                out_withdrawal_no,
                [wallet_id, link_id],
                amount,
                pin,
            )
            .await?,
        )
    }

    /// `how` is the signed action, the path, and the name of the number.
    async fn exchange(
        &self,
        how: (&str, &str, &str),
        number: &str,
        [wallet_id, link_id]: [&str; 2],
        amount: u64,
        pin: Option<&str>,
    ) -> Result<Value> {
        let (action, path, name) = how;
        // A top-up pays the wallet, a withdrawal the linked account.
        let payee = if action == "top_up" { wallet_id } else { link_id };
        let evidence = Evidence { action, payee, amount, subject: number, wallet: wallet_id };
        let mut ask = json!({ "wallet_id": wallet_id, "link_id": link_id, "amount": Amount::fen(amount), "pin": pin, "evidence": self.sign(&evidence) });
        ask[name] = number.into();
        self.post(path, &ask).await
    }

    /// An order, as its payer sees it before paying.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn order(&self, order_id: &str) -> Result<PayerOrder> {
        self.typed(self.get(&format!("/v1/wallet/orders/{order_id}")).await?)
    }

    /// The order in a merchant's QR code, as its payer sees it before paying.
    ///
    /// # Errors
    /// `invalid_request` for what is no code of this scheme; `not_found`.
    pub async fn scan(&self, payload: &str) -> Result<PayerOrder> {
        self.typed(self.post("/v1/wallet/scans", &json!({ "payload": payload })).await?)
    }

    /// Pays an order from a wallet. A lost answer is safe: asked again, the order is found paid.
    ///
    /// # Errors
    /// `order_paid`, `order_closed`, `balance_too_low`, `over_day_limit`, `pin_required`.
    pub async fn pay(
        &self,
        order_id: &str,
        merchant_id: &str,
        wallet_id: &str,
        amount: u64,
        pin: Option<&str>,
    ) -> Result<PayerOrder> {
        let evidence =
            Evidence { action: "pay", payee: merchant_id, amount, subject: order_id, wallet: wallet_id };
        let ask = json!({ "wallet_id": wallet_id, "pin": pin, "evidence": self.sign(&evidence) });
        self.typed(self.post(&format!("/v1/wallet/orders/{order_id}/payments"), &ask).await?)
    }

    /// Who receives under a phone number: a masked name, and a token to pay to.
    ///
    /// # Errors
    /// `payee_unknown`; `rate_limited` after many misses.
    pub async fn find_payee(&self, phone: &str) -> Result<Payee> {
        self.typed(self.post("/v1/wallet/payees/lookup", &json!({ "phone": phone })).await?)
    }

    /// Sends money to a person.
    ///
    /// # Errors
    /// `balance_too_low`, `over_single_limit`, `conflict` when the number was used for something else.
    pub async fn transfer(&self, transfer: &Transfer<'_>) -> Result<Value> {
        let Transfer { out_transfer_no, from_wallet_id, payee, amount, note, pin } = *transfer;
        let evidence =
            Evidence { action: "transfer", payee, amount, subject: out_transfer_no, wallet: from_wallet_id };
        let ask = json!({
            "out_transfer_no": out_transfer_no, "from_wallet_id": from_wallet_id, "payee": payee,
            "amount": Amount::fen(amount), "note": note, "pin": pin, "evidence": self.sign(&evidence),
        });
        self.post("/v1/wallet/transfers", &ask).await
    }

    /// The newest movements of a wallet.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn history(&self, wallet_id: &str) -> Result<Page<Movement>> {
        self.typed(self.get(&format!("/v1/wallet/wallets/{wallet_id}/history")).await?)
    }

    /// A receipt, for [`crate::receipt::verify`].
    ///
    /// # Errors
    /// `not_found`.
    pub async fn receipt(&self, transaction_id: &str) -> Result<Value> {
        self.get(&format!("/v1/wallet/receipts/{transaction_id}")).await
    }

    /// A receipt that waits a short time for this many cosignatures of witnesses; `cosigned` in it says
    /// how many came.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn receipt_cosigned(&self, transaction_id: &str, cosignatures: u8) -> Result<Value> {
        self.get(&format!("/v1/wallet/receipts/{transaction_id}?cosignatures={cosignatures}")).await
    }

    /// The proof that a wallet's balance is counted in the newest day's supply, for
    /// [`crate::supply::verify_balance`].
    ///
    /// # Errors
    /// `not_found` before the first day is published, or for a wallet that was not open at its end.
    pub async fn supply_proof(&self, wallet_id: &str) -> Result<Value> {
        self.get(&format!("/v1/wallet/wallets/{wallet_id}/supply-proof")).await
    }

    /// Registers an organisation that this person represents.
    ///
    /// # Errors
    /// `forbidden` below class III.
    pub async fn register_organisation(&self, name: &str, licence: &str) -> Result<Organisation> {
        self.typed(self.post("/v1/wallet/organisations", &json!({ "name": name, "licence": licence })).await?)
    }

    /// Registers a merchant of an organisation.
    ///
    /// # Errors
    /// `not_found` for somebody else's organisation.
    pub async fn register_merchant(&self, new: &NewMerchant<'_>) -> Result<MerchantView> {
        self.typed(self.post("/v1/wallet/merchants", &json!(new)).await?)
    }

    /// Registers a merchant's public signing key.
    ///
    /// # Errors
    /// `invalid_request` for a key that is weak or unreadable.
    pub async fn register_merchant_key(&self, merchant_id: &str, key: &SigningKey) -> Result<MerchantKey> {
        let ask = json!({ "public_key": key.public().to_pem() });
        self.typed(self.post(&format!("/v1/wallet/merchants/{merchant_id}/keys"), &ask).await?)
    }

    /// Any other read.
    ///
    /// # Errors
    /// As the platform answers.
    pub async fn get(&self, target: &str) -> Result<Value> {
        self.call(Request::new(Method::GET, target, None)).await
    }

    async fn post(&self, target: &str, ask: &Value) -> Result<Value> {
        self.call(Request::new(Method::POST, target, Some(ask)).idempotent(&random::nonce())).await
    }

    async fn put(&self, target: &str, ask: &Value) -> Result<Value> {
        self.call(Request::new(Method::PUT, target, Some(ask)).idempotent(&random::nonce())).await
    }

    async fn call(&self, request: Request) -> Result<Value> {
        self.http.send(&request, |_| Some(format!("Bearer {}", self.session.token))).await?.json()
    }

    fn typed<T: serde::de::DeserializeOwned>(&self, value: Value) -> Result<T> {
        serde_json::from_value(value).map_err(|error| crate::Error::Unacceptable {
            target: self.http.base().to_owned(),
            why: error.to_string(),
        })
    }

    fn sign(&self, evidence: &Evidence<'_>) -> Value {
        evidence.sign(&self.session.device_id, &self.key)
    }
}

/// A device to bind: a fresh challenge, signed by the key.
async fn proof(http: &Http, key: &SigningKey) -> Result<Value> {
    let challenge: Value = http
        .send(&Request::new(Method::POST, "/v1/wallet/devices/challenges", None), |_| None)
        .await?
        .json()?;
    let (id, nonce) = (
        challenge["challenge_id"].as_str().unwrap_or_default(),
        challenge["nonce"].as_str().unwrap_or_default(),
    );
    let text =
        format!("JIALING-DEVICE-1\naction:bind\nchallenge:{id}\nnonce:{nonce}\nkey:{}\n", key.public().id());
    Ok(json!({
        "challenge_id": id,
        "public_key": STANDARD.encode(key.public().spki_der()),
        "name": "Rust client",
        "signature": STANDARD.encode(key.sign(text.as_bytes())),
    }))
}

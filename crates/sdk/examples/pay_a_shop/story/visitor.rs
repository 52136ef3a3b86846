//! Visitors of a sandbox city: made-up people whom its register has not seen before.
//!
//! A sandbox's identity service accepts any well-formed number that nobody has yet, and its banks open
//! an account that begins with 621099 for whoever links it first (`docs/reference/sandbox.md`).

use std::time::Duration;

use jialing_crypto::random;
use jialing_sdk::Wallet;
use serde_json::Value;

use super::Told;

/// How often a message that will come is asked for, and how many times.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ASK_TIMES: u32 = 300;

/// Somebody who does not exist yet.
pub(crate) struct Visitor {
    pub(crate) name: &'static str,
    pub(crate) phone: String,
    pub(crate) password: String,
    pub(crate) pin: &'static str,
    pub(crate) id_number: String,
    pub(crate) account: String,
}

impl Visitor {
    pub(crate) fn invent(name: &'static str) -> Self {
        Self {
            name,
            phone: format!("168{}1", random::digits(7)),
            password: format!("visitor-{}", random::nonce()),
            pin: "386349",
            id_number: id_number(&random::digits(3)),
            account: format!("621099{}", random::digits(12)),
        }
    }
}

/// An identity number (GB 11643) in the sandbox's area, born in 1949 to 1998, with its check character.
fn id_number(sequence: &str) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let [year, month, day] = random::bytes::<3>();
    let first =
        format!("500199{}{:02}{:02}{sequence}", 1949 + u32::from(year) % 50, 1 + month % 12, 1 + day % 28);
    let sum: u32 = first.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{first}{}", b"10X98765432"[sum as usize % 11] as char)
}

/// A unified social credit code (GB 32100) in the sandbox's area, with its check character.
pub(crate) fn licence() -> String {
    const DIGITS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let first = format!("91500199{}", random::digits(9));
    let sum: usize =
        first.bytes().zip(WEIGHTS).map(|(digit, weight)| usize::from(digit - b'0') * weight).sum();
    format!("{first}{}", DIGITS[(31 - sum % 31) % 31] as char)
}

/// The city's phones, as its notice service shows them.
pub(crate) struct Phones {
    inbox: String,
    http: reqwest::Client,
}

impl Phones {
    pub(crate) fn new(inbox: &str) -> Self {
        Self { inbox: inbox.trim_end_matches('/').to_owned(), http: reqwest::Client::new() }
    }

    /// The newest message's number, so that only later ones are read.
    pub(crate) async fn newest(&self, phone: &str) -> Told<u64> {
        Ok(self
            .messages(phone, 0)
            .await?
            .iter()
            .filter_map(|message| message["id"].as_u64())
            .max()
            .unwrap_or(0))
    }

    /// The code in the first message to `phone` after number `after`.
    pub(crate) async fn code(&self, phone: &str, after: u64) -> Told<String> {
        for _ in 0..ASK_TIMES {
            let messages = self.messages(phone, after).await?;
            if let Some(code) = messages.iter().find_map(|message| message["params"]["code"].as_str()) {
                return Ok(code.to_owned());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Err("a one-time code did not arrive".into())
    }

    async fn messages(&self, phone: &str, after: u64) -> Told<Vec<Value>> {
        let answer =
            self.http.get(format!("{}/messages?phone={phone}&after={after}", self.inbox)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Signs a visitor up: a code to the phone, a fresh device key, a PIN.
    pub(crate) async fn sign_up(&self, url: &str, visitor: &Visitor) -> Told<Wallet> {
        let after = self.newest(&visitor.phone).await?;
        Wallet::request_code(url, &visitor.phone, "sign_up").await?;
        let code = self.code(&visitor.phone, after).await?;
        let wallet = Wallet::sign_up(url, &visitor.phone, &code, &visitor.password).await?;
        wallet.set_pin(visitor.pin).await?;
        Ok(wallet)
    }
}

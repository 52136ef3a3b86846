//! People and shops who act through the public API, as anybody's client would.

use std::time::Duration;

use jialing_crypto::{SigningKey, Suite};
use jialing_sandbox::city::{Person, Shop};
use jialing_sdk::answers::NewMerchant;
use jialing_sdk::{Error, Merchant, Wallet, wallet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where to act, and where the city's phones receive their messages.
#[derive(Clone)]
pub struct Town {
    /// The platform's address.
    pub url: String,
    inbox: String,
    http: reqwest::Client,
}

/// A person with a funded wallet.
#[derive(Clone)]
pub struct Payer {
    /// The person's client.
    pub wallet: Wallet,
    /// What is kept of the person.
    pub kept: KeptPayer,
}

/// What must be kept of a person to go on after a restart.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeptPayer {
    /// Place in the city's people.
    pub index: usize,
    /// The phone.
    pub phone: String,
    /// The payment PIN.
    pub pin: String,
    /// The wallet.
    pub wallet_id: String,
    /// The linked bank account.
    pub link_id: String,
    session: wallet::Session,
}

impl KeptPayer {
    /// The kept session.
    #[must_use]
    pub const fn session(&self) -> &wallet::Session {
        &self.session
    }
}

/// A shop that can take orders.
#[derive(Clone)]
pub struct Seller {
    /// The shop's client.
    pub merchant: Merchant,
    /// What is kept of the shop.
    pub kept: KeptSeller,
}

/// What must be kept of a shop to go on after a restart.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeptSeller {
    /// Place in the city's shops.
    pub index: usize,
    /// The merchant.
    pub merchant_id: String,
    /// The serial of its key.
    pub serial_no: String,
    /// Its secret key, PKCS#8 PEM.
    pub key: String,
}

/// How often something that will come is asked for, and how many times.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ASK_TIMES: u32 = 300;

impl Town {
    /// The city at `url`, whose messages arrive at `notices`.
    #[must_use]
    pub fn new(url: &str, notices: &str) -> Self {
        Self {
            url: url.to_owned(),
            inbox: notices.trim_end_matches('/').to_owned(),
            http: reqwest::Client::new(),
        }
    }

    /// The city at `url`, whose status says where its messages arrive.
    ///
    /// # Errors
    /// What is no demonstration, for a person.
    pub async fn find(url: &str) -> Result<Self, String> {
        let http = reqwest::Client::new();
        let status: Value = async { http.get(format!("{url}/v1/public/status")).send().await?.json().await }
            .await
            .map_err(|error: reqwest::Error| format!("{url} does not answer as Jialing does: {error}"))?;
        let inbox = status["inbox"]
            .as_str()
            .ok_or_else(|| format!("{url} is no demonstration: it does not say where messages arrive"))?;
        Ok(Self::new(url, inbox))
    }

    /// The newest message's number, so that only later ones are taken.
    async fn newest(&self, phone: &str) -> Result<u64, String> {
        Ok(self
            .messages(phone, 0)
            .await?
            .iter()
            .filter_map(|message| message["id"].as_u64())
            .max()
            .unwrap_or(0))
    }

    /// The code in the first message to `phone` after number `after`.
    async fn code(&self, phone: &str, after: u64) -> Result<String, String> {
        for _ in 0..ASK_TIMES {
            let messages = self.messages(phone, after).await?;
            if let Some(code) = messages.iter().find_map(|message| message["params"]["code"].as_str()) {
                return Ok(code.to_owned());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Err("a one-time code did not arrive".into())
    }

    async fn messages(&self, phone: &str, after: u64) -> Result<Vec<Value>, String> {
        let asked =
            self.http.get(format!("{}/messages?phone={phone}&after={after}", self.inbox)).send().await;
        let answer: Value = match asked {
            Ok(answer) => answer.json().await.map_err(|error| format!("the inbox: {error}"))?,
            Err(error) => return Err(format!("the inbox: {error}")),
        };
        Ok(answer["messages"].as_array().or(answer.as_array()).cloned().unwrap_or_default())
    }

    /// A person arrives: account, device, PIN, identity, wallet, linked bank account, money.
    ///
    /// # Errors
    /// What did not work, for a person.
    pub async fn arrive(&self, person: &Person, bank: &str, fen: u64) -> Result<Payer, String> {
        let phone = &person.phone;
        let after = self.newest(phone).await?;
        Wallet::request_code(&self.url, phone, "sign_up").await.map_err(said("asking for a code"))?;
        let code = self.code(phone, after).await?;
        let wallet =
            Wallet::sign_up(&self.url, phone, &code, &person.password).await.map_err(said("signing up"))?;
        wallet.set_pin(&person.pin).await.map_err(said("choosing a PIN"))?;
        wallet.verify_identity(&person.name, &person.id_number).await.map_err(said("showing an identity"))?;
        let opened = wallet.open(bank).await.map_err(said("opening a wallet"))?;
        let after = self.newest(phone).await?;
        let link = wallet.link(bank, &person.account).await.map_err(said("linking an account"))?;
        let link_id = link.link_id;
        let code = self.code(phone, after).await?;
        wallet.confirm_link(&link_id, &code).await.map_err(said("confirming the link"))?;
        let topup = wallet
            .top_up("FIRST-1", &opened.wallet_id, &link_id, fen, Some(&person.pin))
            .await
            .map_err(said("topping up"))?;
        self.arrived(&wallet, &topup.topup_id).await?;
        let kept = KeptPayer {
            index: person.index,
            phone: phone.clone(),
            pin: person.pin.clone(),
            wallet_id: opened.wallet_id,
            link_id,
            session: wallet.session().clone(),
        };
        Ok(Payer { wallet, kept })
    }

    /// Waits until a top-up has ended well.
    ///
    /// # Errors
    /// How it ended otherwise, for a person.
    pub async fn arrived(&self, wallet: &Wallet, topup_id: &str) -> Result<(), String> {
        for _ in 0..ASK_TIMES {
            let topup = wallet.topup(topup_id).await.map_err(said("asking for a top-up"))?;
            match topup.state.as_str() {
                "SUCCESS" => return Ok(()),
                "FAIL" | "RETURNED" => {
                    return Err(format!(
                        "a top-up failed: {}",
                        topup.reason.as_deref().unwrap_or(&topup.state)
                    ));
                }
                _ => tokio::time::sleep(ASK_EVERY).await,
            }
        }
        Err("a top-up did not arrive in time".into())
    }

    /// A known person signs in on a new device.
    ///
    /// # Errors
    /// What did not work, for a person.
    pub async fn come_back(&self, person: &Person) -> Result<Payer, String> {
        let after = self.newest(&person.phone).await?;
        Wallet::request_code(&self.url, &person.phone, "sign_in").await.map_err(said("asking for a code"))?;
        let code = self.code(&person.phone, after).await?;
        let wallet = Wallet::sign_in(&self.url, &person.phone, &code, &person.password)
            .await
            .map_err(said("signing in"))?;
        let first = |page: Value, field: &str| {
            page["items"]
                .as_array()
                .or(page.as_array())
                .and_then(|items| items.first())
                .and_then(|item| item[field].as_str())
                .map(str::to_owned)
        };
        let wallets = wallet.get("/v1/wallet/wallets").await.map_err(said("listing wallets"))?;
        let links = wallet.get("/v1/wallet/links").await.map_err(said("listing links"))?;
        let kept = KeptPayer {
            index: person.index,
            phone: person.phone.clone(),
            pin: person.pin.clone(),
            wallet_id: first(wallets, "wallet_id").ok_or("the person has no wallet")?,
            link_id: first(links, "link_id").unwrap_or_default(),
            session: wallet.session().clone(),
        };
        Ok(Payer { wallet, kept })
    }

    /// Goes on with a kept person; `None` if the key cannot be read.
    #[must_use]
    pub fn resume_payer(&self, kept: KeptPayer) -> Option<Payer> {
        let wallet = Wallet::resume(&self.url, kept.session.clone())?;
        Some(Payer { wallet, kept })
    }

    /// A shop opens: organisation, merchant, signing key.
    ///
    /// # Errors
    /// What did not work, for a person.
    pub async fn open_shop(
        &self,
        owner: &Wallet,
        shop: &Shop,
        bank: &str,
        number: u64,
    ) -> Result<Seller, String> {
        let organisation = owner
            .register_organisation(&format!("重庆{}有限公司", shop.name), &licence(number))
            .await
            .map_err(said("registering an organisation"))?;
        let new = NewMerchant {
            organisation_id: &organisation.organisation_id,
            name_zh: &shop.name,
            name_en: &shop.name_en,
            mcc: shop.category,
            institution: bank,
        };
        let merchant_id = owner.register_merchant(&new).await.map_err(said("registering a merchant"))?.id;
        let key = SigningKey::generate(Suite::Ed25519);
        let registered =
            owner.register_merchant_key(&merchant_id, &key).await.map_err(said("registering a key"))?;
        let kept = KeptSeller {
            index: shop.index,
            merchant_id,
            serial_no: registered.serial,
            key: key.to_pem().to_string(),
        };
        self.resume_seller(kept).await
    }

    /// Goes on with a kept shop.
    ///
    /// # Errors
    /// A key that cannot be read, or a platform that does not answer; for a person.
    pub async fn resume_seller(&self, kept: KeptSeller) -> Result<Seller, String> {
        let key = SigningKey::from_pkcs8_pem(&kept.key).map_err(|error| format!("a kept key: {error}"))?;
        let merchant = Merchant::connect(&self.url, &kept.merchant_id, key)
            .await
            .map_err(said("reading the platform's keys"))?;
        Ok(Seller { merchant, kept })
    }
}

/// A client's error with what it was doing.
pub fn said(doing: &'static str) -> impl Fn(Error) -> String {
    move |error| format!("{doing}: {error}")
}

/// A unified social credit code (GB 32100-2015) of Chongqing's test range, with its check character.
fn licence(number: u64) -> String {
    const DIGITS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let body = format!("91500199{number:09}");
    let value = |digit: u8| DIGITS.iter().position(|&known| known == digit).unwrap_or(0);
    let sum: usize = body.bytes().zip(WEIGHTS).map(|(digit, weight)| value(digit) * weight).sum();
    format!("{body}{}", DIGITS[(31 - sum % 31) % 31] as char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_carry_the_check_character_of_the_standard() {
        // The example of GB 32100-2015, built from its 17 digits.
        let number = licence(1);
        assert_eq!(number.len(), 18);
        assert_ne!(number, licence(2));
    }
}

//! What the platform answers. Members this client does not use are left out, and members it does not
//! know are ignored, so that a newer platform still serves an older client.

use serde::{Deserialize, Serialize};

/// Money as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Amount {
    /// Minor units.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
}

impl Amount {
    /// `fen` in digital yuan.
    #[must_use]
    pub fn fen(amount: u64) -> Self {
        Self { amount, currency: "CNY".into() }
    }
}

/// In major units with two decimals, as people read it: `12.50`.
impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.amount / 100, self.amount % 100)
    }
}

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Whether more follow in the direction asked for.
    pub has_more: bool,
}

/// A wallet, as its holder sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct WalletView {
    /// The wallet's id.
    pub wallet_id: String,
    /// `I` to `IV`, or `ORGANISATION`.
    pub class: String,
    /// What it may do now, `ACTIVE` for everything.
    pub status: String,
    /// What it holds.
    pub balance: Amount,
    /// What may leave now.
    pub available: Amount,
}

/// A linked bank account.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// Its id.
    pub link_id: String,
    /// The code of the bank.
    pub institution: String,
    /// The account with all but its last digits hidden.
    pub account_mask: String,
    /// How far it has come; `SIGNED` is usable.
    pub state: String,
}

/// Deposit money that becomes wallet money.
#[derive(Clone, Debug, Deserialize)]
pub struct TopUp {
    /// Its id.
    pub topup_id: String,
    /// The app's own number of it.
    pub out_topup_no: String,
    /// How much.
    pub amount: Amount,
    /// `SUCCESS`, `FAIL` and `RETURNED` are final; anything else is under way.
    pub state: String,
    /// Why it failed.
    pub reason: Option<String>,
}

/// Wallet money that becomes deposit money.
#[derive(Clone, Debug, Deserialize)]
pub struct Withdrawal {
    /// Its id.
    pub withdrawal_id: String,
    /// The app's own number of it.
    pub out_withdrawal_no: String,
    /// How much.
    pub amount: Amount,
    /// `SUCCESS`, `FAIL` and `RETURNED` are final; anything else is under way.
    pub state: String,
    /// Why it failed.
    pub reason: Option<String>,
}

/// An order, as whoever pays it sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct PayerOrder {
    /// Its id, the subject of what the device signs.
    pub id: String,
    /// Who is paid, the payee of what the device signs.
    pub merchant_id: String,
    /// The merchant's name in Chinese.
    pub merchant_name_zh: String,
    /// The merchant's name in English.
    pub merchant_name_en: String,
    /// What is sold.
    pub description: String,
    /// What is to be paid.
    pub amount: Amount,
    /// `SUCCESS` once paid.
    pub state: String,
    /// What to ask the receipt for with, if you paid it.
    pub transaction_id: Option<String>,
}

/// One movement in a wallet's history.
#[derive(Clone, Debug, Deserialize)]
pub struct Movement {
    /// Its place in the ledger's log; also the cursor of lists.
    pub id: String,
    /// The transaction: ask for its receipt with it. Both sides see the same id.
    pub transaction_id: String,
    /// The id of what it was for.
    pub subject: String,
    /// `payment`, `refund`, `transfer`, `top_up`, `withdrawal`, `sweep` or `withdrawal_return`.
    pub kind: String,
    /// `in` or `out`.
    pub direction: String,
    /// How much.
    pub amount: Amount,
    /// What the wallet held after it.
    pub balance: Amount,
    /// The other side, as far as this side may know it.
    pub counterparty: Counterparty,
    /// What the order or the payer said it was for.
    pub memo: Option<String>,
    /// When, RFC 3339.
    pub at: String,
}

/// The other side of a movement.
#[derive(Clone, Debug, Deserialize)]
pub struct Counterparty {
    /// A masked or public name.
    pub name: Option<String>,
    /// The same in English.
    pub name_en: Option<String>,
    /// The same for the same other side of this wallet; says nothing elsewhere.
    pub reference: String,
}

/// Who receives under a phone number.
#[derive(Clone, Debug, Deserialize)]
pub struct Payee {
    /// Stands for the payee's wallet in a transfer, until it expires.
    pub payee_token: String,
    /// The name, masked: for the payer to recognise.
    pub name: String,
    /// When the token expires, RFC 3339.
    pub expires_at: String,
}

/// A request to raise the identity level.
#[derive(Clone, Debug, Deserialize)]
pub struct IdentityCheck {
    /// The level asked for.
    pub level: String,
    /// How far it is.
    pub state: String,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// Digital money asked for by a bank, or given back.
#[derive(Clone, Debug, Deserialize)]
pub struct Issuance {
    /// Its id.
    pub issuance_id: String,
    /// The bank's own number of it.
    pub out_issuance_no: String,
    /// How much.
    pub amount: Amount,
    /// How far it has come.
    pub state: String,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// Something a merchant should hear of.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Its id; the same id twice is the same event.
    pub id: String,
    /// `order.paid`, `order.closed`, `refund.succeeded`, `refund.closed` or `refund.abnormal`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Grows per object: of two events about one object, the higher one is newer.
    pub object_version: i64,
    /// The object as it was.
    pub resource: serde_json::Value,
}

/// An organisation that a person represents.
#[derive(Clone, Debug, Deserialize)]
pub struct Organisation {
    /// Its id.
    pub organisation_id: String,
    /// The name on the licence.
    pub name: String,
}

/// A merchant to register.
#[derive(Clone, Debug, Serialize)]
pub struct NewMerchant<'a> {
    /// Whose it is.
    pub organisation_id: &'a str,
    /// The name on receipts, in Chinese.
    pub name_zh: &'a str,
    /// The name on receipts, in English.
    pub name_en: &'a str,
    /// Merchant category code, ISO 18245, four digits.
    pub mcc: &'a str,
    /// The code of the bank that keeps its wallet.
    pub institution: &'a str,
}

/// A merchant, as its owner sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct MerchantView {
    /// Its id, `mchid` in signed requests.
    pub id: String,
    /// `ACTIVE` once it may take orders.
    pub status: String,
    /// Its wallet, once active.
    pub wallet_id: Option<String>,
}

/// A merchant's registered key.
#[derive(Clone, Debug, Deserialize)]
pub struct MerchantKey {
    /// Its serial, `serial_no` in signed requests.
    pub serial: String,
    /// The suite it signs under.
    pub suite: String,
}

/// A bank or the central bank.
#[derive(Clone, Debug, Deserialize)]
pub struct Institution {
    /// Its short code.
    pub code: String,
    /// `CENTRAL` or `OPERATING`.
    pub role: String,
    /// `central` or `deposit`: whose liability its wallets are.
    pub model: String,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
}

/// Whether the platform works, and how far its log has come.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// `operational` when all is well.
    pub status: String,
    /// Where a sandbox's messages can be read; absent in production.
    pub inbox: Option<String>,
    /// Where banks' bulk work is taken, address and port; absent where it is not.
    pub bulk: Option<String>,
    /// Records in the log.
    pub records: u64,
}

/// The money supply at one instant.
#[derive(Clone, Debug, Deserialize)]
pub struct Supply {
    /// The central bank's digital yuan: issued less redeemed.
    pub in_circulation: Amount,
    /// Whether the equation holds for every holder.
    pub balanced: bool,
    /// The sums of each liability holder.
    pub holders: Vec<Holder>,
}

/// One liability holder: `issued − redeemed = in_vaults + in_wallets + in_organisations + in_transit`.
#[derive(Clone, Debug, Deserialize)]
pub struct Holder {
    /// The institution's code.
    pub institution: String,
    /// All it ever issued.
    pub issued: Amount,
    /// All it ever took back.
    pub redeemed: Amount,
    /// In vaults of operating banks.
    pub in_vaults: Amount,
    /// In persons' wallets.
    pub in_wallets: Amount,
    /// In organisations' wallets.
    pub in_organisations: Amount,
    /// On its way between accounts.
    pub in_transit: Amount,
}

impl Holder {
    /// Whether both sides of the equation are equal, counted here and not taken from the platform.
    #[must_use]
    pub fn balances(&self) -> bool {
        let found = [&self.in_vaults, &self.in_wallets, &self.in_organisations, &self.in_transit];
        let found: i128 = found.iter().map(|part| i128::from(part.amount)).sum();
        i128::from(self.issued.amount) - i128::from(self.redeemed.amount) == found
    }
}

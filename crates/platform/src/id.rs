//! Public ids: a prefix that says what it is, then 26 characters that sort by time.
//!
//! An id is a UUIDv7-like 128-bit number: 48 bits of milliseconds, then random bits, written in
//! Crockford base 32 (`ord_06c1v0q3…`). The two highest bits are zero (the ledger derives reversal
//! and expiry ids by setting them) and so are the four lowest: a group's legs and a wallet's several
//! meters take them. The ledger transfer that pays for a thing *is* the thing's number, so paying
//! twice is impossible by construction.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The digits, as in Crockford's base 32, lower case.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits in an id.
const LEN: usize = 26;
/// What each byte counts as a digit; [`NONE`] for those that are none.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut digit = 0;
    while digit < DIGITS.len() {
        values[DIGITS[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};
const NONE: u8 = u8::MAX;

/// What an id names. Implemented by the marker types below.
pub trait Tag: Send + Sync + 'static {
    /// The text before the underscore.
    const PREFIX: &'static str;
}

/// A number that names one `T`.
pub struct Id<T: Tag>(u128, PhantomData<fn() -> T>);

macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident $alias:ident $prefix:literal),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl Tag for $name { const PREFIX: &'static str = $prefix; }
        $(#[$doc])*
        pub type $alias = Id<$name>;
    )* };
}

tags! {
    /// A natural person.
    PersonTag PersonId "per",
    /// An organisation that holds wallets.
    OrganisationTag OrganisationId "org",
    /// A central or operating bank.
    InstitutionTag InstitutionId "ins",
    /// A wallet; also its ledger account and its class meter.
    WalletTag WalletId "wal",
    /// A bound device.
    DeviceTag DeviceId "dev",
    /// A request to raise a person's identity level.
    IdentityCheckTag IdentityCheckId "idc",
    /// A session.
    SessionTag SessionId "ses",
    /// A merchant.
    MerchantTag MerchantId "mch",
    /// A merchant's store.
    StoreTag StoreId "sto",
    /// A merchant's order; also the ledger transfer that pays it.
    OrderTag OrderId "ord",
    /// An attempt to pay an order.
    PaymentTag PaymentId "pay",
    /// A code that a payer shows.
    PaymentCodeTag PaymentCodeId "pcd",
    /// A code that a merchant prints.
    StaticCodeTag StaticCodeId "scd",
    /// What a payer lets a merchant debit.
    DebitAgreementTag DebitAgreementId "dag",
    /// A debit; the number of its order.
    DebitTag DebitId "dbt",
    /// A refund; also its ledger transfer.
    RefundTag RefundId "ref",
    /// A top-up; also its ledger transfer.
    TopUpTag TopUpId "top",
    /// A withdrawal; also its ledger transfer.
    WithdrawalTag WithdrawalId "wdr",
    /// A transfer between persons; also its ledger transfer.
    TransferTag TransferId "tra",
    /// A mandate (sub-wallet); also its meter.
    MandateTag MandateId "man",
    /// A linked bank account.
    LinkTag LinkId "lnk",
    /// An issue or redemption; also its ledger transfer.
    IssuanceTag IssuanceId "iss",
    /// A ledger transfer, whatever it pays for.
    TransactionTag TransactionId "txn",
    /// An event for a merchant.
    EventTag EventId "evt",
    /// A merchant's endpoint that is told of events.
    WebhookTag WebhookId "whk",
    /// A secret that signs messages to an endpoint.
    WebhookSecretTag WebhookSecretId "whs",
    /// A key that seals what a merchant is told.
    ApiKeyTag ApiKeyId "apk",
    /// A notice to a person.
    NoticeTag NoticeId "not",
    /// A one-time challenge.
    ChallengeTag ChallengeId "chl",
    /// An export of an account's history.
    ExportTag ExportId "exp",
    /// A merchant's statement of a day.
    StatementTag StatementId "stm",
    /// A reconciliation with a merchant's own file.
    ReconciliationTag ReconciliationId "rec",
    /// A break that a reconciliation found.
    CaseTag CaseId "cas",
    /// A file that somebody sent.
    FileTag FileId "fil",
    /// An application of a merchant.
    ApplicationTag ApplicationId "app",
    /// An audit entry.
    AuditTag AuditId "aud",
    /// A batch of payouts.
    PayoutTag PayoutId "pob",
    /// A line of a batch of payouts; also its ledger transfer.
    PayoutLineTag PayoutLineId "pol",
    /// The frozen money of an order; also the ledger transfer that freezes it.
    SplitOrderTag SplitOrderId "spf",
    /// A receiver of shares.
    SplitReceiverTag SplitReceiverId "spr",
    /// A request to share out.
    SplitTag SplitId "spl",
    /// A movement of frozen money; also its ledger transfer.
    SplitMoveTag SplitMoveId "spm",
    /// A settlement batch; also the number of the withdrawal that pays it.
    SettlementTag SettlementId "set",
    /// A credential of WebAuthn.
    PasskeyTag PasskeyId "psk",
    /// A new device's request to be let in.
    DeviceRequestTag DeviceRequestId "drq",
    /// A red packet; also the ledger transfer that fills it.
    RedPacketTag RedPacketId "rpk",
    /// A share of a red packet; also its ledger transfer.
    RedPacketShareTag RedPacketShareId "rps",
    /// A person's request to be paid.
    PaymentRequestTag PaymentRequestId "prq",
    /// A bill that is split among several.
    BillSplitTag BillSplitId "bsp",
    /// What somebody wrote to the people who run the platform.
    FeedbackTag FeedbackId "fbk",
    /// What a person asked of the people who run the platform.
    TicketTag TicketId "tkt",
}

impl<T: Tag> Id<T> {
    /// A fresh id for the time `millis` since 1970.
    #[must_use]
    pub fn new(millis: i64) -> Self {
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the system's random source answers");
        Self::from_parts(millis, u128::from_le_bytes(random))
    }

    /// An id of the given time and random bits; for seeded cities.
    #[must_use]
    pub const fn from_parts(millis: i64, random: u128) -> Self {
        let time = (millis as u128 & 0x3fff_ffff_ffff) << 80;
        Self(time | (random & ((1 << 80) - 1) & !0xf), PhantomData)
    }

    /// The bare number.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.0
    }

    /// The id with the given number.
    #[must_use]
    pub const fn from_number(number: u128) -> Self {
        Self(number, PhantomData)
    }

    /// The same number as an id of something else, such as the transfer that pays an order.
    #[must_use]
    pub const fn cast<U: Tag>(self) -> Id<U> {
        Id(self.0, PhantomData)
    }

    /// The number with `n` (1 to 15) in the four lowest bits: a further leg or meter.
    #[must_use]
    pub const fn part(self, n: u8) -> u128 {
        self.0 | (n & 0xf) as u128
    }
}

/// The number an id text ends with, whatever its prefix.
#[must_use]
pub fn parse_number(digits: &str) -> Option<u128> {
    if digits.len() != LEN {
        return None;
    }
    let mut number = 0u128;
    for (place, byte) in digits.bytes().enumerate() {
        let digit = VALUES[usize::from(byte)];
        if digit == NONE || place == 0 && digit > 7 {
            return None;
        }
        number = number << 5 | u128::from(digit);
    }
    Some(number)
}

/// 26 digits for `number`.
#[must_use]
pub fn digits(number: u128) -> String {
    written(number, |digits| digits.to_owned())
}

fn written<T>(number: u128, then: impl FnOnce(&str) -> T) -> T {
    let digits: [u8; LEN] =
        std::array::from_fn(|place| DIGITS[(number >> (5 * (LEN - 1 - place)) & 31) as usize]);
    then(std::str::from_utf8(&digits).expect("digits are ASCII"))
}

impl<T: Tag> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Tag> Copy for Id<T> {}
impl<T: Tag> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T: Tag> Eq for Id<T> {}
impl<T: Tag> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T: Tag> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T: Tag> std::hash::Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T: Tag> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::PREFIX)?;
        f.write_str("_")?;
        written(self.0, |digits| f.write_str(digits))
    }
}
impl<T: Tag> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id of the expected kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {expected}_ followed by 26 lower-case base-32 characters")]
pub struct BadId {
    /// The prefix that was expected.
    pub expected: &'static str,
}

impl<T: Tag> FromStr for Id<T> {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        text.strip_prefix(T::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .and_then(parse_number)
            .map(Self::from_number)
            .ok_or(BadId { expected: T::PREFIX })
    }
}
impl<T: Tag> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
impl<'de, T: Tag> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
// In the tables an id is its public text.
impl<T: Tag> sqlx::Type<sqlx::Any> for Id<T> {
    fn type_info() -> <sqlx::Any as sqlx::Database>::TypeInfo {
        <str as sqlx::Type<sqlx::Any>>::type_info()
    }
}
impl<'q, T: Tag> sqlx::Encode<'q, sqlx::Any> for Id<T> {
    fn encode_by_ref(
        &self,
        to: &mut <sqlx::Any as sqlx::Database>::ArgumentBuffer,
    ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        <String as sqlx::Encode<'q, sqlx::Any>>::encode(self.to_string(), to)
    }
}
impl<'r, T: Tag> sqlx::Decode<'r, sqlx::Any> for Id<T> {
    fn decode(from: <sqlx::Any as sqlx::Database>::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        Ok(<&str as sqlx::Decode<'r, sqlx::Any>>::decode(from)?.parse()?)
    }
}
impl<T: Tag> utoipa::PartialSchema for Id<T> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", T::PREFIX)))
            .build()
            .into()
    }
}
impl<T: Tag> utoipa::ToSchema for Id<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("{}Id", T::PREFIX).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_refuses_other_kinds() {
        let id = OrderId::new(1_780_000_000_000);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().parse::<WalletId>(), Err(BadId { expected: "wal" }));
        assert!("ord_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<OrderId>().is_err());
        assert_eq!(id.number() >> 126, 0);
        assert_eq!(id.number() & 15, 0);
    }

    #[test]
    fn ids_sort_by_time_as_numbers_and_as_text() {
        let (a, b) = (OrderId::new(1_780_000_000_000), OrderId::new(1_780_000_000_001));
        assert!(a < b && a.to_string() < b.to_string());
    }
}

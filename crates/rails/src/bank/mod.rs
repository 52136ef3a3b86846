//! The rail to a bank: deposit money becomes wallet money and back.
//!
//! A person *links* an account: the bank sends a code to the phone it knows, and the code confirms
//! the link, which gives an *agreement*. Under it we *pull* money for a top-up and *push* money for
//! a withdrawal. Both may take a while: the answer is [`Outcome::Accepted`], and later the bank
//! sends a [`BankNotice`], or we [`Bank::query`]. Each day's [`Statement`] settles every doubt.
//!
//! A request carries `not_after`: a bank that gets it later must refuse it. So once that moment has
//! passed, a query that answers "never seen" is a certain no.

mod http;
pub mod iso;
mod notice;
mod statement;
pub mod wire;

use jiff::Timestamp;
use jiff::civil::Date;

pub use http::HttpBank;
pub use iso::{IsoBank, OurSide};
pub use notice::{BadNotice, BankNotice, MAX_NOTICES, NoticeState, read_notice, read_notices};
pub use statement::{Entry, EntryKind, MAX_STATEMENT_PAGES, Statement};

use crate::{Answer, Outcome, Why};

/// What a bank speaks about movements: a setting of the connection to it. Accounts are linked and
/// unlinked in JSON either way: ISO 20022 has no messages for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The JSON of [`wire`].
    #[default]
    Json,
    /// The messages of [`iso`].
    Iso20022,
}

/// An amount in minor units (fen for CNY) of a currency by its ISO 4217 letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units.
    pub amount: u64,
    /// Three capital letters.
    pub currency: String,
}

impl Money {
    /// So many fen of digital or deposit yuan.
    pub fn cny(fen: u64) -> Self {
        Self { amount: fen, currency: "CNY".to_owned() }
    }
}

/// Starts linking an account: the bank sends a code to the phone it has on file.
#[derive(Clone, PartialEq, Eq)]
pub struct StartLink {
    /// Ours, never used for anything else.
    pub reference: String,
    /// The account number.
    pub account: String,
    /// The holder's name as the identity document has it.
    pub holder_name: String,
    /// The holder's identity number.
    pub id_number: String,
    /// The phone the bank must know the holder by.
    pub phone: String,
}

impl std::fmt::Debug for StartLink {
    /// The reference only: the rest is personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StartLink({})", self.reference)
    }
}

/// The bank has sent a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStarted {
    /// The bank's name for this attempt.
    pub link_id: String,
}

/// An account that may be debited and credited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The bank's name for the agreement; stands for the account in every request.
    pub agreement: String,
    /// The account with all but its last four digits masked, for people.
    pub account_mask: String,
}

/// Money moves between the linked account and us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Ours: the same reference moves money once, ever.
    pub reference: String,
    /// The account's agreement.
    pub agreement: String,
    /// How much.
    pub money: Money,
    /// For the account's statement; at most 64 characters.
    pub purpose: String,
    /// A bank that gets the request later refuses it.
    pub not_after: Timestamp,
}

/// The money has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The bank's name for the movement, as its statement shows it.
    pub bank_ref: String,
}

/// A bank, however it is reached. Every call may be repeated with the same reference.
pub trait Bank: Send + Sync {
    /// The institution's id with us.
    fn institution(&self) -> &str;

    /// What its notices are written in.
    fn dialect(&self) -> Dialect {
        Dialect::Json
    }

    /// Asks the bank to send a code to the holder's phone.
    fn start_link<'a>(&'a self, ask: &'a StartLink) -> Answer<'a, Outcome<LinkStarted>>;

    /// Confirms a link with the code the holder received. Refused with `WRONG_CODE`,
    /// `CODE_EXPIRED` or `TOO_MANY_TRIES`.
    fn confirm_link<'a>(
        &'a self,
        reference: &'a str,
        link_id: &'a str,
        code: &'a str,
    ) -> Answer<'a, Outcome<Agreement>>;

    /// Ends an agreement. Ending an ended one is done.
    fn end_link<'a>(&'a self, reference: &'a str, agreement: &'a str) -> Answer<'a, Outcome<()>>;

    /// Debits the linked account for a top-up.
    fn pull<'a>(&'a self, ask: &'a Move) -> Answer<'a, Outcome<Settled>>;

    /// Credits the linked account for a withdrawal.
    fn push<'a>(&'a self, ask: &'a Move) -> Answer<'a, Outcome<Settled>>;

    /// What became of a pull or push. `None`: the bank states that it has never seen `reference`.
    fn query<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Outcome<Settled>>>;

    /// Everything that moved between us on a natural day at UTC+8. Complete once the day is over.
    fn statement(&self, day: Date) -> Answer<'_, Result<Statement, Why>>;
}

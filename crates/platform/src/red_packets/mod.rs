//! Red packets (红包): money that a person sets out for one or several others to take.
//!
//! `ACCEPTED → OPEN → EMPTY | RETURNING → RETURNED`, or `FAIL`. The money leaves the sender's wallet when
//! the packet is made, under the packet's own number, into an account beside that wallet which only this
//! module touches. So what is promised can neither be spent nor lost, and the ledger's sums hold at every
//! step. The shares are decided then too, from the system's random source, and handed out in order.
//!
//! A share is `FREE → PROCESSING → SUCCESS`, or `RETURNED`. Who takes it is decided by one statement
//! (nobody takes two, none is taken twice), then the ledger moves it under the share's own number. What
//! the ledger refuses (a full wallet) is free again for others. After [`VALID_MS`] what nobody took goes
//! back in one movement; a wallet that cannot take it leaves it waiting, and it is tried again.

mod claim;
pub mod follow;
mod give;
mod pot;
pub mod rules;
mod store;
mod view;

use serde::{Deserialize, Serialize};

use crate::devices::EvidenceAsk;
use crate::id::{RedPacketId, RedPacketShareId, WalletId};
use crate::{Money, stored};

pub use claim::{ClaimAsk, claim, claims};
pub use give::{give, keep, reconcile, return_due};
pub use store::greetings;
pub(crate) use store::hold_money_of;
pub use view::{by_token, get, list};

/// The action a device signs to give a red packet.
pub const ACTION: &str = "red_packet";
/// What a device signs as payee where anyone with the link may open it.
pub const ANYONE: &str = "anyone";
/// Shares at most.
pub const MAX_SHARES: u32 = 100;
/// Longest greeting, characters.
pub const MAX_GREETING: usize = 50;
/// How long a red packet can be opened, milliseconds.
pub const VALID_MS: i64 = 86_400_000;

stored! {
    /// How a red packet is shared out.
    #[schema(as = RedPacketKind)]
    pub enum Kind {
        /// To one person.
        Single = "SINGLE",
        /// To several, the same to each, as far as it goes.
        Equal = "EQUAL",
        /// To several, by luck.
        Lucky = "LUCKY",
    }
}

stored! {
    /// Where a red packet stands.
    #[schema(as = RedPacketState)]
    pub enum State {
        /// Written down; the ledger has not said yet.
        Accepted = "ACCEPTED",
        /// Its shares can be taken.
        Open = "OPEN",
        /// All of it was taken; final.
        Empty = "EMPTY",
        /// What nobody took is on its way back.
        Returning = "RETURNING",
        /// What nobody took is back; final.
        Returned = "RETURNED",
        /// The money has not moved and will not; final.
        Fail = "FAIL",
    }
}

stored! {
    /// Where a share stands.
    #[schema(as = RedPacketShareState)]
    pub enum ShareState {
        /// Nobody has it.
        Free = "FREE",
        /// Taken; the money is on its way.
        Processing = "PROCESSING",
        /// The money has arrived; final.
        Success = "SUCCESS",
        /// It went back; final.
        Returned = "RETURNED",
    }
}

/// A red packet is to be given.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedPacketAsk {
    /// The sender's own number of it, the key for ever: 1 to 64 letters, digits and `_ - | * . :`.
    #[schema(example = "spring-2026-1")]
    pub out_packet_no: String,
    /// The wallet that pays.
    pub from_wallet_id: WalletId,
    /// How it is shared out.
    pub kind: Kind,
    /// All of it.
    pub amount: Money,
    /// Into how many shares, 1 to 100; 1 for `SINGLE`.
    pub shares: u32,
    /// A word to whoever opens it, at most 50 characters.
    pub greeting: Option<String>,
    /// Who alone may open it: a wallet id, or the `payee_token` of a look-up. `SINGLE` only.
    pub payee: Option<String>,
    /// The payment PIN, needed above the no-PIN amount.
    pub pin: Option<String>,
    /// What your device signed: action `red_packet`, `payee` as here or `anyone`, subject `out_packet_no`.
    pub evidence: EvidenceAsk,
}

/// A red packet, as its sender sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RedPacket {
    /// Its id.
    pub id: RedPacketId,
    /// The sender's own number of it.
    pub out_packet_no: String,
    /// How it is shared out.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// The wallet that paid.
    pub from_wallet_id: WalletId,
    /// All of it.
    pub amount: Money,
    /// Into how many shares.
    pub shares: i64,
    /// How many were taken.
    pub claimed_shares: i64,
    /// How much was taken.
    pub claimed: Money,
    /// How much went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned: Option<Money>,
    /// The word to whoever opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// What opens it: give it only to those who may.
    pub token: String,
    /// The same as an address.
    pub link: String,
    /// The code of the problem it failed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Who took what; only where one red packet is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Vec<Taken>>,
    /// When it was accepted, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Until when it can be opened, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// What somebody took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RedPacketTaken)]
pub struct Taken {
    /// Who, masked.
    pub name: String,
    /// How much.
    pub amount: Money,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// Whether nobody has more, once all of a lucky one is taken.
    pub best: bool,
}

/// A red packet, as whoever has the link sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RedPacketView {
    /// Its id.
    pub id: RedPacketId,
    /// Who gives, masked.
    pub sender_name: String,
    /// How it is shared out.
    pub kind: Kind,
    /// The word to whoever opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Into how many shares.
    pub shares: i64,
    /// How many were taken.
    pub claimed_shares: i64,
    /// Until when it can be opened, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// What you took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mine: Option<Claim>,
}

/// A share, as the person sees it who took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RedPacketClaim)]
pub struct Claim {
    /// Its id.
    pub id: RedPacketShareId,
    /// Of which red packet.
    pub packet_id: RedPacketId,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: ShareState,
    /// The wallet it goes to.
    pub wallet_id: WalletId,
    /// When it was taken, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
}

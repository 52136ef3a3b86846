//! What a ledger transfer is for. The numbers are in the journal and never change.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal),* $(,)?) => {
        /// What a ledger transfer is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[repr(u16)]
        pub enum Kind { $($(#[$doc])* $name = $number),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The kind with this number.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// The kind's name in the API.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

kinds! {
    /// The central bank (or an institution, of its own liability) issues; the id is an issuance's.
    Issue = 1 "issue",
    /// The reverse of issuing.
    Redeem = 2 "redeem",
    /// Deposit money became wallet money; the id is a top-up's.
    TopUp = 3 "top_up",
    /// Wallet money became deposit money; the id is a withdrawal's.
    Withdrawal = 4 "withdrawal",
    /// A person paid an order; the id is the order's.
    Payment = 5 "payment",
    /// A merchant gave back; the id is the refund's.
    Refund = 6 "refund",
    /// Person to person; the id is the transfer's.
    Transfer = 7 "transfer",
    /// The rest of a closing wallet went to the linked bank account; the id is a withdrawal's.
    Sweep = 8 "sweep",
    /// A withdrawal that the bank refused came back; the id is derived from the withdrawal's.
    WithdrawalReturn = 9 "withdrawal_return",
    /// A leg between two institutions that settles a payment across liability holders.
    Settlement = 10 "settlement",
    /// A bank's own bulk work; the id is the bank's choice and no table has a row for it.
    Bulk = 11 "bulk",
    /// A merchant paid out one line of a batch; the id is the line's.
    Payout = 12 "payout",
    /// What an order brought was frozen for splitting; the id is the freeze's.
    SplitFreeze = 13 "split_freeze",
    /// A share of it went to a receiver; the id is the movement's.
    Split = 14 "split",
    /// A part of it went back to the merchant, or through its wallet to a payer; the id is the movement's.
    SplitRelease = 15 "split_release",
    /// A share came back from a receiver; the id is the movement's.
    SplitReturn = 16 "split_return",
    /// What a settlement costs; the id is the batch's.
    SettlementFee = 17 "settlement_fee",
    /// A person filled a red packet; the id is the packet's.
    RedPacket = 18 "red_packet",
    /// A share of a red packet went to a person; the id is the share's.
    RedPacketShare = 19 "red_packet_share",
    /// What nobody took of a red packet went back; the id is derived from the packet's.
    RedPacketReturn = 20 "red_packet_return",
}

/// What the 16 highest bits of a bank's bulk accounts, transfers and meters are; the next 32 are the
/// bank's number.
pub const BULK_TAG: u16 = 0x3F00;

/// The number of the bank whose bulk account or transfer this is, if it is one.
#[must_use]
pub const fn bulk_bank(id: u128) -> Option<u32> {
    if (id >> 112) as u16 == BULK_TAG { Some((id >> 80) as u32) } else { None }
}

/// What a ledger note holds the digest of. The numbers are in the journal and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u16)]
pub enum NoteKind {
    /// A hash of the audit chain; the id is its place there.
    Audit = 1,
    /// The statement of a day's supply; the id is the day's number since 1970.
    Supply = 2,
    /// A version of a policy; the id is made from its name and version.
    Policy = 3,
    /// The manifest of an exported file; the id is the export's.
    Export = 4,
}

impl NoteKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Audit, Self::Supply, Self::Policy, Self::Export];

    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Audit),
            2 => Some(Self::Supply),
            3 => Some(Self::Policy),
            4 => Some(Self::Export),
            _ => None,
        }
    }

    /// The kind's name in the API and in the tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Supply => "supply",
            Self::Policy => "policy",
            Self::Export => "export",
        }
    }
}

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
}

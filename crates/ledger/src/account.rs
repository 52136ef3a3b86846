//! Accounts: who holds money, and how much.

use crate::Id;

/// What an account is for. The number is in the log and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AccountKind {
    /// Where money comes into being and ends: the only kind that goes below zero, down to the
    /// negated authorised amount. The central bank has one per currency; so has each institution whose wallets are
    /// its own liability.
    Issuance = 1,
    /// An operating institution's digital money held at the central bank.
    Vault = 2,
    /// A person's wallet.
    Personal = 3,
    /// An organisation's or merchant's wallet.
    Organisation = 4,
    /// Money on its way: suspense, clearing.
    Transit = 5,
}

/// Which movements are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freeze {
    /// Nothing may leave.
    pub debit: bool,
    /// Nothing may arrive.
    pub credit: bool,
}

/// An account's present state. Sums only grow; the balance is credits less debits.
///
/// The kernel keeps `debits + debits_held` and `credits + credits_held` within `i64::MAX`, so the
/// balance always fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's number.
    pub id: Id,
    /// ISO 4217 numeric.
    pub currency: u16,
    /// What it is for.
    pub kind: AccountKind,
    /// Whose liability the money is.
    pub holder: u32,
    /// All that ever left, minor units.
    pub debits: u64,
    /// All that ever arrived, minor units.
    pub credits: u64,
    /// Held to leave.
    pub debits_held: u64,
    /// Held to arrive.
    pub credits_held: u64,
    /// Lowest balance.
    pub min: i64,
    /// Highest balance.
    pub max: i64,
    /// Which movements are refused.
    pub freeze: Freeze,
    /// Closed for good.
    pub closed: bool,
}

impl AccountKind {
    /// Every kind, in order of number.
    pub const ALL: [Self; 5] =
        [Self::Issuance, Self::Vault, Self::Personal, Self::Organisation, Self::Transit];

    /// The kind with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Issuance),
            2 => Some(Self::Vault),
            3 => Some(Self::Personal),
            4 => Some(Self::Organisation),
            5 => Some(Self::Transit),
            _ => None,
        }
    }
}

impl Account {
    /// Credits less debits, minor units.
    #[must_use]
    pub const fn balance(&self) -> i64 {
        self.credits as i64 - self.debits as i64
    }

    /// What may leave now: the balance less what is held to leave, above the minimum.
    #[must_use]
    pub const fn available(&self) -> i64 {
        // The difference of the first two fits by the kernel's bound on sums; a minimum near the
        // end of the range could still push it over.
        (self.balance() - self.debits_held as i64).saturating_sub(self.min)
    }
}

//! Wallet classes: the more is known of the holder, the more the wallet may do.

use serde::{Deserialize, Serialize};

use crate::{Problem, Result};

/// A wallet's class. The number is also the number of its policy in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Class {
    /// Opened face to face with identity document and bank account.
    #[serde(rename = "I")]
    One,
    /// Opened remotely with identity, phone and bank account.
    #[serde(rename = "II")]
    Two,
    /// Opened remotely with identity and phone.
    #[serde(rename = "III")]
    Three,
    /// Opened with a phone number alone: anonymous.
    #[serde(rename = "IV")]
    Four,
    /// An organisation's or merchant's wallet, limits by contract.
    #[serde(rename = "ORGANISATION")]
    Organisation,
}

impl Class {
    /// Every class, the widest first.
    pub const ALL: [Self; 5] = [Self::One, Self::Two, Self::Three, Self::Four, Self::Organisation];

    /// The number of its policy in the ledger and in the tables.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
            Self::Organisation => 5,
        }
    }

    /// The class with this number.
    ///
    /// # Errors
    /// `internal`: the number comes from our own table.
    pub fn from_number(number: i64) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|class| i64::from(class.number()) == number)
            .ok_or_else(|| Problem::internal(format!("no wallet class has the number {number}")))
    }

    /// The middle of its policies' names: `wallet_4_single`.
    #[must_use]
    pub const fn policy_name(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Three => "3",
            Self::Four => "4",
            Self::Organisation => "organisation",
        }
    }

    /// The class that a holder may raise this one to by proving more, if there is one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Four => Some(Self::Three),
            Self::Three => Some(Self::Two),
            Self::Two => Some(Self::One),
            Self::One | Self::Organisation => None,
        }
    }

    /// What the holder has to show to reach this class.
    #[must_use]
    pub const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::One => &["identity", "phone", "bank_account", "presence"],
            Self::Two => &["identity", "phone", "bank_account"],
            Self::Three => &["identity", "phone"],
            Self::Four => &["phone"],
            Self::Organisation => &["licence", "legal_representative"],
        }
    }

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "I",
            Self::Two => "II",
            Self::Three => "III",
            Self::Four => "IV",
            Self::Organisation => "ORGANISATION",
        }
    }
}

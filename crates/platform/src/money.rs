//! Money at the edges: integer minor units with a currency.

use serde::{Deserialize, Serialize};

use crate::{Code, Problem};

/// An amount of money, `{"amount": 1250, "currency": "CNY"}` for 12.50 yuan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units (fen), a whole number.
    #[schema(example = 1250)]
    pub amount: u64,
    /// The currency.
    pub currency: Currency,
}

/// Currencies the ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Currency {
    /// Digital yuan; 100 fen to the yuan.
    CNY,
}

impl Currency {
    /// ISO 4217 numeric.
    #[must_use]
    pub const fn numeric(self) -> u16 {
        match self {
            Self::CNY => 156,
        }
    }
}

impl Money {
    /// Largest amount of one payment, in fen: ten billion yuan.
    pub const MAX: u64 = 1_000_000_000_000;

    /// `fen` in digital yuan.
    #[must_use]
    pub const fn fen(amount: u64) -> Self {
        Self { amount, currency: Currency::CNY }
    }

    /// The amount in fen, if it is above zero and not above [`Money::MAX`].
    ///
    /// # Errors
    /// `amount_invalid`, naming `field`.
    pub fn positive(self, field: &'static str) -> Result<u64, Problem> {
        match self.amount {
            1..=Self::MAX => Ok(self.amount),
            0 => Err(Problem::new(Code::AmountInvalid).field(field).detail("The amount must be above zero.")),
            _ => Err(Problem::new(Code::AmountInvalid)
                .field(field)
                .detail("The amount is above 1,000,000,000,000 fen.")),
        }
    }
}

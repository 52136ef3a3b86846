//! When a merchant asks again about an order whose payer was asked for the PIN, and when it may take
//! the order back.
//!
//! At first every `code_poll_first` seconds; once the payer has had time to take up the phone
//! (`code_reversal_after`), every `code_poll_later`, and from then on the order may be revoked.

use super::{State, TradeType, store};
use crate::{App, Result, policies};

/// The rules in force, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    first: i64,
    later: i64,
    reversal: i64,
}

impl Pace {
    pub(super) async fn in_force(app: &App) -> Result<Self> {
        Ok(Self {
            first: policies::number(app, "code_poll_first").await?,
            later: policies::number(app, "code_poll_later").await?,
            reversal: policies::number(app, "code_reversal_after").await?,
        })
    }

    /// Seconds until the merchant asks again, while its order is being paid.
    pub(super) const fn ask_again(self, row: &store::Row, now: i64) -> Option<i64> {
        match (row.trade_type, row.state_at(now)) {
            (TradeType::Code, State::UserPaying) if now < self.revocable_from(row) => Some(self.first),
            (TradeType::Code, State::UserPaying) => Some(self.later),
            _ => None,
        }
    }

    /// From when an order whose payer was asked may be taken back, milliseconds.
    pub(super) const fn revocable_from(self, row: &store::Row) -> i64 {
        match row.asked_at {
            Some(asked) => asked + self.reversal * 1000,
            None => row.created_at,
        }
    }
}

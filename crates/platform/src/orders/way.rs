//! How an order comes to be paid, and what follows from it.

use crate::id::MandateId;
use crate::{App, Code, Problem, Result, policies};

use super::TradeType;

/// How an order comes to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Somebody scans or opens it.
    Scan,
    /// The merchant charges a mandate.
    Mandate(MandateId),
    /// The merchant charges a code that the payer shows.
    Code,
    /// The payer scanned a code that never changes, and typed the amount.
    Static,
    /// The merchant debits an agreement; it is tried until this time, milliseconds.
    Debit(i64),
}

impl Way {
    /// What the order says of it.
    pub(crate) const fn trade_type(self) -> TradeType {
        match self {
            Self::Scan => TradeType::Qr,
            Self::Mandate(_) => TradeType::Mandate,
            Self::Code => TradeType::Code,
            Self::Static => TradeType::Static,
            Self::Debit(_) => TradeType::Debit,
        }
    }

    /// The mandate it is charged to.
    pub(crate) const fn mandate(self) -> Option<MandateId> {
        match self {
            Self::Mandate(mandate) => Some(mandate),
            _ => None,
        }
    }

    /// When an order that is made at `now` closes unpaid, milliseconds. `asked` is in seconds.
    pub(crate) async fn expiry(self, app: &App, asked: Option<i64>, now: i64) -> Result<i64> {
        let seconds = match self {
            Self::Scan | Self::Mandate(_) => validity(app, asked).await?,
            Self::Code => policies::number(app, "code_order_validity").await?,
            Self::Static => policies::number(app, "order_validity_shortest").await?,
            Self::Debit(until) => return Ok(until),
        };
        Ok(now + seconds * 1000)
    }
}

/// Seconds that an order waits.
async fn validity(app: &App, asked: Option<i64>) -> Result<i64> {
    let Some(asked) = asked else { return policies::number(app, "order_validity").await };
    let (least, most) = (
        policies::number(app, "order_validity_shortest").await?,
        policies::number(app, "order_validity_longest").await?,
    );
    if (least..=most).contains(&asked) {
        Ok(asked)
    } else {
        Err(Problem::new(Code::InvalidRequest)
            .field("expires_in")
            .detail(format!("An order waits from {least} to {most} seconds.")))
    }
}

//! The meter that a payment charges besides the wallet's own.

use super::store;
use crate::id::{MandateId, PersonId, parse_number};
use crate::orders;
use crate::policies::{self, RiskClass};
use crate::{App, Problem, Result, stored};

stored! {
    /// Which limit besides the wallet class's a payment is under.
    pub enum LimitedBy {
        /// A mandate's.
        Mandate = "mandate",
        /// That of codes that never change, per payer and day.
        StaticCode = "static_code",
        /// That of payers' codes charged without the PIN, per payer and day.
        CodeWithoutPin = "code_without_pin",
        /// A debit agreement's.
        DebitAgreement = "debit_agreement",
    }
}

/// A meter besides the wallet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra {
    /// Its number in the ledger.
    pub meter: u128,
    /// What it counts.
    pub by: LimitedBy,
}

impl Extra {
    /// The meter of a mandate.
    #[must_use]
    pub const fn mandate(mandate: MandateId) -> Self {
        Self { meter: mandate.number(), by: LimitedBy::Mandate }
    }

    /// The payer's meter of a risk class, open.
    ///
    /// # Errors
    /// Any fault of the ledger.
    pub(crate) async fn risk(app: &App, class: RiskClass, payer: PersonId) -> Result<Self> {
        let by = match class {
            RiskClass::C => LimitedBy::CodeWithoutPin,
            RiskClass::D => LimitedBy::StaticCode,
        };
        Ok(Self { meter: policies::risk_meter(app, class, payer).await?, by })
    }

    /// What a stored attempt charges.
    pub(super) fn of(row: &store::Row) -> Result<Option<Self>> {
        match (&row.meter, row.limited_by) {
            (Some(meter), Some(by)) => {
                let meter =
                    parse_number(meter).ok_or_else(|| Problem::internal("a stored meter is no number"))?;
                Ok(Some(Self { meter, by }))
            }
            _ => Ok(row.mandate.map(Self::mandate)),
        }
    }

    /// Says that this meter refused, where the wallet's would have let the amount through; and what is
    /// left of it, where the limit is the payer's to know.
    pub(super) async fn name_itself(self, app: &App, problem: Problem) -> Problem {
        let another = problem.extra.as_deref().and_then(|extra| extra.get("limited_by"));
        if another.is_none_or(|by| by != LimitedBy::Mandate.text()) {
            return problem;
        }
        let problem = problem.with("limited_by", self.by.text());
        if !matches!(self.by, LimitedBy::StaticCode | LimitedBy::CodeWithoutPin) {
            return problem;
        }
        match app.engine.allowance(self.meter).await {
            Ok(Some(allowance)) => {
                let limit = allowance.version.map_or(0, |version| version.bounds.day);
                problem.with("limit", limit).with("left", allowance.day)
            }
            _ => problem,
        }
    }
}

/// Whether this problem says that the limit `by` is reached.
pub(crate) fn reached(problem: &Problem, by: LimitedBy) -> bool {
    problem.extra.as_deref().and_then(|extra| extra.get("limited_by")).is_some_and(|said| said == by.text())
}

/// What a merchant that charged an order is told: why, and nothing about the payer's wallet.
pub(crate) fn discreet(problem: Problem, order: &orders::store::Row) -> Problem {
    let agreed = [LimitedBy::Mandate, LimitedBy::DebitAgreement].map(|by| reached(&problem, by));
    let mut told = Problem::new(problem.code).with("order_id", order.id.to_string());
    told.retry_after = problem.retry_after;
    told.internal = problem.internal;
    match agreed {
        [true, _] => told.detail("The mandate's own limit does not allow it."),
        [_, true] => told.detail("The agreement's own limit does not allow it."),
        _ => told,
    }
}

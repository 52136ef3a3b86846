//! The limits of wallet classes: read from the policies, decided by the ledger.

use std::collections::BTreeSet;

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Policy as Bounds, PolicyVersion};

use super::{Policy, all, rules};
use crate::wallets::Class;
use crate::{App, Problem, Result};

/// What a wallet class allows; `None` means no bound. Amounts in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Highest balance.
    pub balance: Option<i64>,
    /// One payment.
    pub single: Option<i64>,
    /// Payments of a natural day.
    pub day: Option<i64>,
    /// Payments of a natural year.
    pub year: Option<i64>,
}

impl Limits {
    /// The highest balance as the ledger keeps it.
    #[must_use]
    pub fn max_balance(&self) -> i64 {
        self.balance.unwrap_or(i64::MAX)
    }
}

/// The limits of `class` in force now.
///
/// # Errors
/// `internal` if one of its policies is missing.
pub async fn limits(app: &App, class: Class) -> Result<Limits> {
    at(&all(app).await?, class, app.clock.millis())
        .ok_or_else(|| Problem::internal(format!("the policies of wallet class {class:?} are not complete")))
}

fn at(versions: &[Policy], class: Class, at: i64) -> Option<Limits> {
    let value = |what: &str| {
        rules::in_force(versions, &format!("wallet_{}_{what}", class.policy_name()), at)
            .map(|policy| policy.value)
    };
    Some(Limits {
        balance: value("balance")?,
        single: value("single")?,
        day: value("day")?,
        year: value("year")?,
    })
}

/// Publishes the limits of every class to the ledger, one policy version per date on which one of
/// its payment limits changes. What is published already is left alone.
///
/// # Errors
/// `internal` if the ledger refuses: a new version would start before one that it knows.
pub async fn publish_classes(app: &App) -> Result<()> {
    let versions = all(app).await?;
    let commands = Class::ALL
        .into_iter()
        .flat_map(|class| ledger_versions(&versions, class))
        .map(Command::PublishPolicy)
        .collect();
    for answer in app.engine.submit_all(commands).await {
        match answer {
            Ok(_) => {}
            Err(SubmitError::Refused(refusal)) => {
                return Err(Problem::internal(format!(
                    "the ledger refused a version of class limits: {refusal}"
                )));
            }
            Err(other) => return Err(Problem::internal(other)),
        }
    }
    Ok(())
}

/// The ledger's versions of `class`, oldest first.
fn ledger_versions(versions: &[Policy], class: Class) -> Vec<PolicyVersion> {
    let names = ["single", "day", "year"].map(|what| format!("wallet_{}_{what}", class.policy_name()));
    let dates: BTreeSet<i64> =
        versions.iter().filter(|policy| names.contains(&policy.name)).map(|policy| policy.from_ms).collect();
    let complete =
        dates.into_iter().filter_map(|date| at(versions, class, date).map(|limits| (date, limits)));
    complete
        .zip(1..)
        .map(|((date, limits), version)| PolicyVersion {
            policy: class.number(),
            version,
            from: u64::try_from(date).unwrap_or(0) * 1_000_000,
            bounds: Bounds {
                single: open(limits.single),
                day: open(limits.day),
                year: open(limits.year),
                ..Bounds::UNBOUNDED
            },
        })
        .collect()
}

fn open(bound: Option<i64>) -> u64 {
    bound.map_or(u64::MAX, |bound| u64::try_from(bound).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, version: i64, from_ms: i64, value: Option<i64>) -> Policy {
        Policy {
            name: name.into(),
            version,
            effective_from: String::new(),
            value,
            unit: "fen".into(),
            source: String::new(),
            mark: "A".into(),
            note: String::new(),
            from_ms,
        }
    }

    #[test]
    fn each_date_of_change_makes_one_ledger_version() {
        let versions = [
            policy("wallet_4_balance", 1, 1, Some(10)),
            policy("wallet_4_single", 1, 1, Some(2)),
            policy("wallet_4_day", 1, 1, Some(5)),
            policy("wallet_4_year", 1, 1, None),
            policy("wallet_4_balance", 2, 4, Some(11)),
            policy("wallet_4_day", 2, 7, Some(6)),
            policy("wallet_4_single", 2, 7, Some(3)),
        ];
        let published: Vec<_> = ledger_versions(&versions, Class::Four)
            .iter()
            .map(|v| (v.version, v.from, v.bounds.single, v.bounds.day, v.bounds.year))
            .collect();
        assert_eq!(published, [(1, 1_000_000, 2, 5, u64::MAX), (2, 7_000_000, 3, 6, u64::MAX)]);
        assert_eq!(at(&versions, Class::Four, 5).and_then(|limits| limits.balance), Some(11));
        assert_eq!(at(&versions, Class::Three, 5), None);
    }
}

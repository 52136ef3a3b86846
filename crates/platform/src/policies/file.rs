//! The versions that ship with the program.

use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use serde::Deserialize;

use super::Policy;

const SHIPPED: &str = include_str!("../../policies.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    policy: Vec<Row>,
}

/// A row as written: without `value` there is no bound.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default = "first")]
    version: i64,
    effective_from: Date,
    value: Option<i64>,
    unit: String,
    source: String,
    mark: Mark,
    #[serde(default)]
    note: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Mark {
    R,
    S,
    A,
}

const fn first() -> i64 {
    1
}

/// Reads the versions that ship; dates begin at midnight UTC+8.
pub(super) fn shipped() -> Result<Vec<Policy>, String> {
    let file: File = toml::from_str(SHIPPED).map_err(|error| format!("policies.toml: {error}"))?;
    file.policy.into_iter().map(policy).collect()
}

fn policy(row: Row) -> Result<Policy, String> {
    let start = row
        .effective_from
        .to_zoned(TimeZone::fixed(offset(8)))
        .map_err(|error| format!("policy {}: {error}", row.name))?;
    let from_ms = start.timestamp().as_millisecond();
    Ok(Policy {
        name: row.name,
        version: row.version,
        effective_from: crate::clock::rfc3339(from_ms),
        value: row.value,
        unit: row.unit,
        source: row.source,
        mark: format!("{:?}", row.mark),
        note: row.note,
        from_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::rules;

    #[test]
    fn what_ships_can_be_read_and_its_versions_follow_each_other() {
        let mut known = Vec::new();
        for policy in shipped().expect("policies.toml is well formed") {
            assert_eq!(rules::misfit(&known, &policy), None);
            assert!(!policy.source.is_empty(), "{} has no source", policy.name);
            assert!(policy.value.is_none_or(|value| value >= 0), "{} is negative", policy.name);
            known.push(policy);
        }
        assert!(known.len() > 40);
    }
}

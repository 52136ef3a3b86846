//! Which version applies.

use super::Policy;

/// The version of `name` in force at `at` (milliseconds): the newest whose date has come.
#[must_use]
pub fn in_force<'a>(versions: &'a [Policy], name: &str, at: i64) -> Option<&'a Policy> {
    versions
        .iter()
        .filter(|policy| policy.name == name && policy.from_ms <= at)
        .max_by_key(|policy| policy.version)
}

/// What is wrong with adding `new` to `known`, versions of the same policy; `None` if nothing is.
///
/// Versions count 1, 2, 3… and each starts no earlier than the one before.
#[must_use]
pub fn misfit(known: &[Policy], new: &Policy) -> Option<String> {
    let newest = known.iter().filter(|policy| policy.name == new.name).max_by_key(|policy| policy.version);
    let (version, from) = newest.map_or((0, i64::MIN), |policy| (policy.version, policy.from_ms));
    if new.version != version + 1 {
        return Some(format!(
            "policy {} has version {version} as its newest, so {} cannot follow",
            new.name, new.version
        ));
    }
    (new.from_ms < from).then(|| {
        format!("version {} of policy {} would start before version {version}", new.version, new.name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(version: i64, from_ms: i64, value: i64) -> Policy {
        Policy {
            name: "no_pin_single".into(),
            version,
            effective_from: crate::clock::rfc3339(from_ms),
            value: Some(value),
            unit: "fen".into(),
            source: String::new(),
            mark: "A".into(),
            note: String::new(),
            from_ms,
        }
    }

    #[test]
    fn the_newest_version_whose_date_has_come_is_in_force() {
        let versions = [version(1, 100, 1), version(2, 200, 2), version(3, 300, 3)];
        let check = |at: i64, expect: Option<i64>| {
            assert_eq!(
                in_force(&versions, "no_pin_single", at).and_then(|policy| policy.value),
                expect,
                "at {at}"
            );
        };
        check(99, None);
        check(100, Some(1));
        check(199, Some(1));
        check(200, Some(2));
        check(i64::MAX, Some(3));
        assert_eq!(in_force(&versions, "another", i64::MAX), None);
    }

    #[test]
    fn versions_follow_each_other_in_number_and_date() {
        let known = [version(1, 100, 1)];
        let check = |new: Policy, fits: bool| assert_eq!(misfit(&known, &new).is_none(), fits, "{new:?}");
        check(version(2, 100, 5), true);
        check(version(2, 300, 5), true);
        check(version(2, 99, 5), false);
        check(version(3, 300, 5), false);
        check(version(1, 300, 5), false);
        assert!(misfit(&[], &version(1, 0, 1)).is_none());
        assert!(misfit(&[], &version(2, 0, 1)).is_some());
    }
}

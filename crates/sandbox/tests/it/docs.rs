//! The reference page says what the code does.

use jialing_sandbox::bank::{MAGIC_AMOUNTS, MAGIC_CODE_NEVER, VISITOR_PREFIX};
use jialing_sandbox::city::{ACCOUNT_PREFIX, AREA_CODE, City, CitySize, PHONE_PREFIX};

const PAGE: &str = include_str!("../../../../docs/reference/sandbox.md");

#[test]
fn every_magic_amount_and_range_is_in_the_reference() {
    // The page's first half has magic amounts of its own: those of orders.
    let (_, city) = PAGE.split_once("\n# The simulated city\n").expect("the city's half");
    for (end, kind, code) in MAGIC_AMOUNTS {
        let kind = serde_json::to_string(&kind).unwrap();
        let line = city
            .lines()
            .find(|line| line.starts_with(&format!("| `.{end}` |")))
            .unwrap_or_else(|| panic!("no line for .{end}"));
        assert!(line.contains(kind.trim_matches('"')), "{line}");
        assert!(code.is_none_or(|code| line.contains(code)), "{line}");
    }
    for text in [MAGIC_CODE_NEVER, VISITOR_PREFIX, ACCOUNT_PREFIX, AREA_CODE, PHONE_PREFIX] {
        assert!(PAGE.contains(&format!("`{text}")), "{text}");
    }
    let six = CitySize { banks: 6, ..CitySize::default() };
    for bank in City::invent(1, six).banks {
        assert!(PAGE.contains(bank.institution), "{}", bank.institution);
        assert!(PAGE.contains(bank.name) && PAGE.contains(bank.suite.wire_name()));
    }
}

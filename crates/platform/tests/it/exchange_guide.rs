//! The guide on topping up and withdrawing names every state, every outcome and only real policies.

use std::path::Path;

use jialing_platform::exchange::State;
use jialing_platform::exchange::reconcile::Compared;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first cells of a table's rows, without marks.
fn rows(guide: &str, header: &str) -> Vec<String> {
    let (_, table) = guide.split_once(header).unwrap_or_else(|| panic!("no table {header}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).expect("a cell").trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn the_tables_of_states_and_outcomes_are_whole_and_in_order() {
    let guide = read("docs/guides/topping-up-and-withdrawing.md");
    let states: Vec<String> = State::ALL.iter().map(|state| state.text().to_owned()).collect();
    assert_eq!(rows(&guide, "| state | meaning | end |"), states);
    let outcomes: Vec<String> = Compared::ALL.iter().map(|outcome| outcome.text().to_owned()).collect();
    assert_eq!(rows(&guide, "| outcome | meaning |"), outcomes);
}

#[test]
fn the_policies_that_the_guide_names_are_there() {
    let (guide, policies) =
        (read("docs/guides/topping-up-and-withdrawing.md"), read("crates/platform/policies.toml"));
    let named: Vec<&str> = guide
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            ["link_", "links_", "bank_"].iter().any(|start| word.starts_with(start)) && *word != "link_id"
        })
        .collect();
    assert!(named.len() >= 8, "{named:?}");
    for name in named {
        assert!(policies.contains(&format!("name = \"{name}\"")), "no policy is called {name}");
    }
}

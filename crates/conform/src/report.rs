//! What a run of the suite says.

use serde::{Deserialize, Serialize};

use crate::Scenario;

/// The version of the suite: which scenarios there are and what each demands.
pub(crate) const SUITE: &str = "2026-11";

/// The system that was tested, as its makers call it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
}

/// Something that the driver did and found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What was done or asked.
    pub what: String,
    /// What had to come.
    pub expected: String,
    /// What came.
    pub got: String,
    /// Whether that is right.
    pub right: bool,
}

/// What the sandbox saw of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tick {
    /// When, RFC 3339.
    pub at: String,
    /// Which order, refund or event showed it.
    pub evidence: String,
}

/// What is known of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Which.
    pub scenario: Scenario,
    /// What the sandbox saw in the traffic; absent where it saw nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Tick>,
    /// What the driver did and found; empty where nobody drove.
    #[serde(default)]
    pub steps: Vec<Step>,
}

impl Outcome {
    /// Passed: seen in the traffic, and no step was wrong.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.seen.is_some() && self.steps.iter().all(|step| step.right)
    }
}

/// A report of the suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The suite's version.
    pub suite: String,
    /// When it was made, RFC 3339, real time.
    pub made_at: String,
    /// The sandbox.
    pub sandbox_id: String,
    /// The merchant whose traffic it was.
    pub merchant_id: String,
    /// The system.
    pub system: System,
    /// One for each scenario, in the order of the suite.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// A report of `outcomes`; scenarios that are not among them were not seen.
    #[must_use]
    pub fn new(
        made_at: String,
        sandbox_id: String,
        merchant_id: String,
        system: System,
        outcomes: &[Outcome],
    ) -> Self {
        let of = |scenario: Scenario| {
            let known = outcomes.iter().find(|outcome| outcome.scenario == scenario).cloned();
            known.unwrap_or(Outcome { scenario, seen: None, steps: Vec::new() })
        };
        let outcomes = Scenario::ALL.map(of).to_vec();
        Self { suite: SUITE.to_owned(), made_at, sandbox_id, merchant_id, system, outcomes }
    }

    /// Every scenario of the suite passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        Scenario::ALL.iter().all(|scenario| {
            self.outcomes.iter().any(|outcome| outcome.scenario == *scenario && outcome.passed())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(scenario: Scenario, seen: bool, right: Option<bool>) -> Outcome {
        let seen = seen.then(|| Tick { at: String::new(), evidence: String::new() });
        let step = |right| Step { what: String::new(), expected: String::new(), got: String::new(), right };
        Outcome { scenario, seen, steps: right.map(step).into_iter().collect() }
    }

    fn report(outcomes: &[Outcome]) -> Report {
        Report::new(String::new(), String::new(), String::new(), System::default(), outcomes)
    }

    #[test]
    fn a_report_passes_when_every_scenario_was_seen_and_no_step_was_wrong() {
        let check = |seen: bool, right: Option<bool>, expect: bool| {
            let mut outcomes = Scenario::ALL.map(|scenario| outcome(scenario, true, None)).to_vec();
            outcomes[3] = outcome(Scenario::ALL[3], seen, right);
            assert_eq!(report(&outcomes).passed(), expect, "{seen} {right:?}");
        };
        check(true, None, true);
        check(true, Some(true), true);
        check(true, Some(false), false);
        check(false, Some(true), false);
        check(false, None, false);
        assert!(!report(&[]).passed(), "nothing was seen");
        let short = Report { outcomes: Vec::new(), ..report(&[]) };
        assert!(!short.passed(), "what is left out did not pass");
    }
}

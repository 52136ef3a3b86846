//! Faults on order: what a service does wrong with the next requests that match.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// The most faults that wait at one service.
const MOST_WAITING: usize = 1_000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request has its effect, and no answer ever comes.
    Timeout,
    /// The request has no effect, and no answer ever comes.
    TimeoutBefore,
    /// Status 500 before any effect.
    #[serde(rename = "error_500")]
    Error500,
    /// Status 500 after the effect.
    #[serde(rename = "error_500_after")]
    Error500After,
    /// The request has its effect, and the connection breaks in the middle of the answer.
    Torn,
    /// The request has its effect, and the answer is signed by a key nobody knows.
    BadSignature,
    /// A well-formed refusal; `code` says which.
    Refusal,
    /// The request has its effect, and the answer says that the outcome is unknown.
    Unknown,
    /// Accepted, and done only `delay_s` later (30 s by default).
    LateSuccess,
    /// Accepted, and refused `delay_s` later (30 s by default).
    LateRefusal,
    /// The notice about the movement comes twice.
    DuplicateNotice,
    /// The notice never comes: only a query or the statement tells.
    LostNotice,
    /// The notice comes `delay_s` late (10 s by default), after those of later movements.
    OutOfOrder,
    /// A push succeeds and comes back `delay_s` later (30 s by default).
    Returned,
}

/// Which requests a fault is for. An empty match is for every request of the rail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The path begins with this.
    #[serde(default)]
    pub path: String,
    /// The path or the body contains this: a reference, an agreement, an account, a phone.
    #[serde(default)]
    pub contains: String,
}

/// A fault that waits for requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For how many requests; 1 by default.
    #[serde(default = "once")]
    pub times: u32,
    /// For which.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// Seconds of the city's clock, for the kinds that delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_s: Option<u32>,
    /// The code of a refusal; `SANDBOX_REFUSAL` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault for the next request.
    pub fn once(kind: FaultKind) -> Self {
        Self { kind, times: 1, matches: Match::default(), delay_s: None, code: None }
    }

    /// The same for requests whose path or body contains `text`.
    #[must_use]
    pub fn containing(mut self, text: &str) -> Self {
        self.matches.contains = text.to_owned();
        self
    }

    /// The same for requests whose path begins with `path`.
    #[must_use]
    pub fn on(mut self, path: &str) -> Self {
        self.matches.path = path.to_owned();
        self
    }

    /// Seconds to delay, or the kind's default.
    pub(crate) fn delay_s(&self) -> i64 {
        let default = match self.kind {
            FaultKind::OutOfOrder => 10,
            _ => 30,
        };
        self.delay_s.map_or(default, i64::from)
    }

    pub(crate) fn code(&self) -> &str {
        self.code.as_deref().unwrap_or("SANDBOX_REFUSAL")
    }
}

/// The faults that wait at one service, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds a fault; false when too many wait.
    pub(crate) fn order(&self, fault: Fault) -> bool {
        let mut waiting = self.lock();
        if waiting.len() >= MOST_WAITING {
            return false;
        }
        if fault.times > 0 {
            waiting.push(fault);
        }
        true
    }

    /// The oldest fault for this request, with one of its times used up.
    pub(crate) fn take(&self, target: &str, body: &str) -> Option<Fault> {
        let mut waiting = self.lock();
        let at = waiting.iter().position(|fault| {
            let Match { path, contains } = &fault.matches;
            target.starts_with(path.as_str())
                && (target.contains(contains.as_str()) || body.contains(contains.as_str()))
        })?;
        waiting[at].times -= 1;
        let fault = waiting[at].clone();
        if fault.times == 0 {
            waiting.remove(at);
        }
        Some(fault)
    }

    pub(crate) fn waiting(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().expect("no holder panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_for_what_matches_and_for_so_many_times() {
        let faults = Faults::default();
        let kinds = |target: &str, body: &str| faults.take(target, body).map(|f| f.kind);
        faults.order(Fault::once(FaultKind::Torn).on("/rail/v1/pulls").containing("top_1"));
        faults.order(Fault { times: 2, ..Fault::once(FaultKind::Timeout) });
        faults.order(Fault { times: 0, ..Fault::once(FaultKind::Unknown) });
        assert_eq!(kinds("/rail/v1/pushes", "top_1"), Some(FaultKind::Timeout));
        assert_eq!(kinds("/rail/v1/pulls", "top_1"), Some(FaultKind::Torn));
        assert_eq!(kinds("/rail/v1/pulls", "top_1"), Some(FaultKind::Timeout));
        assert_eq!(kinds("/rail/v1/pulls", "top_1"), None);
        faults.order(Fault::once(FaultKind::Torn));
        faults.clear();
        assert_eq!(faults.waiting(), []);
    }

    #[test]
    fn a_fault_is_ordered_in_json() {
        let read = |text: &str| serde_json::from_str::<Fault>(text);
        assert_eq!(read("{\"kind\":\"error_500\"}").unwrap(), Fault::once(FaultKind::Error500));
        let whole =
            read("{\"kind\":\"late_success\",\"times\":3,\"match\":{\"contains\":\"top_1\"},\"delay_s\":5}")
                .unwrap();
        assert_eq!((whole.times, whole.delay_s()), (3, 5));
        assert_eq!(whole.matches.contains, "top_1");
        assert!(read("{\"kind\":\"mischief\"}").is_err());
        assert!(read("{\"kind\":\"torn\",\"time\":1}").is_err());
    }
}

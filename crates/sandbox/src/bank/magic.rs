//! Test data that makes a bank behave in a known way without ordering a fault.
//!
//! The last two digits of a movement's amount choose: 100.83 yuan times out after its effect. Each
//! works once per reference, so the retry or the query that follows is answered truly. The table is
//! documented in `docs/reference/sandbox.md`, and a test compares the two.

use crate::fault::{Fault, FaultKind};

/// The last two digits of an amount in fen, and what they do to the first request of a reference.
pub const MAGIC_AMOUNTS: [(u64, FaultKind, Option<&str>); 9] = [
    (81, FaultKind::Refusal, Some("INSUFFICIENT_FUNDS")),
    (82, FaultKind::TimeoutBefore, None),
    (83, FaultKind::Timeout, None),
    (84, FaultKind::Unknown, None),
    (85, FaultKind::LateSuccess, None),
    (86, FaultKind::DuplicateNotice, None),
    (87, FaultKind::Error500, None),
    (88, FaultKind::Returned, None),
    (89, FaultKind::LateRefusal, None),
];

/// Account numbers that begin so are opened, with money, when they are first linked.
pub const VISITOR_PREFIX: &str = "621099";

/// A code that no link is ever confirmed with.
pub const MAGIC_CODE_NEVER: &str = "000000";

/// The fault that an amount asks for.
pub(crate) fn fault_of(amount: u64) -> Option<Fault> {
    let (_, kind, code) = MAGIC_AMOUNTS.iter().find(|(end, _, _)| amount % 100 == *end)?;
    Some(Fault { code: code.map(str::to_owned), ..Fault::once(*kind) })
}

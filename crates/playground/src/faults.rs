//! Faults on order: what goes wrong with the next calls of a route, or with the next notices.
//!
//! An order waits for what it matches and is used up by it, oldest first. A single call asks for its
//! own fault by the header `Jialing-Sandbox-Fault: KIND` or `KIND; delay_s=N`.

use std::sync::Mutex;

use axum::http::HeaderMap;
use jialing_platform::{Code, Problem};
use serde::{Deserialize, Serialize};

/// The header by which one call asks for a fault.
pub(crate) const HEADER: &str = "jialing-sandbox-fault";
/// Orders that may wait in a sandbox.
pub(crate) const MOST_WAITING: usize = 100;
/// The longest delay, seconds.
pub(crate) const MOST_DELAY_S: u32 = 3_600;
/// What may be asked for at once by one order.
const MOST_TIMES: u32 = 1_000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A call has no effect, and no answer comes.
    TimeoutBefore,
    /// A call has its effect, and no answer comes.
    TimeoutAfter,
    /// A call has its effect, and is answered `outcome_unknown`.
    Unknown,
    /// A call is answered `outcome_unknown` and has its effect `delay_s` later (5 s of real time).
    LateSuccess,
    /// A call has no effect and is answered `internal`.
    Error,
    /// A call has its effect and is answered `internal`.
    ErrorAfter,
    /// A call has no effect and is answered `overloaded` with `Retry-After: 1`.
    Overloaded,
    /// A call has no effect and is answered `rate_limited` with `Retry-After: 1`.
    RateLimited,
    /// A call has its effect, and the connection breaks in the middle of the answer.
    Torn,
    /// A call has its effect, and the answer's signature does not fit.
    BadSignature,
    /// A notice comes twice.
    DuplicateNotice,
    /// A notice comes after the next one.
    OutOfOrderNotice,
    /// A notice comes `delay_s` later (60 s of the sandbox's clock).
    LateNotice,
    /// A notice never comes: only a query or the statement tells.
    LostNotice,
    /// Before the notice comes one with its content that nobody of ours signed. It must be refused.
    ForgedNotice,
    /// Before the notice comes a copy of it that was signed ten minutes ago. It must be refused.
    StaleNotice,
}

impl FaultKind {
    /// Every kind, in the order of the reference.
    pub const ALL: [Self; 16] = [
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::Unknown,
        Self::LateSuccess,
        Self::Error,
        Self::ErrorAfter,
        Self::Overloaded,
        Self::RateLimited,
        Self::Torn,
        Self::BadSignature,
        Self::DuplicateNotice,
        Self::OutOfOrderNotice,
        Self::LateNotice,
        Self::LostNotice,
        Self::ForgedNotice,
        Self::StaleNotice,
    ];

    /// Whether it is for notices; the others are for calls.
    #[must_use]
    pub const fn is_of_notices(self) -> bool {
        matches!(
            self,
            Self::DuplicateNotice
                | Self::OutOfOrderNotice
                | Self::LateNotice
                | Self::LostNotice
                | Self::ForgedNotice
                | Self::StaleNotice
        )
    }

    /// Its name in orders and in the reference.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimeoutBefore => "timeout_before",
            Self::TimeoutAfter => "timeout_after",
            Self::Unknown => "unknown",
            Self::LateSuccess => "late_success",
            Self::Error => "error",
            Self::ErrorAfter => "error_after",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate_limited",
            Self::Torn => "torn",
            Self::BadSignature => "bad_signature",
            Self::DuplicateNotice => "duplicate_notice",
            Self::OutOfOrderNotice => "out_of_order_notice",
            Self::LateNotice => "late_notice",
            Self::LostNotice => "lost_notice",
            Self::ForgedNotice => "forged_notice",
            Self::StaleNotice => "stale_notice",
        }
    }

    /// Whether the caller does not hear what became of the call.
    pub(crate) const fn takes_the_answer(self) -> bool {
        !self.is_of_notices() && !matches!(self, Self::Overloaded | Self::RateLimited)
    }

    /// Seconds of delay unless the order says.
    const fn default_delay_s(self) -> u32 {
        match self {
            Self::LateSuccess => 5,
            Self::LateNotice => 60,
            _ => 0,
        }
    }

    fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}

/// A fault that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultOrder {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For how many calls or notices, 1 to 1,000; 1 by default.
    #[serde(default = "once")]
    pub times: u32,
    /// For calls: `POST /v1/merchant/orders`; a segment `{}` stands for any, `*` for the rest. Without
    /// it, for every call of a merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// For notices: of this event type only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Seconds, for the kinds that delay; at most 3,600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_s: Option<u32>,
}

const fn once() -> u32 {
    1
}

impl FaultOrder {
    /// Seconds to delay.
    pub(crate) fn delay_s(&self) -> u32 {
        self.delay_s.unwrap_or(self.kind.default_delay_s())
    }

    fn check(&self) -> Result<(), Problem> {
        let wrong = |field: &str, why: &str| {
            Err(Problem::new(Code::InvalidRequest).field(field.to_owned()).detail(why.to_owned()))
        };
        if !(1..=MOST_TIMES).contains(&self.times) {
            return wrong("times", "From 1 to 1,000.");
        }
        if self.delay_s.is_some_and(|delay| delay > MOST_DELAY_S) {
            return wrong("delay_s", "At most 3,600 seconds.");
        }
        if self.kind.is_of_notices() && self.route.is_some() {
            return wrong("route", "A fault of notices is for an `event`, not for a route.");
        }
        if !self.kind.is_of_notices() && self.event.is_some() {
            return wrong("event", "A fault of calls is for a `route`, not for an event.");
        }
        match &self.route {
            Some(route) if !route.split_once(' ').is_some_and(|(_, path)| path.starts_with('/')) => {
                wrong("route", "A method and a path: `POST /v1/merchant/orders`.")
            }
            _ => Ok(()),
        }
    }

    fn is_for_call(&self, method: &str, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        !self.kind.is_of_notices()
            && match self.route.as_ref().and_then(|route| route.split_once(' ')) {
                Some((wanted, pattern)) => wanted == method && fits(pattern, path),
                None => path.starts_with("/v1/merchant/"),
            }
    }

    fn is_for_notice(&self, event: &str) -> bool {
        self.kind.is_of_notices() && self.event.as_deref().is_none_or(|wanted| wanted == event)
    }
}

/// Whether `path` is of the form `pattern`.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (Some("*"), Some(_)) | (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given))
                if wanted.starts_with('{') && wanted.ends_with('}') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

/// The faults that wait in a sandbox, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<FaultOrder>>);

impl Faults {
    /// Adds an order; answers what waits now.
    pub(crate) fn order(&self, order: FaultOrder) -> Result<Vec<FaultOrder>, Problem> {
        order.check()?;
        let mut waiting = self.lock();
        if waiting.len() >= MOST_WAITING {
            return Err(Problem::new(Code::RateLimited).detail("100 faults wait already: use or clear them."));
        }
        waiting.push(order);
        Ok(waiting.clone())
    }

    pub(crate) fn waiting(&self) -> Vec<FaultOrder> {
        self.lock().clone()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// What shall go wrong with this call: what it asks for itself, or the oldest order for it.
    pub(crate) fn of_call(
        &self,
        headers: &HeaderMap,
        method: &str,
        path: &str,
    ) -> Result<Option<FaultOrder>, Problem> {
        match headers.get(HEADER) {
            Some(value) => asked(value.to_str().unwrap_or_default()).map(Some),
            None => Ok(self.take(|order| order.is_for_call(method, path))),
        }
    }

    /// What shall go wrong with the next notice of this type.
    pub(crate) fn of_notice(&self, event: &str) -> Option<FaultOrder> {
        self.take(|order| order.is_for_notice(event))
    }

    fn take(&self, is_meant: impl Fn(&FaultOrder) -> bool) -> Option<FaultOrder> {
        let mut waiting = self.lock();
        let place = waiting.iter().position(is_meant)?;
        waiting[place].times -= 1;
        let order = waiting[place].clone();
        if order.times == 0 {
            waiting.remove(place);
        }
        Some(order)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<FaultOrder>> {
        self.0.lock().expect("no holder panics")
    }
}

/// The fault that a call's own header asks for.
fn asked(header: &str) -> Result<FaultOrder, Problem> {
    let wrong = || {
        Problem::new(Code::InvalidRequest)
            .field("Jialing-Sandbox-Fault")
            .detail("The header says `KIND` or `KIND; delay_s=N`, with a kind for calls.")
    };
    let (kind, rest) = header.split_once(';').unwrap_or((header, ""));
    let kind = FaultKind::named(kind.trim()).filter(|kind| !kind.is_of_notices()).ok_or_else(wrong)?;
    let delay_s = match rest.trim() {
        "" => None,
        rest => Some(rest.strip_prefix("delay_s=").and_then(|n| n.parse().ok()).ok_or_else(wrong)?),
    };
    let order = FaultOrder { kind, times: 1, route: None, event: None, delay_s };
    order.check().map(|()| order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(kind: FaultKind) -> FaultOrder {
        FaultOrder { kind, times: 1, route: None, event: None, delay_s: None }
    }

    #[test]
    fn a_kind_has_one_name() {
        for kind in FaultKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.name());
        }
    }

    #[test]
    fn a_route_fits_by_its_segments() {
        let check = |pattern: &str, path: &str, expect: bool| {
            assert_eq!(fits(pattern, path), expect, "{pattern} {path}");
        };
        check("/v1/merchant/orders", "/v1/merchant/orders", true);
        check("/v1/merchant/orders", "/v1/merchant/orders/1", false);
        check("/v1/merchant/orders/{id}", "/v1/merchant/orders/1", true);
        check("/v1/merchant/orders/{id}", "/v1/merchant/orders/", false);
        check("/v1/merchant/orders/{id}/close", "/v1/merchant/orders/1/close", true);
        check("/v1/merchant/*", "/v1/merchant/orders/1", true);
        check("/v1/merchant/*", "/v1/wallet/orders", false);
    }

    #[test]
    fn an_order_is_used_up_by_what_it_is_for_oldest_first() {
        let faults = Faults::default();
        let none = HeaderMap::new();
        let call =
            |path: &str| faults.of_call(&none, "POST", path).expect("no header").map(|order| order.kind);
        let route = Some("POST /v1/merchant/refunds".to_owned());
        faults.order(FaultOrder { route, ..order(FaultKind::Torn) }).expect("it is fine");
        faults.order(FaultOrder { times: 2, ..order(FaultKind::Unknown) }).expect("it is fine");
        faults
            .order(FaultOrder { event: Some("order.paid".into()), ..order(FaultKind::LostNotice) })
            .expect("it is fine");
        assert_eq!(call("/v1/public/keys"), None);
        assert_eq!(call("/v1/merchant/orders"), Some(FaultKind::Unknown));
        assert_eq!(call("/v1/merchant/refunds"), Some(FaultKind::Torn));
        assert_eq!(call("/v1/merchant/refunds"), Some(FaultKind::Unknown));
        assert_eq!(call("/v1/merchant/refunds"), None);
        assert_eq!(faults.of_notice("order.closed"), None);
        assert_eq!(faults.of_notice("order.paid").map(|order| order.kind), Some(FaultKind::LostNotice));
        assert!(faults.waiting().is_empty());
    }

    #[test]
    fn a_header_asks_for_the_fault_of_its_own_call() {
        let check = |header: &str, expect: Option<(FaultKind, u32)>| {
            let read = asked(header).ok().map(|order| (order.kind, order.delay_s()));
            assert_eq!(read, expect, "{header}");
        };
        check("timeout_after", Some((FaultKind::TimeoutAfter, 0)));
        check("late_success", Some((FaultKind::LateSuccess, 5)));
        check(" late_success ; delay_s=2", Some((FaultKind::LateSuccess, 2)));
        check("late_success; delay_s=3601", None);
        check("late_success; soon", None);
        check("lost_notice", None);
        check("mischief", None);
        check("", None);
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused_by_its_field() {
        let faults = Faults::default();
        let check = |order: FaultOrder, expect: Option<&str>| {
            let refused = faults.order(order).err();
            assert_eq!(refused.and_then(|problem| problem.field).as_deref(), expect);
        };
        check(order(FaultKind::Error), None);
        check(FaultOrder { times: 0, ..order(FaultKind::Error) }, Some("times"));
        check(FaultOrder { times: 1_001, ..order(FaultKind::Error) }, Some("times"));
        check(FaultOrder { delay_s: Some(3_601), ..order(FaultKind::LateSuccess) }, Some("delay_s"));
        check(FaultOrder { route: Some("orders".into()), ..order(FaultKind::Error) }, Some("route"));
        check(FaultOrder { route: Some("GET /".into()), ..order(FaultKind::LostNotice) }, Some("route"));
        check(FaultOrder { event: Some("order.paid".into()), ..order(FaultKind::Error) }, Some("event"));
        for _ in 1..MOST_WAITING {
            faults.order(order(FaultKind::Error)).expect("there is room");
        }
        let full = faults.order(order(FaultKind::Error)).expect_err("there is none");
        assert_eq!(full.code, Code::RateLimited);
    }
}

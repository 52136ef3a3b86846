//! Pure decisions about deliveries.

use jialing_rails::webhook::{BadAddress, NotSent, Sent, WebhookSender};

use super::Attempt;
use crate::outbox::EventType;
use crate::{Code, Problem, Result, text};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Pauses between the tries of one delivery; the last is repeated until [`GIVE_UP_MS`].
const PAUSES_MS: [i64; 16] = [
    15 * SECOND,
    15 * SECOND,
    30 * SECOND,
    3 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    3 * HOUR,
    3 * HOUR,
    3 * HOUR,
    6 * HOUR,
    6 * HOUR,
    12 * HOUR,
];
/// How long a queue rests after so many failures in a row that say that its endpoint is down; then
/// one delivery tries it again.
const RESTS_MS: [i64; 6] = [15 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE];
/// A delivery is given up this long after it was queued.
pub const GIVE_UP_MS: i64 = 7 * 24 * HOUR;
/// An endpoint is disabled after failing for this long without one success.
pub const DISABLE_MS: i64 = 120 * HOUR;
/// The longest `Retry-After` that is honoured.
pub const MAX_RETRY_AFTER_S: u64 = 24 * 3_600;
/// Longest description of an endpoint, characters.
pub const MAX_DESCRIPTION: usize = 100;

/// Milliseconds to the next try after `tries` failed ones, before jitter.
#[must_use]
pub fn pause_ms(tries: i64) -> i64 {
    nth(&PAUSES_MS, tries)
}

/// Milliseconds that a queue rests after `failures` in a row.
#[must_use]
pub fn rest_ms(failures: i64) -> i64 {
    nth(&RESTS_MS, failures)
}

fn nth(table: &[i64], count: i64) -> i64 {
    let place = usize::try_from(count - 1).unwrap_or(0);
    table[place.min(table.len() - 1)]
}

/// `pause` made up to a tenth longer, so that what failed together does not come back together.
/// `chance` is from 0 to 255.
#[must_use]
pub const fn jittered(pause: i64, chance: u8) -> i64 {
    pause + pause / 10 * chance as i64 / 255
}

/// What an attempt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Taken.
    Delivered,
    /// The endpoint wants nothing more.
    Gone,
    /// This event was not taken; another may be. With the seconds that were asked for.
    Refused(Option<u64>),
    /// The endpoint is down or busy. With the seconds that were asked for.
    Down(Option<u64>),
}

/// What the outcome of an attempt says.
pub(super) fn verdict(outcome: &std::result::Result<Sent, NotSent>) -> Verdict {
    match outcome {
        Ok(sent) if sent.is_success() => Verdict::Delivered,
        Ok(sent) => {
            let wait = sent.retry_after_s.map(|seconds| seconds.min(MAX_RETRY_AFTER_S));
            match sent.status {
                410 => Verdict::Gone,
                429 | 502..=504 => Verdict::Down(wait),
                _ => Verdict::Refused(wait),
            }
        }
        Err(_) => Verdict::Down(None),
    }
}

/// The attempt as it is kept.
pub(super) fn attempt(at: i64, took_ms: i64, outcome: &std::result::Result<Sent, NotSent>) -> Attempt {
    const ANSWER: usize = 200;
    let mut attempt = Attempt { number: 0, at, took_ms, status: None, fault: None, answer: None };
    match outcome {
        Ok(sent) => {
            attempt.status = Some(sent.status as i16);
            attempt.answer =
                Some(sent.body.chars().take(ANSWER).collect()).filter(|text: &String| !text.is_empty());
            attempt.fault = (300..400)
                .contains(&sent.status)
                .then(|| "redirects are not followed: register the final address".to_owned());
        }
        Err(fault) => attempt.fault = Some(fault.to_string()),
    }
    attempt
}

/// Checks an address to be told at.
///
/// # Errors
/// `invalid_request`, naming the field.
pub(super) fn address(field: &'static str, url: &str, loopback: bool) -> Result<()> {
    text::url(field, url)?;
    WebhookSender::check(url, loopback).map(drop).map_err(|bad: BadAddress| {
        Problem::new(Code::InvalidRequest).field(field).detail(format!("The address is refused: {bad}."))
    })
}

/// The event types as they are stored: `*`, or each with a comma before and after.
///
/// # Errors
/// `invalid_request` for an empty list or an unknown type.
pub(super) fn filter(events: Option<&[String]>) -> Result<String> {
    let Some(events) = events else { return Ok("*".into()) };
    let refused = |detail: String| Err(Problem::new(Code::InvalidRequest).field("events").detail(detail));
    if events.is_empty() {
        return refused("Name at least one event type, or leave `events` out for all.".into());
    }
    if events.iter().any(|event| event == "*") {
        return Ok("*".into());
    }
    let mut known = Vec::new();
    for event in events {
        match event.parse::<EventType>() {
            Ok(event) if !known.contains(&event) => known.push(event),
            Ok(_) => {}
            Err(_) => {
                return refused(
                    "There is no such event type; see the list in the reference of webhooks.".into(),
                );
            }
        }
    }
    Ok(format!(",{},", known.iter().map(|event| event.text()).collect::<Vec<_>>().join(",")))
}

/// Whether a stored filter lets the event pass.
pub(super) fn passes(filter: &str, event: EventType) -> bool {
    filter == "*" || filter.contains(&format!(",{event},"))
}

/// A stored filter as it is shown.
pub(super) fn shown(filter: &str) -> Vec<String> {
    filter.split(',').filter(|event| !event.is_empty()).map(str::to_owned).collect()
}

/// Scheme, host and port of an address.
pub(super) fn origin(url: &str) -> String {
    let end = url.find("://").map_or(0, |at| at + 3);
    let host = url[end..].find(['/', '?']).map_or(url.len(), |at| end + at);
    url[..host].to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_as_published_until_the_seventh_day() {
        let check = |tries: i64, seconds: i64| assert_eq!(pause_ms(tries), seconds * SECOND, "{tries}");
        let published =
            [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];
        for (tries, seconds) in (1..).zip(published) {
            check(tries, seconds);
        }
        check(16, 43_200);
        check(1_000, 43_200);
    }

    #[test]
    fn a_queue_rests_five_minutes_at_most() {
        let check = |failures: i64, seconds: i64| assert_eq!(rest_ms(failures), seconds * SECOND);
        check(1, 15);
        check(3, 30);
        check(6, 300);
        check(600, 300);
    }

    #[test]
    fn jitter_adds_a_tenth_at_most() {
        assert_eq!((jittered(15_000, 0), jittered(15_000, 255)), (15_000, 16_500));
    }

    #[test]
    fn an_answer_says_whether_to_go_on() {
        let check = |status: u16, retry_after_s: Option<u64>, expect: Verdict| {
            let sent = Sent { status, retry_after_s, body: String::new(), took_ms: 1 };
            assert_eq!(verdict(&Ok(sent)), expect, "{status}");
        };
        check(200, None, Verdict::Delivered);
        check(204, Some(9), Verdict::Delivered);
        check(301, None, Verdict::Refused(None));
        check(400, None, Verdict::Refused(None));
        check(410, None, Verdict::Gone);
        check(429, Some(7), Verdict::Down(Some(7)));
        check(500, Some(7), Verdict::Refused(Some(7)));
        check(503, Some(1_000_000), Verdict::Down(Some(MAX_RETRY_AFTER_S)));
        assert_eq!(verdict(&Err(NotSent::TimedOut)), Verdict::Down(None));
    }

    #[test]
    fn a_filter_lets_whole_types_pass() {
        let of = |events: &[&str]| filter(Some(&events.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()));
        let paid = of(&["order.paid", "order.paid"]).expect("a type");
        assert_eq!(shown(&paid), ["order.paid"]);
        assert!(passes(&paid, EventType::OrderPaid) && !passes(&paid, EventType::OrderClosed));
        assert!(passes(&filter(None).expect("all"), EventType::OrderClosed));
        assert_eq!(of(&["order.paid", "*"]).expect("all"), "*");
        assert!(of(&[]).is_err() && of(&["order.pai"]).is_err() && of(&[","]).is_err());
    }

    #[test]
    fn the_origin_of_an_address_is_its_queue() {
        let check = |url: &str, expect: &str| assert_eq!(origin(url), expect);
        check("https://Shop.example/paid?x=1", "https://shop.example");
        check("https://shop.example:8443?x", "https://shop.example:8443");
        check("http://127.0.0.1:80", "http://127.0.0.1:80");
    }
}

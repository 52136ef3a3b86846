//! The platform's side: what an integrator's own traffic in the sandbox shows.
//!
//! A [`Watch`] hears each signed call with its outcome, each notice with what the receiver answered, and
//! each change of the platform's key, in order. It decides nothing of the money; a scenario once ticked
//! off stays so. It remembers a bounded number of orders.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Outcome, Scenario, Tick};

/// Orders remembered; the oldest are forgotten.
const MOST_REMEMBERED: usize = 1_000;

/// A call of the merchant, as the sandbox saw it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// `GET`, `POST`…
    pub method: &'a str,
    /// The path, without its query.
    pub path: &'a str,
    /// The body, as sent.
    pub body: &'a [u8],
    /// The status that the platform answered, whether or not the caller heard it.
    pub status: u16,
    /// The platform's answer, where it is known.
    pub answer: &'a Value,
    /// The answer did not reach the caller as it was: a fault took it.
    pub lost: bool,
}

/// A notice and what the receiver answered.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The event's type.
    pub event: &'a str,
    /// The event.
    pub event_id: &'a str,
    /// The object that it is about.
    pub object: &'a str,
    /// What was ordered to be wrong with it, by its name in the reference.
    pub fault: Option<&'a str>,
    /// The platform signed it and it is no replay.
    pub genuine: bool,
    /// The receiver's status; none where it gave no answer.
    pub status: Option<u16>,
    /// The serial of the key that signs now.
    pub serial: &'a str,
}

impl Told<'_> {
    fn taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What is remembered of an order that the integrator submitted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Known {
    order_id: Option<String>,
    /// An answer about it was lost and it was not looked for since.
    missed: bool,
    /// Its notice never went out.
    silent: bool,
}

/// What the traffic has shown so far. It can be written down and read again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    ticks: BTreeMap<Scenario, Tick>,
    /// By the merchant's number.
    orders: BTreeMap<String, Known>,
    in_order: VecDeque<String>,
    refunds: BTreeSet<String>,
    /// Events whose notice was taken once although it was to come twice.
    twice: BTreeSet<String>,
    /// The key that signs since the last change.
    rotated_to: Option<String>,
}

impl Watch {
    /// What was seen of each scenario.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Outcome> {
        let of = |scenario: Scenario| Outcome {
            scenario,
            seen: self.ticks.get(&scenario).cloned(),
            steps: Vec::new(),
        };
        Scenario::ALL.map(of).to_vec()
    }

    /// The platform signs with another key from now on.
    pub fn rotated(&mut self, serial: &str) {
        self.rotated_to = Some(serial.to_owned());
    }

    /// A call whose signature was fine.
    pub fn call(&mut self, call: &Call<'_>, at: &str) {
        let parts: Vec<&str> = call.path.trim_start_matches("/v1/merchant/").split('/').collect();
        match (call.method, &parts[..]) {
            ("POST", ["orders"]) => self.submitted(call, at),
            ("GET", ["orders", "out-trade-no", number]) => self.found(number, call, at),
            ("GET", ["orders", id]) => {
                let number = self.number_of(id);
                if let Some(number) = number {
                    self.found(&number, call, at);
                }
            }
            ("GET", ["orders"]) if call.status == 200 => self.listed(call, at),
            ("POST", ["refunds"]) if call.status < 300 => {
                if let Some(id) = call.answer["id"].as_str() {
                    self.refunds.insert(id.to_owned());
                }
            }
            _ => {}
        }
    }

    fn submitted(&mut self, call: &Call<'_>, at: &str) {
        let body: Value = serde_json::from_slice(call.body).unwrap_or(Value::Null);
        let Some(number) = body["out_trade_no"].as_str() else { return };
        let before = self.orders.get(number).cloned();
        let known = self.remember(number);
        if let Some(id) = call.answer["id"].as_str() {
            known.order_id = Some(id.to_owned());
        }
        known.missed |= call.lost;
        let Some(before) = before else { return };
        if call.lost {
            return;
        }
        if call.status == 200 && !before.missed {
            self.tick(Scenario::DuplicateSubmit, number, at);
        }
        if before.missed && matches!(call.status, 200 | 201) {
            self.remember(number).missed = false;
            self.tick(Scenario::LostAnswer, number, at);
        }
    }

    /// An order was asked for and found.
    fn found(&mut self, number: &str, call: &Call<'_>, at: &str) {
        if call.lost || !matches!(call.status, 200 | 404) {
            return;
        }
        let Some(known) = self.orders.get_mut(number) else { return };
        if std::mem::take(&mut known.missed) {
            self.tick(Scenario::LostAnswer, number, at);
        }
        if call.status == 200 && call.answer["state"] == "SUCCESS" {
            self.healed(number, at);
        }
    }

    /// A list of orders was read: what it shows as paid is known to the caller.
    fn listed(&mut self, call: &Call<'_>, at: &str) {
        if call.lost {
            return;
        }
        for order in call.answer["items"].as_array().into_iter().flatten() {
            if let (Some(number), Some("SUCCESS")) = (order["out_trade_no"].as_str(), order["state"].as_str())
            {
                self.healed(number, at);
            }
        }
    }

    fn healed(&mut self, number: &str, at: &str) {
        if self.orders.get_mut(number).is_some_and(|known| std::mem::take(&mut known.silent)) {
            self.tick(Scenario::Reconciliation, number, at);
        }
    }

    /// The notice about this order will never go out.
    pub fn lost_notice(&mut self, order_id: &str) {
        if let Some(number) = self.number_of(order_id)
            && let Some(known) = self.orders.get_mut(&number)
        {
            known.silent = true;
        }
    }

    /// A notice was handed over.
    pub fn told(&mut self, told: &Told<'_>, at: &str) {
        let refused = told.status.is_some() && !told.taken();
        match (told.fault, told.genuine, told.taken()) {
            (Some("forged_notice"), false, _) if refused => {
                self.tick(Scenario::ForgedNotice, told.event_id, at)
            }
            (Some("stale_notice"), false, _) if refused => {
                self.tick(Scenario::ReplayedNotice, told.event_id, at)
            }
            (fault, true, true) => {
                self.taken(told, at);
                match fault {
                    Some("late_notice" | "out_of_order_notice") => {
                        self.tick(Scenario::LateNotice, told.event_id, at);
                    }
                    Some("duplicate_notice") if !self.twice.insert(told.event_id.to_owned()) => {
                        self.tick(Scenario::DuplicateNotice, told.event_id, at);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn taken(&mut self, told: &Told<'_>, at: &str) {
        if told.event == "order.paid" && self.number_of(told.object).is_some() {
            self.tick(Scenario::Happy, told.object, at);
        }
        if told.event == "refund.succeeded" && self.refunds.contains(told.object) {
            self.tick(Scenario::Refund, told.object, at);
        }
        if self.rotated_to.as_deref() == Some(told.serial) {
            self.tick(Scenario::KeyRotation, told.serial, at);
        }
    }

    fn number_of(&self, order_id: &str) -> Option<String> {
        let mut orders = self.orders.iter();
        orders
            .find(|(_, known)| known.order_id.as_deref() == Some(order_id))
            .map(|(number, _)| number.clone())
    }

    fn remember(&mut self, number: &str) -> &mut Known {
        if !self.orders.contains_key(number) {
            self.in_order.push_back(number.to_owned());
            if self.in_order.len() > MOST_REMEMBERED
                && let Some(oldest) = self.in_order.pop_front()
            {
                self.orders.remove(&oldest);
            }
        }
        self.orders.entry(number.to_owned()).or_default()
    }

    fn tick(&mut self, scenario: Scenario, evidence: &str, at: &str) {
        let tick = || Tick { at: at.to_owned(), evidence: evidence.to_owned() };
        self.ticks.entry(scenario).or_insert_with(tick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const AT: &str = "2026-11-22T08:00:00Z";

    /// What was ticked off by this traffic.
    fn seen(traffic: impl FnOnce(&mut Watch)) -> Vec<&'static str> {
        let mut watch = Watch::default();
        traffic(&mut watch);
        let outcomes = watch.outcomes();
        outcomes
            .iter()
            .filter(|outcome| outcome.seen.is_some())
            .map(|outcome| outcome.scenario.name())
            .collect()
    }

    fn submit(watch: &mut Watch, number: &str, status: u16, lost: bool) {
        let body = json!({ "out_trade_no": number }).to_string();
        let answer = json!({ "id": format!("ord_{number}") });
        let path = "/v1/merchant/orders";
        watch.call(&Call { method: "POST", path, body: body.as_bytes(), status, answer: &answer, lost }, AT);
    }

    fn query(watch: &mut Watch, path: &str, status: u16, answer: &Value) {
        watch.call(&Call { method: "GET", path, body: b"", status, answer, lost: false }, AT);
    }

    fn tell(watch: &mut Watch, fault: Option<&str>, genuine: bool, status: Option<u16>) {
        let told = Told {
            event: "order.paid",
            event_id: "evt_1",
            object: "ord_A",
            fault,
            genuine,
            status,
            serial: "new",
        };
        watch.told(&told, AT);
    }

    #[test]
    fn a_paid_order_counts_when_the_integrator_made_it_and_took_the_notice() {
        assert_eq!(seen(|watch| tell(watch, None, true, Some(200))), [""; 0], "somebody else's order");
        assert_eq!(
            seen(|watch| {
                submit(watch, "A", 201, false);
                tell(watch, None, true, Some(500));
            }),
            [""; 0]
        );
        assert_eq!(
            seen(|watch| {
                submit(watch, "A", 201, false);
                tell(watch, None, true, Some(200));
            }),
            ["happy"]
        );
    }

    #[test]
    fn a_second_submission_is_a_duplicate_or_the_way_back_from_a_lost_answer() {
        let twice = |first_lost: bool, second: u16, second_lost: bool| {
            seen(move |watch| {
                submit(watch, "A", 201, first_lost);
                submit(watch, "A", second, second_lost);
            })
        };
        assert_eq!(twice(false, 200, false), ["duplicate_submit"]);
        assert_eq!(twice(false, 409, false), [""; 0]);
        assert_eq!(twice(true, 200, false), ["lost_answer"]);
        assert_eq!(twice(true, 200, true), [""; 0]);
        let asked = |status: u16, path: &'static str| {
            seen(move |watch| {
                submit(watch, "A", 201, true);
                query(watch, path, status, &json!({ "state": "NOTPAY" }));
            })
        };
        assert_eq!(asked(200, "/v1/merchant/orders/out-trade-no/A"), ["lost_answer"]);
        assert_eq!(asked(404, "/v1/merchant/orders/out-trade-no/A"), ["lost_answer"], "before its effect");
        assert_eq!(asked(200, "/v1/merchant/orders/out-trade-no/B"), [""; 0]);
        assert_eq!(asked(500, "/v1/merchant/orders/out-trade-no/A"), [""; 0]);
    }

    #[test]
    fn a_silent_payment_is_found_by_asking_for_it_or_by_a_list() {
        let found = |path: &'static str, answer: Value| {
            seen(move |watch| {
                submit(watch, "A", 201, false);
                watch.lost_notice("ord_A");
                query(watch, path, 200, &answer);
            })
        };
        let paid = json!({ "state": "SUCCESS" });
        assert_eq!(found("/v1/merchant/orders/ord_A", paid.clone()), ["reconciliation"]);
        assert_eq!(found("/v1/merchant/orders/out-trade-no/A", paid), ["reconciliation"]);
        assert_eq!(found("/v1/merchant/orders/ord_A", json!({ "state": "NOTPAY" })), [""; 0]);
        let list = json!({ "items": [{ "out_trade_no": "A", "state": "SUCCESS" }] });
        assert_eq!(found("/v1/merchant/orders", list), ["reconciliation"]);
    }

    #[test]
    fn notices_count_by_what_was_wrong_with_them() {
        let check = |fault: &'static str, genuine: bool, status: Option<u16>, expect: &[&str]| {
            assert_eq!(seen(|watch| tell(watch, Some(fault), genuine, status)), expect, "{fault} {status:?}");
        };
        check("forged_notice", false, Some(401), &["forged_notice"]);
        check("forged_notice", false, Some(200), &[]);
        check("forged_notice", false, None, &[]);
        check("stale_notice", false, Some(400), &["replayed_notice"]);
        check("stale_notice", false, Some(204), &[]);
        check("late_notice", true, Some(200), &["late_notice"]);
        check("out_of_order_notice", true, Some(200), &["late_notice"]);
        check("late_notice", true, Some(500), &[]);
        check("duplicate_notice", true, Some(200), &[]);
        assert_eq!(
            seen(|watch| {
                tell(watch, Some("duplicate_notice"), true, Some(200));
                tell(watch, Some("duplicate_notice"), true, Some(200));
            }),
            ["duplicate_notice"]
        );
    }

    #[test]
    fn a_changed_key_counts_when_a_notice_of_the_new_one_is_taken() {
        let check = |serial: &'static str, expect: &[&str]| {
            let seen = seen(|watch| {
                watch.rotated(serial);
                tell(watch, None, true, Some(200));
            });
            assert_eq!(seen, expect, "{serial}");
        };
        check("new", &["key_rotation"]);
        check("another", &[]);
    }

    #[test]
    fn a_refund_counts_when_the_integrator_asked_for_it() {
        let refunds = |asked: bool| {
            seen(|watch| {
                let answer = json!({ "id": "ref_1" });
                let path = "/v1/merchant/refunds";
                if asked {
                    let call =
                        Call { method: "POST", path, body: b"{}", status: 201, answer: &answer, lost: false };
                    watch.call(&call, AT);
                }
                let told = Told {
                    event: "refund.succeeded",
                    event_id: "evt_2",
                    object: "ref_1",
                    fault: None,
                    genuine: true,
                    status: Some(200),
                    serial: "k",
                };
                watch.told(&told, AT);
            })
        };
        assert_eq!(refunds(true), ["refund"]);
        assert_eq!(refunds(false), [""; 0]);
    }

    #[test]
    fn what_was_seen_outlives_being_written_down() {
        let mut watch = Watch::default();
        submit(&mut watch, "A", 201, true);
        let text = serde_json::to_string(&watch).expect("JSON");
        let mut read: Watch = serde_json::from_str(&text).expect("it reads");
        submit(&mut read, "A", 200, false);
        assert!(read.outcomes().iter().any(|outcome| outcome.seen.is_some()));
    }
}

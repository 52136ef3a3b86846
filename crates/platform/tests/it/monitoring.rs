//! Monitoring: figures that nodes add up, what is kept, and alerts that are told once.

use std::time::Duration;

use jialing_platform::db::execute_trusted;
use jialing_platform::id::MerchantId;
use jialing_platform::merchants::Caller;
use jialing_platform::monitoring::rules::{
    ENDPOINT_FAILS_MINUTES, KEPT_DAYS, LEAST_REQUESTS, QUIET_MINUTES, WINDOW_MINUTES,
};
use jialing_platform::monitoring::{self, AlertRule, Key, Meter, Monitoring, MonitoringAsk, alerts};
use jialing_platform::outbox::{self, Event, EventsAsk};
use jialing_platform::webhooks;
use jialing_platform::{Code, Tx};
use serde_json::json;

use crate::city::found;
use crate::market::Shop;
use crate::receiver::{Receiver, Say};
use crate::webhooks::{by, deliver, register};
use crate::world::{World, on_each_backend};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const FAST: Duration = Duration::from_millis(3);

fn key(world: &World, merchant: MerchantId, provider: Option<MerchantId>) -> Key {
    Key { merchant, minute: world.clock.millis() / MINUTE_MS, provider }
}

/// The clock stands at a minute's beginning: what a test does before it moves it lies in one minute.
fn at_a_minute(world: &World) {
    world.clock.advance(MINUTE_MS - world.clock.millis() % MINUTE_MS);
}

fn count(world: &World, meter: &Meter, merchant: MerchantId, times: u64, code: Option<Code>) {
    for _ in 0..times {
        meter.note(key(world, merchant, None), FAST, code);
    }
}

async fn seen(world: &World, meter: &Meter, caller: &Caller) -> Monitoring {
    monitoring::of(&world.app, meter, caller, &MonitoringAsk::default()).await.expect("figures")
}

/// What the merchant was told of its integration, the oldest first.
async fn told(world: &World, merchant: MerchantId) -> Vec<Event> {
    let mut events =
        outbox::list(&world.app, merchant, EventsAsk::default()).await.expect("own events").items;
    events.retain(|event| event.event.text().starts_with("integration."));
    events.reverse();
    events
}

fn names(events: &[Event]) -> Vec<(&str, &str)> {
    let name = |event: &'_ Event| event.event.text();
    events.iter().map(|one| (name(one), one.resource["rule"].as_str().unwrap_or_default())).collect()
}

async fn look(world: &World) {
    alerts::look(&world.app).await.expect("looked");
}

#[test]
fn nodes_add_up_what_each_counted_and_a_provider_sees_its_own() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, acting) = (Shop::open(world, 1, "BKB").await, Shop::open(world, 2, "BKA").await);
        at_a_minute(world);
        let (one, two) = (Meter::default(), Meter::default());
        for meter in [&one, &two] {
            count(world, meter, shop.id, 30, None);
            count(world, meter, shop.id, 3, Some(Code::Conflict));
            meter.note(
                key(world, shop.id, Some(acting.id)),
                Duration::from_millis(600),
                Some(Code::NotFound),
            );
        }
        // What a node has not written yet is seen there, and written once it is seen everywhere.
        assert_eq!(seen(world, &one, &shop.caller).await.total.requests, 34);
        assert_eq!(monitoring::flush(&world.app, &one).await.expect("written"), 2);
        assert_eq!(monitoring::flush(&world.app, &one).await.expect("nothing more"), 0);
        assert_eq!(seen(world, &two, &shop.caller).await.total.requests, 68);
        monitoring::flush(&world.app, &two).await.expect("written");
        let all = seen(world, &one, &shop.caller).await;
        assert_eq!((all.total.requests, all.total.failed), (68, 8));
        assert_eq!(all.total.success_percent, Some(88.23));
        assert_eq!((all.total.p50_ms, all.total.p99_ms), (Some(5), Some(1_000)));
        let codes: Vec<_> = all.total.codes.iter().map(|one| (one.code.as_str(), one.count)).collect();
        assert_eq!(codes, [("conflict", 6), ("not_found", 2)]);
        assert_eq!((all.step_minutes, all.series.len()), (1, 1));
        let sides: Vec<_> =
            all.providers.iter().map(|side| (side.merchant_id, side.figures.requests)).collect();
        assert_eq!(sides, [(acting.id, 2)]);
        assert!(all.acting_for.is_empty() && all.alerts.is_empty() && all.webhooks.is_empty());

        let of_provider = seen(world, &one, &acting.caller).await;
        assert_eq!(of_provider.total.requests, 0);
        let sides: Vec<_> =
            of_provider.acting_for.iter().map(|side| (side.merchant_id, side.figures.requests)).collect();
        assert_eq!(sides, [(shop.id, 2)]);
        let for_shop = Caller { provider: Some(acting.id), ..shop.caller.clone() };
        let narrow = seen(world, &one, &for_shop).await;
        assert_eq!((narrow.total.requests, narrow.providers.len()), (2, 0), "nothing of the others");

        let owner = &shop.owner.actor;
        let ask = MonitoringAsk::default();
        let owned = monitoring::owned(&world.app, &one, owner, shop.id, &ask).await.expect("own");
        assert_eq!(owned.total, all.total);
        let theirs = monitoring::owned(&world.app, &one, &acting.owner.actor, shop.id, &ask).await;
        assert_eq!(theirs.expect_err("another's").code, Code::NotFound);
    });
}

#[test]
fn figures_are_kept_thirty_days_and_a_range_has_few_points() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        at_a_minute(world);
        let meter = Meter::default();
        for _ in 0..3 {
            count(world, &meter, shop.id, 2, None);
            world.clock.advance(9 * DAY_MS);
        }
        monitoring::flush(&world.app, &meter).await.expect("written");
        assert_eq!(seen(world, &meter, &shop.caller).await.total.requests, 0, "the last hour");
        let from = world.clock.millis() - 28 * DAY_MS;
        let ask = MonitoringAsk { from: Some(jialing_platform::clock::rfc3339(from)), to: None };
        let all = monitoring::of(&world.app, &meter, &shop.caller, &ask).await.expect("a month");
        assert_eq!((all.total.requests, all.series.len(), all.step_minutes), (6, 3, 360));
        world.clock.advance((KEPT_DAYS - 27) * DAY_MS + 2 * MINUTE_MS);
        assert_eq!(monitoring::expire(&world.app).await.expect("swept"), 1, "one row of one old minute");
        assert_eq!(monitoring::expire(&world.app).await.expect("swept"), 0);
    });
}

#[test]
fn what_cannot_be_written_is_written_the_next_time() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        at_a_minute(world);
        let meter = Meter::default();
        count(world, &meter, shop.id, 4, None);
        // A table that is away is a database that does not take it.
        rename(world, "integration_counts", "away").await;
        monitoring::flush(&world.app, &meter).await.expect_err("nowhere to write to");
        count(world, &meter, shop.id, 1, None);
        rename(world, "away", "integration_counts").await;
        assert_eq!(monitoring::flush(&world.app, &meter).await.expect("written"), 1);
        assert_eq!(seen(world, &Meter::default(), &shop.caller).await.total.requests, 5);
    });
}

async fn rename(world: &World, from: &'static str, to: &'static str) {
    let sql = format!("ALTER TABLE {from} RENAME TO {to}");
    let job = async move |tx: &mut Tx| Ok(execute_trusted(tx, sql.clone()).await?);
    world.app.db.write(job).await.expect("renamed");
}

#[test]
fn an_alert_is_told_once_and_so_is_its_end() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, well) = (Shop::open(world, 1, "BKB").await, Shop::open(world, 2, "BKA").await);
        at_a_minute(world);
        let meter = Meter::default();
        let minute = async |failures: u64| {
            count(world, &meter, shop.id, LEAST_REQUESTS - failures, None);
            count(world, &meter, shop.id, failures, Some(Code::Conflict));
            count(world, &meter, well.id, LEAST_REQUESTS, None);
            monitoring::flush(&world.app, &meter).await.expect("written");
            world.clock.advance(MINUTE_MS);
            look(world).await;
            look(world).await;
        };
        minute(10).await;
        assert!(
            told(world, shop.id).await.is_empty(),
            "the minute is looked at once every node has written it"
        );
        minute(10).await;
        let first = told(world, shop.id).await;
        let both = [("integration.alert", "ERROR_CODE"), ("integration.alert", "SUCCESS_RATE")];
        assert_eq!(sorted(names(&first)), both);
        let code = first.iter().find(|one| one.resource["rule"] == "ERROR_CODE").expect("told");
        let shown = ["subject", "measured", "threshold"].map(|name| code.resource[name].clone());
        assert_eq!(shown, [json!("conflict"), json!(50), json!(10)]);
        for _ in 0..3 {
            minute(10).await;
        }
        assert_eq!(told(world, shop.id).await.len(), 2, "once, not each minute");
        let lasting = seen(world, &meter, &shop.caller).await.alerts;
        let rules: Vec<AlertRule> = lasting.iter().map(|alert| alert.rule).collect();
        assert_eq!(rules, [AlertRule::ErrorCode, AlertRule::SuccessRate]);
        assert!(lasting.iter().all(|alert| alert.recovered_at.is_none()));

        // It is over once the window has passed and nothing was found for as long again.
        for _ in 0..WINDOW_MINUTES + QUIET_MINUTES + 1 {
            minute(0).await;
        }
        let all = told(world, shop.id).await;
        assert_eq!(all.len(), 4, "{:?}", names(&all));
        let over = [("integration.recovered", "ERROR_CODE"), ("integration.recovered", "SUCCESS_RATE")];
        assert_eq!(sorted(names(&all[2..])), over);
        assert!(all[2..].iter().all(|event| event.resource["recovered_at"].is_string()));
        assert!(seen(world, &meter, &shop.caller).await.alerts.is_empty());
        // The next time is another incident, and newer than the one before.
        for _ in 0..3 {
            minute(10).await;
        }
        let again = told(world, shop.id).await;
        assert_eq!(again.len(), 6);
        let version = |event: &Event| (event.resource["rule"].to_string(), event.object_version);
        let (before, after) = (version(&all[2]), again[4..].iter().map(version).collect::<Vec<_>>());
        assert!(after.contains(&(before.0, before.1 + 1)), "{after:?}");
        assert!(told(world, well.id).await.is_empty());
    });
}

fn sorted<'a>(mut names: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    names.sort_unstable();
    names
}

#[test]
fn two_nodes_that_look_together_tell_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        let meter = Meter::default();
        for _ in 0..LEAST_REQUESTS {
            meter.note(key(world, shop.id, None), Duration::from_millis(1_500), None);
        }
        monitoring::flush(&world.app, &meter).await.expect("written");
        world.clock.advance(2 * MINUTE_MS);
        at_a_minute(world);
        let (one, two) = tokio::join!(alerts::look(&world.app), alerts::look(&world.app));
        one.and(two).expect("both looked");
        assert_eq!(names(&told(world, shop.id).await), [("integration.alert", "LATENCY")]);
    });
}

#[test]
fn an_endpoint_that_fails_is_told_after_ten_minutes_and_until_it_takes_events() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let made = register(world, &shop, &server.url, None).await;
        server.say(Say::Status(500, ""));
        webhooks::ping(&world.app, &by(&shop), made.webhook.id).await.expect("queued");
        deliver(world).await;
        world.clock.advance(ENDPOINT_FAILS_MINUTES * MINUTE_MS - 30_000);
        look(world).await;
        assert!(told(world, shop.id).await.is_empty(), "not before ten minutes");
        world.clock.advance(31_000);
        look(world).await;
        look(world).await;
        let first = told(world, shop.id).await;
        assert_eq!(names(&first), [("integration.alert", "ENDPOINT")]);
        assert_eq!(first[0].resource["subject"], made.webhook.id.to_string());
        let figures = seen(world, &Meter::default(), &shop.caller).await.webhooks;
        let [endpoint] = figures.as_slice() else { panic!("{figures:?}") };
        // The ping, and the alert itself.
        assert_eq!((endpoint.delivered, endpoint.failed, endpoint.waiting), (0, 0, 2));
        assert!(
            endpoint.oldest_waiting_seconds.expect("it waits") >= 600 && endpoint.failing_since.is_some()
        );

        server.say(Say::Status(204, ""));
        deliver(world).await;
        world.clock.advance(QUIET_MINUTES * MINUTE_MS + 1_000);
        look(world).await;
        let all = told(world, shop.id).await;
        assert_eq!(names(&all)[1..], [("integration.recovered", "ENDPOINT")]);
        let figures = seen(world, &Meter::default(), &shop.caller).await.webhooks;
        assert_eq!(figures[0].failing_since, None);
    });
}

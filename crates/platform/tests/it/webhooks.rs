//! Webhooks: merchants' servers are told once each, in time, and whatever happens in between.

use jialing_crypto::SigningKey;
use jialing_crypto::hash::hmac_sha256_fits;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_platform::id::{EventId, WebhookId};
use jialing_platform::notices::{self, NoticeCode};
use jialing_platform::outbox::{self, EventType, EventsAsk, KEPT_MS};
use jialing_platform::webhooks::rules::{DISABLE_MS, GIVE_UP_MS, MAX_RETRY_AFTER_S, pause_ms};
use jialing_platform::webhooks::{
    self, ChangeAsk, CreateAsk, DeliveriesAsk, Delivery, DeliveryState, DisabledReason, MAX_WEBHOOKS,
    Manager, NewWebhook, RedeliverAsk, RedeliverManyAsk, RotateAsk, Signers, Status, deliver,
};
use jialing_platform::{Code, PageAsk, orders};
use jialing_rails::webhook::{SendLimits, SystemResolver, WebhookSender};

use crate::city::found;
use crate::market::{Payer, Shop};
use crate::receiver::{Heard, Receiver, Say, base64};
use crate::world::{World, on_each_backend};

/// What the platform signs with here.
pub fn signers() -> (Signers, SigningKey) {
    let key = SigningKey::from_ed25519_seed(&[3; 32]).expect("a key");
    (Signers::new(vec![key.clone()]), key)
}

/// Sends what is due; a silent endpoint is left after `wait_ms`.
pub async fn deliver_within(world: &World, wait_ms: u64) {
    let limits = SendLimits { answer_ms: wait_ms, ..SendLimits::default() };
    let sender = WebhookSender::new(SystemResolver, limits, true).expect("a client");
    deliver::deliver_due(&world.app, &sender, &signers().0).await.expect("delivered");
}

pub async fn deliver(world: &World) {
    deliver_within(world, 10_000).await;
}

pub async fn register(world: &World, shop: &Shop, url: &str, events: Option<&[&str]>) -> NewWebhook {
    let ask = CreateAsk {
        url: url.to_owned(),
        events: events.map(|all| all.iter().map(|event| (*event).to_owned()).collect()),
        description: None,
    };
    let id = WebhookId::new(world.clock.millis());
    webhooks::create(&world.app, &by(shop), id, ask).await.expect("registered")
}

pub fn by(shop: &Shop) -> Manager {
    Manager::server(&shop.caller)
}

async fn close_one(world: &World, shop: &Shop, number: &str) {
    shop.order(world, number, 100).await;
    let name = orders::Name::OutTradeNo(number.to_owned());
    orders::close(&world.app, shop.id, name).await.expect("closed");
}

async fn deliveries(world: &World, shop: &Shop, webhook: WebhookId) -> Vec<Delivery> {
    let ask = DeliveriesAsk::default();
    webhooks::deliveries(&world.app, &by(shop), webhook, ask).await.expect("own deliveries").items
}

pub async fn shown(world: &World, shop: &Shop, webhook: WebhookId) -> webhooks::Webhook {
    webhooks::get(&world.app, &by(shop), webhook).await.expect("own endpoint")
}

/// Whether the message carries a `v1` signature under this secret.
fn signed_with(heard: &Heard, secret: &str) -> bool {
    let secret = base64(secret.strip_prefix("whsec_").expect("the form of Standard Webhooks"));
    let mut text =
        format!("{}.{}.", heard.header("webhook-id"), heard.header("webhook-timestamp")).into_bytes();
    text.extend_from_slice(&heard.body);
    heard
        .header("webhook-signature")
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .any(|tag| hmac_sha256_fits(&secret, &text, &base64(tag)))
}

#[test]
fn an_endpoint_hears_of_a_payment_once_sealed_and_signed() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        let (server, other) = (Receiver::start().await, Receiver::start().await);
        let made = register(world, &shop, &server.url, Some(&["order.paid"])).await;
        let key = made.api_key.expect("the first endpoint brings a sealing key");
        register(world, &shop, &other.url, Some(&["order.closed"])).await;
        let order = shop.order(world, "o-1", 2_800).await;
        ann.pay(world, &order).await.expect("paid");
        deliver(world).await;
        deliver(world).await;

        let heard = server.next().expect("it was told");
        assert!(server.next().is_none() && other.next().is_none(), "once, and only who wants to know");
        let envelope = heard.json();
        assert_eq!((&envelope["type"], heard.path.as_str()), (&"order.paid".into(), "/hook"));
        assert_eq!(heard.header("webhook-id"), envelope["id"].as_str().expect("an id"));
        let resource = heard.opened(&key.key);
        assert_eq!((&resource["id"], &resource["state"]), (&order.id.to_string().into(), &"SUCCESS".into()));
        assert_eq!(resource["version"], envelope["object_version"]);
        assert_eq!(envelope["resource"]["key_id"], key.id.to_string());

        assert!(signed_with(&heard, &made.secret));
        assert!(!signed_with(&heard, "whsec_AAAA"));
        let (_, platform) = signers();
        let v1a = heard.header("webhook-signature").split(' ').find_map(|one| one.strip_prefix("v1a,"));
        let mut text =
            format!("{}.{}.", heard.header("webhook-id"), heard.header("webhook-timestamp")).into_bytes();
        text.extend_from_slice(&heard.body);
        platform.public().verify(&text, &base64(v1a.expect("v1a"))).expect("the platform signed it");
        let ours = CallbackSignature::from_headers(|name| heard.headers.get(name).map(String::as_str))
            .expect("ours");
        ours.verify(platform.public(), &heard.body).expect("the platform signed it");

        let ask = EventsAsk { delivered: Some(true), ..EventsAsk::default() };
        let told = outbox::list(&world.app, shop.id, ask).await.expect("own events").items;
        assert_eq!(told.iter().map(|event| event.event).collect::<Vec<_>>(), [EventType::OrderPaid]);
        let health = shown(world, &shop, made.webhook.id).await.health;
        assert_eq!((health.pending, health.last_delivered_at.is_some()), (0, true));
    });
}

#[test]
fn a_failing_endpoint_is_tried_by_the_published_schedule_until_it_takes_the_event() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let made = register(world, &shop, &server.url, None).await;
        server.say(Say::Status(500, ""));
        close_one(world, &shop, "o-1").await;
        deliver(world).await;
        assert_eq!(server.count(), 1);
        for tries in 1..=4 {
            world.clock.advance(pause_ms(tries) - 1_000);
            deliver(world).await;
            assert_eq!(server.count(), 0, "not before try {}", tries + 1);
            // Jitter adds a tenth at most.
            world.clock.advance(1_000 + pause_ms(tries) / 10);
            deliver(world).await;
            assert_eq!(server.count(), 1, "try {}", tries + 1);
        }
        assert!(shown(world, &shop, made.webhook.id).await.health.failing_since.is_some());
        server.say(Say::Status(204, ""));
        world.clock.advance(pause_ms(5) * 11 / 10);
        deliver(world).await;
        let all = deliveries(world, &shop, made.webhook.id).await;
        let [one] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((one.state, one.attempts.len()), (DeliveryState::Delivered, 6));
        assert_eq!((one.attempts[0].number, one.attempts[0].status), (6, Some(204)));
        assert_eq!(one.attempts[5].answer.as_deref(), Some("said"));
        let health = shown(world, &shop, made.webhook.id).await.health;
        assert_eq!((health.failing_since, health.rests_until), (None, None));
    });
}

#[test]
fn an_event_that_is_refused_holds_up_no_other_and_a_silent_endpoint_rests() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let made = register(world, &shop, &server.url, None).await;
        server.say(Say::Status(400, ""));
        close_one(world, &shop, "o-1").await;
        deliver(world).await;
        server.say(Say::Status(200, ""));
        close_one(world, &shop, "o-2").await;
        deliver(world).await;
        assert_eq!(server.count(), 2, "the second went out beside the first");

        server.say(Say::Nothing);
        for number in ["o-3", "o-4", "o-5"] {
            close_one(world, &shop, number).await;
        }
        deliver_within(world, 100).await;
        assert_eq!(server.count(), 1, "one event found out for all");
        let health = shown(world, &shop, made.webhook.id).await.health;
        assert!(health.rests_until.is_some() && health.pending == 4, "{health:?}");
        server.say(Say::Status(200, ""));
        // What was answered while nobody listened any more is sent again: at least once.
        world.clock.advance(20_000);
        deliver(world).await;
        assert_eq!(server.count(), 4);
        assert_eq!(shown(world, &shop, made.webhook.id).await.health.pending, 0);
    });
}

#[test]
fn an_endpoint_that_asks_for_time_gets_it() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        register(world, &shop, &server.url, None).await;
        server.say(Say::Status(429, "Retry-After: 600\r\n"));
        close_one(world, &shop, "o-1").await;
        deliver(world).await;
        close_one(world, &shop, "o-2").await;
        world.clock.advance(599_000);
        deliver(world).await;
        assert_eq!(server.count(), 1, "nothing before the time it asked for");
        server.say(Say::Status(503, "Retry-After: 99999999\r\n"));
        world.clock.advance(2_000);
        deliver(world).await;
        assert_eq!(server.count(), 1);
        world.clock.advance(MAX_RETRY_AFTER_S as i64 * 1_000 - 1_000);
        deliver(world).await;
        assert_eq!(server.count(), 0);
        server.say(Say::Status(200, ""));
        world.clock.advance(2_000);
        deliver(world).await;
        assert_eq!(server.count(), 2, "a day is the longest that is granted");
    });
}

#[test]
fn an_endpoint_that_is_gone_is_disabled_and_those_concerned_are_told() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let other = Receiver::start().await;
        let made = register(world, &shop, &server.url, None).await;
        let second = register(world, &shop, &other.url, Some(&["webhook.disabled"])).await;
        assert!(second.api_key.is_none(), "the sealing key is shown once");
        server.say(Say::Status(410, ""));
        close_one(world, &shop, "o-1").await;
        deliver(world).await;
        close_one(world, &shop, "o-2").await;
        deliver(world).await;
        assert_eq!(server.count(), 1);
        let webhook = shown(world, &shop, made.webhook.id).await;
        assert_eq!((webhook.status, webhook.disabled_reason), (Status::Disabled, Some(DisabledReason::Gone)));
        let told = other.next().expect("the other endpoint is told");
        let resource = told.opened(&made.api_key.expect("the first").key);
        assert_eq!(resource["webhook_id"], made.webhook.id.to_string());
        let notices = notices::list(&world.app, &shop.owner.actor, &PageAsk::default()).await.expect("own");
        assert_eq!(notices.items[0].code, NoticeCode::WebhookDisabled);
        assert_eq!(notices.items[0].params["reason"], "GONE");
        let first = &deliveries(world, &shop, made.webhook.id).await[0];
        assert_eq!(first.state, DeliveryState::Failed);
    });
}

#[test]
fn an_endpoint_that_fails_for_five_days_is_disabled_and_goes_on_where_it_stopped() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let id = register(world, &shop, &server.url, None).await.webhook.id;
        server.say(Say::Status(502, ""));
        close_one(world, &shop, "o-1").await;
        deliver(world).await;
        world.clock.advance(DISABLE_MS - 60_000);
        deliver(world).await;
        assert_eq!(shown(world, &shop, id).await.status, Status::Active);
        world.clock.advance(13 * 3_600_000);
        deliver(world).await;
        let webhook = shown(world, &shop, id).await;
        assert_eq!(
            (webhook.status, webhook.disabled_reason),
            (Status::Disabled, Some(DisabledReason::Failing))
        );
        webhooks::ping(&world.app, &by(&shop), id).await.expect_err("it is disabled");
        assert_eq!(server.count(), 3);

        server.say(Say::Status(200, ""));
        world.clock.advance(3_600_000 * 12);
        deliver(world).await;
        assert_eq!(server.count(), 0, "it is disabled");
        let ask = ChangeAsk { status: Some(Status::Active), ..ChangeAsk::default() };
        let webhook = webhooks::change(&world.app, &by(&shop), id, ask).await.expect("activated");
        assert_eq!(
            (webhook.status, webhook.disabled_reason, webhook.health.failing_since),
            (Status::Active, None, None)
        );
        deliver(world).await;
        assert_eq!(server.count(), 1, "what waited is sent");
    });
}

#[test]
fn a_delivery_is_given_up_after_seven_days_and_forgotten_with_its_event() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let id = register(world, &shop, &server.url, None).await.webhook.id;
        close_one(world, &shop, "o-1").await;
        let off = ChangeAsk { status: Some(Status::Disabled), ..ChangeAsk::default() };
        let webhook = webhooks::change(&world.app, &by(&shop), id, off).await.expect("disabled");
        assert_eq!(webhook.disabled_reason, Some(DisabledReason::Owner));
        world.clock.advance(GIVE_UP_MS - 60_000);
        webhooks::expire(&world.app).await.expect("swept");
        assert_eq!(deliveries(world, &shop, id).await[0].state, DeliveryState::Pending);
        world.clock.advance(120_000);
        webhooks::expire(&world.app).await.expect("swept");
        assert_eq!(deliveries(world, &shop, id).await[0].state, DeliveryState::Failed);
        // Queued again just before the event is forgotten, it is given up when it is.
        world.clock.advance(KEPT_MS - GIVE_UP_MS - 120_000);
        let event = deliveries(world, &shop, id).await[0].event_id;
        let on = ChangeAsk { status: Some(Status::Active), ..ChangeAsk::default() };
        webhooks::change(&world.app, &by(&shop), id, on).await.expect("activated");
        webhooks::redeliver(&world.app, &by(&shop), event, RedeliverAsk::default()).await.expect("queued");
        world.clock.advance(180_000);
        outbox::expire(&world.app).await.expect("swept");
        deliver(world).await;
        assert_eq!((server.count(), deliveries(world, &shop, id).await[0].state), (0, DeliveryState::Failed));
        world.clock.advance(KEPT_MS + 60_000);
        webhooks::expire(&world.app).await.expect("swept");
        assert_eq!(deliveries(world, &shop, id).await, []);
    });
}

#[test]
fn events_are_delivered_again_one_or_many_to_one_endpoint_or_all() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        let other_shop = Shop::open(world, 3, "BKB").await;
        close_one(world, &shop, "before-there-was-an-endpoint").await;
        let (server, second) = (Receiver::start().await, Receiver::start().await);
        let id = register(world, &shop, &server.url, None).await.webhook.id;
        register(world, &shop, &second.url, Some(&["order.paid"])).await;
        close_one(world, &shop, "o-1").await;
        deliver(world).await;
        assert_eq!((server.count(), second.count()), (1, 0));

        let event = deliveries(world, &shop, id).await[0].event_id;
        let one = RedeliverAsk { webhook_id: Some(id) };
        let redelivered = webhooks::redeliver(&world.app, &by(&shop), event, one).await.expect("queued");
        assert_eq!((redelivered.queued, redelivered.has_more), (1, false));
        deliver(world).await;
        let heard = server.next().expect("told again");
        assert_eq!(heard.header("webhook-id"), event.to_string(), "under the same id, so that it is known");
        assert_eq!(deliveries(world, &shop, id).await[0].attempts.len(), 2);

        let all = RedeliverManyAsk { event: Some(EventType::OrderClosed), ..RedeliverManyAsk::default() };
        let redelivered = webhooks::redeliver_many(&world.app, &by(&shop), all).await.expect("queued");
        assert_eq!((redelivered.queued, redelivered.has_more, redelivered.last), (2, false, Some(event)));
        deliver(world).await;
        assert_eq!((server.count(), second.count()), (2, 0));
        let missed = RedeliverManyAsk { delivered: Some(false), ..RedeliverManyAsk::default() };
        assert_eq!(webhooks::redeliver_many(&world.app, &by(&shop), missed).await.expect("none").queued, 0);
        let later =
            RedeliverManyAsk { since: Some("2999-01-01T00:00:00Z".into()), ..RedeliverManyAsk::default() };
        assert_eq!(webhooks::redeliver_many(&world.app, &by(&shop), later).await.expect("none").queued, 0);
        let bad = RedeliverManyAsk { until: Some("yesterday".into()), ..RedeliverManyAsk::default() };
        let refused = webhooks::redeliver_many(&world.app, &by(&shop), bad).await.expect_err("no time");
        assert_eq!((refused.code, refused.field.as_deref()), (Code::InvalidRequest, Some("until")));

        for refused in [
            webhooks::redeliver(&world.app, &by(&other_shop), event, RedeliverAsk::default()).await,
            webhooks::redeliver(&world.app, &by(&shop), EventId::new(0), RedeliverAsk::default()).await,
            webhooks::redeliver(&world.app, &by(&other_shop), event, one).await,
        ] {
            assert_eq!(refused.expect_err("not theirs").code, Code::NotFound);
        }
    });
}

#[test]
fn a_ping_wakes_a_resting_queue_and_a_replaced_secret_signs_beside_the_new_one() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let made = register(world, &shop, &server.url, Some(&["order.paid"])).await;
        let id = made.webhook.id;
        server.say(Say::Status(503, "Retry-After: 3600\r\n"));
        webhooks::ping(&world.app, &by(&shop), id).await.expect("queued");
        deliver(world).await;
        server.say(Say::Status(200, ""));
        let ping = webhooks::ping(&world.app, &by(&shop), id).await.expect("queued");
        assert_eq!((ping.event, ping.state), (EventType::WebhookPing, DeliveryState::Pending));
        deliver(world).await;
        assert_eq!(server.count(), 2);

        let work = WebhookId::new(world.clock.millis()).cast();
        let ask = RotateAsk { overlap_hours: Some(1) };
        let fresh = webhooks::rotate(&world.app, &by(&shop), id, work, ask).await.expect("rotated");
        let again = webhooks::rotate(&world.app, &by(&shop), id, work, ask).await.expect("the same again");
        assert_eq!((&again.secret, again.old_valid_to.is_some()), (&fresh.secret, true));
        assert_eq!(shown(world, &shop, id).await.secrets.len(), 2);
        let heard = async || {
            webhooks::ping(&world.app, &by(&shop), id).await.expect("queued");
            deliver(world).await;
            server.next().expect("told")
        };
        let both = heard().await;
        assert!(signed_with(&both, &made.secret) && signed_with(&both, &fresh.secret));
        world.clock.advance(3_601_000);
        let one = heard().await;
        assert!(!signed_with(&one, &made.secret) && signed_with(&one, &fresh.secret));
        let long = RotateAsk { overlap_hours: Some(169) };
        let refused = webhooks::rotate(&world.app, &by(&shop), id, work, long).await.expect_err("too long");
        assert_eq!(refused.field.as_deref(), Some("overlap_hours"));
    });
}

#[test]
fn what_was_sent_before_a_crash_is_sent_again_and_nothing_is_lost() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        register(world, &shop, &server.url, None).await;
        server.say(Say::Nothing);
        close_one(world, &shop, "o-1").await;
        // The process dies after the endpoint heard it and before its answer was written down.
        let worker = deliver::keep(&world.app, signers().0).expect("a worker");
        let first = server.wait().await;
        worker.abort();
        let _ = worker.await;
        server.say(Say::Status(200, ""));
        world.crash().await;
        deliver(world).await;
        assert_eq!(server.count(), 0, "another worker may still have it");
        world.clock.advance(31_000);
        deliver(world).await;
        let again = server.next().expect("sent again");
        assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
        deliver(world).await;
        assert_eq!(server.count(), 0);
    });
}

#[test]
fn endpoints_that_hang_keep_nobody_waiting() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        let mut servers = Vec::new();
        for n in 0..MAX_WEBHOOKS {
            let server = Receiver::start().await;
            server.say(if n % 2 == 0 { Say::Nothing } else { Say::Status(200, "") });
            register(world, &shop, &server.url, None).await;
            servers.push(server);
        }
        for number in ["o-1", "o-2", "o-3"] {
            close_one(world, &shop, number).await;
        }
        let worker = deliver::keep(&world.app, signers().0).expect("a worker");
        // The silent ones are silent until this test ends; the others hear everything meanwhile.
        for (n, server) in servers.iter().enumerate() {
            let all = if n % 2 == 0 { 1 } else { 3 };
            for _ in 0..all {
                server.wait().await;
            }
        }
        worker.abort();
    });
}

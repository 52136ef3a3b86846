//! Endpoints, their sealing keys, and those that orders name.

use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::id::{ApiKeyId, WebhookId};
use jialing_platform::merchants::api_keys::{self, ApiKeyAsk, Cipher};
use jialing_platform::merchants::{self, KeyAsk};
use jialing_platform::webhooks::{
    self, ChangeAsk, CreateAsk, MAX_NOTIFY_HOSTS, MAX_WEBHOOKS, Manager, Signers, Source, Status,
    deliver as worker,
};
use jialing_platform::{Code, PageAsk, orders};
use jialing_rails::webhook::{SendLimits, SystemResolver, WebhookSender};

use crate::city::found;
use crate::market::Shop;
use crate::receiver::{Receiver, Say};
use crate::webhooks::{by, deliver, register, shown};
use crate::world::{World, on_each_backend};

#[test]
fn a_new_sealing_key_seals_from_its_time_on_in_either_cipher() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let made = register(world, &shop, &server.url, None).await;
        let old = made.api_key.expect("the first");
        let ask = ApiKeyAsk { algorithm: Some(Cipher::Sm4Gcm), seals_after_hours: None };
        let id = ApiKeyId::new(world.clock.millis());
        let new = api_keys::create(&world.app, &by(&shop), id, ask).await.expect("made");
        assert_eq!(api_keys::create(&world.app, &by(&shop), id, ask).await.expect("again"), new);
        let heard = async || {
            webhooks::ping(&world.app, &by(&shop), made.webhook.id).await.expect("queued");
            deliver(world).await;
            server.next().expect("told")
        };
        assert_eq!(heard().await.opened(&old.key)["webhook_id"], made.webhook.id.to_string());
        world.clock.advance(24 * 3_600_000 + 1_000);
        let sealed = heard().await;
        assert_eq!(sealed.json()["resource"]["algorithm"], "SM4-GCM");
        assert_eq!(sealed.opened(&new.key)["webhook_id"], made.webhook.id.to_string());
        let listed = api_keys::list(&world.app, &by(&shop)).await.expect("own keys");
        let sealing: Vec<bool> = listed.iter().map(|key| key.sealing).collect();
        assert_eq!((listed[0].id, sealing), (new.id, vec![true, false]));
        let late = ApiKeyAsk { algorithm: None, seals_after_hours: Some(169) };
        let refused =
            api_keys::create(&world.app, &by(&shop), ApiKeyId::new(0), late).await.expect_err("late");
        assert_eq!(refused.field.as_deref(), Some("seals_after_hours"));
    });
}

#[test]
fn an_order_s_own_address_is_told_by_a_queue_for_its_host() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let order = async |number: &str, url: String| {
            let ask = orders::OrderAsk { notify_url: Some(url), ..Shop::ask(number, 100) };
            orders::create(&world.app, &shop.caller, ask).await.expect("created");
            let name = orders::Name::OutTradeNo(number.to_owned());
            orders::close(&world.app, shop.id, name).await.expect("closed");
        };
        order("o-1", format!("{}?order=1", server.url)).await;
        order("o-2", format!("{}?order=2", server.url)).await;
        deliver(world).await;
        let (first, second) = (server.next().expect("told"), server.next().expect("told"));
        assert_eq!((first.path.as_str(), second.path.as_str()), ("/hook?order=1", "/hook?order=2"));
        // Nobody has a key to open it with, so it says only where to read it; the platform signs.
        assert_eq!(first.json()["resource"]["algorithm"], "NONE");
        let href = format!("/v1/merchant/events/{}", first.header("webhook-id"));
        assert_eq!(first.json()["resource"]["href"], href);
        assert!(first.header("webhook-signature").starts_with("v1a,"));
        let page = webhooks::list(&world.app, &by(&shop), &PageAsk::default()).await.expect("own").items;
        let [host] = page.as_slice() else { panic!("one host is one queue: {page:?}") };
        assert_eq!((host.source, host.secrets.len()), (Source::NotifyUrl, 0));
        // One address that is gone does not silence its host.
        server.say(Say::Status(410, ""));
        order("o-3", server.url.clone()).await;
        deliver(world).await;
        assert_eq!(shown(world, &shop, host.id).await.status, Status::Active);
        let elsewhere = ChangeAsk { url: Some(format!("{}/else", server.url)), ..ChangeAsk::default() };
        let refused =
            webhooks::change(&world.app, &by(&shop), host.id, elsewhere).await.expect_err("orders name it");
        assert_eq!(refused.code, Code::StateConflict);
        // Hosts beyond the limit share a queue.
        for n in 1..=MAX_NOTIFY_HOSTS + 2 {
            order(&format!("h-{n}"), format!("https://shop-{n}.example/")).await;
        }
        let page = PageAsk { limit: Some(100), ..PageAsk::default() };
        let all = webhooks::list(&world.app, &by(&shop), &page).await.expect("own").items;
        assert_eq!(all.len() as i64, MAX_NOTIFY_HOSTS + 1);
        let shared = all.iter().find(|one| one.url == "*").expect("one for the rest");
        assert_eq!(shared.health.pending, 3);
    });
}

#[test]
fn endpoints_have_limits_and_belong_to_their_merchant() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, other) = (Shop::open(world, 1, "BKB").await, Shop::open(world, 3, "BKB").await);
        let ask = |url: &str| CreateAsk { url: url.into(), events: None, description: None };
        let id = || WebhookId::new(world.clock.millis());
        let create = async |ask: CreateAsk| webhooks::create(&world.app, &by(&shop), id(), ask).await;
        for url in ["http://shop.example/", "https://10.0.0.1/", "https://shop.example:25/", "shop"] {
            let refused = create(ask(url)).await.expect_err(url);
            assert_eq!(
                (refused.code, refused.field.as_deref()),
                (Code::InvalidRequest, Some("url")),
                "{url}"
            );
        }
        let unknown = CreateAsk { events: Some(vec!["order.eaten".into()]), ..ask("https://shop.example/") };
        assert_eq!(create(unknown).await.expect_err("unknown").field.as_deref(), Some("events"));
        let long = CreateAsk { description: Some("x".repeat(101)), ..ask("https://shop.example/") };
        assert_eq!(create(long).await.expect_err("too long").field.as_deref(), Some("description"));

        let first = id();
        let made = webhooks::create(&world.app, &by(&shop), first, ask("https://shop.example/"))
            .await
            .expect("made");
        let again = webhooks::create(&world.app, &by(&shop), first, ask("https://shop.example/"))
            .await
            .expect("again");
        assert_eq!(
            (&again.secret, &again.api_key),
            (&made.secret, &made.api_key),
            "the same work is done once"
        );
        for _ in 1..MAX_WEBHOOKS {
            create(ask("https://shop.example/")).await.expect("within the limit");
        }
        assert_eq!(
            create(ask("https://shop.example/")).await.expect_err("one too many").code,
            Code::StateConflict
        );

        let theirs = by(&other);
        assert_eq!(
            webhooks::get(&world.app, &theirs, first).await.expect_err("not theirs").code,
            Code::NotFound
        );
        assert_eq!(
            webhooks::delete(&world.app, &theirs, first).await.expect_err("not theirs").code,
            Code::NotFound
        );
        assert_eq!(
            webhooks::ping(&world.app, &theirs, first).await.expect_err("not theirs").code,
            Code::NotFound
        );
        let owner = Manager::owner(&world.app, &shop.owner.actor, shop.id).await.expect("the owner");
        assert_eq!(
            Manager::owner(&world.app, &other.owner.actor, shop.id).await.expect_err("no").code,
            Code::NotFound
        );
        let ask = ChangeAsk {
            url: Some("https://shop.example/new".into()),
            events: Some(vec!["order.paid".into()]),
            description: Some("the till".into()),
            status: None,
        };
        let changed = webhooks::change(&world.app, &owner, first, ask).await.expect("changed");
        assert_eq!(
            (changed.url.as_str(), changed.description.as_deref()),
            ("https://shop.example/new", Some("the till"))
        );
        assert_eq!(changed.events, ["order.paid"]);
        webhooks::delete(&world.app, &owner, first).await.expect("removed");
        assert_eq!(webhooks::delete(&world.app, &owner, first).await.expect_err("gone").code, Code::NotFound);
        create(CreateAsk { url: "https://shop.example/".into(), events: None, description: None })
            .await
            .expect("room again");
    });
}

#[test]
fn messages_are_signed_in_the_merchant_s_suite_where_the_platform_has_a_key_of_it() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, server) = (Shop::open(world, 1, "BKB").await, Receiver::start().await);
        let made = register(world, &shop, &server.url, None).await;
        let key = SigningKey::generate(Suite::Sm2Sm3);
        let ask = KeyAsk { public_key: key.public().to_pem(), ..KeyAsk::default() };
        merchants::register_key(&world.app, &shop.owner.actor, shop.id, ask).await.expect("registered");
        webhooks::ping(&world.app, &by(&shop), made.webhook.id).await.expect("queued");
        let keys = [Suite::Ed25519, Suite::Sm2Sm3].map(SigningKey::generate);
        let sender = WebhookSender::new(SystemResolver, SendLimits::default(), true).expect("a client");
        worker::deliver_due(&world.app, &sender, &Signers::new(keys.to_vec())).await.expect("delivered");
        let heard = server.next().expect("told");
        let ours = CallbackSignature::from_headers(|name| heard.headers.get(name).map(String::as_str))
            .expect("ours");
        assert_eq!(ours.suite, Suite::Sm2Sm3);
        ours.verify(keys[1].public(), &heard.body).expect("signed");
    });
}

//! Followers: each record has its effect exactly once, however often they die.

use futures_util::future::join_all;
use jialing_platform::PageAsk;
use jialing_platform::follow::{Follower, cursor};
use jialing_platform::notices;
use jialing_platform::outbox::{self, EventsAsk};

use crate::city::{balance, found};
use crate::market::{Payer, Shop};
use crate::transfers::ask;
use crate::verify::audit_funded;
use crate::world::{World, on_each_backend};

#[test]
fn crashes_at_any_moment_lose_nothing_and_double_nothing() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 100_000).await, Payer::with(world, 2, "BKB", 0).await);
        let shop = Shop::open(world, 3, "BKC").await;
        let mut orders = Vec::new();
        for n in 0..30 {
            orders.push(shop.order(world, &format!("o-{n}"), 100).await);
        }
        // Money moves while the followers die over and over, each time somewhere else: right after a
        // record became durable, or some steps of the runtime later.
        for (round, orders) in orders.chunks(5).enumerate() {
            let app = world.app.clone();
            let asks: Vec<_> = (0..5)
                .map(|n| ask(world, &ann, &format!("t-{round}-{n}"), &bob.wallet.to_string(), 10))
                .collect();
            let agreed: Vec<_> = orders.iter().map(|order| (order.id, ann.agree(world, order))).collect();
            let actor = ann.citizen.actor;
            let mut durable = app.engine.durable();
            let before = *durable.borrow();
            let work = tokio::spawn(async move {
                let transfers = join_all(
                    asks.into_iter().map(|ask| jialing_platform::transfers::send(&app, &actor, ask)),
                );
                let payments = join_all(
                    agreed
                        .into_iter()
                        .map(|(id, ask)| jialing_platform::payments::pay(&app, &actor, id, ask)),
                );
                let _ = futures_util::future::join(transfers, payments).await;
            });
            durable.wait_for(|&now| now > before + round as u64).await.expect("the engine runs");
            for _ in 0..round * 3 {
                tokio::task::yield_now().await;
            }
            world.crash_only_followers().await;
            work.await.expect("requests end whatever the followers do");
            world.crash().await;
        }
        world.settle().await;
        assert_eq!(balance(world, shop.wallet).await + balance(world, bob.wallet).await, 30 * 100 + 30 * 10);
        let report = audit_funded(world).await;
        assert_eq!((report.findings, report.behind), (Vec::new(), 0));
        let told = notices::unread(&world.app, &ann.citizen.actor).await.expect("counted").unread;
        assert_eq!(told, 1 + 30 + 30, "one for the top-up, each payment and each transfer");
        let events =
            outbox::list(&world.app, shop.id, EventsAsk { limit: Some(100), ..EventsAsk::default() })
                .await
                .expect("own events");
        assert_eq!(events.items.len(), 30);
        let mut objects: Vec<_> = events.items.iter().map(|event| event.resource["id"].to_string()).collect();
        objects.sort();
        objects.dedup();
        assert_eq!(objects.len(), 30);
        let page = PageAsk { limit: Some(100), ..PageAsk::default() };
        assert_eq!(
            notices::list(&world.app, &bob.citizen.actor, &page).await.expect("own notices").items.len(),
            30
        );
    });
}

#[test]
fn every_cursor_stands_at_the_end_once_all_is_handled() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 1_000).await;
        world.settle().await;
        let records = *world.app.engine.durable().borrow();
        for follower in Follower::ALL {
            assert_eq!(cursor(&world.app, follower).await.expect("readable"), records, "{}", follower.name());
            assert_eq!(world.app.progress.of(follower), records, "{}", follower.name());
        }
        world.stop_followers().await;
        crate::city::fund_unseen(world, ann.wallet, 5).await;
        assert_eq!(cursor(&world.app, Follower::History).await.expect("readable"), records);
        world.crash().await;
        world.settle().await;
        assert!(cursor(&world.app, Follower::History).await.expect("readable") > records);
    });
}

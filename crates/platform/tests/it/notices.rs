//! Notices: each person is told once, in the app and outward.

use jialing_platform::follow::{self, Follower};
use jialing_platform::notices::{self, MAX_TRIES, NoticeCode, ReadAsk, pause_ms};
use jialing_platform::{Code, PageAsk};

use crate::citizen::Citizen;
use crate::city::found;
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::transfers::send;
use crate::world::{World, on_each_backend};

async fn told(world: &World, citizen: &Citizen) -> Vec<NoticeCode> {
    let page = notices::list(&world.app, &citizen.actor, &PageAsk::default()).await.expect("own notices");
    page.items.iter().map(|notice| notice.code).collect()
}

#[test]
fn everybody_whose_money_moved_is_told_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        let bob = Payer::with(world, 3, "BKC", 0).await;
        let order = shop.order(world, "o-1", 2_800).await;
        ann.pay(world, &order).await.expect("paid");
        refund(world, &shop, order.id, "r-1", 300).await;
        send(world, &ann, "t-1", &bob.wallet.to_string(), 50).await.expect("sent");
        use NoticeCode::{PaymentMade, RefundReceived, TopUpDone, TransferMade, TransferReceived};
        assert_eq!(told(world, &ann.citizen).await, [TransferMade, RefundReceived, PaymentMade, TopUpDone]);
        assert_eq!(told(world, &bob.citizen).await, [TransferReceived]);
        assert_eq!(told(world, &shop.owner).await, [], "a shop hears by events");
        let page =
            notices::list(&world.app, &ann.citizen.actor, &PageAsk::default()).await.expect("own notices");
        let payment = &page.items[2];
        assert_eq!(
            (&payment.params["amount"], &payment.params["counterparty"]),
            (&2_800.into(), &"小面馆1".into())
        );
        assert_eq!(payment.subject, order.id.to_string());
        // Read again from the first record on, the journal tells nothing new.
        follow::rebuild(&world.app, Follower::Notices).await.expect("set back");
        world.crash().await;
        world.settle().await;
        assert_eq!(told(world, &ann.citizen).await.len(), 4);
    });
}

#[test]
fn notices_are_read_up_to_one_and_only_ones_own() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 1_000).await, Payer::with(world, 2, "BKA", 0).await);
        for n in 1..=3 {
            send(world, &ann, &format!("t-{n}"), &bob.wallet.to_string(), n).await.expect("sent");
        }
        let page =
            notices::list(&world.app, &bob.citizen.actor, &PageAsk { limit: Some(2), ..PageAsk::default() })
                .await
                .expect("own notices");
        assert_eq!((page.items.len(), page.has_more), (2, true));
        assert_eq!(notices::unread(&world.app, &bob.citizen.actor).await.expect("counted").unread, 3);
        let up_to = page.items[1].id;
        let left =
            notices::mark_read(&world.app, &bob.citizen.actor, &ReadAsk { up_to }).await.expect("marked");
        assert_eq!(left.unread, 1);
        let stolen = notices::mark_read(&world.app, &ann.citizen.actor, &ReadAsk { up_to })
            .await
            .expect_err("another's notice");
        assert_eq!(stolen.code, Code::NotFound);
        assert_eq!(notices::unread(&world.app, &ann.citizen.actor).await.expect("counted").unread, 4);
    });
}

#[test]
fn a_notice_goes_out_once_and_is_tried_again_until_it_does() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 1_000).await;
        let sent = || {
            world.notices.messages().into_iter().filter(|message| message.template == "TOP_UP_DONE").count()
        };
        world.notices.fail(2);
        assert_eq!(notices::send_due(&world.app).await.expect("tried"), 1);
        assert_eq!((sent(), notices::send_due(&world.app).await.expect("not yet")), (0, 0));
        world.clock.advance(pause_ms(1));
        assert_eq!(notices::send_due(&world.app).await.expect("tried"), 1);
        world.clock.advance(pause_ms(2));
        assert_eq!(notices::send_due(&world.app).await.expect("tried"), 1);
        assert_eq!(sent(), 1);
        world.clock.advance(3_600_000);
        assert_eq!(notices::send_due(&world.app).await.expect("nothing is left"), 0);
        let message = world.notices.last_to(&ann.citizen.phone).expect("sent to her phone");
        assert_eq!(message.params.get("amount").map(String::as_str), Some("1000"));
    });
}

#[test]
fn a_notice_that_never_goes_out_stays_in_the_app() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 1_000).await;
        world.notices.fail(1_000);
        let mut tries = 0;
        for _ in 0..2 * MAX_TRIES {
            tries += notices::send_due(&world.app).await.expect("tried");
            world.clock.advance(3_600_000);
        }
        assert_eq!(tries as i64, MAX_TRIES);
        assert_eq!(told(world, &ann.citizen).await, [NoticeCode::TopUpDone]);
    });
}

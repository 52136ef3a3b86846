//! The history of wallets: both sides, filters, pages, and a follower that can start over.

use jialing_platform::follow::{self, Follower};
use jialing_platform::history::{self, Direction, HistoryAsk, Movement};
use jialing_platform::id::WalletId;
use jialing_platform::kind::Kind;
use jialing_platform::refunds::{self, RefundAsk};
use jialing_platform::{Code, Money};

use crate::city::found;
use crate::market::{Payer, Shop};
use crate::transfers::send;
use crate::world::{World, on_each_backend};

/// Gives back a part of an order.
pub async fn refund(
    world: &World,
    shop: &Shop,
    order: jialing_platform::id::OrderId,
    number: &str,
    fen: u64,
) {
    let ask = RefundAsk {
        out_refund_no: number.into(),
        order_id: Some(order),
        out_trade_no: None,
        amount: Money::fen(fen),
        reason: Some("太辣".into()),
        nature: None,
    };
    refunds::request(&world.app, &shop.caller, ask).await.expect("refunded");
}

async fn of(world: &World, payer: &Payer, ask: &HistoryAsk) -> Vec<Movement> {
    history::of_wallet(&world.app, &payer.citizen.actor, payer.wallet, ask).await.expect("own history").items
}

/// One line of a history: what a test compares.
fn line(movement: &Movement) -> (Kind, Direction, u64, u64, Option<&str>, Option<&str>) {
    let (amount, balance) = (movement.amount.amount, movement.balance.amount);
    (
        movement.kind,
        movement.direction,
        amount,
        balance,
        movement.counterparty.name.as_deref(),
        movement.memo.as_deref(),
    )
}

#[test]
fn both_sides_see_a_payment_and_its_refund_at_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        let order = shop.order(world, "o-1", 2_800).await;
        ann.pay(world, &order).await.expect("paid");
        refund(world, &shop, order.id, "r-1", 300).await;
        let anns = of(world, &ann, &HistoryAsk::default()).await;
        assert_eq!(
            anns.iter().map(line).collect::<Vec<_>>(),
            [
                (Kind::Refund, Direction::In, 300, 7_500, Some("小面馆1"), Some("太辣")),
                (Kind::Payment, Direction::Out, 2_800, 7_200, Some("小面馆1"), Some("小面 × 2")),
                (Kind::TopUp, Direction::In, 10_000, 10_000, Some("BKA 银行"), None),
            ]
        );
        assert_eq!(anns[1].counterparty.name_en.as_deref(), Some("Noodles 1"));
        assert_eq!(anns[1].subject, order.id.to_string());
        let shops = history::of_merchant(&world.app, shop.id, &HistoryAsk::default())
            .await
            .expect("own history")
            .items;
        assert_eq!(
            shops.iter().map(line).collect::<Vec<_>>(),
            [
                (Kind::Refund, Direction::Out, 300, 2_500, None, Some("太辣")),
                (Kind::Payment, Direction::In, 2_800, 2_800, None, Some("小面 × 2")),
            ],
            "a shop does not see who a person is"
        );
        // Both speak of the same transaction; the shop knows its payer again, and nobody else does.
        assert_eq!(shops[1].transaction_id, anns[1].transaction_id);
        assert_eq!(shops[0].counterparty.reference, shops[1].counterparty.reference);
        assert_ne!(shops[1].counterparty.reference, anns[1].counterparty.reference);
        let other = Shop::open(world, 3, "BKB").await;
        ann.pay(world, &other.order(world, "o-1", 100).await).await.expect("paid");
        let others = history::of_merchant(&world.app, other.id, &HistoryAsk::default())
            .await
            .expect("own history")
            .items;
        assert_ne!(
            others[0].counterparty.reference, shops[1].counterparty.reference,
            "two shops cannot tell that it is one payer"
        );
    });
}

#[test]
fn a_history_is_filtered_by_time_kind_direction_and_counterparty() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKA", 10_000).await);
        let bob = Payer::with(world, 3, "BKC", 500).await;
        ann.pay(world, &shop.order(world, "o-1", 100).await).await.expect("paid");
        world.clock.advance(3_600_000);
        let noon = jialing_platform::clock::rfc3339(world.clock.millis());
        send(world, &ann, "t-1", &bob.wallet.to_string(), 200).await.expect("sent");
        send(world, &bob, "t-1", &ann.wallet.to_string(), 50).await.expect("sent");
        ann.pay(world, &shop.order(world, "o-2", 300).await).await.expect("paid");
        let all = of(world, &ann, &HistoryAsk::default()).await;
        assert_eq!(all.iter().map(|m| m.amount.amount).collect::<Vec<_>>(), [300, 50, 200, 100, 10_000]);
        let shops = all[0].counterparty.reference.clone();
        let check = async |ask: HistoryAsk, amounts: &[u64]| {
            let found: Vec<u64> =
                of(world, &ann, &ask).await.iter().map(|movement| movement.amount.amount).collect();
            assert_eq!(found, amounts, "{ask:?}");
        };
        let ask = HistoryAsk::default;
        check(HistoryAsk { kind: Some(Kind::Payment), ..ask() }, &[300, 100]).await;
        check(HistoryAsk { kind: Some(Kind::Refund), ..ask() }, &[]).await;
        check(HistoryAsk { direction: Some(Direction::In), ..ask() }, &[50, 10_000]).await;
        check(HistoryAsk { direction: Some(Direction::Out), ..ask() }, &[300, 200, 100]).await;
        check(HistoryAsk { counterparty: Some(shops.clone()), ..ask() }, &[300, 100]).await;
        check(HistoryAsk { counterparty: Some("unknown".into()), ..ask() }, &[]).await;
        check(HistoryAsk { from: Some(noon.clone()), ..ask() }, &[300, 50, 200]).await;
        check(HistoryAsk { to: Some(noon.clone()), ..ask() }, &[100, 10_000]).await;
        check(
            HistoryAsk {
                from: Some(noon.clone()),
                counterparty: Some(shops),
                direction: Some(Direction::Out),
                ..ask()
            },
            &[300],
        )
        .await;
        check(HistoryAsk { from: Some(noon.clone()), limit: Some(2), ..ask() }, &[300, 50]).await;
        check(HistoryAsk { from: Some(noon), before: Some(all[2].id.clone()), ..ask() }, &[300, 50]).await;
        let refused = async |ask: HistoryAsk, field: &str| {
            let problem =
                history::of_wallet(&world.app, &ann.citizen.actor, ann.wallet, &ask).await.expect_err(field);
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some(field)));
        };
        refused(HistoryAsk { from: Some("yesterday".into()), ..ask() }, "from").await;
        refused(HistoryAsk { to: Some("2026-13-01T00:00:00Z".into()), ..ask() }, "to").await;
        refused(HistoryAsk { after: Some("-1".into()), ..ask() }, "after").await;
        refused(HistoryAsk { before: Some("x".into()), ..ask() }, "before").await;
        refused(HistoryAsk { limit: Some(101), ..ask() }, "limit").await;
        let stolen = history::of_wallet(&world.app, &bob.citizen.actor, ann.wallet, &ask())
            .await
            .expect_err("another's wallet");
        assert_eq!(stolen.code, Code::NotFound);
    });
}

#[test]
fn pages_join_up_in_both_directions_while_money_keeps_moving() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKA", 0).await);
        for n in 1..=7 {
            send(world, &ann, &format!("t-{n}"), &bob.wallet.to_string(), n).await.expect("sent");
        }
        let mut walked = Vec::new();
        let mut ask = HistoryAsk { limit: Some(3), ..HistoryAsk::default() };
        loop {
            let page = history::of_wallet(&world.app, &bob.citizen.actor, bob.wallet, &ask)
                .await
                .expect("own history");
            walked.extend(page.items.iter().map(|movement| movement.amount.amount));
            if !page.has_more {
                break;
            }
            ask.after = page.items.last().map(|movement| movement.id.clone());
            // What comes in between does not move the pages behind it.
            send(world, &ann, &format!("more-{}", walked.len()), &bob.wallet.to_string(), 1_000)
                .await
                .expect("sent");
        }
        assert_eq!(walked, [7, 6, 5, 4, 3, 2, 1]);
        let oldest = of(world, &bob, &HistoryAsk::default()).await.last().expect("some").id.clone();
        let newer = HistoryAsk { limit: Some(3), before: Some(oldest), ..HistoryAsk::default() };
        let page = history::of_wallet(&world.app, &bob.citizen.actor, bob.wallet, &newer)
            .await
            .expect("own history");
        assert_eq!(
            (page.items.iter().map(|m| m.amount.amount).collect::<Vec<_>>(), page.has_more),
            (vec![4, 3, 2], true)
        );
    });
}

/// Every row, as text.
async fn dump(world: &World) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT wallet || ' ' || CAST(seq AS TEXT) || ' ' || transaction_no || ' ' || kind || ' ' || direction || ' ' || CAST(amount AS TEXT) || ' ' || \
         CAST(balance AS TEXT) || ' ' || COALESCE(counterparty, '-') || ' ' || COALESCE(counterparty_en, '-') || ' ' || counterparty_ref || ' ' || CAST(at AS TEXT) \
         FROM movements ORDER BY wallet, seq",
    )
    .fetch_all(world.app.db.read())
    .await
    .expect("readable")
}

#[test]
fn a_dropped_history_is_rebuilt_with_equal_rows() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKC").await, Payer::with(world, 2, "BKB", 10_000).await);
        let bob = Payer::with(world, 3, "BKA", 500).await;
        let order = shop.order(world, "o-1", 100).await;
        ann.pay(world, &order).await.expect("paid");
        refund(world, &shop, order.id, "r-1", 30).await;
        send(world, &ann, "t-1", &bob.wallet.to_string(), 200).await.expect("sent");
        let before = dump(world).await;
        // Two sides of wallets each for the payment, the refund, the transfer and the two top-ups; of
        // institutions' accounts six for what was issued, ten for what went between liability holders,
        // two for the top-ups.
        assert_eq!(before.len(), 8 + 18);
        follow::rebuild(&world.app, Follower::History).await.expect("dropped");
        // The running follower loses its place at its next step; a restart finds it at once.
        world.crash().await;
        world.settle().await;
        assert_eq!(dump(world).await, before);
        // Beside a follower that runs: its next step fails, and it starts over.
        follow::rebuild(&world.app, Follower::History).await.expect("dropped");
        send(world, &ann, "t-2", &bob.wallet.to_string(), 1).await.expect("sent");
        world.settle().await;
        let after = dump(world).await;
        assert_eq!(after.len(), before.len() + 2 + 2);
        assert!(before.iter().all(|row| after.contains(row)));
    });
}

#[test]
fn a_wallet_without_movements_has_an_empty_history() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKC").await, Payer::with(world, 2, "BKB", 0).await);
        assert!(of(world, &ann, &HistoryAsk::default()).await.is_empty());
        assert!(
            history::of_merchant(&world.app, shop.id, &HistoryAsk::default())
                .await
                .expect("own history")
                .items
                .is_empty()
        );
        let unknown = WalletId::new(1);
        let problem = history::of_wallet(&world.app, &ann.citizen.actor, unknown, &HistoryAsk::default())
            .await
            .expect_err("no such wallet");
        assert_eq!(problem.code, Code::NotFound);
    });
}

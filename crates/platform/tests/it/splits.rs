//! Split settlement: frozen money goes where it is shared to, once, and never more than there is.

use futures_util::future::join_all;
use jialing_platform::id::{OrderId, SplitReceiverId};
use jialing_platform::orders::{self, Order, OrderAsk};
use jialing_platform::refunds::{self, RefundAsk, RejectAsk};
use jialing_platform::splits::{
    self, MoveState, Name, ReceiverAsk, ReceiverState, Relation, ReturnAsk, ShareAsk, Split, SplitAsk,
    SplitProgress, SplitState,
};
use jialing_platform::wallets::{self, Control};
use jialing_platform::{Code, Money, PageAsk, Result, Tx, outbox};

use crate::city::balance;
use crate::market::{Payer, Shop, found, fund};
use crate::saver::balanced;
use crate::verify::audit_funded;
use crate::world::{World, on_each_backend};

/// A shop, its supplier (a shop elsewhere), a waiter, and an order of 1,000 fen that was paid.
struct Scene {
    shop: Shop,
    supplier: Shop,
    waiter: Payer,
    payer: Payer,
    order: Order,
    to_supplier: SplitReceiverId,
    to_waiter: SplitReceiverId,
}

async fn order(world: &World, shop: &Shop, number: &str, fen: u64) -> Order {
    let ask = OrderAsk { split: Some(true), ..Shop::ask(number, fen) };
    orders::create(&world.app, &shop.caller, ask).await.expect("created").value
}

async fn receiver(
    world: &World,
    shop: &Shop,
    wallet: jialing_platform::id::WalletId,
    relation: Relation,
) -> SplitReceiverId {
    let ask = ReceiverAsk { wallet_id: wallet, relation, name: "分店".into() };
    splits::register(&world.app, shop.id, ask).await.expect("registered").id
}

async fn scene(world: &World) -> Scene {
    found(world).await;
    let (shop, supplier) = (Shop::open(world, 1, "BKB").await, Shop::open(world, 2, "BKA").await);
    let waiter = Payer::with(world, 3, "BKC", 0).await;
    let payer = Payer::with(world, 4, "BKA", 5_000).await;
    let order = order(world, &shop, "A-1", 1_000).await;
    payer.pay(world, &order).await.expect("paid");
    let to_supplier = receiver(world, &shop, supplier.wallet, Relation::Supplier).await;
    let to_waiter = receiver(world, &shop, waiter.wallet, Relation::Staff).await;
    Scene { shop, supplier, waiter, payer, order, to_supplier, to_waiter }
}

fn fen(receiver_id: SplitReceiverId, amount: u64) -> ShareAsk {
    ShareAsk { receiver_id, amount: Some(Money::fen(amount)), basis_points: None, description: None }
}

fn points(receiver_id: SplitReceiverId, points: i64) -> ShareAsk {
    ShareAsk { receiver_id, amount: None, basis_points: Some(points), description: None }
}

fn ask(number: &str, order: &Order, shares: Vec<ShareAsk>) -> SplitAsk {
    SplitAsk {
        out_split_no: number.into(),
        order_id: Some(order.id),
        out_trade_no: None,
        shares,
        unfreeze_rest: false,
    }
}

async fn split(world: &World, scene: &Scene, ask: SplitAsk) -> Result<Split> {
    Ok(splits::split(&world.app, &scene.shop.caller, ask).await?.value)
}

/// What is left, shared, returned, unfrozen and refunded of an order.
async fn figures(world: &World, scene: &Scene, order: OrderId) -> (u64, u64, u64, u64, u64) {
    let seen = splits::order(&world.app, scene.shop.id, &orders::Name::Id(order)).await.expect("split");
    (seen.left.amount, seen.shared.amount, seen.returned.amount, seen.unfrozen.amount, seen.refunded.amount)
}

async fn refund(world: &World, scene: &Scene, number: &str, amount: u64) -> Result<refunds::Refund> {
    let ask = RefundAsk {
        out_refund_no: number.into(),
        order_id: Some(scene.order.id),
        out_trade_no: None,
        amount: Money::fen(amount),
        reason: None,
        nature: None,
    };
    Ok(refunds::request(&world.app, &scene.shop.caller, ask).await?.value)
}

async fn events(world: &World, shop: &Shop) -> Vec<String> {
    let page = outbox::list(&world.app, shop.id, Default::default()).await.expect("a page");
    let kinds = page.items.iter().map(|event| event.event.text().to_owned());
    kinds.filter(|kind| kind.starts_with("split.")).collect()
}

async fn clean(world: &World) {
    balanced(world).await;
    let report = audit_funded(world).await;
    assert!(report.is_clean(), "{:?}", report.findings);
}

#[test]
fn what_a_split_order_brings_is_frozen_until_it_is_shared_out_and_the_rest_unfrozen() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let (app, shop) = (&world.app, &scene.shop);
        assert_eq!(
            (shop.holds(world).await, figures(world, &scene, scene.order.id).await),
            (0, (1_000, 0, 0, 0, 0))
        );
        let seen = splits::order(app, shop.id, &orders::Name::Id(scene.order.id)).await.expect("split");
        assert_eq!(seen.progress, SplitProgress::Frozen);
        let shares = vec![points(scene.to_supplier, 1_555), fen_to(&scene, 0)];
        let wrong = split(world, &scene, ask("S-0", &scene.order, shares)).await.expect_err("both kinds");
        assert_eq!((wrong.code, wrong.field.as_deref()), (Code::InvalidRequest, Some("shares")));
        let shares = vec![points(scene.to_supplier, 1_555), points(scene.to_waiter, 7)];
        let wrong = split(world, &scene, ask("S-0", &scene.order, shares)).await.expect_err("0.7 fen");
        assert_eq!(wrong.code, Code::AmountInvalid);
        let first = ask("S-1", &scene.order, vec![points(scene.to_supplier, 1_555)]);
        let done = split(world, &scene, first.clone()).await.expect("shared out");
        assert_eq!(
            (done.state, done.shares[0].state, done.shares[0].amount.amount),
            (SplitState::Finished, MoveState::Success, 155)
        );
        assert_eq!(done.shares[0].transaction_id.map(|id| id.number()), Some(done.shares[0].id.number()));
        assert_eq!(split(world, &scene, first).await.expect("there").id, done.id);
        let other = ask("S-1", &scene.order, vec![points(scene.to_supplier, 1_556)]);
        assert_eq!(split(world, &scene, other).await.expect_err("other content").code, Code::Conflict);
        let seen = splits::order(app, shop.id, &orders::Name::Id(scene.order.id)).await.expect("split");
        assert_eq!(seen.progress, SplitProgress::Partial);
        let second = ShareAsk { description: Some("小费".into()), ..fen(scene.to_waiter, 100) };
        let second = SplitAsk { unfreeze_rest: true, ..ask("S-2", &scene.order, vec![second]) };
        let done = split(world, &scene, second).await.expect("shared out");
        assert_eq!(done.unfrozen, Some(Money::fen(745)));
        assert_eq!(figures(world, &scene, scene.order.id).await, (0, 255, 0, 745, 0));
        assert_eq!(
            (shop.holds(world).await, scene.supplier.holds(world).await, scene.waiter.holds(world).await),
            (745, 155, 100)
        );
        let seen = splits::unfreeze(app, &shop.caller, orders::Name::Id(scene.order.id))
            .await
            .expect("nothing is left");
        assert_eq!((seen.progress, seen.unfrozen.amount), (SplitProgress::Done, 745));
        assert_eq!(events(world, shop).await, ["split.finished", "split.finished"]);
        let by_number =
            splits::of(app, shop.id, &Name::OutSplitNo("S-2".into())).await.expect("by its number");
        assert_eq!(by_number, splits::of(app, shop.id, &Name::Id(done.id)).await.expect("by its id"));
        let all = Default::default();
        let history =
            jialing_platform::history::of_wallet(app, &scene.waiter.citizen.actor, scene.waiter.wallet, &all);
        let item = history.await.expect("a page").items.remove(0);
        assert_eq!((item.kind.name(), item.counterparty.name.as_deref()), ("split", Some("小面馆1")));
        assert_eq!(item.memo.as_deref(), Some("小费"));
        clean(world).await;
    });
}

/// A share of fen beside one of parts.
fn fen_to(scene: &Scene, more: u64) -> ShareAsk {
    fen(scene.to_waiter, 1 + more)
}

#[test]
fn never_more_is_given_than_is_left_or_than_the_largest_share() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let order = &scene.order;
        let shares = |amount: u64| vec![fen(scene.to_supplier, amount)];
        let over = split(world, &scene, ask("S-0", order, shares(301))).await.expect_err("30 % are 300");
        assert_eq!(
            (over.code, &over.extra.expect("figures")["limit"]),
            (Code::SplitShareTooHigh, &300.into())
        );
        let over =
            split(world, &scene, ask("S-0", order, shares(1_001))).await.expect_err("more than there is");
        assert_eq!(
            (over.code, &over.extra.expect("figures")["left"]),
            (Code::SplitExceedsLeft, &1_000.into())
        );
        let tries = (0..10).map(|n| split(world, &scene, ask(&format!("S-{n}"), order, shares(40))));
        let answers = join_all(tries).await;
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(done, 7, "{answers:?}");
        assert!(answers.iter().filter_map(|a| a.as_ref().err()).all(|p| p.code == Code::SplitShareTooHigh));
        split(world, &scene, ask("S-edge", order, shares(20))).await.expect("just 300");
        assert_eq!((scene.supplier.holds(world).await, figures(world, &scene, order.id).await.0), (300, 700));
        let plain = scene.shop.order(world, "A-2", 100).await;
        assert_eq!(
            split(world, &scene, ask("P-1", &plain, shares(1))).await.expect_err("not split").code,
            Code::NotFound
        );
        let unpaid = self::order(world, &scene.shop, "A-3", 100).await;
        assert_eq!(
            split(world, &scene, ask("P-2", &unpaid, shares(1))).await.expect_err("not paid").code,
            Code::StateConflict
        );
        let seen =
            splits::order(&world.app, scene.shop.id, &orders::Name::Id(unpaid.id)).await.expect("split");
        assert_eq!((seen.progress, seen.left.amount), (SplitProgress::Waiting, 0));
        let early = splits::unfreeze(&world.app, &scene.shop.caller, orders::Name::Id(unpaid.id)).await;
        assert_eq!(early.expect_err("not paid").code, Code::StateConflict);
        clean(world).await;
    });
}

#[test]
fn a_share_that_the_ledger_refuses_is_closed_and_can_be_given_anew() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        wallets::control(&world.app, scene.waiter.wallet, Control::CreditFrozen).await.expect("frozen");
        let shares = vec![fen(scene.to_supplier, 100), fen(scene.to_waiter, 50)];
        let done = split(world, &scene, ask("S-1", &scene.order, shares)).await.expect("made");
        let states: Vec<_> =
            done.shares.iter().map(|share| (share.state, share.problem.as_deref())).collect();
        assert_eq!(states, [(MoveState::Success, None), (MoveState::Closed, Some("wallet_unavailable"))]);
        assert_eq!(
            (done.state, figures(world, &scene, scene.order.id).await),
            (SplitState::Finished, (900, 100, 0, 0, 0))
        );
        wallets::control(&world.app, scene.waiter.wallet, Control::Active).await.expect("free again");
        let again = ask("S-2", &scene.order, vec![fen(scene.to_waiter, 50)]);
        assert_eq!(split(world, &scene, again).await.expect("made").shares[0].state, MoveState::Success);
        let removed = splits::remove(&world.app, scene.shop.id, scene.to_waiter).await.expect("removed");
        assert_eq!(removed.state, ReceiverState::Removed);
        let late = ask("S-3", &scene.order, vec![fen(scene.to_waiter, 1)]);
        assert_eq!(split(world, &scene, late).await.expect_err("removed").code, Code::StateConflict);
        let listed = splits::list(&world.app, scene.shop.id, &PageAsk::default()).await.expect("a page");
        assert_eq!(listed.items.len(), 2);
        clean(world).await;
    });
}

#[test]
fn a_share_comes_back_only_from_a_merchant_that_agreed() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let (app, shop) = (&world.app, &scene.shop);
        let shares = vec![fen(scene.to_supplier, 200), fen(scene.to_waiter, 100)];
        let done = split(world, &scene, ask("S-1", &scene.order, shares)).await.expect("shared out");
        let back = |number: &str, share: usize, amount: u64| ReturnAsk {
            out_return_no: number.into(),
            share_id: done.shares[share].id,
            amount: Money::fen(amount),
            description: None,
        };
        let give_back = async |ask: ReturnAsk| splits::give_back(app, &shop.caller, ask).await;
        for share in [0, 1] {
            assert_eq!(give_back(back("R-0", share, 1)).await.expect_err("not agreed").code, Code::Forbidden);
        }
        let theirs = splits::agree(app, shop.id, scene.to_supplier, true).await;
        assert_eq!(theirs.expect_err("the receiver agrees, not the giver").code, Code::NotFound);
        let listed = splits::received_by(app, scene.supplier.id, &PageAsk::default()).await.expect("a page");
        splits::agree(app, scene.supplier.id, listed.items[0].id, true).await.expect("agreed");
        let first = give_back(back("R-1", 0, 150)).await.expect("given back");
        assert_eq!((first.value.state, first.fresh), (MoveState::Success, true));
        assert!(!give_back(back("R-1", 0, 150)).await.expect("there").fresh);
        assert_eq!(give_back(back("R-1", 0, 149)).await.expect_err("other content").code, Code::Conflict);
        let over = give_back(back("R-2", 0, 51)).await.expect_err("only 50 are there");
        assert_eq!((over.code, &over.extra.expect("figures")["left"]), (Code::SplitExceedsLeft, &50.into()));
        assert_eq!(figures(world, &scene, scene.order.id).await, (850, 300, 150, 0, 0));
        // What came back can be given again: 150 of 300 are with receivers.
        split(world, &scene, ask("S-2", &scene.order, vec![fen(scene.to_waiter, 150)]))
            .await
            .expect("shared out");
        wallets::control(app, scene.supplier.wallet, Control::DebitFrozen).await.expect("frozen");
        let stuck = give_back(back("R-3", 0, 50)).await.expect("tried");
        assert_eq!(
            (stuck.value.state, stuck.value.problem.as_deref()),
            (MoveState::Closed, Some("wallet_unavailable"))
        );
        assert_eq!(splits::return_of(app, shop.id, "R-3").await.expect("there"), stuck.value);
        splits::agree(app, scene.supplier.id, scene.to_supplier, false).await.expect("no longer");
        assert_eq!(give_back(back("R-4", 0, 1)).await.expect_err("no longer").code, Code::Forbidden);
        assert_eq!(scene.supplier.holds(world).await, 50);
        let told = events(world, shop).await;
        assert_eq!(told, ["split.return_closed", "split.finished", "split.returned", "split.finished"]);
        clean(world).await;
    });
}

#[test]
fn a_refund_takes_first_what_is_not_shared_out_and_else_asks_for_returns() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let shares = vec![fen(scene.to_supplier, 300)];
        let done = split(world, &scene, ask("S-1", &scene.order, shares)).await.expect("shared out");
        assert_eq!(
            refund(world, &scene, "R-1", 400).await.expect("out of the freeze").state,
            refunds::State::Success
        );
        assert_eq!(figures(world, &scene, scene.order.id).await, (300, 300, 0, 0, 400));
        splits::unfreeze(&world.app, &scene.shop.caller, orders::Name::Id(scene.order.id))
            .await
            .expect("unfrozen");
        assert_eq!(scene.shop.holds(world).await, 300);
        assert_eq!(
            refund(world, &scene, "R-2", 200).await.expect("out of the wallet").state,
            refunds::State::Success
        );
        let missing = refund(world, &scene, "R-3", 400).await.expect_err("300 are with the supplier");
        assert_eq!(
            (missing.code, &missing.extra.expect("figures")["needed"]),
            (Code::SplitReturnNeeded, &300.into())
        );
        assert_eq!(scene.shop.see(world, scene.order.id).await.refunding.amount, 0);
        splits::agree(&world.app, scene.supplier.id, scene.to_supplier, true).await.expect("agreed");
        let back = ReturnAsk {
            out_return_no: "B-1".into(),
            share_id: done.shares[0].id,
            amount: Money::fen(300),
            description: None,
        };
        splits::give_back(&world.app, &scene.shop.caller, back).await.expect("given back");
        assert_eq!(
            refund(world, &scene, "R-4", 400).await.expect("all of it").state,
            refunds::State::Success
        );
        assert_eq!((scene.payer.holds(world).await, scene.shop.holds(world).await), (5_000, 0));
        assert_eq!(figures(world, &scene, scene.order.id).await, (0, 300, 300, 300, 700));
        clean(world).await;
    });
}

#[test]
fn a_refund_that_is_closed_frees_what_it_had_reserved_and_one_that_waits_keeps_it() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        wallets::control(&world.app, scene.payer.wallet, Control::CreditFrozen).await.expect("frozen");
        let stuck = refund(world, &scene, "R-1", 900).await.expect("asked for");
        assert_eq!(
            (stuck.state, figures(world, &scene, scene.order.id).await.0),
            (refunds::State::Abnormal, 100)
        );
        let over = split(world, &scene, ask("S-1", &scene.order, vec![fen(scene.to_waiter, 101)])).await;
        assert_eq!(over.expect_err("promised to the payer").code, Code::SplitExceedsLeft);
        wallets::control(&world.app, scene.payer.wallet, Control::Active).await.expect("free again");
        let done = refunds::retry(&world.app, scene.shop.id, refunds::Name::Id(stuck.id))
            .await
            .expect("tried again");
        assert_eq!(done.state, refunds::State::Success);
        wallets::control(&world.app, scene.payer.wallet, Control::CreditFrozen).await.expect("frozen");
        let stuck = refund(world, &scene, "R-2", 60).await.expect("asked for");
        assert_eq!(
            (stuck.state, figures(world, &scene, scene.order.id).await.0),
            (refunds::State::Abnormal, 40)
        );
        let why = RejectAsk { reason: "paid back in cash".into() };
        for _ in 0..2 {
            let name = refunds::Name::Id(stuck.id);
            let closed = refunds::close(&world.app, &scene.shop.caller, name, &why).await.expect("given up");
            assert_eq!(
                (closed.state, figures(world, &scene, scene.order.id).await.0),
                (refunds::State::Closed, 100)
            );
        }
        wallets::control(&world.app, scene.payer.wallet, Control::Active).await.expect("free again");
        wallets::control(&world.app, scene.shop.wallet, Control::DebitFrozen).await.expect("frozen");
        let closed = refund(world, &scene, "R-3", 100).await.expect("asked for");
        assert_eq!(
            (closed.state, figures(world, &scene, scene.order.id).await.0),
            (refunds::State::Closed, 100)
        );
        clean(world).await;
    });
}

#[test]
fn a_payment_that_comes_too_late_for_a_split_order_is_given_back_whole() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let late = order(world, &scene.shop, "A-late", 500).await;
        let agreed = scene.payer.agree(world, &late);
        let wallet = wallets::find(&world.app, scene.payer.wallet).await.expect("there");
        let shop = wallets::find(&world.app, scene.shop.wallet).await.expect("there");
        // The attempt is under way when the order is closed under it.
        use jialing_platform::payments::{self, Agreed, Claim, Reserved};
        let claim = Claim {
            order: late.id,
            person: scene.payer.citizen.person,
            wallet: scene.payer.wallet,
            extra: None,
            amount: 500,
            agreed: Agreed::Request([1; 24]),
        };
        drop(agreed);
        let Reserved::Ours(attempt) = payments::reserve(&world.app, &claim).await.expect("reserved") else {
            panic!("ours")
        };
        let id = late.id;
        let close = async move |tx: &mut Tx| {
            sqlx::query("UPDATE orders SET state = 'CLOSED', attempt = NULL WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            Ok(())
        };
        world.app.db.write(close).await.expect("closed");
        payments::move_money(&world.app, &attempt, &wallet, &shop.account())
            .await
            .expect("moved all the same");
        refunds::carry_out(&world.app).await.expect("given back");
        world.settle().await;
        assert_eq!((scene.payer.holds(world).await, scene.shop.holds(world).await), (4_000, 0));
        assert_eq!(figures(world, &scene, late.id).await, (0, 0, 0, 0, 500));
        clean(world).await;
    });
}

#[test]
fn what_a_crash_left_half_done_is_finished() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        world.stop_followers().await;
        let made = split(world, &scene, ask("S-1", &scene.order, vec![fen(scene.to_supplier, 300)]))
            .await
            .expect("made");
        assert_eq!((made.state, made.shares[0].state), (SplitState::Processing, MoveState::Processing));
        world.crash().await;
        splits::reconcile(&world.app).await.expect("reconciled");
        for _ in 0..2 {
            splits::carry_out(&world.app).await.expect("carried out");
            world.settle().await;
        }
        let done = splits::of(&world.app, scene.shop.id, &Name::Id(made.id)).await.expect("there");
        assert_eq!((done.state, scene.supplier.holds(world).await), (SplitState::Finished, 300));
        assert_eq!(events(world, &scene.shop).await, ["split.finished"]);
        // Believed to be closed, but the journal says otherwise: it is done, and counted once.
        let wrong = async |tx: &mut Tx| {
            sqlx::query("UPDATE split_moves SET state = 'CLOSED'").execute(&mut *tx).await?;
            sqlx::query("UPDATE split_orders SET taken = 0, given = 0, shared = 0").execute(&mut *tx).await?;
            Ok(())
        };
        world.app.db.write(wrong).await.expect("as somebody believed");
        jialing_platform::follow::rebuild(&world.app, jialing_platform::follow::Follower::Settlement)
            .await
            .expect("set back");
        fund(world, scene.payer.wallet, 1).await;
        assert_eq!(figures(world, &scene, scene.order.id).await, (700, 300, 0, 0, 0));
        clean(world).await;
    });
}

#[test]
fn a_receiver_is_registered_once_with_its_relation() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let (app, shop) = (&world.app, &scene.shop);
        let ask = |relation: Relation, name: &str| ReceiverAsk {
            wallet_id: scene.waiter.wallet,
            relation,
            name: name.into(),
        };
        let again = splits::register(app, shop.id, ask(Relation::Staff, "分店")).await.expect("there");
        assert_eq!(again.id, scene.to_waiter);
        for (ask, field) in
            [(ask(Relation::Partner, "分店"), "relation"), (ask(Relation::Staff, "other"), "name")]
        {
            let problem = splits::register(app, shop.id, ask).await.expect_err("other data");
            assert_eq!((problem.code, problem.field.as_deref()), (Code::Conflict, Some(field)));
        }
        splits::remove(app, shop.id, scene.to_waiter).await.expect("removed");
        let back =
            splits::register(app, shop.id, ask(Relation::Partner, "伙伴")).await.expect("active again");
        assert_eq!(
            (back.id, back.relation, back.state),
            (scene.to_waiter, Relation::Partner, ReceiverState::Active)
        );
        let own = ReceiverAsk { wallet_id: shop.wallet, relation: Relation::Other, name: "self".into() };
        assert_eq!(
            splits::register(app, shop.id, own).await.expect_err("its own").code,
            Code::InvalidRequest
        );
        let nobody = ReceiverAsk {
            wallet_id: jialing_platform::id::WalletId::from_number(16),
            relation: Relation::User,
            name: "x".into(),
        };
        assert_eq!(
            splits::register(app, shop.id, nobody).await.expect_err("nobody").code,
            Code::PayeeUnknown
        );
        assert_eq!(
            splits::remove(app, scene.supplier.id, scene.to_waiter).await.expect_err("not theirs").code,
            Code::NotFound
        );
        assert_eq!(balance(world, scene.waiter.wallet).await, 0);
        for relation in Relation::ALL {
            assert_eq!(relation.text().parse::<Relation>().ok().as_ref(), Some(relation));
        }
    });
}

//! Settlement: cut, reconciled to the fen, approved, paid once, whatever the bank says.

use jialing_platform::exchange::resolve;
use jialing_platform::id::LinkId;
use jialing_platform::refunds::{self, RefundAsk};
use jialing_platform::settlements::{
    self, ApproveAsk, HoldAsk, ListAsk, Name, RequestAsk, Settings, SettingsAsk, Settlement, State, When,
};
use jialing_platform::wallets::{self, Control};
use jialing_platform::{Code, Money, Result, Tx, links, outbox, policies};
use jialing_rails::bank::{EntryKind, NoticeState};

use crate::citizen::PIN;
use crate::city::bank;
use crate::market::{Payer, Shop, fund};
use crate::rails::Fault;
use crate::saver::{balanced, found_at_noon, link, notice};
use crate::verify::audit_funded;
use crate::world::{World, on_each_backend};

/// A shop whose owner has a bank account, and a payer.
struct Scene {
    shop: Shop,
    payer: Payer,
    link: LinkId,
}

async fn scene(world: &World) -> Scene {
    found_at_noon(world).await;
    let shop = Shop::open(world, 1, "BKB").await;
    let link = link(world, &shop.owner, "BKC", "6222020000000001").await;
    Scene { payer: Payer::with(world, 2, "BKA", 50_000).await, shop, link }
}

fn ask(world: &World, scene: &Scene, cut: When) -> SettingsAsk {
    let (owner, shop) = (&scene.shop.owner, &scene.shop);
    let (payee, subject) = (scene.link.to_string(), shop.id.to_string());
    SettingsAsk {
        link_id: scene.link,
        cut,
        cut_minute: None,
        minimum: None,
        keep: None,
        approval_above: None,
        pin: PIN.into(),
        evidence: owner.sign(world, settlements::ACTION_SET, &payee, 0, &subject, shop.wallet),
    }
}

async fn set(world: &World, scene: &Scene, ask: SettingsAsk) -> Result<Settings> {
    settlements::set(&world.app, &scene.shop.owner.actor, scene.shop.id, ask).await
}

async fn sell(world: &World, scene: &Scene, number: &str, fen: u64) -> jialing_platform::orders::Order {
    let order = scene.shop.order(world, number, fen).await;
    scene.payer.pay(world, &order).await.expect("paid");
    order
}

async fn cut(world: &World, scene: &Scene, number: &str) -> Result<Settlement> {
    let ask = RequestAsk { out_settlement_no: number.into() };
    Ok(settlements::request(&world.app, &scene.shop.caller, ask).await?.value)
}

/// One round of the work, and what followed.
async fn round(world: &World) {
    settlements::round(&world.app).await.expect("a round");
    world.settle().await;
    settlements::round(&world.app).await.expect("another round");
    world.settle().await;
}

async fn now(world: &World, scene: &Scene, settlement: &Settlement) -> Settlement {
    settlements::of(&world.app, scene.shop.id, &Name::Id(settlement.id)).await.expect("the shop's own")
}

async fn events(world: &World, scene: &Scene) -> Vec<String> {
    let page = outbox::list(&world.app, scene.shop.id, Default::default()).await.expect("a page");
    let kinds = page.items.iter().map(|event| event.event.text().to_owned());
    kinds.filter(|kind| kind.starts_with("settlement.")).collect()
}

async fn clean(world: &World) {
    balanced(world).await;
    let report = audit_funded(world).await;
    assert!(report.is_clean(), "{:?}", report.findings);
}

#[test]
fn what_a_shop_took_is_cut_reconciled_and_paid_to_its_bank_account() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let early = cut(world, &scene, "S-0").await.expect_err("no account is chosen");
        assert_eq!(early.code, Code::NotFound);
        let chosen = set(world, &scene, ask(world, &scene, When::OnDemand)).await.expect("chosen");
        assert_eq!((chosen.minimum.amount, chosen.next_cut_at), (100, None));
        let order = sell(world, &scene, "A-1", 1_000).await;
        sell(world, &scene, "A-2", 500).await;
        let back = RefundAsk {
            out_refund_no: "R-1".into(),
            order_id: Some(order.id),
            out_trade_no: None,
            amount: Money::fen(300),
            reason: None,
            nature: None,
        };
        refunds::request(&world.app, &scene.shop.caller, back).await.expect("refunded");
        let before = world.banks["BKC"].net();
        let asked = cut(world, &scene, "S-1").await.expect("cut");
        assert_eq!((asked.state, asked.amount.amount, asked.fee.amount), (State::Cut, 1_200, 0));
        assert_eq!(cut(world, &scene, "S-1").await.expect("there").id, asked.id);
        let soon = cut(world, &scene, "S-2").await.expect_err("one after the other");
        assert_eq!(soon.code, Code::StateConflict);
        round(world).await;
        let paid = now(world, &scene, &asked).await;
        assert_eq!((paid.state, scene.shop.holds(world).await), (State::Paid, 0), "{paid:?}");
        assert_eq!((paid.opening, paid.closing), (Some(Money::fen(0)), Some(Money::fen(1_200))));
        let kinds: Vec<_> = paid
            .by_kind
            .expect("figures")
            .iter()
            .map(|k| (k.kind.name(), k.count, k.amount.amount))
            .collect();
        assert_eq!(kinds, [("payment", 2, 1_500), ("refund", 1, 300)]);
        assert_eq!(before - world.banks["BKC"].net(), 1_200);
        assert_eq!(events(world, &scene).await, ["settlement.paid", "settlement.approved", "settlement.cut"]);
        let poor = cut(world, &scene, "S-2").await.expect_err("nothing is left");
        assert_eq!(
            (poor.code, &poor.extra.expect("figures")["balance"]),
            (Code::SettlementTooSmall, &0.into())
        );
        sell(world, &scene, "A-3", 99).await;
        assert_eq!(
            cut(world, &scene, "S-2").await.expect_err("one fen short").code,
            Code::SettlementTooSmall
        );
        sell(world, &scene, "A-4", 1).await;
        let second = cut(world, &scene, "S-2").await.expect("just enough");
        round(world).await;
        let second = now(world, &scene, &second).await;
        assert_eq!((second.state, second.first_record), (State::Paid, paid.end_record.expect("cut")));
        let open = ListAsk { state: Some(State::Open), ..ListAsk::default() };
        let open = settlements::list(&world.app, scene.shop.id, &open).await.expect("a page");
        assert_eq!((open.items.len(), open.items[0].amount.amount), (1, 0));
        clean(world).await;
    });
}

#[test]
fn a_daily_cut_comes_at_its_minute_and_leaves_what_is_to_stay() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        // Noon now; the cut is at 12:30.
        let signed = |keep: u64| {
            let (payee, subject) = (scene.link.to_string(), scene.shop.id.to_string());
            let owner = &scene.shop.owner;
            SettingsAsk {
                cut_minute: Some(750),
                keep: Some(Money::fen(keep)),
                minimum: Some(Money::fen(200)),
                evidence: owner.sign(
                    world,
                    settlements::ACTION_SET,
                    &payee,
                    keep,
                    &subject,
                    scene.shop.wallet,
                ),
                ..ask(world, &scene, When::Daily)
            }
        };
        for (wrong, code) in [
            (SettingsAsk { cut_minute: Some(1_440), ..signed(400) }, Code::InvalidRequest),
            (SettingsAsk { minimum: Some(Money::fen(99)), ..signed(400) }, Code::InvalidRequest),
            (SettingsAsk { keep: Some(Money::fen(401)), ..signed(400) }, Code::DeviceSignatureInvalid),
            (SettingsAsk { pin: "000001".into(), ..signed(400) }, Code::PinInvalid),
        ] {
            assert_eq!(set(world, &scene, wrong).await.expect_err("refused").code, code);
        }
        let chosen = set(world, &scene, signed(400)).await.expect("chosen");
        assert!(chosen.next_cut_at.as_ref().is_some_and(|at| at.contains("T12:30:00.000+08:00")));
        sell(world, &scene, "A-1", 599).await;
        round(world).await;
        assert_eq!(scene.shop.holds(world).await, 599, "it is not time");
        world.clock.advance(31 * 60_000);
        round(world).await;
        assert_eq!(scene.shop.holds(world).await, 599, "too little: it goes on gathering");
        sell(world, &scene, "A-2", 1).await;
        round(world).await;
        assert_eq!(scene.shop.holds(world).await, 600, "the next cut is tomorrow");
        world.clock.advance(86_400_000);
        round(world).await;
        assert_eq!(scene.shop.holds(world).await, 400);
        let shown = settlements::settings(&world.app, &scene.shop.owner.actor, scene.shop.id)
            .await
            .expect("the owner's");
        assert!(shown.next_cut_at > chosen.next_cut_at);
        let theirs = settlements::settings(&world.app, &scene.payer.citizen.actor, scene.shop.id).await;
        assert_eq!(theirs.expect_err("not theirs").code, Code::NotFound);
        clean(world).await;
    });
}

#[test]
fn an_unknown_outcome_stays_paying_until_the_bank_says_and_a_no_leaves_the_money() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        set(world, &scene, ask(world, &scene, When::OnDemand)).await.expect("chosen");
        sell(world, &scene, "A-1", 1_000).await;
        world.banks["BKC"].order(Fault::AnswerLost);
        let first = cut(world, &scene, "S-1").await.expect("cut");
        round(world).await;
        assert_eq!(now(world, &scene, &first).await.state, State::Paying);
        assert_eq!(cut(world, &scene, "S-x").await.expect_err("under way").code, Code::StateConflict);
        world.clock.advance(40_000);
        resolve::round(&world.app).await.expect("asked again");
        world.settle().await;
        assert_eq!((now(world, &scene, &first).await.state, scene.shop.holds(world).await), (State::Paid, 0));
        sell(world, &scene, "A-2", 700).await;
        world.banks["BKC"].order(Fault::Refuse("ACCOUNT_CLOSED"));
        let second = cut(world, &scene, "S-2").await.expect("cut");
        round(world).await;
        let failed = now(world, &scene, &second).await;
        assert_eq!(
            (failed.state, failed.reason.as_deref(), scene.shop.holds(world).await),
            (State::Failed, Some("bank_refused"), 700)
        );
        let third = cut(world, &scene, "S-3").await.expect("the next takes it");
        round(world).await;
        assert_eq!((now(world, &scene, &third).await.state, scene.shop.holds(world).await), (State::Paid, 0));
        // Paid, and days later the account's bank sends it back.
        let reference = format!("wdr_{}", &third.id.to_string()[4..]);
        let back = notice(world, "BKC", &reference, EntryKind::Return, NoticeState::Returned, 700);
        jialing_platform::exchange::notice::take(&world.app, bank(&world.app, "BKC").await, back)
            .await
            .expect("taken in");
        world.settle().await;
        let returned = now(world, &scene, &third).await;
        assert_eq!(
            (returned.state, returned.reason.as_deref(), scene.shop.holds(world).await),
            (State::Failed, Some("returned"), 700)
        );
        // Spent between the cut and the payment: nothing was held, nothing was asked.
        let fourth = cut(world, &scene, "S-4").await.expect("cut");
        wallets::control(&world.app, scene.shop.wallet, Control::DebitFrozen).await.expect("frozen");
        round(world).await;
        let failed = now(world, &scene, &fourth).await;
        assert_eq!((failed.state, failed.reason.as_deref()), (State::Failed, Some("wallet_unavailable")));
        wallets::control(&world.app, scene.shop.wallet, Control::Active).await.expect("free again");
        links::end(&world.app, &scene.shop.owner.actor, scene.link).await.expect("ended");
        let fifth = cut(world, &scene, "S-5").await.expect("cut");
        round(world).await;
        let failed = now(world, &scene, &fifth).await;
        assert_eq!((failed.state, failed.reason.as_deref()), (State::Failed, Some("link_unusable")));
        clean(world).await;
    });
}

#[test]
fn what_does_not_agree_to_the_fen_is_an_exception_and_is_not_paid() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        set(world, &scene, ask(world, &scene, When::OnDemand)).await.expect("chosen");
        let order = sell(world, &scene, "A-1", 1_000).await;
        let change = async |fen: i64| {
            let id = order.id;
            let job = async move |tx: &mut Tx| {
                sqlx::query("UPDATE orders SET amount = $2 WHERE id = $1")
                    .bind(id)
                    .bind(fen)
                    .execute(&mut *tx)
                    .await?;
                Ok(())
            };
            world.app.db.write(job).await.expect("changed");
        };
        change(999).await;
        let asked = cut(world, &scene, "S-1").await.expect("cut");
        round(world).await;
        let wrong = now(world, &scene, &asked).await;
        assert_eq!((wrong.state, scene.shop.holds(world).await), (State::Exception, 1_000));
        assert!(
            wrong.reason.as_deref().is_some_and(|why| why.contains("(1, 1000)") && why.contains("(1, 999)")),
            "{wrong:?}"
        );
        let again =
            settlements::recheck(&world.app, scene.shop.id, &Name::Id(asked.id)).await.expect("looked again");
        assert_eq!(again.state, State::Exception);
        change(1_000).await;
        let again = settlements::recheck(&world.app, scene.shop.id, &Name::OutSettlementNo("S-1".into()))
            .await
            .expect("put right");
        assert_eq!((again.state, again.reason), (State::Reconciled, None));
        round(world).await;
        assert_eq!(now(world, &scene, &asked).await.state, State::Paid);
        let late = settlements::recheck(&world.app, scene.shop.id, &Name::Id(asked.id)).await;
        assert_eq!(late.expect_err("it is paid").code, Code::StateConflict);
        clean(world).await;
    });
}

#[test]
fn a_large_batch_waits_for_the_owner_and_any_can_be_stopped_before_it_is_paid() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let chosen =
            SettingsAsk { approval_above: Some(Money::fen(999)), ..ask(world, &scene, When::OnDemand) };
        set(world, &scene, chosen).await.expect("chosen");
        sell(world, &scene, "A-1", 1_000).await;
        let (app, owner, shop) = (&world.app, &scene.shop.owner, &scene.shop);
        let asked = cut(world, &scene, "S-1").await.expect("cut");
        let stop = HoldAsk { reason: "something is odd".into() };
        let go_on = async || {
            settlements::release(app, &owner.actor, shop.id, asked.id).await.expect("released").state
        };
        let held = settlements::hold(app, &owner.actor, shop.id, asked.id, &stop).await.expect("held");
        assert_eq!((held.state, held.reason.as_deref()), (State::Held, Some("something is odd")));
        assert_eq!(
            settlements::hold(app, &owner.actor, shop.id, asked.id, &stop).await.expect("still").state,
            State::Held
        );
        round(world).await;
        assert_eq!(now(world, &scene, &asked).await.state, State::Held);
        assert_eq!(go_on().await, State::Cut);
        round(world).await;
        assert_eq!(now(world, &scene, &asked).await.state, State::Reconciled, "it waits for the owner");
        settlements::hold(app, &owner.actor, shop.id, asked.id, &stop).await.expect("held");
        assert_eq!(go_on().await, State::Reconciled);
        let sign = |fen: u64, pin: &str| ApproveAsk {
            pin: pin.into(),
            evidence: owner.sign(
                world,
                settlements::ACTION_APPROVE,
                &shop.id.to_string(),
                fen,
                &asked.id.to_string(),
                shop.wallet,
            ),
        };
        for (ask, code) in
            [(sign(999, PIN), Code::DeviceSignatureInvalid), (sign(1_000, "000001"), Code::PinInvalid)]
        {
            let refused = settlements::approve(app, &owner.actor, shop.id, asked.id, ask).await;
            assert_eq!(refused.expect_err("not agreed").code, code);
        }
        let stranger =
            settlements::approve(app, &scene.payer.citizen.actor, shop.id, asked.id, sign(1_000, PIN)).await;
        assert_eq!(stranger.expect_err("not theirs").code, Code::NotFound);
        for _ in 0..2 {
            let passed = settlements::approve(app, &owner.actor, shop.id, asked.id, sign(1_000, PIN))
                .await
                .expect("approved");
            assert_eq!(passed.state, State::Approved);
        }
        settlements::hold(app, &owner.actor, shop.id, asked.id, &stop).await.expect("held");
        assert_eq!(go_on().await, State::Approved);
        round(world).await;
        assert_eq!(now(world, &scene, &asked).await.state, State::Paid);
        let late = settlements::hold(app, &owner.actor, shop.id, asked.id, &stop).await;
        assert_eq!(late.expect_err("it is paid").code, Code::StateConflict);
        let open = ListAsk { state: Some(State::Open), ..ListAsk::default() };
        let open =
            settlements::list_owned(app, &owner.actor, shop.id, &open).await.expect("a page").items.remove(0);
        settlements::hold(app, &owner.actor, shop.id, open.id, &stop).await.expect("held while it gathers");
        sell(world, &scene, "A-2", 500).await;
        assert_eq!(cut(world, &scene, "S-2").await.expect_err("held").code, Code::StateConflict);
        let released = settlements::release(app, &owner.actor, shop.id, open.id).await.expect("released");
        assert_eq!(released.state, State::Open);
        assert_eq!(cut(world, &scene, "S-2").await.expect("cut").state, State::Cut);
        clean(world).await;
    });
}

#[test]
fn a_fee_is_taken_by_rule_once_the_batch_is_paid() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        let rule = |name: &str, value: i64, unit: &str| policies::Policy {
            name: name.into(),
            version: 2,
            effective_from: String::new(),
            value: Some(value),
            unit: unit.into(),
            source: "a test".into(),
            mark: "A".into(),
            note: String::new(),
            from_ms: world.clock.millis(),
        };
        let rules =
            vec![rule("settlement_fee_points", 60, "basis points"), rule("settlement_fee_fixed", 10, "fen")];
        policies::add(&world.app, rules).await.expect("in force");
        set(world, &scene, ask(world, &scene, When::OnDemand)).await.expect("chosen");
        sell(world, &scene, "A-1", 10_000).await;
        let asked = cut(world, &scene, "S-1").await.expect("cut");
        assert_eq!((asked.amount.amount, asked.fee.amount), (9_930, 70));
        for _ in 0..2 {
            round(world).await;
        }
        assert_eq!((now(world, &scene, &asked).await.state, scene.shop.holds(world).await), (State::Paid, 0));
        clean(world).await;
    });
}

#[test]
fn a_crash_between_any_two_steps_pays_once() {
    on_each_backend(async |world: &mut World| {
        let scene = scene(world).await;
        set(world, &scene, ask(world, &scene, When::OnDemand)).await.expect("chosen");
        sell(world, &scene, "A-1", 1_000).await;
        let before = world.banks["BKC"].net();
        let asked = cut(world, &scene, "S-1").await.expect("cut");
        for _ in 0..4 {
            world.crash().await;
            resolve::take_over(&world.app).await.expect("taken over");
            settlements::round(&world.app).await.expect("a round");
            resolve::round(&world.app).await.expect("a round");
        }
        world.settle().await;
        assert_eq!((now(world, &scene, &asked).await.state, scene.shop.holds(world).await), (State::Paid, 0));
        assert_eq!(before - world.banks["BKC"].net(), 1_000);
        let told = now(world, &scene, &asked).await;
        jialing_platform::follow::rebuild(&world.app, jialing_platform::follow::Follower::Settlement)
            .await
            .expect("set back");
        fund(world, scene.payer.wallet, 1).await;
        assert_eq!(now(world, &scene, &asked).await, told);
        clean(world).await;
    });
}

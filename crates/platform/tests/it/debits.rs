//! Debits: announced, made, tried again, and ended by either side of the agreement.

use futures_util::future::join_all;
use jialing_platform::debits::{
    self, AgreementAsk, ApproveAsk, Debit, DebitAgreement, DebitAsk, DebitState, Name, PayerAgreement,
    Period, Retry, Side, State,
};
use jialing_platform::orders::{self, RefundState};
use jialing_platform::outbox::{self, EventsAsk};
use jialing_platform::refunds::{self, RefundAsk};
use jialing_platform::wallets::{self, Control};
use jialing_platform::{Code, Money, PageAsk, Problem, Result, clock, notices};

use crate::citizen::PIN;
use crate::market::{Payer, Shop, found, fund};
use crate::world::{World, on_each_backend};

const DAY: i64 = 86_400_000;

pub fn wish(world: &World, number: &str) -> AgreementAsk {
    AgreementAsk {
        out_agreement_no: number.into(),
        description: "健身月卡".into(),
        max_amount: Money::fen(10_000),
        period: Period::Day,
        max_count: 2,
        valid_until: clock::rfc3339(world.clock.millis() + 300 * DAY),
        notify_url: None,
    }
}

pub async fn propose(world: &World, shop: &Shop, ask: AgreementAsk) -> DebitAgreement {
    debits::propose(&world.app, &shop.caller, ask).await.expect("proposed").value
}

pub async fn yes(world: &World, payer: &Payer, agreement: &DebitAgreement) -> ApproveAsk {
    let seen = debits::view(&world.app, &payer.citizen.actor, agreement.id).await.expect("proposed");
    let (payee, most) = (agreement.merchant_id.to_string(), agreement.max_amount.amount);
    let evidence = payer.citizen.sign(world, debits::ACTION, &payee, most, &seen.subject, payer.wallet);
    ApproveAsk { wallet_id: payer.wallet, pin: PIN.into(), evidence }
}

pub async fn approve(world: &World, payer: &Payer, agreement: &DebitAgreement) -> Result<PayerAgreement> {
    let ask = yes(world, payer, agreement).await;
    debits::approve(&world.app, &payer.citizen.actor, agreement.id, ask).await
}

/// A shop, a payer with 500 yuan, and an agreement between them.
async fn agreed(
    world: &World,
    ask: impl FnOnce(AgreementAsk) -> AgreementAsk,
) -> (Shop, Payer, DebitAgreement) {
    found(world).await;
    let (shop, payer) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 50_000).await);
    let agreement = propose(world, &shop, ask(wish(world, "G-1"))).await;
    let active = approve(world, &payer, &agreement).await.expect("approved").agreement;
    assert_eq!(active.state, State::Active);
    (shop, payer, active)
}

fn ask(number: &str, amount: u64, retry: Retry) -> DebitAsk {
    DebitAsk {
        out_trade_no: number.into(),
        description: "十二月".into(),
        amount: Money::fen(amount),
        due_at: None,
        retry: Some(retry),
        goods_detail: None,
        store_id: None,
        attach: None,
        notify_url: None,
        goods_tag: None,
    }
}

async fn announce(world: &World, shop: &Shop, agreement: &DebitAgreement, ask: DebitAsk) -> Result<Debit> {
    Ok(debits::announce(&world.app, &shop.caller, agreement.id, ask).await?.value)
}

async fn see(world: &World, shop: &Shop, debit: &Debit) -> Debit {
    debits::debit(&world.app, shop.id, debit.id).await.expect("the shop's own")
}

/// Moves the clock on and lets the runner run, twice: nothing is done twice.
pub async fn pass(world: &World, millis: i64) {
    world.clock.advance(millis);
    for _ in 0..2 {
        debits::sweep(&world.app).await.expect("swept");
        orders::sweep(&world.app).await.expect("swept");
    }
    world.settle().await;
}

pub async fn told(world: &World, shop: &Shop) -> Vec<String> {
    let mut events = outbox::list(&world.app, shop.id, EventsAsk::default()).await.expect("events").items;
    // Of one moment, those about one thing are in the order of its versions.
    events.sort_by(|a, b| (&a.created_at, a.object_version).cmp(&(&b.created_at, b.object_version)));
    events.iter().map(|event| event.event.to_string()).collect()
}

async fn notices_of(world: &World, payer: &Payer) -> Vec<String> {
    let page = notices::list(&world.app, &payer.citizen.actor, &PageAsk::default()).await.expect("notices");
    page.items
        .iter()
        .rev()
        .map(|notice| notice.code.to_string())
        .filter(|code| code.starts_with("DEBIT"))
        .collect()
}

#[test]
fn a_debit_is_announced_days_before_and_then_made_without_anybody() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, agreement) = agreed(world, |ask| ask).await;
        let debit =
            announce(world, &shop, &agreement, ask("D-1", 8_000, Retry::None)).await.expect("announced");
        assert_eq!((debit.state, debit.tries), (DebitState::Noticed, 0));
        let again =
            debits::announce(&world.app, &shop.caller, agreement.id, ask("D-1", 8_000, Retry::None)).await;
        let again = again.expect("there");
        assert!(!again.fresh && again.value == debit);
        assert_eq!(notices_of(world, &payer).await, ["DEBIT_AHEAD"]);
        pass(world, DAY - 60_000).await;
        assert_eq!(see(world, &shop, &debit).await.state, DebitState::Noticed);
        assert_eq!(payer.holds(world).await, 50_000);
        pass(world, 120_000).await;
        let made = see(world, &shop, &debit).await;
        assert_eq!((made.state, made.tries, made.problem), (DebitState::Success, 1, None));
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (42_000, 8_000));
        let order = shop.see(world, debit.order_id).await;
        assert_eq!((order.state, order.trade_type), (orders::State::Success, orders::TradeType::Debit));
        let back = RefundAsk {
            out_refund_no: "R-1".into(),
            order_id: Some(order.id),
            out_trade_no: None,
            amount: Money::fen(8_000),
            reason: None,
            nature: None,
        };
        refunds::request(&world.app, &shop.caller, back).await.expect("refunded");
        assert_eq!(shop.see(world, debit.order_id).await.refund_state, RefundState::Full);
        let mut types = told(world, &shop).await;
        // The debit and its order are paid at one moment.
        types.sort();
        assert_eq!(types, ["debit.paid", "debit_agreement.approved", "order.paid", "refund.succeeded"]);
        let own =
            debits::debits_own(&world.app, &payer.citizen.actor, agreement.id, &PageAsk::default()).await;
        assert_eq!(own.expect("a page").items.len(), 1);
        let page =
            debits::debits(&world.app, shop.id, agreement.id, &PageAsk::default()).await.expect("a page");
        assert_eq!(page.items[0].state, DebitState::Success);
    });
}

#[test]
fn what_is_announced_stays_within_what_was_agreed() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, agreement) = agreed(world, |ask| ask).await;
        let day = |days: i64| Some(clock::rfc3339(world.clock.millis() + days * DAY + 1_000));
        let one = || ask("D-1", 100, Retry::None);
        let check = async |ask: DebitAsk, code: Code, field: Option<&str>| {
            let problem: Problem = announce(world, &shop, &agreement, ask).await.expect_err("out of bounds");
            assert_eq!((problem.code, problem.field.as_deref()), (code, field));
        };
        check(DebitAsk { amount: Money::fen(10_001), ..one() }, Code::OverSingleLimit, Some("amount")).await;
        check(DebitAsk { amount: Money::fen(0), ..one() }, Code::AmountInvalid, Some("amount")).await;
        check(DebitAsk { due_at: day(0), ..one() }, Code::InvalidRequest, Some("due_at")).await;
        check(DebitAsk { due_at: day(60), ..one() }, Code::InvalidRequest, Some("due_at")).await;
        check(DebitAsk { due_at: Some("soon".into()), ..one() }, Code::InvalidRequest, Some("due_at")).await;
        // As many wait as a period allows; a third is not announced.
        let first =
            announce(world, &shop, &agreement, DebitAsk { due_at: day(59), ..one() }).await.expect("latest");
        announce(world, &shop, &agreement, ask("D-2", 10_000, Retry::None)).await.expect("the most");
        check(ask("D-3", 100, Retry::None), Code::StateConflict, None).await;
        check(DebitAsk { retry: Some(Retry::ThreeInSevenDays), ..one() }, Code::Conflict, Some("due_at"))
            .await;
        check(
            DebitAsk { retry: Some(Retry::ThreeInSevenDays), ..ask("D-2", 10_000, Retry::None) },
            Code::Conflict,
            Some("retry"),
        )
        .await;
        check(ask("D-2", 9_999, Retry::None), Code::Conflict, Some("amount")).await;
        // It is no order that the merchant closes or revokes, or somebody pays.
        let name = orders::Name::Id(first.order_id);
        let closing = orders::close(&world.app, shop.id, name.clone()).await;
        assert_eq!(closing.expect_err("a debit").code, Code::StateConflict);
        let revoking = orders::revoke(&world.app, &shop.caller, name).await;
        assert_eq!(revoking.expect_err("a debit").code, Code::StateConflict);
        let order = shop.see(world, first.order_id).await;
        assert_eq!(payer.pay(world, &order).await.expect_err("a debit").code, Code::NotFound);
        for _ in 0..2 {
            let taken = debits::cancel_debit(&world.app, shop.id, first.id).await.expect("taken back");
            assert_eq!(taken.state, DebitState::Cancelled);
        }
        assert_eq!(shop.see(world, first.order_id).await.state, orders::State::Closed);
        let other = Shop::open(world, 5, "BKC").await;
        let foreign = debits::announce(&world.app, &other.caller, agreement.id, one()).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        let foreign = debits::cancel_debit(&world.app, other.id, first.id).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        let foreign = debits::debits(&world.app, other.id, agreement.id, &PageAsk::default()).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        let mut types = told(world, &shop).await;
        types.sort();
        assert_eq!(types, ["debit.cancelled", "debit_agreement.approved", "order.closed"]);
    });
}

#[test]
fn a_debit_that_fails_is_tried_again_three_times_in_seven_days() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, agreement) =
            agreed(world, |ask| AgreementAsk { max_amount: Money::fen(60_000), ..ask }).await;
        let late = announce(world, &shop, &agreement, ask("D-1", 60_000, Retry::ThreeInSevenDays))
            .await
            .expect("announced");
        let never =
            announce(world, &shop, &agreement, ask("D-2", 59_000, Retry::None)).await.expect("announced");
        pass(world, DAY + 1_000).await;
        let seen = see(world, &shop, &never).await;
        assert_eq!((seen.state, seen.problem.as_deref()), (DebitState::Failed, Some("balance_too_low")));
        assert_eq!(shop.see(world, never.order_id).await.state, orders::State::Closed);
        let cancelling = debits::cancel_debit(&world.app, shop.id, never.id).await;
        assert_eq!(cancelling.expect_err("failed").code, Code::StateConflict);
        for tries in 1..=3 {
            let seen = see(world, &shop, &late).await;
            assert_eq!((seen.state, seen.tries), (DebitState::Retrying, tries));
            pass(world, 7 * DAY / 3 - 60_000).await;
            assert_eq!(see(world, &shop, &late).await.tries, tries, "not before its time");
            if tries == 3 {
                fund(world, payer.wallet, 10_000).await;
            }
            pass(world, 60_000).await;
        }
        let seen = see(world, &shop, &late).await;
        assert_eq!((seen.state, seen.tries), (DebitState::Success, 4));
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (0, 60_000));
        assert_eq!(
            debits::cancel_debit(&world.app, shop.id, late.id).await.expect_err("paid").code,
            Code::OrderPaid
        );
        assert_eq!(notices_of(world, &payer).await, ["DEBIT_AHEAD", "DEBIT_AHEAD", "DEBIT_FAILED"]);
        let types = told(world, &shop).await;
        let count = |of: &str| types.iter().filter(|event| *event == of).count();
        assert_eq!(
            (count("debit.retrying"), count("debit.failed"), count("debit.paid")),
            (3, 1, 1),
            "{types:?}"
        );
    });
}

#[test]
fn a_debit_whose_tries_all_fail_is_over() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, agreement) = agreed(world, |ask| ask).await;
        let debit = announce(world, &shop, &agreement, ask("D-1", 5_000, Retry::ThreeInSevenDays))
            .await
            .expect("announced");
        wallets::control(&world.app, payer.wallet, Control::DebitFrozen).await.expect("frozen");
        pass(world, DAY + 1_000).await;
        for _ in 0..3 {
            pass(world, 7 * DAY / 3).await;
        }
        let seen = see(world, &shop, &debit).await;
        assert_eq!(
            (seen.state, seen.tries, seen.problem.as_deref()),
            (DebitState::Failed, 4, Some("wallet_unavailable"))
        );
        assert_eq!(payer.holds(world).await, 50_000);
    });
}

/// Moves the clock to the tenth of the next month, so that no month ends during a test.
fn begin_on_the_tenth(world: &World) {
    let now = jiff::Timestamp::from_millisecond(world.clock.millis()).expect("a time");
    let here = now.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    let next = here.last_of_month().and_then(|day| day.tomorrow()).and_then(|day| day.with().day(10).build());
    world.clock.advance(next.expect("a date").timestamp().as_millisecond() - now.as_millisecond());
}

#[test]
fn debits_at_once_never_pass_the_number_of_a_period() {
    on_each_backend(async |world: &mut World| {
        begin_on_the_tenth(world);
        let (shop, payer, agreement) =
            agreed(world, |ask| AgreementAsk { period: Period::Month, max_count: 3, ..ask }).await;
        // Two are made on one day, three more wait for the next: the month counts all of them.
        let mut debits = Vec::new();
        for n in 0..5 {
            if n == 2 {
                pass(world, DAY + 1_000).await;
            }
            let ask = ask(&format!("D-{n}"), 100, Retry::None);
            debits.push(announce(world, &shop, &agreement, ask).await.expect("announced"));
        }
        world.clock.advance(DAY + 1_000);
        let tries = join_all((0..4).map(|_| debits::sweep(&world.app))).await;
        assert!(tries.iter().all(Result::is_ok));
        world.settle().await;
        let mut ends = Vec::new();
        for debit in &debits {
            let seen = see(world, &shop, debit).await;
            ends.push((seen.state, seen.problem));
        }
        let over = (DebitState::Failed, Some("over_year_limit".to_owned()));
        assert_eq!(ends.iter().filter(|end| **end == over).count(), 2, "{ends:?}");
        assert_eq!(ends.iter().filter(|end| end.0 == DebitState::Success).count(), 3);
        assert_eq!(payer.holds(world).await, 49_700);
        // The next month counts anew.
        world.clock.advance(30 * DAY);
        let next = announce(world, &shop, &agreement, ask("D-9", 100, Retry::None)).await.expect("announced");
        pass(world, DAY + 1_000).await;
        assert_eq!(see(world, &shop, &next).await.state, DebitState::Success);
    });
}

#[test]
fn either_side_ends_an_agreement_and_what_was_announced_with_it() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, agreement) = agreed(world, |ask| ask).await;
        let debit =
            announce(world, &shop, &agreement, ask("D-1", 100, Retry::None)).await.expect("announced");
        for _ in 0..2 {
            let ended =
                debits::cancel_own(&world.app, &payer.citizen.actor, agreement.id).await.expect("ended");
            assert_eq!(
                (ended.agreement.state, ended.agreement.ended_by),
                (State::Cancelled, Some(Side::Payer))
            );
        }
        assert_eq!(see(world, &shop, &debit).await.state, DebitState::Cancelled);
        let more = announce(world, &shop, &agreement, ask("D-2", 100, Retry::None)).await.expect_err("over");
        assert_eq!(more.code, Code::DebitAgreementUnusable);
        let told_again =
            announce(world, &shop, &agreement, ask("D-1", 100, Retry::None)).await.expect("as it stands");
        assert_eq!(told_again.state, DebitState::Cancelled);
        pass(world, 2 * DAY).await;
        assert_eq!(payer.holds(world).await, 50_000);
        // Time ends one too, with what would come after its end.
        let until = clock::rfc3339(world.clock.millis() + 2 * DAY);
        let short =
            propose(world, &shop, AgreementAsk { valid_until: until.clone(), ..wish(world, "G-2") }).await;
        approve(world, &payer, &short).await.expect("approved");
        let late = DebitAsk { due_at: Some(until.clone()), ..ask("D-3", 100, Retry::None) };
        let problem = announce(world, &shop, &short, late).await.expect_err("after the end");
        assert_eq!(problem.field.as_deref(), Some("due_at"));
        let failing = announce(world, &shop, &short, ask("D-4", 100, Retry::ThreeInSevenDays))
            .await
            .expect("announced");
        wallets::control(&world.app, payer.wallet, Control::DebitFrozen).await.expect("frozen");
        pass(world, DAY + 1_000).await;
        assert_eq!(see(world, &shop, &failing).await.state, DebitState::Retrying);
        pass(world, DAY).await;
        assert_eq!(see(world, &shop, &failing).await.state, DebitState::Cancelled);
        let ended = debits::of(&world.app, shop.id, &Name::Id(short.id)).await.expect("own");
        assert_eq!((ended.state, ended.ended_at, ended.ended_by), (State::Ended, Some(until), None));
        let types = told(world, &shop).await;
        assert!(types.contains(&"debit_agreement.ended".to_string()), "{types:?}");
    });
}

#[test]
fn a_crash_between_two_steps_loses_neither_an_agreement_nor_a_debit() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, agreement) = agreed(world, |ask| ask).await;
        let debit =
            announce(world, &shop, &agreement, ask("D-1", 100, Retry::None)).await.expect("announced");
        world.stop_followers().await;
        world.clock.advance(DAY + 1_000);
        // The money moves, and nobody hears of it before the process dies.
        debits::sweep(&world.app).await.expect("swept");
        world.crash().await;
        orders::reconcile(&world.app).await.expect("repaired");
        debits::reconcile(&world.app).await.expect("repaired");
        pass(world, 1_000).await;
        assert_eq!(see(world, &shop, &debit).await.state, DebitState::Success);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (49_900, 100));
    });
}

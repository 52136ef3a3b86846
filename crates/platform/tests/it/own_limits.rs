//! Limits that a holder sets below those of the class.

use futures_util::future::join_all;
use jialing_platform::factors::FactorAsk;
use jialing_platform::wallets::{self, OwnLimits, OwnLimitsAsk, RAISE_AFTER_MS};
use jialing_platform::{Code, Money, Problem, Result};

use crate::citizen::local;
use crate::city::{balance, found};
use crate::market::{Payer, Shop};
use crate::transfers::send;
use crate::world::{World, on_each_backend};

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("not refused, expected {code}"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

fn said(problem: &Problem, member: &str) -> String {
    problem.extra.as_deref().and_then(|extra| extra.get(member)).map(ToString::to_string).unwrap_or_default()
}

fn limits(single: Option<u64>, day: Option<u64>) -> OwnLimitsAsk {
    OwnLimitsAsk { single: single.map(Money::fen), day: day.map(Money::fen), factor: None }
}

async fn set(world: &World, payer: &Payer, ask: OwnLimitsAsk) -> Result<OwnLimits> {
    wallets::set_own_limits(&world.app, &payer.citizen.actor, local(), payer.wallet, ask).await
}

fn holds(limits: &OwnLimits) -> (Option<u64>, Option<u64>) {
    (limits.single.map(|money| money.amount), limits.day.map(|money| money.amount))
}

#[test]
fn lowering_holds_at_once_for_every_way_to_pay() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKB", 0).await);
        let shop = Shop::open(world, 3, "BKB").await;
        let to = bob.wallet.to_string();
        let made = set(world, &ann, limits(Some(500), Some(1_200))).await.expect("lowered");
        assert_eq!((holds(&made), made.pending), ((Some(500), Some(1_200)), None));
        let problem = refused(send(world, &ann, "t-1", &to, 501).await, Code::OverSingleLimit);
        assert_eq!((said(&problem, "limited_by"), said(&problem, "limit")), ("\"own\"".into(), "500".into()));
        let order = shop.order(world, "o-1", 501).await;
        refused(ann.pay(world, &order).await, Code::OverSingleLimit);
        // Ten at once do not pass the day's limit.
        let tries = join_all((0..10).map(|n| {
            let (number, to) = (format!("d-{n}"), &to);
            let (world, ann) = (&*world, &ann);
            async move { send(world, ann, &number, to, 400).await }
        }))
        .await;
        assert_eq!(tries.iter().filter(|sent| sent.is_ok()).count(), 3);
        for problem in tries.iter().filter_map(|sent| sent.as_ref().err()) {
            assert_eq!((problem.code, said(problem, "limited_by")), (Code::OverDayLimit, "\"own\"".into()));
        }
        assert_eq!(balance(world, ann.wallet).await, 8_800);
        // Lower again: what was spent today counts.
        set(world, &ann, limits(Some(500), Some(1_000))).await.expect("lowered");
        refused(send(world, &ann, "t-9", &to, 1).await, Code::OverDayLimit);
        // Another's wallet is not to be limited.
        let theirs = OwnLimitsAsk::default();
        refused(
            wallets::set_own_limits(&world.app, &bob.citizen.actor, local(), ann.wallet, theirs).await,
            Code::NotFound,
        );
        let wrong = limits(Some(2_000), Some(1_000));
        assert_eq!(
            refused(set(world, &ann, wrong).await, Code::AmountInvalid).field.as_deref(),
            Some("single")
        );
        refused(set(world, &ann, limits(Some(0), None)).await, Code::AmountInvalid);
    });
}

#[test]
fn raising_waits_a_day_or_takes_a_second_factor() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKB", 0).await);
        let to = bob.wallet.to_string();
        set(world, &ann, limits(Some(500), Some(1_200))).await.expect("lowered");
        // One down, one up: the first holds, the other waits.
        let mixed = set(world, &ann, limits(Some(400), Some(5_000))).await.expect("set");
        assert_eq!(holds(&mixed), (Some(400), Some(1_200)));
        assert_eq!(mixed.pending.expect("waits").day, Some(Money::fen(5_000)));
        wallets::apply_due(&world.app).await.expect("nothing is due");
        refused(send(world, &ann, "t-1", &to, 401).await, Code::OverSingleLimit);
        world.clock.advance(RAISE_AFTER_MS);
        wallets::apply_due(&world.app).await.expect("applied");
        let read = wallets::own_limits(&world.app, &ann.citizen.actor, ann.wallet).await.expect("mine");
        assert_eq!((holds(&read), read.pending), ((Some(400), Some(5_000)), None));
        let wrong = FactorAsk { totp: Some("123456".into()), ..FactorAsk::default() };
        let ask = OwnLimitsAsk { factor: Some(wrong), ..OwnLimitsAsk::default() };
        refused(set(world, &ann, ask).await, Code::FactorInvalid);
        let code = Some(ann.citizen.second_factor(world).await);
        let factor = Some(FactorAsk { code, ..FactorAsk::default() });
        let lifted =
            set(world, &ann, OwnLimitsAsk { factor, ..OwnLimitsAsk::default() }).await.expect("lifted");
        assert_eq!((holds(&lifted), lifted.pending), ((None, None), None));
        send(world, &ann, "t-2", &to, 3_000).await.expect("no limit of one's own");
    });
}

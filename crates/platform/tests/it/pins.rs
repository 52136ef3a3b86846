//! The payment PIN: when it is needed, how guesses are counted, how it is changed.

use futures_util::future::join_all;
use jialing_platform::pins::{self, PinAsk};
use jialing_platform::{Code, Problem, Result};

use crate::citizen::{Citizen, PIN};
use crate::world::{World, on_each_backend};

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("{code} was expected"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

const WRONG: &str = "918273";

#[test]
fn twenty_wrong_pins_at_once_are_five_checks_and_a_lock() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::with_pin(world, 1).await;
        let tries = join_all((0..20).map(|_| pins::verify(&world.app, &citizen.actor, WRONG))).await;
        let count = |code| tries.iter().filter(|t| t.as_ref().is_err_and(|p| p.code == code)).count();
        assert_eq!((count(Code::PinInvalid), count(Code::PinLocked)), (5, 15));
        let state = pins::state(&world.app, &citizen.actor).await.expect("a state");
        assert_eq!((state.failures, state.tries_left), (5, 0));
        assert!((1..=30).contains(&state.locked_for));
        refused(pins::verify(&world.app, &citizen.actor, PIN).await, Code::PinLocked);
    });
}

#[test]
fn twenty_right_pins_at_once_all_pass() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::with_pin(world, 1).await;
        for answer in join_all((0..20).map(|_| pins::verify(&world.app, &citizen.actor, PIN))).await {
            answer.expect("the right PIN");
        }
        assert_eq!(pins::state(&world.app, &citizen.actor).await.expect("a state").failures, 0);
    });
}

#[test]
fn waits_grow_outlive_a_restart_and_end_with_the_right_pin() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::with_pin(world, 1).await;
        for left in [4, 3, 2, 1] {
            let problem = refused(pins::verify(&world.app, &citizen.actor, WRONG).await, Code::PinInvalid);
            assert_eq!(problem.extra.expect("told")["tries_left"], left);
            assert_eq!(problem.retry_after, None);
        }
        for wait in [30, 60, 300, 1800, 86_400, 86_400] {
            let problem = refused(pins::verify(&world.app, &citizen.actor, WRONG).await, Code::PinInvalid);
            assert_eq!(problem.retry_after, Some(wait));
            world.crash().await;
            let problem = refused(pins::verify(&world.app, &citizen.actor, PIN).await, Code::PinLocked);
            // The clock runs on while the test does.
            assert!(
                problem.retry_after.is_some_and(|seconds| seconds <= wait && seconds + 20 > wait),
                "{problem:?}"
            );
            world.clock.advance(i64::try_from(wait).expect("a wait") * 1000);
        }
        pins::verify(&world.app, &citizen.actor, PIN).await.expect("right after the wait");
        for _ in 0..4 {
            refused(pins::verify(&world.app, &citizen.actor, WRONG).await, Code::PinInvalid);
        }
        pins::verify(&world.app, &citizen.actor, PIN).await.expect("the count began anew");
    });
}

#[test]
fn changing_the_pin_takes_a_second_factor_and_ends_the_wait() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let set = async |pin: &str, code: Option<String>| {
            pins::set(&world.app, &citizen.actor, PinAsk { pin: pin.into(), code }).await
        };
        assert!(!pins::state(&world.app, &citizen.actor).await.expect("a state").set);
        refused(pins::verify(&world.app, &citizen.actor, PIN).await, Code::PinNotSet);
        for weak in ["111111", "123456", "654321", "121212", "000001"] {
            refused(set(weak, None).await, Code::PinWeak);
        }
        refused(set("12345", None).await, Code::InvalidRequest);
        assert!(set(PIN, None).await.expect("the first needs no code").set);

        refused(set("571938", None).await, Code::SecondFactorRequired);
        let right = citizen.second_factor(world).await;
        let wrong = if right == "000000" { "000001" } else { "000000" };
        refused(set("571938", Some(wrong.into())).await, Code::CodeInvalid);
        for _ in 0..5 {
            refused(pins::verify(&world.app, &citizen.actor, WRONG).await, Code::PinInvalid);
        }
        refused(pins::verify(&world.app, &citizen.actor, PIN).await, Code::PinLocked);
        let state = set("571938", Some(right.clone())).await.expect("changed");
        assert_eq!((state.failures, state.locked_for), (0, 0));
        refused(pins::verify(&world.app, &citizen.actor, PIN).await, Code::PinInvalid);
        pins::verify(&world.app, &citizen.actor, "571938").await.expect("the new one");
        refused(set("284918", Some(right)).await, Code::CodeInvalid);
    });
}

#[test]
fn a_birthday_and_the_end_of_the_phone_are_no_pins() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::identified(world, 571_938, "李明").await;
        let number = crate::citizen::identity_number(571_938);
        let code = citizen.second_factor(world).await;
        for pin in [&number[8..14], "571938"] {
            let ask = PinAsk { pin: pin.into(), code: Some(code.clone()) };
            refused(pins::set(&world.app, &citizen.actor, ask).await, Code::PinWeak);
        }
    });
}

#[test]
fn small_amounts_need_no_pin_until_the_day_is_full() {
    on_each_backend(async |world: &mut World| {
        let single = jialing_platform::policies::number(&world.app, "no_pin_single").await.expect("a policy");
        let day = jialing_platform::policies::number(&world.app, "no_pin_day").await.expect("a policy");
        let (single, day) = (u64::try_from(single).expect("fen"), u64::try_from(day).expect("fen"));
        let bare = Citizen::new(world, 1).await;
        let citizen = Citizen::with_pin(world, 2).await;
        let require = async |pin, amount| pins::require(&world.app, &citizen.actor, pin, amount).await;

        refused(pins::require(&world.app, &bare.actor, None, single + 1).await, Code::PinNotSet);
        pins::require(&world.app, &bare.actor, None, single).await.expect("small amounts need no PIN at all");

        refused(require(None, single + 1).await, Code::PinRequired);
        refused(require(None, u64::MAX).await, Code::PinRequired);
        require(Some(PIN), u64::MAX).await.expect("with the PIN");
        refused(require(Some(WRONG), 1).await, Code::PinInvalid);
        // A PIN that was sent spends nothing of the day's sum; without it the sum fills to its edge.
        let mut spent = 0;
        while spent + single <= day {
            require(None, single).await.expect("the day is not full");
            spent += single;
        }
        if day > spent {
            require(None, day - spent).await.expect("to the edge");
        }
        refused(require(None, 1).await, Code::PinRequired);
        require(Some(PIN), 1).await.expect("with the PIN");
        world.clock.advance(86_400_000);
        require(None, single).await.expect("a new day");
    });
}

#[test]
fn the_day_without_pin_cannot_be_raced_past() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::with_pin(world, 1).await;
        let single = jialing_platform::policies::number(&world.app, "no_pin_single").await.expect("a policy");
        let day = jialing_platform::policies::number(&world.app, "no_pin_day").await.expect("a policy");
        let amount = u64::try_from(single).expect("fen");
        let tries = join_all((0..20).map(|_| pins::require(&world.app, &citizen.actor, None, amount))).await;
        let passed = tries.iter().filter(|answer| answer.is_ok()).count();
        assert!(passed as i64 <= day / single, "{passed} passed");
        assert!(
            tries
                .iter()
                .filter_map(|t| t.as_ref().err())
                .all(|p| matches!(p.code, Code::PinRequired | Code::Overloaded))
        );
    });
}

//! Signing up: codes, passwords, races, and that nobody learns who has an account.

use futures_util::future::join_all;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::notices::codes::{self, CodeAsk, Purpose};
use jialing_platform::people::{self, SignUpAsk};
use jialing_platform::sessions::{self, Origin};
use jialing_platform::{Code, Problem, Result};

use crate::citizen::{Citizen, PASSWORD, code, local, new_device, phone};
use crate::world::{World, on_each_backend};

fn ask(n: u32, code: &str) -> SignUpAsk {
    SignUpAsk { phone: phone(n), code: code.into(), password: PASSWORD.into(), device: None }
}

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("{code} was expected"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

async fn count(world: &World, table: &'static str) -> i64 {
    let text = match table {
        "people" => "SELECT COUNT(*) FROM people",
        _ => "SELECT COUNT(*) FROM sessions",
    };
    sqlx::query_scalar(text).fetch_one(world.app.db.read()).await.expect("a count")
}

#[test]
fn twenty_sign_ups_of_one_phone_give_one_person() {
    on_each_backend(async |world: &mut World| {
        let code = code(world, &phone(1), Purpose::SignUp).await;
        let tries = join_all((0..20).map(|_| people::sign_up(&world.app, ask(1, &code)))).await;
        assert_eq!(tries.iter().filter(|answer| answer.is_ok()).count(), 1);
        for problem in tries.into_iter().filter_map(Result::err) {
            let expected = [Code::CodeInvalid, Code::PhoneTaken, Code::RateLimited, Code::Overloaded];
            assert!(expected.contains(&problem.code), "{problem:?}");
        }
        assert_eq!((count(world, "people").await, count(world, "sessions").await), (1, 1));
    });
}

#[test]
fn a_phone_has_one_account_and_only_its_holder_is_told() {
    on_each_backend(async |world: &mut World| {
        Citizen::new(world, 1).await;
        // With the phone's code one is told; without it a taken phone answers like a free one.
        let right = code(world, &phone(1), Purpose::SignUp).await;
        refused(people::sign_up(&world.app, ask(1, &right)).await, Code::PhoneTaken);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        code(world, &phone(2), Purpose::SignUp).await;
        let taken = refused(people::sign_up(&world.app, ask(1, wrong)).await, Code::CodeInvalid);
        let free = refused(people::sign_up(&world.app, ask(2, wrong)).await, Code::CodeInvalid);
        assert_eq!(format!("{taken:?}"), format!("{free:?}"));
    });
}

#[test]
fn asking_for_a_code_answers_alike_for_known_and_unknown_phones() {
    on_each_backend(async |world: &mut World| {
        Citizen::new(world, 1).await;
        for purpose in [Purpose::SignUp, Purpose::SignIn, Purpose::Recover] {
            world.clock.advance(61_000);
            let send =
                |n| codes::send(&world.app, local(), CodeAsk { phone: phone(n), purpose, language: None });
            let (known, unknown) = (send(1).await.expect("sent"), send(2).await.expect("sent"));
            assert_eq!(known, unknown);
            // And the service does the same work: a message goes out in both cases.
            assert_eq!(world.notices.code_for(&phone(1)).len(), world.notices.code_for(&phone(2)).len());
            let early =
                |n| codes::send(&world.app, local(), CodeAsk { phone: phone(n), purpose, language: None });
            let known = refused(early(1).await, Code::RateLimited);
            let unknown = refused(early(2).await, Code::RateLimited);
            assert_eq!(format!("{known:?}"), format!("{unknown:?}"));
        }
    });
}

#[test]
fn a_code_works_once_for_its_purpose_for_five_minutes_and_five_tries() {
    on_each_backend(async |world: &mut World| {
        let wrong = |right: &str| if right == "000000" { "000001" } else { "000000" };

        // Another purpose, another phone.
        let for_sign_in = code(world, &phone(1), Purpose::SignIn).await;
        refused(people::sign_up(&world.app, ask(1, &for_sign_in)).await, Code::CodeInvalid);
        let of_another = code(world, &phone(2), Purpose::SignUp).await;
        refused(people::sign_up(&world.app, ask(3, &of_another)).await, Code::CodeInvalid);

        // The fifth try may still be right.
        let right = code(world, &phone(4), Purpose::SignUp).await;
        for _ in 0..4 {
            refused(people::sign_up(&world.app, ask(4, wrong(&right))).await, Code::CodeInvalid);
        }
        people::sign_up(&world.app, ask(4, &right)).await.expect("the fifth try is right");

        // After five wrong ones a wait begins, and the code is void even after it.
        let right = code(world, &phone(5), Purpose::SignUp).await;
        for _ in 0..5 {
            refused(people::sign_up(&world.app, ask(5, wrong(&right))).await, Code::CodeInvalid);
        }
        let problem = refused(people::sign_up(&world.app, ask(5, &right)).await, Code::RateLimited);
        assert_eq!(problem.retry_after, Some(30));
        world.clock.advance(30_000);
        refused(people::sign_up(&world.app, ask(5, &right)).await, Code::CodeInvalid);

        // Its last millisecond, and the one after.
        let right = code(world, &phone(6), Purpose::SignUp).await;
        let late = code(world, &phone(7), Purpose::SignUp).await;
        world.clock.advance(300_000 - 2_000);
        people::sign_up(&world.app, ask(6, &right)).await.expect("not yet expired");
        world.clock.advance(2_000);
        refused(people::sign_up(&world.app, ask(7, &late)).await, Code::CodeInvalid);

        // A newer code replaces the older.
        let old = code(world, &phone(8), Purpose::SignUp).await;
        let new = code(world, &phone(8), Purpose::SignUp).await;
        if old != new {
            refused(people::sign_up(&world.app, ask(8, &old)).await, Code::CodeInvalid);
        }
        people::sign_up(&world.app, ask(8, &new)).await.expect("the newest code");
        refused(people::sign_up(&world.app, ask(8, &new)).await, Code::CodeInvalid);
    });
}

#[test]
fn codes_are_limited_per_phone_and_per_address() {
    on_each_backend(async |world: &mut World| {
        let send = async |n: u32, purpose: Purpose, origin: Origin| {
            codes::send(&world.app, origin, CodeAsk { phone: phone(n), purpose, language: None }).await
        };
        // Ten in an hour to one phone, whatever they are for. The hour's start is not ours to choose, so
        // the eleventh is the first that can be refused for it.
        let start = world.clock.millis();
        let into_hour = start.rem_euclid(3_600_000);
        world.clock.advance(3_600_000 - into_hour);
        for n in 0..10 {
            let purpose = [Purpose::SignUp, Purpose::SignIn, Purpose::Recover][n % 3];
            send(1, purpose, local()).await.unwrap_or_else(|problem| panic!("code {n}: {problem:?}"));
            world.clock.advance(61_000);
        }
        let problem = refused(send(1, Purpose::SignUp, local()).await, Code::RateLimited);
        assert!(problem.retry_after.is_some_and(|seconds| seconds > 60), "{problem:?}");

        // Sixty in an hour from one address, whatever the phones; another address goes on.
        world.clock.advance(3_600_000);
        let here = Origin::of("203.0.113.7".parse().expect("an address"));
        let there = Origin::of("203.0.113.8".parse().expect("an address"));
        for n in 100..160 {
            send(n, Purpose::SignUp, here).await.expect("within the address's quota");
        }
        refused(send(160, Purpose::SignUp, here).await, Code::RateLimited);
        send(160, Purpose::SignUp, there).await.expect("another address");
    });
}

#[test]
fn a_code_that_could_not_be_sent_may_be_asked_for_again_at_once() {
    on_each_backend(async |world: &mut World| {
        let ask = || CodeAsk { phone: phone(1), purpose: Purpose::SignUp, language: None };
        // One silence is bridged by repeating under the same reference.
        world.notices.fail(1);
        codes::send(&world.app, local(), ask()).await.expect("sent at the second try");
        assert_eq!((world.notices.tries(), world.notices.messages().len()), (2, 1));
        world.clock.advance(61_000);
        world.notices.fail(2);
        let problem = refused(codes::send(&world.app, local(), ask()).await, Code::NoticeUnavailable);
        assert!(problem.detail.is_none());
        codes::send(&world.app, local(), ask()).await.expect("no wait after a failure of ours");
    });
}

#[test]
fn a_sign_up_that_is_refused_leaves_nothing() {
    on_each_backend(async |world: &mut World| {
        let right = code(world, &phone(1), Purpose::SignUp).await;
        let check = async |change: fn(&mut SignUpAsk), code: Code, field: Option<&str>| {
            let mut ask = ask(1, &right);
            change(&mut ask);
            let problem = refused(people::sign_up(&world.app, ask).await, code);
            assert_eq!(problem.field.as_deref(), field, "{problem:?}");
        };
        check(|ask| ask.phone = "12345".into(), Code::InvalidRequest, Some("phone")).await;
        check(|ask| ask.phone = "13800000001\0".into(), Code::InvalidRequest, Some("phone")).await;
        check(|ask| ask.password = "short".into(), Code::PasswordWeak, Some("password")).await;
        check(|ask| ask.password = format!("my {}!", phone(1)), Code::PasswordWeak, Some("password")).await;
        check(|ask| ask.password = "x1Y2".repeat(300), Code::PasswordWeak, Some("password")).await;
        assert_eq!(count(world, "people").await, 0);

        // A device whose proof does not hold refuses the whole, and the code stays good.
        let mut device = new_device(&world.app, &SigningKey::generate(Suite::Es256)).await;
        device.name = "turned".into();
        device.signature = "AAAA".into();
        let with_device = SignUpAsk { device: Some(device), ..ask(1, &right) };
        refused(people::sign_up(&world.app, with_device).await, Code::ProofOfPossessionInvalid);
        assert_eq!(count(world, "people").await, 0);
        people::sign_up(&world.app, ask(1, &right)).await.expect("nothing was used up");
    });
}

#[test]
fn nothing_personal_lies_open_in_the_tables() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::identified(world, 1, "李明").await;
        let number = crate::citizen::identity_number(1);
        let row: (String, Vec<u8>, Vec<u8>, Vec<u8>, String) = sqlx::query_as(
            "SELECT phone_index, phone, name, identity_number, password FROM people WHERE id = $1",
        )
        .bind(citizen.person)
        .fetch_one(world.app.db.read())
        .await
        .expect("the row");
        let (index, sealed_phone, sealed_name, sealed_number, password) = row;
        assert!(!index.contains(&citizen.phone) && !password.contains(PASSWORD));
        for (sealed, plain) in
            [(sealed_phone, citizen.phone.as_str()), (sealed_name, "李明"), (sealed_number, number.as_str())]
        {
            assert!(!sealed.windows(plain.len()).any(|window| window == plain.as_bytes()));
        }
        let hashes: Vec<String> = sqlx::query_scalar("SELECT token_hash FROM sessions")
            .fetch_all(world.app.db.read())
            .await
            .expect("rows");
        assert!(!hashes.iter().any(|hash| hash.contains(&citizen.token)));

        let me = people::me(&world.app, &citizen.actor).await.expect("me");
        assert_eq!((me.phone.as_str(), me.name.as_deref()), ("138****0001", Some("*明")));
        assert_eq!(me.id_number.as_deref(), Some(format!("5{}{}", "*".repeat(16), &number[17..]).as_str()));
        let json = serde_json::to_string(&me).expect("JSON");
        assert!(!json.contains(&citizen.phone) && !json.contains("李") && !json.contains(&number));
    });
}

#[test]
fn an_erased_person_is_gone_and_the_phone_is_free() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::identified(world, 1, "李明").await;
        people::set_alias(&world.app, &citizen.actor, people::AliasAsk { findable_by_phone: true })
            .await
            .expect("findable");
        assert_eq!(people::by_phone(&world.app, &citizen.phone).await.expect("found"), Some(citizen.person));
        people::erase(&world.app, "test", citizen.person).await.expect("erased");
        people::erase(&world.app, "test", citizen.person).await.expect("erased before");
        refused(sessions::authenticate(&world.app, &citizen.token).await, Code::Unauthenticated);
        assert_eq!(people::by_phone(&world.app, &citizen.phone).await.expect("not found"), None);
        assert_eq!(people::display_name(&world.app, citizen.person).await.expect("a name"), "***");
        refused(people::level(&world.app, citizen.person).await, Code::NotFound);
        let left: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM people WHERE data_key IS NOT NULL OR phone IS NOT NULL OR name IS NOT NULL",
        )
        .fetch_one(world.app.db.read())
        .await
        .expect("a count");
        assert_eq!(left, 0);
        let again = Citizen::identified(world, 1, "李明").await;
        assert_ne!(again.person, citizen.person);
    });
}

#[test]
fn nobody_is_found_by_phone_who_did_not_ask_to_be() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let find = async || people::by_phone(&world.app, "+86 138 0000 0001").await.expect("a phone");
        let set = async |findable_by_phone| {
            let ask = people::AliasAsk { findable_by_phone };
            people::set_alias(&world.app, &citizen.actor, ask).await.expect("set").findable_by_phone
        };
        assert_eq!(find().await, None);
        assert!(set(true).await);
        assert_eq!(find().await, Some(citizen.person));
        assert_eq!(people::display_name(&world.app, citizen.person).await.expect("a name"), "138****0001");
        assert_eq!(people::masked_name(&world.app, citizen.person).await.expect("a person"), None);
        assert!(!set(false).await);
        assert_eq!(find().await, None);
        refused(people::by_phone(&world.app, "nobody").await, Code::InvalidRequest);
    });
}

//! Signing in: one answer for every failure, growing waits, sessions and their ends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::devices::{self, rules::possession_text};
use jialing_platform::id::SessionId;
use jialing_platform::notices::codes::Purpose;
use jialing_platform::people;
use jialing_platform::sessions::{self, Actor, DeviceSignIn, Origin, RecoverAsk, SignInAsk, SignedIn};
use jialing_platform::{Code, PageAsk, Problem, Result};

use crate::citizen::{Citizen, PASSWORD, code, identity_number, local, new_device, phone};
use crate::world::{World, on_each_backend};

fn ask(n: u32, code: &str) -> SignInAsk {
    SignInAsk {
        phone: phone(n),
        password: PASSWORD.into(),
        code: Some(code.into()),
        factor: None,
        device: None,
        new_device: None,
    }
}

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("{code} was expected"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

async fn sign_in(world: &World, n: u32) -> SignedIn {
    let code = code(world, &phone(n), Purpose::SignIn).await;
    sessions::sign_in(&world.app, local(), ask(n, &code)).await.expect("signed in")
}

async fn actor(world: &World, signed_in: &SignedIn) -> Actor {
    sessions::authenticate(&world.app, &signed_in.token).await.expect("a live session")
}

#[test]
fn every_failure_answers_alike_for_known_and_unknown_phones() {
    on_each_backend(async |world: &mut World| {
        Citizen::new(world, 1).await;
        let right = code(world, &phone(1), Purpose::SignIn).await;
        let of_nobody = code(world, &phone(2), Purpose::SignIn).await;
        let wrong = |right: &str| if right == "000000" { "000001" } else { "000000" }.to_owned();
        let mut answers = Vec::new();
        for ask in [
            SignInAsk { password: "another horse 9".into(), ..ask(1, &right) },
            SignInAsk { password: "x".repeat(2_000), ..ask(1, &right) },
            ask(1, &wrong(&right)),
            ask(2, &of_nobody),
            ask(2, &wrong(&of_nobody)),
        ] {
            let problem = refused(sessions::sign_in(&world.app, local(), ask).await, Code::SignInFailed);
            answers.push(format!("{problem:?}"));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        // A wrong password does not use the code up.
        sessions::sign_in(&world.app, local(), ask(1, &right)).await.expect("all three are right");
        refused(sessions::sign_in(&world.app, local(), ask(1, &right)).await, Code::SignInFailed);
    });
}

#[test]
fn failures_of_a_phone_earn_growing_waits_that_outlive_a_restart() {
    on_each_backend(async |world: &mut World| {
        Citizen::new(world, 1).await;
        // Phone 2 belongs to nobody and is slowed down in the same way.
        for n in [1, 2] {
            for wait in [30, 60, 300, 1800, 3600, 3600] {
                let tries = if wait == 30 { 5 } else { 1 };
                for _ in 0..tries {
                    refused(
                        sessions::sign_in(&world.app, local(), ask(n, "no code")).await,
                        Code::SignInFailed,
                    );
                }
                world.crash().await;
                let problem = refused(
                    sessions::sign_in(&world.app, local(), ask(n, "no code")).await,
                    Code::RateLimited,
                );
                assert_eq!(
                    problem.retry_after.map(|seconds| seconds.div_ceil(10)),
                    Some(wait / 10),
                    "phone {n}"
                );
                world.clock.advance(i64::try_from(wait).expect("a wait") * 1000 + 1);
            }
        }
    });
}

#[test]
fn twenty_wrong_passwords_at_once_do_not_slip_past_the_count() {
    on_each_backend(async |world: &mut World| {
        Citizen::new(world, 1).await;
        let right = code(world, &phone(1), Purpose::SignIn).await;
        let wrong = || SignInAsk { password: "another horse 9".into(), ..ask(1, &right) };
        let tries = join_all((0..20).map(|_| sessions::sign_in(&world.app, local(), wrong()))).await;
        let checked =
            tries.iter().filter(|t| t.as_ref().is_err_and(|p| p.code == Code::SignInFailed)).count();
        let waiting = tries.iter().filter(|t| t.as_ref().is_err_and(|p| p.code == Code::RateLimited)).count();
        let busy = tries.iter().filter(|t| t.as_ref().is_err_and(|p| p.code == Code::Overloaded)).count();
        assert_eq!((checked, waiting + busy), (5, 15));
        refused(sessions::sign_in(&world.app, local(), ask(1, &right)).await, Code::RateLimited);
    });
}

#[test]
fn an_address_that_fails_often_waits_whoever_it_tries() {
    on_each_backend(async |world: &mut World| {
        Citizen::new(world, 1).await;
        let here = Origin::of("203.0.113.7".parse().expect("an address"));
        for n in 0..50 {
            refused(sessions::sign_in(&world.app, here, ask(100 + n, "000000")).await, Code::SignInFailed);
        }
        refused(sessions::sign_in(&world.app, here, ask(1, "000000")).await, Code::RateLimited);
        let right = code(world, &phone(1), Purpose::SignIn).await;
        let there = Origin::of("203.0.113.8".parse().expect("an address"));
        sessions::sign_in(&world.app, there, ask(1, &right)).await.expect("another address");
        // A success takes back its own try only: the next failure waits again.
        world.clock.advance(30_001);
        let right = code(world, &phone(1), Purpose::SignIn).await;
        sessions::sign_in(&world.app, here, ask(1, &right)).await.expect("after the wait");
        refused(sessions::sign_in(&world.app, here, ask(100, "000000")).await, Code::SignInFailed);
        refused(sessions::sign_in(&world.app, here, ask(101, "000000")).await, Code::RateLimited);
    });
}

#[test]
fn a_session_ends_by_disuse_by_age_and_by_its_holder() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let idle = i64::from(world.app.settings.session_idle_minutes) * 60_000;
        let live =
            async |signed_in: &SignedIn| sessions::authenticate(&world.app, &signed_in.token).await.is_ok();

        let (used, unused) = (sign_in(world, 1).await, sign_in(world, 1).await);
        world.clock.advance(idle - 61_000 * 2);
        assert!(live(&used).await, "used before the end");
        world.clock.advance(61_000 * 2);
        assert!(live(&used).await);
        assert!(!live(&unused).await, "nobody used it");
        // However often it is used, it ends after 30 days.
        for _ in 0..30 {
            world.clock.advance(86_400_000 - 1);
            live(&used).await;
        }
        assert!(!live(&used).await);

        let (a, b, c) = (sign_in(world, 1).await, sign_in(world, 1).await, sign_in(world, 1).await);
        let (actor_a, actor_c) = (actor(world, &a).await, actor(world, &c).await);
        sessions::end(&world.app, &actor_a, b.session.session_id).await.expect("ended");
        sessions::end(&world.app, &actor_a, b.session.session_id).await.expect("ended before");
        assert!(live(&a).await && !live(&b).await && live(&c).await);
        let stranger = Citizen::new(world, 2).await;
        refused(sessions::end(&world.app, &stranger.actor, actor_a.session).await, Code::NotFound);
        refused(sessions::end(&world.app, &actor_a, SessionId::new(0)).await, Code::NotFound);
        sessions::end_all(&world.app, &actor_c).await.expect("all ended");
        assert!(!live(&a).await && !live(&c).await);
        assert!(sessions::authenticate(&world.app, &stranger.token).await.is_ok(), "of somebody else");
        refused(sessions::authenticate(&world.app, "no such token").await, Code::Unauthenticated);
        let _ = citizen;
    });
}

#[test]
fn sessions_are_listed_newest_first_and_the_oldest_make_room() {
    on_each_backend(async |world: &mut World| {
        Citizen::new(world, 1).await;
        let mut newest = None;
        for _ in 0..21 {
            world.clock.advance(3_600_000);
            newest = Some(sign_in(world, 1).await);
        }
        let actor = actor(world, &newest.expect("signed in")).await;
        let page = |after: Option<String>, before: Option<String>| PageAsk { limit: Some(15), after, before };
        let first = sessions::list(&world.app, &actor, &page(None, None)).await.expect("a page");
        assert_eq!((first.items.len(), first.has_more), (15, true));
        assert_eq!(first.items.iter().filter(|session| session.current).count(), 1);
        assert!(first.items[0].current, "newest first");
        let last = first.items[14].session_id.to_string();
        let second = sessions::list(&world.app, &actor, &page(Some(last), None)).await.expect("a page");
        assert_eq!((second.items.len(), second.has_more), (5, false), "20 live sessions at most");
        let back = second.items[0].session_id.to_string();
        let back = sessions::list(&world.app, &actor, &page(None, Some(back))).await.expect("a page");
        assert_eq!(back.items, first.items);
        refused(
            sessions::list(&world.app, &actor, &page(Some("dev_x".into()), None)).await,
            Code::InvalidRequest,
        );
    });
}

#[test]
fn a_device_signs_in_by_answering_a_fresh_challenge_once() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let prove = async |key: &SigningKey, action: &str| {
            let challenge = devices::challenge(&world.app, local()).await.expect("a challenge");
            let text = possession_text(action, challenge.challenge_id, &challenge.nonce, key.public().id());
            DeviceSignIn {
                device_id: citizen.device,
                challenge_id: challenge.challenge_id,
                signature: STANDARD.encode(key.sign(text.as_bytes())),
            }
        };
        let attempt = async |device: DeviceSignIn| {
            let code = code(world, &phone(1), Purpose::SignIn).await;
            sessions::sign_in(&world.app, local(), SignInAsk { device: Some(device), ..ask(1, &code) }).await
        };
        let proof = prove(&citizen.key, "sign_in").await;
        let signed_in = attempt(proof.clone()).await.expect("signed in with the device");
        assert_eq!(signed_in.session.device_id, Some(citizen.device));
        refused(attempt(proof).await, Code::ProofOfPossessionInvalid);
        refused(attempt(prove(&citizen.key, "bind").await).await, Code::ProofOfPossessionInvalid);
        let other = SigningKey::generate(Suite::Ed25519);
        refused(attempt(prove(&other, "sign_in").await).await, Code::ProofOfPossessionInvalid);
        let late = prove(&citizen.key, "sign_in").await;
        world.clock.advance(300_001);
        refused(attempt(late).await, Code::ProofOfPossessionInvalid);

        // Both at once are refused before anything is counted; a new device is bound by signing in.
        let code_ = code(world, &phone(1), Purpose::SignIn).await;
        let both = SignInAsk {
            device: Some(prove(&citizen.key, "sign_in").await),
            new_device: Some(new_device(&world.app, &other).await),
            ..ask(1, &code_)
        };
        refused(sessions::sign_in(&world.app, local(), both).await, Code::InvalidRequest);
        let new = SignInAsk { new_device: Some(new_device(&world.app, &other).await), ..ask(1, &code_) };
        let signed_in = sessions::sign_in(&world.app, local(), new).await.expect("bound and signed in");
        assert!(signed_in.session.device_id.is_some_and(|device| device != citizen.device));

        devices::revoke(&world.app, &citizen.actor, citizen.device).await.expect("revoked");
        refused(attempt(prove(&citizen.key, "sign_in").await).await, Code::DeviceUnknown);
    });
}

#[test]
fn recovering_takes_the_code_and_for_the_identified_the_number() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::identified(world, 1, "李明").await;
        Citizen::new(world, 2).await;
        let new_password = "another horse 9";
        let attempt = async |n: u32, id_number: Option<String>| {
            let code = code(world, &phone(n), Purpose::Recover).await;
            let ask = RecoverAsk { phone: phone(n), code, password: new_password.into(), id_number };
            sessions::recover(&world.app, local(), ask).await
        };
        let nobody = refused(attempt(3, None).await, Code::SignInFailed);
        let without = refused(attempt(1, None).await, Code::SignInFailed);
        assert_eq!(format!("{nobody:?}"), format!("{without:?}"));
        refused(attempt(1, Some(identity_number(2))).await, Code::SignInFailed);
        attempt(1, Some(identity_number(1).to_lowercase())).await.expect("recovered");
        attempt(2, None).await.expect("an anonymous account has no number");
        refused(sessions::authenticate(&world.app, &citizen.token).await, Code::Unauthenticated);

        let code_ = code(world, &phone(1), Purpose::SignIn).await;
        refused(sessions::sign_in(&world.app, local(), ask(1, &code_)).await, Code::SignInFailed);
        let new = SignInAsk { password: new_password.into(), ..ask(1, &code_) };
        sessions::sign_in(&world.app, local(), new).await.expect("the new password");
        let weak =
            RecoverAsk { phone: phone(1), code: "000000".into(), password: "short".into(), id_number: None };
        refused(sessions::recover(&world.app, local(), weak).await, Code::PasswordWeak);
        assert_eq!(people::level(&world.app, citizen.person).await.expect("a person").class(), 3);
    });
}

#[test]
fn what_is_over_is_swept_away_and_what_lives_stays() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::with_pin(world, 1).await;
        refused(sessions::sign_in(&world.app, local(), ask(1, "000000")).await, Code::SignInFailed);
        let counts = async || {
            let mut counts = Vec::new();
            for text in [
                "SELECT COUNT(*) FROM sessions",
                "SELECT COUNT(*) FROM one_time_codes",
                "SELECT COUNT(*) FROM device_challenges",
                "SELECT COUNT(*) FROM failures",
                "SELECT COUNT(*) FROM quotas",
            ] {
                let count: i64 =
                    sqlx::query_scalar(text).fetch_one(world.app.db.read()).await.expect("a count");
                counts.push(count);
            }
            counts
        };
        let before = counts().await;
        assert!(before.iter().all(|count| *count > 0), "{before:?}");
        sessions::sweep(&world.app).await.expect("swept");
        assert_eq!(counts().await, before, "nothing is over yet");
        world.clock.advance(61 * 86_400_000);
        sessions::sweep(&world.app).await.expect("swept");
        assert_eq!(counts().await, [0, 0, 0, 0, 0]);
        assert_eq!(people::level(&world.app, citizen.person).await.expect("a person").class(), 4);
    });
}

#[test]
fn the_limits_that_the_guide_names_are_policies() {
    const GUIDE: &str = include_str!("../../../../docs/guides/signing-in-and-devices.md");
    on_each_backend(async |world: &mut World| {
        let mut seen = 0;
        for row in GUIDE.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let names = cells[2].split('`').skip(1).step_by(2);
            // Rows of a setting, of operations and of levels have other second cells.
            for name in names.filter(|name| {
                !cells[2].starts_with("setting")
                    && cells[3].contains(|c: char| c.is_ascii_digit())
                    && name.contains('_')
            }) {
                jialing_platform::policies::number(&world.app, name)
                    .await
                    .unwrap_or_else(|problem| panic!("{name}: {problem}"));
                seen += 1;
            }
        }
        assert!(seen > 15, "only {seen} policies were found in the guide");
    });
}

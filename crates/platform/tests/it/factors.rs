//! Passkeys, authenticators and recovery codes; new devices that old ones let in.

use jialing_crypto::{SigningKey, Suite};
use jialing_platform::audit;
use jialing_platform::devices::requests::{self, ApproveAsk, DeviceRequestAsk, State};
use jialing_platform::factors::{self, AuthenticatorState, ConfirmAsk, FactorAsk, StepUpAsk};
use jialing_platform::notices::{self, NoticeCode};
use jialing_platform::passkeys::{self, Ceremony, PasskeyAsk, RemoveAsk};
use jialing_platform::sessions::{self, Actor, SignInAsk};
use jialing_platform::transfers::{self, State as Sent};
use jialing_platform::{Code, PageAsk, Problem, Result, people, wallets};

use crate::authenticator::{Application, PAGE, SoftKey};
use crate::citizen::{Citizen, PASSWORD, PIN, local, new_device, phone};
use crate::city::{balance, found};
use crate::market::Payer;
use crate::transfers::ask;
use crate::world::{World, on_each_backend};

const HOUR_MS: i64 = 3_600_000;

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("not refused, expected {code}"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

fn sign_in(n: u32, factor: FactorAsk) -> SignInAsk {
    SignInAsk {
        phone: phone(n),
        password: PASSWORD.into(),
        code: None,
        factor: Some(factor),
        device: None,
        new_device: None,
    }
}

fn totp(code: String) -> FactorAsk {
    FactorAsk { totp: Some(code), ..FactorAsk::default() }
}

fn recovery(code: &str) -> FactorAsk {
    FactorAsk { recovery_code: Some(code.into()), ..FactorAsk::default() }
}

#[test]
fn a_passkey_is_registered_signs_in_and_is_removed() {
    on_each_backend(async |world: &mut World| {
        let ann = Citizen::with_pin(world, 1).await;
        let mut key = SoftKey::new();
        let made = key.register(world, &ann).await.expect("the first one of a fresh session");
        assert_eq!((made.algorithm.as_str(), made.last_used_at.as_deref()), ("ES256", None));
        let options = passkeys::options(&world.app, &ann.actor).await.expect("options");
        assert_eq!(options.exclude, std::slice::from_ref(&made.credential_id));
        assert_eq!((options.rp_id.as_str(), options.user_name.as_str()), ("localhost", "138****0001"));

        let ask = sign_in(1, key.factor(&world.app, Ceremony::SignIn).await);
        let session = sessions::sign_in(&world.app, local(), ask.clone()).await.expect("signed in");
        assert_eq!(session.person_id, ann.person);
        // The same answer again: the challenge is used up.
        refused(sessions::sign_in(&world.app, local(), ask).await, Code::SignInFailed);
        let listed = passkeys::list(&world.app, &ann.actor, &PageAsk::default()).await.expect("listed");
        assert!(listed.items[0].last_used_at.is_some());

        refused(
            passkeys::remove(&world.app, &ann.actor, local(), made.id, RemoveAsk { factor: None }).await,
            Code::SecondFactorRequired,
        );
        let factor = Some(key.factor(&world.app, Ceremony::StepUp).await);
        passkeys::remove(&world.app, &ann.actor, local(), made.id, RemoveAsk { factor })
            .await
            .expect("removed");
        let ask = sign_in(1, key.factor(&world.app, Ceremony::SignIn).await);
        refused(sessions::sign_in(&world.app, local(), ask).await, Code::SignInFailed);
    });
}

#[test]
fn what_a_passkey_signed_for_one_thing_is_nothing_for_another() {
    on_each_backend(async |world: &mut World| {
        let (ann, bob) = (Citizen::with_pin(world, 1).await, Citizen::with_pin(world, 2).await);
        let mut key = SoftKey::new();
        key.register(world, &ann).await.expect("registered");
        // Another ceremony's text, another person's account, another page, no holder.
        let stepped = key.factor(&world.app, Ceremony::StepUp).await;
        refused(sessions::sign_in(&world.app, local(), sign_in(1, stepped)).await, Code::SignInFailed);
        let signed = key.factor(&world.app, Ceremony::SignIn).await;
        refused(sessions::sign_in(&world.app, local(), sign_in(2, signed)).await, Code::SignInFailed);
        key.page = "https://evil.example".into();
        let signed = key.factor(&world.app, Ceremony::SignIn).await;
        refused(sessions::sign_in(&world.app, local(), sign_in(1, signed)).await, Code::SignInFailed);
        (key.page, key.verifies) = (PAGE.into(), false);
        let signed = key.factor(&world.app, Ceremony::SignIn).await;
        refused(sessions::sign_in(&world.app, local(), sign_in(1, signed)).await, Code::SignInFailed);
        key.verifies = true;
        // A copy that has counted less.
        let signed = key.factor(&world.app, Ceremony::SignIn).await;
        sessions::sign_in(&world.app, local(), sign_in(1, signed)).await.expect("signed in");
        key.count = 1;
        let signed = key.factor(&world.app, Ceremony::SignIn).await;
        refused(sessions::sign_in(&world.app, local(), sign_in(1, signed)).await, Code::SignInFailed);
        // The same credential for another account.
        let ask = SoftKey { credential: key.credential.clone(), ..SoftKey::new() };
        refused(ask.register(world, &bob).await, Code::Conflict);
        // A challenge registers once, and not what was signed elsewhere.
        let other = SoftKey::new();
        let asked = other.ask(&world.app, None).await;
        let third = Citizen::with_pin(world, 3).await;
        passkeys::register(&world.app, &third.actor, local(), asked.clone()).await.expect("registered");
        refused(
            passkeys::register(&world.app, &bob.actor, local(), asked.clone()).await,
            Code::PasskeyInvalid,
        );
        let bad =
            PasskeyAsk { attestation_object: "AAAA".into(), ..SoftKey::new().ask(&world.app, None).await };
        refused(passkeys::register(&world.app, &bob.actor, local(), bad).await, Code::PasskeyInvalid);
        let bad =
            PasskeyAsk { attestation_object: "=!".into(), ..SoftKey::new().ask(&world.app, None).await };
        let problem =
            refused(passkeys::register(&world.app, &bob.actor, local(), bad).await, Code::InvalidRequest);
        assert_eq!(problem.field.as_deref(), Some("attestation_object"));
    });
}

#[test]
fn only_the_first_factor_soon_after_signing_in_needs_no_other() {
    on_each_backend(async |world: &mut World| {
        let (ann, bob) = (Citizen::with_pin(world, 1).await, Citizen::with_pin(world, 2).await);
        SoftKey::new().register(world, &ann).await.expect("the first");
        refused(SoftKey::new().register(world, &ann).await, Code::SecondFactorRequired);
        let code = Some(ann.second_factor(world).await);
        let factor = Some(FactorAsk { code, ..FactorAsk::default() });
        let asked = SoftKey::new().ask(&world.app, factor).await;
        passkeys::register(&world.app, &ann.actor, local(), asked).await.expect("by a code");
        world.clock.advance(HOUR_MS);
        refused(SoftKey::new().register(world, &bob).await, Code::SecondFactorRequired);
    });
}

#[test]
fn a_passkey_confirms_this_payment_and_no_other() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 500_000).await, Payer::with(world, 2, "BKB", 0).await);
        let mut key = SoftKey::new();
        key.register(world, &ann.citizen).await.expect("registered");
        let to = bob.wallet.to_string();
        // Above what may be paid without the PIN.
        let text = |asked: &transfers::TransferAsk| {
            let evidence = jialing_platform::devices::Evidence {
                action: transfers::ACTION,
                payee: asked.payee.clone(),
                amount: asked.amount,
                subject: asked.out_transfer_no.clone(),
                wallet: asked.from_wallet_id,
                expires_at: asked.evidence.expires_at,
                nonce: asked.evidence.nonce.clone(),
            };
            evidence.text().expect("signable")
        };
        let send = async |asked: transfers::TransferAsk| {
            transfers::send(&world.app, &ann.citizen.actor, asked).await
        };
        let unpinned =
            |number: &str| transfers::TransferAsk { pin: None, ..ask(world, &ann, number, &to, 300_000) };
        refused(send(unpinned("t-0")).await, Code::PinRequired);
        let mut asked = unpinned("t-1");
        asked.evidence.passkey = Some(key.sign(&text(&asked)));
        let sent = send(asked.clone()).await.expect("the passkey stands for the PIN");
        assert_eq!((sent.state, balance(world, bob.wallet).await), (Sent::Success, 300_000));
        // A lost answer: the same request again.
        assert_eq!(send(asked.clone()).await.expect("the same").id, sent.id);
        // What was signed for that one does not pay another.
        let mut other = unpinned("t-2");
        other.evidence.passkey = asked.evidence.passkey.clone();
        let problem = refused(send(other).await, Code::PasskeyInvalid);
        assert_eq!(problem.field.as_deref(), Some("evidence.passkey"));
        // A wrong PIN is wrong beside a passkey too.
        let mut pinned = transfers::TransferAsk { pin: Some("111222".into()), ..unpinned("t-3") };
        pinned.evidence.passkey = Some(key.sign(&text(&pinned)));
        refused(send(pinned).await, Code::PinInvalid);
        assert_eq!(balance(world, bob.wallet).await, 300_000);
    });
}

#[test]
fn an_authenticator_counts_once_it_was_confirmed_and_each_code_once() {
    on_each_backend(async |world: &mut World| {
        let ann = Citizen::with_pin(world, 1).await;
        let read = async || factors::read(&world.app, &ann.actor).await.expect("read");
        assert_eq!(read().await.state, AuthenticatorState::None);
        let made =
            factors::enrol(&world.app, &ann.actor, local(), Default::default()).await.expect("enrolled");
        assert!(made.uri.starts_with("otpauth://totp/Jialing:138****0001?secret="), "{}", made.uri);
        assert!(made.uri.contains(&made.secret));
        assert_eq!(read().await.state, AuthenticatorState::Pending);
        // Not yet.
        let early = Application::with(&made.secret).shows(world);
        refused(sessions::sign_in(&world.app, local(), sign_in(1, totp(early))).await, Code::SignInFailed);
        // A second secret takes the first one's place.
        let (application, codes) = Application::enrol(world, &ann).await;
        let old = ConfirmAsk { totp: Application::with(&made.secret).shows(world) };
        refused(factors::confirm(&world.app, &ann.actor, local(), old).await, Code::StateConflict);
        assert_eq!((read().await.state, read().await.recovery_codes_left), (AuthenticatorState::Active, 10));

        world.clock.advance(60_000);
        let shown = application.shows(world);
        let ask = sign_in(1, totp(shown));
        sessions::sign_in(&world.app, local(), ask.clone()).await.expect("signed in");
        refused(sessions::sign_in(&world.app, local(), ask).await, Code::SignInFailed);
        sessions::sign_in(&world.app, local(), sign_in(1, recovery(&codes[0].to_uppercase())))
            .await
            .expect("in");
        refused(
            sessions::sign_in(&world.app, local(), sign_in(1, recovery(&codes[0]))).await,
            Code::SignInFailed,
        );
        assert_eq!(read().await.recovery_codes_left, 9);

        let renewed =
            factors::renew_recovery_codes(&world.app, &ann.actor, local(), step(recovery(&codes[1])))
                .await
                .expect("renewed");
        assert_eq!(read().await.recovery_codes_left, 10);
        refused(
            factors::remove(&world.app, &ann.actor, local(), step(recovery(&codes[2]))).await,
            Code::FactorInvalid,
        );
        let ask = step(recovery(&renewed.recovery_codes[0]));
        factors::remove(&world.app, &ann.actor, local(), ask).await.expect("removed");
        assert_eq!((read().await.state, read().await.recovery_codes_left), (AuthenticatorState::None, 0));
    });
}

fn step(factor: FactorAsk) -> StepUpAsk {
    StepUpAsk { factor: Some(factor) }
}

#[test]
fn guesses_are_counted_before_they_are_compared() {
    on_each_backend(async |world: &mut World| {
        let ann = Citizen::with_pin(world, 1).await;
        let (application, _) = Application::enrol(world, &ann).await;
        world.clock.advance(60_000);
        let guess =
            async |code: String| factors::remove(&world.app, &ann.actor, local(), step(totp(code))).await;
        let wrong = || {
            let right: u32 = application.shows(world).parse().expect("six digits");
            format!("{:06}", (right + 499_999) % 1_000_000)
        };
        let waits = loop {
            match guess(wrong()).await.expect_err("wrong") {
                problem if problem.code == Code::RateLimited => break problem.retry_after,
                problem => assert_eq!(problem.code, Code::FactorInvalid),
            }
        };
        assert!(waits.is_some_and(|seconds| seconds > 0));
        // Not even the right one while the wait lasts.
        refused(guess(application.shows(world)).await, Code::RateLimited);
        world.clock.advance(i64::try_from(waits.expect("a wait")).expect("short") * 1000 + 1000);
        guess(application.shows(world)).await.expect("right after the wait");
    });
}

#[test]
fn nobody_s_factors_look_like_somebody_s() {
    on_each_backend(async |world: &mut World| {
        Citizen::with_pin(world, 1).await;
        for n in [1, 999] {
            for factor in [totp("123456".into()), recovery("abcd-efgh-2345-mnop")] {
                let problem = refused(
                    sessions::sign_in(&world.app, local(), sign_in(n, factor)).await,
                    Code::SignInFailed,
                );
                assert_eq!((problem.field, problem.detail), (None, None));
            }
        }
        let none = SignInAsk { factor: None, ..sign_in(1, FactorAsk::default()) };
        refused(sessions::sign_in(&world.app, local(), none).await, Code::InvalidRequest);
        let both = SignInAsk { code: Some("123456".into()), ..sign_in(1, totp("123456".into())) };
        refused(sessions::sign_in(&world.app, local(), both).await, Code::InvalidRequest);
        let coded = FactorAsk { code: Some("123456".into()), ..FactorAsk::default() };
        let problem =
            refused(sessions::sign_in(&world.app, local(), sign_in(1, coded)).await, Code::InvalidRequest);
        assert_eq!(problem.field.as_deref(), Some("factor.code"));
    });
}

/// Signs in anew, without a device.
async fn bare_session(world: &World, citizen: &Citizen, application: &Application) -> Actor {
    world.clock.advance(60_000);
    let n = citizen.phone[3..].parse().expect("a number");
    let ask = sign_in(n, totp(application.shows(world)));
    let session = sessions::sign_in(&world.app, local(), ask).await.expect("signed in");
    sessions::authenticate(&world.app, &session.token).await.expect("a fresh session")
}

#[test]
fn an_old_device_lets_a_new_one_in_by_the_number_it_shows() {
    on_each_backend(async |world: &mut World| {
        let (ann, bob) = (Citizen::with_pin(world, 1).await, Citizen::with_pin(world, 2).await);
        let (application, _) = Application::enrol(world, &ann).await;
        let new = bare_session(world, &ann, &application).await;
        assert_eq!(new.device, None);
        let key = SigningKey::generate(Suite::Es256);
        let request = async |key: &SigningKey| {
            let device = new_device(&world.app, key).await;
            requests::ask(&world.app, &new, DeviceRequestAsk { device }).await
        };
        let asked = request(&key).await.expect("asked");
        let number = asked.number.clone().expect("shown to the one who asks");
        let seen = requests::one(&world.app, &ann.actor, asked.id).await.expect("seen on the old device");
        assert_eq!((seen.number, seen.own, seen.state), (None, false, State::Pending));
        refused(requests::one(&world.app, &bob.actor, asked.id).await, Code::NotFound);
        let approve = async |actor: &Actor, id, number: &str, pin: Option<&str>| {
            let ask = ApproveAsk { number: number.into(), pin: pin.map(Into::into), factor: None };
            requests::approve(&world.app, actor, local(), id, ask).await
        };
        refused(approve(&bob.actor, asked.id, &number, Some(PIN)).await, Code::NotFound);
        refused(approve(&new, asked.id, &number, Some(PIN)).await, Code::DeviceUnknown);
        refused(approve(&ann.actor, asked.id, &number, None).await, Code::InvalidRequest);
        refused(approve(&ann.actor, asked.id, &number, Some("111222")).await, Code::PinInvalid);
        let approved = approve(&ann.actor, asked.id, &number, Some(PIN)).await.expect("approved");
        let device = approved.device_id.expect("bound");
        assert_eq!(approved.state, State::Approved);
        assert_eq!(approve(&ann.actor, asked.id, &number, Some(PIN)).await.expect("the same"), approved);
        let own = sessions::list(&world.app, &new, &PageAsk::default()).await.expect("listed");
        let own = own.items.iter().find(|session| session.current).expect("this one");
        assert_eq!(own.device_id, Some(device), "the session that asked is bound to it");

        // A wrong number ends a request; so does time.
        let third = bare_session(world, &ann, &application).await;
        let key = SigningKey::generate(Suite::Es256);
        let device = new_device(&world.app, &key).await;
        let asked = requests::ask(&world.app, &third, DeviceRequestAsk { device }).await.expect("asked");
        let number: u32 = asked.number.expect("shown").parse().expect("digits");
        let wrong = format!("{:02}", (number + 1) % 100);
        let problem = refused(approve(&ann.actor, asked.id, &wrong, Some(PIN)).await, Code::StateConflict);
        assert_eq!(problem.field.as_deref(), Some("number"));
        let right = format!("{number:02}");
        refused(approve(&ann.actor, asked.id, &right, Some(PIN)).await, Code::StateConflict);
        let device = new_device(&world.app, &key).await;
        let asked =
            requests::ask(&world.app, &third, DeviceRequestAsk { device }).await.expect("asked again");
        world.clock.advance(requests::VALID_MS);
        let late = requests::one(&world.app, &ann.actor, asked.id).await.expect("seen");
        assert_eq!(late.state, State::Expired);
        let number = asked.number.expect("shown");
        refused(approve(&ann.actor, asked.id, &number, Some(PIN)).await, Code::StateConflict);

        let log = audit::security_log(&world.app, &ann.actor, &PageAsk::default()).await.expect("the log");
        let events: Vec<&str> = log.items.iter().map(|event| event.event.as_str()).collect();
        for event in [
            "device.request",
            "device.approve",
            "device.refuse",
            "authenticator.add",
            "session.sign_in",
            "pin.set",
        ] {
            assert!(events.contains(&event), "{event}: {events:?}");
        }
        let bobs = audit::security_log(&world.app, &bob.actor, &PageAsk::default()).await.expect("the log");
        assert!(bobs.items.iter().all(|event| !event.event.starts_with("authenticator")));
        let told = notices::list(&world.app, &ann.actor, &PageAsk::default()).await.expect("notices");
        assert!(told.items.iter().any(|notice| notice.code == NoticeCode::DeviceRequest));
        assert!(told.items.iter().any(|notice| notice.code == NoticeCode::Security));
    });
}

#[test]
fn an_erased_person_has_no_factors_left() {
    on_each_backend(async |world: &mut World| {
        let ann = Citizen::with_pin(world, 1).await;
        Application::enrol(world, &ann).await;
        people::erase(&world.app, "operator", ann.person).await.expect("erased");
        let left = factors::read(&world.app, &ann.actor).await.expect("read");
        assert_eq!((left.state, left.recovery_codes_left), (AuthenticatorState::None, 0));
        let keys = passkeys::list(&world.app, &ann.actor, &PageAsk::default()).await.expect("listed");
        assert!(keys.items.is_empty());
    });
}

#[test]
fn an_account_is_closed_by_its_holder_once_its_wallets_are() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 0).await;
        let actor = &ann.citizen.actor;
        let close = async |factor: Option<FactorAsk>| {
            people::close_account(&world.app, actor, local(), people::CloseAccountAsk { factor }).await
        };
        let coded = async || {
            let code = Some(ann.citizen.second_factor(world).await);
            Some(FactorAsk { code, ..FactorAsk::default() })
        };
        refused(close(coded().await).await, Code::StateConflict);
        wallets::close(&world.app, actor, ann.wallet, Default::default())
            .await
            .expect("an empty wallet closes");
        refused(close(None).await, Code::SecondFactorRequired);
        close(coded().await).await.expect("closed");
        refused(sessions::authenticate(&world.app, &ann.citizen.token).await, Code::Unauthenticated);
        assert_eq!(people::display_name(&world.app, ann.citizen.person).await.expect("a name"), "***");
    });
}

//! Devices: proof of possession, second factors, revoking, and the evidence they sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::{PublicKey, SigningKey, Suite};
use jialing_platform::devices::{self, BindAsk, DeviceState, Evidence, EvidenceAsk, PublicKeyAsk};
use jialing_platform::id::{DeviceId, OrderId, WalletId};
use jialing_platform::{Code, Money, PageAsk, Problem, Result};
use jialing_platform::{mandates, payments, sessions, topups, transfers, withdrawals};

use crate::citizen::{Citizen, local, new_device};
use crate::world::{World, on_each_backend};

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("{code} was expected"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

fn evidence(world: &World, amount: u64) -> Evidence {
    Evidence {
        action: "pay",
        payee: "小面馆 🍜".into(),
        amount: Money::fen(amount),
        subject: OrderId::new(world.clock.millis()).to_string(),
        wallet: WalletId::new(world.clock.millis()),
        expires_at: world.clock.millis() + 120_000,
        nonce: jialing_crypto::random::nonce(),
    }
}

#[test]
fn a_further_device_needs_a_fresh_second_factor() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let key = SigningKey::generate(Suite::Es256);
        let bind = async |key: &SigningKey, code: Option<String>| {
            let device = new_device(&world.app, key).await;
            devices::bind(&world.app, &citizen.actor, BindAsk { device, code }).await
        };
        refused(bind(&key, None).await, Code::SecondFactorRequired);
        let right = citizen.second_factor(world).await;
        let wrong = if right == "000000" { "000001" } else { "000000" };
        refused(bind(&key, Some(wrong.into())).await, Code::CodeInvalid);
        let device = bind(&key, Some(right.clone())).await.expect("bound");
        assert_eq!((device.suite.as_str(), device.state), ("ES256", DeviceState::Active));
        assert_eq!(device.key_id, key.public().id());
        refused(bind(&SigningKey::generate(Suite::Es256), Some(right)).await, Code::CodeInvalid);
        // The same key again is the same device.
        let again = bind(&key, Some(citizen.second_factor(world).await)).await.expect("bound before");
        assert_eq!(again.device_id, device.device_id);
    });
}

#[test]
fn the_first_device_is_bound_by_a_fresh_sign_in() {
    on_each_backend(async |world: &mut World| {
        use jialing_platform::notices::codes::Purpose;
        use jialing_platform::people::{self, SignUpAsk};
        let without_device = async |n| {
            let phone = crate::citizen::phone(n);
            let code = crate::citizen::code(world, &phone, Purpose::SignUp).await;
            let ask = SignUpAsk { phone, code, password: crate::citizen::PASSWORD.into(), device: None };
            let signed_in = people::sign_up(&world.app, ask).await.expect("signed up");
            sessions::authenticate(&world.app, &signed_in.token).await.expect("a session")
        };
        let key = SigningKey::generate(Suite::Ed25519);
        let (early, late) = (without_device(1).await, without_device(2).await);
        let ask = BindAsk { device: new_device(&world.app, &key).await, code: None };
        let device = devices::bind(&world.app, &early, ask).await.expect("bound");
        let page = devices::list(&world.app, &early, &PageAsk::default()).await.expect("a page");
        assert_eq!(page.items, std::slice::from_ref(&device));
        let sessions = sessions::list(&world.app, &early, &PageAsk::default()).await.expect("a page");
        assert_eq!(sessions.items[0].device_id, Some(device.device_id), "the session is bound to it");

        // Another's key is refused, a revoked one too, and ten minutes later a sign-in is no second factor.
        let stolen = BindAsk { device: new_device(&world.app, &key).await, code: None };
        refused(devices::bind(&world.app, &late, stolen).await, Code::Conflict);
        world.clock.advance(600_000);
        let key = SigningKey::generate(Suite::Ed25519);
        let ask = BindAsk { device: new_device(&world.app, &key).await, code: None };
        refused(devices::bind(&world.app, &late, ask).await, Code::SecondFactorRequired);
        refused(devices::one(&world.app, &late, device.device_id).await, Code::NotFound);
    });
}

#[test]
fn a_challenge_is_answered_once_in_time_by_the_key_itself() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let key = SigningKey::generate(Suite::Es256);
        let code = citizen.second_factor(world).await;
        let bind = async |device: devices::NewDevice| {
            let ask = BindAsk { device, code: Some(code.clone()) };
            devices::bind(&world.app, &citizen.actor, ask).await
        };
        let good = new_device(&world.app, &key).await;
        let other = SigningKey::generate(Suite::Es256);
        let check = async |change: &dyn Fn(&mut devices::NewDevice), code: Code, field: Option<&str>| {
            let mut device = good.clone();
            change(&mut device);
            let problem = refused(bind(device).await, code);
            assert_eq!(problem.field.as_deref(), field, "{problem:?}");
        };
        let spki = |key: &PublicKey| PublicKeyAsk::Spki(STANDARD.encode(key.spki_der()));
        check(&|d| d.public_key = spki(other.public()), Code::ProofOfPossessionInvalid, None).await;
        check(&|d| d.signature = String::new(), Code::ProofOfPossessionInvalid, None).await;
        check(
            &|d| d.challenge_id = jialing_platform::id::ChallengeId::new(0),
            Code::ProofOfPossessionInvalid,
            None,
        )
        .await;
        let sm2 = SigningKey::generate(Suite::Sm2Sm3);
        check(&|d| d.public_key = spki(sm2.public()), Code::InvalidRequest, Some("public_key")).await;
        check(
            &|d| d.public_key = PublicKeyAsk::Spki("AAAA".into()),
            Code::InvalidRequest,
            Some("public_key"),
        )
        .await;
        check(&|d| d.name = "two\nlines".into(), Code::InvalidRequest, Some("name")).await;
        check(&|d| d.name = "x".repeat(65), Code::InvalidRequest, Some("name")).await;

        let late = new_device(&world.app, &key).await;
        bind(good.clone()).await.expect("nothing was used up");
        refused(bind(good.clone()).await, Code::ProofOfPossessionInvalid);
        world.clock.advance(300_001);
        refused(bind(late).await, Code::ProofOfPossessionInvalid);
    });
}

#[test]
fn twenty_answers_to_one_challenge_bind_one_device() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let device = new_device(&world.app, &SigningKey::generate(Suite::Ed25519)).await;
        let code = Some(citizen.second_factor(world).await);
        let ask = BindAsk { device, code };
        let tries = join_all((0..20).map(|_| devices::bind(&world.app, &citizen.actor, ask.clone()))).await;
        assert_eq!(tries.iter().filter(|answer| answer.is_ok()).count(), 1);
        let page = devices::list(&world.app, &citizen.actor, &PageAsk::default()).await.expect("a page");
        assert_eq!(page.items.len(), 2);
    });
}

#[test]
fn a_revoked_device_never_signs_and_never_comes_back() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let stranger = Citizen::new(world, 2).await;
        refused(devices::revoke(&world.app, &stranger.actor, citizen.device).await, Code::NotFound);
        let e = evidence(world, 100);
        let ask = citizen.sign_evidence(&e);
        devices::admit(&world.app, &citizen.actor, &e, &ask).await.expect("it signs");

        let revoked = devices::revoke(&world.app, &citizen.actor, citizen.device).await.expect("revoked");
        assert!(revoked.state == DeviceState::Revoked && revoked.revoked_at.is_some());
        let again =
            devices::revoke(&world.app, &citizen.actor, citizen.device).await.expect("revoked before");
        assert_eq!(again, revoked);
        refused(sessions::authenticate(&world.app, &citizen.token).await, Code::Unauthenticated);
        // What it signed before is no longer admitted either, though it stays for a dispute.
        refused(devices::admit(&world.app, &citizen.actor, &e, &ask).await, Code::DeviceUnknown);
        let fresh = evidence(world, 100);
        let signed = citizen.sign_evidence(&fresh);
        refused(devices::admit(&world.app, &citizen.actor, &fresh, &signed).await, Code::DeviceUnknown);
        assert_eq!(devices::evidence_of(&world.app, &e.subject).await.expect("kept").len(), 1);
        let device = new_device(&world.app, &citizen.key).await;
        let code = Some(citizen.second_factor(world).await);
        refused(devices::bind(&world.app, &citizen.actor, BindAsk { device, code }).await, Code::Conflict);
    });
}

#[test]
fn a_device_revoked_between_check_and_keeping_is_refused() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let e = evidence(world, 100);
        let signed = devices::check(&world.app, &citizen.actor, &e, &citizen.sign_evidence(&e))
            .await
            .expect("it fits");
        devices::revoke(&world.app, &citizen.actor, citizen.device).await.expect("revoked");
        let kept = world.app.db.write(async move |tx: &mut jialing_platform::Tx| signed.keep(tx).await).await;
        refused(kept, Code::DeviceUnknown);
    });
}

#[test]
fn only_what_was_signed_is_admitted() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let e = evidence(world, 1250);
        let good = citizen.sign_evidence(&e);
        let admit =
            async |e: &Evidence, ask: &EvidenceAsk| devices::admit(&world.app, &citizen.actor, e, ask).await;

        // Each value of the text, changed after signing.
        let check = async |change: &dyn Fn(&mut Evidence)| {
            let mut changed = e.clone();
            change(&mut changed);
            let problem = refused(admit(&changed, &good).await, Code::DeviceSignatureInvalid);
            let told = problem.extra.expect("a sandbox shows the text")["signed_text"].clone();
            assert_eq!(told, changed.text().expect("a text"));
        };
        check(&|e| e.action = "transfer").await;
        check(&|e| e.payee.push('!')).await;
        check(&|e| e.amount = Money::fen(1251)).await;
        check(&|e| e.subject.push('0')).await;
        check(&|e| e.wallet = WalletId::new(0)).await;
        check(&|e| e.nonce.push('0')).await;
        check(&|e| e.expires_at += 1).await;

        // Another key, another suite, another form of the signature.
        let forged = |key: &SigningKey| EvidenceAsk {
            signature: STANDARD.encode(key.sign(e.text().expect("a text").as_bytes())),
            ..good.clone()
        };
        for suite in [Suite::Ed25519, Suite::Es256, Suite::Sm2Sm3] {
            refused(admit(&e, &forged(&SigningKey::generate(suite))).await, Code::DeviceSignatureInvalid);
        }
        for signature in ["", "AAAA", "not base64!"] {
            let bad = EvidenceAsk { signature: signature.into(), ..good.clone() };
            refused(admit(&e, &bad).await, Code::DeviceSignatureInvalid);
        }

        // Another's device, and none at all.
        let stranger = Citizen::new(world, 2).await;
        refused(devices::admit(&world.app, &stranger.actor, &e, &good).await, Code::DeviceUnknown);
        let unknown = EvidenceAsk { device_id: DeviceId::new(0), ..good.clone() };
        refused(admit(&e, &unknown).await, Code::DeviceUnknown);

        // A text that could be read in two ways is never even looked at.
        let two_lines = Evidence { payee: "shop\namount:1 CNY".into(), ..e.clone() };
        refused(admit(&two_lines, &good).await, Code::InvalidRequest);

        let proof = admit(&e, &good).await.expect("the very text");
        let text = e.text().expect("a text");
        let signature = STANDARD.decode(&good.signature).expect("base64");
        let whole = HashAlgorithm::Sha256.digest_parts(&[
            text.as_bytes(),
            &[0],
            citizen.key.public().id().as_bytes(),
            &[0],
            &signature,
        ]);
        assert_eq!(proof.digest, whole[..24]);

        // What is kept settles a dispute with the public key alone.
        let kept = devices::evidence_of(&world.app, &e.subject).await.expect("kept");
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].person_id, kept[0].device_id), (citizen.person, citizen.device));
        let spki = STANDARD.decode(&kept[0].public_key).expect("base64");
        let key = PublicKey::from_spki_der(&spki).expect("a key");
        let signature = STANDARD.decode(&kept[0].signature).expect("base64");
        assert_eq!(kept[0].text, text);
        key.verify(kept[0].text.as_bytes(), &signature).expect("it verifies");
    });
}

#[test]
fn evidence_expires_and_may_not_reach_far_ahead() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let check = async |ahead: i64, fits: bool| {
            let e = Evidence { expires_at: world.clock.millis() + ahead, ..evidence(world, 1) };
            let answer = devices::admit(&world.app, &citizen.actor, &e, &citizen.sign_evidence(&e)).await;
            match fits {
                true => drop(answer.expect("in time")),
                false => drop(refused(answer, Code::EvidenceExpired)),
            }
        };
        check(299_000, true).await;
        check(310_000, false).await;
        check(2_000, true).await;
        check(0, false).await;
        check(-1, false).await;
        // The same evidence is good until its very end, also when the clock went on.
        let e = Evidence { expires_at: world.clock.millis() + 60_000, ..evidence(world, 1) };
        let ask = citizen.sign_evidence(&e);
        devices::admit(&world.app, &citizen.actor, &e, &ask).await.expect("in time");
        world.clock.advance(60_000);
        refused(devices::admit(&world.app, &citizen.actor, &e, &ask).await, Code::EvidenceExpired);
    });
}

#[test]
fn a_nonce_is_for_one_text_which_may_be_sent_again() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let es256 = SigningKey::generate(Suite::Es256);
        let second = citizen.bind(world, &es256).await;
        let e = evidence(world, 100);
        let first = devices::admit(&world.app, &citizen.actor, &e, &citizen.sign_evidence(&e))
            .await
            .expect("admitted");
        let again =
            devices::admit(&world.app, &citizen.actor, &e, &citizen.sign_evidence(&e)).await.expect("again");
        assert_eq!(first, again);
        let other = Evidence { amount: Money::fen(101), ..e.clone() };
        let answer = devices::admit(&world.app, &citizen.actor, &other, &citizen.sign_evidence(&other)).await;
        refused(answer, Code::NonceReused);

        // ECDSA signs the same text differently each time: the first signature counts.
        let text = e.text().expect("a text");
        let sign = || EvidenceAsk {
            device_id: second,
            nonce: e.nonce.clone(),
            expires_at: e.expires_at,
            signature: STANDARD.encode(es256.sign(text.as_bytes())),
            passkey: None,
        };
        let (a, b) = (sign(), sign());
        assert_ne!(a.signature, b.signature);
        let first =
            devices::admit(&world.app, &citizen.actor, &e, &a).await.expect("nonces are the device's own");
        assert_eq!(devices::admit(&world.app, &citizen.actor, &e, &b).await.expect("again"), first);
        assert_eq!(devices::evidence_of(&world.app, &e.subject).await.expect("kept").len(), 2);

        // Twenty at once keep one and answer one digest.
        let e = evidence(world, 100);
        let asks: Vec<_> =
            (0..20).map(|_| EvidenceAsk { nonce: e.nonce.clone(), ..citizen.sign_evidence(&e) }).collect();
        let answers =
            join_all(asks.iter().map(|ask| devices::admit(&world.app, &citizen.actor, &e, ask))).await;
        let digests: Vec<_> = answers.into_iter().filter_map(Result::ok).map(|proof| proof.digest).collect();
        assert!(!digests.is_empty() && digests.iter().all(|digest| *digest == digests[0]));
        assert_eq!(devices::evidence_of(&world.app, &e.subject).await.expect("kept").len(), 1);
    });
}

#[test]
fn ten_devices_are_enough() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        let mut last = citizen.device;
        for _ in 1..10 {
            last = citizen.bind(world, &SigningKey::generate(Suite::Ed25519)).await;
            // Codes have quotas of their own.
            world.clock.advance(3_600_000);
        }
        let one_more = async || {
            let device = new_device(&world.app, &SigningKey::generate(Suite::Ed25519)).await;
            let code = Some(citizen.second_factor(world).await);
            devices::bind(&world.app, &citizen.actor, BindAsk { device, code }).await
        };
        refused(one_more().await, Code::StateConflict);
        devices::revoke(&world.app, &citizen.actor, last).await.expect("revoked");
        one_more().await.expect("there is room again");
    });
}

#[test]
fn challenges_are_limited_per_address() {
    on_each_backend(async |world: &mut World| {
        let into_hour = world.clock.millis().rem_euclid(3_600_000);
        world.clock.advance(3_600_000 - into_hour);
        let here = sessions::Origin::of("2001:db8::1".parse().expect("an address"));
        let neighbour = sessions::Origin::of("2001:db8::2".parse().expect("an address"));
        let answers = join_all((0..600).map(|_| devices::challenge(&world.app, here))).await;
        let drawn = answers.iter().filter(|answer| answer.is_ok()).count();
        // Under such contention PostgreSQL may give some up, which then do not count.
        for _ in drawn..600 {
            devices::challenge(&world.app, here).await.expect("within the quota");
        }
        refused(devices::challenge(&world.app, neighbour).await, Code::RateLimited);
        devices::challenge(&world.app, local()).await.expect("a sandbox's own machine is not counted");
    });
}

#[test]
fn evidence_travels_as_json_with_a_time_in_words() {
    let ask: EvidenceAsk = serde_json::from_value(serde_json::json!({
        "device_id": DeviceId::from_number(0), "nonce": "0123456789abcdef",
        "expires_at": "2026-11-22T14:20:00.123+08:00", "signature": "AAAA",
    }))
    .expect("any offset is read");
    let json = serde_json::to_value(&ask).expect("JSON");
    assert_eq!(json["expires_at"], "2026-11-22T06:20:00.123Z");
    for bad in ["2026-11-22T06:20:00.1234Z", "2026-11-22T06:20:00", "tomorrow", ""] {
        let mut json = json.clone();
        json["expires_at"] = bad.into();
        assert!(serde_json::from_value::<EvidenceAsk>(json).is_err(), "{bad}");
    }
    let mut json = json;
    json["more"] = 1.into();
    assert!(serde_json::from_value::<EvidenceAsk>(json).is_err(), "unknown fields are refused");
}

/// The guide from which another client can be written.
const GUIDE: &str = include_str!("../../../../docs/guides/signing-in-and-devices.md");

/// The text in the guide's fence that begins with `first`.
fn fenced(first: &str) -> &'static str {
    let start = GUIDE.find(&format!("```text\n{first}")).expect("the guide has this text") + 8;
    let length = GUIDE[start..].find("```").expect("the fence ends");
    &GUIDE[start..start + length]
}

#[test]
fn the_guide_shows_true_texts_and_signatures() {
    let key = SigningKey::from_ed25519_seed(&[1; 32]).expect("any seed is a key");
    let said = |what: &str| assert!(GUIDE.contains(what), "the guide does not say {what}");

    let evidence = Evidence {
        action: payments::ACTION,
        payee: "mch_06c1v0q3000000000000000000".into(),
        amount: Money::fen(1250),
        subject: "ord_06c1v0q3000000000000000000".into(),
        wallet: "wal_06c1v0q3000000000000000000".parse().expect("an id"),
        expires_at: "2026-11-22T06:20:00Z".parse::<jiff::Timestamp>().expect("a time").as_millisecond(),
        nonce: "0123456789abcdef0123456789abcdef".into(),
    };
    let text = evidence.text().expect("signable");
    assert_eq!(fenced("JIALING-EVIDENCE-1"), text);
    let signature = key.sign(text.as_bytes());
    said(&STANDARD.encode(&signature));
    said(&STANDARD.encode(key.public().spki_der()));
    said(&format!("key id is `{}`", key.public().id()));
    let id = key.public().id().as_bytes();
    let digest = HashAlgorithm::Sha256.digest_parts(&[text.as_bytes(), &[0], id, &[0], &signature]);
    said(&digest[..24].iter().map(|byte| format!("{byte:02x}")).collect::<String>());

    for action in [payments::ACTION, transfers::ACTION, topups::ACTION, withdrawals::ACTION, mandates::ACTION]
    {
        said(&format!("| `{action}` |"));
    }

    let text = devices::rules::possession_text(
        "bind",
        "chl_06c1v0q3000000000000000000".parse().expect("an id"),
        "5f0c5a0e9d3b4a6f8e7d6c5b4a392817",
        key.public().id(),
    );
    assert_eq!(fenced("JIALING-DEVICE-1"), text);
}

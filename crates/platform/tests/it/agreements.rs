//! Debit agreements: proposed, approved by one payer, refused, expired, taken back.

use futures_util::future::join_all;
use jialing_platform::debits::{self, AgreementAsk, ApproveAsk, Name, Period, Side, State};
use jialing_platform::{Code, Money, PageAsk, clock, merchants};

use crate::debits::{approve, pass, propose, told, wish, yes};
use crate::market::{Payer, Shop, found};
use crate::world::{World, on_each_backend};

const DAY: i64 = 86_400_000;

#[test]
fn a_proposal_is_checked_and_its_number_is_used_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let proposal = wish(world, "G-1");
        let ask = || proposal.clone();
        let first = propose(world, &shop, ask()).await;
        assert_eq!((first.state, first.version), (State::Proposed, 1));
        assert_eq!(first.approval_link, Some(format!("jialing://debit-agreement/{}", first.id)));
        for (wrong, code, field) in [
            (AgreementAsk { max_amount: Money::fen(9_999), ..ask() }, Code::Conflict, "max_amount"),
            (AgreementAsk { period: Period::Month, ..ask() }, Code::Conflict, "period"),
            (AgreementAsk { max_count: 3, ..ask() }, Code::Conflict, "max_count"),
            (AgreementAsk { description: "other".into(), ..ask() }, Code::Conflict, "description"),
            (
                AgreementAsk { notify_url: Some("https://a.example/".into()), ..ask() },
                Code::Conflict,
                "notify_url",
            ),
            (
                AgreementAsk { max_amount: Money::fen(0), ..wish(world, "G-2") },
                Code::AmountInvalid,
                "max_amount",
            ),
            (AgreementAsk { max_count: 0, ..wish(world, "G-2") }, Code::InvalidRequest, "max_count"),
            (AgreementAsk { max_count: 367, ..wish(world, "G-2") }, Code::InvalidRequest, "max_count"),
            (
                AgreementAsk { valid_until: "soon".into(), ..wish(world, "G-2") },
                Code::InvalidRequest,
                "valid_until",
            ),
            (
                AgreementAsk { valid_until: clock::rfc3339(world.clock.millis() - 1), ..wish(world, "G-2") },
                Code::InvalidRequest,
                "valid_until",
            ),
            (
                AgreementAsk {
                    valid_until: clock::rfc3339(world.clock.millis() + 3_661 * DAY),
                    ..wish(world, "G-2")
                },
                Code::InvalidRequest,
                "valid_until",
            ),
        ] {
            let problem = debits::propose(&world.app, &shop.caller, wrong).await.expect_err("wrong");
            assert_eq!((problem.code, problem.field.as_deref()), (code, Some(field)));
        }
        for name in [Name::Id(first.id), Name::OutAgreementNo("G-1".into())] {
            assert_eq!(debits::of(&world.app, shop.id, &name).await.expect("its own"), first);
        }
        let other = Shop::open(world, 5, "BKC").await;
        let foreign = debits::of(&world.app, other.id, &Name::Id(first.id)).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        merchants::suspend(&world.app, shop.id, "inspection", "test").await.expect("suspended");
        let more = debits::propose(&world.app, &shop.caller, wish(world, "G-3")).await;
        assert_eq!(more.expect_err("suspended").code, Code::MerchantInactive);
    });
}

#[test]
fn one_payer_approves_with_pin_and_device_what_was_proposed() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let (anna, bo) =
            (Payer::with(world, 2, "BKB", 1_000).await, Payer::with(world, 3, "BKA", 1_000).await);
        let agreement = propose(world, &shop, wish(world, "G-1")).await;
        let with =
            async |ask: ApproveAsk| debits::approve(&world.app, &anna.citizen.actor, agreement.id, ask).await;
        let ask = yes(world, &anna, &agreement).await;
        let wrong = ApproveAsk { pin: "284918".into(), ..ask.clone() };
        assert_eq!(with(wrong).await.expect_err("another PIN").code, Code::PinInvalid);
        let (payee, subject) = (shop.id.to_string(), agreement.id.to_string());
        let evidence = anna.citizen.sign(world, debits::ACTION, &payee, 10_000, &subject, anna.wallet);
        let wrong = ApproveAsk { evidence, ..ask.clone() };
        assert_eq!(with(wrong).await.expect_err("half was signed").code, Code::DeviceSignatureInvalid);
        let wrong = ApproveAsk { wallet_id: bo.wallet, ..ask.clone() };
        assert_eq!(with(wrong).await.expect_err("another's wallet").code, Code::NotFound);
        // Of several at once one person's yes holds; the same person hears it again.
        let mut requests = Vec::new();
        for payer in [&anna, &bo, &anna, &bo] {
            requests.push((payer, yes(world, payer, &agreement).await));
        }
        let tries = join_all(
            requests
                .into_iter()
                .map(|(payer, ask)| debits::approve(&world.app, &payer.citizen.actor, agreement.id, ask)),
        )
        .await;
        let payers: Vec<_> = tries.iter().flatten().filter_map(|seen| seen.wallet_id).collect();
        assert!(!payers.is_empty() && payers.iter().all(|wallet| *wallet == payers[0]), "{tries:?}");
        let (winner, loser) = if payers[0] == anna.wallet { (&anna, &bo) } else { (&bo, &anna) };
        let foreign = debits::view(&world.app, &loser.citizen.actor, agreement.id).await;
        assert_eq!(foreign.expect_err("another's").code, Code::NotFound);
        let foreign = debits::cancel_own(&world.app, &loser.citizen.actor, agreement.id).await;
        assert_eq!(foreign.expect_err("another's").code, Code::NotFound);
        let own =
            debits::list_own(&world.app, &winner.citizen.actor, &PageAsk::default()).await.expect("a page");
        assert_eq!((own.items.len(), own.items[0].agreement.state), (1, State::Active));
        let told = serde_json::to_string(
            &debits::of(&world.app, shop.id, &Name::Id(agreement.id)).await.expect("own"),
        );
        let told = told.expect("JSON");
        assert!(!told.contains(&payers[0].to_string()), "{told}");
        assert_eq!(crate::debits::told(world, &shop).await, ["debit_agreement.approved"]);
    });
}

#[test]
fn a_proposal_is_refused_expires_or_is_taken_back() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, payer) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 1_000).await);
        let refused = propose(world, &shop, wish(world, "G-1")).await;
        for _ in 0..2 {
            let seen = debits::refuse(&world.app, &payer.citizen.actor, refused.id).await.expect("refused");
            assert_eq!(seen.agreement.state, State::Refused);
        }
        let late = debits::view(&world.app, &payer.citizen.actor, refused.id).await.expect("still shown");
        assert_eq!(late.agreement.approval_link, None);
        let problem = approve(world, &payer, &refused).await.expect_err("refused");
        assert_eq!(problem.code, Code::DebitAgreementUnusable);
        let taken = propose(world, &shop, wish(world, "G-2")).await;
        let taken = debits::cancel(&world.app, shop.id, Name::Id(taken.id)).await.expect("taken back");
        assert_eq!((taken.state, taken.ended_by), (State::Cancelled, Some(Side::Merchant)));
        let expired = propose(world, &shop, wish(world, "G-3")).await;
        let ask = yes(world, &payer, &expired).await;
        world.clock.advance(DAY);
        let read = debits::of(&world.app, shop.id, &Name::Id(expired.id)).await.expect("own");
        assert_eq!((read.state, read.ended_at), (State::Expired, Some(expired.expires_at.clone())));
        let problem =
            debits::approve(&world.app, &payer.citizen.actor, expired.id, ask).await.expect_err("late");
        assert_eq!(problem.code, Code::DebitAgreementUnusable);
        let problem = debits::cancel(&world.app, shop.id, Name::Id(expired.id)).await.expect_err("over");
        assert_eq!(problem.code, Code::DebitAgreementUnusable);
        pass(world, 1).await;
        let swept = debits::of(&world.app, shop.id, &Name::Id(expired.id)).await.expect("own");
        assert_eq!((swept.state, swept.ended_at), (State::Expired, Some(expired.expires_at)));
        assert_eq!(
            told(world, &shop).await,
            ["debit_agreement.refused", "debit_agreement.cancelled", "debit_agreement.expired"]
        );
    });
}

#[test]
fn a_wallet_has_a_bounded_number_of_agreements() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, payer) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 1_000).await);
        for n in 0..51 {
            let agreement = propose(world, &shop, wish(world, &format!("G-{n}"))).await;
            let answer = approve(world, &payer, &agreement).await;
            match n {
                50 => assert_eq!(answer.expect_err("full").code, Code::StateConflict),
                _ => drop(answer.expect("approved")),
            }
        }
    });
}

//! Payouts: checked as a whole, each line once, whatever happens in between.

use jialing_platform::payouts::{
    self, ApproveAsk, LineAsk, LineState, LinesAsk, ListAsk, Name, Payout, PayoutAsk, Purpose, RejectAsk,
    SettingsAsk, State,
};
use jialing_platform::people::{self, AliasAsk};
use jialing_platform::wallets::{self, Control};
use jialing_platform::{Code, Money, Problem, Result, Tx, outbox};

use crate::citizen::{Citizen, PIN, phone};
use crate::market::{Payer, Shop, found, fund};
use crate::verify::audit_funded;
use crate::world::{World, on_each_backend};

/// A line to a wallet.
pub fn to(number: impl Into<String>, payee: &Payer, fen: u64) -> LineAsk {
    LineAsk {
        out_transfer_no: number.into(),
        wallet_id: Some(payee.wallet.to_string()),
        phone: None,
        name: None,
        amount: Money::fen(fen),
        remark: None,
    }
}

/// A batch of these lines.
pub fn batch(number: &str, lines: Vec<LineAsk>) -> PayoutAsk {
    PayoutAsk {
        out_batch_no: number.into(),
        name: "11月工资".into(),
        purpose: Purpose::Payroll,
        skip_invalid: false,
        notify_url: None,
        lines: lines.into_iter().collect(),
    }
}

async fn request(world: &World, shop: &Shop, ask: PayoutAsk) -> Result<Payout> {
    Ok(payouts::request(&world.app, &shop.caller, ask).await?.value)
}

async fn now(world: &World, shop: &Shop, payout: &Payout) -> Payout {
    payouts::of(&world.app, shop.id, &Name::Id(payout.id)).await.expect("the shop's own")
}

/// Carries everything out and waits until it shows.
async fn work(world: &World) {
    payouts::carry_out(&world.app).await.expect("carried out");
    world.settle().await;
}

async fn states(world: &World, shop: &Shop, payout: &Payout) -> Vec<(LineState, Option<String>)> {
    let ask = LinesAsk { limit: Some(100), ..LinesAsk::default() };
    let lines = payouts::lines(&world.app, shop.id, &Name::Id(payout.id), &ask).await.expect("a page");
    lines.items.into_iter().map(|line| (line.state, line.problem)).collect()
}

async fn events(world: &World, shop: &Shop) -> Vec<String> {
    let page = outbox::list(&world.app, shop.id, Default::default()).await.expect("a page");
    let kinds = page.items.iter().map(|event| event.event.text().to_owned());
    kinds.filter(|kind| kind.starts_with("payout.")).collect()
}

/// A shop with money, and two people.
async fn payroll(world: &World) -> (Shop, Payer, Payer) {
    found(world).await;
    let shop = Shop::open(world, 1, "BKA").await;
    fund(world, shop.wallet, 100_000).await;
    (shop, Payer::with(world, 2, "BKA", 0).await, Payer::with(world, 3, "BKB", 0).await)
}

/// The bad lines that a problem names: line, field, code.
fn bad_lines(problem: &Problem) -> Vec<(i64, String, String)> {
    assert_eq!(problem.code, Code::PayoutLinesInvalid, "{problem}");
    let lines = problem.extra.as_ref().expect("members")["lines"].as_array().expect("lines").clone();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    lines
        .iter()
        .map(|line| (line["line"].as_i64().expect("a number"), text(&line["field"]), text(&line["code"])))
        .collect()
}

#[test]
fn a_batch_pays_everyone_and_tells_how_far_it_is() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, bob) = payroll(world).await;
        let lines =
            vec![LineAsk { remark: Some("工资".into()), ..to("L-1", &ann, 300) }, to("L-2", &bob, 500)];
        let asked = request(world, &shop, batch("B-1", lines.clone())).await.expect("taken in");
        assert_eq!((asked.state, asked.total.count, asked.total.amount.amount), (State::Accepted, 2, 800));
        assert_eq!(shop.holds(world).await, 100_000);
        work(world).await;
        let done = now(world, &shop, &asked).await;
        assert_eq!((done.state, done.done, done.failed.count), (State::Success, asked.total, 0));
        assert!(done.begun_at.is_some() && done.ended_at.is_some());
        assert_eq!(
            (shop.holds(world).await, ann.holds(world).await, bob.holds(world).await),
            (99_200, 300, 500)
        );
        let line = payouts::line(&world.app, shop.id, "L-2").await.expect("by its number");
        assert_eq!((line.line, line.state, line.amount.amount), (2, LineState::Success, 500));
        assert_eq!(line.transaction_id.map(|id| id.number()), Some(line.id.number()));
        let history = jialing_platform::history::of_wallet(
            &world.app,
            &ann.citizen.actor,
            ann.wallet,
            &Default::default(),
        )
        .await
        .expect("a page");
        assert_eq!(
            (history.items[0].kind.name(), history.items[0].memo.as_deref()),
            ("payout", Some("工资"))
        );
        assert_eq!(history.items[0].counterparty.name.as_deref(), Some("小面馆1"));
        assert_eq!(events(world, &shop).await, ["payout.finished"]);
        // The same again is the same batch; the number with other content is not.
        let again = payouts::request(&world.app, &shop.caller, batch("B-1", lines)).await.expect("there");
        assert_eq!((again.fresh, again.value), (false, done));
        for (ask, field) in [
            (batch("B-1", vec![to("L-1", &ann, 300)]), "lines"),
            (PayoutAsk { name: "other".into(), ..batch("B-1", vec![to("L-1", &ann, 300)]) }, "name"),
            (PayoutAsk { purpose: Purpose::Reward, ..batch("B-1", vec![to("L-1", &ann, 300)]) }, "purpose"),
            (PayoutAsk { skip_invalid: true, ..batch("B-1", vec![to("L-1", &ann, 300)]) }, "skip_invalid"),
        ] {
            let problem = request(world, &shop, ask).await.expect_err("another batch");
            assert_eq!((problem.code, problem.field.as_deref()), (Code::Conflict, Some(field)));
        }
        let report = audit_funded(world).await;
        assert!(report.is_clean(), "{:?}", report.findings);
    });
}

#[test]
fn every_bad_line_is_named_and_nothing_is_taken_in_unless_they_are_skipped() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, bob) = payroll(world).await;
        request(world, &shop, batch("B-0", vec![to("L-0", &ann, 1)])).await.expect("taken in");
        let stranger =
            LineAsk { wallet_id: Some("wal_00000000000000000000000010".into()), ..to("L-4", &ann, 1) };
        let own = LineAsk { wallet_id: Some(shop.wallet.to_string()), ..to("L-5", &ann, 1) };
        let both = LineAsk { phone: Some(phone(2)), ..to("L-6", &ann, 1) };
        let nameless = LineAsk { wallet_id: None, phone: Some(phone(2)), ..to("L-7", &ann, 1) };
        let misnamed = LineAsk { name: Some("王".into()), ..to("L-8", &ann, 1) };
        let lines = vec![
            to("L-1", &ann, 100),
            to("L-1", &bob, 100),
            to("L 2", &ann, 100),
            to("L-0", &ann, 100),
            to("L-3", &ann, 0),
            stranger,
            own,
            both,
            nameless,
            misnamed,
            LineAsk { remark: Some("a\nb".into()), ..to("L-9", &ann, 1) },
            LineAsk { name: Some("李".into()), ..to("L-10", &ann, 7) },
        ];
        let problem = request(world, &shop, batch("B-1", lines.clone())).await.expect_err("bad lines");
        let expect = [
            (2, "out_transfer_no", "conflict"),
            (3, "out_transfer_no", "invalid_request"),
            (4, "out_transfer_no", "conflict"),
            (5, "amount", "amount_invalid"),
            (6, "wallet_id", "payee_unknown"),
            (7, "wallet_id", "invalid_request"),
            (8, "wallet_id", "invalid_request"),
            (9, "name", "invalid_request"),
            (10, "wallet_id", "payee_unknown"),
            (11, "remark", "invalid_request"),
        ];
        let found = bad_lines(&problem);
        let found: Vec<_> =
            found.iter().map(|(line, field, code)| (*line, field.as_str(), code.as_str())).collect();
        assert_eq!(found, expect);
        let gone = payouts::of(&world.app, shop.id, &Name::OutBatchNo("B-1".into())).await;
        assert_eq!(gone.expect_err("nothing was kept").code, Code::NotFound);
        let ask = PayoutAsk { skip_invalid: true, ..batch("B-1", lines) };
        let taken = request(world, &shop, ask).await.expect("the good ones");
        assert_eq!((taken.total.count, taken.total.amount.amount, taken.invalid), (2, 107, 10));
        work(world).await;
        let done = now(world, &shop, &taken).await;
        assert_eq!((done.state, ann.holds(world).await, bob.holds(world).await), (State::Success, 108, 0));
        let states = states(world, &shop, &taken).await;
        assert_eq!(states.iter().filter(|(state, _)| *state == LineState::Invalid).count(), 10);
        assert!(states[1].1.as_deref().is_some_and(|why| why.contains("Line 1 has the same number")));
        let none = PayoutAsk { skip_invalid: true, ..batch("B-2", vec![to("L-1", &ann, 1)]) };
        assert_eq!(bad_lines(&request(world, &shop, none).await.expect_err("no good line")).len(), 1);
    });
}

#[test]
fn a_phone_is_paid_when_the_surname_fits_and_nobody_can_try_names_out() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, bob) = payroll(world).await;
        let by_phone = |number: &str, n: u32, name: &str| LineAsk {
            wallet_id: None,
            phone: Some(phone(n)),
            name: Some(name.into()),
            ..to(number, &ann, 10)
        };
        let seen = AliasAsk { findable_by_phone: true };
        people::set_alias(&world.app, &ann.citizen.actor, seen).await.expect("findable");
        let lines = vec![by_phone("L-1", 2, "李"), by_phone("L-2", 2, "李明")];
        let paid = request(world, &shop, batch("B-1", lines)).await.expect("the name fits");
        work(world).await;
        assert_eq!((now(world, &shop, &paid).await.state, ann.holds(world).await), (State::Success, 20));
        let line = payouts::line(&world.app, shop.id, "L-1").await.expect("there");
        assert_eq!(line.payee, "138****0002");
        // Another name, one who is not to be found, and a number that nobody has are one answer.
        let unseen = &bob;
        assert_eq!(unseen.holds(world).await, 0);
        let lines = vec![by_phone("M-1", 2, "王"), by_phone("M-2", 3, "李"), by_phone("M-3", 77, "李")];
        let problem = request(world, &shop, batch("B-2", lines)).await.expect_err("nobody");
        let reasons: std::collections::BTreeSet<String> = problem.extra.as_ref().expect("members")["lines"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| format!("{} {} {}", line["field"], line["code"], line["reason"]))
            .collect();
        assert_eq!((bad_lines(&problem).len(), reasons.len()), (3, 1), "{reasons:?}");
        let job = async |tx: &mut Tx| {
            sqlx::query("UPDATE payout_misses SET misses = 999").execute(&mut *tx).await?;
            Ok(())
        };
        world.app.db.write(job).await.expect("as after many guesses");
        let guess = |batch_no: &str, number: &str| batch(batch_no, vec![by_phone(number, 2, "张")]);
        assert_eq!(
            request(world, &shop, guess("B-3", "N-1")).await.expect_err("the last").code,
            Code::PayoutLinesInvalid
        );
        assert_eq!(
            request(world, &shop, guess("B-4", "N-2")).await.expect_err("enough").code,
            Code::RateLimited
        );
        request(world, &shop, batch("B-5", vec![to("N-3", &ann, 1)]))
            .await
            .expect("wallets without names go on");
        world.clock.advance(86_400_000);
        assert_eq!(
            request(world, &shop, guess("B-6", "N-4")).await.expect_err("a new day").code,
            Code::PayoutLinesInvalid
        );
    });
}

#[test]
fn what_the_ledger_refuses_fails_line_by_line_with_its_code() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, bob) = payroll(world).await;
        let full = Payer::with(world, 4, "BKA", 2_000_000).await;
        let lines = vec![to("L-1", &ann, 300), to("L-2", &bob, 500), to("L-3", &full, 1)];
        let asked = request(world, &shop, batch("B-1", lines)).await.expect("taken in");
        wallets::control(&world.app, bob.wallet, Control::CreditFrozen).await.expect("frozen");
        work(world).await;
        let done = now(world, &shop, &asked).await;
        assert_eq!((done.state, done.done.count, done.failed.count), (State::Partial, 1, 2));
        assert_eq!((done.done.amount.amount, done.failed.amount.amount), (300, 501));
        let expect = [
            (LineState::Success, None),
            (LineState::Fail, Some("wallet_unavailable".to_owned())),
            (LineState::Fail, Some("balance_too_high".to_owned())),
        ];
        assert_eq!(states(world, &shop, &asked).await, expect);
        // The wallet is emptied after the batch was taken in: nothing can be paid.
        let rest = shop.holds(world).await as u64;
        let poor = request(world, &shop, batch("B-2", vec![to("L-4", &ann, rest)])).await.expect("taken in");
        let other = request(world, &shop, batch("B-3", vec![to("L-5", &ann, 1)])).await.expect("taken in");
        payouts::cancel(&world.app, shop.id, Name::Id(poor.id)).await.expect("cancelled");
        let spent = jialing_ledger::AccountChange {
            id: shop.wallet.number(),
            min: Some(rest as i64),
            ..Default::default()
        };
        world.app.engine.submit(jialing_ledger::Command::ChangeAccount(spent)).await.expect("a reserve");
        work(world).await;
        let failed = now(world, &shop, &other).await;
        assert_eq!((failed.state, failed.failed.count), (State::Fail, 1));
        assert_eq!(
            states(world, &shop, &other).await,
            [(LineState::Fail, Some("balance_too_low".to_owned()))]
        );
        let too_much = batch("B-4", vec![to("L-6", &ann, rest + 1)]);
        let problem = request(world, &shop, too_much).await.expect_err("more than there is");
        assert_eq!(
            (problem.code, &problem.extra.expect("figures")["total"]),
            (Code::BalanceTooLow, &(rest + 1).into())
        );
        assert_eq!(events(world, &shop).await, ["payout.finished", "payout.cancelled", "payout.finished"]);
        let report = audit_funded(world).await;
        assert!(report.is_clean(), "{:?}", report.findings);
    });
}

#[test]
fn a_batch_is_cancelled_before_it_begins_and_not_after() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, _) = payroll(world).await;
        let asked = request(world, &shop, batch("B-1", vec![to("L-1", &ann, 300)])).await.expect("taken in");
        let stranger = Shop::open(world, 9, "BKA").await;
        let theirs = payouts::cancel(&world.app, stranger.id, Name::Id(asked.id)).await;
        assert_eq!(theirs.expect_err("not theirs").code, Code::NotFound);
        for _ in 0..2 {
            let ended = payouts::cancel(&world.app, shop.id, Name::Id(asked.id)).await.expect("cancelled");
            assert_eq!(ended.state, State::Cancelled);
        }
        work(world).await;
        assert_eq!((shop.holds(world).await, ann.holds(world).await), (100_000, 0));
        assert_eq!(states(world, &shop, &asked).await, [(LineState::Cancelled, None)]);
        let other = request(world, &shop, batch("B-2", vec![to("L-2", &ann, 300)])).await.expect("taken in");
        work(world).await;
        let late = payouts::cancel(&world.app, shop.id, Name::Id(other.id)).await;
        assert_eq!(late.expect_err("it is done").code, Code::StateConflict);
        let ask = ListAsk { state: Some(State::Cancelled), ..ListAsk::default() };
        let cancelled = payouts::list(&world.app, shop.id, &ask).await.expect("a page");
        assert_eq!(cancelled.items.iter().map(|item| item.id).collect::<Vec<_>>(), [asked.id]);
    });
}

#[test]
fn a_large_batch_waits_for_the_owner_with_pin_and_device() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, bob) = payroll(world).await;
        let (app, owner) = (&world.app, &shop.owner);
        let settings = SettingsAsk { approval_above: Some(Money::fen(299)) };
        payouts::set(app, &owner.actor, shop.id, settings).await.expect("set");
        let small = request(world, &shop, batch("B-0", vec![to("L-0", &ann, 299)])).await.expect("small");
        assert_eq!(small.state, State::Accepted);
        let yes = request(world, &shop, batch("B-1", vec![to("L-1", &ann, 300)])).await.expect("taken in");
        let no = request(world, &shop, batch("B-2", vec![to("L-2", &bob, 400)])).await.expect("taken in");
        assert_eq!((yes.state, no.state), (State::PendingApproval, State::PendingApproval));
        work(world).await;
        assert_eq!(shop.holds(world).await, 99_701);
        let sign = |by: &Citizen, pin: &str, payout: &Payout, fen: u64| ApproveAsk {
            pin: pin.into(),
            evidence: by.sign(
                world,
                payouts::ACTION,
                &shop.id.to_string(),
                fen,
                &payout.id.to_string(),
                shop.wallet,
            ),
        };
        let stranger =
            payouts::approve(app, &ann.citizen.actor, shop.id, yes.id, sign(&ann.citizen, PIN, &yes, 300))
                .await;
        assert_eq!(stranger.expect_err("not theirs").code, Code::NotFound);
        for (ask, code) in [
            (sign(owner, "000001", &yes, 300), Code::PinInvalid),
            (sign(owner, PIN, &yes, 299), Code::DeviceSignatureInvalid),
            (sign(owner, PIN, &no, 300), Code::DeviceSignatureInvalid),
        ] {
            let refused = payouts::approve(app, &owner.actor, shop.id, yes.id, ask).await;
            assert_eq!(refused.expect_err("not agreed").code, code);
        }
        let reason = RejectAsk { reason: "wrong month".into() };
        for _ in 0..2 {
            let ask = sign(owner, PIN, &yes, 300);
            let passed = payouts::approve(app, &owner.actor, shop.id, yes.id, ask).await.expect("approved");
            assert_eq!(passed.state, State::Accepted);
            let ended = payouts::reject(app, &owner.actor, shop.id, no.id, &reason).await.expect("rejected");
            assert_eq!((ended.state, ended.reason.as_deref()), (State::Rejected, Some("wrong month")));
        }
        let late = payouts::approve(app, &owner.actor, shop.id, no.id, sign(owner, PIN, &no, 400)).await;
        assert_eq!(late.expect_err("rejected").code, Code::StateConflict);
        let late = payouts::reject(app, &owner.actor, shop.id, yes.id, &reason).await;
        assert_eq!(late.expect_err("approved").code, Code::StateConflict);
        work(world).await;
        assert_eq!((now(world, &shop, &yes).await.state, bob.holds(world).await), (State::Success, 0));
        assert_eq!(states(world, &shop, &no).await, [(LineState::Cancelled, None)]);
        assert_eq!(events(world, &shop).await, ["payout.finished", "payout.rejected", "payout.finished"]);
        let shown = payouts::settings(app, &owner.actor, shop.id).await.expect("the owner's");
        assert_eq!(shown.approval_above, Some(Money::fen(299)));
    });
}

#[test]
fn a_crash_while_a_batch_is_taken_in_leaves_nothing_of_it() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, _) = payroll(world).await;
        let ask = batch("B-1", vec![to("L-1", &ann, 10)]);
        let half = request(world, &shop, ask.clone()).await.expect("taken in").id;
        let receiving = async move |tx: &mut Tx| {
            sqlx::query("UPDATE payout_batches SET state = 'RECEIVING' WHERE id = $1")
                .bind(half)
                .execute(&mut *tx)
                .await?;
            Ok(())
        };
        world.app.db.write(receiving).await.expect("as a process that stopped in between left it");
        let early = request(world, &shop, ask.clone()).await.expect_err("it is being taken in");
        assert_eq!((early.code, early.retry_after), (Code::InProgress, Some(2)));
        world.crash().await;
        payouts::reconcile(&world.app).await.expect("reconciled");
        let again = request(world, &shop, ask).await.expect("the number is free");
        work(world).await;
        let done = now(world, &shop, &again).await;
        assert_eq!((done.state, done.done.count, ann.holds(world).await), (State::Success, 1, 10));
    });
}

#[test]
fn a_crash_anywhere_pays_each_line_once() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, bob) = payroll(world).await;
        let lines = (0..40).map(|n| to(format!("L-{n}"), if n % 2 == 0 { &ann } else { &bob }, 10)).collect();
        let asked = request(world, &shop, batch("B-1", lines)).await.expect("taken in");
        // The ledger has moved all lines, and the process dies before anything else is written.
        world.stop_followers().await;
        payouts::carry_out(&world.app).await.expect("carried out");
        assert_eq!(now(world, &shop, &asked).await.state, State::Processing);
        let forget = async |tx: &mut Tx| {
            sqlx::query("UPDATE payout_batches SET handed_line = 0, claim = 'gone', claimed_until = $1")
                .bind(i64::MAX)
                .execute(&mut *tx)
                .await?;
            Ok(())
        };
        world.app.db.write(forget).await.expect("as the stopped process left it");
        world.crash().await;
        payouts::reconcile(&world.app).await.expect("reconciled");
        for _ in 0..2 {
            work(world).await;
        }
        let done = now(world, &shop, &asked).await;
        assert_eq!((done.state, done.done.count, done.failed.count), (State::Success, 40, 0));
        assert_eq!((ann.holds(world).await, bob.holds(world).await), (200, 200));
        assert_eq!(events(world, &shop).await, ["payout.finished"]);
        jialing_platform::follow::rebuild(&world.app, jialing_platform::follow::Follower::Settlement)
            .await
            .expect("set back");
        fund(world, shop.wallet, 1).await;
        assert_eq!(now(world, &shop, &asked).await, done, "read again, the journal changes nothing");
        // One that was being taken in is dropped, and can be sent again.
        let half = async |tx: &mut Tx| {
            sqlx::query("UPDATE payout_batches SET state = 'RECEIVING'").execute(&mut *tx).await?;
            Ok(())
        };
        let second = request(world, &shop, batch("B-2", vec![to("M-1", &ann, 5)])).await.expect("taken in");
        payouts::cancel(&world.app, shop.id, Name::Id(asked.id)).await.expect_err("it is done");
        world.app.db.write(half).await.expect("as a crash leaves it");
        let early = request(world, &shop, batch("B-2", vec![to("M-1", &ann, 5)])).await;
        assert_eq!(early.expect_err("half taken in").code, Code::InProgress);
        payouts::reconcile(&world.app).await.expect("reconciled");
        let again = request(world, &shop, batch("B-2", vec![to("M-1", &ann, 5)])).await.expect("anew");
        assert_ne!(again.id, second.id);
        work(world).await;
        assert_eq!(ann.holds(world).await, 205);
    });
}

#[test]
fn a_batch_that_was_believed_to_have_failed_is_told_as_paid_when_the_journal_says_so() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, _) = payroll(world).await;
        let asked = request(world, &shop, batch("B-1", vec![to("L-1", &ann, 10), to("L-2", &ann, 20)]))
            .await
            .expect("taken in");
        world.stop_followers().await;
        payouts::carry_out(&world.app).await.expect("carried out");
        let wrong = async |tx: &mut Tx| {
            sqlx::query("UPDATE payout_lines SET state = 'FAIL', problem = 'overloaded' WHERE line = 1")
                .execute(&mut *tx)
                .await?;
            sqlx::query("UPDATE payout_batches SET failed_count = 1, failed_amount = 10")
                .execute(&mut *tx)
                .await?;
            Ok(())
        };
        world.app.db.write(wrong).await.expect("as somebody believed");
        world.crash().await;
        world.settle().await;
        let done = now(world, &shop, &asked).await;
        assert_eq!((done.state, done.done.count, done.failed.amount.amount), (State::Success, 2, 0));
    });
}

#[test]
fn a_report_has_every_line_with_what_became_of_it() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, bob) = payroll(world).await;
        let lines = vec![to("L-1", &ann, 1_250), to("L-2", &bob, 5), to("L-3", &ann, 0)];
        let ask = PayoutAsk { skip_invalid: true, ..batch("B-1", lines) };
        let asked = request(world, &shop, ask).await.expect("taken in");
        wallets::control(&world.app, bob.wallet, Control::Frozen).await.expect("frozen");
        work(world).await;
        let fetch = async |state: Option<LineState>| {
            let mut report =
                payouts::report(&world.app, shop.id, &Name::Id(asked.id), state).await.expect("there");
            let mut file = Vec::new();
            while let Some(piece) = report.piece().await.expect("made") {
                file.extend(piece);
            }
            String::from_utf8(file).expect("UTF-8")
        };
        let all = fetch(None).await;
        assert_eq!(all.lines().count(), 4, "{all}");
        assert!(
            all.lines()
                .nth(1)
                .is_some_and(|line| line.starts_with("1,L-1,wal_") && line.contains(",12.50,SUCCESS,,,txn_")),
            "{all}"
        );
        let failed = fetch(Some(LineState::Fail)).await;
        assert_eq!(failed.lines().count(), 2);
        assert!(failed.contains(",0.05,FAIL,,wallet_unavailable,"), "{failed}");
        assert!(fetch(Some(LineState::Invalid)).await.contains("INVALID,amount,amount_invalid: "));
    });
}

#[test]
fn a_merchant_that_is_not_active_pays_nothing_out() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann, _) = payroll(world).await;
        jialing_platform::merchants::suspend(&world.app, shop.id, "under review", "operator")
            .await
            .expect("suspended");
        let refused = request(world, &shop, batch("B-1", vec![to("L-1", &ann, 1)])).await;
        assert_eq!(refused.expect_err("suspended").code, Code::MerchantInactive);
        let empty = request(world, &shop, batch("B-2", Vec::new())).await.expect_err("no line");
        assert_eq!((empty.code, empty.field.as_deref()), (Code::InvalidRequest, Some("lines")));
    });
}

/// How long a batch takes, from the call to the last follower; `make load` measures a full one.
#[test]
fn a_large_batch_is_taken_in_and_paid() {
    let count = crate::world::load(1_000_usize, 100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::start(jialing_platform::db::Backend::Sqlite).await;
        found(&world).await;
        let shop = Shop::open(&world, 1, "BKA").await;
        fund(&world, shop.wallet, 100_000_000).await;
        let mut people = Vec::new();
        for n in 2..22 {
            people.push(Payer::with(&world, n, if n % 2 == 0 { "BKA" } else { "BKB" }, 0).await);
        }
        let lines = (0..count).map(|n| to(format!("L-{n}"), &people[n % people.len()], 100)).collect();
        let clock = std::time::Instant::now();
        let asked = request(&world, &shop, batch("B-1", lines)).await.expect("taken in");
        let taken = clock.elapsed();
        payouts::carry_out(&world.app).await.expect("carried out");
        let handed = clock.elapsed();
        while !now(&world, &shop, &asked).await.state.text().eq("SUCCESS") {
            let records = *world.app.engine.durable().borrow();
            world.app.progress.caught_up(jialing_platform::follow::Follower::Settlement, records).await;
        }
        let settled = clock.elapsed();
        let records = *world.app.engine.durable().borrow();
        while !world.app.progress.passed(records - 1).await {}
        println!(
            "{count} lines: taken in {taken:?}, handed over {handed:?}, settled {settled:?}, everything told {:?}",
            clock.elapsed()
        );
        assert_eq!(shop.holds(&world).await, 100_000_000 - 100 * count as i64);
    });
}

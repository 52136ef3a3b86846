//! Requests to pay and bills that are split: paid once, by whom they were sent to.

use futures_util::future::join_all;
use jialing_platform::follow::{self, Follower};
use jialing_platform::id::PaymentRequestId;
use jialing_platform::payment_requests::{
    self, BillShare, BillSplitAsk, BillSplitState, PayRequestAsk, PaymentRequest, PaymentRequestAsk,
    RequestDirection, RequestsAsk, State, VALID_MS,
};
use jialing_platform::transfers::{self, Transfer};
use jialing_platform::{Code, Money, PageAsk, Problem, Result, Tx};

use crate::citizen::PIN;
use crate::city::{balance, found, fund, wallet};
use crate::market::Payer;
use crate::transfers::send;
use crate::world::{World, on_each_backend};

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("not refused, expected {code}"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

fn wanted(from: &Payer, of: &Payer, number: &str, fen: u64) -> PaymentRequestAsk {
    PaymentRequestAsk {
        out_request_no: number.into(),
        payer: of.wallet.to_string(),
        amount: Money::fen(fen),
        note: Some("火锅".into()),
        to_wallet_id: from.wallet,
    }
}

async fn request(world: &World, from: &Payer, of: &Payer, number: &str, fen: u64) -> PaymentRequest {
    payment_requests::ask(&world.app, &from.citizen.actor, wanted(from, of, number, fen))
        .await
        .expect("asked")
}

async fn see(world: &World, who: &Payer, id: PaymentRequestId) -> Result<PaymentRequest> {
    payment_requests::get(&world.app, &who.citizen.actor, id).await
}

/// What pays a request, as its payer sees it.
fn agree(world: &World, payer: &Payer, request: &PaymentRequest) -> PayRequestAsk {
    let payee = request.payee.expect("told to the payer").to_string();
    let (amount, id) = (request.amount.amount, request.id.to_string());
    let evidence = payer.citizen.sign(world, transfers::ACTION, &payee, amount, &id, payer.wallet);
    PayRequestAsk { from_wallet_id: payer.wallet, pin: Some(PIN.into()), evidence }
}

async fn pay(world: &World, payer: &Payer, id: PaymentRequestId) -> Result<Transfer> {
    let request = see(world, payer, id).await?;
    let asked = agree(world, payer, &request);
    payment_requests::pay(&world.app, &payer.citizen.actor, id, asked).await
}

#[test]
fn a_request_is_paid_once_and_both_sides_see_it() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 0).await, Payer::with(world, 2, "BKB", 5_000).await);
        let asked = request(world, &ann, &bob, "r-1", 1_200).await;
        assert_eq!(
            (asked.state, asked.direction, asked.payee),
            (State::Pending, RequestDirection::Sent, None)
        );
        assert_eq!(request(world, &ann, &bob, "r-1", 1_200).await, asked);
        let other = wanted(&ann, &bob, "r-1", 1_201);
        let problem =
            refused(payment_requests::ask(&world.app, &ann.citizen.actor, other).await, Code::Conflict);
        assert_eq!(problem.field.as_deref(), Some("amount"));

        let seen = see(world, &bob, asked.id).await.expect("asked of me");
        assert_eq!((seen.direction, seen.other_name.as_str()), (RequestDirection::Received, "*明"));
        assert_eq!((seen.note.as_deref(), seen.out_request_no.as_deref()), (Some("火锅"), None));
        let terms = agree(world, &bob, &seen);
        let own = payment_requests::pay(&world.app, &ann.citizen.actor, asked.id, terms.clone()).await;
        refused(own, Code::NotFound);
        let pays =
            (0..6).map(|_| payment_requests::pay(&world.app, &bob.citizen.actor, asked.id, terms.clone()));
        let sent: Vec<Transfer> = join_all(pays).await.into_iter().map(|paid| paid.expect("paid")).collect();
        assert!(sent.iter().all(|transfer| transfer.id == sent[0].id));
        assert_eq!((balance(world, ann.wallet).await, balance(world, bob.wallet).await), (1_200, 3_800));
        let paid = see(world, &ann, asked.id).await.expect("mine");
        assert_eq!((paid.state, paid.transfer_id), (State::Paid, None));
        assert_eq!(see(world, &bob, asked.id).await.expect("mine").transfer_id, Some(sent[0].id));
        assert_eq!(pay(world, &bob, asked.id).await.expect("the same").id, sent[0].id);
        assert_eq!(balance(world, bob.wallet).await, 3_800);
        for end in [
            payment_requests::cancel(&world.app, &ann.citizen.actor, asked.id).await,
            payment_requests::decline(&world.app, &bob.citizen.actor, asked.id).await,
        ] {
            refused(end, Code::StateConflict);
        }
    });
}

#[test]
fn a_request_that_ended_is_not_paid_and_somebody_else_s_is_not_seen() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 0).await, Payer::with(world, 2, "BKB", 5_000).await);
        let eve = Payer::with(world, 3, "BKC", 5_000).await;
        let declined = request(world, &ann, &bob, "r-1", 100).await;
        refused(see(world, &eve, declined.id).await, Code::NotFound);
        refused(payment_requests::decline(&world.app, &eve.citizen.actor, declined.id).await, Code::NotFound);
        refused(payment_requests::decline(&world.app, &ann.citizen.actor, declined.id).await, Code::NotFound);
        for _ in 0..2 {
            let ended = payment_requests::decline(&world.app, &bob.citizen.actor, declined.id).await;
            assert_eq!(ended.expect("declined").state, State::Declined);
        }
        refused(pay(world, &bob, declined.id).await, Code::StateConflict);
        let cancelled = request(world, &ann, &bob, "r-2", 100).await;
        refused(payment_requests::cancel(&world.app, &bob.citizen.actor, cancelled.id).await, Code::NotFound);
        payment_requests::cancel(&world.app, &ann.citizen.actor, cancelled.id).await.expect("cancelled");
        refused(pay(world, &bob, cancelled.id).await, Code::StateConflict);
        let late = request(world, &ann, &bob, "r-3", 100).await;
        world.clock.advance(VALID_MS);
        assert_eq!(see(world, &bob, late.id).await.expect("mine").state, State::Expired);
        refused(pay(world, &bob, late.id).await, Code::StateConflict);
        refused(payment_requests::cancel(&world.app, &ann.citizen.actor, late.id).await, Code::StateConflict);
        assert_eq!(balance(world, bob.wallet).await, 5_000);

        let list = async |who: &Payer, direction| {
            let ask = RequestsAsk { direction, ..RequestsAsk::default() };
            payment_requests::list(&world.app, &who.citizen.actor, &ask).await.expect("listed").items.len()
        };
        assert_eq!(list(&ann, None).await, 3);
        assert_eq!(list(&ann, Some(RequestDirection::Received)).await, 0);
        assert_eq!(list(&bob, Some(RequestDirection::Received)).await, 3);
        assert_eq!(list(&eve, None).await, 0);

        let check = async |change: &dyn Fn(&mut PaymentRequestAsk), code: Code, field: &str| {
            let mut asked = wanted(&ann, &bob, "r-9", 100);
            change(&mut asked);
            let problem = refused(payment_requests::ask(&world.app, &ann.citizen.actor, asked).await, code);
            assert_eq!(problem.field.as_deref().unwrap_or_default(), field);
        };
        check(&|ask| ask.payer = ann.wallet.to_string(), Code::InvalidRequest, "payer").await;
        check(&|ask| ask.payer = "nobody".into(), Code::InvalidRequest, "payer").await;
        check(&|ask| ask.amount = Money::fen(0), Code::AmountInvalid, "amount").await;
        check(&|ask| ask.note = Some("x".repeat(101)), Code::InvalidRequest, "note").await;
        check(&|ask| ask.to_wallet_id = bob.wallet, Code::NotFound, "").await;
    });
}

#[test]
fn a_payment_that_was_refused_can_be_tried_again() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 0).await, Payer::with(world, 2, "BKB", 50).await);
        let asked = request(world, &ann, &bob, "r-1", 100).await;
        for _ in 0..2 {
            refused(pay(world, &bob, asked.id).await, Code::BalanceTooLow);
        }
        assert_eq!(see(world, &bob, asked.id).await.expect("mine").state, State::Pending);
        fund(world, bob.wallet, 50).await;
        pay(world, &bob, asked.id).await.expect("paid");
        assert_eq!(see(world, &ann, asked.id).await.expect("mine").state, State::Paid);
        assert_eq!(balance(world, ann.wallet).await, 100);
    });
}

#[test]
fn a_request_is_paid_once_even_if_its_first_payment_was_believed_lost() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, mut bob) = (Payer::with(world, 1, "BKA", 0).await, Payer::with(world, 2, "BKB", 500).await);
        let first = bob.wallet;
        let second = wallet(world, &bob.citizen, "BKC", 500).await;
        let asked = request(world, &ann, &bob, "r-1", 100).await;
        let paid = pay(world, &bob, asked.id).await.expect("paid");
        assert_eq!(paid.id.number(), asked.id.number(), "one number in the ledger, whatever is tried");
        // As if nobody had heard of it: the ledger was asked too early, and the follower is behind.
        world.stop_followers().await;
        let forget = async |tx: &mut Tx| {
            for sql in [
                "UPDATE transfers SET state = 'FAIL', problem = 'request_timeout', record_seq = NULL",
                "UPDATE payment_requests SET state = 'PENDING', transfer = NULL, ended_at = NULL",
            ] {
                sqlx::query(sql).execute(&mut *tx).await?;
            }
            Ok(())
        };
        world.app.db.write(forget).await.expect("forgotten");
        bob.wallet = second;
        let again = pay(world, &bob, asked.id).await.expect("as it stands");
        assert_eq!((again.id, again.state), (paid.id, transfers::State::Accepted));
        assert_eq!((balance(world, first).await, balance(world, second).await), (400, 500));
        // The follower catches up, and says which wallet it was.
        follow::rebuild(&world.app, Follower::Settlement).await.expect("set back");
        world.crash().await;
        world.settle().await;
        let known =
            pay(world, &Payer { citizen: bob.citizen, wallet: first }, asked.id).await.expect("known");
        assert_eq!(
            (known.id, known.state, known.from_wallet_id),
            (paid.id, transfers::State::Success, first)
        );
        assert_eq!(see(world, &ann, asked.id).await.expect("mine").state, State::Paid);
        assert_eq!(balance(world, ann.wallet).await, 100);
    });
}

#[test]
fn nobody_sends_a_transfer_under_the_number_of_a_request() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 0).await, Payer::with(world, 2, "BKB", 500).await);
        let asked = request(world, &ann, &bob, "r-1", 100).await;
        let sent = send(world, &bob, &asked.id.to_string(), &ann.wallet.to_string(), 100).await;
        assert_eq!(refused(sent, Code::InvalidRequest).field.as_deref(), Some("out_transfer_no"));
        assert_eq!(see(world, &bob, asked.id).await.expect("mine").state, State::Pending);
    });
}

#[test]
fn one_may_not_ask_without_end() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 0).await, Payer::with(world, 2, "BKB", 0).await);
        let mut asked = 0;
        let problem = loop {
            let wanted = wanted(&ann, &bob, &format!("r-{asked}"), 1);
            match payment_requests::ask(&world.app, &ann.citizen.actor, wanted).await {
                Ok(_) => asked += 1,
                Err(problem) => break problem,
            }
        };
        // One more hour's worth if a clock hour begins meanwhile.
        assert!((60..=120).contains(&asked), "{asked}");
        assert_eq!(problem.code, Code::RateLimited);
        assert!(problem.retry_after.is_some());
    });
}

#[test]
fn a_bill_is_split_whole_or_not_at_all_and_shows_who_paid() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 0).await;
        let (bob, eve) =
            (Payer::with(world, 2, "BKB", 5_000).await, Payer::with(world, 3, "BKC", 5_000).await);
        let bill = |number: &str| BillSplitAsk {
            out_split_no: number.into(),
            title: "火锅".into(),
            to_wallet_id: ann.wallet,
            total: Money::fen(900),
            shares: [(&bob, 300), (&eve, 250)]
                .map(|(who, fen)| BillShare { payer: who.wallet.to_string(), amount: Money::fen(fen) })
                .into(),
        };
        let actor = &ann.citizen.actor;
        let check = async |change: &dyn Fn(&mut BillSplitAsk), code: Code, field: &str| {
            let mut asked = bill("b-0");
            change(&mut asked);
            let problem = refused(payment_requests::split(&world.app, actor, asked).await, code);
            assert_eq!(problem.field.as_deref(), Some(field));
        };
        check(&|ask| ask.shares.clear(), Code::InvalidRequest, "shares").await;
        check(&|ask| ask.total = Money::fen(549), Code::AmountInvalid, "shares").await;
        check(&|ask| ask.shares[1].payer = bob.wallet.to_string(), Code::InvalidRequest, "shares").await;
        check(&|ask| ask.shares[1].payer = ann.wallet.to_string(), Code::InvalidRequest, "shares").await;
        check(&|ask| ask.title = " ".into(), Code::InvalidRequest, "title").await;
        let none =
            payment_requests::list_splits(&world.app, actor, &PageAsk::default()).await.expect("listed");
        assert!(none.items.is_empty());

        let answers = join_all((0..4).map(|_| payment_requests::split(&world.app, actor, bill("b-1")))).await;
        let made = answers.into_iter().map(|made| made.expect("split")).next().expect("one");
        assert_eq!(
            (made.asked, made.paid, made.count, made.state),
            (Money::fen(550), Money::fen(0), 2, BillSplitState::Open)
        );
        let mut other = bill("b-1");
        other.shares[0].amount = Money::fen(301);
        assert_eq!(
            refused(payment_requests::split(&world.app, actor, other).await, Code::Conflict).field.as_deref(),
            Some("shares")
        );
        let received = RequestsAsk { direction: Some(RequestDirection::Received), ..RequestsAsk::default() };
        let asked = payment_requests::list(&world.app, &bob.citizen.actor, &received).await.expect("listed");
        assert_eq!((asked.items.len(), asked.items[0].note.as_deref()), (1, Some("火锅")));
        assert_eq!(asked.items[0].split_id, Some(made.id));
        pay(world, &bob, asked.items[0].id).await.expect("paid");
        let read = async || payment_requests::split_of(&world.app, actor, made.id).await.expect("mine");
        assert_eq!((read().await.paid, read().await.paid_count), (Money::fen(300), 1));
        refused(payment_requests::split_of(&world.app, &bob.citizen.actor, made.id).await, Code::NotFound);
        let ended = payment_requests::cancel_split(&world.app, actor, made.id).await.expect("cancelled");
        assert_eq!((ended.state, ended.paid), (BillSplitState::Done, Money::fen(300)));
        let waits = payment_requests::list(&world.app, &eve.citizen.actor, &received).await.expect("listed");
        assert_eq!(waits.items[0].state, State::Cancelled);
        assert_eq!(balance(world, ann.wallet).await, 300);
    });
}

//! Person to person: by phone and by wallet id, once, whatever happens in between.

use futures_util::future::join_all;
use jialing_platform::history::{self, HistoryAsk};
use jialing_platform::id::{TransferId, WalletId};
use jialing_platform::people::{self, AliasAsk};
use jialing_platform::transfers::{self, ACTION, LookupAsk, State, Transfer, TransferAsk};
use jialing_platform::{Code, Money, PageAsk, Problem, Result, Tx};

use crate::citizen::{Citizen, PIN, phone};
use crate::city::{balance, found, wallet};
use crate::market::{Payer, Shop};
use crate::world::{World, on_each_backend};

/// A signed request to send money.
pub fn ask(world: &World, payer: &Payer, number: &str, payee: &str, fen: u64) -> TransferAsk {
    TransferAsk {
        out_transfer_no: number.into(),
        from_wallet_id: payer.wallet,
        payee: payee.into(),
        amount: Money::fen(fen),
        note: Some("午饭".into()),
        delay: None,
        pin: Some(PIN.into()),
        evidence: payer.citizen.sign(world, ACTION, payee, fen, number, payer.wallet),
    }
}

/// Sends money.
pub async fn send(world: &World, payer: &Payer, number: &str, payee: &str, fen: u64) -> Result<Transfer> {
    transfers::send(&world.app, &payer.citizen.actor, ask(world, payer, number, payee, fen)).await
}

async fn lookup(world: &World, citizen: &Citizen, phone: &str) -> Result<transfers::Payee> {
    transfers::lookup(&world.app, &citizen.actor, &LookupAsk { phone: phone.into() }).await
}

/// Lets the citizen be found by phone.
async fn findable(world: &World, citizen: &Citizen) {
    people::set_alias(&world.app, &citizen.actor, AliasAsk { findable_by_phone: true })
        .await
        .expect("anybody may be found");
}

fn code(answer: Result<impl std::fmt::Debug>) -> Code {
    answer.expect_err("refused").code
}

#[test]
fn money_goes_to_a_phone_after_a_masked_name_was_shown() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKB", 0).await);
        findable(world, &bob.citizen).await;
        let payee = lookup(world, &ann.citizen, &bob.citizen.phone).await.expect("found");
        assert_eq!(payee.name, "*明");
        let sent = send(world, &ann, "t-1", &payee.payee_token, 2_500).await.expect("sent");
        assert_eq!(
            (sent.state, sent.payee_name.as_str(), sent.note.as_deref()),
            (State::Success, "*明", Some("午饭"))
        );
        assert_eq!((balance(world, ann.wallet).await, balance(world, bob.wallet).await), (7_500, 2_500));
        for (side, wallet, left) in [(&ann, ann.wallet, 7_500), (&bob, bob.wallet, 2_500)] {
            let page = history::of_wallet(&world.app, &side.citizen.actor, wallet, &HistoryAsk::default())
                .await
                .expect("own history");
            let newest = &page.items[0];
            assert_eq!((newest.amount, newest.balance), (Money::fen(2_500), Money::fen(left)));
            assert_eq!(
                (newest.subject.as_str(), newest.memo.as_deref()),
                (sent.id.to_string().as_str(), Some("午饭"))
            );
            assert_eq!(newest.counterparty.name.as_deref(), Some("*明"));
        }
    });
}

#[test]
fn money_goes_between_all_banks_and_both_liability_models() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let banks = ["BKA", "BKB", "BKC"];
        let mut people = Vec::new();
        for (n, bank) in (1..).zip(banks) {
            people.push(Payer::with(world, n, bank, 1_000).await);
        }
        for (i, payer) in people.iter().enumerate() {
            for (j, payee) in people.iter().enumerate().filter(|(j, _)| *j != i) {
                let sent = send(world, payer, &format!("{i}-{j}"), &payee.wallet.to_string(), 100)
                    .await
                    .expect("sent");
                assert_eq!(sent.state, State::Success, "{} to {}", banks[i], banks[j]);
            }
        }
        for payer in &people {
            assert_eq!(balance(world, payer.wallet).await, 1_000);
        }
    });
}

#[test]
fn a_number_is_one_transfer_for_ever() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKA", 0).await);
        let other = wallet(world, &ann.citizen, "BKB", 500).await;
        let to = bob.wallet.to_string();
        let first = send(world, &ann, "t-1", &to, 100).await.expect("sent");
        assert_eq!(send(world, &ann, "t-1", &to, 100).await.expect("the same"), first);
        let check = async |change: &dyn Fn(&mut TransferAsk), field: &str| {
            let mut changed = ask(world, &ann, "t-1", &to, 100);
            change(&mut changed);
            let problem = transfers::send(&world.app, &ann.citizen.actor, changed).await.expect_err(field);
            assert_eq!((problem.code, problem.field.as_deref()), (Code::Conflict, Some(field)));
        };
        check(&|ask| ask.amount = Money::fen(101), "amount").await;
        check(&|ask| ask.payee = ask.from_wallet_id.to_string(), "payee").await;
        check(&|ask| ask.note = None, "note").await;
        check(&|ask| ask.from_wallet_id = other, "from_wallet_id").await;
        assert_eq!(balance(world, bob.wallet).await, 100);
        // Another person's number is another number.
        let bobs = send(world, &bob, "t-1", &ann.wallet.to_string(), 40).await.expect("sent");
        assert_ne!(bobs.id, first.id);
    });
}

#[test]
fn the_same_request_sent_at_once_moves_money_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKB", 10_000).await, Payer::with(world, 2, "BKC", 0).await);
        let one = ask(world, &ann, "t-1", &bob.wallet.to_string(), 700);
        let answers =
            join_all((0..8).map(|_| transfers::send(&world.app, &ann.citizen.actor, one.clone()))).await;
        let ids: Vec<TransferId> =
            answers.into_iter().map(|answer| answer.expect("all hear of the same transfer").id).collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!((balance(world, ann.wallet).await, balance(world, bob.wallet).await), (9_300, 700));
        let listed =
            transfers::list(&world.app, &ann.citizen.actor, &PageAsk::default()).await.expect("listed");
        assert_eq!(listed.items.len(), 1);
    });
}

#[test]
fn what_cannot_be_paid_is_refused_and_changes_nothing() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 1_000).await, Payer::with(world, 2, "BKA", 0).await);
        let shop = Shop::open(world, 3, "BKA").await;
        let nobody = WalletId::new(world.clock.millis());
        let check = async |number: &str, payee: &str, fen: u64, expect: Code| {
            assert_eq!(code(send(world, &ann, number, payee, fen).await), expect, "{number}");
        };
        let to = bob.wallet.to_string();
        check("zero", &to, 0, Code::AmountInvalid).await;
        check("self", &ann.wallet.to_string(), 1, Code::InvalidRequest).await;
        check("shop", &shop.wallet.to_string(), 1, Code::PayeeUnknown).await;
        check("nobody", &nobody.to_string(), 1, Code::PayeeUnknown).await;
        check("words", "bob", 1, Code::InvalidRequest).await;
        check("token", "pye_unknown", 1, Code::PayeeUnknown).await;
        check("not a key", &to, 1, Code::InvalidRequest).await;
        check("poor", &to, 1_001, Code::BalanceTooLow).await;
        check("big", &to, 500_001, Code::OverSingleLimit).await;
        // Signed for something else.
        let mut forged = ask(world, &ann, "forged", &to, 10);
        forged.amount = Money::fen(1_000);
        assert_eq!(
            code(transfers::send(&world.app, &ann.citizen.actor, forged).await),
            Code::DeviceSignatureInvalid
        );
        // From another's wallet.
        let mut stolen = ask(world, &ann, "stolen", &to, 10);
        stolen.from_wallet_id = bob.wallet;
        assert_eq!(code(transfers::send(&world.app, &ann.citizen.actor, stolen).await), Code::NotFound);
        // A note that could deceive.
        let mut noted = ask(world, &ann, "noted", &to, 10);
        noted.note = Some("two\nlines".into());
        assert_eq!(code(transfers::send(&world.app, &ann.citizen.actor, noted).await), Code::InvalidRequest);
        assert_eq!(balance(world, ann.wallet).await, 1_000);
        // What the ledger refused has failed for ever; what never came so far left nothing.
        let listed =
            transfers::list(&world.app, &ann.citizen.actor, &PageAsk::default()).await.expect("listed").items;
        let told: Vec<_> =
            listed.iter().map(|t| (t.out_transfer_no.as_str(), t.state, t.problem.as_deref())).collect();
        assert_eq!(
            told,
            [("big", State::Fail, Some("over_single_limit")), ("poor", State::Fail, Some("balance_too_low"))]
        );
        assert_eq!(send(world, &ann, "poor", &to, 1_001).await.expect("told").state, State::Fail);
        assert_eq!(code(transfers::get(&world.app, &bob.citizen.actor, "poor").await), Code::NotFound);
        assert_eq!(
            code(transfers::get(&world.app, &bob.citizen.actor, &listed[0].id.to_string()).await),
            Code::NotFound
        );
    });
}

#[test]
fn one_may_move_money_between_ones_own_wallets() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 1_000).await;
        let own = wallet(world, &ann.citizen, "BKB", 0).await;
        let sent = send(world, &ann, "own", &own.to_string(), 400).await.expect("sent");
        assert_eq!(sent.state, State::Success);
        assert_eq!((balance(world, ann.wallet).await, balance(world, own).await), (600, 400));
    });
}

#[test]
fn a_token_is_its_askers_alone_and_for_ten_minutes() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) =
            (Payer::with(world, 1, "BKA", 1_000).await, Payer::with(world, 2, "BKA", 1_000).await);
        findable(world, &bob.citizen).await;
        let token = lookup(world, &ann.citizen, &bob.citizen.phone).await.expect("found").payee_token;
        assert_eq!(code(send(world, &bob, "thief", &token, 1).await), Code::PayeeUnknown);
        send(world, &ann, "t-1", &token, 1).await.expect("sent");
        world.clock.advance(transfers::payees::TOKEN_MS - 1_000);
        send(world, &ann, "t-2", &token, 1).await.expect("still good");
        world.clock.advance(1_001);
        assert_eq!(code(send(world, &ann, "t-3", &token, 1).await), Code::PayeeUnknown);
        // A lost answer can still be asked for again.
        assert_eq!(send(world, &ann, "t-2", &token, 1).await.expect("told").state, State::Success);
    });
}

#[test]
fn unknown_phones_and_people_who_hide_are_answered_alike() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 0).await;
        let hidden = Payer::with(world, 2, "BKA", 0).await;
        let without_wallet = Citizen::new(world, 3).await;
        findable(world, &without_wallet).await;
        let told = async |phone: &str| {
            let problem = lookup(world, &ann.citizen, phone).await.expect_err("nobody is found");
            (problem.code, problem.detail, problem.field, problem.retry_after)
        };
        let unknown = told(&phone(99)).await;
        assert_eq!(unknown.0, Code::PayeeUnknown);
        assert_eq!(told(&hidden.citizen.phone).await, unknown);
        assert_eq!(told(&without_wallet.phone).await, unknown);
        assert_eq!(code(lookup(world, &ann.citizen, "12").await), Code::InvalidRequest);
    });
}

#[test]
fn scanning_ends_after_five_misses_and_time_gives_points_back() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 1_000).await, Payer::with(world, 2, "BKA", 0).await);
        findable(world, &bob.citizen).await;
        let misses: Vec<String> = (100..120).map(phone).collect();
        let answers = join_all(misses.iter().map(|phone| lookup(world, &ann.citizen, phone))).await;
        let codes: Vec<Code> = answers.into_iter().map(code).collect();
        assert_eq!(
            codes.iter().filter(|code| **code == Code::PayeeUnknown).count(),
            5,
            "exactly five of twenty at once: {codes:?}"
        );
        assert_eq!(codes.iter().filter(|code| **code == Code::RateLimited).count(), 15);
        let limited = |answer: Result<transfers::Payee>| answer.expect_err("empty");
        let wait = |problem: Problem| problem.retry_after.expect("says how long");
        let seconds = wait(limited(lookup(world, &ann.citizen, &bob.citizen.phone).await));
        assert!((1..=30).contains(&seconds), "{seconds}");
        // The bucket outlives the process.
        world.crash().await;
        assert_eq!(limited(lookup(world, &ann.citizen, &bob.citizen.phone).await).code, Code::RateLimited);
        world.clock.advance(30_000);
        let token =
            lookup(world, &ann.citizen, &bob.citizen.phone).await.expect("one point came back").payee_token;
        assert_eq!(limited(lookup(world, &ann.citizen, &bob.citizen.phone).await).code, Code::RateLimited);
        // Paying somebody found gives one back.
        send(world, &ann, "t-1", &token, 1).await.expect("sent");
        lookup(world, &ann.citizen, &bob.citizen.phone).await.expect("one point for the payment");
        assert_eq!(limited(lookup(world, &ann.citizen, &bob.citizen.phone).await).code, Code::RateLimited);
    });
}

#[test]
fn money_that_moved_while_the_followers_were_dead_is_told_after_the_restart() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 1_000).await, Payer::with(world, 2, "BKB", 0).await);
        world.stop_followers().await;
        let sent = send(world, &ann, "t-1", &bob.wallet.to_string(), 100).await.expect("accepted");
        assert_eq!(sent.state, State::Accepted);
        world.clock.advance(120_000);
        // The money is there, so nobody may call it failed.
        assert_eq!(transfers::resolve(&world.app).await.expect("looked up"), 1);
        world.crash().await;
        world.settle().await;
        let told = transfers::get(&world.app, &ann.citizen.actor, "t-1").await.expect("there");
        assert_eq!((told.state, told.id), (State::Success, sent.id));
        assert_eq!(balance(world, bob.wallet).await, 100);
    });
}

#[test]
fn a_transfer_that_was_never_submitted_fails_after_a_while() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 1_000).await, Payer::with(world, 2, "BKB", 0).await);
        send(world, &ann, "t-1", &bob.wallet.to_string(), 100).await.expect("sent");
        // A row as a crash between the table and the ledger leaves it.
        let (lost, now) = (TransferId::new(world.clock.millis()), world.clock.millis());
        let copy = async move |tx: &mut Tx| {
            sqlx::query(
                "INSERT INTO transfers (id, person, out_transfer_no, from_wallet, to_wallet, payee_hash, looked_up, amount, note, digest, state, created_at, tried_at) \
                 SELECT $1, person, 't-2', from_wallet, to_wallet, payee_hash, looked_up, amount, NULL, digest, 'ACCEPTED', $2, $2 FROM transfers WHERE out_transfer_no = 't-1'",
            )
            .bind(lost)
            .bind(now)
            .execute(&mut *tx)
            .await?;
            Ok(())
        };
        world.app.db.write(copy).await.expect("copied");
        assert_eq!(transfers::resolve(&world.app).await.expect("nothing is silent yet"), 0);
        world.clock.advance(61_000);
        assert_eq!(transfers::resolve(&world.app).await.expect("looked up"), 1);
        let told = transfers::get(&world.app, &ann.citizen.actor, "t-2").await.expect("there");
        assert_eq!((told.state, told.problem.as_deref()), (State::Fail, Some("request_timeout")));
        assert_eq!(transfers::resolve(&world.app).await.expect("nothing is left"), 0);
        assert_eq!(balance(world, ann.wallet).await, 900);
    });
}

//! Wallets: opened, raised, frozen, repaired, closed.

use jialing_ledger::Account;
use jialing_ledger::{Command, Freeze, Group, Refusal, Why};
use jialing_platform::exchange;
use jialing_platform::id::{TransferId, WalletId};
use jialing_platform::kind::Kind;
use jialing_platform::policies::{self, Policy};
use jialing_platform::wallets::{
    self, Attempt, Class, CloseAsk, Control, LiftAsk, Movement, OpenAsk, Side, Status, SweepAsk,
};
use jialing_platform::{Code, Money, Result};

use crate::citizen::{Citizen, PIN};
use crate::city::{self, fund};
use crate::rails::Fault;
use crate::saver::{Saver, balanced, found_at_noon, later};
use crate::world::{World, on_each_backend};

async fn account(world: &World, wallet: WalletId) -> Account {
    world.app.engine.account(wallet.number()).await.expect("the engine runs").expect("an account")
}

async fn open(world: &World, citizen: &Citizen, bank: &str) -> Result<wallets::View> {
    wallets::open(&world.app, citizen.person, OpenAsk { institution: bank.into(), name: None }).await
}

#[test]
fn a_first_wallet_is_of_class_four_with_its_limits_in_the_ledger() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::new(world, 1).await;
        let wallet = open(world, &citizen, "BKA").await.expect("opened");
        assert_eq!((wallet.class, wallet.status, wallet.liability), (Class::Four, Status::Active, "central"));
        let limits = &wallet.limits;
        let limit = |limit: Option<wallets::Limit>| limit.expect("class IV has all four").limit.amount;
        assert_eq!(
            [limits.balance, limits.single, limits.day, limits.year].map(limit),
            [1_000_000, 200_000, 500_000, 5_000_000]
        );
        assert_eq!(wallet.upgrade.as_ref().map(|upgrade| upgrade.class), Some(Class::Three));
        assert_eq!(account(world, wallet.wallet_id).await.max, 1_000_000);
        assert_eq!(open(world, &citizen, "BKB").await.expect("opened").liability, "deposit");
        for code in ["CB", "BKX"] {
            let unknown = open(world, &citizen, code).await.expect_err("no such bank");
            assert_eq!((unknown.code, unknown.field.as_deref()), (Code::InvalidRequest, Some("institution")));
        }
        for _ in 2..5 {
            open(world, &citizen, "BKA").await.expect("opened");
        }
        assert_eq!(open(world, &citizen, "BKA").await.expect_err("five already").code, Code::StateConflict);
        assert_eq!(wallets::list(&world.app, citizen.person).await.expect("a list").len(), 5);
        let other = Citizen::new(world, 2).await;
        let read = wallets::view(&world.app, other.person, wallet.wallet_id).await;
        assert_eq!(read.expect_err("another's").code, Code::NotFound);
    });
}

#[test]
fn one_id_opens_one_wallet() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let (citizen, other) = (Citizen::new(world, 1).await, Citizen::new(world, 2).await);
        let id = WalletId::new(world.clock.millis());
        let ask = || OpenAsk { institution: "BKA".into(), name: Some("零钱".into()) };
        for _ in 0..2 {
            let wallet = wallets::open_as(&world.app, citizen.person, id, ask()).await.expect("opened");
            assert_eq!((wallet.wallet_id, wallet.name.as_str()), (id, "零钱"));
        }
        assert_eq!(wallets::list(&world.app, citizen.person).await.expect("a list").len(), 1);
        let taken = wallets::open_as(&world.app, other.person, id, ask()).await;
        assert_eq!(taken.expect_err("another's").code, Code::NotFound);
    });
}

#[test]
fn a_confirmed_identity_raises_wallets_that_there_are_and_that_come() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::new(world, 1).await;
        let first = open(world, &citizen, "BKA").await.expect("opened").wallet_id;
        wallets::raise_class(&world.app, citizen.person, Class::Three).await.expect("raised");
        assert_eq!(account(world, first).await.max, 2_000_000);
        let second = open(world, &citizen, "BKA").await.expect("opened");
        assert_eq!((second.class, second.limits.day.expect("bound").limit.amount), (Class::Three, 1_000_000));
        wallets::raise_class(&world.app, citizen.person, Class::Three).await.expect("the same again");
        let lower =
            wallets::raise_class(&world.app, citizen.person, Class::Four).await.expect_err("never lower");
        assert_eq!(lower.code, Code::StateConflict);
        // What was spent today stays spent.
        fund(world, first, 10_000).await;
        spend(world, first, second.wallet_id, 4_000).await.expect("within the limits");
        wallets::raise_class(&world.app, citizen.person, Class::One).await.expect("raised");
        let view = wallets::view(&world.app, citizen.person, first).await.expect("one's own");
        assert_eq!((view.class, view.limits.balance), (Class::One, None));
        assert_eq!(view.limits.day.expect("bound").left.amount, 10_000_000 - 4_000);
        assert_eq!(account(world, first).await.max, i64::MAX);
    });
}

/// A transfer between two wallets, charged to the payer's class.
async fn spend(world: &World, from: WalletId, to: WalletId, fen: u64) -> Result<(), Refusal> {
    let (payer, payee) = (
        wallets::account(&world.app, from).await.expect("a wallet"),
        wallets::account(&world.app, to).await.expect("a wallet"),
    );
    let id = TransferId::new(world.clock.millis()).number();
    let movement =
        Movement { id, kind: Kind::Transfer, amount: fen, digest: [0; 24], meters: &[payer.number] };
    let group = Group { legs: wallets::legs(&payer, &payee, &movement) };
    match world.app.engine.submit(Command::Transfer(group)).await {
        Ok(_) => Ok(()),
        Err(jialing_engine::SubmitError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_refusal_tells_the_limit_what_is_left_and_who_may_do_more() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::new(world, 1).await;
        let from = open(world, &citizen, "BKA").await.expect("opened").wallet_id;
        let to = open(world, &citizen, "BKB").await.expect("opened").wallet_id;
        fund(world, from, 900_000).await;
        for _ in 0..2 {
            spend(world, from, to, 200_000).await.expect("within the limits");
        }
        let (payer, payee) = (
            wallets::account(&world.app, from).await.expect("a wallet"),
            wallets::account(&world.app, to).await.expect("a wallet"),
        );
        let told = async |fen: u64, code: Code, limit: u64, left: u64| {
            let refusal = spend(world, from, to, fen).await.expect_err("refused");
            let attempt = Attempt { payer: &payer, payee: &payee, amount: fen, asks: Side::Payer };
            let problem = wallets::refused(&world.app, &refusal, &attempt).await;
            let extra = problem.extra.expect("figures");
            assert_eq!(
                (problem.code, extra["limit"].as_u64(), extra["left"].as_u64()),
                (code, Some(limit), Some(left))
            );
            assert_eq!(
                (&extra["limited_by"], &extra["upgrade"]["class"]),
                (&"wallet_class".into(), &"III".into())
            );
        };
        told(200_001, Code::OverSingleLimit, 200_000, 200_000).await;
        told(100_001, Code::OverDayLimit, 500_000, 100_000).await;
        spend(world, from, to, 100_000).await.expect("the edge");
        told(1, Code::OverDayLimit, 500_000, 0).await;
        world.clock.advance(86_400_000);
        // What the class lets through, another meter refused.
        let refusal = Refusal::new(Why::OverDayLimit, 0);
        let attempt = Attempt { payer: &payer, payee: &payee, amount: 1, asks: Side::Payer };
        let problem = wallets::refused(&world.app, &refusal, &attempt).await;
        assert_eq!(problem.extra.expect("figures")["limited_by"], "mandate");
        let problem = wallets::refused(&world.app, &Refusal::new(Why::BalanceTooLow, 0), &attempt).await;
        assert_eq!(problem.extra.expect("figures")["available"], 400_000);
    });
}

#[test]
fn every_status_stops_in_the_ledger_what_it_says() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::identified(world, 1, "李明").await;
        let wallet = city::wallet(world, &citizen, "BKA", 1_000).await;
        let controls = [
            (Control::Limited, Status::Limited, false, false, 1_000_000),
            (Control::DebitFrozen, Status::DebitFrozen, true, false, 2_000_000),
            (Control::CreditFrozen, Status::CreditFrozen, false, true, 2_000_000),
            (Control::Frozen, Status::Frozen, true, true, 2_000_000),
            (Control::Active, Status::Active, false, false, 2_000_000),
        ];
        for (control, status, debit, credit, most) in controls {
            let changed = wallets::control(&world.app, wallet, control).await.expect("changed");
            let account = account(world, wallet).await;
            assert_eq!(
                (changed.status(), account.freeze, account.max),
                (status, Freeze { debit, credit }, most)
            );
        }
        let lost = wallets::freeze(&world.app, citizen.person, wallet).await.expect("frozen");
        assert_eq!(
            (lost.status, account(world, wallet).await.freeze),
            (Status::Lost, Freeze { debit: true, credit: false })
        );
        let ask = |code| LiftAsk { code };
        let bare =
            wallets::lift(&world.app, &citizen.actor, wallet, ask(None)).await.expect_err("no second factor");
        assert_eq!(bare.code, Code::SecondFactorRequired);
        let code = citizen.second_factor(world).await;
        let lifted =
            wallets::lift(&world.app, &citizen.actor, wallet, ask(Some(code))).await.expect("lifted");
        assert_eq!((lifted.status, account(world, wallet).await.freeze), (Status::Active, Freeze::default()));
        // Each act that changed something is on record, with who did it.
        let kept: Vec<(String, String)> =
            sqlx::query_as("SELECT action, who FROM audit_entries WHERE subject = $1 ORDER BY action, who")
                .bind(wallet.to_string())
                .fetch_all(world.app.db.read())
                .await
                .expect("readable");
        let (person, operator) = (citizen.person.to_string(), "operator".to_owned());
        let control = vec![("wallet.control".to_owned(), operator); 5];
        let own = ["wallet.freeze", "wallet.lift", "wallet.open"].map(|act| (act.to_owned(), person.clone()));
        assert_eq!(kept, [control, own.into()].concat());
        let stranger = Citizen::new(world, 2).await;
        let other = wallets::freeze(&world.app, stranger.person, wallet).await.expect_err("another's");
        assert_eq!(other.code, Code::NotFound);
    });
}

#[test]
fn a_crash_between_row_and_ledger_is_repaired() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::new(world, 1).await;
        let wallet = city::wallet(world, &citizen, "BKA", 1_000).await;
        // The row says frozen; the process died before it told the ledger.
        world
            .app
            .db
            .write(async move |tx: &mut jialing_platform::Tx| {
                let sql = "UPDATE wallets SET control = 'FROZEN', revision = revision + 1 WHERE id = $1";
                sqlx::query(sql).bind(wallet).execute(&mut *tx).await?;
                Ok(())
            })
            .await
            .expect("written");
        assert_eq!(account(world, wallet).await.freeze, Freeze::default());
        world.crash().await;
        assert_eq!(wallets::repair(&world.app).await.expect("repaired"), 1);
        assert_eq!(account(world, wallet).await.freeze, Freeze { debit: true, credit: true });
        assert_eq!(wallets::repair(&world.app).await.expect("nothing left"), 0);
    });
}

#[test]
fn a_limit_that_changes_on_a_date_reaches_wallets_that_are_open() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::new(world, 1).await;
        let wallet = city::wallet(world, &citizen, "BKA", 1_000).await;
        let known = policies::all(&world.app).await.expect("readable");
        let old = known.iter().find(|policy| policy.name == "wallet_4_balance").expect("there is one");
        let from_ms = world.clock.millis() + 3_600_000;
        let new = Policy { version: old.version + 1, value: Some(1_500_000), from_ms, ..old.clone() };
        policies::add(&world.app, vec![new]).await.expect("a new version");
        assert_eq!(wallets::reshape(&world.app).await.expect("swept"), 0, "not in force yet");
        world.clock.advance(3_600_000);
        assert_eq!(wallets::reshape(&world.app).await.expect("swept"), 1);
        assert_eq!(account(world, wallet).await.max, 1_500_000);
    });
}

#[test]
fn an_empty_wallet_closes_and_one_with_money_does_not() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::new(world, 1).await;
        let (empty, full) =
            (city::wallet(world, &citizen, "BKA", 0).await, city::wallet(world, &citizen, "BKB", 500).await);
        for _ in 0..2 {
            let closed =
                wallets::close(&world.app, &citizen.actor, empty, CloseAsk::default()).await.expect("closed");
            assert_eq!(closed.status, Status::Closed);
        }
        assert!(account(world, empty).await.closed);
        let refused = wallets::close(&world.app, &citizen.actor, full, CloseAsk::default())
            .await
            .expect_err("not empty");
        assert_eq!(
            (refused.code, &refused.extra.expect("figures")["balance"]),
            (Code::WalletNotEmpty, &500.into())
        );
        let view = wallets::view(&world.app, citizen.person, full).await.expect("one's own");
        assert_eq!(
            (view.status, view.closing, account(world, full).await.freeze),
            (Status::Active, false, Freeze::default())
        );
        let frozen = wallets::freeze(&world.app, citizen.person, empty).await.expect_err("closed for good");
        assert_eq!(frozen.code, Code::WalletUnavailable);
        assert_eq!(wallets::open_of(&world.app, citizen.person).await.expect("a list").len(), 1);
    });
}

/// A request to close that empties the wallet into the saver's account.
fn sweep(world: &World, saver: &Saver, number: &str, fen: u64) -> CloseAsk {
    let signed = saver.withdrawal_ask(world, number, fen);
    CloseAsk {
        sweep: Some(SweepAsk {
            out_withdrawal_no: number.into(),
            link_id: saver.link,
            amount: Money::fen(fen),
            pin: Some(PIN.into()),
            evidence: signed.evidence,
        }),
    }
}

#[test]
fn closing_empties_a_wallet_into_the_linked_account() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        for (n, wallet_at) in (1..).zip(["BKA", "BKB"]) {
            let saver = Saver::new(world, n, wallet_at, "BKC").await;
            let actor = &saver.citizen.actor;
            // Above what a link lets pass at once: a sweep is of the whole.
            fund(world, saver.wallet, 6_000_000).await;
            let part = wallets::close(&world.app, actor, saver.wallet, sweep(world, &saver, "S-0", 5)).await;
            assert_eq!(part.expect_err("not the whole").code, Code::WalletNotEmpty);
            // The bank refuses: the wallet is open as before.
            world.banks["BKC"].order(Fault::Refuse("ACCOUNT_CLOSED"));
            let view =
                wallets::close(&world.app, actor, saver.wallet, sweep(world, &saver, "S-1", 6_000_000)).await;
            let view = view.expect("tried");
            assert_eq!(
                (view.status, view.closing, view.available.amount),
                (Status::Active, false, 6_000_000)
            );
            later(world, 6).await;
            assert_eq!(account(world, saver.wallet).await.freeze, Freeze::default());
            // The bank takes its time: nothing may arrive meanwhile.
            world.banks["BKC"].order(Fault::Later);
            let view =
                wallets::close(&world.app, actor, saver.wallet, sweep(world, &saver, "S-2", 6_000_000)).await;
            let view = view.expect("started");
            assert_eq!((view.closing, account(world, saver.wallet).await.freeze.credit), (true, true));
            let references = world.banks["BKC"].references();
            world.banks["BKC"].finish(references.last().expect("the sweep"), None);
            later(world, 40).await;
            wallets::repair(&world.app).await.expect("repaired");
            let view =
                wallets::view(&world.app, saver.citizen.person, saver.wallet).await.expect("one's own");
            assert_eq!((view.status, view.balance.amount, view.closing), (Status::Closed, 0, false));
            assert!(account(world, saver.wallet).await.closed);
        }
        assert_eq!(world.banks["BKC"].net(), -12_000_000);
        balanced(world).await;
    });
}

#[test]
fn two_closings_at_once_empty_a_wallet_once() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        let actor = &saver.citizen.actor;
        fund(world, saver.wallet, 1_000).await;
        world.banks["BKA"].order(Fault::Later);
        let close = |number: &str| {
            wallets::close(&world.app, actor, saver.wallet, sweep(world, &saver, number, 1_000))
        };
        let (first, second) = futures_util::future::join(close("S-1"), close("S-2")).await;
        let refused = [first, second].into_iter().find_map(Result::err).expect("one comes too late");
        assert_eq!(refused.code, Code::BalanceTooLow);
        // The one under way still keeps money out.
        assert!(account(world, saver.wallet).await.freeze.credit);
        let references = world.banks["BKA"].references();
        assert_eq!(references.len(), 1);
        world.banks["BKA"].finish(&references[0], None);
        later(world, 40).await;
        wallets::repair(&world.app).await.expect("repaired");
        assert!(account(world, saver.wallet).await.closed);
        assert_eq!(world.banks["BKA"].net(), -1_000);
    });
}

#[test]
fn a_closing_that_a_crash_stopped_before_it_began_is_undone() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::new(world, 1).await;
        let wallet = city::wallet(world, &citizen, "BKA", 1_000).await;
        world
            .app
            .db
            .write(async move |tx: &mut jialing_platform::Tx| {
                let sql = "UPDATE wallets SET closing = 1, revision = revision + 1 WHERE id = $1";
                sqlx::query(sql).bind(wallet).execute(&mut *tx).await?;
                Ok(())
            })
            .await
            .expect("written");
        wallets::repair(&world.app).await.expect("the ledger follows");
        assert!(account(world, wallet).await.freeze.credit);
        world.crash().await;
        exchange::resolve::take_over(&world.app).await.expect("undone");
        assert_eq!(account(world, wallet).await.freeze, Freeze::default());
    });
}

//! Balances at any time and statements: exact at every edge, and never at odds with the ledger.

use jialing_platform::clock::rfc3339;
use jialing_platform::history::{
    self, Account, BalanceAsk, Direction, HistoryAsk, InstitutionAccount, Statement, StatementAsk, account,
};
use jialing_platform::id::WalletId;
use jialing_platform::kind::Kind;
use jialing_platform::{Code, Money, Problem, Result, Tx};

use crate::citizen::Citizen;
use crate::city::{self, bank, found, fund};
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::saver::Saver;
use crate::transfers::send;
use crate::world::{World, on_each_backend};

/// Moves the clock to a moment at UTC+8.
pub fn move_to(world: &World, moment: &str) {
    let at: jiff::Timestamp = moment.parse().expect("a time");
    world.clock.advance(at.as_millisecond() - world.clock.millis());
}

/// The payer's own wallet as an account.
pub async fn own(world: &World, payer: &Payer) -> Account {
    account::own_wallet(&world.app, &payer.citizen.actor, payer.wallet).await.expect("own wallet")
}

async fn at(world: &World, account: &Account, moment: Option<&str>) -> Result<history::BalanceAt> {
    history::balance_at(&world.app, account, &BalanceAsk { at: moment.map(Into::into) }).await
}

async fn held(world: &World, account: &Account, moment: &str) -> u64 {
    at(world, account, Some(moment)).await.expect("a past moment").balance.amount
}

fn over(from: &str, to: &str) -> StatementAsk {
    StatementAsk { from: Some(from.into()), to: Some(to.into()), limit: Some(100), ..StatementAsk::default() }
}

fn period(text: &str) -> StatementAsk {
    StatementAsk { period: Some(text.into()), limit: Some(100), ..StatementAsk::default() }
}

async fn statement(world: &World, account: &Account, ask: &StatementAsk) -> Result<Statement> {
    history::statement(&world.app, account, ask).await
}

/// What a test compares: opening, what came, what went, closing, and the lines' amounts with their sign.
fn figures(statement: &Statement) -> (u64, u64, u64, u64, Vec<i64>) {
    let lines = statement.lines.iter().map(|line| {
        let amount = i64::try_from(line.amount.amount).expect("small");
        if line.direction == Direction::In { amount } else { -amount }
    });
    let (came, went) = (statement.total_in.amount.amount, statement.total_out.amount.amount);
    (statement.opening.amount, came, went, statement.closing.amount, lines.collect())
}

fn field(problem: &Problem) -> (Code, Option<&str>) {
    (problem.code, problem.field.as_deref())
}

#[test]
fn a_balance_is_that_of_the_last_record_up_to_the_time_the_very_millisecond_included() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 0).await, Payer::with(world, 2, "BKB", 0).await);
        let account = own(world, &ann).await;
        let opened = world.clock.millis();
        assert_eq!(at(world, &account, None).await.expect("now").balance, Money::fen(0));
        let mut truth = Vec::new();
        for fen in [10_000, 70, 1, 2_000] {
            world.clock.advance(1_000);
            fund(world, ann.wallet, fen).await;
            if fen < 100 {
                send(world, &ann, &format!("t-{fen}"), &bob.wallet.to_string(), fen / 2 + 1)
                    .await
                    .expect("sent");
            }
            let now = world.app.engine.history(ann.wallet.number(), None, 1).await.expect("read")[0];
            let now = (now.time / 1_000_000) as i64;
            truth.push((now, city::balance(world, ann.wallet).await.unsigned_abs()));
        }
        // Nothing happened for a second before and after each.
        for pair in truth.windows(2) {
            let ((first, balance), (second, next)) = (pair[0], pair[1]);
            assert_eq!(held(world, &account, &rfc3339(first)).await, balance, "the very millisecond counts");
            assert_eq!(held(world, &account, &rfc3339(first + 400)).await, balance);
            assert_eq!(held(world, &account, &rfc3339(second)).await, next);
        }
        let first = truth[0].0;
        assert_eq!(
            held(world, &account, &rfc3339(first - 1)).await,
            0,
            "a millisecond before, it was not there"
        );
        assert_eq!(
            held(world, &account, &rfc3339(opened - 86_400_000)).await,
            0,
            "before the wallet was opened"
        );
        assert_eq!(held(world, &account, "1960-01-01T00:00:00Z").await, 0);

        world.clock.advance(1_000);
        let last = at(world, &account, Some(&rfc3339(truth[3].0))).await.expect("past");
        assert!(last.settled, "the time is over");
        assert_eq!(last.account, ann.wallet.to_string());
        // The same moment in another zone, and with digits that the API does not count.
        let utc = jiff::Timestamp::from_millisecond(truth[3].0).expect("a time").to_string();
        assert_eq!(at(world, &account, Some(&utc)).await.expect("past"), last);
        let finer = jiff::Timestamp::from_nanosecond(i128::from(truth[3].0) * 1_000_000 + 999_999);
        assert_eq!(at(world, &account, Some(&finer.expect("a time").to_string())).await.expect("past"), last);

        let now = at(world, &account, None).await.expect("now");
        assert_eq!(
            (now.balance, now.settled),
            (last.balance, false),
            "something may still come this millisecond"
        );
        for (moment, problem) in [
            (rfc3339(world.clock.millis() + 60_000), "in the future"),
            ("9999-12-31T00:00:00Z".to_owned(), "in the future"),
            ("noon".to_owned(), "no time"),
            ("2026-02-30T00:00:00Z".to_owned(), "no day"),
            (String::new(), "nothing"),
        ] {
            let refused = at(world, &account, Some(&moment)).await.expect_err(problem);
            assert_eq!(field(&refused), (Code::InvalidRequest, Some("at")), "{moment}");
        }
    });
}

#[test]
fn money_set_aside_stays_in_the_balance_of_its_time() {
    on_each_backend(async |world: &mut World| {
        crate::saver::found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKB", "BKC").await;
        fund(world, saver.wallet, 1_000).await;
        world.banks["BKC"].order(crate::rails::Fault::Later);
        world.clock.advance(1_000);
        let withdrawal = saver.withdraw(world, "W-1", 700).await.expect("taken in");
        let while_held = rfc3339(world.clock.millis() - 1);
        world.clock.advance(1_000);
        world.banks["BKC"].finish(&withdrawal.withdrawal_id.to_string(), None);
        crate::saver::later(world, 40).await;
        let account = account::own_wallet(&world.app, &saver.citizen.actor, saver.wallet).await.expect("own");
        assert_eq!(held(world, &account, &while_held).await, 1_000);
        world.clock.advance(1);
        assert_eq!(at(world, &account, None).await.expect("now").balance, Money::fen(300));
        let all = statement(world, &account, &over("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")).await;
        assert_eq!(figures(&all.expect("an empty range")), (0, 0, 0, 0, vec![]));
    });
}

#[test]
fn a_statement_begins_and_ends_at_midnight_of_utc_8() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        move_to(world, "2027-01-31T12:00:00+08:00");
        let (ann, bob) = (Payer::with(world, 1, "BKA", 0).await, Payer::with(world, 2, "BKA", 0).await);
        let to = bob.wallet.to_string();
        fund(world, ann.wallet, 10_000).await;
        move_to(world, "2027-01-31T23:50:00+08:00");
        send(world, &ann, "last-of-january", &to, 1).await.expect("sent");
        move_to(world, "2027-02-01T00:00:00+08:00");
        send(world, &ann, "first-of-february", &to, 20).await.expect("sent");
        move_to(world, "2027-02-28T23:50:00+08:00");
        send(world, &ann, "last-of-february", &to, 300).await.expect("sent");
        move_to(world, "2027-03-01T00:00:00+08:00");
        send(world, &bob, "first-of-march", &ann.wallet.to_string(), 4).await.expect("sent");
        move_to(world, "2027-03-15T00:00:00+08:00");
        let account = own(world, &ann).await;
        let check = async |ask: &StatementAsk, expect: (u64, u64, u64, u64, Vec<i64>), over: bool| {
            let found = statement(world, &account, ask).await.expect("a statement");
            assert_eq!((figures(&found), found.settled), (expect, over), "{ask:?}");
            assert!(!found.has_more);
            found
        };
        check(&period("2027-01"), (0, 10_000, 1, 9_999, vec![10_000, -1]), true).await;
        check(&period("2027-02"), (9_999, 0, 320, 9_679, vec![-20, -300]), true).await;
        let march = check(&period("2027-03"), (9_679, 4, 0, 9_683, vec![4]), false).await;
        assert!(march.to.starts_with("2027-04-01T00:00:00"), "the range stays as asked: {}", march.to);
        check(&period("2027"), (0, 10_004, 321, 9_683, vec![10_000, -1, -20, -300, 4]), false).await;
        check(&period("2026"), (0, 0, 0, 0, vec![]), true).await;
        check(&period("2027-02-01"), (9_999, 0, 20, 9_979, vec![-20]), true).await;
        check(&period("2027-02-02"), (9_979, 0, 0, 9_979, vec![]), true).await;
        // UTC's midnight is eight o'clock here: the first of February in UTC has no January in it.
        let utc = over("2027-01-31T00:00:00Z", "2027-02-01T00:00:00Z");
        check(&utc, (0, 10_000, 21, 9_979, vec![10_000, -1, -20]), true).await;
        let empty = over("2027-02-01T00:00:00+08:00", "2027-02-01T00:00:00+08:00");
        check(&empty, (9_999, 0, 0, 9_999, vec![]), true).await;
        let moment = over("2027-02-01T00:00:00+08:00", "2027-02-01T00:10:00+08:00");
        let one = check(&moment, (9_999, 0, 20, 9_979, vec![-20]), true).await;
        assert_eq!((one.total_in.count, one.total_out.count), (0, 1));
        assert_eq!(one.lines[0].memo.as_deref(), Some("午饭"));
        // The range takes its first millisecond and leaves its last one out.
        let at: jiff::Timestamp = one.lines[0].at.parse().expect("a time");
        let (at, after) = (one.lines[0].at.clone(), rfc3339(at.as_millisecond() + 1));
        check(&over(&at, &after), (9_999, 0, 20, 9_979, vec![-20]), true).await;
        check(&over("2027-02-01T00:00:00+08:00", &at), (9_999, 0, 0, 9_999, vec![]), true).await;
        check(&over(&after, "2027-02-02T00:00:00+08:00"), (9_979, 0, 0, 9_979, vec![]), true).await;
        assert!(one.checked.zh.contains(&one.records.to_string()) && one.checked.en.contains("closing"));

        for (ask, expect) in [
            (period("2027-04"), "from"),
            (over("2027-02-01T00:00:00Z", "2027-01-01T00:00:00Z"), "to"),
            (over("2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), "to"),
            (period("2027-13"), "period"),
            (StatementAsk { period: Some("2027".into()), ..utc.clone() }, "period"),
            (StatementAsk::default(), "from"),
            (StatementAsk { limit: Some(101), ..utc.clone() }, "limit"),
            (StatementAsk { after: Some("-1".into()), ..utc.clone() }, "after"),
            (StatementAsk { after: Some("18446744073709551615".into()), ..utc.clone() }, "after"),
        ] {
            let refused = statement(world, &account, &ask).await.expect_err(expect);
            assert_eq!(field(&refused), (Code::InvalidRequest, Some(expect)), "{ask:?}");
        }
        let leap = over("2028-01-01T00:00:00+08:00", "2029-01-01T00:00:00+08:00");
        move_to(world, "2029-02-01T00:00:00+08:00");
        check(&leap, (9_683, 0, 0, 9_683, vec![]), true).await;
    });
}

#[test]
fn pages_of_a_statement_join_up_and_each_adds_up() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        for n in 1..=7 {
            ann.pay(world, &shop.order(world, &format!("o-{n}"), n * 10).await).await.expect("paid");
        }
        let order = shop.order(world, "o-8", 500).await;
        ann.pay(world, &order).await.expect("paid");
        refund(world, &shop, order.id, "r-1", 120).await;
        world.clock.advance(1_000);
        let account = own(world, &ann).await;
        let year = rfc3339(world.clock.millis() - 86_400_000);
        let mut ask = StatementAsk {
            from: Some(year),
            to: Some(rfc3339(world.clock.millis())),
            limit: Some(4),
            ..StatementAsk::default()
        };
        let mut walked = Vec::new();
        loop {
            let page = statement(world, &account, &ask).await.expect("a page");
            assert_eq!(
                (page.opening.amount, page.closing.amount),
                (0, 10_000 - 280 - 500 + 120),
                "every page shows the whole's figures"
            );
            let kinds: Vec<_> = page
                .by_kind
                .iter()
                .map(|sum| (sum.kind, sum.direction, sum.count, sum.amount.amount))
                .collect();
            assert_eq!(
                kinds,
                [
                    (Kind::Payment, Direction::Out, 8, 780),
                    (Kind::Refund, Direction::In, 1, 120),
                    (Kind::TopUp, Direction::In, 1, 10_000)
                ]
            );
            walked.extend(page.lines.iter().map(|line| line.id.clone()));
            ask.after = page.lines.last().map(|line| line.id.clone());
            if !page.has_more {
                break;
            }
        }
        let listed =
            history::of_wallet(&world.app, &ann.citizen.actor, ann.wallet, &HistoryAsk::default()).await;
        let listed: Vec<String> =
            listed.expect("own history").items.into_iter().rev().map(|line| line.id).collect();
        assert_eq!(walked, listed);
        ask.after = walked.last().cloned();
        assert!(statement(world, &account, &ask).await.expect("nothing is left").lines.is_empty());
    });
}

#[test]
fn a_merchant_its_owner_and_a_bank_have_statements_and_nobody_else() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKC", 10_000).await);
        ann.pay(world, &shop.order(world, "o-1", 1_000).await).await.expect("paid");
        world.clock.advance(1_000);
        let app = &world.app;
        let range = over(&rfc3339(world.clock.millis() - 86_400_000), &rfc3339(world.clock.millis()));
        let of =
            async |account: Account| figures(&statement(world, &account, &range).await.expect("a statement"));
        let shops = account::merchant_wallet(app, shop.id).await.expect("its wallet");
        assert_eq!(of(shops).await, (0, 1_000, 0, 1_000, vec![1_000]));
        let owned = account::owned_merchant(app, &shop.owner.actor, shop.id).await.expect("one's own shop");
        assert_eq!(of(owned).await, (0, 1_000, 0, 1_000, vec![1_000]));
        assert_eq!(of(own(world, &ann).await).await, (0, 10_000, 1_000, 9_000, vec![10_000, -1_000]));
        let bank_account =
            async |code: &str, which| account::institution(app, bank(app, code).await, which).await;
        use InstitutionAccount::{Issuance, Vault};
        let issued = city::ISSUED;
        let (sent, signed) = (issued - 1_000, i64::try_from(issued).expect("small"));
        assert_eq!(
            of(bank_account("BKC", Vault).await.expect("a vault")).await,
            (0, issued, 1_000, sent, vec![signed, -1_000])
        );
        assert_eq!(
            of(bank_account("BKB", Vault).await.expect("a vault")).await,
            (0, issued + 1_000, 0, issued + 1_000, vec![signed, 1_000])
        );
        // What is owed grows with what is issued and shrinks with what is taken back.
        let owed = bank_account("BKC", Issuance).await.expect("it owes");
        assert_eq!(of(owed.clone()).await, (0, 10_000, 1_000, 9_000, vec![10_000, -1_000]));
        assert_eq!(at(world, &owed, None).await.expect("now").balance, Money::fen(9_000));
        assert_eq!(at(world, &owed, None).await.expect("now").account, "BKC/issuance");
        assert_eq!(of(bank_account("BKB", Issuance).await.expect("it owes")).await.3, 1_000);
        let none =
            bank_account("BKA", Issuance).await.expect_err("its wallets are the central bank's liability");
        assert_eq!(none.code, Code::NotFound);
        let vault = statement(world, &bank_account("BKC", Vault).await.expect("a vault"), &range).await;
        let vault = vault.expect("a statement");
        assert_eq!(vault.lines[1].kind, Kind::Settlement);
        assert_eq!(vault.lines[1].counterparty.name_en.as_deref(), Some("Bank BKB"));

        let eve = Citizen::new(world, 9).await;
        let stolen = account::own_wallet(app, &eve.actor, ann.wallet).await.expect_err("another's wallet");
        assert_eq!(stolen.code, Code::NotFound);
        let stolen = account::owned_merchant(app, &eve.actor, shop.id).await.expect_err("another's shop");
        assert_eq!(stolen.code, Code::NotFound);
        let stolen =
            account::own_wallet(app, &eve.actor, WalletId::from_number(owed_vault(world).await)).await;
        assert_eq!(stolen.expect_err("a bank's vault").code, Code::NotFound);
    });
}

async fn owed_vault(world: &World) -> u128 {
    jialing_platform::wallets::legs::vault(bank(&world.app, "BKC").await)
}

#[test]
fn a_history_that_does_not_fit_the_ledger_is_never_shown_as_a_statement() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKA", 0).await);
        for n in 1..=3 {
            send(world, &ann, &format!("t-{n}"), &bob.wallet.to_string(), n * 100).await.expect("sent");
        }
        world.clock.advance(1_000);
        let account = own(world, &ann).await;
        let range = over(&rfc3339(world.clock.millis() - 86_400_000), &rfc3339(world.clock.millis()));
        let whole = statement(world, &account, &range).await.expect("sound so far");
        let wallet = ann.wallet.to_string();
        let change = async |sql: &'static str| {
            let wallet = wallet.clone();
            let done = world.app.db.write(async move |tx: &mut Tx| {
                Ok(sqlx::query(sql).bind(wallet.clone()).execute(&mut *tx).await?.rows_affected())
            });
            assert_eq!(done.await.expect("changed"), 1, "{sql}");
        };
        let broken = async |what: &str| {
            let problem = statement(world, &account, &range).await.expect_err(what);
            assert_eq!(problem.code, Code::Internal, "{what}");
            let fault = problem.internal.expect("told to the operator");
            assert!(fault.contains("does not fit the ledger"), "{fault}");
        };
        change("UPDATE movements SET amount = amount + 1 WHERE wallet = $1 AND amount = 200").await;
        broken("an amount was changed").await;
        change("UPDATE movements SET amount = amount - 1 WHERE wallet = $1 AND amount = 201").await;
        // The sums are right again; one balance is not.
        change("UPDATE movements SET balance = balance + 1 WHERE wallet = $1 AND amount = 200").await;
        broken("a balance was changed").await;
        change("UPDATE movements SET balance = balance - 1 WHERE wallet = $1 AND amount = 200").await;
        assert_eq!(statement(world, &account, &range).await.expect("mended"), whole);
        change("DELETE FROM movements WHERE wallet = $1 AND amount = 300").await;
        broken("a line is missing").await;
    });
}

#[test]
fn a_statement_waits_for_the_history_rather_than_leave_something_out() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 10_000).await;
        let account = own(world, &ann).await;
        world.stop_followers().await;
        city::fund_unseen(world, ann.wallet, 5).await;
        world.clock.advance(1_000);
        let range = over(&rfc3339(world.clock.millis() - 86_400_000), &rfc3339(world.clock.millis()));
        let problem = statement(world, &account, &range).await.expect_err("the history is behind");
        assert_eq!((problem.code, problem.retry_after), (Code::Overloaded, Some(2)));
        // A balance needs no history.
        assert_eq!(at(world, &account, None).await.expect("now").balance, Money::fen(10_005));
        world.crash_only_followers().await;
        assert_eq!(statement(world, &account, &range).await.expect("caught up").closing, Money::fen(10_005));
    });
}

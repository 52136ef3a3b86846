//! Proof of supply: each day is cut at midnight, adds up, and counts everyone's balance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_crypto::note::NoteVerifier;
use jialing_crypto::proof;
use jialing_crypto::sum_tree::{self, SumNode};
use jialing_ledger::{AccountKind, Body, Command, NewAccount, Record};
use jialing_platform::anchors::{self, AnchorsAsk, NoteKind, NoteProof};
use jialing_platform::audit::{self, Entry};
use jialing_platform::db::execute_trusted;
use jialing_platform::id::WalletId;
use jialing_platform::policies::{self, Policy};
use jialing_platform::supply::{self, BalanceProof, Day, DayAsk, ListAsk, Statement};
use jialing_platform::{Code, Money, Problem, Tx, verify};

use crate::citizen::Citizen;
use crate::city::{self, bank, fund_unseen, wallet};
use crate::world::{World, on_each_backend, on_each_backend_at};

/// 2026-11-22T00:00:00+08:00, and the lengths of an hour and a day.
const MIDNIGHT: u64 = 1_795_276_800_000_000_000;
const HOUR: u64 = 3_600_000_000_000;
const DAY: u64 = 24 * HOUR;

/// The hash of the world's log.
fn hash(world: &World) -> HashAlgorithm {
    NoteVerifier::from_vkey(&world.app.engine.verifier_key()).expect("a key").tree_hash()
}

fn set(now: &AtomicU64, at: u64) {
    now.store(at, Ordering::SeqCst);
}

fn ask(day: &str) -> DayAsk {
    DayAsk { day: Some(day.to_owned()) }
}

async fn publish(world: &World) -> Option<Day> {
    supply::publish_next(&world.app).await.expect("a day is published, or none is due")
}

async fn publish_all(world: &World) -> Vec<String> {
    let mut days = Vec::new();
    while let Some(day) = publish(world).await {
        days.push(day.to_string());
    }
    days
}

fn digest(text: &str) -> Digest {
    STANDARD.decode(text).expect("base64").try_into().expect("32 bytes")
}

/// Checks that the log holds the digest of `statement` under a checkpoint of its key.
fn check_anchor(world: &World, statement: &Statement, held: &NoteProof) {
    let record: [u8; 118] = STANDARD.decode(&held.record).expect("base64").try_into().expect("118 bytes");
    let path: Vec<Digest> = held.path.iter().map(|hash| digest(hash)).collect();
    let checkpoint = world.app.engine.checkpoint();
    let body = Record::decode(&record).expect("a record").body;
    let expected = Body::Note { kind: 2, id: statement.day.number().into(), digest: statement.digest() };
    assert_eq!(body, expected);
    assert!(held.checkpoint.starts_with(&format!("{}\n{}\n", checkpoint.origin, held.tree_size)));
    let root = held.checkpoint.lines().nth(2).map(digest).expect("a root");
    let leaf = proof::leaf_hash(hash(world), &record);
    proof::verify_inclusion(hash(world), &leaf, held.leaf_index, held.tree_size, &path, &root)
        .expect("in the log");
}

/// Checks that the balance is counted in the statement, and returns the fen.
fn check_balance(world: &World, own: &BalanceProof, wallet: WalletId) -> u64 {
    let statement = Statement::parse(&own.statement).expect("a statement");
    check_anchor(world, &statement, &own.proof);
    let book = statement.books.iter().find(|book| book.holder == own.holder).expect("its book");
    let commitment = sum_tree::commitment(hash(world), wallet.number(), &digest(&own.nonce));
    let leaf = sum_tree::leaf(hash(world), &commitment, own.balance.amount);
    let path: Vec<SumNode> = own
        .path
        .iter()
        .map(|node| SumNode { hash: digest(&node.hash), sum: node.sum.parse().expect("fen") })
        .collect();
    sum_tree::verify(hash(world), &leaf, own.leaf_index, book.leaves, &path, &book.tree).expect("counted");
    assert!(wallet.to_string().ends_with(&own.account));
    own.balance.amount
}

/// A proof of the citizen's wallet, checked: fen at the cut of `day`.
async fn counted(world: &World, citizen: &Citizen, wallet: WalletId, day: &str) -> u64 {
    let own = supply::of_wallet(&world.app, citizen.person, wallet, &ask(day)).await.expect("a proof");
    check_balance(world, &own, wallet)
}

async fn refused(world: &World, citizen: &Citizen, wallet: WalletId, asked: &DayAsk) -> Problem {
    supply::of_wallet(&world.app, citizen.person, wallet, asked).await.expect_err("no proof")
}

/// A city with Ann's wallet at a bank of the central bank's money and Bob's at one of its own.
async fn two(world: &World) -> [(Citizen, WalletId); 2] {
    city::found(world).await;
    let (ann, bob) = (Citizen::new(world, 1).await, Citizen::new(world, 2).await);
    let (anns, bobs) = (wallet(world, &ann, "BKA", 500).await, wallet(world, &bob, "BKB", 70).await);
    [(ann, anns), (bob, bobs)]
}

#[test]
fn a_day_is_cut_between_its_last_nanosecond_and_midnight() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        let [(ann, anns), (bob, bobs)] = two(world).await;
        set(now, MIDNIGHT - 1);
        fund_unseen(world, anns, 11).await;
        assert_eq!(publish(world).await, None, "the day has not ended");
        let records = *world.app.engine.durable().borrow();
        set(now, MIDNIGHT);
        fund_unseen(world, anns, 1_000).await;
        assert_eq!(publish_all(world).await, ["2026-11-21"]);
        let total = supply::total(&world.app, "2026-11-21").await.expect("published");
        let statement = Statement::parse(&total.statement).expect("a statement");
        check_anchor(world, &statement, &total.proof);
        assert_eq!((statement.records, statement.before), (records, None));
        let sums: Vec<_> = statement
            .books
            .iter()
            .map(|book| (book.holder, book.leaves, book.issued, book.tree.sum))
            .collect();
        // Three vaults and Ann's wallet; Bob's; none at the third bank.
        assert_eq!(
            sums,
            [(1, 4, 3 * city::ISSUED, 3 * city::ISSUED), (2, 1, 70, 70), (3, 0, 0, 0)],
            "{}",
            total.statement
        );
        assert_eq!(counted(world, &ann, anns, "2026-11-21").await, 511);
        assert_eq!(counted(world, &bob, bobs, "2026-11-21").await, 70);
        set(now, MIDNIGHT + DAY);
        assert_eq!(publish_all(world).await, ["2026-11-22"], "a day without another record");
        assert_eq!(counted(world, &ann, anns, "2026-11-22").await, 1_511);
        let next = supply::total(&world.app, "newest").await.expect("published");
        let next = Statement::parse(&next.statement).expect("a statement");
        assert_eq!(next.before, Some(statement.digest()), "statements are a chain");
    });
}

#[test]
fn the_logs_root_in_a_statement_is_the_one_that_checkpoints_grow_from() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        two(world).await;
        set(now, MIDNIGHT);
        publish_all(world).await;
        let total = supply::total(&world.app, "newest").await.expect("published");
        let statement = Statement::parse(&total.statement).expect("a statement");
        let later = world.app.engine.receipt(statement.records).await.expect("a receipt").checkpoint;
        let path = world.app.engine.consistency(statement.records, later.size).await.expect("a proof");
        proof::verify_consistency(
            hash(world),
            statement.records,
            later.size,
            &path,
            &statement.root,
            &later.root,
        )
        .expect("the log only grew");
    });
}

#[test]
fn only_the_owner_gets_a_proof_and_only_of_a_wallet_that_was_open() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        let [(ann, anns), (bob, bobs)] = two(world).await;
        let early = refused(world, &ann, anns, &DayAsk::default()).await;
        assert_eq!(early.code, Code::NotFound, "nothing is published yet");
        set(now, MIDNIGHT);
        publish_all(world).await;
        let late = wallet(world, &ann, "BKA", 5).await;
        assert_eq!(refused(world, &ann, bobs, &ask("2026-11-21")).await.code, Code::NotFound);
        assert_eq!(refused(world, &bob, anns, &DayAsk::default()).await.code, Code::NotFound);
        let unopened = refused(world, &ann, late, &DayAsk::default()).await;
        assert!(unopened.detail.as_deref().is_some_and(|why| why.contains("not open")), "{unopened:?}");
        assert_eq!(refused(world, &ann, anns, &ask("2026-11-20")).await.code, Code::NotFound);
        assert_eq!(refused(world, &ann, anns, &ask("2026-11-22")).await.code, Code::NotFound);
        for day in ["", "today", "2026-02-30", "2026-11-21 "] {
            let bad = refused(world, &ann, anns, &ask(day)).await;
            assert_eq!((bad.code, bad.field.as_deref()), (Code::InvalidRequest, Some("day")), "{day:?}");
            assert_eq!(supply::total(&world.app, day).await.expect_err("no day").code, Code::InvalidRequest);
        }
        assert_eq!(counted(world, &ann, anns, "2026-11-21").await, 500, "the owner's own is there");
        let vault = bank(&world.app, "BKC").await;
        let vault = supply::of_vault(&world.app, vault, &DayAsk::default()).await;
        assert_eq!(vault.expect("a vault is counted").balance, Money::fen(city::ISSUED));
    });
}

#[test]
fn a_closed_wallet_is_counted_no_more_and_days_are_listed_newest_first() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        let [(ann, anns), _] = two(world).await;
        let empty = wallet(world, &ann, "BKA", 0).await;
        set(now, MIDNIGHT);
        publish_all(world).await;
        assert_eq!(counted(world, &ann, empty, "2026-11-21").await, 0);
        let close = jialing_ledger::AccountChange {
            id: empty.number(),
            close: true,
            ..jialing_ledger::AccountChange::default()
        };
        world.app.engine.submit(Command::ChangeAccount(close)).await.expect("closed");
        set(now, MIDNIGHT + 3 * DAY + 1);
        assert_eq!(publish_all(world).await, ["2026-11-22", "2026-11-23", "2026-11-24"]);
        assert_eq!(refused(world, &ann, empty, &DayAsk::default()).await.code, Code::NotFound);
        assert_eq!(counted(world, &ann, anns, "2026-11-24").await, 500);
        let days = async |limit, before: Option<&str>| {
            let ask = ListAsk { limit: Some(limit), before: before.map(str::to_owned) };
            let page = supply::list(&world.app, &ask).await.expect("a page");
            (page.items.into_iter().map(|item| item.day).collect::<Vec<_>>(), page.has_more)
        };
        assert_eq!(days(2, None).await, (vec!["2026-11-24".into(), "2026-11-23".into()], true));
        assert_eq!(
            days(2, Some("2026-11-23")).await,
            (vec!["2026-11-22".into(), "2026-11-21".into()], false)
        );
        for limit in [0, 101] {
            let ask = ListAsk { limit: Some(limit), before: None };
            assert_eq!(supply::list(&world.app, &ask).await.expect_err("a bound").code, Code::InvalidRequest);
        }
    });
}

/// A process that stops anywhere in the work, over and over, publishes each day once and right.
#[test]
fn a_stop_in_the_middle_of_building_changes_nothing() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        let [(ann, anns), _] = two(world).await;
        for (days, first) in [(0, 1_u128 << 90), (1, 1 << 91)] {
            open_many(world, first, 700).await;
            set(now, MIDNIGHT + days * DAY);
            let mut steps = 2 + days as usize;
            while !ends_within(world, steps).await {
                world.crash().await;
                steps *= 2;
            }
        }
        publish_all(world).await;
        let page = supply::list(&world.app, &ListAsk::default()).await.expect("a page");
        let listed: Vec<_> =
            page.items.iter().map(|item| (item.day.as_str(), item.books[0].accounts)).collect();
        assert_eq!(listed, [("2026-11-22", 1_404), ("2026-11-21", 704)]);
        for item in &page.items {
            assert_eq!(counted(world, &ann, anns, &item.day).await, 500);
        }
        world.settle().await;
        let report = audited(world).await;
        assert_eq!((report.0, report.1), (2, Vec::new()));
    });
}

/// Publishes a day, but stops for good at the given step; whether it came to its end.
async fn ends_within(world: &World, steps: usize) -> bool {
    let mut publishing = Box::pin(supply::publish_next(&world.app));
    let mut taken = 0;
    let ended = std::future::poll_fn(|cx| match publishing.as_mut().poll(cx) {
        Poll::Ready(published) => Poll::Ready(Some(published)),
        Poll::Pending if taken == steps => Poll::Ready(None),
        Poll::Pending => {
            taken += 1;
            Poll::Pending
        }
    });
    match ended.await {
        // None when an earlier attempt stopped after the day was published, and only tidying was left.
        Some(published) => {
            published.expect("nothing is contradicted");
            true
        }
        None => false,
    }
}

/// Opens empty accounts of the central bank's money.
async fn open_many(world: &World, first: u128, count: u128) {
    let open = |id| {
        Command::OpenAccount(NewAccount {
            id,
            currency: 156,
            kind: AccountKind::Organisation,
            holder: 1,
            min: 0,
            max: i64::MAX,
        })
    };
    let commands = (first..first + count).map(open).collect();
    assert!(world.app.engine.submit_all(commands).await.iter().all(Result::is_ok));
}

#[test]
fn what_a_stop_left_behind_is_made_anew() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        let [(ann, anns), _] = two(world).await;
        set(now, MIDNIGHT);
        for left in [
            "INSERT INTO supply_accounts (generation, page, entries) SELECT 1, 0, hash FROM (SELECT CAST('x' AS BLOB) AS hash) AS t",
            "INSERT INTO supply_trees (day, book, level, page, first_leaf, nodes) \
             SELECT 20778, 0, 0, 0, hash, hash FROM (SELECT CAST('x' AS BLOB) AS hash) AS t",
        ] {
            change(world, left).await;
        }
        assert_eq!(publish_all(world).await, ["2026-11-21"]);
        assert_eq!(counted(world, &ann, anns, "2026-11-21").await, 500);
        // The log has the digest, and the process stopped before the table knew.
        let before = supply::total(&world.app, "newest").await.expect("published");
        change(world, "UPDATE supply_statements SET record_seq = NULL, published_at = NULL").await;
        assert_eq!(supply::total(&world.app, "newest").await.expect_err("not yet").code, Code::NotFound);
        assert_eq!(publish_all(world).await, ["2026-11-21"]);
        let again = supply::total(&world.app, "newest").await.expect("published");
        assert_eq!(again.statement, before.statement);
        assert!(again.proof.leaf_index > before.proof.leaf_index);
        world.settle().await;
        assert_eq!(audited(world).await, (1, Vec::new()), "the same digest twice harms nothing");
    });
}

async fn change(world: &World, sql: &str) {
    let sql = sql.to_owned();
    let job = async move |tx: &mut Tx| {
        assert_ne!(execute_trusted(tx, sql.clone()).await?, 0, "nothing was changed by {sql}");
        Ok(())
    };
    world.app.db.write(job).await.expect("the database obeys whoever holds it");
}

/// The auditor's count of days and its findings about anything but rows that tests leave out.
async fn audited(world: &World) -> (u64, Vec<String>) {
    let (mut records, mut from) = (Vec::new(), 0);
    loop {
        let some = world.app.engine.feed(from, 1_000).await.expect("the engine runs");
        let Some(last) = some.last() else { break };
        from = last.seq + 1;
        records.extend(some);
    }
    let report = verify::compare(&world.app.db, records).await.expect("compared");
    let about = ["supply", "policy", "audit"];
    let findings =
        report.findings.into_iter().filter(|finding| about.iter().any(|about| finding.contains(about)));
    (report.supply_days, findings.collect())
}

#[test]
fn trees_are_kept_as_long_as_the_policy_says_and_statements_for_ever() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        let [(ann, anns), _] = two(world).await;
        set(now, MIDNIGHT + 35 * DAY);
        assert_eq!(publish_all(world).await.len(), 36);
        let gone = refused(world, &ann, anns, &ask("2026-11-21")).await;
        assert!(gone.detail.as_deref().is_some_and(|why| why.contains("no longer")), "{gone:?}");
        assert_eq!(counted(world, &ann, anns, "2026-11-22").await, 500, "the oldest of 35 days");
        assert!(supply::total(&world.app, "2026-11-21").await.is_ok());
    });
}

#[test]
fn a_day_that_records_may_still_come_into_is_not_published() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        let [(ann, anns), _] = two(world).await;
        // As if the day had been counted and the clock was then set back behind its end.
        let early = Statement {
            log: world.app.engine.origin().to_owned(),
            day: Day::of(MIDNIGHT - 1),
            records: *world.app.engine.durable().borrow(),
            root: [1; 32],
            hash: hash(world),
            before: None,
            books: Vec::new(),
        };
        let (text, kept) = (early.to_text(), early.digest().to_vec());
        let keep = async move |tx: &mut Tx| {
            sqlx::query("INSERT INTO supply_statements (day, statement, digest) VALUES ($1, $2, $3)")
                .bind(20_778_i64)
                .bind(text.clone())
                .bind(kept.clone())
                .execute(&mut *tx)
                .await?;
            Ok(())
        };
        world.app.db.write(keep).await.expect("kept");
        let problem = supply::publish_next(&world.app).await.expect_err("too early");
        assert!(problem.internal.is_some_and(|why| why.contains("the clock went back")));
        fund_unseen(world, anns, 1).await;
        set(now, MIDNIGHT);
        assert_eq!(publish_all(world).await, ["2026-11-21"]);
        assert_eq!(counted(world, &ann, anns, "2026-11-21").await, 501);
        world.settle().await;
        assert_eq!(audited(world).await, (1, Vec::new()), "the withdrawn note is no finding");
    });
}

#[test]
fn the_auditor_compares_every_published_day_with_the_journal() {
    on_each_backend_at(MIDNIGHT - HOUR, async |world: &mut World, now| {
        two(world).await;
        set(now, MIDNIGHT);
        publish_all(world).await;
        set(now, MIDNIGHT + DAY);
        publish_all(world).await;
        world.settle().await;
        assert_eq!(audited(world).await, (2, Vec::new()));
        let grown = "UPDATE supply_statements SET statement = REPLACE(REPLACE(statement, 'issued 70 ', 'issued 71 '), ' sum 70 ', ' sum 71 ') WHERE day = 20779";
        let back = "UPDATE supply_statements SET statement = REPLACE(REPLACE(statement, 'issued 71 ', 'issued 70 '), ' sum 71 ', ' sum 70 ') WHERE day = 20779";
        change(world, grown).await;
        let findings = audited(world).await.1;
        assert!(findings.iter().any(|finding| finding.contains("issued and redeemed")), "{findings:?}");
        assert!(findings.iter().any(|finding| finding.contains("in no table")), "{findings:?}");
        change(world, back).await;
        assert_eq!(audited(world).await.1, Vec::<String>::new());
        change(world, "DELETE FROM supply_statements WHERE day = 20778").await;
        let findings = audited(world).await.1;
        assert!(findings.iter().any(|finding| finding.contains("does not follow")), "{findings:?}");
        assert!(findings.iter().any(|finding| finding.contains("in no table")), "{findings:?}");
    });
}

#[test]
fn every_policy_version_is_anchored_once_and_a_changed_one_shows() {
    on_each_backend(async |world: &mut World| {
        let shipped = policies::all(&world.app).await.expect("policies").len();
        assert_eq!(policies::anchor(&world.app).await.expect("anchored"), shipped);
        assert_eq!(policies::anchor(&world.app).await.expect("nothing new"), 0);
        let version = Policy {
            name: "supply_proof_days".into(),
            version: 2,
            effective_from: String::new(),
            value: Some(40),
            unit: "days".into(),
            source: "a test".into(),
            mark: "A".into(),
            note: String::new(),
            from_ms: 1_600_000_000_000,
        };
        policies::add(&world.app, vec![version]).await.expect("added");
        assert_eq!(policies::anchor(&world.app).await.expect("anchored"), 1);
        assert_eq!(audited(world).await.1, Vec::<String>::new());
        for (tamper, back) in [
            (
                "UPDATE policies SET value = 41 WHERE name = 'supply_proof_days' AND version = 2",
                "UPDATE policies SET value = 40 WHERE name = 'supply_proof_days' AND version = 2",
            ),
            (
                "UPDATE policies SET note = 'x' WHERE name = 'supply_proof_days' AND version = 2",
                "UPDATE policies SET note = '' WHERE name = 'supply_proof_days' AND version = 2",
            ),
        ] {
            change(world, tamper).await;
            let findings = audited(world).await.1;
            assert!(findings[0].contains("supply_proof_days") && findings.len() == 1, "{findings:?}");
            change(world, back).await;
            assert_eq!(audited(world).await.1, Vec::<String>::new());
        }
        change(world, "DELETE FROM policies WHERE name = 'supply_proof_days' AND version = 2").await;
        let findings = audited(world).await.1;
        assert!(findings[0].contains("in no table") && findings.len() == 1, "{findings:?}");
    });
}

#[test]
fn anchors_are_listed_and_each_has_a_proof() {
    on_each_backend(async |world: &mut World| {
        let at = world.clock.millis();
        let entry = async move |tx: &mut Tx| {
            audit::log(tx, Entry::new("per_test", "device.revoke", "dev_1", at)).await.map(drop)
        };
        world.app.db.write(entry).await.expect("logged");
        audit::seal(&world.app).await.expect("sealed");
        policies::anchor(&world.app).await.expect("anchored");
        let list = async |ask: AnchorsAsk| anchors::list(&world.app, &ask).await.expect("a page");
        let audits = list(AnchorsAsk { kind: Some(NoteKind::Audit), ..AnchorsAsk::default() }).await;
        assert_eq!((audits.items.len(), audits.items[0].subject.as_str(), audits.has_more), (1, "1", false));
        let first = list(AnchorsAsk { limit: Some(3), ..AnchorsAsk::default() }).await;
        assert_eq!((first.items.len(), first.has_more), (3, true));
        assert!(first.items.is_sorted_by(|a, b| a.record > b.record));
        let next = AnchorsAsk { limit: Some(1), before: Some(first.items[2].record), kind: None };
        assert_eq!(list(next).await.items[0].record, first.items[2].record - 1);
        let own = &audits.items[0];
        let proven = anchors::prove(&world.app, own.record).await.expect("a proof");
        assert_eq!(proven.anchor, *own);
        let record: [u8; 118] =
            STANDARD.decode(&proven.proof.record).expect("base64").try_into().expect("118 bytes");
        let body = Record::decode(&record).expect("a record").body;
        assert_eq!(body, Body::Note { kind: 1, id: 1, digest: digest(&own.digest) });
        let path: Vec<Digest> = proven.proof.path.iter().map(|hash| digest(hash)).collect();
        let root = proven.proof.checkpoint.lines().nth(2).map(digest).expect("a root");
        let leaf = proof::leaf_hash(hash(world), &record);
        proof::verify_inclusion(hash(world), &leaf, own.record, proven.proof.tree_size, &path, &root)
            .expect("in the log");
        for seq in [u64::MAX, 1 << 40] {
            assert_eq!(anchors::prove(&world.app, seq).await.expect_err("none").code, Code::NotFound);
        }
    });
}

/// Whoever holds the database may write the whole audit chain anew; the log remembers the old one.
#[test]
fn an_audit_row_changed_or_removed_after_anchoring_is_found_even_in_a_chain_written_anew() {
    on_each_backend(async |world: &mut World| {
        for n in 0..4 {
            let at = world.clock.millis() + n;
            let entry = async move |tx: &mut Tx| {
                audit::log(tx, Entry::new("per_test", "device.revoke", format!("dev_{n}"), at))
                    .await
                    .map(drop)
            };
            world.app.db.write(entry).await.expect("logged");
        }
        audit::seal(&world.app).await.expect("sealed");
        assert_eq!(audited(world).await.1, Vec::<String>::new());
        for tamper in [
            "UPDATE audit_entries SET who = 'per_other' WHERE position = 2",
            "DELETE FROM audit_entries WHERE subject = 'dev_3'",
        ] {
            change(world, tamper).await;
            // The forger knows the format: every place and hash is made again.
            change(world, "UPDATE audit_entries SET position = NULL, hash = NULL").await;
            while audit::chain(&world.app).await.expect("chained") > 0 {}
            let findings = audited(world).await.1;
            assert!(findings.iter().any(|finding| finding.contains("record")), "{tamper}: {findings:?}");
        }
    });
}

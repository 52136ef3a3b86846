//! Reconciliation with a merchant's own file: every outcome, every state, and what an attacker tries.

use std::io::Read;

use axum::Router;
use axum::routing::get;
use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::files::{self, Incoming, Promise};
use jialing_platform::id::ReconciliationId;
use jialing_platform::outbox::{self, EventType, EventsAsk};
use jialing_platform::reconciliations::cases::{self, Case, ListAsk, NoteAsk, State as CaseState};
use jialing_platform::reconciliations::source::{self, SourceAsk};
use jialing_platform::reconciliations::{
    self, Counts, Layout, Outcome, Reason, ReconcileAsk, Reconciliation, State, Unit, work,
};
use jialing_platform::{Code, PageAsk, Result, Tx, policies, statements};
use jialing_sheet::gzip;

use crate::city::found;
use crate::day_statements::{ask as statement_ask, fetch, make_all};
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::statements::move_to;
use crate::world::{World, on_each_backend};

const DAY: &str = "2027-05-10";

pub fn promise(bytes: &[u8]) -> Promise {
    let hash = HashAlgorithm::Sha256.digest(bytes);
    Promise { bytes: bytes.len() as u64, sha256: hash.iter().map(|byte| format!("{byte:02x}")).collect() }
}

/// Sends a file to an address, in pieces.
pub async fn send(world: &World, url: &str, bytes: &[u8]) -> Result<()> {
    let (_, token) = url.rsplit_once('/').expect("a token at its end");
    let mut incoming = Incoming::begin(&world.app, token).await?;
    for piece in bytes.chunks(1_000) {
        incoming.add(piece)?;
    }
    incoming.finish().await
}

async fn begin(world: &World, shop: &Shop, bytes: &[u8], layout: Option<Layout>) -> Result<Reconciliation> {
    let id = ReconciliationId::new(world.clock.millis());
    let ask = ReconcileAsk { day: DAY.into(), file: Some(promise(bytes)), layout };
    reconciliations::ask(&world.app, shop.id, id, ask).await
}

/// Reconciles with this file.
async fn reconcile(world: &World, shop: &Shop, text: &str, layout: Option<Layout>) -> Reconciliation {
    let begun = begin(world, shop, text.as_bytes(), layout).await.expect("taken in");
    assert_eq!(begun.state, State::AwaitingFile);
    send(world, &begun.upload.expect("an address").url, text.as_bytes()).await.expect("sent");
    let queued = reconciliations::get(&world.app, shop.id, begun.id).await.expect("one's own");
    assert_eq!((queued.state, queued.upload), (State::Queued, None));
    while work::make_next(&world.app).await.expect("the database answers") {}
    reconciliations::get(&world.app, shop.id, begun.id).await.expect("one's own")
}

async fn cases_of(world: &World, shop: &Shop, done: &Reconciliation) -> Vec<Case> {
    let ask = ListAsk { reconciliation_id: Some(done.id), limit: Some(100), ..ListAsk::default() };
    let mut cases = cases::list(&world.app, shop.id, &ask).await.expect("own cases").items;
    cases.sort_by(|a, b| a.out_no.cmp(&b.out_no));
    cases
}

/// The result's lines.
async fn lines(world: &World, shop: &Shop, done: &Reconciliation) -> Vec<String> {
    let (_, sha256, mut reader) =
        reconciliations::result(&world.app, shop.id, done.id).await.expect("a result");
    let mut packed = Vec::new();
    while let Some(piece) = reader.piece().expect("what was written") {
        packed.extend(piece);
    }
    assert_eq!(sha256, promise(&packed).sha256);
    let mut text = String::new();
    gzip::unpack(packed.as_slice()).read_to_string(&mut text).expect("packed");
    text.lines().map(str::to_owned).collect()
}

/// On the 10th: o-1 28.05, o-2 1.00, o-3 7.00 and a refund r-1 of 3.00 succeeded. o-4 waits; o-5 was closed. o-6
/// was paid on the 11th.
async fn a_day(world: &World) -> (Shop, Payer) {
    found(world).await;
    move_to(world, "2027-05-10T22:00:00+08:00");
    let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 100_000).await);
    let order = shop.order(world, "o-1", 2_805).await;
    ann.pay(world, &order).await.expect("paid");
    for (number, fen) in [("o-2", 100), ("o-3", 700)] {
        ann.pay(world, &shop.order(world, number, fen).await).await.expect("paid");
    }
    refund(world, &shop, order.id, "r-1", 300).await;
    shop.order(world, "o-4", 400).await;
    let closed = shop.order(world, "o-5", 500).await;
    let name = jialing_platform::orders::Name::Id(closed.id);
    jialing_platform::orders::close(&world.app, shop.id, name).await.expect("closed");
    move_to(world, "2027-05-11T09:00:00+08:00");
    ann.pay(world, &shop.order(world, "o-6", 600).await).await.expect("paid");
    (shop, ann)
}

#[test]
fn the_platforms_own_statement_is_the_same_in_every_item() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = a_day(world).await;
        let wanted = || statement_ask(DAY, statements::Kind::Trades, statements::Format::CsvGz);
        statements::ask(&world.app, shop.id, wanted()).await.expect("taken in");
        make_all(world).await;
        let ready = statements::ask(&world.app, shop.id, wanted()).await.expect("there");
        let file = fetch(world, &ready).await.expect("ready");
        let begun = begin(world, &shop, &file, None).await.expect("taken in");
        send(world, &begun.upload.expect("an address").url, &file).await.expect("sent");
        while work::make_next(&world.app).await.expect("the database answers") {}
        let done = reconciliations::get(&world.app, shop.id, begun.id).await.expect("one's own");
        assert_eq!(done.counts, Some(Counts { same: 4, ..Counts::default() }), "{done:?}");
        assert_eq!((done.state, done.items_done), (State::Done, 4));
        assert_eq!(cases_of(world, &shop, &done).await, []);
    });
}

#[test]
fn every_outcome_is_found_and_each_break_opens_a_case_with_both_sides() {
    on_each_backend(async |world: &mut World| {
        let (shop, ann) = a_day(world).await;
        // Somebody is paying o-7 while the file is compared.
        let paying = shop.order(world, "o-7", 70).await;
        let job = async move |tx: &mut Tx| {
            let sql = "UPDATE orders SET state = 'USERPAYING', leased_until = 9000000000000 WHERE id = $1";
            Ok(sqlx::query(sql).bind(paying.id).execute(&mut *tx).await?.rows_affected())
        };
        assert_eq!(world.app.db.write(job).await.expect("changed"), 1);
        let text = "商户单号,金额,类型,状态\n\
                    o-1,28.05,支付,支付成功\n\
                    o-2,1.01,支付,支付成功\n\
                    r-1,3.00,退款,处理中\n\
                    o-4,4.00,支付,支付成功\n\
                    o-5,5.00,支付,关闭\n\
                    o-6,6.00,支付,支付成功\n\
                    o-7,0.70,支付,支付成功\n\
                    o-8,8.00,支付,支付成功\n\
                    o-1,28.05,支付,支付成功\n";
        let layout = Layout {
            number: "商户单号".into(),
            amount: "金额".into(),
            kind: "类型".into(),
            state: "状态".into(),
            ..Layout::default()
        };
        let done = reconcile(world, &shop, text, Some(layout)).await;
        assert_eq!(done.state, State::Done, "{done:?}");
        // o-5 moved no money on either side: that is the same.
        let counts = Counts { same: 2, more: 1, less: 2, diff: 1, state_diff: 2, pending: 2 };
        assert_eq!((done.counts, done.items_done), (Some(counts), 10));
        let cases = cases_of(world, &shop, &done).await;
        let seen: Vec<_> =
            cases.iter().map(|case| (case.out_no.as_str(), case.outcome, case.reason)).collect();
        assert_eq!(
            seen,
            [
                ("o-1", Outcome::Less, Some(Reason::Duplicate)),
                ("o-2", Outcome::Diff, None),
                ("o-3", Outcome::More, None),
                ("o-4", Outcome::StateDiff, Some(Reason::NotPaid)),
                ("o-6", Outcome::Pending, Some(Reason::OtherDay)),
                ("o-7", Outcome::Pending, Some(Reason::NotEnded)),
                ("o-8", Outcome::Less, None),
                ("r-1", Outcome::StateDiff, None),
            ]
        );
        let (ours, theirs) =
            (cases[1].ours.as_ref().expect("ours"), cases[1].theirs.as_ref().expect("theirs"));
        assert_eq!((ours.amount.amount, theirs.amount.amount, theirs.line), (100, 101, 3));
        assert!(ours.subject.starts_with("ord_") && ours.at.is_some(), "{ours:?}");
        assert_eq!((cases[2].theirs.as_ref(), cases[6].ours.as_ref()), (None, None));
        let result = lines(world, &shop, &done).await;
        assert_eq!(result.len(), 13, "titles, ten items, the summary's titles, the summary: {result:?}");
        assert!(
            result[1].starts_with("SAME,,payment,o-1,28.05,28.05,SUCCESS,SUCCESS,2027-05-10T"),
            "{result:?}"
        );
        assert_eq!(result[12], "total,2,1,2,1,2,2");
        let events = outbox::list(&world.app, shop.id, EventsAsk::default()).await.expect("own events").items;
        let told: Vec<_> = events.iter().filter(|e| e.event == EventType::ReconciliationDone).collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].resource["counts"]["diff"], 1);
        assert!(ann.holds(world).await > 0);
    });
}

#[test]
fn a_case_is_explained_and_resolved_by_its_merchant_alone() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = a_day(world).await;
        let other = Shop::open(world, 3, "BKB").await;
        let done = reconcile(world, &shop, "out_no,amount\no-1,28.05\n", None).await;
        let cases = cases_of(world, &shop, &done).await;
        assert_eq!(cases.len(), 3, "o-2, o-3 and r-1 are only here");
        let app = &world.app;
        let note = |note: &str| NoteAsk { note: note.into() };
        let decide = async |shop: &Shop, place: usize, to, text: &str| {
            cases::decide(app, &shop.caller, cases[place].id, to, note(text)).await
        };
        let explained = decide(&shop, 0, CaseState::Explained, "till 3 was offline").await.expect("said");
        assert_eq!((explained.state, explained.version), (CaseState::Explained, 2));
        assert_eq!(explained.decided_by.as_deref(), Some(shop.caller.serial.as_str()));
        let again = decide(&shop, 0, CaseState::Explained, "till 3 was offline").await.expect("the same");
        assert_eq!(again, explained);
        let resolved = decide(&shop, 0, CaseState::Resolved, "booked by hand").await.expect("ended");
        assert_eq!(resolved.state, CaseState::Resolved);
        decide(&shop, 1, CaseState::Resolved, "needs nothing").await.expect("ended at once");
        let late = decide(&shop, 0, CaseState::Explained, "again").await.expect_err("final");
        assert_eq!(late.code, Code::StateConflict);
        let back = decide(&shop, 2, CaseState::Open, "open").await.expect_err("never back");
        assert_eq!(back.code, Code::StateConflict);
        let empty = decide(&shop, 2, CaseState::Resolved, "").await.expect_err("a note is needed");
        assert_eq!(empty.field.as_deref(), Some("note"));
        let theirs = decide(&other, 2, CaseState::Resolved, "mine").await.expect_err("another's");
        assert_eq!(theirs.code, Code::NotFound);
        let filtered = async |ask: ListAsk| {
            let cases = cases::list(app, shop.id, &ask).await.expect("own cases").items;
            cases.iter().map(|case| case.out_no.clone()).collect::<Vec<_>>()
        };
        let of = ListAsk { state: Some(CaseState::Open), ..ListAsk::default() };
        assert_eq!(filtered(of).await, ["r-1"]);
        let of = ListAsk { outcome: Some(Outcome::Diff), ..ListAsk::default() };
        assert_eq!(filtered(of).await, [""; 0]);
        let of = ListAsk { out_no: Some("o-2".into()), ..ListAsk::default() };
        assert_eq!(filtered(of).await, ["o-2"]);
        assert!(cases::list(app, other.id, &ListAsk::default()).await.expect("a page").items.is_empty());
        let events = outbox::list(app, shop.id, EventsAsk::default()).await.expect("own events").items;
        let count = |kind| events.iter().filter(|event| event.event == kind).count();
        assert_eq!((count(EventType::CaseExplained), count(EventType::CaseResolved)), (1, 2));
    });
}

#[test]
fn a_file_that_cannot_be_understood_fails_with_its_line() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = a_day(world).await;
        for (text, line) in [
            ("number,sum\no-1,1\n", Some(1)),
            ("out_no,amount\no-1,1.00\no-2,one\n", Some(3)),
            ("out_no,amount\n\"o-1,1.00\n", Some(2)),
        ] {
            let failed = reconcile(world, &shop, text, None).await;
            assert_eq!(failed.state, State::Failed, "{text}");
            assert_eq!(failed.fault.and_then(|fault| fault.line), line, "{text}");
            let problem = reconciliations::result(&world.app, shop.id, failed.id).await.map(drop);
            assert_eq!(problem.expect_err("no result").code, Code::StateConflict);
        }
        let events = outbox::list(&world.app, shop.id, EventsAsk::default()).await.expect("own events").items;
        assert_eq!(events.iter().filter(|e| e.event == EventType::ReconciliationFailed).count(), 3);
        let fen = Layout { amounts: Unit::Fen, ..Layout::default() };
        let done = reconcile(world, &shop, "out_no,amount\no-1,2805\n", Some(fen)).await;
        assert_eq!(done.counts.expect("done").same, 1);
    });
}

#[test]
fn only_the_promised_file_is_taken_once_at_its_own_address_and_in_time() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = a_day(world).await;
        let other = Shop::open(world, 3, "BKB").await;
        let app = &world.app;
        let text = b"out_no,amount\no-1,28.05\n";
        let begun = begin(world, &shop, text, None).await.expect("taken in");
        let url = begun.upload.expect("an address").url;
        let refused = async |bytes: &[u8], code: Code| {
            assert_eq!(send(world, &url, bytes).await.expect_err("another file").code, code);
        };
        refused(b"out_no,amount\no-1,28.06\n", Code::InvalidRequest).await;
        refused(&text[..10], Code::InvalidRequest).await;
        refused(&[text.as_slice(), b"x"].concat(), Code::BodyTooLarge).await;
        assert_eq!(send(world, &format!("{url}x"), text).await.expect_err("forged").code, Code::NotFound);
        // A link to a file is no address to send one to.
        let sealed = app.seal.seal_text(&format!("{} 9999999999999", begun.id), "statements.link");
        let forged = format!("http://x/v1/public/uploads/{sealed}");
        assert_eq!(
            send(world, &forged, text).await.expect_err("sealed for another use").code,
            Code::NotFound
        );
        send(world, &url, text).await.expect("the file itself");
        refused(text, Code::StateConflict).await;
        let theirs = reconciliations::get(app, other.id, begun.id).await.expect_err("another merchant's");
        assert_eq!(theirs.code, Code::NotFound);
        assert!(
            reconciliations::list(app, other.id, &PageAsk::default()).await.expect("a page").items.is_empty()
        );
        let late = begin(world, &shop, text, None).await.expect("taken in").upload.expect("an address").url;
        world.clock.advance(policies::number(app, "upload_seconds").await.expect("set") * 1000);
        assert_eq!(send(world, &late, text).await.expect_err("too late").code, Code::NotFound);

        for (day, file, layout, field) in [
            ("2027-05-11", promise(text), None, "day"),
            (DAY, Promise { bytes: 0, ..promise(text) }, None, "file.bytes"),
            (DAY, Promise { bytes: 268_435_457, ..promise(text) }, None, "file.bytes"),
            (DAY, Promise { bytes: u64::MAX, ..promise(text) }, None, "file.bytes"),
            (DAY, Promise { sha256: "AB".repeat(32), ..promise(text) }, None, "file.sha256"),
            (
                DAY,
                promise(text),
                Some(Layout { number: String::new(), ..Layout::default() }),
                "layout.number",
            ),
            (
                DAY,
                promise(text),
                Some(Layout { success_words: vec!["x".into(); 21], ..Layout::default() }),
                "layout.success_words",
            ),
        ] {
            let id = ReconciliationId::new(world.clock.millis());
            let ask = ReconcileAsk { day: day.into(), file: Some(file), layout };
            let problem = reconciliations::ask(app, shop.id, id, ask).await.expect_err(field);
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some(field)));
        }
        let most = policies::number(app, "reconciliations_unfinished").await.expect("set");
        let mut outcomes = Vec::new();
        for _ in 0..=most {
            outcomes.push(begin(world, &shop, text, None).await.map(drop).map_err(|problem| problem.code));
        }
        assert!(
            outcomes.contains(&Ok(())) && outcomes.last() == Some(&Err(Code::RateLimited)),
            "{outcomes:?}"
        );
    });
}

#[test]
fn a_crash_in_the_middle_leaves_each_case_once_and_files_go_when_their_time_is_over() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = a_day(world).await;
        let text = b"out_no,amount\no-9,1.00\n";
        let begun = begin(world, &shop, text, None).await.expect("taken in");
        send(world, &begun.upload.expect("an address").url, text).await.expect("sent");
        // Somebody began, opened a case, and was gone.
        let id = begun.id;
        let job = async move |tx: &mut Tx| {
            let sql = "UPDATE reconciliations SET state = 'RUNNING', claim = 'gone', claimed_until = 0, tries = 1 WHERE id = $1";
            sqlx::query(sql).bind(id).execute(&mut *tx).await?;
            let sql = "INSERT INTO reconciliation_cases (id, reconciliation, merchant, day, outcome, kind, out_no, state, created_at, version) \
                       SELECT 'cas_00000000000000000000000010', id, merchant, day, 'MORE', 'payment', 'left', 'OPEN', 0, 1 FROM reconciliations WHERE id = $1";
            sqlx::query(sql).bind(id).execute(&mut *tx).await?;
            Ok(())
        };
        world.app.db.write(job).await.expect("changed");
        let running = reconciliations::get(&world.app, shop.id, id).await.expect("one's own");
        assert_eq!(running.state, State::Running);
        assert_eq!(cases_of(world, &shop, &running).await, [], "nothing shows before it is done");
        world.crash().await;
        while work::make_next(&world.app).await.expect("the database answers") {}
        let done = reconciliations::get(&world.app, shop.id, id).await.expect("one's own");
        let numbers: Vec<_> =
            cases_of(world, &shop, &done).await.into_iter().map(|case| case.out_no).collect();
        assert_eq!(numbers, ["o-1", "o-2", "o-3", "o-9", "r-1"]);
        assert!(done.result.is_some());
        let awaited = begin(world, &shop, text, None).await.expect("taken in");
        let days = policies::number(&world.app, "reconciliation_days").await.expect("set");
        world.clock.advance(days * 86_400_000 + 3_700_000);
        work::tidy(&world.app).await.expect("tidied");
        files::tidy(&world.app).await.expect("tidied");
        let over = reconciliations::get(&world.app, shop.id, id).await.expect("one's own");
        assert_eq!((over.state, &over.result), (State::Done, &None));
        assert_eq!(cases_of(world, &shop, &over).await.len(), 5, "cases stay");
        let never = reconciliations::get(&world.app, shop.id, awaited.id).await.expect("one's own");
        assert_eq!(never.state, State::Failed, "the file never came");
    });
}

#[test]
fn a_registered_address_is_fetched_from_and_never_shown_whole_again() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = a_day(world).await;
        let app = &world.app;
        let wanted = || ReconcileAsk { day: DAY.into(), file: None, layout: None };
        let id = || ReconciliationId::new(world.clock.millis());
        let none = reconciliations::ask(app, shop.id, id(), wanted()).await.expect_err("no address");
        assert_eq!(none.code, Code::StateConflict);
        for private in
            ["http://10.0.0.1/{day}.csv", "https://192.168.0.1/", "http://shop.example/", "ftp://x/"]
        {
            let problem = source::set(app, &shop.caller, SourceAsk { url: private.into() }).await;
            assert_eq!(problem.expect_err(private).field.as_deref(), Some("url"));
        }
        let router = Router::new().route("/2027-05-10.csv", get(|| async { "out_no,amount\no-1,28.05\n" }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let url = format!("http://{address}/{{day}}.csv?key=secret");
        let shown = source::set(app, &shop.caller, SourceAsk { url }).await.expect("registered");
        assert_eq!(shown.host, "127.0.0.1");
        assert_eq!(source::get(app, shop.id).await.expect("there").host, "127.0.0.1");
        let kept: Vec<u8> = sqlx::query_scalar("SELECT address FROM reconciliation_sources")
            .fetch_one(app.db.read())
            .await
            .expect("one row");
        assert!(!kept.windows(6).any(|part| part == b"secret"), "it lies sealed");
        let asked = reconciliations::ask(app, shop.id, id(), wanted()).await.expect("taken in");
        assert_eq!((asked.state, &asked.upload), (State::Queued, &None));
        while work::make_next(app).await.expect("the database answers") {}
        let done = reconciliations::get(app, shop.id, asked.id).await.expect("one's own");
        assert_eq!(done.counts.expect("done").same, 1, "{done:?}");
        serving.abort();
        let _ = serving.await;
        let asked = reconciliations::ask(app, shop.id, id(), wanted()).await.expect("taken in");
        for _ in 0..work::MAX_TRIES {
            work::make_next(app).await.expect("the database answers");
            world.clock.advance(work::PAUSE_MS);
        }
        let failed = reconciliations::get(app, shop.id, asked.id).await.expect("one's own");
        assert_eq!(failed.state, State::Failed);
        let fault = failed.fault.expect("why").detail;
        assert!(fault.contains("could not be fetched") && !fault.contains("secret"), "{fault}");
        source::remove(app, &shop.caller).await.expect("forgotten");
        assert_eq!(source::get(app, shop.id).await.expect_err("forgotten").code, Code::NotFound);
    });
}

//! Statements of days: made by themselves, equal to the ledger to the fen, or not at all.

use std::io::Read;

use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::exports::work as exports;
use jialing_platform::outbox::{self, EventType, EventsAsk};
use jialing_platform::receipts::Trust;
use jialing_platform::statements::{
    self, DayStatement, Format, Kind, ListAsk, State, StatementAsk, link, work,
};
use jialing_platform::{Code, Result, Tx, policies};
use jialing_sheet::gzip;
use jialing_sheet::read::{Bounds, Rows};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::city::{self, found};
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::statements::move_to;
use crate::world::{World, on_each_backend};

pub fn ask(day: &str, kind: Kind, format: Format) -> StatementAsk {
    StatementAsk { day: day.into(), kind, format: Some(format) }
}

/// Makes everything that waits, and tells it.
pub async fn make_all(world: &World) {
    while exports::make_next_statement(&world.app).await.expect("the database answers") {}
    work::advance(&world.app).await.expect("told");
}

/// What the background does after midnight.
async fn after_midnight(world: &World) {
    while work::ask_for_some(&world.app).await.expect("asked for") {}
    make_all(world).await;
}

async fn of(world: &World, shop: &Shop, kind: Kind) -> Vec<DayStatement> {
    let ask = ListAsk { kind: Some(kind), ..ListAsk::default() };
    statements::list(&world.app, shop.id, &ask).await.expect("own statements").items
}

/// The file behind the statement's link, whole.
pub async fn fetch(world: &World, statement: &DayStatement) -> Result<Vec<u8>> {
    let url = &statement.download.as_ref().expect("a link").url;
    let (_, token) = url.rsplit_once('/').expect("a token at its end");
    let mut file = link::open(&world.app, token).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = file.reader.piece().expect("what was written") {
        bytes.extend(piece);
    }
    Ok(bytes)
}

fn csv(packed: &[u8]) -> Vec<Vec<String>> {
    let mut text = Vec::new();
    gzip::unpack(packed).read_to_end(&mut text).expect("packed");
    let mut rows = Rows::new(text.as_slice(), Bounds { bytes: 1 << 24, row_bytes: 1 << 16, fields: 50 });
    let mut found = Vec::new();
    while let Some(row) = rows.read().expect("our own CSV") {
        found.push(row.iter().map(str::to_owned).collect());
    }
    found
}

fn hex(algorithm: HashAlgorithm, bytes: &[u8]) -> String {
    algorithm.digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A shop that on 10 May was paid 28.05 and 1.00, gave back 3.00, and on the 11th was paid 5.00.
async fn two_days(world: &World) -> (Shop, Payer) {
    found(world).await;
    move_to(world, "2027-05-10T09:00:00+08:00");
    let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 100_000).await);
    let order = shop.order(world, "o-1", 2_805).await;
    ann.pay(world, &order).await.expect("paid");
    ann.pay(world, &shop.order(world, "o-2", 100).await).await.expect("paid");
    refund(world, &shop, order.id, "r-1", 300).await;
    move_to(world, "2027-05-11T00:00:00+08:00");
    ann.pay(world, &shop.order(world, "o-3", 500).await).await.expect("paid");
    (shop, ann)
}

#[test]
fn after_midnight_the_days_statements_are_made_by_themselves_and_told_once() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = two_days(world).await;
        let idle = Shop::open(world, 3, "BKB").await;
        after_midnight(world).await;
        after_midnight(world).await;
        assert_eq!(of(world, &idle, Kind::Trades).await, [], "nothing happened there");
        let [trades] = of(world, &shop, Kind::Trades).await.try_into().expect("one of each kind");
        let [funds] = of(world, &shop, Kind::Funds).await.try_into().expect("one of each kind");
        assert_eq!((trades.state, trades.day.as_str()), (State::Ready, "2027-05-10"), "{trades:?}");
        let fen = |money: &Option<jialing_platform::Money>| money.map(|money| money.amount);
        assert_eq!((fen(&funds.opening), fen(&funds.closing)), (Some(0), Some(2_605)));
        let total = |total: &Option<jialing_platform::history::statement::Total>| {
            total.map(|total| (total.count, total.amount.amount))
        };
        assert_eq!((total(&funds.total_in), total(&funds.total_out)), (Some((2, 2_905)), Some((1, 300))));
        assert_eq!((total(&trades.payments), total(&trades.refunds)), (Some((2, 2_905)), Some((1, 300))));
        assert_eq!((trades.rows, funds.rows), (Some(3), Some(3)));
        let events = outbox::list(&world.app, shop.id, EventsAsk::default()).await.expect("own events").items;
        let told: Vec<_> = events.iter().filter(|event| event.event == EventType::StatementReady).collect();
        assert_eq!(told.len(), 2, "one for each statement, however often it is looked at");
        assert!(told.iter().all(|event| event.resource.get("download").is_none()), "a link is asked for");
        assert_eq!(told[1].resource["sha256"].as_str(), trades.sha256.as_deref());
        // The next day's statement begins where this one ended.
        move_to(world, "2027-05-12T00:00:00+08:00");
        after_midnight(world).await;
        let next = of(world, &shop, Kind::Funds).await;
        assert_eq!((next.len(), next[0].day.as_str()), (2, "2027-05-11"));
        assert_eq!((fen(&next[0].opening), fen(&next[0].closing)), (Some(2_605), Some(3_105)));
    });
}

#[test]
fn the_file_has_header_rows_and_summary_and_equals_the_ledger_to_the_fen() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = two_days(world).await;
        let app = &world.app;
        for kind in [Kind::Trades, Kind::Funds] {
            let asked = statements::ask(app, shop.id, ask("2027-05-10", kind, Format::CsvGz)).await;
            assert_eq!(asked.expect("taken in").state, State::Making);
        }
        make_all(world).await;
        let trades = statements::ask(app, shop.id, ask("2027-05-10", Kind::Trades, Format::CsvGz)).await;
        let trades = trades.expect("there");
        let bytes = fetch(world, &trades).await.expect("ready");
        assert_eq!(trades.sha256, Some(hex(HashAlgorithm::Sha256, &bytes)));
        assert_eq!(trades.sm3, Some(hex(HashAlgorithm::Sm3, &bytes)));
        let rows = csv(&bytes);
        assert_eq!(rows.len(), 6, "header, three lines, the summary's header, the summary: {rows:?}");
        assert_eq!(rows[0][..5], ["kind", "out_no", "out_trade_no", "amount", "state"]);
        assert_eq!(rows[1][..5], ["payment", "o-1", "o-1", "28.05", "SUCCESS"]);
        assert_eq!(rows[2][..5], ["payment", "o-2", "o-2", "1.00", "SUCCESS"]);
        assert_eq!(rows[3][..5], ["refund", "r-1", "o-1", "3.00", "SUCCESS"]);
        assert!(rows[1][5].starts_with("2027-05-10T09:"), "{rows:?}");
        let summary =
            ["summary", "payments", "payments_amount", "refunds", "refunds_amount", "net"].map(String::from);
        assert_eq!(rows[4], summary);
        assert_eq!(rows[5], ["total", "2", "29.05", "1", "3.00", "26.05"].map(String::from));
        let funds = statements::ask(app, shop.id, ask("2027-05-10", Kind::Funds, Format::CsvGz)).await;
        let rows = csv(&fetch(world, &funds.expect("there")).await.expect("ready"));
        assert_eq!(rows[3][2..7], ["refund", "out", "3.00", "26.05", "r-1"].map(String::from));
        assert_eq!(rows[5], ["total", "0.00", "2", "29.05", "1", "3.00", "26.05"].map(String::from));
        // What binds the file to the ledger is checked with its key alone.
        let proof = serde_json::to_string(trades.proof.as_ref().expect("a proof")).expect("JSON");
        let trust = Trust::in_ledger(&app.engine.verifier_key()).expect("a key");
        let digest = HashAlgorithm::Sha256.digest(&bytes);
        let checked = jialing_platform::exports::check(&proof, &digest, &trust).expect("it holds");
        let said = |name: &str, value: &str| {
            checked.manifest.iter().any(|(known, said)| known == name && said == value)
        };
        assert!(said("content", "trades") && said("sm3", trades.sm3.as_deref().expect("a hash")));
        // Parquet says the same.
        statements::ask(app, shop.id, ask("2027-05-10", Kind::Trades, Format::Parquet)).await.expect("asked");
        make_all(world).await;
        let other = statements::ask(app, shop.id, ask("2027-05-10", Kind::Trades, Format::Parquet)).await;
        let other = other.expect("there");
        assert_eq!((other.rows, other.payments), (trades.rows, trades.payments));
        let bytes = fetch(world, &other).await.expect("ready");
        let mut file = tempfile::tempfile().expect("a temporary file");
        std::io::Write::write_all(&mut file, &bytes).expect("written");
        let reader = SerializedFileReader::new(file).expect("a Parquet file");
        assert_eq!(reader.metadata().file_metadata().num_rows(), 3);
        let notes = reader.metadata().file_metadata().key_value_metadata().expect("notes").clone();
        let net = notes.iter().find(|note| note.key == "summary.net").and_then(|note| note.value.as_deref());
        assert_eq!(net, Some("26.05"));
    });
}

#[test]
fn a_statement_that_does_not_fit_the_ledger_is_never_published() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = two_days(world).await;
        let change = async |sql: &'static str| {
            let wallet = shop.wallet.to_string();
            let job = async move |tx: &mut Tx| {
                Ok(sqlx::query(sql).bind(wallet.clone()).execute(&mut *tx).await?.rows_affected())
            };
            assert_eq!(world.app.db.write(job).await.expect("changed"), 1, "{sql}");
        };
        let day = |kind| ask("2027-05-10", kind, Format::CsvGz);
        let state = async |kind| {
            let asked = statements::ask(&world.app, shop.id, day(kind)).await.expect("taken in").id;
            for _ in 0..2 * exports::MAX_TRIES {
                make_all(world).await;
                world.clock.advance(exports::PAUSE_MS);
            }
            make_all(world).await;
            statements::get(&world.app, shop.id, asked).await.expect("one's own").state
        };
        change("UPDATE movements SET amount = amount + 1 WHERE wallet = $1 AND amount = 100").await;
        assert_eq!((state(Kind::Funds).await, state(Kind::Trades).await), (State::Failed, State::Failed));
        change("UPDATE movements SET amount = amount - 1 WHERE wallet = $1 AND amount = 101").await;
        assert_eq!(state(Kind::Funds).await, State::Ready, "asked for again after it was mended");
        // The sums and balances fit, but an order that was paid is not there.
        let order = async |sql: &'static str| {
            let job = async move |tx: &mut Tx| Ok(sqlx::query(sql).execute(&mut *tx).await?.rows_affected());
            assert_eq!(world.app.db.write(job).await.expect("changed"), 1);
        };
        order("UPDATE orders SET id = 'ord_00000000000000000000000010' WHERE out_trade_no = 'o-2'").await;
        assert_eq!(state(Kind::Trades).await, State::Failed);
        let events = outbox::list(&world.app, shop.id, EventsAsk::default()).await.expect("own events").items;
        let told = events.iter().filter(|event| event.event == EventType::StatementReady);
        assert_eq!(told.count(), 1, "only of what was ready");
    });
}

#[test]
fn links_and_files_have_their_time_and_belong_to_one_merchant() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = two_days(world).await;
        let other = Shop::open(world, 3, "BKB").await;
        let app = &world.app;
        let wanted = || ask("2027-05-10", Kind::Trades, Format::CsvGz);
        statements::ask(app, shop.id, wanted()).await.expect("taken in");
        make_all(world).await;
        let ready = statements::ask(app, shop.id, wanted()).await.expect("there");
        let theirs = statements::get(app, other.id, ready.id).await.expect_err("another merchant's");
        assert_eq!(theirs.code, Code::NotFound);
        fetch(world, &ready).await.expect("in time");
        world.clock.advance(policies::number(app, "statement_link_seconds").await.expect("set") * 1000);
        assert_eq!(fetch(world, &ready).await.expect_err("its time is over").code, Code::NotFound);
        let again = statements::get(app, shop.id, ready.id).await.expect("one's own");
        fetch(world, &again).await.expect("a fresh link");
        let mut forged = again.clone();
        let url = &mut forged.download.as_mut().expect("a link").url;
        let last = if url.pop() == Some('A') { 'B' } else { 'A' };
        url.push(last);
        assert_eq!(fetch(world, &forged).await.expect_err("forged").code, Code::NotFound);
        // The file goes; the statement is made again, with the same content.
        world.clock.advance(policies::number(app, "statement_hours").await.expect("set") * 3_600_000);
        exports::tidy(app).await.expect("tidied");
        let gone = statements::get(app, shop.id, ready.id).await.expect("one's own");
        assert_eq!((gone.state, gone.download), (State::Expired, None));
        let making = statements::ask(app, shop.id, wanted()).await.expect("taken in");
        assert_eq!((making.state, making.id), (State::Making, ready.id));
        make_all(world).await;
        let fresh = statements::get(app, shop.id, ready.id).await.expect("one's own");
        assert_eq!((fresh.state, &fresh.sha256), (State::Ready, &ready.sha256));
        assert!(fresh.version > ready.version);
    });
}

#[test]
fn only_a_past_day_has_a_statement_and_a_merchant_waits_for_those_in_the_making() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = two_days(world).await;
        let app = &world.app;
        for (day, why) in [
            ("2027-05-11", "today"),
            ("2027-05-12", "tomorrow"),
            ("2010-01-01", "long ago"),
            ("2027-05", "a month"),
            ("2027-13-01", "no month"),
            ("10/05/2027", "no day"),
            ("", "nothing"),
        ] {
            let problem = statements::ask(app, shop.id, ask(day, Kind::Funds, Format::CsvGz)).await;
            let problem = problem.expect_err(why);
            assert_eq!(
                (problem.code, problem.field.as_deref()),
                (Code::InvalidRequest, Some("day")),
                "{why}"
            );
        }
        let most = policies::number(app, "statements_unfinished").await.expect("set");
        for n in 0..most {
            let day = format!("2027-04-{:02}", n + 1);
            statements::ask(app, shop.id, ask(&day, Kind::Funds, Format::CsvGz)).await.expect("in bounds");
        }
        let wanted = || ask("2027-04-20", Kind::Funds, Format::CsvGz);
        let problem = statements::ask(app, shop.id, wanted()).await.expect_err("too many");
        assert_eq!(problem.code, Code::RateLimited);
        statements::ask(app, shop.id, ask("2027-04-01", Kind::Funds, Format::CsvGz)).await.expect("the same");
        make_all(world).await;
        let empty = of(world, &shop, Kind::Funds).await;
        assert!(empty.iter().all(|statement| (statement.state, statement.rows) == (State::Ready, Some(0))));
        statements::ask(app, shop.id, wanted()).await.expect("there is room again");
    });
}

#[test]
fn a_stop_between_writing_down_and_making_costs_nothing() {
    on_each_backend(async |world: &mut World| {
        let (shop, _ann) = two_days(world).await;
        let wanted = ask("2027-05-10", Kind::Funds, Format::CsvGz);
        let asked = statements::ask(&world.app, shop.id, wanted).await.expect("taken in");
        let job = async |tx: &mut Tx| {
            Ok(sqlx::query("DELETE FROM exports").execute(&mut *tx).await?.rows_affected())
        };
        assert_eq!(world.app.db.write(job).await.expect("deleted"), 1, "as if it had never been queued");
        world.crash().await;
        work::advance(&world.app).await.expect("queued again");
        make_all(world).await;
        let found = statements::get(&world.app, shop.id, asked.id).await.expect("one's own");
        assert_eq!(found.state, State::Ready);
        assert_eq!(city::balance(world, shop.wallet).await, 3_105);
    });
}

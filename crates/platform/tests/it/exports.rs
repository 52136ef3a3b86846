//! Exports: files that equal the ledger to the fen, for their owner, for a while, and provable.

use std::io::Write as _;

use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::exports::{
    self, Export, ExportAsk, Fault, Form, Language, Owner, State, check as check_proof, work,
};
use jialing_platform::history::{InstitutionAccount, account};
use jialing_platform::id::ExportId;
use jialing_platform::orders::{self, OrderAsk};
use jialing_platform::receipts::Trust;
use jialing_platform::{Code, PageAsk, Result, Tx, people, wallets};
use parquet::data_type::Decimal;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::citizen::Citizen;
use crate::city::{self, bank, found};
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::statements::{move_to, own};
use crate::transfers::{self, send};
use crate::world::{World, on_each_backend};

fn ask(format: Form) -> ExportAsk {
    ExportAsk {
        format,
        period: None,
        from: Some("2020-01-01T00:00:00Z".into()),
        to: Some("2029-12-31T00:00:00Z".into()),
        language: None,
        bom: None,
    }
}

async fn request(world: &World, payer: &Payer, ask: ExportAsk) -> Result<Export> {
    let id = ExportId::new(world.clock.millis());
    exports::request(&world.app, &own(world, payer).await, id, ask).await
}

/// Asks for an export and lets it be made.
async fn made(world: &World, payer: &Payer, ask: ExportAsk) -> Export {
    let asked = request(world, payer, ask).await.expect("taken in");
    assert_eq!((asked.state, asked.rows_done, asked.bytes), (State::Queued, 0, None));
    assert!(work::make_next(&world.app).await.expect("the database answers"), "one waits");
    let made = get(world, payer, asked.id).await;
    assert_eq!(made.state, State::Ready, "{made:?}");
    made
}

async fn get(world: &World, payer: &Payer, id: ExportId) -> Export {
    exports::get(&world.app, &Owner::person(&payer.citizen.actor), id).await.expect("one's own export")
}

/// The whole file.
async fn file(world: &World, owner: &Owner, id: ExportId) -> Result<Vec<u8>> {
    let (export, mut reader) = exports::open(&world.app, owner, id).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = reader.piece().expect("what was written") {
        bytes.extend(piece);
    }
    assert_eq!((Some(bytes.len() as u64), reader.size()), (export.bytes, bytes.len() as u64));
    let hash: String =
        HashAlgorithm::Sha256.digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(export.sha256.as_deref(), Some(hash.as_str()));
    Ok(bytes)
}

async fn csv(world: &World, payer: &Payer, export: &Export) -> String {
    let owner = Owner::person(&payer.citizen.actor);
    String::from_utf8(file(world, &owner, export.id).await.expect("ready")).expect("UTF-8")
}

/// The rows of a Parquet file.
fn rows(bytes: &[u8]) -> Vec<Vec<Field>> {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("written");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| row.expect("a row").get_column_iter().map(|(_, field)| field.clone()).collect()).collect()
}

fn fen(field: &Field) -> i64 {
    match field {
        Field::Decimal(Decimal::Int64 { value, scale: 2, .. }) => i64::from_be_bytes(*value),
        other => panic!("{other} is no money"),
    }
}

#[test]
fn a_file_holds_what_happened_in_both_languages_and_does_nothing_in_a_spreadsheet() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        move_to(world, "2027-05-01T09:00:00+08:00");
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        let bob = Payer::with(world, 3, "BKA", 0).await;
        let order =
            OrderAsk { description: "=SUM(A1:A9), \"小面\" 🍜".into(), ..Shop::ask("o-1", 2_805) };
        let order = orders::create(&world.app, &shop.caller, order).await.expect("created").value;
        ann.pay(world, &order).await.expect("paid");
        let mut to_bob = transfers::ask(world, &ann, "t-1", &bob.wallet.to_string(), 95);
        to_bob.note = Some("+86 @lunch".into());
        jialing_platform::transfers::send(&world.app, &ann.citizen.actor, to_bob).await.expect("sent");
        move_to(world, "2027-06-01T00:00:00+08:00");
        send(world, &ann, "t-2", &bob.wallet.to_string(), 1).await.expect("sent");

        let may = ExportAsk { period: Some("2027-05".into()), from: None, to: None, ..ask(Form::Csv) };
        let export = made(world, &ann, may.clone()).await;
        assert_eq!((export.rows, export.rows_done), (3, 3));
        assert_eq!((export.opening.amount, export.closing.amount), (0, 7_100));
        let text = csv(world, &ann, &export).await;
        let lines: Vec<&str> =
            text.strip_prefix('\u{feff}').expect("a mark").split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[0], "账本序号,时间,类型,收支,金额(元),余额(元),对方,对方标识,备注,业务单号,交易号");
        assert!(lines[1].contains(",兑出,收入,100.00,100.00,BKA 银行,"), "{}", lines[1]);
        assert!(lines[1].contains(",2027-05-01T09:0"), "{}", lines[1]);
        assert!(lines[2].contains(",支付,支出,28.05,71.95,小面馆1,"), "{}", lines[2]);
        assert!(lines[2].contains(",\"'=SUM(A1:A9), \"\"小面\"\" 🍜\",ord_"), "{}", lines[2]);
        assert!(
            lines[3].contains(",转钱,支出,0.95,71.00,*明,") && lines[3].contains(",'+86 @lunch,tra_"),
            "{}",
            lines[3]
        );

        let english = ExportAsk { language: Some(Language::English), bom: Some(false), ..may.clone() };
        let text = csv(world, &ann, &made(world, &ann, english).await).await;
        assert!(
            text.starts_with("Record,Time,Kind,Direction,Amount (yuan),Balance (yuan),Other side,"),
            "{text}"
        );
        assert!(text.contains(",Payment,Out,28.05,71.95,Noodles 1,"), "{text}");

        let export = made(world, &ann, ExportAsk { format: Form::Parquet, ..may }).await;
        let owner = Owner::person(&ann.citizen.actor);
        let rows = rows(&file(world, &owner, export.id).await.expect("ready"));
        assert_eq!(rows.len(), 3);
        assert_eq!((&rows[1][2], &rows[1][3]), (&Field::Str("payment".into()), &Field::Str("out".into())));
        assert_eq!(rows[1][8], Field::Str("=SUM(A1:A9), \"小面\" 🍜".into()), "Parquet keeps it as it is");
        assert_eq!((rows[0][8].clone(), fen(&rows[2][4]), fen(&rows[2][5])), (Field::Null, 95, 7_100));
    });
}

#[test]
fn both_forms_add_up_to_what_the_ledger_says() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKC").await, Payer::with(world, 2, "BKB", 500_000).await);
        for n in 1..=12u64 {
            let order = shop.order(world, &format!("o-{n}"), n * 37 + 1).await;
            ann.pay(world, &order).await.expect("paid");
            if n % 4 == 0 {
                refund(world, &shop, order.id, &format!("r-{n}"), n).await;
            }
        }
        let app = &world.app;
        let vault = account::institution(app, bank(app, "BKC").await, InstitutionAccount::Vault);
        let vault = vault.await.expect("a vault");
        let shops = account::merchant_wallet(app, shop.id).await.expect("a wallet");
        let mut checked = 0;
        for (account, owner) in [
            (own(world, &ann).await, Owner::person(&ann.citizen.actor)),
            (shops, Owner::merchant(shop.id)),
            (vault, Owner::institution(bank(app, "BKC").await)),
        ] {
            let mut sums = Vec::new();
            for format in [Form::Csv, Form::Parquet] {
                let id = ExportId::new(world.clock.millis());
                let wanted = ExportAsk { bom: Some(false), ..ask(format) };
                exports::request(app, &account, id, wanted).await.expect("taken in");
                work::make_next(app).await.expect("the database answers");
                let export = exports::get(app, &owner, id).await.expect("one's own");
                assert_eq!(export.state, State::Ready);
                let bytes = file(world, &owner, id).await.expect("ready");
                let (count, sum) = match format {
                    Form::Csv => of_csv(&String::from_utf8(bytes).expect("UTF-8")),
                    Form::CsvGz | Form::Parquet => of_parquet(&rows(&bytes)),
                };
                assert_eq!(count, export.rows);
                let (opening, closing) = (export.opening.amount as i64, export.closing.amount as i64);
                assert_eq!(opening + sum, closing, "{owner:?} {format}");
                sums.push((count, sum, closing));
            }
            assert_eq!(sums[0], sums[1], "the two forms say the same");
            let truth = ledger_balance(world, account.number()).await;
            assert_eq!(sums[0].2, truth, "and so does the ledger");
            checked += sums[0].0;
        }
        assert!(checked > 40, "{checked} lines");
    });
}

async fn ledger_balance(world: &World, number: u128) -> i64 {
    let account = world.app.engine.account(number).await.expect("the engine runs");
    account.expect("there").balance()
}

/// Lines of a CSV file without quoted fields, and what came less what went, fen.
fn of_csv(text: &str) -> (u64, i64) {
    let mut sum = 0;
    let mut count = 0;
    for line in text.split_terminator("\r\n").skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let amount: i64 = cells[4].replace('.', "").parse().expect("yuan with two decimals");
        sum += if cells[3] == "收入" { amount } else { -amount };
        count += 1;
    }
    (count, sum)
}

fn of_parquet(rows: &[Vec<Field>]) -> (u64, i64) {
    let signed =
        |row: &Vec<Field>| if row[3] == Field::Str("in".into()) { fen(&row[4]) } else { -fen(&row[4]) };
    (rows.len() as u64, rows.iter().map(signed).sum())
}

#[test]
fn a_file_and_its_proof_are_checked_with_the_ledgers_key_alone() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 10_000).await;
        let export = made(world, &ann, ask(Form::Csv)).await;
        let bytes = csv(world, &ann, &export).await.into_bytes();
        let json = serde_json::to_string(export.proof.as_ref().expect("a proof")).expect("JSON");
        let trust = Trust::in_ledger(&world.app.engine.verifier_key()).expect("a key");
        let digest = |bytes: &[u8]| HashAlgorithm::Sha256.digest(bytes);
        let checked = check_proof(&json, &digest(&bytes), &trust).expect("it holds");
        let line = |name: &str| {
            checked.manifest.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(line("export"), Some(export.id.to_string().as_str()));
        assert_eq!((line("lines"), line("opening"), line("closing")), (Some("1"), Some("0"), Some("10000")));
        assert!(checked.tree_size > checked.record);

        let mut changed = bytes.clone();
        *changed.last_mut().expect("bytes") ^= 1;
        let fault = check_proof(&json, &digest(&changed), &trust).expect_err("another file");
        assert!(matches!(fault, Fault::File { .. }), "{fault}");
        // A manifest that says the changed file's hash is not what the ledger noted.
        let hash: String = digest(&changed).iter().map(|byte| format!("{byte:02x}")).collect();
        let forged = json.replace(export.sha256.as_deref().expect("a hash"), &hash);
        let fault = check_proof(&forged, &digest(&changed), &trust).expect_err("a forged manifest");
        assert!(matches!(fault, Fault::Record(_)), "{fault}");
        let fault = check_proof(&json.replace("closing 10000", "closing 99999"), &digest(&bytes), &trust);
        assert!(matches!(fault, Err(Fault::Record(_))), "{fault:?}");
        let other = jialing_crypto::SigningKey::generate(jialing_crypto::Suite::Ed25519);
        let log = jialing_crypto::note::NoteVerifier::new(world.app.engine.origin(), other.public().clone());
        let stranger = Trust { log: log.expect("a key"), witnesses: Vec::new(), need: 0 };
        let fault = check_proof(&json, &digest(&bytes), &stranger).expect_err("another ledger's key");
        assert!(matches!(fault, Fault::Checkpoint(_)), "{fault}");
        let fault = check_proof("{}", &digest(&bytes), &trust).expect_err("no proof");
        assert!(matches!(fault, Fault::Unreadable(_)), "{fault}");
        // Another export's proof is of another file.
        let second = made(world, &ann, ask(Form::Parquet)).await;
        let json = serde_json::to_string(second.proof.as_ref().expect("a proof")).expect("JSON");
        assert!(matches!(check_proof(&json, &digest(&bytes), &trust), Err(Fault::File { .. })));
    });
}

#[test]
fn an_export_is_its_owners_and_there_are_only_so_many() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 10_000).await;
        let eve = Citizen::new(world, 9).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(request(world, &ann, ask(Form::Csv)).await.expect("taken in").id);
            world.clock.advance(1);
        }
        let problem = request(world, &ann, ask(Form::Csv)).await.expect_err("three are unfinished");
        assert_eq!(problem.code, Code::RateLimited);
        let same = exports::request(&world.app, &own(world, &ann).await, ids[0], ask(Form::Parquet)).await;
        assert_eq!(same.expect("the same id").format, Form::Csv, "it is what it was");
        let (app, anns, eves) = (&world.app, Owner::person(&ann.citizen.actor), Owner::person(&eve.actor));
        let not_found = |result: Result<()>| assert_eq!(result.expect_err("another's").code, Code::NotFound);
        not_found(exports::get(app, &eves, ids[0]).await.map(drop));
        not_found(exports::cancel(app, &eves, ids[0]).await.map(drop));
        not_found(exports::open(app, &eves, ids[0]).await.map(drop));
        assert!(exports::list(app, &eves, &PageAsk::default()).await.expect("a page").items.is_empty());
        let waiting = exports::open(app, &anns, ids[0]).await.map(drop).expect_err("not made yet");
        assert_eq!(waiting.code, Code::StateConflict);
        while work::make_next(app).await.expect("the database answers") {}
        let page = exports::list(app, &anns, &PageAsk { limit: Some(2), ..PageAsk::default() })
            .await
            .expect("a page");
        let listed: Vec<_> = page.items.iter().map(|export| (export.id, export.state)).collect();
        assert_eq!((listed, page.has_more), (vec![(ids[2], State::Ready), (ids[1], State::Ready)], true));
        not_found(exports::open(app, &eves, ids[0]).await.map(drop));

        for n in 3..20 {
            world.clock.advance(1);
            let asked = request(world, &ann, ask(Form::Parquet))
                .await
                .unwrap_or_else(|problem| panic!("{n}: {problem}"));
            exports::cancel(app, &anns, asked.id).await.expect("stopped");
        }
        let problem = request(world, &ann, ask(Form::Csv)).await.expect_err("twenty a day");
        assert_eq!(problem.code, Code::RateLimited);
        world.clock.advance(86_400_000 + 1_000);
        request(world, &ann, ask(Form::Csv)).await.expect("a day later");

        let refused = async |ask: ExportAsk, field: &str| {
            let problem = request(world, &ann, ask).await.expect_err(field);
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some(field)));
        };
        let range = |from: &str, to: &str| ExportAsk {
            from: Some(from.into()),
            to: Some(to.into()),
            ..ask(Form::Csv)
        };
        refused(range("2010-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), "to").await;
        refused(range("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), "to").await;
        refused(range("2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z"), "from").await;
        refused(range("then", "2026-01-01T00:00:00Z"), "from").await;
        refused(ExportAsk { period: Some("2026-11".into()), ..ask(Form::Csv) }, "period").await;
    });
}

#[test]
fn a_file_goes_when_its_time_is_over_when_it_is_cancelled_and_when_its_person_is_erased() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 100).await;
        let (app, owner) = (&world.app, Owner::person(&ann.citizen.actor));
        let state = async |id| get(world, &ann, id).await.state;
        let gone = async |id| {
            let problem = exports::open(app, &owner, id).await.map(drop).expect_err("gone");
            assert_eq!(problem.code, Code::StateConflict);
        };
        let export = made(world, &ann, ask(Form::Csv)).await;
        world.clock.advance(24 * 3_600_000 - 10_000);
        work::tidy(app).await.expect("tidied");
        file(world, &owner, export.id).await.expect("still there");
        world.clock.advance(10_000 + 60_000);
        gone(export.id).await;
        work::tidy(app).await.expect("tidied");
        assert_eq!(state(export.id).await, State::Expired);
        assert_eq!(get(world, &ann, export.id).await.proof, None);
        gone(export.id).await;

        let export = made(world, &ann, ask(Form::Csv)).await;
        for _ in 0..2 {
            let cancelled = exports::cancel(app, &owner, export.id).await.expect("destroyed");
            assert_eq!(cancelled.state, State::Cancelled);
        }
        gone(export.id).await;
        let waiting = request(world, &ann, ask(Form::Csv)).await.expect("taken in");
        exports::cancel(app, &owner, waiting.id).await.expect("stopped");
        assert!(!work::make_next(app).await.expect("the database answers"), "nothing waits");

        let export = made(world, &ann, ask(Form::Csv)).await;
        let bob = Payer::with(world, 2, "BKA", 0).await;
        send(world, &ann, "all", &bob.wallet.to_string(), 100).await.expect("sent");
        let close = wallets::CloseAsk { sweep: None };
        wallets::close(app, &ann.citizen.actor, ann.wallet, close).await.expect("closed");
        people::erase(app, "operator", ann.citizen.person).await.expect("erased");
        assert_eq!(state(export.id).await, State::Expired);
        gone(export.id).await;
        let left: Vec<Option<Vec<u8>>> =
            sqlx::query_scalar("SELECT data_key FROM exports WHERE data_key IS NOT NULL")
                .fetch_all(app.db.read())
                .await
                .expect("read");
        assert!(left.is_empty(), "no key is left");
    });
}

#[test]
fn a_history_that_does_not_fit_the_ledger_never_becomes_a_file() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKA", 0).await);
        send(world, &ann, "t-1", &bob.wallet.to_string(), 300).await.expect("sent");
        let asked = request(world, &ann, ask(Form::Csv)).await.expect("taken in");
        let wallet = ann.wallet.to_string();
        let change = world.app.db.write(async move |tx: &mut Tx| {
            let sql = "UPDATE movements SET amount = 299 WHERE wallet = $1 AND amount = 300";
            Ok(sqlx::query(sql).bind(wallet.clone()).execute(&mut *tx).await?.rows_affected())
        });
        assert_eq!(change.await.expect("changed"), 1);
        for attempt in 1..=work::MAX_TRIES {
            assert!(work::make_next(&world.app).await.expect("the database answers"), "attempt {attempt}");
            let state = get(world, &ann, asked.id).await.state;
            assert_eq!(state, if attempt < work::MAX_TRIES { State::Queued } else { State::Failed });
            assert!(!work::make_next(&world.app).await.expect("the database answers"), "not at once again");
            world.clock.advance(work::PAUSE_MS);
        }
        let problem = exports::open(&world.app, &Owner::person(&ann.citizen.actor), asked.id).await.map(drop);
        assert_eq!(problem.expect_err("there is none").code, Code::StateConflict);
    });
}

#[test]
fn an_export_that_was_left_half_made_is_made_again() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 10_000).await;
        let asked = request(world, &ann, ask(Form::Csv)).await.expect("taken in");
        // As a process leaves it that died after it had begun: claimed, for a while.
        let until = world.clock.millis() + work::LEASE_MS;
        let claim = world.app.db.write(async move |tx: &mut Tx| {
            let sql = "UPDATE exports SET state = 'RUNNING', claim = 'gone', claimed_until = $1, tries = 1";
            Ok(sqlx::query(sql).bind(until).execute(&mut *tx).await?.rows_affected())
        });
        assert_eq!(claim.await.expect("claimed"), 1);
        assert_eq!(get(world, &ann, asked.id).await.state, State::Running);
        assert!(!work::make_next(&world.app).await.expect("the database answers"), "another has it");
        world.clock.advance(work::LEASE_MS + 1);
        assert!(work::make_next(&world.app).await.expect("the database answers"));
        let made = get(world, &ann, asked.id).await;
        assert_eq!((made.state, made.rows), (State::Ready, 1));
        assert!(csv(world, &ann, &made).await.contains("100.00"));
        // A movement after the asking is not in it, whenever it is made.
        let second = request(world, &ann, ask(Form::Csv)).await.expect("taken in");
        city::fund(world, ann.wallet, 5).await;
        work::make_next(&world.app).await.expect("the database answers");
        let second = get(world, &ann, second.id).await;
        assert_eq!((second.state, second.rows, second.closing.amount), (State::Ready, 1, 10_000));
    });
}

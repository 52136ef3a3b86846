//! Policies: dated versions, one page that shows them, and nothing asked for that is not there.

use std::path::{Path, PathBuf};

use jialing_platform::Code;
use jialing_platform::policies::{self, Policy};
use jialing_platform::wallets::Class;

use crate::world::{World, on_each_backend};

#[test]
fn a_new_version_is_in_force_from_its_date_on() {
    on_each_backend(async |world: &mut World| {
        let app = &world.app;
        let number = async || policies::number(app, "no_pin_single").await.expect("a number");
        let old = number().await;
        let known = policies::all(app).await.expect("readable");
        let first = known.iter().find(|policy| policy.name == "no_pin_single").expect("there is one").clone();
        let from_ms = world.clock.millis() + 60_000;
        let second = Policy { version: first.version + 1, value: Some(old + 7), from_ms, ..first.clone() };
        policies::add(app, vec![second.clone()]).await.expect("added");
        policies::add(app, vec![second.clone()]).await.expect("the same again");
        assert_eq!(number().await, old);
        world.clock.advance(60_000);
        assert_eq!(number().await, old + 7);
        // A version is never edited, and none begins before the one it follows.
        for wrong in [
            Policy { value: Some(1), ..second.clone() },
            Policy { version: second.version + 1, from_ms: 0, ..second.clone() },
            Policy { version: second.version + 2, ..second.clone() },
        ] {
            assert_eq!(policies::add(app, vec![wrong]).await.expect_err("a misfit").code, Code::Internal);
        }
        assert_eq!(number().await, old + 7);
        policies::establish(app).await.expect("what ships is there already");
        assert_eq!(policies::number(app, "no_such").await.expect_err("unknown").code, Code::Internal);
        assert_eq!(policies::number(app, "qr_class_a_day").await.expect_err("no bound").code, Code::Internal);
        assert_eq!(policies::bound(app, "qr_class_a_day").await.expect("known"), None);
    });
}

#[test]
fn the_ledger_has_the_limits_of_every_class() {
    on_each_backend(async |world: &mut World| {
        let published = world.app.engine.policies().await.expect("the engine runs");
        for class in Class::ALL {
            let limits = policies::limits(&world.app, class).await.expect("complete");
            let newest =
                published.iter().rev().find(|version| version.policy == class.number()).expect("published");
            let bound = |bound: Option<i64>| {
                bound.map_or(u64::MAX, |bound| u64::try_from(bound).expect("not negative"))
            };
            let kept = (newest.bounds.single, newest.bounds.day, newest.bounds.year);
            assert_eq!(kept, (bound(limits.single), bound(limits.day), bound(limits.year)), "{class:?}");
        }
    });
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The part of the page that is made from the file: everything after the marker.
const MARKER: &str = "<!-- made from crates/platform/policies.toml -->\n";

#[test]
fn the_page_of_limits_is_what_the_file_says() {
    let path = root().join("docs/reference/limits.md");
    let mut page = std::fs::read_to_string(&path).expect("the page");
    let expect = tables();
    if std::env::var_os("UPDATE").is_some() {
        let head = page.split_once(MARKER).expect("the marker").0;
        page = format!("{head}{MARKER}{expect}");
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let (_, made) = page.split_once(MARKER).expect("the marker");
    assert!(
        made == expect,
        "docs/reference/limits.md is not what policies.toml says: run `UPDATE=1 cargo test -p jialing-platform --test it policies`"
    );
}

fn shipped() -> toml::Table {
    std::fs::read_to_string(root().join("crates/platform/policies.toml"))
        .expect("the file")
        .parse()
        .expect("TOML")
}

fn tables() -> String {
    let file = shipped();
    let rows: Vec<&toml::Table> =
        file["policy"].as_array().expect("rows").iter().map(|row| row.as_table().expect("a table")).collect();
    let text =
        |row: &toml::Table, key: &str| row.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let value = |row: &toml::Table| row.get("value").and_then(toml::Value::as_integer);
    let newest = |name: &str| {
        rows.iter()
            .filter(|row| text(row, "name") == name)
            .max_by_key(|row| row.get("version").and_then(toml::Value::as_integer).unwrap_or(1))
            .copied()
    };
    let mut page = String::from("\n| class | balance | single | day | year |\n|---|---|---|---|---|\n");
    for (class, key) in [
        ("I", "1"),
        ("II", "2"),
        ("III", "3"),
        ("IV", "4"),
        ("organisation", "organisation"),
        ("hardware", "hardware"),
    ] {
        let yuan = |what: &str| {
            let row = newest(&format!("wallet_{key}_{what}")).expect("each class has each limit");
            value(row).map_or("none".to_owned(), |fen| thousands(fen / 100))
        };
        page += &format!(
            "| {class} | {} | {} | {} | {} |\n",
            yuan("balance"),
            yuan("single"),
            yuan("day"),
            yuan("year")
        );
    }
    page += "\n## Every number\n\n| name | version | from | value | unit | mark | note |\n|---|---|---|---|---|---|---|\n";
    for row in &rows {
        let version = row.get("version").and_then(toml::Value::as_integer).unwrap_or(1);
        let from = row["effective_from"].as_str().expect("a date");
        let value = value(row).map_or("none".to_owned(), thousands);
        page += &format!(
            "| `{}` | {version} | {from} | {value} | {} | {} | {} |\n",
            text(row, "name"),
            text(row, "unit"),
            text(row, "mark"),
            text(row, "note")
        );
    }
    page
}

fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}

#[test]
fn every_number_that_is_asked_for_by_name_is_in_the_file() {
    let file = shipped();
    let names: Vec<&str> =
        file["policy"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    let mut asked = 0;
    for path in sources(&root().join("crates/platform/src")) {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let text: String = text.split_whitespace().collect();
        for call in ["policies::number(app,\"", "policies::bound(app,\"", "policies::number(&app,\""] {
            for after in text.split(call).skip(1) {
                let name = after.split('"').next().expect("a name");
                assert!(names.contains(&name), "{}: no policy is called {name}", path.display());
                asked += 1;
            }
        }
    }
    assert!(asked > 20, "only {asked} were found: the search is wrong");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

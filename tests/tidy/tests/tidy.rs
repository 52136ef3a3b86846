//! Keeps the house: what may depend on what, what must not be, and that the docs are true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jialing_platform::Code;

/// Lines a source file may have.
const MAX_LINES: usize = 800;

/// The one direction: a crate, and the crates of ours that it may use outside its tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("ledger", &[]),
    ("journal", &[]),
    ("crypto", &[]),
    ("sheet", &[]),
    ("engine", &["ledger", "journal"]),
    ("simulator", &["engine", "ledger", "journal"]),
    ("rails", &["crypto"]),
    ("bulk", &["ledger", "crypto"]),
    ("sdk", &["crypto", "bulk"]),
    ("witness", &["crypto"]),
    ("platform", &["engine", "rails", "crypto", "ledger", "sheet"]),
    ("gateway", &["platform", "bulk", "conform", "crypto", "engine", "ledger", "rails"]),
    ("sandbox", &["rails", "crypto"]),
    ("conform", &["crypto"]),
    ("house", &["gateway", "platform", "engine", "rails", "crypto"]),
    (
        "playground",
        &["conform", "house", "gateway", "platform", "engine", "rails", "crypto", "sandbox", "sdk"],
    ),
    (
        "cli",
        &[
            "house",
            "playground",
            "conform",
            "gateway",
            "platform",
            "engine",
            "bulk",
            "rails",
            "crypto",
            "sandbox",
            "sdk",
            "simulator",
            "witness",
            "ledger",
            "journal",
            "sheet",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files below `folder` with one of `endings`, leaving out what is built or fetched.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a folder's entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                if !matches!(
                    name.as_str(),
                    "target" | "node_modules" | ".git" | "data" | "dist" | "generated"
                ) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn refuse(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn crates_depend_in_one_direction() {
    let mut findings = Vec::new();
    for (name, allowed) in ARROWS {
        let manifest: toml::Table =
            read(&root().join("crates").join(name).join("Cargo.toml")).parse().expect("TOML");
        let used = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        for used in used.keys().filter_map(|used| used.strip_prefix("jialing-")) {
            if !allowed.contains(&used) {
                findings.push(format!("crates/{name} must not depend on {used}"));
            }
        }
    }
    let folders: BTreeSet<_> = fs::read_dir(root().join("crates"))
        .expect("crates/")
        .map(|e| e.expect("entry").file_name().into_string().expect("UTF-8"))
        .collect();
    for folder in folders.iter().filter(|folder| !ARROWS.iter().any(|(name, _)| name == folder)) {
        findings.push(format!("crates/{folder} has no arrows: name what it may depend on"));
    }
    refuse(&findings);
}

#[test]
fn the_kernel_has_no_io_clock_chance_or_floats() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::io",
        "std::time",
        "std::env",
        "std::thread",
        "std::process",
        "SystemTime",
        "Instant::now",
        "rand::",
        "getrandom",
        "tokio",
        "async fn",
        "f32",
        "f64",
        "RandomState",
        "println!",
        "unsafe ",
    ];
    let mut findings = Vec::new();
    for path in files(&root().join("crates/ledger/src"), &[".rs"]) {
        for (number, line) in read(&path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in forbidden.iter().filter(|word| code.contains(**word)) {
                findings.push(format!(
                    "{}:{}: `{word}` does not belong in the kernel",
                    shown(&path),
                    number + 1
                ));
            }
        }
    }
    let manifest: toml::Table = read(&root().join("crates/ledger/Cargo.toml")).parse().expect("TOML");
    if manifest.get("dependencies").and_then(toml::Value::as_table).is_some_and(|used| !used.is_empty()) {
        findings.push("crates/ledger has dependencies; the kernel stands alone".into());
    }
    refuse(&findings);
}

#[test]
fn each_crate_contains_only_what_belongs_there() {
    let rules: &[(&str, &[&str])] = &[
        ("crates/journal/src", &["jialing_ledger", "fen", "currency"]),
        ("crates/engine/src", &["axum", "hyper", "sqlx"]),
        ("crates/platform/src", &["axum::", "hyper::", "StatusCode"]),
        ("crates/gateway/src", &["sqlx::query", "SELECT ", "INSERT INTO", "UPDATE "]),
    ];
    let mut findings = Vec::new();
    for (folder, forbidden) in rules {
        for path in files(&root().join(folder), &[".rs"]) {
            for (number, line) in read(&path).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in forbidden.iter().filter(|word| code.contains(**word)) {
                    findings.push(format!(
                        "{}:{}: `{word}` does not belong in {folder}",
                        shown(&path),
                        number + 1
                    ));
                }
            }
        }
    }
    refuse(&findings);
}

/// The names under which a source file's types stand in the API's description.
fn described(text: &str) -> Vec<String> {
    let (mut found, mut pending, mut given) = (Vec::new(), false, None);
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("#[derive(") || line.contains("stored! {") {
            (pending, given) = (line.contains("ToSchema") || line.contains("stored! {"), None);
        }
        if let Some((_, name)) = line.split_once("schema(as = ") {
            given = Some(name.trim_end_matches([')', ']']).to_owned());
        }
        let declared = ["struct ", "enum "].iter().find_map(|kind| line.split_once(kind));
        if let (true, Some((before, rest))) = (pending, declared)
            && (before.is_empty() || before.starts_with("pub"))
        {
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            found.push(given.take().unwrap_or_else(|| name.to_owned()));
            pending = false;
        }
    }
    found
}

#[test]
fn no_two_types_have_one_name_in_the_api() {
    let mut seen = std::collections::BTreeMap::new();
    let mut findings = Vec::new();
    for folder in ["crates/platform/src", "crates/gateway/src"] {
        for path in files(&root().join(folder), &[".rs"]) {
            for name in described(&read(&path)) {
                let here = shown(&path);
                if let Some(there) = seen.insert(name.clone(), here.clone()) {
                    findings.push(format!("{here}: {name} is {there}'s as well; say #[schema(as = …)]"));
                }
            }
        }
    }
    assert!(seen.len() > 100, "only {} types are described", seen.len());
    refuse(&findings);
}

#[test]
fn no_file_outgrows_the_mind() {
    let findings: Vec<_> = files(&root(), &[".rs", ".ts", ".tsx", ".js", ".mjs", ".css", ".sql"])
        .iter()
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| {
            format!("{}: {lines} lines, at most {MAX_LINES}: a folder is asking to be born", shown(path))
        })
        .collect();
    refuse(&findings);
}

#[test]
fn nothing_is_left_half_done() {
    // Put together here so that this file does not find itself.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("#[ig", "nore"),
        concat!(".on", "ly("),
    ];
    let mut findings = Vec::new();
    for path in
        files(&root(), &[".rs", ".md", ".toml", ".sql", ".js", ".mjs", ".html", ".css", ".sh", "Makefile"])
    {
        for (number, line) in read(&path).lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                findings.push(format!("{}:{}: {word}", shown(&path), number + 1));
            }
        }
    }
    refuse(&findings);
}

#[test]
fn every_error_code_is_documented_and_unique() {
    let page = read(&root().join("docs/reference/errors.md"));
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for code in Code::ALL {
        if !seen.insert(code.text()) {
            findings.push(format!("`{}` stands twice in the registry", code.text()));
        }
        if !page.contains(code.text()) {
            findings.push(format!("docs/reference/errors.md does not explain `{}`", code.text()));
        }
        for (what, text) in [
            ("title", code.title()),
            ("Chinese title", code.title_zh()),
            ("cause", code.cause()),
            ("fix", code.fix()),
        ] {
            if text.is_empty() {
                findings.push(format!("`{}` has no {what}", code.text()));
            }
        }
    }
    refuse(&findings);
}

/// Targets of Markdown links in `text`, outside code fences.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            if let Some(end) = rest.find(')') {
                found.push(rest[..end].to_owned());
            }
        }
    }
    found
}

/// A heading's anchor, as hosts of Markdown make it.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[test]
fn every_link_in_the_docs_resolves() {
    let mut findings = Vec::new();
    let pages = files(&root(), &[".md"]);
    for page in &pages {
        for link in links(&read(page)) {
            if link.starts_with("http://") || link.starts_with("https://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((link.as_str(), ""));
            let target =
                if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            if !target.exists() {
                findings.push(format!("{}: {link} leads nowhere", shown(page)));
            } else if !fragment.is_empty()
                && target.is_file()
                && !read(&target).lines().any(|line| {
                    line.starts_with('#') && anchor(line) == fragment
                        || line.contains(&format!("id=\"{fragment}\""))
                })
            {
                findings.push(format!("{}: {link} names no heading there", shown(page)));
            }
        }
    }
    let index = read(&root().join("docs/README.md"));
    for page in
        pages.iter().filter(|page| page.starts_with(root().join("docs")) && !page.ends_with("docs/README.md"))
    {
        let path = page.strip_prefix(root().join("docs")).expect("below docs").display().to_string();
        if !index.contains(&path) {
            findings.push(format!("docs/README.md does not list {path}"));
        }
    }
    refuse(&findings);
}

#[test]
fn make_targets_that_the_docs_name_exist() {
    let makefile = read(&root().join("Makefile"));
    let targets: BTreeSet<_> = makefile
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
        .collect();
    let mut findings = Vec::new();
    for page in files(&root(), &[".md"]) {
        for (number, line) in read(&page).lines().enumerate() {
            for (at, _) in line.match_indices("`make ") {
                let words = line[at + 6..].split('`').next().unwrap_or_default();
                for word in words.split_whitespace().take_while(|word| !word.contains('=')) {
                    if !targets.contains(word) {
                        findings.push(format!("{}:{}: there is no `make {word}`", shown(&page), number + 1));
                    }
                }
            }
        }
    }
    refuse(&findings);
}

#[test]
fn the_tree_names_no_machine_and_lock_files_no_addresses() {
    let mut findings = Vec::new();
    for path in files(&root(), &["package-lock.json"]) {
        if read(&path).contains("\"resolved\"") {
            findings.push(format!("{} holds download addresses", shown(&path)));
        }
    }
    for path in files(&root(), &[".rs", ".md", ".toml", ".js", ".mjs", "Makefile", "run"]) {
        for (number, line) in read(&path).lines().enumerate() {
            if [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")]
                .iter()
                .any(|place| line.contains(place))
            {
                findings.push(format!("{}:{}: a path of one machine", shown(&path), number + 1));
            }
        }
    }
    refuse(&findings);
}

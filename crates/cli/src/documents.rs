//! The commands in the documents are ones that this binary, this tree and this Makefile know.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::Cli;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page: those at the top and those under `docs`.
fn pages() -> Vec<PathBuf> {
    let mut folders = vec![root().join("docs")];
    let mut pages: Vec<_> = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md"]
        .map(|name| root().join(name))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("docs") {
            let path = entry.expect("an entry").path();
            match path.extension().and_then(|ending| ending.to_str()) {
                None if path.is_dir() => folders.push(path),
                Some("md") => pages.push(path),
                _ => {}
            }
        }
    }
    pages
}

/// The lines of the `sh` blocks of `page`, continued ones joined, with what the page put in variables.
fn commands(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut found: Vec<String> = Vec::new();
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut begun = String::new();
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line.trim() == "```sh";
            continue;
        }
        if !inside {
            continue;
        }
        if let Some(part) = line.trim().strip_suffix('\\') {
            begun.push_str(part);
            continue;
        }
        let mut command = std::mem::take(&mut begun) + line.trim();
        for (name, value) in &variables {
            command = command.replace(&format!("${name}"), value);
        }
        match command.split_once('=') {
            Some((name, value)) if name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') => {
                variables.push((name.to_owned(), value.trim_matches('\'').to_owned()));
            }
            _ => found.push(command),
        }
    }
    found
}

/// The words of a command up to a pipe or a remark; quotes hold words together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in command.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '|' | '#' | '<' | '>') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// Why `command` would not do what the page says, if so.
fn fault(command: &str, makefile: &str) -> Option<String> {
    let words = words(command);
    let first = words.first()?;
    if first == "jialing" || first.ends_with("/jialing") {
        return Cli::try_parse_from(&words)
            .err()
            .filter(clap::Error::use_stderr)
            .map(|error| error.to_string());
    }
    if first == "make" {
        let unknown = words[1..].iter().find(|word| {
            !word.contains('=') && !makefile.lines().any(|line| line.starts_with(&format!("{word}:")))
        });
        return unknown.map(|word| format!("there is no target {word}"));
    }
    if first == "cargo" {
        let after = |flag: &str| words.iter().position(|word| word == flag).and_then(|at| words.get(at + 1));
        let (example, package) = (after("--example")?, after("-p")?);
        let folder = root().join("crates").join(package.trim_start_matches("jialing-")).join("examples");
        let there =
            folder.join(example).join("main.rs").exists() || folder.join(format!("{example}.rs")).exists();
        return (!there).then(|| format!("there is no example {example} in {package}"));
    }
    None
}

#[test]
fn every_command_in_the_documents_is_known() {
    let makefile = read(&root().join("Makefile"));
    let mut findings = Vec::new();
    let mut tried = 0;
    for page in pages() {
        for command in commands(&read(&page)) {
            tried += 1;
            if let Some(fault) = fault(&command, &makefile) {
                findings.push(format!("{}: `{command}`: {fault}", page.display()));
            }
        }
    }
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    assert!(tried > 10, "only {tried} commands were found: are the blocks still marked `sh`?");
}

#[test]
fn unknown_commands_are_noticed() {
    let check =
        |command: &str, known: bool| assert_eq!(fault(command, "demo: ## x\n").is_none(), known, "{command}");
    check("target/release/jialing verify --data data/demo", true);
    check("jialing verify --date data/demo", false);
    check("jialing keys generate --suite SM2-WITH-SM3 'a file.pem'", true);
    check("printf '{}' | jialing nonsense", true);
    check("jialing nonsense | less", false);
    let page = "```sh\nKEY='a b'\njialing keys \\\n  --x \"$KEY\"\n```\n";
    assert_eq!(commands(page), ["jialing keys --x \"a b\""]);
    check("make demo", true);
    check("make dem", false);
    check("cargo run --release --example pay_a_shop -p jialing-sdk -- http://127.0.0.1:8080", true);
    check("cargo run --example pay_a_bank -p jialing-sdk", false);
}

//! Every error code and every declared state is met by a test.

use std::fs;
use std::path::{Path, PathBuf};

use jialing_platform::Code;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

/// The sources below a folder, with their paths from the root.
fn sources(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let (root, mut folders, mut found) = (root(), vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !["node_modules", "dist", "target", "out", "generated"].contains(&name) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).expect("UTF-8");
                found.push((path.strip_prefix(&root).expect("below it").to_owned(), text));
            }
        }
    }
    found
}

/// What tests say: whole files of tests, and of other files what follows `#[cfg(test)]`.
fn tests() -> Vec<String> {
    let rust = sources("crates", &[".rs"]).into_iter().filter_map(|(path, text)| {
        if path.components().any(|part| part.as_os_str() == "tests") {
            return Some(text);
        }
        text.find("#[cfg(test)]").map(|at| text[at..].to_owned())
    });
    let others = ["tests", "sdk", "web"].into_iter().flat_map(|folder| {
        sources(folder, &[".mjs", ".ts", ".py", ".java"]).into_iter().filter_map(|(path, text)| {
            let path = path.to_string_lossy().to_lowercase();
            path.contains("test").then_some(text)
        })
    });
    rust.chain(others).collect()
}

/// A state as its enum declares it: the domain's words, the variant, the text.
struct State {
    path: PathBuf,
    words: Vec<String>,
    variant: String,
    text: String,
}

/// The variants with texts of every `pub enum …State` of the platform.
fn states() -> Vec<State> {
    let mut found = Vec::new();
    for (path, text) in sources("crates/platform/src", &[".rs"]) {
        let words: Vec<String> = path
            .with_extension("")
            .components()
            .skip(3)
            .map(|part| part.as_os_str().to_string_lossy().trim_end_matches('s').replace('_', "-"))
            .filter(|word| word != "mod")
            .collect();
        let mut inside = false;
        for line in text.lines().map(str::trim) {
            inside = inside && line != "}";
            inside |= line.starts_with("pub enum ") && line.ends_with("State {");
            if let Some((variant, rest)) = line.split_once(" = \"").filter(|_| inside)
                && let Some(text) = rest.strip_suffix("\",")
            {
                let (variant, text) = (variant.to_owned(), text.to_owned());
                found.push(State { path: path.clone(), words: words.clone(), variant, text });
            }
        }
    }
    found
}

#[test]
fn every_error_code_is_met_by_a_test() {
    let tests = tests();
    let unmet: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| {
            let (variant, text) = (format!("Code::{code:?}"), format!("\"{}\"", code.text()));
            !tests.iter().any(|test| test.contains(&variant) || test.contains(&text))
        })
        .map(|code| code.text())
        .collect();
    assert!(unmet.is_empty(), "no test names these error codes: {unmet:?}");
}

#[test]
fn every_declared_state_is_met_by_a_test_of_its_domain() {
    let (tests, states) = (tests(), states());
    assert!(states.len() > 100, "{} states were found: are they declared in another way now?", states.len());
    let met = |state: &State| {
        let (variant, text) = (format!("::{}", state.variant), format!("\"{}\"", state.text));
        // As SQL has it.
        let quoted = format!("'{}'", state.text);
        tests.iter().any(|test| {
            // A path of the API writes `red-packets`, code `red_packets`.
            let test_words = test.to_lowercase().replace('_', "-");
            let of_its_domain = state.words.iter().any(|word| test_words.contains(word.as_str()));
            of_its_domain && [&variant, &text, &quoted].into_iter().any(|word| test.contains(word.as_str()))
        })
    };
    let unmet: Vec<String> = states
        .iter()
        .filter(|state| !met(state))
        .map(|state| format!("{}: {}", state.path.display(), state.variant))
        .collect();
    assert!(unmet.is_empty(), "no test of their domain names these states:\n{}", unmet.join("\n"));
}

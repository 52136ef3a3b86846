//! The vectors that every client is tested with: made here (`UPDATE=1`), checked here, and confirmed with
//! OpenSSL. Keys are kept when the rest is made anew; they are public, so never register them.

mod parcels;
mod signatures;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name)
}

/// The kept vectors, made anew first by `make` where `UPDATE` asks for that; `make` is told what was kept.
fn kept(name: &str, make: impl FnOnce(&Value) -> Value) -> Value {
    static WRITING: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut written = WRITING.lock().expect("no test panics while it writes");
    let read = || -> Option<Value> { serde_json::from_slice(&std::fs::read(file(name)).ok()?).ok() };
    if std::env::var_os("UPDATE").is_some() && !written.iter().any(|one| one == name) {
        let made = make(&read().unwrap_or(Value::Null));
        let text = serde_json::to_string_pretty(&made).expect("JSON") + "\n";
        std::fs::write(file(name), text).expect("the file can be written");
        written.push(name.to_owned());
    }
    read().unwrap_or_else(|| panic!("tests/vectors/{name} cannot be read; make it with UPDATE=1"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

//! The `curl` lines of the documents run against a real demonstration.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::story::city;

/// The address that the documents name.
const SHOWN: &str = "http://127.0.0.1:8080";

/// The lines of the page's `sh` blocks that call `curl`.
fn curls(page: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line.trim() == "```sh";
        } else if inside && line.contains("curl ") && line.contains(SHOWN)
            || inside && line.contains("$(curl ")
        {
            found.push(line);
        }
    }
    found
}

#[test]
fn curl_lines_of_the_readme_and_the_tour_succeed_in_their_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = city(folder.path());
    for page in ["README.md", "docs/start/tour.md"] {
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page)).expect(page);
        let lines = curls(&text);
        assert!(!lines.is_empty(), "{page} shows no curl");
        // A refusal ends the script with the line at fault.
        let script = format!(
            "set -e\ncurl() {{ command curl --fail-with-body --show-error \"$@\"; }}\n{}\n",
            lines.join("\n")
        );
        let script = script.replace(SHOWN, &demo.url);
        let ran =
            Command::new("bash").args(["-o", "pipefail", "-x", "-c", &script]).output().expect("bash runs");
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success(), "{page}\n{out}\n{err}");
        assert!(out.contains("\"in_circulation\""), "{page} does not show the supply\n{out}");
        if page.ends_with("tour.md") {
            assert!(out.contains("\"wallet_id\""), "signing in did not lead to a wallet\n{out}\n{err}");
        }
    }
}

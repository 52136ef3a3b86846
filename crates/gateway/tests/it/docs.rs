//! What is checked in must be what the code says. `UPDATE=1` writes it anew.

use std::path::PathBuf;

use jialing_crypto::SigningKey;
use jialing_crypto::http_signature::RequestSignature;
use jialing_platform::Code;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn compare(name: &str, made: &str) {
    let path = path(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, made).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let line = kept.lines().zip(made.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
    assert!(
        kept == made,
        "docs/{name} is not what the code says, from line {line}: run `UPDATE=1 cargo test -p jialing-gateway --test it docs`"
    );
}

#[test]
fn openapi_json_is_what_the_handlers_say() {
    compare("openapi.json", &jialing_gateway::openapi());
}

#[test]
fn errors_md_is_what_the_registry_says() {
    compare("reference/errors.md", &errors());
}

/// The page of all codes.
fn errors() -> String {
    let mut page = String::from(
        "# Errors\n\nEvery code that a problem may carry, in the registry's order. Decide by the code: its text never changes. \
         The page is made from the registry in `crates/platform/src/problem.rs`.\n\n| code | status | title | 中文 |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        page += &format!(
            "| [`{0}`](#{0}) | {1} | {2} | {3} |\n",
            code.text(),
            code.status(),
            code.title(),
            code.title_zh()
        );
    }
    for code in Code::ALL {
        let retry = if code.retryable() {
            "The same request may succeed later."
        } else {
            "The same request will not succeed."
        };
        page += &format!(
            "\n## {}\n\n{} {} · {} · {}\n\n{} {}\n",
            code.text(),
            code.status(),
            code.title(),
            code.title_zh(),
            retry,
            code.cause(),
            code.fix()
        );
    }
    page
}

/// The fenced block after `<!-- example: NAME -->`, without its last line feed.
fn example<'a>(guide: &'a str, name: &str) -> &'a str {
    let (_, after) =
        guide.split_once(&format!("<!-- example: {name} -->")).unwrap_or_else(|| panic!("no example {name}"));
    let block = after.split("```").nth(1).expect("a fenced block");
    block.split_once('\n').expect("a first line").1.trim_end_matches('\n')
}

#[test]
fn the_worked_example_of_the_signing_guide_is_right_to_the_byte() {
    let guide = std::fs::read_to_string(path("guides/signing-requests.md")).expect("the guide");
    let key = SigningKey::from_pkcs8_pem(example(&guide, "key")).expect("the example's key");
    let (body, text, header) = (example(&guide, "body"), example(&guide, "text"), example(&guide, "header"));
    assert!(guide.contains(&format!("`serial_no` is `{}`", key.public().id())));

    let signature = RequestSignature::parse(header).expect("the example's header");
    let signed = signature.signed_text("POST", "/v1/merchant/orders", body.as_bytes());
    assert_eq!(String::from_utf8(signed.clone()).expect("UTF-8"), format!("{text}\n"));
    assert!(guide.contains(&format!("The text to sign, {} bytes", signed.len())));
    signature
        .verify(key.public(), "POST", "/v1/merchant/orders", body.as_bytes())
        .expect("the example verifies");
    assert_eq!((signature.signature.clone(), signature.to_header()), (key.sign(&signed), header.to_owned()));
    assert!(signature.verify(key.public(), "POST", "/v1/merchant/orders", b"{}").is_err());
}

#[test]
fn every_limit_and_every_rate_stands_in_the_docs() {
    let page = std::fs::read_to_string(path("reference/limits-of-the-edge.md")).expect("the page");
    let limits = jialing_gateway::Limits::default();
    let shown = format!("{limits:?}");
    let inside = shown.trim_start_matches("Limits { ").trim_end_matches(" }");
    for part in inside.split(", ").filter(|part| !part.contains("Rate {") && !part.contains("per_minute")) {
        let (name, value) = part.split_once(": ").expect("name and value");
        assert!(page.contains(&format!("| `{name}` | {value} |")), "{name} = {value} is not documented");
    }
    for (name, rate) in [
        ("doors", limits.doors),
        ("public", limits.public),
        ("session", limits.session),
        ("key", limits.key),
        ("heavy", limits.heavy),
    ] {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")))
            .unwrap_or_else(|| panic!("{name} is not documented"));
        assert!(row.ends_with(&format!("| {} | {} |", rate.burst, rate.per_minute)), "{row}");
    }
}

//! HTTP Message Signatures: the standard's own vector, each algorithm, and every way to get them wrong.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::message_signature::{BadMessage, Message, Signed, content_digest};
use jialing_crypto::{PublicKey, SigningKey, Suite};

const BODY: &[u8] = b"{\"hello\": \"world\"}";
const PARAMETERS: &str = ";created=1618884473;keyid=\"mch_1/0011223344556677\";nonce=\"0123456789abcdef\"";

/// A request with these header fields.
fn with<R>(
    fields: &[(&str, &str)],
    query: Option<&str>,
    body: &[u8],
    test: impl FnOnce(&Signed<'_>) -> R,
) -> R {
    let field = |name: &str| {
        let all: Vec<String> =
            fields.iter().filter(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()).collect();
        (!all.is_empty()).then_some(all)
    };
    test(&Signed {
        method: "POST",
        scheme: "https",
        authority: "Example.com:443",
        path: "/foo",
        query,
        field: &field,
        body,
    })
}

fn parse(covered: &str, parameters: &str, signature: &[u8]) -> Message {
    let input = format!("sig1=({covered}){parameters}");
    Message::parse(&input, &format!("sig1=:{}:", STANDARD.encode(signature))).expect("well-formed")
}

#[test]
fn the_vector_of_the_standard_verifies() {
    let key = PublicKey::from_spki_pem(
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----",
    )
    .expect("RFC 9421, B.1.4");
    let input = "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
        ;created=1618884473;keyid=\"test-key-ed25519\"";
    let signature =
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";
    let fields = [
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-length", " 18 "),
    ];
    let message = Message::parse(input, signature).expect("RFC 9421, B.2.6");
    with(&fields, Some("param=Value&Pet=dog"), BODY, |request| {
        let base = message.base(request).expect("every component is there");
        assert!(
            base.starts_with("\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n")
        );
        message.verify(&key, request).expect("it verifies");
    });
    with(&fields[1..], None, BODY, |request| {
        assert_eq!(message.verify(&key, request), Err(BadMessage::NoField("date".into())));
    });
}

#[test]
fn each_suite_signs_and_no_name_of_an_algorithm_changes_the_key_s() {
    let fields = [("content-digest", &*content_digest(BODY))];
    let covered = "\"@method\" \"@target-uri\" \"content-digest\"";
    for (suite, alg) in [
        (Suite::Ed25519, Some("ed25519")),
        (Suite::RsaSha256, Some("rsa-v1_5-sha256")),
        (Suite::Es256, Some("ecdsa-p256-sha256")),
        (Suite::Ed25519, None),
        (Suite::Sm2Sm3, None),
    ] {
        let key = SigningKey::generate(suite);
        let parameters = alg.map_or(PARAMETERS.to_owned(), |alg| format!("{PARAMETERS};alg=\"{alg}\""));
        with(&fields, Some("a=b"), BODY, |request| {
            let base = parse(covered, &parameters, b"").base(request).expect("a base");
            assert!(base.contains("\"@target-uri\": https://example.com/foo?a=b\n"), "{base}");
            let message = parse(covered, &parameters, &key.sign(base.as_bytes()));
            message.verify(key.public(), request).unwrap_or_else(|why| panic!("{suite} {alg:?}: {why}"));
            let other = SigningKey::generate(suite);
            assert!(matches!(message.verify(other.public(), request), Err(BadMessage::BadSignature(_))));
            for wrong in ["hmac-sha256", "rsa-pss-sha512", "none", "ed25519 "] {
                let named =
                    parse(covered, &format!("{PARAMETERS};alg=\"{wrong}\""), &key.sign(base.as_bytes()));
                assert!(named.verify(key.public(), request).is_err(), "{suite} under {wrong}");
            }
        });
        let tampered = [("content-digest", &*content_digest(BODY))];
        with(&tampered, Some("a=b"), b"{}", |request| {
            let base = parse(covered, &parameters, b"").base(request).expect("a base");
            let message = parse(covered, &parameters, &key.sign(base.as_bytes()));
            assert_eq!(message.verify(key.public(), request), Err(BadMessage::Digest));
        });
    }
}

#[test]
fn a_digest_fits_the_body_in_every_algorithm_that_we_know() {
    let check = |digest: &str, expect: Result<(), BadMessage>| {
        let key = SigningKey::generate(Suite::Ed25519);
        with(&[("content-digest", digest)], None, BODY, |request| {
            let base = parse("\"content-digest\"", PARAMETERS, b"").base(request).expect("a base");
            let message = parse("\"content-digest\"", PARAMETERS, &key.sign(base.as_bytes()));
            assert_eq!(message.verify(key.public(), request), expect, "{digest}");
        });
    };
    let (short, long) = (
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    );
    assert_eq!(content_digest(BODY), short);
    let bad = || Err(BadMessage::Syntax("Content-Digest"));
    check(short, Ok(()));
    check(long, Ok(()));
    check(&format!("{short}, {long}"), Ok(()));
    check(&format!("md5=:AA==:, {short}"), Ok(()));
    check(&format!("sha-256=:AA==:, {long}"), Err(BadMessage::Digest));
    check("md5=:AA==:", bad());
    check("sha-256=AA", bad());
    check("", bad());
}

#[test]
fn headers_out_of_form_are_refused() {
    let check = |input: &str, signature: &str, expect: BadMessage| {
        assert_eq!(Message::parse(input, signature).expect_err(input), expect, "{input}");
    };
    let syntax = || BadMessage::Syntax("Signature-Input");
    let good = "sig1=(\"@method\");created=1";
    check("", "sig1=:AA==:", syntax());
    check("sig1", "sig1=:AA==:", syntax());
    check("sig1=\"@method\"", "sig1=:AA==:", syntax());
    check("sig1=(\"@method\"", "sig1=:AA==:", syntax());
    check("sig1=(\"@method\"\"@path\")", "sig1=:AA==:", syntax());
    check("sig1=(\"@method\" \"@method\")", "sig1=:AA==:", syntax());
    check("sig1=(\"@method\");created=yes", "sig1=:AA==:", syntax());
    check(&format!("{good}{}", "x".repeat(3000)), "sig1=:AA==:", syntax());
    check("sig1=(\"@query-param\";name=\"a\")", "sig1=:AA==:", BadMessage::Component("@query-param".into()));
    check("sig1=(\"date\";sf)", "sig1=:AA==:", BadMessage::Component("date".into()));
    check("sig1=(\"Date\")", "sig1=:AA==:", BadMessage::Component("Date".into()));
    check("sig1=(\"@status\")", "sig1=:AA==:", BadMessage::Component("@status".into()));
    check(&format!("{good}, sig2=(\"@path\")"), "sig1=:AA==:", BadMessage::NotOne);
    check(good, "sig2=:AA==:", BadMessage::NotOne);
    check(good, "sig1=:AA==:, sig2=:AA==:", BadMessage::NotOne);
    check(good, "sig1=AA", BadMessage::Syntax("Signature"));
}

#[test]
fn a_signature_covers_the_method_the_whole_target_and_the_body() {
    let check = |covered: &str, parameters: &str, query: bool, body: bool, expect: Option<&str>| {
        let found = parse(covered, parameters, b"").demand(query, body).err().map(|why| why.to_string());
        match expect {
            None => assert_eq!(found, None, "{covered}{parameters}"),
            Some(part) => assert!(
                found.as_deref().is_some_and(|text| text.contains(part)),
                "{covered}{parameters}: {found:?}"
            ),
        }
    };
    let both = "\"@method\" \"@path\"";
    check(both, PARAMETERS, false, false, None);
    check(&format!("{both} \"@query\" \"content-digest\""), PARAMETERS, true, true, None);
    check("\"@method\" \"@request-target\"", PARAMETERS, true, false, None);
    check("\"@path\"", PARAMETERS, false, false, Some("\"@method\""));
    check("\"@method\"", PARAMETERS, false, false, Some("\"@path\""));
    check(both, PARAMETERS, true, false, Some("\"@query\""));
    check(both, PARAMETERS, false, true, Some("\"content-digest\""));
    check(both, ";created=1;keyid=\"k\"", false, false, Some("nonce"));
    check(both, ";created=1;keyid=\"k\";nonce=\"short\"", false, false, Some("nonce"));
    check(both, ";created=1;nonce=\"0123456789abcdef\"", false, false, Some("keyid"));
    check(both, ";keyid=\"k\";nonce=\"0123456789abcdef\"", false, false, Some("created"));
    check(both, ";created=\"1\";keyid=\"k\";nonce=\"0123456789abcdef\"", false, false, Some("created"));
}

use jialing_crypto::http_signature::{
    BadHeader, CallbackSignature, MAX_HEADER_BYTES, NotSigned, RequestSignature, callback_text, is_fresh,
    names, request_text,
};
use jialing_crypto::{BadSignature, SigningKey, Suite};
use proptest::prelude::*;

const NOW: i64 = 1_790_000_000;
const TARGET: &str = "/v1/merchant/orders?limit=20";
const BODY: &[u8] = "{\"description\":\"小面\"}".as_bytes();

fn signed(key: &SigningKey) -> RequestSignature {
    RequestSignature::sign(key, "mch_1001", "POST", TARGET, BODY, NOW)
}

#[test]
fn the_signed_texts_are_these_bytes() {
    assert_eq!(request_text("POST", "/v1/x?a=1", 7, "n", b"{}"), b"POST\n/v1/x?a=1\n7\nn\n{}\n");
    assert_eq!(request_text("GET", "/v1/x", 7, "n", b""), b"GET\n/v1/x\n7\nn\n\n");
    assert_eq!(callback_text(7, "n", b"{}"), b"7\nn\n{}\n");
}

#[test]
fn a_signed_request_comes_through_its_header_with_every_suite() {
    for suite in Suite::ALL {
        let key = SigningKey::generate(suite);
        let header = signed(&key).to_header();
        assert!(header.starts_with(&format!("JIALING1-{suite} mchid=\"mch_1001\",serial_no=")));
        let parsed = RequestSignature::parse(&header).unwrap();
        assert_eq!(parsed.serial_no, key.public().id());
        assert_eq!(parsed.timestamp, NOW);
        assert_eq!(parsed.verify(key.public(), "POST", TARGET, BODY), Ok(()));
    }
}

#[test]
fn whatever_is_changed_after_signing_is_noticed() {
    let key = SigningKey::generate(Suite::Ed25519);
    let signature = signed(&key);
    let bad = Err(NotSigned::BadSignature(BadSignature));
    let check = |signature: &RequestSignature, method, target, body| {
        assert_eq!(signature.verify(key.public(), method, target, body), bad);
    };
    check(&signature, "PUT", TARGET, BODY);
    check(&signature, "POST", "/v1/merchant/orders?limit=21", BODY);
    check(&signature, "POST", TARGET, b"{}");
    check(&signature, "POST", TARGET, b"");
    let mut other = signature.clone();
    other.timestamp += 1;
    check(&other, "POST", TARGET, BODY);
    let mut other = signature.clone();
    other.nonce = "0".repeat(32);
    check(&other, "POST", TARGET, BODY);
    let stranger = SigningKey::generate(Suite::Ed25519);
    assert_eq!(signature.verify(stranger.public(), "POST", TARGET, BODY), bad);
}

#[test]
fn a_line_break_cannot_move_bytes_between_fields() {
    let key = SigningKey::generate(Suite::Ed25519);
    let signature = RequestSignature::sign(&key, "m", "POST", "/a", b"b\nc", NOW);
    let moved = format!("b\n{NOW}");
    assert!(signature.verify(key.public(), "POST", "/a", moved.as_bytes()).is_err());
    let header = signature.to_header();
    let broken = header.replace(&signature.nonce, &format!("{}\nx", &signature.nonce[2..]));
    assert_eq!(RequestSignature::parse(&broken), Err(BadHeader::Value("nonce_str")));
}

#[test]
fn a_key_never_verifies_under_another_suite() {
    for suite in Suite::ALL {
        let key = SigningKey::generate(suite);
        let mut signature = signed(&key);
        for other in Suite::ALL.into_iter().filter(|other| *other != suite) {
            signature.suite = other;
            assert_eq!(
                signature.verify(key.public(), "POST", TARGET, BODY),
                Err(NotSigned::WrongSuite { key: suite, header: other })
            );
        }
    }
}

#[test]
fn fields_come_in_any_order_once_and_no_others() {
    let key = SigningKey::generate(Suite::Sm2Sm3);
    let signature = signed(&key);
    let header = signature.to_header();
    let (scheme, list) = header.split_once(' ').unwrap();
    let parts: Vec<&str> = list.split(',').collect();
    let joined = |parts: &[&str], by: &str| format!("{scheme} {}", parts.join(by));

    let backwards: Vec<&str> = parts.iter().rev().copied().collect();
    assert_eq!(RequestSignature::parse(&joined(&backwards, ", ")), Ok(signature));

    for (i, field) in ["mchid", "serial_no", "timestamp", "nonce_str", "signature"].into_iter().enumerate() {
        let mut fewer = parts.clone();
        fewer.remove(i);
        assert_eq!(RequestSignature::parse(&joined(&fewer, ",")), Err(BadHeader::Missing(field)));
        let twice = [&parts[..], &parts[i..=i]].concat();
        assert_eq!(
            RequestSignature::parse(&joined(&twice, ",")),
            Err(BadHeader::Unexpected(field.to_owned()))
        );
    }
    let more = [&parts[..], &["extra=\"1\""]].concat();
    assert_eq!(RequestSignature::parse(&joined(&more, ",")), Err(BadHeader::Unexpected("extra".to_owned())));
}

#[test]
fn a_header_that_breaks_a_rule_says_which() {
    let key = SigningKey::generate(Suite::Ed25519);
    let good = signed(&key).to_header();
    let check = |from: &str, to: &str, expect: BadHeader| {
        let header = good.replacen(from, to, 1);
        assert_ne!(header, good, "{from}");
        assert_eq!(RequestSignature::parse(&header), Err(expect), "{header}");
    };
    check("JIALING1-", "JIALING2-", BadHeader::Scheme);
    check("JIALING1-", "jialing1-", BadHeader::Scheme);
    check("ED25519", "NONE", BadHeader::Scheme);
    check("ED25519 ", "ED25519\t", BadHeader::Scheme);
    check("mchid=\"mch_1001\"", "mchid=mch_1001", BadHeader::Syntax);
    check("mch_1001", "", BadHeader::Value("mchid"));
    check("mch_1001", "mch 1001", BadHeader::Value("mchid"));
    check("mch_1001", "渝", BadHeader::Value("mchid"));
    check("mch_1001", &"m".repeat(65), BadHeader::Value("mchid"));
    check(&NOW.to_string(), "-1", BadHeader::Value("timestamp"));
    check(&NOW.to_string(), "01790000000", BadHeader::Value("timestamp"));
    check(&NOW.to_string(), "1e9", BadHeader::Value("timestamp"));
    check(&NOW.to_string(), "9999999999999", BadHeader::Value("timestamp"));
    check("nonce_str=\"", "nonce_str=\"\\", BadHeader::Value("nonce_str"));
    check("==\"", "\"", BadHeader::Value("signature"));
    check("signature=\"", "signature=\"AAAA", BadHeader::Value("signature"));
    check("\",serial", "\";serial", BadHeader::Syntax);
    check("\",serial", "\"serial", BadHeader::Syntax);
    check("mchid", "", BadHeader::Syntax);

    let long = format!("{good},x=\"{}\"", "x".repeat(MAX_HEADER_BYTES));
    assert_eq!(RequestSignature::parse(&long), Err(BadHeader::TooLong));
    let at_edge = format!("{good}{}", " ".repeat(MAX_HEADER_BYTES - good.len()));
    assert_eq!(RequestSignature::parse(&at_edge), Err(BadHeader::Syntax));
    assert_eq!(RequestSignature::parse(""), Err(BadHeader::Scheme));
}

#[test]
fn a_suite_s_signature_length_is_enforced() {
    let es256 = signed(&SigningKey::generate(Suite::Es256)).to_header();
    let as_rsa = es256.replacen("ES256", "SHA256-RSA2048", 1);
    assert_eq!(RequestSignature::parse(&as_rsa), Err(BadHeader::Value("signature")));
    let rsa = signed(&SigningKey::generate(Suite::RsaSha256)).to_header();
    let as_es256 = rsa.replacen("SHA256-RSA2048", "ES256", 1);
    assert_eq!(RequestSignature::parse(&as_es256), Err(BadHeader::Value("signature")));
}

#[test]
fn a_callback_s_five_headers_carry_its_signature() {
    for suite in Suite::ALL {
        let key = SigningKey::generate(suite);
        let signature = CallbackSignature::sign(&key, BODY, NOW);
        let headers = signature.headers();
        let find =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let parsed = CallbackSignature::from_headers(find).unwrap();
        assert_eq!(parsed, signature);
        assert_eq!(parsed.serial, key.public().id());
        assert_eq!(parsed.verify(key.public(), BODY), Ok(()));
        assert!(parsed.verify(key.public(), b"{}").is_err());
        let other = Suite::ALL[(Suite::ALL.iter().position(|s| *s == suite).unwrap() + 1) % 4];
        let stranger = SigningKey::generate(other);
        assert!(matches!(parsed.verify(stranger.public(), BODY), Err(NotSigned::WrongSuite { .. })));
        for (missing, _) in &headers {
            let without = |name: &'static str| if name == *missing { None } else { find(name) };
            assert_eq!(CallbackSignature::from_headers(without), Err(BadHeader::Missing(missing)));
        }
        let broken = |name: &'static str| match name {
            names::SIGNATURE_TYPE => Some("none"),
            _ => find(name),
        };
        assert_eq!(CallbackSignature::from_headers(broken), Err(BadHeader::Value(names::SIGNATURE_TYPE)));
    }
}

#[test]
fn freshness_ends_at_the_edge_of_the_window() {
    let check = |timestamp, expect| assert_eq!(is_fresh(timestamp, NOW, 300), expect);
    check(NOW, true);
    check(NOW - 300, true);
    check(NOW + 300, true);
    check(NOW - 301, false);
    check(NOW + 301, false);
    check(i64::MIN, false);
    check(i64::MAX, false);
}

proptest! {
    #[test]
    fn no_header_makes_the_parser_panic(text in "(JIALING1-ED25519 )?(mchid=|\"|,|=|\\PC){0,60}") {
        let _ = RequestSignature::parse(&text);
    }

    #[test]
    fn a_header_has_one_meaning(at in any::<prop::sample::Index>(), with in "\\PC") {
        let key = SigningKey::generate(Suite::Ed25519);
        let header = signed(&key).to_header();
        let at = at.index(header.len());
        let mut changed = header.clone();
        changed.replace_range(at..=at, &with);
        if let Ok(parsed) = RequestSignature::parse(&changed)
            && changed != header
        {
            // Only a caller's own id and serial are outside the signed text: they find the key.
            let found_otherwise =
                parsed.mchid != "mch_1001" || parsed.serial_no != key.public().id();
            let refused = parsed.verify(key.public(), "POST", TARGET, BODY).is_err();
            prop_assert!(found_otherwise || refused, "{}", changed);
        }
    }
}

//! The standard's own examples (WebAuthn Level 3, section 16), and an authenticator made of a key.

use super::*;
use crate::SigningKey;
use crate::key::signature_to_der;

const RP: &str = "example.org";
const HOME: &str = "https://example.org";

fn expected(challenge: &[u8; 32]) -> Expected<'_> {
    Expected { challenge, rp_id: RP, origin: |asked, home| asked == home, home: HOME }
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hexadecimal")
}

fn challenge(text: &str) -> [u8; 32] {
    bytes(text).try_into().expect("32 bytes")
}

/// Section 16.3: self attestation, verified holder, backed up.
const VERIFIED: [&str; 3] = [
    "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
    "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e4374334c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d55222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a205539685458764b453255526b4d6e625f307859485667227d",
    "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
];
/// Section 16.3, the use: the holder is present and not verified.
const PRESENT: [&str; 4] = [
    "4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b",
    "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a225248696843784e534e493352594d45314f7731476d3132786e726b634a5f6666707637546e2d4a71386773222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a206754623533727a36456853576f6d58477a696d433151227d",
    "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
    "304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66",
];

#[test]
fn the_standard_s_registration_gives_the_standard_s_credential() {
    let [asked, client, attestation] = VERIFIED;
    let made = registered(&bytes(client), &bytes(attestation), &expected(&challenge(asked)));
    let made = made.expect("it is the standard's");
    assert_eq!(
        hex::encode(&made.credential_id),
        "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c"
    );
    assert_eq!(made.key.suite(), Suite::Es256);
    assert_eq!(made.count, 0);
    assert!(made.backed_up);
    let [asked, client, data, signature] = PRESENT.map(bytes);
    assert_eq!(check_signature(&client, &data, &signature, &made.key), Ok(()));
    assert_eq!(check_signature(&data, &client, &signature, &made.key), Err(Unfit::Signature));
    // A holder who was only there has not said yes to money.
    let asked = asked.try_into().expect("32 bytes");
    let used = asserted(&client, &data, &signature, &made.key, &expected(&asked));
    assert_eq!(used, Err(Unfit::NotVerified));
}

/// Turns some bits of a byte.
fn turned(bytes: &[u8], at: usize, bits: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= bits;
    bytes
}

#[test]
fn a_registration_about_something_else_is_refused() {
    let [asked, client, attestation] = VERIFIED;
    let (asked, client, attestation) = (challenge(asked), bytes(client), bytes(attestation));
    let right = expected(&asked);
    let check = |expected: Expected<'_>, unfit: Unfit| {
        assert_eq!(registered(&client, &attestation, &expected).expect_err("unfit"), unfit);
    };
    check(expected(&[0; 32]), Unfit::Other("the challenge"));
    check(Expected { rp_id: "example.com", ..right }, Unfit::Other("the relying party"));
    check(Expected { home: "https://example.org:8443", ..right }, Unfit::Other("the origin"));
    let used = asserted(&client, &attestation, &[], SigningKey::generate(Suite::Es256).public(), &right);
    assert_eq!(used, Err(Unfit::Other("the ceremony")));
}

#[test]
fn no_prefix_and_no_longer_form_of_a_registration_is_one() {
    let [asked, client, attestation] = VERIFIED;
    let (asked, client, attestation) = (challenge(asked), bytes(client), bytes(attestation));
    for len in 0..attestation.len() {
        let cut = registered(&client, &attestation[..len], &expected(&asked));
        assert!(cut.is_err(), "{len} bytes");
    }
    let longer = [&attestation[..], &[0]].concat();
    assert_eq!(registered(&client, &longer, &expected(&asked)).expect_err("longer"), Unfit::Malformed);
    assert_eq!(
        registered(&client, &vec![0xa0; MAX_PART + 1], &expected(&asked)).expect_err("long"),
        Unfit::Malformed
    );
}

#[test]
fn nothing_that_a_stranger_sends_makes_the_reader_work_for_long() {
    let check = |bytes: &[u8]| assert_eq!(Cbor(bytes).skip(), None, "{bytes:x?}");
    check(&[]);
    // Indefinite lengths, reserved lengths, more than is there, arrays in arrays.
    check(&[0x5f, 0x41, 0, 0xff]);
    check(&[0x1c]);
    check(&[0x5a, 0xff, 0xff, 0xff, 0xff]);
    check(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    check(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    check(&[0x81; 4096]);
    assert_eq!(Cbor(&[0x82, 0x01, 0xa1, 0x61, b'a', 0xf5]).skip(), Some(()));
}

/// What an authenticator with `key` answers.
fn answer(key: &SigningKey, client: &str, flags: u8, count: u32) -> (Vec<u8>, Vec<u8>) {
    let head = [&Sha256::digest(RP)[..], &[flags], &count.to_be_bytes()].concat();
    let signed = [&head[..], &Sha256::digest(client)].concat();
    let signature = signature_to_der(key.suite(), &key.sign(&signed)).expect("its own signature");
    (head, signature)
}

fn client_data(challenge: &[u8; 32]) -> String {
    use base64::Engine;
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(challenge);
    format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{HOME}"}}"#)
}

#[test]
fn a_use_fits_its_challenge_its_key_and_a_verified_holder() {
    let asked = [7; 32];
    for suite in [Suite::Es256, Suite::Ed25519] {
        let (key, other) = (SigningKey::generate(suite), SigningKey::generate(suite));
        let client = client_data(&asked);
        let (data, signature) = answer(&key, &client, 0x05, 9);
        let right = |client: &[u8], data: &[u8], signature: &[u8], key: &SigningKey| {
            asserted(client, data, signature, key.public(), &expected(&asked))
        };
        let client = client.as_bytes();
        assert_eq!(right(client, &data, &signature, &key), Ok(Asserted { count: 9, backed_up: false }));
        let check = |used: Result<Asserted, Unfit>, unfit: Unfit| assert_eq!(used, Err(unfit), "{suite}");
        check(right(client, &data, &signature, &other), Unfit::Signature);
        check(right(client, &turned(&data, 36, 1), &signature, &key), Unfit::Signature);
        check(right(client, &turned(&data, 32, 0x04), &signature, &key), Unfit::NotVerified);
        check(right(client, &turned(&data, 32, 0x80), &signature, &key), Unfit::Malformed);
        check(right(client, &data[..36], &signature, &key), Unfit::Malformed);
        // Backed up, and yet of a kind that cannot be.
        check(right(client, &turned(&data, 32, 0x10), &signature, &key), Unfit::Malformed);
        check(right(client, &data, &[], &key), Unfit::Signature);
        let (data, signature) = answer(&key, &client_data(&[8; 32]), 0x05, 9);
        check(
            right(client_data(&[8; 32]).as_bytes(), &data, &signature, &key),
            Unfit::Other("the challenge"),
        );
    }
}

#[test]
fn a_page_in_another_s_frame_is_not_us() {
    let asked = [7; 32];
    let key = SigningKey::generate(Suite::Es256);
    let framed = client_data(&asked).replace(r#""origin""#, r#""crossOrigin":true,"origin""#);
    let (data, signature) = answer(&key, &framed, 0x05, 0);
    let used = asserted(framed.as_bytes(), &data, &signature, key.public(), &expected(&asked));
    assert_eq!(used, Err(Unfit::Other("the origin")));
}

#[test]
fn keys_of_each_algorithm_are_read_and_others_are_not() {
    let check = |cose: &[u8], expect: Result<Suite, Unfit>| {
        let mut reader = Cbor(cose);
        let found = Cose::read(&mut reader).expect("a map").key().map(|key| key.suite());
        assert_eq!(found, expect, "{cose:x?}");
        assert!(reader.0.is_empty());
    };
    let ed = SigningKey::generate(Suite::Ed25519);
    let raw = ed.public().raw().to_vec();
    check(&[&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32], &raw[..]].concat(), Ok(Suite::Ed25519));
    let point = SigningKey::generate(Suite::Es256).public().raw().to_vec();
    let ec = |algorithm: u8| {
        let head = [0xa5, 1, 2, 3, algorithm, 0x20, 1, 0x21, 0x58, 32];
        [&head[..], &point[1..33], &[0x22, 0x58, 32], &point[33..]].concat()
    };
    check(&ec(0x26), Ok(Suite::Es256));
    // The algorithm of another kind of key, and a point that is on no curve.
    check(&ec(0x27), Err(Unfit::Key));
    check(&turned(&ec(0x26), 20, 0xff), Err(Unfit::Key));
    // A member that is there twice: two readers might take different ones.
    for (twice, again) in [(1, &[1u8, 2][..]), (3, &[3, 0x27]), (-1, &[0x20, 1]), (-3, &[0x22, 0x41, 0])] {
        let mut doubled = [&ec(0x26)[..], again].concat();
        doubled[0] += 1;
        assert!(Cose::read(&mut Cbor(&doubled)).is_none(), "{twice}");
    }
}

#[test]
fn an_attestation_holds_the_authenticator_s_data_once() {
    let [_, _, attestation] = VERIFIED;
    let attestation = bytes(attestation);
    let data = attested(&attestation).expect("the standard's").to_vec();
    let mut doubled = [&attestation[..], &[0x68], b"authData", &[0x58, data.len() as u8], &data].concat();
    doubled[0] += 1;
    assert_eq!(attested(&doubled), None);
}

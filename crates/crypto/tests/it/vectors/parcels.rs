//! `parcels.json`: sealed parts of messages under both ciphers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::parcel::{Parcel, key_of};
use jialing_crypto::seal::SealAlgorithm;
use serde_json::{Value, json};

use super::{kept, list, text};
use crate::openssl::Folder;

const ALGORITHMS: [SealAlgorithm; 2] = [SealAlgorithm::Aes256Gcm, SealAlgorithm::Sm4Gcm];
const SECRET: &[u8; 32] = b"a secret of the vectors, 32 byte";
const PLAINS: [&str; 4] = [
    "",
    "x",
    r#"{"id":"ord_06f3k1v8q0m2r4t6w8y0a2c4e0","state":"SUCCESS"}"#,
    r#"{"description":"麻花两斤 🥨","attach":"长江长江长江长江长江长江长江长江长江长江长江长江长江长江长江长江"}"#,
];

fn made(_: &Value) -> Value {
    let case = |algorithm: SealAlgorithm, plain: &str| {
        let parcel = Parcel::seal(SECRET, algorithm, "evt_1", plain.as_bytes());
        json!({
            "secret": STANDARD.encode(SECRET),
            "key": hex::encode(&*key_of(SECRET, algorithm)),
            "parcel": parcel,
            "plain": plain,
        })
    };
    json!({
        "about": "The key is the first bytes, 32 or 16, of HMAC-SHA-256 under the secret over jialing-parcel-1:ALGORITHM. \
                  The tag of 16 bytes follows the ciphertext. A parcel opens for its associated data only.",
        "parcels": ALGORITHMS.iter().flat_map(|algorithm| PLAINS.map(|plain| case(*algorithm, plain))).collect::<Vec<_>>(),
        "refused": ALGORITHMS.into_iter().flat_map(refused).collect::<Vec<_>>(),
        "sm4_gcm_standard": {
            "about": "RFC 8998, A.1.",
            "key": "0123456789abcdeffedcba9876543210",
            "nonce": "00001234567800000000abcd",
            "associated_data": "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "plain": "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
            "ciphertext": "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec",
        },
    })
}

/// A good parcel with one thing changed.
fn refused(algorithm: SealAlgorithm) -> Vec<Value> {
    let good = Parcel::seal(SECRET, algorithm, "evt_1", b"{\"state\":\"NOTPAY\"}");
    let changed = |why: &str, change: &dyn Fn(&mut Parcel)| {
        let mut parcel = good.clone();
        change(&mut parcel);
        json!({ "why": why, "secret": STANDARD.encode(SECRET), "associated_data": "evt_1", "parcel": parcel })
    };
    let other = match algorithm {
        SealAlgorithm::Aes256Gcm => SealAlgorithm::Sm4Gcm,
        SealAlgorithm::Sm4Gcm => SealAlgorithm::Aes256Gcm,
    };
    let flip = |text: &str| {
        let mut bytes = STANDARD.decode(text).expect("base64");
        bytes[3] ^= 1;
        STANDARD.encode(bytes)
    };
    let mut elsewhere = changed("opened for another event", &|_| ());
    elsewhere["associated_data"] = json!("evt_2");
    let mut key = changed("another secret", &|_| ());
    key["secret"] = json!(STANDARD.encode([7; 32]));
    vec![
        elsewhere,
        key,
        changed("moved to another event", &|parcel| parcel.associated_data = "evt_2".into()),
        changed("one bit of the ciphertext", &|parcel| parcel.ciphertext = flip(&parcel.ciphertext)),
        changed("one bit of the nonce", &|parcel| parcel.nonce = flip(&parcel.nonce)),
        changed("the other cipher", &|parcel| parcel.algorithm = other),
        changed("no tag", &|parcel| parcel.ciphertext = "AAAA".into()),
        changed("a short nonce", &|parcel| parcel.nonce = "AAAA".into()),
        changed("no base64", &|parcel| parcel.ciphertext = "!".into()),
    ]
}

fn parcel(one: &Value) -> Parcel {
    serde_json::from_value(one["parcel"].clone()).expect("a parcel")
}

#[test]
fn the_parcels_of_the_vectors_open_and_the_others_do_not() {
    let vectors = kept("parcels.json", made);
    let secret = |one: &Value| STANDARD.decode(text(&one["secret"])).expect("base64");
    let parcels = list(&vectors["parcels"]);
    assert_eq!(parcels.len(), 8);
    for one in parcels {
        let opened = parcel(one).open(&secret(one), "evt_1").expect("it opens");
        assert_eq!(&*opened, text(&one["plain"]).as_bytes());
        assert_eq!(hex::encode(&*key_of(&secret(one), parcel(one).algorithm)), text(&one["key"]));
    }
    let refused = list(&vectors["refused"]);
    assert_eq!(refused.len(), 18);
    for one in refused {
        assert!(parcel(one).open(&secret(one), text(&one["associated_data"])).is_err(), "{one}");
    }
}

/// GCM encrypts in counter mode from the block `nonce 00000002` on, which `openssl enc` can do alone.
#[test]
fn openssl_gives_the_same_ciphertext() {
    let vectors = kept("parcels.json", made);
    for one in list(&vectors["parcels"]) {
        let parcel = parcel(one);
        let mode = match parcel.algorithm {
            SealAlgorithm::Aes256Gcm => "-aes-256-ctr",
            SealAlgorithm::Sm4Gcm => "-sm4-ctr",
        };
        let folder = Folder::new();
        folder.write("plain", text(&one["plain"]));
        let counter = hex::encode(STANDARD.decode(&parcel.nonce).expect("base64")) + "00000002";
        let found =
            folder.must(&["enc", mode, "-e", "-in", "plain", "-K", text(&one["key"]), "-iv", &counter]);
        let ciphertext = STANDARD.decode(&parcel.ciphertext).expect("base64");
        assert_eq!(found, ciphertext[..ciphertext.len() - 16], "{one}");
    }
}

#[test]
fn openssl_derives_the_same_keys() {
    let vectors = kept("parcels.json", made);
    for one in list(&vectors["parcels"]) {
        let folder = Folder::new();
        folder.write("text", format!("jialing-parcel-1:{}", parcel(one).algorithm.wire_name()));
        let secret =
            format!("hexkey:{}", hex::encode(STANDARD.decode(text(&one["secret"])).expect("base64")));
        let found = folder.must(&["dgst", "-sha256", "-mac", "HMAC", "-macopt", &secret, "-binary", "text"]);
        assert!(hex::encode(found).starts_with(text(&one["key"])), "{one}");
    }
}

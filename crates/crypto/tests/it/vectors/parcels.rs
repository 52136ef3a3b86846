//! `parcels.json`: sealed parts of messages under both ciphers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::parcel::Parcel;
use jialing_crypto::seal::{SealAlgorithm, SealKey};
use serde_json::{Value, json};

use super::{kept, list, text};
use crate::openssl::Folder;

const ALGORITHMS: [SealAlgorithm; 2] = [SealAlgorithm::Aes256Gcm, SealAlgorithm::Sm4Gcm];
/// The first 16 bytes of it are the SM4 key.
const KEY: &[u8; 32] = b"a key of the vectors of 32 bytes";
const PLAINS: [&str; 4] = [
    "",
    "x",
    r#"{"id":"ord_06f3k1v8q0m2r4t6w8y0a2c4e0","state":"SUCCESS"}"#,
    r#"{"description":"麻花两斤 🥨","attach":"长江长江长江长江长江长江长江长江长江长江长江长江长江长江长江长江"}"#,
];

fn key(algorithm: SealAlgorithm) -> SealKey {
    SealKey::new(0, algorithm, &KEY[..algorithm.key_len()]).expect("a key")
}

fn key_text(algorithm: SealAlgorithm) -> String {
    STANDARD.encode(&KEY[..algorithm.key_len()])
}

fn made(_: &Value) -> Value {
    let case = |algorithm: SealAlgorithm, plain: &str| {
        let parcel = Parcel::seal(&key(algorithm), "key_1", "evt_1", plain.as_bytes());
        json!({ "key": key_text(algorithm), "parcel": parcel, "plain": plain })
    };
    json!({
        "about": "Keys are base64 of 32 bytes for AES-256-GCM and of 16 for SM4-GCM. The tag of 16 bytes follows the \
                  ciphertext. A parcel opens for its associated data only.",
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
    let good = Parcel::seal(&key(algorithm), "key_1", "evt_1", b"{\"state\":\"NOTPAY\"}");
    let changed = |why: &str, change: &dyn Fn(&mut Parcel)| {
        let mut parcel = good.clone();
        change(&mut parcel);
        json!({ "why": why, "key": key_text(algorithm), "associated_data": "evt_1", "parcel": parcel })
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
    let mut strange = changed("another key", &|_| ());
    strange["key"] = json!(STANDARD.encode(vec![7; algorithm.key_len()]));
    vec![
        elsewhere,
        strange,
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

/// A key of the vectors, for the cipher that takes so many bytes.
fn read_key(one: &Value) -> SealKey {
    let bytes = STANDARD.decode(text(&one["key"])).expect("base64");
    let algorithm = ALGORITHMS.into_iter().find(|known| known.key_len() == bytes.len());
    SealKey::new(0, algorithm.expect("32 bytes or 16"), &bytes).expect("a key")
}

#[test]
fn the_parcels_of_the_vectors_open_and_the_others_do_not() {
    let vectors = kept("parcels.json", made);
    let parcels = list(&vectors["parcels"]);
    assert_eq!(parcels.len(), 8);
    for one in parcels {
        let opened = parcel(one).open(&read_key(one), "evt_1").expect("it opens");
        assert_eq!(&*opened, text(&one["plain"]).as_bytes());
    }
    let refused = list(&vectors["refused"]);
    assert_eq!(refused.len(), 18);
    for one in refused {
        assert!(parcel(one).open(&read_key(one), text(&one["associated_data"])).is_err(), "{one}");
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
        let key = hex::encode(STANDARD.decode(text(&one["key"])).expect("base64"));
        let counter = hex::encode(STANDARD.decode(&parcel.nonce).expect("base64")) + "00000002";
        let found = folder.must(&["enc", mode, "-e", "-in", "plain", "-K", &key, "-iv", &counter]);
        let ciphertext = STANDARD.decode(&parcel.ciphertext).expect("base64");
        assert_eq!(found, ciphertext[..ciphertext.len() - 16], "{one}");
    }
}

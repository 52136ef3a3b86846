//! Both suites: their published examples, the `openssl` program, and a log of each.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use jialing_journal::hash::hex;
use jialing_journal::{
    Checkpoint, CheckpointSigner, Genesis, Journal, JournalError, Memory, PublicKey, Suite, VerifierKey,
    proof,
};

use crate::log::{append, check_entries, entry};

const SM2_SPKI: &str = "3059301306072a8648ce3d020106082a811ccf5501822d034200";

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn signer(suite: Suite) -> CheckpointSigner {
    CheckpointSigner::new(suite, "test/log", &[9; 32])
}

/// GB/T 32918.5, annex A.2: key, message "message digest", user id 1234567812345678.
#[test]
fn the_standards_example_of_sm2_verifies_and_its_key_follows_from_its_secret() {
    let secret = unhex("3945208F 7B2144B1 3F36E38A C6D39F95 88939369 2860B51A 42FB81EF 4DF7C5B8");
    let point = unhex(
        "04 09F9DF31 1E5421A1 50DD7D16 1E4BC5C6 72179FAD 1833FC07 6BB08FF3 56F35020
            CCEA490C E26775A5 2DC6EA71 8CC1AA60 0AED05FB F35E084A 6632F607 2DA9AD13",
    );
    let signature: [u8; 64] = unhex(
        "F5A03B06 48D2C463 0EEAC513 E1BB81A1 5944DA38 27D5B741 43AC7EAC EEE720B3
         B1B6AA29 DF212FD8 763182BC 0D421CA1 BB9038FD 1F7F42D4 840B69C4 85BBC1AA",
    )
    .try_into()
    .unwrap();
    let key = PublicKey::from_bytes(Suite::Sm3Sm2, &point).unwrap();
    assert!(key.verifies(b"message digest", &signature));
    assert!(!key.verifies(b"message digesT", &signature));
    for at in [0, 31, 32, 63] {
        let mut bad = signature;
        bad[at] ^= 1;
        assert!(!key.verifies(b"message digest", &bad), "byte {at}");
    }
    let ours = CheckpointSigner::new(Suite::Sm3Sm2, "x", &secret.try_into().unwrap()).verifier();
    assert_eq!(ours.public, key);
}

/// RFC 8032, 7.1, test 2.
#[test]
fn the_example_of_ed25519_verifies_and_its_key_follows_from_its_secret() {
    let secret = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    let public = unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let signature: [u8; 64] = unhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    )
    .try_into()
    .unwrap();
    let key = PublicKey::from_bytes(Suite::Sha256Ed25519, &public).unwrap();
    assert!(key.verifies(&[0x72], &signature) && !key.verifies(&[0x73], &signature));
    let ours = CheckpointSigner::new(Suite::Sha256Ed25519, "x", &secret.try_into().unwrap()).verifier();
    assert_eq!(ours.public, key);
}

#[test]
fn seeds_that_are_no_sm2_secret_are_replaced_and_still_sign() {
    // The curve's order, and its two neighbours.
    let order = unhex("FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF 7203DF6B 21C6052B 53BBF409 39D54123");
    let near = |more: i16| {
        let mut seed: [u8; 32] = order.clone().try_into().unwrap();
        seed[31] = (i16::from(seed[31]) + more) as u8;
        seed
    };
    let keys: Vec<VerifierKey> = [[0; 32], [0xff; 32], near(0), near(-1), near(-2), near(1)]
        .iter()
        .map(|seed| {
            let signer = CheckpointSigner::new(Suite::Sm3Sm2, "x", seed);
            assert!(signer.sign(1, [1; 32], 1).verify(&signer.verifier()), "{}", hex(seed));
            signer.verifier()
        })
        .collect();
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[..place].contains(key), "every seed has its own key");
    }
}

#[test]
fn a_note_of_either_suite_opens_under_its_own_key_only() {
    for suite in Suite::ALL {
        let key = signer(suite).verifier();
        assert_eq!(key.public.suite(), suite);
        assert_eq!(VerifierKey::parse(&key.to_string()), Some(key.clone()));
        let checkpoint = signer(suite).sign(42, [5; 32], 77);
        assert_eq!(checkpoint, signer(suite).sign(42, [5; 32], 77), "signing depends on nothing else");
        assert_eq!(Checkpoint::open(&checkpoint.note(&key), &key).unwrap(), checkpoint);
        for other in Suite::ALL {
            let other = CheckpointSigner::new(other, "test/log", &[8; 32]).verifier();
            assert!(!checkpoint.verify(&other));
            assert!(
                Checkpoint::open(&checkpoint.note(&key), &other).unwrap_err().contains("no signature by")
            );
        }
    }
}

#[test]
fn the_sm2_key_is_written_as_the_journals_page_says() {
    let key = signer(Suite::Sm3Sm2).verifier();
    let typed = [b"\xffjialing.sm2", key.public.as_bytes()].concat();
    let id = Suite::Sha256Ed25519.digest(&[b"test/log\n", &typed[..]].concat());
    assert_eq!(key.hash(), id[..4]);
    assert_eq!((key.public.as_bytes().len(), key.public.as_bytes()[0]), (65, 4));
    // What is of no known type, or cut, is no key.
    let text = key.to_string();
    assert_eq!(VerifierKey::parse(&text[..text.len() - 4]), None);
    assert_eq!(PublicKey::from_bytes(Suite::Sm3Sm2, &[2; 65]), None);
    assert_eq!(PublicKey::from_bytes(Suite::Sm3Sm2, &[4; 64]), None);
    let nowhere = PublicKey::from_bytes(Suite::Sm3Sm2, &[4; 65]).unwrap();
    assert!(!nowhere.verifies(b"", &[1; 64]), "a point that is not on the curve verifies nothing");
}

#[test]
fn a_log_of_each_suite_is_written_read_proven_and_opened_again() {
    for suite in Suite::ALL {
        let disk = Memory::new();
        let genesis = Genesis { key: signer(suite).verifier() };
        let open = || Journal::open(Arc::new(disk.clone()), &genesis, 32 << 10).unwrap();
        let (mut journal, mut checkpoints, _) = open();
        for count in [1, 300, 2, 1100, 3] {
            append(&mut journal, count);
        }
        let (size, root) = journal.head();
        checkpoints.append(signer(suite).sign(size, root, 1)).unwrap();
        drop((journal, checkpoints));
        let (journal, checkpoints, recovered) = open();
        assert_eq!((recovered.records, journal.head().1), (size, root));
        assert!(checkpoints.newest().unwrap().verify(&genesis.key));
        check_entries(&journal, size);
        let reader = journal.reader();
        assert_eq!(reader.suite(), suite);
        for seq in (0..size).step_by(97) {
            let path = reader.inclusion(seq, size).unwrap();
            assert!(proof::includes(suite, &suite.leaf(&entry(seq)), seq, size, &path, &root));
            let old = reader.root(seq).unwrap();
            let path = reader.consistency(seq, size).unwrap();
            assert!(proof::consistent(suite, seq, &old, size, &root, &path));
            let other = Suite::ALL.into_iter().find(|other| *other != suite).unwrap();
            let inclusion = reader.inclusion(seq, size).unwrap();
            assert!(!proof::includes(other, &suite.leaf(&entry(seq)), seq, size, &inclusion, &root));
        }
        assert_eq!(Genesis::load(&disk).unwrap(), Some(genesis.clone()));
        let first = String::from_utf8(disk.bytes("genesis").unwrap()).unwrap();
        assert!(first.starts_with(&format!("jialing ledger, format 1, {}\n", suite.name())), "{first}");
        drop((journal, reader));
        let other = Suite::ALL.into_iter().find(|other| *other != suite).unwrap();
        let stranger = Genesis { key: signer(other).verifier() };
        let refused = Journal::open(Arc::new(disk.clone()), &stranger, 32 << 10).err().unwrap();
        assert!(
            matches!(&refused, JournalError::Mismatch(what) if what.contains("keeps its suite")),
            "{refused}"
        );
    }
}

fn openssl(folder: &Path, args: &[&str]) -> (bool, Vec<u8>) {
    let output = Command::new("openssl").args(args).current_dir(folder).output().expect("openssl runs");
    (output.status.success(), output.stdout)
}

/// An integer as DER has it.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let from = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len() - 1);
    let sign: &[u8] = if bytes[from] < 0x80 { &[] } else { &[0] };
    let body = [sign, &bytes[from..]].concat();
    [&[2, body.len() as u8], &body[..]].concat()
}

fn to_der(signature: &[u8; 64]) -> Vec<u8> {
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, body.len() as u8], &body[..]].concat()
}

fn from_der(der: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    let mut rest = &der[2..];
    for half in signature.chunks_mut(32) {
        let (body, after) = rest[2..].split_at(usize::from(rest[1]));
        let digits = &body[body.len().saturating_sub(32)..];
        half[32 - digits.len()..].copy_from_slice(digits);
        rest = after;
    }
    signature
}

const SM2_OPTIONS: [&str; 4] = ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"];

#[test]
fn openssl_verifies_an_sm2_checkpoint_of_ours_and_refuses_a_changed_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = signer(Suite::Sm3Sm2).verifier();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("public.der", &[&unhex(SM2_SPKI), key.public.as_bytes()].concat());
    for size in 1..5 {
        let checkpoint = signer(Suite::Sm3Sm2).sign(size, [size as u8; 32], 77);
        let note = checkpoint.note(&key);
        let text = &note[..=note.find("\n\n").unwrap()];
        write("signature", &to_der(&checkpoint.signature));
        let verify = |text: &str| {
            write("text", text.as_bytes());
            let args = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "public.der", "-rawin"];
            let files = ["-in", "text", "-sigfile", "signature"];
            openssl(folder.path(), &[&args[..], &files, &SM2_OPTIONS].concat()).0
        };
        assert!(verify(text), "{text}");
        assert!(!verify(&text.replace("time 77", "time 78")));
    }
}

#[test]
fn we_verify_what_openssl_signs_with_sm2() {
    let folder = tempfile::tempdir().unwrap();
    assert!(openssl(folder.path(), &["genpkey", "-algorithm", "SM2", "-out", "secret.pem"]).0);
    let (fine, public) = openssl(folder.path(), &["pkey", "-in", "secret.pem", "-pubout", "-outform", "DER"]);
    assert!(fine && public.starts_with(&unhex(SM2_SPKI)));
    let key = PublicKey::from_bytes(Suite::Sm3Sm2, &public[public.len() - 65..]).unwrap();
    for text in ["", "x", "test/log\n42\nAAAA\ntime 7\n"] {
        std::fs::write(folder.path().join("text"), text).unwrap();
        let sign = ["pkeyutl", "-sign", "-inkey", "secret.pem", "-rawin", "-in", "text"];
        let (fine, signature) = openssl(folder.path(), &[&sign[..], &SM2_OPTIONS].concat());
        assert!(fine && key.verifies(text.as_bytes(), &from_der(&signature)), "{text}");
        assert!(!key.verifies(b"another text", &from_der(&signature)));
    }
}

#[test]
fn leaves_and_nodes_of_both_suites_are_what_openssl_digests() {
    let folder = tempfile::tempdir().unwrap();
    let entries: Vec<u8> = (0..20).flat_map(entry).collect();
    for (suite, name) in [(Suite::Sha256Ed25519, "-sha256"), (Suite::Sm3Sm2, "-sm3")] {
        let digest = |bytes: &[u8]| {
            std::fs::write(folder.path().join("data"), bytes).unwrap();
            openssl(folder.path(), &["dgst", name, "-binary", "data"]).1
        };
        let (mut leaves, mut nodes) = (Vec::new(), Vec::new());
        suite.leaves(&entries, &mut leaves);
        suite.nodes(&leaves, &mut nodes);
        for place in [0, 7, 9] {
            let (left, right) = (leaves[2 * place], leaves[2 * place + 1]);
            assert_eq!(digest(&[&[0][..], &entry(2 * place as u64)].concat()), left);
            assert_eq!(digest(&[&[1][..], &left, &right].concat()), nodes[place]);
        }
        assert_eq!(digest(&[]), suite.empty());
    }
}

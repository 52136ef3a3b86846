use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::note::{Checkpoint, NoteError, NoteSigner, NoteVerifier, SignedNote, add_line};
use jialing_crypto::{SigningKey, Suite};
use proptest::prelude::*;

fn signer(name: &str, suite: Suite) -> NoteSigner {
    NoteSigner::new(name, SigningKey::generate(suite)).unwrap()
}

#[test]
fn the_specification_s_example_verifies() {
    let verifier =
        NoteVerifier::from_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
            .unwrap();
    let note = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\
        \n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let parsed = SignedNote::parse(note).unwrap();
    let (text, signed) = parsed.verified_by(std::slice::from_ref(&verifier)).unwrap();
    assert!(text.ends_with("problem is.\n"));
    assert_eq!(signed, [0]);
    let changed = note.replace("answer", "cause");
    assert_eq!(SignedNote::parse(&changed).unwrap().verified_by(&[verifier]), Err(NoteError::BadSignature));
}

#[test]
fn both_suites_of_logs_sign_notes_and_their_keys_have_a_text_form() {
    for suite in [Suite::Ed25519, Suite::Sm2Sm3] {
        let signer = signer("ledger.example/jialing", suite);
        let note = signer.sign("first\n\nsecond\n").unwrap();
        let vkey = signer.verifier().to_vkey();
        let verifier = NoteVerifier::from_vkey(&vkey).unwrap();
        assert_eq!(&verifier, signer.verifier());
        let parsed = SignedNote::parse(&note).unwrap();
        assert_eq!(parsed.verified_by(&[verifier]).unwrap(), ("first\n\nsecond\n", vec![0]));
        let renamed = vkey.replacen("ledger", "lodger", 1);
        assert_eq!(NoteVerifier::from_vkey(&renamed), Err(NoteError::BadKey));
    }
}

#[test]
fn a_key_decides_how_its_log_hashes_and_no_other_suite_signs_notes() {
    let check = |suite, hash, algorithm, typed: &[u8], raw: usize| {
        let verifier = signer("log", suite).verifier().clone();
        assert_eq!((verifier.tree_hash(), verifier.algorithm()), (hash, algorithm));
        let vkey = verifier.to_vkey();
        let parts: Vec<_> = vkey.splitn(3, '+').collect();
        let key = STANDARD.decode(parts[2]).unwrap();
        assert_eq!((&key[..typed.len()], key.len()), (typed, typed.len() + raw));
        let id = HashAlgorithm::Sha256.digest_parts(&[b"log\n", &key]);
        assert_eq!(parts[..2], ["log", &hex::encode(&id[..4])]);
    };
    check(Suite::Ed25519, HashAlgorithm::Sha256, "RFC6962-SHA256+ED25519", &[1], 32);
    check(Suite::Sm2Sm3, HashAlgorithm::Sm3, "RFC6962-SM3+SM2", b"\xffjialing.sm2\x04", 64);
    for suite in [Suite::RsaSha256, Suite::Es256] {
        let key = SigningKey::generate(suite);
        assert_eq!(NoteSigner::new("log", key).err(), Some(NoteError::BadSuite));
    }
    // A compressed point is another text for the same key, and refused.
    let point = signer("log", Suite::Sm2Sm3).verifier().key().raw().to_vec();
    let short = [&[0xff], b"jialing.sm2".as_slice(), &[2 + (point[64] & 1)], &point[1..33]].concat();
    let id = HashAlgorithm::Sha256.digest_parts(&[b"log\n", &short]);
    let vkey = format!("log+{}+{}", hex::encode(&id[..4]), STANDARD.encode(&short));
    assert_eq!(NoteVerifier::from_vkey(&vkey), Err(NoteError::BadKey));
}

#[test]
fn witnesses_add_lines_and_unknown_lines_are_ignored() {
    let log = signer("log", Suite::Ed25519);
    let witness = signer("witness", Suite::Sm2Sm3);
    let stranger = signer("log", Suite::Ed25519);
    let text = "origin\n5\n";
    let mut note = log.sign(text).unwrap();
    note = add_line(&note, &stranger.line(text)).unwrap();
    note = add_line(&note, &witness.line(text)).unwrap();
    let parsed = SignedNote::parse(&note).unwrap();
    let trusted = [log.verifier().clone(), witness.verifier().clone()];
    assert_eq!(parsed.verified_by(&trusted).unwrap().1, [0, 1]);
    assert_eq!(parsed.verified_by(&trusted[1..]).unwrap().1, [0]);
    assert_eq!(parsed.verified_by(&[]), Err(NoteError::Unsigned));
    let other = signer("log", Suite::Ed25519).verifier().clone();
    assert_eq!(parsed.verified_by(&[other]), Err(NoteError::Unsigned));
    // One wrong line of a trusted key spoils the note, whoever else signed.
    let spoiled = add_line(&note, &witness.line("another\n")).unwrap();
    assert_eq!(SignedNote::parse(&spoiled).unwrap().verified_by(&trusted), Err(NoteError::BadSignature));
}

#[test]
fn what_is_no_note_is_refused() {
    let line = signer("log", Suite::Ed25519).line("text\n");
    let check = |note: &str| {
        assert!(matches!(SignedNote::parse(note), Err(NoteError::Malformed(_))), "{note:?}");
    };
    check("");
    check("text\n");
    check("text\n\n");
    check(&format!("text\n{line}"));
    check(&format!("te\txt\n\n{line}"));
    check(&format!("te\rxt\n\n{line}"));
    check(format!("text\n\n{line}").trim_end());
    check(&format!("text\n\n{line}rubbish\n"));
    check(&format!("text\n\n{}", line.replace('\u{2014}', "-")));
    check("text\n\n— log !!!!\n");
    check("text\n\n— log AAAA\n");
    check("text\n\n— a+b AAAAAAAA\n");
    check(&format!("text\n\n{}", line.repeat(101)));
    check(&format!("{}\n\n{line}", "x".repeat(64 * 1024)));
    for text in ["", "no newline", "control \u{7}\n"] {
        assert!(signer("log", Suite::Ed25519).sign(text).is_err());
    }
    for name in ["", "a b", "a+b", "a\n"] {
        let key = SigningKey::generate(Suite::Ed25519);
        assert_eq!(NoteSigner::new(name, key).err(), Some(NoteError::BadName));
    }
}

#[test]
fn a_checkpoint_is_read_as_it_was_written_or_not_at_all() {
    let checkpoint = Checkpoint {
        origin: "jialing.example/ledger".to_owned(),
        size: 1_234,
        root: [5; 32],
        extensions: vec!["time 1790000000".to_owned()],
    };
    let text = checkpoint.to_text();
    assert_eq!(Checkpoint::parse(&text).as_ref(), Ok(&checkpoint));
    let check = |text: String| assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    check(text.replace("1234", "01234"));
    check(text.replace("1234", "+1234"));
    check(text.replace("1234", "-1"));
    check(text.replace("1234", "18446744073709551616"));
    check(text.replace("jialing.example/ledger", ""));
    check(text.replace("BQUF", "BQU"));
    check(text.trim_end().to_owned());
    check(format!("{text}\n"));
    check(String::new());
}

#[test]
fn a_checkpoint_opens_with_the_log_s_key_and_name_only() {
    let log = signer("log", Suite::Sm2Sm3);
    let checkpoint = Checkpoint { origin: "log".to_owned(), size: 9, root: [1; 32], extensions: vec![] };
    let note = log.sign(&checkpoint.to_text()).unwrap();
    let trusted = [log.verifier().clone()];
    assert_eq!(Checkpoint::open(&note, "log", &trusted), Ok(checkpoint));
    assert!(Checkpoint::open(&note, "another", &trusted).is_err());
    let other = [signer("log", Suite::Sm2Sm3).verifier().clone()];
    assert_eq!(Checkpoint::open(&note, "log", &other), Err(NoteError::Unsigned));
    let grown = note.replacen("\n9\n", "\n10\n", 1);
    assert_eq!(Checkpoint::open(&grown, "log", &trusted), Err(NoteError::BadSignature));
}

proptest! {
    #[test]
    fn no_text_makes_the_parsers_panic(text in "(\\PC|\n|— | ){0,200}") {
        let _ = SignedNote::parse(&text);
        let _ = Checkpoint::parse(&text);
        let _ = NoteVerifier::from_vkey(&text);
    }
}

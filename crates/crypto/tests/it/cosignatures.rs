use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::cosign::{self, Cosignature, Witness, WitnessSigner};
use jialing_crypto::note::{Checkpoint, NoteError, NoteSigner, NoteVerifier, SignedNote, add_line};
use jialing_crypto::{SigningKey, Suite};

const TIME: u64 = 1_679_315_147;

fn checkpoint(size: u64) -> String {
    Checkpoint {
        origin: "log.example".to_owned(),
        size,
        root: [5; 32],
        extensions: vec!["time 9".to_owned()],
    }
    .to_text()
}

fn log(suite: Suite) -> NoteSigner {
    NoteSigner::new("log.example", SigningKey::generate(suite)).unwrap()
}

fn witness(name: &str, seed: u8) -> WitnessSigner {
    WitnessSigner::from_seed(name, &[seed; 32]).unwrap()
}

#[test]
fn the_example_of_the_specification_has_its_form() {
    // The example of C2SP tlog-cosignature; its keys are not published.
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    SignedNote::parse(note).unwrap();
    let theirs = STANDARD
        .decode("jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==")
        .unwrap();
    let line = witness("witness.example.com/w1", 1).line(&checkpoint(1), TIME);
    let ours = STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
    assert_eq!(ours.len(), theirs.len());
    assert_eq!(ours[4..12], theirs[4..12], "the time of the example stands where it does there");
}

#[test]
fn a_cosignature_is_ed25519_over_two_lines_and_the_text() {
    let (signer, text) = (witness("w.example", 7), checkpoint(42));
    let line = signer.line(&text, TIME);
    let blob = STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
    assert_eq!(blob[..4], signer.public().key_id());
    assert_eq!(blob[4..12], TIME.to_be_bytes());
    let message = format!("cosignature/v1\ntime 1679315147\n{text}");
    signer.public().key().verify(message.as_bytes(), &blob[12..]).unwrap();
}

#[test]
fn a_reader_counts_the_witnesses_it_trusts() {
    for suite in [Suite::Ed25519, Suite::Sm2Sm3] {
        let (log, text) = (log(suite), checkpoint(42));
        let [ann, bob, eve] = [witness("ann", 1), witness("bob", 2), witness("eve", 3)];
        let mut note = log.sign(&text).unwrap();
        note = add_line(&note, &ann.line(&text, 10)).unwrap();
        note = add_line(&note, &bob.line(&text, 20)).unwrap();
        let all = [&ann, &bob, &eve].map(|signer| signer.public().clone());
        let check = |trusted: &[Witness], need: usize, expect: Result<&[(&str, u64)], NoteError>| {
            let expect = expect.map(|found| {
                found
                    .iter()
                    .map(|(name, time)| Cosignature { name: (*name).to_owned(), time: *time })
                    .collect()
            });
            assert_eq!(cosign::open(&note, log.verifier(), trusted, need).map(|(_, found)| found), expect);
        };
        check(&[], 0, Ok(&[]));
        check(&all, 2, Ok(&[("ann", 10), ("bob", 20)]));
        check(&all[2..], 0, Ok(&[]));
        check(&all, 3, Err(NoteError::TooFewCosignatures { has: 2, need: 3 }));
        check(&all[1..], 2, Err(NoteError::TooFewCosignatures { has: 1, need: 2 }));
        // A witness that is named twice is one.
        check(&[all[0].clone(), all[0].clone()], 2, Err(NoteError::TooFewCosignatures { has: 1, need: 2 }));
    }
}

#[test]
fn one_key_under_two_names_is_one_witness_and_the_log_is_none() {
    let text = checkpoint(42);
    let log = NoteSigner::new("log.example", SigningKey::from_ed25519_seed(&[9; 32]).unwrap()).unwrap();
    let faces = [witness("ann", 1), witness("bob", 1), witness("log.example", 9)];
    let mut note = log.sign(&text).unwrap();
    for face in &faces {
        note = add_line(&note, &face.line(&text, TIME)).unwrap();
    }
    let trusted = faces.map(|face| face.public().clone());
    assert_eq!(
        cosign::open(&note, log.verifier(), &trusted, 2).err(),
        Some(NoteError::TooFewCosignatures { has: 1, need: 2 })
    );
}

#[test]
fn a_false_cosignature_spoils_the_note_and_a_strangers_does_not() {
    let (log, text) = (log(Suite::Ed25519), checkpoint(42));
    let ann = witness("ann", 1);
    let note = log.sign(&text).unwrap();
    let trusted = [ann.public().clone()];
    let check = |line: &str, expect: Result<usize, NoteError>| {
        let note = add_line(&note, line).unwrap();
        assert_eq!(
            cosign::open(&note, log.verifier(), &trusted, 0).map(|(_, found)| found.len()),
            expect,
            "{line}"
        );
    };
    check(&ann.line(&text, TIME), Ok(1));
    check(&ann.line(&checkpoint(43), TIME), Err(NoteError::BadSignature));
    check(&witness("ann", 2).line(&text, TIME), Ok(0));
    // The time is signed.
    let mut blob = STANDARD.decode(ann.line(&text, TIME).trim_end().rsplit(' ').next().unwrap()).unwrap();
    blob[11] ^= 1;
    check(&format!("— ann {}\n", STANDARD.encode(&blob)), Err(NoteError::BadSignature));
    blob.truncate(12);
    check(&format!("— ann {}\n", STANDARD.encode(&blob)), Err(NoteError::BadSignature));
    // A plain signature of the same key is another type, and no cosignature.
    let plain = NoteSigner::new("ann", SigningKey::from_ed25519_seed(&[1; 32]).unwrap()).unwrap();
    check(&plain.line(&text), Ok(0));
}

#[test]
fn a_witness_key_is_no_log_key_and_the_other_way_round() {
    let witness = witness("w.example", 1);
    let vkey = witness.public().to_vkey();
    assert_eq!(Witness::from_vkey(&vkey).as_ref(), Ok(witness.public()));
    assert_eq!(NoteVerifier::from_vkey(&vkey), Err(NoteError::BadKey));
    for suite in [Suite::Ed25519, Suite::Sm2Sm3] {
        assert_eq!(Witness::from_vkey(&log(suite).verifier().to_vkey()), Err(NoteError::BadKey));
    }
    let sm2 = SigningKey::generate(Suite::Sm2Sm3);
    assert_eq!(Witness::new("w.example", sm2.public().clone()), Err(NoteError::BadSuite));
    assert!(WitnessSigner::from_seed("w example", &[1; 32]).is_err());
}

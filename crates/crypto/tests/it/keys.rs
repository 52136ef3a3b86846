use jialing_crypto::{BadSignature, KeyError, PublicKey, SigningKey, Suite, key};
use proptest::prelude::*;

fn hexed(text: &str) -> Vec<u8> {
    hex::decode(text.replace([' ', '\n'], "")).unwrap()
}

/// A published signature verifies, and stops to when message or signature change by one bit.
fn check_vector(suite: Suite, public: &str, message: &[u8], signature: &str) {
    let key = PublicKey::from_raw(suite, &hexed(public)).unwrap();
    let signature = hexed(signature);
    assert_eq!(key.verify(message, &signature), Ok(()));
    for at in 0..signature.len() {
        let mut other = signature.clone();
        other[at] ^= 1;
        assert_eq!(key.verify(message, &other), Err(BadSignature), "byte {at}");
    }
    let longer = [message, &[0]].concat();
    assert_eq!(key.verify(&longer, &signature), Err(BadSignature));
}

#[test]
fn ed25519_matches_rfc_8032() {
    let check = |seed: &str, public: &str, message: &str, signature: &str| {
        let key = SigningKey::from_ed25519_seed(&hexed(seed).try_into().unwrap()).unwrap();
        assert_eq!(hex::encode(key.public().raw()), public);
        assert_eq!(hex::encode(key.sign(&hexed(message))), signature);
        check_vector(Suite::Ed25519, public, &hexed(message), signature);
    };
    check(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    );
    check(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
}

#[test]
fn sm2_matches_gb_t_32918_part_5() {
    check_vector(
        Suite::Sm2Sm3,
        "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020
         ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
        b"message digest",
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3
         b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
    );
}

#[test]
fn es256_matches_rfc_6979() {
    check_vector(
        Suite::Es256,
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6
         7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        b"sample",
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    );
}

#[test]
fn every_suite_signs_survives_its_files_and_stays_in_its_lane() {
    let keys: Vec<SigningKey> = Suite::ALL.into_iter().map(SigningKey::generate).collect();
    let message = "一碗小面 ¥12.50".as_bytes();
    for key in &keys {
        let suite = key.suite();
        let signature = key.sign(message);
        assert_eq!(signature.len(), suite.signature_len().unwrap_or(256));

        let secret_again = SigningKey::from_pkcs8_pem(&key.to_pem()).unwrap();
        assert_eq!(secret_again.public(), key.public());
        assert_eq!(*secret_again.to_pkcs8_der(), *key.to_pkcs8_der());

        let public_again = PublicKey::from_spki_pem(&key.public().to_pem()).unwrap();
        assert_eq!(&public_again, key.public());
        assert_eq!(public_again.suite(), suite);
        assert_eq!(public_again.id().len(), 16);
        assert_eq!(PublicKey::from_raw(suite, key.public().raw()).as_ref(), Ok(key.public()));
        assert_eq!(public_again.verify(message, &secret_again.sign(message)), Ok(()));

        for other in &keys {
            let expect = if other.suite() == suite { Ok(()) } else { Err(BadSignature) };
            assert_eq!(other.public().verify(message, &signature), expect);
        }
        assert_eq!(key.public().verify(b"", &signature), Err(BadSignature));
        assert_eq!(key.public().verify(message, b""), Err(BadSignature));
    }
}

#[test]
fn a_compressed_point_is_the_same_key() {
    for suite in [Suite::Sm2Sm3, Suite::Es256] {
        let key = SigningKey::generate(suite);
        let raw = key.public().raw();
        assert_eq!(raw.len(), 65);
        let sign = 2 + (raw[64] & 1);
        let compressed = [&[sign], &raw[1..33]].concat();
        assert_eq!(PublicKey::from_raw(suite, &compressed).as_ref(), Ok(key.public()));
    }
}

#[test]
fn a_secret_is_not_shown_by_debug() {
    for suite in Suite::ALL {
        let key = SigningKey::generate(suite);
        assert_eq!(format!("{key:?}"), format!("SigningKey({suite} {})", key.public().id()));
    }
}

#[test]
fn keys_that_give_no_security_are_refused() {
    let weak = |suite, raw: &[u8]| {
        let refused = PublicKey::from_raw(suite, raw);
        assert!(
            matches!(refused, Err(KeyError::Weak(_) | KeyError::Malformed(_))),
            "{suite} {} gave {refused:?}",
            hex::encode(raw)
        );
    };
    // Points of order 1, 2, 4 and 8, and a y that is on no point.
    let mut identity = [0; 32];
    identity[0] = 1;
    weak(Suite::Ed25519, &identity);
    weak(Suite::Ed25519, &[0; 32]);
    weak(Suite::Ed25519, &hexed("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"));
    weak(Suite::Ed25519, &hexed("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"));
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    weak(Suite::Ed25519, &off_curve);
    weak(Suite::Ed25519, &[1; 31]);

    for suite in [Suite::Sm2Sm3, Suite::Es256] {
        let mut raw = SigningKey::generate(suite).public().raw().to_vec();
        raw[64] ^= 1;
        weak(suite, &raw);
        weak(suite, &[0]);
        weak(suite, &[4; 65]);
        weak(suite, &raw[..64]);
        raw[0] = 6;
        weak(suite, &raw);
    }
    weak(Suite::RsaSha256, b"");
}

#[test]
fn a_point_of_the_other_curve_is_refused() {
    let sm2 = SigningKey::generate(Suite::Sm2Sm3);
    let es256 = SigningKey::generate(Suite::Es256);
    assert!(PublicKey::from_raw(Suite::Es256, sm2.public().raw()).is_err());
    assert!(PublicKey::from_raw(Suite::Sm2Sm3, es256.public().raw()).is_err());
}

#[test]
fn the_wrong_kind_of_file_is_named() {
    let key = SigningKey::generate(Suite::Ed25519);
    let public = key.public().to_pem();
    assert!(matches!(SigningKey::from_pkcs8_pem(&public), Err(KeyError::Malformed(_))));
    assert!(matches!(PublicKey::from_spki_pem(&key.to_pem()), Err(KeyError::Malformed(_))));
    // X25519 is a key, but none that signs.
    let x25519 =
        hexed("302a300506032b656e0321000900000000000000000000000000000000000000000000000000000000000000");
    assert_eq!(PublicKey::from_spki_der(&x25519), Err(KeyError::UnknownAlgorithm));
}

#[test]
fn der_and_fixed_signatures_turn_into_each_other() {
    for suite in [Suite::Sm2Sm3, Suite::Es256] {
        let check = |fixed: &str, der: &str| {
            let (fixed, der) = (hexed(fixed), hexed(der));
            assert_eq!(key::signature_to_der(suite, &fixed).unwrap(), der);
            assert_eq!(key::signature_from_der(suite, &der).unwrap(), fixed);
        };
        let zeros = "00".repeat(31);
        check(&format!("{zeros}01{zeros}7f"), "3006020101 02017f");
        check(&format!("{zeros}80{zeros}ff"), "300802020080 020200ff");
        let ff = "ff".repeat(32);
        check(&format!("{ff}{ff}"), &format!("3046 022100{ff} 022100{ff}"));
        for bad in ["", "3006020101020101 00", "3003020101", "30060201810201ff", "0500"] {
            assert_eq!(key::signature_from_der(suite, &hexed(bad)), Err(BadSignature), "{bad}");
        }
        assert_eq!(key::signature_to_der(suite, &[1; 63]), Err(BadSignature));
    }
}

#[test]
fn sm2_signatures_out_of_range_are_refused() {
    let key = SigningKey::generate(Suite::Sm2Sm3);
    let order = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";
    let zero = "00".repeat(32);
    let one = format!("{}01", "00".repeat(31));
    let minus_one = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54122";
    for (r, s) in [(order, &*one), (&one, order), (&zero, &one), (&one, &zero), (&one, minus_one)] {
        let signature = hexed(&format!("{r}{s}"));
        assert_eq!(key.public().verify(b"x", &signature), Err(BadSignature));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_key_parsers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = PublicKey::from_spki_der(&bytes);
        let _ = SigningKey::from_pkcs8_der(&bytes);
        for suite in Suite::ALL {
            let _ = PublicKey::from_raw(suite, &bytes);
            let _ = key::signature_from_der(suite, &bytes);
            let _ = key::signature_to_der(suite, &bytes);
        }
    }

    #[test]
    fn no_damaged_file_makes_the_key_parsers_panic(
        suite in proptest::sample::select(&[Suite::Ed25519, Suite::Sm2Sm3, Suite::Es256][..]),
        at in 0usize..200,
        flip in 1u8..=255,
    ) {
        let key = SigningKey::generate(suite);
        let mut spki = key.public().spki_der().to_vec();
        let at_public = at % spki.len();
        spki[at_public] ^= flip;
        if let Ok(read) = PublicKey::from_spki_der(&spki) {
            prop_assert_ne!(&read, key.public());
            let _ = read.verify(b"x", &key.sign(b"x"));
        }
        let mut pkcs8 = key.to_pkcs8_der().to_vec();
        let at_secret = at % pkcs8.len();
        pkcs8[at_secret] ^= flip;
        let _ = SigningKey::from_pkcs8_der(&pkcs8);
    }
}

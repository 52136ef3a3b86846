use jialing_crypto::seal::{BlindIndex, KeyRing, OVERHEAD, SealAlgorithm, SealError, SealKey};
use proptest::prelude::*;

const ALGORITHMS: [SealAlgorithm; 2] = [SealAlgorithm::Aes256Gcm, SealAlgorithm::Sm4Gcm];

fn ring(algorithm: SealAlgorithm) -> KeyRing {
    KeyRing::new(vec![SealKey::generate(7, algorithm)], 7).unwrap()
}

#[test]
fn a_sealed_field_opens_in_its_place_only() {
    for algorithm in ALGORITHMS {
        let ring = ring(algorithm);
        let sealed = ring.seal("13800138000".as_bytes(), b"people.phone/per_1");
        assert_eq!(sealed.len(), 11 + OVERHEAD);
        assert!(!sealed.windows(11).any(|w| w == b"13800138000"));
        let open = |place: &[u8]| ring.open(&sealed, place).map(|plain| plain.to_vec());
        assert_eq!(open(b"people.phone/per_1"), Ok(b"13800138000".to_vec()));
        assert_eq!(open(b"people.phone/per_2"), Err(SealError::DoesNotOpen));
        assert_eq!(open(b""), Err(SealError::DoesNotOpen));
        assert_ne!(sealed, ring.seal(b"13800138000", b"people.phone/per_1"));
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    for algorithm in ALGORITHMS {
        let ring = ring(algorithm);
        let sealed = ring.seal(b"secret", b"here");
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            assert!(ring.open(&other, b"here").is_err(), "byte {at}");
        }
        for len in 0..sealed.len() {
            assert!(ring.open(&sealed[..len], b"here").is_err(), "{len} bytes");
        }
    }
}

#[test]
fn a_rotated_ring_seals_with_the_new_key_and_opens_with_both() {
    let mut ring = ring(SealAlgorithm::Aes256Gcm);
    let old = ring.seal(b"old", b"");
    assert_eq!(ring.is_stale(&old), Ok(false));
    ring.rotate(SealKey::generate(8, SealAlgorithm::Sm4Gcm)).unwrap();
    let new = ring.seal(b"new", b"");
    assert_eq!(ring.current_id(), 8);
    assert_eq!(ring.is_stale(&old), Ok(true));
    assert_eq!(ring.is_stale(&new), Ok(false));
    assert_eq!(ring.open(&old, b"").unwrap().as_slice(), b"old");
    assert_eq!(ring.open(&new, b"").unwrap().as_slice(), b"new");
    assert_eq!(ring.rotate(SealKey::generate(7, SealAlgorithm::Aes256Gcm)), Err(SealError::BadRing));
    let other = self::ring(SealAlgorithm::Aes256Gcm);
    assert_eq!(other.open(&new, b"").err(), Some(SealError::UnknownKey(8)));
    assert_eq!(other.open(&old, b"").err(), Some(SealError::DoesNotOpen));
}

#[test]
fn rings_and_keys_that_make_no_sense_are_refused() {
    let key = |id| SealKey::generate(id, SealAlgorithm::Aes256Gcm);
    assert_eq!(KeyRing::new(vec![], 1).err(), Some(SealError::BadRing));
    assert_eq!(KeyRing::new(vec![key(1)], 2).err(), Some(SealError::BadRing));
    assert_eq!(KeyRing::new(vec![key(1), key(1)], 1).err(), Some(SealError::BadRing));
    for (algorithm, len) in [(SealAlgorithm::Aes256Gcm, 16), (SealAlgorithm::Sm4Gcm, 32)] {
        assert_eq!(SealKey::new(1, algorithm, &vec![0; len]).err(), Some(SealError::BadKeyLength));
    }
    let kept = key(1);
    let again = SealKey::new(1, kept.algorithm(), &hex::decode(&*kept.secret_hex()).unwrap());
    assert_eq!(*again.unwrap().secret_hex(), *kept.secret_hex());
    assert_eq!(format!("{kept:?}"), "SealKey(1 AES-256-GCM)");
}

#[test]
fn destroying_a_data_key_is_the_only_way_its_fields_are_lost() {
    for algorithm in ALGORITHMS {
        let ring = ring(algorithm);
        let (key, sealed_key) = ring.new_data_key(b"per_1");
        let name = key.seal_text("王小面", "people.name/per_1");
        let again = ring.open_data_key(&sealed_key, b"per_1").unwrap();
        assert_eq!(*again.open_text(&name, "people.name/per_1").unwrap(), "王小面");
        assert!(again.open_text(&name, "people.name/per_2").is_err());
        assert!(ring.open_data_key(&sealed_key, b"per_2").is_err());
        let (other, _) = ring.new_data_key(b"per_1");
        assert!(other.open_text(&name, "people.name/per_1").is_err());
        assert!(ring.open_text(&name, "people.name/per_1").is_err());
    }
}

#[test]
fn text_goes_through_a_text_column() {
    let ring = ring(SealAlgorithm::Sm4Gcm);
    let sealed = ring.seal_text("重庆市渝中区", "people.address/per_1");
    assert!(sealed.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    assert_eq!(*ring.open_text(&sealed, "people.address/per_1").unwrap(), "重庆市渝中区");
    assert_eq!(ring.open_text("not base64!", "").err(), Some(SealError::NotAnEnvelope));
}

#[test]
fn a_blind_index_finds_equal_values_in_one_column() {
    let index = BlindIndex::new([3; 32]);
    let one = index.of("people.phone", "13800138000");
    assert_eq!(one.len(), 64);
    assert_eq!(one, index.of("people.phone", "13800138000"));
    assert_ne!(one, index.of("people.phone", "13800138001"));
    assert_ne!(one, index.of("people.email", "13800138000"));
    assert_ne!(index.of("ab", "c"), index.of("a", "bc"));
    assert_ne!(one, BlindIndex::new([4; 32]).of("people.phone", "13800138000"));
}

proptest! {
    #[test]
    fn whatever_is_sealed_comes_back(
        plain in proptest::collection::vec(any::<u8>(), 0..200),
        place in proptest::collection::vec(any::<u8>(), 0..40),
        algorithm in proptest::sample::select(&ALGORITHMS[..]),
    ) {
        let ring = ring(algorithm);
        let sealed = ring.seal(&plain, &place);
        prop_assert_eq!(ring.open(&sealed, &place).unwrap().to_vec(), plain);
    }

    #[test]
    fn no_bytes_make_opening_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let ring = ring(SealAlgorithm::Sm4Gcm);
        prop_assert!(ring.open(&bytes, b"").is_err());
        let mut forged = vec![1, 2, 0, 0, 0, 7];
        forged.extend_from_slice(&bytes);
        prop_assert!(ring.open(&forged, b"").is_err());
        prop_assert!(ring.open_data_key(&forged, b"").is_err());
    }
}

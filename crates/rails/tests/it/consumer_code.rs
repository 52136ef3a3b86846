use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_rails::consumer_code::{BadCode, ConsumerCode, MAX_TEXT};
use proptest::prelude::*;

const KEY: [u8; 32] = [7; 32];

fn code() -> ConsumerCode {
    ConsumerCode::show([0xAB; 16], &KEY, 1_795_300_000)
}

/// The bytes `hex` as a code's text.
fn text(hex: &str) -> String {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    STANDARD.encode(digits.chunks(2).map(byte).collect::<Vec<_>>())
}

#[test]
fn a_code_is_written_as_the_specification_lays_it_out() {
    let bytes = STANDARD.decode(code().encode()).unwrap();
    assert_eq!(&bytes[..7], b"\x85\x05CPV01");
    assert_eq!(&bytes[7..19], b"\x61\x2F\x4F\x08\xF0JIALING");
    assert_eq!(&bytes[19..24], &[0x63, 0x23, 0x9F, 0x10, 0x20]);
    assert_eq!(&bytes[24..40], &[0xAB; 16]);
    assert_eq!(&bytes[40..44], &1_795_300_000u32.to_be_bytes());
    assert_eq!(bytes.len(), 56);
    assert!(code().encode().starts_with("hQVDUFYwMWE"), "as every EMVCo consumer code does");
}

#[test]
fn what_was_shown_is_read_and_only_the_key_s_holder_shows_it() {
    let read = ConsumerCode::decode(&code().encode()).unwrap();
    assert_eq!(read, code());
    assert!(read.fits(&KEY));
    assert!(!read.fits(&[8; 32]));
    assert!(!ConsumerCode { shown_at: read.shown_at + 1, ..read }.fits(&KEY), "its age cannot be changed");
    assert!(!ConsumerCode { number: [0xAC; 16], ..read }.fits(&KEY));
}

#[test]
fn what_is_no_code_of_this_scheme_says_why() {
    let check = |text: &str, expect: BadCode| assert_eq!(ConsumerCode::decode(text), Err(expect), "{text}");
    check("not base64!", BadCode::Text);
    check(&"A".repeat(MAX_TEXT + 4), BadCode::Text);
    check("", BadCode::Version);
    check(&text("61 00"), BadCode::Version);
    check(&text("85 05 4350563032"), BadCode::Version);
    check(&text("85 05 4350563031"), BadCode::Scheme);
    check(&text("85 05 4350563031 61 09 4F 07 A0000000031010"), BadCode::Scheme);
    check(&text("85 05 4350563031 61 0A 4F 08 F04A49414C494E47"), BadCode::Structure);
    check(&text("85 05 43505630"), BadCode::Structure);
    check(&text("85 84 00000001 00"), BadCode::Structure);
    check(&text("9F"), BadCode::Structure);
    // Issuer data of another length.
    check(&text("85 05 4350563031 61 10 4F 08 F04A49414C494E47 63 04 9F10 01 00"), BadCode::Structure);
}

#[test]
fn another_scheme_s_application_beside_ours_is_passed_over() {
    let ours = STANDARD.decode(code().encode()).unwrap();
    let other = [0x61, 0x04, 0x4F, 0x02, 0xA0, 0x00];
    let both = [&ours[..7], &other, &ours[7..]].concat();
    assert_eq!(ConsumerCode::decode(&STANDARD.encode(both)), Ok(code()));
}

proptest! {
    #[test]
    fn no_bytes_stop_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        let _ = ConsumerCode::decode(&STANDARD.encode([b"\x85\x05CPV01", &bytes[..]].concat()));
    }
}

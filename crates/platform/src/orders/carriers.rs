//! The payload of a code by other ways: a link that opens the payer's app, and an NFC tag.
//!
//! Camera, link and tag carry one and the same EMVCo payload, so an app has one thing to understand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_rails::ndef;

use crate::{Problem, Result};

/// What a link begins with; the payload follows, percent-encoded.
pub const LINK: &str = "jialing://pay?code=";

/// The link that opens the payer's app with `payload`.
#[must_use]
pub fn link(payload: &str) -> String {
    let mut link = LINK.to_owned();
    for byte in payload.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
    link
}

/// What an NFC tag carries for `payload`: an NDEF message with the link, base64.
///
/// # Errors
/// `internal` if the payload is longer than a tag holds.
pub fn nfc(payload: &str) -> Result<String> {
    ndef::uri_message(&link(payload)).map(|message| STANDARD.encode(message)).map_err(Problem::internal)
}

/// The payload in what a payer's app read: the payload itself, or a link that carries it. A link that
/// is not well encoded is answered as it stands, and is then no code.
#[must_use]
pub fn payload_in(read: &str) -> String {
    read.strip_prefix(LINK).and_then(decoded).unwrap_or_else(|| read.to_owned())
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_gives_back_the_payload_it_was_made_of() {
        for payload in ["000201", "小面馆 5%+&=?#", ""] {
            assert_eq!(payload_in(&link(payload)), payload);
            assert!(link(payload).is_ascii());
        }
        assert_eq!(link("a b"), "jialing://pay?code=a%20b");
    }

    #[test]
    fn what_is_no_link_of_ours_stays_what_it_is() {
        for text in [
            "000201",
            "jialing://pay?code=%",
            "jialing://pay?code=%zz",
            "jialing://pay?code=%+f",
            "jialing://pay?code=%ff",
            "x",
        ] {
            assert_eq!(payload_in(text), text);
        }
    }

    #[test]
    fn a_tag_carries_the_link() {
        let tag = STANDARD.decode(nfc("000201").expect("short")).expect("base64");
        assert_eq!(&tag[..5], &[0xD1, 1, 26, b'U', 0]);
        assert_eq!(&tag[5..], link("000201").as_bytes());
    }
}

//! What an NFC tag carries: an NDEF message of one URI record, after the NFC Forum's *Data Exchange
//! Format* 1.0 and *URI Record Type Definition* 1.0.
//!
//! One record, first and last of its message (`MB`, `ME`), of the well-known type `U`, without
//! abbreviation of the address. Up to 255 bytes of payload it is a short record (`SR`), whose length
//! has one byte; a longer one has four.

/// The longest address, bytes: what tags of the usual sizes still hold.
pub const MAX_URI: usize = 2_000;

/// First and last record of the message, well-known type.
const HEADER: u8 = 0b1100_0001;
/// The length of the payload has one byte.
const SHORT: u8 = 0b0001_0000;
/// The address is written out: no abbreviation.
const WRITTEN_OUT: u8 = 0;

/// The address is longer than [`MAX_URI`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is longer than {MAX_URI} bytes")]
pub struct TooLong;

/// The message whose one record is `uri`.
///
/// # Errors
/// [`TooLong`].
pub fn uri_message(uri: &str) -> Result<Vec<u8>, TooLong> {
    if uri.len() > MAX_URI {
        return Err(TooLong);
    }
    let length = uri.len() + 1;
    let mut message = match u8::try_from(length) {
        Ok(short) => vec![HEADER | SHORT, 1, short],
        Err(_) => {
            let mut long = vec![HEADER, 1];
            long.extend_from_slice(&(length as u32).to_be_bytes());
            long
        }
    };
    message.extend_from_slice(&[b'U', WRITTEN_OUT]);
    message.extend_from_slice(uri.as_bytes());
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_address_is_a_short_record() {
        // D1 01 0C 55 00: MB ME SR TNF=1, type of 1 byte, 12 bytes of payload, `U`, written out.
        let expect = [&[0xD1, 0x01, 0x0C, 0x55, 0x00][..], b"http://a.cn"].concat();
        assert_eq!(uri_message("http://a.cn"), Ok(expect));
    }

    #[test]
    fn the_length_has_one_byte_up_to_255_and_four_beyond() {
        let check = |uri: usize, head: &[u8]| {
            let message = uri_message(&"x".repeat(uri)).expect("short enough");
            assert_eq!(&message[..head.len()], head, "{uri}");
            assert_eq!(message.len(), head.len() + 2 + uri);
        };
        check(254, &[0xD1, 1, 255]);
        check(255, &[0xC1, 1, 0, 0, 1, 0]);
        check(MAX_URI, &[0xC1, 1, 0, 0, 0x07, 0xD1]);
        assert_eq!(uri_message(&"x".repeat(MAX_URI + 1)), Err(TooLong));
    }
}

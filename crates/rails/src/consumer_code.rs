//! The code that a payer shows: EMVCo QR Code Specification for Payment Systems, consumer-presented
//! mode, version 1.1.
//!
//! The text is base64 of BER-TLV: tag `85` holds `CPV01`, template `61` names the scheme in `4F` and
//! carries, inside template `63`, what the issuer wants to be told in `9F10`. For this scheme those
//! are 32 bytes: the code's number, the second at which it was shown, and a MAC over both:
//!
//! ```text
//! 85 05 "CPV01"
//! 61 2F  4F 08 F0 "JIALING"
//!        63 23  9F10 20  number (16) ‖ shown at (4, seconds since 1970) ‖ MAC (12)
//! ```
//!
//! The MAC is the first 12 bytes of HMAC-SHA256 under the code's key over `JIALING-CODE-1`, the number
//! and the time. So a phone without network makes a code that is a minute old after a minute, from a
//! number and key that it fetched before; and a picture of a code shows its own age.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::hmac_sha256;
use jialing_crypto::random;

/// The scheme's application identifier: proprietary, not registered (ISO 7816-5, category F).
pub const SCHEME: [u8; 8] = *b"\xF0JIALING";
/// The longest text that is read, characters.
pub const MAX_TEXT: usize = 684;

const FORMAT: u32 = 0x85;
const VERSION: &[u8] = b"CPV01";
const APPLICATION: u32 = 0x61;
const NAME: u32 = 0x4F;
const TRANSPARENT: u32 = 0x63;
const ISSUER_DATA: u32 = 0x9F10;
/// Bytes of the MAC.
const MAC: usize = 12;
/// What the MAC covers begins with this.
const DOMAIN: &[u8] = b"JIALING-CODE-1";

/// Why a text is no payer's code of this scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// Longer than [`MAX_TEXT`] characters, or not base64.
    #[error("the code is not base64 of at most 684 characters")]
    Text,
    /// Tags and lengths do not work out.
    #[error("the code is not a list of tag, length and value")]
    Structure,
    /// It does not begin with `CPV01`.
    #[error("the code is not a consumer-presented one of version CPV01")]
    Version,
    /// It is of another payment scheme.
    #[error("the code belongs to another payment scheme")]
    Scheme,
}

/// A code as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerCode {
    /// Names it; random.
    pub number: [u8; 16],
    /// When it was shown, seconds since 1970.
    pub shown_at: u32,
    /// Shows that its holder knew the key at that time.
    pub mac: [u8; MAC],
}

impl ConsumerCode {
    /// The code `number` with this key, shown at `shown_at`.
    #[must_use]
    pub fn show(number: [u8; 16], key: &[u8], shown_at: u32) -> Self {
        Self { number, shown_at, mac: mac(&number, key, shown_at) }
    }

    /// Whether its holder knew the key.
    #[must_use]
    pub fn fits(&self, key: &[u8]) -> bool {
        random::same(&self.mac, &mac(&self.number, key, self.shown_at))
    }

    /// The text to draw.
    #[must_use]
    pub fn encode(&self) -> String {
        let data = [&self.number[..], &self.shown_at.to_be_bytes(), &self.mac].concat();
        let application = [write(NAME, &SCHEME), write(TRANSPARENT, &write(ISSUER_DATA, &data))].concat();
        STANDARD.encode([write(FORMAT, VERSION), write(APPLICATION, &application)].concat())
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`BadCode`].
    pub fn decode(text: &str) -> Result<Self, BadCode> {
        if text.len() > MAX_TEXT {
            return Err(BadCode::Text);
        }
        let bytes = STANDARD.decode(text).map_err(|_| BadCode::Text)?;
        let objects = read(&bytes)?;
        if objects.first() != Some(&(FORMAT, VERSION)) {
            return Err(BadCode::Version);
        }
        for (_, application) in objects.iter().filter(|(tag, _)| *tag == APPLICATION) {
            let inner = read(application)?;
            if !inner.contains(&(NAME, &SCHEME)) {
                continue;
            }
            let transparent = find(&inner, TRANSPARENT).ok_or(BadCode::Structure)?;
            let data = find(&read(transparent)?, ISSUER_DATA).ok_or(BadCode::Structure)?;
            return Self::of(data).ok_or(BadCode::Structure);
        }
        Err(BadCode::Scheme)
    }

    fn of(data: &[u8]) -> Option<Self> {
        let (number, rest) = data.split_first_chunk()?;
        let (time, mac) = rest.split_first_chunk()?;
        Some(Self { number: *number, shown_at: u32::from_be_bytes(*time), mac: mac.try_into().ok()? })
    }
}

fn mac(number: &[u8; 16], key: &[u8], shown_at: u32) -> [u8; MAC] {
    let whole = hmac_sha256(key, &[DOMAIN, number, &shown_at.to_be_bytes()].concat());
    std::array::from_fn(|i| whole[i])
}

/// An object with a value of at most 127 bytes, the only lengths that this scheme writes.
fn write(tag: u32, value: &[u8]) -> Vec<u8> {
    let mut object: Vec<u8> = tag.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    object.push(u8::try_from(value.len()).expect("this scheme's objects are short"));
    object.extend_from_slice(value);
    object
}

/// The objects of a BER-TLV list: tags of up to three bytes, lengths of up to two after the first.
fn read(mut bytes: &[u8]) -> Result<Vec<(u32, &[u8])>, BadCode> {
    let mut objects = Vec::new();
    while !bytes.is_empty() {
        let (tag, rest) = tag(bytes).ok_or(BadCode::Structure)?;
        let (length, rest) = length(rest).ok_or(BadCode::Structure)?;
        let (value, rest) = rest.split_at_checked(length).ok_or(BadCode::Structure)?;
        objects.push((tag, value));
        bytes = rest;
    }
    Ok(objects)
}

fn tag(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let mut tag = u32::from(first);
    if first & 0x1F != 0x1F {
        return Some((tag, rest));
    }
    for _ in 0..2 {
        let (&next, after) = rest.split_first()?;
        tag = tag << 8 | u32::from(next);
        rest = after;
        if next & 0x80 == 0 {
            return Some((tag, rest));
        }
    }
    None
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..=0x7F => Some((usize::from(first), rest)),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest)),
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            Some((usize::from(u16::from_be_bytes(*length)), rest))
        }
        _ => None,
    }
}

fn find<'a>(objects: &[(u32, &'a [u8])], tag: u32) -> Option<&'a [u8]> {
    objects.iter().find(|(found, _)| *found == tag).map(|(_, value)| *value)
}

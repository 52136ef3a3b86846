//! The values of one column in one group, and the pages they become.

use std::collections::HashMap;

use super::meta::{PLAIN, RLE, RLE_DICTIONARY};
use super::thrift::{Struct, unsigned};
use crate::{Cell, Column, Kind};

/// Distinct texts of a group beyond which a dictionary is not worth it.
const MOST_WORDS: usize = 8192;

/// Values in memory.
pub(super) struct Values {
    /// In an optional column: for each row whether its cell is filled.
    filled: Option<Vec<bool>>,
    empty: u64,
    store: Store,
}

enum Store {
    /// Eight bytes each, little endian.
    Numbers { bytes: Vec<u8>, range: Option<(i64, i64)>, signed: bool },
    /// Each with its length in four bytes before it; and as places in a dictionary, while it is small.
    Texts { bytes: Vec<u8>, words: Option<Words> },
}

#[derive(Default)]
struct Words {
    place: HashMap<Box<str>, u32>,
    /// The words as a page holds them.
    bytes: Vec<u8>,
    places: Vec<u32>,
}

/// A column's part of a group, ready to be written.
pub(super) struct Pages {
    /// Header and body.
    pub(super) dictionary: Option<Vec<u8>>,
    /// Header and body.
    pub(super) data: Vec<u8>,
    /// Smallest and largest value of a column of signed numbers.
    pub(super) range: Option<(i64, i64)>,
    /// Empty cells.
    pub(super) empty: u64,
}

impl Values {
    pub(super) fn new(column: &Column) -> Self {
        let store = match column.kind {
            Kind::Text => Store::Texts { bytes: Vec::new(), words: Some(Words::default()) },
            kind => Store::Numbers { bytes: Vec::new(), range: None, signed: kind != Kind::Natural },
        };
        Self { filled: column.optional.then(Vec::new), empty: 0, store }
    }

    pub(super) fn push(&mut self, cell: &Cell<'_>) {
        let is_filled = *cell != Cell::Empty;
        if let Some(filled) = &mut self.filled {
            filled.push(is_filled);
        }
        self.empty += u64::from(!is_filled);
        match (&mut self.store, cell) {
            (Store::Numbers { bytes, range, signed }, Cell::Number(number)) => {
                bytes.extend_from_slice(&number.to_le_bytes());
                if *signed {
                    let (low, high) = range.unwrap_or((*number, *number));
                    *range = Some((low.min(*number), high.max(*number)));
                }
            }
            (Store::Numbers { bytes, .. }, Cell::Natural(number)) => {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            (Store::Texts { bytes, words }, Cell::Text(text)) => {
                plain_text(bytes, text);
                if words.as_mut().is_some_and(|words| !words.add(text)) {
                    *words = None;
                }
            }
            _ => {}
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.filled.as_ref().map_or(0, Vec::len)
            + match &self.store {
                Store::Numbers { bytes, .. } => bytes.len(),
                Store::Texts { bytes, words } => {
                    bytes.len()
                        + words.as_ref().map_or(0, |words| 4 * words.places.len() + 2 * words.bytes.len())
                }
            }
    }

    /// The pages of these values, which are those of `rows` rows.
    pub(super) fn pages(self, rows: usize) -> Pages {
        let mut body = self.filled.as_deref().map(levels).unwrap_or_default();
        let empty = self.empty;
        match self.store {
            Store::Numbers { bytes, range, .. } => {
                body.extend_from_slice(&bytes);
                Pages { dictionary: None, data: data_page(&body, rows, PLAIN), range, empty }
            }
            Store::Texts { bytes, words } => match words.filter(|words| words.is_shorter_than(bytes.len())) {
                Some(words) => {
                    let width = words.width();
                    body.push(width);
                    packed(&mut body, width, &words.places);
                    let data = data_page(&body, rows, RLE_DICTIONARY);
                    let dictionary = Some(dictionary_page(&words.bytes, words.place.len()));
                    Pages { dictionary, data, range: None, empty }
                }
                None => {
                    body.extend_from_slice(&bytes);
                    Pages { dictionary: None, data: data_page(&body, rows, PLAIN), range: None, empty }
                }
            },
        }
    }
}

impl Words {
    /// Adds a text; false when there are too many different ones.
    fn add(&mut self, text: &str) -> bool {
        let next = self.place.len() as u32;
        let place = match self.place.get(text) {
            Some(&place) => place,
            None if self.place.len() == MOST_WORDS => return false,
            None => {
                self.place.insert(text.into(), next);
                plain_text(&mut self.bytes, text);
                next
            }
        };
        self.places.push(place);
        true
    }

    /// Bits of a place.
    fn width(&self) -> u8 {
        let last = self.place.len().saturating_sub(1);
        (usize::BITS - last.leading_zeros()).max(1) as u8
    }

    fn is_shorter_than(&self, plain: usize) -> bool {
        self.bytes.len() + self.places.len() * usize::from(self.width()) / 8 < plain
    }
}

fn plain_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Definition levels: 1 for a filled cell, 0 for an empty one, with their length before them.
fn levels(filled: &[bool]) -> Vec<u8> {
    let mut runs = Vec::new();
    match filled.first() {
        // One run of equal levels.
        Some(&first) if filled.iter().all(|&other| other == first) => {
            unsigned(&mut runs, (filled.len() as u64) << 1);
            runs.push(u8::from(first));
        }
        _ => packed(&mut runs, 1, &filled.iter().map(|&filled| u32::from(filled)).collect::<Vec<_>>()),
    }
    let mut body = (runs.len() as u32).to_le_bytes().to_vec();
    body.extend_from_slice(&runs);
    body
}

/// One run of values of `width` bits, the lowest first, filled up to a multiple of eight values.
fn packed(bytes: &mut Vec<u8>, width: u8, values: &[u32]) {
    let groups = values.len().div_ceil(8);
    unsigned(bytes, (groups as u64) << 1 | 1);
    let end = bytes.len() + groups * usize::from(width);
    let (mut pending, mut bits) = (0u64, 0u32);
    for &value in values {
        pending |= u64::from(value) << bits;
        bits += u32::from(width);
        while bits >= 8 {
            bytes.push(pending as u8);
            pending >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        bytes.push(pending as u8);
    }
    bytes.resize(end, 0);
}

fn data_page(body: &[u8], rows: usize, encoding: i32) -> Vec<u8> {
    let size = body.len() as i32;
    let about = Struct::new().i32(1, rows as i32).i32(2, encoding).i32(3, RLE).i32(4, RLE);
    let header = Struct::new().i32(1, 0).i32(2, size).i32(3, size).put(5, about);
    [&header.end(), body].concat()
}

fn dictionary_page(words: &[u8], count: usize) -> Vec<u8> {
    let size = words.len() as i32;
    let about = Struct::new().i32(1, count as i32).i32(2, PLAIN);
    let header = Struct::new().i32(1, 2).i32(2, size).i32(3, size).put(7, about);
    [&header.end(), words].concat()
}

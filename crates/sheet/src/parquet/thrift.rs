//! Thrift's compact protocol, the writing half, for the few types that Parquet's metadata uses.

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// What a list holds.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Int,
    Text,
    Struct,
}

/// A struct being written; its fields come in rising order of their numbers.
#[derive(Default)]
pub(super) struct Struct {
    bytes: Vec<u8>,
    last: i16,
}

impl Struct {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn field(mut self, id: i16, kind: u8) -> Self {
        debug_assert!(id > self.last && id - self.last < 16, "fields come in order");
        self.bytes.push(((id - self.last) as u8) << 4 | kind);
        self.last = id;
        self
    }

    pub(super) fn bool(self, id: i16, value: bool) -> Self {
        self.field(id, if value { TRUE } else { FALSE })
    }

    pub(super) fn byte(self, id: i16, value: u8) -> Self {
        let mut this = self.field(id, BYTE);
        this.bytes.push(value);
        this
    }

    pub(super) fn i16(self, id: i16, value: i16) -> Self {
        let mut this = self.field(id, I16);
        signed(&mut this.bytes, i64::from(value));
        this
    }

    pub(super) fn i32(self, id: i16, value: i32) -> Self {
        let mut this = self.field(id, I32);
        signed(&mut this.bytes, i64::from(value));
        this
    }

    pub(super) fn i64(self, id: i16, value: i64) -> Self {
        let mut this = self.field(id, I64);
        signed(&mut this.bytes, value);
        this
    }

    pub(super) fn binary(self, id: i16, value: &[u8]) -> Self {
        let mut this = self.field(id, BINARY);
        binary(&mut this.bytes, value);
        this
    }

    pub(super) fn put(self, id: i16, value: Self) -> Self {
        let mut this = self.field(id, STRUCT);
        this.bytes.extend_from_slice(&value.end());
        this
    }

    /// A list whose items are written already.
    pub(super) fn list(self, id: i16, of: Of, items: &[Vec<u8>]) -> Self {
        let mut this = self.field(id, LIST);
        let kind = match of {
            Of::Int => I32,
            Of::Text => BINARY,
            Of::Struct => STRUCT,
        };
        match items.len() {
            short @ 0..15 => this.bytes.push((short as u8) << 4 | kind),
            long => {
                this.bytes.push(0xf0 | kind);
                unsigned(&mut this.bytes, long as u64);
            }
        }
        items.iter().for_each(|item| this.bytes.extend_from_slice(item));
        this
    }

    /// The struct's bytes.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

/// An item of a list of numbers.
pub(super) fn int(value: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    signed(&mut bytes, i64::from(value));
    bytes
}

/// An item of a list of texts.
pub(super) fn text(value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    binary(&mut bytes, value.as_bytes());
    bytes
}

fn binary(bytes: &mut Vec<u8>, value: &[u8]) {
    unsigned(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

/// Zigzag: small numbers of both signs are short.
fn signed(bytes: &mut Vec<u8>, value: i64) {
    unsigned(bytes, (value << 1 ^ value >> 63) as u64);
}

/// Seven bits a byte, the lowest first.
pub(super) fn unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

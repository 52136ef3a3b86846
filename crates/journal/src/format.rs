//! The bytes of a segment: header, frames, seal. Little endian throughout.
//!
//! `docs/concepts/journal.md` draws the same for people. Every structure carries a CRC-32C over
//! itself; a frame's header also carries the one of its entries, and the root of the tree over all
//! records before it, which links each frame to everything that came before.

use crate::hash::Hash;

/// Bytes in an entry.
pub const ENTRY_LEN: usize = 118;
/// Bytes that a segment's header takes; frames begin after it, so that it shares no page with them.
pub const SEGMENT_HEADER: u64 = 4096;
/// Bytes before a frame's entries.
pub const FRAME_HEADER: usize = 56;
/// Bytes at the end of a sealed segment, after its table of frames.
pub const SEAL: usize = 60;
/// Bytes of one line in the table of frames.
pub const TABLE_LINE: usize = 8;
/// Largest segment: positions in its table of frames have 32 bits.
pub const MAX_SEGMENT: u64 = 1 << 31;
/// Most entries in one frame: more than the largest batch can give.
pub const MAX_FRAME_ENTRIES: u32 = 1 << 18;

const SEGMENT_MAGIC: &[u8; 16] = b"jialing segment\n";
const FRAME_MAGIC: &[u8; 4] = b"JLfr";
const SEAL_MAGIC: &[u8; 4] = b"JLse";
/// The version of segments that is written and read here.
pub const VERSION: u32 = 1;

/// The first bytes of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Sequence number of its first entry.
    pub base: u64,
    /// Which log this is: SHA-256 of its genesis file.
    pub log: Hash,
    /// Root of the tree over all entries before `base`.
    pub root: Hash,
}

/// What precedes a frame's entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// How many entries.
    pub count: u32,
    /// Sequence number of the first.
    pub first: u64,
    /// Root of the tree over all entries before `first`.
    pub root: Hash,
    /// CRC-32C of the entries.
    pub crc: u32,
}

/// The last bytes of a sealed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// How many frames the table lists.
    pub frames: u32,
    /// Sequence number after the last entry.
    pub end: u64,
    /// Root of the tree over all entries before `end`.
    pub root: Hash,
    /// Where the table of frames begins.
    pub table: u32,
    /// CRC-32C of the table.
    pub table_crc: u32,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn hash_at(bytes: &[u8], at: usize) -> Hash {
    bytes[at..at + 32].try_into().expect("thirty-two bytes")
}

impl SegmentHeader {
    /// The header's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER as usize);
        bytes.extend_from_slice(SEGMENT_MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(ENTRY_LEN as u32).to_le_bytes());
        bytes.extend_from_slice(&self.base.to_le_bytes());
        bytes.extend_from_slice(&self.log);
        bytes.extend_from_slice(&self.root);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.resize(SEGMENT_HEADER as usize, 0);
        bytes
    }

    /// The version of a good header that is of another one than this.
    #[must_use]
    pub fn other_version(bytes: &[u8]) -> Option<u32> {
        let good = bytes.len() >= 100
            && &bytes[..16] == SEGMENT_MAGIC
            && crc32c::crc32c(&bytes[..96]) == u32_at(bytes, 96);
        Some(u32_at(bytes, 16)).filter(|version| good && *version != VERSION)
    }

    /// Reads it back.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < 100 || &bytes[..16] != SEGMENT_MAGIC {
            return Err("this is no segment header".to_owned());
        }
        if crc32c::crc32c(&bytes[..96]) != u32_at(bytes, 96) {
            return Err("the segment header's checksum does not fit".to_owned());
        }
        if bytes[100..].iter().any(|&byte| byte != 0) {
            return Err("the segment header's padding is not zero".to_owned());
        }
        if u32_at(bytes, 16) != VERSION || u32_at(bytes, 20) != ENTRY_LEN as u32 {
            let (version, length) = (u32_at(bytes, 16), u32_at(bytes, 20));
            return Err(format!("format version {version}, entries of {length} bytes: not known here"));
        }
        Ok(Self { base: u64_at(bytes, 24), log: hash_at(bytes, 32), root: hash_at(bytes, 64) })
    }
}

impl FrameHeader {
    /// The header's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; FRAME_HEADER] {
        let mut bytes = [0; FRAME_HEADER];
        bytes[..4].copy_from_slice(FRAME_MAGIC);
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.root);
        bytes[48..52].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..52]);
        bytes[52..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads it back; `None` when these bytes are no frame header.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < FRAME_HEADER
            || &bytes[..4] != FRAME_MAGIC
            || crc32c::crc32c(&bytes[..52]) != u32_at(bytes, 52)
        {
            return None;
        }
        let header = Self {
            count: u32_at(bytes, 4),
            first: u64_at(bytes, 8),
            root: hash_at(bytes, 16),
            crc: u32_at(bytes, 48),
        };
        (1..=MAX_FRAME_ENTRIES).contains(&header.count).then_some(header)
    }

    /// Bytes of its entries.
    #[must_use]
    pub fn body(&self) -> usize {
        self.count as usize * ENTRY_LEN
    }

    /// Whether `bytes` could begin a frame header: a cheap test before [`FrameHeader::decode`].
    #[must_use]
    pub fn may_begin(bytes: &[u8]) -> bool {
        bytes.starts_with(FRAME_MAGIC)
    }
}

impl Seal {
    /// The seal's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; SEAL] {
        let mut bytes = [0; SEAL];
        bytes[..4].copy_from_slice(SEAL_MAGIC);
        bytes[4..8].copy_from_slice(&self.frames.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.end.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.root);
        bytes[48..52].copy_from_slice(&self.table.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.table_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..56]);
        bytes[56..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads it back; `None` when these bytes are no seal.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != SEAL
            || &bytes[..4] != SEAL_MAGIC
            || crc32c::crc32c(&bytes[..56]) != u32_at(bytes, 56)
        {
            return None;
        }
        Some(Self {
            frames: u32_at(bytes, 4),
            end: u64_at(bytes, 8),
            root: hash_at(bytes, 16),
            table: u32_at(bytes, 48),
            table_crc: u32_at(bytes, 52),
        })
    }
}

/// One line of a sealed segment's table: the frame's first entry, counted from the segment's base,
/// and where the frame begins.
#[must_use]
pub fn table_line(first: u32, at: u32) -> [u8; TABLE_LINE] {
    let mut bytes = [0; TABLE_LINE];
    bytes[..4].copy_from_slice(&first.to_le_bytes());
    bytes[4..].copy_from_slice(&at.to_le_bytes());
    bytes
}

/// Reads a table line back.
#[must_use]
pub fn read_table_line(bytes: &[u8]) -> (u32, u32) {
    (u32_at(bytes, 0), u32_at(bytes, 4))
}

/// The file name of the segment that begins with entry `base`.
#[must_use]
pub fn segment_name(base: u64) -> String {
    format!("segments/{base:020}.seg")
}

/// Reads a segment's base from its file name without folder.
#[must_use]
pub fn segment_base(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

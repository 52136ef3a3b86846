//! The file's footer: the columns, and where the chunks of each group are.

use super::thrift::{Of, Struct, int, text};
use crate::{Column, Kind};

/// Values one after the other.
pub(super) const PLAIN: i32 = 0;
/// Runs and bit-packed values, for levels.
pub(super) const RLE: i32 = 3;
/// Places in a dictionary, as runs and bit-packed values.
pub(super) const RLE_DICTIONARY: i32 = 8;

/// A group that is written.
pub(super) struct Group {
    pub(super) rows: u64,
    pub(super) chunks: Vec<Chunk>,
}

/// Where a column's part of a group is.
pub(super) struct Chunk {
    pub(super) begin: u64,
    pub(super) data: u64,
    pub(super) size: u64,
    pub(super) has_dictionary: bool,
    pub(super) range: Option<(i64, i64)>,
    pub(super) empty: u64,
}

pub(super) fn footer(columns: &[Column], groups: &[Group], notes: &[(String, String)]) -> Vec<u8> {
    let root = Struct::new().binary(4, b"schema").i32(5, columns.len() as i32).end();
    let schema: Vec<Vec<u8>> = std::iter::once(root).chain(columns.iter().map(element)).collect();
    let written: Vec<Vec<u8>> =
        groups.iter().enumerate().map(|(place, group)| self::group(place, group, columns)).collect();
    let notes: Vec<Vec<u8>> = notes
        .iter()
        .map(|(key, value)| Struct::new().binary(1, key.as_bytes()).binary(2, value.as_bytes()).end())
        .collect();
    // Each column's values are ordered as their type is.
    let orders = vec![Struct::new().put(1, Struct::new()).end(); columns.len()];
    Struct::new()
        .i32(1, 1)
        .list(2, Of::Struct, &schema)
        .i64(3, groups.iter().map(|group| group.rows).sum::<u64>() as i64)
        .list(4, Of::Struct, &written)
        .list(5, Of::Struct, &notes)
        .binary(6, concat!("jialing-sheet version ", env!("CARGO_PKG_VERSION")).as_bytes())
        .list(7, Of::Struct, &orders)
        .end()
}

/// The physical type: 64-bit numbers and byte arrays are all that is used.
const fn physical(kind: Kind) -> i32 {
    match kind {
        Kind::Text => 6,
        _ => 2,
    }
}

/// What a column is: the old and the new way to say it, for old and new readers.
fn element(column: &Column) -> Vec<u8> {
    let named = Struct::new()
        .i32(1, physical(column.kind))
        .i32(3, i32::from(column.optional))
        .binary(4, column.name.as_bytes());
    let unit = |place| Struct::new().bool(1, true).put(2, Struct::new().put(place, Struct::new()));
    let whole = |signed| Struct::new().byte(1, 64).bool(2, signed);
    match column.kind {
        Kind::Text => named.i32(6, 0).put(10, Struct::new().put(1, Struct::new())),
        Kind::Number => named.i32(6, 18).put(10, Struct::new().put(10, whole(true))),
        Kind::Natural => named.i32(6, 14).put(10, Struct::new().put(10, whole(false))),
        Kind::Hundredths => {
            let decimal = Struct::new().i32(1, 2).i32(2, 18);
            named.i32(6, 5).i32(7, 2).i32(8, 18).put(10, Struct::new().put(5, decimal))
        }
        Kind::Millis => named.i32(6, 9).put(10, Struct::new().put(8, unit(1))),
        // The old way has no nanoseconds.
        Kind::Nanos => named.put(10, Struct::new().put(8, unit(3))),
    }
    .end()
}

fn group(place: usize, group: &Group, columns: &[Column]) -> Vec<u8> {
    let chunks: Vec<Vec<u8>> = columns
        .iter()
        .zip(&group.chunks)
        .map(|(column, chunk)| self::chunk(column, chunk, group.rows))
        .collect();
    let size = group.chunks.iter().map(|chunk| chunk.size).sum::<u64>() as i64;
    let begin = group.chunks.first().map_or(0, |chunk| chunk.begin) as i64;
    let written = Struct::new().list(1, Of::Struct, &chunks).i64(2, size).i64(3, group.rows as i64);
    let written = written.i64(5, begin).i64(6, size);
    // The group's number is a hint of 15 bits; beyond them it is left out.
    match i16::try_from(place) {
        Ok(place) => written.i16(7, place).end(),
        Err(_) => written.end(),
    }
}

fn chunk(column: &Column, chunk: &Chunk, rows: u64) -> Vec<u8> {
    let encodings: Vec<Vec<u8>> = match chunk.has_dictionary {
        true => vec![int(PLAIN), int(RLE), int(RLE_DICTIONARY)],
        false => vec![int(PLAIN), int(RLE)],
    };
    let size = chunk.size as i64;
    let about = Struct::new()
        .i32(1, physical(column.kind))
        .list(2, Of::Int, &encodings)
        .list(3, Of::Text, &[text(column.name)])
        // Not compressed.
        .i32(4, 0)
        .i64(5, rows as i64)
        .i64(6, size)
        .i64(7, size)
        .i64(9, chunk.data as i64);
    let about = if chunk.has_dictionary { about.i64(11, chunk.begin as i64) } else { about };
    let known = Struct::new().i64(3, chunk.empty as i64);
    let known = match chunk.range {
        Some((low, high)) => known.binary(5, &high.to_le_bytes()).binary(6, &low.to_le_bytes()),
        None => known,
    };
    Struct::new().i64(2, chunk.begin as i64).put(3, about.put(12, known)).end()
}

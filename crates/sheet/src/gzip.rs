//! Packing and unpacking as RFC 1952 has it.
//!
//! What is packed holds neither a time nor a name, so the same bytes give the same file. What is unpacked
//! is bounded by whoever reads it: a few packed bytes can stand for very many.

use std::io::{self, Read, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

/// The first bytes of every gzip file.
pub const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The header's word for "no system in particular".
const NO_SYSTEM: u8 = 255;

/// Packs what is written to it.
#[derive(Debug)]
pub struct Packer<W: Write>(GzEncoder<W>);

impl<W: Write> Packer<W> {
    /// Begins a packed file.
    #[must_use]
    pub fn new(out: W) -> Self {
        Self(GzBuilder::new().mtime(0).operating_system(NO_SYSTEM).write(out, Compression::default()))
    }

    /// Ends the packed file and gives the writer back.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Unpacks what it reads; several packed files one after the other are one.
pub fn unpack<R: Read>(packed: R) -> impl Read {
    flate2::read::MultiGzDecoder::new(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_give_the_same_file_and_come_out_again() {
        let pack = |bytes: &[u8]| {
            let mut packer = Packer::new(Vec::new());
            packer.write_all(bytes).expect("memory takes it");
            packer.finish().expect("memory takes it")
        };
        for bytes in [&b""[..], b"a", &b"abcdefg".repeat(100_000)] {
            let packed = pack(bytes);
            assert_eq!(packed, pack(bytes));
            assert_eq!(packed[..2], MAGIC);
            let mut out = Vec::new();
            unpack(packed.as_slice()).read_to_end(&mut out).expect("it was packed");
            assert!(out == bytes);
            let twice = [packed.clone(), packed.clone()].concat();
            let mut out = Vec::new();
            unpack(twice.as_slice()).read_to_end(&mut out).expect("two are one");
            assert_eq!(out.len(), 2 * bytes.len());
            let cut = &packed[..packed.len() - 1];
            assert!(unpack(cut).read_to_end(&mut Vec::new()).is_err(), "a cut file is no file");
        }
    }
}

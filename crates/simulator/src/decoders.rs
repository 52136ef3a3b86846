//! Every decoder that reads bytes from a disk or from somebody else, each as one function that takes
//! any bytes at all: for fuzzing (`fuzz/`), and for a short seeded run on every test.
//!
//! A target must not panic, must not take memory that the bytes do not back, and what it accepts it
//! must be able to write again, byte for byte: so it refuses whatever its encoder does not write.
//! [`Target::samples`] gives good inputs; [`Target::run_mutated`] spoils them in seeded ways.

mod folder;

use jialing_journal::format::{FRAME_HEADER, FrameHeader, SEAL, SEGMENT_HEADER, Seal, SegmentHeader};
use jialing_journal::segment::Segment;
use jialing_journal::tree::Mark;
use jialing_journal::{
    Checkpoint, CheckpointSigner, Checkpoints, Genesis, Hash, Memory, Suite, VerifierKey, proof,
};
use jialing_ledger::{Ledger, RECORD_LEN, Record};

use crate::random::Random;

/// A decoder under test.
pub struct Target {
    /// Its name; also the name of the fuzz target.
    pub name: &'static str,
    /// Decodes; panics where something is wrong with the decoder.
    pub decode: fn(&[u8]),
    /// Good inputs.
    pub samples: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "record", decode: record, samples: || folder::samples().records.clone() },
    Target { name: "snapshot", decode: snapshot, samples: || folder::samples().states.clone() },
    Target { name: "segment_header", decode: segment_header, samples: segment_headers },
    Target { name: "frame_header", decode: frame_header, samples: frame_headers },
    Target { name: "seal", decode: seal, samples: seals },
    Target { name: "segment", decode: segment, samples: || folder::bytes_in("segments/") },
    Target { name: "genesis", decode: genesis, samples: || folder::bytes_in("genesis") },
    Target { name: "verifier_key", decode: verifier_key, samples: verifier_keys },
    Target { name: "note", decode: note, samples: notes },
    Target { name: "checkpoints", decode: checkpoints, samples: || folder::bytes_in("checkpoints") },
    Target { name: "tree_mark", decode: tree_mark, samples: || folder::bytes_in("tree/mark") },
    Target { name: "proofs", decode: proofs, samples: proof_samples },
    Target { name: "folder", decode: folder::decode, samples: folder::whole_files },
];

impl Target {
    /// Spoils good inputs `rounds` times from a seed and decodes each; says how many there were.
    pub fn run_mutated(&self, seed: u64, rounds: u64) -> u64 {
        let mut random = Random::new(seed);
        let samples = (self.samples)();
        let mut done = 0;
        for sample in &samples {
            (self.decode)(sample);
            done += 1;
        }
        for _ in 0..rounds {
            let Some(sample) = random.pick(&samples) else { break };
            let mut bytes = sample.clone();
            for _ in 0..random.within(1, 4) {
                let other = random.pick(&samples).cloned().unwrap_or_default();
                spoil(&mut bytes, &other, &mut random);
            }
            (self.decode)(&bytes);
            done += 1;
        }
        done
    }
}

/// One change: a bit, a byte of an edge, a part cut out, doubled, zeroed or taken from elsewhere.
fn spoil(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if bytes.is_empty() {
        bytes.extend_from_slice(other);
        return;
    }
    let place = random.below(bytes.len() as u64) as usize;
    let most = (bytes.len() - place).min(64) as u64;
    let end = place + random.within(1, most) as usize;
    match random.below(9) {
        0 | 1 => bytes[place] ^= 1 << random.below(8),
        2 => bytes[place] = *random.pick(&[0, 1, 2, 0x7f, 0x80, 0xff]).unwrap_or(&0),
        3 => bytes.truncate(place),
        4 => drop(bytes.drain(place..end)),
        5 => {
            let part = bytes[place..end].to_vec();
            bytes.splice(place..place, part);
        }
        6 => bytes[place..end].fill(0),
        7 => bytes[place..end].fill(0xff),
        _ => {
            let from = random.below(other.len() as u64) as usize;
            let part = other[from..].iter().take(end - place);
            bytes[place..].iter_mut().zip(part).for_each(|(byte, &new)| *byte = new);
        }
    }
}

fn record(bytes: &[u8]) {
    let Ok(bytes) = <&[u8; RECORD_LEN]>::try_from(bytes) else { return };
    if let Ok(record) = Record::decode(bytes) {
        assert_eq!(record.encode(), *bytes, "only what is written is read");
    }
}

fn snapshot(bytes: &[u8]) {
    if let Ok(ledger) = Ledger::restore(bytes) {
        assert_eq!(ledger.snapshot(), bytes, "only what is written is read");
        assert_eq!(ledger.audit(), Ok(()), "what is read adds up");
    }
}

fn segment_header(bytes: &[u8]) {
    if let Ok(header) = SegmentHeader::decode(bytes) {
        let written = header.encode();
        assert_eq!(written[..bytes.len().min(written.len())], bytes[..bytes.len().min(written.len())]);
    }
}

fn frame_header(bytes: &[u8]) {
    if let Some(header) = FrameHeader::decode(bytes) {
        assert_eq!(header.encode(), bytes[..FRAME_HEADER]);
    }
}

fn seal(bytes: &[u8]) {
    if let Some(seal) = Seal::decode(bytes) {
        assert_eq!(seal.encode(), bytes);
    }
}

/// A disk with one file.
fn disk_with(name: &str, bytes: &[u8]) -> Memory {
    let disk = Memory::new();
    disk.plant(name, bytes);
    disk
}

fn segment(bytes: &[u8]) {
    let disk = disk_with("segments/00000000000000000000.seg", bytes);
    let Ok(segment) = Segment::open(&disk, 0, false) else { return };
    let _ = segment.header();
    let mut records = 0;
    let mut visit = |frame: &jialing_journal::segment::Frame| {
        assert_eq!(frame.entries.len(), frame.header.body());
        records += u64::from(frame.header.count);
        Ok(())
    };
    if let Ok(Some(seal)) = segment.seal() {
        let walked = segment.walk_sealed(&seal, &mut visit);
        assert!(walked.is_err() || records == seal.end, "a sealed segment has what its seal says");
    }
    if let Ok((end, next)) = segment.walk_open(|_| Ok(())) {
        assert!(end <= segment.size.max(SEGMENT_HEADER));
        let _ = segment.rest(end, next);
    }
}

fn genesis(bytes: &[u8]) {
    let disk = disk_with("genesis", bytes);
    if let Ok(Some(genesis)) = Genesis::load(&disk) {
        let other = Memory::new();
        genesis.load_or_store(&other).expect("a genesis that was read can be stored");
        assert_eq!(other.bytes("genesis").expect("it was stored"), bytes);
    }
}

fn verifier_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
}

fn signers() -> [CheckpointSigner; 2] {
    let of = |suite| CheckpointSigner::new(suite, "simulated/ledger", &[7; 32]);
    [of(Suite::Sha256Ed25519), of(Suite::Sm3Sm2)]
}

fn note(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for key in signers().map(|signer| signer.verifier()) {
        if let Ok(opened) = Checkpoint::open(text, &key) {
            assert!(opened.verify(&key), "what is read is signed");
            let again = opened.note(&key);
            let signed = |note: &str| note.split("\n\n").next().map(str::to_owned);
            assert_eq!(signed(&again), signed(text), "what was signed is what is said");
            assert_eq!(Checkpoint::open(&again, &key), Ok(opened));
        }
    }
}

fn checkpoints(bytes: &[u8]) {
    let disk = disk_with("checkpoints", bytes);
    let _ = Checkpoints::open(&disk, false).map(|found| {
        assert!(found.count() * jialing_journal::checkpoint::LINE as u64 <= bytes.len() as u64);
        let newest = found.newest().map_or(0, |newest| newest.size);
        for size in [0, 1, newest, newest.saturating_add(1), u64::MAX] {
            let covering = found.covering(size);
            assert!(covering.is_err() || covering.is_ok_and(|one| one.is_none_or(|one| one.size >= size)));
        }
    });
    let _ = Checkpoints::look(&disk);
}

fn tree_mark(bytes: &[u8]) {
    if let Some(mark) = Mark::load(&disk_with("tree/mark", bytes)) {
        assert_eq!(bytes.len(), 44);
        assert_eq!(mark.size.to_le_bytes(), bytes[..8]);
        assert_eq!(mark.root, bytes[8..40]);
    }
}

/// Index, size, old size, leaf, two roots, then the path. What does not come from a tree must not
/// verify: a path that verifies must not do so for another leaf.
fn proofs(bytes: &[u8]) {
    let Some((numbers, rest)) = bytes.split_at_checked(24) else { return };
    let number = |at: usize| u64::from_le_bytes(numbers[at..at + 8].try_into().expect("eight bytes"));
    let (index, size, old) = (number(0), number(8), number(16));
    let hashes: Vec<Hash> =
        rest.chunks_exact(32).map(|hash| hash.try_into().expect("thirty-two bytes")).collect();
    let [leaf, root, old_root, path @ ..] = hashes.as_slice() else { return };
    let mut other = *leaf;
    other[0] ^= 1;
    for suite in [Suite::Sha256Ed25519, Suite::Sm3Sm2] {
        if proof::includes(suite, leaf, index, size, path, root) {
            assert!(!proof::includes(suite, &other, index, size, path, root));
            assert!(index < size && path.len() <= 64);
        }
        if proof::consistent(suite, old, old_root, size, root, path) && 0 < old && old < size {
            let mut forged = *root;
            forged[31] ^= 1;
            assert!(!proof::consistent(suite, old, old_root, size, &forged, path));
        }
    }
}

fn segment_headers() -> Vec<Vec<u8>> {
    [0, 1, 580_000, u64::MAX]
        .map(|base| SegmentHeader { base, log: [3; 32], root: [4; 32] }.encode())
        .into_iter()
        .chain(folder::bytes_in("segments/").into_iter().map(|file| file[..SEGMENT_HEADER as usize].to_vec()))
        .collect()
}

fn frame_headers() -> Vec<Vec<u8>> {
    let header = |count, first| FrameHeader { count, first, root: [1; 32], crc: 7 }.encode().to_vec();
    vec![header(1, 0), header(1 << 18, 9), header(8_190, u64::MAX)]
}

fn seals() -> Vec<Vec<u8>> {
    let seal = |frames, end| Seal { frames, end, root: [1; 32], table: 4096, table_crc: 7 }.encode().to_vec();
    let files = folder::bytes_in("segments/").into_iter();
    let own = files.map(|file| file[file.len() - SEAL..].to_vec());
    [seal(1, 1), seal(u32::MAX, u64::MAX)].into_iter().chain(own).collect()
}

fn verifier_keys() -> Vec<Vec<u8>> {
    signers().map(|signer| signer.verifier().to_string().into_bytes()).to_vec()
}

fn notes() -> Vec<Vec<u8>> {
    let note = |signer: &CheckpointSigner, size| {
        let checkpoint = signer.sign(size, [9; 32], 1_767_225_600_000_000_000);
        checkpoint.note(&signer.verifier()).into_bytes()
    };
    signers().iter().flat_map(|signer| [0, 1, 4_711, u64::MAX].map(|size| note(signer, size))).collect()
}

/// Proofs from a small tree over made-up leaves, by the recursion of RFC 6962.
fn proof_samples() -> Vec<Vec<u8>> {
    struct Leaves(Vec<Hash>);
    impl proof::Nodes for Leaves {
        type Error = std::convert::Infallible;
        fn suite(&self) -> Suite {
            Suite::Sha256Ed25519
        }
        fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
            if level == 0 {
                return Ok(self.0[index as usize]);
            }
            let (left, right) = (self.node(level - 1, 2 * index)?, self.node(level - 1, 2 * index + 1)?);
            Ok(self.suite().node(&left, &right))
        }
    }
    let tree = Leaves((0..50u8).map(|n| Suite::Sha256Ed25519.leaf(&[n; 118])).collect());
    let put = |index: u64, size: u64, old: u64, leaf: Hash, old_root: Hash, path: Vec<Hash>| {
        let Ok(root) = proof::root(&tree, size);
        let numbers = [index, size, old].map(u64::to_le_bytes).concat();
        [numbers, leaf.to_vec(), root.to_vec(), old_root.to_vec(), path.concat()].concat()
    };
    let mut samples = Vec::new();
    for (index, size) in [(0, 1), (3, 7), (6, 7), (31, 32), (40, 50)] {
        let Ok(path) = proof::inclusion(&tree, index, size);
        samples.push(put(index, size, 0, tree.0[index as usize], [0; 32], path));
    }
    for (old, size) in [(1, 2), (4, 7), (6, 7), (32, 50), (33, 50)] {
        let (Ok(path), Ok(old_root)) = (proof::consistency(&tree, old, size), proof::root(&tree, old));
        samples.push(put(0, size, old, tree.0[0], old_root, path));
    }
    samples
}

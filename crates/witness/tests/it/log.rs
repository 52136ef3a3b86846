//! A log of `n` records, hashed as RFC 6962 says, that can be made to lie.

use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_crypto::note::{Checkpoint, NoteSigner, NoteVerifier};
use jialing_crypto::proof::{empty_root, leaf_hash, node_hash};
use jialing_crypto::{SigningKey, Suite};
use jialing_witness::rules::Ask;
use jialing_witness::tiles::Tile;

pub(crate) const ORIGIN: &str = "log.example/one";

pub(crate) struct Log {
    pub(crate) signer: NoteSigner,
    pub(crate) hash: HashAlgorithm,
    leaves: Vec<Digest>,
}

impl Log {
    /// `count` records, the ones from `fork` on being others than in the true log.
    pub(crate) fn new(suite: Suite, count: usize) -> Self {
        let key = match suite {
            Suite::Ed25519 => SigningKey::from_ed25519_seed(&[4; 32]).expect("a key"),
            suite => SigningKey::generate(suite),
        };
        let signer = NoteSigner::new(ORIGIN, key).expect("a name");
        let hash = signer.verifier().tree_hash();
        let leaves = (0..count).map(|n| leaf_hash(hash, format!("record {n}").as_bytes())).collect();
        Self { signer, hash, leaves }
    }

    /// The same log with another record at `place`.
    pub(crate) fn forked(&self, place: usize) -> Self {
        let mut leaves = self.leaves.clone();
        leaves[place] = leaf_hash(self.hash, b"another record");
        Self { signer: self.signer.clone(), hash: self.hash, leaves }
    }

    pub(crate) fn key(&self) -> NoteVerifier {
        self.signer.verifier().clone()
    }

    pub(crate) fn root(&self, size: usize) -> Digest {
        root(self.hash, &self.leaves[..size])
    }

    pub(crate) fn text(&self, size: usize) -> String {
        let time = vec![format!("time {size}")];
        Checkpoint { origin: ORIGIN.to_owned(), size: size as u64, root: self.root(size), extensions: time }
            .to_text()
    }

    pub(crate) fn note(&self, size: usize) -> String {
        self.signer.sign(&self.text(size)).expect("a text")
    }

    /// What the log asks of a witness that cosigned `old` records last.
    pub(crate) fn ask(&self, old: usize, size: usize) -> Ask {
        let proof = if old == 0 { vec![] } else { consistency(self.hash, old, &self.leaves[..size], true) };
        Ask { old: old as u64, proof, note: self.note(size) }
    }

    pub(crate) fn body(&self, old: usize, size: usize) -> String {
        self.ask(old, size).to_body()
    }

    pub(crate) fn tile(&self, tile: Tile) -> Vec<u8> {
        let span = 256_usize.pow(u32::from(tile.level));
        let first = tile.index as usize * 256;
        (first..first + usize::from(tile.width))
            .flat_map(|at| root(self.hash, &self.leaves[at * span..(at + 1) * span]))
            .collect()
    }
}

fn root(hash: HashAlgorithm, leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(hash),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(hash, &root(hash, left), &root(hash, right))
        }
    }
}

fn consistency(hash: HashAlgorithm, first: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
    if first == leaves.len() {
        return if whole { vec![] } else { vec![root(hash, leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut nodes, sibling) = if first <= left.len() {
        (consistency(hash, first, left, whole), root(hash, right))
    } else {
        (consistency(hash, first - left.len(), right, false), root(hash, left))
    };
    nodes.push(sibling);
    nodes
}

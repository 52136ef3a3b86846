//! The sum trees of a day: who has which leaf, and how the trees are kept in pages.
//!
//! A leaf hides its account: it commits to the account's number under a nonce that is derived from a
//! secret of the platform, the day and the account. Leaves stand in the order of their commitments, so
//! neighbours of one day are strangers, and others the next day.
//!
//! A book's tree is kept in pages of [`WIDTH`]: level 0 holds commitments and balances, level 1 the
//! roots of the pages below, and so on up to one page. Inside a page the tree is made again when a
//! path is asked for: at most 255 hashes for each level.

use jialing_crypto::hash::{Digest, HashAlgorithm, hmac_sha256};
use jialing_crypto::sum_tree::{self, SumError, SumNode};
use jialing_ledger::Id;

/// Leaves or nodes in a page.
pub(super) const WIDTH: usize = 256;
/// Bytes of a leaf or node in a page: a hash, and an amount, big endian.
const LEN: usize = 40;

/// What hides the accounts of one day.
#[derive(Clone)]
pub(super) struct Blinds(String);

impl Blinds {
    /// From the day's secret.
    pub(super) const fn new(secret: String) -> Self {
        Self(secret)
    }

    /// What the owner of `account` is given, and nobody else.
    pub(super) fn nonce(&self, account: Id) -> Digest {
        hmac_sha256(self.0.as_bytes(), &account.to_be_bytes())
    }

    /// What stands for `account` in its leaf.
    pub(super) fn commitment(&self, hash: HashAlgorithm, account: Id) -> Digest {
        sum_tree::commitment(hash, account, &self.nonce(account))
    }
}

/// A leaf: the commitment to an account, and its balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leaf {
    pub(super) commitment: Digest,
    pub(super) balance: u64,
}

/// Why a tree cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadTree {
    /// Leaves must come in order, each commitment once.
    #[error("two leaves are of one account, or not in order")]
    Order,
    /// The balances are more than 64 bits hold.
    #[error(transparent)]
    Sum(#[from] SumError),
}

/// A page of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) level: u8,
    pub(super) number: u64,
    pub(super) nodes: Vec<u8>,
}

impl Page {
    /// The first commitment of a page of leaves.
    pub(super) fn first(&self) -> Option<Digest> {
        (self.level == 0).then(|| self.nodes.first_chunk::<32>().copied()).flatten()
    }
}

/// Builds one tree from leaves in order and gives its pages as they become full.
pub(super) struct Builder {
    hash: HashAlgorithm,
    leaves: Vec<Leaf>,
    /// The nodes of each level above the leaves that have no page yet, and pages made so far.
    levels: Vec<(Vec<SumNode>, u64)>,
    count: u64,
    last: Option<Digest>,
    pages: Vec<Page>,
}

impl Builder {
    pub(super) fn new(hash: HashAlgorithm) -> Self {
        Self { hash, leaves: Vec::new(), levels: Vec::new(), count: 0, last: None, pages: Vec::new() }
    }

    /// Adds the next leaf.
    pub(super) fn add(&mut self, leaf: Leaf) -> Result<(), BadTree> {
        if self.last.is_some_and(|last| last >= leaf.commitment) {
            return Err(BadTree::Order);
        }
        self.last = Some(leaf.commitment);
        self.leaves.push(leaf);
        self.count += 1;
        if self.leaves.len() == WIDTH { self.end_leaves() } else { Ok(()) }
    }

    /// Leaves added.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Pages that wait to be taken.
    pub(super) fn full_pages(&self) -> usize {
        self.pages.len()
    }

    /// The pages that are full since the last time.
    pub(super) fn take_pages(&mut self) -> Vec<Page> {
        std::mem::take(&mut self.pages)
    }

    /// Ends the tree: its root, and the last pages.
    pub(super) fn finish(mut self) -> Result<(SumNode, Vec<Page>), BadTree> {
        if self.count == 0 {
            return Ok((sum_tree::empty(self.hash), Vec::new()));
        }
        if !self.leaves.is_empty() {
            self.end_leaves()?;
        }
        let mut level = 1;
        loop {
            let (nodes, pages) = &self.levels[level - 1];
            // One node and no page of this level: it is the root of everything below.
            if let ([root], 0) = (&nodes[..], pages) {
                return Ok((*root, self.pages));
            }
            if !nodes.is_empty() {
                self.end_nodes(level)?;
            }
            level += 1;
        }
    }

    fn end_leaves(&mut self) -> Result<(), BadTree> {
        let nodes: Vec<SumNode> = self.leaves.iter().map(|leaf| leaf.node(self.hash)).collect();
        let root = sum_tree::root(self.hash, &nodes)?;
        let bytes = self.leaves.iter().flat_map(|leaf| packed(&leaf.commitment, leaf.balance)).collect();
        let number = (self.count - 1) / WIDTH as u64;
        self.pages.push(Page { level: 0, number, nodes: bytes });
        self.leaves.clear();
        self.rise(1, root)
    }

    fn end_nodes(&mut self, level: usize) -> Result<(), BadTree> {
        let (nodes, pages) = &mut self.levels[level - 1];
        let root = sum_tree::root(self.hash, nodes)?;
        let bytes = nodes.iter().flat_map(|node| packed(&node.hash, node.sum)).collect();
        self.pages.push(Page { level: level as u8, number: *pages, nodes: bytes });
        nodes.clear();
        *pages += 1;
        self.rise(level + 1, root)
    }

    /// Puts the root of a page on `level`.
    fn rise(&mut self, level: usize, root: SumNode) -> Result<(), BadTree> {
        if self.levels.len() < level {
            self.levels.push((Vec::new(), 0));
        }
        let nodes = &mut self.levels[level - 1].0;
        nodes.push(root);
        if nodes.len() == WIDTH { self.end_nodes(level) } else { Ok(()) }
    }
}

impl Leaf {
    fn node(&self, hash: HashAlgorithm) -> SumNode {
        sum_tree::leaf(hash, &self.commitment, self.balance)
    }
}

fn packed(hash: &Digest, amount: u64) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    bytes[..32].copy_from_slice(hash);
    bytes[32..].copy_from_slice(&amount.to_be_bytes());
    bytes
}

/// The pairs of hash and amount in a page; `None` unless they are whole and not too many.
fn unpacked(bytes: &[u8]) -> Option<Vec<(Digest, u64)>> {
    let (pairs, rest) = bytes.as_chunks::<LEN>();
    if !rest.is_empty() || pairs.is_empty() || pairs.len() > WIDTH {
        return None;
    }
    let read = |pair: &[u8; LEN]| {
        let (hash, amount) = pair.split_first_chunk::<32>()?;
        Some((*hash, u64::from_be_bytes(amount.try_into().ok()?)))
    };
    pairs.iter().map(read).collect()
}

/// The leaves of a page; `None` unless they are whole and in order.
pub(super) fn leaves(bytes: &[u8]) -> Option<Vec<Leaf>> {
    let leaves: Vec<Leaf> =
        unpacked(bytes)?.into_iter().map(|(commitment, balance)| Leaf { commitment, balance }).collect();
    leaves.is_sorted_by(|a, b| a.commitment < b.commitment).then_some(leaves)
}

/// The siblings of leaf `at` inside its page.
pub(super) fn path_among_leaves(
    hash: HashAlgorithm,
    leaves: &[Leaf],
    at: usize,
) -> Result<Vec<SumNode>, SumError> {
    let nodes: Vec<SumNode> = leaves.iter().map(|leaf| leaf.node(hash)).collect();
    sum_tree::path(hash, &nodes, at)
}

/// The siblings of node `at` inside the page `bytes`; `None` when that is no such page.
pub(super) fn path_among_nodes(hash: HashAlgorithm, bytes: &[u8], at: usize) -> Option<Vec<SumNode>> {
    let nodes: Vec<SumNode> = unpacked(bytes)?.into_iter().map(|(hash, sum)| SumNode { hash, sum }).collect();
    sum_tree::path(hash, &nodes, at).ok()
}

/// Levels above the leaves that have pages, in a tree of `count` leaves.
pub(super) fn levels_above(count: u64) -> u8 {
    let mut pages = count.div_ceil(WIDTH as u64);
    let mut levels = 0;
    while pages > 1 {
        pages = pages.div_ceil(WIDTH as u64);
        levels += 1;
    }
    levels
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const HASH: HashAlgorithm = HashAlgorithm::Sha256;

    fn sorted(count: u64) -> Vec<Leaf> {
        let blinds = Blinds::new("secret".to_owned());
        let mut leaves: Vec<Leaf> = (1..=count)
            .map(|n| Leaf { commitment: blinds.commitment(HASH, n.into()), balance: n * 7 % 1_000 })
            .collect();
        leaves.sort_unstable();
        leaves
    }

    fn built(leaves: &[Leaf]) -> (SumNode, HashMap<(u8, u64), Vec<u8>>) {
        let mut builder = Builder::new(HASH);
        let mut pages = Vec::new();
        for leaf in leaves {
            builder.add(*leaf).expect("in order");
            pages.extend(builder.take_pages());
        }
        assert_eq!(builder.count(), leaves.len() as u64);
        let (root, last) = builder.finish().expect("small sums");
        pages.extend(last);
        let made = pages.len();
        let kept: HashMap<_, _> =
            pages.into_iter().map(|page| ((page.level, page.number), page.nodes)).collect();
        assert_eq!(kept.len(), made, "each page once");
        (root, kept)
    }

    fn path(pages: &HashMap<(u8, u64), Vec<u8>>, index: u64, count: u64) -> Vec<SumNode> {
        let width = WIDTH as u64;
        let own = leaves(&pages[&(0, index / width)]).expect("a page of leaves");
        let mut path = path_among_leaves(HASH, &own, (index % width) as usize).expect("it is there");
        let mut at = index / width;
        for level in 1..=levels_above(count) {
            let page = &pages[&(level, at / width)];
            path.extend(path_among_nodes(HASH, page, (at % width) as usize).expect("a page of nodes"));
            at /= width;
        }
        path
    }

    #[test]
    fn paths_from_pages_lead_to_the_root_of_the_plain_tree() {
        let sizes = (1..70).chain([255, 256, 257, 511, 513, 65_536, 65_793]);
        for count in sizes {
            let leaves = sorted(count);
            let nodes: Vec<SumNode> = leaves.iter().map(|leaf| leaf.node(HASH)).collect();
            let (root, pages) = built(&leaves);
            assert_eq!(root, sum_tree::root(HASH, &nodes).expect("small sums"), "{count} leaves");
            let step = (count as usize / 70).max(1);
            for index in (0..count).step_by(step).chain([count - 1]) {
                let path = path(&pages, index, count);
                assert_eq!(
                    sum_tree::verify(HASH, &nodes[index as usize], index, count, &path, &root),
                    Ok(()),
                    "{index} of {count}"
                );
            }
        }
    }

    #[test]
    fn a_tree_without_leaves_has_no_pages() {
        let (root, pages) = built(&[]);
        assert_eq!((root, pages.len()), (sum_tree::empty(HASH), 0));
        assert_eq!([0, 1, 256, 257, 65_536, 65_537].map(levels_above), [0, 0, 0, 1, 1, 2]);
    }

    #[test]
    fn two_leaves_of_one_account_are_refused() {
        let leaves = sorted(3);
        let add = |order: [usize; 2]| {
            let mut builder = Builder::new(HASH);
            builder.add(leaves[order[0]]).and_then(|()| builder.add(leaves[order[1]]))
        };
        assert_eq!(add([0, 1]), Ok(()));
        assert_eq!(add([0, 0]), Err(BadTree::Order));
        assert_eq!(add([1, 0]), Err(BadTree::Order));
        let richer = Leaf { balance: leaves[0].balance + 1, ..leaves[0] };
        let mut builder = Builder::new(HASH);
        builder.add(leaves[0]).expect("the first");
        assert_eq!(builder.add(richer), Err(BadTree::Order), "the same account with another balance");
    }

    #[test]
    fn sums_above_64_bits_are_refused() {
        let mut leaves = sorted(2);
        leaves[0].balance = u64::MAX;
        leaves[1].balance = 1;
        let mut builder = Builder::new(HASH);
        leaves.iter().for_each(|leaf| builder.add(*leaf).expect("in order"));
        assert_eq!(builder.finish().map(|_| ()), Err(BadTree::Sum(SumError::Overflow)));
    }

    #[test]
    fn an_account_has_another_leaf_on_another_day() {
        let (one, two) = (Blinds::new("one".into()), Blinds::new("two".into()));
        assert_ne!(one.commitment(HASH, 1), two.commitment(HASH, 1));
        assert_ne!(one.commitment(HASH, 1), one.commitment(HASH, 2));
        assert_eq!(one.commitment(HASH, 1), one.clone().commitment(HASH, 1));
    }

    #[test]
    fn a_page_with_a_changed_byte_gives_other_leaves_or_none() {
        let three = sorted(3);
        let page = built(&three).1.remove(&(0, 0)).expect("one page");
        assert_eq!(leaves(&page), Some(three.clone()));
        for at in 0..page.len() {
            let mut changed = page.clone();
            changed[at] ^= 0x40;
            assert_ne!(leaves(&changed), Some(three.clone()), "byte {at}");
            assert_eq!(leaves(&page[..at]).is_some(), at > 0 && at % LEN == 0, "cut at {at}");
        }
        assert_eq!(leaves(&[0; LEN * (WIDTH + 1)]), None, "too many");
        assert_eq!(path_among_nodes(HASH, &page, 3), None, "outside the page");
        assert_eq!(path_among_nodes(HASH, &page[..LEN + 1], 0), None, "not whole");
    }
}

//! What opening finds: sealed segments linked to each other, the one that is not sealed, and whether
//! both meet the newest stored checkpoint.

use std::io;
use std::sync::Arc;

use crate::checkpoint::Checkpoints;
use crate::disk::{Disk, read_exact};
use crate::format::{MAX_SEGMENT, Seal};
use crate::genesis::Genesis;
use crate::hash::{Hash, hex};
use crate::proof::{self, Nodes as _};
use crate::reader::Sealed;
use crate::segment::{self, Rest, Segment};
use crate::tree::{Edge, Mark, Tree, TreeFiles};
use crate::{JournalError, io_error};

/// What a folder holds, as far as it is whole and fits. Nothing but derived files was changed.
pub(crate) struct Found {
    pub(crate) checkpoints: Checkpoints,
    pub(crate) chain: Chain,
    pub(crate) tail: OpenTail,
    pub(crate) tree: Tree,
    pub(crate) files: Arc<TreeFiles>,
    /// Entries hashed again.
    pub(crate) rehashed: u64,
}

impl Found {
    /// Looks at all of it.
    pub(crate) fn look(
        disk: &dyn Disk,
        genesis: &Genesis,
        bases: &[u64],
        files: Arc<TreeFiles>,
    ) -> Result<Self, JournalError> {
        let checkpoints = Checkpoints::open(disk, true)?;
        let chain = Chain::read(disk, genesis, bases)?;
        let mut rehashed = 0;
        let mark = Mark::load(disk);
        let (mut tree, mut tail) = chain.walk(disk, &files, mark, &mut rehashed)?;
        match meets(checkpoints.newest(), genesis, &tree, &files) {
            // Stored hashes are derived: what cannot be read of them is made again.
            Err(JournalError::Io { .. }) => {
                (tree, tail) = chain.walk(disk, &files, None, &mut rehashed)?;
                meets(checkpoints.newest(), genesis, &tree, &files)?;
            }
            met => met?,
        }
        Ok(Self { checkpoints, chain, tail, tree, files, rehashed })
    }
}

/// The segments of a log, each linked to the one before.
pub(crate) struct Chain {
    /// The sealed ones, each with its root.
    pub(crate) sealed: Vec<(Sealed, Hash)>,
    /// The last of them.
    pub(crate) last: Option<(Segment, Seal)>,
    pub(crate) open: Option<Segment>,
}

impl Chain {
    fn read(disk: &dyn Disk, genesis: &Genesis, bases: &[u64]) -> Result<Self, JournalError> {
        let (log, mut next, mut root) = (genesis.log(), 0, genesis.suite().empty());
        let mut chain = Self { sealed: Vec::new(), last: None, open: None };
        for (place, &base) in bases.iter().enumerate() {
            let segment = Segment::open(disk, base, place + 1 == bases.len())?;
            let header = segment.header()?;
            if header.log != log {
                return Err(JournalError::Mismatch(format!("{} belongs to another log", segment.name)));
            }
            if base != next {
                let what = format!("the log should go on with record {next} here: a segment is missing");
                return Err(segment.damaged(0, next, what));
            }
            if header.root != root {
                return Err(segment.damaged(64, base, "its link does not fit the segment before"));
            }
            match segment.seal()? {
                Some(seal) => {
                    (next, root) = (seal.end, seal.root);
                    chain.sealed.push((Sealed::new(&segment, &seal), root));
                    chain.last = Some((segment, seal));
                }
                None if place + 1 == bases.len() => chain.open = Some(segment),
                None => {
                    return Err(segment.damaged(
                        segment.size,
                        base,
                        "it has no good seal, yet it is not the last",
                    ));
                }
            }
        }
        Ok(chain)
    }

    /// The tree and the end of the log, with hashes made again after the durable mark; all of them, in new
    /// files, without one that holds.
    fn walk(
        &self,
        disk: &dyn Disk,
        files: &Arc<TreeFiles>,
        mark: Option<Mark>,
        rehashed: &mut u64,
    ) -> Result<(Tree, OpenTail), JournalError> {
        let mut tree = self.tree(disk, files, mark, rehashed)?;
        let tail = match &self.open {
            Some(segment) => walk_tail(segment, &mut tree, rehashed)?,
            None => OpenTail::default(),
        };
        Ok((tree, tail))
    }

    /// The tree up to the end of the sealed segments.
    fn tree(
        &self,
        disk: &dyn Disk,
        files: &Arc<TreeFiles>,
        mark: Option<Mark>,
        rehashed: &mut u64,
    ) -> Result<Tree, JournalError> {
        let known = |mark: &Mark| {
            let seals = |(sealed, root): &(Sealed, Hash)| (sealed.end, *root) == (mark.size, mark.root);
            mark.size == 0 || self.sealed.iter().any(seals)
        };
        let edge = match mark.filter(known).and_then(|mark| mark.edge(files)) {
            Some(edge) => edge,
            None => {
                // A bad sector is only mended by writing all of it, which frame by frame does not do.
                files.renew().map_err(|error| io_error("removing tree/".to_owned(), error))?;
                Edge::new(files.suite())
            }
        };
        let mut tree = Tree::new(files.clone(), edge);
        let known = tree.edge().size();
        for (sealed, root) in self.sealed.iter().filter(|(sealed, _)| sealed.end >= known) {
            let segment = Segment::open(disk, sealed.base, false)?;
            if sealed.end > tree.edge().size() {
                let seal = segment.seal()?.filter(|seal| seal.end == sealed.end && seal.root == *root);
                let seal = seal.ok_or_else(|| {
                    segment.damaged(segment.size, sealed.base, "its seal was good, and now is not")
                })?;
                segment.walk_sealed(&seal, |frame| add_frame(&segment, frame, &mut tree, rehashed))?;
            }
            if sealed.end == tree.edge().size() && tree.edge().root() != *root {
                return Err(segment.damaged(
                    segment.size,
                    segment.base,
                    "the seal's root does not fit the records",
                ));
            }
        }
        Ok(tree)
    }
}

/// Checks a frame's link and adds its entries to the tree.
fn add_frame(
    segment: &Segment,
    frame: &segment::Frame,
    tree: &mut Tree,
    rehashed: &mut u64,
) -> Result<(), JournalError> {
    if frame.header.root != tree.edge().root() {
        return Err(segment.damaged(
            frame.at,
            frame.header.first,
            "the frame's link does not fit the records before it",
        ));
    }
    let mut leaves = Vec::with_capacity(frame.header.count as usize);
    tree.edge().suite().leaves(&frame.entries, &mut leaves);
    tree.append(&leaves).map_err(|error| io_error("writing tree/".to_owned(), error))?;
    *rehashed += leaves.len() as u64;
    Ok(())
}

/// Where the unsealed segment's frames are, and what follows them.
#[derive(Default)]
pub(crate) struct OpenTail {
    pub(crate) frames: Vec<(u64, u64)>,
    pub(crate) end: u64,
    pub(crate) torn: u64,
}

fn walk_tail(segment: &Segment, tree: &mut Tree, rehashed: &mut u64) -> Result<OpenTail, JournalError> {
    let mut frames = Vec::new();
    let (end, next) = segment.walk_open(|frame| {
        frames.push((frame.header.first, frame.at));
        add_frame(segment, frame, tree, rehashed)
    })?;
    match segment.rest(end, next)? {
        Rest::Clean => Ok(OpenTail { frames, end, torn: 0 }),
        Rest::Torn(torn) => Ok(OpenTail { frames, end, torn }),
        Rest::LaterFrame(at, first) => {
            let what = format!(
                "no good frame here, yet one with record {first} follows at byte {at}, so this one was durable once"
            );
            Err(segment.damaged(end, next, what))
        }
    }
}

/// Writes bytes of a segment once more and flushes them.
///
/// What an earlier process wrote last may be in the system's cache only: it was killed before its
/// flush, or its flush failed, after which the cache holds for written what the disk may not have. A
/// flush alone would then do nothing, and what is answered from here on could be lost with the power.
///
/// They are read twice: a bit that turned in one read would be made durable by the write.
pub(crate) fn write_again(segment: &Segment, from: u64, end: u64) -> Result<(), JournalError> {
    let wrap = |error| io_error(format!("writing the end of {} once more", segment.name), error);
    let read = || read_exact(&*segment.file, from, (end - from) as usize);
    let bytes = read().map_err(wrap)?;
    if read().map_err(wrap)? != bytes {
        return Err(wrap(io::Error::other("two reads of the same bytes differ; try once more")));
    }
    segment.file.write_at(&bytes, from).map_err(wrap)?;
    segment.file.sync().map_err(wrap)
}

/// Zeroes a torn tail, so that it can never be taken for frames, and takes the segment's room again.
pub(crate) fn clean_tail(
    segment: &Segment,
    open: &OpenTail,
    segment_bytes: u64,
) -> Result<u64, JournalError> {
    let wrap = |error| io_error(format!("clearing the torn tail of {}", segment.name), error);
    let (mut at, end) = (open.end, open.end + open.torn);
    while at < end {
        let length = (end - at).min(1 << 20);
        segment.file.write_at(&vec![0; length as usize], at).map_err(wrap)?;
        at += length;
    }
    segment.file.allocate(segment_bytes.clamp(segment.size, MAX_SEGMENT)).map_err(wrap)?;
    let last = open.frames.last().map_or(open.end, |&(_, at)| at);
    write_again(segment, last, open.end)?;
    Ok(open.torn)
}

/// Refuses a log that is behind or beside its newest stored checkpoint.
fn meets(
    newest: Option<&crate::Checkpoint>,
    genesis: &Genesis,
    tree: &Tree,
    files: &TreeFiles,
) -> Result<(), JournalError> {
    let Some(newest) = newest else { return Ok(()) };
    if !newest.verify(&genesis.key) {
        return Err(JournalError::RolledBack(
            "the newest stored checkpoint is not signed by this log's key".to_owned(),
        ));
    }
    let size = tree.edge().size();
    if newest.size > size {
        return Err(JournalError::RolledBack(format!(
            "a stored checkpoint covers {} records, the journal has {size} whole ones",
            newest.size
        )));
    }
    let root =
        proof::root(files, newest.size).map_err(|error| io_error("reading tree/".to_owned(), error))?;
    if root != newest.root {
        return Err(JournalError::RolledBack(format!(
            "the first {} records have root {}, a stored checkpoint signed {}",
            newest.size,
            hex(&root),
            hex(&newest.root)
        )));
    }
    Ok(())
}

//! What an engine may be told: where, which key, and every limit with its name and default.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jialing_journal::Suite;
use jialing_journal::disk::Disk;
use jialing_ledger::Nanos;

/// Where the time comes from. The kernel has no clock; this is the one the engine reads.
///
/// A source that goes back is held at the last recorded time until it catches up.
pub type TimeSource = Arc<dyn Fn() -> Nanos + Send + Sync>;

/// Most commands in one flush.
pub const MAX_BATCH: usize = 8190;

/// Most accounts that are read at one instant.
pub const MAX_ACCOUNTS_AT_ONCE: usize = 8190;

/// Where the key that signs checkpoints comes from.
#[derive(Clone)]
pub enum KeySource {
    /// `checkpoint.key` in the data folder, made with mode 0600 on the first start. For a laptop.
    Folder,
    /// A seed that the caller loaded from a safe place: Ed25519's, or SM2's secret number.
    Seed([u8; 32]),
}

/// Settings of an embedded engine. [`Config::new`] gives every limit its default.
#[derive(Clone)]
pub struct Config {
    /// The data folder; made when missing. One process at a time.
    pub dir: PathBuf,
    /// The log's name in its checkpoints, for instance `ledger.example.gov.cn`. Fixed at the first
    /// start; another name on the same folder is refused. Default `jialing/ledger`.
    pub origin: String,
    /// Hash and signature: SHA-256 with Ed25519, or SM3 with SM2. Fixed at the first start; another
    /// one on the same folder is refused. Default [`Suite::Sha256Ed25519`].
    pub suite: Suite,
    /// Signs checkpoints. Fixed at the first start. Default [`KeySource::Folder`].
    pub key: KeySource,
    /// The clock. Default: the system's.
    pub time: TimeSource,
    /// Bytes in one journal segment, preallocated. Default 64 MiB (about 580,000 records).
    pub segment_bytes: u64,
    /// Most commands applied and flushed together, 1 to [`MAX_BATCH`]. Default [`MAX_BATCH`].
    pub max_batch: usize,
    /// Commands that may wait; beyond it [`crate::SubmitError::Overloaded`]. Default 65,536.
    pub queue: usize,
    /// Longest time between two signed checkpoints while records come. Default 1 s.
    pub checkpoint_every: Duration,
    /// Sealed segments between two snapshots of the state. Default 4. None is taken before as many
    /// records have come as there are accounts. A start replays at most about so many and the unsealed
    /// segment.
    pub snapshot_segments: u64,
    /// Sorted index files merged into one of the next tier. Default 8.
    pub index_fan_in: usize,
    /// Most bytes of filters of ids in memory, ten bits an id; they are loaded only where ids come in no
    /// order of time. Beyond it, files are read instead. Default 256 MiB (200 million ids).
    pub index_filter_bytes: u64,
    /// Where segments that were moved to cold storage are looked for (see [`crate::cold`]). Default: where
    /// each was moved to.
    pub cold: Option<PathBuf>,
    /// The disk to use instead of `dir`: for tests that let it fail. Default none.
    pub disk: Option<Arc<dyn Disk>>,
}

impl Config {
    /// The defaults, on `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            origin: "jialing/ledger".to_owned(),
            suite: Suite::default(),
            key: KeySource::Folder,
            time: Arc::new(system_time),
            segment_bytes: 64 << 20,
            max_batch: MAX_BATCH,
            queue: 65_536,
            checkpoint_every: Duration::from_secs(1),
            snapshot_segments: 4,
            index_fan_in: 8,
            index_filter_bytes: 256 << 20,
            cold: None,
            disk: None,
        }
    }
}

/// The system's clock.
fn system_time() -> Nanos {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| Nanos::try_from(since.as_nanos()).unwrap_or(Nanos::MAX))
}

#[cfg(test)]
mod tests {
    /// Every field stands on the page of limits, with its name.
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/reference/limits-of-the-engine.md");
        let fields = include_str!("config.rs").lines().filter_map(|line| line.strip_prefix("    pub "));
        let fields = fields.filter(|field| !field.starts_with("fn "));
        let names: Vec<_> = fields.filter_map(|field| field.split_once(':')).map(|(name, _)| name).collect();
        assert!(names.len() >= 10, "{names:?}");
        for name in names {
            assert!(page.contains(&format!("| `{name}` |")), "{name} is missing");
        }
    }
}

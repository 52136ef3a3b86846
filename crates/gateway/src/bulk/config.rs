//! What the bulk door is told. Each limit has a name, a default and a line in `docs/reference/bulk.md`.

use std::net::SocketAddr;

use jialing_crypto::SigningKey;
use serde::Deserialize;

use crate::Rate;

/// How the bulk door is set up.
#[derive(Clone, Debug)]
pub struct BulkConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The platform's keys: the one of the client's suite proves who this is, else the first.
    pub keys: Vec<SigningKey>,
    /// Every limit.
    pub limits: BulkLimits,
}

/// Bounds of what one bank, or all together, may ask of the bulk door. What a frame may hold is part
/// of the format and not to be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BulkLimits {
    /// Connections open at once, those that are still shaking hands included.
    pub connections: usize,
    /// Connections of one bank.
    pub per_bank: usize,
    /// Frames of one connection under way.
    pub window: u16,
    /// Seconds in which the handshake must be over.
    pub handshake_seconds: u64,
    /// Seconds in which a frame that was begun must have arrived.
    pub frame_seconds: u64,
    /// Seconds without a frame after which a connection closes.
    pub idle_seconds: u32,
    /// Seconds that a client may take to read an answer.
    pub read_seconds: u64,
    /// Seconds between two looks whether a connection's key is still valid.
    pub recheck_seconds: u64,
    /// Hours after which a connection closes, so that its keys are made anew.
    pub age_hours: u64,
    /// Seconds that a stop waits for frames that were taken.
    pub drain_seconds: u64,
    /// Records that a follower may lag behind the journal before frames are answered *busy*.
    pub max_lag: u64,
    /// Handshakes, per address.
    pub handshakes: Rate,
}

impl BulkConfig {
    /// The defaults on `listen`, proving the platform with `keys`.
    #[must_use]
    pub fn new(listen: SocketAddr, keys: Vec<SigningKey>) -> Self {
        Self { listen, keys, limits: BulkLimits::default() }
    }
}

impl Default for BulkLimits {
    fn default() -> Self {
        Self {
            connections: 64,
            per_bank: 16,
            window: 4,
            handshake_seconds: 5,
            frame_seconds: 10,
            idle_seconds: 60,
            read_seconds: 30,
            recheck_seconds: 5,
            age_hours: 24,
            drain_seconds: 20,
            max_lag: 40_000,
            handshakes: Rate { burst: 60, per_minute: 120 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_documented_with_its_default() {
        let page = include_str!("../../../../docs/reference/bulk.md");
        let source = include_str!("config.rs");
        let fields = source.split("pub struct BulkLimits {").nth(1).and_then(|rest| rest.split("\n}").next());
        let mut names = 0;
        for field in fields.expect("the struct").lines().filter_map(|line| line.trim().strip_prefix("pub ")) {
            let name = field.split(':').next().expect("a name");
            let default =
                source.split(&format!("            {name}: ")).nth(1).and_then(|rest| rest.lines().next());
            let default = default.expect("a default").trim_end_matches(',').replace('_', ",");
            let shown = match name {
                "handshakes" => "60 at once, 120 a minute".to_owned(),
                _ => default,
            };
            assert!(page.contains(&format!("| `{name}` | {shown} |")), "| `{name}` | {shown} | is missing");
            names += 1;
        }
        assert_eq!(names, 12);
        assert_eq!(BulkLimits::default().handshakes, Rate { burst: 60, per_minute: 120 });
    }
}

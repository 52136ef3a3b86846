//! What the edge is told: who signs its answers, what it serves beside the API, and every limit.
//!
//! Each limit has a name, a default and a line in `docs/reference/limits-of-the-edge.md`.

use std::net::SocketAddr;

use jialing_crypto::jwe::DecryptionKey;
use jialing_crypto::{PublicKey, SigningKey};
use serde::Deserialize;

use crate::assets::Asset;

/// How the edge is set up.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Keys that sign answers to merchants and banks: the one of the request's suite, else the first.
    pub answer_keys: Vec<SigningKey>,
    /// Keys that signed answers once and no longer do; published for those who kept such answers.
    pub retired_keys: Vec<PublicKey>,
    /// Open the values that callers seal; the first is the one to seal for, the others still open.
    pub decryption_keys: Vec<DecryptionKey>,
    /// Who runs the platform, and their keys.
    pub operators: Vec<OperatorKey>,
    /// May have signed a conformance report: the keys of the sandboxes that are believed.
    pub conformance_keys: Vec<PublicKey>,
    /// Every limit.
    pub limits: Limits,
    /// Reverse proxies in front that append to `X-Forwarded-For`; 0 believes nobody.
    pub trusted_proxies: u8,
    /// The bearer token that opens `/metrics`; without one only loopback callers may read it.
    pub metrics_token: Option<String>,
    /// Where banks' bulk work is taken, told by the status; `None` when it is not.
    pub bulk: Option<SocketAddr>,
    /// Serve `/v1/public/city`, the live view of a demonstration city.
    pub city: bool,
    /// Files served beside the API, by path.
    pub assets: Vec<Asset>,
}

/// An operator's key. One person may have several; every name is one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorKey {
    /// The person's name in the record: `mchid` of their requests.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

impl EdgeConfig {
    /// The defaults on a free loopback port, signing answers with `answer_keys`.
    #[must_use]
    pub fn new(answer_keys: Vec<SigningKey>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            answer_keys,
            retired_keys: Vec::new(),
            decryption_keys: Vec::new(),
            operators: Vec::new(),
            conformance_keys: Vec::new(),
            limits: Limits::default(),
            trusted_proxies: 0,
            metrics_token: None,
            bulk: None,
            city: false,
            assets: Vec::new(),
        }
    }
}

/// Bounds of what one caller, or all together, may ask of the edge.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections open at once. Beyond it the one that is idle the longest is closed. Lowered to
    /// what the process may open, less [`crate::connections::RESERVED_FILES`].
    pub connections: usize,
    /// Seconds in which a request's head must arrive; also how long an idle connection lives.
    pub idle_seconds: u64,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Seconds in which a body must arrive whole.
    pub body_seconds: u64,
    /// Bytes of the body of a request that brings a whole batch.
    pub large_body_bytes: usize,
    /// Seconds in which such a body must arrive whole.
    pub large_body_seconds: u64,
    /// Such requests taken at once; beyond it `overloaded`.
    pub large_bodies: usize,
    /// Seconds in which a file that is sent to an address of its own must be whole.
    pub upload_seconds: u64,
    /// Files that may be sent at once.
    pub uploads: usize,
    /// Seconds after which a request is answered `outcome_unknown` while its work goes on.
    pub work_seconds: u64,
    /// Requests being worked on at once; beyond it `overloaded`. All share processors and disk, so this times what one
    /// costs is how long one takes when there is too much to do.
    pub in_flight: usize,
    /// Requests at once that may wait for somebody else, such as a bank; beyond it `overloaded`. They are not among
    /// those in flight: a bank that hangs must not keep payments out.
    pub waiting: usize,
    /// Seconds that a stop waits for requests being worked on.
    pub drain_seconds: u64,
    /// Live streams open at once.
    pub streams: usize,
    /// Hours that an `Idempotency-Key` is remembered after its last use; at least 24.
    pub idempotency_hours: u64,
    /// Per address: signing up and in, codes, and failed authentication.
    pub doors: Rate,
    /// Per address: public reads.
    pub public: Rate,
    /// Per session.
    pub session: Rate,
    /// Per signing key.
    pub key: Rate,
    /// Per signing key and route, for routes that cost much: files, statements, bulk replay.
    pub heavy: Rate,
}

/// A bucket: it holds `burst` requests and gains `per_minute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests that may come at once.
    pub burst: u32,
    /// Requests gained a minute.
    pub per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            idle_seconds: 30,
            head_bytes: 16 << 10,
            body_bytes: 64 << 10,
            body_seconds: 15,
            large_body_bytes: 32 << 20,
            large_body_seconds: 60,
            large_bodies: 4,
            upload_seconds: 600,
            uploads: 16,
            work_seconds: 30,
            in_flight: 512,
            waiting: 2048,
            drain_seconds: 20,
            streams: 256,
            idempotency_hours: 48,
            doors: Rate { burst: 30, per_minute: 60 },
            public: Rate { burst: 300, per_minute: 1_200 },
            session: Rate { burst: 100, per_minute: 600 },
            key: Rate { burst: 2_000, per_minute: 60_000 },
            heavy: Rate { burst: 60, per_minute: 120 },
        }
    }
}

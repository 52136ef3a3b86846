//! Rate limits: a token bucket per caller.
//!
//! A bucket that is full again is forgotten, so memory is bounded by [`MAX_BUCKETS`]: when that many
//! are filling at once, new callers share one bucket of the same rate, which refuses rather than
//! grows. Time is the monotonic clock's; moving the system's clock opens nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jialing_platform::{Code, Problem};

use crate::config::Rate;
use crate::layers::notes::Notes;

/// Callers whose buckets are kept at once.
pub(crate) const MAX_BUCKETS: usize = 200_000;
/// Locks the buckets are spread over.
const SHARDS: usize = 16;

/// Who is limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// Sign-up, sign-in and failed authentication from one address.
    Door(IpAddr),
    /// Public reads from one address.
    Public(IpAddr),
    /// One session.
    Session(u128),
    /// One signing key.
    Key(String),
    /// One signing key at one route that costs much.
    Heavy(String, &'static str),
    /// All callers that came when [`MAX_BUCKETS`] were filling.
    Rest(&'static str),
}

impl Caller {
    /// The bucket's name in the answer.
    const fn name(&self) -> &'static str {
        match self {
            Self::Door(_) => "doors",
            Self::Public(_) => "public",
            Self::Session(_) => "session",
            Self::Key(_) => "key",
            Self::Heavy(..) => "heavy",
            Self::Rest(name) => name,
        }
    }
}

/// How a bucket stands after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The bucket's name.
    pub(crate) name: &'static str,
    rate: Rate,
    /// Whole requests left.
    left: u32,
}

impl Standing {
    /// The rate as an item of `RateLimit-Policy`: as many requests as the bucket holds, in the time it
    /// takes to fill.
    pub(crate) fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.rate.burst, self.seconds(self.rate.burst).max(1))
    }

    /// What is left as an item of `RateLimit`, and in how many seconds the bucket is full again.
    pub(crate) fn left(&self) -> String {
        format!(
            "\"{}\";r={};t={}",
            self.name,
            self.left,
            self.seconds(self.rate.burst.saturating_sub(self.left))
        )
    }

    /// Seconds that it takes to gain so many requests.
    fn seconds(&self, requests: u32) -> u64 {
        let per_minute = u64::from(self.rate.per_minute.max(1));
        (u64::from(requests) * 60).div_ceil(per_minute)
    }
}

/// The network a rate counts for: an IPv4 address, or the /64 that one IPv6 subscriber has.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Requests left at `at`, with the part of the next one.
    level: f64,
    at: Instant,
}

/// All buckets.
#[derive(Debug)]
pub(crate) struct Buckets {
    shards: [Mutex<HashMap<Caller, Bucket>>; SHARDS],
    hasher: RandomState,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl Buckets {
    /// Takes one request from the bucket of `caller`.
    ///
    /// # Errors
    /// `rate_limited` with the wait and the bucket's state.
    pub(crate) fn take(&self, caller: Caller, rate: Rate) -> Result<(), Problem> {
        self.take_at(caller, rate, Instant::now(), MAX_BUCKETS / SHARDS).1
    }

    /// The same, and how the bucket stands is told with the answer.
    ///
    /// # Errors
    /// As [`Buckets::take`].
    pub(crate) fn count(&self, notes: &Notes, caller: Caller, rate: Rate) -> Result<(), Problem> {
        let (standing, taken) = self.take_at(caller, rate, Instant::now(), MAX_BUCKETS / SHARDS);
        notes.counted(standing);
        taken
    }

    fn take_at(
        &self,
        caller: Caller,
        rate: Rate,
        now: Instant,
        room: usize,
    ) -> (Standing, Result<(), Problem>) {
        let name = caller.name();
        let shard = self.hasher.hash_one(&caller) as usize % SHARDS;
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= room && !shard.contains_key(&caller) {
            shard.retain(|_, bucket| now.duration_since(bucket.at).as_secs() < 60);
        }
        let caller =
            if shard.len() >= room && !shard.contains_key(&caller) { Caller::Rest(name) } else { caller };
        let (burst, per_second) = (f64::from(rate.burst), f64::from(rate.per_minute) / 60.0);
        let bucket = shard.entry(caller).or_insert(Bucket { level: burst, at: now });
        bucket.level =
            (bucket.level + now.saturating_duration_since(bucket.at).as_secs_f64() * per_second).min(burst);
        bucket.at = now;
        if bucket.level >= 1.0 {
            bucket.level -= 1.0;
            return (Standing { name, rate, left: bucket.level as u32 }, Ok(()));
        }
        let wait = if per_second > 0.0 { ((1.0 - bucket.level) / per_second).ceil() as u64 } else { 3600 };
        let problem = Problem::new(Code::RateLimited).retry_after(wait.max(1)).with(
            "bucket",
            serde_json::json!({ "name": name, "burst": rate.burst, "per_minute": rate.per_minute, "remaining": 0 }),
        );
        (Standing { name, rate, left: 0 }, Err(problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const RATE: Rate = Rate { burst: 3, per_minute: 60 };

    #[test]
    fn a_bucket_gives_its_burst_then_one_each_second() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        let take = |ms: u64| {
            buckets.take_at(Caller::Session(1), RATE, start + Duration::from_millis(ms), 10).1.is_ok()
        };
        assert_eq!([take(0), take(0), take(0), take(0)], [true, true, true, false]);
        assert_eq!([take(500), take(1000), take(1000)], [false, true, false]);
        assert_eq!([take(90_000), take(90_000), take(90_000), take(90_000)], [true, true, true, false]);
    }

    #[test]
    fn a_refusal_says_which_bucket_and_when_to_come_back() {
        let buckets = Buckets::default();
        let slow = Rate { burst: 1, per_minute: 6 };
        buckets.take(Caller::Key("k".into()), slow).expect("the first passes");
        let problem = buckets.take(Caller::Key("k".into()), slow).expect_err("the second waits");
        assert_eq!((problem.code, problem.retry_after), (Code::RateLimited, Some(10)));
        assert_eq!(problem.extra.expect("the bucket")["bucket"]["name"], "key");
    }

    #[test]
    fn a_client_can_read_how_its_bucket_stands() {
        let (buckets, now) = (Buckets::default(), Instant::now());
        let rate = Rate { burst: 10, per_minute: 30 };
        let check = |expect: &str| {
            let (standing, _) = buckets.take_at(Caller::Key("k".into()), rate, now, 10);
            assert_eq!(standing.policy(), "\"key\";q=10;w=20");
            assert_eq!(standing.left(), expect);
        };
        check("\"key\";r=9;t=2");
        check("\"key\";r=8;t=4");
        (0..8).for_each(|_| drop(buckets.take_at(Caller::Key("k".into()), rate, now, 10)));
        check("\"key\";r=0;t=20");
    }

    #[test]
    fn callers_do_not_share_a_bucket_until_there_is_no_room() {
        let (buckets, now) = (Buckets::default(), Instant::now());
        let one = Rate { burst: 1, per_minute: 1 };
        let passed =
            (0..1000).filter(|&n| buckets.take_at(Caller::Session(n), one, now, 1000).1.is_ok()).count();
        assert_eq!(passed, 1000);
        let buckets = Buckets::default();
        let passed =
            (0..1000).filter(|&n| buckets.take_at(Caller::Session(n), one, now, 4).1.is_ok()).count();
        assert!((SHARDS * 4..=SHARDS * 5).contains(&passed), "{passed}");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_network() {
        let check = |a: &str, b: &str, same: bool| {
            let [a, b] = [a, b].map(|text| network(text.parse().expect("an address")));
            assert_eq!(a == b, same, "{a} {b}");
        };
        check("2001:db8::1", "2001:db8::ffff:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
    }
}

//! Fetching a file from an address that somebody else chose.
//!
//! Whoever registers an address must not make us reach into our own network, so before anything is
//! sent: only `https`, no credentials, no redirects, no proxy; and every address that the name resolves to is
//! looked at in the very look-up that the connection uses, so a name cannot point elsewhere a moment later.
//! Private, loopback, link-local and other special addresses are refused; in a sandbox loopback is allowed,
//! over plain `http` too. Sizes and times are bounded, and what comes is handed on as it comes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};

/// How long a fetch may take and how much it may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Until the connection stands. Default 2 s.
    pub connect: Duration,
    /// Between two pieces of what comes. Default 10 s.
    pub idle: Duration,
    /// Until all of it is there. Default 60 s.
    pub whole: Duration,
    /// Bytes in all. Default 64 MiB.
    pub bytes: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            idle: Duration::from_secs(10),
            whole: Duration::from_secs(60),
            bytes: 64 << 20,
        }
    }
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFile {
    /// Not a URL, or one with credentials or a fragment.
    #[error("the address is none that can be fetched")]
    BadUrl,
    /// Plain HTTP to another machine.
    #[error("the address is not https")]
    NotEncrypted,
    /// It leads into a private network.
    #[error("the address leads into a private network")]
    Private,
    /// No answer in time, or the connection broke.
    #[error("there was no whole answer in time")]
    NoAnswer,
    /// An answer that is no file: redirects are not followed.
    #[error("the answer has status {0}")]
    Status(u16),
    /// More than the limit.
    #[error("the file is larger than allowed")]
    TooLarge,
    /// Whoever takes the bytes wants no more.
    #[error("it was stopped")]
    Stopped,
    /// The TLS library could not be started.
    #[error("the HTTP client could not be started")]
    NoClient,
}

/// Checks an address as far as that is possible without asking anybody; its host.
///
/// # Errors
/// [`NoFile`].
pub fn allowed(url: &str, loopback: bool) -> Result<String, NoFile> {
    let url = Url::parse(url).map_err(|_| NoFile::BadUrl)?;
    let host = url.host_str().ok_or(NoFile::BadUrl)?.to_owned();
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !bare || !matches!(url.scheme(), "http" | "https") {
        return Err(NoFile::BadUrl);
    }
    let ip: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    if ip.is_some_and(|ip| !may_reach(ip, loopback)) || (host == "localhost" && !loopback) {
        return Err(NoFile::Private);
    }
    let is_loopback = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback());
    if url.scheme() == "http" && !(loopback && is_loopback) {
        return Err(NoFile::NotEncrypted);
    }
    Ok(host)
}

/// Whether we may reach this address on somebody else's behalf.
fn may_reach(ip: IpAddr, loopback: bool) -> bool {
    if ip.is_loopback() {
        return loopback;
    }
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// An address of the public Internet, by the special-purpose registries of RFC 6890.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // Addresses that carry one of version 4 are judged by it.
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let parts = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // 64:ff9b::/96 (NAT64) and 2002::/16 (6to4).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Documentation and Teredo.
        [0x2001, 0xdb8, ..] | [0x2001, 0, ..] => false,
        // Only 2000::/3 is global unicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Resolves names to addresses that may be reached, and to nothing else.
struct Guarded {
    loopback: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            // One private address among public ones makes the whole name suspect.
            if found.is_empty() || !found.iter().all(|address| may_reach(address.ip(), loopback)) {
                return Err(NoFile::Private.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Fetches files.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    limits: FetchLimits,
    loopback: bool,
}

impl Fetcher {
    /// A fetcher; `loopback` allows addresses of this machine, for sandboxes.
    ///
    /// # Errors
    /// [`NoFile::NoClient`].
    pub fn new(limits: FetchLimits, loopback: bool) -> Result<Self, NoFile> {
        let client = Client::builder()
            .connect_timeout(limits.connect)
            .read_timeout(limits.idle)
            .timeout(limits.whole)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(std::sync::Arc::new(Guarded { loopback }))
            .build()
            .map_err(|_| NoFile::NoClient)?;
        Ok(Self { client, limits, loopback })
    }

    /// Fetches `url` and hands on what comes until `take` says false.
    ///
    /// # Errors
    /// [`NoFile`].
    pub async fn get(&self, url: &str, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), NoFile> {
        allowed(url, self.loopback)?;
        let mut answer = self.client.get(url).send().await.map_err(|error| why(&error))?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(NoFile::Status(answer.status().as_u16()));
        }
        let mut taken = 0u64;
        while let Some(piece) = answer.chunk().await.map_err(|error| why(&error))? {
            taken += piece.len() as u64;
            if taken > self.limits.bytes {
                return Err(NoFile::TooLarge);
            }
            if !take(&piece) {
                return Err(NoFile::Stopped);
            }
        }
        Ok(())
    }
}

/// What a failed call was: a refusal of ours lies deep within.
fn why(error: &reqwest::Error) -> NoFile {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if let Some(ours) = inner.downcast_ref::<NoFile>() {
            return *ours;
        }
        cause = inner.source();
    }
    NoFile::NoAnswer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_https_addresses_are_fetched_from() {
        let check = |url: &str, expect: Result<&str, NoFile>| {
            assert_eq!(allowed(url, false), expect.map(str::to_owned), "{url}");
        };
        check("https://shop.example/a.csv?day=1", Ok("shop.example"));
        check("https://93.184.216.34/", Ok("93.184.216.34"));
        check("https://[2606:2800::1]/", Ok("[2606:2800::1]"));
        check("http://shop.example/", Err(NoFile::NotEncrypted));
        check("ftp://shop.example/", Err(NoFile::BadUrl));
        check("https://user:pass@shop.example/", Err(NoFile::BadUrl));
        check("https://shop.example/#top", Err(NoFile::BadUrl));
        check("no address", Err(NoFile::BadUrl));
        for private in [
            "127.0.0.1",
            "localhost",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "2130706433",
            "0x7f.1",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "[ff02::1]",
        ] {
            check(&format!("https://{private}/"), Err(NoFile::Private));
        }
    }

    #[test]
    fn a_sandbox_may_reach_its_own_machine_and_no_other_private_one() {
        let check = |url: &str, fits: bool| assert_eq!(allowed(url, true).is_ok(), fits, "{url}");
        check("http://127.0.0.1:8080/a.csv", true);
        check("http://localhost/a.csv", true);
        check("https://[::1]/a.csv", true);
        check("http://10.0.0.1/a.csv", false);
        check("http://shop.example/a.csv", false);
    }
}

//! The rail to a merchant's server: a signed message to an address that the merchant named.
//!
//! Nothing is believed about that address. Its name is resolved here, every address it leads to must
//! be a public one (see [`may_call`]), and the connection is made to exactly what was checked, so a
//! name that answers differently the second time gains nothing. Redirects are refused, whatever they
//! lead to. A call ends after [`SendLimits::answer_ms`] in all, and of the answer's body at most
//! [`SendLimits::answer_bytes`] are read.

mod addresses;

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, StatusCode, Url, header, redirect};

use crate::Answer;

pub use addresses::may_call;

/// How long a call may take and how much of the answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimits {
    /// Until the connection stands. Default 5 s.
    pub connect_ms: u64,
    /// From the name's resolution to the last byte read. Default 10 s.
    pub answer_ms: u64,
    /// Bytes of the answer's body that are read; the rest is left. Default 4 KiB.
    pub answer_bytes: usize,
}

impl Default for SendLimits {
    fn default() -> Self {
        Self { connect_ms: 5_000, answer_ms: 10_000, answer_bytes: 4 << 10 }
    }
}

/// Finds the addresses of a name. The system's resolver in production; a table in tests.
pub trait Resolver: Send + Sync + 'static {
    /// Every address of `name`, in the order of preference.
    fn resolve(&self, name: String) -> Answer<'static, std::io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, name: String) -> Answer<'static, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Why an address cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// No absolute URL with a host, or one with a user or a fragment.
    #[error("it must be https://host[:port]/path, without user and fragment")]
    NotAnAddress,
    /// Plain HTTP, and not to this machine.
    #[error("it must be https; plain http is for a sandbox's own machine")]
    NotEncrypted,
    /// A port of another service.
    #[error("the port must be 443, or 1024 and above")]
    Port,
    /// The host is an address that is not public.
    #[error("the host is not an address of the public Internet")]
    NotPublic,
}

/// Why no answer came. Whether the other side acted is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The address cannot be called.
    #[error(transparent)]
    BadAddress(#[from] BadAddress),
    /// The name leads to an address that is not public.
    #[error("the name leads to an address that is not public")]
    NotPublic,
    /// The name is unknown.
    #[error("the name could not be resolved")]
    NoSuchName,
    /// No connection, or none that TLS accepts.
    #[error("no connection could be made")]
    NoConnection,
    /// The time was over.
    #[error("no whole answer came in time")]
    TimedOut,
    /// The connection broke before an answer's head.
    #[error("the connection broke before an answer")]
    Disconnected,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The HTTP status; only 200 to 299 is a success.
    pub status: u16,
    /// Seconds that `Retry-After` asks for, if it does so in seconds.
    pub retry_after_s: Option<u64>,
    /// The beginning of the body, as text without control characters.
    pub body: String,
    /// How long it took, milliseconds.
    pub took_ms: u64,
}

/// Sends messages to merchants' servers. Cloning shares the connections.
#[derive(Clone)]
pub struct WebhookSender {
    client: Client,
    limits: SendLimits,
    loopback: bool,
}

impl WebhookSender {
    /// A sender over `resolver`. `loopback` allows calls to this machine, in plain HTTP too.
    ///
    /// # Errors
    /// When the TLS library cannot be started.
    pub fn new(resolver: impl Resolver, limits: SendLimits, loopback: bool) -> Result<Self, crate::BadPeer> {
        let checked = Checked { resolver: Arc::new(resolver), loopback };
        let client = Client::builder()
            .user_agent("Jialing-Webhooks/1")
            .connect_timeout(Duration::from_millis(limits.connect_ms))
            .timeout(Duration::from_millis(limits.answer_ms))
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::new(checked))
            .pool_max_idle_per_host(4)
            .pool_idle_timeout(Duration::from_secs(5))
            .no_proxy()
            .build()
            .map_err(|_| crate::BadPeer::NoClient)?;
        Ok(Self { client, limits, loopback })
    }

    /// Whether `address` may be called, as far as can be said without resolving its name.
    ///
    /// # Errors
    /// [`BadAddress`].
    pub fn check(address: &str, loopback: bool) -> Result<Url, BadAddress> {
        let url = Url::parse(address).map_err(|_| BadAddress::NotAnAddress)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if host.is_empty()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(BadAddress::NotAnAddress);
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let here = literal.map_or(host == "localhost", |ip| ip.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if loopback && here => {}
            "http" => return Err(BadAddress::NotEncrypted),
            _ => return Err(BadAddress::NotAnAddress),
        }
        let port = url.port_or_known_default().ok_or(BadAddress::NotAnAddress)?;
        // The other low ports belong to services that are no merchant's.
        if port < 1024 && port != 443 && !(here && loopback) {
            return Err(BadAddress::Port);
        }
        match literal {
            Some(ip) if !may_call(ip, loopback) => Err(BadAddress::NotPublic),
            None if here && !loopback => Err(BadAddress::NotPublic),
            _ => Ok(url),
        }
    }

    /// Posts `body` as JSON to `address` with these headers.
    ///
    /// # Errors
    /// [`NotSent`]: whether the other side acted is then unknown.
    pub async fn send(
        &self,
        address: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Sent, NotSent> {
        let url = Self::check(address, self.loopback)?;
        let begun = Instant::now();
        let mut request = self.client.post(url).header(header::CONTENT_TYPE, "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = request.send().await.map_err(|error| why(&error))?;
        let status = response.status();
        let retry_after_s = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut answer = Vec::new();
        while answer.len() < self.limits.answer_bytes {
            match response.chunk().await {
                Ok(Some(chunk)) => answer.extend_from_slice(&chunk),
                Ok(None) => break,
                // A success is known by its head; a body that drags on takes nothing away from it.
                Err(error) if error.is_timeout() && !status.is_success() => return Err(NotSent::TimedOut),
                Err(_) => break,
            }
        }
        answer.truncate(self.limits.answer_bytes);
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Sent { status: status.as_u16(), retry_after_s, body: shown(&answer), took_ms })
    }
}

impl fmt::Debug for WebhookSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSender")
    }
}

impl Sent {
    /// Whether the other side took the message.
    #[must_use]
    pub fn is_success(&self) -> bool {
        StatusCode::from_u16(self.status).is_ok_and(|status| status.is_success())
    }
}

fn shown(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).chars().filter(|c| !c.is_control()).collect()
}

/// The name led to an address that may not be called.
#[derive(Debug, thiserror::Error)]
#[error("not a public address")]
struct Refused;

fn why(error: &reqwest::Error) -> NotSent {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.is::<Refused>() {
            return NotSent::NotPublic;
        }
        cause = one.source();
    }
    if error.is_timeout() {
        NotSent::TimedOut
    } else if error.is_dns() {
        NotSent::NoSuchName
    } else if error.is_connect() {
        NotSent::NoConnection
    } else {
        NotSent::Disconnected
    }
}

/// Resolves names for the client, which connects to what it is given and to nothing else.
struct Checked {
    resolver: Arc<dyn Resolver>,
    loopback: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, loopback) = (self.resolver.resolve(name.as_str().to_owned()), self.loopback);
        Box::pin(async move {
            let addresses = found.await?;
            // One bad address among good ones is no accident.
            if addresses.is_empty() || !addresses.iter().all(|&address| may_call(address, loopback)) {
                return Err(Refused.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

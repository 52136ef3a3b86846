//! The rail to a witness of the ledger's log: C2SP `tlog-witness` over HTTP.
//!
//! A witness answers with a cosignature, with the size that it cosigned last, or with a refusal. The
//! answer needs no signature of its own: a cosignature is checked, and a size only says where the next
//! proof begins.

use std::time::Duration;

use reqwest::{Client, Url, redirect};

use crate::call::is_loopback;
use crate::{Answer, BadPeer, CallLimits, Why};

/// The longest answer that is read, in bytes: a signature line is about 150.
const MAX_ANSWER: usize = 16 * 1024;

/// What a witness says to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Signature lines, unchecked.
    Cosigned(String),
    /// It cosigned this many records last: the proof must begin there.
    OtherSize(u64),
    /// It does not cosign this.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why, in its words, at most 200 characters.
        said: String,
    },
    /// No answer that decides anything.
    Unknown(Why),
}

/// A witness, however it is reached.
pub trait Cosigner: Send + Sync {
    /// Sends the body of an `add-checkpoint` request. May be repeated.
    fn add<'a>(&'a self, body: &'a str) -> Answer<'a, Reply>;
}

/// A witness over HTTP. Cloning shares its connections.
#[derive(Clone, Debug)]
pub struct HttpWitness {
    client: Client,
    url: Url,
}

impl HttpWitness {
    /// A witness with this submission prefix, `https://…` or `http://` on a loopback address; nothing
    /// is sent yet.
    ///
    /// # Errors
    /// [`BadPeer`].
    pub fn new(prefix: &str, limits: CallLimits) -> Result<Self, BadPeer> {
        let url = Url::parse(&format!("{}/add-checkpoint", prefix.trim_end_matches('/')))
            .map_err(|_| BadPeer::BadUrl)?;
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(BadPeer::BadUrl);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(BadPeer::NotEncrypted),
            _ => return Err(BadPeer::BadUrl),
        }
        let client = Client::builder()
            .connect_timeout(Duration::from_millis(limits.connect_ms))
            .timeout(Duration::from_millis(limits.answer_ms))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|_| BadPeer::NoClient)?;
        Ok(Self { client, url })
    }

    async fn ask(&self, body: &str) -> Result<Reply, Why> {
        let why = |error: reqwest::Error| if error.is_timeout() { Why::TimedOut } else { Why::Disconnected };
        let mut answer =
            self.client.post(self.url.clone()).body(body.to_owned()).send().await.map_err(why)?;
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let is_size = kind.is_some_and(|kind| kind.split(';').next() == Some("text/x.tlog.size"));
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(why)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                return Err(Why::Unreadable("longer than the limit"));
            }
        }
        let text = String::from_utf8(bytes).map_err(|_| Why::Unreadable("not UTF-8"))?;
        match status {
            200 => Ok(Reply::Cosigned(text)),
            409 if is_size => {
                text.trim().parse().map(Reply::OtherSize).map_err(|_| Why::Unreadable("not a size"))
            }
            400..=499 => {
                let said = text.chars().filter(|c| !c.is_control()).take(200).collect();
                Ok(Reply::Refused { status, said })
            }
            _ => Err(Why::Status(status)),
        }
    }
}

impl Cosigner for HttpWitness {
    fn add<'a>(&'a self, body: &'a str) -> Answer<'a, Reply> {
        Box::pin(async move { self.ask(body).await.unwrap_or_else(Reply::Unknown) })
    }
}

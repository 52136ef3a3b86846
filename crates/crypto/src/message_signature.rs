//! HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530), as far as we accept them.
//!
//! A request carries `Signature-Input: sig1=("@method" "@path" …);created=…;keyid="…";nonce="…"`,
//! `Signature: sig1=:base64:` and, with a body, `Content-Digest: sha-256=:base64:`. What the standard
//! leaves open is closed here: one signature, components without parameters, and [`Message::demand`]
//! says what must be covered. The algorithm follows from the key; `alg` may name it and must fit.
//!
//! Parsing takes the subset of structured fields (RFC 8941) that these three headers need, and what
//! is signed is written anew in the canonical form, so that one header has one meaning.

mod field;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

use crate::{BadSignature, PublicKey, Suite};
use field::{Cursor, Item, Parameters};

/// The longest `Signature-Input` that is parsed.
pub const MAX_INPUT_BYTES: usize = 2048;
/// Components that one signature may cover.
pub const MAX_COMPONENTS: usize = 32;
/// Lengths a nonce may have.
pub const NONCE_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

/// Why a request's message signature is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// A header is missing.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header is no structured field of the form it should have.
    #[error("the header {0} is not well-formed")]
    Syntax(&'static str),
    /// More than one signature, or `Signature` and `Signature-Input` name different ones.
    #[error("send exactly one signature, under the same label in Signature and Signature-Input")]
    NotOne,
    /// A component that cannot be covered here.
    #[error("the component {0} is not supported: use names without parameters")]
    Component(String),
    /// A covered field that the request does not have.
    #[error("the covered field {0} is not in the request")]
    NoField(String),
    /// Something that must be covered is not.
    #[error("the signature must cover {0}")]
    NotCovered(&'static str),
    /// A parameter that must be there is missing or out of form.
    #[error("the signature parameter {0} is missing or not well-formed")]
    Parameter(&'static str),
    /// An `alg` that is not the key's.
    #[error("the algorithm {0} does not belong to this key")]
    Algorithm(String),
    /// The body is not the one whose digest was signed.
    #[error("the Content-Digest does not fit the body as it was received")]
    Digest,
    /// The signature does not fit.
    #[error(transparent)]
    BadSignature(#[from] BadSignature),
}

/// The request that was signed, as it was received.
pub struct Signed<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// `https` or `http`, as the caller sees it.
    pub scheme: &'a str,
    /// The `Host` header.
    pub authority: &'a str,
    /// The path as sent.
    pub path: &'a str,
    /// The query as sent, without its question mark.
    pub query: Option<&'a str>,
    /// The values of a header field by its lower-case name, in order; none if it is not there.
    pub field: &'a dyn Fn(&str) -> Option<Vec<String>>,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// A message signature as it stands in its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    components: Vec<String>,
    parameters: Parameters,
    signature: Vec<u8>,
}

impl Message {
    /// Reads `Signature-Input` and `Signature`.
    ///
    /// # Errors
    /// [`BadMessage`], naming the header at fault.
    pub fn parse(input: &str, signature: &str) -> Result<Self, BadMessage> {
        const INPUT: &str = "Signature-Input";
        const SIGNATURE: &str = "Signature";
        if input.len() > MAX_INPUT_BYTES || signature.len() > MAX_INPUT_BYTES {
            return Err(BadMessage::Syntax(INPUT));
        }
        let mut cursor = Cursor::new(input);
        let bad = || BadMessage::Syntax(INPUT);
        let label = cursor.key().ok_or_else(bad)?;
        cursor.expect('=').ok_or_else(bad)?;
        let components = components(&mut cursor)?;
        let parameters = cursor.parameters().ok_or_else(bad)?;
        if !cursor.is_done() {
            return Err(if cursor.peek() == Some(',') { BadMessage::NotOne } else { bad() });
        }
        let mut signatures = field::bytes_by_name(signature).ok_or(BadMessage::Syntax(SIGNATURE))?;
        match (signatures.pop(), signatures.is_empty()) {
            (Some((name, signature)), true) if name == label => {
                Ok(Self { components, parameters, signature })
            }
            _ => Err(BadMessage::NotOne),
        }
    }

    /// What the signature covers, in order.
    #[must_use]
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// When it was made, Unix seconds.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.integer("created")
    }

    /// After when it is not to be accepted, Unix seconds.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.integer("expires")
    }

    /// The value that never repeats.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.text("nonce")
    }

    /// Which key signed.
    #[must_use]
    pub fn keyid(&self) -> Option<&str> {
        self.text("keyid")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(|item| match item {
            Item::Text(text) => Some(text.as_str()),
            Item::Integer(_) => None,
        })
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.parameters.get(name).and_then(|item| match item {
            Item::Integer(number) => Some(*number),
            Item::Text(_) => None,
        })
    }

    fn covers(&self, name: &str) -> bool {
        self.components.iter().any(|component| component == name)
    }

    /// What we ask of every signature: that it covers the method, the whole target, and the body's
    /// digest where there is a body; and that it says when it was made, under which key, with a nonce.
    ///
    /// # Errors
    /// [`BadMessage::NotCovered`] or [`BadMessage::Parameter`], naming what is missing.
    pub fn demand(&self, has_query: bool, has_body: bool) -> Result<(), BadMessage> {
        let whole = self.covers("@request-target")
            || self.covers("@target-uri")
            || (self.covers("@path") && (self.covers("@query") || !has_query));
        if !self.covers("@method") {
            return Err(BadMessage::NotCovered("\"@method\""));
        }
        if !whole {
            return Err(BadMessage::NotCovered("\"@path\" and \"@query\", or \"@target-uri\""));
        }
        if has_body && !self.covers("content-digest") {
            return Err(BadMessage::NotCovered("\"content-digest\", because there is a body"));
        }
        self.created().ok_or(BadMessage::Parameter("created"))?;
        self.keyid().ok_or(BadMessage::Parameter("keyid"))?;
        let nonce = self.nonce().ok_or(BadMessage::Parameter("nonce"))?;
        if !NONCE_BYTES.contains(&nonce.len()) {
            return Err(BadMessage::Parameter("nonce, of 16 to 128 characters"));
        }
        Ok(())
    }

    /// The text that is signed (RFC 9421, section 2.5).
    ///
    /// # Errors
    /// [`BadMessage`] for a component that the request does not have.
    pub fn base(&self, request: &Signed<'_>) -> Result<String, BadMessage> {
        let mut base = String::new();
        for component in &self.components {
            base += &format!("\"{component}\": {}\n", value(component, request)?);
        }
        let list: Vec<String> = self.components.iter().map(|component| format!("\"{component}\"")).collect();
        base += &format!("\"@signature-params\": ({}){}", list.join(" "), self.parameters);
        Ok(base)
    }

    /// Whether `key` signed this request, and its body is the one that was signed.
    ///
    /// # Errors
    /// [`BadMessage`].
    pub fn verify(&self, key: &PublicKey, request: &Signed<'_>) -> Result<(), BadMessage> {
        let base = self.base(request)?;
        if self.covers("content-digest") {
            check_digest(request)?;
        }
        let algorithm = self.text("alg");
        if self.parameters.get("alg").is_some() && algorithm.is_none() {
            return Err(BadMessage::Parameter("alg"));
        }
        match (algorithm, key.suite()) {
            (Some("rsa-pss-sha512"), Suite::RsaSha256) => {
                key.verify_rsa_pss_sha512(base.as_bytes(), &self.signature)?;
            }
            (None, _)
            | (Some("ed25519"), Suite::Ed25519)
            | (Some("ecdsa-p256-sha256"), Suite::Es256)
            | (Some("rsa-v1_5-sha256"), Suite::RsaSha256) => {
                key.verify(base.as_bytes(), &self.signature)?;
            }
            (Some(other), _) => return Err(BadMessage::Algorithm(other.to_owned())),
        }
        Ok(())
    }
}

fn components(cursor: &mut Cursor<'_>) -> Result<Vec<String>, BadMessage> {
    let bad = || BadMessage::Syntax("Signature-Input");
    cursor.expect('(').ok_or_else(bad)?;
    let mut all: Vec<String> = Vec::new();
    loop {
        cursor.skip_spaces();
        if cursor.expect(')').is_some() {
            return Ok(all);
        }
        let name = cursor.text().ok_or_else(bad)?;
        if cursor.peek() == Some(';') || !is_component(&name) {
            return Err(BadMessage::Component(name));
        }
        if !matches!(cursor.peek(), Some(' ' | ')')) || all.len() == MAX_COMPONENTS || all.contains(&name) {
            return Err(bad());
        }
        all.push(name);
    }
}

fn is_component(name: &str) -> bool {
    const DERIVED: [&str; 7] =
        ["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"];
    let field = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b));
    field || DERIVED.contains(&name)
}

fn value(component: &str, request: &Signed<'_>) -> Result<String, BadMessage> {
    let path = if request.path.is_empty() { "/" } else { request.path };
    let target = || request.query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    Ok(match component {
        "@method" => request.method.to_owned(),
        "@scheme" => request.scheme.to_owned(),
        "@authority" => authority(request),
        "@path" => path.to_owned(),
        "@query" => format!("?{}", request.query.unwrap_or_default()),
        "@request-target" => target(),
        "@target-uri" => format!("{}://{}{}", request.scheme, authority(request), target()),
        name => {
            let values = (request.field)(name).ok_or_else(|| BadMessage::NoField(name.to_owned()))?;
            values.iter().map(|value| value.trim()).collect::<Vec<_>>().join(", ")
        }
    })
}

/// Lower case, without the scheme's own port.
fn authority(request: &Signed<'_>) -> String {
    let own = if request.scheme == "https" { ":443" } else { ":80" };
    let authority = request.authority.to_ascii_lowercase();
    authority.strip_suffix(own).map_or_else(|| authority.clone(), str::to_owned)
}

/// At least one digest that we know, and every one that we know must fit.
fn check_digest(request: &Signed<'_>) -> Result<(), BadMessage> {
    const HEADER: &str = "Content-Digest";
    let text = (request.field)("content-digest").ok_or(BadMessage::Missing(HEADER))?.join(", ");
    let digests = field::bytes_by_name(&text).ok_or(BadMessage::Syntax(HEADER))?;
    let mut known = 0;
    for (name, digest) in digests {
        let expected = match name.as_str() {
            "sha-256" => Sha256::digest(request.body).to_vec(),
            "sha-512" => Sha512::digest(request.body).to_vec(),
            _ => continue,
        };
        if digest != expected {
            return Err(BadMessage::Digest);
        }
        known += 1;
    }
    if known == 0 { Err(BadMessage::Syntax(HEADER)) } else { Ok(()) }
}

/// The value of `Content-Digest` for a body.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

//! The two forms in which a request may be signed, and what a refusal says of each.
//!
//! Ours is the `Authorization: JIALING1-…` header; the other is HTTP Message Signatures (RFC 9421)
//! with `keyid="<caller>/<serial>"`. Both say who calls, under which key, when, and with which nonce;
//! what follows is the same for both.

use axum::http::{HeaderMap, header, request::Parts};
use jialing_crypto::http_signature::{BadHeader, NotSigned, RequestSignature, is_id};
use jialing_crypto::message_signature::{BadMessage, Message, Signed};
use jialing_crypto::{PublicKey, Suite};
use jialing_platform::{Code, Problem, Result};

use super::sub_merchant;
use crate::edge::Edge;

/// Characters of the text that the server verified which a failed answer shows outside the sandbox.
const SHOWN: usize = 64;

/// A request's signature as it stands in its headers.
pub(super) enum Form {
    /// Ours.
    Jialing(RequestSignature),
    /// RFC 9421.
    Message(Box<MessageForm>),
}

/// A message signature whose parameters are those that we ask for.
pub(super) struct MessageForm {
    message: Message,
    caller: String,
    serial: String,
    created: i64,
    nonce: String,
}

/// How a request was signed, for the self-test.
#[derive(Clone, Debug)]
pub(crate) struct How {
    /// `JIALING1` or `RFC9421`.
    pub(crate) form: &'static str,
    /// What the signature covers, in order.
    pub(crate) covered: Vec<String>,
}

impl Form {
    /// Reads the headers.
    ///
    /// # Errors
    /// `signature_missing` or `signature_invalid`.
    pub(super) fn read(parts: &Parts, has_body: bool) -> Result<Self> {
        let ours = header_text(&parts.headers, header::AUTHORIZATION.as_str());
        if parts.headers.contains_key("signature-input") {
            return if ours.is_some_and(|text| text.starts_with("JIALING1-")) {
                Err(Problem::new(Code::SignatureInvalid)
                    .detail("Sign in one form: with Authorization, or with Signature-Input and Signature."))
            } else {
                message(parts, has_body)
            };
        }
        let ours = ours.ok_or(Problem::new(Code::SignatureMissing))?;
        RequestSignature::parse(&ours).map(Self::Jialing).map_err(|fault| match fault {
            BadHeader::Scheme => Problem::new(Code::SignatureMissing).detail(sentence(&fault)),
            BadHeader::Value("signature") => Problem::new(Code::SignatureInvalid).detail(
                "The field signature is base64 with padding of 64 bytes (Ed25519; SM2 and P-256 as r and s, not DER), \
                 or of the modulus' length (RSA).",
            ),
            _ => Problem::new(Code::SignatureInvalid).detail(sentence(&fault)),
        })
    }

    pub(super) fn caller(&self) -> &str {
        match self {
            Self::Jialing(signature) => &signature.mchid,
            Self::Message(form) => &form.caller,
        }
    }

    pub(super) fn serial(&self) -> &str {
        match self {
            Self::Jialing(signature) => &signature.serial_no,
            Self::Message(form) => &form.serial,
        }
    }

    /// Unix seconds.
    pub(super) fn timestamp(&self) -> i64 {
        match self {
            Self::Jialing(signature) => signature.timestamp,
            Self::Message(form) => form.created,
        }
    }

    /// After when it is not to be accepted, Unix seconds, if it says so.
    pub(super) fn expires(&self) -> Option<i64> {
        match self {
            Self::Jialing(_) => None,
            Self::Message(form) => form.message.expires(),
        }
    }

    pub(super) fn nonce(&self) -> &str {
        match self {
            Self::Jialing(signature) => &signature.nonce,
            Self::Message(form) => &form.nonce,
        }
    }

    pub(super) fn how(&self) -> How {
        match self {
            Self::Jialing(_) => How {
                form: "JIALING1",
                covered: ["method", "path and query", "timestamp", "nonce", "body"].map(str::to_owned).into(),
            },
            Self::Message(form) => How { form: "RFC9421", covered: form.message.components().to_vec() },
        }
    }

    /// Whether `key` signed the request.
    ///
    /// # Errors
    /// `signature_invalid` with what was verified, or `signature_suite_mismatch`.
    pub(super) fn verify(&self, edge: &Edge, key: &PublicKey, parts: &Parts, body: &[u8]) -> Result<()> {
        match self {
            Self::Jialing(signature) => verify_jialing(edge, signature, key, parts, body),
            Self::Message(form) => verify_message(edge, &form.message, key, parts, body),
        }
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let all: Option<Vec<&str>> = headers.get_all(name).iter().map(|value| value.to_str().ok()).collect();
    all.filter(|all| !all.is_empty()).map(|all| all.join(", "))
}

fn message(parts: &Parts, has_body: bool) -> Result<Form> {
    let invalid = |fault: &BadMessage| Problem::new(Code::SignatureInvalid).detail(sentence(fault));
    let text = |name: &'static str, shown| {
        header_text(&parts.headers, name).ok_or_else(|| invalid(&BadMessage::Missing(shown)))
    };
    let (input, signature) = (text("signature-input", "Signature-Input")?, text("signature", "Signature")?);
    let message = Message::parse(&input, &signature).map_err(|fault| invalid(&fault))?;
    message.demand(parts.uri.query().is_some(), has_body).map_err(|fault| invalid(&fault))?;
    let keyid = message.keyid().unwrap_or_default();
    let (caller, serial) =
        keyid.split_once('/').filter(|(caller, serial)| is_id(caller) && is_id(serial)).ok_or_else(|| {
            Problem::new(Code::SignatureInvalid)
                .detail("The parameter keyid is written keyid=\"<your id>/<the key's serial>\".")
        })?;
    let (caller, serial) = (caller.to_owned(), serial.to_owned());
    let created = message.created().unwrap_or_default();
    let nonce = message.nonce().unwrap_or_default().to_owned();
    Ok(Form::Message(Box::new(MessageForm { message, caller, serial, created, nonce })))
}

fn sentence(fault: &impl std::fmt::Display) -> String {
    let text = fault.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}

fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", |target| target.as_str())
}

fn verify_jialing(
    edge: &Edge,
    signature: &RequestSignature,
    key: &PublicKey,
    parts: &Parts,
    body: &[u8],
) -> Result<()> {
    let (method, target) = (&*sub_merchant::signed_method(parts)?, target(parts));
    signature.verify(key, method, target, body).map_err(|refused| match refused {
        NotSigned::WrongSuite { key, .. } => {
            Problem::new(Code::SignatureSuiteMismatch).detail(format!("This key belongs to {key}."))
        }
        _ => {
            let text = signature.signed_text(method, target, body);
            let problem = verified_over(edge, "JIALING1", parts, &text);
            // Where integrators try things out, the usual mistakes are tried for them.
            match edge.app.settings.sandbox.then(|| mistake(signature, key, parts, body)).flatten() {
                Some(hint) => problem.with("hint", hint),
                None => problem,
            }
        }
    })
}

/// What was signed instead, if it is one of the usual mistakes.
fn mistake(
    signature: &RequestSignature,
    key: &PublicKey,
    parts: &Parts,
    body: &[u8],
) -> Option<&'static str> {
    let (method, whole) = (parts.method.as_str(), target(parts));
    let text = |method: &str, target: &str, body: &[u8]| signature.signed_text(method, target, body);
    let good = text(method, whole, body);
    let line = [body, b"\n"].concat();
    let tries = [
        (good[..good.len() - 1].to_vec(), "The signed text lacked its last line feed."),
        (text(method, parts.uri.path(), body), "The path was signed without its query."),
        (text(method, whole, b""), "The text was signed without the body."),
        (text(method, whole, &line), "A line feed behind the body was signed that was not sent."),
        (
            text(method, whole, body.trim_ascii_end()),
            "White space behind the body was sent that was not signed.",
        ),
        (text(&method.to_ascii_lowercase(), whole, body), "The method was signed in lower case."),
        (text("", whole, body)[1..].to_vec(), "The method was left out of the signed text."),
    ];
    tries.into_iter().find(|(text, _)| key.verify(text, &signature.signature).is_ok()).map(|(_, hint)| hint)
}

fn verify_message(edge: &Edge, message: &Message, key: &PublicKey, parts: &Parts, body: &[u8]) -> Result<()> {
    let headers = &parts.headers;
    let field = |name: &str| {
        let all: Option<Vec<String>> =
            headers.get_all(name).iter().map(|value| value.to_str().ok().map(str::to_owned)).collect();
        all.filter(|all| !all.is_empty())
    };
    let host = header_text(headers, header::HOST.as_str()).unwrap_or_default();
    let https = edge.app.settings.public_url.starts_with("https://");
    let request = Signed {
        method: parts.method.as_str(),
        scheme: if https { "https" } else { "http" },
        authority: &host,
        path: parts.uri.path(),
        query: parts.uri.query(),
        field: &field,
        body,
    };
    message.verify(key, &request).map_err(|fault| match &fault {
        BadMessage::Algorithm(_) => Problem::new(Code::SignatureSuiteMismatch).detail(format!(
            "{} It belongs to {}.",
            sentence(&fault),
            named(key.suite())
        )),
        BadMessage::BadSignature(_) => match message.base(&request) {
            Ok(base) => verified_over(edge, "RFC9421", parts, base.as_bytes()),
            Err(fault) => Problem::new(Code::SignatureInvalid).detail(sentence(&fault)),
        },
        _ => Problem::new(Code::SignatureInvalid).detail(sentence(&fault)),
    })
}

/// The suite as RFC 9421 names it.
const fn named(suite: Suite) -> &'static str {
    match suite {
        Suite::Ed25519 => "ed25519",
        Suite::RsaSha256 => "rsa-v1_5-sha256 and rsa-pss-sha512",
        Suite::Es256 => "ecdsa-p256-sha256",
        Suite::Sm2Sm3 => "SM2-WITH-SM3: leave alg out",
    }
}

/// A signature that does not fit: what the server verified, so that the caller can compare.
///
/// Outside the sandbox the text is cut before the body's: a body may hold personal data, and an
/// answer may be kept in a log of the caller's.
fn verified_over(edge: &Edge, form: &'static str, parts: &Parts, text: &[u8]) -> Problem {
    let shown = if edge.app.settings.sandbox { text } else { &text[..text.len().min(SHOWN)] };
    Problem::new(Code::SignatureInvalid).with(
        "verified",
        serde_json::json!({
            "form": form,
            "method": parts.method.as_str(),
            "path": target(parts),
            "length": text.len(),
            "text": String::from_utf8_lossy(shown),
            "truncated": shown.len() < text.len(),
        }),
    )
}

//! What was asked of a sandbox lately: each request with its outcome, and the text that its signature
//! was checked over. The newest [`KEPT`] are kept in memory.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{HeaderMap, Method, header};
use jialing_crypto::http_signature::RequestSignature;
use serde::Serialize;
use tokio::sync::watch;

use crate::faults::FaultKind;

/// Entries kept.
pub(crate) const KEPT: usize = 500;
/// Bytes of a signed text or a body that an entry shows.
const SHOWN: usize = 8 << 10;
/// Codes that say what was wrong with a signature.
const OF_SIGNATURES: [&str; 6] = [
    "signature_missing",
    "signature_invalid",
    "signature_suite_mismatch",
    "timestamp_out_of_window",
    "nonce_reused",
    "key_unknown",
];

/// Whether a problem's code says that the signature was not accepted.
pub(crate) fn is_of_signatures(code: &str) -> bool {
    OF_SIGNATURES.contains(&code)
}

/// A request and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Grows by one with each request.
    pub number: u64,
    /// When it was answered, RFC 3339, real time.
    pub at: String,
    /// `GET`, `POST`…
    pub method: String,
    /// Path with query, below the sandbox's base address: what is signed.
    pub path: String,
    /// The status; absent where no answer was given.
    pub status: Option<u16>,
    /// The code of the problem, if it was one.
    pub code: Option<String>,
    /// The answer's `Request-Id`.
    pub request_id: Option<String>,
    /// Microseconds until the answer stood.
    pub took_us: u64,
    /// What went wrong on order.
    pub fault: Option<FaultKind>,
    /// Who signed, as the request says.
    pub mchid: Option<String>,
    /// The key, as the request says.
    pub serial_no: Option<String>,
    /// `fits`, or the code of what is wrong; absent where nothing is signed.
    pub signature: Option<String>,
    /// The text that the signature was checked over.
    pub signed_text: Option<String>,
    /// What probably helps.
    pub hint: Option<String>,
    /// The request's body, where the path is a merchant's.
    pub body: Option<String>,
}

/// A request before it is answered.
pub(crate) struct Asked {
    method: Method,
    path: String,
    signature: Option<RequestSignature>,
    of_merchant: bool,
    text: Option<String>,
    whole_path: String,
    body: Option<String>,
}

impl Asked {
    /// `prefix` is the path of the sandbox's base address.
    pub(crate) fn of(method: &Method, path: &str, prefix: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let signature = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| RequestSignature::parse(value).ok());
        let of_merchant = path.starts_with("/v1/merchant/");
        let text = signature.as_ref().map(|signature| signature.signed_text(method.as_str(), path, body));
        Self {
            method: method.clone(),
            path: path.to_owned(),
            signature,
            of_merchant,
            text: text.map(|text| shown(&text)),
            whole_path: format!("{prefix}{path}"),
            body: (of_merchant && !body.is_empty()).then(|| shown(body)),
        }
    }

    fn entry(self, became: Became) -> Entry {
        let signature = match (&became.code, self.of_merchant) {
            (Some(code), _) if is_of_signatures(code) => Some(code.clone()),
            // Without an answer of the edge nobody has checked.
            (_, true) if became.checked => Some("fits".to_owned()),
            _ => None,
        };
        let hint = (signature.as_deref() == Some("signature_invalid")).then(|| {
            format!(
                "sign the path below the base address, {} and not {}, and the body byte by byte as it is sent",
                self.path, self.whole_path
            )
        });
        Entry {
            number: 0,
            at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            method: self.method.to_string(),
            path: self.path,
            status: became.status,
            code: became.code,
            request_id: became.request_id,
            took_us: u64::try_from(became.took.as_micros()).unwrap_or(u64::MAX),
            fault: became.fault,
            mchid: self.signature.as_ref().map(|signature| signature.mchid.clone()),
            serial_no: self.signature.map(|signature| signature.serial_no),
            signature,
            signed_text: self.text,
            hint,
            body: self.body,
        }
    }
}

/// What became of a request.
#[derive(Default)]
pub(crate) struct Became {
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) took: Duration,
    pub(crate) fault: Option<FaultKind>,
    /// The edge has seen it.
    pub(crate) checked: bool,
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned()
}

/// The newest requests of a sandbox.
pub(crate) struct Journal {
    entries: Mutex<VecDeque<Entry>>,
    newest: watch::Sender<u64>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: Mutex::default(), newest: watch::Sender::new(0) }
    }
}

impl Journal {
    /// Adds a request with its outcome.
    pub(crate) fn write(&self, asked: Asked, became: Became) {
        let mut entries = self.entries.lock().expect("no holder panics");
        let mut entry = asked.entry(became);
        entry.number = *self.newest.borrow() + 1;
        let number = entry.number;
        entries.push_back(entry);
        if entries.len() > KEPT {
            entries.pop_front();
        }
        drop(entries);
        self.newest.send_replace(number);
    }

    /// The entries after `number`, oldest first; waits up to `wait` for one.
    pub(crate) async fn after(&self, number: u64, wait: Duration) -> Vec<Entry> {
        let mut newest = self.newest.subscribe();
        // Without a newer one in time the answer is empty.
        let _ = tokio::time::timeout(wait, newest.wait_for(|newest| *newest > number)).await;
        let entries = self.entries.lock().expect("no holder panics");
        entries.iter().filter(|entry| entry.number > number).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str) -> Asked {
        Asked::of(&Method::POST, path, "/s/sbx_1", &HeaderMap::new(), b"{}")
    }

    #[test]
    fn an_entry_says_whether_the_signature_was_fine_and_what_helps_where_it_was_not() {
        let check = |path: &str, code: Option<&str>, checked: bool, expect: Option<&str>| {
            let became = Became { code: code.map(str::to_owned), checked, ..Became::default() };
            let entry = asked(path).entry(became);
            assert_eq!(entry.signature.as_deref(), expect, "{path} {code:?}");
            assert_eq!(entry.hint.is_some(), expect == Some("signature_invalid"), "{entry:?}");
        };
        check("/v1/merchant/orders", None, true, Some("fits"));
        check("/v1/merchant/orders", Some("order_closed"), true, Some("fits"));
        check("/v1/merchant/orders", Some("signature_invalid"), true, Some("signature_invalid"));
        check("/v1/merchant/orders", Some("nonce_reused"), true, Some("nonce_reused"));
        check("/v1/merchant/orders", None, false, None);
        check("/v1/public/keys", None, true, None);
    }

    #[tokio::test]
    async fn the_newest_entries_are_kept_and_a_reader_waits_for_the_next() {
        let journal = Journal::default();
        for _ in 0..KEPT + 3 {
            journal.write(asked("/v1/merchant/orders"), Became::default());
        }
        let kept = journal.after(0, Duration::ZERO).await;
        assert_eq!((kept.len(), kept[0].number), (KEPT, 4));
        let last = kept.last().expect("the newest").number;
        let (next, ()) = tokio::join!(journal.after(last, Duration::from_secs(60)), async {
            journal.write(asked("/v1/merchant/refunds"), Became::default());
        });
        assert_eq!(
            next.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(),
            ["/v1/merchant/refunds"]
        );
    }
}

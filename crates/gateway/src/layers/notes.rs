//! What the layers inside learn about a request and the frame tells with its answer, whatever becomes
//! of the handler: how to sign it, whom it counts for, how full the caller's buckets are, and when the caller's
//! key ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use jialing_crypto::Suite;
use jialing_platform::clock::rfc3339;
use jialing_platform::id::MerchantId;

use crate::rates::Standing;

/// The rates that hold (draft-ietf-httpapi-ratelimit-headers).
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// How much is left of them.
const LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// When the key that signed the request ends, once that is near.
const KEY_ENDS: HeaderName = HeaderName::from_static("jialing-key-expires");

/// The notes on one request. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    suite: Option<Suite>,
    key_ends: Option<i64>,
    rates: Vec<Standing>,
    asker: Option<Asker>,
}

/// Whom a request of a merchant's server counts for: the merchant, and the provider that acts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) merchant: MerchantId,
    pub(crate) provider: Option<MerchantId>,
}

impl Notes {
    /// The notes on the request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer is to be signed, with the key of this suite where there is one.
    pub(crate) fn sign(&self, suite: Suite) {
        self.lock().suite = Some(suite);
    }

    /// The key that signed ends soon: at this time, milliseconds.
    pub(crate) fn key_ends(&self, at: i64) {
        self.lock().key_ends = Some(at);
    }

    /// The request's key was proved to be this merchant's, or its provider may act for it.
    pub(crate) fn asks(&self, asker: Asker) {
        self.lock().asker = Some(asker);
    }

    /// Whom the request counts for, if that was proved.
    pub(crate) fn asker(&self) -> Option<Asker> {
        self.lock().asker
    }

    /// A request was counted.
    pub(crate) fn counted(&self, standing: Standing) {
        let mut noted = self.lock();
        noted.rates.retain(|known| known.name != standing.name);
        noted.rates.push(standing);
    }

    /// The suite to sign the answer in, if it is to be signed.
    pub(crate) fn suite(&self) -> Option<Suite> {
        self.lock().suite
    }

    /// Writes the headers that tell of them.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let noted = self.lock();
        let mut set = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        if !noted.rates.is_empty() {
            let all =
                |write: fn(&Standing) -> String| noted.rates.iter().map(write).collect::<Vec<_>>().join(", ");
            set(POLICY, all(Standing::policy));
            set(LEFT, all(Standing::left));
        }
        if let Some(at) = noted.key_ends {
            set(KEY_ENDS, rfc3339(at));
        }
    }
}

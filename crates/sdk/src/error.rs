//! What can go wrong between a client and the platform.

use serde::Deserialize;

use crate::code::Code;

/// The platform's own account of what went wrong (RFC 9457).
#[derive(Clone, Debug, Deserialize)]
pub struct Problem {
    /// The page that explains the code.
    #[serde(rename = "type")]
    pub page: String,
    /// A short title.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code, such as `balance_too_low`.
    pub code: String,
    /// What happened here.
    pub detail: Option<String>,
    /// The field at fault.
    pub field: Option<String>,
    /// The request's id, for asking about it.
    pub request_id: Option<String>,
    /// Whether the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Seconds the service asks to wait.
    #[serde(skip)]
    pub patience: Option<u64>,
    /// Whether the platform's signature was on it. Only answers to signed requests are, and of those not the
    /// ones given before the request's own signature was accepted.
    #[serde(skip)]
    pub signed: bool,
}

/// Why a call gave no answer to use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The platform said no.
    #[error("{} ({}): {}{}", .0.title, .0.code, .0.detail.as_deref().unwrap_or("no further detail"), .0.request_id.as_ref().map(|id| format!(" [{id}]")).unwrap_or_default())]
    Refused(Box<Problem>),
    /// No answer came, in spite of repeating. The work may or may not have been done: query.
    #[error("no answer from {target}: {why}. The outcome is unknown; query it before trying anew")]
    Unknown {
        /// Method and path.
        target: String,
        /// What the last try ended with.
        why: String,
    },
    /// An answer came that the client cannot accept: unsigned, wrongly signed, or not of the documented shape.
    #[error("the answer of {target} cannot be accepted: {why}")]
    Unacceptable {
        /// Method and path.
        target: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    /// The platform's stable code, if it answered with one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            Self::Unknown { .. } | Self::Unacceptable { .. } => None,
        }
    }

    /// The code as a name to decide by; none for a code that this client does not know.
    #[must_use]
    pub fn known_code(&self) -> Option<Code> {
        self.code().and_then(Code::of)
    }

    /// Whether the platform said no with this code.
    #[must_use]
    pub fn is(&self, code: Code) -> bool {
        self.code() == Some(code.text())
    }
}

/// What every call answers.
pub type Result<T> = std::result::Result<T, Error>;

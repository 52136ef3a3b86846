//! What a call on a rail can come to.

use std::fmt;
use std::pin::Pin;

/// The future of a call, boxed so that rails can be chosen when the program runs.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a call came to. There is no "failed": either the other side said no, or we do not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Taken in, not finished: a notice or a query will tell.
    Accepted,
    /// Finished.
    Done(T),
    /// The other side said no, and nothing happened.
    Refused(Refusal),
    /// It may have happened or not. Query by our reference, or send the same request again.
    Unknown(Why),
}

impl<T> Outcome<T> {
    /// Turns what is inside [`Outcome::Done`] into something else.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Outcome::Accepted => Outcome::Accepted,
            Outcome::Done(value) => Outcome::Done(turn(value)),
            Outcome::Refused(refusal) => Outcome::Refused(refusal),
            Outcome::Unknown(why) => Outcome::Unknown(why),
        }
    }

    /// Whether nothing will change any more: done or refused.
    pub fn is_final(&self) -> bool {
        matches!(self, Outcome::Done(_) | Outcome::Refused(_))
    }
}

/// Why the other side said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// A stable code of the other side, such as `INSUFFICIENT_FUNDS`. At most 64 characters.
    pub code: String,
    /// For people; it may hold anything, so escape it where it is shown. At most 200 characters.
    pub message: String,
}

impl Refusal {
    /// A refusal with its texts cut to their limits and freed of control characters.
    pub fn new(code: &str, message: &str) -> Self {
        let clean =
            |text: &str, limit| -> String { text.chars().filter(|c| !c.is_control()).take(limit).collect() };
        Self { code: clean(code, 64), message: clean(message, 200) }
    }
}

/// Why we do not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// No complete answer within the time limit.
    TimedOut,
    /// No connection, or it broke before the answer was complete.
    Disconnected,
    /// An HTTP status that decides nothing.
    Status(u16),
    /// The answer is not signed by a key of the other side, or not fresh.
    Unsigned,
    /// A signed answer that we cannot read, or that is about something else.
    Unreadable(&'static str),
    /// The other side itself does not know.
    TheirsToo,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::TimedOut => f.write_str("no answer within the time limit"),
            Why::Disconnected => f.write_str("the connection failed or broke"),
            Why::Status(status) => write!(f, "the answer had status {status}"),
            Why::Unsigned => f.write_str("the answer was not signed by the other side"),
            Why::Unreadable(what) => write!(f, "the answer could not be read: {what}"),
            Why::TheirsToo => f.write_str("the other side does not know either"),
        }
    }
}

//! The rail to a notice service: one-time codes and notices to a phone, by template.
//!
//! We send the code of a template and its parameters; the words, in the reader's language, belong
//! to the service, as telecom operators require of registered templates. A one-time code is a
//! secret: it is never logged, and `Debug` does not show parameters.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Answer, BadPeer, Outcome, Peer, Refusal, SignedCaller, Why};

/// A message to one phone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Ours: the same reference is sent once.
    pub reference: String,
    /// The phone.
    pub phone: String,
    /// The template's code, such as `SIGN_UP_CODE`.
    pub template: String,
    /// The template's parameters by name.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// The reader's language as a BCP 47 tag, such as `zh-CN`.
    pub language: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} {})", self.reference, self.template)
    }
}

/// The service has taken the message for delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The service's name for it.
    pub message_id: String,
}

/// A notice service, however it is reached.
pub trait Notices: Send + Sync {
    /// Sends a message. May be repeated with the same reference.
    fn send<'a>(&'a self, message: &'a Message) -> Answer<'a, Outcome<Sent>>;
}

/// Where messages are sent.
pub const MESSAGES: &str = "/rail/v1/messages";

/// The service's answer as it travels: either `message_id`, or `code` and `message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendReply {
    /// The message's reference, echoed.
    pub reference: String,
    /// The service's name for the message, when it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Why it was refused, such as `BLOCKED_NUMBER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A notice service over signed HTTP/JSON.
#[derive(Clone, Debug)]
pub struct HttpNotices {
    caller: SignedCaller,
}

impl HttpNotices {
    /// Prepares calls; nothing is sent yet.
    ///
    /// # Errors
    /// [`BadPeer`].
    pub fn new(peer: Peer) -> Result<Self, BadPeer> {
        Ok(Self { caller: SignedCaller::new(peer)? })
    }
}

impl Notices for HttpNotices {
    fn send<'a>(&'a self, message: &'a Message) -> Answer<'a, Outcome<Sent>> {
        Box::pin(async move {
            let reply: SendReply = match self.caller.post(MESSAGES, message).await {
                Ok(reply) => reply,
                Err(why) => return Outcome::Unknown(why),
            };
            if reply.reference != message.reference {
                return Outcome::Unknown(Why::Unreadable("an answer about another reference"));
            }
            match (reply.message_id, reply.code) {
                (Some(message_id), None) => Outcome::Done(Sent { message_id }),
                (None, Some(code)) => {
                    Outcome::Refused(Refusal::new(&code, reply.message.as_deref().unwrap_or_default()))
                }
                _ => Outcome::Unknown(Why::Unreadable("neither sent nor refused")),
            }
        })
    }
}

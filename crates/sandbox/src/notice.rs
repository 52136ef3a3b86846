//! The notice service: takes messages and keeps them, so that a person can read their codes.
//!
//! `GET /messages?phone=…` is the phone's inbox. Numbers that end in 0000 are blocked.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use jialing_rails::notice::{MESSAGES, Message, SendReply};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use crate::fault::FaultKind;
use crate::phone::canonical_phone;
use crate::service::{Asked, Desk};
use crate::shelf::Shelves;

/// How many messages are kept; older ones are forgotten.
const KEPT: usize = 20_000;

/// How many messages an inbox shows.
const SHOWN: usize = 100;

/// Numbers that end so are blocked.
const BLOCKED_END: &str = "0000";

/// A message as the phone shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMessage {
    /// The service's name for it; grows by one per message.
    pub id: u64,
    /// The sender's reference.
    pub reference: String,
    /// The phone, in its national form.
    pub phone: String,
    /// The template's code.
    pub template: String,
    /// The template's parameters.
    pub params: BTreeMap<String, String>,
    /// What the person reads.
    pub text: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// The service; banks of the city send their codes through it too.
pub(crate) struct NoticeDesk {
    desk: Arc<Desk>,
    inboxes: Mutex<Inboxes>,
    /// The id of the newest message.
    newest: watch::Sender<u64>,
}

struct Inboxes {
    messages: VecDeque<SentMessage>,
    by_reference: HashMap<String, u64>,
    next_id: u64,
    shelves: Shelves,
}

impl NoticeDesk {
    pub(crate) fn open(desk: Arc<Desk>, file: Option<&Path>) -> io::Result<Self> {
        let (shelves, mut held) = Shelves::open(file)?;
        let mut messages: Vec<SentMessage> = held.take::<SentMessage>("messages")?.into_values().collect();
        messages.sort_by_key(|message| message.id);
        let next_id = messages.last().map_or(1, |last| last.id + 1);
        let by_reference = messages.iter().map(|message| (message.reference.clone(), message.id)).collect();
        let mut inboxes = Inboxes { messages: messages.into(), by_reference, next_id, shelves };
        inboxes.forget_old();
        Ok(Self { desk, inboxes: Mutex::new(inboxes), newest: watch::Sender::new(next_id - 1) })
    }

    pub(crate) fn router(self: Arc<Self>) -> Router {
        Router::new().route(MESSAGES, post(send)).route("/messages", get(inbox)).with_state(self)
    }

    /// Takes a message, or says why not. The same reference is sent once.
    pub(crate) fn take(&self, message: Message) -> SendReply {
        let mut reply =
            SendReply { reference: message.reference.clone(), message_id: None, code: None, message: None };
        let phone = canonical_phone(&message.phone);
        if phone.len() < 8 || phone.ends_with(BLOCKED_END) {
            reply.code = Some("BLOCKED_NUMBER".to_owned());
            reply.message = Some("号码已停机 the number is out of service".to_owned());
            return reply;
        }
        let mut inboxes = self.lock();
        let id = match inboxes.by_reference.get(&message.reference) {
            Some(id) => *id,
            None => inboxes.put(phone, message, self.desk.clock.now()),
        };
        drop(inboxes);
        self.newest.send_if_modified(|newest| {
            let grew = id > *newest;
            *newest = id.max(*newest);
            grew
        });
        reply.message_id = Some(format!("sms_{id}"));
        reply
    }

    /// The newest messages to a phone, newest first; those after the message `after`.
    pub(crate) fn inbox(&self, phone: Option<&str>, after: u64) -> Vec<SentMessage> {
        let phone = phone.map(canonical_phone);
        self.lock()
            .messages
            .iter()
            .rev()
            .take_while(|message| message.id > after)
            .filter(|message| phone.as_ref().is_none_or(|phone| *phone == message.phone))
            .take(SHOWN)
            .cloned()
            .collect()
    }

    /// Waits until there is a message to `phone` after the message `after`.
    pub(crate) async fn wait_for(&self, phone: &str, after: u64) -> SentMessage {
        let mut newest = self.newest.subscribe();
        loop {
            newest.borrow_and_update();
            if let Some(message) = self.inbox(Some(phone), after).pop() {
                return message;
            }
            // The sender lives as long as `self`, so this never fails.
            if newest.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inboxes> {
        self.inboxes.lock().expect("no holder panics")
    }
}

impl Inboxes {
    fn put(&mut self, phone: String, message: Message, at: Timestamp) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let sent = SentMessage {
            id,
            text: words(&message),
            reference: message.reference,
            phone,
            template: message.template,
            params: message.params,
            at,
        };
        self.shelves.put("messages", &format!("{id:020}"), &sent);
        self.by_reference.insert(sent.reference.clone(), id);
        self.messages.push_back(sent);
        self.forget_old();
        id
    }

    fn forget_old(&mut self) {
        while self.messages.len() > KEPT {
            if let Some(old) = self.messages.pop_front() {
                self.by_reference.remove(&old.reference);
            }
        }
    }
}

/// What the person reads: a code in a sentence, anything else as its parameters.
fn words(message: &Message) -> String {
    let chinese = message.language.starts_with("zh");
    if let Some(code) = message.params.get("code") {
        return if chinese {
            format!("【嘉陵】您的验证码是 {code}，请勿告诉他人。")
        } else {
            format!("[Jialing] Your code is {code}. Tell it to nobody.")
        };
    }
    let params: Vec<String> = message.params.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let sender = if chinese { "【嘉陵】" } else { "[Jialing] " };
    format!("{sender}{} {}", message.template, params.join(", "))
}

/// `POST /rail/v1/messages`
async fn send(
    State(service): State<Arc<NoticeDesk>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let act = |asked: &Asked| {
        let message: Message = asked.read()?;
        if asked.suffers(FaultKind::Refusal) {
            let code = asked.fault.as_ref().map(|fault| fault.code().to_owned());
            return Ok(json!(SendReply {
                reference: message.reference,
                message_id: None,
                code,
                message: Some("refused on order".to_owned()),
            }));
        }
        Ok(json!(service.take(message)))
    };
    service.desk.serve(method, uri, headers, body, act).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inbox {
    phone: Option<String>,
    #[serde(default)]
    after: u64,
}

/// `GET /messages?phone=…&after=…`
async fn inbox(State(service): State<Arc<NoticeDesk>>, Query(ask): Query<Inbox>) -> Json<Vec<SentMessage>> {
    Json(service.inbox(ask.phone.as_deref(), ask.after))
}

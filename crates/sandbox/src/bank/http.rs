//! The bank's counter: the rail's requests, and doors to look into the book.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jialing_rails::bank::EntryKind;
use jialing_rails::bank::iso::MESSAGES;
use jialing_rails::bank::wire::{self, ConfirmLink, EndLink, Move, Reply, StartLink, State as WireState};
use jiff::civil::Date;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Account, Book, iso};
use crate::fault::{Fault, FaultKind};
use crate::notice::NoticeDesk;
use crate::service::{self, Asked, Desk};

/// One bank.
pub(crate) struct BankDesk {
    pub(crate) desk: Arc<Desk>,
    book: Mutex<Book>,
    notices: Arc<NoticeDesk>,
    /// Told when the book has changed, so that the courier looks again.
    pub(crate) changed: Notify,
}

impl BankDesk {
    pub(crate) fn new(desk: Arc<Desk>, book: Book, notices: Arc<NoticeDesk>) -> Self {
        Self { desk, book: Mutex::new(book), notices, changed: Notify::new() }
    }

    pub(crate) fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().expect("no holder panics")
    }

    pub(crate) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/rail/v1/{*rest}", post(rail).get(rail))
            .route("/accounts", get(list).post(put))
            .route("/accounts/{number}", get(one))
            .with_state(self)
    }

    /// What the request comes to, without what goes wrong on the way back.
    fn act(&self, method: &Method, asked: &Asked) -> Result<service::Reply, StatusCode> {
        let path = asked.target.split('?').next().unwrap_or_default();
        match path.strip_prefix(MESSAGES).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => self.act_iso(method, rest, asked).map(service::Reply::xml),
            None => self.act_json(method, path, asked).map(service::Reply::json),
        }
    }

    fn act_json(&self, method: &Method, path: &str, asked: &Asked) -> Result<Value, StatusCode> {
        let refused = asked.fault.as_ref().filter(|f| f.kind == FaultKind::Refusal);
        let now = self.desk.clock.now();
        let reply = match (method.as_str(), path) {
            ("POST", wire::LINKS) => {
                let ask: StartLink = asked.read()?;
                match refused {
                    Some(fault) => refuse(&ask.reference, fault),
                    None => self.start_link(&ask),
                }
            }
            ("POST", wire::LINKS_CONFIRM) => {
                let ask: ConfirmLink = asked.read()?;
                match refused {
                    Some(fault) => refuse(&ask.reference, fault),
                    None => self.book().confirm_link(&ask, now),
                }
            }
            ("POST", wire::LINKS_END) => {
                let ask: EndLink = asked.read()?;
                match refused {
                    Some(fault) => refuse(&ask.reference, fault),
                    None => self.book().end_link(&ask),
                }
            }
            ("POST", wire::PULLS) => self.start_move(EntryKind::Pull, asked)?,
            ("POST", wire::PUSHES) => self.start_move(EntryKind::Push, asked)?,
            ("GET", _) => return self.look(path, asked),
            _ => return Err(StatusCode::NOT_FOUND),
        };
        Ok(json!(veiled(reply, asked)))
    }

    fn start_link(&self, ask: &StartLink) -> Reply {
        let (reply, message) = self.book().start_link(ask, self.desk.clock.now());
        if let Some(message) = message {
            self.notices.take(message);
        }
        reply
    }

    fn start_move(&self, kind: EntryKind, asked: &Asked) -> Result<Reply, StatusCode> {
        Ok(self.take_in((kind, false), asked.read()?, asked))
    }

    /// Takes in a movement, in JSON or not.
    pub(super) fn take_in(&self, (kind, iso): (EntryKind, bool), ask: Move, asked: &Asked) -> Reply {
        let now = self.desk.clock.now();
        let reply = self.book().start_move((kind, iso), ask, asked.fault.as_ref(), now);
        self.changed.notify_one();
        reply
    }

    /// Movements and statements.
    fn look(&self, path: &str, asked: &Asked) -> Result<Value, StatusCode> {
        let under = |base: &str| Some(path.strip_prefix(base)?.strip_prefix('/')?.to_owned());
        // What is due is done before anybody looks, whether the courier has woken or not.
        self.book().settle(self.desk.clock.now());
        if let Some(reference) = under(wire::MOVEMENTS) {
            let reply = self.book().query(&reference);
            return Ok(json!(veiled(reply, asked)));
        }
        let day: Date =
            under(wire::STATEMENTS).and_then(|day| day.parse().ok()).ok_or(StatusCode::NOT_FOUND)?;
        let after = match asked.target.split_once("?after=") {
            Some((_, after)) => after.parse().map_err(|_| StatusCode::BAD_REQUEST)?,
            None => 0,
        };
        Ok(json!(self.book().statement(day, after)))
    }

    /// What the amount asks for: see the magic test data.
    fn magic(&self, target: &str, body: &[u8]) -> Option<Fault> {
        let ask: Move = match target {
            wire::PULLS | wire::PUSHES => serde_json::from_slice(body).ok()?,
            _ if target.starts_with(MESSAGES) => iso::order(body)?.1,
            _ => return None,
        };
        self.book().magic(&ask)
    }
}

fn refuse(reference: &str, fault: &Fault) -> Reply {
    Reply::refused(reference, fault.code(), "refused on order")
}

/// The reply, or that the outcome is unknown where that was ordered.
fn veiled(reply: Reply, asked: &Asked) -> Reply {
    if asked.suffers(FaultKind::Unknown) { Reply::new(&reply.reference, WireState::Unknown) } else { reply }
}

/// Every request of the rail.
async fn rail(
    State(bank): State<Arc<BankDesk>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let verb = method.clone();
    bank.desk
        .serve_with(
            (method, uri, headers, body),
            |target, body| bank.magic(target, body),
            |asked| bank.act(&verb, asked),
        )
        .await
}

/// `GET /accounts`
async fn list(State(bank): State<Arc<BankDesk>>) -> Json<Vec<Account>> {
    bank.book().settle(bank.desk.clock.now());
    Json(bank.book().accounts().cloned().collect())
}

/// `GET /accounts/{number}`
async fn one(State(bank): State<Arc<BankDesk>>, Path(number): Path<String>) -> Response {
    bank.book().settle(bank.desk.clock.now());
    match bank.book().account(&number) {
        Some(account) => Json(account.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `POST /accounts`: opens one, or changes the one with the same number.
async fn put(State(bank): State<Arc<BankDesk>>, Json(account): Json<Account>) -> Json<Account> {
    bank.book().put_account(account.clone());
    Json(account)
}

//! The identity service: a register of residents, and what it says about a claim.
//!
//! A well-formed number that nobody has yet is registered to the first name it is claimed with, so
//! a visitor can sign up as anybody. Some names always fail: see `docs/reference/sandbox.md`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use jialing_crypto::random;
use jialing_rails::identity::{CHECKS, CheckReply, Claim, Mismatch, is_id_number};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::phone::canonical_phone;
use crate::service::{Asked, Desk};
use crate::shelf::Shelves;

/// A person in the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resident {
    /// The name as the document has it.
    pub name: String,
    /// The 18-character identity number.
    pub id_number: String,
    /// The phone registered with an operator, where one is.
    #[serde(default)]
    pub phone: Option<String>,
}

/// Names whose claims always end in the same way.
const FAILING_NAMES: [(&str, Mismatch); 4] = [
    ("查无此人", Mismatch::NoSuchNumber),
    ("姓名不符", Mismatch::Name),
    ("手机不符", Mismatch::Phone),
    ("证件注销", Mismatch::Document),
];

/// The service.
pub(crate) struct IdentityDesk {
    desk: Arc<Desk>,
    register: Mutex<Register>,
}

struct Register {
    residents: BTreeMap<String, Resident>,
    checks: BTreeMap<String, (Claim, CheckReply)>,
    shelves: Shelves,
}

impl IdentityDesk {
    pub(crate) fn open(desk: Arc<Desk>, residents: &[Resident], file: Option<&Path>) -> io::Result<Self> {
        let (shelves, mut held) = Shelves::open(file)?;
        let mut register =
            Register { residents: held.take("residents")?, checks: held.take("checks")?, shelves };
        for resident in residents {
            if !register.residents.contains_key(&resident.id_number) {
                register.put(resident.clone());
            }
        }
        Ok(Self { desk, register: Mutex::new(register) })
    }

    pub(crate) fn router(self: Arc<Self>) -> Router {
        Router::new().route(CHECKS, post(check)).route("/residents", get(list).post(add)).with_state(self)
    }

    fn register(&self) -> std::sync::MutexGuard<'_, Register> {
        self.register.lock().expect("no holder panics")
    }
}

impl Register {
    fn put(&mut self, resident: Resident) {
        self.shelves.put("residents", &resident.id_number, &resident);
        self.residents.insert(resident.id_number.clone(), resident);
    }

    fn answer(&mut self, claim: Claim) -> CheckReply {
        if let Some((first, reply)) = self.checks.get(&claim.reference)
            && *first == claim
        {
            return reply.clone();
        }
        let mismatch = self.judge(&claim);
        let reply = CheckReply {
            reference: claim.reference.clone(),
            check_id: format!("chk_{}", random::nonce()),
            matches: mismatch.is_none(),
            mismatch,
        };
        let kept = (claim, reply.clone());
        self.shelves.put("checks", &reply.reference, &kept);
        self.checks.insert(reply.reference.clone(), kept);
        reply
    }

    fn judge(&mut self, claim: &Claim) -> Option<Mismatch> {
        if let Some((_, mismatch)) = FAILING_NAMES.iter().find(|(name, _)| *name == claim.name) {
            return Some(*mismatch);
        }
        if !is_id_number(&claim.id_number) {
            return Some(Mismatch::NoSuchNumber);
        }
        let phone = claim.phone.as_deref().map(canonical_phone);
        match self.residents.get(&claim.id_number) {
            Some(known) if known.name != claim.name => Some(Mismatch::Name),
            Some(known) => match (&known.phone, phone) {
                (Some(known), Some(claimed)) if *known != claimed => Some(Mismatch::Phone),
                _ => None,
            },
            None => {
                self.put(Resident { name: claim.name.clone(), id_number: claim.id_number.clone(), phone });
                None
            }
        }
    }
}

/// `POST /rail/v1/checks`
async fn check(
    State(service): State<Arc<IdentityDesk>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let act = |asked: &Asked| {
        let claim: Claim = asked.read()?;
        Ok(json!(service.register().answer(claim)))
    };
    service.desk.serve(method, uri, headers, body, act).await
}

/// `GET /residents`
async fn list(State(service): State<Arc<IdentityDesk>>) -> Json<Vec<Resident>> {
    Json(service.register().residents.values().cloned().collect())
}

/// `POST /residents`: adds one, or changes the one with the same number.
async fn add(State(service): State<Arc<IdentityDesk>>, Json(mut resident): Json<Resident>) -> Json<Value> {
    resident.phone = resident.phone.as_deref().map(canonical_phone);
    service.register().put(resident.clone());
    Json(json!(resident))
}

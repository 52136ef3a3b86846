//! Who did what to what, when: append-only, hash-chained, anchored in the ledger's log.
//!
//! [`log`] writes an entry in the transaction of the act itself, so there is no act without its
//! entry. [`chain`] then gives new entries their place: the hash of a place covers the entry and the
//! hash before it. [`anchor`] writes the newest hash into the ledger's log, whose checkpoints are
//! signed and published, so that an entry can neither be changed, removed nor put in between later
//! without showing. [`keep`] does both at most [`EVERY`] apart while there are new entries.
//! [`verify`] checks everything. Entries hold no personal data: ids, states and numbers.

mod chain;
mod security;

use std::fmt::Display;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::id::AuditId;
use crate::kind::NoteKind;
use crate::{App, Result, Tx, background};

pub use chain::{Report, anchor, chain, check_chain, hash_of, verify};
pub use security::{SecurityEvent, security_log};

/// The kind of ledger note that anchors the chain; its id is the place in the chain.
pub const NOTE_KIND: u16 = NoteKind::Audit as u16;
/// How often new entries are chained and anchored.
pub const EVERY: Duration = Duration::from_secs(1);

/// One act.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The id of the person, merchant or operator who acted, or the name of the part of the platform.
    pub who: String,
    /// The verb, such as `device.revoke`; the API, the function and the documentation share it.
    pub action: &'static str,
    /// The id of what was acted upon.
    pub subject: String,
    /// What it was before, if it was.
    pub before: Option<Value>,
    /// What it is after, if it still is.
    pub after: Option<Value>,
    /// When, milliseconds.
    pub at: i64,
}

impl Entry {
    /// `who` did `action` to `subject` at `at` milliseconds.
    pub fn new(who: impl Display, action: &'static str, subject: impl Display, at: i64) -> Self {
        Self { who: who.to_string(), action, subject: subject.to_string(), before: None, after: None, at }
    }

    /// With what the subject was.
    #[must_use]
    pub fn before(mut self, value: impl Into<Value>) -> Self {
        self.before = Some(value.into());
        self
    }

    /// With what the subject is now.
    #[must_use]
    pub fn after(mut self, value: impl Into<Value>) -> Self {
        self.after = Some(value.into());
        self
    }
}

/// Writes `entry` in the transaction of the act.
///
/// # Errors
/// Any fault of the database.
pub async fn log(tx: &mut Tx, entry: Entry) -> Result<AuditId> {
    let id = AuditId::new(entry.at);
    sqlx::query("INSERT INTO audit_entries (id, who, action, subject, before_text, after_text, at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(id.to_string())
        .bind(entry.who)
        .bind(entry.action)
        .bind(entry.subject)
        .bind(entry.before.map(|value| value.to_string()))
        .bind(entry.after.map(|value| value.to_string()))
        .bind(entry.at)
        .execute(&mut *tx)
        .await?;
    Ok(id)
}

/// Chains and anchors new entries for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(
        app,
        EVERY,
        "audit entries could not be anchored",
        |app| async move { seal(&app).await },
    )
}

/// Chains what is new and anchors it; true if there was anything.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn seal(app: &App) -> Result<bool> {
    while chain(app).await? == chain::BATCH {}
    anchor(app).await
}

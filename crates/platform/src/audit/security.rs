//! What a person reads of the audit: what was done in its name that concerns its security.

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::{AuditId, AuditTag};
use crate::sessions::Actor;
use crate::{App, Page, PageAsk, Result};

/// An event of the security log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SecurityEvent {
    /// Its id: that of the audit entry.
    pub id: AuditId,
    /// What happened, such as `session.sign_in` or `passkey.add`.
    #[schema(example = "device.bind")]
    pub event: String,
    /// The id of what it happened to.
    pub subject: String,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
}

/// The actor's security log, newest first: signing in and out, devices, PIN, passkeys, authenticator,
/// freezes, limits of one's own, consents.
///
/// # Errors
/// `invalid_request` for bad cursors.
pub async fn security_log(app: &App, actor: &Actor, ask: &PageAsk) -> Result<Page<SecurityEvent>> {
    let (limit, cursor) = (ask.limit()?, ask.cursor::<AuditTag>()?);
    let sql = crate::page::paged!(
        cursor,
        "SELECT id, action, subject, at FROM audit_entries WHERE who = $1 \
         AND (action LIKE 'session.%' OR action LIKE 'device.%' OR action LIKE 'pin.%' OR action LIKE 'passkey.%' \
         OR action LIKE 'authenticator.%' OR action LIKE 'recovery%' OR action LIKE 'person.%' \
         OR action LIKE 'alias.%' OR action LIKE 'consent.%' OR action IN ('wallet.freeze', 'wallet.lift', 'wallet.limit', 'wallet.close'))",
        "id",
        "$2",
        "$3"
    );
    let rows: Vec<(AuditId, String, String, i64)> = sqlx::query_as(sql)
        .bind(actor.person.to_string())
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    let shown = |(id, event, subject, at)| SecurityEvent { id, event, subject, at: rfc3339(at) };
    Ok(cursor.page(rows, limit).map(shown))
}

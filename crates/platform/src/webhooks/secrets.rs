//! The secrets that sign an endpoint's messages, in the form of Standard Webhooks.
//!
//! An endpoint has one secret; while it is replaced the old one signs beside the new one, so that a
//! receiver changes over at its leisure. Secrets lie sealed and are shown once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::random;
use zeroize::Zeroizing;

use super::{Manager, NewSecret, RotateAsk, SecretInfo, store};
use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{WebhookId, WebhookSecretId};
use crate::{App, Code, Problem, Result, Tx};

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const BYTES: usize = 32;
/// Hours that an old secret may sign beside the new one.
const MAX_OVERLAP_HOURS: i64 = 168;
const HOUR_MS: i64 = 3_600_000;

#[derive(sqlx::FromRow)]
struct Row {
    id: WebhookSecretId,
    secret: String,
    created_at: i64,
    valid_to: Option<i64>,
}

impl Row {
    fn open(&self, app: &App) -> Result<Zeroizing<String>> {
        app.seal.open_text(&self.secret, &place(self.id)).map_err(Problem::internal)
    }
}

fn place(id: WebhookSecretId) -> String {
    format!("webhook_secrets/{id}")
}

/// The secret of this id, made if there is none; and its text.
pub(super) async fn make(
    app: &App,
    tx: &mut Tx,
    webhook: WebhookId,
    id: WebhookSecretId,
    now: i64,
) -> Result<String> {
    let fresh = format!("{PREFIX}{}", STANDARD.encode(random::bytes::<BYTES>()));
    sqlx::query(
        "INSERT INTO webhook_secrets (id, webhook, secret, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(webhook)
    .bind(app.seal.seal_text(&fresh, &place(id)))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let kept: Option<Row> = sqlx::query_as("SELECT * FROM webhook_secrets WHERE id = $1 AND webhook = $2")
        .bind(id)
        .bind(webhook)
        .fetch_optional(&mut *tx)
        .await?;
    kept.ok_or(Problem::new(Code::NotFound))?.open(app).map(|text| text.to_string())
}

/// Replaces the secret of an endpoint; the new one has this `id`. Done again with the same id, it
/// answers the same secret.
///
/// # Errors
/// `not_found`; `invalid_request` for an overlap outside its bounds.
pub async fn rotate(
    app: &App,
    by: &Manager,
    webhook: WebhookId,
    id: WebhookSecretId,
    ask: RotateAsk,
) -> Result<NewSecret> {
    let hours = ask.overlap_hours.unwrap_or(24);
    if !(0..=MAX_OVERLAP_HOURS).contains(&hours) {
        return Err(Problem::new(Code::InvalidRequest)
            .field("overlap_hours")
            .detail(format!("The overlap has from 0 to {MAX_OVERLAP_HOURS} hours.")));
    }
    let (app_, by, now) = (app.clone(), by.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            store::find(tx, by.merchant, webhook).await?;
            let before = current(tx, webhook, now).await?;
            let known = before.iter().find(|row| row.id == id).map(|row| row.created_at);
            let secret = make(&app_, tx, webhook, id, now).await?;
            let old_valid_to = known.unwrap_or(now) + hours * HOUR_MS;
            sqlx::query(
                "UPDATE webhook_secrets SET valid_to = $3 WHERE webhook = $1 AND id <> $2
                 AND (valid_to IS NULL OR valid_to > $3)",
            )
            .bind(webhook)
            .bind(id)
            .bind(old_valid_to)
            .execute(&mut *tx)
            .await?;
            if known.is_none() {
                let entry = Entry::new(&by.who, "webhook.rotate_secret", webhook, now);
                audit::log(tx, entry.after(id.to_string())).await?;
            }
            let replaced = before.iter().any(|row| row.id != id);
            Ok(NewSecret { id, secret, old_valid_to: replaced.then(|| rfc3339(old_valid_to)) })
        })
        .await
}

async fn current(tx: &mut Tx, webhook: WebhookId, now: i64) -> Result<Vec<Row>> {
    Ok(sqlx::query_as(
        "SELECT * FROM webhook_secrets WHERE webhook = $1 AND (valid_to IS NULL OR valid_to > $2)
         ORDER BY created_at DESC, id DESC",
    )
    .bind(webhook)
    .bind(now)
    .fetch_all(&mut *tx)
    .await?)
}

/// The secrets that sign now, the newest first, without the secrets themselves.
pub(super) async fn shown(tx: &mut Tx, webhook: WebhookId, now: i64) -> Result<Vec<SecretInfo>> {
    let rows = current(tx, webhook, now).await?;
    let info = |row: Row| SecretInfo {
        id: row.id,
        created_at: rfc3339(row.created_at),
        valid_to: row.valid_to.map(rfc3339),
    };
    Ok(rows.into_iter().map(info).collect())
}

/// The bytes that sign now, the newest first.
pub(super) async fn signing(app: &App, webhook: WebhookId) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    let mut connection = app.db.read().acquire().await?;
    let rows = current(&mut connection, webhook, app.clock.millis()).await?;
    rows.iter()
        .map(|row| {
            let text = row.open(app)?;
            let base64 = text.strip_prefix(PREFIX).unwrap_or_default();
            STANDARD.decode(base64).map(Zeroizing::new).map_err(Problem::internal)
        })
        .collect()
}

//! Keys that seal what a merchant is told: symmetric, shown once, kept sealed.
//!
//! A message names the key that sealed it. A new key seals from its `valid_from` on, so that the
//! receiver has it before it meets it; the old ones are kept to be named, not to seal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::seal::{SealAlgorithm, SealKey};
use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{ApiKeyId, MerchantId};
use crate::webhooks::Manager;
use crate::{App, Code, Problem, Result, Tx};

/// Hours after which a new key may begin to seal, at most.
const MAX_DELAY_HOURS: i64 = 168;
const HOUR_MS: i64 = 3_600_000;
/// Keys of one merchant that are kept.
const MAX_KEYS: i64 = 50;

crate::stored! {
    /// The cipher of a sealing key.
    pub enum Cipher {
        /// AES-256-GCM, 32 bytes.
        Aes256Gcm = "AES-256-GCM",
        /// SM4-GCM (GB/T 32907, RFC 8998), 16 bytes.
        Sm4Gcm = "SM4-GCM",
    }
}

impl Cipher {
    const fn algorithm(self) -> SealAlgorithm {
        match self {
            Self::Aes256Gcm => SealAlgorithm::Aes256Gcm,
            Self::Sm4Gcm => SealAlgorithm::Sm4Gcm,
        }
    }
}

/// A sealing key to make.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyAsk {
    /// `AES-256-GCM`, unless said otherwise, or `SM4-GCM`.
    pub algorithm: Option<Cipher>,
    /// Hours from now until it seals, 0 to 168; 24 by default, and 0 for the first key.
    pub seals_after_hours: Option<i64>,
}

/// A sealing key, without the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApiKey {
    /// Its id, as sealed resources name it.
    pub id: ApiKeyId,
    /// Its cipher.
    pub algorithm: Cipher,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it begins to seal, RFC 3339.
    #[schema(format = DateTime)]
    pub seals_from: String,
    /// Whether it is the one that seals now.
    pub sealing: bool,
}

/// A fresh sealing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewApiKey {
    /// Its id, as sealed resources name it.
    pub id: ApiKeyId,
    /// Its cipher.
    pub algorithm: Cipher,
    /// The key's bytes in base64: 32 for AES-256-GCM, 16 for SM4-GCM. Shown this once.
    pub key: String,
    /// When it begins to seal, RFC 3339.
    #[schema(format = DateTime)]
    pub seals_from: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ApiKeyId,
    algorithm: Cipher,
    secret: String,
    created_at: i64,
    valid_from: i64,
}

impl Row {
    fn bytes(&self, app: &App) -> Result<zeroize::Zeroizing<String>> {
        app.seal.open_text(&self.secret, &place(self.id)).map_err(Problem::internal)
    }

    fn fresh(&self, app: &App) -> Result<NewApiKey> {
        Ok(NewApiKey {
            id: self.id,
            algorithm: self.algorithm,
            key: self.bytes(app)?.to_string(),
            seals_from: rfc3339(self.valid_from),
        })
    }
}

fn place(id: ApiKeyId) -> String {
    format!("merchant_api_keys/{id}")
}

async fn of(tx: &mut Tx, merchant: MerchantId) -> Result<Vec<Row>> {
    Ok(sqlx::query_as(
        "SELECT id, algorithm, secret, created_at, valid_from FROM merchant_api_keys
         WHERE merchant = $1 ORDER BY valid_from DESC, id DESC",
    )
    .bind(merchant)
    .fetch_all(&mut *tx)
    .await?)
}

async fn insert(
    app: &App,
    tx: &mut Tx,
    merchant: MerchantId,
    id: ApiKeyId,
    cipher: Cipher,
    now: i64,
    valid_from: i64,
) -> Result<()> {
    let bytes = zeroize::Zeroizing::new(jialing_crypto::random::bytes::<32>());
    let text = zeroize::Zeroizing::new(STANDARD.encode(&bytes[..cipher.algorithm().key_len()]));
    sqlx::query(
        "INSERT INTO merchant_api_keys (id, merchant, algorithm, secret, created_at, valid_from)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(merchant)
    .bind(cipher)
    .bind(app.seal.seal_text(&text, &place(id)))
    .bind(now)
    .bind(valid_from)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A first key of this id, where the merchant has none; or the one of this id, if it was made so.
pub(crate) async fn first(
    app: &App,
    tx: &mut Tx,
    merchant: MerchantId,
    id: ApiKeyId,
    now: i64,
) -> Result<Option<NewApiKey>> {
    if of(tx, merchant).await?.is_empty() {
        insert(app, tx, merchant, id, Cipher::Aes256Gcm, now, now).await?;
    }
    let mine = of(tx, merchant).await?;
    mine.iter().find(|row| row.id == id).map(|row| row.fresh(app)).transpose()
}

/// Makes a sealing key of this `id`. Done again with the same id, it answers the same key.
///
/// # Errors
/// `invalid_request` for a delay outside its bounds; `state_conflict` with too many keys.
pub async fn create(app: &App, by: &Manager, id: ApiKeyId, ask: ApiKeyAsk) -> Result<NewApiKey> {
    if ask.seals_after_hours.is_some_and(|hours| !(0..=MAX_DELAY_HOURS).contains(&hours)) {
        return Err(Problem::new(Code::InvalidRequest)
            .field("seals_after_hours")
            .detail(format!("A key begins to seal 0 to {MAX_DELAY_HOURS} hours after it is made.")));
    }
    let (app_, by, now) = (app.clone(), by.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let mine = of(tx, by.merchant).await?;
            if let Some(known) = mine.iter().find(|row| row.id == id) {
                return known.fresh(&app_);
            }
            if mine.len() as i64 >= MAX_KEYS {
                return Err(Problem::new(Code::StateConflict)
                    .detail(format!("A merchant makes at most {MAX_KEYS} sealing keys.")));
            }
            let hours = ask.seals_after_hours.unwrap_or(if mine.is_empty() { 0 } else { 24 });
            let cipher = ask.algorithm.unwrap_or(Cipher::Aes256Gcm);
            insert(&app_, tx, by.merchant, id, cipher, now, now + hours * HOUR_MS).await?;
            audit::log(tx, Entry::new(&by.who, "api_key.create", id, now)).await?;
            let mine = of(tx, by.merchant).await?;
            mine.iter().find(|row| row.id == id).ok_or(Problem::new(Code::NotFound))?.fresh(&app_)
        })
        .await
}

/// The merchant's sealing keys, the newest first, without the keys themselves.
///
/// # Errors
/// Any fault of the database.
pub async fn list(app: &App, by: &Manager) -> Result<Vec<ApiKey>> {
    let mut connection = app.db.read().acquire().await?;
    let now = app.clock.millis();
    let rows = of(&mut connection, by.merchant).await?;
    let sealing = rows.iter().find(|row| row.valid_from <= now).map(|row| row.id);
    let shown = |row: &Row| ApiKey {
        id: row.id,
        algorithm: row.algorithm,
        created_at: rfc3339(row.created_at),
        seals_from: rfc3339(row.valid_from),
        sealing: sealing == Some(row.id),
    };
    Ok(rows.iter().map(shown).collect())
}

/// The key that seals now, if the merchant has one.
pub(crate) async fn sealing(app: &App, merchant: MerchantId) -> Result<Option<(ApiKeyId, SealKey)>> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, algorithm, secret, created_at, valid_from FROM merchant_api_keys
         WHERE merchant = $1 AND valid_from <= $2 ORDER BY valid_from DESC, id DESC LIMIT 1",
    )
    .bind(merchant)
    .bind(app.clock.millis())
    .fetch_optional(app.db.read())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let bytes = STANDARD.decode(row.bytes(app)?.as_bytes()).map_err(Problem::internal)?;
    let key = SealKey::new(0, row.algorithm.algorithm(), &bytes).map_err(Problem::internal)?;
    Ok(Some((row.id, key)))
}

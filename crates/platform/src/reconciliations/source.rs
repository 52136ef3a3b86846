//! Where a merchant's own files can be fetched: an address with `{day}` in it.

use std::time::Duration;

use jialing_rails::fetch::{self, FetchLimits, Fetcher};
use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::files::{Draft, Stored};
use crate::id::MerchantId;
use crate::merchants::Caller;
use crate::{App, Code, Problem, Result, Tx, policies, text};

/// What stands for the day in an address.
pub const DAY: &str = "{day}";

/// Where to fetch files from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReconciliationSourceAsk)]
pub struct SourceAsk {
    /// An https address; `{day}` in it becomes the day, as in 2026-11-21. It may hold a secret: it is kept sealed
    /// and never shown again.
    #[schema(example = "https://shop.example/files/{day}.csv?key=…")]
    pub url: String,
}

/// The registered address, as far as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = ReconciliationSourceShown)]
pub struct SourceShown {
    /// Its host.
    pub host: String,
    /// When it was registered, RFC 3339.
    #[schema(format = DateTime)]
    pub set_at: String,
}

/// What an address is sealed for.
fn place(merchant: MerchantId) -> String {
    format!("reconciliation_sources.address/{merchant}")
}

/// Registers where the merchant's files can be fetched, in place of the address before.
///
/// # Errors
/// `invalid_request` for an address that is none, is not https, or names a private address.
pub async fn set(app: &App, caller: &Caller, ask: SourceAsk) -> Result<SourceShown> {
    text::url("url", &ask.url)?;
    let host = check(app, &ask.url.replace(DAY, "2026-01-01"))?;
    let sealed = app.seal.seal(ask.url.as_bytes(), place(caller.merchant).as_bytes());
    let (caller, now) = (caller.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(
                "INSERT INTO reconciliation_sources (merchant, address, set_by, set_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (merchant) DO UPDATE SET address = excluded.address, set_by = excluded.set_by, set_at = excluded.set_at",
            )
            .bind(caller.merchant)
            .bind(sealed.clone())
            .bind(caller.serial.clone())
            .bind(now)
            .execute(&mut *tx)
            .await?;
            let who = format!("{}/{}", caller.merchant, caller.serial);
            audit::log(tx, Entry::new(who, "reconciliation_source.set", caller.merchant, now)).await.map(drop)
        })
        .await?;
    Ok(SourceShown { host, set_at: rfc3339(now) })
}

fn check(app: &App, url: &str) -> Result<String> {
    fetch::allowed(url, app.settings.sandbox)
        .map_err(|why| Problem::new(Code::InvalidRequest).field("url").detail(format!("{why}.")))
}

/// The registered address, without what may be secret in it.
///
/// # Errors
/// `not_found` where none is registered.
pub async fn get(app: &App, merchant: MerchantId) -> Result<SourceShown> {
    let (url, at) = address(app, merchant).await?.ok_or(Problem::new(Code::NotFound))?;
    Ok(SourceShown { host: check(app, &url.replace(DAY, "2026-01-01"))?, set_at: rfc3339(at) })
}

/// Forgets the address. Done again, it changes nothing.
///
/// # Errors
/// Any fault of the database.
pub async fn remove(app: &App, caller: &Caller) -> Result<()> {
    let (caller, now) = (caller.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let gone = sqlx::query("DELETE FROM reconciliation_sources WHERE merchant = $1")
                .bind(caller.merchant)
                .execute(&mut *tx)
                .await?;
            if gone.rows_affected() == 1 {
                let who = format!("{}/{}", caller.merchant, caller.serial);
                audit::log(tx, Entry::new(who, "reconciliation_source.remove", caller.merchant, now)).await?;
            }
            Ok(())
        })
        .await
}

/// The address, and when it was registered.
pub(super) async fn address(app: &App, merchant: MerchantId) -> Result<Option<(String, i64)>> {
    let sql = "SELECT address, set_at FROM reconciliation_sources WHERE merchant = $1";
    let found: Option<(Vec<u8>, i64)> =
        sqlx::query_as(sql).bind(merchant).fetch_optional(app.db.read()).await?;
    let Some((sealed, at)) = found else { return Ok(None) };
    let plain = app.seal.open(&sealed, place(merchant).as_bytes()).map_err(Problem::internal)?;
    String::from_utf8(plain.to_vec()).map(|url| Some((url, at))).map_err(Problem::internal)
}

/// Until a fetch has to be whole.
const WHOLE: Duration = Duration::from_secs(120);

/// Fetches the day's file.
///
/// # Errors
/// In words, why it could not be had: for the merchant to read, without what the other side said.
pub(super) async fn fetch(app: &App, merchant: MerchantId, day: &str) -> Result<Result<Stored, String>> {
    let Some((url, _)) = address(app, merchant).await? else {
        return Ok(Err("no address is registered any more".into()));
    };
    let most = policies::number(app, "reconciliation_bytes").await?;
    let limits = FetchLimits { bytes: most.unsigned_abs(), whole: WHOLE, ..FetchLimits::default() };
    let fetcher = Fetcher::new(limits, app.settings.sandbox).map_err(Problem::internal)?;
    let mut draft = Draft::begin(app)?;
    let mut trouble = None;
    let fetched = fetcher
        .get(&url.replace(DAY, day), |bytes| {
            draft.add(bytes).map_err(|problem| trouble = Some(problem)).is_ok()
        })
        .await;
    match (trouble, fetched) {
        (Some(problem), _) => Err(problem),
        (None, Ok(())) => draft.finish().map(Ok),
        (None, Err(why)) => Ok(Err(format!("the file could not be fetched: {why}"))),
    }
}

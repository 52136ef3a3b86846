//! Policies: every number that a regulator or the operator may change, as dated versions.
//!
//! A policy is a name and a whole number (or no bound), in force from a date on, with its source.
//! The versions that ship are in `policies.toml`; they are loaded into a table whose rows are only
//! ever added, so that one can tell which number applied to a payment of any day. What is in force
//! is kept in memory and read again after [`REFRESH_MS`]; a version added by another node shows
//! within that time. The limits of wallet classes are also published to the ledger's meters, which
//! alone decide. The digest of every version is written into the ledger's log ([`anchor`]), so that a
//! version can't be changed or removed later without showing.

mod anchor;
mod classes;
mod file;
mod risk;
pub mod rules;
mod store;

use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};

use crate::{App, Problem, Result};

pub(crate) use anchor::stored;
pub use anchor::{anchor, keep_anchoring};
pub use classes::{Limits, limits, publish_classes};
pub(crate) use risk::open as open_meter;
pub use risk::{RiskClass, meter as risk_meter};

/// How long what was read stays good, milliseconds.
pub const REFRESH_MS: i64 = 30_000;

/// One dated version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Policy {
    /// The policy's name, such as `no_pin_single`.
    #[schema(example = "no_pin_single")]
    pub name: String,
    /// Grows with each version, from 1.
    pub version: i64,
    /// In force from this time on, RFC 3339.
    pub effective_from: String,
    /// The number; absent where there is no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// What is counted: `fen`, `seconds`, `days`, `times`…
    pub unit: String,
    /// Where the number is from.
    pub source: String,
    /// `R` read in a specification, `S` from secondary sources that agree, `A` our assumption.
    pub mark: String,
    /// What is good to know about it.
    pub note: String,
    /// `effective_from` in milliseconds.
    #[serde(skip)]
    pub from_ms: i64,
}

/// What is in force, kept in memory. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Book(Arc<RwLock<Option<Read>>>);

#[derive(Clone, Debug)]
struct Read {
    at: i64,
    versions: Arc<[Policy]>,
}

/// Every version of every policy, by name and version.
///
/// # Errors
/// Any fault of the database.
pub async fn all(app: &App) -> Result<Arc<[Policy]>> {
    let now = app.clock.millis();
    let kept = app.policies.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    if let Some(kept) = kept.filter(|kept| (now - kept.at).abs() < REFRESH_MS) {
        return Ok(kept.versions);
    }
    let versions: Arc<[Policy]> = store::all(app).await?.into();
    *app.policies.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
        Some(Read { at: now, versions: versions.clone() });
    Ok(versions)
}

/// The number in force now under `name`.
///
/// # Errors
/// `internal` if there is no such policy, none is in force yet, or it has no bound.
pub async fn number(app: &App, name: &str) -> Result<i64> {
    bound(app, name)
        .await?
        .ok_or_else(|| Problem::internal(format!("policy {name} has no bound, but a number is needed")))
}

/// The number in force now under `name`, or `None` where there is no bound.
///
/// # Errors
/// `internal` if there is no such policy or none is in force yet.
pub async fn bound(app: &App, name: &str) -> Result<Option<i64>> {
    let versions = all(app).await?;
    rules::in_force(&versions, name, app.clock.millis())
        .map(|policy| policy.value)
        .ok_or_else(|| Problem::internal(format!("no version of policy {name} is in force")))
}

/// Loads the versions that ship, adds what is new, and publishes class limits to the ledger.
///
/// Safe to repeat: it runs at every start.
///
/// # Errors
/// `internal` if a stored version differs from the one that ships: versions are never edited, a
/// change is a new version.
pub async fn establish(app: &App) -> Result<()> {
    let shipped = file::shipped().map_err(Problem::internal)?;
    add(app, shipped).await
}

/// Adds versions and publishes the limits of wallet and risk classes to the ledger. Those already there are left alone.
///
/// # Errors
/// `internal` if a version exists with other content, or would start before an older one.
pub async fn add(app: &App, versions: Vec<Policy>) -> Result<()> {
    store::add(app, versions).await?;
    *app.policies.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    publish_classes(app).await?;
    risk::publish(app).await
}

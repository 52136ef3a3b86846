//! Proof of supply: all money in accounts, day by day, is what was issued less what was redeemed.
//!
//! At each cut (midnight at UTC+8) the balances of all accounts become the leaves of sum trees, one for
//! each currency and liability holder. A [`Statement`] names their roots beside what was issued and
//! redeemed, and its digest is noted in the ledger's log. Anyone can check the statement and its
//! place in the log ([`total`]); everyone can check that their own balance is one of the leaves
//! ([`of_wallet`]), and sees only sums of strangers on the way. If somebody's money were left out, that
//! person's proof would fail; if it were counted as less, likewise; and a smaller root does not add up
//! to what was issued.
//!
//! Reading order: [`statement`] (what is said), `tree` (leaves, pages, paths), `accounts` (balances at
//! the cut), `job` (how a day is published), `proof` (what is handed out). The tree itself is
//! `jialing_crypto::sum_tree`.

mod accounts;
mod day;
mod job;
mod proof;
mod statement;
mod store;
mod tree;

use std::time::Duration;

use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::note::NoteVerifier;
use tokio::task::JoinHandle;

use crate::{App, Db, Problem, Result, background};
use tree::Blinds;

pub use day::{BadDay, Day};
pub use job::publish_next;
pub use proof::{
    BalanceProof, BookView, DayAsk, ListAsk, Listed, PathNode, SupplyTotal, list, of_merchant, of_vault,
    of_wallet, total,
};
pub use statement::{BadStatement, Book, MAX_BOOKS, Statement};

/// How often it is looked whether a day has ended.
const EVERY: Duration = Duration::from_secs(10);

/// Publishes each day soon after it has ended, for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "the supply of a day could not be published", |app| async move {
        while let Some(day) = publish_next(&app).await? {
            tracing::info!(%day, "the supply of a day was published");
        }
        Ok(())
    })
}

/// The hash of the log, which is also that of the trees.
fn hash_of(app: &App) -> Result<HashAlgorithm> {
    let key = NoteVerifier::from_vkey(&app.engine.verifier_key()).map_err(Problem::internal)?;
    Ok(key.tree_hash())
}

/// What hides the accounts of `day`: derived, so that nobody has to keep it.
fn blinds(app: &App, day: Day) -> Blinds {
    Blinds::new(app.blind.of("supply.day", &format!("{day} {}", app.engine.origin())))
}

/// Statements and what the auditor compares them by.
pub(crate) async fn stated(db: &Db) -> Result<Vec<(Statement, Option<u64>)>> {
    Ok(store::all(db).await?.into_iter().map(|row| (row.statement, row.record_seq)).collect())
}

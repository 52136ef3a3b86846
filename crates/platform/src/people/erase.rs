//! Erasing a person: the key to their data is destroyed, and with it the data, backups included.

use super::store;
use crate::audit::{self, Entry};
use crate::id::PersonId;
use crate::{
    App, Code, Problem, Result, Tx, applications, devices, exports, factors, pins, privacy, sessions,
    tickets, wallets,
};

/// Erases a person who has no open wallet. Movements stay in the ledger, which never held personal
/// data. `who` is the id of whoever decided that nothing obliges to keep the data any longer. Erasing
/// again changes nothing.
///
/// # Errors
/// `wallet_not_empty` while a wallet is open; `not_found`.
pub async fn erase(app: &App, who: &str, person: PersonId) -> Result<()> {
    if !wallets::open_of(app, person).await?.is_empty() {
        return Err(Problem::new(Code::WalletNotEmpty).detail("Close every wallet first."));
    }
    let (who, now) = (who.to_owned(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if !store::erase(tx, person).await? {
                return Ok(());
            }
            sessions::end_of_person(tx, person, now, "erased").await?;
            devices::revoke_all(tx, person, now).await?;
            pins::remove(tx, person).await?;
            factors::forget(tx, person).await?;
            exports::forget(tx, person, now).await?;
            applications::forget(tx, person).await?;
            privacy::forget(tx, person).await?;
            tickets::forget(tx, person).await?;
            let entry = Entry {
                who: who.clone(),
                action: "person.erase",
                subject: person.to_string(),
                before: Some("ACTIVE".into()),
                after: Some("ERASED".into()),
                at: now,
            };
            audit::log(tx, entry).await.map(drop)
        })
        .await
}

//! Closing one's own account.

use serde::Deserialize;

use super::{erase, organisations};
use crate::factors::{self, FactorAsk};
use crate::sessions::{Actor, Origin};
use crate::{App, Code, PageAsk, Problem, Result, Tx, red_packets, wallets};

/// An account is to be closed.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseAccountAsk {
    /// A second factor.
    pub factor: Option<FactorAsk>,
}

/// Closes the actor's account for good: personal data is erased, sessions, devices and factors end.
/// Movements stay in the ledger, which never held personal data.
///
/// # Errors
/// `state_conflict` while a wallet is open, a red packet of the actor's holds money, or the actor
/// represents an organisation; `second_factor_required` and those of a factor.
pub async fn close_account(app: &App, actor: &Actor, origin: Origin, ask: CloseAccountAsk) -> Result<()> {
    let refused = |why: &str| Problem::new(Code::StateConflict).detail(why);
    let open: Vec<String> =
        wallets::open_of(app, actor.person).await?.iter().map(|wallet| wallet.id.to_string()).collect();
    if !open.is_empty() {
        return Err(
            refused("Close every wallet first; its money goes to your bank account.").with("wallets", open)
        );
    }
    if red_packets::hold_money_of(app, actor.person).await? {
        return Err(refused("A red packet of yours is still open. What nobody takes comes back."));
    }
    let one = PageAsk { limit: Some(1), ..PageAsk::default() };
    if !organisations(app, actor, &one).await?.items.is_empty() {
        return Err(refused(
            "You represent an organisation. Ask the operator to have it pass to somebody else.",
        ));
    }
    let factor = factors::required(app, actor, origin, ask.factor.as_ref()).await?;
    app.db.write(async move |tx: &mut Tx| factor.spend(tx).await).await?;
    erase(app, &actor.person.to_string(), actor.person).await
}

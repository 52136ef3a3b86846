//! Where a red packet's money is: an account beside the sender's wallet that only this module touches.

use jialing_engine::SubmitError;
use jialing_ledger::{AccountKind, Command, NewAccount};

use crate::id::WalletId;
use crate::money::Currency;
use crate::wallets::{self, AccountRef};
use crate::{App, Problem, Result};

/// Which of a wallet's sixteen numbers the account has.
const POT: u8 = 6;

/// The account beside `wallet`.
pub(super) const fn beside(wallet: &AccountRef) -> AccountRef {
    AccountRef { number: WalletId::from_number(wallet.number).part(POT), ..*wallet }
}

/// Opens the account beside `wallet`. Done again, it changes nothing.
///
/// # Errors
/// Any fault of the ledger.
pub(super) async fn open(app: &App, wallet: &AccountRef) -> Result<()> {
    let account = beside(wallet);
    if app.engine.account(account.number).await.map_err(Problem::internal)?.is_some() {
        return Ok(());
    }
    let new = NewAccount {
        id: account.number,
        currency: Currency::CNY.numeric(),
        kind: AccountKind::Transit,
        holder: account.holder,
        min: 0,
        max: i64::MAX,
    };
    match app.engine.submit(Command::OpenAccount(new)).await {
        Ok(_) => Ok(()),
        Err(SubmitError::Refused(refusal)) => Err(Problem::internal(refusal)),
        Err(error) => Err(wallets::stopped(error)),
    }
}

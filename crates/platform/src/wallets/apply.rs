//! Brings the ledger to what the rows say, and repairs what a crash left apart.

use jialing_engine::SubmitError;
use jialing_ledger::{AccountChange, AccountKind, Command, NewAccount, Refusal, Why};

use super::{Owner, Standing, Wallet, find, store};
use crate::id::WalletId;
use crate::money::Currency;
use crate::{App, Code, Problem, Result, Tx, policies};

/// Wallets looked at together in a sweep.
pub(super) const SWEEP: i64 = 256;

/// Brings the ledger to the row of wallet `id`; nothing if it is there already.
///
/// Two changes at once may overtake each other on the way: whoever finds that the row has moved on
/// goes round again, so the last word is the row's.
pub(super) async fn apply(app: &App, id: WalletId) -> Result<()> {
    loop {
        let wallet = find(app, id).await?;
        if wallet.applied == wallet.revision {
            return Ok(());
        }
        if let Err(refusal) = shape(app, &wallet).await? {
            return give_up(app, &wallet, refusal).await;
        }
        let revision = wallet.revision;
        if app.db.write(async move |tx: &mut Tx| store::set_applied(tx, id, revision).await).await? {
            return Ok(());
        }
    }
}

/// Gives the ledger's account and meter the limits and freezes of `wallet`. Safe to repeat.
async fn shape(app: &App, wallet: &Wallet) -> Result<Result<(), Refusal>> {
    let number = wallet.id.number();
    let class = wallet.standing.limits_of();
    let limits = policies::limits(app, class).await?;
    let kind = match wallet.owner {
        Owner::Person(_) => AccountKind::Personal,
        Owner::Organisation(_) => AccountKind::Organisation,
    };
    // Opened for no money at all, so that nothing can arrive before the limits are there.
    let opening = NewAccount {
        id: number,
        currency: Currency::CNY.numeric(),
        kind,
        holder: wallet.holder,
        min: 0,
        max: 0,
    };
    let change = AccountChange {
        id: number,
        min: None,
        max: Some(limits.max_balance()),
        freeze: Some(wallet.standing.freeze()),
        close: wallet.standing.closed,
    };
    let commands = vec![
        Command::OpenAccount(opening),
        Command::SetMeter { meter: number, policy: class.number() },
        Command::ChangeAccount(change),
    ];
    for answer in app.engine.submit_all(commands).await {
        match answer {
            Ok(_) => {}
            Err(SubmitError::Refused(refusal)) => return Ok(Err(refusal)),
            Err(error) => return Err(super::refused::stopped(error)),
        }
    }
    Ok(Ok(()))
}

/// What a refusal means: a wallet that still holds money stays open; a closed account stays closed.
async fn give_up(app: &App, wallet: &Wallet, refusal: Refusal) -> Result<()> {
    let (id, revision) = (wallet.id, wallet.revision);
    match refusal.why {
        Why::AccountNotEmpty if wallet.standing.closed => {
            app.db
                .write(async move |tx: &mut Tx| {
                    let wallet = super::find_in(tx, id).await?;
                    store::set_closed_at(tx, id, None).await?;
                    store::set_standing(
                        tx,
                        &wallet,
                        Standing { closed: false, closing: false, ..wallet.standing },
                    )
                    .await
                })
                .await?;
            Box::pin(apply(app, id)).await?;
            Err(Problem::new(Code::WalletNotEmpty))
        }
        Why::AccountClosed => {
            app.db.write(async move |tx: &mut Tx| store::set_applied(tx, id, revision).await.map(drop)).await
        }
        _ => Err(Problem::internal(format!("the ledger refused the shape of {id}: {refusal}"))),
    }
}

/// Finishes what a crash left between a row and the ledger. Answers how many wallets it brought up
/// to date. Runs at every start and now and then.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn repair(app: &App) -> Result<usize> {
    let mut repaired = 0;
    loop {
        let behind = store::unapplied(app.db.read(), SWEEP).await?;
        if behind.is_empty() {
            return Ok(repaired);
        }
        for id in behind {
            match apply(app, id).await {
                Err(problem) if problem.code == Code::WalletNotEmpty => {}
                other => other?,
            }
            repaired += 1;
        }
    }
}

/// Gives every open wallet the balance limit in force now: it changes on a date, not by a request.
/// Answers how many it changed. Reads accounts in memory, so a sweep of all wallets is cheap.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn reshape(app: &App) -> Result<usize> {
    let mut after = String::new();
    let mut changed = 0;
    loop {
        let wallets = super::open_after(app, &after).await?;
        let Some(last) = wallets.last() else { return Ok(changed) };
        after = last.id.to_string();
        let numbers: Vec<u128> = wallets.iter().map(|wallet| wallet.id.number()).collect();
        let accounts = app.engine.accounts(&numbers).await.map_err(Problem::internal)?;
        for (wallet, account) in wallets.iter().zip(accounts) {
            let Some(account) = account else { continue };
            let max = policies::limits(app, wallet.standing.limits_of()).await?.max_balance();
            if wallet.applied == wallet.revision && account.max != max {
                shape(app, wallet).await?.map_err(Problem::internal)?;
                changed += 1;
            }
        }
    }
}

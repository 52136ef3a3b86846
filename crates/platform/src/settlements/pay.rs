//! Paying: a withdrawal over the owner's linked account, whose number is the batch's.

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Group, Leg, calendar};

use super::State;
use super::store::{self, Row};
use crate::exchange::{self, Direction};
use crate::id::{SettlementId, WithdrawalId, WithdrawalTag};
use crate::kind::Kind;
use crate::wallets::{self, AccountRef, Movement};
use crate::{App, Code, Problem, Result, Tx, links, merchants, policies};

/// Which of a batch's sixteen numbers its fee has.
const FEE: u8 = 15;

/// The withdrawal that pays a batch.
pub(super) fn withdrawal_of(id: SettlementId) -> WithdrawalId {
    id.cast::<WithdrawalTag>()
}

/// Lets an approved batch be paid: the withdrawal is written down in the same transaction, then driven.
pub(super) async fn begin(app: &App, row: &Row) -> Result<()> {
    let merchant = merchants::read(app, row.merchant).await?;
    let wallet = merchant.wallet.ok_or_else(|| Problem::internal("a merchant that settles has no wallet"))?;
    let link = row.link.ok_or_else(|| Problem::internal("a batch that was cut has no account"))?;
    let (id, amount, now) = (row.id, row.amount, app.clock.millis());
    let not_after = now + policies::number(app, "bank_request_validity").await? * 1000;
    let nanos = u64::try_from(now).unwrap_or(0) * 1_000_000;
    let begun = app
        .db
        .write(async move |tx: &mut Tx| {
            let signed = match links::signed(tx, merchant.owner, link).await {
                Ok(signed) => signed,
                Err(problem) if matches!(problem.code, Code::LinkUnusable | Code::NotFound) => {
                    let code = Code::LinkUnusable.text();
                    store::step(tx, id, State::Approved, State::Failed, Some(code), now).await?;
                    return Ok(false);
                }
                Err(problem) => return Err(problem),
            };
            if store::step(tx, id, State::Approved, State::Paying, None, now).await?.is_none() {
                return Ok(false);
            }
            let new = exchange::store::New {
                id: withdrawal_of(id).to_string(),
                direction: Direction::Withdrawal,
                sweep: false,
                person: merchant.owner,
                wallet,
                link: signed.id,
                // Outside what a person may choose.
                out_no: format!("~{id}"),
                amount,
                day: i64::from(calendar::day(nanos)),
                year: i64::from(calendar::year(nanos)),
                now,
                not_after,
            };
            // What is bound into the ledger names the batch: nobody signed this movement alone.
            let number = id.number().to_le_bytes();
            let digest = std::array::from_fn(|i| if i < 16 { number[i] } else { 0 });
            exchange::store::insert(tx, &new, signed.institution, &digest).await?;
            Ok(true)
        })
        .await?;
    if begun && let Err(problem) = exchange::drive_for_a_moment(app, &withdrawal_of(id).to_string()).await {
        tracing::warn!(settlement = %id, %problem, "a settlement could not be paid now");
    }
    Ok(())
}

/// Hears of a withdrawal that ended without the ledger: nothing was held.
pub(super) async fn hear(app: &App, row: &Row) -> Result<()> {
    let exchange = exchange::store::read(app.db.read(), &withdrawal_of(row.id).to_string()).await?;
    if exchange.state != exchange::State::Fail {
        return Ok(());
    }
    let (id, now) = (row.id, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let reason = exchange.reason.as_deref();
            store::step(tx, id, State::Paying, State::Failed, reason, now).await.map(drop)
        })
        .await
}

/// Takes the fee of a paid batch: from the wallet to the institution that keeps it. A wallet that cannot
/// pay it now is asked again.
pub(super) async fn take_fee(app: &App, row: &Row) -> Result<()> {
    let merchant = merchants::read(app, row.merchant).await?;
    let wallet = merchant.wallet.ok_or_else(|| Problem::internal("a merchant that settles has no wallet"))?;
    let wallet = wallets::account(app, wallet).await?;
    let bank = AccountRef::of_bank(wallet.institution, &wallet);
    let movement = Movement {
        id: row.id.number(),
        kind: Kind::SettlementFee,
        amount: row.fee.unsigned_abs(),
        digest: [0; 24],
        meters: &[],
    };
    // In the ledger the batch's number is its withdrawal's, whose legs leave the last part of it free.
    let legs = wallets::legs(&wallet, &bank, &movement);
    let legs = legs.into_iter().map(|leg| Leg { id: row.id.part(FEE), ..leg }).collect();
    match app.engine.submit(Command::Transfer(Group { legs })).await {
        Ok(outcome) => {
            crate::payments::passed(app, &outcome).await;
            Ok(())
        }
        Err(SubmitError::Refused(refusal)) => {
            tracing::warn!(settlement = %row.id, %refusal, "a settlement's fee waits for its wallet");
            Ok(())
        }
        Err(error) => Err(wallets::stopped(error)),
    }
}

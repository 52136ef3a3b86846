//! What banks tell us without being asked.
//!
//! A notice may come twice, late and out of order. It only ever makes a fact more certain, so none
//! of that does harm.

use jialing_crypto::http_signature::CallbackSignature;
use jialing_rails::bank::{BadNotice, BankNotice, Dialect, EntryKind, NoticeState, read_notices};

use super::store::{self, Row};
use super::{BankOutcome, Direction, State, bank, drive_for_a_moment, reconcile};
use crate::id::InstitutionId;
use crate::{App, Code, Problem, Result, Tx, institutions};

/// Seconds by which a notice's time may be off.
const WINDOW_S: u64 = 300;

/// Takes in a bank's signed notice and acts on it. In ISO 20022 one message may bring several: all
/// are acted on, and the first problem is told, so that the message comes again.
///
/// # Errors
/// `key_unknown`, `signature_invalid`, `timestamp_out_of_window`, `invalid_request`; `not_found` for
/// a reference that is not ours or another bank's.
pub async fn receive(app: &App, signature: &CallbackSignature, body: &[u8]) -> Result<()> {
    let (key, code) = institutions::by_serial(app, &signature.serial).await?;
    // Real time, however the platform's clock was moved: the bank signed by its own.
    let now = jiff::Timestamp::now().as_second();
    let dialect = app.connectors.banks.get(&code).map_or(Dialect::default(), |bank| bank.dialect());
    let read = read_notices((dialect, &code), &[key.public_key], signature, body, now, WINDOW_S);
    let notices = read.map_err(|bad| match bad {
        BadNotice::NotSigned => Problem::new(Code::SignatureInvalid),
        BadNotice::NotFresh => Problem::new(Code::TimestampOutOfWindow),
        BadNotice::Unreadable | BadNotice::WrongInstitution => {
            Problem::new(Code::InvalidRequest).detail(bad.to_string())
        }
    })?;
    let mut outcome = Ok(());
    for notice in notices {
        outcome = outcome.and(take(app, key.institution, notice).await);
    }
    outcome
}

/// Acts on a notice whose sender is known to be `bank`. A repeated one changes nothing.
///
/// # Errors
/// `not_found` for a reference that is not ours or another bank's.
pub async fn take(app: &App, bank: InstitutionId, notice: BankNotice) -> Result<()> {
    let (id, attempt) = parse(&notice.reference);
    let row = store::find(app.db.read(), id)
        .await?
        .filter(|row| row.bank_id == bank)
        .ok_or(Problem::new(Code::NotFound))?;
    if notice.money.amount != row.fen() || notice.money.currency != "CNY" {
        tracing::error!(
            reference = notice.reference,
            "a bank's notice names another amount; nothing was done"
        );
        return reconcile::note_difference(app, &row, &notice).await;
    }
    let again = bank::again_at(app, &row).await?;
    let (key, now) = (row.id.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if !store::keep_notice(tx, bank, &notice.id, &notice.reference, now).await? {
                return Ok(());
            }
            match attempt {
                None => note_own(tx, &row, &notice, now).await,
                Some(attempt) if attempt == row.give_back => note_return(tx, &row, &notice, again).await,
                Some(_) => Ok(()),
            }
        })
        .await?;
    if let Err(problem) = drive_for_a_moment(app, &key).await {
        tracing::warn!(exchange = key, %problem, "what a notice led to could not be finished now");
    }
    Ok(())
}

/// The exchange that a reference is about, and the number of the try if it is about giving back.
pub(super) fn parse(reference: &str) -> (&str, Option<i64>) {
    match reference.split_once(".r") {
        Some((id, attempt)) => (id, Some(attempt.parse().unwrap_or(-1))),
        None => (reference, None),
    }
}

/// A notice about what we asked for.
async fn note_own(tx: &mut Tx, row: &Row, notice: &BankNotice, now: i64) -> Result<()> {
    let bank_ref = notice.bank_ref.as_deref();
    match notice.state {
        NoticeState::Done => store::set_outcome(tx, &row.id, BankOutcome::Done, bank_ref, None, now).await,
        NoticeState::Refused => {
            store::set_outcome(
                tx,
                &row.id,
                BankOutcome::Refused,
                None,
                Some(notice.code.as_deref().unwrap_or("REFUSED")),
                now,
            )
            .await
        }
        NoticeState::Returned if row.direction == Direction::Withdrawal => {
            came_back(tx, row, notice.code.as_deref(), now).await
        }
        NoticeState::Returned => Ok(()),
    }
}

/// A push was done and has come back: both facts, in whatever order we hear of them.
pub(super) async fn came_back(tx: &mut Tx, row: &Row, code: Option<&str>, now: i64) -> Result<()> {
    store::set_outcome(tx, &row.id, BankOutcome::Done, None, None, now).await?;
    store::set_returning(tx, &row.id, code.unwrap_or("RETURNED"), now).await
}

/// A notice about money that we push back to the account.
async fn note_return(tx: &mut Tx, row: &Row, notice: &BankNotice, again: i64) -> Result<()> {
    match notice.state {
        NoticeState::Done if notice.kind == EntryKind::Push => {
            store::finish(tx, &row.id, State::Returned, None).await
        }
        NoticeState::Refused | NoticeState::Returned => {
            store::set_return_again(tx, &row.id, true, again).await
        }
        NoticeState::Done => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_an_exchange_and_perhaps_a_try_to_give_back() {
        let check = |reference: &str, expect: (&str, Option<i64>)| assert_eq!(parse(reference), expect);
        check("top_06c1", ("top_06c1", None));
        check("top_06c1.r2", ("top_06c1", Some(2)));
        check("top_06c1.rx", ("top_06c1", Some(-1)));
        check("", ("", None));
    }
}

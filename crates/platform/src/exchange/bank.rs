//! Asking the bank, and writing down what it says.

use jialing_rails::Outcome;
use jialing_rails::bank::{Money, Move, Settled};
use jiff::Timestamp;

use super::store::{self, Row};
use super::{BankOutcome, Direction, State, Turn, rules};
use crate::{App, Problem, Result, Tx, links, policies};

/// For the account's statement.
const PURPOSE_TOP_UP: &str = "数字人民币充值";
const PURPOSE_WITHDRAWAL: &str = "数字人民币提现";
const PURPOSE_RETURN: &str = "数字人民币退回";

/// What a request or a question came to.
enum Said {
    /// The money has moved.
    Done(String),
    /// It has not and will not, with the bank's code.
    Refused(String),
    /// It is at work.
    Working,
    /// No answer that decides anything.
    Silent,
    /// It has never seen the reference.
    NotSeen,
}

/// Asks the bank to move the row's money. That it was asked is written down first: after a crash
/// between the two, the bank is queried.
pub(crate) async fn ask(app: &App, row: &Row) -> Result<Turn> {
    let id = row.id.clone();
    app.db.write(async move |tx: &mut Tx| store::set_asked(tx, &id).await).await?;
    let purpose = match row.direction {
        Direction::TopUp => PURPOSE_TOP_UP,
        Direction::Withdrawal => PURPOSE_WITHDRAWAL,
    };
    let (bank, request) = request(app, row, row.id.clone(), purpose, row.not_after).await?;
    let outcome = match row.direction {
        Direction::TopUp => bank.pull(&request).await,
        Direction::Withdrawal => bank.push(&request).await,
    };
    note(app, row, said(Some(outcome))).await
}

/// Asks the bank what became of the row's request.
pub(crate) async fn query(app: &App, row: &Row) -> Result<Turn> {
    let (bank, _) = links::agreement(app, row.link_id).await?;
    let answer = bank.query(&row.id).await;
    note(app, row, said(answer)).await
}

/// Pushes a top-up's money back to the account it came from, or asks what became of that.
pub(crate) async fn send_back(app: &App, row: &Row) -> Result<Turn> {
    let reference = row.return_reference();
    let asked = row.return_asked == 1;
    let said = if asked {
        let (bank, _) = links::agreement(app, row.link_id).await?;
        said(bank.query(&reference).await)
    } else {
        let not_after = app.clock.millis() + policies::number(app, "bank_request_validity").await? * 1000;
        let id = row.id.clone();
        app.db.write(async move |tx: &mut Tx| store::set_return_asked(tx, &id, not_after).await).await?;
        let (bank, request) = request(app, row, reference, PURPOSE_RETURN, not_after).await?;
        said(Some(bank.push(&request).await))
    };
    let (id, now, again) = (row.id.clone(), app.clock.millis(), again_at(app, row).await?);
    let never_seen_in_time = asked && row.return_not_after < now;
    let finished = matches!(said, Said::Done(_));
    app.db
        .write(async move |tx: &mut Tx| match &said {
            Said::Done(_) => store::finish(tx, &id, State::Returned, None).await,
            // The reference is used up; the next try has another.
            Said::Refused(_) => store::set_return_again(tx, &id, true, again).await,
            Said::NotSeen if never_seen_in_time => store::set_return_again(tx, &id, true, again).await,
            Said::NotSeen | Said::Working | Said::Silent => {
                store::set_open(tx, &id, State::Processing, again).await
            }
        })
        .await?;
    Ok(if finished { Turn::More } else { Turn::Rest })
}

async fn request(
    app: &App,
    row: &Row,
    reference: String,
    purpose: &str,
    not_after: i64,
) -> Result<(std::sync::Arc<dyn jialing_rails::bank::Bank>, Move)> {
    let (bank, agreement) = links::agreement(app, row.link_id).await?;
    let not_after = Timestamp::from_millisecond(not_after).map_err(Problem::internal)?;
    Ok((
        bank,
        Move { reference, agreement, money: Money::cny(row.fen()), purpose: purpose.to_owned(), not_after },
    ))
}

fn said(answer: Option<Outcome<Settled>>) -> Said {
    match answer {
        None => Said::NotSeen,
        Some(Outcome::Done(settled)) => Said::Done(settled.bank_ref),
        Some(Outcome::Refused(refusal)) => Said::Refused(refusal.code),
        Some(Outcome::Accepted) => Said::Working,
        Some(Outcome::Unknown(_)) => Said::Silent,
    }
}

/// Writes down what the bank said about the row's own request.
async fn note(app: &App, row: &Row, said: Said) -> Result<Turn> {
    let (id, now, again) = (row.id.clone(), app.clock.millis(), again_at(app, row).await?);
    let certain = match said {
        // After `not_after` the bank refuses the request, so what it has not seen it will never do.
        Said::NotSeen if row.not_after < now => {
            Some((BankOutcome::Refused, None, Some("not_received".to_owned())))
        }
        Said::Done(ref bank_ref) => Some((BankOutcome::Done, Some(bank_ref.clone()), None)),
        Said::Refused(ref code) => Some((BankOutcome::Refused, None, Some(code.clone()))),
        Said::NotSeen | Said::Working | Said::Silent => None,
    };
    let open = match said {
        Said::Working => State::Processing,
        Said::NotSeen => State::PresumedFail,
        _ => State::PresumedSuccess,
    };
    let turn = if certain.is_some() { Turn::More } else { Turn::Rest };
    app.db
        .write(async move |tx: &mut Tx| match &certain {
            Some((outcome, bank_ref, reason)) => {
                store::set_outcome(tx, &id, *outcome, bank_ref.as_deref(), reason.as_deref(), now).await
            }
            None => store::set_open(tx, &id, open, again).await,
        })
        .await?;
    Ok(turn)
}

/// When to ask again if nothing is known now.
pub(super) async fn again_at(app: &App, row: &Row) -> Result<i64> {
    let first = policies::number(app, "bank_query_first").await?;
    let longest = policies::number(app, "bank_query_longest").await?;
    Ok(app.clock.millis() + rules::wait_ms(row.tries + 1, first, longest))
}

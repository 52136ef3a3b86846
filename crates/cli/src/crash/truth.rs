//! The truth afterwards: what became of every act, and whether the wallets say the same.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::load::{Act, Answer, Deed, Street};

/// How long an act may take to come to its end after a restart, and followers to catch up.
const WITHIN: Duration = Duration::from_secs(90);
/// How long to wait before asking again.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Acts that are asked about at once.
const AT_ONCE: usize = 16;

/// What the wallets hold, in fen.
pub(super) struct Holdings {
    /// Each payer's.
    payers: Vec<i128>,
    /// All organisations' together, of all liability holders.
    organisations: i128,
}

/// What is known of an act.
enum Known {
    /// The money has moved, so much of it.
    Moved(u64),
    /// It has not, and will not.
    NotMoved,
    /// No outcome yet.
    Open(String),
}

/// Waits until followers have caught up with the journal and the platform says that it is ready.
pub(super) async fn caught_up(street: &Street) -> Result<(), String> {
    let end = Instant::now() + WITHIN;
    loop {
        let ready = street
            .http
            .get(format!("{}/readyz", street.url))
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success());
        let status = read(street, "/v1/public/status").await?;
        if ready && status["lag"] == 0 {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!(
                "{} s after the restart followers have not caught up: {status}",
                WITHIN.as_secs()
            ));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn read(street: &Street, target: &str) -> Result<Value, String> {
    let asked = async {
        street.http.get(format!("{}{target}", street.url)).send().await?.error_for_status()?.json().await
    };
    asked.await.map_err(|error: reqwest::Error| format!("{target}: {error}"))
}

/// What everybody holds, after checking that the money supply adds up.
pub(super) async fn holdings(street: &Street) -> Result<Holdings, String> {
    let supply = read(street, "/v1/public/supply").await?;
    let holders = supply["holders"].as_array().cloned().unwrap_or_default();
    if supply["balanced"] != true
        || holders.is_empty()
        || holders.iter().any(|holder| holder["check"]["equal"] != true)
    {
        return Err(format!("the money supply does not add up: {supply}"));
    }
    let organisations = holders
        .iter()
        .map(|holder| i128::from(holder["in_organisations"]["amount"].as_u64().unwrap_or_default()))
        .sum();
    let mut payers = Vec::new();
    for payer in &street.payers {
        let view = payer
            .wallet
            .wallet(&payer.kept.wallet_id)
            .await
            .map_err(|error| format!("reading a wallet: {error}"))?;
        payers.push(i128::from(view.balance.amount));
    }
    Ok(Holdings { payers, organisations })
}

/// What became of the acts of a round.
pub(super) struct Ends {
    /// Whether each happened, in the acts' order.
    pub(super) happened: Vec<bool>,
    /// How long the slowest took to come to its end, and what it was.
    pub(super) slowest: (Duration, String),
}

/// Asks about every act until it has come to its end.
pub(super) async fn resolve(street: &Arc<Street>, deeds: &[Deed]) -> Result<Ends, String> {
    let start = Instant::now();
    let (places, mut asking) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for (place, deed) in deeds.iter().cloned().enumerate() {
        let (street, places) = (street.clone(), places.clone());
        asking.spawn(async move {
            let _place = places.acquire_owned().await.map_err(|error| error.to_string())?;
            Ok::<_, String>((place, end_of(&street, &deed).await?))
        });
    }
    let mut ends = Ends { happened: vec![false; deeds.len()], slowest: (Duration::ZERO, String::new()) };
    while let Some(answer) = asking.join_next().await {
        let (place, moved) = answer.map_err(|error| error.to_string())??;
        ends.happened[place] = moved;
        // The last one to end is the slowest: all were asked about from the same moment.
        ends.slowest = (start.elapsed(), format!("{:?}", deeds[place].act));
    }
    Ok(ends)
}

/// That everything in `kept` is still there.
pub(super) async fn still_there(street: &Arc<Street>, kept: &[Deed]) -> Result<(), String> {
    resolve(street, kept).await.map(drop).map_err(|what| format!("after the last round: {what}"))
}

/// Whether `deed` happened, once that is certain; an error if it contradicts what the actor was told.
async fn end_of(street: &Street, deed: &Deed) -> Result<bool, String> {
    let end = Instant::now() + WITHIN;
    loop {
        match known(street, deed).await? {
            Known::Moved(amount) if amount != deed.act.amount() => {
                return Err(format!("{:?} moved {amount} fen", deed.act));
            }
            Known::Moved(_) if matches!(deed.answer, Answer::Refused(_)) => {
                return Err(format!("{deed:?} was refused, and yet it happened"));
            }
            Known::Moved(_) => return Ok(true),
            Known::NotMoved if matches!(deed.answer, Answer::Success) => {
                return Err(format!("LOST: {:?} was acknowledged, and has not happened", deed.act));
            }
            Known::NotMoved => return Ok(false),
            Known::Open(state) if Instant::now() > end => {
                return Err(format!("{:?} is still {state} after {} s", deed.act, WITHIN.as_secs()));
            }
            Known::Open(_) => tokio::time::sleep(ASK_EVERY).await,
        }
    }
}

/// What the platform says about an act, by the number its actor gave it.
async fn known(street: &Street, deed: &Deed) -> Result<Known, String> {
    let none = |error: jialing_sdk::Error| match error.code() {
        Some("not_found") => Ok(Known::NotMoved),
        _ => Err(format!("asking about {:?}: {error}", deed.act)),
    };
    let told = |state: &str, amount: u64| match state {
        "SUCCESS" => Known::Moved(amount),
        "NOTPAY" | "PAYERROR" | "CLOSED" | "FAIL" | "RETURNED" | "ABNORMAL" | "PENDING_APPROVAL" => {
            Known::NotMoved
        }
        open => Known::Open(open.to_owned()),
    };
    match &deed.act {
        Act::Pay { seller, number, .. } => {
            let order = street.sellers[*seller].merchant.order_by_number(number).await;
            order.map_or_else(none, |order| Ok(told(&order.state, order.amount.amount)))
        }
        Act::Refund { seller, number, .. } => {
            let refund = street.sellers[*seller].merchant.refund_by_number(number).await;
            refund.map_or_else(none, |refund| Ok(told(&refund.state, refund.amount.amount)))
        }
        Act::Transfer { from, number, .. } => {
            let transfer = street.payers[*from].wallet.get(&format!("/v1/wallet/transfers/{number}")).await;
            transfer.map_or_else(none, |transfer| Ok(told(state(&transfer), amount(&transfer)?)))
        }
        Act::TopUp { payer, number, .. } => {
            shown(exchange(street, deed, *payer, ("topups", "out_topup_no"), number).await?, told)
        }
        Act::Withdraw { payer, number, .. } => {
            shown(exchange(street, deed, *payer, ("withdrawals", "out_withdrawal_no"), number).await?, told)
        }
    }
}

fn shown(found: Option<Value>, told: impl Fn(&str, u64) -> Known) -> Result<Known, String> {
    found.map_or(Ok(Known::NotMoved), |found| Ok(told(state(&found), amount(&found)?)))
}

/// Pages of an exchange's list that are read for one number.
const PAGES: usize = 200;

/// The top-up or withdrawal with this number: looked for in the person's list, newest first.
async fn exchange(
    street: &Street,
    deed: &Deed,
    payer: usize,
    (list, name): (&str, &str),
    number: &str,
) -> Result<Option<Value>, String> {
    let mut after = String::new();
    for _ in 0..PAGES {
        let target = format!("/v1/wallet/{list}?limit=100{after}");
        let page = street.payers[payer]
            .wallet
            .get(&target)
            .await
            .map_err(|error| format!("asking about {:?}: {error}", deed.act))?;
        let items = page["items"].as_array().ok_or_else(|| format!("{target} answers no page"))?;
        if let Some(found) = items.iter().find(|item| item[name] == number) {
            return Ok(Some(found.clone()));
        }
        let last = items.last().and_then(|item| item["topup_id"].as_str().or(item["withdrawal_id"].as_str()));
        match last {
            Some(last) if page["has_more"] == true => after = format!("&after={last}"),
            _ => return Ok(None),
        }
    }
    Err(format!("{list} has no end"))
}

fn state(value: &Value) -> &str {
    value["state"].as_str().unwrap_or_default()
}

fn amount(value: &Value) -> Result<u64, String> {
    value["amount"]["amount"].as_u64().ok_or_else(|| format!("the answer has no amount: {value}"))
}

/// Whether every wallet holds what it held and what the acts that happened add up to.
pub(super) fn adds_up(
    before: &Holdings,
    deeds: &[Deed],
    happened: &[bool],
    after: &Holdings,
) -> Result<(), String> {
    let (mut payers, mut organisations) = (before.payers.clone(), before.organisations);
    for (deed, _) in deeds.iter().zip(happened).filter(|(_, happened)| **happened) {
        let amount = i128::from(deed.act.amount());
        match &deed.act {
            Act::Pay { payer, .. } => {
                payers[*payer] -= amount;
                organisations += amount;
            }
            Act::Refund { payer, .. } => {
                payers[*payer] += amount;
                organisations -= amount;
            }
            Act::Transfer { from, to, .. } => {
                payers[*from] -= amount;
                payers[*to] += amount;
            }
            Act::TopUp { payer, .. } => payers[*payer] += amount,
            Act::Withdraw { payer, .. } => payers[*payer] -= amount,
        }
    }
    if let Some(place) = (0..payers.len()).find(|&place| payers[place] != after.payers[place]) {
        let (expect, found) = (payers[place], after.payers[place]);
        return Err(format!(
            "LOST OR TWICE: payer {place} holds {found} fen, all that happened adds up to {expect}"
        ));
    }
    if organisations != after.organisations {
        return Err(format!(
            "LOST OR TWICE: organisations hold {} fen, all that happened adds up to {organisations}",
            after.organisations
        ));
    }
    Ok(())
}

impl Act {
    /// Fen.
    const fn amount(&self) -> u64 {
        match self {
            Self::Pay { amount, .. }
            | Self::Refund { amount, .. }
            | Self::Transfer { amount, .. }
            | Self::TopUp { amount, .. }
            | Self::Withdraw { amount, .. } => *amount,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(act: Act) -> Deed {
        Deed { act, answer: Answer::Lost }
    }

    #[test]
    fn a_payment_that_happened_twice_or_not_at_all_is_seen_in_the_wallets() {
        let pay = deed(Act::Pay { payer: 0, seller: 0, number: "1".into(), amount: 5 });
        let send = deed(Act::Transfer { from: 1, to: 0, number: "2".into(), amount: 3 });
        let held = |first: i128, second: i128, organisations: i128| Holdings {
            payers: vec![first, second],
            organisations,
        };
        let check = |happened: [bool; 2], after: Holdings, expect: bool| {
            let acts = [pay.clone(), send.clone()];
            assert_eq!(adds_up(&held(10, 10, 0), &acts, &happened, &after).is_ok(), expect);
        };
        check([true, true], held(8, 7, 5), true);
        check([true, false], held(5, 10, 5), true);
        check([false, false], held(10, 10, 0), true);
        check([true, false], held(0, 10, 10), false);
        check([true, false], held(10, 10, 0), false);
        check([false, false], held(5, 10, 5), false);
        check([true, false], held(5, 10, 0), false);
        check([false, true], held(10, 7, 0), false);
    }
}

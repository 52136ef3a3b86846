//! The load: everybody acts at once, and every act is written down before it is sent.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jialing_crypto::random;
use jialing_sandbox::city::Dice;
use jialing_sdk::Error;
use jialing_sdk::wallet::Transfer;

use crate::actors::{Payer, Seller, Town};
use crate::demo::city::{REGISTER, Register};

/// Everybody of the city, at the platform's present address.
pub(super) struct Street {
    pub(super) url: String,
    pub(super) http: reqwest::Client,
    pub(super) payers: Vec<Payer>,
    pub(super) sellers: Vec<Seller>,
}

/// Something that moves money. Persons and shops are places in [`Street`]; amounts are in fen.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Pay { payer: usize, seller: usize, number: String, amount: u64 },
    Refund { payer: usize, seller: usize, order: String, number: String, amount: u64 },
    Transfer { from: usize, to: usize, number: String, amount: u64 },
    TopUp { payer: usize, number: String, amount: u64 },
    Withdraw { payer: usize, number: String, amount: u64 },
}

/// What the actor was told.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// It has happened.
    Success,
    /// It has not, and will not.
    Refused(String),
    /// Nothing that can be relied on.
    Lost,
}

/// An act and what its actor was told.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) act: Act,
    pub(super) answer: Answer,
}

/// All acts of a round. They are in it before they are sent.
#[derive(Default)]
pub(super) struct Book(Mutex<Vec<Deed>>);

impl Book {
    fn begin(&self, act: Act) -> usize {
        let mut deeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        deeds.push(Deed { act, answer: Answer::Lost });
        deeds.len() - 1
    }

    fn end(&self, place: usize, answer: Answer) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[place].answer = answer;
    }

    /// The acts, once nobody writes any more.
    pub(super) fn close(&self) -> Vec<Deed> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Street {
    pub(super) async fn open(data: &Path, url: &str) -> Result<Self, String> {
        let register = Register::read(&data.join(REGISTER))?;
        let town = Town::find(url).await?;
        let payers: Vec<Payer> =
            register.payers.into_iter().filter_map(|kept| town.resume_payer(kept)).collect();
        let mut sellers = Vec::new();
        for kept in register.sellers {
            sellers.push(town.resume_seller(kept).await?);
        }
        if payers.len() < 2 || sellers.is_empty() {
            return Err("the city is empty".into());
        }
        Ok(Self { url: url.to_owned(), http: reqwest::Client::new(), payers, sellers })
    }

    /// Does `act`. With the answer, the id of the order that a payment paid.
    pub(super) async fn perform(&self, act: &Act) -> (Answer, Option<String>) {
        match self.try_to(act).await {
            Ok((state, order)) if state == "SUCCESS" => (Answer::Success, order),
            // Accepted, and not at its end: as good as unknown until it is asked for.
            Ok(_) => (Answer::Lost, None),
            Err(Error::Refused(problem)) if !problem.retryable && problem.status < 500 => {
                (Answer::Refused(problem.code), None)
            }
            Err(_) => (Answer::Lost, None),
        }
    }

    async fn try_to(&self, act: &Act) -> jialing_sdk::error::Result<(String, Option<String>)> {
        match act {
            Act::Pay { payer, seller, number, amount } => {
                let (Payer { wallet, kept }, merchant) =
                    (&self.payers[*payer], &self.sellers[*seller].merchant);
                let order = merchant.order(number, "crash", *amount).await?;
                let paid =
                    wallet.pay(&order.id, merchant.id(), &kept.wallet_id, *amount, Some(&kept.pin)).await?;
                Ok((paid.state, Some(order.id)))
            }
            Act::Refund { seller, order, number, amount, .. } => {
                let refund = self.sellers[*seller].merchant.refund(order, number, *amount, "crash").await?;
                Ok((refund.state, None))
            }
            Act::Transfer { from, to, number, amount } => {
                let (from, to) = (&self.payers[*from], &self.payers[*to]);
                let transfer = Transfer {
                    out_transfer_no: number,
                    from_wallet_id: &from.kept.wallet_id,
                    payee: &to.kept.wallet_id,
                    amount: *amount,
                    note: None,
                    pin: Some(&from.kept.pin),
                };
                let sent = from.wallet.transfer(&transfer).await?;
                Ok((sent["state"].as_str().unwrap_or_default().to_owned(), None))
            }
            Act::TopUp { payer, number, amount } => {
                let Payer { wallet, kept } = &self.payers[*payer];
                let topup =
                    wallet.top_up(number, &kept.wallet_id, &kept.link_id, *amount, Some(&kept.pin)).await?;
                Ok((topup.state, None))
            }
            Act::Withdraw { payer, number, amount } => {
                let Payer { wallet, kept } = &self.payers[*payer];
                let withdrawal =
                    wallet.withdraw(number, &kept.wallet_id, &kept.link_id, *amount, Some(&kept.pin)).await?;
                Ok((withdrawal.state, None))
            }
        }
    }
}

/// One act after another until the lane is ended or the platform does not answer.
pub(super) async fn lane(street: Arc<Street>, book: Arc<Book>, mut dice: Dice) {
    let mut paid = Vec::new();
    loop {
        let act = next(&street, &mut dice, &mut paid);
        let place = book.begin(act.clone());
        let (answer, order) = street.perform(&act).await;
        let gone = matches!(answer, Answer::Lost)
            && matches!(act, Act::Pay { .. } | Act::Transfer { .. } | Act::Refund { .. });
        book.end(place, answer);
        if gone {
            return;
        }
        if let (Act::Pay { payer, seller, amount, .. }, Some(order)) = (act, order) {
            paid.push((payer, seller, order, amount));
        }
    }
}

/// How much is topped up. The sandbox's banks take the last two digits for a wish: 81 is refused, 86
/// is told of twice, and others above 80 let the bank be silent for half a minute, for which a round
/// has no time.
fn top_up(dice: &mut Dice) -> u64 {
    match dice.below(10) {
        0 => 181,
        1 => 186,
        _ => dice.between(100, 180),
    }
}

/// The next act: mostly payments; refunds are of what this lane was told is paid.
fn next(street: &Street, dice: &mut Dice, paid: &mut Vec<(usize, usize, String, u64)>) -> Act {
    let (people, shops) = (street.payers.len() as u64, street.sellers.len() as u64);
    let payer = dice.below(people) as usize;
    let number = random::nonce();
    match dice.below(100) {
        0..=49 => {
            Act::Pay { payer, seller: dice.below(shops) as usize, number, amount: dice.between(1, 100) }
        }
        50..=64 => match paid.pop() {
            Some((payer, seller, order, amount)) => {
                Act::Refund { payer, seller, order, number, amount: dice.between(1, amount) }
            }
            None => Act::TopUp { payer, number, amount: top_up(dice) },
        },
        65..=89 => {
            let to = (payer + 1 + dice.below(people - 1) as usize) % street.payers.len();
            Act::Transfer { from: payer, to, number, amount: dice.between(1, 100) }
        }
        90..=95 => Act::TopUp { payer, number, amount: top_up(dice) },
        _ => Act::Withdraw { payer, number, amount: dice.between(1, 50) },
    }
}

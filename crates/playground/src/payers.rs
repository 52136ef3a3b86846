//! Test payers: invented people who pay a sandbox's orders on their own, as an amount asks them to.
//!
//! The last two digits of an order's amount choose what the payer does ([`MAGIC_AMOUNTS`]); every other
//! order is paid at once, unless the sandbox was told otherwise ([`Manner`]). They act through the
//! public API with their own sessions and devices. Times are those of the sandbox's clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jialing_platform::App;
use jialing_sdk::answers::PayerOrder;
use serde::{Deserialize, Serialize};

use crate::actors::{KeptPayer, Payer, Town};

/// What a payer does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    /// Never pays.
    Never,
    /// Tries with a wallet that has no money, and gives up.
    BalanceTooLow,
    /// Types a wrong PIN first, then the right one.
    WrongPinFirst,
    /// Pays a minute later.
    AfterAMinute,
    /// Two payers try in the same moment; one of them pays.
    TwoAtOnce,
    /// Pays in the last second before the order expires.
    LastSecond,
}

/// The last two digits of an order's amount in fen, the deed's name, and what it is.
pub const MAGIC_AMOUNTS: [(u64, &str, &str); 6] = [
    (80, "never", "nobody pays"),
    (81, "balance_too_low", "a payer without money tries and gives up"),
    (82, "wrong_pin_first", "the payer types a wrong PIN, then the right one"),
    (83, "after_a_minute", "paid one minute later"),
    (84, "two_at_once", "two payers try in the same moment, one pays"),
    (85, "last_second", "paid one second before it expires"),
];

const DEEDS: [Deed; 6] = [
    Deed::Never,
    Deed::BalanceTooLow,
    Deed::WrongPinFirst,
    Deed::AfterAMinute,
    Deed::TwoAtOnce,
    Deed::LastSecond,
];

/// How the payers of a sandbox pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manner {
    /// Whether they pay on their own.
    pub pays: Pays,
    /// Seconds of the sandbox's clock until an ordinary order is paid, at most 86,400.
    #[serde(default)]
    pub after_s: u32,
}

/// Whether payers pay on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pays {
    /// Each order, as its amount asks.
    Auto,
    /// Only when they are told to.
    WhenTold,
}

impl Default for Manner {
    fn default() -> Self {
        Self { pays: Pays::Auto, after_s: 0 }
    }
}

/// What an order's amount asks the payers to do.
pub(crate) fn deed_of(amount: u64) -> Option<Deed> {
    let place = MAGIC_AMOUNTS.iter().position(|(end, _, _)| amount % 100 == *end)?;
    Some(DEEDS[place])
}

/// An order that was made.
#[derive(Clone, Debug)]
pub(crate) struct Ordered {
    pub(crate) order_id: String,
    pub(crate) merchant_id: String,
    pub(crate) amount: u64,
    /// Milliseconds of the sandbox's clock.
    pub(crate) expires_at: i64,
}

/// The payers of a sandbox: two with money, and one without.
pub(crate) struct Payers {
    app: App,
    town: Town,
    people: [Mutex<Payer>; 3],
}

/// The place of the payer who has no money.
const POOR: usize = 2;

impl Payers {
    /// The kept payers at `base`; `None` where one cannot be read.
    pub(crate) fn resume(app: &App, base: &str, kept: &[KeptPayer]) -> Option<Self> {
        let town = Town::new(base, app.settings.inbox.as_deref()?);
        let resume = |kept: &KeptPayer| town.resume_payer(kept.clone()).map(Mutex::new);
        let [first, second, poor] = kept else { return None };
        let people = [resume(first)?, resume(second)?, resume(poor)?];
        Some(Self { app: app.clone(), town, people })
    }

    fn at(&self, place: usize) -> Payer {
        self.people[place].lock().expect("no holder panics").clone()
    }

    /// The token of the first payer's session, who also owns the shop; a session that has ended, as one
    /// does when the clock is moved by more than a month, is begun anew.
    pub(crate) async fn owner_token(&self, ended: bool) -> Result<String, String> {
        if ended {
            self.come_back(0).await?;
        }
        Ok(self.at(0).kept.session().token.clone())
    }

    async fn come_back(&self, place: usize) -> Result<(), String> {
        let people = crate::inside::city().people;
        let back = self.town.come_back(&people[place]).await?;
        *self.people[place].lock().expect("no holder panics") = back;
        Ok(())
    }

    /// Does with an order what its amount asks; ordinary ones are paid after `after_s`.
    pub(crate) async fn attend(self: Arc<Self>, order: Ordered, after_s: u32) {
        let done = match deed_of(order.amount) {
            Some(Deed::Never) => return,
            Some(Deed::BalanceTooLow) => self.try_to_pay(POOR, &order, true).await.map(drop),
            Some(Deed::WrongPinFirst) => self.mistype(&order).await,
            Some(Deed::AfterAMinute) => self.pay_at(&order, self.app.clock.millis() + 60_000).await,
            Some(Deed::TwoAtOnce) => {
                let (one, other) =
                    tokio::join!(self.try_to_pay(0, &order, true), self.try_to_pay(1, &order, true));
                one.or(other).map(drop)
            }
            Some(Deed::LastSecond) => self.pay_at(&order, order.expires_at - 1_000).await,
            None => self.pay_at(&order, self.app.clock.millis() + i64::from(after_s) * 1_000).await,
        };
        if let Err(error) = done {
            tracing::info!(order = order.order_id, %error, "a test payer did not pay");
        }
    }

    /// Pays an order now.
    pub(crate) async fn pay(&self, order: &Ordered) -> Result<PayerOrder, jialing_sdk::Error> {
        self.try_to_pay(1, order, true).await
    }

    async fn mistype(&self, order: &Ordered) -> Result<(), jialing_sdk::Error> {
        // The refusal is what was wanted.
        let _ = self.try_to_pay(1, order, false).await;
        self.pay(order).await.map(drop)
    }

    /// One attempt; whoever's session has ended signs in again first.
    async fn try_to_pay(
        &self,
        place: usize,
        order: &Ordered,
        right: bool,
    ) -> Result<PayerOrder, jialing_sdk::Error> {
        match pay(&self.at(place), order, right).await {
            Err(error) if error.code() == Some("unauthenticated") => {
                if let Err(why) = self.come_back(place).await {
                    tracing::warn!(why, "a test payer could not sign in again");
                    return Err(error);
                }
                pay(&self.at(place), order, right).await
            }
            done => done,
        }
    }

    async fn pay_at(&self, order: &Ordered, at: i64) -> Result<(), jialing_sdk::Error> {
        until(&self.app, at).await;
        self.pay(order).await.map(drop)
    }
}

/// Waits until the sandbox's clock shows `at`, however it gets there.
async fn until(app: &App, at: i64) {
    let mut moves = app.clock.moves();
    loop {
        moves.borrow_and_update();
        let left = u64::try_from(at - app.clock.millis()).unwrap_or(0);
        if left == 0 {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(left)) => {}
            _ = moves.changed() => {}
        }
    }
}

/// One attempt, with the right PIN or a wrong one. A payer who has too little tops up first, unless
/// it is the one who never has any.
async fn pay(payer: &Payer, order: &Ordered, right: bool) -> Result<PayerOrder, jialing_sdk::Error> {
    let Payer { wallet, kept } = payer;
    let pin = if right { kept.pin.clone() } else { wrong(&kept.pin) };
    let attempt =
        || wallet.pay(&order.order_id, &order.merchant_id, &kept.wallet_id, order.amount, Some(&pin));
    match attempt().await {
        Err(error) if error.code() == Some("balance_too_low") && kept.index != POOR => {
            let number = jialing_crypto::random::nonce();
            // Whole yuan: at the bank, some ends of an amount ask for a fault.
            let money = (order.amount / 100 + 1) * 100;
            let money = money.max(TOP_UP);
            wallet.top_up(&number, &kept.wallet_id, &kept.link_id, money, Some(&kept.pin)).await?;
            attempt().await
        }
        done => done,
    }
}

/// What a payer tops up who has run out, in fen: 10,000 yuan.
const TOP_UP: u64 = 1_000_000;

/// Another PIN of the same form.
fn wrong(pin: &str) -> String {
    let turned = |digit: char| char::from(b'0' + (digit as u8 - b'0' + 1) % 10);
    pin.chars().map(|c| if c.is_ascii_digit() { turned(c) } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_digits_of_an_amount_choose_what_a_payer_does() {
        let check = |amount: u64, expect: Option<Deed>| assert_eq!(deed_of(amount), expect, "{amount}");
        check(1_250, None);
        check(1_279, None);
        check(80, Some(Deed::Never));
        check(1_281, Some(Deed::BalanceTooLow));
        check(1_282, Some(Deed::WrongPinFirst));
        check(100_083, Some(Deed::AfterAMinute));
        check(1_284, Some(Deed::TwoAtOnce));
        check(1_285, Some(Deed::LastSecond));
        check(1_286, None);
    }

    #[test]
    fn each_magic_amount_has_a_deed_of_the_name_that_the_reference_gives_it() {
        let page = include_str!("../../../docs/reference/sandbox.md");
        for ((end, name, what), deed) in MAGIC_AMOUNTS.iter().zip(DEEDS) {
            assert_eq!(serde_json::to_value(deed).expect("JSON"), *name);
            assert!(page.contains(&format!("| `.{end}` | `{name}` | {what} |")), "{name}");
        }
    }

    #[test]
    fn a_wrong_pin_differs_in_every_digit() {
        assert_eq!(wrong("109283"), "210394");
    }
}

//! Traffic: people buy, send, top up and withdraw; shops give back. Every act is a real signed
//! request through the public API. What the rules refuse (an empty wallet, a limit) is left at that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jialing_crypto::random;
use jialing_sandbox::city::{City, Dice, Errand};
use jialing_sdk::wallet::Transfer;
use jiff::Zoned;
use tokio::sync::Semaphore;

use crate::actors::{Payer, Seller};

/// Acts under way at once; when the platform is slower than the traffic, acts are left out.
const UNDER_WAY: usize = 64;
/// Paid orders that a shop remembers, for refunds.
const REMEMBERED: usize = 20;

struct Street {
    payers: Vec<Payer>,
    sellers: Vec<Seller>,
    /// Orders paid to each shop and not refunded yet: id and fen.
    paid: Vec<Mutex<VecDeque<(String, u64)>>>,
}

/// Acts `per_second` times a second on average, until it is aborted.
pub(super) async fn run(city: City, payers: Vec<Payer>, sellers: Vec<Seller>, per_second: f64, seed: u64) {
    let paid = sellers.iter().map(|_| Mutex::default()).collect();
    let street = Arc::new(Street { payers, sellers, paid });
    let mut dice = Dice::for_part(seed, &random::nonce());
    let places = Arc::new(Semaphore::new(UNDER_WAY));
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    loop {
        // Gaps from half to one and a half times the mean look less like a metronome.
        let gap_us = (1_000_000.0 / per_second) as u64;
        tokio::time::sleep(Duration::from_micros(dice.between(gap_us / 2, gap_us / 2 * 3))).await;
        let errand = city.errand(&mut dice, Zoned::now().with_time_zone(zone.clone()).datetime());
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let street = street.clone();
        tokio::spawn(async move {
            if let Err(error) = street.run(errand).await {
                tracing::debug!(%error, "an errand came to nothing");
            }
            drop(place);
        });
    }
}

impl Street {
    async fn run(&self, errand: Errand) -> jialing_sdk::error::Result<()> {
        match errand {
            Errand::Pay { payer, shop, basket } => {
                let (payer, seller) = (&self.payers[payer], &self.sellers[shop]);
                let order =
                    seller.merchant.order(&random::nonce(), &basket.description, basket.total).await?;
                payer
                    .wallet
                    .pay(
                        &order.id,
                        seller.merchant.id(),
                        &payer.kept.wallet_id,
                        basket.total,
                        Some(&payer.kept.pin),
                    )
                    .await?;
                let mut paid = self.paid[shop].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                paid.push_back((order.id, basket.total));
                if paid.len() > REMEMBERED {
                    paid.pop_front();
                }
            }
            Errand::Transfer { from, to, amount, memo, .. } => {
                let (from, to) = (&self.payers[from], &self.payers[to]);
                let transfer = Transfer {
                    out_transfer_no: &random::nonce(),
                    from_wallet_id: &from.kept.wallet_id,
                    payee: &to.kept.wallet_id,
                    amount,
                    note: Some(memo),
                    pin: Some(&from.kept.pin),
                };
                from.wallet.transfer(&transfer).await?;
            }
            Errand::TopUp { person, amount } => {
                let Payer { wallet, kept } = &self.payers[person];
                wallet
                    .top_up(&random::nonce(), &kept.wallet_id, &kept.link_id, amount, Some(&kept.pin))
                    .await?;
            }
            Errand::Withdraw { person, amount } => {
                let Payer { wallet, kept } = &self.payers[person];
                wallet
                    .withdraw(&random::nonce(), &kept.wallet_id, &kept.link_id, amount, Some(&kept.pin))
                    .await?;
            }
            Errand::Refund { shop, percent } => {
                let last =
                    self.paid[shop].lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_back();
                if let Some((order, total)) = last {
                    self.sellers[shop]
                        .merchant
                        .refund(&order, &random::nonce(), (total * percent / 100).max(1), "顾客退货")
                        .await?;
                }
            }
        }
        Ok(())
    }
}

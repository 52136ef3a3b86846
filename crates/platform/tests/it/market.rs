//! A market for tests: a shop with its owner and its server's signed requests, and people with money
//! to spend.

use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::id::{MerchantId, OrderId, WalletId};
use jialing_platform::merchants::{self, Caller, RegisterAsk};
use jialing_platform::orders::{self, Order, OrderAsk};
use jialing_platform::payments::{self, PayAsk, PayerOrder};
use jialing_platform::people::{self, OrganisationAsk};
use jialing_platform::{Money, Result};

use crate::citizen::Citizen;
use crate::city::{self, balance, licence};
use crate::world::World;

pub use crate::city::{found, fund};

/// A shop: its owner, and its server's signed requests.
pub struct Shop {
    pub owner: Citizen,
    pub id: MerchantId,
    pub wallet: WalletId,
    pub caller: Caller,
}

/// A person with a wallet.
pub struct Payer {
    pub citizen: Citizen,
    pub wallet: WalletId,
}

/// A request of the merchant's server with this body.
pub fn request(merchant: MerchantId, body: &str) -> Caller {
    Caller {
        merchant,
        provider: None,
        serial: "0011223344556677".into(),
        body_sha256: HashAlgorithm::Sha256.digest(body.as_bytes()),
    }
}

impl Shop {
    /// Opens a shop, owned by citizen number `n`, at the bank of this code.
    pub async fn open(world: &World, n: u32, bank: &str) -> Self {
        let owner = Citizen::identified(world, n, "王掌柜").await;
        let ask = OrganisationAsk { name: format!("嘉陵小面{n}"), licence: licence(n) };
        let organisation =
            people::register(&world.app, &owner.actor, ask).await.expect("the organisation is registered");
        let ask = RegisterAsk {
            organisation_id: organisation.organisation_id,
            name_zh: format!("小面馆{n}"),
            name_en: format!("Noodles {n}"),
            mcc: "5812".into(),
            institution: bank.into(),
        };
        let merchant =
            merchants::register(&world.app, &owner.actor, ask).await.expect("the merchant is registered");
        let wallet = merchant.wallet_id.expect("approved by setting");
        let caller = request(merchant.id, "{}");
        Self { owner, id: merchant.id, wallet, caller }
    }

    /// What an order of `amount` fen under this number asks for.
    pub fn ask(number: &str, amount: u64) -> OrderAsk {
        OrderAsk {
            out_trade_no: number.into(),
            description: "小面 × 2".into(),
            amount: Money::fen(amount),
            store_id: None,
            goods_detail: None,
            terminal: None,
            return_url: None,
            expires_in: None,
            attach: None,
            notify_url: None,
            goods_tag: None,
            split: None,
        }
    }

    /// An order of `amount` fen under this number.
    pub async fn order(&self, world: &World, number: &str, amount: u64) -> Order {
        orders::create(&world.app, &self.caller, Self::ask(number, amount)).await.expect("created").value
    }

    /// The order as the shop sees it.
    pub async fn see(&self, world: &World, id: OrderId) -> Order {
        orders::of(&world.app, self.id, &orders::Name::Id(id)).await.expect("the shop's own order")
    }

    /// What the shop's wallet holds, fen.
    pub async fn holds(&self, world: &World) -> i64 {
        balance(world, self.wallet).await
    }
}

impl Payer {
    /// Citizen number `n` with a class III wallet at this bank that holds `fen`.
    pub async fn with(world: &World, n: u32, bank: &str, fen: u64) -> Self {
        let citizen = Citizen::identified(world, n, "李明").await;
        let wallet = city::wallet(world, &citizen, bank, fen).await;
        Self { citizen, wallet }
    }

    /// What paying this order takes, signed by the device.
    pub fn agree(&self, world: &World, order: &Order) -> PayAsk {
        let (payee, subject) = (order.merchant_id.to_string(), order.id.to_string());
        let evidence =
            self.citizen.sign(world, payments::ACTION, &payee, order.amount.amount, &subject, self.wallet);
        PayAsk { wallet_id: self.wallet, amount: None, via: None, pin: None, evidence }
    }

    /// Pays an order.
    pub async fn pay(&self, world: &World, order: &Order) -> Result<PayerOrder> {
        payments::pay(&world.app, &self.citizen.actor, order.id, self.agree(world, order)).await
    }

    /// What the wallet holds, fen.
    pub async fn holds(&self, world: &World) -> i64 {
        balance(world, self.wallet).await
    }
}

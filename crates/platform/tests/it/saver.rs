//! People for tests who move money between a bank account and a wallet.

use jialing_platform::exchange::resolve;
use jialing_platform::id::{LinkId, WalletId};
use jialing_platform::institutions;
use jialing_platform::links::{self, ConfirmAsk, LinkAsk, LinkState};
use jialing_platform::topups::{self, TopUp, TopUpAsk};
use jialing_platform::wallets::{self, Class};
use jialing_platform::withdrawals::{self, Withdrawal, WithdrawalAsk};
use jialing_platform::{Money, Result};
use jialing_rails::bank::{BankNotice, EntryKind, Money as BankMoney, NoticeState};
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};

use crate::citizen::{Citizen, PIN};
use crate::city;
use crate::rails::LINK_CODE;
use crate::world::World;

/// A person with a wallet of class II and a linked account.
pub struct Saver {
    pub citizen: Citizen,
    pub wallet: WalletId,
    pub link: LinkId,
}

impl Saver {
    /// Citizen number `n` with a wallet at one bank and an account at another, or the same.
    pub async fn new(world: &World, n: u32, wallet_at: &str, account_at: &str) -> Self {
        let citizen = Citizen::identified(world, n, "陈储蓄").await;
        wallets::raise_class(&world.app, citizen.person, Class::Two).await.expect("raised");
        let wallet = city::wallet(world, &citizen, wallet_at, 0).await;
        let link = link(world, &citizen, account_at, &format!("62220200{n:08}")).await;
        Self { citizen, wallet, link }
    }

    /// What the person's device signs for a top-up.
    pub fn top_up_ask(&self, world: &World, number: &str, fen: u64) -> TopUpAsk {
        let evidence =
            self.citizen.sign(world, topups::ACTION, &self.wallet.to_string(), fen, number, self.wallet);
        TopUpAsk {
            out_topup_no: number.into(),
            link_id: self.link,
            wallet_id: self.wallet,
            amount: Money::fen(fen),
            pin: Some(PIN.into()),
            evidence,
        }
    }

    /// Tops up.
    pub async fn top_up(&self, world: &World, number: &str, fen: u64) -> Result<TopUp> {
        topups::request(&world.app, &self.citizen.actor, self.top_up_ask(world, number, fen)).await
    }

    /// The top-up as it stands.
    pub async fn top_up_now(&self, world: &World, topup: &TopUp) -> TopUp {
        topups::read(&world.app, &self.citizen.actor, topup.topup_id).await.expect("one's own top-up")
    }

    /// What the person's device signs for a withdrawal.
    pub fn withdrawal_ask(&self, world: &World, number: &str, fen: u64) -> WithdrawalAsk {
        let evidence =
            self.citizen.sign(world, withdrawals::ACTION, &self.link.to_string(), fen, number, self.wallet);
        WithdrawalAsk {
            out_withdrawal_no: number.into(),
            wallet_id: self.wallet,
            link_id: self.link,
            amount: Money::fen(fen),
            pin: Some(PIN.into()),
            evidence,
        }
    }

    /// Withdraws.
    pub async fn withdraw(&self, world: &World, number: &str, fen: u64) -> Result<Withdrawal> {
        withdrawals::request(&world.app, &self.citizen.actor, self.withdrawal_ask(world, number, fen)).await
    }

    /// The withdrawal as it stands.
    pub async fn withdrawal_now(&self, world: &World, withdrawal: &Withdrawal) -> Withdrawal {
        withdrawals::read(&world.app, &self.citizen.actor, withdrawal.withdrawal_id).await.expect("one's own")
    }

    /// What the wallet holds and what of it is available, by the ledger.
    pub async fn money(&self, world: &World) -> (i64, i64) {
        let account =
            world.app.engine.account(self.wallet.number()).await.expect("the engine runs").expect("open");
        (account.balance(), account.available())
    }
}

/// Links an account.
pub async fn link(world: &World, citizen: &Citizen, bank: &str, account: &str) -> LinkId {
    let ask = LinkAsk { institution: bank.into(), account_number: account.into() };
    let link = links::start(&world.app, &citizen.actor, ask).await.expect("started").link_id;
    let signed =
        links::confirm(&world.app, &citizen.actor, link, ConfirmAsk { code: LINK_CODE.into() }).await;
    assert_eq!(signed.expect("signed").state, LinkState::Signed);
    link
}

/// Founds the city at noon, so that no test's day ends while it runs.
pub async fn found_at_noon(world: &World) {
    let now = world.clock.now().to_zoned(TimeZone::fixed(offset(8)));
    let noon = now.date().tomorrow().expect("a next day").at(12, 0, 0, 0);
    let noon = noon.to_zoned(TimeZone::fixed(offset(8))).expect("a fixed offset").timestamp();
    world.clock.advance(noon.as_millisecond() - world.clock.millis());
    city::found(world).await;
}

/// Today at UTC+8.
pub fn today(world: &World) -> Date {
    world.clock.now().to_zoned(TimeZone::fixed(offset(8))).date()
}

/// Lets `seconds` pass and the background work run once.
pub async fn later(world: &World, seconds: i64) {
    world.clock.advance(seconds * 1000);
    resolve::round(&world.app).await.expect("the background work runs");
    world.settle().await;
}

/// A notice of the bank about `reference`.
pub fn notice(
    world: &World,
    bank: &str,
    reference: &str,
    kind: EntryKind,
    state: NoticeState,
    fen: u64,
) -> BankNotice {
    BankNotice {
        id: jialing_crypto::random::nonce(),
        institution: bank.into(),
        reference: reference.into(),
        kind,
        state,
        money: BankMoney::cny(fen),
        bank_ref: (state == NoticeState::Done).then(|| format!("{bank}-{reference}")),
        code: (state != NoticeState::Done).then(|| "ACCOUNT_CLOSED".into()),
        message: None,
        at: world.clock.now(),
    }
}

/// Checks that for every liability holder, what was issued is found in accounts.
pub async fn balanced(world: &World) {
    let supply = institutions::supply(&world.app).await.expect("readable");
    assert!(supply.balanced && supply.vaults_exact, "{supply:?}");
}

//! The bulk door of a whole platform: its banks' keys, its wallets, its history.

use jialing_bulk::handshake::Distrust;
use jialing_bulk::{Batch, Client, Error, Fault, Leg, LegOp, Who, account, transfer};
use jialing_crypto::{SigningKey, Suite};
use jialing_gateway::{Bulk, BulkConfig, BulkRunning, Platform};
use jialing_platform::history::{self, HistoryAsk};
use jialing_platform::institutions::{self, NewKey};
use jialing_platform::kind::Kind;

use super::{new_account, told};
use crate::citizen::Citizen;
use crate::city;
use crate::world::{World, on_each_backend};

struct Bank {
    who: Who,
    running: BulkRunning,
}

async fn open(world: &World, code: &str) -> Bank {
    let (key, platform) = (SigningKey::generate(Suite::Ed25519), SigningKey::generate(Suite::Ed25519));
    let id = city::bank(&world.app, code).await;
    let new = NewKey { public_key: key.public().to_pem(), expires_at: None };
    institutions::add_key(&world.app, id, new).await.expect("a good key");
    let config = BulkConfig::new(([127, 0, 0, 1], 0).into(), vec![platform.clone()]);
    let app = world.app.clone();
    let running = Bulk::serve(app.engine.clone(), Platform(app), config).await.expect("a free port");
    Bank { who: Who::new(code, key, vec![platform.public().clone()]), running }
}

impl Bank {
    /// Runs what blocks on a thread of its own.
    async fn client<R: Send + 'static>(
        &self,
        act: impl FnOnce(Result<Client, Error>) -> R + Send + 'static,
    ) -> R {
        let (address, who) = (self.running.address, self.who.clone());
        tokio::task::spawn_blocking(move || act(Client::connect(address, &who))).await.expect("no defect")
    }
}

#[test]
fn a_bank_pays_wallets_and_everybody_sees_it() {
    on_each_backend(async |world| {
        city::found(world).await;
        let ann = Citizen::new(world, 1).await;
        let wallet = city::wallet(world, &ann, "BKA", 0).await;
        let bank = open(world, "BKA").await;
        let others = institutions::by_code(&world.app, "BKB").await.expect("founded").issuance();
        let number = wallet.number();
        let outcomes = bank
            .client(move |client| {
                let mut bank = client.expect("let in");
                let own = bank.welcome().institution;
                let opened = bank.open(&[new_account(account(own, 1))]).expect("answered");
                assert_eq!(told(&opened), ["done"]);
                let vault = bank.welcome().vault;
                let leg = |n, debit, credit, amount| Leg {
                    id: transfer(own, n, 0),
                    op: LegOp::Plain { debit, credit, amount },
                    kind: bank.welcome().kind,
                    digest: [0; 24],
                    meters: [0; 4],
                };
                let mut batch = Batch::new();
                for leg in [
                    leg(1, vault, account(own, 1), 50_000),
                    leg(2, account(own, 1), number, 1_234),
                    leg(3, number, account(own, 1), 1),
                    leg(4, account(own, 1), others, 1),
                ] {
                    batch.leg(&leg).expect("room");
                }
                let outcomes = bank.transfer(&mut batch).expect("answered");
                bank.close().expect("farewell");
                told(&outcomes)
            })
            .await;
        assert_eq!(outcomes, ["done", "done", "leg 0: DebitNotOwn (1002)", "leg 0: CreditNotAllowed (1003)"]);
        world.settle().await;
        let history = history::of_wallet(&world.app, &ann.actor, wallet, &HistoryAsk::default()).await;
        let history = history.expect("the history").items;
        assert_eq!(history.len(), 1);
        let seen = &history[0];
        assert_eq!((seen.kind, seen.amount.amount, seen.balance.amount), (Kind::Bulk, 1_234, 1_234));
        assert!(seen.subject.starts_with("blk_"), "{}", seen.subject);
        assert_eq!(seen.counterparty.name.as_deref(), Some("BKA 银行"));
        bank.running.stop().await;
    });
}

#[test]
fn the_platforms_keys_decide_who_is_let_in() {
    on_each_backend(async |world| {
        city::found(world).await;
        let bank = open(world, "BKB").await;
        let own = bank.client(|client| client.map(|client| *client.welcome())).await.expect("let in");
        let known = institutions::by_code(&world.app, "BKB").await.expect("founded");
        assert_eq!((own.institution, own.holder), (known.number, known.holder));
        assert_eq!((own.vault, own.issuance), (known.vault(), known.issuance()));
        let serial = bank.who.key.public().id().to_owned();
        institutions::revoke_key(&world.app, known.id, &serial).await.expect("revoked");
        let refused = bank.client(|client| client.map(|_| ())).await;
        assert!(matches!(refused, Err(Error::Distrust(Distrust::Refused(Fault::KeyUnknown)))), "{refused:?}");
        bank.running.stop().await;

        let central = open(world, "CB").await;
        let refused = central.client(|client| client.map(|_| ())).await;
        assert!(
            matches!(refused, Err(Error::Distrust(Distrust::Refused(Fault::NotOperating)))),
            "{refused:?}"
        );
        central.running.stop().await;
    });
}

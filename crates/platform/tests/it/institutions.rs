//! Institutions: founded once, issued to within the authorised amount, counted to the fen.

use jialing_crypto::{SigningKey, Suite};
use jialing_platform::id::{IssuanceId, MerchantId, OrganisationId};
use jialing_platform::institutions::{
    self, Direction, Founding, Issuance, IssuanceAsk, IssuanceState, Model, NewInstitution, NewKey, Role,
};
use jialing_platform::wallets::{self, Class};
use jialing_platform::{Code, Money, PageAsk, Result, Tx};

use crate::citizen::Citizen;
use crate::city::{self, AUTHORISED, ISSUED, bank};
use crate::saver::{balanced, found_at_noon};
use crate::world::{World, on_each_backend};

async fn ask(world: &World, code: &str, direction: Direction, number: &str, fen: u64) -> Result<Issuance> {
    let ask = IssuanceAsk { out_issuance_no: number.into(), amount: Money::fen(fen) };
    institutions::request(&world.app, bank(&world.app, code).await, direction, ask, [9; 24]).await
}

#[test]
fn an_institution_is_founded_once() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let before = institutions::all(&world.app).await.expect("readable");
        world.crash().await;
        city::found(world).await;
        assert_eq!(institutions::all(&world.app).await.expect("readable"), before);
        let holders: Vec<_> = before.iter().map(|known| (known.code.as_str(), known.holder)).collect();
        assert_eq!(holders, [("BKA", 1), ("BKB", 2), ("BKC", 3), ("CB", 1)]);
        let listed = institutions::list(&world.app).await.expect("readable");
        let authorised: Vec<_> =
            listed.iter().map(|known| known.authorised.map(|money| money.amount)).collect();
        assert_eq!(authorised, [None, Some(AUTHORISED), Some(AUTHORISED), Some(AUTHORISED)]);
        let central = |code: &str, model| NewInstitution {
            code: code.into(),
            role: Role::Central,
            model,
            name_zh: "行".into(),
            name_en: "Bank".into(),
            authorised: 0,
            keys: Vec::new(),
        };
        for institutions in [
            vec![],
            vec![central("CB", Model::Central), central("CC", Model::Central)],
            vec![central("CB", Model::Deposit)],
            vec![central("c", Model::Central)],
        ] {
            let refused = institutions::establish(&world.app, Founding { institutions }).await;
            assert_eq!(refused.expect_err("not a founding").code, Code::Internal);
        }
    });
}

#[test]
fn issue_and_redemption_stay_within_what_is_authorised_and_there() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let left = AUTHORISED - 3 * ISSUED;
        let check = async |direction, number: &str, fen: u64, reason: Option<&str>| {
            let issuance = ask(world, "BKA", direction, number, fen).await.expect("taken in");
            let expect = if reason.is_some() { IssuanceState::Refused } else { IssuanceState::Success };
            assert_eq!((issuance.state, issuance.reason.as_deref()), (expect, reason), "{number}");
            assert_eq!(issuance.settled_at.is_some(), reason.is_none());
        };
        institutions::authorise(&world.app, "CB", Money::fen(AUTHORISED - left + 1_000)).await.expect("less");
        check(Direction::Issue, "I-1", 1_001, Some("over_authorised")).await;
        check(Direction::Issue, "I-2", 1_000, None).await;
        check(Direction::Issue, "I-3", 1, Some("over_authorised")).await;
        // One request is bounded by `Money::MAX`, so the vault is emptied in two.
        check(Direction::Redeem, "R-0", 2_000, None).await;
        check(Direction::Redeem, "R-1", ISSUED - 999, Some("balance_too_low")).await;
        check(Direction::Redeem, "R-2", ISSUED - 1_000, None).await;
        check(Direction::Issue, "I-4", 5, None).await;
        // Below what is out already: nothing more is issued, and what comes back is taken.
        institutions::authorise(&world.app, "CB", Money::fen(0)).await.expect("nothing more");
        check(Direction::Issue, "I-5", 1, Some("over_authorised")).await;
        check(Direction::Redeem, "R-3", 5, None).await;
        let bank =
            institutions::authorise(&world.app, "BKA", Money::fen(5)).await.expect_err("issues nothing");
        assert_eq!(bank.code, Code::StateConflict);
        balanced(world).await;
    });
}

#[test]
fn a_number_is_carried_out_once_and_belongs_to_its_bank() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let first = ask(world, "BKA", Direction::Issue, "N-1", 100).await.expect("issued");
        assert_eq!(ask(world, "BKA", Direction::Issue, "N-1", 100).await.expect("the same"), first);
        for (direction, fen, field) in
            [(Direction::Issue, 101, "amount"), (Direction::Redeem, 100, "direction")]
        {
            let conflict = ask(world, "BKA", direction, "N-1", fen).await.expect_err("another");
            assert_eq!((conflict.code, conflict.field.as_deref()), (Code::Conflict, Some(field)));
        }
        let other = ask(world, "BKB", Direction::Issue, "N-1", 100).await.expect("another bank's number");
        assert_ne!(other.issuance_id, first.issuance_id);
        let bka = bank(&world.app, "BKA").await;
        let read = institutions::read(&world.app, bka, other.issuance_id).await;
        assert_eq!(read.expect_err("another's").code, Code::NotFound);
        assert_eq!(
            ask(world, "CB", Direction::Issue, "N-2", 1).await.expect_err("the central bank").code,
            Code::Forbidden
        );
        let page =
            institutions::issuances(&world.app, bka, &PageAsk { limit: Some(1), ..PageAsk::default() })
                .await
                .expect("a page");
        assert_eq!((page.items[0].out_issuance_no.as_str(), page.has_more), ("N-1", true));
        let before = PageAsk { before: Some(page.items[0].issuance_id.to_string()), ..PageAsk::default() };
        assert!(institutions::issuances(&world.app, bka, &before).await.expect("a page").items.is_empty());
    });
}

#[test]
fn a_crash_before_or_after_the_money_moved_is_repaired() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let bka = bank(&world.app, "BKA").await;
        // Moved, but no follower has seen it.
        world.stop_followers().await;
        let moved = ask(world, "BKA", Direction::Issue, "C-1", 100).await.expect("taken in");
        assert_eq!(moved.state, IssuanceState::Processing);
        world.crash().await;
        world.settle().await;
        let moved = institutions::read(&world.app, bka, moved.issuance_id).await.expect("there");
        assert_eq!(moved.state, IssuanceState::Success);
        // Written down, but never moved.
        let (id, now) = (IssuanceId::new(world.clock.millis()), world.clock.millis());
        world
            .app
            .db
            .write(async move |tx: &mut Tx| {
                let sql = "INSERT INTO issuances (id, institution_id, out_issuance_no, direction, amount, state, created_at) \
                           VALUES ($1, $2, 'C-2', 'ISSUE', 50, 'PROCESSING', $3)";
                sqlx::query(sql).bind(id).bind(bka).bind(now).execute(&mut *tx).await?;
                Ok(())
            })
            .await
            .expect("written");
        assert_eq!(institutions::repair(&world.app).await.expect("too early"), 0);
        world.clock.advance(6_000);
        assert_eq!(institutions::repair(&world.app).await.expect("repaired"), 1);
        world.settle().await;
        let late = institutions::read(&world.app, bka, id).await.expect("there");
        assert_eq!(late.state, IssuanceState::Success);
        let supply = institutions::supply(&world.app).await.expect("readable");
        let vault = supply.vaults.iter().find(|vault| vault.institution == "BKA").expect("a vault");
        assert_eq!(vault.amount.amount, ISSUED + 150);
    });
}

#[test]
fn the_supply_is_found_to_the_fen() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::identified(world, 1, "李明").await;
        let (central, deposit) = (
            city::wallet(world, &citizen, "BKA", 70_000).await,
            city::wallet(world, &citizen, "BKB", 30_000).await,
        );
        let shop = MerchantId::new(world.clock.millis());
        let organisation = OrganisationId::new(world.clock.millis());
        let shop = wallets::open_for_merchant(&world.app, shop, organisation, "BKB").await.expect("opened");
        city::fund(world, shop, 5_000).await;
        let supply = institutions::supply(&world.app).await.expect("readable");
        assert_eq!(supply.in_circulation.amount, 3 * ISSUED);
        let sums: Vec<_> = supply
            .holders
            .iter()
            .map(|holder| {
                let fen = [
                    holder.issued,
                    holder.redeemed,
                    holder.in_vaults,
                    holder.in_wallets,
                    holder.in_organisations,
                ];
                (holder.institution.as_str(), fen.map(|money| money.amount))
            })
            .collect();
        let none = [0; 5];
        let expect = [
            ("CB", [3 * ISSUED, 0, 3 * ISSUED - 70_000, 70_000, 0]),
            ("BKB", [35_000, 0, 0, 30_000, 5_000]),
            ("BKC", none),
        ];
        assert_eq!(sums, expect);
        assert!(supply.in_wallets.is_empty(), "not counted yet");
        institutions::count(&world.app).await.expect("counted");
        let counted = institutions::supply(&world.app).await.expect("readable").in_wallets;
        let counted: Vec<_> =
            counted.iter().map(|c| (c.institution.as_str(), c.class, c.wallets, c.amount.amount)).collect();
        assert_eq!(
            counted,
            [
                ("BKA", Class::Three, 1, 70_000),
                ("BKB", Class::Three, 1, 30_000),
                ("BKB", Class::Organisation, 1, 5_000)
            ]
        );
        assert_ne!(central, deposit);
        balanced(world).await;
    });
}

#[test]
fn a_key_is_valid_until_it_ends_or_is_revoked() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let id = bank(&world.app, "BKA").await;
        let pem = |suite| SigningKey::generate(suite).public().to_pem();
        let ends = world.clock.millis() + 1_000;
        let mut added = Vec::new();
        for (suite, expires_at) in [(Suite::Ed25519, None), (Suite::Sm2Sm3, Some(ends))] {
            let key = NewKey { public_key: pem(suite), expires_at };
            added.push(institutions::add_key(&world.app, id, key).await.expect("added"));
        }
        let find = async |name: &str, n: usize| {
            institutions::key(&world.app, name, &added[n].serial).await.map(|key| key.suite)
        };
        assert_eq!(find("BKA", 0).await.expect("by code"), Suite::Ed25519);
        assert_eq!(find(&id.to_string(), 1).await.expect("by id"), Suite::Sm2Sm3);
        assert_eq!(find("BKB", 0).await.expect_err("another bank").code, Code::KeyUnknown);
        let (key, code) = institutions::by_serial(&world.app, &added[0].serial).await.expect("by number");
        assert_eq!((key.institution, code.as_str()), (id, "BKA"));
        world.clock.advance(1_000);
        assert_eq!(find("BKA", 1).await.expect_err("ended").code, Code::KeyUnknown);
        institutions::revoke_key(&world.app, id, &added[0].serial).await.expect("revoked");
        institutions::revoke_key(&world.app, id, &added[0].serial).await.expect("revoked already");
        assert_eq!(find("BKA", 0).await.expect_err("revoked").code, Code::KeyUnknown);
        assert_eq!(
            institutions::by_serial(&world.app, "none").await.expect_err("unknown").code,
            Code::KeyUnknown
        );
        let bad = NewKey { public_key: "not a key".into(), expires_at: None };
        assert_eq!(
            institutions::add_key(&world.app, id, bad).await.expect_err("no key").code,
            Code::InvalidRequest
        );
    });
}

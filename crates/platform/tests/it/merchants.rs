//! Merchants: registration, approval, stores and keys.

use jialing_crypto::{SigningKey, Suite};
use jialing_platform::id::{MerchantId, OrganisationId, StoreId};
use jialing_platform::merchants::{self, KeyAsk, RegisterAsk, SettingsAsk, Status, StoreAsk};
use jialing_platform::people::{self, OrganisationAsk};
use jialing_platform::{Code, Money, PageAsk};

use crate::citizen::Citizen;
use crate::city::licence;
use crate::market::{Shop, found};
use crate::world::{World, on_each_backend};

async fn ask(world: &World, owner: &Citizen, n: u32) -> RegisterAsk {
    let organisation = OrganisationAsk { name: format!("嘉陵茶馆{n}"), licence: licence(n) };
    let organisation = people::register(&world.app, &owner.actor, organisation).await.expect("registered");
    RegisterAsk {
        organisation_id: organisation.organisation_id,
        name_zh: "茶馆".into(),
        name_en: "Teahouse".into(),
        mcc: "5813".into(),
        institution: "BKA".into(),
    }
}

#[test]
fn a_merchant_is_registered_once_by_a_verified_representative() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let stranger = Citizen::identified(world, 2, "李明").await;
        let anonymous = Citizen::new(world, 3).await;
        let good = ask(world, &owner, 1).await;
        let app = &world.app;
        let first = merchants::register(app, &owner.actor, good.clone()).await.expect("registered");
        assert_eq!(first.status, Status::Active);
        assert!(first.wallet_id.is_some());
        let again = merchants::register(app, &owner.actor, good.clone()).await.expect("there already");
        assert_eq!(first, again);
        for (by, ask, code, field) in [
            (&anonymous, good.clone(), Code::Forbidden, None),
            (&stranger, good.clone(), Code::NotFound, None),
            (
                &owner,
                RegisterAsk { organisation_id: OrganisationId::new(0), ..good.clone() },
                Code::NotFound,
                None,
            ),
            (
                &owner,
                RegisterAsk { institution: "CB".into(), name_zh: "二店".into(), ..good.clone() },
                Code::InvalidRequest,
                Some("institution"),
            ),
            (
                &owner,
                RegisterAsk { institution: "NONE".into(), ..good.clone() },
                Code::InvalidRequest,
                Some("institution"),
            ),
            (&owner, RegisterAsk { name_en: "Tea".into(), ..good.clone() }, Code::Conflict, Some("name_en")),
            (&owner, RegisterAsk { mcc: "5812".into(), ..good.clone() }, Code::Conflict, Some("mcc")),
            (
                &owner,
                RegisterAsk { institution: "BKB".into(), ..good.clone() },
                Code::Conflict,
                Some("institution"),
            ),
            (&owner, RegisterAsk { mcc: "58a2".into(), ..good.clone() }, Code::InvalidRequest, Some("mcc")),
        ] {
            let problem = merchants::register(app, &by.actor, ask).await.expect_err("refused");
            assert_eq!((problem.code, problem.field.as_deref()), (code, field));
        }
        let second = RegisterAsk { name_zh: "二店".into(), ..good };
        let second =
            merchants::register(app, &owner.actor, second).await.expect("another of the organisation");
        let listed = merchants::list(app, &owner.actor, &PageAsk::default()).await.expect("a page").items;
        assert_eq!(listed.iter().map(|each| each.id).collect::<Vec<MerchantId>>(), [second.id, first.id]);
        assert!(
            merchants::list(app, &stranger.actor, &PageAsk::default())
                .await
                .expect("a page")
                .items
                .is_empty()
        );
        assert_eq!(
            merchants::of(app, &stranger.actor, first.id).await.expect_err("not theirs").code,
            Code::NotFound
        );
    });
}

#[test]
fn every_status_is_reached_and_only_by_its_way() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        world.review_merchants().await;
        let app = &world.app;
        let good = ask(world, &owner, 1).await;
        let pending = merchants::register(app, &owner.actor, good.clone()).await.expect("registered");
        assert_eq!((pending.status, pending.wallet_id), (Status::Pending, None));
        assert_eq!(
            merchants::suspend(app, pending.id, "r", "op").await.expect_err("not active").code,
            Code::StateConflict
        );
        for _ in 0..2 {
            let active = merchants::approve(app, pending.id, "op").await.expect("approved");
            assert_eq!(active.status, Status::Active);
            assert!(active.wallet_id.is_some());
        }
        assert_eq!(
            merchants::refuse(app, pending.id, "r", "op").await.expect_err("active").code,
            Code::StateConflict
        );
        let stopped = merchants::suspend(app, pending.id, "inspection", "op").await.expect("suspended");
        assert_eq!(
            (stopped.status, stopped.status_reason.as_deref()),
            (Status::Suspended, Some("inspection"))
        );
        let back = merchants::approve(app, pending.id, "op").await.expect("approved again");
        assert_eq!(
            (back.status, back.status_reason, back.wallet_id),
            (Status::Active, None, stopped.wallet_id)
        );
        let second = RegisterAsk { name_zh: "二店".into(), ..good };
        let second = merchants::register(app, &owner.actor, second).await.expect("registered");
        let refused = merchants::refuse(app, second.id, "no kitchen", "op").await.expect("refused");
        assert_eq!(refused.status, Status::Refused);
        assert_eq!(
            merchants::approve(app, second.id, "op").await.expect_err("refused").code,
            Code::StateConflict
        );
        let unknown = merchants::approve(app, MerchantId::new(0), "op").await;
        assert_eq!(unknown.expect_err("unknown").code, Code::NotFound);
    });
}

#[test]
fn old_and_new_keys_verify_side_by_side_until_they_end_or_are_revoked() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let stranger = Citizen::identified(world, 2, "李明").await;
        let (app, owner) = (&world.app, &shop.owner.actor);
        let pem = |suite| SigningKey::generate(suite).public().to_pem();
        let ask = |public_key: String, days| KeyAsk { public_key, valid_days: days, ..KeyAsk::default() };
        let (old, new) = (pem(Suite::Ed25519), pem(Suite::Sm2Sm3));
        let old = merchants::register_key(app, owner, shop.id, ask(old, Some(40))).await.expect("registered");
        let again = merchants::register_key(app, owner, shop.id, ask(old.public_key.clone(), None))
            .await
            .expect("there");
        assert_eq!(old, again);
        assert!(old.valid && !old.ends_soon);
        world.clock.advance(11 * 86_400_000);
        let new = merchants::register_key(app, owner, shop.id, ask(new, None)).await.expect("registered");
        let shown = merchants::keys(app, owner, shop.id).await.expect("listed");
        assert_eq!(
            shown.iter().map(|key| (key.serial.as_str(), key.valid, key.ends_soon)).collect::<Vec<_>>(),
            [(new.serial.as_str(), true, false), (old.serial.as_str(), true, true),]
        );
        let known = async |serial: &str| merchants::key(app, shop.id, serial).await.expect("readable");
        for key in [&old, &new] {
            assert_eq!(known(&key.serial).await.expect("valid").to_pem(), key.public_key);
        }
        assert!(merchants::key(app, MerchantId::new(0), &old.serial).await.expect("readable").is_none());
        world.clock.advance(29 * 86_400_000);
        assert!(known(&old.serial).await.is_none(), "its time is over");
        for _ in 0..2 {
            let gone = merchants::revoke_key(app, owner, shop.id, &new.serial).await.expect("revoked");
            assert!(!gone.valid && gone.revoked_at.is_some());
        }
        assert!(known(&new.serial).await.is_none());
        let es256 = pem(Suite::Es256);
        for (by, ask, code) in [
            (owner, ask(new.public_key.clone(), None), Code::StateConflict),
            (owner, ask(es256, None), Code::InvalidRequest),
            (owner, ask("-----BEGIN PUBLIC KEY-----".into(), None), Code::InvalidRequest),
            (owner, ask(pem(Suite::Ed25519), Some(0)), Code::InvalidRequest),
            (owner, ask(pem(Suite::Ed25519), Some(1_826)), Code::InvalidRequest),
            (&stranger.actor, ask(pem(Suite::Ed25519), None), Code::NotFound),
        ] {
            assert_eq!(merchants::register_key(app, by, shop.id, ask).await.expect_err("refused").code, code);
        }
        for _ in 0..10 {
            merchants::register_key(app, owner, shop.id, ask(pem(Suite::Ed25519), None))
                .await
                .expect("one of ten");
        }
        let eleventh = merchants::register_key(app, owner, shop.id, ask(pem(Suite::Ed25519), None)).await;
        assert_eq!(eleventh.expect_err("too many").code, Code::StateConflict);
        let unknown = merchants::revoke_key(app, owner, shop.id, "ffffffffffffffff").await;
        assert_eq!(unknown.expect_err("unknown").code, Code::NotFound);
    });
}

#[test]
fn stores_and_settings_are_the_owners() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let stranger = Citizen::identified(world, 2, "李明").await;
        let (app, owner) = (&world.app, &shop.owner.actor);
        let ask =
            || StoreAsk {
                name: "解放碑店".into(), address: "民权路1号".into(), district: "渝中区".into()
            };
        let id = StoreId::new(world.clock.millis());
        let store = merchants::add_store(app, owner, shop.id, id, ask()).await.expect("added");
        assert_eq!(store, merchants::add_store(app, owner, shop.id, id, ask()).await.expect("there already"));
        let listed = merchants::stores(app, owner, shop.id, &PageAsk::default()).await.expect("a page");
        assert_eq!(listed.items, [store]);
        let bad = StoreAsk { district: "渝\n中".into(), ..ask() };
        let fresh = StoreId::new(world.clock.millis());
        assert_eq!(
            merchants::add_store(app, owner, shop.id, fresh, bad)
                .await
                .expect_err("two lines")
                .field
                .as_deref(),
            Some("district")
        );
        let theirs = merchants::add_store(app, &stranger.actor, shop.id, fresh, ask()).await;
        assert_eq!(theirs.expect_err("not theirs").code, Code::NotFound);
        let above = |fen| SettingsAsk { refund_approval_above: Some(Money::fen(fen)) };
        let set = merchants::set(app, owner, shop.id, above(5_000)).await.expect("set");
        assert_eq!(set.refund_approval_above, Some(Money::fen(5_000)));
        assert_eq!(
            merchants::set(app, owner, shop.id, above(0)).await.expect_err("zero").code,
            Code::AmountInvalid
        );
        assert_eq!(
            merchants::set(app, &stranger.actor, shop.id, above(1)).await.expect_err("not theirs").code,
            Code::NotFound
        );
        let none = merchants::set(app, owner, shop.id, SettingsAsk::default()).await.expect("set");
        assert_eq!(none.refund_approval_above, None);
    });
}

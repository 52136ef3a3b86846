//! The requirements form with an application, and the report without which no key is registered.

use jialing_crypto::{SigningKey, Suite};
use jialing_platform::applications::requirements::{Contact, Product, Scenario, ServerLanguage};
use jialing_platform::applications::{
    self, ApplicationAsk, Business, Correction, CorrectionsAsk, RefuseAsk, Requirements, State,
};
use jialing_platform::id::ApplicationId;
use jialing_platform::merchants::providers::Kind;
use jialing_platform::merchants::{self, KeyAsk};
use jialing_platform::people::{self, OrganisationAsk};
use jialing_platform::{Code, Money};

use crate::applications::submitted;
use crate::citizen::Citizen;
use crate::city::{found, licence};
use crate::market::Shop;
use crate::world::{World, on_each_backend};

fn form() -> Requirements {
    Requirements {
        products: vec![Product::ConsumerCode, Product::Refund],
        scenarios: vec![Scenario::Counter],
        payments_per_day: 1_800,
        payments_per_peak_second: 4,
        average_amount: Money::fen(2_800),
        server_language: ServerLanguage::Python,
        planned_on: "2026-12-31".into(),
        contact: Contact { name: "张工".into(), phone: "13800000077".into(), mail: None },
        note: Some("春节前上线".into()),
    }
}

/// A day that is to come, by the world's clock.
fn soon(world: &World) -> String {
    jialing_platform::clock::rfc3339(world.clock.millis() + 40 * 86_400_000)[..10].to_owned()
}

#[test]
fn requirements_lie_sealed_with_the_application_and_both_sides_see_the_choice() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        world.review_merchants().await;
        let (owner, eve) =
            (Citizen::identified(world, 1, "王掌柜").await, Citizen::identified(world, 2, "伊芙").await);
        let id = submitted(world, &owner, 1, Kind::Merchant).await.id;
        let app = &world.app;
        let form = Requirements { planned_on: soon(world), ..form() };
        let theirs = applications::require(app, &eve.actor, id, form.clone()).await;
        assert_eq!(theirs.expect_err("another's").code, Code::NotFound);
        let bad = Requirements { products: Vec::new(), ..form.clone() };
        let bad = applications::require(app, &owner.actor, id, bad).await.expect_err("nothing to connect");
        assert_eq!(bad.field.as_deref(), Some("products"));
        let late = Requirements { planned_on: "2020-01-01".into(), ..form.clone() };
        let late = applications::require(app, &owner.actor, id, late).await.expect_err("long ago");
        assert_eq!(late.field.as_deref(), Some("planned_on"));
        assert_eq!(applications::get(app, &owner.actor, id).await.expect("own").requirements, None);

        let filled = applications::require(app, &owner.actor, id, form.clone()).await.expect("filled in");
        assert_eq!((filled.requirements.as_ref(), filled.state), (Some(&form), State::Submitted));
        let choice = filled.choice.clone().expect("a choice");
        let products: Vec<Product> = choice.products.iter().map(|one| one.product).collect();
        let fit = [
            Product::DynamicCode,
            Product::ConsumerCode,
            Product::Refund,
            Product::Webhook,
            Product::Reconciliation,
        ];
        assert_eq!(products, fit);
        assert!(choice.guides.contains(&"guides/python-client".to_owned()), "{:?}", choice.guides);
        // The operator sees the same and may ask for more; a change is the whole form.
        assert_eq!(applications::read(app, id).await.expect("for operators"), filled);
        applications::take(app, "li.ming", id).await.expect("taken");
        let corrections = vec![Correction { field: "requirements".into(), note: "峰值偏低".into() }];
        let asked = CorrectionsAsk { corrections };
        applications::return_to(app, "li.ming", id, asked).await.expect("returned");
        let more = Requirements { payments_per_peak_second: 60, note: None, ..form };
        let changed = applications::require(app, &owner.actor, id, more).await.expect("changed");
        assert!(changed.version > filled.version);
        let advised: Vec<String> =
            changed.choice.expect("a choice").advice.into_iter().map(|one| one.rule).collect();
        assert_eq!(advised, ["R5"]);
        let sealed: Vec<u8> =
            sqlx::query_scalar("SELECT requirements FROM applications WHERE requirements IS NOT NULL")
                .fetch_one(app.db.read())
                .await
                .expect("the row");
        assert!(!String::from_utf8_lossy(&sealed).contains("13800000077"), "it lies sealed");
        applications::submit(app, &owner.actor, id).await.expect("again");
        applications::take(app, "li.ming", id).await.expect("taken");
        let no = RefuseAsk { reason: "经营范围不符".into() };
        applications::refuse(app, "li.ming", id, no).await.expect("refused");
        let form = Requirements { planned_on: soon(world), ..self::form() };
        let refused = applications::require(app, &owner.actor, id, form).await;
        assert_eq!(refused.expect_err("it is over").code, Code::StateConflict);
    });
}

#[test]
fn no_key_is_registered_without_a_report_even_where_merchants_need_no_review() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        let key = || KeyAsk {
            public_key: SigningKey::generate(Suite::Ed25519).public().to_pem(),
            ..KeyAsk::default()
        };
        let owner = &shop.owner.actor;
        merchants::register_key(&world.app, owner, shop.id, key()).await.expect("a sandbox asks for none");
        world.leave_the_sandbox().await;
        let refused =
            merchants::register_key(&world.app, owner, shop.id, key()).await.expect_err("no report");
        assert_eq!(refused.code, Code::StateConflict);
        assert_eq!(refused.extra.expect("what is missing")["missing"], "conformance");
    });
}

/// A draft takes the form too: it may come before everything else.
#[test]
fn a_draft_takes_the_form() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let organisation = OrganisationAsk { name: "麻花公司".into(), licence: licence(1) };
        let organisation =
            people::register(&world.app, &owner.actor, organisation).await.expect("registered");
        let business = Business {
            name_zh: "麻花".into(),
            name_en: "Twists".into(),
            mcc: "5812".into(),
            institution: "BKA".into(),
            description: "麻花".into(),
            address: "正街 1 号".into(),
            website: None,
            monthly_volume: Money::fen(5_000_000),
            contact_name: "王掌柜".into(),
            contact_phone: "13800000001".into(),
        };
        let ask =
            ApplicationAsk { organisation_id: organisation.organisation_id, kind: Kind::Provider, business };
        let id = ApplicationId::new(world.clock.millis());
        applications::begin(&world.app, &owner.actor, id, ask).await.expect("begun");
        let form = Requirements { planned_on: soon(world), ..form() };
        let filled = applications::require(&world.app, &owner.actor, id, form).await.expect("filled in");
        assert_eq!(filled.state, State::Draft);
        let choice = filled.choice.expect("a choice");
        assert!(choice.guides.contains(&"guides/service-providers".to_owned()));
        assert_eq!(choice.advice.last().map(|one| one.rule.as_str()), Some("R9"));
    });
}

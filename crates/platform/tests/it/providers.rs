//! Service providers: what a grant opens, and what stays closed.

use jialing_platform::id::MerchantId;
use jialing_platform::merchants::providers::{self, GrantAsk, GrantState, Kind, Scope};
use jialing_platform::merchants::{self, Caller};
use jialing_platform::orders;
use jialing_platform::outbox::{self, EventType, EventsAsk};
use jialing_platform::{Code, PageAsk};

use crate::city::found;
use crate::market::{Payer, Shop};
use crate::world::{World, on_each_backend};

/// A shop that acts for others.
pub async fn provider(world: &World, n: u32) -> Shop {
    let shop = Shop::open(world, n, "BKA").await;
    let made = providers::set_kind(&world.app, shop.id, Kind::Provider, "operator/test").await;
    assert_eq!(made.expect("a merchant").kind, Kind::Provider);
    shop
}

pub fn scopes(scopes: &[Scope]) -> GrantAsk {
    GrantAsk { scopes: scopes.to_vec() }
}

#[test]
fn a_grant_opens_its_scopes_until_it_is_taken_back() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, acting) = (Shop::open(world, 1, "BKB").await, provider(world, 2).await);
        let other = Shop::open(world, 3, "BKB").await;
        let (app, owner) = (&world.app, &shop.owner.actor);
        let may = async |merchant: MerchantId, scope: Scope| {
            providers::may(app, acting.id, merchant, scope).await.map_err(|problem| problem.code)
        };
        assert_eq!(may(shop.id, Scope::OrdersRead).await, Err(Code::Forbidden));
        let ask = scopes(&[Scope::RefundsRead, Scope::OrdersRead, Scope::OrdersRead]);
        let granted = providers::grant(app, owner, shop.id, acting.id, ask.clone()).await.expect("granted");
        assert_eq!((granted.state, granted.version), (GrantState::Active, 1));
        assert_eq!(granted.scopes, [Scope::OrdersRead, Scope::RefundsRead]);
        let again = providers::grant(app, owner, shop.id, acting.id, ask).await.expect("there already");
        assert_eq!(granted, again);
        assert_eq!(may(shop.id, Scope::OrdersRead).await, Ok(()));
        assert_eq!(may(shop.id, Scope::OrdersWrite).await, Err(Code::Forbidden));
        assert_eq!(may(other.id, Scope::OrdersRead).await, Err(Code::Forbidden), "another merchant's data");
        let named = providers::may(app, acting.id, shop.id, Scope::PayoutsWrite).await.expect_err("no scope");
        let extra = named.extra.expect("the scope is named");
        assert_eq!(extra["scope"], "payouts:write");
        let unknown = providers::may(app, acting.id, MerchantId::new(0), Scope::OrdersRead).await;
        let closed = providers::may(app, acting.id, other.id, Scope::OrdersRead).await;
        let words = |outcome: jialing_platform::Result<()>| outcome.expect_err("closed").detail;
        assert_eq!(words(unknown), words(closed), "nobody learns which merchants there are");

        let wider = scopes(&[Scope::OrdersRead, Scope::OrdersWrite]);
        let wider = providers::grant(app, owner, shop.id, acting.id, wider).await.expect("replaced");
        assert_eq!(wider.version, 2);
        assert_eq!(may(shop.id, Scope::RefundsRead).await, Err(Code::Forbidden), "the whole set is replaced");
        let mine = providers::sub_merchants(app, acting.id, &PageAsk::default()).await.expect("a page").items;
        assert_eq!(mine, [wider]);
        assert!(
            providers::sub_merchants(app, other.id, &PageAsk::default())
                .await
                .expect("a page")
                .items
                .is_empty()
        );

        for _ in 0..2 {
            let gone = providers::revoke(app, owner, shop.id, acting.id).await.expect("taken back");
            assert_eq!((gone.state, gone.version), (GrantState::Revoked, 3));
        }
        assert_eq!(may(shop.id, Scope::OrdersRead).await, Err(Code::Forbidden));
        let events = async |merchant| {
            let events = outbox::list(app, merchant, EventsAsk::default()).await.expect("own events").items;
            events.iter().map(|event| event.event).collect::<Vec<_>>()
        };
        let told = [EventType::ProviderRevoked, EventType::ProviderGranted, EventType::ProviderGranted];
        assert_eq!(events(shop.id).await, told);
        assert_eq!(events(acting.id).await, told, "both sides are told");
    });
}

#[test]
fn only_the_owner_grants_and_only_to_an_active_service_provider() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, acting) = (Shop::open(world, 1, "BKB").await, provider(world, 2).await);
        let (app, plain) = (&world.app, Shop::open(world, 3, "BKB").await);
        let ask = || scopes(&[Scope::OrdersRead]);
        let theirs = providers::grant(app, &acting.owner.actor, shop.id, acting.id, ask()).await;
        assert_eq!(theirs.expect_err("a provider that grants itself").code, Code::NotFound);
        let theirs = providers::revoke(app, &plain.owner.actor, shop.id, acting.id).await;
        assert_eq!(theirs.expect_err("a stranger").code, Code::NotFound);
        let owner = &shop.owner.actor;
        let nothing = providers::revoke(app, owner, shop.id, acting.id).await;
        assert_eq!(nothing.expect_err("no grant").code, Code::NotFound);
        for (provider, asked, field) in [
            (plain.id, ask(), "provider_id"),
            (MerchantId::new(0), ask(), "provider_id"),
            (shop.id, ask(), "provider_id"),
            (acting.id, scopes(&[]), "scopes"),
        ] {
            let problem = providers::grant(app, owner, shop.id, provider, asked).await.expect_err(field);
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some(field)));
        }
        providers::grant(app, owner, shop.id, acting.id, ask()).await.expect("granted");
        merchants::suspend(app, acting.id, "inspection", "op").await.expect("suspended");
        let stopped = providers::may(app, acting.id, shop.id, Scope::OrdersRead).await;
        assert_eq!(stopped.expect_err("suspended").code, Code::Forbidden);
        merchants::approve(app, acting.id, "op").await.expect("active again");
        providers::may(app, acting.id, shop.id, Scope::OrdersRead).await.expect("active again");
        providers::set_kind(app, acting.id, Kind::Merchant, "op").await.expect("no provider any more");
        assert!(providers::may(app, acting.id, shop.id, Scope::OrdersRead).await.is_err());
    });
}

#[test]
fn an_order_that_a_provider_makes_is_the_merchants_and_carries_the_provider() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, acting) = (Shop::open(world, 1, "BKB").await, provider(world, 2).await);
        let ann = Payer::with(world, 3, "BKA", 10_000).await;
        let caller = Caller { provider: Some(acting.id), ..shop.caller.clone() };
        let made = orders::create(&world.app, &caller, Shop::ask("p-1", 700)).await.expect("made");
        assert_eq!((made.value.merchant_id, made.value.provider_id), (shop.id, Some(acting.id)));
        let again = orders::create(&world.app, &caller, Shop::ask("p-1", 700)).await.expect("there");
        assert_eq!((again.fresh, again.value.provider_id), (false, Some(acting.id)));
        ann.pay(world, &made.value).await.expect("paid");
        assert_eq!(shop.see(world, made.value.id).await.provider_id, Some(acting.id));
        assert_eq!(
            (shop.holds(world).await, acting.holds(world).await),
            (700, 0),
            "the money is the merchant's"
        );
        let theirs = orders::of(&world.app, acting.id, &orders::Name::Id(made.value.id)).await;
        assert_eq!(theirs.expect_err("not the provider's own").code, Code::NotFound);
        assert_eq!(shop.order(world, "own", 1).await.provider_id, None);
    });
}

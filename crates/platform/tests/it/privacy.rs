//! Consents, what merchants saw, and the copy of one's data.

use jialing_platform::notices::codes::Purpose;
use jialing_platform::notices::{self, NoticeCode};
use jialing_platform::people::{self, AliasAsk};
use jialing_platform::privacy::{self, ConsentsAsk, MAX_ITEMS, Saw};
use jialing_platform::sessions::{self, SignInAsk};
use jialing_platform::{Code, PageAsk, audit};

use crate::citizen::{Citizen, PASSWORD, code, local};
use crate::city::found;
use crate::market::{Payer, Shop};
use crate::transfers::send;
use crate::world::{World, on_each_backend};

async fn sign_in(world: &World, who: &Citizen) {
    let code = code(world, &who.phone, Purpose::SignIn).await;
    let ask = SignInAsk {
        phone: who.phone.clone(),
        password: PASSWORD.into(),
        code: Some(code),
        factor: None,
        device: None,
        new_device: None,
    };
    sessions::sign_in(&world.app, local(), ask).await.expect("signed in");
}

async fn told(world: &World, who: &Citizen) -> Vec<NoticeCode> {
    let page = notices::list(&world.app, &who.actor, &PageAsk::default()).await.expect("own notices");
    page.items.iter().map(|notice| notice.code).collect()
}

#[test]
fn each_consent_is_a_switch_of_its_own_and_its_changes_are_written_down() {
    on_each_backend(async |world: &mut World| {
        let ann = Citizen::with_pin(world, 1).await;
        let app = &world.app;
        // What happens in one millisecond stands in the log in any order.
        let set = async |ask: ConsentsAsk| {
            world.clock.advance(1);
            privacy::set_consents(app, &ann.actor, ask).await.expect("set")
        };
        let first = privacy::consents(app, &ann.actor).await.expect("read");
        assert!(first.payment_alerts && first.sign_in_alerts && !first.marketing && !first.findable_by_phone);
        assert_eq!(first.changed_at, None);
        let same = set(ConsentsAsk { marketing: Some(false), ..ConsentsAsk::default() }).await;
        assert_eq!(same, first, "what is so already is no change");
        let yes = set(ConsentsAsk { marketing: Some(true), ..ConsentsAsk::default() }).await;
        assert!(yes.marketing && yes.payment_alerts && yes.changed_at.is_some());
        let no =
            ConsentsAsk { marketing: Some(false), payment_alerts: Some(false), ..ConsentsAsk::default() };
        let no = set(no).await;
        assert!(!no.marketing && !no.payment_alerts && no.sign_in_alerts);
        let found = set(ConsentsAsk { findable_by_phone: Some(true), ..ConsentsAsk::default() }).await;
        assert!(found.findable_by_phone);
        assert!(people::me(app, &ann.actor).await.expect("me").findable_by_phone);
        world.clock.advance(1);
        people::set_alias(app, &ann.actor, AliasAsk { findable_by_phone: false }).await.expect("hidden");
        assert!(!privacy::consents(app, &ann.actor).await.expect("read").findable_by_phone);
        let log = audit::security_log(app, &ann.actor, &PageAsk::default()).await.expect("the log").items;
        let mut log: Vec<(&str, &str)> = log
            .iter()
            .filter(|one| one.event.starts_with("consent.") || one.event.starts_with("alias."))
            .map(|one| (one.event.as_str(), one.subject.as_str()))
            .collect();
        let person = ann.person.to_string();
        let expect = [
            ("alias.hide", person.as_str()),
            ("alias.show", &person),
            ("consent.withdraw", "marketing"),
            ("consent.withdraw", "payment_alerts"),
            ("consent.give", "marketing"),
        ];
        // Withdrawn by one request.
        log[2..4].sort_unstable();
        assert_eq!(log, expect);
    });
}

#[test]
fn who_wants_no_alerts_reads_of_movements_in_the_application_only() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 1_000).await, Payer::with(world, 2, "BKA", 0).await);
        let off = ConsentsAsk { payment_alerts: Some(false), ..ConsentsAsk::default() };
        privacy::set_consents(&world.app, &bob.citizen.actor, off).await.expect("set");
        send(world, &ann, "t-1", &bob.wallet.to_string(), 100).await.expect("sent");
        notices::send_due(&world.app).await.expect("sent");
        let heard = |who: &Payer, code: NoticeCode| {
            let messages = world.notices.messages();
            messages.iter().any(|one| one.phone == who.citizen.phone && one.template == code.text())
        };
        assert!(heard(&ann, NoticeCode::TransferMade));
        assert!(!heard(&bob, NoticeCode::TransferReceived));
        assert_eq!(told(world, &bob.citizen).await, [NoticeCode::TransferReceived]);
        // Nothing waits to be tried again.
        assert_eq!(notices::send_due(&world.app).await.expect("sent"), 0);
    });
}

#[test]
fn a_sign_in_is_told_to_whoever_wants_to_hear_of_it_and_logged_always() {
    on_each_backend(async |world: &mut World| {
        let ann = Citizen::with_pin(world, 1).await;
        sign_in(world, &ann).await;
        let page = notices::list(&world.app, &ann.actor, &PageAsk::default()).await.expect("own notices");
        let [one] = page.items.as_slice() else { panic!("{page:?}") };
        assert_eq!((one.code, &one.params["event"]), (NoticeCode::Security, &"session.sign_in".into()));
        let off = ConsentsAsk { sign_in_alerts: Some(false), ..ConsentsAsk::default() };
        privacy::set_consents(&world.app, &ann.actor, off).await.expect("set");
        sign_in(world, &ann).await;
        assert_eq!(told(world, &ann).await.len(), 1);
        let log = audit::security_log(&world.app, &ann.actor, &PageAsk::default()).await.expect("the log");
        assert_eq!(log.items.iter().filter(|one| one.event == "session.sign_in").count(), 2);
    });
}

#[test]
fn one_sees_which_merchants_one_paid_and_nobody_else_s() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (noodles, tea) = (Shop::open(world, 1, "BKB").await, Shop::open(world, 2, "BKA").await);
        let (ann, bob) =
            (Payer::with(world, 3, "BKA", 9_000).await, Payer::with(world, 4, "BKC", 9_000).await);
        for (shop, number) in [(&noodles, "o-1"), (&noodles, "o-2"), (&tea, "o-1")] {
            let order = shop.order(world, number, 300).await;
            ann.pay(world, &order).await.expect("paid");
        }
        tea.order(world, "o-2", 300).await;
        let see = async |who: &Payer, page: PageAsk| {
            privacy::seen_by(&world.app, &who.citizen.actor, &page).await.expect("a page")
        };
        let page = see(&ann, PageAsk::default()).await;
        let seen: Vec<_> = page.items.iter().map(|one| (one.merchant_id, one.payments)).collect();
        assert_eq!(seen, [(tea.id, 1), (noodles.id, 2)]);
        assert_eq!(
            (page.items[1].name_zh.as_str(), page.items[1].name_en.as_str()),
            ("小面馆1", "Noodles 1")
        );
        assert_eq!(page.items[1].saw, [Saw::Amount, Saw::Time, Saw::PayerReference]);
        let first = see(&ann, PageAsk { limit: Some(1), ..PageAsk::default() }).await;
        assert_eq!((first.items[0].merchant_id, first.has_more), (tea.id, true));
        let after = Some(tea.id.to_string());
        let next = see(&ann, PageAsk { limit: Some(1), after, ..PageAsk::default() }).await;
        assert_eq!((next.items[0].merchant_id, next.has_more), (noodles.id, false));
        let before = Some(noodles.id.to_string());
        assert_eq!(see(&ann, PageAsk { before, ..PageAsk::default() }).await.items[0].merchant_id, tea.id);
        assert!(see(&bob, PageAsk::default()).await.items.is_empty());
        let bad = PageAsk { after: Some("ord_1".into()), ..PageAsk::default() };
        let problem = privacy::seen_by(&world.app, &ann.citizen.actor, &bad).await.expect_err("no merchant");
        assert_eq!(problem.field.as_deref(), Some("after"));
    });
}

#[test]
fn a_copy_holds_one_s_own_data_masked_and_bounded() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        let (ann, bob) =
            (Payer::with(world, 2, "BKA", 9_000).await, Payer::with(world, 3, "BKC", 9_000).await);
        let order = shop.order(world, "o-1", 300).await;
        ann.pay(world, &order).await.expect("paid");
        send(world, &ann, "t-1", &bob.wallet.to_string(), 1).await.expect("sent");
        for n in 0..=MAX_ITEMS {
            let ask = ConsentsAsk { marketing: Some(n % 2 == 0), ..ConsentsAsk::default() };
            privacy::set_consents(&world.app, &ann.citizen.actor, ask).await.expect("set");
        }
        let copy = privacy::copy(&world.app, &ann.citizen.actor).await.expect("copied");
        assert_eq!((copy.security_log.items.len(), copy.security_log.has_more), (MAX_ITEMS, true));
        assert_eq!((copy.transfers.items.len(), copy.transfers.has_more), (1, false));
        assert_eq!(
            (copy.wallets.len(), copy.devices.items.len(), copy.merchants_paid.items.len()),
            (1, 1, 1)
        );
        assert!(copy.merchants.items.is_empty());
        let text = serde_json::to_string(&copy).expect("JSON");
        let own = crate::citizen::identity_number(2);
        for secret in [ann.citizen.phone.as_str(), &own, &bob.citizen.phone, "李明"] {
            assert!(!text.contains(secret), "{secret}");
        }
        let owner = privacy::copy(&world.app, &shop.owner.actor).await.expect("copied");
        assert_eq!((owner.merchants.items.len(), owner.organisations.items.len()), (1, 1));
        assert!(owner.transfers.items.is_empty() && owner.merchants_paid.items.is_empty());
        let mut copies = 1;
        let problem = loop {
            match privacy::copy(&world.app, &bob.citizen.actor).await {
                Ok(_) => copies += 1,
                Err(problem) => break problem,
            }
        };
        assert!((5..=11).contains(&copies), "{copies}");
        assert_eq!(problem.code, Code::RateLimited);
    });
}

//! Linked bank accounts: pending, signed, ended.

use jialing_platform::links::{self, ConfirmAsk, Link, LinkAsk, LinkState};
use jialing_platform::{Code, PageAsk, Result};

use crate::citizen::Citizen;
use crate::city;
use crate::rails::{Fault, LINK_CODE};
use crate::saver::{Saver, found_at_noon, later, link};
use crate::world::{World, on_each_backend};

async fn start(world: &World, citizen: &Citizen, bank: &str, account: &str) -> Result<Link> {
    let ask = LinkAsk { institution: bank.into(), account_number: account.into() };
    links::start(&world.app, &citizen.actor, ask).await
}

async fn confirm(world: &World, citizen: &Citizen, link: &Link, code: &str) -> Result<Link> {
    links::confirm(&world.app, &citizen.actor, link.link_id, ConfirmAsk { code: code.into() }).await
}

#[test]
fn a_code_of_the_bank_signs_a_link() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::identified(world, 1, "陈储蓄").await;
        let pending = start(world, &citizen, "BKA", "6222020200112233").await.expect("started");
        assert_eq!((pending.state, pending.account_mask.as_str()), (LinkState::Pending, "**** 2233"));
        assert!(pending.sign_before.is_some());
        assert!(!links::has_signed(&world.app, citizen.person).await.expect("readable"));
        let wrong = confirm(world, &citizen, &pending, "000000").await.expect_err("a wrong code");
        assert_eq!((wrong.code, wrong.field.as_deref()), (Code::CodeInvalid, Some("code")));
        let signed = confirm(world, &citizen, &pending, LINK_CODE).await.expect("the right code");
        assert_eq!(signed.state, LinkState::Signed);
        assert!(links::has_signed(&world.app, citizen.person).await.expect("readable"));
        // Again, with whatever code: nothing changes.
        assert_eq!(confirm(world, &citizen, &pending, "1").await.expect("signed already"), signed);
        let taken = start(world, &citizen, "BKA", "6222020200112233").await.expect_err("linked already");
        assert_eq!((taken.code, taken.field.as_deref()), (Code::StateConflict, Some("account_number")));
        // The number of the account is nowhere in the table.
        let kept: Vec<(String, String)> =
            sqlx::query_as("SELECT account_index, account_mask FROM bank_links")
                .fetch_all(world.app.db.read())
                .await
                .expect("readable");
        assert!(kept.iter().all(|(index, mask)| !index.contains("62220202") && !mask.contains("62220202")));
    });
}

#[test]
fn a_bank_that_says_nothing_ends_a_start_and_leaves_a_code_to_be_sent_again() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::identified(world, 1, "陈储蓄").await;
        world.banks["BKA"].order(Fault::RequestLost);
        let lost =
            start(world, &citizen, "BKA", "6222020200112233").await.expect_err("the bank said nothing");
        assert_eq!((lost.code, lost.code.retryable()), (Code::BankUnavailable, true));
        let listed = links::list(&world.app, citizen.person, &PageAsk::default()).await.expect("a page");
        let ends: Vec<_> = listed.items.iter().map(|link| (link.state, link.reason.as_deref())).collect();
        assert_eq!(ends, [(LinkState::Ended, Some("bank_unavailable"))]);
        let pending = start(world, &citizen, "BKA", "6222020200112233").await.expect("started anew");
        world.banks["BKA"].order(Fault::RequestLost);
        let lost = confirm(world, &citizen, &pending, LINK_CODE).await.expect_err("the bank said nothing");
        assert_eq!(lost.code, Code::BankUnavailable);
        let signed = confirm(world, &citizen, &pending, LINK_CODE).await.expect("the same code again");
        assert_eq!(signed.state, LinkState::Signed);
    });
}

#[test]
fn a_link_needs_an_identity_a_bank_and_an_account_number() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let (anonymous, citizen) =
            (Citizen::new(world, 1).await, Citizen::identified(world, 2, "陈储蓄").await);
        let code = async |citizen, bank, account| {
            start(world, citizen, bank, account).await.expect_err("refused").code
        };
        assert_eq!(code(&anonymous, "BKA", "6222020200112233").await, Code::Forbidden);
        assert_eq!(code(&citizen, "BKX", "6222020200112233").await, Code::InvalidRequest);
        assert_eq!(code(&citizen, "CB", "6222020200112233").await, Code::InvalidRequest);
        assert_eq!(code(&citizen, "BKA", "6222").await, Code::InvalidRequest);
        let other = start(world, &citizen, "BKA", "6222020200112233").await.expect("started");
        let read = links::read(&world.app, anonymous.person, other.link_id).await;
        assert_eq!(read.expect_err("another's").code, Code::NotFound);
    });
}

#[test]
fn a_pending_link_gives_way_to_a_new_one_and_to_time() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::identified(world, 1, "陈储蓄").await;
        let first = start(world, &citizen, "BKA", "6222020200112233").await.expect("started");
        let second = start(world, &citizen, "BKA", "6222020200112233").await.expect("started anew");
        let reason = async |link: &Link| {
            let link = links::read(&world.app, citizen.person, link.link_id).await.expect("one's own");
            (link.state, link.reason)
        };
        assert_eq!(reason(&first).await, (LinkState::Ended, Some("superseded".into())));
        let ended = confirm(world, &citizen, &first, LINK_CODE).await.expect_err("over");
        assert_eq!(ended.code, Code::LinkUnusable);
        world.clock.advance(600_000);
        let late = confirm(world, &citizen, &second, LINK_CODE).await.expect_err("too late");
        assert_eq!(late.code, Code::LinkUnusable);
        assert_eq!(reason(&second).await, (LinkState::Ended, Some("not_signed_in_time".into())));
        let third = start(world, &citizen, "BKA", "6222020200112233").await.expect("started again");
        world.clock.advance(600_000);
        assert_eq!(links::repair(&world.app).await.expect("swept"), 1);
        assert_eq!(reason(&third).await, (LinkState::Ended, Some("not_signed_in_time".into())));
    });
}

#[test]
fn a_person_has_so_many_links_and_the_next_after_ending_one() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let citizen = Citizen::identified(world, 1, "陈储蓄").await;
        for n in 0..5 {
            link(world, &citizen, "BKA", &format!("622202020011223{n}")).await;
        }
        let full = start(world, &citizen, "BKB", "6222020200112239").await.expect_err("five already");
        assert_eq!(full.code, Code::StateConflict);
        let list = links::list(&world.app, citizen.person, &PageAsk { limit: Some(2), ..PageAsk::default() })
            .await
            .expect("a page");
        assert!(list.has_more);
        let oldest = PageAsk { after: Some(list.items[1].link_id.to_string()), ..PageAsk::default() };
        assert_eq!(links::list(&world.app, citizen.person, &oldest).await.expect("a page").items.len(), 3);
        let ended = links::end(&world.app, &citizen.actor, list.items[0].link_id).await.expect("ended");
        assert_eq!((ended.state, ended.reason.as_deref()), (LinkState::Ended, Some("by_holder")));
        assert_eq!(
            links::end(&world.app, &citizen.actor, ended.link_id).await.expect("ended already"),
            ended
        );
        start(world, &citizen, "BKB", "6222020200112239").await.expect("room again");
    });
}

#[test]
fn an_ended_link_moves_no_money_and_one_in_use_does_not_end() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        world.banks["BKA"].order(Fault::Later);
        let topup = saver.top_up(world, "T-1", 100).await.expect("taken in");
        let busy = links::end(&world.app, &saver.citizen.actor, saver.link).await.expect_err("in use");
        assert_eq!(busy.code, Code::StateConflict);
        world.banks["BKA"].finish(&topup.topup_id.to_string(), None);
        later(world, 40).await;
        links::end(&world.app, &saver.citizen.actor, saver.link).await.expect("ended");
        assert_eq!(saver.top_up(world, "T-2", 100).await.expect_err("over").code, Code::LinkUnusable);
        assert_eq!(saver.withdraw(world, "W-1", 50).await.expect_err("over").code, Code::LinkUnusable);
        assert_eq!(city::balance(world, saver.wallet).await, 100);
    });
}

//! Identity levels: from a phone to a class, with an identity service that may not answer.

use jialing_platform::id::{IdentityCheckId, OrganisationId};
use jialing_platform::links::{self, ConfirmAsk, LinkAsk};
use jialing_platform::people::{self, CheckState, IdentityAsk, IdentityCheck, Level, OrganisationAsk};
use jialing_platform::wallets::{self, Class};
use jialing_platform::{Code, PageAsk, Problem, Result};

use crate::citizen::{Citizen, identity_number};
use crate::world::{World, on_each_backend};

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("{code} was expected"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

fn ask(n: u32, name: &str) -> IdentityAsk {
    IdentityAsk { level: Level::RemotePhoneId, name: Some(name.into()), id_number: Some(identity_number(n)) }
}

async fn submit(world: &World, citizen: &Citizen, ask: IdentityAsk) -> Result<IdentityCheck> {
    people::submit(&world.app, &citizen.actor, IdentityCheckId::new(world.clock.millis()), ask).await
}

async fn class(world: &World, citizen: &Citizen) -> (Level, Class) {
    let level = people::level(&world.app, citizen.person).await.expect("a person");
    (level, wallets::class_of(&world.app, citizen.person).await.expect("a class"))
}

#[test]
fn a_confirmed_identity_raises_the_level_and_the_class() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        refused(people::latest(&world.app, &citizen.actor).await, Code::NotFound);
        assert_eq!(class(world, &citizen).await, (Level::Anonymous, Class::Four));
        let id = IdentityCheckId::new(world.clock.millis());
        let check = people::submit(&world.app, &citizen.actor, id, ask(1, "李明")).await.expect("confirmed");
        assert_eq!(
            (check.check_id, check.state, check.level),
            (id, CheckState::Verified, Level::RemotePhoneId)
        );
        assert_eq!(class(world, &citizen).await, (Level::RemotePhoneId, Class::Three));
        assert_eq!(
            people::masked_name(&world.app, citizen.person).await.expect("a person").as_deref(),
            Some("*明")
        );
        // The same check again, and another for the same level.
        let again =
            people::submit(&world.app, &citizen.actor, id, ask(1, "李明")).await.expect("done before");
        assert_eq!(again, check);
        refused(submit(world, &citizen, ask(1, "李明")).await, Code::StateConflict);
        assert_eq!(people::latest(&world.app, &citizen.actor).await.expect("a check"), check);
    });
}

#[test]
fn what_does_not_fit_is_refused_without_saying_what() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        world.identity.doubt("张三");
        let problem = refused(submit(world, &citizen, ask(1, "张三")).await, Code::IdentityMismatch);
        assert!(problem.field.is_none() && problem.detail.is_none());
        let check = people::latest(&world.app, &citizen.actor).await.expect("a check");
        assert_eq!((check.state, check.reason.as_deref()), (CheckState::Refused, Some("NO_MATCH")));
        assert_eq!(class(world, &citizen).await, (Level::Anonymous, Class::Four));

        let bad = async |change: fn(&mut IdentityAsk), code: Code, field: &str| {
            let mut ask = ask(1, "李明");
            change(&mut ask);
            let problem = refused(submit(world, &citizen, ask).await, code);
            assert_eq!(problem.field.as_deref(), Some(field), "{problem:?}");
        };
        bad(|ask| ask.name = None, Code::InvalidRequest, "name").await;
        bad(|ask| ask.name = Some("李\n明".into()), Code::InvalidRequest, "name").await;
        bad(|ask| ask.id_number = None, Code::InvalidRequest, "id_number").await;
        bad(|ask| ask.id_number = Some("110105194912310021".into()), Code::InvalidRequest, "id_number").await;
        bad(|ask| ask.level = Level::FaceToFace, Code::Forbidden, "level").await;
        bad(|ask| ask.level = Level::Anonymous, Code::StateConflict, "level").await;
        bad(|ask| ask.level = Level::RemoteBank, Code::StateConflict, "level").await;
    });
}

#[test]
fn an_identity_belongs_to_one_account() {
    on_each_backend(async |world: &mut World| {
        Citizen::identified(world, 1, "李明").await;
        let other = Citizen::new(world, 2).await;
        refused(submit(world, &other, ask(1, "李明")).await, Code::IdentityTaken);
        assert_eq!(class(world, &other).await, (Level::Anonymous, Class::Four));
        submit(world, &other, ask(2, "王芳")).await.expect("their own");
    });
}

#[test]
fn a_check_without_outcome_stays_pending_and_is_asked_again() {
    on_each_backend(async |world: &mut World| {
        let (patient, doubted) = (Citizen::new(world, 1).await, Citizen::new(world, 2).await);
        world.identity.set_silent(true);
        let check = submit(world, &patient, ask(1, "李明")).await.expect("taken in");
        assert_eq!((check.state, check.decided_at.as_deref()), (CheckState::Pending, None));
        submit(world, &doubted, ask(2, "张三")).await.expect("taken in");
        refused(submit(world, &patient, ask(1, "李明")).await, Code::InProgress);
        assert_eq!(class(world, &patient).await, (Level::Anonymous, Class::Four));

        // Asked too early, then in vain with a doubled wait, then over a crash.
        assert_eq!(people::retry_due(&world.app).await.expect("nothing is due"), 0);
        world.clock.advance(5_000);
        assert_eq!(people::retry_due(&world.app).await.expect("both asked"), 2);
        world.clock.advance(5_000);
        assert_eq!(people::retry_due(&world.app).await.expect("not yet"), 0);
        world.crash().await;
        world.identity.set_silent(false);
        world.identity.doubt("张三");
        world.clock.advance(5_000);
        assert_eq!(people::retry_due(&world.app).await.expect("both asked"), 2);
        assert_eq!(people::retry_due(&world.app).await.expect("nothing is left"), 0);
        assert_eq!(class(world, &patient).await, (Level::RemotePhoneId, Class::Three));
        assert_eq!(class(world, &doubted).await, (Level::Anonymous, Class::Four));
        let check = people::latest(&world.app, &doubted.actor).await.expect("a check");
        assert_eq!(check.state, CheckState::Refused);
        // What was submitted is erased from decided checks.
        let kept: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM identity_checks WHERE name IS NOT NULL OR identity_number IS NOT NULL",
        )
        .fetch_one(world.app.db.read())
        .await
        .expect("a count");
        assert_eq!(kept, 0);
    });
}

#[test]
fn a_crash_before_the_wallets_know_is_repaired() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::identified(world, 1, "李明").await;
        // As if the process had ended between raising the level and telling the wallets.
        world
            .app
            .db
            .write(async |tx: &mut jialing_platform::Tx| {
                sqlx::query("UPDATE identity_checks SET applied = 0").execute(&mut *tx).await?;
                Ok(())
            })
            .await
            .expect("changed");
        world.crash().await;
        world.clock.advance(5_000);
        assert_eq!(people::retry_due(&world.app).await.expect("one to finish"), 1);
        assert_eq!(people::retry_due(&world.app).await.expect("none left"), 0);
        assert_eq!(class(world, &citizen).await, (Level::RemotePhoneId, Class::Three));
    });
}

#[test]
fn staff_who_saw_the_document_give_the_highest_level() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        refused(people::confirm_in_person(&world.app, "ins_x", citizen.person).await, Code::StateConflict);
        submit(world, &citizen, ask(1, "李明")).await.expect("confirmed");
        let check = people::confirm_in_person(&world.app, "ins_x", citizen.person).await.expect("raised");
        assert_eq!((check.level, check.state), (Level::FaceToFace, CheckState::Verified));
        assert_eq!(class(world, &citizen).await, (Level::FaceToFace, Class::One));
        refused(people::confirm_in_person(&world.app, "ins_x", citizen.person).await, Code::StateConflict);
    });
}

#[test]
fn a_signed_bank_account_comes_before_class_two() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::identified(world, 1, "李明").await;
        let bank = || IdentityAsk { level: Level::RemoteBank, name: None, id_number: None };
        refused(submit(world, &citizen, bank()).await, Code::LinkUnusable);
        assert_eq!(class(world, &citizen).await, (Level::RemotePhoneId, Class::Three));

        crate::city::found(world).await;
        let account = LinkAsk { institution: "BKA".into(), account_number: "6222020000000001".into() };
        let link = links::start(&world.app, &citizen.actor, account).await.expect("a pending link");
        refused(submit(world, &citizen, bank()).await, Code::LinkUnusable);
        let code = ConfirmAsk { code: crate::rails::LINK_CODE.into() };
        links::confirm(&world.app, &citizen.actor, link.link_id, code).await.expect("signed");
        let id = IdentityCheckId::new(world.clock.millis());
        let check = people::submit(&world.app, &citizen.actor, id, bank()).await.expect("raised");
        assert_eq!((check.level, check.state), (Level::RemoteBank, CheckState::Verified));
        let again = people::submit(&world.app, &citizen.actor, id, bank()).await.expect("done before");
        assert_eq!(again, check);
        assert_eq!(class(world, &citizen).await, (Level::RemoteBank, Class::Two));
        let check = people::confirm_in_person(&world.app, "ins_x", citizen.person).await.expect("raised");
        assert_eq!(check.level, Level::FaceToFace);
        assert_eq!(class(world, &citizen).await, (Level::FaceToFace, Class::One));
    });
}

#[test]
fn identity_checks_have_a_quota() {
    on_each_backend(async |world: &mut World| {
        let citizen = Citizen::new(world, 1).await;
        world.identity.doubt("张三");
        let into_hour = world.clock.millis().rem_euclid(3_600_000);
        world.clock.advance(3_600_000 - into_hour);
        for _ in 0..5 {
            refused(submit(world, &citizen, ask(1, "张三")).await, Code::IdentityMismatch);
        }
        refused(submit(world, &citizen, ask(1, "李明")).await, Code::RateLimited);
    });
}

#[test]
fn a_verified_person_registers_an_organisation_once() {
    on_each_backend(async |world: &mut World| {
        let (boss, other) =
            (Citizen::identified(world, 1, "李明").await, Citizen::identified(world, 2, "王芳").await);
        let anonymous = Citizen::new(world, 3).await;
        let ask = |name: &str, licence: &str| OrganisationAsk { name: name.into(), licence: licence.into() };
        let (name, licence) = ("重庆嘉陵小面馆有限公司", "91350100M000100Y43");
        let problem = refused(
            people::register(&world.app, &anonymous.actor, ask(name, licence)).await,
            Code::Forbidden,
        );
        assert_eq!(problem.extra.expect("told")["level_needed"], "REMOTE_PHONE_ID");
        let problem = refused(
            people::register(&world.app, &boss.actor, ask(name, "91350100M000100Y44")).await,
            Code::InvalidRequest,
        );
        assert_eq!(problem.field.as_deref(), Some("licence"));
        refused(people::register(&world.app, &boss.actor, ask("a\tb", licence)).await, Code::InvalidRequest);

        let made = people::register(&world.app, &boss.actor, ask(name, licence)).await.expect("registered");
        assert_eq!(made.representative, "*明");
        let again = people::register(&world.app, &boss.actor, ask(name, &licence.to_lowercase()))
            .await
            .expect("again");
        assert_eq!(again, made);
        let problem =
            refused(people::register(&world.app, &boss.actor, ask("别的店", licence)).await, Code::Conflict);
        assert_eq!(problem.field.as_deref(), Some("name"));
        let problem =
            refused(people::register(&world.app, &other.actor, ask(name, licence)).await, Code::Conflict);
        assert_eq!(problem.field.as_deref(), Some("licence"));

        let read = people::organisation(&world.app, &boss.actor, made.organisation_id).await.expect("theirs");
        assert_eq!(read, made);
        refused(people::organisation(&world.app, &other.actor, made.organisation_id).await, Code::NotFound);
        refused(people::organisation(&world.app, &boss.actor, OrganisationId::new(0)).await, Code::NotFound);
        let page = people::organisations(&world.app, &boss.actor, &PageAsk::default()).await.expect("a page");
        assert_eq!(page.items, [made]);
        let page =
            people::organisations(&world.app, &other.actor, &PageAsk::default()).await.expect("a page");
        assert!(page.items.is_empty());
    });
}

//! Onboarding: every state, two people, documents that only operators read, and no key without a report.

use jialing_crypto::{SigningKey, Suite};
use jialing_platform::applications::agreement::{self, AcceptAsk};
use jialing_platform::applications::conformance::{self, Passed};
use jialing_platform::applications::{
    self, Application, ApplicationAsk, Business, Correction, CorrectionsAsk, Document, DocumentAsk,
    DocumentKind, ListAsk, RefuseAsk, State, documents,
};
use jialing_platform::devices::{Consent, EvidenceAsk};
use jialing_platform::id::{ApplicationId, FileId, MerchantId};
use jialing_platform::merchants::providers::Kind;
use jialing_platform::merchants::{self, KeyAsk, Status};
use jialing_platform::outbox::{self, EventsAsk};
use jialing_platform::people::{self, OrganisationAsk};
use jialing_platform::{Code, Money, PageAsk, Result, Tx, policies};

use crate::citizen::Citizen;
use crate::city::{found, licence};
use crate::merchant_files::{promise, send};
use crate::world::{World, on_each_backend};

fn business(name: &str) -> Business {
    Business {
        name_zh: name.into(),
        name_en: "Twists".into(),
        mcc: "5812".into(),
        institution: "BKA".into(),
        description: "麻花与点心".into(),
        address: "磁器口正街 1 号".into(),
        website: None,
        monthly_volume: Money::fen(5_000_000),
        contact_name: "王掌柜".into(),
        contact_phone: "13800000001".into(),
    }
}

async fn begin(world: &World, owner: &Citizen, n: u32, kind: Kind) -> Application {
    let organisation = OrganisationAsk { name: format!("麻花公司{n}"), licence: licence(n) };
    let organisation = people::register(&world.app, &owner.actor, organisation).await.expect("registered");
    let ask = ApplicationAsk {
        organisation_id: organisation.organisation_id,
        kind,
        business: business(&format!("麻花{n}")),
    };
    let id = ApplicationId::new(world.clock.millis());
    let begun = applications::begin(&world.app, &owner.actor, id, ask.clone()).await.expect("begun");
    assert_eq!(begun, applications::begin(&world.app, &owner.actor, id, ask).await.expect("there already"));
    assert_eq!(begun.state, State::Draft);
    begun
}

async fn document(
    world: &World,
    owner: &Citizen,
    id: ApplicationId,
    kind: DocumentKind,
    bytes: &[u8],
    content_type: &str,
) -> Result<Document> {
    let ask = DocumentAsk { kind, content_type: content_type.parse().expect("a type"), file: promise(bytes) };
    let file = FileId::new(world.clock.millis());
    documents::promise(&world.app, &owner.actor, id, file, ask).await
}

const PDF: &[u8] = b"%PDF-1.7 the licence of somebody";

async fn all_documents(world: &World, owner: &Citizen, id: ApplicationId) -> Vec<Document> {
    let mut sent = Vec::new();
    for kind in applications::rules::NEEDED {
        let promised = document(world, owner, id, kind, PDF, "application/pdf").await.expect("promised");
        send(world, &promised.upload.as_ref().expect("an address").url, PDF).await.expect("sent");
        sent.push(promised);
    }
    sent
}

pub async fn submitted(world: &World, owner: &Citizen, n: u32, kind: Kind) -> Application {
    let begun = begin(world, owner, n, kind).await;
    all_documents(world, owner, begun.id).await;
    let submitted = applications::submit(&world.app, &owner.actor, begun.id).await.expect("submitted");
    assert_eq!(submitted.state, State::Submitted);
    submitted
}

fn accept(world: &World, owner: &Citizen, id: ApplicationId, sha256: &str) -> AcceptAsk {
    let consent = Consent {
        action: agreement::ACTION,
        subject: id.to_string(),
        document: sha256.into(),
        expires_at: world.clock.millis() + 120_000,
        nonce: jialing_crypto::random::nonce(),
    };
    let text = consent.text().expect("signable");
    let evidence = EvidenceAsk {
        device_id: owner.device,
        nonce: consent.nonce,
        expires_at: consent.expires_at,
        signature: base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            owner.key.sign(text.as_bytes()),
        ),
        passkey: None,
    };
    AcceptAsk { agreement_sha256: sha256.into(), evidence }
}

#[test]
fn an_application_goes_its_way_to_an_active_merchant_with_a_key() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        world.review_merchants().await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let id = submitted(world, &owner, 1, Kind::Provider).await.id;
        let app = &world.app;
        let taken = applications::take(app, "li.ming", id).await.expect("taken");
        assert_eq!(taken.state, State::InReview);
        applications::take(app, "li.ming", id).await.expect("again");
        let corrections = vec![
            Correction { field: "mcc".into(), note: "5462 是面包店".into() },
            Correction { field: "documents.LICENCE".into(), note: "照片不清楚".into() },
        ];
        let ask = CorrectionsAsk { corrections: corrections.clone() };
        let back = applications::return_to(app, "li.ming", id, ask).await.expect("returned");
        assert_eq!((back.state, back.corrections), (State::Returned, corrections));
        let changed = Business { mcc: "5462".into(), ..business("麻花1") };
        let changed = applications::set(app, &owner.actor, id, changed).await.expect("changed");
        assert_eq!((changed.business.mcc.as_str(), changed.state), ("5462", State::Returned));
        let again = applications::submit(app, &owner.actor, id).await.expect("submitted again");
        assert_eq!(again.state, State::Submitted);
        assert_eq!(applications::submit(app, &owner.actor, id).await.expect("nothing changes"), again);
        applications::take(app, "li.ming", id).await.expect("taken");
        for approvals in [1, 1] {
            let first = applications::approve(app, "li.ming", id).await.expect("approved once");
            assert_eq!((first.state, first.approvals), (State::InReview, approvals), "one person is not two");
        }
        let offered = applications::approve(app, "zhao.wei", id).await.expect("approved twice");
        assert_eq!((offered.state, offered.approvals), (State::AgreementPending, 2));
        assert_eq!(applications::approve(app, "zhao.wei", id).await.expect("again"), offered);
        let merchant = offered.merchant_id.expect("registered");
        let registered = merchants::get(app, merchant).await.expect("there");
        assert_eq!((registered.status, registered.kind), (Status::Pending, Kind::Provider));
        let agreement = offered.agreement.expect("offered");
        let text = agreement::text(agreement.version).expect("its text");
        assert_eq!(text.sha256, agreement.sha256);

        let other =
            agreement::accept(app, &owner.actor, id, accept(world, &owner, id, &"00".repeat(32))).await;
        assert_eq!(other.expect_err("another text").code, Code::Conflict);
        let mut forged = accept(world, &owner, id, &text.sha256);
        forged.evidence.signature =
            accept(world, &owner, ApplicationId::new(0), &text.sha256).evidence.signature;
        let forged = agreement::accept(app, &owner.actor, id, forged).await;
        assert_eq!(forged.expect_err("signed for another").code, Code::DeviceSignatureInvalid);
        let ask = accept(world, &owner, id, &text.sha256);
        let active = agreement::accept(app, &owner.actor, id, ask.clone()).await.expect("accepted");
        assert_eq!(active.state, State::Active);
        assert_eq!(agreement::accept(app, &owner.actor, id, ask).await.expect("again"), active);
        let live = merchants::get(app, merchant).await.expect("there");
        assert_eq!(live.status, Status::Active);
        assert!(live.wallet_id.is_some());

        let key = || KeyAsk {
            public_key: SigningKey::generate(Suite::Ed25519).public().to_pem(),
            ..KeyAsk::default()
        };
        let early = merchants::register_key(app, &owner.actor, merchant, key()).await.expect_err("no report");
        assert_eq!(early.code, Code::StateConflict);
        let passed = Passed { sha256: "ab".repeat(32), suite: "jialing-conformance/1".into() };
        let conforming = conformance::keep(app, id, passed.clone(), "operator/li.ming").await.expect("kept");
        assert_eq!(
            conforming.conformance.as_ref().map(|kept| kept.sha256.as_str()),
            Some(passed.sha256.as_str())
        );
        assert_eq!(conformance::keep(app, id, passed, "operator/li.ming").await.expect("again"), conforming);
        merchants::register_key(app, &owner.actor, merchant, key()).await.expect("the first key");

        let states: Vec<_> = applications::states(app, id)
            .await
            .expect("a record")
            .into_iter()
            .map(|(state, _)| state)
            .collect();
        let expected = [
            State::Submitted,
            State::InReview,
            State::Returned,
            State::Submitted,
            State::InReview,
            State::Approved,
            State::AgreementPending,
            State::Active,
        ];
        assert_eq!(states, expected);
        let events = outbox::list(app, merchant, EventsAsk::default()).await.expect("own events").items;
        let mut told: Vec<_> = events.iter().map(|event| event.event.text()).collect();
        told.reverse();
        assert_eq!(
            told,
            [
                "application.submitted",
                "application.taken",
                "application.returned",
                "application.submitted",
                "application.taken",
                "application.approved",
                "application.offered",
                "application.activated",
            ]
        );
        let text = serde_json::to_string(&events).expect("JSON");
        assert!(!text.contains("13800000001") && !text.contains("王掌柜"), "no personal data in events");
    });
}

#[test]
fn a_refused_application_stays_refused_and_every_step_has_its_state() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        world.review_merchants().await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let app = &world.app;
        let draft = begin(world, &owner, 1, Kind::Merchant).await;
        let missing = applications::submit(app, &owner.actor, draft.id).await.expect_err("no documents");
        assert_eq!(missing.field.as_deref(), Some("documents.LICENCE"));
        let conflict = async |outcome: Result<Application>| {
            assert_eq!(outcome.expect_err("not in this state").code, Code::StateConflict);
        };
        let corrections =
            || CorrectionsAsk { corrections: vec![Correction { field: "mcc".into(), note: "x".into() }] };
        conflict(applications::take(app, "li.ming", draft.id).await).await;
        conflict(applications::approve(app, "li.ming", draft.id).await).await;
        conflict(applications::return_to(app, "li.ming", draft.id, corrections()).await).await;
        let sent = all_documents(world, &owner, draft.id).await;
        applications::submit(app, &owner.actor, draft.id).await.expect("submitted");
        conflict(applications::set(app, &owner.actor, draft.id, business("x")).await).await;
        let removed = documents::remove(app, &owner.actor, draft.id, sent[0].id).await;
        assert_eq!(removed.expect_err("submitted").code, Code::StateConflict);
        applications::take(app, "li.ming", draft.id).await.expect("taken");
        conflict(applications::take(app, "zhao.wei", draft.id).await).await;
        let no = || RefuseAsk { reason: "经营范围不符".into() };
        let refused = applications::refuse(app, "zhao.wei", draft.id, no()).await.expect("refused");
        assert_eq!((refused.state, refused.reason.as_deref()), (State::Refused, Some("经营范围不符")));
        conflict(applications::approve(app, "li.ming", draft.id).await).await;
        conflict(applications::submit(app, &owner.actor, draft.id).await).await;
        let passed = Passed { sha256: "ab".repeat(32), suite: "s".into() };
        conflict(conformance::keep(app, draft.id, passed, "x").await).await;
        let id = draft.id;
        conflict(agreement::accept(app, &owner.actor, id, accept(world, &owner, id, "x")).await).await;
        let waiting = ListAsk { state: Some(State::Submitted), ..ListAsk::default() };
        assert!(applications::all(app, &waiting).await.expect("a page").items.is_empty());
        assert_eq!(applications::all(app, &ListAsk::default()).await.expect("a page").items, [refused]);
        for name in ["", "li ming", "li/ming", "\n"] {
            let problem = applications::take(app, name, draft.id).await.expect_err("no name");
            assert_eq!(problem.field.as_deref(), Some("operator"));
        }
        let unknown = applications::take(app, "li.ming", ApplicationId::new(0)).await;
        assert_eq!(unknown.expect_err("unknown").code, Code::NotFound);
    });
}

#[test]
fn an_application_is_its_owners_and_a_document_is_what_it_says_it_is() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let (eve, nobody) = (Citizen::identified(world, 2, "伊芙").await, Citizen::new(world, 3).await);
        let app = &world.app;
        let begun = begin(world, &owner, 1, Kind::Merchant).await;
        let id = begun.id;
        let theirs = |outcome: Result<Application>| {
            assert_eq!(outcome.expect_err("another's").code, Code::NotFound);
        };
        theirs(applications::get(app, &eve.actor, id).await);
        theirs(applications::set(app, &eve.actor, id, business("x")).await);
        theirs(applications::submit(app, &eve.actor, id).await);
        theirs(agreement::accept(app, &eve.actor, id, accept(world, &eve, id, "x")).await);
        assert!(
            applications::list(app, &eve.actor, &PageAsk::default()).await.expect("a page").items.is_empty()
        );
        let ask = ApplicationAsk {
            organisation_id: begun.organisation_id,
            kind: Kind::Merchant,
            business: business("偷"),
        };
        let fresh = || ApplicationId::new(world.clock.millis());
        theirs(applications::begin(app, &eve.actor, fresh(), ask.clone()).await);
        let low = applications::begin(app, &nobody.actor, fresh(), ask.clone()).await.expect_err("unknown");
        assert_eq!(low.code, Code::Forbidden);
        let bad = Business { institution: "NONE".into(), ..business("x") };
        let bad = applications::set(app, &owner.actor, id, bad).await.expect_err("no bank");
        assert_eq!(bad.field.as_deref(), Some("business.institution"));

        let pdf = |bytes: &'static [u8], kind: &'static str| {
            document(world, &owner, id, DocumentKind::Licence, bytes, kind)
        };
        assert_eq!(
            document(world, &eve, id, DocumentKind::Licence, PDF, "application/pdf")
                .await
                .expect_err("another's")
                .code,
            Code::NotFound
        );
        let json = pdf(b"{}", "application/json").await.expect_err("a licence is no report");
        assert_eq!(json.field.as_deref(), Some("content_type"));
        let page = b"<html><script>alert(1)</script>";
        let promised = pdf(page, "application/pdf").await.expect("promised");
        let url = promised.upload.expect("an address").url;
        let disguised = send(world, &url, page).await.expect_err("no PDF");
        assert_eq!(disguised.field.as_deref(), Some("content_type"));
        documents::remove(app, &owner.actor, id, promised.id).await.expect("removed");
        documents::remove(app, &owner.actor, id, promised.id).await.expect("again");
        let gone = send(world, &url, page).await.expect_err("wanted no longer");
        assert_eq!(gone.code, Code::StateConflict);
        let good = pdf(PDF, "application/pdf").await.expect("promised");
        send(world, &good.upload.expect("an address").url, PDF).await.expect("sent");
        let (_, kind, _, mut reader) =
            documents::open(app, "li.ming", id, good.id).await.expect("for an operator");
        assert_eq!((kind, reader.piece().expect("readable")), ("application/pdf", Some(PDF.to_vec())));
        let read: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit_entries WHERE action = 'application.read_document' AND who = 'operator/li.ming'")
            .fetch_one(app.db.read())
            .await
            .expect("counted");
        assert_eq!(read, 1, "who read it is written down");
        let other = begin(world, &eve, 2, Kind::Merchant).await;
        let mixed = documents::open(app, "li.ming", other.id, good.id).await.map(drop);
        assert_eq!(mixed.expect_err("of another application").code, Code::NotFound);
        let most = policies::number(app, "documents_per_application").await.expect("set");
        for _ in 1..most {
            pdf(PDF, "application/pdf").await.expect("in bounds");
        }
        assert_eq!(pdf(PDF, "application/pdf").await.expect_err("too many").code, Code::StateConflict);
        let most = policies::number(app, "applications_unfinished").await.expect("set");
        for n in 1..most {
            let ask = ApplicationAsk { business: business(&format!("店{n}")), ..ask.clone() };
            applications::begin(app, &owner.actor, fresh(), ask).await.expect("in bounds");
        }
        let many = applications::begin(app, &owner.actor, fresh(), ask).await.expect_err("too many");
        assert_eq!(many.code, Code::RateLimited);
    });
}

#[test]
fn a_stop_between_approval_and_offer_or_signature_and_activation_is_finished() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        world.review_merchants().await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let id = submitted(world, &owner, 1, Kind::Merchant).await.id;
        applications::take(&world.app, "li.ming", id).await.expect("taken");
        let change = async |sql: &'static str| {
            let job = async move |tx: &mut Tx| {
                Ok(sqlx::query(sql).bind(id).execute(&mut *tx).await?.rows_affected())
            };
            assert_eq!(world.app.db.write(job).await.expect("changed"), 1);
        };
        change("UPDATE applications SET state = 'APPROVED', first_approver = 'operator/a', second_approver = 'operator/b' WHERE id = $1").await;
        applications::advance(&world.app).await.expect("gone on");
        let offered = applications::read(&world.app, id).await.expect("there");
        assert_eq!(offered.state, State::AgreementPending);
        assert_eq!(offered.merchant_id, Some(MerchantId::from_number(id.number())), "the same number");
        applications::advance(&world.app).await.expect("nothing to do");
        assert_eq!(applications::read(&world.app, id).await.expect("there").state, State::AgreementPending);
        change("UPDATE applications SET accepted_at = 1 WHERE id = $1").await;
        applications::advance(&world.app).await.expect("gone on");
        assert_eq!(applications::read(&world.app, id).await.expect("there").state, State::Active);
    });
}

//! Feedback: whose it is, what lies sealed, what waits at most, and the answer.

use jialing_platform::audit;
use jialing_platform::feedback::{
    self, Feedback, FeedbackAnswerAsk, FeedbackAsk, KEPT_DAYS, ListAsk, MAX_OPEN_OF_MERCHANT, State, Topic,
};
use jialing_platform::id::FeedbackId;
use jialing_platform::outbox::{self, EventType, EventsAsk};
use jialing_platform::{Code, Page};

use crate::city::found;
use crate::market::Shop;
use crate::world::{World, on_each_backend};

fn ask(text: &str) -> FeedbackAsk {
    FeedbackAsk {
        topic: Topic::Fault,
        text: text.into(),
        about: Some("create_order".into()),
        contact: Some("dev@shop.example".into()),
    }
}

fn fresh(world: &World) -> FeedbackId {
    FeedbackId::new(world.clock.millis())
}

fn words(answer: &str) -> FeedbackAnswerAsk {
    FeedbackAnswerAsk { answer: answer.into() }
}

async fn waiting(world: &World) -> Page<Feedback> {
    let open = ListAsk { state: Some(State::Open), limit: Some(100), ..ListAsk::default() };
    feedback::all(&world.app, &open).await.expect("a page")
}

#[test]
fn a_merchant_s_feedback_is_answered_once_and_it_is_told() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, other) = (Shop::open(world, 1, "BKB").await, Shop::open(world, 2, "BKA").await);
        let (app, id) = (&world.app, fresh(world));
        let given =
            feedback::give(app, &shop.caller, id, ask("回调没有到。\n第二天也没有。")).await.expect("given");
        let again =
            feedback::give(app, &shop.caller, id, ask("回调没有到。\n第二天也没有。")).await.expect("again");
        assert_eq!((given.id, given.state, &again), (id, State::Open, &given));
        let open = waiting(world).await.items;
        let [one] = open.as_slice() else { panic!("{open:?}") };
        assert_eq!((one.merchant_id, one.contact.as_deref()), (Some(shop.id), Some("dev@shop.example")));
        assert_eq!(one.sender.as_deref(), Some(format!("{}/{}", shop.id, shop.caller.serial).as_str()));

        let answered = feedback::answer(app, "li.ming", id, words("已修复。")).await.expect("answered");
        assert_eq!((answered.state, answered.answer.as_deref()), (State::Answered, Some("已修复。")));
        assert_eq!(feedback::answer(app, "zhao.wei", id, words("已修复。")).await.expect("again"), answered);
        let other_words =
            feedback::answer(app, "zhao.wei", id, words("别的")).await.expect_err("told already");
        assert_eq!((other_words.code, other_words.field.as_deref()), (Code::Conflict, Some("answer")));
        assert!(waiting(world).await.items.is_empty());
        assert_eq!(feedback::of(app, shop.id, id).await.expect("its own"), answered);
        assert_eq!(feedback::of(app, other.id, id).await.expect_err("another's").code, Code::NotFound);

        let events = outbox::list(app, shop.id, EventsAsk::default()).await.expect("own events").items;
        let told: Vec<_> = events.iter().filter(|one| one.event == EventType::FeedbackAnswered).collect();
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(
            (&told.resource["id"], &told.resource["answer"]),
            (&id.to_string().into(), &"已修复。".into())
        );
        assert!(!told.resource.to_string().contains("dev@shop.example"), "what was written stays sealed");
        audit::seal(app).await.expect("chained");
        audit::verify(app).await.expect("the record holds");

        for (operator, answer, field) in
            [("li ming", "x", "operator"), ("li.ming", "", "answer"), ("li.ming", "a\u{0}b", "answer")]
        {
            let refused = feedback::answer(app, operator, id, words(answer)).await.expect_err(field);
            assert_eq!(refused.field.as_deref(), Some(field));
        }
        let unknown = feedback::answer(app, "li.ming", FeedbackId::new(0), words("x")).await;
        assert_eq!(unknown.expect_err("unknown").code, Code::NotFound);
    });
}

#[test]
fn what_waits_is_bounded_for_each_merchant_and_answers_make_room() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, other) = (Shop::open(world, 1, "BKB").await, Shop::open(world, 2, "BKA").await);
        let app = &world.app;
        let mut ids = Vec::new();
        for n in 0..MAX_OPEN_OF_MERCHANT {
            let id = fresh(world);
            feedback::give(app, &shop.caller, id, ask(&format!("{n}"))).await.expect("given");
            ids.push(id);
        }
        let over =
            feedback::give(app, &shop.caller, fresh(world), ask("x")).await.expect_err("too much waits");
        assert_eq!((over.code, over.retry_after), (Code::RateLimited, Some(3_600)));
        feedback::give(app, &shop.caller, ids[0], ask("0"))
            .await
            .expect("what is there is answered all the same");
        feedback::give(app, &other.caller, fresh(world), ask("x")).await.expect("others have their own room");
        feedback::give_publicly(app, fresh(world), ask("x")).await.expect("and so has the public");
        feedback::answer(app, "li.ming", ids[3], words("谢谢")).await.expect("answered");
        feedback::give(app, &shop.caller, fresh(world), ask("y")).await.expect("there is room again");
    });
}

#[test]
fn public_feedback_lies_sealed_is_nobodys_event_and_is_forgotten_in_time() {
    on_each_backend(async |world: &mut World| {
        let (app, id) = (&world.app, fresh(world));
        let secret = FeedbackAsk { contact: None, about: None, ..ask("13800000001 打不通") };
        feedback::give_publicly(app, id, secret).await.expect("given");
        let said: Vec<u8> = sqlx::query_scalar("SELECT said FROM feedback WHERE merchant IS NULL")
            .fetch_one(app.db.read())
            .await
            .expect("the row");
        assert!(!String::from_utf8_lossy(&said).contains("13800000001"), "it lies sealed");
        let read = feedback::read(app, id).await.expect("there");
        assert_eq!((read.merchant_id, read.sender, read.contact), (None, None, None));
        feedback::answer(app, "li.ming", id, words("已回电")).await.expect("answered");
        let events: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM events")
            .fetch_one(app.db.read())
            .await
            .expect("a count");
        assert_eq!(events, 0);
        for bad in [ask(""), ask(&"字".repeat(feedback::MAX_TEXT + 1)), ask("a\u{202e}b")] {
            let refused = feedback::give_publicly(app, fresh(world), bad).await.expect_err("refused");
            assert_eq!((refused.code, refused.field.as_deref()), (Code::InvalidRequest, Some("text")));
        }
        world.clock.advance(KEPT_DAYS * 86_400_000 - 60_000);
        assert_eq!(feedback::expire(app).await.expect("swept"), 0);
        world.clock.advance(120_000);
        assert_eq!(feedback::expire(app).await.expect("swept"), 1);
        assert_eq!(feedback::read(app, id).await.expect_err("forgotten").code, Code::NotFound);
    });
}

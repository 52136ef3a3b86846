//! Tickets: whose they are, what they may be about, what lies sealed, and the answers.

use futures_util::future::join_all;
use jialing_platform::audit;
use jialing_platform::id::{OrderId, TicketId};
use jialing_platform::notices::{self, NoticeCode};
use jialing_platform::page::ListAsk;
use jialing_platform::people;
use jialing_platform::tickets::{
    self, Author, KEPT_DAYS, MAX_MESSAGES, MAX_OPEN, MAX_TEXT, MessageAsk, State, Ticket, TicketAsk, Topic,
};
use jialing_platform::{Code, PageAsk, Problem, Result};

use crate::citizen::Citizen;
use crate::city::found;
use crate::market::{Payer, Shop};
use crate::transfers::send;
use crate::world::{World, on_each_backend};

const HOUR_MS: i64 = 3_600_000;

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("not refused, expected {code}"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

fn about(topic: Topic, subject: Option<&str>) -> TicketAsk {
    TicketAsk { topic, subject: subject.map(Into::into), text: "我没有买过这个。".into() }
}

fn words(text: &str) -> MessageAsk {
    MessageAsk { text: text.into() }
}

async fn open(world: &World, who: &Citizen, ask: TicketAsk) -> Result<Ticket> {
    tickets::open(&world.app, &who.actor, TicketId::new(world.clock.millis()), ask).await
}

fn said(ticket: &Ticket) -> Vec<(Author, &str)> {
    let messages = ticket.messages.as_deref().expect("one ticket has its messages");
    messages.iter().map(|message| (message.from, message.text.as_str())).collect()
}

#[test]
fn a_question_is_answered_asked_on_and_closed_and_the_person_is_told() {
    on_each_backend(async |world: &mut World| {
        let (ann, eve) = (Citizen::with_pin(world, 1).await, Citizen::with_pin(world, 2).await);
        let (app, id) = (&world.app, TicketId::new(world.clock.millis()));
        let ask = || about(Topic::Question, None);
        let opened = tickets::open(app, &ann.actor, id, ask()).await.expect("opened");
        assert_eq!((opened.id, opened.state, opened.topic), (id, State::Open, Topic::Question));
        assert_eq!(said(&opened), [(Author::You, "我没有买过这个。")]);
        assert_eq!(tickets::open(app, &ann.actor, id, ask()).await.expect("again"), opened);

        let answered = tickets::answer(app, "li.ming", id, words("请说明时间。")).await.expect("answered");
        assert_eq!((answered.state, answered.person_id), (State::Answered, ann.person));
        assert_eq!(answered.person_name, "138****0001");
        let repeated = tickets::answer(app, "li.ming", id, words("请说明时间。")).await.expect("the same");
        assert_eq!(repeated, answered);
        let told = notices::list(app, &ann.actor, &PageAsk::default()).await.expect("own notices").items;
        let told: Vec<_> = told.iter().filter(|one| one.code == NoticeCode::TicketAnswered).collect();
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((&told.subject, told.params.to_string()), (&id.to_string(), "{}".into()));

        let on = join_all((0..4).map(|_| tickets::say(app, &ann.actor, id, words("昨天晚上。")))).await;
        let on = on.into_iter().map(|on| on.expect("written")).next_back().expect("one");
        assert_eq!(on.state, State::Open);
        let all =
            [(Author::You, "我没有买过这个。"), (Author::Staff, "请说明时间。"), (Author::You, "昨天晚上。")];
        assert_eq!(said(&on), all, "what is sent again is there once");

        for stolen in [
            tickets::get(app, &eve.actor, id).await,
            tickets::say(app, &eve.actor, id, words("x")).await,
            tickets::close(app, &eve.actor, id).await,
        ] {
            refused(stolen, Code::NotFound);
        }
        assert!(tickets::list(app, &eve.actor, &PageAsk::default()).await.expect("none").items.is_empty());
        for _ in 0..2 {
            assert_eq!(tickets::close(app, &ann.actor, id).await.expect("closed").state, State::Closed);
        }
        refused(tickets::say(app, &ann.actor, id, words("还有")).await, Code::StateConflict);
        refused(tickets::say(app, &ann.actor, id, words("昨天晚上。")).await, Code::StateConflict);
        refused(tickets::answer(app, "li.ming", id, words("还有")).await, Code::StateConflict);
        let listed = tickets::list(app, &ann.actor, &PageAsk::default()).await.expect("listed").items;
        assert_eq!((listed.len(), listed[0].state, &listed[0].messages), (1, State::Closed, &None));
        audit::seal(app).await.expect("chained");
        audit::verify(app).await.expect("the record holds");
    });
}

#[test]
fn the_desk_sees_what_waits_and_that_it_read_is_written_down() {
    on_each_backend(async |world: &mut World| {
        let ann = Citizen::with_pin(world, 1).await;
        let app = &world.app;
        let first = open(world, &ann, about(Topic::Complaint, None)).await.expect("opened");
        let second = open(world, &ann, about(Topic::LostDevice, Some(&ann.device.to_string()))).await;
        let second = second.expect("opened");
        tickets::answer(app, "li.ming", first.id, words("抱歉。")).await.expect("answered");
        let list = async |state| {
            let ask = ListAsk { state, ..ListAsk::default() };
            let items = tickets::all(app, &ask).await.expect("a page").items;
            assert!(items.iter().all(|ticket| ticket.messages.is_none()));
            items.iter().map(|ticket| ticket.id).collect::<Vec<_>>()
        };
        assert_eq!(list(None).await, [second.id, first.id]);
        assert_eq!(list(Some(State::Open)).await, [second.id]);
        assert_eq!(list(Some(State::Closed)).await, []);
        let read = tickets::read_for(app, "li.ming", first.id).await.expect("read");
        let messages = read.messages.expect("one ticket has its messages");
        assert_eq!(messages[1].operator.as_deref(), Some("li.ming"));
        for _ in 0..2 {
            let closed = tickets::close_for(app, "zhao.wei", first.id).await.expect("closed");
            assert_eq!(closed.state, State::Closed);
        }
        let acts: Vec<(String, String)> =
            sqlx::query_as("SELECT who, action FROM audit_entries WHERE subject = $1 ORDER BY id")
                .bind(first.id)
                .fetch_all(app.db.read())
                .await
                .expect("the audit");
        let acts: Vec<(&str, &str)> = acts.iter().map(|(who, act)| (who.as_str(), act.as_str())).collect();
        let person = ann.person.to_string();
        let expect = [
            (person.as_str(), "ticket.open"),
            ("operator/li.ming", "ticket.answer"),
            ("operator/li.ming", "ticket.read"),
            ("operator/zhao.wei", "ticket.close"),
        ];
        assert_eq!(acts, expect);
        refused(tickets::read_for(app, "li.ming", TicketId::new(0)).await, Code::NotFound);
        refused(tickets::close_for(app, "li.ming", TicketId::new(0)).await, Code::NotFound);
        refused(tickets::answer(app, "li.ming", TicketId::new(0), words("x")).await, Code::NotFound);
        for (operator, text, field) in
            [("li ming", "x", "operator"), ("li.ming", "", "text"), ("li.ming", "a\u{0}b", "text")]
        {
            let problem =
                refused(tickets::answer(app, operator, second.id, words(text)).await, Code::InvalidRequest);
            assert_eq!(problem.field.as_deref(), Some(field));
        }
    });
}

#[test]
fn a_payment_that_is_contested_is_one_s_own() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        let (ann, bob) =
            (Payer::with(world, 2, "BKA", 9_000).await, Payer::with(world, 3, "BKC", 9_000).await);
        let paid = shop.order(world, "o-1", 1_000).await;
        let (open_order, bob_s) =
            (shop.order(world, "o-2", 1_000).await, shop.order(world, "o-3", 700).await);
        ann.pay(world, &paid).await.expect("paid");
        bob.pay(world, &bob_s).await.expect("paid");
        let sent = send(world, &ann, "t-1", &bob.wallet.to_string(), 50).await.expect("sent");
        let check = async |topic, subject: Option<String>, good: bool| {
            let answer = open(world, &ann.citizen, about(topic, subject.as_deref())).await;
            if good {
                assert_eq!(answer.expect("one's own").subject, subject);
            } else {
                let problem = refused(answer, Code::InvalidRequest);
                assert_eq!(problem.field.as_deref(), Some("subject"), "{subject:?}");
            }
        };
        let number = |id: OrderId| Some(id.to_string());
        check(Topic::AskRefund, number(paid.id), true).await;
        check(Topic::ContestPayment, number(paid.id), true).await;
        check(Topic::ContestPayment, Some(sent.id.to_string()), true).await;
        check(Topic::AskRefund, Some(sent.id.to_string()), false).await;
        for topic in [Topic::AskRefund, Topic::ContestPayment] {
            check(topic, None, false).await;
            check(topic, number(open_order.id), false).await;
            check(topic, number(bob_s.id), false).await;
            check(topic, number(OrderId::new(0)), false).await;
            check(topic, Some("<script>".into()), false).await;
        }
        // What came in is nothing that one paid.
        let asked = about(Topic::ContestPayment, Some(&sent.id.to_string()));
        let problem = refused(open(world, &bob.citizen, asked).await, Code::InvalidRequest);
        assert_eq!(problem.field.as_deref(), Some("subject"));
    });
}

#[test]
fn what_is_written_is_bounded() {
    on_each_backend(async |world: &mut World| {
        let ann = Citizen::with_pin(world, 1).await;
        let app = &world.app;
        let long = |most: usize| TicketAsk { text: "字".repeat(most), ..about(Topic::Question, None) };
        for bad in [long(MAX_TEXT + 1), long(0), TicketAsk { text: "a\u{202e}b".into(), ..long(1) }] {
            let problem = refused(open(world, &ann, bad).await, Code::InvalidRequest);
            assert_eq!(problem.field.as_deref(), Some("text"));
        }
        let whole = open(world, &ann, long(MAX_TEXT)).await.expect("just short enough");
        // How often one may write.
        let mut written = 1;
        let problem = loop {
            let answer = tickets::say(app, &ann.actor, whole.id, words(&format!("{written}"))).await;
            match answer {
                Ok(_) => written += 1,
                Err(problem) => break problem,
            }
        };
        assert!((20..=40).contains(&written), "{written}");
        assert_eq!(problem.code, Code::RateLimited);
        assert!(problem.retry_after.is_some());
        // How much a ticket holds: the desk is not counted by the hour.
        for n in written..MAX_MESSAGES {
            tickets::answer(app, "li.ming", whole.id, words(&format!("a{n}"))).await.expect("there is room");
        }
        let full = refused(tickets::answer(app, "li.ming", whole.id, words("x")).await, Code::StateConflict);
        assert!(full.detail.expect("why").contains("full"));
        // How many may be open.
        let mut opened = 1;
        let problem = loop {
            match open(world, &ann, about(Topic::Question, None)).await {
                Ok(_) => opened += 1,
                Err(problem) if problem.code == Code::RateLimited => {
                    world.clock.advance(24 * HOUR_MS);
                }
                Err(problem) => break problem,
            }
        };
        assert_eq!((opened, problem.code), (MAX_OPEN, Code::StateConflict));
        tickets::close(app, &ann.actor, whole.id).await.expect("closed");
        world.clock.advance(24 * HOUR_MS);
        open(world, &ann, about(Topic::Question, None)).await.expect("there is room again");
    });
}

#[test]
fn tickets_lie_sealed_and_go_with_the_person_or_in_time() {
    on_each_backend(async |world: &mut World| {
        let (ann, bob) = (Citizen::with_pin(world, 1).await, Citizen::with_pin(world, 2).await);
        let app = &world.app;
        let secret = TicketAsk { text: "打 13800000001 找我".into(), ..about(Topic::Question, None) };
        let opened = open(world, &ann, secret).await.expect("opened");
        tickets::answer(app, "li.ming", opened.id, words("已致电 13800000001")).await.expect("answered");
        let kept = async || {
            let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT said FROM ticket_messages")
                .fetch_all(app.db.read())
                .await
                .expect("the rows");
            rows
        };
        let rows = kept().await;
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|said| !String::from_utf8_lossy(said).contains("13800000001")), "sealed");
        people::erase(app, "operator", ann.person).await.expect("erased");
        assert!(kept().await.is_empty());
        refused(tickets::read_for(app, "li.ming", opened.id).await, Code::NotFound);

        let other = open(world, &bob, about(Topic::Question, None)).await.expect("opened");
        world.clock.advance(KEPT_DAYS * 24 * HOUR_MS - 60_000);
        assert_eq!(tickets::expire(app).await.expect("swept"), 0);
        world.clock.advance(120_000);
        assert_eq!(tickets::expire(app).await.expect("swept"), 1);
        refused(tickets::get(app, &bob.actor, other.id).await, Code::NotFound);
        assert!(kept().await.is_empty());
    });
}

//! Red packets: money set out is taken once by each, adds up, and comes back.

use futures_util::future::join_all;
use jialing_platform::follow::{self, Follower};
use jialing_platform::history::{self, HistoryAsk};
use jialing_platform::id::WalletId;
use jialing_platform::notices::{self, NoticeCode};
use jialing_platform::red_packets::{
    self, ACTION, ANYONE, Claim, ClaimAsk, Kind, RedPacket, RedPacketAsk, ShareState, State, VALID_MS,
};
use jialing_platform::{Code, Money, PageAsk, Problem, Result, Tx, wallets};

use crate::citizen::{Citizen, PIN};
use crate::city::{balance, found, fund, wallet};
use crate::market::Payer;
use crate::verify::audit_funded;
use crate::world::{World, on_each_backend};

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("not refused, expected {code}"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

fn ask(world: &World, payer: &Payer, number: &str, kind: Kind, fen: u64, shares: u32) -> RedPacketAsk {
    RedPacketAsk {
        out_packet_no: number.into(),
        from_wallet_id: payer.wallet,
        kind,
        amount: Money::fen(fen),
        shares,
        greeting: Some("恭喜发财".into()),
        payee: None,
        pin: Some(PIN.into()),
        evidence: payer.citizen.sign(world, ACTION, ANYONE, fen, number, payer.wallet),
    }
}

async fn give(world: &World, payer: &Payer, asked: RedPacketAsk) -> Result<RedPacket> {
    red_packets::give(&world.app, &payer.citizen.actor, asked).await
}

async fn claim(world: &World, citizen: &Citizen, token: &str) -> Result<Claim> {
    red_packets::claim(&world.app, &citizen.actor, token, ClaimAsk::default()).await
}

async fn read(world: &World, payer: &Payer, packet: &RedPacket) -> RedPacket {
    red_packets::get(&world.app, &payer.citizen.actor, &packet.id.to_string()).await.expect("one's own")
}

#[test]
fn a_lucky_packet_is_taken_once_by_each_and_adds_up() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 10_000).await;
        let (bob, eve) = (Payer::with(world, 2, "BKB", 0).await, Payer::with(world, 3, "BKC", 0).await);
        let asked = ask(world, &ann, "p-1", Kind::Lucky, 1_000, 3);
        let packet = give(world, &ann, asked.clone()).await.expect("given");
        assert_eq!(
            (packet.state, packet.claimed_shares, balance(world, ann.wallet).await),
            (State::Open, 0, 9_000)
        );
        assert_eq!(give(world, &ann, asked.clone()).await.expect("the same"), packet);
        let other = RedPacketAsk { amount: Money::fen(999), ..asked.clone() };
        assert_eq!(refused(give(world, &ann, other).await, Code::Conflict).field.as_deref(), Some("amount"));

        let first = claim(world, &bob.citizen, &packet.token).await.expect("taken");
        assert_eq!(first.state, ShareState::Success);
        assert_eq!(claim(world, &bob.citizen, &packet.token).await.expect("the same"), first);
        assert_eq!(balance(world, bob.wallet).await, first.amount.amount as i64);
        let seen = red_packets::by_token(&world.app, &eve.citizen.actor, &packet.token).await.expect("seen");
        assert_eq!((seen.sender_name.as_str(), seen.claimed_shares, seen.mine), ("*明", 1, None));
        assert_eq!(seen.greeting.as_deref(), Some("恭喜发财"));
        let second = claim(world, &eve.citizen, &packet.token).await.expect("taken");
        // Who gave may take part.
        let third = claim(world, &ann.citizen, &packet.token).await.expect("taken");
        let shares = [&first, &second, &third].map(|claim| claim.amount.amount);
        assert_eq!(shares.iter().sum::<u64>(), 1_000, "{shares:?}");
        let done = read(world, &ann, &packet).await;
        assert_eq!((done.state, done.claimed), (State::Empty, Money::fen(1_000)));
        let claims = done.claims.expect("told to the giver");
        let most = shares.iter().max().copied();
        assert!(claims.iter().all(|taken| taken.best == (Some(taken.amount.amount) == most)), "{claims:?}");
        let late = Payer::with(world, 4, "BKA", 0).await;
        refused(claim(world, &late.citizen, &packet.token).await, Code::StateConflict);
        refused(claim(world, &late.citizen, "no such token").await, Code::NotFound);

        // Both sides' histories and notices say what it was and who gave.
        let all = HistoryAsk::default();
        let page = history::of_wallet(&world.app, &eve.citizen.actor, eve.wallet, &all).await;
        let newest = page.expect("own history").items.remove(0);
        assert_eq!(
            (newest.subject, newest.counterparty.name.as_deref()),
            (second.id.to_string(), Some("*明"))
        );
        let told = notices::list(&world.app, &eve.citizen.actor, &PageAsk::default()).await.expect("notices");
        assert_eq!(told.items[0].code, NoticeCode::RedPacketReceived);
        assert_eq!(told.items[0].params["counterparty"], "*明");
        let report = audit_funded(world).await;
        assert!(report.is_clean(), "{:?}", report.findings);
    });
}

#[test]
fn many_hands_at_once_take_each_share_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKB", 10_000).await;
        let mut people = Vec::new();
        for n in 2..8 {
            people.push(Payer::with(world, n, ["BKA", "BKB", "BKC"][n as usize % 3], 0).await);
        }
        let packet = give(world, &ann, ask(world, &ann, "p-1", Kind::Equal, 401, 4)).await.expect("given");
        // Each tries twice at the same time.
        let tries = people.iter().chain(&people).map(|payer| claim(world, &payer.citizen, &packet.token));
        let answers: Vec<Result<Claim>> = join_all(tries).await;
        let mut taken: Vec<_> =
            answers.iter().filter_map(|answer| answer.as_ref().ok()).map(|claim| claim.id).collect();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), 4);
        for problem in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(problem.code, Code::StateConflict);
        }
        world.settle().await;
        let mut sums = 0;
        for payer in &people {
            sums += balance(world, payer.wallet).await;
        }
        assert_eq!((sums, read(world, &ann, &packet).await.state), (401, State::Empty));
    });
}

#[test]
fn what_nobody_took_comes_back_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKB", 10_000).await, Payer::with(world, 2, "BKC", 0).await);
        let packet = give(world, &ann, ask(world, &ann, "p-1", Kind::Equal, 900, 3)).await.expect("given");
        claim(world, &bob.citizen, &packet.token).await.expect("taken");
        red_packets::return_due(&world.app).await.expect("nothing is due");
        assert_eq!(read(world, &ann, &packet).await.state, State::Open);
        world.clock.advance(VALID_MS);
        let eve = Payer::with(world, 3, "BKA", 0).await;
        refused(claim(world, &eve.citizen, &packet.token).await, Code::StateConflict);
        join_all((0..4).map(|_| red_packets::return_due(&world.app))).await.into_iter().for_each(|done| {
            done.expect("returned");
        });
        red_packets::return_due(&world.app).await.expect("safe to repeat");
        world.settle().await;
        let done = read(world, &ann, &packet).await;
        assert_eq!((done.state, done.returned), (State::Returned, Some(Money::fen(600))));
        assert_eq!((balance(world, ann.wallet).await, balance(world, bob.wallet).await), (9_700, 300));
        // Taken before, it is told still.
        claim(world, &bob.citizen, &packet.token).await.expect("the same");
        let report = audit_funded(world).await;
        assert!(report.is_clean(), "{:?}", report.findings);
    });
}

#[test]
fn a_packet_for_one_is_opened_by_nobody_else() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 10_000).await;
        let (bob, eve) = (Payer::with(world, 2, "BKB", 0).await, Payer::with(world, 3, "BKC", 0).await);
        let to = bob.wallet.to_string();
        let asked = RedPacketAsk {
            payee: Some(to.clone()),
            evidence: ann.citizen.sign(world, ACTION, &to, 520, "p-1", ann.wallet),
            ..ask(world, &ann, "p-1", Kind::Single, 520, 1)
        };
        let packet = give(world, &ann, asked).await.expect("given");
        refused(claim(world, &eve.citizen, &packet.token).await, Code::Forbidden);
        assert_eq!(claim(world, &bob.citizen, &packet.token).await.expect("opened").amount, Money::fen(520));
        // Another's packet is not to be read, nor another's wallet to be filled.
        refused(
            red_packets::get(&world.app, &eve.citizen.actor, &packet.id.to_string()).await,
            Code::NotFound,
        );
        let open = give(world, &ann, ask(world, &ann, "p-2", Kind::Equal, 100, 2)).await.expect("given");
        let into = ClaimAsk { wallet_id: Some(bob.wallet) };
        refused(red_packets::claim(&world.app, &eve.citizen.actor, &open.token, into).await, Code::NotFound);
    });
}

#[test]
fn what_cannot_be_given_is_refused() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 50_000).await;
        let check = async |change: &dyn Fn(&mut RedPacketAsk), code: Code, field: &str| {
            let mut asked = ask(world, &ann, "p-1", Kind::Lucky, 1_000, 3);
            change(&mut asked);
            assert_eq!(refused(give(world, &ann, asked).await, code).field.as_deref(), Some(field));
        };
        check(&|ask| ask.shares = 0, Code::InvalidRequest, "shares").await;
        check(&|ask| ask.shares = 101, Code::InvalidRequest, "shares").await;
        check(&|ask| ask.kind = Kind::Single, Code::InvalidRequest, "shares").await;
        check(&|ask| ask.payee = Some("wal_1".into()), Code::InvalidRequest, "payee").await;
        check(&|ask| ask.amount = Money::fen(2), Code::AmountInvalid, "amount").await;
        check(&|ask| ask.amount = Money::fen(60_001), Code::AmountInvalid, "amount").await;
        check(&|ask| ask.amount = Money::fen(0), Code::AmountInvalid, "amount").await;
        check(&|ask| ask.greeting = Some("\u{202e}".into()), Code::InvalidRequest, "greeting").await;
        check(&|ask| ask.out_packet_no = "p 1".into(), Code::InvalidRequest, "out_packet_no").await;
        // The device signed another amount.
        check(&|ask| ask.amount = Money::fen(999), Code::DeviceSignatureInvalid, "evidence.signature").await;
        let poor = Payer::with(world, 2, "BKB", 10).await;
        refused(give(world, &poor, ask(world, &poor, "p-1", Kind::Equal, 11, 1)).await, Code::BalanceTooLow);
        let failed = red_packets::get(&world.app, &poor.citizen.actor, "p-1").await.expect("kept");
        assert_eq!((failed.state, failed.problem.as_deref()), (State::Fail, Some("balance_too_low")));
        let token = failed.token;
        refused(claim(world, &ann.citizen, &token).await, Code::NotFound);
        assert_eq!(balance(world, ann.wallet).await, 50_000);
    });
}

#[test]
fn a_share_that_a_full_wallet_cannot_take_is_free_again() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 100_000).await;
        let eve = Payer::with(world, 3, "BKC", 0).await;
        let bob = Citizen::with_pin(world, 2).await;
        // Class IV holds at most 10,000 yuan.
        let full: WalletId = wallet(world, &bob, "BKB", 0).await;
        let view = wallets::view(&world.app, bob.person, full).await.expect("one's own");
        let most = view.limits.balance.expect("class IV has a highest balance");
        fund(world, full, most.limit.amount).await;
        let packet = give(world, &ann, ask(world, &ann, "p-1", Kind::Equal, 200, 1)).await.expect("given");
        refused(claim(world, &bob, &packet.token).await, Code::BalanceTooHigh);
        assert_eq!(read(world, &ann, &packet).await.claimed_shares, 0);
        assert_eq!(claim(world, &eve.citizen, &packet.token).await.expect("taken").amount, Money::fen(200));
    });
}

/// Runs a statement on what the tables believe.
async fn believe(world: &World, sql: &'static str) {
    let write = async move |tx: &mut Tx| {
        sqlx::query(sql).execute(&mut *tx).await?;
        Ok(())
    };
    world.app.db.write(write).await.expect("written");
}

async fn shares(world: &World) -> Vec<ShareState> {
    sqlx::query_scalar("SELECT state FROM red_packet_shares ORDER BY place")
        .fetch_all(world.app.db.read())
        .await
        .expect("the rows")
}

#[test]
fn a_crash_between_taking_and_moving_loses_nothing() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKB", 0).await);
        let eve = Payer::with(world, 3, "BKC", 0).await;
        let packet = give(world, &ann, ask(world, &ann, "p-1", Kind::Equal, 700, 2)).await.expect("given");
        assert_eq!(shares(world).await, [ShareState::Free, ShareState::Free]);
        // Bob's share is taken, and then the process ends before the ledger was asked.
        let (person, wallet, now) = (bob.citizen.person, bob.wallet, world.clock.millis());
        let take = async move |tx: &mut Tx| {
            sqlx::query(
                "UPDATE red_packet_shares SET state = 'PROCESSING', person = $1, wallet = $2, claimed_at = $3, tried_at = $3 WHERE place = 0",
            )
            .bind(person)
            .bind(wallet)
            .bind(now)
            .execute(&mut *tx)
            .await?;
            Ok(())
        };
        world.app.db.write(take).await.expect("taken");
        assert_eq!(shares(world).await, [ShareState::Processing, ShareState::Free]);
        // Whoever comes meanwhile gets the other one, and the packet's end waits for the one under way.
        claim(world, &eve.citizen, &packet.token).await.expect("taken");
        world.clock.advance(VALID_MS);
        assert_eq!(read(world, &ann, &packet).await.state, State::Returning);
        red_packets::return_due(&world.app).await.expect("it waits");
        assert_eq!(shares(world).await, [ShareState::Processing, ShareState::Success]);
        world.crash().await;
        red_packets::reconcile(&world.app).await.expect("resumed");
        world.settle().await;
        assert_eq!(claim(world, &bob.citizen, &packet.token).await.expect("mine").amount, Money::fen(350));
        assert_eq!(shares(world).await, [ShareState::Success, ShareState::Success]);
        assert_eq!(read(world, &ann, &packet).await.state, State::Empty);
        let all = [&ann, &bob, &eve].map(|payer| payer.wallet);
        assert_eq!(
            [balance(world, all[0]).await, balance(world, all[1]).await, balance(world, all[2]).await],
            [9_300, 350, 350]
        );
        let report = audit_funded(world).await;
        assert!(report.is_clean(), "{:?}", report.findings);
    });
}

#[test]
fn a_packet_that_nobody_heard_of_is_looked_up_in_the_ledger() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, poor) =
            (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKB", 10).await);
        let filled = give(world, &ann, ask(world, &ann, "p-1", Kind::Equal, 300, 3)).await.expect("given");
        refused(give(world, &poor, ask(world, &poor, "p-2", Kind::Equal, 11, 1)).await, Code::BalanceTooLow);
        // As if both had been accepted a moment ago, and no answer of the ledger had come.
        world.stop_followers().await;
        believe(
            world,
            "UPDATE red_packets SET state = 'ACCEPTED', problem = NULL, ended_at = NULL, record_seq = NULL",
        )
        .await;
        assert_eq!(read(world, &ann, &filled).await.state, State::Accepted);
        refused(claim(world, &poor.citizen, &filled.token).await, Code::NotFound);
        red_packets::reconcile(&world.app).await.expect("looked up");
        let empty = red_packets::get(&world.app, &poor.citizen.actor, "p-2").await.expect("kept");
        assert_eq!((empty.state, empty.problem.as_deref()), (State::Fail, Some("request_timeout")));
        assert_eq!(read(world, &ann, &filled).await.state, State::Accepted, "the follower will open it");
        follow::rebuild(&world.app, Follower::Settlement).await.expect("set back");
        world.crash().await;
        world.settle().await;
        assert_eq!(read(world, &ann, &filled).await.state, State::Open);
        claim(world, &poor.citizen, &filled.token).await.expect("taken");
        world.clock.advance(VALID_MS);
        red_packets::return_due(&world.app).await.expect("returned");
        world.settle().await;
        assert_eq!(read(world, &ann, &filled).await.state, State::Returned);
        assert_eq!(shares(world).await.iter().filter(|state| **state == ShareState::Returned).count(), 2);
        assert_eq!((balance(world, ann.wallet).await, balance(world, poor.wallet).await), (9_900, 110));
    });
}

//! Giving a red packet, and taking back what nobody took.

use std::time::Duration;

use jialing_crypto::random;
use jialing_engine::SubmitError;
use jialing_ledger::{Command, Group, Why};
use tokio::task::JoinHandle;

use super::store::{self, Row};
use super::{ACTION, ANYONE, RedPacket, RedPacketAsk, State, VALID_MS, claim, pot, rules, view};
use crate::id::{RedPacketId, WalletId};
use crate::kind::Kind;
use crate::sessions::Actor;
use crate::transfers::payees;
use crate::wallets::{self, Attempt, Movement, Owner, Side};
use crate::{App, Code, Problem, Result, Tx, background, devices, payments, pins, policies};

/// How long an accepted packet, or a share under way, may be silent before it is looked at,
/// milliseconds. Far longer than the engine takes to answer.
pub(crate) const SILENT_MS: i64 = 60_000;
/// Between two tries to give back what a wallet could not take, milliseconds.
const RETURN_AGAIN_MS: i64 = 60_000;
/// How often what is silent or over is looked for.
const EVERY: Duration = Duration::from_secs(5);
/// Packets or shares looked at in one round.
const BATCH: i64 = 200;
/// Which of a packet's sixteen numbers the movement back begins with.
pub(super) const BACK: u128 = 8;

/// Gives a red packet.
///
/// Sent again it answers the packet as it stands; money moves once.
///
/// # Errors
/// `conflict`, naming the field, where the number was used for another packet; `not_found` for a wallet
/// that is not the actor's; `payee_unknown`; those of device evidence and the PIN; what the ledger
/// refused, with the limit and what is left.
pub async fn give(app: &App, actor: &Actor, ask: RedPacketAsk) -> Result<RedPacket> {
    let most = u64::try_from(policies::number(app, "red_packet_share_most").await?).unwrap_or(0);
    let amount = rules::check(&ask, most)?;
    if let Some(row) = store::numbered(app, actor.person, &ask.out_packet_no).await? {
        same(app, &row, &ask)?;
        return again(app, row).await;
    }
    let from = wallets::of(app, actor.person, ask.from_wallet_id).await?;
    from.may_pay()?;
    let for_person = match &ask.payee {
        Some(payee) => match payees::resolve(app, actor, payee).await?.owner {
            Owner::Person(person) => Some(person),
            Owner::Organisation(_) => return Err(Problem::new(Code::PayeeUnknown).field("payee")),
        },
        None => None,
    };
    let evidence = devices::Evidence {
        action: ACTION,
        payee: ask.payee.clone().unwrap_or_else(|| ANYONE.into()),
        amount: ask.amount,
        subject: ask.out_packet_no.clone(),
        wallet: ask.from_wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    pins::require_unless(app, actor, signed.by_passkey(), ask.pin.as_deref(), amount).await?;
    let now = app.clock.millis();
    let (id, token) = (RedPacketId::new(now), random::token());
    let new = store::New {
        id,
        person: actor.person,
        payee_hash: ask.payee.as_deref().map(|payee| payees::hash(app, payee)),
        for_person,
        token_hash: claim::hash(app, &token),
        token: app.seal.seal(token.as_bytes(), store::token_place(id).as_bytes()),
        greeting: ask
            .greeting
            .as_ref()
            .map(|text| app.seal.seal(text.as_bytes(), store::greeting_place(id).as_bytes())),
        shares: rules::shares(ask.kind, amount, u64::from(ask.shares), most, &mut rules::draw),
        now,
        expires_at: now + VALID_MS,
        ask: ask.clone(),
    };
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let digest = signed.keep(tx).await?.digest;
            store::accept(tx, &new, digest).await
        })
        .await?;
    // The same number may have been accepted a moment ago by the same request sent twice.
    same(app, &row, &ask)?;
    again(app, row).await
}

/// Compares a request with the packet that has its number.
fn same(app: &App, row: &Row, ask: &RedPacketAsk) -> Result<()> {
    let greeting = row
        .greeting
        .as_deref()
        .map(|sealed| store::open(app, sealed, &store::greeting_place(row.id)))
        .transpose()?;
    Problem::conflict_if(
        [
            ("from_wallet_id", row.wallet != ask.from_wallet_id),
            ("kind", row.kind != ask.kind),
            ("amount", row.amount.unsigned_abs() != ask.amount.amount),
            ("shares", row.shares != i64::from(ask.shares)),
            ("greeting", greeting != ask.greeting),
            ("payee", row.payee_hash != ask.payee.as_deref().map(|payee| payees::hash(app, payee))),
        ],
        |field| format!("Another red packet has this number; its `{field}` differs."),
    )
}

/// Goes on with a packet that is under way, and answers it as it stands.
async fn again(app: &App, row: Row) -> Result<RedPacket> {
    let id = row.id;
    if row.state == State::Accepted {
        fill(app, row).await?;
    }
    let row = store::find(app, id).await?.ok_or(Problem::new(Code::NotFound))?;
    view::shown(app, row, false).await
}

/// Moves the money into the packet. Safe to repeat: the ledger moves it once.
async fn fill(app: &App, row: Row) -> Result<()> {
    let (id, now) = (row.id, app.clock.millis());
    if !app.db.write(async move |tx: &mut Tx| store::tried(tx, id, now).await).await? {
        return Ok(());
    }
    let wallet = wallets::find(app, row.wallet).await?;
    let payer = wallet.account();
    let payee = pot::beside(&payer);
    pot::open(app, &payer).await?;
    let amount = row.amount.unsigned_abs();
    let digest = row
        .digest
        .as_slice()
        .try_into()
        .map_err(|_| Problem::internal("a kept digest is not 24 bytes long"))?;
    let movement =
        Movement { id: id.number(), kind: Kind::RedPacket, amount, digest, meters: &wallet.meters() };
    let legs = wallets::legs(&payer, &payee, &movement);
    match app.engine.submit(Command::Transfer(Group { legs })).await {
        Ok(outcome) => {
            payments::passed(app, &outcome).await;
            Ok(())
        }
        // An earlier try, with other meters, has moved the money: the follower says so.
        Err(SubmitError::Refused(refusal)) if refusal.why == Why::IdTaken => Ok(()),
        Err(SubmitError::Refused(refusal)) => {
            let attempt = Attempt { payer: &payer, payee: &payee, amount, asks: Side::Payer };
            let problem = wallets::refused(app, &refusal, &attempt).await;
            fail(app, id, problem.code, i64::MAX).await?;
            Err(problem)
        }
        Err(error) => Err(wallets::stopped(error)),
    }
}

async fn fail(app: &App, id: RedPacketId, code: Code, tried_before: i64) -> Result<()> {
    let now = app.clock.millis();
    app.db.write(async move |tx: &mut Tx| store::fail(tx, id, code.text(), tried_before, now).await).await
}

/// Ends packets that were accepted and not heard of since `before`: the ledger knows whether the money
/// moved. If it did, the follower has opened or will open them.
async fn resolve(app: &App, before: i64, most: i64) -> Result<()> {
    for row in store::silent(app, before, most).await? {
        if app.engine.transfer(row.id.number()).await.map_err(Problem::internal)?.is_none() {
            fail(app, row.id, Code::RequestTimeout, before).await?;
        }
    }
    Ok(())
}

/// Goes on with what was stopped while nobody else is at work on it. Run at the start, before requests.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn reconcile(app: &App) -> Result<()> {
    resolve(app, i64::MAX, i64::MAX).await?;
    claim::resume(app, i64::MAX, i64::MAX).await
}

/// Gives back what nobody took of packets that are over. Each goes back once, however often and wherever
/// this runs: under a number that follows from the packet's.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn return_due(app: &App) -> Result<()> {
    let now = app.clock.millis();
    for id in store::over(app, now, BATCH).await? {
        app.db.write(async move |tx: &mut Tx| store::close(tx, id, now).await).await?;
    }
    for row in store::returning(app, now - RETURN_AGAIN_MS, BATCH).await? {
        give_back(app, row).await?;
    }
    Ok(())
}

async fn give_back(app: &App, row: Row) -> Result<()> {
    let (id, now) = (row.id, app.clock.millis());
    let own = wallets::find(app, row.wallet).await?;
    let to = match own.may_receive() {
        Ok(()) => own.clone(),
        // Another wallet of the sender's, if there is one; else it waits.
        Err(_) => match wallets::receiving(app, row.person).await {
            Ok(other) => other,
            Err(problem) if problem.code == Code::PayeeUnknown => own.clone(),
            Err(problem) => return Err(problem),
        },
    };
    let wallet: WalletId = to.id;
    if !app.db.write(async move |tx: &mut Tx| store::return_tried(tx, id, wallet, now).await).await? {
        return Ok(());
    }
    let movement = Movement {
        id: id.number() | BACK,
        kind: Kind::RedPacketReturn,
        amount: row.returned.unsigned_abs(),
        digest: [0; 24],
        meters: &[],
    };
    let legs = wallets::legs(&pot::beside(&own.account()), &to.account(), &movement);
    match app.engine.submit(Command::Transfer(Group { legs })).await {
        Ok(outcome) => {
            payments::passed(app, &outcome).await;
            Ok(())
        }
        Err(SubmitError::Refused(refusal)) => {
            tracing::warn!(packet = %id, %refusal, "a red packet's rest waits for its sender's wallet");
            Ok(())
        }
        Err(error) => Err(wallets::stopped(error)),
    }
}

/// Looks after red packets for as long as the handle lives: resolves what is silent, moves shares that
/// were taken, gives back what is over.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "red packets could not be looked after", |app| async move {
        let silent = app.clock.millis() - SILENT_MS;
        resolve(&app, silent, BATCH).await?;
        claim::resume(&app, silent, BATCH).await?;
        return_due(&app).await
    })
}

//! What a bank's payroll program does, step by step.

use std::error::Error;
use std::io::Write;

use jialing_crypto::SigningKey;
use jialing_sdk::Public;
use jialing_sdk::bulk::{
    AccountKind, Batch, Client, Id, Leg, LegOp, NewAccount, Outcome, Who, account, transfer,
};

/// People who are paid.
pub(crate) const STAFF: u64 = 1000;
/// What each of them gets, in fen: 5.00 yuan, for this is an example.
const SALARY: u64 = 500;
/// The bank's account that salaries come from.
const PAYROLL: u128 = 1_000_000;
/// The month, as the bank numbers its payrolls.
const MONTH: u128 = 202_611;

/// What there is at the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Salaries that were paid.
    pub paid: usize,
    /// Those of the second sending, which had been paid before.
    pub already: usize,
    /// What is left in the payroll account, in fen.
    pub left: i64,
}

/// Pays the salaries of bank `code`, which signs with `key`, on the platform at `url`.
pub(crate) async fn tell(
    url: &str,
    code: &str,
    key: SigningKey,
    out: &mut impl Write,
) -> Result<Ending, Box<dyn Error>> {
    // A real bank keeps the platform's keys and the door's address in its own settings.
    let public = Public::new(url);
    let platform = public.platform_keys().await?;
    let door = public.status().await?.bulk.ok_or("this platform takes no bulk work")?;
    let who = Who::new(code, key, platform);
    // The client blocks its thread, so it gets one.
    let (ending, said) = tokio::task::spawn_blocking(move || {
        let mut said = Vec::new();
        pay(&door, &who, &mut said).map(|ending| (ending, said)).map_err(|error| error.to_string())
    })
    .await??;
    out.write_all(&said)?;
    Ok(ending)
}

fn pay(door: &str, who: &Who, out: &mut impl Write) -> Result<Ending, Box<dyn Error>> {
    let mut bank = Client::connect(door, who)?;
    let (own, kind) = (bank.welcome().institution, bank.welcome().kind);
    writeln!(out, "connected to {door} as bank {own}")?;

    // Opening what is open already is no error, so a program can do it every time.
    let person = |n: u64| account(own, PAYROLL + 1 + u128::from(n));
    let open = |id: Id| NewAccount { id, kind: AccountKind::Organisation, currency: 156, max: i64::MAX };
    let accounts: Vec<_> =
        std::iter::once(open(account(own, PAYROLL))).chain((0..STAFF).map(|n| open(person(n)))).collect();
    all_done(&bank.open(&accounts)?)?;
    writeln!(out, "{} accounts are open", accounts.len())?;

    // The number of a transfer follows from what it is for: this month's funding, this person's salary.
    let leg = |number: u128, debit: Id, credit: Id, amount: u64| Leg {
        id: transfer(own, MONTH << 32 | number, 0),
        op: LegOp::Plain { debit, credit, amount },
        kind,
        digest: [0; 24],
        meters: [0; 4],
    };
    let mut batch = Batch::new();
    batch.leg(&leg(0, bank.welcome().vault, account(own, PAYROLL), STAFF * SALARY + 10_000))?;
    for n in 0..STAFF {
        batch.leg(&leg(1 + u128::from(n), account(own, PAYROLL), person(n), SALARY))?;
    }
    let first = bank.transfer(&mut batch)?;
    all_done(&first)?;
    writeln!(out, "{} transfers are durable", first.len())?;

    // The line went dead before the answer came? The same batch again, over any connection.
    bank.close()?;
    let mut bank = Client::connect(door, who)?;
    let again = bank.transfer(&mut batch)?;
    let already = again.iter().filter(|outcome| matches!(outcome, Outcome::Already { .. })).count();
    writeln!(out, "{already} of {} were done already; nobody is paid twice", again.len())?;

    // One bad line says which and why, and the others are paid.
    batch.clear();
    batch.leg(&leg(5000, account(own, PAYROLL), person(0), 1_000_000))?;
    batch.leg(&leg(5001, account(own, PAYROLL), person(1), SALARY))?;
    for (line, outcome) in bank.transfer(&mut batch)?.iter().enumerate() {
        writeln!(out, "bonus {line}: {outcome:?}")?;
    }

    let balances = bank.balances(&[account(own, PAYROLL), person(0), person(1)])?;
    writeln!(
        out,
        "left {} fen; the first two have {} and {}",
        balances[0].balance, balances[1].balance, balances[2].balance
    )?;
    bank.close()?;
    Ok(Ending { paid: first.len() - 1, already, left: balances[0].balance })
}

fn all_done(outcomes: &[Outcome]) -> Result<(), String> {
    let refused = outcomes.iter().enumerate().find_map(|(line, outcome)| match outcome {
        Outcome::Refused(refused) => Some(format!("line {line}: {refused}")),
        _ => None,
    });
    refused.map_or(Ok(()), Err)
}

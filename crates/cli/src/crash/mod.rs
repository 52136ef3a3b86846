//! `jialing crash`: kills a platform under load, again and again, and looks for lost or doubled money.
//!
//! Each round: people and shops act at once through the public API; at a moment drawn from the seed
//! the platform dies by SIGKILL; the folder it left is audited whole; it starts again; and then every
//! act is asked about. What was acknowledged must be there with its amount, what was not must have
//! come to a definite end, and every wallet must hold exactly what these ends add up to: an act done
//! twice, or done and forgotten, cannot hide. The public money supply must agree as well.

mod child;
mod load;
mod truth;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jialing_sandbox::city::Dice;

use crate::house::asked_to_stop;
use crate::verify::{Audit, audit};
use crate::{Done, runtime};
use child::Child;
use load::{Answer, Book, Deed, Street};
use truth::Ends;

/// When the platform dies, milliseconds into the load.
const DEATH_MS: (u64, u64) = (20, 600);
/// Rounds from one line of progress to the next.
const TELL_EVERY: u32 = 10;

/// Arguments of `jialing crash`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Times to kill it
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
    /// What the moments of death and the acts are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder of the platform that is killed; it stays, whatever is found
    #[arg(long, default_value = "data/crash")]
    data: PathBuf,
    /// Acts under way at once
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    lanes: u16,
}

/// What all rounds came to.
#[derive(Default)]
struct Tally {
    acknowledged: u64,
    /// What was refused, by code.
    refused: BTreeMap<String, u64>,
    /// Acts whose answer was lost, and that did happen.
    lost_done: u64,
    /// Acts whose answer was lost, and that did not.
    lost_not_done: u64,
    records: u64,
    /// The longest that an act took to come to its end after a restart, and what it was.
    slowest: (Duration, String),
}

pub(crate) fn run(args: &Args) -> Done {
    crate::log::start_quiet();
    let done = runtime()?.block_on(async {
        // Stopped by somebody, it must not leave a platform running: dropped, the child dies.
        tokio::select! {
            done = rounds(args) => done,
            asked = asked_to_stop() => asked.and(Err("stopped before the last round".into())),
        }
    });
    done.map_err(|what| format!("{what}\n{} is kept as it was found", args.data.display()))?;
    Ok(ExitCode::SUCCESS)
}

async fn rounds(args: &Args) -> Result<(), String> {
    let mut dice = Dice::for_part(args.seed, "moments of death");
    let (mut tally, mut kept) = (Tally::default(), Vec::new());
    let mut child = Child::start(&args.data, args.seed)?;
    for round in 1..=args.rounds {
        let after_ms = dice.between(DEATH_MS.0, DEATH_MS.1);
        let wrong =
            |what: String| format!("round {round} (seed {}, killed after {after_ms} ms): {what}", args.seed);
        child = self::round(args, round, after_ms, child, &mut tally, &mut kept).await.map_err(wrong)?;
        if round % TELL_EVERY == 0 || round == args.rounds {
            println!(
                "round {round} of {}: {} acknowledged, {} lost answers resolved, {} records, all sound",
                args.rounds,
                tally.acknowledged,
                tally.resolved(),
                tally.records
            );
        }
    }
    // What was acknowledged in the first round must still be there after the last.
    let street = Arc::new(Street::open(&args.data, &child.url).await?);
    truth::still_there(&street, &kept).await?;
    child.stop()?;
    if tally.acknowledged == 0 {
        return Err("nothing was ever acknowledged, so nothing was tried: the load does not work".into());
    }
    println!(
        "the slowest act came to its end {:.1} s after a restart: {}",
        tally.slowest.0.as_secs_f64(),
        tally.slowest.1
    );
    println!(
        "of the lost answers {} had been carried out, {} had not; refused by the rules: {:?}",
        tally.lost_done, tally.lost_not_done, tally.refused
    );
    println!(
        "{} rounds, {} acknowledged, {} lost answers resolved, 0 lost, 0 twice",
        args.rounds,
        tally.acknowledged,
        tally.resolved()
    );
    Ok(())
}

impl Tally {
    const fn resolved(&self) -> u64 {
        self.lost_done + self.lost_not_done
    }
}

/// One round: load, death, audit, restart, and the truth about every act.
async fn round(
    args: &Args,
    round: u32,
    after_ms: u64,
    child: Child,
    tally: &mut Tally,
    kept: &mut Vec<Deed>,
) -> Result<Child, String> {
    let street = Arc::new(Street::open(&args.data, &child.url).await?);
    let before = truth::holdings(&street).await?;
    let book = Arc::new(Book::default());
    let lanes: Vec<_> = (0..args.lanes)
        .map(|lane| {
            tokio::spawn(load::lane(
                street.clone(),
                book.clone(),
                Dice::for_part(args.seed, &format!("round {round} lane {lane}")),
            ))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    child.kill()?;
    for lane in lanes {
        lane.abort();
        // An answer that was on its way when the lane ended counts as lost: it will be asked for.
        if let Err(error) = lane.await
            && error.is_panic()
        {
            return Err(format!("a lane of the load failed: {error}"));
        }
    }
    tally.records = sound(&args.data).await?;

    let child = Child::start(&args.data, args.seed)?;
    let street = Arc::new(Street::open(&args.data, &child.url).await?);
    truth::caught_up(&street).await?;
    let deeds = book.close();
    let Ends { happened, slowest } = truth::resolve(&street, &deeds).await?;
    if slowest.0 > tally.slowest.0 {
        tally.slowest = slowest;
    }
    let after = truth::holdings(&street).await?;
    truth::adds_up(&before, &deeds, &happened, &after)?;
    for (deed, happened) in deeds.into_iter().zip(happened) {
        match (&deed.answer, happened) {
            (Answer::Success, _) => {
                tally.acknowledged += 1;
                kept.push(deed);
            }
            (Answer::Refused(code), _) => *tally.refused.entry(code.clone()).or_default() += 1,
            (Answer::Lost, true) => tally.lost_done += 1,
            (Answer::Lost, false) => tally.lost_not_done += 1,
        }
    }
    Ok(child)
}

/// Audits the folder as the dead process left it; the number of records.
async fn sound(data: &Path) -> Result<u64, String> {
    let found = audit(Audit {
        data: data.to_owned(),
        database: None,
        ledger_only: false,
        key: None,
        progress: false,
    })
    .await?;
    if found.is_sound() {
        Ok(found.ledger.records)
    } else {
        Err(format!("the audit after the kill failed\n{found}"))
    }
}

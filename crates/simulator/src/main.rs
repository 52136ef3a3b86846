//! `simulate`: seeded faults against the engine, for as long as asked.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jialing_simulator::decoders::TARGETS;
use jialing_simulator::mutants::MUTANTS;
use jialing_simulator::{Coverage, Finding, Profile, crashes, run};

const USAGE: &str = "usage: simulate [--seed N] [--seeds N | --minutes M] [--repeat N] [--crashes N] [--mutants 1] [--corpus DIR]

  --seed N      the first seed; without it one is drawn from the clock
  --seeds N     so many seeds, one after the other (default 1)
  --minutes M   new seeds until so many minutes have passed
  --repeat N    each seed so many times (default 1): the engine's threads take turns differently
  --crashes N   every N-th crash point of a short life and of its recovery, instead of random lives;
                in a run by minutes this is mixed in, every crash point of one seed in fifty
  --mutants 1   runs the list of mutants instead, and prints who finds each and after how many runs
  --corpus DIR  writes good inputs for the fuzz targets instead, one folder each

Prints what was covered. On a finding: the seed, what is wrong, the command that shows it again; exit 1.";

struct Asked {
    seed: u64,
    seeds: u64,
    minutes: Option<u64>,
    repeat: u64,
    crashes: u64,
    mutants: bool,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    let mut asked = Asked { seed: clock, seeds: 1, minutes: None, repeat: 1, crashes: 0, mutants: false };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
        let value: u64 = value.parse().map_err(|_| format!("{name} {value}: not a number"))?;
        match name.as_str() {
            "--seed" => asked.seed = value,
            "--seeds" => asked.seeds = value,
            "--minutes" => asked.minutes = Some(value),
            "--repeat" => asked.repeat = value,
            "--crashes" => asked.crashes = value,
            "--mutants" => asked.mutants = value > 0,
            _ => return Err(format!("{name} is unknown")),
        }
    }
    Ok(asked)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, folder] = arguments.as_slice()
        && name == "--corpus"
    {
        return corpus(Path::new(folder));
    }
    let asked = match parse(arguments.into_iter()) {
        Ok(asked) => asked,
        Err(what) => {
            eprintln!("simulate: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if asked.mutants { hunt() } else { look(&asked) }
}

/// One seed: random lives, or every crash of a short one.
fn one(seed: u64, crashes: u64) -> Result<(Coverage, u64), (Finding, u64)> {
    if crashes == 0 {
        return run(seed, &Profile::default()).map(|covered| (covered, 0)).map_err(|finding| (finding, 0));
    }
    let mut covered = crashes::every(seed, None, crashes).map_err(|finding| (finding, crashes))?;
    let recoveries = crashes::every_recovery(seed, crashes * 5);
    covered.add(&recoveries.map_err(|finding| (finding, crashes))?);
    Ok((covered, crashes))
}

fn look(asked: &Asked) -> ExitCode {
    let until = asked.minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
    let (mut covered, mut done) = (Coverage::default(), 0);
    while until.map_or(done < asked.seeds, |until| Instant::now() < until) {
        let seed = asked.seed.wrapping_add(done);
        let mixed = u64::from(asked.minutes.is_some() && done % 50 == 49);
        for _ in 0..asked.repeat {
            match one(seed, asked.crashes.max(mixed)) {
                Ok((more, _)) => covered.add(&more),
                Err((finding, crashes)) => return report(&finding, crashes, asked.repeat),
            }
        }
        done += 1;
    }
    print!("simulate: {done} seeds from {}, nothing found\n{covered}", asked.seed);
    ExitCode::SUCCESS
}

fn report(finding: &Finding, crashes: u64, repeat: u64) -> ExitCode {
    let seed = finding.seed;
    let how = match crashes {
        0 => format!("--seed {seed} --repeat {}", repeat.max(20)),
        _ => format!("--seed {seed} --crashes {crashes}"),
    };
    println!("simulate: a finding\n{finding}\nagain: cargo run --release -p jialing-simulator -- {how}");
    ExitCode::FAILURE
}

/// Good inputs to fuzz from.
fn corpus(folder: &Path) -> ExitCode {
    let write = || -> std::io::Result<()> {
        for target in TARGETS {
            let folder = folder.join(target.name);
            std::fs::create_dir_all(&folder)?;
            for (place, sample) in (target.samples)().iter().enumerate() {
                std::fs::write(folder.join(format!("good-{place}")), sample)?;
            }
        }
        Ok(())
    };
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulate: writing {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// The list of mutants, each with who finds it.
fn hunt() -> ExitCode {
    let mut alive = 0;
    for mutant in MUTANTS {
        let began = Instant::now();
        match mutant.hunt() {
            Ok((finding, runs)) => {
                let (by, took) = (finding.oracle.name(), began.elapsed().as_millis());
                println!("{:?}: found by {by} after {runs} runs, {took} ms: {finding}", mutant.defect);
            }
            Err(what) => {
                alive += 1;
                println!("{what}");
            }
        }
    }
    println!("simulate: {} mutants, {alive} alive", MUTANTS.len());
    if alive == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! `simulate`: seeded faults against the engine, for as long as asked.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jialing_simulator::{Coverage, Profile, run};

const USAGE: &str = "usage: simulate [--seed N] [--seeds N | --minutes M] [--repeat N]

  --seed N      the first seed; without it one is drawn from the clock
  --seeds N     so many seeds, one after the other (default 1)
  --minutes M   new seeds until so many minutes have passed
  --repeat N    each seed so many times (default 1): the engine's threads take turns differently

Prints what was covered. On a finding: the seed, what is wrong, the command that shows it again; exit 1.";

struct Asked {
    seed: u64,
    seeds: u64,
    minutes: Option<u64>,
    repeat: u64,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    let mut asked = Asked { seed: clock, seeds: 1, minutes: None, repeat: 1 };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
        let value: u64 = value.parse().map_err(|_| format!("{name} {value}: not a number"))?;
        match name.as_str() {
            "--seed" => asked.seed = value,
            "--seeds" => asked.seeds = value,
            "--minutes" => asked.minutes = Some(value),
            "--repeat" => asked.repeat = value,
            _ => return Err(format!("{name} is unknown")),
        }
    }
    Ok(asked)
}

fn main() -> ExitCode {
    let asked = match parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(what) => {
            eprintln!("simulate: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let until = asked.minutes.map(|minutes| began + Duration::from_secs(minutes * 60));
    let mut covered = Coverage::default();
    let mut done = 0;
    while until.map_or(done < asked.seeds, |until| Instant::now() < until) {
        let seed = asked.seed.wrapping_add(done);
        for _ in 0..asked.repeat {
            match run(seed, &Profile::default()) {
                Ok(coverage) => covered.add(&coverage),
                Err(finding) => {
                    println!("simulate: a finding after {} runs\n{finding}", covered.runs);
                    println!(
                        "again: cargo run --release -p jialing-simulator -- --seed {seed} --repeat {}",
                        asked.repeat.max(20)
                    );
                    return ExitCode::FAILURE;
                }
            }
        }
        done += 1;
    }
    print!("simulate: seeds from {}, nothing found\n{covered}", asked.seed);
    ExitCode::SUCCESS
}

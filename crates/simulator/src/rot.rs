//! Damage between two lives, while nothing runs: turned bits, dead and swapped sectors, files that
//! are cut, lost or old.
//!
//! What cannot be derived must be refused or reported, and is then restored, as an operator would.
//! What can be derived must be made again, or never matter. A wrong answer is a finding in any case.

use std::sync::Arc;

use jialing_engine::Engine;
use jialing_engine::audit::verify_disk;
use jialing_journal::disk::folder_of;

use crate::Wrong;
use crate::coverage::Topic;
use crate::disk::{End, SECTOR, SimDisk};
use crate::door::Door;
use crate::fate::Fate;
use crate::life::Chain;
use crate::mutants::Defect;
use crate::oracle::{Oracle, Trouble};
use crate::random::Random;

/// What became of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Refused,
    Repaired,
}

/// One damaged file.
struct Damage {
    file: String,
    how: &'static str,
    /// Whether the file can be made again from the others.
    derived: bool,
    /// Whether every byte of it must be as it was: nothing of it is room for later.
    whole: bool,
}

/// Does some damage to a log that was stopped well, and looks at what comes of it.
pub(crate) async fn between_lives(chain: &mut Chain) -> Result<(), Wrong> {
    let whole = chain.disk.clone();
    let witness = chain.witness.clone();
    chain.disk = whole.after(End::Kill);
    let Some(damage) = spoil(chain, &whole) else {
        chain.disk = whole;
        return Ok(());
    };
    let Damage { file, how, .. } = &damage;
    chain.coverage.count(Topic::Damage, format!("{} {how}", sort(file)), 1);
    chain.setting = format!("before: {file} {how}");
    let outcome = examine(chain, &damage).await;
    let outcome = outcome.map_err(|Wrong(oracle, what)| Wrong(oracle, format!("{file} {how}: {what}")))?;
    if outcome == Outcome::Refused {
        chain.coverage.count(Topic::Damage, "refused or reported, then restored", 1);
        (chain.disk, chain.witness) = (whole, witness);
    } else {
        chain.coverage.count(Topic::Damage, "repaired, or it never mattered", 1);
        if file == "checkpoints" {
            (chain.disk, chain.witness) = (whole, witness);
        } else {
            chain.disk = chain.disk.after(End::PowerLoss);
        }
    }
    Ok(())
}

fn sort(file: &str) -> &str {
    let folder = folder_of(file);
    if folder.is_empty() { file } else { folder }
}

/// Damages a file by chance; `None` when the draw changed nothing.
fn spoil(chain: &mut Chain, whole: &SimDisk) -> Option<Damage> {
    let random = &mut chain.random;
    let of = *random.pick(&[
        "segments",
        "segments",
        "segments",
        "index",
        "snapshots",
        "tree",
        "checkpoints",
        "genesis",
    ])?;
    let files = match of {
        "checkpoints" | "genesis" => vec![of.to_owned()],
        folder => whole.names(folder),
    };
    let file = random.pick(&files)?.clone();
    let derived = matches!(of, "index" | "snapshots" | "tree");
    let last = files.last() == Some(&file);
    let part = of == "segments" && last;
    let damage = |how| Damage { file: file.clone(), how, derived, whole: !part && of != "checkpoints" };
    if derived && random.percent(30) {
        chain.disk.lose(&file);
        return Some(damage("is lost"));
    }
    if derived && random.percent(25) {
        // Another file of its kind under its name: an old copy, restored by mistake.
        let other = random.pick(&files)?.clone();
        chain.disk.plant(&file, &whole.bytes(&other));
        return Some(damage("is another copy"));
    }
    let before = whole.bytes(&file);
    let (after, how) = bad_bytes(&before, random)?;
    chain.disk.plant(&file, &after);
    (after != before).then(|| damage(how))
}

/// A file's bytes with one thing wrong with them, in the part that is in use.
fn bad_bytes(before: &[u8], random: &mut Random) -> Option<(Vec<u8>, &'static str)> {
    let used = before.iter().rposition(|&byte| byte != 0)? + 1;
    let place = random.below(used as u64) as usize;
    let sector = place / SECTOR * SECTOR;
    let end = (sector + SECTOR).min(before.len());
    let mut after = before.to_vec();
    let how = match random.below(10) {
        0..6 => {
            after[place] ^= 1 << random.below(8);
            "has a turned bit"
        }
        6 => {
            after[sector..end].fill(0);
            "has a sector of zeros"
        }
        7 | 8 => {
            let from = random.below((used.div_ceil(SECTOR)) as u64) as usize * SECTOR;
            let length = (end - sector).min(before.len() - from);
            after[sector..sector + length].copy_from_slice(&before[from..from + length]);
            "has one sector in the place of another"
        }
        _ => {
            after.truncate(place);
            "is cut"
        }
    };
    Some((after, how))
}

/// Whether the damage was refused or reported, rather than repaired.
async fn examine(chain: &mut Chain, damage: &Damage) -> Result<Outcome, Wrong> {
    let reported = complains(&chain.disk) && !chain.is(Defect::AuditIsBlind);
    if !damage.derived && damage.whole && !reported {
        return Err(Wrong(Oracle::Audit, "the offline audit found nothing".to_owned()));
    }
    let config = chain.config();
    let engine = match Engine::open(config) {
        Ok((engine, opened)) => {
            chain.recovered(&opened);
            engine
        }
        Err(error) if damage.derived => {
            return Err(Wrong(Oracle::Opens, format!("what can be derived is not repaired: {error}")));
        }
        Err(error) if chain.is(Defect::CutsAtDamage) => {
            chain.cut_at(&error)?;
            return Ok(Outcome::Repaired);
        }
        Err(_) => return Ok(Outcome::Refused),
    };
    if damage.file == "genesis" {
        return Err(Wrong(Oracle::Opens, "another genesis is taken for this log's".to_owned()));
    }
    let door = Door::new(engine, chain.profile.defect);
    // A bad newest line looks like a checkpoint that was never published.
    chain.witness.forgives_lost = damage.file == "checkpoints";
    let checked = chain.check(&door).await;
    chain.witness.forgives_lost = false;
    chain.close(door, Fate::Clean).await?;
    match checked {
        // What was not needed may still lie there, reported.
        Ok(()) if complains(&chain.disk) => Ok(Outcome::Refused),
        Ok(()) => Ok(Outcome::Repaired),
        Err(Trouble::Unproven(_)) if reported && folder_of(&damage.file) == "tree" => Ok(Outcome::Refused),
        // Found while reading, with file and byte: said, not served.
        Err(Trouble::NoAnswer(_)) => Ok(Outcome::Refused),
        Err(Trouble::Wrong(oracle, what)) => Err(Wrong(oracle, what)),
        Err(Trouble::Unproven(what)) => Err(Wrong(Oracle::Proofs, what)),
    }
}

/// Whether the offline audit has something to say.
pub(crate) fn complains(disk: &SimDisk) -> bool {
    verify_disk(Arc::new(disk.after(End::Kill)), None, &mut |_| ()).map_or(true, |report| !report.is_sound())
}

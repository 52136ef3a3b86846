//! Damage between two lives, while nothing runs: turned bits, lost files, old copies.
//!
//! What cannot be derived must be refused or reported, and is then restored, as an operator would.
//! What can be derived must be made again, or never matter. A wrong answer is a finding in any case.

use std::sync::Arc;

use jialing_engine::Engine;
use jialing_engine::audit::verify_disk;

use crate::disk::{End, SimDisk};
use crate::life::Chain;
use crate::oracle::Trouble;

/// Does some damage to a log that was stopped well, and looks at what comes of it.
pub(crate) async fn between_lives(chain: &mut Chain) -> Result<(), String> {
    let whole = chain.disk.clone();
    chain.disk = whole.after(End::Kill);
    let mut folders = ["segments", "segments", "index", "snapshots", "tree"].to_vec();
    folders.retain(|folder| files(&whole, folder).len() > usize::from(*folder == "segments"));
    let Some(&folder) = chain.random.pick(&folders) else { return Ok(()) };
    let files = files(&whole, folder);
    let Some(file) = chain.random.pick(&files).cloned() else { return Ok(()) };
    let derived = folder != "segments";
    let how = if derived && chain.random.percent(40) {
        chain.disk.lose(&file);
        "is lost"
    } else if derived && chain.random.percent(25) {
        // Another file of its kind under its name: an old copy, restored by mistake.
        let other = chain.random.pick(&files).cloned().unwrap_or_default();
        chain.disk.plant(&file, &whole.bytes(&other));
        "is another copy"
    } else {
        let mut bytes = whole.bytes(&file);
        let place = chain.random.below(bytes.len() as u64) as usize;
        match bytes.get_mut(place) {
            Some(byte) => *byte ^= 1 << chain.random.below(8),
            None => return Ok(()),
        }
        chain.disk.plant(&file, &bytes);
        "has a turned bit"
    };
    chain.coverage.damaged += 1;
    chain.setting = format!("before: {file} {how}");
    let outcome = examine(chain, folder).await;
    let refused = outcome.map_err(|what| format!("{file} {how}: {what}"))?;
    if refused {
        chain.coverage.refusals += 1;
        chain.disk = whole;
    } else {
        chain.coverage.repaired += 1;
        chain.disk = chain.disk.after(End::PowerLoss);
    }
    Ok(())
}

/// The files of a folder; of segments, the sealed ones.
fn files(disk: &SimDisk, folder: &str) -> Vec<String> {
    let mut names = disk.names(folder);
    if folder == "segments" {
        names.pop();
    }
    names
}

/// Whether the damage was refused or reported, rather than repaired.
async fn examine(chain: &mut Chain, folder: &str) -> Result<bool, String> {
    let derived = folder != "segments";
    let reported = complains(&chain.disk);
    if !derived && !reported {
        return Err("the offline audit found nothing".to_owned());
    }
    let config = chain.config();
    let engine = match Engine::open(config) {
        Ok((engine, _)) => engine,
        Err(error) if derived => return Err(format!("what can be derived is not repaired: {error}")),
        Err(_) => return Ok(true),
    };
    let checked = chain.check(&engine).await;
    engine.shutdown().await;
    match checked {
        // What was not needed may still lie there, reported.
        Ok(()) => Ok(complains(&chain.disk)),
        Err(Trouble::Unproven(_)) if reported && folder == "tree" => Ok(true),
        // Found while reading, with file and byte: said, not served.
        Err(Trouble::NoAnswer(_)) => Ok(true),
        Err(Trouble::Wrong(what) | Trouble::Unproven(what)) => Err(what),
    }
}

/// Whether the offline audit has something to say.
fn complains(disk: &SimDisk) -> bool {
    verify_disk(Arc::new(disk.after(End::Kill)), None, &mut |_| ()).map_or(true, |report| !report.is_sound())
}

//! One bad sector while an engine runs: it is repaired from what is known, or found and refused.
//!
//! The last act of a run. One read or write goes wrong once and nobody says so, or a sector goes bad
//! by itself. The engine serves on until it notices or is stopped; then the machine loses power, so
//! that the next start sees the platter. A wrong answer is a finding, before and after.
//!
//! One loss cannot be told from a crash by any log on a single disk: records after the newest stored
//! checkpoint, when their frame is the last there is. A bad last frame looks just like a torn one that
//! nobody was told about. It is counted here, not passed over in silence.

use jialing_engine::Engine;

use crate::Wrong;
use crate::coverage::Topic;
use crate::disk::End;
use crate::door::Door;
use crate::fate::Fate;
use crate::life::Chain;
use crate::oracle::{Oracle, Trouble, Witness};
use crate::rot::complains;

/// Lives with one bad sector, and looks at what comes of it.
pub(crate) async fn one_bad(chain: &mut Chain) -> Result<(), Wrong> {
    let fate = Fate::draw_bad(&mut chain.random);
    let Fate::OneBad(bad, _) = fate else { return Ok(()) };
    let config = chain.config();
    chain.set_out(fate, &config);
    let heard = match Engine::open(config) {
        Ok((engine, opened)) => {
            chain.recovered(&opened);
            let door = Door::new(engine, chain.profile.defect);
            let lived = serve(chain, &door).await;
            if chain.disk.bad().is_some() && matches!(lived, Err(Trouble::Wrong(..))) {
                // A start that misreads the last frame takes it for torn.
                if tail_is_lost(chain, &door).await.unwrap_or(false) {
                    chain.coverage.count(Topic::Damage, format!("one bad thing: {LOST}"), 1);
                    return chain.close(door, Fate::Killed(0)).await;
                }
            }
            let end = if chain.random.percent(50) { Fate::Clean } else { Fate::Killed(0) };
            chain.close(door, end).await?;
            lived
        }
        Err(error) if chain.disk.bad().is_none() => {
            return Err(Wrong(Oracle::Opens, format!("it does not open: {error}")));
        }
        Err(error) => Err(Trouble::NoAnswer(error.to_string())),
    };
    let struck = chain.disk.bad();
    if let Some((bad, file)) = &struck {
        chain.coverage.count(Topic::Damage, bad.name(), 1);
        chain.setting = format!("{}: {} in {file}", chain.setting, bad.name());
    }
    let noticed = match heard {
        Ok(()) => false,
        Err(Trouble::Wrong(oracle, what)) => return Err(Wrong(oracle, what)),
        Err(Trouble::NoAnswer(what) | Trouble::Unproven(what)) if struck.is_none() => {
            return Err(Wrong(Oracle::NoAnswer, format!("no fault explains it: {what}")));
        }
        Err(_) => true,
    };
    chain.disk = chain.disk.after(End::PowerLoss);
    // What only was read badly lies on the platter as it should.
    let lasting = struck.is_some() && !bad.reads();
    let verdict = look_again(chain, lasting).await?;
    let verdict = if noticed && verdict == FINE { "noticed at once, then fine" } else { verdict };
    chain.coverage.count(Topic::Damage, format!("one bad thing: {verdict}"), 1);
    Ok(())
}

const FINE: &str = "repaired, or never mattered";
const LOST: &str = "a last frame that no checkpoint covered is lost";

/// Rounds of commands while the one bad thing happens; then everything.
async fn serve(chain: &mut Chain, door: &Door) -> Result<(), Trouble> {
    chain.check(door).await?;
    for _ in 0..chain.profile.rounds {
        chain.round(door).await?;
    }
    chain.check(door).await
}

/// What the next start makes of it, in words for counting.
async fn look_again(chain: &mut Chain, lasting: bool) -> Result<&'static str, Wrong> {
    let left = chain.disk.clone();
    let config = chain.config();
    let (engine, _) = match Engine::open(config) {
        Ok(opened) => opened,
        Err(error) if !lasting => {
            return Err(Wrong(Oracle::Opens, format!("the disk is whole, yet: {error}")));
        }
        Err(_) if complains(&left) => return Ok("refused at the start"),
        Err(error) => {
            let what = format!("the start refuses ({error}), the offline audit finds nothing");
            return Err(Wrong(Oracle::Audit, what));
        }
    };
    let door = Door::new(engine, chain.profile.defect);
    let checked = match tail_is_lost(chain, &door).await {
        Ok(true) => Ok(Some(LOST)),
        Ok(false) => {
            // A bad newest line looks like a checkpoint that was never published.
            chain.witness.forgives_lost = true;
            chain.check(&door).await.map(|()| None)
        }
        Err(trouble) => Err(trouble),
    };
    chain.close(door, Fate::Clean).await?;
    match checked {
        Ok(lost) => Ok(lost.unwrap_or(FINE)),
        Err(Trouble::Wrong(oracle, what)) => Err(Wrong(oracle, what)),
        Err(Trouble::NoAnswer(what) | Trouble::Unproven(what)) if !lasting => {
            Err(Wrong(Oracle::NoAnswer, format!("the disk is whole, yet: {what}")))
        }
        Err(Trouble::NoAnswer(_)) => Ok("found while reading"),
        Err(Trouble::Unproven(_)) => Ok("proofs that do not verify"),
    }
}

/// Whether the log is what it was but for its last records, which no published checkpoint covers.
async fn tail_is_lost(chain: &Chain, door: &Door) -> Result<bool, Trouble> {
    let mut now = Witness::default();
    now.follow(door, 200).await?;
    let known = chain.clients.acknowledged.last_key_value().map_or(0, |(&seq, _)| seq + 1);
    let known = known.max(chain.witness.fed.len() as u64);
    let size = now.fed.len();
    let published = chain.witness.checkpoints.last().map_or(0, |checkpoint| checkpoint.size);
    let fed = chain.witness.fed.iter().zip(&now.fed).all(|(then, now)| then == now);
    let mut acknowledged = chain.clients.acknowledged.iter();
    let same = acknowledged.all(|(&seq, record)| now.fed.get(seq as usize).is_none_or(|now| now == record));
    Ok((size as u64) < known && size as u64 >= published && fed && same)
}

//! Asking: rounds are begun by one task, and each witness is asked by a task of its own.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::note::{SignedNote, add_line};
use jialing_rails::witness::Reply;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Standing;
use super::rounds::Signed;
use crate::App;

/// After a witness did not answer or refused: first this long, then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Times that a witness may name another size in one go.
const TRIES: usize = 3;

/// Begins a round with the newest checkpoint, at most every so often, when there is something new.
pub(super) async fn begin_rounds(app: App, target: watch::Sender<Option<u64>>) {
    let every = Duration::from_millis(app.witnesses.policy().every_ms);
    let mut next = Instant::now();
    loop {
        let checkpoint = app.engine.checkpoint();
        let size = checkpoint.size;
        let checkpoint = Signed { size, note: checkpoint.note };
        if size > 0 && app.witnesses.change(|rounds| rounds.begin(checkpoint)) {
            target.send_replace(Some(size));
            next = Instant::now() + every;
        }
        tokio::select! {
            () = app.witnesses.0.wanted.notified() => {}
            () = tokio::time::sleep(every) => {}
        }
        tokio::time::sleep_until(next).await;
    }
}

/// Asks one witness about each round; what it misses while it is slow or dead, it is not asked later.
pub(super) async fn keep_asking(app: App, place: usize, mut target: watch::Receiver<Option<u64>>) {
    let name = app.witnesses.0.asked[place].key.name().to_owned();
    let mut asking = Asking { app, place, old: 0 };
    let mut pause = FIRST_PAUSE;
    while target.wait_for(Option::is_some).await.is_ok() {
        let Some(size) = *target.borrow_and_update() else { continue };
        let (line, standing) = match asking.about(size).await {
            Ok(line) => (Some(line), Standing::Cosigned(size)),
            Err(standing) => {
                tracing::warn!(witness = name, size, ?standing, "no cosignature");
                (None, standing)
            }
        };
        let cosigned = line.is_some();
        asking.app.witnesses.stand(place, standing);
        asking.app.witnesses.change(|rounds| rounds.answer(size, place, line));
        if cosigned {
            pause = FIRST_PAUSE;
            if target.changed().await.is_err() {
                return;
            }
        } else {
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }
}

struct Asking {
    app: App,
    place: usize,
    /// The size that it cosigned last, as far as known.
    old: u64,
}

impl Asking {
    /// The witness's signature line on the checkpoint of this size.
    async fn about(&mut self, size: u64) -> Result<String, Standing> {
        let silent = |why: String| Standing::Silent(why);
        let checkpoint = self.app.witnesses.rounds(|rounds| rounds.checkpoint(size));
        let checkpoint = checkpoint.ok_or_else(|| silent("the round is over".to_owned()))?;
        for _ in 0..TRIES {
            let body = self.body(&checkpoint).await?;
            match self.app.witnesses.0.asked[self.place].rail.add(&body).await {
                Reply::Cosigned(lines) => {
                    let line = self.checked(&checkpoint, &lines)?;
                    self.old = size;
                    return Ok(line);
                }
                Reply::OtherSize(old) if old > size => {
                    return Err(Standing::Refuses(format!(
                        "it has cosigned {old} records, the ledger has {size}: was an old copy restored?"
                    )));
                }
                Reply::OtherSize(old) => self.old = old,
                Reply::Refused { status, said } => {
                    return Err(Standing::Refuses(format!("status {status}: {said}")));
                }
                Reply::Unknown(why) => return Err(silent(why.to_string())),
            }
        }
        Err(silent("it keeps naming other sizes".to_owned()))
    }

    async fn body(&self, checkpoint: &Signed) -> Result<String, Standing> {
        let mut proof = String::new();
        if self.old > 0 {
            let hashes = self.app.engine.consistency(self.old, checkpoint.size).await;
            for hash in hashes.map_err(|error| Standing::Silent(error.to_string()))? {
                proof += &STANDARD.encode(hash);
                proof.push('\n');
            }
        }
        Ok(format!("old {}\n{proof}\n{}", self.old, checkpoint.note))
    }

    /// The one line of the answer that is this witness's cosignature of this checkpoint.
    fn checked(&self, checkpoint: &Signed, lines: &str) -> Result<String, Standing> {
        let key = &self.app.witnesses.0.asked[self.place].key;
        let good = |line: &&str| {
            let note = add_line(&checkpoint.note, line).and_then(|note| SignedNote::parse(&note));
            note.and_then(|note| key.cosigned(&note)).is_ok_and(|time| time.is_some())
        };
        let line = lines.split_inclusive('\n').find(good);
        line.map(str::to_owned)
            .ok_or_else(|| Standing::Refuses("its answer is no cosignature of its key".to_owned()))
    }
}

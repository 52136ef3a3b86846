//! Witnesses of the ledger's log: who is asked to cosign its checkpoints, and what they said.
//!
//! Every [`Policy::every_ms`] at most, the newest checkpoint becomes a *round*: all witnesses are asked to
//! cosign this one, each by a task of its own, so that a dead one delays nobody. [`Witnesses::published`]
//! is what the world is shown: the newest round that has the cosignatures the operator's policy asks for
//! and is kept in the tables. It never shrinks, not across a restart either.
//!
//! A receipt carries a checkpoint of such a round; [`Witnesses::covering`] waits a bounded time for it.
//! Without witnesses everything here is silent, and the newest checkpoint is what is published.

mod ask;
mod rounds;
mod store;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jialing_crypto::cosign::Witness;
use jialing_crypto::note::NoteVerifier;
use jialing_engine::{Checkpoint, Engine};
use jialing_rails::witness::Cosigner;
use serde::Deserialize;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::App;
use rounds::Rounds;

pub use store::resume;

/// How cosignatures are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Cosignatures that a published checkpoint and a receipt should have. Default 0.
    pub quorum: usize,
    /// Milliseconds between two checkpoints that witnesses are asked for. Default 1000.
    pub every_ms: u64,
    /// Milliseconds that a receipt waits for them. Default 3000.
    pub wait_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { quorum: 0, every_ms: 1_000, wait_ms: 3_000 }
    }
}

/// A witness that is asked.
#[derive(Clone)]
pub struct Asked {
    /// Its name and key.
    pub key: Witness,
    /// Where it is reached, as published in the key directory.
    pub url: String,
    /// How it is reached.
    pub rail: Arc<dyn Cosigner>,
}

/// How a witness last answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It was not asked yet.
    #[default]
    NotAsked,
    /// It cosigned this many records.
    Cosigned(u64),
    /// It gave no answer that decides anything.
    Silent(String),
    /// It refuses: a setting is wrong, or it has seen another history than ours.
    Refuses(String),
}

impl Standing {
    /// The word for it in the key directory.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::Cosigned(_) => "cosigns",
            Self::Silent(_) => "silent",
            Self::Refuses(_) => "refuses",
        }
    }
}

/// Why witnesses cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWitnesses {
    /// More cosignatures are asked for than there are witnesses.
    #[error("the quorum is {quorum}, but there are {witnesses} witnesses")]
    Quorum {
        /// What is asked for.
        quorum: usize,
        /// How many there are.
        witnesses: usize,
    },
    /// A key stands twice: readers would count it once.
    #[error("the witness {0} has a key that another witness, or the ledger, has too")]
    SameKey(String),
}

/// A checkpoint with cosignatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Records covered.
    pub size: u64,
    /// The C2SP note with the ledger's signature and the cosignatures.
    pub note: String,
    /// How many cosignatures it carries.
    pub cosigned: usize,
}

/// The ledger's witnesses. Cheap to clone; all clones are one. The default has none.
#[derive(Clone, Default)]
pub struct Witnesses(Arc<Inner>);

#[derive(Default)]
struct Inner {
    asked: Vec<Asked>,
    policy: Policy,
    rounds: Mutex<Rounds>,
    standing: Mutex<Vec<Standing>>,
    /// Counts changes of `rounds`.
    changed: watch::Sender<u64>,
    /// Told when somebody waits for a round.
    wanted: Notify,
}

impl Witnesses {
    /// These witnesses for the log whose key is `log`.
    ///
    /// # Errors
    /// [`BadWitnesses`].
    pub fn new(asked: Vec<Asked>, policy: Policy, log: &NoteVerifier) -> Result<Self, BadWitnesses> {
        if policy.quorum > asked.len() {
            return Err(BadWitnesses::Quorum { quorum: policy.quorum, witnesses: asked.len() });
        }
        for (place, one) in asked.iter().enumerate() {
            let before = asked[..place].iter().any(|other| other.key.key() == one.key.key());
            if before || one.key.key() == log.key() {
                return Err(BadWitnesses::SameKey(one.key.name().to_owned()));
            }
        }
        let standing = Mutex::new(vec![Standing::default(); asked.len()]);
        Ok(Self(Arc::new(Inner { asked, policy, standing, ..Inner::default() })))
    }

    /// How cosignatures are gathered.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.0.policy
    }

    /// Who is asked, and how each last answered.
    #[must_use]
    pub fn all(&self) -> Vec<(Asked, Standing)> {
        let standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.asked.iter().cloned().zip(standing.iter().cloned()).collect()
    }

    /// Changes whenever a witness has answered, a round has begun or one is published.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// What the world is shown: the newest checkpoint with the cosignatures that the policy asks for,
    /// or the first one of this process while there is none; without witnesses the newest of all.
    #[must_use]
    pub fn published(&self, engine: &Engine) -> Published {
        let newest =
            |checkpoint: Checkpoint| Published { size: checkpoint.size, note: checkpoint.note, cosigned: 0 };
        if self.0.asked.is_empty() {
            return newest(engine.checkpoint());
        }
        self.rounds(|rounds| rounds.published()).unwrap_or_else(|| newest(engine.checkpoint()))
    }

    /// A cosigned checkpoint that covers record `seq`, with `want` cosignatures if they come within
    /// [`Policy::wait_ms`], else with as many as came. `None` when there is no round that covers it.
    pub async fn covering(&self, app: &App, seq: u64, want: usize) -> Option<Published> {
        if self.0.asked.is_empty() {
            return None;
        }
        let want = want.min(self.0.asked.len());
        let enough = |found: &Option<Published>| found.as_ref().is_some_and(|found| found.cosigned >= want);
        let look = || self.rounds(|rounds| rounds.covering(seq, want));
        let mut found = look();
        if want == 0 || enough(&found) {
            return found;
        }
        // A checkpoint that covers it is signed now, and a round begun for it.
        app.engine.receipt(seq).await.ok()?;
        let mut changed = self.0.changed.subscribe();
        self.0.wanted.notify_one();
        let waiting = async {
            loop {
                found = look();
                if enough(&found) || changed.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(self.0.policy.wait_ms), waiting).await;
        look()
    }

    fn rounds<T>(&self, look: impl FnOnce(&mut Rounds) -> T) -> T {
        look(&mut self.0.rounds.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ripeness(&self) -> rounds::Ripeness {
        rounds::Ripeness {
            quorum: self.0.policy.quorum,
            witnesses: self.0.asked.len(),
            patience: Duration::from_millis(self.0.policy.wait_ms),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Rounds) -> T) -> T {
        let done = self.rounds(change);
        self.0.changed.send_modify(|count| *count = count.wrapping_add(1));
        done
    }

    fn stand(&self, place: usize, standing: Standing) {
        self.0.standing.lock().unwrap_or_else(PoisonError::into_inner)[place] = standing;
    }
}

/// Gathers cosignatures for as long as the handles live.
#[must_use]
pub fn start(app: &App) -> Vec<JoinHandle<()>> {
    if app.witnesses.0.asked.is_empty() {
        return Vec::new();
    }
    let (target, _) = watch::channel(None);
    let asking = (0..app.witnesses.0.asked.len())
        .map(|place| tokio::spawn(ask::keep_asking(app.clone(), place, target.subscribe())));
    let mut handles: Vec<_> = asking.collect();
    handles.push(tokio::spawn(ask::begin_rounds(app.clone(), target)));
    handles.push(tokio::spawn(store::publish_ripe(app.clone())));
    handles
}

//! One sandbox that is awake: its platform, and the layers around it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::response::Response;
use jialing_conform::Watch;
use jialing_crypto::{PublicKey, SigningKey};
use jialing_gateway::Mounted;
use jialing_platform::clock::rfc3339;
use jialing_platform::id::MerchantId;
use jialing_platform::{App, Code, Problem};
use serde::Serialize;
use tokio::task::JoinHandle;

use crate::actors::KeptSeller;
use crate::faults::Faults;
use crate::inside::Inside;
use crate::journal::Journal;
use crate::kept::Kept;
use crate::notices::Notices;
use crate::payers::{Manner, Ordered, Payers, Pays};
use crate::settle::furnish;

/// How far a sandbox's clock may be moved before real time, milliseconds: the merchant's key is valid
/// for a year.
pub const MOST_AHEAD_MS: i64 = 360 * 86_400_000;
/// The longest that an ordinary order waits for its payer, seconds.
const MOST_AFTER_S: u32 = 86_400;

/// The file that keeps what the watch has seen while the sandbox sleeps.
const WATCH_FILE: &str = "conformance.json";

/// A sandbox that is awake.
pub(crate) struct Yard {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Path of its base address: `/s/{id}`.
    pub(crate) prefix: String,
    /// Its base address.
    pub(crate) base: String,
    /// Its platform.
    pub(crate) app: App,
    /// What is around it.
    pub(crate) around: Arc<Around>,
    /// Signs answers and notices.
    pub(crate) answers: SigningKey,
    kept: Mutex<Kept>,
    mounted: Mounted,
    payers: Mutex<Option<Arc<Payers>>>,
    inside: tokio::sync::Mutex<Option<Inside>>,
    used_at: AtomicI64,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What is around a sandbox's platform, and stays while that sleeps or is opened anew.
#[derive(Default)]
pub(crate) struct Around {
    /// What goes wrong next.
    pub(crate) faults: Faults,
    /// What was asked lately.
    pub(crate) journal: Journal,
    /// Notices on their way.
    pub(crate) notices: Notices,
    /// What the integrator's traffic has shown; read when it is first needed.
    watch: Mutex<Option<Watch>>,
}

/// What a sandbox's clock shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    /// The sandbox's time, RFC 3339.
    now: String,
    /// How far it is before real time, seconds.
    ahead_s: i64,
}

/// Where a sandbox's people and bank come in: the same edge, without what is around it.
fn back_door(origin: &str, id: &str) -> String {
    format!("{origin}/p/{id}")
}

impl Yard {
    /// Opens the sandbox in `folder`, which is served at `origin`.
    pub(crate) async fn open(
        folder: PathBuf,
        kept: Kept,
        origin: &str,
        around: Arc<Around>,
    ) -> Result<Arc<Self>, String> {
        let prefix = format!("/s/{}", kept.id);
        let base = format!("{origin}{prefix}");
        let back = back_door(origin, &kept.id);
        let inside = Inside::open(&folder, &kept, &base, &back).await?;
        let mounted = inside.house.mounted().ok_or("the sandbox's platform has a door of its own")?.clone();
        let app = inside.house.app.clone();
        let payers = Payers::resume(&app, &back, &kept.payers).map(Arc::new);
        Ok(Arc::new(Self {
            folder,
            prefix,
            base,
            app,
            around,
            answers: inside.keys.answers.clone(),
            used_at: AtomicI64::new(real_seconds()),
            kept: Mutex::new(kept),
            mounted,
            payers: Mutex::new(payers),
            inside: tokio::sync::Mutex::new(Some(inside)),
            tasks: Mutex::default(),
        }))
    }

    /// Furnishes a new sandbox; its requests must reach it already.
    pub(crate) async fn furnish(&self, origin: &str) -> Result<(), String> {
        let back = back_door(origin, &self.kept().id);
        let treasury = match &*self.inside.lock().await {
            Some(inside) => inside.keys.treasury.clone(),
            None => return Err("the sandbox has been closed".into()),
        };
        let inbox = self.app.settings.inbox.clone().ok_or("the sandbox has no inbox")?;
        let furnished = furnish(&back, &inbox, treasury).await?;
        let payers =
            Payers::resume(&self.app, &back, &furnished.payers).ok_or("the payers' keys are damaged")?;
        *self.payers.lock().expect("no holder panics") = Some(Arc::new(payers));
        self.change(|kept| {
            kept.merchant = Some(furnished.merchant);
            kept.payers = furnished.payers;
        })
    }

    /// Answers a request as the edge does.
    pub(crate) async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        self.mounted.answer(peer, request).await
    }

    /// The sandbox's card.
    pub(crate) fn kept(&self) -> Kept {
        self.kept.lock().expect("no holder panics").clone()
    }

    /// Changes the card, here and on disk.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Kept)) -> Result<(), String> {
        let mut kept = self.kept.lock().expect("no holder panics");
        change(&mut kept);
        kept.write(&self.folder)
    }

    /// Its merchant.
    pub(crate) fn merchant(&self) -> Result<(MerchantId, KeptSeller), Problem> {
        let kept = self.kept().merchant.ok_or(Problem::new(Code::StateConflict))?;
        let id = kept.merchant_id.parse().map_err(Problem::internal)?;
        Ok((id, kept))
    }

    /// Its payers.
    pub(crate) fn payers(&self) -> Result<Arc<Payers>, Problem> {
        let payers = self.payers.lock().expect("no holder panics").clone();
        payers.ok_or_else(|| Problem::new(Code::StateConflict).detail("The sandbox is not furnished yet."))
    }

    /// The public keys that sign or signed answers.
    pub(crate) fn answer_keys(&self) -> Vec<PublicKey> {
        std::iter::once(self.answers.public().clone()).chain(self.kept().retired()).collect()
    }

    /// An order was made: the payers attend to it as they were told.
    pub(crate) fn ordered(&self, order: Ordered) {
        let manner = self.kept().manner;
        if let (Pays::Auto, Ok(payers)) = (manner.pays, self.payers()) {
            self.keep(tokio::spawn(payers.attend(order, manner.after_s)));
        }
    }

    /// How its payers pay from now on.
    pub(crate) fn tell_payers(&self, manner: Manner) -> Result<Manner, Problem> {
        if manner.after_s > MOST_AFTER_S {
            return Err(Problem::new(Code::InvalidRequest)
                .field("after_s")
                .detail("At most 86,400 seconds."));
        }
        self.change(|kept| kept.manner = manner).map_err(Problem::internal)?;
        Ok(manner)
    }

    /// What its clock shows.
    pub(crate) fn shown(&self) -> Shown {
        let clock = &self.app.clock;
        Shown { now: rfc3339(clock.millis()), ahead_s: clock.ahead_millis() / 1000 }
    }

    /// Moves its clock forward by whole seconds: the platform's and its bank's together.
    pub(crate) async fn advance(&self, seconds: i64) -> Result<Shown, Problem> {
        let wrong = |why: &str| Problem::new(Code::InvalidRequest).field("advance_s").detail(why.to_owned());
        if seconds < 0 {
            return Err(wrong("The clock moves forward only: the ledger's time never goes back."));
        }
        let inside = self.inside.lock().await;
        let inside = inside.as_ref().ok_or(Problem::new(Code::Stopping))?;
        let ahead_ms = seconds.saturating_mul(1000).saturating_add(self.app.clock.ahead_millis());
        if ahead_ms > MOST_AHEAD_MS {
            return Err(wrong("At most 360 days ahead of real time in all."));
        }
        self.change(|kept| kept.ahead_ms = ahead_ms).map_err(Problem::internal)?;
        inside.city.clock().advance(seconds);
        self.app.clock.advance(seconds * 1000);
        Ok(self.shown())
    }

    /// Lets the watch over the integrator's traffic hear or say something; the second argument is the
    /// present, RFC 3339.
    pub(crate) fn watch<T>(&self, act: impl FnOnce(&mut Watch, &str) -> T) -> T {
        let mut watch = self.around.watch.lock().expect("no holder panics");
        let kept =
            || std::fs::read(self.watch_file()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let watch = watch.get_or_insert_with(|| kept().unwrap_or_default());
        act(watch, &jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    fn watch_file(&self) -> PathBuf {
        self.folder.join(WATCH_FILE)
    }

    /// Keeps a task until the sandbox is closed.
    pub(crate) fn keep(&self, task: JoinHandle<()>) {
        let mut tasks = self.tasks.lock().expect("no holder panics");
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    /// Somebody uses it now.
    pub(crate) fn touch(&self) {
        self.used_at.store(real_seconds(), Ordering::Relaxed);
    }

    /// Seconds since it was last used.
    pub(crate) fn idle_s(&self) -> i64 {
        real_seconds() - self.used_at.load(Ordering::Relaxed)
    }

    /// Stops everything; the folder can be opened again.
    pub(crate) async fn close(&self) {
        for task in self.tasks.lock().expect("no holder panics").drain(..) {
            task.abort();
        }
        let used_at = self.used_at.load(Ordering::Relaxed);
        if let Err(fault) = self.change(|kept| kept.used_at = used_at) {
            tracing::warn!(fault, "a sandbox's card could not be written");
        }
        let watched = self.watch(|watch, _| serde_json::to_vec(watch)).map_err(std::io::Error::other);
        if let Err(fault) = watched.and_then(|bytes| std::fs::write(self.watch_file(), bytes)) {
            tracing::warn!(%fault, "what a sandbox saw could not be written");
        }
        if let Some(inside) = self.inside.lock().await.take() {
            inside.stop().await;
        }
    }
}

/// Unix time in seconds, real.
pub(crate) fn real_seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_clock_of_a_sandbox_that_has_stopped_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Kept {
            id: "sbx_test".to_owned(),
            name: "a test".to_owned(),
            token_sha256: String::new(),
            created_at: real_seconds(),
            used_at: real_seconds(),
            ahead_ms: 0,
            manner: Manner::default(),
            merchant: None,
            payers: Vec::new(),
            retired: Vec::new(),
        };
        kept.write(folder.path()).expect("written");
        let origin = "http://127.0.0.1:1";
        let yard =
            Yard::open(folder.path().to_owned(), kept, origin, Arc::default()).await.expect("it opens");
        yard.close().await;
        let refused = yard.advance(60).await.expect_err("nothing is there to move");
        assert_eq!((refused.code, yard.kept().ahead_ms), (Code::Stopping, 0));
    }
}

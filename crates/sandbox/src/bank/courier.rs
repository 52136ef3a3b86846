//! Carries a bank's notices to the platform, and keeps the bank's promises when they are due.

use std::sync::Arc;
use std::time::Duration;

use jialing_crypto::http_signature::CallbackSignature;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, redirect};
use tokio::sync::watch;

use super::BankDesk;
use super::book::Outgoing;

/// How long the platform may take to answer a notice.
const ANSWER: Duration = Duration::from_secs(5);

/// How often a notice is tried before the bank gives it up.
const MOST_TRIES: u32 = 20;

/// The longest pause between tries, in seconds of the city's clock.
const LONGEST_PAUSE_S: i64 = 60;

/// The bank's courier: one task that wakes when something is due.
pub(crate) struct Courier {
    bank: Arc<BankDesk>,
    client: Client,
    door: watch::Receiver<Option<String>>,
}

impl Courier {
    pub(crate) fn new(
        bank: Arc<BankDesk>,
        door: watch::Receiver<Option<String>>,
    ) -> Result<Self, reqwest::Error> {
        let client =
            Client::builder().timeout(ANSWER).redirect(redirect::Policy::none()).no_proxy().build()?;
        Ok(Self { bank, client, door })
    }

    /// Works until the service stops.
    pub(crate) async fn run(mut self) {
        let bank = self.bank.clone();
        tokio::select! {
            () = bank.desk.stopped() => {}
            () = self.work() => {}
        }
    }

    async fn work(&mut self) {
        let mut moves = self.bank.desk.clock.moves();
        loop {
            // Marked as seen before looking, so a change in between is not slept through.
            moves.borrow_and_update();
            self.door.borrow_and_update();
            let changed = self.bank.changed.notified();
            let now = self.bank.desk.clock.now();
            self.bank.book().settle(now);
            if self.deliver_one(now).await {
                continue;
            }
            let pause = self.pause(now);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = changed => {}
                _ = moves.changed() => {}
                _ = self.door.changed() => {}
            }
        }
    }

    /// Until something is due.
    fn pause(&self, now: Timestamp) -> Duration {
        let due = self.bank.book().next_due(self.door.borrow().is_some());
        let wait = due.map_or(SignedDuration::from_hours(1), |at| at.duration_since(now));
        Duration::try_from(wait)
            .unwrap_or_default()
            .clamp(Duration::from_millis(1), Duration::from_secs(3_600))
    }

    /// Sends the next notice, if there is one and a door for it.
    async fn deliver_one(&self, now: Timestamp) -> bool {
        let Some(door) = self.door.borrow().clone() else {
            return false;
        };
        let Some(outgoing) = self.bank.book().next_notice(now) else {
            return false;
        };
        if self.send(&door, &outgoing).await {
            self.bank.book().notice_done(&outgoing);
        } else if outgoing.tries + 1 >= MOST_TRIES {
            tracing::warn!(id = outgoing.notice.id, "the bank gives a notice up");
            self.bank.book().notice_done(&outgoing);
        } else {
            let pause_s = (1 << outgoing.tries.min(6)).min(LONGEST_PAUSE_S);
            let now = self.bank.desk.clock.now();
            let next = now.checked_add(SignedDuration::from_secs(pause_s)).unwrap_or(now);
            self.bank.book().notice_again(outgoing, next);
        }
        true
    }

    async fn send(&self, door: &str, outgoing: &Outgoing) -> bool {
        let Some((body, content_type)) = self.bank.written(outgoing) else {
            return false;
        };
        let now = Timestamp::now().as_second();
        let signature = CallbackSignature::sign(&self.bank.desk.key, &body, now);
        let mut request = self.client.post(door).header("content-type", content_type);
        for (name, value) in signature.headers() {
            request = request.header(name, value);
        }
        match request.body(body).send().await {
            Ok(answer) if answer.status().is_success() => true,
            Ok(answer) => {
                tracing::debug!(status = answer.status().as_u16(), "a notice was not taken");
                false
            }
            Err(_) => false,
        }
    }
}

//! Hashing passwords and PINs without stalling anything else.

use std::sync::Arc;

use jialing_crypto::password::{PasswordCost, PasswordError, PasswordKeeper};
use jialing_crypto::seal::BlindIndex;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{Code, Problem, Result};

/// Hashes that are computed at once at most, 19 MiB each; further ones wait for their turn.
pub(crate) const MAX_AT_ONCE: usize = 8;

/// Keeps passwords and PINs: argon2id on blocking threads, a bounded number at once.
pub(crate) struct Passwords {
    keeper: Arc<PasswordKeeper>,
    turns: Semaphore,
}

impl Passwords {
    /// A keeper whose pepper comes from the secret of the blind index, so a copy of the database
    /// alone is not enough to guess even a six-digit PIN.
    pub(crate) fn new(cheap: bool, blind: &BlindIndex) -> Self {
        let cost = if cheap { PasswordCost::LEAST } else { PasswordCost::default() };
        let pepper = Zeroizing::new(blind.of("password.pepper", ""));
        let keeper = PasswordKeeper::new(cost, pepper.as_bytes()).expect("both costs are valid");
        Self { keeper: Arc::new(keeper), turns: Semaphore::new(MAX_AT_ONCE) }
    }

    /// What to store for `secret`.
    ///
    /// # Errors
    /// `invalid_request` when it is longer than any password may be.
    pub(crate) async fn hash(&self, secret: &str) -> Result<String> {
        let secret = Zeroizing::new(secret.to_owned());
        self.work(move |keeper| keeper.hash(&secret)).await?.map_err(|error| match error {
            PasswordError::TooLong => Problem::new(Code::InvalidRequest).detail(error.to_string()),
            error => Problem::internal(error),
        })
    }

    /// Whether `secret` fits what is stored. With nothing stored the same work is done for nothing,
    /// so that the time of an answer does not tell whether somebody exists.
    ///
    /// # Errors
    /// `internal` when the stored hash is damaged.
    pub(crate) async fn fits(&self, secret: &str, stored: Option<String>) -> Result<bool> {
        let secret = Zeroizing::new(secret.to_owned());
        let verdict = self
            .work(move |keeper| match &stored {
                Some(stored) => keeper.verify(&secret, stored),
                None => keeper.spend(&secret),
            })
            .await?;
        match verdict {
            Ok(()) => Ok(true),
            Err(PasswordError::Wrong | PasswordError::TooLong) => Ok(false),
            Err(error) => Err(Problem::internal(error)),
        }
    }

    /// Whether `stored` was made at another cost than today's.
    pub(crate) fn is_outdated(&self, stored: &str) -> bool {
        self.keeper.is_outdated(stored)
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&PasswordKeeper) -> T + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turns.acquire().await.map_err(Problem::internal)?;
        let keeper = self.keeper.clone();
        tokio::task::spawn_blocking(move || job(&keeper)).await.map_err(Problem::internal)
    }
}

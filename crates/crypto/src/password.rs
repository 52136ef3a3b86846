//! Passwords and PINs, kept with argon2id (RFC 9106).
//!
//! A stored hash is a PHC string with its own salt and cost, so costs can be raised: verify with
//! the cost in the string, then hash again when [`PasswordKeeper::is_outdated`]. A *pepper*, a
//! secret outside the database, makes a stolen table useless even for six-digit PINs.
//!
//! One verification takes tens of milliseconds and the memory of the cost (19 MiB by default): call
//! it on a blocking thread and bound how many run at once.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use zeroize::Zeroizing;

/// The longest password in bytes. Longer ones are refused before any work.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordCost {
    /// Memory in KiB. Default 19,456 (19 MiB).
    pub memory_kib: u32,
    /// Passes over the memory. Default 2.
    pub passes: u32,
    /// Lanes computed side by side. Default 1.
    pub lanes: u32,
}

impl Default for PasswordCost {
    /// The OWASP recommendation for argon2id: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

impl PasswordCost {
    /// The least the algorithm allows. Protects nothing: for tests that hash a lot, and it must be
    /// chosen in the configuration by name.
    pub const LEAST: PasswordCost = PasswordCost { memory_kib: 8, passes: 1, lanes: 1 };

    /// Whether this cost is below the default, which production refuses.
    pub fn is_weak(&self) -> bool {
        let default = Self::default();
        u64::from(self.memory_kib) * u64::from(self.passes)
            < u64::from(default.memory_kib) * u64::from(default.passes)
    }

    fn params(self) -> Result<Params, PasswordError> {
        Params::new(self.memory_kib, self.passes, self.lanes, None).map_err(|_| PasswordError::BadCost)
    }
}

/// Why a password could not be hashed or does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The password does not fit the stored hash.
    #[error("the password is wrong")]
    Wrong,
    /// Longer than [`MAX_PASSWORD_BYTES`].
    #[error("the password is longer than 1024 bytes")]
    TooLong,
    /// The stored text is no argon2id hash.
    #[error("the stored password hash is damaged")]
    BadHash,
    /// The cost is outside what argon2 allows.
    #[error("argon2 needs at least 8 KiB per lane, one pass and one lane")]
    BadCost,
}

/// Hashes and verifies with one cost and one pepper.
pub struct PasswordKeeper {
    cost: PasswordCost,
    pepper: Zeroizing<Vec<u8>>,
    /// A hash nobody's password fits, at the current cost: see [`PasswordKeeper::spend`].
    decoy: String,
}

impl PasswordKeeper {
    /// A keeper. `pepper` may be empty; once used it must never change for the hashes made with it.
    ///
    /// # Errors
    /// [`PasswordError::BadCost`].
    pub fn new(cost: PasswordCost, pepper: &[u8]) -> Result<Self, PasswordError> {
        let mut keeper = Self { cost, pepper: Zeroizing::new(pepper.to_vec()), decoy: String::new() };
        keeper.decoy = keeper.hash(&crate::random::token())?;
        Ok(keeper)
    }

    /// The cost new hashes are made with.
    pub fn cost(&self) -> PasswordCost {
        self.cost
    }

    /// A PHC string with a fresh salt of 16 bytes.
    ///
    /// # Errors
    /// [`PasswordError::TooLong`].
    pub fn hash(&self, password: &str) -> Result<String, PasswordError> {
        check_length(password)?;
        self.argon2(self.cost.params()?)?
            .hash_password_with_salt(password.as_bytes(), &crate::random::bytes::<16>())
            .map(|hash| hash.to_string())
            .map_err(|_| PasswordError::BadCost)
    }

    /// Whether `password` fits `stored`, compared in constant time.
    ///
    /// # Errors
    /// [`PasswordError::Wrong`] when it does not, [`PasswordError::BadHash`] when `stored` is no
    /// argon2id hash, [`PasswordError::TooLong`].
    pub fn verify(&self, password: &str, stored: &str) -> Result<(), PasswordError> {
        check_length(password)?;
        let hash = parse(stored)?;
        self.argon2(self.cost.params()?)?
            .verify_password(password.as_bytes(), &hash)
            .map_err(|_| PasswordError::Wrong)
    }

    /// Does the work of [`PasswordKeeper::verify`] and always says no: for an account that does not
    /// exist, so that the time of an answer does not tell which do.
    ///
    /// # Errors
    /// Always: [`PasswordError::Wrong`] or [`PasswordError::TooLong`].
    pub fn spend(&self, password: &str) -> Result<(), PasswordError> {
        self.verify(password, &self.decoy)?;
        Err(PasswordError::Wrong)
    }

    /// Whether `stored` was made at another cost than the current one (or is damaged), so that it
    /// should be made again at the next successful sign-in.
    pub fn is_outdated(&self, stored: &str) -> bool {
        let Ok(hash) = parse(stored) else { return true };
        let Ok(params) = Params::try_from(&hash) else {
            return true;
        };
        (params.m_cost(), params.t_cost(), params.p_cost())
            != (self.cost.memory_kib, self.cost.passes, self.cost.lanes)
    }

    fn argon2(&self, params: Params) -> Result<Argon2<'_>, PasswordError> {
        if self.pepper.is_empty() {
            return Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params));
        }
        Argon2::new_with_secret(&self.pepper, Algorithm::Argon2id, Version::V0x13, params)
            .map_err(|_| PasswordError::BadCost)
    }
}

impl std::fmt::Debug for PasswordKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PasswordKeeper({:?})", self.cost)
    }
}

fn check_length(password: &str) -> Result<(), PasswordError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::TooLong);
    }
    Ok(())
}

/// Only argon2id with a salt and an output counts as a hash.
fn parse(stored: &str) -> Result<PasswordHash, PasswordError> {
    let hash = PasswordHash::new(stored).map_err(|_| PasswordError::BadHash)?;
    let whole = hash.algorithm.as_str() == "argon2id" && hash.salt.is_some() && hash.hash.is_some();
    if whole { Ok(hash) } else { Err(PasswordError::BadHash) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(cost: PasswordCost, pepper: &[u8]) -> PasswordKeeper {
        PasswordKeeper::new(cost, pepper).unwrap()
    }

    #[test]
    fn only_the_password_passes() {
        let keeper = keeper(PasswordCost::LEAST, b"pepper");
        let stored = keeper.hash("山城 hotpot 9").unwrap();
        let check = |password: &str, expect| {
            assert_eq!(keeper.verify(password, &stored), expect, "{password:?}");
        };
        check("山城 hotpot 9", Ok(()));
        check("山城 hotpot 9 ", Err(PasswordError::Wrong));
        check("", Err(PasswordError::Wrong));
        check(&"x".repeat(1024), Err(PasswordError::Wrong));
        check(&"x".repeat(1025), Err(PasswordError::TooLong));
        assert_ne!(stored, keeper.hash("山城 hotpot 9").unwrap(), "salts differ");
        assert_eq!(keeper.spend("山城 hotpot 9"), Err(PasswordError::Wrong));
    }

    #[test]
    fn the_pepper_is_part_of_the_secret() {
        let stored = keeper(PasswordCost::LEAST, b"one").hash("123456").unwrap();
        for (pepper, expect) in
            [(&b"one"[..], Ok(())), (b"two", Err(PasswordError::Wrong)), (b"", Err(PasswordError::Wrong))]
        {
            assert_eq!(keeper(PasswordCost::LEAST, pepper).verify("123456", &stored), expect);
        }
    }

    #[test]
    fn a_hash_made_elsewhere_with_the_reference_program_passes() {
        // From the reference implementation's tests: argon2id, m=256, t=2, p=1, salt "somesalt".
        let stored = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let keeper = keeper(PasswordCost::LEAST, b"");
        assert_eq!(keeper.verify("password", stored), Ok(()));
        assert_eq!(keeper.verify("passwore", stored), Err(PasswordError::Wrong));
        assert!(keeper.is_outdated(stored));
    }

    #[test]
    fn a_raised_cost_makes_old_hashes_outdated_but_valid() {
        let old = keeper(PasswordCost::LEAST, b"");
        let new = keeper(PasswordCost { passes: 2, ..PasswordCost::LEAST }, b"");
        let stored = old.hash("secret").unwrap();
        assert!(!old.is_outdated(&stored));
        assert!(new.is_outdated(&stored));
        assert_eq!(new.verify("secret", &stored), Ok(()));
        assert!(PasswordCost::LEAST.is_weak());
        assert!(!PasswordCost::default().is_weak());
    }

    #[test]
    fn damaged_hashes_and_impossible_costs_are_errors() {
        let keeper = keeper(PasswordCost::LEAST, b"");
        for stored in [
            "",
            "password",
            "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=8,t=1,p=1",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
        ] {
            assert_eq!(keeper.verify("x", stored), Err(PasswordError::BadHash));
            assert!(keeper.is_outdated(stored));
        }
        let zero = PasswordCost { memory_kib: 0, passes: 0, lanes: 0 };
        assert_eq!(PasswordKeeper::new(zero, b"").err(), Some(PasswordError::BadCost));
    }
}

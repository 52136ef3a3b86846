//! Personal data at rest: sealed under the person's own key.
//!
//! The person's key lies in the person's row, sealed under the platform's ring. Fields of the person
//! in any table are sealed under it, each bound to its table, column and person. Clearing the key
//! erases them all.

use jialing_crypto::seal::{DataKey, SealError};
use zeroize::Zeroizing;

use crate::id::PersonId;
use crate::{App, Problem, Result};

/// A person's key, opened.
pub(crate) struct PersonKey {
    person: PersonId,
    key: DataKey,
}

impl PersonKey {
    /// A fresh key and its sealed form for the person's row.
    pub(crate) fn new(app: &App, person: PersonId) -> (Self, Vec<u8>) {
        let (key, sealed) = app.seal.new_data_key(place("people.data_key", person).as_bytes());
        (Self { person, key }, sealed)
    }

    /// The key out of the person's row.
    pub(crate) fn open(app: &App, person: PersonId, sealed: &[u8]) -> Result<Self> {
        let key =
            app.seal.open_data_key(sealed, place("people.data_key", person).as_bytes()).map_err(fault)?;
        Ok(Self { person, key })
    }

    /// Seals `plain` for `column`, written `table.column`.
    pub(crate) fn seal(&self, column: &str, plain: &str) -> Vec<u8> {
        self.key.seal(plain.as_bytes(), place(column, self.person).as_bytes())
    }

    /// Opens what was sealed for `column`.
    pub(crate) fn text(&self, column: &str, sealed: &[u8]) -> Result<Zeroizing<String>> {
        let plain = self.key.open(sealed, place(column, self.person).as_bytes()).map_err(fault)?;
        let text = std::str::from_utf8(&plain).map_err(|_| fault(SealError::DoesNotOpen))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

fn place(column: &str, person: PersonId) -> String {
    format!("{column}/{person}")
}

fn fault(error: SealError) -> Problem {
    Problem::internal(error)
}

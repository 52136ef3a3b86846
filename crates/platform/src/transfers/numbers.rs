//! Transfers by the payer's own number, for searches.

use super::{State, store};
use crate::id::{PersonId, TransferId};
use crate::{App, Result};

/// The person's transfer with this number, if there is one.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn number_of(
    app: &App,
    person: PersonId,
    out_transfer_no: &str,
) -> Result<Option<TransferId>> {
    Ok(store::numbered(app, person, out_transfer_no).await?.map(|row| row.id))
}

/// Where the person's transfer with this number stands, if there is one.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn state_of(app: &App, person: PersonId, out_transfer_no: &str) -> Result<Option<State>> {
    Ok(store::numbered(app, person, out_transfer_no).await?.map(|row| row.state))
}

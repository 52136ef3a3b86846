//! Issues and redemptions by the bank's own number, for searches.

use crate::id::{InstitutionId, IssuanceId};
use crate::{App, Result};

/// The institution's issue or redemption with this number, if there is one.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn number_of(
    app: &App,
    institution: InstitutionId,
    out_issuance_no: &str,
) -> Result<Option<IssuanceId>> {
    Ok(sqlx::query_scalar("SELECT id FROM issuances WHERE institution_id = $1 AND out_issuance_no = $2")
        .bind(institution)
        .bind(out_issuance_no.to_owned())
        .fetch_optional(app.db.read())
        .await?)
}

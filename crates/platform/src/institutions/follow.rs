//! What this domain does when the journal moves.

use jialing_ledger::{Body, Record};

use crate::id::IssuanceId;
use crate::kind::Kind;
use crate::{App, Result, Tx};

/// An issue or redemption whose money has moved is a success, whatever was thought before.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let Body::Transfer(transfer) = &record.body else { continue };
        if !transfer.op.moves()
            || !matches!(Kind::from_number(transfer.kind), Some(Kind::Issue | Kind::Redeem))
        {
            continue;
        }
        sqlx::query("UPDATE issuances SET state = 'SUCCESS', reason = NULL, settled_at = $2 WHERE id = $1 AND state <> 'SUCCESS'")
            .bind(IssuanceId::from_number(transfer.id))
            .bind((record.time / 1_000_000) as i64)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

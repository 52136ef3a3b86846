//! What a person may know and decide about its own data: consents, what merchants saw, a copy of it all.
//!
//! Nothing here owns the data: the copy is what each domain shows its holder, put together, and no more than
//! that, so identity numbers and phones are masked in it too.

mod consents;
mod copy;

pub use consents::{Consents, ConsentsAsk, consents, set_consents};
pub(crate) use consents::{wants_payment_alerts, wants_sign_in_alerts};
pub use copy::{MAX_ITEMS, PersonalData, copy};

pub use crate::payments::{Saw, SeenBy, seen_by};

use crate::id::PersonId;
use crate::{Result, Tx};

/// Takes the consents of an erased person away.
pub(crate) async fn forget(tx: &mut Tx, person: PersonId) -> Result<()> {
    consents::forget(tx, person).await
}

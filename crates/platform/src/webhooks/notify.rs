//! Endpoints that orders name.
//!
//! An order's `notify_url` has a host, and each host of a merchant has one queue, made when it is
//! first named; each delivery carries the order's own address. Such an endpoint has no secret until
//! the merchant asks for one: its messages carry the platform's own signatures.

use super::{MAX_NOTIFY_HOSTS, Source, Status, rules, store};
use crate::id::{MerchantId, WebhookId};
use crate::{Problem, Result, Tx};

/// The origin of the endpoint that serves all hosts beyond [`MAX_NOTIFY_HOSTS`].
const OTHERS: &str = "*";

/// The endpoint for `url` among `mine`, made if there is none.
pub(super) async fn endpoint(
    tx: &mut Tx,
    mine: &[store::Row],
    merchant: MerchantId,
    url: &str,
    now: i64,
) -> Result<store::Row> {
    let named = |origin: &str| mine.iter().find(|row| row.origin.as_deref() == Some(origin)).cloned();
    let mut origin = rules::origin(url);
    if let Some(row) = named(&origin) {
        return Ok(row);
    }
    let hosts = mine.iter().filter(|row| row.source == Source::NotifyUrl).count() as i64;
    if hosts >= MAX_NOTIFY_HOSTS {
        OTHERS.clone_into(&mut origin);
        if let Some(row) = named(OTHERS) {
            return Ok(row);
        }
    }
    let row = store::Row {
        id: WebhookId::new(now),
        merchant,
        source: Source::NotifyUrl,
        url: origin.clone(),
        origin: Some(origin),
        description: None,
        events: "*".into(),
        status: Status::Active,
        disabled_reason: None,
        disabled_at: None,
        created_at: now,
    };
    // Somebody else made it meanwhile: look again.
    if store::insert(tx, &row).await? { Ok(row) } else { Err(Problem::again()) }
}

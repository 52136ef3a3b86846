//! Merchants are warned of signing keys that end soon: by an event, and by a notice to the owner.

use serde_json::json;

use super::store;
use crate::clock::rfc3339;
use crate::id::{MerchantId, NoticeId};
use crate::notices::{self, NoticeCode};
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Problem, Result, Tx};

/// Days before its end at which a merchant is warned.
pub const WARNINGS: [i64; 3] = [30, 7, 1];
/// Keys of which one job warns.
const TOGETHER: i64 = 500;
const DAY_MS: i64 = 86_400_000;

#[derive(sqlx::FromRow)]
struct Ending {
    merchant: MerchantId,
    serial: String,
    suite: String,
    valid_to: i64,
    warned_days: Option<i64>,
}

/// Warns of each key that has come within another of [`WARNINGS`] days of its end and has no
/// successor; how many. Each warning is given once.
///
/// # Errors
/// Any fault of the database.
pub async fn warn_of_ending_keys(app: &App) -> Result<u64> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            let keys: Vec<Ending> = sqlx::query_as(
                "SELECT merchant, serial, suite, valid_to, warned_days FROM merchant_keys
                 WHERE valid_to > $1 AND valid_to <= $2 AND revoked_at IS NULL AND replaced_by IS NULL
                 AND (warned_days IS NULL OR valid_to <= $1 + CASE warned_days WHEN 30 THEN $3 WHEN 7 THEN $4
                 ELSE 0 END) ORDER BY valid_to LIMIT $5",
            )
            .bind(now)
            .bind(now + WARNINGS[0] * DAY_MS)
            .bind(WARNINGS[1] * DAY_MS)
            .bind(WARNINGS[2] * DAY_MS)
            .bind(TOGETHER)
            .fetch_all(&mut *tx)
            .await?;
            let mut warned = 0;
            for key in keys {
                let days = due(key.valid_to - now);
                if key.warned_days.is_none_or(|before| days < before) {
                    warn(tx, &key, days, now).await?;
                    warned += 1;
                }
            }
            Ok(warned)
        })
        .await
}

/// The warning that fits the time that is left.
fn due(left_ms: i64) -> i64 {
    WARNINGS.into_iter().rev().find(|days| left_ms <= days * DAY_MS).unwrap_or(WARNINGS[0])
}

async fn warn(tx: &mut Tx, key: &Ending, days: i64, now: i64) -> Result<()> {
    sqlx::query("UPDATE merchant_keys SET warned_days = $3 WHERE merchant = $1 AND serial = $2")
        .bind(key.merchant)
        .bind(key.serial.as_str())
        .bind(days)
        .execute(&mut *tx)
        .await?;
    let merchant = store::find(tx, key.merchant)
        .await?
        .ok_or_else(|| Problem::internal("a key without its merchant"))?;
    let valid_to = rfc3339(key.valid_to);
    let event = NewEvent {
        merchant: key.merchant,
        event: EventType::KeyExpiring,
        object: format!("{}/{}", key.merchant, key.serial),
        // Fewer days left is newer; the end tells a second life of the key from its first.
        object_version: key.valid_to / DAY_MS - days,
        occasion: key.valid_to / 1_000 * 100 + days,
        resource: json!({ "serial": key.serial, "suite": key.suite, "valid_to": valid_to, "days": days }),
        notify_url: None,
        at: now,
    };
    outbox::publish(tx, event).await?;
    let params = json!({
        "merchant": merchant.name_zh, "merchant_en": merchant.name_en,
        "serial": key.serial, "valid_to": valid_to, "days": days,
    });
    let subject = format!("{}/{}", key.merchant, key.serial);
    notices::tell_once(tx, NoticeId::new(now), merchant.owner, NoticeCode::KeyExpiring, &params, subject, now)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_warning_fits() {
        let check = |left_ms: i64, days: i64| assert_eq!(due(left_ms), days, "{left_ms}");
        check(30 * DAY_MS, 30);
        check(7 * DAY_MS + 1, 30);
        check(7 * DAY_MS, 7);
        check(DAY_MS, 1);
        check(1, 1);
    }
}

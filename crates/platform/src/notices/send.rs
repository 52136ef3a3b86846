//! Notices on their way out.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use jialing_rails::Outcome;
use jialing_rails::notice::Message;
use tokio::task::JoinHandle;

use super::store::{self, Due, Tried};
use crate::{App, Problem, Result, Tx, background, people, privacy};

/// Notices tried in one round.
pub const BATCH: usize = 200;
/// Notices on their way at the same time.
const AT_ONCE: usize = 16;
/// Tries before a notice stays in the app only.
pub const MAX_TRIES: i64 = 8;
/// Pause between rounds that found nothing.
const IDLE: Duration = Duration::from_millis(500);

/// Milliseconds to the next try after `tries` failed ones: 5 s, doubling, at most an hour.
#[must_use]
pub const fn pause_ms(tries: i64) -> i64 {
    let doubled = 5_000
        << if tries < 1 {
            0
        } else if tries > 10 {
            10
        } else {
            tries - 1
        };
    if doubled > 3_600_000 { 3_600_000 } else { doubled }
}

/// Sends notices for as long as the handle lives.
#[must_use]
pub fn keep_sending(app: &App) -> JoinHandle<()> {
    background::every(app, IDLE, "notices could not be sent", |app| async move {
        while send_due(&app).await? == BATCH {}
        Ok(())
    })
}

/// Tries each notice whose time has come; how many were tried.
///
/// # Errors
/// Any fault of the database. A notice that the service did not take is tried again, not an error.
pub async fn send_due(app: &App) -> Result<usize> {
    let due = store::due(app, app.clock.millis(), BATCH).await?;
    let tried: Vec<(Due, Tried)> = stream::iter(due.iter().cloned())
        .map(|notice| async move {
            let outcome = send(app, &notice).await;
            (notice, outcome)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    if !tried.is_empty() {
        app.db
            .write(async move |tx: &mut Tx| {
                for (notice, outcome) in &tried {
                    store::tried(tx, notice, *outcome).await?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(due.len())
}

async fn send(app: &App, notice: &Due) -> Tried {
    let again = || {
        let tries = notice.tries + 1;
        if tries >= MAX_TRIES {
            Tried::Failed
        } else {
            Tried::Again { at: app.clock.millis() + pause_ms(tries) }
        }
    };
    let message = match message(app, notice).await {
        Ok(Some(message)) => message,
        // The person was erased, or reads such things in the application only.
        Ok(None) => return Tried::Failed,
        Err(problem) => {
            tracing::error!(notice = %notice.id, %problem, fault = problem.internal.as_deref(), "a notice could not be made");
            return again();
        }
    };
    match app.connectors.notices.send(&message).await {
        Outcome::Done(_) | Outcome::Accepted => Tried::Sent,
        Outcome::Refused(refusal) => {
            tracing::warn!(notice = %notice.id, code = refusal.code, "the notice service refused a notice");
            Tried::Failed
        }
        Outcome::Unknown(why) => {
            tracing::warn!(notice = %notice.id, %why, "a notice may not have been sent and will be tried again");
            again()
        }
    }
}

/// The message: the notice's id is its reference, so that a repetition is sent once.
async fn message(app: &App, notice: &Due) -> Result<Option<Message>> {
    if notice.code.is_payment_alert() && !privacy::wants_payment_alerts(app, notice.person).await? {
        return Ok(None);
    }
    let Some(phone) = people::phone_of(app, notice.person).await? else { return Ok(None) };
    let params: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&notice.params).map_err(Problem::internal)?;
    let params = params
        .into_iter()
        .filter_map(|(name, value)| match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some((name, text)),
            other => Some((name, other.to_string())),
        })
        .collect();
    Ok(Some(Message {
        reference: notice.id.to_string(),
        phone: phone.text().to_owned(),
        template: notice.code.text().to_owned(),
        params,
        language: "zh-CN".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let check = |tries: i64, seconds: i64| assert_eq!(pause_ms(tries), seconds * 1000, "{tries}");
        check(0, 5);
        check(1, 5);
        check(2, 10);
        check(3, 20);
        check(10, 2560);
        check(11, 3600);
        check(1000, 3600);
    }
}

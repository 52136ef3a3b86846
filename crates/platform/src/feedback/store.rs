//! The table `feedback`.

use serde::Deserialize;

use super::{State, Topic};
use crate::id::{FeedbackId, FeedbackTag, MerchantId};
use crate::{App, Page, PageAsk, Result, Tx};

/// Rows that one job of housekeeping removes at most.
const SWEPT_TOGETHER: i64 = 5_000;

/// A row of `feedback`. Times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: FeedbackId,
    pub(super) merchant: Option<MerchantId>,
    pub(super) sender: Option<String>,
    pub(super) topic: Topic,
    pub(super) said: Vec<u8>,
    pub(super) state: State,
    pub(super) answer: Option<String>,
    pub(super) answered_at: Option<i64>,
    pub(super) created_at: i64,
}

/// Which feedback an operator asks for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAsk {
    /// In this state.
    pub state: Option<State>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

pub(super) async fn insert(
    tx: &mut Tx,
    id: FeedbackId,
    from: Option<(MerchantId, String)>,
    (topic, said): (Topic, &[u8]),
    now: i64,
) -> Result<()> {
    let (merchant, sender) = from.unzip();
    sqlx::query(
        "INSERT INTO feedback (id, merchant, sender, topic, said, state, created_at)
         VALUES ($1, $2, $3, $4, $5, 'OPEN', $6)",
    )
    .bind(id)
    .bind(merchant)
    .bind(sender)
    .bind(topic)
    .bind(said.to_vec())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut Tx, id: FeedbackId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM feedback WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

/// How many wait for an answer: of this merchant, or of the public.
pub(super) async fn open(tx: &mut Tx, merchant: Option<MerchantId>) -> Result<i64> {
    let count = match merchant {
        Some(merchant) => {
            sqlx::query_scalar("SELECT COUNT(*) FROM feedback WHERE merchant = $1 AND state = 'OPEN'")
                .bind(merchant)
        }
        None => sqlx::query_scalar("SELECT COUNT(*) FROM feedback WHERE merchant IS NULL AND state = 'OPEN'"),
    };
    Ok(count.fetch_one(&mut *tx).await?)
}

pub(super) async fn answer(tx: &mut Tx, id: FeedbackId, (answer, by): (&str, &str), now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE feedback SET state = 'ANSWERED', answer = $2, answered_by = $3, answered_at = $4 WHERE id = $1",
    )
    .bind(id)
    .bind(answer.to_owned())
    .bind(by.to_owned())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn all(app: &App, ask: &ListAsk) -> Result<Page<Row>> {
    let page = PageAsk { limit: ask.limit, after: ask.after.clone(), before: ask.before.clone() };
    let (limit, cursor) = (page.limit()?, page.cursor::<FeedbackTag>()?);
    let rows = sqlx::query_as(match cursor.towards_newer {
        false => {
            "SELECT * FROM feedback WHERE id < $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2) ORDER BY id DESC LIMIT $3"
        }
        true => {
            "SELECT * FROM feedback WHERE id > $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2) ORDER BY id LIMIT $3"
        }
    })
    .bind(cursor.from.clone())
    .bind(ask.state)
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

pub(super) async fn forget(tx: &mut Tx, before: i64) -> Result<u64> {
    let gone = sqlx::query(
        "DELETE FROM feedback WHERE id IN (SELECT id FROM feedback WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
    )
    .bind(before)
    .bind(SWEPT_TOGETHER)
    .execute(&mut *tx)
    .await?;
    Ok(gone.rows_affected())
}

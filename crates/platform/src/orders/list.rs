//! Lists of a merchant's orders.

use serde::Deserialize;

use super::{State, store::Row};
use crate::id::{MerchantId, OrderTag, StoreId};
use crate::{App, Code, Page, PageAsk, Problem, Result};

macro_rules! list_sql {
    () => {
        "SELECT * FROM orders WHERE merchant = $1
         AND (CAST($3 AS TEXT) IS NULL OR $3 =
            CASE WHEN expires_at > $7 THEN state
                WHEN state IN ('NOTPAY', 'PAYERROR') AND trade_type <> 'CODE' THEN 'CLOSED'
                WHEN state IN ('NOTPAY', 'PAYERROR') THEN 'REVOKED'
                WHEN state = 'USERPAYING' AND attempt IS NULL THEN 'REVOKED'
                ELSE state END)
         AND (CAST($4 AS TEXT) IS NULL OR store = $4)
         AND (CAST($5 AS BIGINT) IS NULL OR created_at >= $5)
         AND (CAST($6 AS BIGINT) IS NULL OR created_at < $6)"
    };
}

/// Which orders are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAsk {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this store.
    pub store_id: Option<StoreId>,
    /// Only those created at this time or later, RFC 3339.
    pub from: Option<String>,
    /// Only those created before this time, RFC 3339.
    pub to: Option<String>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

impl ListAsk {
    /// The page asked for.
    fn page(&self) -> PageAsk {
        PageAsk { limit: self.limit, after: self.after.clone(), before: self.before.clone() }
    }
}

pub(super) async fn list(app: &App, merchant: MerchantId, ask: &ListAsk) -> Result<Page<Row>> {
    let page = ask.page();
    let (limit, cursor) = (page.limit()?, page.cursor::<OrderTag>()?);
    let (from, to) = (moment("from", ask.from.as_deref())?, moment("to", ask.to.as_deref())?);
    let rows = sqlx::query_as(crate::page::paged!(cursor, list_sql!(), "id", "$2", "$8"))
        .bind(merchant)
        .bind(cursor.from.clone())
        .bind(ask.state)
        .bind(ask.store_id)
        .bind(from)
        .bind(to)
        .bind(app.clock.millis())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}

/// Milliseconds of an RFC 3339 time.
pub(crate) fn moment(field: &'static str, text: Option<&str>) -> Result<Option<i64>> {
    text.map(|text| text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond)).transpose().map_err(
        |_| {
            Problem::new(Code::InvalidRequest)
                .field(field)
                .detail(format!("`{field}` is a time as in RFC 3339, with its offset."))
        },
    )
}

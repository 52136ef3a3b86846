//! Lists: newest first, by cursor, stable under inserts.

use serde::{Deserialize, Serialize};

use crate::{Code, Problem};

/// Items a page holds unless asked otherwise.
pub const DEFAULT_LIMIT: u32 = 20;
/// Most items of a page.
pub const MAX_LIMIT: u32 = 100;

/// Which page is asked for. `after` continues towards older items, `before` towards newer ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageAsk {
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

impl PageAsk {
    /// The number of items wanted.
    ///
    /// # Errors
    /// `invalid_request` for 0 or more than [`MAX_LIMIT`], or for both cursors at once.
    pub fn limit(&self) -> Result<u32, Problem> {
        if self.after.is_some() && self.before.is_some() {
            return Err(Problem::new(Code::InvalidRequest).field("before").detail("Give `after` or `before`, not both."));
        }
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(Problem::new(Code::InvalidRequest).field("limit").detail("`limit` is from 1 to 100.")),
        }
    }
}

/// One page.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Whether more follow in the direction asked for.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// A page of `limit` items from rows of which one more than that was fetched.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, limit: u32) -> Self {
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Self { items: rows, has_more }
    }
}

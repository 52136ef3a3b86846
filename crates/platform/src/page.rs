//! Lists: newest first, by cursor, stable under inserts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{Id, Tag};
use crate::{Code, Problem};

/// Items a page holds unless asked otherwise.
pub const DEFAULT_LIMIT: u32 = 20;
/// Most items of a page.
pub const MAX_LIMIT: u32 = 100;

/// Which page is asked for. `after` continues towards older items, `before` towards newer ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
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
            return Err(Problem::new(Code::InvalidRequest)
                .field("before")
                .detail("Give `after` or `before`, not both."));
        }
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(Problem::new(Code::InvalidRequest).field("limit").detail("`limit` is from 1 to 100.")),
        }
    }
}

/// Which page is asked for, perhaps only of what is in one state.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAsk<S: ToSchema> {
    /// Only those in this state.
    pub state: Option<S>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

impl<S: ToSchema> Default for ListAsk<S> {
    fn default() -> Self {
        Self { state: None, limit: None, after: None, before: None }
    }
}

impl<S: ToSchema> ListAsk<S> {
    /// The page, whatever the state.
    pub(crate) fn page(&self) -> PageAsk {
        PageAsk { limit: self.limit, after: self.after.clone(), before: self.before.clone() }
    }
}

/// Where a page begins and which way it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Items strictly beyond this id, as text; without a cursor, an id above all.
    pub from: String,
    /// Towards newer items: rows are fetched ascending, and [`Cursor::page`] turns them round.
    pub towards_newer: bool,
}

impl Cursor {
    /// The page of at most `limit` items from the rows fetched in this direction, one more than that.
    #[must_use]
    pub fn page<R>(&self, rows: Vec<R>, limit: u32) -> Page<R> {
        let mut page = Page::cut(rows, limit);
        if self.towards_newer {
            page.items.reverse();
        }
        page
    }
}

impl PageAsk {
    /// Where the page begins among ids of the kind `T`.
    ///
    /// # Errors
    /// `invalid_request` for a cursor that is no such id.
    pub fn cursor<T: Tag>(&self) -> Result<Cursor, Problem> {
        let (text, field, towards_newer) = match (&self.after, &self.before) {
            // The highest id's text sorts last in every collation, because ids have one alphabet.
            (None, None) => {
                return Ok(Cursor {
                    from: format!("{}_{}", T::PREFIX, "z".repeat(26)),
                    towards_newer: false,
                });
            }
            (Some(after), _) => (after, "after", false),
            (None, Some(before)) => (before, "before", true),
        };
        let id: Id<T> = text.parse().map_err(|bad: crate::id::BadId| {
            Problem::new(Code::InvalidRequest).field(field).detail(bad.to_string())
        })?;
        Ok(Cursor { from: id.to_string(), towards_newer })
    }
}

/// The SQL of a page: the rows that `$select`, which has a `WHERE`, finds beyond the cursor's id, in the
/// cursor's direction. `$from` and `$limit` are the parameters for [`Cursor::from`] and for one more than the
/// items wanted; [`Cursor::page`] makes the page of what is found.
macro_rules! paged {
    ($cursor:expr, $select:expr, $id:literal, $from:literal, $limit:literal) => {
        match $cursor.towards_newer {
            false => concat!($select, " AND ", $id, " < ", $from, " ORDER BY ", $id, " DESC LIMIT ", $limit),
            true => concat!($select, " AND ", $id, " > ", $from, " ORDER BY ", $id, " LIMIT ", $limit),
        }
    };
}
pub(crate) use paged;

/// One page.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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

    /// The same page of other items.
    #[must_use]
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(each).collect(), has_more: self.has_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{OrderId, OrderTag};

    #[test]
    fn a_page_begins_after_an_id_or_before_one_or_at_the_newest() {
        let id = OrderId::from_parts(1_780_000_000_000, 64).to_string();
        let ask = |after: Option<&str>, before: Option<&str>| PageAsk {
            limit: None,
            after: after.map(Into::into),
            before: before.map(Into::into),
        };
        let check = |ask: PageAsk, expect: Option<(&str, bool)>| {
            let cursor = ask.cursor::<OrderTag>().ok();
            assert_eq!(cursor.as_ref().map(|c| (c.from.as_str(), c.towards_newer)), expect, "{ask:?}");
        };
        check(ask(None, None), Some(("ord_zzzzzzzzzzzzzzzzzzzzzzzzzz", false)));
        check(ask(Some(&id), None), Some((&id, false)));
        check(ask(None, Some(&id)), Some((&id, true)));
        check(ask(Some("wal_1"), None), None);
        check(ask(None, Some("")), None);
    }
}

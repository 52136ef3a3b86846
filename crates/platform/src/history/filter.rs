//! Which movements are asked for, and the question to the database.
//!
//! Every filter has an index that begins with the account and ends with the place in the journal, so a page is one
//! range of it, newest first. Times are turned into places beforehand, references into numbers of
//! transactions. A range of amounts has no such order: where few movements lie in it they are
//! sorted, where many do a page is full before many others were passed.

use super::account::Account;
use super::{Direction, HistoryAsk, range, reference, store, time};
use crate::id::digits;
use crate::kind::Kind;
use crate::{App, Code, Page, PageAsk, Problem, Result};

/// Movements of an amount that are sorted rather than met on the way.
pub(super) const FEW: i64 = 2_000;
/// Longest text that is looked for, bytes; natural keys have at most 64.
const MAX_REFERENCE: usize = 64;

/// A checked question.
pub(super) struct Filter {
    /// The places of the journal: from the first to before the second.
    places: (i64, i64),
    kind: Option<Kind>,
    direction: Option<Direction>,
    counterparty: Option<String>,
    transactions: Option<Vec<u128>>,
    /// Smallest and largest amount, fen.
    amounts: Option<(i64, i64)>,
    pub(super) limit: u32,
    pub(super) towards_newer: bool,
}

/// A value in the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bind {
    Number(i64),
    Text(String),
}

impl Filter {
    pub(super) async fn new(app: &App, account: &Account, ask: &HistoryAsk) -> Result<Self> {
        let page = PageAsk { limit: ask.limit, after: ask.after.clone(), before: ask.before.clone() };
        let limit = page.limit()?;
        let (mut first, mut end) = (0, i64::MAX);
        if let Some(text) = &ask.after {
            end = movement("after", text)?;
        }
        if let Some(text) = &ask.before {
            first = movement("before", text)?.saturating_add(1);
        }
        let amounts = amounts(ask)?;
        let from = ask.from.as_deref().map(|text| time("from", text)).transpose()?;
        let to = ask.to.as_deref().map(|text| time("to", text)).transpose()?;
        if let Some(from) = from {
            first = first.max(range::before(app, from).await? as i64);
        }
        if let Some(to) = to {
            end = end.min(range::before(app, to).await? as i64);
        }
        let transactions = match &ask.reference {
            Some(text) if text.is_empty() || text.len() > MAX_REFERENCE => {
                return Err(Problem::new(Code::InvalidRequest)
                    .field("reference")
                    .detail(format!("`reference` has from 1 to {MAX_REFERENCE} characters.")));
            }
            Some(text) => Some(reference::transactions(app, account.asker, text).await?),
            None => None,
        };
        Ok(Self {
            places: (first, end),
            kind: ask.kind,
            direction: ask.direction,
            counterparty: ask.counterparty.clone(),
            transactions,
            amounts,
            limit,
            towards_newer: ask.before.is_some(),
        })
    }

    /// Whether nothing can fit.
    pub(super) fn is_empty(&self) -> bool {
        self.places.0 >= self.places.1 || self.transactions.as_ref().is_some_and(Vec::is_empty)
    }

    pub(super) fn nothing<T>() -> Page<T> {
        Page { items: Vec::new(), has_more: false }
    }

    /// The question for `columns` of one row more than the page has.
    pub(super) async fn query(&self, app: &App, account: &str, columns: &str) -> Result<(String, Vec<Bind>)> {
        let few = self.transactions.is_some() || self.has_few_amounts(app, account).await?;
        Ok(self.text(account, columns, few))
    }

    async fn has_few_amounts(&self, app: &App, account: &str) -> Result<bool> {
        match self.amounts {
            Some((low, high)) if low < high => {
                Ok(store::count_of_amounts(app, account, low, high, FEW + 1).await? <= FEW)
            }
            _ => Ok(false),
        }
    }

    /// With `few`, whatever else fits is sorted: `seq + 0` is a value like any other and no place in an
    /// index, which leaves the database only the index of what there is little of.
    fn text(&self, account: &str, columns: &str, few: bool) -> (String, Vec<Bind>) {
        let mut binds =
            vec![Bind::Text(account.to_owned()), Bind::Number(self.places.0), Bind::Number(self.places.1)];
        let seq = if few { "seq + 0" } else { "seq" };
        let mut sql =
            format!("SELECT {columns} FROM movements WHERE wallet = $1 AND {seq} >= $2 AND {seq} < $3");
        let mut add = |test: &str, bind: Bind| {
            binds.push(bind);
            format!(" AND {test} ${}", binds.len())
        };
        if let Some(kind) = self.kind {
            sql += &add("kind =", Bind::Text(kind.name().to_owned()));
        }
        if let Some(direction) = self.direction {
            sql += &add("direction =", Bind::Text(direction.text().to_owned()));
        }
        if let Some(counterparty) = &self.counterparty {
            sql += &add("counterparty_ref =", Bind::Text(counterparty.clone()));
        }
        match self.amounts {
            Some((low, high)) if low == high => sql += &add("amount =", Bind::Number(low)),
            Some((low, high)) => {
                sql += &add("amount >=", Bind::Number(low));
                sql += &add("amount <=", Bind::Number(high));
            }
            None => {}
        }
        if let Some(transactions) = &self.transactions {
            sql += &format!(
                " AND transaction_no IN ({})",
                crate::db::places(binds.len() + 1, transactions.len())
            );
            binds.extend(transactions.iter().map(|number| Bind::Text(digits(*number))));
        }
        let order = if self.towards_newer { "" } else { " DESC" };
        sql += &format!(" ORDER BY {seq}{order} LIMIT {}", self.limit + 1);
        (sql, binds)
    }
}

fn movement(field: &'static str, text: &str) -> Result<i64> {
    text.parse::<i64>().ok().filter(|&seq| seq >= 0).ok_or_else(|| {
        Problem::new(Code::InvalidRequest).field(field).detail(format!("`{field}` is the id of a movement."))
    })
}

fn amounts(ask: &HistoryAsk) -> Result<Option<(i64, i64)>> {
    let refused = |field: &'static str, detail: &str| {
        Err(Problem::new(Code::InvalidRequest).field(field).detail(detail))
    };
    let fen = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    match (ask.min_amount, ask.max_amount) {
        (None, None) => Ok(None),
        (Some(low), Some(high)) if low > high => {
            refused("max_amount", "`max_amount` is not below `min_amount`.")
        }
        (low, high) => Ok(Some((fen(low.unwrap_or(0)), fen(high.unwrap_or(u64::MAX))))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Filter {
        Filter {
            places: (0, 9),
            kind: None,
            direction: None,
            counterparty: None,
            transactions: None,
            amounts: None,
            limit: 20,
            towards_newer: false,
        }
    }

    #[test]
    fn a_question_names_what_is_given_and_nothing_else() {
        let check = |filter: Filter, few: bool, expect: &str| {
            let (sql, binds) = filter.text("a", "x", few);
            assert_eq!(sql, format!("SELECT x FROM movements WHERE wallet = $1 AND {expect}"));
            let last = sql.matches('$').count();
            assert_eq!(binds.len(), last, "{sql}");
        };
        check(everything(), false, "seq >= $2 AND seq < $3 ORDER BY seq DESC LIMIT 21");
        check(
            Filter { kind: Some(Kind::Refund), direction: Some(Direction::In), ..everything() },
            false,
            "seq >= $2 AND seq < $3 AND kind = $4 AND direction = $5 ORDER BY seq DESC LIMIT 21",
        );
        check(
            Filter { amounts: Some((5, 5)), towards_newer: true, ..everything() },
            false,
            "seq >= $2 AND seq < $3 AND amount = $4 ORDER BY seq LIMIT 21",
        );
        check(
            Filter { amounts: Some((5, 6)), ..everything() },
            true,
            "seq + 0 >= $2 AND seq + 0 < $3 AND amount >= $4 AND amount <= $5 ORDER BY seq + 0 DESC LIMIT 21",
        );
        check(
            Filter { transactions: Some(vec![16, 32]), counterparty: Some("c".into()), ..everything() },
            true,
            "seq + 0 >= $2 AND seq + 0 < $3 AND counterparty_ref = $4 AND transaction_no IN ($5, $6) ORDER BY seq + 0 DESC LIMIT 21",
        );
    }

    #[test]
    fn amounts_run_from_the_smaller_to_the_larger() {
        let check = |low: Option<u64>, high: Option<u64>, expect: Option<Option<(i64, i64)>>| {
            let ask = HistoryAsk { min_amount: low, max_amount: high, ..HistoryAsk::default() };
            assert_eq!(amounts(&ask).ok(), expect, "{low:?} {high:?}");
        };
        check(None, None, Some(None));
        check(Some(5), None, Some(Some((5, i64::MAX))));
        check(None, Some(7), Some(Some((0, 7))));
        check(Some(5), Some(5), Some(Some((5, 5))));
        check(Some(u64::MAX), None, Some(Some((i64::MAX, i64::MAX))));
        check(Some(6), Some(5), None);
    }
}

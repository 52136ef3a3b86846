//! Statements: what an account held before and after a range, what came and went, line by line.
//!
//! The opening and the closing balance are the ledger's, each from one record; the lines and their
//! sums are the history's, which is made from the ledger by other code. Opening plus what came less what
//! went must be closing, and every line's balance must follow from the one before. Where it does not, no
//! statement is answered: the fault is logged as an error for the operator.

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::asof::{held, money};
use super::range::{self, Places, RangeAsk};
use super::{Counterparty, Direction, Movement, add_memos, store};
use crate::clock::rfc3339;
use crate::id::TransactionId;
use crate::kind::Kind;
use crate::page::PageAsk;
use crate::{App, Code, Money, Problem, Result, policies};

/// Which statement is asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementAsk {
    /// A year, month or day at UTC+8: `2026`, `2026-11` or `2026-11-22`; instead of `from` and `to`.
    #[param(example = "2026-11")]
    pub period: Option<String>,
    /// Not before this time, RFC 3339.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Before this time, RFC 3339.
    #[param(format = DateTime)]
    pub to: Option<String>,
    /// Lines wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Statement {
    /// The wallet's id, or the institution's code and account.
    pub account: String,
    /// The range's first moment, RFC 3339 at UTC+8.
    #[schema(format = DateTime)]
    pub from: String,
    /// The first moment after the range.
    #[schema(format = DateTime)]
    pub to: String,
    /// What the account held before the range.
    pub opening: Money,
    /// What it held at the range's end, or now where that is still to come.
    pub closing: Money,
    /// All that came.
    pub total_in: Total,
    /// All that went.
    pub total_out: Total,
    /// The same by kind.
    pub by_kind: Vec<KindTotal>,
    /// The lines of this page, oldest first.
    pub lines: Vec<Line>,
    /// Whether more lines follow.
    pub has_more: bool,
    /// Whether the range is over, so that nothing can change the statement any more.
    pub settled: bool,
    /// Records in the ledger at the range's end: whoever has the ledger can check the statement there.
    pub records: u64,
    /// What was checked, in words.
    pub checked: Words,
}

/// How many movements, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// How much together.
    pub amount: Money,
}

/// The movements of one kind and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KindTotal {
    /// What they were.
    pub kind: Kind,
    /// Which way the money went.
    pub direction: Direction,
    /// How many.
    pub count: u64,
    /// How much together.
    pub amount: Money,
}

/// Words in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = StatementWords)]
pub struct Words {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// One movement of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = StatementLine)]
pub struct Line {
    /// The position of its record in the ledger's log; also the cursor of pages.
    #[schema(example = "10482")]
    pub id: String,
    /// When, RFC 3339 at UTC+8.
    #[schema(format = DateTime)]
    pub at: String,
    /// What it was.
    pub kind: Kind,
    /// Which way the money went, seen from the account.
    pub direction: Direction,
    /// How much.
    pub amount: Money,
    /// What the account held after it.
    pub balance: Money,
    /// The transaction.
    pub transaction_id: TransactionId,
    /// The id of what it was for.
    pub subject: String,
    /// The other side.
    pub counterparty: Counterparty,
    /// What the order, or the payer, said it was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
}

impl From<Movement> for Line {
    fn from(movement: Movement) -> Self {
        Self {
            id: movement.id,
            at: movement.at,
            kind: movement.kind,
            direction: movement.direction,
            amount: movement.amount,
            balance: movement.balance,
            transaction_id: movement.transaction_id,
            subject: movement.subject,
            counterparty: movement.counterparty,
            memo: movement.memo,
        }
    }
}

/// The statement of `account` over a range.
///
/// # Errors
/// `invalid_request`, naming the field; `overloaded` while the history is behind the ledger;
/// `internal` when the history does not fit the ledger; any fault of the database or the ledger.
pub async fn statement(app: &App, account: &Account, ask: &StatementAsk) -> Result<Statement> {
    let page = PageAsk { limit: ask.limit, after: ask.after.clone(), before: None };
    let limit = page.limit()?;
    let range = RangeAsk { period: ask.period.clone(), from: ask.from.clone(), to: ask.to.clone() };
    let days = policies::number(app, "statement_days").await?;
    let range = range.range()?.within(days, (app.engine.now() / 1_000_000) as i64)?;
    let places = range::places(app, account.number, range).await?;
    range::told(app, places.end).await?;
    let (opening, closing) = balances(app, account, places).await?;
    let key = account.key();
    let sums = store::sums(app, &key, places.first, places.end).await?;
    let first = match &ask.after {
        None => places.first,
        Some(text) => {
            let after = text.parse::<u64>().ok().and_then(|after| after.checked_add(1)).ok_or_else(|| {
                Problem::new(Code::InvalidRequest).field("after").detail("`after` is the id of a movement.")
            })?;
            after.max(places.first)
        }
    };
    let mut lines = store::forward(app, &key, first, places.end, limit + 1).await?;
    let has_more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    let whole = Whole { opening, closing, sums: &sums };
    let begins = (first == places.first).then_some(opening);
    let checked = whole.check().and_then(|()| follows(begins, &lines));
    let checked = checked.and_then(|last| match (has_more, last) {
        (false, Some(last)) if last != closing => {
            Err(format!("the last line leaves {last}, the ledger says {closing}"))
        }
        _ => Ok(()),
    });
    checked.map_err(|what| misfit(&account.shown, places, &what))?;
    add_memos(app, &mut lines).await?;
    let sum = |direction| total(sums.iter().filter(|sum| sum.1 == direction));
    Ok(Statement {
        account: account.shown.clone(),
        from: range.from_text(),
        to: range.to_text(),
        opening: money(opening)?,
        closing: money(closing)?,
        total_in: sum(Direction::In),
        total_out: sum(Direction::Out),
        by_kind: sums.iter().map(of_kind).collect(),
        lines: lines.into_iter().map(Line::from).collect(),
        has_more,
        settled: places.is_over,
        records: places.end,
        checked: words(places.end, &rfc3339(range.to.min(app.clock.millis()))),
    })
}

/// What the ledger says of the account before and after some places.
pub(crate) async fn balances(app: &App, account: &Account, places: Places) -> Result<(i64, i64)> {
    let opening = held(app, account, places.first).await?.balance;
    Ok((opening, held(app, account, places.end).await?.balance))
}

type Sum = (Kind, Direction, i64, i64);

/// A statement's figures.
struct Whole<'a> {
    opening: i64,
    closing: i64,
    sums: &'a [Sum],
}

impl Whole<'_> {
    /// Opening plus what came less what went is closing.
    fn check(&self) -> Result<(), String> {
        let of = |wanted| -> i128 {
            self.sums.iter().filter(|sum| sum.1 == wanted).map(|sum| i128::from(sum.3)).sum()
        };
        let reached = i128::from(self.opening) + of(Direction::In) - of(Direction::Out);
        if reached == i128::from(self.closing) {
            return Ok(());
        }
        Err(format!("the lines lead from {} to {reached}, the ledger says {}", self.opening, self.closing))
    }
}

/// Checks that each line's balance follows from the one before, the first from `begins` where that is
/// known; the last balance.
pub(crate) fn follows(begins: Option<i64>, lines: &[Movement]) -> Result<Option<i64>, String> {
    let mut held = begins;
    for line in lines {
        let amount = i128::from(line.amount.amount);
        let change = if line.direction == Direction::In { amount } else { -amount };
        let balance = i64::try_from(line.balance.amount).map_err(|error| error.to_string())?;
        if held.is_some_and(|held| i128::from(held) + change != i128::from(balance)) {
            return Err(format!("line {} does not follow from the one before", line.id));
        }
        held = Some(balance);
    }
    Ok(held)
}

/// What is told when the history does not fit the ledger: the operator hears it, the asker gets no figures.
pub(crate) fn misfit(account: &str, places: Places, what: &str) -> Problem {
    tracing::error!(
        account,
        first = places.first,
        end = places.end,
        what,
        "the history does not fit the ledger: no statement is given; run `jialing verify`"
    );
    Problem::internal(format!(
        "the history of {account} over records {} to {} does not fit the ledger: {what}",
        places.first, places.end
    ))
}

fn total<'a>(sums: impl Iterator<Item = &'a Sum>) -> Total {
    let (count, amount) = sums.fold((0, 0), |(count, amount), sum| (count + sum.2, amount + sum.3));
    Total { count: count.unsigned_abs(), amount: Money::fen(amount.unsigned_abs()) }
}

const fn of_kind(sum: &Sum) -> KindTotal {
    KindTotal {
        kind: sum.0,
        direction: sum.1,
        count: sum.2.unsigned_abs(),
        amount: Money::fen(sum.3.unsigned_abs()),
    }
}

fn words(records: u64, until: &str) -> Words {
    Words {
        zh: format!(
            "期初余额与期末余额取自账本记录;期初余额加收入减支出等于期末余额,已与账本前 {records} 条记录(截至 {until})核对一致。"
        ),
        en: format!(
            "The opening and closing balances are those of the ledger's records. Opening plus in less out is closing: \
             checked against the first {records} records of the ledger, up to {until}."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_plus_in_less_out_is_closing_or_there_is_no_statement() {
        let check = |opening, closing, sums: &[Sum], fits: bool| {
            assert_eq!(
                Whole { opening, closing, sums }.check().is_ok(),
                fits,
                "{opening} {closing} {sums:?}"
            );
        };
        let came = |fen| (Kind::TopUp, Direction::In, 1, fen);
        let went = |fen| (Kind::Payment, Direction::Out, 1, fen);
        check(0, 0, &[], true);
        check(5, 5, &[], true);
        check(5, 6, &[], false);
        check(0, 70, &[came(100), went(30)], true);
        check(0, 69, &[came(100), went(30)], false);
        check(i64::MAX, i64::MAX, &[came(i64::MAX), went(i64::MAX)], true);
    }

    fn line(id: u64, direction: Direction, amount: u64, balance: u64) -> Movement {
        let counterparty = Counterparty { name: None, name_en: None, reference: "r".into() };
        Movement {
            id: id.to_string(),
            wallet_id: crate::id::WalletId::from_number(16),
            transaction_id: TransactionId::from_number(16),
            subject: String::new(),
            kind: Kind::Payment,
            direction,
            amount: Money::fen(amount),
            balance: Money::fen(balance),
            counterparty,
            memo: None,
            at: String::new(),
        }
    }

    #[test]
    fn every_line_follows_from_the_one_before() {
        let check = |begins: Option<i64>, lines: &[Movement], expect: Result<Option<i64>, ()>| {
            assert_eq!(follows(begins, lines).map_err(drop), expect);
        };
        let lines = [line(3, Direction::In, 10, 15), line(4, Direction::Out, 15, 0)];
        check(Some(5), &lines, Ok(Some(0)));
        check(Some(6), &lines, Err(()));
        check(None, &lines, Ok(Some(0)));
        check(None, &[lines[0].clone(), line(4, Direction::Out, 14, 0)], Err(()));
        check(Some(5), &[], Ok(Some(5)));
        check(None, &[], Ok(None));
    }
}

//! The lines of a statement's files, and what they add up to.
//!
//! Both kinds are made of the same movements of the merchant's wallet, each checked to follow from the one
//! before. Funds show every movement; trades only payments of the merchant's orders and its refunds, with
//! what the merchant knows of them. A trade whose order or refund is not there fails the file.

use std::collections::HashMap;
use std::io::{self, Write};

use jialing_sheet::{Cell, Column, Kind as Holds, Sheet};
use serde::{Deserialize, Serialize};

use crate::exports::Content;
use crate::history::{Direction, Movement};
use crate::id::{OrderId, RefundId};
use crate::kind::Kind;
use crate::orders::Named;
use crate::{App, Problem, Result, orders, refunds};

/// What lines add up to, fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tally {
    /// Movements of the account.
    pub(crate) lines: u64,
    /// How many came, and how much.
    pub(crate) came: (u64, u64),
    /// How many went, and how much.
    pub(crate) went: (u64, u64),
    /// Payments of the merchant's orders.
    pub(crate) payments: (u64, u64),
    /// Refunds of them.
    pub(crate) refunds: (u64, u64),
    /// Trades that were written.
    pub(crate) trades: u64,
}

/// What a movement is as a trade of the account's holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trade {
    Payment(OrderId),
    Refund(RefundId),
}

/// The trade that a movement is, if it is one.
pub(crate) fn trade(movement: &Movement) -> Option<Trade> {
    let number = movement.transaction_id.number();
    match (movement.kind, movement.direction) {
        (Kind::Payment, Direction::In) => Some(Trade::Payment(OrderId::from_number(number))),
        (Kind::Refund, Direction::Out) => Some(Trade::Refund(RefundId::from_number(number))),
        _ => None,
    }
}

impl Tally {
    /// Counts these movements.
    pub(crate) fn count(&mut self, movements: &[Movement]) {
        let add = |(count, sum): &mut (u64, u64), amount: u64| {
            *count += 1;
            *sum = sum.saturating_add(amount);
        };
        for movement in movements {
            let amount = movement.amount.amount;
            self.lines += 1;
            add(if movement.direction == Direction::In { &mut self.came } else { &mut self.went }, amount);
            match trade(movement) {
                Some(Trade::Payment(_)) => add(&mut self.payments, amount),
                Some(Trade::Refund(_)) => add(&mut self.refunds, amount),
                None => {}
            }
        }
    }

    /// Opening plus what came less what went is closing, and no trade is missing.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn check(&self, content: Content, (opening, closing): (i64, i64)) -> Result<(), String> {
        let reached = i128::from(opening) + i128::from(self.came.1) - i128::from(self.went.1);
        if reached != i128::from(closing) {
            return Err(format!("the lines lead from {opening} to {reached}, the ledger says {closing}"));
        }
        let expected = self.payments.0 + self.refunds.0;
        if content == Content::Trades && self.trades != expected {
            return Err(format!("{} trades were written of {expected}", self.trades));
        }
        Ok(())
    }

    /// What stands below the lines.
    pub(crate) fn summary(
        &self,
        content: Content,
        (opening, closing): (i64, i64),
    ) -> (Vec<Column>, Vec<Number>) {
        let fen = |amount: u64| Number::Fen(i64::try_from(amount).unwrap_or(i64::MAX));
        let figures: Vec<(&'static str, Number)> = match content {
            Content::Trades => vec![
                ("payments", Number::Count(self.payments.0)),
                ("payments_amount", fen(self.payments.1)),
                ("refunds", Number::Count(self.refunds.0)),
                ("refunds_amount", fen(self.refunds.1)),
                ("net", Number::Fen(self.payments.1 as i64 - self.refunds.1 as i64)),
            ],
            Content::History | Content::Funds => vec![
                ("opening", Number::Fen(opening)),
                ("in", Number::Count(self.came.0)),
                ("in_amount", fen(self.came.1)),
                ("out", Number::Count(self.went.0)),
                ("out_amount", fen(self.went.1)),
                ("closing", Number::Fen(closing)),
            ],
        };
        let mut columns = vec![Column::new(SUMMARY, Holds::Text)];
        let mut numbers = Vec::with_capacity(figures.len());
        for (name, number) in figures {
            let holds = if matches!(number, Number::Count(_)) { Holds::Natural } else { Holds::Hundredths };
            columns.push(Column::new(name, holds));
            numbers.push(number);
        }
        (columns, numbers)
    }
}

/// The title of a summary's first column: whoever reads the lines stops there.
pub(crate) const SUMMARY: &str = "summary";

/// A figure of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Count(u64),
    Fen(i64),
}

/// The cells of a summary.
pub(crate) fn summary_cells(numbers: &[Number]) -> Vec<Cell<'static>> {
    let cells = numbers.iter().map(|number| match number {
        Number::Count(count) => Cell::Natural(*count),
        Number::Fen(fen) => Cell::Number(*fen),
    });
    std::iter::once(Cell::Text("total")).chain(cells).collect()
}

/// The columns of a statement of funds.
pub(crate) fn funds() -> Vec<Column> {
    vec![
        Column::new("record", Holds::Natural),
        Column::new("at", Holds::Millis),
        Column::new("kind", Holds::Text),
        Column::new("direction", Holds::Text),
        Column::new("amount", Holds::Hundredths),
        Column::new("balance", Holds::Hundredths),
        Column::new("out_no", Holds::Text).or_empty(),
        Column::new("subject", Holds::Text),
        Column::new("counterparty_ref", Holds::Text),
        Column::new("transaction", Holds::Text),
    ]
}

/// The columns of a statement of trades.
pub(crate) fn trades() -> Vec<Column> {
    vec![
        Column::new("kind", Holds::Text),
        Column::new("out_no", Holds::Text),
        Column::new("out_trade_no", Holds::Text),
        Column::new("amount", Holds::Hundredths),
        Column::new("state", Holds::Text),
        Column::new("at", Holds::Millis),
        Column::new("trade_type", Holds::Text),
        Column::new("store", Holds::Text).or_empty(),
        Column::new("provider", Holds::Text).or_empty(),
        Column::new("description", Holds::Text),
        Column::new("attach", Holds::Text).or_empty(),
        Column::new("subject", Holds::Text),
        Column::new("transaction", Holds::Text),
        Column::new("record", Holds::Natural),
    ]
}

/// The orders and refunds behind some movements.
pub(crate) struct Behind {
    orders: HashMap<OrderId, Named>,
    refunds: HashMap<RefundId, refunds::Named>,
}

impl Behind {
    /// Looks up what these movements are about.
    ///
    /// # Errors
    /// Any fault of the database.
    pub(crate) async fn find(app: &App, movements: &[Movement]) -> Result<Self> {
        let trades = movements.iter().filter_map(trade);
        let (mut order_ids, mut refund_ids) = (Vec::new(), Vec::new());
        for trade in trades {
            match trade {
                Trade::Payment(order) => order_ids.push(order),
                Trade::Refund(refund) => refund_ids.push(refund),
            }
        }
        let refunds = refunds::named(app, &refund_ids).await?;
        order_ids.extend(refunds.iter().map(|refund| refund.order_id));
        order_ids.sort_unstable();
        order_ids.dedup();
        let orders = orders::named(app, &order_ids).await?;
        Ok(Self {
            orders: orders.into_iter().map(|order| (order.id, order)).collect(),
            refunds: refunds.into_iter().map(|refund| (refund.id, refund)).collect(),
        })
    }

    /// The merchant's own number of a trade.
    pub(crate) fn number(&self, trade: Trade) -> Option<&str> {
        match trade {
            Trade::Payment(order) => self.orders.get(&order).map(|order| order.out_trade_no.as_str()),
            Trade::Refund(refund) => self.refunds.get(&refund).map(|refund| refund.out_refund_no.as_str()),
        }
    }

    /// The order of a trade.
    fn order(&self, trade: Trade) -> Option<&Named> {
        match trade {
            Trade::Payment(order) => self.orders.get(&order),
            Trade::Refund(refund) => self.orders.get(&self.refunds.get(&refund)?.order_id),
        }
    }
}

/// Writes lines of a statement of funds.
pub(crate) async fn write_funds<W: Write>(
    app: &App,
    sheet: &mut Sheet<W>,
    movements: &[Movement],
) -> Result<()> {
    let behind = Behind::find(app, movements).await?;
    let mut each = |line: &Movement| {
        let (at, transaction) = (millis(line)?, line.transaction_id.to_string());
        sheet.row(&[
            Cell::Natural(record(line)?),
            Cell::Number(at),
            Cell::Text(line.kind.name()),
            Cell::Text(line.direction.text()),
            Cell::Number(fen(line.amount.amount)?),
            Cell::Number(fen(line.balance.amount)?),
            Cell::text(trade(line).and_then(|trade| behind.number(trade))),
            Cell::Text(&line.subject),
            Cell::Text(&line.counterparty.reference),
            Cell::Text(&transaction),
        ])
    };
    movements.iter().try_for_each(&mut each).map_err(fault)
}

/// Writes the trades among these movements.
pub(crate) async fn write_trades<W: Write>(
    app: &App,
    sheet: &mut Sheet<W>,
    movements: &[Movement],
    tally: &mut Tally,
) -> Result<()> {
    let behind = Behind::find(app, movements).await?;
    for line in movements {
        let Some(trade) = trade(line) else { continue };
        let missing = || Problem::internal(format!("{} is in the ledger and in no table", line.subject));
        let (number, order) = behind.number(trade).zip(behind.order(trade)).ok_or_else(missing)?;
        write_trade(sheet, line, number, order).map_err(fault)?;
        tally.trades += 1;
    }
    Ok(())
}

fn write_trade<W: Write>(
    sheet: &mut Sheet<W>,
    line: &Movement,
    number: &str,
    order: &Named,
) -> io::Result<()> {
    let (transaction, store) = (line.transaction_id.to_string(), order.store.map(|store| store.to_string()));
    let provider = order.provider.map(|provider| provider.to_string());
    sheet.row(&[
        Cell::Text(line.kind.name()),
        Cell::Text(number),
        Cell::Text(&order.out_trade_no),
        Cell::Number(fen(line.amount.amount)?),
        Cell::Text(SUCCESS),
        Cell::Number(millis(line)?),
        Cell::Text(order.trade_type.text()),
        Cell::text(store.as_deref()),
        Cell::text(provider.as_deref()),
        Cell::Text(&order.description),
        Cell::text(order.attach.as_deref()),
        Cell::Text(&line.subject),
        Cell::Text(&transaction),
        Cell::Natural(record(line)?),
    ])
}

/// The state of whatever is in the ledger.
pub(crate) const SUCCESS: &str = "SUCCESS";

fn record(line: &Movement) -> io::Result<u64> {
    line.id.parse().map_err(io::Error::other)
}

fn fen(amount: u64) -> io::Result<i64> {
    i64::try_from(amount).map_err(io::Error::other)
}

fn millis(line: &Movement) -> io::Result<i64> {
    line.at.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).map_err(io::Error::other)
}

fn fault(error: io::Error) -> Problem {
    Problem::internal(format!("a statement's file cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_does_not_add_up_or_misses_a_trade_is_refused() {
        let tally = |came, went, payments, refunds, trades| Tally {
            lines: 3,
            came: (1, came),
            went: (1, went),
            payments: (payments, 0),
            refunds: (refunds, 0),
            trades,
        };
        let check = |tally: Tally, content, balances, fits: bool| {
            assert_eq!(tally.check(content, balances).is_ok(), fits, "{tally:?} {balances:?}");
        };
        check(tally(10, 4, 0, 0, 0), Content::Funds, (5, 11), true);
        check(tally(10, 4, 0, 0, 0), Content::Funds, (5, 10), false);
        check(tally(10, 4, 0, 0, 0), Content::Funds, (6, 11), false);
        check(tally(10, 4, 2, 1, 3), Content::Trades, (5, 11), true);
        check(tally(10, 4, 2, 1, 2), Content::Trades, (5, 11), false);
        check(tally(10, 4, 2, 1, 3), Content::Trades, (5, 12), false);
        check(tally(u64::MAX, 0, 0, 0, 0), Content::Funds, (i64::MAX, i64::MAX), false);
    }
}

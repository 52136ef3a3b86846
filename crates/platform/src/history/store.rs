//! The table of movements.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::rules::Side;
use super::{Counterparty, Direction, HistoryAsk, Movement, subject_prefix, time};
use crate::clock::rfc3339;
use crate::id::{TransactionId, WalletId, digits, parse_number};
use crate::kind::Kind;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx};

const COLUMNS: &str = "wallet, seq, transaction_no, kind, direction, amount, balance, counterparty, counterparty_en, counterparty_ref, at";

/// A checked question.
pub(super) struct Filter {
    from: Option<i64>,
    to: Option<i64>,
    kind: Option<Kind>,
    direction: Option<Direction>,
    counterparty: Option<String>,
    limit: u32,
    beyond: i64,
    towards_newer: bool,
}

impl Filter {
    pub(super) fn new(ask: &HistoryAsk) -> Result<Self> {
        let page = PageAsk { limit: ask.limit, after: ask.after.clone(), before: ask.before.clone() };
        let limit = page.limit()?;
        let (cursor, field) = match (&ask.after, &ask.before) {
            (Some(after), _) => (Some(after), "after"),
            (None, before) => (before.as_ref(), "before"),
        };
        let beyond = match cursor {
            None => i64::MAX,
            Some(text) => text.parse::<i64>().ok().filter(|&seq| seq >= 0).ok_or_else(|| {
                Problem::new(Code::InvalidRequest)
                    .field(field)
                    .detail(format!("`{field}` is the id of a movement."))
            })?,
        };
        Ok(Self {
            from: ask.from.as_deref().map(|text| time("from", text)).transpose()?,
            to: ask.to.as_deref().map(|text| time("to", text)).transpose()?,
            kind: ask.kind,
            direction: ask.direction,
            counterparty: ask.counterparty.clone(),
            limit,
            beyond,
            towards_newer: ask.before.is_some(),
        })
    }
}

pub(super) async fn page(app: &App, wallet: WalletId, filter: &Filter) -> Result<Page<Movement>> {
    let mut sql = format!("SELECT {COLUMNS} FROM movements WHERE wallet = $1 AND seq ");
    sql += if filter.towards_newer { "> $2" } else { "< $2" };
    let numbers = [("at >=", filter.from), ("at <", filter.to)];
    let texts = [
        ("kind =", filter.kind.map(|kind| kind.name().to_owned())),
        ("direction =", filter.direction.map(|direction| direction.text().to_owned())),
        ("counterparty_ref =", filter.counterparty.clone()),
    ];
    let given = numbers.iter().filter(|(_, n)| n.is_some()).map(|(test, _)| *test);
    let given = given.chain(texts.iter().filter(|(_, text)| text.is_some()).map(|(test, _)| *test));
    for (place, test) in (3..).zip(given) {
        sql += &format!(" AND {test} ${place}");
    }
    let by = match (filter.from.or(filter.to).is_some(), filter.towards_newer) {
        (true, true) => "at, seq",
        (true, false) => "at DESC, seq DESC",
        (false, true) => "seq",
        (false, false) => "seq DESC",
    };
    sql += &format!(" ORDER BY {by} LIMIT {}", filter.limit + 1);
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(wallet.to_string()).bind(filter.beyond);
    for (_, number) in numbers {
        if let Some(number) = number {
            query = query.bind(number);
        }
    }
    for (_, text) in texts {
        if let Some(text) = text {
            query = query.bind(text);
        }
    }
    let rows = query.fetch_all(app.db.read()).await?;
    let mut page = Page::cut(rows.iter().map(read).collect::<Result<Vec<_>>>()?, filter.limit);
    if filter.towards_newer {
        page.items.reverse();
    }
    Ok(page)
}

/// Every wallet's side of `transaction`.
pub(crate) async fn of_transaction(app: &App, transaction: TransactionId) -> Result<Vec<Movement>> {
    let rows = sqlx::query("SELECT wallet, seq, transaction_no, kind, direction, amount, balance, counterparty, counterparty_en, counterparty_ref, at FROM movements WHERE transaction_no = $1 ORDER BY seq")
        .bind(digits(transaction.number()))
        .fetch_all(app.db.read())
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Movement> {
    let (wallet, number, kind): (String, String, String) =
        (row.try_get("wallet")?, row.try_get("transaction_no")?, row.try_get("kind")?);
    let kind = Kind::ALL
        .iter()
        .copied()
        .find(|known| known.name() == kind)
        .ok_or_else(|| Problem::internal(format!("no kind is called {kind}")))?;
    let transaction =
        parse_number(&number).ok_or_else(|| Problem::internal("a stored transaction number is none"))?;
    Ok(Movement {
        id: row.try_get::<i64, _>("seq")?.to_string(),
        wallet_id: wallet.parse().map_err(Problem::internal)?,
        transaction_id: TransactionId::from_number(transaction),
        subject: format!("{}_{number}", subject_prefix(kind)),
        kind,
        direction: row.try_get("direction")?,
        amount: Money::fen(row.try_get::<i64, _>("amount")?.unsigned_abs()),
        balance: Money::fen(row.try_get::<i64, _>("balance")?.unsigned_abs()),
        counterparty: Counterparty {
            name: row.try_get("counterparty")?,
            name_en: row.try_get("counterparty_en")?,
            reference: row.try_get("counterparty_ref")?,
        },
        memo: None,
        at: rfc3339(row.try_get("at")?),
    })
}

/// Writes one wallet's side; a side that is there stays as it is.
pub(super) async fn insert(tx: &mut Tx, side: &Side, counterparty: Counterparty) -> Result<()> {
    sqlx::query(
        "INSERT INTO movements (wallet, seq, transaction_no, kind, direction, amount, balance, counterparty, counterparty_en, counterparty_ref, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (wallet, seq) DO NOTHING",
    )
    .bind(WalletId::from_number(side.wallet).to_string())
    .bind(side.seq as i64)
    .bind(digits(side.transaction))
    .bind(side.kind.name())
    .bind(side.direction)
    .bind(side.amount as i64)
    .bind(side.balance)
    .bind(counterparty.name)
    .bind(counterparty.name_en)
    .bind(counterparty.reference)
    .bind(side.at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

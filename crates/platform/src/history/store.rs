//! The table of movements.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::account::{self, Account};
use super::filter::{Bind, Filter};
use super::rules::Side;
use super::{Counterparty, Movement, subject_prefix};
use crate::clock::rfc3339;
use crate::id::{TransactionId, digits, parse_number};
use crate::kind::Kind;
use crate::{App, Money, Page, Problem, Result, Tx, db};

const COLUMNS: &str = "wallet, seq, transaction_no, kind, direction, amount, balance, counterparty, counterparty_en, counterparty_ref, at";

/// The page of the account's movements that `filter` asks for.
pub(super) async fn page(app: &App, account: &Account, filter: &Filter) -> Result<Page<Movement>> {
    let found = fetch(app, &filter.query(app, &account.key(), COLUMNS).await?).await?;
    let mut page = Page::cut(found.iter().map(read).collect::<Result<Vec<_>>>()?, filter.limit);
    if filter.towards_newer {
        page.items.reverse();
    }
    Ok(page)
}

/// How the database finds a page: a line for each step of its plan.
pub(super) async fn plan(app: &App, account: &Account, filter: &Filter) -> Result<Vec<String>> {
    let (sql, binds) = filter.query(app, &account.key(), COLUMNS).await?;
    let explain = match app.db.backend() {
        db::Backend::Sqlite => "EXPLAIN QUERY PLAN ",
        db::Backend::Postgres => "EXPLAIN ",
    };
    let rows = fetch(app, &(format!("{explain}{sql}"), binds)).await?;
    let step = |row: &AnyRow| row.try_get("detail").or_else(|_| row.try_get(0));
    Ok(rows.iter().map(step).collect::<sqlx::Result<Vec<String>>>()?)
}

async fn fetch(app: &App, (sql, binds): &(String, Vec<Bind>)) -> Result<Vec<AnyRow>> {
    let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
    for bind in binds {
        query = match bind {
            Bind::Number(number) => query.bind(*number),
            Bind::Text(text) => query.bind(text.clone()),
        };
    }
    Ok(query.fetch_all(app.db.read()).await?)
}

/// How many of the account's movements have an amount in the range, counted up to `most`.
pub(super) async fn count_of_amounts(
    app: &App,
    account: &str,
    low: i64,
    high: i64,
    most: i64,
) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM movements WHERE wallet = $1 AND amount >= $2 AND amount <= $3 LIMIT $4) AS found";
    Ok(sqlx::query_scalar(sql)
        .bind(account.to_owned())
        .bind(low)
        .bind(high)
        .bind(most)
        .fetch_one(app.db.read())
        .await?)
}

/// How many movements the account has in these places, counted up to `most`.
pub(crate) async fn count(app: &App, account: &str, first: u64, end: u64, most: i64) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM movements WHERE wallet = $1 AND seq >= $2 AND seq < $3 LIMIT $4) AS found";
    Ok(sqlx::query_scalar(sql)
        .bind(account.to_owned())
        .bind(first as i64)
        .bind(end as i64)
        .bind(most)
        .fetch_one(app.db.read())
        .await?)
}

/// The account's movements in these places, oldest first, at most `limit`.
pub(crate) async fn forward(
    app: &App,
    account: &str,
    first: u64,
    end: u64,
    limit: u32,
) -> Result<Vec<Movement>> {
    let sql = "SELECT wallet, seq, transaction_no, kind, direction, amount, balance, counterparty, counterparty_en, counterparty_ref, at \
               FROM movements WHERE wallet = $1 AND seq >= $2 AND seq < $3 ORDER BY seq LIMIT $4";
    let rows = sqlx::query(sql)
        .bind(account.to_owned())
        .bind(first as i64)
        .bind(end as i64)
        .bind(i64::from(limit))
        .fetch_all(app.db.read())
        .await?;
    rows.iter().map(read).collect()
}

/// The sums of the account's movements in these places: kind, direction, how many, how much.
pub(crate) async fn sums(
    app: &App,
    account: &str,
    first: u64,
    end: u64,
) -> Result<Vec<(Kind, super::Direction, i64, i64)>> {
    let sql = "SELECT kind, direction, COUNT(*) AS count, CAST(SUM(amount) AS BIGINT) AS amount FROM movements \
               WHERE wallet = $1 AND seq >= $2 AND seq < $3 GROUP BY kind, direction ORDER BY kind, direction";
    let rows = sqlx::query(sql)
        .bind(account.to_owned())
        .bind(first as i64)
        .bind(end as i64)
        .fetch_all(app.db.read())
        .await?;
    let read = |row: &AnyRow| {
        Ok((kind(row)?, row.try_get("direction")?, row.try_get("count")?, row.try_get("amount")?))
    };
    rows.iter().map(read).collect()
}

/// Every wallet's side of `transaction`.
pub(crate) async fn of_transaction(app: &App, transaction: TransactionId) -> Result<Vec<Movement>> {
    let rows = sqlx::query("SELECT wallet, seq, transaction_no, kind, direction, amount, balance, counterparty, counterparty_en, counterparty_ref, at FROM movements WHERE transaction_no = $1 ORDER BY seq")
        .bind(digits(transaction.number()))
        .fetch_all(app.db.read())
        .await?;
    let sides: Vec<Movement> = rows.iter().map(read).collect::<Result<_>>()?;
    // The institutions' accounts that money passed on its way are nobody's wallets.
    let is_wallet = |side: &Movement| account::of_number(side.wallet_id.number()).is_none();
    Ok(sides.into_iter().filter(is_wallet).collect())
}

fn kind(row: &AnyRow) -> Result<Kind> {
    let name: String = row.try_get("kind")?;
    let known = Kind::ALL.iter().copied().find(|known| known.name() == name);
    known.ok_or_else(|| Problem::internal(format!("no kind is called {name}")))
}

fn read(row: &AnyRow) -> Result<Movement> {
    let (wallet, number): (String, String) = (row.try_get("wallet")?, row.try_get("transaction_no")?);
    let kind = kind(row)?;
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

/// Rows written by one statement.
const TOGETHER: usize = 40;

/// Writes the accounts' sides; one that is there stays as it is.
pub(super) async fn insert(tx: &mut Tx, sides: &[(Side, Counterparty)]) -> Result<()> {
    const WIDTH: usize = 11;
    for some in sides.chunks(TOGETHER) {
        let rows: Vec<String> =
            (0..some.len()).map(|n| format!("({})", db::places(1 + n * WIDTH, WIDTH))).collect();
        let sql = format!(
            "INSERT INTO movements ({COLUMNS}) VALUES {} ON CONFLICT (wallet, seq) DO NOTHING",
            rows.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (side, counterparty) in some {
            query = query
                .bind(account::key(side.wallet))
                .bind(side.seq as i64)
                .bind(digits(side.transaction))
                .bind(side.kind.name())
                .bind(side.direction)
                .bind(side.amount as i64)
                .bind(side.balance)
                .bind(counterparty.name.clone())
                .bind(counterparty.name_en.clone())
                .bind(counterparty.reference.clone())
                .bind(side.at);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

//! The columns of a ledger's records: every field of every kind of record has one.

use std::io::{self, Write};

use jialing_ledger::{Body, Op, Record, Transfer};
use jialing_platform::id::digits;
use jialing_sheet::{Cell, Column, Kind, Sheet};

/// The columns, in order. All but the first three are empty where a record has no such field.
pub(super) fn columns() -> Vec<Column> {
    let text = |name| Column::new(name, Kind::Text).or_empty();
    let number = |name| Column::new(name, Kind::Number).or_empty();
    let natural = |name| Column::new(name, Kind::Natural).or_empty();
    vec![
        Column::new("record", Kind::Natural),
        Column::new("time", Kind::Nanos),
        Column::new("what", Kind::Text),
        text("id"),
        text("debit"),
        text("credit"),
        natural("amount"),
        number("debit_balance"),
        number("credit_balance"),
        text("link"),
        natural("kind"),
        natural("leg"),
        natural("legs"),
        natural("has_terms"),
        natural("currency"),
        natural("account_kind"),
        natural("holder"),
        number("minimum"),
        number("maximum"),
        natural("debit_frozen"),
        natural("credit_frozen"),
        natural("closed"),
        number("balance"),
        natural("policy"),
        natural("version"),
        natural("in_force_from"),
        natural("single"),
        natural("day"),
        natural("day_count"),
        natural("year"),
        natural("year_count"),
        text("meter_1"),
        text("meter_2"),
        text("meter_3"),
        text("meter_4"),
        natural("expires"),
        text("digest"),
    ]
}

/// A record's fields; what a record does not have stays empty.
#[derive(Default)]
struct Row {
    id: Option<String>,
    debit: Option<String>,
    credit: Option<String>,
    amount: Option<u64>,
    debit_balance: Option<i64>,
    credit_balance: Option<i64>,
    link: Option<String>,
    kind: Option<u64>,
    leg: Option<u64>,
    legs: Option<u64>,
    has_terms: Option<u64>,
    currency: Option<u64>,
    account_kind: Option<u64>,
    holder: Option<u64>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    debit_frozen: Option<u64>,
    credit_frozen: Option<u64>,
    closed: Option<u64>,
    balance: Option<i64>,
    policy: Option<u64>,
    version: Option<u64>,
    in_force_from: Option<u64>,
    bounds: [Option<u64>; 5],
    meters: [Option<String>; 4],
    expires: Option<u64>,
    digest: Option<String>,
}

/// Writes a record as a row.
pub(super) fn write<W: Write>(sheet: &mut Sheet<W>, record: &Record) -> io::Result<()> {
    let row = of(&record.body);
    let (natural, number) = (Cell::natural, Cell::number);
    sheet.row(&[
        Cell::Natural(record.seq),
        Cell::Number(i64::try_from(record.time).map_err(io::Error::other)?),
        Cell::Text(what(&record.body)),
        shown(&row.id),
        shown(&row.debit),
        shown(&row.credit),
        natural(row.amount),
        number(row.debit_balance),
        number(row.credit_balance),
        shown(&row.link),
        natural(row.kind),
        natural(row.leg),
        natural(row.legs),
        natural(row.has_terms),
        natural(row.currency),
        natural(row.account_kind),
        natural(row.holder),
        number(row.minimum),
        number(row.maximum),
        natural(row.debit_frozen),
        natural(row.credit_frozen),
        natural(row.closed),
        number(row.balance),
        natural(row.policy),
        natural(row.version),
        natural(row.in_force_from),
        natural(row.bounds[0]),
        natural(row.bounds[1]),
        natural(row.bounds[2]),
        natural(row.bounds[3]),
        natural(row.bounds[4]),
        shown(&row.meters[0]),
        shown(&row.meters[1]),
        shown(&row.meters[2]),
        shown(&row.meters[3]),
        natural(row.expires),
        shown(&row.digest),
    ])
}

fn shown(text: &Option<String>) -> Cell<'_> {
    Cell::text(text.as_deref())
}

/// What a record is, in a word.
const fn what(body: &Body) -> &'static str {
    match body {
        Body::AccountOpened { .. } => "account_opened",
        Body::AccountChanged { .. } => "account_changed",
        Body::PolicyPublished { .. } => "policy_published",
        Body::MeterSet { .. } => "meter_set",
        Body::Terms { .. } => "terms",
        Body::Note { .. } => "note",
        Body::Transfer(transfer) => match transfer.op {
            Op::Plain => "plain",
            Op::Hold => "hold",
            Op::Post => "post",
            Op::Void => "void",
            Op::Expire => "expire",
            Op::Reverse => "reverse",
        },
    }
}

fn of(body: &Body) -> Row {
    let id = |number: u128| Some(digits(number));
    let empty = Row::default();
    match *body {
        Body::AccountOpened { id: account, currency, kind, holder, min, max } => Row {
            id: id(account),
            currency: Some(currency.into()),
            account_kind: Some(kind as u64),
            holder: Some(holder.into()),
            minimum: Some(min),
            maximum: Some(max),
            ..empty
        },
        Body::AccountChanged { id: account, min, max, debit_frozen, credit_frozen, closed, balance } => Row {
            id: id(account),
            minimum: Some(min),
            maximum: Some(max),
            debit_frozen: Some(debit_frozen.into()),
            credit_frozen: Some(credit_frozen.into()),
            closed: Some(closed.into()),
            balance: Some(balance),
            ..empty
        },
        Body::PolicyPublished { policy, version, from, bounds } => Row {
            policy: Some(policy.into()),
            version: Some(version.into()),
            in_force_from: Some(from),
            bounds: [bounds.single, bounds.day, bounds.day_count, bounds.year, bounds.year_count].map(Some),
            ..empty
        },
        Body::MeterSet { meter, policy } => Row { id: id(meter), policy: Some(policy.into()), ..empty },
        Body::Terms { meters, expires } => Row { meters: meters.map(id), expires: Some(expires), ..empty },
        Body::Note { kind, id: noted, digest } => {
            Row { id: id(noted), kind: Some(kind.into()), digest: Some(super::hex(&digest)), ..empty }
        }
        Body::Transfer(transfer) => of_transfer(&transfer),
    }
}

fn of_transfer(transfer: &Transfer) -> Row {
    Row {
        id: Some(digits(transfer.id)),
        debit: Some(digits(transfer.debit)),
        credit: Some(digits(transfer.credit)),
        amount: Some(transfer.amount),
        debit_balance: Some(transfer.debit_balance),
        credit_balance: Some(transfer.credit_balance),
        link: Some(super::hex(&transfer.link)),
        kind: Some(transfer.kind.into()),
        leg: Some(transfer.leg.into()),
        legs: Some(transfer.legs.into()),
        has_terms: Some(transfer.has_terms.into()),
        ..Row::default()
    }
}

//! Making one reconciliation: ours in the order of the ledger, then what is left of theirs in the order of
//! their file.

use std::collections::HashMap;

use jialing_sheet::gzip::Packer;
use jialing_sheet::{Cell, Column, Format, Kind as Holds, Sheet};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::cases::{self, Break, Found};
use super::compare::{self, Known, Outcome, Reason};
use super::layout::{self, Fault, Item, ItemKind, Layout, TheirState};
use super::{Counts, store};
use crate::exports::{Reader, Writer};
use crate::files::{self, Draft, DraftOf, Plain, Stored};
use crate::history::{Movement, account, range, store as history};
use crate::statements::lines::{Behind, SUCCESS, Trade, summary_cells, trade};
use crate::statements::lines::{Number, SUMMARY};
use crate::{App, Problem, Result, Tx, orders, policies, refunds, statements};

/// Movements looked at together.
const OURS: u32 = 2_000;
/// Items of theirs looked up together.
const THEIRS: usize = 1_000;

/// How a try went.
pub(super) enum Ran {
    /// Every item has its outcome.
    Done(Counts, u64, Stored),
    /// The file cannot be understood.
    Unreadable(Fault),
    /// Somebody else has it now.
    Lost,
}

/// Tells how far it is; false to stop.
pub(super) trait Watch {
    /// So many items have an outcome.
    async fn items(&mut self, done: u64) -> Result<bool>;
}

/// Compares the file of `row` with the ledger.
///
/// # Errors
/// Any fault of the database, the ledger or the disk.
pub(super) async fn run(app: &App, row: &store::Row, watch: &mut impl Watch) -> Result<Ran> {
    let id = row.id;
    app.db.write(async move |tx: &mut Tx| cases::clear(tx, id).await).await?;
    let layout: Layout = serde_json::from_str(&row.layout).map_err(Problem::internal)?;
    let most = policies::number(app, "reconciliation_rows").await?.unsigned_abs() as usize;
    let bytes = policies::number(app, "reconciliation_bytes").await?.unsigned_abs();
    let (reading, reader) = (layout.clone(), file(app, row).await?);
    let items = spawn_blocking(move || layout::items(Plain::new(reader), &reading, bytes, most));
    let items = match items.await.map_err(Problem::internal)? {
        Ok(items) => items,
        Err(fault) => return Ok(Ran::Unreadable(fault)),
    };
    let mut run = Run::begin(app, row, items)?;
    if !run.ours(watch).await? || !run.theirs(layout, bytes, watch).await? {
        return Ok(Ran::Lost);
    }
    let (counts, done) = (run.counts, run.done);
    Ok(Ran::Done(counts, done, run.finish().await?))
}

async fn file(app: &App, row: &store::Row) -> Result<Reader> {
    let file = row.file.ok_or_else(|| Problem::internal(format!("{} has no file", row.id)))?;
    let opened = files::open(app, file).await?;
    opened
        .map(|(reader, _)| reader)
        .ok_or_else(|| Problem::internal(format!("the file of {} is gone", row.id)))
}

/// An item that is in the file alone.
struct Left {
    number: String,
    kind: ItemKind,
    amount: i64,
    state: TheirState,
    line: u32,
    is_repeat: bool,
}

/// What is known of one of our own: amount, state, time and id.
type Own = (i64, String, Option<i64>, String);

/// A reconciliation being made.
struct Run<'a> {
    app: &'a App,
    row: &'a store::Row,
    items: Vec<Item>,
    sheet: Sheet<Packer<Writer>>,
    of: DraftOf,
    counts: Counts,
    done: u64,
    breaks: Vec<Break>,
}

impl<'a> Run<'a> {
    fn begin(app: &'a App, row: &'a store::Row, items: Vec<Item>) -> Result<Self> {
        let (of, writer) = Draft::begin(app)?.writer();
        let sheet = Sheet::new(Packer::new(writer), Format::Csv { bom: false }, columns(), &[]);
        let sheet = sheet.map_err(Problem::internal)?;
        Ok(Self { app, row, items, sheet, of, counts: Counts::default(), done: 0, breaks: Vec::new() })
    }

    /// Puts each of ours beside theirs; false when somebody else has the reconciliation.
    async fn ours(&mut self, watch: &mut impl Watch) -> Result<bool> {
        let account = account::merchant_wallet(self.app, self.row.merchant).await?;
        let (_, places) = statements::places_of(self.app, account.number(), &self.row.day).await?;
        range::told(self.app, places.end).await?;
        let (key, mut next) = (account.key(), places.first);
        loop {
            let some = history::forward(self.app, &key, next, places.end, OURS).await?;
            let Some(last) = some.last() else { return Ok(true) };
            next = last.id.parse::<u64>().map_err(Problem::internal)? + 1;
            let behind = Behind::find(self.app, &some).await?;
            for movement in &some {
                if let Some(trade) = trade(movement) {
                    self.our(movement, trade, &behind)?;
                }
            }
            self.open_cases(false).await?;
            if !watch.items(self.done).await? {
                return Ok(false);
            }
        }
    }

    fn our(&mut self, movement: &Movement, trade: Trade, behind: &Behind) -> Result<()> {
        let missing = || Problem::internal(format!("{} is in the ledger and in no table", movement.subject));
        let number = behind.number(trade).ok_or_else(missing)?.to_owned();
        let kind = match trade {
            Trade::Payment(_) => ItemKind::Payment,
            Trade::Refund(_) => ItemKind::Refund,
        };
        let amount = i64::try_from(movement.amount.amount).map_err(Problem::internal)?;
        let at = movement.at.parse::<jiff::Timestamp>().map_err(Problem::internal)?.as_millisecond();
        let ours = Some((amount, SUCCESS.to_owned(), Some(at), movement.subject.clone()));
        let key = layout::key(kind, &number);
        let first = self.items.partition_point(|item| item.key < key);
        let found = self.items.get_mut(first).filter(|item| item.key == key && !item.met);
        let (outcome, theirs) = match found {
            None => (Outcome::More, None),
            Some(item) => {
                item.met = true;
                let theirs = (item.amount, item.state, item.line);
                (compare::both(amount, item.amount, item.state), Some(theirs))
            }
        };
        self.put(Break { outcome, reason: None, kind, out_no: number, ours, theirs })
    }

    /// Goes through the file once more for what none of ours was put beside.
    async fn theirs(&mut self, layout: Layout, bytes: u64, watch: &mut impl Watch) -> Result<bool> {
        let mut left: Vec<(u32, bool)> = Vec::new();
        let mut before = None;
        for item in &self.items {
            let is_repeat = before == Some(item.key);
            before = Some(item.key);
            if !item.met {
                left.push((item.line, is_repeat));
            }
        }
        if left.is_empty() {
            return Ok(true);
        }
        left.sort_unstable();
        let reader = file(self.app, self.row).await?;
        let (send, mut receive) = mpsc::channel::<Vec<Left>>(2);
        let reading = spawn_blocking(move || pick(reader, &layout, bytes, &left, &send));
        while let Some(some) = receive.recv().await {
            self.look_up(some).await?;
            self.open_cases(false).await?;
            if !watch.items(self.done).await? {
                return Ok(false);
            }
        }
        let read = reading.await.map_err(Problem::internal)?;
        read.map_err(|fault| {
            Problem::internal(format!("the file reads otherwise the second time: {}", fault.what))
        })?;
        Ok(true)
    }

    async fn look_up(&mut self, some: Vec<Left>) -> Result<()> {
        let numbers = |kind: ItemKind| {
            some.iter().filter(|left| left.kind == kind).map(|left| left.number.clone()).collect::<Vec<_>>()
        };
        let merchant = self.row.merchant;
        let orders = orders::by_numbers(self.app, merchant, &numbers(ItemKind::Payment)).await?;
        let refunds = refunds::by_numbers(self.app, merchant, &numbers(ItemKind::Refund)).await?;
        let mut known: HashMap<(ItemKind, String), (Known, Own)> = HashMap::new();
        for order in orders {
            let is = Known::of_order(order.state, order.paid_at.is_some(), order.amount);
            let own = (order.amount, order.state.text().to_owned(), order.paid_at, order.id.to_string());
            known.insert((ItemKind::Payment, order.out_trade_no), (is, own));
        }
        for refund in refunds {
            let is = Known::of_refund(refund.state, refund.amount);
            let own = (refund.amount, refund.state.text().to_owned(), refund.ended_at, refund.id.to_string());
            known.insert((ItemKind::Refund, refund.out_refund_no), (is, own));
        }
        for left in some {
            let theirs = Some((left.amount, left.state, left.line));
            let found = known.get(&(left.kind, left.number.clone()));
            let (outcome, reason) = match found {
                _ if left.is_repeat => (Outcome::Less, Some(Reason::Duplicate)),
                None => compare::theirs_alone(Known::Nothing, left.amount, left.state),
                Some((known, _)) => compare::theirs_alone(*known, left.amount, left.state),
            };
            let ours = found.map(|(_, own)| own.clone());
            self.put(Break { outcome, reason, kind: left.kind, out_no: left.number, ours, theirs })?;
        }
        Ok(())
    }

    /// Writes an item's outcome, and remembers it where it is a break.
    fn put(&mut self, item: Break) -> Result<()> {
        self.counts.add(item.outcome);
        self.done += 1;
        let ours = item.ours.as_ref();
        self.sheet
            .row(&[
                Cell::Text(item.outcome.text()),
                Cell::text(item.reason.map(Reason::text)),
                Cell::Text(compare::words(item.kind)),
                Cell::Text(&item.out_no),
                Cell::number(ours.map(|ours| ours.0)),
                Cell::number(item.theirs.map(|theirs| theirs.0)),
                Cell::text(ours.map(|ours| ours.1.as_str())),
                Cell::text(item.theirs.map(|theirs| theirs.1.text())),
                Cell::number(ours.and_then(|ours| ours.2)),
                Cell::text(ours.map(|ours| ours.3.as_str())),
                Cell::natural(item.theirs.map(|theirs| u64::from(theirs.2))),
            ])
            .map_err(Problem::internal)?;
        if item.outcome != Outcome::Same {
            self.breaks.push(item);
        }
        Ok(())
    }

    /// Opens cases for the breaks found so far, once there are enough of them, or `all`.
    async fn open_cases(&mut self, all: bool) -> Result<()> {
        if self.breaks.is_empty() || (!all && self.breaks.len() < THEIRS) {
            return Ok(());
        }
        let breaks = std::mem::take(&mut self.breaks);
        let found = Found {
            reconciliation: self.row.id,
            merchant: self.row.merchant,
            day: self.row.day.clone(),
            now: self.app.clock.millis(),
        };
        self.app.db.write(async move |tx: &mut Tx| cases::open(tx, &found, &breaks).await).await
    }

    async fn finish(mut self) -> Result<Stored> {
        self.open_cases(true).await?;
        let counts = self.counts;
        let figures = [
            ("same", counts.same),
            ("more", counts.more),
            ("less", counts.less),
            ("diff", counts.diff),
            ("state_diff", counts.state_diff),
            ("pending", counts.pending),
        ];
        let mut columns = vec![Column::new(SUMMARY, Holds::Text)];
        columns.extend(figures.map(|(name, _)| Column::new(name, Holds::Natural)));
        let cells = summary_cells(&figures.map(|(_, count)| Number::Count(count)));
        self.sheet.summary(&columns, &cells).map_err(Problem::internal)?;
        let writer = self.sheet.finish().and_then(Packer::finish).map_err(Problem::internal)?;
        self.of.ended(writer)
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("outcome", Holds::Text),
        Column::new("reason", Holds::Text).or_empty(),
        Column::new("kind", Holds::Text),
        Column::new("out_no", Holds::Text),
        Column::new("our_amount", Holds::Hundredths).or_empty(),
        Column::new("their_amount", Holds::Hundredths).or_empty(),
        Column::new("our_state", Holds::Text).or_empty(),
        Column::new("their_state", Holds::Text).or_empty(),
        Column::new("our_at", Holds::Millis).or_empty(),
        Column::new("subject", Holds::Text).or_empty(),
        Column::new("their_line", Holds::Natural).or_empty(),
    ]
}

/// Reads the file again and sends on the items of the lines in `left`, which are in order.
fn pick(
    reader: Reader,
    layout: &Layout,
    bytes: u64,
    left: &[(u32, bool)],
    send: &mpsc::Sender<Vec<Left>>,
) -> Result<(), Fault> {
    let (mut wanted, mut some) = (left.iter().peekable(), Vec::with_capacity(THEIRS));
    layout::read(Plain::new(reader), layout, bytes, |line| {
        if wanted.peek().is_none_or(|(next, _)| *next != line.line) {
            return Ok(wanted.peek().is_some());
        }
        let is_repeat = wanted.next().is_some_and(|(_, is_repeat)| *is_repeat);
        some.push(Left {
            number: line.number.to_owned(),
            kind: line.kind,
            amount: line.amount,
            state: line.state,
            line: line.line,
            is_repeat,
        });
        if some.len() < THEIRS {
            return Ok(true);
        }
        // Nobody takes it any more once the reconciliation was lost.
        Ok(send.blocking_send(std::mem::replace(&mut some, Vec::with_capacity(THEIRS))).is_ok())
    })?;
    let _ = send.blocking_send(some);
    Ok(())
}

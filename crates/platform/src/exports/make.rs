//! Making one export's file: the columns, the lines, and what is checked on the way.

use std::io;

use jialing_sheet::gzip::Packer;
use jialing_sheet::{Cell, Column, Format, Kind as Holds, Sheet};

use super::chest::Writer;
use super::store::Row;
use super::{Content, Form, Language};
use crate::history::range::Places;
use crate::history::statement::{follows, misfit};
use crate::history::{Direction, Movement, add_memos, store};
use crate::kind::Kind;
use crate::statements::lines::{self, Tally};
use crate::{App, Problem, Result};

/// Lines read and written at once.
pub(super) const LINES: u32 = 1_000;

/// What making a file tells while it goes on; false to stop.
pub(super) trait Watch {
    /// So many lines are written.
    async fn written(&mut self, rows: u64) -> Result<bool>;
}

/// The columns: names for programs, titles for people.
fn columns(language: Language) -> Vec<Column> {
    let titled = |column: Column, zh: &'static str, en: &'static str| {
        column.titled(if language == Language::Chinese { zh } else { en })
    };
    vec![
        titled(Column::new("record", Holds::Natural), "账本序号", "Record"),
        titled(Column::new("at", Holds::Millis), "时间", "Time"),
        titled(Column::new("kind", Holds::Text), "类型", "Kind"),
        titled(Column::new("direction", Holds::Text), "收支", "Direction"),
        titled(Column::new("amount", Holds::Hundredths), "金额(元)", "Amount (yuan)"),
        titled(Column::new("balance", Holds::Hundredths), "余额(元)", "Balance (yuan)"),
        titled(Column::new("counterparty", Holds::Text).or_empty(), "对方", "Other side"),
        titled(Column::new("counterparty_ref", Holds::Text), "对方标识", "Other side's reference"),
        titled(Column::new("memo", Holds::Text).or_empty(), "备注", "Memo"),
        titled(Column::new("subject", Holds::Text), "业务单号", "Subject"),
        titled(Column::new("transaction", Holds::Text), "交易号", "Transaction"),
    ]
}

/// Where a file goes: into the chest, packed on the way or not.
pub(crate) enum Out {
    Plain(Box<Writer>),
    Packed(Box<Packer<Writer>>),
}

impl Out {
    fn new(to: Writer, form: Form) -> Self {
        match form {
            Form::Csv | Form::Parquet => Self::Plain(Box::new(to)),
            Form::CsvGz => Self::Packed(Box::new(Packer::new(to))),
        }
    }

    fn finish(self) -> io::Result<Writer> {
        match self {
            Self::Plain(writer) => Ok(*writer),
            Self::Packed(packer) => packer.finish(),
        }
    }
}

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(bytes),
            Self::Packed(packer) => packer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            Self::Packed(packer) => packer.flush(),
        }
    }
}

/// A file being written: lines of the history, or a statement's.
struct File<'a> {
    row: &'a Row,
    sheet: Sheet<Out>,
    tally: Tally,
}

impl<'a> File<'a> {
    fn begin(row: &'a Row, out: Writer) -> io::Result<Self> {
        let format = match row.format {
            Form::Csv | Form::CsvGz => Format::Csv { bom: row.bom != 0 },
            Form::Parquet => Format::Parquet,
        };
        let (first, end) = (row.first_seq.to_string(), row.end_seq.to_string());
        let export = row.id.to_string();
        let notes = [
            ("export", export.as_str()),
            ("account", &row.shown),
            ("first_record", &first),
            ("end_record", &end),
        ];
        let columns = match row.content {
            Content::History => columns(row.language),
            Content::Funds => lines::funds(),
            Content::Trades => lines::trades(),
        };
        let sheet = Sheet::new(Out::new(out, row.format), format, columns, &notes)?;
        Ok(Self { row, sheet, tally: Tally::default() })
    }

    /// Adds these lines of the account's history, as far as the file is about them.
    async fn add(&mut self, app: &App, movements: &mut [Movement]) -> Result<()> {
        self.tally.count(movements);
        match self.row.content {
            Content::History => {
                add_memos(app, movements).await?;
                movements.iter().try_for_each(|line| write(&mut self.sheet, line, self.row)).map_err(fault)
            }
            Content::Funds => lines::write_funds(app, &mut self.sheet, movements).await,
            Content::Trades => lines::write_trades(app, &mut self.sheet, movements, &mut self.tally).await,
        }
    }

    /// Ends the file with its summary, if it has one; the writer, and what the lines add up to.
    fn finish(mut self) -> Result<(Writer, Option<String>)> {
        let totals = match self.row.content {
            Content::History => None,
            content => {
                self.tally.check(content, (self.row.opening, self.row.closing)).map_err(Problem::internal)?;
                let (columns, numbers) = self.tally.summary(content, (self.row.opening, self.row.closing));
                let cells: Vec<Cell<'_>> = lines::summary_cells(&numbers);
                self.sheet.summary(&columns, &cells).map_err(fault)?;
                Some(serde_json::to_string(&self.tally).map_err(Problem::internal)?)
            }
        };
        let out = self.sheet.finish().and_then(Out::finish).map_err(fault)?;
        Ok((out, totals))
    }
}

/// Writes the file of `row` and gives its writer back, with what a statement's lines add up to. `None` when
/// whoever watches said to stop.
///
/// # Errors
/// `internal` when the history does not fit the ledger; any fault of the database or the disk.
pub(super) async fn make(
    app: &App,
    row: &Row,
    out: Writer,
    watch: &mut impl Watch,
) -> Result<Option<(Writer, Option<String>)>> {
    let places = Places { first: row.first_seq as u64, end: row.end_seq as u64, is_over: true };
    let mut file = File::begin(row, out).map_err(fault)?;
    let (mut next, mut held) = (places.first, Some(row.opening));
    loop {
        let mut lines = store::forward(app, &row.account, next, places.end, LINES).await?;
        let Some(last) = lines.last() else { break };
        next = last.id.parse::<u64>().map_err(Problem::internal)? + 1;
        held = follows(held, &lines).map_err(|what| misfit(&row.shown, places, &what))?;
        file.add(app, &mut lines).await?;
        if !watch.written(file.tally.lines).await? {
            return Ok(None);
        }
    }
    let lines = file.tally.lines;
    if held != Some(row.closing) || lines != row.row_count.unsigned_abs() {
        let what =
            format!("{lines} lines leave {held:?}; it should be {} lines and {}", row.row_count, row.closing);
        return Err(misfit(&row.shown, places, &what));
    }
    file.finish().map(Some)
}

fn write(sheet: &mut Sheet<Out>, line: &Movement, row: &Row) -> io::Result<()> {
    let number = |text: &str| text.parse::<u64>().map_err(io::Error::other);
    let fen = |amount: u64| i64::try_from(amount).map_err(io::Error::other);
    let at: jiff::Timestamp = line.at.parse().map_err(io::Error::other)?;
    let words = |(zh, en): (&'static str, &'static str)| match (row.format, row.language) {
        (Form::Parquet, _) => None,
        (Form::Csv | Form::CsvGz, Language::Chinese) => Some(zh),
        (Form::Csv | Form::CsvGz, Language::English) => Some(en),
    };
    let name = match (row.format, row.language) {
        (Form::Csv | Form::CsvGz, Language::English) => {
            line.counterparty.name_en.as_ref().or(line.counterparty.name.as_ref())
        }
        _ => line.counterparty.name.as_ref(),
    };
    let transaction = line.transaction_id.to_string();
    sheet.row(&[
        Cell::Natural(number(&line.id)?),
        Cell::Number(at.as_millisecond()),
        Cell::Text(words(kind_words(line.kind)).unwrap_or(line.kind.name())),
        Cell::Text(words(direction_words(line.direction)).unwrap_or(line.direction.text())),
        Cell::Number(fen(line.amount.amount)?),
        Cell::Number(fen(line.balance.amount)?),
        Cell::text(name.map(String::as_str)),
        Cell::Text(&line.counterparty.reference),
        Cell::text(line.memo.as_deref()),
        Cell::Text(&line.subject),
        Cell::Text(&transaction),
    ])
}

fn fault(error: io::Error) -> Problem {
    Problem::internal(format!("an export's file cannot be written: {error}"))
}

/// What a kind is called in Chinese and English.
const fn kind_words(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Issue => ("发行", "Issue"),
        Kind::Redeem => ("回笼", "Redemption"),
        Kind::TopUp => ("兑出", "Top-up"),
        Kind::Withdrawal => ("兑回", "Withdrawal"),
        Kind::Payment => ("支付", "Payment"),
        Kind::Refund => ("退款", "Refund"),
        Kind::Transfer => ("转钱", "Transfer"),
        Kind::Sweep => ("销户转出", "Closing transfer"),
        Kind::WithdrawalReturn => ("兑回退回", "Withdrawal returned"),
        Kind::Settlement => ("机构间清算", "Settlement"),
        Kind::Bulk => ("批量收付", "Bulk movement"),
        Kind::Payout => ("批量付款", "Payout"),
        Kind::SplitFreeze => ("分账冻结", "Frozen for splitting"),
        Kind::Split => ("分账", "Split"),
        Kind::SplitRelease => ("分账解冻", "Unfrozen after splitting"),
        Kind::SplitReturn => ("分账回退", "Split returned"),
        Kind::SettlementFee => ("结算手续费", "Settlement fee"),
        Kind::RedPacket => ("发红包", "Red packet given"),
        Kind::RedPacketShare => ("收红包", "Red packet received"),
        Kind::RedPacketReturn => ("红包退回", "Red packet returned"),
    }
}

const fn direction_words(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::In => ("收入", "In"),
        Direction::Out => ("支出", "Out"),
    }
}

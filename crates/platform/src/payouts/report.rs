//! A batch's lines as a CSV file, made piece by piece so that memory does not grow with the batch.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use jialing_sheet::{Cell, Column, Format, Kind as Holds, Sheet};

use super::store::{self, Row};
use super::{Line, LineState};
use crate::{App, Problem, Result};

/// Lines of a piece.
const LINES: u32 = 1_000;

/// The file, being made.
pub struct Report {
    app: App,
    batch: Row,
    state: Option<LineState>,
    made: Made,
    sheet: Option<Sheet<Made>>,
    after: i64,
}

/// What is made and not fetched yet.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Vec<u8>>>);

impl Made {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Made {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("line", Holds::Number),
        Column::new("out_transfer_no", Holds::Text).or_empty(),
        Column::new("payee", Holds::Text).or_empty(),
        Column::new("amount_yuan", Holds::Hundredths),
        Column::new("state", Holds::Text),
        Column::new("field", Holds::Text).or_empty(),
        Column::new("problem", Holds::Text).or_empty(),
        Column::new("transaction_id", Holds::Text).or_empty(),
        Column::new("ended_at", Holds::Text).or_empty(),
    ]
}

fn fault(error: io::Error) -> Problem {
    Problem::internal(format!("a report could not be made: {error}"))
}

impl Report {
    pub(super) fn new(app: &App, batch: Row, state: Option<LineState>) -> Result<Self> {
        let made = Made::default();
        let sheet = Sheet::new(made.clone(), Format::Csv { bom: true }, columns(), &[]).map_err(fault)?;
        Ok(Self { app: app.clone(), batch, state, made, sheet: Some(sheet), after: 0 })
    }

    /// What the file may be called.
    #[must_use]
    pub fn name(&self) -> String {
        format!("jialing-{}.csv", self.batch.id)
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// Any fault of the database.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(mut sheet) = self.sheet.take() else { return Ok(None) };
        let rows = store::lines(&self.app, self.batch.id, self.state, self.after, LINES).await?;
        match rows.last() {
            Some(last) => self.after = last.line,
            None => {
                sheet.finish().map_err(fault)?;
                return Ok(Some(self.made.take()).filter(|rest| !rest.is_empty()));
            }
        }
        for row in rows {
            write(&mut sheet, &row.shown(&self.batch)).map_err(fault)?;
        }
        self.sheet = Some(sheet);
        Ok(Some(self.made.take()))
    }
}

fn write(sheet: &mut Sheet<Made>, line: &Line) -> io::Result<()> {
    let transaction = line.transaction_id.map(|id| id.to_string());
    sheet.row(&[
        Cell::Number(line.line),
        Cell::text(line.out_transfer_no.as_deref()),
        Cell::text(Some(line.payee.as_str()).filter(|payee| !payee.is_empty())),
        Cell::Number(i64::try_from(line.amount.amount).map_err(io::Error::other)?),
        Cell::Text(line.state.text()),
        Cell::text(line.field.as_deref()),
        Cell::text(line.problem.as_deref()),
        Cell::text(transaction.as_deref()),
        Cell::text(line.ended_at.as_deref()),
    ])
}

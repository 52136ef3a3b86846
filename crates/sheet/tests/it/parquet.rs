//! Parquet, read back by the format's own library.

use std::fs::File;
use std::io::Write as _;

use jialing_sheet::{Cell, Column, Format, GROUP_ROWS, Kind, Sheet};
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit};
use parquet::data_type::Decimal;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};
use proptest::prelude::*;

/// A value as it was given.
#[derive(Clone, Debug, PartialEq)]
enum Given {
    Empty,
    Text(String),
    Number(i64),
    Natural(u64),
}

impl Given {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Empty => Cell::Empty,
            Self::Text(text) => Cell::Text(text),
            Self::Number(number) => Cell::Number(*number),
            Self::Natural(number) => Cell::Natural(*number),
        }
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("text", Kind::Text),
        Column::new("memo", Kind::Text).or_empty(),
        Column::new("number", Kind::Number).or_empty(),
        Column::new("natural", Kind::Natural),
        Column::new("money", Kind::Hundredths),
        Column::new("millis", Kind::Millis).or_empty(),
        Column::new("nanos", Kind::Nanos),
    ]
}

fn write(rows: &[Vec<Given>]) -> Vec<u8> {
    let notes = [("made_of", "a test"), ("账户", "wal_1")];
    let mut sheet = Sheet::new(Vec::new(), Format::Parquet, columns(), &notes).expect("begun");
    for row in rows {
        sheet.row(&row.iter().map(Given::cell).collect::<Vec<_>>()).expect("the row fits");
    }
    sheet.finish().expect("written")
}

fn reader(bytes: Vec<u8>) -> SerializedFileReader<File> {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(&bytes).expect("written");
    SerializedFileReader::new(file).expect("a Parquet file")
}

fn read(bytes: Vec<u8>) -> Vec<Vec<Given>> {
    let rows = reader(bytes);
    let rows = rows.get_row_iter(None).expect("rows");
    rows.map(|row| {
        let row = row.expect("a row");
        row.get_column_iter()
            .map(|(_, field)| match field {
                Field::Null => Given::Empty,
                Field::Str(text) => Given::Text(text.clone()),
                Field::Long(number) | Field::TimestampMillis(number) => Given::Number(*number),
                Field::ULong(number) => Given::Natural(*number),
                Field::Decimal(Decimal::Int64 { value, precision: 18, scale: 2 }) => {
                    Given::Number(i64::from_be_bytes(*value))
                }
                other => panic!("{other:?} was not written"),
            })
            .collect()
    })
    .collect()
}

/// A row of every kind, different for each `n`.
fn row(n: i64) -> Vec<Given> {
    let text = |text: String| Given::Text(text);
    vec![
        text(["payment", "refund", "transfer"][n as usize % 3].to_owned()),
        if n % 5 == 0 { Given::Empty } else { text(format!("小面 {n} 🍜")) },
        if n % 2 == 0 { Given::Empty } else { Given::Number(-n) },
        Given::Natural(u64::MAX - n as u64),
        Given::Number(n * 101 - 7),
        if n % 7 == 0 { Given::Number(1_780_000_000_000 + n) } else { Given::Empty },
        Given::Number(1_780_000_000_000_000_000 + n),
    ]
}

#[test]
fn what_is_written_is_read_back_over_several_groups() {
    let rows: Vec<_> = (0..GROUP_ROWS as i64 + 1234).map(row).collect();
    let bytes = write(&rows);
    let file = reader(bytes.clone());
    let sizes: Vec<i64> = file.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(sizes, [GROUP_ROWS as i64, 1234]);
    assert!(read(bytes) == rows, "every cell is what it was");
}

#[test]
fn a_table_without_rows_is_a_file_too() {
    let bytes = write(&[]);
    let file = reader(bytes.clone());
    assert_eq!((file.metadata().file_metadata().num_rows(), file.num_row_groups()), (0, 0));
    assert_eq!(read(bytes), Vec::<Vec<Given>>::new());
}

#[test]
fn the_schema_says_what_each_column_is() {
    let file = reader(write(&[row(1)]));
    let schema = file.metadata().file_metadata().schema_descr();
    let check = |place: usize, name: &str, old: ConvertedType, new: Option<LogicalType>, kept: Repetition| {
        let column = schema.column(place);
        let info = column.self_type().get_basic_info();
        assert_eq!((info.name(), info.converted_type(), info.repetition()), (name, old, kept));
        assert_eq!(info.logical_type_ref(), new.as_ref(), "{name}");
    };
    const OPTIONAL: Repetition = Repetition::OPTIONAL;
    const REQUIRED: Repetition = Repetition::REQUIRED;
    let time = |unit| Some(LogicalType::timestamp(true, unit));
    check(0, "text", ConvertedType::UTF8, Some(LogicalType::String), REQUIRED);
    check(1, "memo", ConvertedType::UTF8, Some(LogicalType::String), OPTIONAL);
    check(2, "number", ConvertedType::INT_64, Some(LogicalType::integer(64, true)), OPTIONAL);
    check(3, "natural", ConvertedType::UINT_64, Some(LogicalType::integer(64, false)), REQUIRED);
    check(4, "money", ConvertedType::DECIMAL, Some(LogicalType::decimal(2, 18)), REQUIRED);
    check(5, "millis", ConvertedType::TIMESTAMP_MILLIS, time(TimeUnit::MILLIS), OPTIONAL);
    check(6, "nanos", ConvertedType::NONE, time(TimeUnit::NANOS), REQUIRED);
    let notes = file.metadata().file_metadata().key_value_metadata().expect("notes").clone();
    let notes: Vec<_> = notes.iter().map(|note| (note.key.as_str(), note.value.as_deref())).collect();
    assert_eq!(notes, [("made_of", Some("a test")), ("账户", Some("wal_1"))]);
}

#[test]
fn a_reader_can_tell_which_groups_it_need_not_read() {
    let rows: Vec<_> = (1..=9).map(row).collect();
    let file = reader(write(&rows));
    let chunk = |place: usize| file.metadata().row_group(0).column(place).statistics().cloned();
    let money = chunk(4).expect("statistics");
    assert_eq!(money.min_bytes_opt(), Some(&94i64.to_le_bytes()[..]));
    assert_eq!(money.max_bytes_opt(), Some(&902i64.to_le_bytes()[..]));
    assert_eq!(money.null_count_opt(), Some(0));
    assert_eq!(chunk(2).expect("statistics").null_count_opt(), Some(4));
    assert_eq!(chunk(3).expect("statistics").min_bytes_opt(), None, "unsigned numbers order otherwise");
}

#[test]
fn words_that_repeat_are_written_once() {
    let of = |text: &dyn Fn(i64) -> String| {
        let rows: Vec<_> = (0..2_000)
            .map(|n| {
                let mut row = row(n);
                row[0] = Given::Text(text(n));
                row
            })
            .collect();
        let bytes = write(&rows);
        assert!(read(bytes.clone()) == rows);
        bytes.len()
    };
    let (same, different) = (of(&|_| "settlement".into()), of(&|n| format!("settlement{n}")));
    assert!(same + 20_000 < different, "{same} and {different} bytes");
}

#[test]
fn a_row_is_read_by_its_columns_names_and_kinds() {
    let file = reader(write(&[row(7)]));
    let row = file.get_row_iter(None).expect("rows").next().expect("one").expect("a row");
    assert_eq!(row.get_string(1).expect("text"), "小面 7 🍜");
    assert_eq!(row.get_long(2).expect("a number"), -7);
    assert_eq!(row.get_timestamp_millis(5).expect("a time"), 1_780_000_000_007);
}

fn given(column: &Column) -> BoxedStrategy<Given> {
    let filled = match column.kind {
        Kind::Text => {
            prop_oneof!["[ab]{0,2}".prop_map(Given::Text), any::<String>().prop_map(Given::Text),].boxed()
        }
        Kind::Natural => any::<u64>().prop_map(Given::Natural).boxed(),
        _ => any::<i64>().prop_map(Given::Number).boxed(),
    };
    if column.optional { prop_oneof![Just(Given::Empty), filled].boxed() } else { filled }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_cells_are_read_back(rows in prop::collection::vec(columns().iter().map(given).collect::<Vec<_>>(), 0..60)) {
        prop_assert_eq!(read(write(&rows)), rows);
    }
}

/// What the reader in Python says of these rows.
fn in_python(bytes: &[u8]) -> Vec<String> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read_parquet.py");
    let read = std::process::Command::new("python3").arg(script).arg(file.path()).output();
    let read = read.expect("python3 runs (Debian package `python3`)");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    String::from_utf8(read.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn a_reader_written_from_the_specification_alone_reads_the_same() {
    let rows: Vec<_> = (0..500)
        .map(row)
        .chain([vec![
            Given::Text(String::new()),
            Given::Empty,
            Given::Number(i64::MIN),
            Given::Natural(0),
            Given::Number(i64::MAX),
            Given::Empty,
            Given::Number(0),
        ]])
        .collect();
    let said = in_python(&write(&rows));
    let (columns, lines) = said.split_at(7);
    assert_eq!(columns[1], format!("memo 6 {}", rows.iter().filter(|row| row[1] == Given::Empty).count()));
    let shown = |cell: &Given| match cell {
        Given::Empty => "-".to_owned(),
        Given::Text(text) => {
            format!("t:{}", text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        Given::Number(number) => format!("n:{number}"),
        Given::Natural(number) => format!("n:{number}"),
    };
    let expect: Vec<String> =
        rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join(" ")).collect();
    assert!(lines == expect, "every cell is what it was");
    assert_eq!(in_python(&write(&[])).len(), 7, "the columns, and no row");
}

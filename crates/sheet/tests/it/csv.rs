//! CSV: what stands in it, and what a spreadsheet program does not act upon.

use jialing_sheet::{Cell, Column, Format, Kind, Sheet, csv};

fn written(bom: bool, columns: Vec<Column>, rows: &[&[Cell<'_>]]) -> String {
    let mut sheet = Sheet::new(Vec::new(), Format::Csv { bom }, columns, &[]).expect("begun");
    for row in rows {
        sheet.row(row).expect("the row fits");
    }
    assert_eq!(sheet.rows(), rows.len() as u64);
    String::from_utf8(sheet.finish().expect("written")).expect("UTF-8")
}

#[test]
fn a_table_has_a_line_of_titles_and_a_line_for_each_row() {
    let columns = vec![
        Column::new("at", Kind::Millis).titled("时间"),
        Column::new("amount", Kind::Hundredths).titled("金额,元"),
        Column::new("memo", Kind::Text).or_empty(),
        Column::new("seq", Kind::Natural),
        Column::new("change", Kind::Number),
        Column::new("nanos", Kind::Nanos),
    ];
    let rows: &[&[Cell<'_>]] = &[
        &[
            Cell::Number(1_780_000_000_001),
            Cell::Number(2_805),
            Cell::Text("小面 × 2 🍜"),
            Cell::Natural(u64::MAX),
            Cell::Number(-7),
            Cell::Number(1),
        ],
        &[
            Cell::Number(0),
            Cell::Number(-5),
            Cell::Empty,
            Cell::Natural(0),
            Cell::Number(i64::MIN),
            Cell::Number(1_780_000_000_000_000_009),
        ],
    ];
    let text = "时间,\"金额,元\",memo,seq,change,nanos\r\n\
        2026-05-29T04:26:40.001+08:00,28.05,小面 × 2 🍜,18446744073709551615,-7,1970-01-01T08:00:00.000000001+08:00\r\n\
        1970-01-01T08:00:00.000+08:00,-0.05,,0,-9223372036854775808,2026-05-29T04:26:40.000000009+08:00\r\n";
    assert_eq!(written(false, columns.clone(), rows), text);
    assert_eq!(written(true, columns.clone(), rows), format!("\u{feff}{text}"));
    assert_eq!(written(false, columns, &[]), text.split_inclusive("\r\n").next().expect("titles"));
}

#[test]
fn a_text_is_quoted_where_it_must_be_and_does_nothing_in_a_spreadsheet() {
    let check = |text: &str, field: &str| {
        let columns = vec![Column::new("memo", Kind::Text)];
        let line = written(false, columns, &[&[Cell::Text(text)]]);
        assert_eq!(line, format!("memo\r\n{field}\r\n"), "{text:?}");
    };
    check("plain", "plain");
    check("", "");
    check("a,b", "\"a,b\"");
    check("say \"hi\"", "\"say \"\"hi\"\"\"");
    check("two\r\nlines", "\"two\r\nlines\"");
    check(" padded ", "\" padded \"");
    check("=1+1", "'=1+1");
    check("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
    check("+86 138", "'+86 138");
    check("-2", "'-2");
    check("@SUM(A1)", "'@SUM(A1)");
    check("  =1", "'  =1");
    check("\u{3000}=1", "'\u{3000}=1");
    check("＝1", "'＝1");
    check("＠x", "'＠x");
    check("\t=1", "' =1");
    check("\n=1", "\"'\n=1\"");
    check("a\0b\u{1b}[31mc", "a b [31mc");
    check("1-2=3", "1-2=3");
    check("👩‍🍳", "👩‍🍳");
}

#[test]
fn a_title_is_as_harmless_as_a_text() {
    let columns = vec![Column::new("x", Kind::Number).titled("=x")];
    assert_eq!(written(false, columns, &[]), "'=x\r\n");
    assert_eq!(csv::harmless("=x"), "'=x");
}

#[test]
fn a_row_that_does_not_fit_is_refused() {
    let columns = vec![Column::new("n", Kind::Number), Column::new("t", Kind::Text)];
    let mut sheet = Sheet::new(Vec::new(), Format::Csv { bom: false }, columns, &[]).expect("begun");
    let mut refused = |cells: &[Cell<'_>]| {
        let error = sheet.row(cells).expect_err("refused");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        error.to_string()
    };
    assert!(refused(&[Cell::Number(1)]).contains("1 cells for 2 columns"));
    assert!(refused(&[Cell::Number(1), Cell::Empty]).contains("column t"));
    assert!(refused(&[Cell::Natural(1), Cell::Text("x")]).contains("column n"));
    assert!(refused(&[Cell::Text("1"), Cell::Text("x")]).contains("column n"));
    sheet.row(&[Cell::Number(1), Cell::Text("x")]).expect("fits");
    assert_eq!(sheet.finish().expect("written"), b"n,t\r\n1,x\r\n", "what was refused left nothing behind");
}

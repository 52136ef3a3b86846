//! CSV that others wrote: every row as it was meant, or a refusal that names the line.

use jialing_sheet::read::{Bounds, Fault, Rows};
use jialing_sheet::{Cell, Column, Format, Kind, Sheet, csv};
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { bytes: 1 << 20, row_bytes: 64, fields: 4 };

/// Every row with its line.
fn rows(text: &[u8], bounds: Bounds) -> Result<Vec<(u64, Vec<String>)>, Fault> {
    let mut rows = Rows::new(text, bounds);
    let mut found = Vec::new();
    while let Some(row) = rows.read()? {
        found.push((row.line(), row.iter().map(str::to_owned).collect()));
    }
    Ok(found)
}

#[test]
fn rows_are_read_as_they_were_meant() {
    let check = |text: &str, expect: &[(u64, &[&str])]| {
        let found = rows(text.as_bytes(), BOUNDS).unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
        let found: Vec<(u64, Vec<&str>)> =
            found.iter().map(|(line, row)| (*line, row.iter().map(String::as_str).collect())).collect();
        let expect: Vec<(u64, Vec<&str>)> = expect.iter().map(|(line, row)| (*line, row.to_vec())).collect();
        assert_eq!(found, expect, "{text:?}");
    };
    check("", &[]);
    check("\n\r\n\r\n", &[]);
    check("a,b\n1,2", &[(1, &["a", "b"]), (2, &["1", "2"])]);
    check("\u{feff}a,b\r\n1,2\r\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
    check("a\rb\r", &[(1, &["a"]), (2, &["b"])]);
    check("a,,\n,", &[(1, &["a", "", ""]), (2, &["", ""])]);
    check("\"a,\"\"b\"\"\r\nc\",d\ne\n", &[(1, &["a,\"b\"\r\nc", "d"]), (3, &["e"])]);
    check("a\n\n\nb", &[(1, &["a"]), (4, &["b"])]);
    check("小面,🍜", &[(1, &["小面", "🍜"])]);
    check("\"\",x", &[(1, &["", "x"])]);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line() {
    let check = |text: &[u8], bounds: Bounds, expect: &str| {
        let fault = rows(text, bounds).expect_err(expect);
        assert_eq!(fault.to_string(), expect);
    };
    check(b"a\nb\"c\n", BOUNDS, "line 2: a quotation mark out of place");
    check(b"a\n\"b\"c\n", BOUNDS, "line 2: a quotation mark out of place");
    check(b"a\n\"b", BOUNDS, "line 2: a quotation mark out of place");
    check(b"a\n\xff\n", BOUNDS, "line 2: not UTF-8");
    check(b"a\n1,2,3,4,5\n", BOUNDS, "line 2: the row has too many fields");
    let long = [b"a\n".to_vec(), vec![b'x'; 65]].concat();
    check(&long, BOUNDS, "line 2: the row is longer than allowed; is a quotation mark not closed?");
    assert_eq!(rows(&long[..66], BOUNDS).expect("64 bytes fit").len(), 2);
    check(&long, Bounds { bytes: 66, ..BOUNDS }, "it has more than 66 bytes");
    assert_eq!(rows(b"1,2,3,4", BOUNDS).expect("four fit").len(), 1);
}

proptest! {
    #[test]
    fn what_a_sheet_writes_is_read_back(texts in proptest::collection::vec(("\\PC{0,20}", "[a-z,\"\r\n ]{0,20}"), 1..20)) {
        let columns = vec![Column::new("one", Kind::Text), Column::new("two", Kind::Text)];
        let mut sheet = Sheet::new(Vec::new(), Format::Csv { bom: true }, columns, &[]).expect("begun");
        for (one, two) in &texts {
            sheet.row(&[Cell::Text(one), Cell::Text(two)]).expect("fits");
        }
        let bytes = sheet.finish().expect("written");
        let found = rows(&bytes, Bounds { bytes: 1 << 20, row_bytes: 4096, fields: 2 }).expect("readable");
        prop_assert_eq!(found.len(), texts.len() + 1);
        for ((_, row), (one, two)) in found[1..].iter().zip(&texts) {
            prop_assert_eq!(row, &vec![csv::harmless(one), csv::harmless(two)]);
        }
    }
}

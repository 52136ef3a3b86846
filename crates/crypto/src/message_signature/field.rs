//! The part of structured fields (RFC 8941) that signatures and digests are written in: keys,
//! strings, integers, byte sequences, parameters.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The most digits of an integer.
const MAX_DIGITS: usize = 15;

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Integer(i64),
    Text(String),
}

/// Parameters in the order they came in; a name comes once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, Item)>);

impl Parameters {
    pub(super) fn get(&self, name: &str) -> Option<&Item> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, item)| item)
    }
}

/// The canonical form.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, item) in &self.0 {
            match item {
                Item::Integer(number) => write!(f, ";{name}={number}")?,
                Item::Text(text) => {
                    write!(f, ";{name}=\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
            }
        }
        Ok(())
    }
}

/// Reads from left to right.
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.trim_matches(' ') }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn expect(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    pub(super) fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    /// A key: lower case.
    pub(super) fn key(&mut self) -> Option<String> {
        let first = |b: u8| b.is_ascii_lowercase() || b == b'*';
        let fits = |b: u8| first(b) || b.is_ascii_digit() || b"_-.".contains(&b);
        let end = self.rest.bytes().position(|b| !fits(b)).unwrap_or(self.rest.len());
        let (key, rest) = self.rest.split_at(end);
        if !key.bytes().next().is_some_and(first) {
            return None;
        }
        self.rest = rest;
        Some(key.to_owned())
    }

    /// A string: printable ASCII between quotes, with `\"` and `\\`.
    pub(super) fn text(&mut self) -> Option<String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            let c = self.peek()?;
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '"' => return Some(text),
                '\\' => {
                    let escaped = self.peek().filter(|c| matches!(c, '"' | '\\'))?;
                    self.rest = &self.rest[1..];
                    text.push(escaped);
                }
                ' '..='~' => text.push(c),
                _ => return None,
            }
        }
    }

    fn integer(&mut self) -> Option<i64> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        if digits == 0 || digits > MAX_DIGITS || (digits > 1 && number.starts_with('0')) {
            return None;
        }
        self.rest = rest;
        number.parse().ok()
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        self.expect(':')?;
        let (text, rest) = self.rest.split_once(':')?;
        self.rest = rest;
        STANDARD.decode(text).ok()
    }

    /// `;name=value…`; values are strings or integers.
    pub(super) fn parameters(&mut self) -> Option<Parameters> {
        let mut all = Parameters::default();
        while self.peek() == Some(';') {
            self.expect(';')?;
            self.skip_spaces();
            let name = self.key()?;
            self.expect('=')?;
            let item = match self.peek()? {
                '"' => Item::Text(self.text()?),
                _ => Item::Integer(self.integer()?),
            };
            if all.get(&name).is_some() {
                return None;
            }
            all.0.push((name, item));
        }
        Some(all)
    }
}

/// A dictionary of byte sequences without parameters: `a=:base64:, b=:base64:`.
pub(super) fn bytes_by_name(text: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let mut cursor = Cursor::new(text);
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    loop {
        let name = cursor.key()?;
        cursor.expect('=')?;
        let bytes = cursor.bytes()?;
        if all.iter().any(|(known, _)| *known == name) {
            return None;
        }
        all.push((name, bytes));
        cursor.skip_spaces();
        if cursor.is_done() {
            return Some(all);
        }
        cursor.expect(',')?;
        cursor.skip_spaces();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_written_anew_in_one_form() {
        let check = |text: &str, expect: Option<&str>| {
            let mut cursor = Cursor::new(text);
            let read = cursor.parameters().filter(|_| cursor.is_done());
            assert_eq!(read.map(|all| all.to_string()).as_deref(), expect, "{text}");
        };
        check(";created=1;keyid=\"a\"", Some(";created=1;keyid=\"a\""));
        check(";  created=1; keyid=\"a\\\"b\\\\\"", Some(";created=1;keyid=\"a\\\"b\\\\\""));
        check("", Some(""));
        check(";created", None);
        check(";created=01", None);
        check(";created=1;created=1", None);
        check(";created=1234567890123456", None);
        check(";keyid=\"a", None);
        check(";keyid=\"\u{e9}\"", None);
        check(";Keyid=\"a\"", None);
        check(";keyid=token", None);
    }

    #[test]
    fn a_dictionary_of_bytes_has_each_name_once() {
        let check = |text: &str, expect: Option<usize>| {
            assert_eq!(bytes_by_name(text).map(|all| all.len()), expect, "{text}");
        };
        check("sig=:AA==:", Some(1));
        check("a=:AA==:, b=:AA==:", Some(2));
        check("a=:AA==:,b=:AA==:", Some(2));
        check("a=:AA==:,", None);
        check("a=:AA==:, a=:AA==:", None);
        check("a=AA==", None);
        check("a=:A:", None);
        check("", None);
    }
}

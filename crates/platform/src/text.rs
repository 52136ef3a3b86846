//! Text from outside: what is accepted into a field, and what is refused rather than changed.
//!
//! Any script and emoji are welcome. Control characters, line separators and the characters that
//! turn the reading direction are refused: on a receipt or an approver's screen they make one thing
//! look like another.

use crate::{Code, Problem, Result};

/// Longest natural key (`out_trade_no`, `out_refund_no`…), characters.
pub const MAX_KEY: usize = 64;
/// Longest address that is called back, characters.
pub const MAX_URL: usize = 512;

/// Checks one line of 1 to `most` characters without white space at its ends.
///
/// # Errors
/// `invalid_request`, naming `field`.
pub fn line(field: &'static str, text: &str, most: usize) -> Result<()> {
    let length = text.chars().count();
    if length == 0 || length > most {
        return Err(refused(field, format!("`{field}` has from 1 to {most} characters.")));
    }
    if text.trim() != text {
        return Err(refused(field, format!("`{field}` neither begins nor ends with white space.")));
    }
    if text.chars().any(is_unsafe) {
        return Err(refused(
            field,
            format!("`{field}` has no control characters, line breaks or direction marks."),
        ));
    }
    Ok(())
}

/// Checks a text of 1 to `most` characters that may have several lines, parted by line feeds.
///
/// # Errors
/// `invalid_request`, naming `field`.
pub fn lines(field: &'static str, text: &str, most: usize) -> Result<()> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > most {
        return Err(refused(field, format!("`{field}` has from 1 to {most} characters.")));
    }
    if text.chars().any(|c| c != '\n' && is_unsafe(c)) {
        return Err(refused(
            field,
            format!("`{field}` has no control characters but line feeds, and no direction marks."),
        ));
    }
    Ok(())
}

/// As [`line`], if there is a text at all.
///
/// # Errors
/// `invalid_request`, naming `field`.
pub fn optional_line(field: &'static str, text: Option<&str>, most: usize) -> Result<()> {
    text.map_or(Ok(()), |text| line(field, text, most))
}

/// Checks a natural key: 1 to [`MAX_KEY`] characters of `A-Z a-z 0-9 _ - | * . :`.
///
/// # Errors
/// `invalid_request`, naming `field`.
pub fn key(field: &'static str, text: &str) -> Result<()> {
    let fits = (1..=MAX_KEY).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-|*.:".contains(&b));
    if fits {
        Ok(())
    } else {
        Err(refused(
            field,
            format!("`{field}` has from 1 to {MAX_KEY} letters, digits and the signs _ - | * . :"),
        ))
    }
}

/// Checks an `http` or `https` address of at most [`MAX_URL`] characters, without user or fragment.
///
/// # Errors
/// `invalid_request`, naming `field`.
pub fn url(field: &'static str, text: &str) -> Result<()> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?']).next().unwrap_or_default()).unwrap_or_default();
    let plain = text.len() <= MAX_URL && text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains('#');
    if plain && !host.is_empty() && !host.contains('@') {
        Ok(())
    } else {
        Err(refused(field, format!("`{field}` is an http or https address of at most {MAX_URL} characters.")))
    }
}

fn refused(field: &'static str, detail: String) -> Problem {
    Problem::new(Code::InvalidRequest).field(field).detail(detail)
}

/// Control characters, line and paragraph separators, and the marks that turn or isolate direction.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_any_script_and_refuses_what_deceives() {
        let check = |text: &str, fits: bool| assert_eq!(line("name", text, 12).is_ok(), fits, "{text:?}");
        check("小面馆", true);
        check("👩‍🍳 noodles", true);
        check("exactly 12 c", true);
        check("", false);
        check("thirteen char", false);
        check(" padded", false);
        check("two\nlines", false);
        check("nul\0", false);
        check("\u{202e}txt", false);
        check("a\u{2066}b", false);
    }

    #[test]
    fn a_text_may_have_several_lines() {
        let check = |text: &str, fits: bool| assert_eq!(lines("text", text, 12).is_ok(), fits, "{text:?}");
        check("one\ntwo", true);
        check("exactly 12 c", true);
        check("thirteen char", false);
        check("", false);
        check(" \n ", false);
        check("a\r\nb", false);
        check("nul\0", false);
        check("\u{202e}txt", false);
    }

    #[test]
    fn a_key_is_plain_ascii_of_bounded_length() {
        let check = |text: &str, fits: bool| assert_eq!(key("out_trade_no", text).is_ok(), fits, "{text:?}");
        check("A-1_b|c*2026.11:22", true);
        check(&"9".repeat(MAX_KEY), true);
        check(&"9".repeat(MAX_KEY + 1), false);
        check("", false);
        check("订单1", false);
        check("a b", false);
        check("~auto", false);
    }

    #[test]
    fn a_callback_address_names_a_host_and_nobody() {
        let check = |text: &str, fits: bool| assert_eq!(url("notify_url", text).is_ok(), fits, "{text:?}");
        check("https://shop.example/paid?x=1", true);
        check("http://127.0.0.1:8080/", true);
        check("ftp://shop.example/", false);
        check("https:///paid", false);
        check("https://user@shop.example/", false);
        check("https://shop.example/#top", false);
        check("https://shop.example/a b", false);
    }
}

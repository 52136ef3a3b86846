//! Lists, read page by page as far as one goes.

use std::collections::VecDeque;

use futures_util::{Stream, stream};
use serde::de::DeserializeOwned;

use crate::answers::Page;
use crate::error::Result;
use crate::signed::Signed;

/// Items of a page.
const PAGE: u32 = 100;

/// What has a place in a list: the next page begins after it.
pub trait Listed: DeserializeOwned {
    /// The cursor: the item's id, or what stands for it.
    fn cursor(&self) -> &str;
}

/// The items at `path`, the newest first. `filters` are query parameters, as the reference names them.
///
/// A page is asked for when the items of the one before it are used up; after an error the list ends.
pub(crate) fn items<T: Listed>(
    signed: Signed,
    path: &'static str,
    filters: &[(&str, &str)],
) -> impl Stream<Item = Result<T>> + use<T> {
    let filters: String =
        filters.iter().map(|(name, value)| format!("&{}={}", encoded(name), encoded(value))).collect();
    let begin = Reading { waiting: VecDeque::new(), after: None, more: true };
    stream::try_unfold(begin, move |mut reading: Reading<T>| {
        let (signed, filters) = (signed.clone(), filters.clone());
        async move {
            if reading.waiting.is_empty() && reading.more {
                let after = reading.after.take().map(|after| format!("&after={}", encoded(&after)));
                let target = format!("{path}?limit={PAGE}{filters}{}", after.unwrap_or_default());
                let page: Page<T> = signed.get(&target).await?.json()?;
                reading.after = page.items.last().map(|last| last.cursor().to_owned());
                reading.more = page.has_more && reading.after.is_some();
                reading.waiting = page.items.into();
            }
            Ok(reading.waiting.pop_front().map(|item| (item, reading)))
        }
    })
}

struct Reading<T> {
    waiting: VecDeque<T>,
    after: Option<String>,
    more: bool,
}

/// Percent-encoded: what is signed is what is sent.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

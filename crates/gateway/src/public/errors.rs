//! The registry of problem codes.

use jialing_platform::Code;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, found};

/// A code that a problem may carry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErrorCode)]
pub(super) struct Entry {
    /// The code; its text never changes.
    code: &'static str,
    /// The HTTP status it is answered with.
    status: u16,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// A short title.
    title: &'static str,
    /// The title in Chinese.
    title_zh: &'static str,
    /// What causes it.
    cause: &'static str,
    /// What to do about it.
    fix: &'static str,
}

/// All codes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Errors {
    /// In the registry's order.
    items: Vec<Entry>,
}

/// Lists every code that a problem may carry.
#[utoipa::path(get, path = "/v1/public/errors", operation_id = "list_errors", tag = "public",
    responses((status = 200, description = "The codes", body = Errors)))]
pub(super) async fn list() -> Answer<Errors> {
    let entry = |code: &Code| Entry {
        code: code.text(),
        status: code.status(),
        retryable: code.retryable(),
        title: code.title(),
        title_zh: code.title_zh(),
        cause: code.cause(),
        fix: code.fix(),
    };
    found(Errors { items: Code::ALL.iter().map(entry).collect() })
}

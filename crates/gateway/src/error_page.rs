//! The page that every problem's `type` points to: the registry as HTML, one section a code.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use jialing_platform::Code;

use crate::edge::Edge;

pub(crate) fn routes() -> Router<Edge> {
    let html = page();
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Router::new().route("/docs/errors", get(async move || (headers, html)))
}

fn page() -> String {
    let sections: String = Code::ALL.iter().map(|code| section(*code)).collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Jialing: errors</title></head><body><main><h1>Errors</h1>{sections}</main></body></html>"
    )
}

fn section(code: Code) -> String {
    let retry = if code.retryable() {
        "The same request may succeed later."
    } else {
        "The same request will not succeed."
    };
    format!(
        "<section id=\"{text}\"><h2><code>{text}</code> ({status})</h2><p>{title} · <span lang=\"zh-CN\">{zh}</span></p>\
         <p>{cause} {fix} {retry}</p></section>",
        text = code.text(),
        status = code.status(),
        title = escaped(code.title()),
        zh = escaped(code.title_zh()),
        cause = escaped(code.cause()),
        fix = escaped(code.fix()),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_section_that_its_problems_can_point_to() {
        let page = page();
        for code in Code::ALL {
            assert!(page.contains(&format!("<section id=\"{}\">", code.text())), "{code}");
        }
        assert_eq!(escaped("a<b & c"), "a&lt;b &amp; c");
    }
}

//! A report as a page for people: Chinese first, English beside it, made to be printed. It loads nothing
//! and runs nothing, and carries the signed report for [`crate::signed::verify`].

use crate::signed::SignedReport;
use crate::{Outcome, Report};

const STYLE: &str = "body{font:15px/1.5 system-ui,'Noto Sans CJK SC','Source Han Sans SC',sans-serif;\
max-width:60em;margin:2em auto;padding:0 1em;color:#1a1a1a}h1{font-size:1.5em}\
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.35em .6em;text-align:left;\
vertical-align:top}small{color:#555}.yes{color:#0a5c2b;font-weight:600}.no{color:#a3150f;font-weight:600}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dt{color:#555}dd{margin:0;\
overflow-wrap:anywhere}ul{margin:.3em 0 0;padding-left:1.2em}\
@media print{body{margin:0;max-width:none;font-size:11px}tr{break-inside:avoid}}";

/// The page of a signed report.
///
/// # Errors
/// A payload that is no report.
pub fn page(signed: &SignedReport) -> Result<String, serde_json::Error> {
    let report: Report = serde_json::from_str(&signed.payload)?;
    let (class, verdict) = verdict(report.passed());
    let rows: String = report.outcomes.iter().map(row).collect();
    // Within a script element only `<` could end it early; JSON may write it otherwise.
    let inside = serde_json::to_string(signed)?.replace('<', "\\u003c");
    Ok(format!(
        "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<title>嘉陵接入验证报告 · Jialing conformance report</title><style>{STYLE}</style></head><body>\n\
<h1>嘉陵接入验证报告 · Jialing conformance report</h1>\n<p class=\"{class}\">{verdict}</p>\n<dl>\
<dt>系统 System</dt><dd>{system} {version}</dd><dt>商户 Merchant</dt><dd>{merchant}</dd>\
<dt>沙箱 Sandbox</dt><dd>{sandbox}</dd><dt>时间 Made at</dt><dd>{made}</dd>\
<dt>套件 Suite</dt><dd>{suite}</dd><dt>签名密钥 Signed by</dt><dd>{serial}</dd></dl>\n\
<table><thead><tr><th>场景 Scenario</th><th>结果 Result</th><th>依据 Evidence</th></tr></thead>\
<tbody>{rows}</tbody></table>\n\
<p><small>离线验证：保存本页，运行 <code>jialing conform verify</code>，并用 <code>--key</code> 指定平台公钥。 \
To check it offline, save this page and run <code>jialing conform verify</code> with the platform's key as \
<code>--key</code>.</small></p>\n\
<script type=\"application/json\" id=\"report\">{inside}</script>\n</body></html>\n",
        system = text(&report.system.name),
        version = text(&report.system.version),
        merchant = text(&report.merchant_id),
        sandbox = text(&report.sandbox_id),
        made = text(&report.made_at),
        suite = text(&report.suite),
        serial = text(&signed.serial),
    ))
}

const fn verdict(passed: bool) -> (&'static str, &'static str) {
    if passed { ("yes", "通过 · Passed") } else { ("no", "未通过 · Not passed") }
}

fn row(outcome: &Outcome) -> String {
    let (class, result) = match (outcome.passed(), outcome.seen.is_some()) {
        (true, _) => ("yes", "通过 Passed"),
        (false, true) => ("no", "未通过 Failed"),
        (false, false) => ("no", "未观察到 Not seen"),
    };
    let seen = outcome
        .seen
        .as_ref()
        .map_or(String::new(), |tick| format!("{} <small>{}</small>", text(&tick.evidence), text(&tick.at)));
    let steps: String = outcome
        .steps
        .iter()
        .map(|step| {
            let mark = if step.right { "✓" } else { "✗" };
            format!(
                "<li>{mark} {}: {} <small>({})</small></li>",
                text(&step.what),
                text(&step.got),
                text(&step.expected)
            )
        })
        .collect();
    let steps = if steps.is_empty() { steps } else { format!("<ul>{steps}</ul>") };
    format!(
        "<tr><td>{}<br><small>{}</small></td><td class=\"{class}\">{result}</td><td>{seen}{steps}</td></tr>",
        outcome.scenario.zh(),
        outcome.scenario.en()
    )
}

/// `text` where HTML has text.
fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

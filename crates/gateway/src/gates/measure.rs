//! Counts what merchants' servers ask, for their monitoring.
//!
//! The layer stands outside the gate of merchants, so that it sees what the gate refuses, and counts only what
//! the gate proved: whoever cannot sign for a merchant cannot spoil its figures. The time runs from when the
//! request was whole to when its answer was made. Cost: one lock and some additions.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use jialing_platform::monitoring::Key;

use crate::answer::Failed;
use crate::edge::Edge;
use crate::layers::frame::bare;
use crate::layers::notes::Notes;

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

pub(super) async fn measure(request: Request, next: Next) -> Response {
    let (edge, notes) = (Edge::of(request.extensions()), Notes::of(request.extensions()));
    let begun = Instant::now();
    let response = next.run(request).await;
    if let Some(asker) = notes.asker() {
        let minute = edge.app.clock.millis().div_euclid(MINUTE_MS);
        let code = match response.extensions().get::<Failed>() {
            Some(Failed(problem)) => Some(problem.code),
            None => bare(response.status()),
        };
        let key = Key { merchant: asker.merchant, minute, provider: asker.provider };
        edge.meter.note(key, begun.elapsed(), code);
    }
    response
}

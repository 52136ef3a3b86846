//! Files that are sent to an address of their own.
//!
//! The one route whose body is not held in memory: it is written sealed as it comes. Bounded are the size, by
//! what was promised; the time of the whole, by `limits.upload_seconds`; the pause between two pieces, by
//! `limits.body_seconds`; and how many come at once, by `limits.uploads`.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Extension, State};
use futures_util::StreamExt;
use jialing_platform::files::Incoming;
use jialing_platform::{App, Code, Problem, Result};

use crate::answer::{Answer, done};
use crate::edge::Edge;
use crate::extract::Path;
use crate::layers::intake::MOST_DISCARDED;

/// The route's pattern: the intake and the frame know it.
pub(crate) const ROUTE: &str = "/v1/public/uploads/{token}";

/// Takes the file that an address is good for: the bytes as they are, whatever their `Content-Type` says.
///
/// The address is in the answer to the request that promised the file. Exactly the file that was promised is
/// taken, once.
///
/// Problems: `not_found` for an address that is none or whose time is over, `state_conflict` where the file is there
/// already, `invalid_request` for another file than was promised, `body_too_large`, `request_timeout`, `overloaded`.
#[utoipa::path(put, path = "/v1/public/uploads/{token}", operation_id = "send_file", tag = "files",
    params(("token" = String, Path)),
    responses((status = 204, description = "It was taken")))]
pub(super) async fn send(
    State(app): State<App>,
    Extension(edge): Extension<Edge>,
    Path(token): Path<String>,
    body: Body,
) -> Answer<()> {
    let Ok(_place) = edge.uploads.try_acquire() else {
        return Err(Problem::new(Code::Overloaded).retry_after(5).into());
    };
    let pause = Duration::from_secs(edge.config.limits.body_seconds);
    let mut pieces = body.into_data_stream();
    match take(&app, &token, &mut pieces, pause).await {
        Ok(()) => done(),
        Err(problem) => {
            throw_away(&mut pieces, pause).await;
            Err(problem.into())
        }
    }
}

async fn take(app: &App, token: &str, pieces: &mut BodyDataStream, pause: Duration) -> Result<()> {
    let late = || Problem::new(Code::RequestTimeout).detail("The file stopped coming.");
    let mut incoming = Incoming::begin(app, token).await?;
    while let Some(piece) = tokio::time::timeout(pause, pieces.next()).await.map_err(|_| late())? {
        incoming.add(&piece.map_err(|_| late())?)?;
    }
    incoming.finish().await
}

/// Reads what is still being sent, up to a bound, because whoever is sending would not hear the answer.
async fn throw_away(pieces: &mut BodyDataStream, pause: Duration) {
    let mut seen = 0;
    let read = async {
        while let Some(Ok(piece)) = pieces.next().await {
            seen += piece.len();
            if seen > MOST_DISCARDED {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(pause, read).await;
}

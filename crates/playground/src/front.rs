//! What listens: which sandbox is meant, and who stands before it.
//!
//! | path | what |
//! |---|---|
//! | `POST /v1/sandbox` | makes a sandbox |
//! | `GET /v1/sandbox` | how many there are |
//! | `/s/{id}/v1/sandbox…` | a sandbox's own doors, with its token |
//! | `/s/{id}/v1/…` | a sandbox's platform |
//! | `/s/{id}/cashier/…`, `/cashier/…`, `/developers/…` | the built pages |
//! | `/p/{id}/v1/…` | the same platform, for the sandbox's own people and bank |

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use jialing_gateway::{applications, pages};
use jialing_platform::{Code, Problem};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::control::{self, Desk};
use crate::grounds::{Bounds, Grounds};
use crate::pass::{Behind, pass};
use crate::refused::Refused;

/// Many sandboxes behind one loopback port. Dropping it stops it without waiting; [`Playground::stop`]
/// waits.
pub struct Playground {
    address: SocketAddr,
    grounds: Arc<Grounds>,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
    keeping: JoinHandle<()>,
}

#[derive(Clone)]
struct Front {
    grounds: Arc<Grounds>,
    doors: Router<Desk>,
    pages: Router,
}

impl Playground {
    /// Serves the sandboxes in `data` on `port` of loopback; 0 takes a free one.
    ///
    /// # Errors
    /// A port or a folder that cannot be used, for a person.
    pub async fn start(data: PathBuf, port: u16, bounds: Bounds) -> Result<Self, String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("cannot listen on {address}: {error}; choose another with --port"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let grounds = Grounds::open(data, format!("http://{address}"), bounds)?;
        let front = Front {
            grounds: grounds.clone(),
            doors: control::routes().layer(DefaultBodyLimit::max(control::BODY_BYTES)),
            pages: pages(&applications()),
        };
        let (stop, mut stopping) = watch::channel(false);
        let service = router(front).into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move {
            let asked = async move {
                let _ = stopping.wait_for(|stop| *stop).await;
            };
            if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(asked).await {
                tracing::error!(%error, "the sandboxes are no longer served");
            }
        });
        let keeping = tokio::spawn(grounds.clone().keep());
        Ok(Self { address, grounds, stop, serving: Some(serving), keeping })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many sandboxes there are, and how many of them are awake.
    pub async fn count(&self) -> (usize, usize) {
        self.grounds.count().await
    }

    /// Stops: takes no further request, and closes all sandboxes in order.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.keeping.abort();
        self.grounds.close().await;
        // Requests that wait for something end by themselves or with the process.
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.keeping.abort();
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl std::fmt::Debug for Playground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Playground({})", self.address)
    }
}

fn router(front: Front) -> Router {
    let pages = front.pages.clone();
    Router::new()
        .route("/v1/sandbox", get(figures).post(create))
        .route("/s/{id}/{*rest}", any(enter))
        .route("/p/{id}/{*rest}", any(enter_by_back_door))
        .layer(from_fn(only_here))
        .with_state(front)
        .fallback_service(pages.fallback(async || Refused::from(Code::NotFound)))
}

/// Pages of other places may name this machine too: what does not ask for loopback by name is refused.
async fn only_here(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        next.run(request).await
    } else {
        Refused(Problem::new(Code::Forbidden).detail("Ask for 127.0.0.1 or localhost.")).into_response()
    }
}

/// `GET /v1/sandbox`
async fn figures(State(front): State<Front>) -> Json<Value> {
    let (sandboxes, awake) = front.grounds.count().await;
    let bounds = front.grounds.bounds();
    Json(json!({
        "sandboxes": sandboxes,
        "awake": awake,
        "most": bounds.most,
        "most_awake": bounds.awake,
        "sleep_after_s": bounds.sleep_after_s,
        "remove_after_s": bounds.remove_after_s,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    #[serde(default)]
    name: String,
}

/// `POST /v1/sandbox`
async fn create(
    State(front): State<Front>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refused> {
    // A page of another place cannot send this type without asking first.
    let json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !json {
        return Err(Code::UnsupportedMediaType.into());
    }
    let Create { name } = control::read(&body)?;
    // A caller who goes away does not leave half a sandbox.
    let made = tokio::spawn(async move { front.grounds.create(&name).await });
    let made = made.await.map_err(|_| Refused::from(Code::Internal))??;
    let made = serde_json::to_value(made).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Everything below a sandbox's base address.
async fn enter(
    State(front): State<Front>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((id, rest)): Path<(String, String)>,
    request: Request,
) -> Response {
    let request = match below(request) {
        Ok(request) => request,
        Err(problem) => return Refused(problem).into_response(),
    };
    if rest == "v1/sandbox" || rest.starts_with("v1/sandbox/") {
        let token = bearer(request.headers());
        return match front.grounds.find_with(&id, token).await {
            Ok(yard) => {
                let desk = Desk { grounds: front.grounds.clone(), yard };
                front.doors.with_state(desk).oneshot(request).await.into_response()
            }
            Err(refused) => refused.into_response(),
        };
    }
    let is_page = ["v1/", "docs/"].iter().all(|place| !rest.starts_with(place))
        && !matches!(rest.as_str(), "healthz" | "readyz" | "openapi.json" | "metrics");
    if is_page {
        return front.pages.oneshot(request).await.into_response();
    }
    match front.grounds.find(&id).await {
        Ok(yard) => pass(yard, peer, Behind::Integrator, request).await,
        Err(refused) => refused.into_response(),
    }
}

/// The same platform for the sandbox's own people and bank: not noted, and without faults.
async fn enter_by_back_door(
    State(front): State<Front>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((id, _)): Path<(String, String)>,
    request: Request,
) -> Response {
    let request = match below(request) {
        Ok(request) => request,
        Err(problem) => return Refused(problem).into_response(),
    };
    match front.grounds.find(&id).await {
        Ok(yard) => pass(yard, peer, Behind::House, request).await,
        Err(refused) => refused.into_response(),
    }
}

/// The request with the path that follows the sandbox's base address, byte by byte as it was sent.
fn below(mut request: Request) -> Result<Request, Problem> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let rest = path.splitn(4, '/').nth(3).ok_or(Problem::new(Code::NotFound))?;
    let below: Uri = format!("/{rest}").parse().map_err(|_| Problem::new(Code::NotFound))?;
    *request.uri_mut() = below;
    // What the front has found in the path is not the edge's: its own parameters come anew.
    request.extensions_mut().clear();
    Ok(request)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

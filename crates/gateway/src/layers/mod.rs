//! The layers around every handler, outermost first.
//!
//! [`frame`]: request id, the problem's body, security headers, the access log and metrics, panics.
//! [`intake`]: how many at once, the size of head and body, how slowly a body may come.
//! [`notes`]: what the layers inside learn and the frame tells.
//! [`query`]: refuses parameters that the route does not document.

pub(crate) mod frame;
pub(crate) mod intake;
pub(crate) mod notes;
pub(crate) mod query;

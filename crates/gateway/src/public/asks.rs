//! Which proof is asked for.

use serde::Deserialize;
use utoipa::IntoParams;

/// Which inclusion proof.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct InclusionAsk {
    /// The record's sequence number.
    pub(crate) seq: u64,
    /// The size of the tree, at most the newest checkpoint's; that one's by default.
    pub(crate) size: Option<u64>,
}

/// Which consistency proof.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsistencyAsk {
    /// The size of the older tree.
    pub(crate) from: u64,
    /// The size of the newer tree, at most the newest checkpoint's; that one's by default.
    pub(crate) to: Option<u64>,
}

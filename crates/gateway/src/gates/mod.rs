//! Who is asking. A gate stands before a whole router, so no route in it can forget it; handlers
//! take who passed from [`Wallet`], [`Merchant`] or [`Bank`].
//!
//! | router made with | who passes | rate |
//! |---|---|---|
//! | [`door`] | anyone: signing up, signing in | per address |
//! | [`letter_box`] | anyone, with an `Idempotency-Key` of the address | per address |
//! | [`public_reads`] | anyone | per address |
//! | [`signed_in`] | a session's bearer token | per session |
//! | [`signed_by_merchant`], [`signed_by_bank`], [`signed_by_operator`] | a signed request, within its key's limits | per key; costly routes also each by itself |
//!
//! [`once`] stands before single routes: writes that carry an `Idempotency-Key`.

mod address;
mod forms;
mod heavy;
mod measure;
mod once;
mod scopes;
mod sealed;
mod session;
mod signed;
mod sub_merchant;

use axum::middleware::from_fn;
use jialing_platform::Code;
use utoipa::openapi::security::SecurityRequirement;
use utoipa_axum::router::OpenApiRouter;

use crate::edge::Edge;
use crate::openapi::{Described, each_operation};

pub(crate) use address::Visitor;
pub(crate) use forms::How;
pub(crate) use once::{Once, once};
pub(crate) use session::Wallet;
pub(crate) use signed::{Bank, Merchant, Operator};

pub(crate) use address::Peer;
pub(crate) use once::CLEAN_EVERY;
pub(crate) use session::bearer;

/// Doors that anyone may knock at, at the rate of `limits.doors` per address.
pub(crate) fn door(mut router: OpenApiRouter<Edge>) -> OpenApiRouter<Edge> {
    each_operation(router.get_openapi_mut(), |operation| operation.may_answer(&[Code::RateLimited]));
    router.route_layer(from_fn(address::door))
}

/// Doors through which anyone may write something once, at the rate of `limits.doors` per address: their routes
/// are made with [`once`].
pub(crate) fn letter_box(mut router: OpenApiRouter<Edge>) -> OpenApiRouter<Edge> {
    each_operation(router.get_openapi_mut(), |operation| operation.may_answer(&[Code::RateLimited]));
    router.route_layer(from_fn(address::letter_box))
}

/// Public reads, at the rate of `limits.public` per address.
pub(crate) fn public_reads(mut router: OpenApiRouter<Edge>) -> OpenApiRouter<Edge> {
    each_operation(router.get_openapi_mut(), |operation| operation.may_answer(&[Code::RateLimited]));
    router.route_layer(from_fn(address::public))
}

/// Routes for people who are signed in.
pub(crate) fn signed_in(mut router: OpenApiRouter<Edge>) -> OpenApiRouter<Edge> {
    each_operation(router.get_openapi_mut(), |operation| {
        operation.secured_by(SecurityRequirement::new("session", [""; 0]));
        operation.may_answer(&[Code::Unauthenticated, Code::RateLimited]);
    });
    router.route_layer(from_fn(session::gate))
}

/// Routes for merchants' servers.
pub(crate) fn signed_by_merchant(router: OpenApiRouter<Edge>) -> OpenApiRouter<Edge> {
    let mut router = signed_requests(router);
    each_operation(router.get_openapi_mut(), |operation| {
        operation.may_answer(&signed::LIMITED);
        sub_merchant::describe(operation);
    });
    // The last one added stands outermost: what the gate refuses is counted too, once it knows whom.
    router
        .route_layer(from_fn(sub_merchant::act))
        .route_layer(from_fn(signed::merchant_gate))
        .route_layer(from_fn(measure::measure))
}

/// Routes for banks' servers.
pub(crate) fn signed_by_bank(router: OpenApiRouter<Edge>) -> OpenApiRouter<Edge> {
    signed_requests(router).route_layer(from_fn(signed::bank_gate))
}

/// Routes for operators.
pub(crate) fn signed_by_operator(router: OpenApiRouter<Edge>) -> OpenApiRouter<Edge> {
    signed_requests(router).route_layer(from_fn(signed::operator_gate))
}

fn signed_requests(mut router: OpenApiRouter<Edge>) -> OpenApiRouter<Edge> {
    each_operation(router.get_openapi_mut(), |operation| {
        operation.secured_by(SecurityRequirement::new("signature", [""; 0]));
        operation.may_answer(&signed::PROBLEMS);
        sealed::describe(operation);
    });
    router
}

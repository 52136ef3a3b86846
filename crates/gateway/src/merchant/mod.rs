//! `/v1/merchant`: merchants' servers. Every request here is signed, and so is every answer.

mod books;
mod code_payments;
mod debits;
mod events;
mod history;
mod mandates;
mod monitoring;
mod orders;
mod payouts;
mod providers;
mod reconciliations;
mod refunds;
mod security;
mod settlements;
mod splits;
mod statements;
mod static_codes;
mod supply;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::{once, signed_by_merchant};

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    signed_by_merchant(
        OpenApiRouter::new()
            .routes(routes!(security::echo))
            .routes(routes!(security::keys))
            .routes(routes!(orders::create, orders::list))
            .routes(routes!(code_payments::charge))
            .routes(routes!(static_codes::create, static_codes::list))
            .routes(routes!(static_codes::of))
            .routes(routes!(static_codes::revoke))
            .routes(routes!(orders::of))
            .routes(routes!(orders::numbered))
            .routes(routes!(orders::close))
            .routes(routes!(orders::revoke))
            .routes(routes!(refunds::request, refunds::list))
            .routes(routes!(refunds::of))
            .routes(routes!(refunds::numbered))
            .routes(routes!(refunds::retry))
            .routes(routes!(refunds::redirect))
            .routes(routes!(refunds::close))
            .routes(routes!(payouts::request, payouts::list))
            .routes(routes!(payouts::request_by_file))
            .routes(routes!(payouts::of))
            .routes(routes!(payouts::numbered))
            .routes(routes!(payouts::line))
            .routes(routes!(payouts::lines))
            .routes(routes!(payouts::cancel))
            .routes(routes!(payouts::report))
            .routes(routes!(splits::register, splits::receivers))
            .routes(routes!(splits::remove))
            .routes(routes!(splits::agreements))
            .routes(routes!(splits::agree))
            .routes(routes!(splits::refuse))
            .routes(routes!(splits::request))
            .routes(routes!(splits::of))
            .routes(routes!(splits::numbered))
            .routes(routes!(splits::order))
            .routes(routes!(splits::unfreeze))
            .routes(routes!(splits::give_back))
            .routes(routes!(splits::return_of))
            .routes(routes!(settlements::request, settlements::list))
            .routes(routes!(settlements::of))
            .routes(routes!(settlements::numbered))
            .routes(routes!(settlements::recheck))
            .routes(routes!(history::list))
            .routes(routes!(history::receipt))
            .routes(routes!(books::balance))
            .routes(routes!(books::statement))
            .routes(once(routes!(books::export)))
            .routes(routes!(books::exports))
            .routes(routes!(books::export_of, books::cancel))
            .routes(routes!(books::file))
            .routes(routes!(statements::ask, statements::list))
            .routes(routes!(statements::of))
            .routes(once(routes!(reconciliations::ask)))
            .routes(routes!(reconciliations::list))
            .routes(routes!(reconciliations::of))
            .routes(routes!(reconciliations::file))
            .routes(routes!(
                reconciliations::set_source,
                reconciliations::read_source,
                reconciliations::remove_source
            ))
            .routes(routes!(reconciliations::cases_of))
            .routes(routes!(reconciliations::case))
            .routes(routes!(reconciliations::explain))
            .routes(routes!(reconciliations::resolve))
            .routes(routes!(providers::sub_merchants))
            .routes(routes!(supply::of))
            .routes(routes!(monitoring::read))
            .routes(once(routes!(monitoring::give)))
            .routes(routes!(monitoring::of))
            .routes(routes!(events::list))
            .routes(routes!(events::of))
            .routes(routes!(events::acknowledge))
            .routes(once(routes!(webhooks::create)))
            .routes(routes!(webhooks::list))
            .routes(routes!(webhooks::of, webhooks::change, webhooks::delete))
            .routes(once(routes!(webhooks::rotate)))
            .routes(routes!(webhooks::ping))
            .routes(routes!(webhooks::deliveries))
            .routes(routes!(webhooks::redeliver))
            .routes(routes!(webhooks::redeliver_many))
            .routes(once(routes!(webhooks::create_api_key)))
            .routes(routes!(webhooks::api_keys))
            .routes(routes!(debits::propose, debits::list))
            .routes(routes!(debits::of))
            .routes(routes!(debits::numbered))
            .routes(routes!(debits::cancel))
            .routes(routes!(debits::announce, debits::debits))
            .routes(routes!(debits::debit))
            .routes(routes!(debits::cancel_debit))
            .routes(routes!(mandates::list))
            .routes(routes!(mandates::of))
            .routes(routes!(mandates::charge)),
    )
}

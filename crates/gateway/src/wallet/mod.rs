//! `/v1/wallet`: people and organisations, from the wallet app.
//!
//! Two routers: the doors, where nobody is signed in yet, and the rooms behind them. A route's place
//! decides who passes; its handler takes the person from [`crate::gates::Wallet`].

mod applications;
mod authenticator;
mod books;
mod codes;
mod debits;
mod device_requests;
mod devices;
mod history;
mod identity;
mod links;
pub(crate) mod live;
mod mandates;
mod merchants;
mod monitoring;
mod notices;
mod orders;
mod organisations;
mod passkeys;
mod payment_codes;
mod payment_requests;
mod payouts;
mod people;
mod pin;
mod privacy;
mod providers;
mod red_packets;
mod sessions;
mod settlements;
mod static_codes;
mod supply;
mod tickets;
mod topups;
mod transfers;
mod wallets;
mod webhooks;
mod withdrawals;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::{door, once, signed_in};

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    doors().merge(rooms())
}

/// Open to anyone, at the rate of `limits.doors` per address.
fn doors() -> OpenApiRouter<Edge> {
    door(
        OpenApiRouter::new()
            .routes(routes!(codes::send))
            .routes(routes!(people::sign_up))
            .routes(routes!(people::recover))
            .routes(routes!(devices::challenge))
            .routes(routes!(sessions::sign_in)),
    )
}

/// For those who are signed in.
fn rooms() -> OpenApiRouter<Edge> {
    signed_in(
        OpenApiRouter::new()
            .routes(routes!(sessions::list, sessions::end_all))
            .routes(routes!(sessions::end))
            .routes(routes!(codes::second_factor))
            .routes(routes!(people::me))
            .routes(routes!(people::set_alias))
            .routes(routes!(people::close))
            .routes(routes!(devices::bind, devices::list))
            .routes(routes!(devices::of))
            .routes(routes!(devices::revoke))
            .routes(routes!(device_requests::ask, device_requests::list))
            .routes(routes!(device_requests::of))
            .routes(routes!(device_requests::approve))
            .routes(routes!(device_requests::refuse))
            .routes(routes!(device_requests::security_log))
            .routes(routes!(passkeys::options))
            .routes(routes!(passkeys::register, passkeys::list))
            .routes(routes!(passkeys::remove))
            .routes(routes!(authenticator::state, authenticator::enrol))
            .routes(routes!(authenticator::confirm))
            .routes(routes!(authenticator::remove))
            .routes(routes!(authenticator::renew))
            .routes(routes!(pin::state, pin::set))
            .routes(once(routes!(identity::submit)))
            .routes(routes!(identity::latest))
            .routes(routes!(organisations::register, organisations::list))
            .routes(routes!(organisations::of))
            .routes(once(routes!(wallets::open)))
            .routes(routes!(wallets::list))
            .routes(routes!(wallets::of))
            .routes(routes!(supply::of))
            .routes(routes!(wallets::freeze))
            .routes(routes!(wallets::lift))
            .routes(routes!(wallets::own_limits, wallets::set_own_limits))
            .routes(routes!(wallets::close))
            .routes(once(routes!(links::start)))
            .routes(routes!(links::list))
            .routes(routes!(links::of, links::end))
            .routes(routes!(links::confirm))
            .routes(routes!(topups::request, topups::list))
            .routes(routes!(topups::of))
            .routes(routes!(withdrawals::request, withdrawals::list))
            .routes(routes!(withdrawals::of))
            .routes(routes!(transfers::lookup))
            .routes(routes!(transfers::send, transfers::list))
            .routes(routes!(transfers::of))
            .routes(routes!(transfers::revoke))
            .routes(routes!(red_packets::give, red_packets::list))
            .routes(routes!(red_packets::claims))
            .routes(routes!(red_packets::of))
            .routes(routes!(red_packets::view))
            .routes(routes!(red_packets::claim))
            .routes(routes!(payment_requests::ask, payment_requests::list))
            .routes(routes!(payment_requests::of))
            .routes(routes!(payment_requests::pay))
            .routes(routes!(payment_requests::decline))
            .routes(routes!(payment_requests::cancel))
            .routes(routes!(payment_requests::split, payment_requests::splits))
            .routes(routes!(payment_requests::split_of))
            .routes(routes!(payment_requests::cancel_split))
            .routes(routes!(history::list))
            .routes(routes!(history::receipt))
            .routes(routes!(books::balance))
            .routes(routes!(books::statement))
            .routes(once(routes!(books::export)))
            .routes(routes!(books::merchant_balance))
            .routes(routes!(books::merchant_statement))
            .routes(once(routes!(books::merchant_export)))
            .routes(routes!(books::exports))
            .routes(routes!(books::export_of, books::cancel))
            .routes(routes!(books::file))
            .routes(routes!(privacy::merchants))
            .routes(routes!(privacy::consents, privacy::set_consents))
            .routes(routes!(privacy::copy))
            .routes(once(routes!(tickets::open)))
            .routes(routes!(tickets::list))
            .routes(routes!(tickets::of))
            .routes(routes!(tickets::say))
            .routes(routes!(tickets::close))
            .routes(routes!(notices::list))
            .routes(routes!(notices::unread))
            .routes(routes!(live::stream))
            .routes(routes!(notices::read))
            .routes(routes!(orders::scan))
            .routes(routes!(orders::view))
            .routes(routes!(orders::pay))
            .routes(routes!(payment_codes::draw))
            .routes(routes!(payment_codes::status))
            .routes(routes!(payment_codes::confirmations))
            .routes(routes!(payment_codes::refuse))
            .routes(routes!(static_codes::pay))
            .routes(routes!(static_codes::create, static_codes::list))
            .routes(routes!(static_codes::revoke))
            .routes(routes!(debits::list))
            .routes(routes!(debits::view))
            .routes(routes!(debits::approve))
            .routes(routes!(debits::refuse))
            .routes(routes!(debits::cancel))
            .routes(routes!(debits::debits))
            .routes(routes!(mandates::create, mandates::list))
            .routes(routes!(mandates::of))
            .routes(routes!(mandates::pause))
            .routes(routes!(mandates::resume))
            .routes(routes!(mandates::revoke))
            .routes(once(routes!(applications::begin)))
            .routes(routes!(applications::list))
            .routes(routes!(applications::of, applications::set))
            .routes(once(routes!(applications::promise)))
            .routes(routes!(applications::remove))
            .routes(routes!(applications::require))
            .routes(routes!(applications::submit))
            .routes(routes!(applications::agreement))
            .routes(routes!(applications::accept))
            .routes(routes!(merchants::register, merchants::list))
            .routes(routes!(merchants::of))
            .routes(routes!(merchants::set))
            .routes(once(routes!(merchants::add_store)))
            .routes(routes!(merchants::stores))
            .routes(routes!(merchants::register_key, merchants::keys))
            .routes(routes!(merchants::revoke_key))
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
            .routes(routes!(payouts::settings, payouts::set))
            .routes(routes!(payouts::list))
            .routes(routes!(payouts::approve))
            .routes(routes!(payouts::reject))
            .routes(routes!(settlements::settings, settlements::set))
            .routes(routes!(settlements::list))
            .routes(routes!(settlements::approve))
            .routes(routes!(settlements::hold))
            .routes(routes!(settlements::release))
            .routes(routes!(monitoring::read))
            .routes(routes!(providers::list))
            .routes(routes!(providers::grant, providers::revoke))
            .routes(routes!(merchants::refunds))
            .routes(routes!(merchants::approve_refund))
            .routes(routes!(merchants::reject_refund)),
    )
}

//! A person's data in one document.

use serde::Serialize;

use super::{Consents, SeenBy, consents, seen_by};
use crate::audit::{SecurityEvent, security_log};
use crate::clock::rfc3339;
use crate::debits::PayerAgreement;
use crate::devices::Device;
use crate::factors::{self, Authenticator};
use crate::links::Link;
use crate::mandates::Mandate;
use crate::merchants::Merchant;
use crate::notices::Notice;
use crate::page::MAX_LIMIT;
use crate::passkeys::Passkey;
use crate::payment_requests::{BillSplit, PaymentRequest, RequestsAsk};
use crate::people::{Organisation, Profile};
use crate::red_packets::{Claim, RedPacket};
use crate::sessions::quotas::{self, Quota};
use crate::sessions::{Actor, Session};
use crate::tickets::Ticket;
use crate::topups::TopUp;
use crate::transfers::Transfer;
use crate::wallets::View;
use crate::withdrawals::Withdrawal;
use crate::{
    App, Page, PageAsk, Result, Tx, debits, devices, links, mandates, merchants, notices, passkeys,
    payment_requests, people, red_packets, sessions, tickets, topups, transfers, wallets, withdrawals,
};

/// The newest items of each list that a copy holds; `has_more` says where there are more.
pub const MAX_ITEMS: usize = 200;

/// What the platform keeps of a person, as each part is shown to its holder: masked where it is masked there.
/// Movements of money are not in it: the exports of a wallet's history hold all of them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PersonalData {
    /// When the copy was made, RFC 3339.
    #[schema(format = DateTime)]
    pub made_at: String,
    /// The person.
    pub profile: Profile,
    /// What the person agreed to.
    pub consents: Consents,
    /// Wallets, closed ones too.
    pub wallets: Vec<View>,
    /// Linked bank accounts.
    pub links: Page<Link>,
    /// Bound devices.
    pub devices: Page<Device>,
    /// Sessions that live.
    pub sessions: Page<Session>,
    /// Passkeys.
    pub passkeys: Page<Passkey>,
    /// The authenticator application.
    pub authenticator: Authenticator,
    /// What was done in the person's name that concerns its security.
    pub security_log: Page<SecurityEvent>,
    /// What the person was told.
    pub notices: Page<Notice>,
    /// Top-ups.
    pub topups: Page<TopUp>,
    /// Withdrawals.
    pub withdrawals: Page<Withdrawal>,
    /// Transfers that the person sent.
    pub transfers: Page<Transfer>,
    /// Red packets that the person gave.
    pub red_packets: Page<RedPacket>,
    /// Shares of red packets that the person took.
    pub red_packet_claims: Page<Claim>,
    /// Requests to pay, on either side.
    pub payment_requests: Page<PaymentRequest>,
    /// Bills that the person split.
    pub bill_splits: Page<BillSplit>,
    /// Sub-wallets at merchants.
    pub mandates: Page<Mandate>,
    /// Agreements that let merchants debit.
    pub debit_agreements: Page<PayerAgreement>,
    /// Merchants that were paid, and what they saw.
    pub merchants_paid: Page<SeenBy>,
    /// Organisations that the person represents.
    pub organisations: Page<Organisation>,
    /// Merchants of those organisations.
    pub merchants: Page<Merchant>,
    /// Tickets, with what was written.
    pub tickets: Page<Ticket>,
}

/// The newest items of a list, page by page.
macro_rules! newest {
    ($list:expr, $ask:ident, $($id:ident).+) => {{
        let mut all = Vec::new();
        let mut $ask = PageAsk { limit: Some(MAX_LIMIT), ..PageAsk::default() };
        loop {
            let page = $list.await?;
            all.extend(page.items);
            if !page.has_more || all.len() >= MAX_ITEMS {
                break Page { items: all, has_more: page.has_more };
            }
            $ask.after = all.last().map(|item| item.$($id).+.to_string());
        }
    }};
}

/// A copy of the actor's data.
///
/// # Errors
/// `rate_limited` after too many in an hour or a day; any fault of the database or the ledger.
pub async fn copy(app: &App, actor: &Actor) -> Result<PersonalData> {
    let (person, now) = (actor.person, app.clock.millis());
    let quota = Quota::of(app, "data_copies").await?;
    app.db
        .write(async move |tx: &mut Tx| quotas::take(tx, &format!("data_copies/{person}"), now, quota).await)
        .await?;
    let requests = |page: &PageAsk| RequestsAsk {
        limit: page.limit,
        after: page.after.clone(),
        ..RequestsAsk::default()
    };
    let mut written = newest!(tickets::list(app, actor, &ask), ask, id);
    for ticket in &mut written.items {
        *ticket = tickets::get(app, actor, ticket.id).await?;
    }
    Ok(PersonalData {
        made_at: rfc3339(now),
        profile: people::me(app, actor).await?,
        consents: consents(app, actor).await?,
        wallets: wallets::list(app, person).await?,
        links: newest!(links::list(app, person, &ask), ask, link_id),
        devices: newest!(devices::list(app, actor, &ask), ask, device_id),
        sessions: newest!(sessions::list(app, actor, &ask), ask, session_id),
        passkeys: newest!(passkeys::list(app, actor, &ask), ask, id),
        authenticator: factors::read(app, actor).await?,
        security_log: newest!(security_log(app, actor, &ask), ask, id),
        notices: newest!(notices::list(app, actor, &ask), ask, id),
        topups: newest!(topups::list(app, actor, &ask), ask, topup_id),
        withdrawals: newest!(withdrawals::list(app, actor, &ask), ask, withdrawal_id),
        transfers: newest!(transfers::list(app, actor, &ask), ask, id),
        red_packets: newest!(red_packets::list(app, actor, &ask), ask, id),
        red_packet_claims: newest!(red_packets::claims(app, actor, &ask), ask, id),
        payment_requests: newest!(payment_requests::list(app, actor, &requests(&ask)), ask, id),
        bill_splits: newest!(payment_requests::list_splits(app, actor, &ask), ask, id),
        mandates: newest!(mandates::list(app, actor, &ask), ask, id),
        debit_agreements: newest!(debits::list_own(app, actor, &ask), ask, agreement.id),
        merchants_paid: newest!(seen_by(app, actor, &ask), ask, merchant_id),
        organisations: newest!(people::organisations(app, actor, &ask), ask, organisation_id),
        merchants: newest!(merchants::list(app, actor, &ask), ask, id),
        tickets: written,
    })
}

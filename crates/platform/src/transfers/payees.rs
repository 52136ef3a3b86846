//! Finding a payee: by phone, shown by a masked name, paid by a token.
//!
//! A look-up that finds somebody costs one point of a person's bucket, one that finds nobody
//! twenty; a payment to somebody found gives one back. The bucket lives in the database and is
//! charged in the transaction of the look-up, so neither nodes nor parallel requests get around it.
//! Unknown phones, people who do not want to be found and people without a wallet that can receive
//! give one answer, after the same steps.

use jialing_crypto::random;
use serde::{Deserialize, Serialize};

use super::rules::Bucket;
use super::store;
use crate::clock::rfc3339;
use crate::id::{PersonId, WalletId};
use crate::people;
use crate::sessions::Actor;
use crate::wallets::{self, Owner, Wallet};
use crate::{App, Code, Problem, Result, Tx, policies};

/// How long a payee's token can be used, milliseconds.
pub const TOKEN_MS: i64 = 600_000;
/// What a token begins with.
const TOKEN_PREFIX: &str = "pye_";

/// A payee is looked for.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupAsk {
    /// The payee's phone.
    #[schema(example = "13800000001")]
    pub phone: String,
}

/// A payee that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Payee {
    /// Stands for the payee's wallet in a transfer of yours, until it expires.
    pub payee_token: String,
    /// The payee's name, masked: for the payer to recognise.
    #[schema(example = "*明")]
    pub name: String,
    /// When the token expires, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// Finds who receives under a phone number.
///
/// # Errors
/// `payee_unknown` for whoever is not there or not to be found; `rate_limited` with the wait;
/// `invalid_request`, naming `phone`.
pub async fn lookup(app: &App, actor: &Actor, ask: &LookupAsk) -> Result<Payee> {
    let (bucket, now) = (bucket(app).await?, app.clock.millis());
    // Looked for before the bucket is charged, because the charge depends on what is found, and told
    // only after. Whoever is not found costs the same steps as whoever is.
    let found = people::by_phone(app, &ask.phone).await?;
    let wallet = wallets::receiving(app, found.unwrap_or(NOBODY)).await;
    let found = match (found, wallet) {
        (Some(person), Ok(wallet)) => Some((person, wallet.id)),
        (_, Err(problem)) if problem.code != Code::PayeeUnknown => return Err(problem),
        _ => None,
    };
    let token = format!("{TOKEN_PREFIX}{}", random::token());
    let (asker, hash, expires_at) = (actor.person, hash(app, &token), now + TOKEN_MS);
    let wallet = found.map(|(_, wallet)| wallet);
    let allowed = app
        .db
        .write(async move |tx: &mut Tx| {
            let level = store::level(tx, asker, &bucket, now).await?;
            if !bucket.allows(level) {
                return Ok(Err(bucket.wait_seconds(level)));
            }
            store::set_level(tx, asker, bucket.charged(level, wallet.is_some()), now).await?;
            if let Some(wallet) = wallet {
                store::keep_payee(tx, &hash, asker, wallet, expires_at).await?;
            }
            Ok(Ok(()))
        })
        .await?;
    match (allowed, found) {
        (Err(seconds), _) => Err(Problem::new(Code::RateLimited)
            .detail("Too many look-ups. Paying somebody you found gives one back.")
            .retry_after(seconds)),
        (Ok(()), None) => Err(Problem::new(Code::PayeeUnknown)),
        (Ok(()), Some((person, _))) => Ok(Payee {
            payee_token: token,
            name: people::display_name(app, person).await?,
            expires_at: rfc3339(expires_at),
        }),
    }
}

/// No person has this number.
const NOBODY: PersonId = PersonId::from_number(0);

/// The wallet that `payee` stands for: a wallet id of a person, or a token of the actor's.
///
/// # Errors
/// `payee_unknown` if it stands for none; `invalid_request` if it is neither.
pub(crate) async fn resolve(app: &App, actor: &Actor, payee: &str) -> Result<Wallet> {
    let unknown = || Problem::new(Code::PayeeUnknown).field("payee");
    let id: WalletId = if payee.starts_with(TOKEN_PREFIX) {
        let found = store::payee(app, &hash(app, payee), actor.person, app.clock.millis()).await?;
        found.ok_or_else(|| {
            unknown().detail("The token is not yours or has expired; look the payee up again.")
        })?
    } else {
        payee.parse().map_err(|_| {
            Problem::new(Code::InvalidRequest)
                .field("payee")
                .detail("`payee` is a wallet id or a payee token.")
        })?
    };
    match wallets::find(app, id).await {
        Ok(wallet) if matches!(wallet.owner, Owner::Person(_)) => Ok(wallet),
        Ok(_) => Err(unknown().detail("This wallet belongs to an organisation: pay it through its order.")),
        Err(problem) if problem.code == Code::NotFound => Err(unknown()),
        Err(problem) => Err(problem),
    }
}

/// What is kept of how a payer named the payee.
pub(crate) fn hash(app: &App, payee: &str) -> String {
    app.blind.of("payees.token", payee)
}

/// Whether the payer named the payee by a token.
pub(super) fn is_token(payee: &str) -> bool {
    payee.starts_with(TOKEN_PREFIX)
}

/// The bucket's numbers in force.
pub(super) async fn bucket(app: &App) -> Result<Bucket> {
    Ok(Bucket {
        most: policies::number(app, "alias_bucket").await?,
        refill_minute: policies::number(app, "alias_refill_minute").await?,
        hit: policies::number(app, "alias_hit_cost").await?,
        miss: policies::number(app, "alias_miss_cost").await?,
        payment: policies::number(app, "alias_payment_return").await?,
    })
}

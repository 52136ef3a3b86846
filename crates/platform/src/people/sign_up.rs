//! Opening an account.

use serde::Deserialize;

use super::audited;
use super::phone::Phone;
use super::rules::check_password;
use super::sealed::PersonKey;
use super::store::{self, Newcomer};
use crate::devices::{self, NewDevice};
use crate::id::PersonId;
use crate::notices::codes::{self, Purpose};
use crate::sessions::{Opening, SignedIn};
use crate::{App, Result, Tx};

/// What opens an account.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUpAsk {
    /// The phone; a code for `sign_up` was sent to it.
    #[schema(example = "13800000001")]
    pub phone: String,
    /// That code.
    #[schema(example = "123456")]
    pub code: String,
    /// 10 to 128 characters, not easily guessed.
    pub password: String,
    /// The first device, if it is to be bound at once.
    pub device: Option<NewDevice>,
}

/// Opens an account and signs it in. A phone has one account, however many try at once.
///
/// # Errors
/// `invalid_request`, `password_weak`, `code_invalid`, `rate_limited`, `proof_of_possession_invalid`;
/// `phone_taken`, told only to who holds the phone's code.
pub async fn sign_up(app: &App, ask: SignUpAsk) -> Result<SignedIn> {
    let phone = Phone::parse(&ask.phone)?;
    check_password(&ask.password, phone.text())?;
    let device = devices::prepare(app, ask.device.as_ref()).await?;
    let code = codes::check(app, &phone, Purpose::SignUp, &ask.code).await?;
    let password = app.passwords().hash(&ask.password).await?;
    let opening = Opening::new(app).await?;

    let created_at = app.clock.millis();
    let id = PersonId::new(created_at);
    let (key, data_key) = PersonKey::new(app, id);
    let newcomer = Newcomer {
        id,
        phone_index: phone.index(app),
        data_key,
        phone: key.seal("people.phone", phone.text()),
        password,
        created_at,
    };
    app.db
        .write(async move |tx: &mut Tx| {
            store::insert(tx, &newcomer).await?;
            code.spend(tx).await?;
            audited(tx, id, "person.sign_up", id, None, created_at).await?;
            let device = match &device {
                Some(device) => Some(device.bind(tx, id).await?),
                None => None,
            };
            opening.open(tx, id, device).await
        })
        .await
}

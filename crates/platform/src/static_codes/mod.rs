//! Static codes: a merchant's code that is printed once, for a store or a till, and paid with an amount
//! that the payer types.
//!
//! A code names its merchant and place and nothing to pay, so anybody may copy it and hang it elsewhere:
//! what one payer may pay to such codes is bounded per day, by the ledger's meter of risk class D. Each
//! payment makes an order of its own, which is then like any other: it is told, receipted and refunded.
//! One place has one code at a time; asked for again, the same is answered.
//!
//! `ACTIVE → REVOKED`.

mod pay;
mod store;

use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{MerchantId, StaticCodeId, StoreId};
use crate::orders::{Made, carriers, qr, rules};
use crate::sessions::Actor;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, merchants, stored, text};

pub use pay::{ACTION, Place, StaticPayAsk, pay, place};

stored! {
    /// Whether a code may be paid.
    #[schema(as = StaticCodeState)]
    pub enum State {
        /// It may.
        Active = "ACTIVE",
        /// It may not any more; final.
        Revoked = "REVOKED",
    }
}

/// A static code, as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StaticCode {
    /// Its id.
    pub id: StaticCodeId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The store it hangs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_id: Option<StoreId>,
    /// The till it stands at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// What orders paid by it are for.
    pub description: String,
    /// Where events about them are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    /// Whether it may be paid.
    pub state: State,
    /// What to print as a QR code: EMVCo, merchant-presented, static.
    pub qr_code: String,
    /// What opens the payer's app with it.
    pub app_link: String,
    /// What to write on an NFC tag: an NDEF message, base64.
    pub nfc: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339, once revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

/// A static code to make.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticCodeAsk {
    /// One of your stores.
    pub store_id: Option<StoreId>,
    /// Your name of the till, up to 25 letters, digits and `_-|*.:`.
    pub terminal: Option<String>,
    /// What orders paid by it are for, up to 127 characters.
    #[schema(example = "小面")]
    pub description: String,
    /// Where events about them are sent: http or https.
    pub notify_url: Option<String>,
}

/// Makes a static code for a place. The same place again answers the code there is.
///
/// # Errors
/// `invalid_request`, naming the field; `merchant_inactive`; `conflict`, naming the field, where the
/// place has a code with other data.
pub async fn create(
    app: &App,
    merchant: MerchantId,
    by: &str,
    ask: StaticCodeAsk,
) -> Result<Made<StaticCode>> {
    text::line("description", &ask.description, rules::MAX_DESCRIPTION)?;
    rules::terminal(ask.terminal.as_deref())?;
    ask.notify_url.as_deref().map_or(Ok(()), |address| text::url("notify_url", address))?;
    merchants::active(app, merchant).await?;
    if let Some(store) = ask.store_id
        && !merchants::has_store(app, merchant, store).await?
    {
        return Err(Problem::new(Code::InvalidRequest).field("store_id").detail("You have no such store."));
    }
    let (now, by) = (app.clock.millis(), by.to_owned());
    let made = app
        .db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = store::at_place(tx, merchant, &ask).await? {
                same(&row, &ask)?;
                return Ok(Made { value: row, fresh: false });
            }
            let row = store::insert(tx, merchant, &ask, now).await?;
            note(tx, &by, "static_code.create", &row, now).await?;
            Ok(Made { value: row, fresh: true })
        })
        .await?;
    Ok(Made { value: shown(app, made.value).await?, fresh: made.fresh })
}

fn same(row: &store::Row, ask: &StaticCodeAsk) -> Result<()> {
    let differs = [
        ("description", row.description != ask.description),
        ("notify_url", row.notify_url != ask.notify_url),
    ];
    Problem::conflict_if(differs, |field| {
        format!("The place has a code with another `{field}`. Revoke it first.")
    })
    .map_err(|problem| problem.with("static_code_id", row.id.to_string()))
}

/// As [`create`], by the merchant's owner.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; those of [`create`].
pub async fn create_owned(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    ask: StaticCodeAsk,
) -> Result<Made<StaticCode>> {
    merchants::owned(app, actor, merchant).await?;
    create(app, merchant, &actor.person.to_string(), ask).await
}

/// One of the merchant's static codes.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, id: StaticCodeId) -> Result<StaticCode> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::find(&mut connection, id).await?.filter(|row| row.merchant == merchant);
    drop(connection);
    shown(app, row.ok_or(Problem::new(Code::NotFound))?).await
}

/// The merchant's static codes, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<StaticCode>> {
    let rows = store::of_merchant(app, merchant, page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(app, row).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// As [`list`], for the merchant's owner.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; `invalid_request` for a bad page.
pub async fn list_owned(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    page: &PageAsk,
) -> Result<Page<StaticCode>> {
    merchants::owned(app, actor, merchant).await?;
    list(app, merchant, page).await
}

/// Ends a static code: what is printed cannot be paid any more. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn revoke(app: &App, merchant: MerchantId, by: &str, id: StaticCodeId) -> Result<StaticCode> {
    let (now, by) = (app.clock.millis(), by.to_owned());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::find(tx, id).await?.filter(|row| row.merchant == merchant);
            let row = row.ok_or(Problem::new(Code::NotFound))?;
            match store::revoke(tx, id, now).await? {
                Some(row) => {
                    note(tx, &by, "static_code.revoke", &row, now).await?;
                    Ok(row)
                }
                None => Ok(row),
            }
        })
        .await?;
    shown(app, row).await
}

/// As [`revoke`], by the merchant's owner.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the code.
pub async fn revoke_owned(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    id: StaticCodeId,
) -> Result<StaticCode> {
    merchants::owned(app, actor, merchant).await?;
    revoke(app, merchant, &actor.person.to_string(), id).await
}

async fn shown(app: &App, row: store::Row) -> Result<StaticCode> {
    let merchant = merchants::read(app, row.merchant).await?;
    let payload = qr::static_payload(app, row.id, row.terminal.as_deref(), &merchant)?;
    Ok(StaticCode {
        app_link: carriers::link(&payload),
        nfc: carriers::nfc(&payload)?,
        qr_code: payload,
        id: row.id,
        merchant_id: row.merchant,
        store_id: row.store,
        terminal: row.terminal,
        description: row.description,
        notify_url: row.notify_url,
        state: if row.revoked_at.is_some() { State::Revoked } else { State::Active },
        created_at: rfc3339(row.created_at),
        revoked_at: row.revoked_at.map(rfc3339),
    })
}

async fn note(tx: &mut Tx, by: &str, action: &'static str, row: &store::Row, at: i64) -> Result<()> {
    let entry = Entry {
        who: by.to_owned(),
        action,
        subject: row.id.to_string(),
        before: None,
        after: Some(serde_json::json!({ "store": row.store, "terminal": row.terminal })),
        at,
    };
    audit::log(tx, entry).await.map(drop)
}

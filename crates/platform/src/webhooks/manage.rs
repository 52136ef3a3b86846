//! Endpoints are registered, shown, changed and removed.

use super::{
    ChangeAsk, CreateAsk, DisabledReason, Health, MAX_WEBHOOKS, Manager, NewWebhook, Source, Status, Webhook,
    queue, rules, secrets, store,
};
use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::WebhookId;
use crate::merchants::api_keys;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, text};

/// Registers an endpoint under `id`. Done again with the same id, it answers the endpoint and its
/// secret.
///
/// # Errors
/// `invalid_request`, naming the field; `state_conflict` with [`MAX_WEBHOOKS`] endpoints.
pub async fn create(app: &App, by: &Manager, id: WebhookId, ask: CreateAsk) -> Result<NewWebhook> {
    rules::address("url", &ask.url, app.settings.sandbox)?;
    text::optional_line("description", ask.description.as_deref(), rules::MAX_DESCRIPTION)?;
    let now = app.clock.millis();
    let row = store::Row {
        id,
        merchant: by.merchant,
        source: Source::Registered,
        url: ask.url,
        origin: None,
        description: ask.description,
        events: rules::filter(ask.events.as_deref())?,
        status: Status::Active,
        disabled_reason: None,
        disabled_at: None,
        created_at: now,
    };
    let (app_, by) = (app.clone(), by.clone());
    app.db
        .write(async move |tx: &mut Tx| {
            let mine = store::of(tx, by.merchant).await?;
            let known = mine.iter().any(|one| one.id == id);
            let registered = mine.iter().filter(|one| one.source == Source::Registered).count() as i64;
            if !known && registered >= MAX_WEBHOOKS {
                return Err(Problem::new(Code::StateConflict).detail(format!(
                    "A merchant registers at most {MAX_WEBHOOKS} webhooks; remove one first."
                )));
            }
            store::insert(tx, &row).await?;
            let secret = secrets::make(&app_, tx, id, id.cast(), now).await?;
            let api_key = api_keys::first(&app_, tx, by.merchant, id.cast(), now).await?;
            if !known {
                note(tx, &by, "webhook.create", &row, now).await?;
            }
            let row = store::find(tx, by.merchant, id).await?;
            Ok(NewWebhook { webhook: shown(tx, row, now).await?, secret, api_key })
        })
        .await
}

/// The endpoint as its merchant sees it.
async fn shown(tx: &mut Tx, row: store::Row, now: i64) -> Result<Webhook> {
    let standing = queue::standing(tx, row.id).await?;
    Ok(Webhook {
        id: row.id,
        url: row.url,
        description: row.description,
        events: rules::shown(&row.events),
        status: row.status,
        disabled_reason: row.disabled_reason,
        disabled_at: row.disabled_at.map(rfc3339),
        source: row.source,
        health: Health {
            pending: queue::pending(tx, row.id).await?.unsigned_abs(),
            failing_since: standing.failing_since.map(rfc3339),
            rests_until: Some(standing.rests_until).filter(|until| *until > now).map(rfc3339),
            last_delivered_at: standing.delivered_at.map(rfc3339),
        },
        secrets: secrets::shown(tx, row.id, now).await?,
        created_at: rfc3339(row.created_at),
    })
}

/// One of the merchant's endpoints.
///
/// # Errors
/// `not_found`.
pub async fn get(app: &App, by: &Manager, id: WebhookId) -> Result<Webhook> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::find(&mut connection, by.merchant, id).await?;
    shown(&mut connection, row, app.clock.millis()).await
}

/// The merchant's endpoints, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, by: &Manager, page: &PageAsk) -> Result<Page<Webhook>> {
    let rows = store::page(app, by.merchant, page).await?;
    let mut connection = app.db.read().acquire().await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(&mut connection, row, app.clock.millis()).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// Changes an endpoint.
///
/// # Errors
/// `not_found`; `invalid_request`, naming the field; `state_conflict` for another address of an
/// endpoint that orders name.
pub async fn change(app: &App, by: &Manager, id: WebhookId, ask: ChangeAsk) -> Result<Webhook> {
    if let Some(url) = &ask.url {
        rules::address("url", url, app.settings.sandbox)?;
    }
    text::optional_line("description", ask.description.as_deref(), rules::MAX_DESCRIPTION)?;
    let events = ask.events.as_deref().map(|events| rules::filter(Some(events))).transpose()?;
    let (by, now) = (by.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let mut row = store::find(tx, by.merchant, id).await?;
            if let Some(url) = &ask.url {
                if row.source == Source::NotifyUrl && *url != row.url {
                    return Err(Problem::new(Code::StateConflict)
                        .detail("Orders name this address; register an endpoint of your own for another."));
                }
                row.url.clone_from(url);
            }
            if let Some(events) = &events {
                row.events.clone_from(events);
            }
            if ask.description.is_some() {
                row.description.clone_from(&ask.description);
            }
            match ask.status {
                Some(Status::Active) if row.status == Status::Disabled => {
                    (row.status, row.disabled_reason, row.disabled_at) = (Status::Active, None, None);
                    queue::refresh(tx, id).await?;
                }
                Some(Status::Disabled) if row.status == Status::Active => {
                    row.status = Status::Disabled;
                    (row.disabled_reason, row.disabled_at) = (Some(DisabledReason::Owner), Some(now));
                }
                _ => {}
            }
            store::update(tx, &row).await?;
            note(tx, &by, "webhook.change", &row, now).await?;
            shown(tx, row, now).await
        })
        .await
}

/// Removes an endpoint with its deliveries. Done again, there is nothing to remove.
///
/// # Errors
/// `not_found`.
pub async fn delete(app: &App, by: &Manager, id: WebhookId) -> Result<()> {
    let (by, now) = (by.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::find(tx, by.merchant, id).await?;
            store::remove(tx, id).await?;
            note(tx, &by, "webhook.delete", &row, now).await
        })
        .await
}

async fn note(tx: &mut Tx, by: &Manager, action: &'static str, row: &store::Row, at: i64) -> Result<()> {
    // The address may hold a token in its query, so the record keeps the host only.
    let after = serde_json::json!({
        "host": rules::origin(&row.url), "events": rules::shown(&row.events), "status": row.status,
    });
    audit::log(tx, Entry::new(&by.who, action, row.id, at).after(after)).await.map(drop)
}

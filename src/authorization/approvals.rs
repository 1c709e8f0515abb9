//! Approving origins: the stored secrets and the token of a connector may be sent there from now on.
//!
//! Rule: approving takes the right Authorize and the own password, and only origins that the page has listed count.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use validator::Validate;

use super::origins::{self, ApprovedOrigins};
use super::queries::{self, SealedValues};
use super::tab::{Stored, load};
use crate::access::{Actor, RequestContext, Right};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{self, ConnectorHead, ConnectorId, Tab};
use crate::db::Conn;
use crate::db::schema::{secrets, tokens};
use crate::db::version::SeenVersion;
use crate::vault::Vault;
use crate::web::form::Form;
use crate::web::{Choice, Error, Layout, Segment, page};

#[derive(Template)]
#[template(path = "authorization/approvals.html")]
struct ApprovalsPage {
    layout: Layout,
    head: ConnectorHead,
    version: i32,
    waiting: Vec<String>,
    approved: Vec<String>,
    form: Form<ApprovalFields>,
    /// The own password need not be entered again.
    confirmed: bool,
}

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct ApprovalFields {
    origin: Vec<String>,
}

impl ApprovalsPage {
    fn choices(&self) -> Vec<Choice> {
        let choice = |origin: &String| Choice {
            value: origin.clone(),
            label: origin.clone(),
            ticked: self.form.origin.contains(origin),
            note: "",
        };
        self.waiting.iter().map(choice).collect()
    }
}

fn address(key: &str) -> String {
    format!("/connectors/{key}/authorization")
}

/// The page that lists what waits for approval.
pub async fn new(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    if stored.origins.waiting.is_empty() || !stored.origins.has_secrets {
        return Ok(context.see_other(&address(&key), "No origin waits for approval"));
    }
    approvals_page(context, &stored, Form::new(ApprovalFields::default()), StatusCode::OK)
}

fn approvals_page(
    context: RequestContext,
    stored: &Stored,
    form: Form<ApprovalFields>,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor);
    page(
        status,
        &ApprovalsPage {
            confirmed: context.is_confirmed(),
            layout: context.layout,
            head,
            version: stored.settings.version,
            waiting: stored.origins.waiting.stored(),
            approved: stored.origins.approved.stored(),
            form,
        },
    )
}

/// Approves the ticked origins. The table of routes asks for the own password.
pub async fn create(
    context: RequestContext,
    vault: web::Data<Vault>,
    Segment(key): Segment,
    mut form: Form<ApprovalFields>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let stored = load(&context, &mut conn, &key, Right::Authorize).await?;
    let waiting = stored.origins.waiting.iter();
    let chosen = waiting.filter(|origin| form.origin.contains(&origin.to_string()));
    let chosen: ApprovedOrigins = chosen.cloned().collect();
    if form.data.is_draft() {
        drop(conn);
        return approvals_page(context, &stored, form, StatusCode::OK);
    }
    let seen = form.seen_version(stored.settings.version);
    let (status, message) = if seen.is_some() && chosen.is_empty() {
        (StatusCode::UNPROCESSABLE_ENTITY, "Tick the origins to approve")
    } else if let Some(seen) = seen
        && approve(&mut Change::new(&mut conn, &context), &vault, (&stored, seen), &chosen).await?
    {
        return Ok(context.see_other(&address(&key), "The origins were approved"));
    } else {
        (StatusCode::CONFLICT, "The data connector was changed meanwhile. Look at the list again.")
    };
    let stored = load(&context, &mut conn, &key, Right::Authorize).await?;
    drop(conn);
    form.errors.add("origin", message);
    approvals_page(context, &stored, form, status)
}

/// Adds origins to the sets of everything that is stored; false if the connector is not as the page has shown it. Origins
/// that are no longer in use are taken out of the sets. Open forms become stale.
async fn approve(
    change: &mut Change<'_>,
    vault: &Vault,
    (shown, seen): (&Stored, SeenVersion),
    chosen: &ApprovedOrigins,
) -> Result<bool, Error> {
    let id = shown.connector.id;
    transaction(change, async |change| {
        if seen.check(queries::find_and_lock(change.conn, id).await?.version).is_err() {
            return Ok(false);
        }
        let in_use = origins::origins_in_use(change.conn, id).await?;
        let sealed = SealedValues::read(change.conn, id).await?;
        let with = |before: Option<ApprovedOrigins>| before.unwrap_or_default().and(&in_use).or(chosen);
        let damaged = sealed.reseal(change.conn, vault, with).await?.join(", ");
        if !damaged.is_empty() {
            let cause = anyhow::anyhow!("stored values of connector {id} do not open: {damaged}");
            return Err(Error::internal(cause));
        }
        connectors::outdate_authorization(change, id).await?;
        queries::forget_failures(change.conn, id).await?;
        connectors::refresh_health(change.conn, id, change.now).await?;
        let approved = &shown.origins.approved;
        record(change, (id, &shown.connector.name), (approved, &approved.or(chosen))).await?;
        Ok(true)
    })
    .await
}

async fn record(
    change: &Change<'_>,
    (id, name): (ConnectorId, &str),
    (before, after): (&ApprovedOrigins, &ApprovedOrigins),
) -> Result<(), Error> {
    let text = |origins: &ApprovedOrigins| origins.stored().join(", ");
    let changes = Changes::none().field("Approved origins", text(before), text(after));
    change.record("origins.approved", id, name, changes).await
}

/// Approves, once, the origins in use for secrets and tokens that were stored by a version that knew no approved
/// origins. Called at start, before the first request; instances that start together do the work of each connector
/// once. Values that do not open are logged and stay unusable.
pub async fn approve_origins_in_use(conn: &mut Conn, vault: &Vault, now: DateTime<Utc>) -> Result<(), Error> {
    let of_secrets = secrets::table.filter(secrets::origins.is_null()).select(secrets::connector_id);
    let of_tokens = tokens::table.filter(tokens::origins.is_null()).select(tokens::connector_id);
    let connectors: Vec<ConnectorId> = of_secrets.union(of_tokens).load(conn).await?;
    let by = Actor::connectory();
    let change = &mut Change { conn, by: &by, now };
    for id in connectors {
        transaction(change, async |change| approve_in_use(change, vault, id).await).await?;
    }
    Ok(())
}

async fn approve_in_use(change: &mut Change<'_>, vault: &Vault, id: ConnectorId) -> Result<(), Error> {
    queries::find_and_lock(change.conn, id).await?;
    let in_use = origins::origins_in_use(change.conn, id).await?;
    let sealed = SealedValues::read(change.conn, id).await?;
    if !sealed.has_unapproved() {
        return Ok(());
    }
    let damaged = sealed.reseal(change.conn, vault, |before| before.unwrap_or_else(|| in_use.clone())).await?;
    if !damaged.is_empty() {
        let names = damaged.join(", ");
        tracing::error!(connector = %id, values = names, "stored values do not open, so no origin was approved for them");
    }
    let name = connectors::name(change.conn, id).await?;
    record(change, (id, &name), (&ApprovedOrigins::default(), &in_use)).await
}

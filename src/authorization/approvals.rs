//! Approving origins: the stored secrets and the token of a connector may be sent there from now on.
//!
//! Rule: approving takes the right Authorize and the own password, and only origins that the page has listed count.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde::Deserialize;
use validator::Validate;

use super::origins::{self, ApprovedOrigins};
use super::queries::{self, SealedValues};
use super::tab::{Stored, load};
use crate::access::{Actor, RequestContext, Right, password_again};
use crate::audit::{self, Changes, Event};
use crate::connectors::{self, ConnectorHead, ConnectorId, Tab};
use crate::db::Conn;
use crate::db::schema::{connectors as connectors_table, secrets, tokens};
use crate::db::version::SeenVersion;
use crate::vault::Vault;
use crate::web::form::Form;
use crate::web::{Choice, Error, Errors, Layout, SaveError, Segment, TextField, page};

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

    fn password_field(&self) -> Option<TextField> {
        (!self.confirmed).then(|| password_again(&Errors::default()))
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
    let seen = form.seen_version(stored.settings.version);
    let (status, message) = match seen {
        Some(_) if chosen.is_empty() => (StatusCode::UNPROCESSABLE_ENTITY, "Tick the origins to approve"),
        Some(seen) => match approve(&mut conn, &vault, &context, (&stored, seen), &chosen).await {
            Ok(()) => return Ok(context.see_other(&address(&key), "The origins were approved")),
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => (StatusCode::CONFLICT, CHANGED),
        },
        None => (StatusCode::CONFLICT, CHANGED),
    };
    let stored = load(&context, &mut conn, &key, Right::Authorize).await?;
    drop(conn);
    form.errors.add("origin", message);
    approvals_page(context, &stored, form, status)
}

/// The message for a list that is older than the connector.
const CHANGED: &str = "The data connector was changed meanwhile. Look at the list again.";

/// Adds origins to the sets of everything that is stored, if the connector is still as the page has shown it. Origins
/// that are no longer in use are taken out of the sets. Open forms become stale.
async fn approve(
    conn: &mut Conn,
    vault: &Vault,
    context: &RequestContext,
    (shown, seen): (&Stored, SeenVersion),
    chosen: &ApprovedOrigins,
) -> Result<(), SaveError> {
    let (by, now, id) = (&context.actor, context.now(), shown.connector.id);
    conn.transaction(async |conn| {
        seen.check(queries::find_and_lock(conn, id).await?.version)?;
        let in_use = origins::origins_in_use(conn, id).await?;
        let sealed = SealedValues::read(conn, id).await?;
        let with = |before: Option<ApprovedOrigins>| before.unwrap_or_default().and(&in_use).or(chosen);
        refuse_damaged(id, &sealed.reseal(conn, vault, with).await?)?;
        connectors::outdate_authorization(conn, by, now, id).await?;
        queries::forget_failures(conn, id).await?;
        connectors::refresh_health(conn, id, now).await?;
        let before = shown.origins.approved.stored().join(", ");
        let after = shown.origins.approved.or(chosen).stored().join(", ");
        let name = shown.connector.name.as_str();
        record(conn, (by, now), (id, name), (before, after)).await?;
        Ok(())
    })
    .await
}

fn refuse_damaged(connector: ConnectorId, damaged: &[String]) -> Result<(), Error> {
    if damaged.is_empty() {
        return Ok(());
    }
    let names = damaged.join(", ");
    Err(Error::internal(anyhow::anyhow!("stored values of connector {connector} do not open: {names}")))
}

async fn record(
    conn: &mut Conn,
    (by, now): (&Actor, DateTime<Utc>),
    (id, name): (ConnectorId, &str),
    (before, after): (String, String),
) -> Result<(), Error> {
    let event = Event {
        kind: "origins.approved",
        subject_id: Some(id),
        subject_name: name,
        changes: Changes::none().field("Approved origins", before, after),
    };
    audit::record(conn, by, now, event).await
}

/// Approves, once, the origins in use for secrets and tokens that were stored by a version that knew no approved
/// origins. Called at start, before the first request; instances that start together do the work of each connector
/// once. Values that do not open are logged and stay unusable.
pub async fn approve_origins_in_use(conn: &mut Conn, vault: &Vault, now: DateTime<Utc>) -> Result<(), Error> {
    let of_secrets = secrets::table.filter(secrets::origins.is_null()).select(secrets::connector_id);
    let of_tokens = tokens::table.filter(tokens::origins.is_null()).select(tokens::connector_id);
    let connectors: Vec<ConnectorId> = of_secrets.union(of_tokens).load(conn).await?;
    for id in connectors {
        conn.transaction(async |conn| approve_in_use(conn, vault, now, id).await).await?;
    }
    Ok(())
}

async fn approve_in_use(conn: &mut Conn, vault: &Vault, now: DateTime<Utc>, id: ConnectorId) -> Result<(), Error> {
    queries::find_and_lock(conn, id).await?;
    let in_use = origins::origins_in_use(conn, id).await?;
    let sealed = SealedValues::read(conn, id).await?;
    if !sealed.has_unapproved() {
        return Ok(());
    }
    let damaged = sealed.reseal(conn, vault, |before| before.unwrap_or_else(|| in_use.clone())).await?;
    if !damaged.is_empty() {
        let names = damaged.join(", ");
        tracing::error!(connector = %id, values = names, "stored values do not open, so no origin was approved for them");
    }
    let name: String = connectors_table::table.find(id).select(connectors_table::name).first(conn).await?;
    let by = Actor::connectory();
    record(conn, (&by, now), (id, &name), (String::new(), in_use.stored().join(", "))).await
}

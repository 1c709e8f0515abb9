//! The checks of one connector: history, schedule, and the button that checks it now.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::model::{CheckRow, Schedule};
use super::queries;
use crate::access::{Permission, RateLimit, RequestContext, Right};
use crate::audit::Change;
use crate::authorization::TestOutcome;
use crate::connectors::{self, ConnectorHead, Tab};
use crate::web::{Error, Errors, FormData, Layout, Segment, page};

#[derive(Template)]
#[template(path = "checks/history.html")]
struct HistoryPage {
    layout: Layout,
    head: ConnectorHead,
    checks: Vec<CheckRow>,
    schedule: Schedule,
    errors: Errors,
    may_check: bool,
    may_view_activity: bool,
    enabled: bool,
}

impl HistoryPage {
    fn is_running(&self) -> bool {
        self.checks.iter().any(|check| check.finished_at.is_none())
    }
}

pub async fn list(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    history_page(context, &key, Errors::default()).await
}

async fn history_page(context: RequestContext, key: &str, errors: Errors) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, key, Right::View).await?;
    let checks = queries::of_connector(&mut conn, connector.id).await?;
    let schedule = queries::schedule_of(&mut conn, connector.id).await?;
    let status = errors.status();
    let history = HistoryPage {
        head: ConnectorHead::new(&connector, Tab::Activity, &context.actor),
        may_check: connector.rights.contains(Right::Authorize) && !connector.is_collection,
        may_view_activity: context.may(Permission::ViewActivity),
        enabled: connector.enabled,
        layout: context.layout,
        checks,
        schedule,
        errors,
    };
    page(status, &history)
}

/// Checks the connector now.
pub async fn create(
    context: RequestContext,
    rate_limit: web::Data<RateLimit>,
    Segment(key): Segment,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Authorize).await?;
    rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    let started = queries::start(&mut Change::new(&mut conn, &context), Some(connector.id)).await?;
    let address = format!("/connectors/{}/checks", connector.key);
    match started {
        Some(_) => Ok(context.see_other(&address, "The check was started")),
        None => Ok(context.see_other_undone(&address, "A disabled Data Connector is not checked. Enable it first.")),
    }
}

/// Sets how often the connector is checked by itself.
pub async fn update(context: RequestContext, Segment(key): Segment, form: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Authorize).await?;
    let Some(schedule) = form.get("schedule").and_then(Schedule::parse) else {
        drop(conn);
        let mut errors = Errors::default();
        errors.add("schedule", "Choose how often it is checked");
        return history_page(context, &key, errors).await;
    };
    queries::schedule(&mut Change::new(&mut conn, &context), &connector, schedule).await?;
    let address = format!("/connectors/{}/checks", connector.key);
    Ok(context.see_other(&address, "The schedule was saved"))
}

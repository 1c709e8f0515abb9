//! The Endpoints tab, and deleting an endpoint.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::editor::load;
use super::model::{Endpoint, EndpointId};
use super::queries::{self, ListRow};
use crate::access::{RequestContext, Right};
use crate::audit::Change;
use crate::calls::{self, LastCall};
use crate::connectors::{self, Connector, ConnectorHead, Tab};
use crate::web::{
    Confirmation, Error, Fact, FormData, Layout, SaveError, Segment, Segments, date_time, page, plural, relative,
};

#[derive(Template)]
#[template(path = "endpoints/list.html")]
struct ListPage {
    layout: Layout,
    head: ConnectorHead,
    connector: Connector,
    rows: Vec<ListRow>,
    last_calls: HashMap<EndpointId, LastCall>,
    may_edit: bool,
    /// The person has the permission to edit, but not the right to edit this connector.
    edits_are_kept: bool,
    now: DateTime<Utc>,
}

impl ListPage {
    fn count(&self) -> String {
        plural(i64::try_from(self.rows.len()).unwrap_or(i64::MAX), "endpoint", "endpoints")
    }

    fn how_long_ago(&self, at: &DateTime<Utc>) -> String {
        relative(at, &self.now)
    }
}

pub async fn list(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::View).await?;
    let rows = queries::list(&conn, connector.id).await?;
    let ids: Vec<EndpointId> = rows.iter().map(|row| row.id).collect();
    let last_calls = calls::last_calls(&conn, &ids).await?;
    drop(conn);
    let head = ConnectorHead::new(&connector, Tab::Endpoints, &context.actor);
    let (may_edit, now) = (connector.rights.contains(Right::Edit), context.now());
    let edits_are_kept = connector.is_kept_from(&context.actor, Right::Edit);
    let layout = context.layout;
    page(StatusCode::OK, &ListPage { layout, head, connector, rows, last_calls, may_edit, edits_are_kept, now })
}

/// The question before an endpoint is deleted; `changed` if it was saved since the page was opened.
fn delete_page(
    context: RequestContext,
    connector: &Connector,
    endpoint: &Endpoint,
    changed: bool,
) -> Result<HttpResponse, Error> {
    let (name, tab) = (&endpoint.name, format!("/connectors/{}/endpoints", connector.key));
    let address = format!("{tab}/{}", endpoint.id);
    let last_change = format!("{} by {}", date_time(&endpoint.updated_at), endpoint.updated_by);
    let status = if changed { StatusCode::CONFLICT } else { StatusCode::OK };
    Confirmation {
        title: format!("Delete {name}, {}", connector.label),
        crumbs: vec![
            ("/connectors".into(), "Connectors".into()),
            (tab, connector.label.clone()),
            (address.clone(), name.clone()),
        ],
        step: "Delete",
        question: format!("Are you sure you want to delete “{name}”?"),
        sentences: vec![
            "This cannot be undone. Programs that call it will be refused from now on. The record of its calls is kept."
                .into(),
        ],
        facts: vec![
            Fact::text("Data connector", connector.label.as_str()),
            Fact::code("Request", format!("{} {}", endpoint.method, endpoint.url)),
            Fact::text("Last changed", last_change),
        ],
        action: format!("{address}/delete"),
        fields: vec![Confirmation::version(endpoint.version)],
        button: format!("Delete “{name}”"),
        back: (address, "Keep it"),
        changed_by: changed.then(|| ("endpoint", endpoint.updated_by.clone())),
        ..Confirmation::default()
    }
    .respond(context.layout, status)
}

pub async fn confirm_delete(context: RequestContext, Segments([key, id]): Segments<2>) -> Result<HttpResponse, Error> {
    let (connector, endpoint) = load(&context, &*context.conn().await?, (&key, &id), Right::Edit).await?;
    delete_page(context, &connector, &endpoint, false)
}

pub async fn delete(
    context: RequestContext,
    Segments([key, id]): Segments<2>,
    data: FormData,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (connector, mut endpoint) = load(&context, &conn, (&key, &id), Right::Edit).await?;
    if let Some(seen) = data.seen_version(endpoint.version) {
        let change = &mut Change::new(&mut conn, &context);
        match queries::delete(change, connector.id, (&endpoint, seen)).await {
            Ok(()) => {
                let address = format!("/connectors/{}/endpoints", connector.key);
                return Ok(context.see_other(&address, "The endpoint was deleted"));
            }
            Err(SaveError::Stale) => endpoint = queries::find(&conn, connector.id, endpoint.id).await?,
            Err(other) => return Err(other.into()),
        }
    }
    delete_page(context, &connector, &endpoint, true)
}

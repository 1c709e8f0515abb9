//! The Endpoints tab, and deleting an endpoint.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::editor::{change, load};
use super::model::Endpoint;
use super::queries::{self, ListRow};
use crate::access::{RequestContext, Right};
use crate::connectors::{self, Connector, ConnectorHead, Tab};
use crate::web::{Error, Form, Layout, SaveError, Segment, Segments, page, plural, relative};

#[derive(Template)]
#[template(path = "endpoints/list.html")]
struct ListPage {
    layout: Layout,
    head: ConnectorHead,
    connector: Connector,
    rows: Vec<ListRow>,
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

impl ListRow {
    /// The outcome of the last call, and whether it is a success.
    fn last_result(&self) -> (String, bool) {
        match (self.outcome.as_deref(), self.status) {
            (Some("answered"), Some(status)) => (status.to_string(), status < 400),
            (Some("refused"), _) => ("Refused".into(), false),
            (Some("cancelled"), _) => ("Cancelled".into(), false),
            _ => ("Failed".into(), false),
        }
    }
}

pub async fn list(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::View).await?;
    let rows = queries::list(&conn, connector.id).await?;
    drop(conn);
    let head = ConnectorHead::new(&connector, Tab::Endpoints, &context.actor);
    let (may_edit, now) = (connector.rights.contains(Right::Edit), context.now());
    let edits_are_kept = connector.is_kept_from(&context.actor, Right::Edit);
    page(StatusCode::OK, &ListPage { layout: context.layout, head, connector, rows, may_edit, edits_are_kept, now })
}

#[derive(Template)]
#[template(path = "endpoints/delete.html")]
struct DeletePage {
    layout: Layout,
    connector: Connector,
    endpoint: Endpoint,
    /// It was saved since the page was opened.
    changed: bool,
}

pub async fn confirm_delete(context: RequestContext, Segments([key, id]): Segments<2>) -> Result<HttpResponse, Error> {
    let (connector, endpoint) = load(&context, &*context.conn().await?, (&key, &id), Right::Edit).await?;
    page(StatusCode::OK, &DeletePage { layout: context.layout, connector, endpoint, changed: false })
}

pub async fn delete(
    context: RequestContext,
    Segments([key, id]): Segments<2>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (connector, mut endpoint) = load(&context, &conn, (&key, &id), Right::Edit).await?;
    if let Some(seen) = data.seen_version(endpoint.version) {
        match queries::delete(&mut conn, change(&context, &connector), (&endpoint, seen)).await {
            Ok(()) => {
                let address = format!("/connectors/{}/endpoints", connector.key);
                return Ok(context.see_other(&address, "The endpoint was deleted"));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => endpoint = queries::find(&conn, connector.id, endpoint.id).await?,
        }
    }
    page(StatusCode::CONFLICT, &DeletePage { layout: context.layout, connector, endpoint, changed: true })
}

//! The Endpoints tab: what a connector can be asked.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::queries::{self, ListRow};
use crate::access::{RequestContext, Right};
use crate::connectors::{self, Connector, ConnectorHead, Tab};
use crate::web::{Error, Layout, Segment, page, plural, relative};

#[derive(Template)]
#[template(path = "endpoints/list.html")]
struct ListPage {
    layout: Layout,
    head: ConnectorHead,
    connector: Connector,
    rows: Vec<ListRow>,
    may_edit: bool,
    /// Editing is kept to others, in spite of the permission.
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
    /// How the last call ended, in a word, and whether that is as it should be.
    fn last_result(&self) -> (String, bool) {
        match (self.outcome.as_deref(), self.status) {
            (Some("answered"), Some(status)) => (status.to_string(), status < 400),
            (Some("refused"), _) => ("Refused".into(), false),
            (Some("cancelled"), _) => ("Cancelled".into(), false),
            _ => ("Failed".into(), false),
        }
    }
}

pub async fn show(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::View).await?;
    let rows = queries::list(&conn, connector.id).await?;
    drop(conn);
    let head = ConnectorHead::new(&connector, Tab::Endpoints, &context.actor);
    let (may_edit, now) = (connector.rights.contains(Right::Edit), context.now());
    let edits_are_kept = connector.is_kept_from(&context.actor, Right::Edit);
    page(StatusCode::OK, &ListPage { layout: context.layout, head, connector, rows, may_edit, edits_are_kept, now })
}

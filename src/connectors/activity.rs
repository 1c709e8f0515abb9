//! The Activity tab's changes: what was changed on a connector, and by whom. Its calls are shown by the call log.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::{ConnectorHead, Tab, queries};
use crate::access::RequestContext;
use crate::audit::{self, AuditEntry};
use crate::web::{Error, Layout, Segment, page};

/// How many of the newest entries the tab shows.
const SHOWN: i64 = 100;

#[derive(Template)]
#[template(path = "connectors/changes.html")]
struct ChangesPage {
    layout: Layout,
    head: ConnectorHead,
    entries: Vec<AuditEntry>,
}

pub async fn changes(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = queries::find_visible(&conn, &context.actor, &key).await?;
    let entries = audit::entries_of(&mut conn, connector.id, SHOWN).await?;
    let head = ConnectorHead::new(&connector, Tab::Activity, &context.actor);
    page(StatusCode::OK, &ChangesPage { layout: context.layout, head, entries })
}

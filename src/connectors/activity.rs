//! The Activity tab: what was changed on a connector, and by whom.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::{ConnectorHead, Tab, queries};
use crate::access::Visit;
use crate::audit::{self, AuditLine};
use crate::web::{Error, Segment, Shell, page};

/// The newest lines that the tab shows.
const SHOWN: i64 = 100;

#[derive(Template)]
#[template(path = "connectors/activity.html")]
struct ActivityPage {
    shell: Shell,
    head: ConnectorHead,
    lines: Vec<AuditLine>,
}

pub async fn show(visit: Visit, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let connector = queries::find(&conn, &key).await?;
    let lines = audit::lines_of(&mut conn, connector.id, SHOWN).await?;
    let head = ConnectorHead::new(&connector, Tab::Activity, &visit.actor);
    page(
        StatusCode::OK,
        &ActivityPage {
            shell: visit.shell,
            head,
            lines,
        },
    )
}

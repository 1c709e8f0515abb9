//! One line of the log with all that is known of it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::chain::Anchor;
use super::{AuditLine, queries};
use crate::access::Visit;
use crate::web::{Error, Segment, Shell, page};

#[derive(Template)]
#[template(path = "audit/show.html")]
struct ShowPage {
    shell: Shell,
    line: AuditLine,
    anchor: Option<Anchor>,
    /// The page of the thing, while there is one.
    thing: Option<String>,
}

impl ShowPage {
    fn previous_hash(&self) -> String {
        let hash = self.line.previous_hash.as_deref().unwrap_or_default();
        super::chain::hex(hash)
    }

    /// The lines about the same thing.
    fn same_thing(&self) -> Option<String> {
        self.line
            .subject_id
            .map(|id| format!("/audit?subject={id}"))
    }

    fn same_person(&self) -> String {
        let name: String =
            form_urlencoded::byte_serialize(self.line.actor_name.as_bytes()).collect();
        format!("/audit?person={name}")
    }
}

pub async fn show(visit: Visit, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let mut conn = visit.conn().await?;
    let lines = queries::lines(&mut conn, &[id]).await?;
    let line = lines.into_iter().next().ok_or(Error::NotFound)?;
    let subjects = line.subject_id.into_iter().collect();
    let things = queries::thing_links(&mut conn, &visit.actor, subjects).await?;
    let thing = line.subject_id.and_then(|id| things.get(&id).cloned());
    page(
        StatusCode::OK,
        &ShowPage {
            shell: visit.shell,
            anchor: line.anchor(),
            line,
            thing,
        },
    )
}

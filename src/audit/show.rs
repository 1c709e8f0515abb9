//! One line of the log with all that is known of it.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use uuid::Uuid;

use super::chain::Anchor;
use super::{AuditLine, queries};
use crate::access::RequestContext;
use crate::web::{Error, Layout, Segment, page};

#[derive(Template)]
#[template(path = "audit/show.html")]
struct ShowPage {
    layout: Layout,
    line: AuditLine,
    anchor: Option<Anchor>,
    /// The pages of thing and person, while there are any.
    pages: HashMap<Uuid, String>,
}

impl ShowPage {
    fn previous_hash(&self) -> String {
        let hash = self.line.previous_hash.as_deref().unwrap_or_default();
        super::chain::hex(hash)
    }

    /// The lines about the same thing.
    fn same_thing(&self) -> Option<String> {
        self.line.subject_id.map(|id| format!("/audit?subject={id}"))
    }

    fn thing(&self) -> Option<&String> {
        self.pages.get(self.line.subject_id.as_ref()?)
    }

    fn person(&self, line: &AuditLine) -> Option<&String> {
        self.pages.get(line.actor_id.as_ref()?)
    }

    /// The lines of the same person, who may have had other names, or of the program of this name.
    fn same_actor(&self) -> String {
        match self.line.actor_id {
            Some(id) => format!("/audit?actor={id}"),
            None => {
                let name = form_urlencoded::byte_serialize(self.line.actor_name.as_bytes());
                format!("/audit?person={}", name.collect::<String>())
            }
        }
    }
}

pub async fn show(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let mut conn = context.conn().await?;
    let lines = queries::lines(&mut conn, &[id]).await?;
    let line = lines.into_iter().next().ok_or(Error::NotFound)?;
    let ids = [line.subject_id, line.actor_id];
    let ids = ids.into_iter().flatten().collect();
    let pages = queries::thing_links(&mut conn, &context.actor, ids).await?;
    page(StatusCode::OK, &ShowPage { layout: context.layout, anchor: line.anchor(), line, pages })
}

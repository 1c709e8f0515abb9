//! The page Expirations, and its calendar file.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ContentDisposition};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::calendar::file;
use super::model::{Expiration, Kind, Within};
use super::queries;
use crate::access::RequestContext;
use crate::db::StoredValueError;
use crate::web::{Error, Layout, ListQuery, Pages, page, relative};

/// How long what has ended stays in the calendar file.
const KEPT: TimeDelta = TimeDelta::days(30);

#[derive(Template)]
#[template(path = "expirations/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<Expiration>,
    rows: Vec<Expiration>,
    pages: Pages,
    reader: Option<Uuid>,
    now: DateTime<Utc>,
}

impl ListPage {
    fn chips(&self) -> Vec<(String, String)> {
        let kind = Kind::parse(self.query.filter("kind"));
        let within = Within::parse(self.query.filter("within"));
        let filters = [
            ("kind", kind.map(|kind| format!("What is {}", kind.label()))),
            ("within", within.map(|within| format!("Ends: {}", within.label()))),
        ];
        self.query.chips("Of has", filters)
    }

    /// `None` for a kind that cannot be read, which is logged.
    fn what(&self, row: &Expiration) -> Option<&'static str> {
        row.what().inspect_err(StoredValueError::log).ok()
    }

    /// “in 12 days”
    fn how_far(&self, row: &Expiration) -> String {
        relative(&row.ends_at, &self.now)
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/expirations", context.req.query_string(), &["kind", "within"]);
    let now = context.now();
    let (rows, pages) = queries::list(&*context.conn().await?, &context.actor, &query, now).await?;
    let reader = context.actor.id;
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages, reader, now })
}

/// The calendar file of everything that the person sees and that has not ended long ago.
pub async fn calendar(context: RequestContext) -> Result<HttpResponse, Error> {
    let now = context.now();
    let ends = queries::events(&mut *context.conn().await?, &context.actor, now - KEPT).await?;
    let text = file(&ends, context.actor.id, &context.address, now).map_err(Error::internal)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/calendar; charset=utf-8"))
        .insert_header(ContentDisposition::attachment("expirations.ics"))
        .body(text))
}

//! The list of programs.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::columns::ProgramColumn;
use super::model::{ProgramRow, STATUSES};
use super::queries;
use crate::access::RequestContext;
use crate::db::keyset::Slice;
use crate::web::{Error, Layout, ListQuery, Option_, Pages, SelectField, page, plural};

#[derive(Template)]
#[template(path = "programs/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<ProgramColumn>,
    rows: Vec<ProgramRow>,
    pages: Pages,
}

impl ListPage {
    fn status_filter(&self) -> SelectField {
        let any = [Option_::new("", "Any status")];
        let statuses = STATUSES.map(|(code, word)| Option_::new(code, word));
        let options = any.into_iter().chain(statuses).collect();
        SelectField::new("status", "Status", options, self.query.filter("status"))
    }

    fn status_name(&self) -> Option<&'static str> {
        let chosen = self.query.filter("status");
        let known = STATUSES.iter().find(|(code, _)| *code == chosen);
        known.map(|(_, word)| *word)
    }

    fn keys_of(&self, row: &ProgramRow) -> String {
        plural(row.keys, "key", "keys")
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/programs", context.req.query_string(), &["status"]);
    let mut conn = context.conn().await?;
    let (slice, total) = queries::list(&mut conn, &query, context.now()).await?;
    let pages = Pages::new(&query, ["program", "programs"], &slice, total, |row| query.column.place(row));
    let Slice { rows, .. } = slice;
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages })
}

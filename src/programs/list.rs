//! The list of programs.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::model::{ProgramRow, STATUSES};
use super::queries;
use crate::access::RequestContext;
use crate::web::{Error, Layout, ListQuery, Option_, Pages, SelectField, page, plural};

#[derive(Template)]
#[template(path = "programs/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<ProgramRow>,
    rows: Vec<ProgramRow>,
    pages: Pages,
}

impl ListPage {
    fn status_filter(&self) -> SelectField {
        let statuses = STATUSES.map(|(code, word)| Option_::new(code, word));
        self.query.filter_field("status", "Status", "Any status", statuses)
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
    let (rows, pages) = queries::list(&*context.conn().await?, &query, context.now()).await?;
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages })
}

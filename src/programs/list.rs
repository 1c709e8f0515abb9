//! The list of programs.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::columns::ProgramColumn;
use super::model::{ProgramRow, STATUSES};
use super::queries;
use crate::access::Visit;
use crate::db::keyset::Slice;
use crate::web::{Error, ListQuery, Option_, Pages, SelectField, Shell, page, plural};

#[derive(Template)]
#[template(path = "programs/list.html")]
struct ListPage {
    shell: Shell,
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

pub async fn list(visit: Visit) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/programs", visit.req.query_string(), &["status"]);
    let mut conn = visit.conn().await?;
    let (slice, total) = queries::list(&mut conn, &query, visit.now()).await?;
    let pages = Pages::new(&query, ["program", "programs"], &slice, total, |row| query.column.place(row));
    let Slice { rows, .. } = slice;
    page(StatusCode::OK, &ListPage { shell: visit.shell, query, rows, pages })
}

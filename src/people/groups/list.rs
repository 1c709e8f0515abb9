//! The list of groups.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::columns::GroupColumn;
use super::model::GroupRow;
use super::queries;
use crate::access::Visit;
use crate::db::keyset::Slice;
use crate::web::{Error, ListQuery, Pages, Shell, page, plural};

#[derive(Template)]
#[template(path = "people/groups.html")]
struct ListPage {
    shell: Shell,
    query: ListQuery<GroupColumn>,
    rows: Vec<GroupRow>,
    pages: Pages,
}

impl ListPage {
    fn members_of(&self, row: &GroupRow) -> String {
        plural(row.members, "member", "members")
    }

    fn permissions_of(&self, row: &GroupRow) -> String {
        plural(row.permissions, "permission", "permissions")
    }
}

pub async fn list(visit: Visit) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/groups", visit.req.query_string(), &[]);
    let mut conn = visit.conn().await?;
    let (slice, total) = queries::list(&mut conn, &query).await?;
    let pages = Pages::new(&query, ["group", "groups"], &slice, total, |row| query.column.place(row));
    let Slice { rows, .. } = slice;
    page(StatusCode::OK, &ListPage { shell: visit.shell, query, rows, pages })
}

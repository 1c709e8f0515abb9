//! The list of groups.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::model::GroupRow;
use super::queries;
use crate::access::RequestContext;
use crate::web::{Error, Layout, ListQuery, Pages, page, plural};

#[derive(Template)]
#[template(path = "people/groups.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<GroupRow>,
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

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/groups", context.req.query_string(), &[]);
    let (rows, pages) = queries::list(&*context.conn().await?, &query).await?;
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages })
}

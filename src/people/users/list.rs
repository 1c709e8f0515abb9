//! The list of users.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::columns::UserColumn;
use super::model::{UserRow, UserStatus};
use super::queries;
use crate::access::Visit;
use crate::accounts::has_local_super_admin;
use crate::db::keyset::Slice;
use crate::web::{Error, ListQuery, Option_, Pages, SelectField, Shell, page};

#[derive(Template)]
#[template(path = "people/users.html")]
struct ListPage {
    shell: Shell,
    query: ListQuery<UserColumn>,
    rows: Vec<UserRow>,
    pages: Pages,
    /// Told to super admins: while the provider is down, none of them could come in.
    locked_out: bool,
}

impl ListPage {
    fn status_filter(&self) -> SelectField {
        let any = [Option_::new("", "Any status")];
        let options = any
            .into_iter()
            .chain(UserStatus::ALL.map(|status| Option_::new(status.code(), status.label())))
            .collect();
        SelectField::new("status", "Status", options, self.query.filter("status"))
    }

    fn rights_filter(&self) -> SelectField {
        let options = vec![
            Option_::new("", "Everybody"),
            Option_::new("super-admin", "Super admins"),
        ];
        SelectField::new("rights", "Rights", options, self.query.filter("rights"))
    }

    /// The filters in use: their words, and the address without each.
    fn chips(&self) -> Vec<(String, String)> {
        let query = &self.query;
        let mut chips = Vec::new();
        if !query.search.is_empty() {
            let words = format!("Name has “{}”", query.search);
            chips.push((words, query.without_search()));
        }
        if let Some(status) = UserStatus::parse(query.filter("status")) {
            let words = format!("Status is {}", status.label());
            chips.push((words, query.without_filter("status")));
        }
        if query.filter("rights") == "super-admin" {
            chips.push(("Super admins".into(), query.without_filter("rights")));
        }
        chips
    }
}

pub async fn list(visit: Visit) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/users", visit.req.query_string(), &["status", "rights"]);
    let mut conn = visit.conn().await?;
    let (slice, total) = queries::list(&mut conn, &query).await?;
    let pages = Pages::new(&query, ["user", "users"], &slice, total, |row| {
        query.column.place(row)
    });
    let Slice { rows, .. } = slice;
    let locked_out = visit.actor.super_admin && !has_local_super_admin(&mut conn).await?;
    page(
        StatusCode::OK,
        &ListPage {
            shell: visit.shell,
            query,
            rows,
            pages,
            locked_out,
        },
    )
}

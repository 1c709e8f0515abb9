//! The Data Connectors page.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use futures_util::try_join;

use super::issues::{Issues, issues};
use super::model::ListRow;
use super::{Health, Method, queries};
use crate::access::{Permission, RequestContext};
use crate::categories::{self, CategoryChoice};
use crate::web::{Error, Layout, ListQuery, Pages, SelectOption, page};

#[derive(Template)]
#[template(path = "connectors/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<ListRow>,
    rows: Vec<ListRow>,
    issues: Issues,
    now: DateTime<Utc>,
    pages: Pages,
    categories: Vec<CategoryChoice>,
    /// There are data connectors that are kept to certain people.
    is_limited: bool,
    may_create: bool,
    may_edit: bool,
    may_delete: bool,
}

impl ListPage {
    fn category_options(&self) -> impl Iterator<Item = SelectOption> {
        self.categories.iter().map(|category| SelectOption::new(category.id.to_string(), &category.name))
    }

    fn chips(&self) -> Vec<(String, String)> {
        let query = &self.query;
        let is_chosen = |category: &&CategoryChoice| category.id.to_string() == query.filter("category");
        let category = self.categories.iter().find(is_chosen).map(|category| category.name.as_str());
        let method = Method::parse(query.filter("auth_method")).map(Method::label);
        let status = Health::parse(query.filter("status")).map(Health::label);
        let filters =
            [("category", "Category", category), ("auth_method", "Method", method), ("status", "Status", status)];
        let filters = filters.map(|(name, label, value)| {
            let unknown = || format!("Unknown {}", label.to_lowercase());
            let words = || value.map_or_else(unknown, |value| format!("{label} is {value}"));
            (name, (!query.filter(name).is_empty()).then(words))
        });
        query.chips("Search for", filters)
    }
}

pub async fn show(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/connectors", context.req.query_string(), &["category", "auth_method", "status"]);
    let conn = context.conn().await?;
    let chosen = query.filter("category").parse().ok();
    // All go to the database in one go.
    let ((slice, total), categories) =
        try_join!(queries::list(&conn, &context.actor, &query), categories::assignable(&conn, chosen.as_slice()),)?;
    let (pages, rows) = (Pages::new(&query, &slice, total), slice.rows);
    let (issues, now) = (issues(&conn, &rows).await?, context.now());
    let may = |permission| context.may(permission);
    let (may_create, may_edit, may_delete) =
        (may(Permission::CreateConnectors), may(Permission::EditConnectors), may(Permission::DeleteConnectors));
    let is_limited = context.actor.visibility.is_limited();
    page(
        StatusCode::OK,
        &ListPage {
            layout: context.layout,
            query,
            rows,
            issues,
            now,
            pages,
            categories,
            is_limited,
            may_create,
            may_edit,
            may_delete,
        },
    )
}

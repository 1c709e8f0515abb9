//! The Data Connectors page.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use futures_util::try_join;

use super::issues::{Issues, issues};
use super::model::ListRow;
use super::owner::{NO_OWNER, Owner, OwnerChoice};
use super::recent_calls::RecentCalls;
use super::{ConnectorId, Health, Method, queries};
use crate::access::{Permission, RequestContext, remember_rows};
use crate::categories::{self, CategoryChoice};
use crate::db::Conn;
use crate::web::{Error, Layout, ListQuery, Pages, SelectOption, page};

/// Rows per page for a person who has chosen no other number.
const USUAL_SIZE: usize = 25;

/// The filters of the list, by their names in the address.
const FILTERS: [&str; 4] = ["category", "auth_method", "status", "owner"];

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
    owners: Vec<SelectOption>,
    /// By connector; `None` for people who may not see calls.
    calls: Option<HashMap<ConnectorId, RecentCalls>>,
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

    /// The heading of the calls, behind which column.
    fn last_call_heading(&self) -> Option<(&'static str, &'static str)> {
        self.calls.is_some().then_some(("Status", "Last call"))
    }

    /// What shows that a healthy connector works, where the row does not have its last call.
    fn proof(&self, row: &ListRow) -> Option<String> {
        let has_call = self.calls.as_ref().is_some_and(|calls| calls.contains_key(&row.id));
        if has_call { None } else { self.issues.proof(row, &self.now) }
    }

    fn chips(&self) -> Vec<(String, String)> {
        let query = &self.query;
        let is_chosen = |category: &&CategoryChoice| category.id.to_string() == query.filter("category");
        let category = self.categories.iter().find(is_chosen).map(|category| category.name.as_str());
        let method = Method::parse(query.filter("auth_method")).map(Method::label);
        let status = Health::parse(query.filter("status")).map(Health::label);
        let is_owner = |owner: &&SelectOption| owner.code() == query.filter("owner");
        let owner = self.owners.iter().find(is_owner).map(|owner| owner.label());
        let filters = [
            ("category", "Category", category),
            ("auth_method", "Method", method),
            ("status", "Status", status),
            ("owner", "Owner", owner),
        ];
        let filters = filters.map(|(name, label, value)| {
            let unknown = || format!("Unknown {}", label.to_lowercase());
            let words = || value.map_or_else(unknown, |value| format!("{label} is {value}"));
            (name, (!query.filter(name).is_empty()).then(words))
        });
        query.chips("Search for", filters)
    }
}

/// Whether the address comes from the choice of the rows per page, and not from a link.
fn asks_to_remember(context: &RequestContext) -> bool {
    form_urlencoded::parse(context.req.query_string().as_bytes()).any(|(name, _)| name == "remember")
}

/// The owners to filter by. People who may set an owner see whom they can choose; others find themselves.
async fn owners(context: &RequestContext, conn: &Conn, chosen: &str) -> Result<Vec<SelectOption>, Error> {
    let mut owners: Vec<SelectOption> = vec![SelectOption::new(NO_OWNER, "Without owner")];
    let own = context.actor.id.map(|id| Owner::User(id).value());
    owners.extend(own.iter().map(|own| SelectOption::new(own.clone(), "Me")));
    if !context.may(Permission::EditConnectors) {
        return Ok(owners);
    }
    let mut choices = queries::suggested_owners(conn).await?;
    if let Some(owner) = Owner::parse(chosen).filter(|owner| !choices.iter().any(|choice| choice.owner() == *owner)) {
        choices.extend(queries::owner_choice(conn, owner).await?);
    }
    let option = |choice: &OwnerChoice| SelectOption::new(choice.owner().value(), &choice.name);
    owners.extend(choices.iter().map(option).filter(|option| Some(option.code()) != own.as_deref()));
    Ok(owners)
}

pub async fn show(context: RequestContext) -> Result<HttpResponse, Error> {
    let usual = context.actor.rows_per_page.unwrap_or(USUAL_SIZE);
    let query = ListQuery::parse_sized("/connectors", context.req.query_string(), &FILTERS, usual);
    let conn = context.conn().await?;
    let chosen_rows = context.actor.id.filter(|_| query.unusual_size().is_some() && asks_to_remember(&context));
    if let Some(user) = chosen_rows {
        remember_rows(&conn, user, query.size).await?;
    }
    let chosen = query.filter("category").parse().ok();
    // All go to the database in one go.
    let ((slice, total), categories, owners) = try_join!(
        queries::list(&conn, &context.actor, &query),
        categories::assignable(&conn, chosen.as_slice()),
        owners(&context, &conn, query.filter("owner")),
    )?;
    let (pages, rows) = (Pages::new(&query, &slice, total).with_sizes(&query), slice.rows);
    let (now, may) = (context.now(), |permission| context.may(permission));
    let ids = rows.iter().map(|row| row.id).collect();
    let calls = async {
        let may_see = may(Permission::ViewActivity);
        if may_see { queries::recent_calls(&conn, ids, now).await.map(Some) } else { Ok(None) }
    };
    let (issues, calls) = try_join!(issues(&conn, &rows), calls)?;
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
            owners,
            calls,
            is_limited,
            may_create,
            may_edit,
            may_delete,
        },
    )
}

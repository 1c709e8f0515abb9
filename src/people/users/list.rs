//! The list of users.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use uuid::Uuid;

use super::model::{UserRow, UserStatus};
use super::queries;
use crate::access::{Permission, RequestContext};
use crate::accounts::has_local_super_admin;
use crate::db::Conn;
use crate::people::groups::{self, GroupChoice};
use crate::web::{Error, Layout, ListQuery, Option_, Pages, SelectField, page};

/// Groups that are offered as a filter.
const MOST_GROUPS: i64 = 500;

/// The value of the filter that leaves super admins.
const SUPER_ADMINS: &str = "super-admin";

#[derive(Template)]
#[template(path = "people/users.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<UserRow>,
    rows: Vec<UserRow>,
    pages: Pages,
    /// Groups that the list can be narrowed to.
    groups: Vec<GroupChoice>,
    /// Told to super admins: while the provider is down, none of them could come in.
    locked_out: bool,
}

impl ListPage {
    fn status_filter(&self) -> SelectField {
        let options = UserStatus::ALL.map(|status| Option_::new(status.code(), status.label()));
        self.query.filter_field("status", "Status", "Any status", options)
    }

    fn rights_filter(&self) -> SelectField {
        let permissions = Permission::all().map(|permission| Option_::new(permission.code(), permission.label()));
        let options = std::iter::once(Option_::new(SUPER_ADMINS, "Super admins")).chain(permissions);
        self.query.filter_field("rights", "Rights", "Everybody", options)
    }

    fn group_filter(&self) -> SelectField {
        let groups = self.groups.iter().map(|group| Option_::new(group.id.to_string(), &group.name));
        self.query.filter_field("group", "Group", "Any group", groups)
    }

    /// The group of the filter in words; one that is gone has nobody in it.
    fn group_words(&self) -> Option<String> {
        let id: Uuid = self.query.filter("group").parse().ok()?;
        let group = self.groups.iter().find(|group| group.id == id);
        Some(match group {
            Some(group) => format!("In {}, also through groups", group.name),
            None => "In a group that is gone".into(),
        })
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
        let rights = query.filter("rights");
        if rights == SUPER_ADMINS {
            chips.push(("Super admins".into(), query.without_filter("rights")));
        } else if let Some(permission) = Permission::parse(rights) {
            let words = format!("May: {permission}");
            chips.push((words, query.without_filter("rights")));
        }
        if let Some(words) = self.group_words() {
            chips.push((words, query.without_filter("group")));
        }
        chips
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let filters = &["status", "rights", "group"];
    let query = ListQuery::parse("/users", context.req.query_string(), filters);
    let mut conn = context.conn().await?;
    let (rows, pages) = queries::list(&conn, &query).await?;
    let groups = offered(&mut conn, query.filter("group")).await?;
    let locked_out = context.actor.super_admin && !has_local_super_admin(&mut conn).await?;
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages, groups, locked_out })
}

/// The groups to choose from, and the chosen one in any case.
async fn offered(conn: &mut Conn, chosen: &str) -> Result<Vec<GroupChoice>, Error> {
    let mut offered = groups::all(conn, MOST_GROUPS).await?;
    let is_there = |id: Uuid| offered.iter().any(|group| group.id == id);
    if let Some(id) = chosen.parse().ok().filter(|id| !is_there(*id)) {
        offered.extend(groups::one(conn, id).await?);
    }
    Ok(offered)
}

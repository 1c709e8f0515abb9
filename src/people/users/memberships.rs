//! Putting a user into groups and taking a user out of them, from the user's own page: a search, boxes to tick, one
//! press.

use actix_web::HttpResponse;
use askama::Template;
use uuid::Uuid;

use super::details::still_manages;
use super::model::{User, guard};
use super::queries;
use crate::access::RequestContext;
use crate::db::Conn;
use crate::people::groups::{self, GroupChoice};
use crate::web::{Error, Errors, Form, FormData, Layout, Segment, page, plural, search_term, searched};

/// Groups that are offered at once, at most.
const MOST: usize = 50;

/// The first box, at which a mistake is told.
const FIRST_BOX: &str = "group-0";

#[derive(Template)]
#[template(path = "people/user_groups.html")]
struct GroupsPage {
    layout: Layout,
    user: User,
    /// Groups to join, or else to leave.
    joins: bool,
    search: String,
    rows: Vec<GroupChoice>,
    /// There are more than are shown.
    more: bool,
    errors: Errors,
}

impl GroupsPage {
    fn step(&self) -> &'static str {
        if self.joins { "Add to groups" } else { "Take out of groups" }
    }

    fn action(&self) -> String {
        let what = if self.joins { "groups" } else { "group-removals" };
        format!("{}/{what}", self.user.address())
    }
}

pub async fn choose_groups(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    let search = searched(context.req.query_string());
    offer(context.layout, &mut conn, user, search, Errors::default()).await
}

async fn offer(
    layout: Layout,
    conn: &mut Conn,
    user: User,
    search: String,
    errors: Errors,
) -> Result<HttpResponse, Error> {
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut rows = groups::joinable(conn, user.id(), &search, most).await?;
    let more = rows.len() > MOST;
    rows.truncate(MOST);
    let status = errors.status();
    let groups_page = GroupsPage { layout, user, joins: true, search, rows, more, errors };
    page(status, &groups_page)
}

/// The chosen groups of a form.
fn chosen(data: &FormData) -> Vec<Uuid> {
    let values = data.all("group");
    values.iter().filter_map(|id| id.parse().ok()).collect()
}

fn nothing_chosen(words: &str) -> Errors {
    let mut errors = Errors::default();
    errors.add(FIRST_BOX, words);
    errors
}

pub async fn join_groups(
    context: RequestContext,
    Segment(id): Segment,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    let chosen = chosen(&data);
    if chosen.is_empty() {
        let errors = nothing_chosen("Select the groups that the user joins");
        let search = search_term(&data.text("q"));
        return offer(context.layout, &mut conn, user, search, errors).await;
    }
    let (by, now) = (&context.actor, context.now());
    let number = groups::join(&mut conn, by, now, user.id(), &chosen).await?;
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let outcome = format!("The user was added to {}", plural(number, "group", "groups"));
    Ok(context.see_other(&user.address(), outcome))
}

pub async fn confirm_leaving(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    ask_which(context.layout, &mut conn, user, Errors::default()).await
}

async fn ask_which(layout: Layout, conn: &mut Conn, user: User, errors: Errors) -> Result<HttpResponse, Error> {
    let rows = groups::joined(conn, user.id()).await?;
    let status = errors.status();
    let groups_page = GroupsPage { layout, user, joins: false, search: String::new(), rows, more: false, errors };
    page(status, &groups_page)
}

pub async fn leave_groups(
    context: RequestContext,
    Segment(id): Segment,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    let chosen = chosen(&data);
    if chosen.is_empty() {
        let errors = nothing_chosen("Select the groups that the user leaves");
        return ask_which(context.layout, &mut conn, user, errors).await;
    }
    let (by, now) = (&context.actor, context.now());
    let number = groups::leave(&mut conn, by, now, user.id(), &chosen).await?;
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let outcome = format!("The user was taken out of {}", plural(number, "group", "groups"));
    // Who has just left what let them manage users may not see this page any more.
    let may_have_lost = user.is(&context.actor) && !context.actor.super_admin;
    let has_lost = may_have_lost && !still_manages(&mut conn, &user, user.permissions).await?;
    let next = if has_lost { "/".into() } else { user.address() };
    Ok(context.see_other(&next, outcome))
}

//! Putting a user into groups and taking a user out of them, from the user's own page: a search, boxes to tick, one
//! press.

use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use super::changes::load;
use super::model::User;
use super::pages::next_page;
use crate::access::RequestContext;
use crate::audit::Change;
use crate::db::Conn;
use crate::people::groups::{self, GroupChoice};
use crate::web::form::{Form, Text};
use crate::web::{Error, Errors, Layout, Segment, counted, page, search_term, searched};

/// The first box, at which a mistake is shown.
const FIRST_BOX: &str = "group-0";

/// The search and the ticked boxes.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct GroupsForm {
    q: Text,
    group: Vec<String>,
}

impl GroupsForm {
    fn chosen(&self) -> Vec<Uuid> {
        self.group.iter().filter_map(|id| id.parse().ok()).collect()
    }
}

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

pub async fn choose_groups(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
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
    let (rows, more) = groups::joinable(conn, user.id(), &search).await?;
    page(errors.status(), &GroupsPage { layout, user, joins: true, search, rows, more, errors })
}

pub async fn join_groups(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    mut form: Form<GroupsForm>,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let chosen = form.chosen();
    if chosen.is_empty() {
        form.errors.add(FIRST_BOX, "Select the groups that the user joins");
        return offer(context.layout, &mut conn, user, search_term(&form.q), form.errors).await;
    }
    let number = groups::join(&mut Change::new(&mut conn, &context), user.id(), &chosen).await?;
    let outcome = format!("The user was added to {}", counted(number, "group", "groups"));
    Ok(context.see_other(&user.address(), outcome))
}

pub async fn confirm_leaving(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    ask_which(context.layout, &mut conn, user, Errors::default()).await
}

async fn ask_which(layout: Layout, conn: &mut Conn, user: User, errors: Errors) -> Result<HttpResponse, Error> {
    let rows = groups::joined(conn, user.id()).await?;
    let status = errors.status();
    page(status, &GroupsPage { layout, user, joins: false, search: String::new(), rows, more: false, errors })
}

pub async fn leave_groups(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    mut form: Form<GroupsForm>,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let chosen = form.chosen();
    if chosen.is_empty() {
        form.errors.add(FIRST_BOX, "Select the groups that the user leaves");
        return ask_which(context.layout, &mut conn, user, form.errors).await;
    }
    let number = groups::leave(&mut Change::new(&mut conn, &context), user.id(), &chosen).await?;
    let outcome = format!("The user was taken out of {}", counted(number, "group", "groups"));
    let next = next_page(&context, &mut conn, &user, user.permissions).await?;
    Ok(context.see_other(&next, outcome))
}

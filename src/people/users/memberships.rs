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
    fn searching(search: String) -> Form<GroupsForm> {
        Form::new(GroupsForm { q: search.into(), group: Vec::new() })
    }

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
    ticked: Vec<Uuid>,
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

/// The groups that the user can join, narrowed by the search, or all that the user can leave.
async fn choice(
    layout: Layout,
    conn: &mut Conn,
    user: User,
    joins: bool,
    form: Form<GroupsForm>,
) -> Result<HttpResponse, Error> {
    let search = if joins { search_term(&form.q) } else { String::new() };
    let (rows, more) = match joins {
        true => groups::joinable(conn, user.id, &search).await?,
        false => (groups::joined(conn, user.id).await?, false),
    };
    let (status, ticked, errors) = (form.errors.status(), form.chosen(), form.errors);
    page(status, &GroupsPage { layout, user, joins, search, rows, more, ticked, errors })
}

pub async fn choose_groups(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let search = searched(context.req.query_string());
    choice(context.layout, &mut conn, user, true, GroupsForm::searching(search)).await
}

pub async fn confirm_leaving(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    choice(context.layout, &mut conn, user, false, GroupsForm::searching(String::new())).await
}

pub async fn join_groups(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    form: Form<GroupsForm>,
) -> Result<HttpResponse, Error> {
    change_groups(context, id, form, true).await
}

pub async fn leave_groups(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    form: Form<GroupsForm>,
) -> Result<HttpResponse, Error> {
    change_groups(context, id, form, false).await
}

async fn change_groups(
    context: RequestContext,
    id: Uuid,
    mut form: Form<GroupsForm>,
    joins: bool,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let chosen = form.chosen();
    if chosen.is_empty() {
        let verb = if joins { "joins" } else { "leaves" };
        form.errors.add(FIRST_BOX, format!("Select the groups that the user {verb}"));
        return choice(context.layout, &mut conn, user, joins, form).await;
    }
    if form.data.is_draft() {
        return choice(context.layout, &mut conn, user, joins, form).await;
    }
    let change = &mut Change::new(&mut conn, &context);
    let (number, done) = match joins {
        true => (groups::join(change, id, &chosen).await?, "added to"),
        false => (groups::leave(change, id, &chosen).await?, "taken out of"),
    };
    let next = next_page(&context, &mut conn, &user, user.permissions).await?;
    Ok(context.see_other(&next, format!("The user was {done} {}", counted(number, "group", "groups"))))
}

//! The list of users, creating one, and a user's page: names, permissions, groups and what comes through them, and the
//! links to everything else.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::invitations::Shown;
use super::model::{User, UserStatus, guard};
use super::queries;
use crate::access::{Permission, PermissionSet, RequestContext};
use crate::accounts::{Pending, has_local_super_admin, pending_invitation};
use crate::audit::Change;
use crate::db::Conn;
use crate::people::ancestors::{InheritedRights, above};
use crate::people::forms::{UserForm, coupling_words};
use crate::people::groups::{self, GroupChoice, Member};
use crate::web::form::Form;
use crate::web::{
    ConflictPage, Error, LastSave, Layout, ListQuery, Pages, SaveError, Segment, SelectOption, date_time, page, plural,
    relative,
};

/// Groups that are offered as a filter.
const MOST_GROUPS: i64 = 500;

/// The value of the filter that leaves super admins.
const SUPER_ADMINS: &str = "super-admin";

#[derive(Template)]
#[template(path = "people/users.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<User>,
    rows: Vec<User>,
    pages: Pages,
    /// Groups that the list can be narrowed to.
    groups: Vec<GroupChoice>,
    /// Shown to super admins: none of them could sign in while the provider is down.
    locked_out: bool,
}

impl ListPage {
    fn rights(&self) -> impl Iterator<Item = SelectOption> {
        let permissions = Permission::all().map(|permission| SelectOption::new(permission.code(), permission.label()));
        std::iter::once(SelectOption::new(SUPER_ADMINS, "Super admins")).chain(permissions)
    }

    fn group_options(&self) -> impl Iterator<Item = SelectOption> {
        self.groups.iter().map(|group| SelectOption::new(group.id.to_string(), &group.name))
    }

    fn chips(&self) -> Vec<(String, String)> {
        let query = &self.query;
        let status = UserStatus::parse(query.filter("status")).map(|status| format!("Status is {}", status.label()));
        let rights = match query.filter("rights") {
            SUPER_ADMINS => Some("Super admins".into()),
            code => Permission::parse(code).map(|permission| format!("May: {permission}")),
        };
        let group = query.filter("group").parse::<Uuid>().ok().map(|id| {
            let group = self.groups.iter().find(|group| group.id == id);
            group.map_or("In a group that is gone".into(), |group| format!("In {}, also through groups", group.name))
        });
        query.chips("Name has", [("status", status), ("rights", rights), ("group", group)])
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/users", context.req.query_string(), &["status", "rights", "group"]);
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

#[derive(Template)]
#[template(path = "people/user_new.html")]
struct NewPage {
    layout: Layout,
    form: Form<UserForm>,
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    page(StatusCode::OK, &NewPage { layout: context.layout, form: Form::new(UserForm::default()) })
}

/// Answers with the link by which the person sets a password: it is shown by this very answer and never again.
pub async fn create(context: RequestContext, mut form: Form<UserForm>) -> Result<HttpResponse, Error> {
    if let Some(new) = form.check(UserForm::checked) {
        let (mut conn, id) = (context.conn().await?, form.new_id.0);
        match queries::create(&mut Change::new(&mut conn, &context), id, &new).await {
            Ok((coupled, invitation)) => {
                let outcome = format!("The user was created{}", coupling_words(&coupled));
                return Shown::new(context, id, new.name, &invitation, outcome).respond();
            }
            // The second press of the same form finds what the first has made, but not its link.
            Err(SaveError::Repeated) => {
                let outcome = "The user was created already, and the link was shown. If it was lost, create a new one";
                return Ok(context.see_other(&format!("/users/{id}"), outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => form.errors.name_taken("username", "user", new.username.as_str()),
        }
    }
    page(form.errors.status(), &NewPage { layout: context.layout, form })
}

#[derive(Template)]
#[template(path = "people/user.html")]
struct UserPage {
    layout: Layout,
    form: Form<UserForm>,
    user: User,
    around: Around,
    /// A super admin's page is for reading, unless the reader is one.
    may_edit: bool,
    may_promote: bool,
    /// The reader may look into the audit log for what the user did.
    may_audit: bool,
    is_own: bool,
    now: DateTime<Utc>,
}

/// What the page shows besides the user's own row.
struct Around {
    groups: Vec<GroupChoice>,
    inherited: InheritedRights,
    sessions: (i64, Option<DateTime<Utc>>),
    pending: Option<Pending>,
    /// Since when the user can sign in with the provider, and when the user did so last.
    connection: Option<(DateTime<Utc>, Option<DateTime<Utc>>)>,
}

impl Around {
    async fn load(conn: &mut Conn, user: &User, now: DateTime<Utc>) -> Result<Around, Error> {
        let id = user.id;
        Ok(Around {
            groups: groups::joined(conn, id).await?,
            inherited: InheritedRights::of(&above(conn, Member::User(id)).await?),
            sessions: queries::sessions_of(conn, id, now).await?,
            pending: pending_invitation(conn, id, now).await?,
            connection: queries::connection_of(conn, id).await?,
        })
    }
}

impl UserPage {
    fn heading(&self) -> String {
        let verb = if self.may_edit { "Edit user" } else { "User" };
        format!("{verb} “{}”", self.user.name)
    }

    fn last_sign_in(&self) -> String {
        match &self.user.last_sign_in_at {
            Some(at) => format!("{} ({})", date_time(at), relative(at, &self.now)),
            None => "Never".into(),
        }
    }

    fn sessions(&self) -> String {
        match self.around.sessions {
            (0, _) | (_, None) => "Not signed in".into(),
            (number, Some(seen)) => {
                format!("{}, last used {}", plural(number, "session", "sessions"), relative(&seen, &self.now))
            }
        }
    }
}

async fn user_page(
    context: RequestContext,
    conn: &mut Conn,
    user: User,
    form: Form<UserForm>,
) -> Result<HttpResponse, Error> {
    let now = context.now();
    let user_page = UserPage {
        around: Around::load(conn, &user, now).await?,
        may_edit: context.actor.super_admin || !user.super_admin,
        may_promote: context.actor.super_admin,
        may_audit: context.may(Permission::ViewAuditLog),
        is_own: user.is(&context.actor),
        layout: context.layout,
        form,
        user,
        now,
    };
    page(user_page.form.errors.status(), &user_page)
}

pub async fn edit(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, id).await?;
    let form = Form::new(UserForm::of(&user));
    user_page(context, &mut conn, user, form).await
}

pub async fn update(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    mut form: Form<UserForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, id).await?;
    guard(&context.actor, &user)?;
    let Some(seen) = form.seen_version(user.version) else {
        return conflict(context.layout, &user, &form);
    };
    if let Some(new) = form.check(UserForm::checked) {
        match queries::update(&mut Change::new(&mut conn, &context), (user.id, seen), &new).await {
            Ok(coupled) => {
                let outcome = format!("The user was saved{}", coupling_words(&coupled));
                let next = next_page(&context, &mut conn, &user, coupled.set).await?;
                return Ok(context.see_other(&next, outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::Stale) => return conflict(context.layout, &queries::find(&mut conn, id).await?, &form),
            Err(_) => form.errors.name_taken("username", "user", new.username.as_str()),
        }
    }
    user_page(context, &mut conn, user, form).await
}

/// The user's page; the home page for a person who has just lost Manage Users, with these permissions of their own.
pub(super) async fn next_page(
    context: &RequestContext,
    conn: &mut Conn,
    user: &User,
    own: PermissionSet,
) -> Result<String, Error> {
    if !user.is(&context.actor) || context.actor.super_admin || own.contains(Permission::ManageUsers) {
        return Ok(user.address());
    }
    let mut groups = above(conn, Member::User(user.id)).await?.into_iter();
    let still_manages = groups.any(|group| group.permissions.contains(Permission::ManageUsers));
    Ok(if still_manages { user.address() } else { "/".into() })
}

fn conflict(layout: Layout, theirs: &User, mine: &Form<UserForm>) -> Result<HttpResponse, Error> {
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    ConflictPage::new(layout, &theirs.name, &theirs.address(), saved)
        .fields(mine.data.carried())
        .difference("User name", &theirs.username, mine.username.trim())
        .difference("Name", &theirs.name, mine.full_name.trim())
        .difference("Permissions", theirs.permissions.labels(), mine.ticked().labels())
        .respond()
}

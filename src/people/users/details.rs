//! A user's page: names, permissions, groups and what comes through them, and the ways to everything else.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use super::forms::UserForm;
use super::model::{User, UserStatus};
use super::queries;
use crate::access::{Permission, PermissionSet, RequestContext};
use crate::db::Conn;
use crate::people::groups::{self, GroupChoice};
use crate::people::invitations::{self, Pending};
use crate::people::lineage::{Start, above};
use crate::people::permissions::{InheritedRights, coupling_words};
use crate::web::{
    ConflictPage, Error, Form, FormData, LastSave, Layout, SaveError, Segment, date_time, page, plural, relative,
};

#[derive(Template)]
#[template(path = "people/user.html")]
struct UserPage {
    layout: Layout,
    form: UserForm,
    user: User,
    around: Around,
    /// A super admin's page is for reading, unless the reader is one.
    may_edit: bool,
    may_promote: bool,
    /// The audit log may be looked into for what the user did.
    may_audit: bool,
    is_own: bool,
    now: DateTime<Utc>,
}

/// What stands beside a user's own row.
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
        let id = user.id();
        Ok(Around {
            groups: groups::joined(conn, id).await?,
            inherited: InheritedRights::of(&above(conn, Start::User(id)).await?),
            sessions: queries::sessions_of(conn, id, now).await?,
            pending: invitations::pending(conn, id, now).await?,
            connection: queries::connection_of(conn, id).await?,
        })
    }
}

impl UserPage {
    async fn new(context: RequestContext, conn: &mut Conn, user: User, form: UserForm) -> Result<UserPage, Error> {
        let now = context.now();
        Ok(UserPage {
            around: Around::load(conn, &user, now).await?,
            may_edit: context.actor.super_admin || !user.facts.super_admin,
            may_promote: context.actor.super_admin,
            may_audit: context.may(Permission::ViewAuditLog),
            is_own: user.is(&context.actor),
            layout: context.layout,
            form,
            user,
            now,
        })
    }

    fn heading(&self) -> String {
        let verb = if self.may_edit { "Edit user" } else { "User" };
        format!("{verb} “{}”", self.user.name())
    }

    /// The lines of the audit log of what the user did, whatever they were called then.
    fn deeds_href(&self) -> String {
        format!("/audit?actor={}", self.user.facts.id)
    }

    fn last_sign_in(&self) -> String {
        match &self.user.facts.last_sign_in_at {
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

pub async fn edit(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let form = UserForm::of(&user);
    let user_page = UserPage::new(context, &mut conn, user, form).await?;
    page(StatusCode::OK, &user_page)
}

pub async fn update(context: RequestContext, Segment(id): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    super::guard(&context.actor, &user)?;
    let mut form = UserForm::read(&data);
    let Some(seen) = data.seen_version(user.facts.version) else {
        return conflict(context.layout, user, &data, &form);
    };
    if let Some(checked) = form.check() {
        let (by, now, seen) = (&context.actor, context.now(), (user.id(), seen));
        match queries::update(&mut conn, by, now, seen, &checked).await {
            Ok(coupled) => {
                let outcome = format!("The user was saved{}", coupling_words(&coupled));
                // Who has just given up managing users may not see this page any more.
                let gave_up = user.is(&context.actor) && !context.actor.super_admin;
                let lost = gave_up && !still_manages(&mut conn, &user, coupled.set).await?;
                let next = if lost { "/".into() } else { user.address() };
                return Ok(context.see_other(&next, outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::Stale) => {
                let theirs = queries::find(&mut conn, &id).await?;
                return conflict(context.layout, theirs, &data, &form);
            }
            Err(_) => form.username_taken(),
        }
    }
    let user_page = UserPage::new(context, &mut conn, user, form).await?;
    page(StatusCode::UNPROCESSABLE_ENTITY, &user_page)
}

/// Whether a user with these permissions of their own may manage users.
pub(super) async fn still_manages(conn: &mut Conn, user: &User, own: PermissionSet) -> Result<bool, Error> {
    let groups = above(conn, Start::User(user.id())).await?;
    let by_group = |group: &crate::people::lineage::Ancestor| group.permissions.contains(Permission::ManageUsers);
    Ok(own.contains(Permission::ManageUsers) || groups.iter().any(by_group))
}

fn conflict(layout: Layout, theirs: User, data: &FormData, mine: &UserForm) -> Result<HttpResponse, Error> {
    let facts = &theirs.facts;
    let saved = LastSave { by: &facts.updated_by, at: Some(facts.updated_at), version: facts.version };
    ConflictPage::new(layout, theirs.name(), &theirs.address(), saved)
        .fields(data.carried())
        .difference("User name", &facts.username, mine.username.trim())
        .difference("Name", &facts.name, mine.name.trim())
        .difference("Permissions", theirs.permissions.labels(), mine.ticked.labels())
        .respond()
}

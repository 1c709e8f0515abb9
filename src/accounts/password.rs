//! The Password tab: changing the own password.

use actix_web::{HttpResponse, web};
use askama::Template;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use uuid::Uuid;
use validator::Validate;

use super::sessions::{SessionReason, begin_session};
use super::users::replace_password;
use crate::access::{Actor, RequestContext, SignInGuard, check_new_password};
use crate::audit::{Change, Changes, transaction};
use crate::db::schema::users;
use crate::vault::Secret;
use crate::web::form::Form;
use crate::web::{Error, Errors, Layout, page};

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct PasswordForm {
    old_password: Secret,
    password: Secret,
}

impl PasswordForm {
    /// The current and the new password, if nothing is wrong that needs no look at the stored one.
    fn checked(&self, actor: &Actor, errors: &mut Errors) -> Option<(String, String)> {
        let (old, new) = (self.old_password.expose(), self.password.expose());
        if old.is_empty() {
            errors.add("old_password", "Enter your current password");
        }
        let is_good = errors.keep("password", check_new_password(new, &actor.username, &actor.name)).is_some();
        if is_good && old == new {
            errors.add("password", "Enter another password than the current one");
        }
        Some((old.into(), new.into()))
    }
}

#[derive(Template)]
#[template(path = "accounts/password.html")]
struct PasswordPage {
    layout: Layout,
    /// For the password managers of browsers, which keep it beside the new password.
    username: String,
    form: Form<PasswordForm>,
}

fn password_page(context: RequestContext, form: Form<PasswordForm>) -> Result<HttpResponse, Error> {
    page(form.errors.status(), &PasswordPage { layout: context.layout, username: context.actor.username, form })
}

pub async fn ask(context: RequestContext) -> Result<HttpResponse, Error> {
    password_page(context, Form::new(PasswordForm::default()))
}

/// Changes the password. No connection is held while passwords are hashed.
pub async fn change(
    context: RequestContext,
    guard: web::Data<SignInGuard>,
    mut form: Form<PasswordForm>,
) -> Result<HttpResponse, Error> {
    let user = context.user()?;
    let Some((old, new)) = form.check(|form, errors| form.checked(&context.actor, errors)) else {
        return password_page(context, form);
    };
    let Some(stored) = guard.own_password(&context.req, &context.actor, old).await? else {
        form.errors.add("old_password", "This is not your password");
        return password_page(context, form);
    };
    let hash = guard.hasher.hash(new).await?;
    let mut conn = context.conn().await?;
    if !replace(&mut Change::new(&mut conn, &context), user, (&stored, &hash)).await? {
        return Err(Error::SignIn);
    }
    begin_session(&context.req, &context.actor, Some(&hash), SessionReason::NewPassword)?;
    let outcome = "Your password was changed. All your other sessions were ended.";
    Ok(context.see_other("/profile/password", outcome))
}

/// Replaces the password with the hash `old` and ends every session: the browser in which it is done gets another one.
/// False if the password is another one by now, or the user was deactivated: no session is left then either.
async fn replace(change: &mut Change<'_>, user: Uuid, (old, new): (&str, &str)) -> Result<bool, Error> {
    transaction(change, async |change| {
        let seen = users::table.find(user).filter(users::active).filter(users::password_hash.eq(old));
        let seen = seen.select(users::id).for_no_key_update().first::<Uuid>(change.conn).await.optional()?;
        if seen.is_none() {
            return Ok(false);
        }
        let ended = replace_password(change, user, Some(new)).await?;
        let changes = Changes::none().secret("Password", "changed").field("Sessions", ended.to_string(), "1");
        change.record("user.password_changed", user, &change.by.username, changes).await?;
        Ok(true)
    })
    .await
}

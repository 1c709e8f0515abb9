//! The Password tab: another password for the one that is known.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::queries;
use super::sessions::{SessionReason, begin_session};
use crate::access::{RequestContext, SignInGuard, check_new_password};
use crate::web::{Error, Errors, Form, FormData, Layout, SaveError, TextField, page};

#[derive(Template)]
#[template(path = "accounts/password.html")]
struct PasswordPage {
    layout: Layout,
    /// For the password managers of browsers, which keep it beside the new password.
    username: String,
    errors: Errors,
}

impl PasswordPage {
    fn old_field(&self) -> TextField {
        TextField::secret("old_password", "Current password").autocomplete("current-password").errors(&self.errors)
    }

    fn new_field(&self) -> TextField {
        TextField::secret("password", "New password")
            .hint("At least 12 characters. Several words make a good one.")
            .errors(&self.errors)
    }
}

pub async fn ask(context: RequestContext) -> Result<HttpResponse, Error> {
    password_page(context, Errors::default(), StatusCode::OK)
}

/// Changes the password. No connection is held while passwords are hashed.
pub async fn change(
    context: RequestContext,
    guard: web::Data<SignInGuard>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let user = context.actor.id.ok_or(Error::SignIn)?;
    let mut errors = Errors::default();
    let Some((old, new)) = check(&context, &data, &mut errors) else {
        return password_page(context, errors, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let stored = guard.own_password(&context.req, &context.actor, old).await?;
    let Some(stored) = stored else {
        errors.add("old_password", "This is not your password");
        return password_page(context, errors, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let hash = guard.hasher.hash(new).await?;
    let mut conn = context.conn().await?;
    let change = (user, stored.as_str(), hash.as_str());
    match queries::change_password(&mut conn, &context.actor, context.now(), change).await {
        Ok(true) => {
            begin_session(&context.req, &context.actor, Some(&hash), SessionReason::NewPassword)?;
            let outcome = "Your password was changed. All your other sessions were ended.";
            Ok(context.see_other("/profile/password", outcome))
        }
        Ok(false) => Err(Error::SignIn),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => Err(Error::StaleForm),
    }
}

/// The present and the new password as they were typed, if nothing is wrong that needs no look at the stored one.
fn check(context: &RequestContext, data: &FormData, errors: &mut Errors) -> Option<(String, String)> {
    let typed = |name| data.get(name).unwrap_or_default().to_string();
    let (old, new) = (typed("old_password"), typed("password"));
    if old.is_empty() {
        errors.add("old_password", "Enter your current password");
    }
    let (username, name) = (&context.actor.username, &context.actor.name);
    let checked = check_new_password(&new, username, name);
    if errors.keep("password", checked).is_some() && old == new {
        errors.add("password", "Enter another password than the current one");
    }
    (!errors.any()).then_some((old, new))
}

fn password_page(context: RequestContext, errors: Errors, status: StatusCode) -> Result<HttpResponse, Error> {
    page(status, &PasswordPage { layout: context.layout, username: context.actor.username, errors })
}

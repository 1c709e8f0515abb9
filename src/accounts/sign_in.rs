//! Signing in and out.

use std::sync::Arc;

use actix_session::SessionExt;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use validator::Validate;

use super::first_run;
use super::sessions::{SessionReason, begin_session};
use super::users::{SignInUser, find_user};
use crate::access::{Actor, RefusedSignIn, RequestContext, SignInGuard, client_address};
use crate::audit::{Change, Changes, Refusal, Refusals};
use crate::vault::Secret;
use crate::web::form::{Form, Text, entered};
use crate::web::{Cookies, CsrfKey, Error, Errors, FormData, Layout, page, see_other};

/// Said of an unknown name and of a wrong password alike.
const WRONG: &str = "The user name or the password is wrong";

/// The provider that people may sign in with, as pages name it; without one there is nothing inside.
#[derive(Clone, Default)]
pub struct SignInProvider(pub Option<Arc<ProviderText>>);

/// The provider's name, and which groups it sends.
pub struct ProviderText {
    /// “Sign in with …”.
    pub name: String,
    /// The claim with a person's groups, if groups are taken over.
    pub groups_claim: Option<String>,
}

impl SignInProvider {
    pub fn name(&self) -> Option<&str> {
        self.0.as_ref().map(|words| words.name.as_str())
    }

    pub fn groups_claim(&self) -> Option<&str> {
        self.0.as_ref()?.groups_claim.as_deref()
    }
}

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct SignInForm {
    #[validate(custom(function = "entered", message = "Enter your user name"))]
    username: Text,
    password: Secret,
    next: Text,
}

impl SignInForm {
    /// The user name and the password.
    fn checked(&self, errors: &mut Errors) -> Option<(String, String)> {
        if self.password.is_empty() {
            errors.add("password", "Enter your password");
        }
        Some((self.username.trim().into(), self.password.expose().into()))
    }
}

#[derive(Template)]
#[template(path = "accounts/sign_in.html")]
struct SignInPage {
    layout: Layout,
    provider: web::Data<SignInProvider>,
    form: Form<SignInForm>,
    /// A form has come after the end of its session.
    has_ended: bool,
}

impl SignInPage {
    /// What was typed is kept.
    fn has_draft(&self) -> bool {
        self.form.next.starts_with("/drafts/")
    }
}

pub async fn show(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    provider: web::Data<SignInProvider>,
) -> Result<HttpResponse, Error> {
    let query = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(req.query_string().as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let next = query("next").unwrap_or_default();
    if layout.person.is_some() {
        return Ok(see_other(&req, if is_own_path(&next) { &next } else { "/" }, None));
    }
    if first_run::is_open(&guard.db).await? {
        return Ok(see_other(&req, "/first-run", None));
    }
    let has_ended = query("ended").is_some();
    let form = Form::new(SignInForm { next: next.into(), ..SignInForm::default() });
    page(StatusCode::OK, &SignInPage { layout, provider, form, has_ended })
}

pub async fn sign_in(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    provider: web::Data<SignInProvider>,
    refusals: web::Data<Refusals>,
    mut form: Form<SignInForm>,
) -> Result<HttpResponse, Error> {
    if let Some((username, password)) = form.check(SignInForm::checked) {
        if let Err(refused) = guard.take(&req, &username).await {
            record_slowed(&refusals, &guard, &req, &username, &refused).await?;
            return Err(refused);
        }
        let user = authenticate(&req, &guard, &refusals, &username, password).await?;
        form.errors.add("username", WRONG);
        if let Some(user) = user {
            return signed_in(&req, &user, &SignInPage { layout, provider, form, has_ended: false });
        }
    }
    page(form.errors.status(), &SignInPage { layout, provider, form, has_ended: false })
}

/// Begins the session. If user or password are taken away before it is saved, the answer is the page that says so: all
/// sessions were ended then, and this one must not come after.
fn signed_in(req: &HttpRequest, user: &SignInUser, refusal: &SignInPage) -> Result<HttpResponse, Error> {
    let by = Actor::arriving(req, Some(user.id), &user.username, &user.name);
    begin_session(req, &by, user.password_hash.as_deref(), SessionReason::SignIn { provider: None })?;
    let next = if is_own_path(&refusal.form.next) { &*refusal.form.next } else { "/" };
    req.extensions_mut().insert(RefusedSignIn(page(StatusCode::UNPROCESSABLE_ENTITY, refusal)?));
    Ok(see_other(req, next, None))
}

/// The user whose name and password these are. Takes the same time whether there is such a user or not, and holds no
/// connection while the password is hashed.
async fn authenticate(
    req: &HttpRequest,
    guard: &SignInGuard,
    refusals: &Refusals,
    username: &str,
    password: String,
) -> Result<Option<SignInUser>, Error> {
    let user = find_user(&mut *guard.db.get().await?, username).await?;
    let stored = user.as_ref().filter(|user| user.active).and_then(|user| user.password_hash.clone());
    let fits = guard.hasher.verify(password, stored).await?;
    if !fits {
        // An unknown name may be a password in the wrong field, so only known ones are logged.
        let username = user.as_ref().map(|user| user.username.as_str());
        tracing::warn!(address = client_address(req), username, "sign-in refused");
        let refusal = Refusal {
            kind: "sign_in.refused",
            reason: match &user {
                Some(user) if user.active => "Wrong password",
                Some(_) => "The user is not active",
                None => "There is no user of this name",
            },
            subject: user.as_ref().map(SignInUser::subject),
        };
        let unknown = Actor::arriving(req, None, "", "");
        let now = guard.clock.now();
        refusals.record(&guard.db, &unknown, now, refusal).await;
    }
    Ok(user.filter(|_| fits))
}

/// Records that tries from an address are not taken any more: once a minute, whatever the names.
async fn record_slowed(
    refusals: &Refusals,
    guard: &SignInGuard,
    req: &HttpRequest,
    username: &str,
    refused: &Error,
) -> Result<(), Error> {
    let kind = "sign_in.slowed";
    if !matches!(refused, Error::TooMany(_)) {
        return Ok(());
    }
    let Some(due) = refusals.due(&client_address(req), kind, "") else {
        return Ok(());
    };
    let user = find_user(&mut *guard.db.get().await?, username).await?;
    let refusal = Refusal { kind, reason: "Too many tries", subject: user.as_ref().map(SignInUser::subject) };
    let unknown = Actor::arriving(req, None, "", "");
    due.write(&guard.db, &unknown, guard.clock.now(), refusal).await;
    Ok(())
}

/// Only paths of this site: `//host` and `/\host` would leave it.
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/') && !path[1..].starts_with(['/', '\\']) && !path.chars().any(char::is_control)
}

pub async fn sign_out(
    context: RequestContext,
    cookies: web::Data<Cookies>,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let (user, mut conn) = (&context.actor, context.conn().await?);
    Change::new(&mut conn, &context).record("session.ended", user.id, &user.username, Changes::none()).await?;
    context.req.get_session().purge();
    let anonymous = CsrfKey::random();
    let cookie = anonymous.cookie(**cookies);
    context.req.extensions_mut().insert(anonymous);
    let mut response = context.see_other("/sign-in", "You are signed out");
    response.add_cookie(&cookie).map_err(Error::internal)?;
    response
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_only_paths_of_this_site_are_followed() {
        for path in ["/connectors", "/connectors?q=a"] {
            assert!(is_own_path(path));
        }
        for elsewhere in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "javascript:alert(1)"]
        {
            assert!(!is_own_path(elsewhere), "{elsewhere}");
        }
    }
}

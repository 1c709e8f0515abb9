//! Signing in and out.

use std::sync::Arc;

use actix_session::SessionExt;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;

use super::first_run;
use super::queries::{self, SignInUser};
use super::sessions::{SessionReason, begin_session};
use crate::access::{Actor, RefusedSignIn, RequestContext, SignInGuard, client_address};
use crate::audit::{self, Changes, Event, Refusal, Refusals};
use crate::web::{Cookies, CsrfKey, Error, Errors, Form, Layout, TextField, page, see_other};

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

#[derive(Template)]
#[template(path = "accounts/sign_in.html")]
struct SignInPage {
    layout: Layout,
    username: String,
    next: String,
    provider: SignInProvider,
    errors: Errors,
}

impl SignInPage {
    fn username_field(&self) -> TextField {
        TextField::new("username", "User name", &self.username).autocomplete("username").errors(&self.errors)
    }

    fn password_field(&self) -> TextField {
        TextField::secret("password", "Password").autocomplete("current-password").errors(&self.errors)
    }
}

pub async fn show(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    provider: web::Data<SignInProvider>,
) -> Result<HttpResponse, Error> {
    if layout.person.is_some() {
        return Ok(see_other(&req, "/", None));
    }
    if first_run::is_open(&guard.db).await? {
        return Ok(see_other(&req, "/first-run", None));
    }
    let next = form_urlencoded::parse(req.query_string().as_bytes())
        .find(|(name, _)| name == "next")
        .map(|(_, next)| next.into_owned());
    page(
        StatusCode::OK,
        &SignInPage {
            layout,
            username: String::new(),
            next: next.unwrap_or_default(),
            provider: SignInProvider::clone(&provider),
            errors: Errors::default(),
        },
    )
}

pub async fn sign_in(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    provider: web::Data<SignInProvider>,
    refusals: web::Data<Refusals>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let username = data.trimmed("username");
    let password = data.get("password").unwrap_or_default().to_string();
    let mut errors = Errors::default();
    let mut user = None;
    if username.is_empty() {
        errors.add("username", "Enter your user name");
    }
    if password.is_empty() {
        errors.add("password", "Enter your password");
    }
    if !errors.any() {
        if let Err(refused) = guard.take(&req, &username).await {
            record_slowed(&refusals, &guard, &req, &username, &refused).await?;
            return Err(refused);
        }
        user = authenticate((&guard, &refusals), &req, &username, password).await?;
        if user.is_none() {
            errors.add("username", WRONG);
        }
    }
    let next = data.text("next");
    let again = SignInPage { layout, username, next, provider: SignInProvider::clone(&provider), errors };
    match user {
        Some(user) => signed_in(&req, &user, again),
        None => page(StatusCode::UNPROCESSABLE_ENTITY, &again),
    }
}

/// Begins the session. If user or password are taken away before it is saved, the answer is the page again:
/// all sessions were ended then, and this one must not come after.
fn signed_in(req: &HttpRequest, user: &SignInUser, mut again: SignInPage) -> Result<HttpResponse, Error> {
    let by = Actor::arriving(req, Some(user.id), &user.username, &user.name);
    let hash = user.password_hash.as_deref();
    begin_session(req, &by, hash, SessionReason::SignIn { provider: None })?;
    let next = if is_own_path(&again.next) { again.next.clone() } else { "/".into() };
    again.errors.add("username", WRONG);
    let refused = page(StatusCode::UNPROCESSABLE_ENTITY, &again)?;
    req.extensions_mut().insert(RefusedSignIn(refused));
    Ok(see_other(req, &next, None))
}

/// The user whose name and password these are. Takes the same time whether there is such a user or not, and holds no
/// connection while the password is hashed.
async fn authenticate(
    (guard, refusals): (&SignInGuard, &Refusals),
    req: &HttpRequest,
    username: &str,
    password: String,
) -> Result<Option<SignInUser>, Error> {
    let user = queries::find_user(&mut *guard.db.get().await?, username).await?;
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
    let user = queries::find_user(&mut *guard.db.get().await?, username).await?;
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
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    let event = Event {
        kind: "session.ended",
        subject_id: context.actor.id,
        subject_name: &context.actor.username,
        changes: Changes::none(),
    };
    audit::record(&*context.conn().await?, &context.actor, context.now(), event).await?;
    context.req.get_session().purge();
    let anonymous = CsrfKey::random();
    let cookie = cookies.csrf_cookie(&anonymous);
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

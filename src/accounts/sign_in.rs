//! Signing in and out.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::first_run;
use super::queries::{self, SignInUser};
use crate::access::{
    Actor, NewSession, SignInGuard, Visit, end_session, peer_address, start_session,
};
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::web::{
    Cookies, Error, Errors, Flash, Form, Shell, TextField, VisitorToken, page, see_other,
    see_other_as,
};

#[derive(Template)]
#[template(path = "accounts/sign_in.html")]
struct SignInPage {
    shell: Shell,
    username: String,
    next: String,
    errors: Errors,
}

impl SignInPage {
    fn username_field(&self) -> TextField {
        TextField::new("username", "User name", &self.username)
            .autocomplete("username")
            .errors(&self.errors)
    }

    fn password_field(&self) -> TextField {
        TextField::secret("password", "Password")
            .autocomplete("current-password")
            .errors(&self.errors)
    }
}

pub async fn show(
    req: HttpRequest,
    shell: Shell,
    guard: web::Data<SignInGuard>,
) -> Result<HttpResponse, Error> {
    if shell.person.is_some() {
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
            shell,
            username: String::new(),
            next: next.unwrap_or_default(),
            errors: Errors::default(),
        },
    )
}

pub async fn sign_in(
    req: HttpRequest,
    shell: Shell,
    guard: web::Data<SignInGuard>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let username = data.trimmed("username");
    let password = data.get("password").unwrap_or_default().to_string();
    let mut errors = Errors::default();
    if username.is_empty() {
        errors.add("username", "Enter your user name");
    }
    if password.is_empty() {
        errors.add("password", "Enter your password");
    }
    if !errors.any() {
        guard.take(&req, &username)?;
        match authenticate(&guard, &req, &username, password).await? {
            Some(user) => {
                return signed_in(&req, &guard, &user, &data.text("next")).await;
            }
            None => errors.add("username", "The user name or the password is wrong"),
        }
    }
    page(
        StatusCode::UNPROCESSABLE_ENTITY,
        &SignInPage {
            shell,
            username,
            next: data.text("next"),
            errors,
        },
    )
}

/// The user whose name and password these are. Takes the same time whether there is such a user or not, and holds no
/// connection while the password is hashed.
async fn authenticate(
    guard: &SignInGuard,
    req: &HttpRequest,
    username: &str,
    password: String,
) -> Result<Option<SignInUser>, Error> {
    let user = queries::find_user(&mut *guard.db.get().await?, username).await?;
    let stored = user
        .as_ref()
        .filter(|user| user.active)
        .and_then(|user| user.password_hash.clone());
    let fits = guard.hasher.verify(password, stored).await?;
    if !fits {
        // An unknown name may be a password in the wrong field, so only known ones are logged.
        let username = user.as_ref().map(|user| user.username.as_str());
        tracing::warn!(address = peer_address(req), username, "sign-in refused");
    }
    Ok(user.filter(|_| fits))
}

async fn signed_in(
    req: &HttpRequest,
    guard: &SignInGuard,
    user: &SignInUser,
    next: &str,
) -> Result<HttpResponse, Error> {
    let by = Actor::arriving(req, Some(user.id), &user.username, &user.name);
    let event = Event {
        kind: "session.started",
        subject_id: Some(user.id),
        subject_name: &user.username,
        changes: Changes::none(),
    };
    let mut conn = guard.db.get().await?;
    audit::record(&conn, &by, guard.clock.now(), event).await?;
    let next = if is_own_path(next) { next } else { "/" };
    begin_session(req, guard, &mut conn, user.id, next, "").await
}

/// Only paths of this site: `//host` and `/\host` would leave it.
fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path[1..].starts_with(['/', '\\'])
        && !path.chars().any(char::is_control)
}

/// Begins a session under a new id, ends the one the browser had, and sends the browser on.
pub(super) async fn begin_session(
    req: &HttpRequest,
    guard: &SignInGuard,
    conn: &mut Conn,
    user: Uuid,
    next: &str,
    outcome: &str,
) -> Result<HttpResponse, Error> {
    if let Some(old) = guard.cookies.token(req) {
        end_session(conn, &old).await?;
    }
    let user_agent = req
        .headers()
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let new = NewSession {
        user,
        address: &peer_address(req),
        user_agent,
    };
    queries::signed_in(conn, user, guard.clock.now()).await?;
    let token = start_session(conn, new, guard.limits, guard.clock.now()).await?;
    let outcome = (!outcome.is_empty()).then(|| Flash::done(outcome));
    Ok(see_other_as(guard.cookies, &token, next, outcome))
}

pub async fn sign_out(
    visit: Visit,
    cookies: web::Data<Cookies>,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    if let Some(token) = cookies.token(&visit.req) {
        let mut conn = visit.conn().await?;
        end_session(&mut conn, &token).await?;
        let event = Event {
            kind: "session.ended",
            subject_id: visit.actor.id,
            subject_name: &visit.actor.username,
            changes: Changes::none(),
        };
        audit::record(&conn, &visit.actor, visit.now(), event).await?;
    }
    let anonymous = VisitorToken::random();
    let mut response = see_other_as(
        **cookies,
        &anonymous,
        "/sign-in",
        Some(Flash::done("You are signed out")),
    );
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
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
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "javascript:alert(1)",
        ] {
            assert!(!is_own_path(elsewhere), "{elsewhere}");
        }
    }
}

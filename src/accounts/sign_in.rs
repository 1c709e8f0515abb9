//! Signing in and out.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use uuid::Uuid;

use super::SignInProvider;
use super::first_run;
use super::queries::{self, SignInUser};
use crate::access::{
    Actor, NewSession, RequestContext, SessionLimits, SignInGuard, client_address, end_session, start_session,
};
use crate::audit::{self, Changes, Event, Refusal, Refusals};
use crate::db::Conn;
use crate::web::{Cookies, Error, Errors, Flash, Form, Layout, TextField, VisitorToken, page, see_other, see_other_as};

/// Said of an unknown name and of a wrong password alike.
const WRONG: &str = "The user name or the password is wrong";

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
        match authenticate((&guard, &refusals), &req, &username, password).await? {
            Some(user) => match signed_in(&req, &guard, &user, &data.text("next")).await? {
                Some(response) => return Ok(response),
                None => errors.add("username", WRONG),
            },
            None => errors.add("username", WRONG),
        }
    }
    page(
        StatusCode::UNPROCESSABLE_ENTITY,
        &SignInPage { layout, username, next: data.text("next"), provider: SignInProvider::clone(&provider), errors },
    )
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
        let somebody = Actor::arriving(req, None, "", "");
        let now = guard.clock.now();
        refusals.record(&guard.db, &somebody, now, refusal).await;
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
    let somebody = Actor::arriving(req, None, "", "");
    due.write(&guard.db, &somebody, guard.clock.now(), refusal).await;
    Ok(())
}

/// Begins the session, unless user or password were taken away while the password was being checked: whoever does that
/// ends all sessions, and this one must not come after.
async fn signed_in(
    req: &HttpRequest,
    guard: &SignInGuard,
    user: &SignInUser,
    next: &str,
) -> Result<Option<HttpResponse>, Error> {
    let by = Actor::arriving(req, Some(user.id), &user.username, &user.name);
    let arrival = Arrival::of(req, guard);
    let event = Event {
        kind: "session.started",
        subject_id: Some(user.id),
        subject_name: &user.username,
        changes: Changes::none(),
    };
    let mut conn = guard.db.get().await?;
    let token = conn
        .transaction(async |conn| {
            if !queries::still_admits(conn, user).await? {
                return Ok::<_, Error>(None);
            }
            audit::record(conn, &by, arrival.now, event).await?;
            arrival.open_session(conn, user.id).await.map(Some)
        })
        .await?;
    let next = if is_own_path(next) { next } else { "/" };
    Ok(token.map(|token| see_other_as(guard.cookies, &token, next, None)))
}

/// Only paths of this site: `//host` and `/\host` would leave it.
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/') && !path[1..].starts_with(['/', '\\']) && !path.chars().any(char::is_control)
}

/// What a session remembers of the browser that it begins in.
pub struct Arrival {
    /// The token that the browser had.
    old: Option<VisitorToken>,
    address: String,
    user_agent: String,
    limits: SessionLimits,
    now: DateTime<Utc>,
}

impl Arrival {
    pub fn of(req: &HttpRequest, guard: &SignInGuard) -> Arrival {
        let user_agent = req.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        Arrival {
            old: guard.cookies.token(req),
            address: client_address(req),
            user_agent: user_agent.unwrap_or_default().to_string(),
            limits: guard.limits,
            now: guard.clock.now(),
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Begins a session under a new id and ends the one the browser had.
    pub async fn open_session(&self, conn: &mut Conn, user: Uuid) -> Result<VisitorToken, Error> {
        if let Some(old) = &self.old {
            end_session(conn, old).await?;
        }
        queries::note_sign_in(conn, user, self.now).await?;
        self.begin_session(conn, user).await
    }

    /// Begins a session of a user who has just proved who they are.
    pub async fn begin_session(&self, conn: &mut Conn, user: Uuid) -> Result<VisitorToken, Error> {
        let new = NewSession { user, address: &self.address, user_agent: &self.user_agent };
        start_session(conn, new, self.limits, self.now).await
    }
}

pub async fn sign_out(
    context: RequestContext,
    cookies: web::Data<Cookies>,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    if let Some(token) = cookies.token(&context.req) {
        let mut conn = context.conn().await?;
        end_session(&mut conn, &token).await?;
        let event = Event {
            kind: "session.ended",
            subject_id: context.actor.id,
            subject_name: &context.actor.username,
            changes: Changes::none(),
        };
        audit::record(&conn, &context.actor, context.now(), event).await?;
    }
    let anonymous = VisitorToken::random();
    let mut response = see_other_as(**cookies, &anonymous, "/sign-in", Some(Flash::done("You are signed out")));
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

//! Following a link and setting a password. Nobody is signed in here: the link is what proves who it is.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::queries::{self, DeadLink, Invited};
use super::token::InvitationToken;
use crate::access::{Actor, SignInGuard, check_new_password};
use crate::web::{Error, Errors, Flash, Form, Layout, SaveError, TextField, page, see_other};

/// Asks for the link, which the script takes from the address.
#[derive(Template)]
#[template(path = "people/set_password.html")]
struct AskPage {
    layout: Layout,
    errors: Errors,
}

impl AskPage {
    fn link_field(&self) -> TextField {
        TextField::new("link", "Your link", "")
            .hint("Paste the whole link that you were given, or the part behind its # sign.")
            .errors(&self.errors)
    }
}

/// Asks for the new password.
#[derive(Template)]
#[template(path = "people/new_password.html")]
struct PasswordPage {
    layout: Layout,
    invited: Invited,
    secret: String,
    errors: Errors,
}

impl PasswordPage {
    fn password_field(&self) -> TextField {
        TextField::secret("password", "New password")
            .hint("At least 12 characters. Several words make a good one.")
            .errors(&self.errors)
    }
}

pub async fn ask(layout: Layout) -> Result<HttpResponse, Error> {
    let errors = Errors::default();
    page(StatusCode::OK, &AskPage { layout, errors })
}

/// Reads the link and asks for the password, in an answer that is kept nowhere.
pub async fn open(layout: Layout, guard: web::Data<SignInGuard>, Form(data): Form) -> Result<HttpResponse, Error> {
    let typed = data.text("link");
    if typed.trim().is_empty() {
        return refuse(layout, "Paste the link that you were given".into());
    }
    let Some(token) = InvitationToken::parse(&typed) else {
        return refuse(layout, DeadLink::Unknown.to_string());
    };
    let mut conn = guard.db.get().await?;
    match queries::invited(&mut conn, &token, guard.clock.now()).await? {
        Ok(invited) => {
            page(StatusCode::OK, &PasswordPage { layout, invited, secret: token.secret(), errors: Errors::default() })
        }
        Err(dead) => refuse(layout, dead.to_string()),
    }
}

/// Sets the password. The connection is given back while it is hashed.
pub async fn take(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let Some(token) = InvitationToken::parse(&data.text("link")) else {
        return refuse(layout, DeadLink::Unknown.to_string());
    };
    let now = guard.clock.now();
    let found = queries::invited(&mut *guard.db.get().await?, &token, now).await?;
    let invited = match found {
        Ok(invited) => invited,
        Err(dead) => return refuse(layout, dead.to_string()),
    };
    let password = data.get("password").unwrap_or_default().to_string();
    let mut errors = Errors::default();
    let checked = check_new_password(&password, &invited.username, &invited.name);
    if errors.keep("password", checked).is_none() {
        return page(
            StatusCode::UNPROCESSABLE_ENTITY,
            &PasswordPage { layout, invited, secret: token.secret(), errors },
        );
    }
    let hash = guard.hasher.hash(password).await?;
    let by = Actor::arriving(&req, Some(invited.id), &invited.username, &invited.name);
    let mut conn = guard.db.get().await?;
    match queries::spend(&mut conn, &by, now, &token, &hash).await {
        Ok(()) => {
            let outcome = Flash::done("Your password is set. Sign in with it");
            Ok(see_other(&req, "/sign-in", Some(outcome)))
        }
        Err(SaveError::Fault(fault)) => Err(fault),
        // Somebody else was quicker with the same link, or it was withdrawn at this moment.
        Err(_) => refuse(layout, DeadLink::Used.to_string()),
    }
}

fn refuse(layout: Layout, why: String) -> Result<HttpResponse, Error> {
    let mut errors = Errors::default();
    errors.add("link", why);
    page(StatusCode::UNPROCESSABLE_ENTITY, &AskPage { layout, errors })
}

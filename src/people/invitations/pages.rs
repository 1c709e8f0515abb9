//! Making a link, the page that shows it once, and following it to set a password. Nobody is signed in on the last:
//! the link proves who it is.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::InvitationToken;
use super::queries::{self, DeadLink, Invitation, Invited};
use crate::access::{Actor, RequestContext, SignInGuard, check_new_password};
use crate::audit::Change;
use crate::people::refusal::{ChangeError, Refusal};
use crate::people::users::{self, User, guard};
use crate::web::{Confirmation, Error, Errors, Flash, FormData, Layout, SaveError, Segment, page, see_other};

/// The page with the link.
#[derive(Template)]
#[template(path = "people/link.html")]
pub(in crate::people) struct Shown {
    layout: Layout,
    id: Uuid,
    name: String,
    link: String,
    expires_at: DateTime<Utc>,
    /// What was done, without a full stop.
    outcome: String,
}

impl Shown {
    pub fn new(context: RequestContext, id: Uuid, name: String, invitation: &Invitation, outcome: String) -> Shown {
        Shown {
            link: invitation.token.link(&context.address),
            expires_at: invitation.expires_at,
            layout: context.layout,
            id,
            name,
            outcome,
        }
    }

    pub fn respond(&self) -> Result<HttpResponse, Error> {
        page(StatusCode::OK, self)
    }
}

pub async fn confirm(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = users::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    let refusal = if user.is(&context.actor) {
        Some(Refusal::OwnPassword)
    } else if !user.facts.active {
        Some(Refusal::NoLink)
    } else {
        users::last_of_super_admins(&mut conn, &user).await?
    };
    let question = match refusal {
        Some(refusal) => refusal.put_into(question(&user), user.name()),
        None => question(&user),
    };
    question.respond(context.layout, StatusCode::OK)
}

pub async fn create(context: RequestContext, Segment(id): Segment, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = users::find(&mut conn, &id).await?;
    match queries::replace_password(&mut Change::new(&mut conn, &context), user.id()).await {
        Ok(invitation) => {
            let (id, name) = (user.id(), user.facts.name);
            Shown::new(context, id, name, &invitation, "The link was made".into()).respond()
        }
        Err(ChangeError::Refused(refusal)) => {
            refusal.put_into(question(&user), user.name()).respond(context.layout, StatusCode::CONFLICT)
        }
        Err(ChangeError::Fault(fault)) => Err(fault),
    }
}

fn question(user: &User) -> Confirmation {
    let name = user.name();
    let first = if user.facts.has_password {
        format!("The password of {name} stops working now, and all sessions end. With the link {name} sets a new one.")
    } else {
        format!("With the link {name} sets a password. A link that was made before stops working.")
    };
    Confirmation {
        question: format!("Make a new set-password link for “{name}”?"),
        sentences: vec![
            first.into(),
            "It is shown to you once, works once, and for three days. Give it to the person in a way that nobody else can read.".into(),
        ],
        action: format!("{}/invitations", user.address()),
        button: "Make a set-password link".into(),
        harmless: !user.facts.has_password,
        ..user.confirmation("Set-password link")
    }
}

/// Asks for the link, which the script takes from the address.
#[derive(Template)]
#[template(path = "people/set_password.html")]
struct AskPage {
    layout: Layout,
    errors: Errors,
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

pub async fn ask(layout: Layout) -> Result<HttpResponse, Error> {
    page(StatusCode::OK, &AskPage { layout, errors: Errors::default() })
}

/// Reads the link and asks for the password, in an answer that no cache keeps.
pub async fn open(layout: Layout, guard: web::Data<SignInGuard>, data: FormData) -> Result<HttpResponse, Error> {
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
    data: FormData,
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
    match queries::spend(&mut Change { conn: &mut conn, by: &by, now }, &token, &hash).await {
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

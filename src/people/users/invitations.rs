//! Inviting a user to set a password, or another one: the question before, and the page that shows the link once.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::changes::{ask_first, load};
use super::model::{User, guard};
use super::queries as users;
use crate::access::RequestContext;
use crate::accounts::{self, Invitation};
use crate::audit::{Change, Changes, transaction};
use crate::people::refusal::{ChangeError, Refusal};
use crate::web::{Confirmation, Error, FormData, Layout, Segment, page};

/// The page with the link.
#[derive(Template)]
#[template(path = "people/link.html")]
pub(super) struct Shown {
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

pub async fn confirm(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let refusal = if user.is(&context.actor) {
        Some(Refusal::OwnPassword)
    } else if !user.active {
        Some(Refusal::NoLink)
    } else {
        users::last_of_super_admins(&mut conn, &user).await?
    };
    ask_first(context, &user, question(&user), refusal)
}

pub async fn create(context: RequestContext, Segment(id): Segment<Uuid>, _: FormData) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    match replace_password(&mut Change::new(&mut conn, &context), user.id).await {
        Ok(invitation) => {
            let (id, name) = (user.id, user.name);
            Shown::new(context, id, name, &invitation, "The link was made".into()).respond()
        }
        Err(ChangeError::Refused(refusal)) => {
            refusal.put_into(question(&user), &user.name).respond(context.layout, StatusCode::CONFLICT)
        }
        Err(ChangeError::Fault(fault)) => Err(fault),
    }
}

fn question(user: &User) -> Confirmation {
    let name = &user.name;
    let first = if user.has_password {
        format!("The password of {name} stops working now, and all sessions end. With the link {name} sets a new one.")
    } else {
        format!("With the link {name} sets a password. A link that was made before stops working.")
    };
    Confirmation {
        question: format!("Make a new set-password link for “{name}”?"),
        sentences: vec![
            first.into(),
            "It is shown to you once, works once, and for three days. Give it to the person confidentially.".into(),
        ],
        action: format!("{}/invitations", user.address()),
        button: "Make a set-password link".into(),
        harmless: !user.has_password,
        ..user.confirmation("Set-password link")
    }
}

/// Removes a user's password and sessions, and makes the invitation by which the user sets a new one.
async fn replace_password(change: &mut Change<'_>, id: Uuid) -> Result<Invitation, ChangeError> {
    transaction(change, async |change| {
        let user = users::lock(change.conn, id).await?;
        guard(change.by, &user)?;
        if user.is(change.by) {
            return Err(Refusal::OwnPassword.into());
        }
        if !user.active {
            return Err(Refusal::NoLink.into());
        }
        let ended = accounts::replace_password(change, id, None).await?;
        if user.has_password {
            let changes = Changes::none().secret("Password", "removed").field("Sessions", ended.to_string(), "0");
            change.record("user.password_removed", id, &user.username, changes).await?;
        }
        Ok(accounts::make_invitation(change, id, &user.username).await?)
    })
    .await
}

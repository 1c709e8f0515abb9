//! Making a link for somebody, and the page that shows it once.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::queries::{self, Invitation};
use crate::access::RequestContext;
use crate::people::confirm::Confirm;
use crate::people::refusal::{ChangeError, Refusal};
use crate::people::users::{self, User, guard};
use crate::web::{Error, Form, Layout, Segment, page};

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
    Confirm { refusal, ..question(context, &user) }.ask()
}

pub async fn create(context: RequestContext, Segment(id): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = users::find(&mut conn, &id).await?;
    match queries::replace_password(&mut conn, &context.actor, context.now(), user.id()).await {
        Ok(invitation) => {
            let (id, name) = (user.id(), user.facts.name);
            Shown::new(context, id, name, &invitation, "The link was made".into()).respond()
        }
        Err(ChangeError::Refused(refusal)) => question(context, &user).refuse(refusal),
        Err(ChangeError::Fault(fault)) => Err(fault),
    }
}

fn question(context: RequestContext, user: &User) -> Confirm {
    let name = user.name();
    let first = if user.facts.has_password {
        format!("The password of {name} stops working now, and all sessions end. With the link {name} sets a new one.")
    } else {
        format!("With the link {name} sets a password. A link that was made before stops working.")
    };
    Confirm {
        layout: context.layout,
        list: ("/users", "Users"),
        back: user.address(),
        subject: name.to_string(),
        step: "Set-password link",
        question: format!("Make a new set-password link for “{name}”?"),
        consequences: vec![
            first,
            "It is shown to you once, works once, and for three days. Give it to the person in a way that nobody else can read.".into(),
        ],
        action: format!("{}/invitations", user.address()),
        fields: Vec::new(),
        button: "Make a set-password link".into(),
        destroys: user.facts.has_password,
        refusal: None,
    }
}

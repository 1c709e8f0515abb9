//! Switching a user off and on, and ending a user's sessions.

use actix_web::HttpResponse;

use super::model::{User, guard};
use super::queries;
use crate::access::RequestContext;
use crate::people::confirm::{Confirm, answer};
use crate::people::refusal::{ChangeError, Refusal};
use crate::web::{Error, Form, Segment, plural};

pub async fn confirm_deactivation(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    let sessions = queries::sessions_of(&mut conn, user.id(), context.now()).await?;
    let refusal = if user.is(&context.actor) {
        Some(Refusal::Yourself)
    } else {
        queries::last_of_super_admins(&mut conn, &user).await?
    };
    Confirm { refusal, ..deactivation(context, &user, sessions.0) }.ask()
}

pub async fn deactivate(context: RequestContext, Segment(id): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let (by, now) = (&context.actor, context.now());
    let changed = queries::set_active(&mut conn, by, now, user.id(), false).await;
    let done = (&*user.address(), "The user was deactivated");
    answer(context, changed, done, |context| deactivation(context, &user, 0))
}

fn deactivation(context: RequestContext, user: &User, sessions: i64) -> Confirm {
    let sessions = match sessions {
        0 => "No session is open.".into(),
        _ => format!("{} at once.", plural(sessions, "session ends", "sessions end")),
    };
    Confirm {
        layout: context.layout,
        list: ("/users", "Users"),
        back: user.address(),
        subject: user.name().to_string(),
        step: "Deactivate",
        question: format!("Deactivate “{}”?", user.name()),
        consequences: vec![
            format!("{} cannot sign in any more. {sessions} Links to set a password stop working.", user.name()),
            "Permissions and groups are kept, for when the user is reactivated.".into(),
        ],
        action: format!("{}/deactivations", user.address()),
        fields: Vec::new(),
        button: format!("Deactivate “{}”", user.name()),
        destroys: true,
        refusal: None,
    }
}

/// Needs no question: it is undone as easily.
pub async fn reactivate(context: RequestContext, Segment(id): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let (by, now) = (&context.actor, context.now());
    let changed = queries::set_active(&mut conn, by, now, user.id(), true).await;
    answer_on_page(&context, changed, &user, "The user was reactivated")
}

pub async fn confirm_sign_out(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    let (number, _) = queries::sessions_of(&mut conn, user.id(), context.now()).await?;
    Confirm {
        layout: context.layout,
        list: ("/users", "Users"),
        back: user.address(),
        subject: user.name().to_string(),
        step: "End sessions",
        question: format!("End all sessions of “{}”?", user.name()),
        consequences: vec![
            format!(
                "{} at once. What is typed into an open form there and not saved is lost.",
                plural(number, "session ends", "sessions end")
            ),
            "The password stays as it is: the user can sign in again. To keep somebody out, deactivate the user or make a new link to set a password.".into(),
        ],
        action: format!("{}/sign-outs", user.address()),
        fields: Vec::new(),
        button: format!("End all sessions of “{}”", user.name()),
        destroys: true,
        refusal: None,
    }
    .ask()
}

pub async fn sign_out(context: RequestContext, Segment(id): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let (by, now) = (&context.actor, context.now());
    let changed = queries::sign_out(&mut conn, by, now, user.id()).await;
    answer_on_page(&context, changed, &user, "All sessions of the user were ended")
}

/// Answers a change that needs no question: with its outcome on the user's page, or with why it cannot be done.
fn answer_on_page(
    context: &RequestContext,
    changed: Result<(), ChangeError>,
    user: &User,
    outcome: &str,
) -> Result<HttpResponse, Error> {
    match changed {
        Ok(()) => Ok(context.see_other(&user.address(), outcome)),
        Err(ChangeError::Refused(refusal)) => Ok(context.see_other_undone(&user.address(), refusal.to_string())),
        Err(ChangeError::Fault(fault)) => Err(fault),
    }
}

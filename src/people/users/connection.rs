//! Taking a user's connection with the sign-in provider away.

use actix_web::HttpResponse;

use super::model::{User, guard};
use super::queries;
use crate::access::RequestContext;
use crate::people::confirm::{Confirm, answer};
use crate::people::refusal::Refusal;
use crate::web::{Error, Form, Segment};

pub async fn confirm_disconnection(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let user = queries::find(&mut *context.conn().await?, &id).await?;
    guard(&context.actor, &user)?;
    let refusal = user.is(&context.actor).then_some(Refusal::Yourself);
    Confirm { refusal, ..question(context, &user) }.ask()
}

pub async fn disconnect(context: RequestContext, Segment(id): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let (by, now) = (&context.actor, context.now());
    let changed = queries::disconnect(&mut conn, by, now, user.id()).await;
    let outcome = "The user is not connected with the sign-in provider any more";
    let done = (&*user.address(), outcome);
    answer(context, changed, done, |context| question(context, &user))
}

fn question(context: RequestContext, user: &User) -> Confirm {
    let name = user.name();
    let then = if user.facts.has_password {
        format!("{name} signs in with the password from now on.")
    } else {
        format!(
            "{name} has no password, and cannot sign in until you make a set-password link. With a password, {name} can connect the account again."
        )
    };
    Confirm {
        layout: context.layout,
        list: ("/users", "Users"),
        back: user.address(),
        subject: name.to_string(),
        step: "Disconnect",
        question: format!("Disconnect “{name}” from the sign-in provider?"),
        consequences: vec![
            "Whoever is this person there does not come into this account any more. All sessions end.".into(),
            then,
        ],
        action: format!("{}/disconnections", user.address()),
        fields: Vec::new(),
        button: format!("Disconnect “{name}”"),
        destroys: true,
        refusal: None,
    }
}

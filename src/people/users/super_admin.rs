//! Who is a super admin: on a page of its own, for super admins only.

use actix_web::HttpResponse;

use super::model::User;
use super::queries;
use crate::access::RequestContext;
use crate::people::confirm::{Confirm, answer};
use crate::people::refusal::Refusal;
use crate::web::{Error, Form, Segment};

pub async fn confirm_super_admin(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let makes = !user.facts.super_admin;
    let refusal = if makes && !user.facts.active {
        Some(Refusal::Deactivated)
    } else {
        queries::last_of_super_admins(&mut conn, &user).await?
    };
    Confirm { refusal, ..question(context, &user, makes) }.ask()
}

/// Says in the form what is wanted, so that two who press at once do not undo each other.
pub async fn set_super_admin(
    context: RequestContext,
    Segment(id): Segment,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let makes = match data.get("super_admin") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err(Error::BadRequest("The form does not say what is wanted.")),
    };
    let (by, now) = (&context.actor, context.now());
    let outcome = if makes { "The user is a super admin now" } else { "The user is no super admin any more" };
    let changed = queries::set_super_admin(&mut conn, by, now, user.id(), makes).await;
    // Who was a super admin and nothing else may see no page about people from now on.
    let to = if user.is(by) { "/".into() } else { user.address() };
    answer(context, changed, (&to, outcome), |context| question(context, &user, makes))
}

fn question(context: RequestContext, user: &User, makes: bool) -> Confirm {
    let name = user.name();
    let (question, consequences, button) = if makes {
        (
            format!("Make “{name}” a super admin?"),
            vec![
                "A super admin passes every check: may do everything with every data connector, every user and every group, and make other super admins.".into(),
                "Links to set a password that others have made for this user stop working.".into(),
            ],
            format!("Make “{name}” a super admin"),
        )
    } else {
        (
            format!("Take the rights of a super admin from “{name}”?"),
            vec![format!(
                "{} What remains are the user’s own permissions and those of the user’s groups.",
                if user.is(&context.actor) {
                    "This is your own account: only another super admin can give these rights back to you."
                } else {
                    "It counts on the user’s next request."
                }
            )],
            format!("Take super admin from “{name}”"),
        )
    };
    Confirm {
        layout: context.layout,
        list: ("/users", "Users"),
        back: user.address(),
        subject: name.to_string(),
        step: "Super admin",
        question,
        consequences,
        action: format!("{}/super-admin", user.address()),
        fields: vec![("super_admin", if makes { "yes" } else { "no" }.into())],
        button,
        destroys: true,
        refusal: None,
    }
}

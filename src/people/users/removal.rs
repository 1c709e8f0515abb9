//! Deleting a user.

use actix_web::HttpResponse;

use super::model::{User, guard};
use super::queries;
use crate::access::Visit;
use crate::people::confirm::{Confirm, answer};
use crate::people::groups;
use crate::people::refusal::Refusal;
use crate::web::{Error, Form, Segment, plural};

pub async fn confirm_delete(visit: Visit, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&visit.actor, &user)?;
    let (id, now) = (user.id(), visit.now());
    let groups = groups::joined(&mut conn, id).await?.len();
    let (sessions, _) = queries::sessions_of(&mut conn, id, now).await?;
    let keys = queries::api_keys_of(&mut conn, id, now).await?;
    let goes = format!(
        "With the user go: {}, {}, {}, and the user’s own permissions.",
        plural(
            i64::try_from(groups).unwrap_or(i64::MAX),
            "membership in a group",
            "memberships in groups"
        ),
        plural(sessions, "session", "sessions"),
        plural(keys, "API key", "API keys"),
    );
    let refusal = if user.is(&visit.actor) {
        Some(Refusal::Yourself)
    } else {
        queries::last_of_super_admins(&mut conn, &user).await?
    };
    Confirm {
        refusal,
        ..question(visit, &user, goes)
    }
    .ask()
}

pub async fn delete(
    visit: Visit,
    Segment(id): Segment,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let (by, now) = (&visit.actor, visit.now());
    let changed = queries::delete(&mut conn, by, now, user.id()).await;
    let done = ("/users", "The user was deleted");
    answer(visit, changed, done, |visit| {
        question(visit, &user, String::new())
    })
}

fn question(visit: Visit, user: &User, goes: String) -> Confirm {
    Confirm {
        shell: visit.shell,
        list: ("/users", "Users"),
        back: user.address(),
        subject: user.name().to_string(),
        step: "Delete",
        question: format!("Are you sure you want to delete “{}”?", user.name()),
        consequences: vec![
            format!("This cannot be undone. {goes}"),
            "The name stays in the audit log, and beside what the user has created or changed."
                .into(),
            "To only keep somebody out, deactivate the user instead.".into(),
        ],
        action: format!("{}/delete", user.address()),
        fields: Vec::new(),
        button: format!("Delete “{}”", user.name()),
        destroys: true,
        refusal: None,
    }
}

//! Deleting a user.

use actix_web::HttpResponse;

use super::model::{User, guard};
use super::queries;
use crate::access::RequestContext;
use crate::people::confirm::{Confirm, answer};
use crate::people::groups::{self, Member};
use crate::people::listings::listings;
use crate::people::refusal::Refusal;
use crate::web::{Error, Form, Segment, plural};

pub async fn confirm_delete(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    guard(&context.actor, &user)?;
    let (id, now) = (user.id(), context.now());
    let groups = groups::joined(&mut conn, id).await?.len();
    let (sessions, _) = queries::sessions_of(&mut conn, id, now).await?;
    let keys = queries::api_keys_of(&mut conn, id, now).await?;
    let listing = listings(&mut conn, &context.actor, Member::User(id)).await?;
    let listed = listing.words("the user").map(|words| format!("{words}. That goes, too."));
    let goes = format!(
        "With the user go: {}, {}, {}, and the user’s own permissions.",
        plural(i64::try_from(groups).unwrap_or(i64::MAX), "membership in a group", "memberships in groups"),
        plural(sessions, "session", "sessions"),
        plural(keys, "API key", "API keys"),
    );
    let refusal = if user.is(&context.actor) {
        Some(Refusal::Yourself)
    } else {
        queries::last_of_super_admins(&mut conn, &user).await?
    };
    Confirm { refusal, ..question(context, &user, goes, listed) }.ask()
}

pub async fn delete(context: RequestContext, Segment(id): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, &id).await?;
    let (by, now) = (&context.actor, context.now());
    let changed = queries::delete(&mut conn, by, now, user.id()).await;
    let done = ("/users", "The user was deleted");
    answer(context, changed, done, |context| question(context, &user, String::new(), None))
}

/// What the page says of every user.
const STAYS: [&str; 2] = [
    "The name stays in the audit log, and beside what the user has created or changed.",
    "To only keep somebody out, deactivate the user instead.",
];

fn question(context: RequestContext, user: &User, goes: String, listed: Option<String>) -> Confirm {
    Confirm {
        layout: context.layout,
        list: ("/users", "Users"),
        back: user.address(),
        subject: user.name().to_string(),
        step: "Delete",
        question: format!("Are you sure you want to delete “{}”?", user.name()),
        consequences: std::iter::once(format!("This cannot be undone. {goes}"))
            .chain(listed)
            .chain(STAYS.map(String::from))
            .collect(),
        action: format!("{}/delete", user.address()),
        fields: Vec::new(),
        button: format!("Delete “{}”", user.name()),
        destroys: true,
        refusal: None,
    }
}

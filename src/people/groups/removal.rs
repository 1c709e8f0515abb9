//! Deleting a group.

use actix_web::HttpResponse;

use super::{Member, queries};
use crate::access::RequestContext;
use crate::people::confirm::Confirm;
use crate::people::listings::listings;
use crate::web::{Error, Form, SaveError, Segment, plural};

pub async fn confirm_delete(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, &id).await?;
    let listing = listings(&mut conn, &context.actor, Member::Group(group.id())).await?;
    drop(conn);
    let name = group.name();
    let listed = listing
        .words("it")
        .map(|words| format!("{words}. Whoever may use them only through this group may not any more."));
    let loses = if group.permissions.is_empty() {
        "It gives no permission itself.".to_string()
    } else {
        format!("They lose what only this group gives them: {}.", group.permissions.labels())
    };
    Confirm {
        layout: context.layout,
        list: ("/groups", "Groups"),
        back: group.address(),
        subject: name.to_string(),
        step: "Delete",
        question: format!("Are you sure you want to delete “{name}”?"),
        consequences: [format!(
            "This cannot be undone. It has {} and {}, who stay. {loses}",
            plural(group.users, "user", "users"),
            plural(group.groups, "group", "groups")
        )]
        .into_iter()
        .chain(listed)
        .chain(["It counts on the next request of each member. The audit log keeps the group’s name, permissions and members.".to_string()])
        .collect(),
        action: format!("{}/delete", group.address()),
        fields: Vec::new(),
        button: format!("Delete “{name}”"),
        destroys: true,
        refusal: None,
    }
    .ask()
}

pub async fn delete(context: RequestContext, Segment(id): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, &id).await?;
    match queries::delete(&mut conn, &context.actor, context.now(), group.id()).await {
        Ok(()) => Ok(context.see_other("/groups", "The group was deleted")),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(refusal) => Err(Error::internal(anyhow::anyhow!("a group cannot be deleted: {refusal:?}"))),
    }
}

//! The list of groups, creating one, its Details tab, and deleting it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::model::{Group, Member};
use super::queries;
use crate::access::{Permission, RequestContext};
use crate::accounts::SignInProvider;
use crate::audit::Change;
use crate::db::Conn;
use crate::people::ancestors::{Ancestor, InheritedRights, above};
use crate::people::forms::{GroupForm, coupling_words};
use crate::people::listings::listings;
use crate::web::form::Form;
use crate::web::{
    Confirmation, ConflictPage, Error, FormData, LastSave, Layout, ListQuery, Pages, SaveError, Segment, page, plural,
};

#[derive(Template)]
#[template(path = "people/groups.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<Group>,
    rows: Vec<Group>,
    pages: Pages,
}

impl ListPage {
    fn chips(&self) -> Vec<(String, String)> {
        self.query.chips("Name has", [])
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/groups", context.req.query_string(), &[]);
    let (rows, pages) = queries::list(&*context.conn().await?, &query).await?;
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages })
}

/// Says what the claim value is for; nothing where the sign-in provider names no groups, and the value is not asked for.
fn claim_hint(provider: &SignInProvider) -> Option<String> {
    let (claim, name) = (provider.groups_claim()?, provider.name().unwrap_or_default());
    Some(format!(
        "People who sign in with {name} and have this value in the claim “{claim}” are members until a later sign-in says otherwise. Leave empty to choose members here only."
    ))
}

#[derive(Template)]
#[template(path = "people/group_new.html")]
struct NewPage {
    layout: Layout,
    form: Form<GroupForm>,
    claim_hint: Option<String>,
}

fn new_page(context: RequestContext, form: Form<GroupForm>, claim_hint: Option<String>) -> Result<HttpResponse, Error> {
    page(form.errors.status(), &NewPage { layout: context.layout, form, claim_hint })
}

pub async fn new(context: RequestContext, provider: web::Data<SignInProvider>) -> Result<HttpResponse, Error> {
    new_page(context, Form::new(GroupForm::default()), claim_hint(&provider))
}

pub async fn create(
    context: RequestContext,
    provider: web::Data<SignInProvider>,
    mut form: Form<GroupForm>,
) -> Result<HttpResponse, Error> {
    let hint = claim_hint(&provider);
    if let Some(new) = form.check(|form, errors| form.checked(hint.is_some(), errors)) {
        let (mut conn, id) = (context.conn().await?, form.new_id.0);
        let moved = match queries::save(&mut Change::new(&mut conn, &context), (id, None), &new).await {
            Ok(coupled) => Some(coupling_words(&coupled)),
            // The second press of the same form finds what the first has made.
            Err(SaveError::Repeated) => Some(String::new()),
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => None,
        };
        if let Some(moved) = moved {
            let outcome = format!("The group was created{moved}. Now say who is in it");
            return Ok(context.see_other(&format!("/groups/{id}/members"), outcome));
        }
        form.errors.name_taken("group_name", "group", new.name.as_str());
    }
    new_page(context, form, hint)
}

#[derive(Template)]
#[template(path = "people/group.html")]
struct GroupPage {
    layout: Layout,
    form: Form<GroupForm>,
    claim_hint: Option<String>,
    group: Group,
    /// The groups that this one is in.
    above: Vec<Ancestor>,
    inherited: InheritedRights,
    /// The reader may look into the audit log for what was changed here.
    may_audit: bool,
}

async fn group_page(
    context: RequestContext,
    conn: &mut Conn,
    group: Group,
    form: Form<GroupForm>,
    claim_hint: Option<String>,
) -> Result<HttpResponse, Error> {
    let above = above(conn, Member::Group(group.id)).await?;
    let (inherited, may_audit) = (InheritedRights::of(&above), context.may(Permission::ViewAuditLog));
    let status = form.errors.status();
    page(status, &GroupPage { layout: context.layout, form, claim_hint, group, above, inherited, may_audit })
}

pub async fn edit(
    context: RequestContext,
    provider: web::Data<SignInProvider>,
    Segment(id): Segment<Uuid>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    let form = Form::new(GroupForm::of(&group));
    group_page(context, &mut conn, group, form, claim_hint(&provider)).await
}

pub async fn update(
    context: RequestContext,
    provider: web::Data<SignInProvider>,
    Segment(id): Segment<Uuid>,
    mut form: Form<GroupForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    let hint = claim_hint(&provider);
    let Some(seen) = form.seen_version(group.version) else {
        return conflict(context.layout, &group, &form, hint.is_some());
    };
    if let Some(new) = form.check(|form, errors| form.checked(hint.is_some(), errors)) {
        match queries::save(&mut Change::new(&mut conn, &context), (id, Some(seen)), &new).await {
            Ok(coupled) => {
                let outcome = format!("The group was saved{}", coupling_words(&coupled));
                return Ok(context.see_other(&group.address(), outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::Stale) => {
                let theirs = queries::find(&mut conn, id).await?;
                return conflict(context.layout, &theirs, &form, hint.is_some());
            }
            Err(_) => form.errors.name_taken("group_name", "group", new.name.as_str()),
        }
    }
    group_page(context, &mut conn, group, form, hint).await
}

fn conflict(layout: Layout, theirs: &Group, mine: &Form<GroupForm>, has_claim: bool) -> Result<HttpResponse, Error> {
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    let page = ConflictPage::new(layout, &theirs.name, &theirs.address(), saved)
        .fields(mine.data.carried())
        .difference("Name", &theirs.name, mine.group_name.trim())
        .difference("Description", &theirs.description, mine.description.trim())
        .difference("Permissions", theirs.permissions.labels(), mine.ticked().labels());
    match has_claim {
        true => page.difference("Claim value", &theirs.claim_value, mine.claim_value.trim()),
        false => page,
    }
    .respond()
}

pub async fn confirm_delete(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    let listing = listings(&mut conn, &context.actor, Member::Group(group.id)).await?;
    drop(conn);
    let name = &group.name;
    let loses = match group.permissions.is_empty() {
        true => "It gives no permission itself.".to_string(),
        false => format!("They lose what only this group gives them: {}.", group.permissions.labels()),
    };
    let first = format!(
        "This cannot be undone. It has {} and {}, who stay. {loses}",
        plural(group.users, "user", "users"),
        plural(group.groups, "group", "groups")
    );
    let listed = listing
        .words("it")
        .map(|words| format!("{words}. People who may use them only through this group may not any more."));
    let owned = listing.owned_words("it");
    let last =
        "It counts on the next request of each member. The audit log keeps the group’s name, permissions and members.";
    Confirmation {
        question: format!("Are you sure you want to delete “{name}”?"),
        sentences: std::iter::once(first).chain(listed).chain(owned).chain([last.into()]).map(Into::into).collect(),
        action: format!("{}/delete", group.address()),
        button: format!("Delete “{name}”"),
        ..group.confirmation("Delete")
    }
    .respond(context.layout, StatusCode::OK)
}

pub async fn delete(context: RequestContext, Segment(id): Segment<Uuid>, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, id).await?;
    queries::delete(&mut Change::new(&mut conn, &context), group.id).await?;
    Ok(context.see_other("/groups", "The group was deleted"))
}

//! Creating a group, and its Details tab.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::GroupForm;
use super::model::Group;
use super::queries;
use crate::access::{Permission, RequestContext};
use crate::accounts::SignInProvider;
use crate::db::Conn;
use crate::people::lineage::{Ancestor, Start, above};
use crate::people::permissions::{InheritedRights, coupling_words};
use crate::web::{ConflictPage, Error, Form, FormData, LastSave, Layout, SaveError, Segment, page};

#[derive(Template)]
#[template(path = "people/group_new.html")]
struct NewPage {
    layout: Layout,
    form: GroupForm,
}

pub async fn new(context: RequestContext, provider: web::Data<SignInProvider>) -> Result<HttpResponse, Error> {
    let form = GroupForm::empty(&provider);
    page(StatusCode::OK, &NewPage { layout: context.layout, form })
}

pub async fn create(
    context: RequestContext,
    provider: web::Data<SignInProvider>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let mut form = GroupForm::read(&data, &provider);
    if let Some(checked) = form.check() {
        let mut conn = context.conn().await?;
        let members = format!("/groups/{}/members", form.new_id);
        match queries::create(&mut conn, &context.actor, context.now(), form.new_id, &checked).await {
            Ok(coupled) => {
                let outcome = format!("The group was created{}. Now say who is in it", coupling_words(&coupled));
                return Ok(context.see_other(&members, outcome));
            }
            // The second press of the same form finds what the first has made.
            Err(SaveError::Repeated) => {
                return Ok(context.see_other(&members, "The group was created. Now say who is in it"));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(_) => form.name_taken(),
        }
    }
    page(StatusCode::UNPROCESSABLE_ENTITY, &NewPage { layout: context.layout, form })
}

#[derive(Template)]
#[template(path = "people/group.html")]
struct GroupPage {
    layout: Layout,
    form: GroupForm,
    group: Group,
    /// The groups that this one is in.
    above: Vec<Ancestor>,
    inherited: InheritedRights,
    /// The audit log may be looked into for what was changed here.
    may_audit: bool,
}

impl GroupPage {
    async fn new(context: RequestContext, conn: &mut Conn, group: Group, form: GroupForm) -> Result<GroupPage, Error> {
        let above = above(conn, Start::Group(group.id())).await?;
        Ok(GroupPage {
            inherited: InheritedRights::of(&above),
            above,
            may_audit: context.may(Permission::ViewAuditLog),
            layout: context.layout,
            form,
            group,
        })
    }
}

pub async fn edit(
    context: RequestContext,
    provider: web::Data<SignInProvider>,
    Segment(id): Segment,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, &id).await?;
    let form = GroupForm::of(&group, &provider);
    let group_page = GroupPage::new(context, &mut conn, group, form).await?;
    page(StatusCode::OK, &group_page)
}

pub async fn update(
    context: RequestContext,
    provider: web::Data<SignInProvider>,
    Segment(id): Segment,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let group = queries::find(&mut conn, &id).await?;
    let mut form = GroupForm::read(&data, &provider);
    let Some(seen) = data.seen_version(group.facts.version) else {
        return conflict(context.layout, group, &data, &form);
    };
    if let Some(checked) = form.check() {
        let (by, now, seen) = (&context.actor, context.now(), (group.id(), seen));
        match queries::update(&mut conn, by, now, seen, &checked).await {
            Ok(coupled) => {
                let outcome = format!("The group was saved{}", coupling_words(&coupled));
                return Ok(context.see_other(&group.address(), outcome));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::Stale) => {
                let theirs = queries::find(&mut conn, &id).await?;
                return conflict(context.layout, theirs, &data, &form);
            }
            Err(_) => form.name_taken(),
        }
    }
    let group_page = GroupPage::new(context, &mut conn, group, form).await?;
    page(StatusCode::UNPROCESSABLE_ENTITY, &group_page)
}

fn conflict(layout: Layout, theirs: Group, data: &FormData, mine: &GroupForm) -> Result<HttpResponse, Error> {
    let facts = &theirs.facts;
    let saved = LastSave { by: &facts.updated_by, at: Some(facts.updated_at), version: facts.version };
    let page = ConflictPage::new(layout, theirs.name(), &theirs.address(), saved)
        .fields(data.carried())
        .difference("Name", &facts.name, mine.name.trim())
        .difference("Description", &facts.description, &mine.description)
        .difference("Permissions", theirs.permissions.labels(), mine.ticked.labels());
    match mine.claim_field() {
        Some(_) => page.difference("Claim value", &facts.claim_value, &mine.claim_value),
        None => page,
    }
    .respond()
}

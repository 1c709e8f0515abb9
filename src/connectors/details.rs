//! Creating, the Details tab and duplicating.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use futures_util::try_join;

use super::forms::ConnectorForm;
use super::model::{CheckedDetails, enabled_word};
use super::queries::Seen;
use super::{Connector, ConnectorHead, ConnectorId, LegacyGrants, Method, Tab, queries};
use crate::access::{Actor, Permission, RequestContext, Right};
use crate::categories::{self, CategoryChoice, CategoryId};
use crate::db::Conn;
use crate::outbound::HttpUrl;
use crate::web::{ConflictPage, Difference, Error, Form, FormData, Layout, SaveError, Segment, date_time, page};

#[derive(Template)]
#[template(path = "connectors/new.html")]
struct NewPage {
    layout: Layout,
    form: ConnectorForm,
    may_create_category: bool,
}

pub async fn new(context: RequestContext, grants: web::Data<LegacyGrants>) -> Result<HttpResponse, Error> {
    let choices = categories::assignable(&*context.conn().await?, &[]).await?;
    let form = ConnectorForm::empty(choices).offering(**grants);
    new_page(context, form, StatusCode::OK)
}

fn new_page(context: RequestContext, form: ConnectorForm, status: StatusCode) -> Result<HttpResponse, Error> {
    let may_create_category = context.may(Permission::CreateCategories);
    page(status, &NewPage { layout: context.layout, form, may_create_category })
}

pub async fn create(
    context: RequestContext,
    grants: web::Data<LegacyGrants>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let choices = categories::assignable(&conn, &[]).await?;
    let mut form = ConnectorForm::read(&data, choices).offering(**grants);
    if let Some(new) = form.check_new() {
        match queries::create(&mut conn, &context.actor, context.now(), &new).await {
            Ok(key) => return Ok(created(&context, &key, new.method)),
            // The second press of the same form finds what the first has made. An id that was made up finds what its
            // person sees anyway, or nothing.
            Err(SaveError::Repeated) => {
                let key = queries::key_of(&mut conn, context.actor.visibility, new.id).await?;
                return Ok(created(&context, &key, new.method));
            }
            Err(SaveError::Fault(fault)) => return Err(fault),
            Err(SaveError::InUse) => form.errors.add("category", "A category was deleted meanwhile. Choose again."),
            Err(SaveError::NameTaken | SaveError::Stale) => form.name_taken(),
        }
    }
    new_page(context, form, StatusCode::UNPROCESSABLE_ENTITY)
}

fn created(context: &RequestContext, key: &str, method: Method) -> HttpResponse {
    let next = if method == Method::NoAuth {
        format!("/connectors/{key}/endpoints")
    } else {
        format!("/connectors/{key}/authorization")
    };
    context.see_other(&next, "The Data Connector was created")
}

/// The Details tab: a form for whoever may edit, the same facts in words for whoever may not.
#[derive(Template)]
#[template(path = "connectors/details.html")]
struct DetailsPage {
    layout: Layout,
    head: ConnectorHead,
    connector: Connector,
    form: ConnectorForm,
    may_edit: bool,
    may_create: bool,
    may_delete: bool,
}

async fn details_page(
    context: RequestContext,
    connector: Connector,
    form: ConnectorForm,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(&connector, Tab::Details, &context.actor);
    let (may_edit, may_create, may_delete) = (
        connector.rights.contains(Right::Edit),
        context.may(Permission::CreateConnectors) && connector.rights.contains(Right::Edit),
        context.may(Permission::DeleteConnectors) && connector.require_to_delete().is_ok(),
    );
    page(status, &DetailsPage { layout: context.layout, head, connector, form, may_edit, may_create, may_delete })
}

pub async fn edit(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let (connector, chosen, choices) = load(&conn, &context.actor, &key, Right::View).await?;
    let form = ConnectorForm::of(&connector, chosen, choices);
    details_page(context, connector, form, StatusCode::OK).await
}

/// A connector, its categories and those that it can have, asked for in one go. The categories are no older than the
/// connector, because the database answers in this order.
async fn load(
    conn: &Conn,
    by: &Actor,
    key: &str,
    right: Right,
) -> Result<(Connector, Vec<CategoryId>, Vec<CategoryChoice>), Error> {
    try_join!(
        queries::find(conn, by, key, right),
        queries::categories_of(conn, key),
        categories::assignable_to(conn, key),
    )
}

pub async fn update(context: RequestContext, Segment(key): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let (connector, categories, choices) = load(&conn, &context.actor, &key, Right::Edit).await?;
    let mut form = ConnectorForm::read(&data, choices);
    let Some(version) = data.seen_version(connector.version) else {
        return conflict(context.layout, connector, &data, &form);
    };
    let Some(checked) = form.check_details(&connector) else {
        return details_page(context, connector, form, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    drop(conn);
    let seen = Seen { connector: &connector, categories: &categories, version };
    store(context, &seen, form, &checked, &data).await
}

async fn store(
    context: RequestContext,
    seen: &Seen<'_>,
    mut form: ConnectorForm,
    checked: &CheckedDetails,
    data: &FormData,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = seen.connector;
    match queries::update(&mut conn, &context.actor, context.now(), seen, checked).await {
        Ok(()) => {
            let address = format!("/connectors/{}", connector.key);
            let words = saved_words(&mut conn, connector.id, checked).await?;
            return Ok(context.see_other(&address, words));
        }
        Err(SaveError::Fault(fault)) => return Err(fault),
        Err(SaveError::Stale) => {
            let theirs = queries::find(&conn, &context.actor, &connector.key, Right::Edit).await?;
            return conflict(context.layout, theirs, data, &form);
        }
        Err(SaveError::InUse) => form.errors.add("category", "A category was deleted meanwhile. Choose again."),
        Err(SaveError::NameTaken | SaveError::Repeated) => form.name_taken(),
    }
    drop(conn);
    let connector = connector.clone();
    details_page(context, connector, form, StatusCode::UNPROCESSABLE_ENTITY).await
}

const SAVED: &str = "The Data Connector was saved";

/// The outcome of a save, and what to do where the base URL has an origin that waits for approval.
async fn saved_words(conn: &mut Conn, id: ConnectorId, checked: &CheckedDetails) -> Result<String, Error> {
    let base_url = checked.base_url.as_ref().filter(|_| checked.has_new_origin);
    let Some(origin) = base_url.map(|url| url.origin().to_string()) else {
        return Ok(SAVED.into());
    };
    let waits = queries::waits_for_approval(conn, id, &origin).await?;
    Ok(if waits { waiting_words(SAVED, &origin) } else { SAVED.into() })
}

/// What is said after a save with an origin that waits for approval.
pub fn waiting_words(saved: &str, origin: &str) -> String {
    format!(
        "{saved}. Calls to {origin} are refused until somebody approves it on the Authorization tab, because it was added after the secret or token was stored."
    )
}

fn conflict(layout: Layout, theirs: Connector, data: &FormData, form: &ConnectorForm) -> Result<HttpResponse, Error> {
    let mine = form.typed();
    let address = format!("/connectors/{}", theirs.key);
    let difference = |label: &'static str, theirs: &str, mine: String| Difference {
        label: label.into(),
        theirs: theirs.to_string(),
        mine,
    };
    ConflictPage {
        layout,
        subject: theirs.label.clone(),
        back: address.clone(),
        action: address,
        saved_by: theirs.updated_by.clone(),
        saved_at: date_time(&theirs.updated_at),
        version: theirs.version,
        fields: ConflictPage::fields_of(data),
        differences: vec![
            difference("Name", &theirs.name, mine.name),
            difference("Display name", &theirs.display_name, mine.display_name),
            difference("Description", &theirs.description, mine.description),
            difference("Base URL", theirs.base_url.as_ref().map_or("", HttpUrl::as_str), mine.base_url),
            difference("Category", &theirs.category_names, mine.categories),
            difference("Status", theirs.status_word(), enabled_word(mine.enabled).into()),
        ],
        lost_secrets: false,
    }
    .respond()
}

pub async fn duplicate(context: RequestContext, Segment(key): Segment, Form(_): Form) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let original = queries::find(&conn, &context.actor, &key, Right::Edit).await?;
    match queries::duplicate(&mut conn, &context.actor, context.now(), &original).await {
        Ok(key) => Ok(context.see_other(
            &format!("/connectors/{key}"),
            "The Data Connector was duplicated, without its secrets and tokens",
        )),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => Ok(context.see_other_undone(
            &format!("/connectors/{}", original.key),
            "There are too many copies of this Data Connector. Rename or delete some first.",
        )),
    }
}

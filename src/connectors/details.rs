//! Creating, the Details tab, and the Activity tab's changes; its calls are shown by the call log.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use futures_util::try_join;
use uuid::Uuid;

use super::forms::ConnectorForm;
use super::model::{DOCUMENTATION, Details, KEY, NewConnector};
use super::owner::OwnerChoice;
use super::queries::Seen;
use super::{Connector, ConnectorHead, ConnectorKey, LegacyGrants, Method, Tab, queries};
use crate::access::{Actor, Permission, RequestContext, Right};
use crate::audit::{self, AuditEntry, Change, transaction};
use crate::categories::{self, CategoryChoice, CategoryId, CategoryStatus};
use crate::db::{Conn, Connection};
use crate::name::Name;
use crate::web::form::{Form, Text};
use crate::web::{ConflictPage, Error, LastSave, Layout, SaveError, Segment, page};

/// The error of a key that is not free. It says no more: one that the person may not view can have it.
const KEY_TAKEN: &str = "Another data connector has this key, perhaps one in the trash. Choose another key.";

/// The error where a category was deleted since the form was shown.
const CATEGORY_DELETED: &str = "A category was deleted meanwhile. Choose again.";

#[derive(Template)]
#[template(path = "connectors/new.html")]
struct NewPage {
    layout: Layout,
    form: Form<ConnectorForm>,
    choices: Vec<CategoryChoice>,
    grants: LegacyGrants,
    may_create_category: bool,
    /// A template fills in the Authorization tab, too.
    may_use_templates: bool,
}

pub async fn new(context: RequestContext, grants: web::Data<LegacyGrants>) -> Result<HttpResponse, Error> {
    let choices = categories::assignable(&*context.conn().await?, &[]).await?;
    new_page(context, Form::new(ConnectorForm::empty()), choices, **grants)
}

fn new_page(
    context: RequestContext,
    form: Form<ConnectorForm>,
    choices: Vec<CategoryChoice>,
    grants: LegacyGrants,
) -> Result<HttpResponse, Error> {
    let may_create_category = context.may(Permission::CreateCategories);
    let may_use_templates = context.may(Permission::EditConnectors);
    let status = form.errors.status();
    let page_of_form =
        NewPage { layout: context.layout, form, choices, grants, may_create_category, may_use_templates };
    page(status, &page_of_form)
}

pub async fn create(
    context: RequestContext,
    grants: web::Data<LegacyGrants>,
    mut form: Form<ConnectorForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let choices = categories::assignable(&conn, &[]).await?;
    if !context.may(Permission::CreateCategories) {
        form.fields.new_category = Text::default();
    }
    if let Some((mut new, category)) = form.check(|form, errors| form.checked_new(&choices, **grants, errors)) {
        match create_with(&mut Change::new(&mut conn, &context), &mut new, category.as_ref()).await {
            Ok(key) => return Ok(created(&context, &key, new.method)),
            // The second press of the same form finds what the first has made. An id that was made up finds what its
            // person sees anyway, or nothing.
            Err(SaveError::Repeated) => {
                let key = queries::key_of(&mut conn, context.actor.visibility, new.id).await?;
                return Ok(created(&context, &key, new.method));
            }
            Err(SaveError::NameTaken) => {
                form.errors.name_taken("connector_name", "data connector", new.details.name.as_str())
            }
            Err(SaveError::KeyTaken) => form.errors.add("connector_key", KEY_TAKEN),
            Err(SaveError::InUse) => form.errors.add("category", CATEGORY_DELETED),
            Err(SaveError::Stale) => {
                form.errors.name_taken("new_category", "category", form.fields.new_category.trim())
            }
            Err(other) => return Err(other.into()),
        }
    }
    new_page(context, form, choices, **grants)
}

/// Creates the connector and its new category, or nothing. [`SaveError::Stale`] where another category has the name.
async fn create_with(
    change: &mut Change<'_>,
    new: &mut NewConnector,
    category: Option<&Name>,
) -> Result<String, SaveError> {
    transaction(change, async |change| {
        if let Some(name) = category {
            let id = Uuid::now_v7();
            categories::lock_counts(change.conn).await?;
            let created = categories::insert(change, id, name, CategoryStatus::Active).await;
            created.map_err(|error| if matches!(error, SaveError::NameTaken) { SaveError::Stale } else { error })?;
            new.categories.push(id);
        }
        queries::create(change, new).await
    })
    .await
}

fn created(context: &RequestContext, key: &str, method: Method) -> HttpResponse {
    let next = if method == Method::NoAuth {
        format!("/connectors/{key}/endpoints")
    } else {
        format!("/connectors/{key}/authorization")
    };
    context.see_other(&next, "The Data Connector was created")
}

/// The Details tab: a form for people who may edit, the same facts as text for others.
#[derive(Template)]
#[template(path = "connectors/details.html")]
struct DetailsPage {
    layout: Layout,
    head: ConnectorHead,
    connector: Connector,
    form: Form<ConnectorForm>,
    choices: Vec<CategoryChoice>,
    /// Owners that the field suggests.
    owners: Vec<OwnerChoice>,
    may_edit: bool,
    /// Whether the key can still be changed.
    may_change_key: bool,
    may_create: bool,
    may_delete: bool,
}

async fn details_page(
    context: RequestContext,
    conn: Connection,
    connector: Connector,
    form: Form<ConnectorForm>,
    choices: Vec<CategoryChoice>,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(&connector, Tab::Details, &context.actor);
    let may_edit = connector.rights.contains(Right::Edit) && !connector.is_collection;
    let (owners, may_change_key) = if may_edit {
        try_join!(queries::suggested_owners(&conn), queries::is_called(&conn, connector.id))
            .map(|(owners, is_called)| (owners, !is_called))?
    } else {
        (Vec::new(), false)
    };
    drop(conn);
    let may_create = may_edit && context.may(Permission::CreateConnectors);
    let may_delete = context.may(Permission::DeleteConnectors) && connector.require_to_delete().is_ok();
    let status = form.errors.status();
    page(
        status,
        &DetailsPage {
            layout: context.layout,
            head,
            connector,
            form,
            choices,
            owners,
            may_edit,
            may_change_key,
            may_create,
            may_delete,
        },
    )
}

pub async fn edit(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let (connector, chosen, choices) = load(&conn, &context.actor, &key, Right::View).await?;
    let form = ConnectorForm::of(&connector, &chosen);
    details_page(context, conn, connector, Form::new(form), choices).await
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

pub async fn update(
    context: RequestContext,
    Segment(key): Segment,
    mut form: Form<ConnectorForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let (connector, categories, choices) = load(&conn, &context.actor, &key, Right::Edit).await?;
    connector.require_no_collection()?;
    let Some(version) = form.seen_version(connector.version) else {
        return conflict(context.layout, connector, &form, &choices);
    };
    let owner = match form.owner.single_spaced() {
        // A deactivated user stays the owner until another is chosen.
        typed if typed == connector.owner_name => Ok(connector.stewardship.owner()),
        typed => queries::named_owner(&conn, &typed).await?,
    };
    if let Some(saved) = form.check(|form, errors| form.checked(&connector.key, &choices, owner, errors)) {
        let seen = Seen { connector: &connector, categories: &categories, version };
        let new = &saved.details;
        match queries::update(&mut Change::new(&mut conn, &context), &seen, &saved).await {
            Ok(()) => {
                let key = saved.key.as_ref().map_or(connector.key.as_str(), ConnectorKey::as_str);
                let words = saved_words(&mut conn, &connector, new).await?;
                return Ok(context.see_other(&format!("/connectors/{key}/details"), words));
            }
            Err(SaveError::Stale) => {
                let theirs = queries::find(&conn, &context.actor, &connector.key, Right::Edit).await?;
                return conflict(context.layout, theirs, &form, &choices);
            }
            Err(SaveError::NameTaken) => form.errors.name_taken("connector_name", "data connector", new.name.as_str()),
            Err(SaveError::KeyTaken) => form.errors.add("connector_key", KEY_TAKEN),
            Err(SaveError::InUse) => form.errors.add("category", CATEGORY_DELETED),
            Err(other) => return Err(other.into()),
        }
    }
    details_page(context, conn, connector, form, choices).await
}

const SAVED: &str = "The Data Connector was saved";

/// The outcome of a save, and what to do where the base URL has an origin that waits for approval.
async fn saved_words(conn: &mut Conn, old: &Connector, new: &Details) -> Result<String, Error> {
    match new.origin() {
        Some(origin) if new.origin() != old.origin() && queries::waits_for_approval(conn, old.id, &origin).await? => {
            Ok(waiting_words(SAVED, &origin))
        }
        _ => Ok(SAVED.into()),
    }
}

/// The message after a save with an origin that waits for approval.
pub fn waiting_words(saved: &str, origin: &str) -> String {
    format!(
        "{saved}. Calls to {origin} are refused until it is approved on the Authorization tab, because it was added after the secret or token was stored."
    )
}

fn conflict(
    layout: Layout,
    theirs: Connector,
    mine: &Form<ConnectorForm>,
    choices: &[CategoryChoice],
) -> Result<HttpResponse, Error> {
    let both = theirs.labelled(theirs.referred()).into_iter().zip(mine.values(&mine.category_names(choices)));
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    let page = ConflictPage::new(layout, &theirs.label, &format!("/connectors/{}/details", theirs.key), saved)
        .fields(mine.data.carried());
    let page = both.fold(page, |page, ((label, theirs), mine)| page.difference(label, theirs, mine));
    match mine.connector_key.trim() {
        "" => page,
        key => page.difference(KEY, theirs.key.clone(), key.to_string()),
    }
    .respond()
}

/// How many of the newest entries the tab shows.
const SHOWN: i64 = 100;

#[derive(Template)]
#[template(path = "connectors/changes.html")]
struct ChangesPage {
    layout: Layout,
    head: ConnectorHead,
    entries: Vec<AuditEntry>,
}

pub async fn changes(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = queries::find_visible(&conn, &context.actor, &key).await?;
    let entries = audit::entries_of(&mut conn, connector.id, SHOWN).await?;
    let head = ConnectorHead::new(&connector, Tab::Activity, &context.actor);
    page(StatusCode::OK, &ChangesPage { layout: context.layout, head, entries })
}

//! The pages of collections: list, creating and settings. Deleting is that of the connector.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::{CheckedCollection, CollectionForm};
use super::model::{Collection, ListRow};
use super::queries;
use crate::access::{Permission, RequestContext, Right};
use crate::audit::Change;
use crate::connectors;
use crate::db::Conn;
use crate::vault::Vault;
use crate::web::form::Form;
use crate::web::{ConflictPage, Error, LastSave, Layout, ListQuery, Pages, SaveError, Segment, grouped, page, plural};

/// How long the records of a collection may take to be indexed by other members.
const INDEXING: Duration = Duration::from_secs(600);

#[derive(Template)]
#[template(path = "collections/list.html")]
struct ListPage {
    layout: Layout,
    query: ListQuery<ListRow>,
    rows: Vec<ListRow>,
    pages: Pages,
    may_create: bool,
}

impl ListPage {
    fn chips(&self) -> Vec<(String, String)> {
        self.query.chips("Name or description has", [])
    }
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let query = ListQuery::parse("/collections", context.req.query_string(), &[]);
    let (rows, pages) = queries::list(&*context.conn().await?, context.actor.visibility, &query).await?;
    let may_create = context.may(Permission::CreateConnectors);
    page(StatusCode::OK, &ListPage { layout: context.layout, query, rows, pages, may_create })
}

/// The form of a new collection, or of the settings of a stored one.
#[derive(Template)]
#[template(path = "collections/form.html")]
struct FormPage {
    layout: Layout,
    form: Form<CollectionForm>,
    collection: Option<Collection>,
    may_delete: bool,
}

impl FormPage {
    fn members_hint(&self) -> &'static str {
        match self.collection {
            Some(_) => "Up to eight, one in a line, such as price. They are members of the record itself.",
            None => {
                "Up to eight, one in a line, such as price. They are members of the record itself. Leave it empty to take the first ones of the schema."
            }
        }
    }
}

fn form_page(
    context: RequestContext,
    form: Form<CollectionForm>,
    collection: Option<Collection>,
) -> Result<HttpResponse, Error> {
    let may_delete = context.may(Permission::DeleteConnectors);
    page(form.errors.status(), &FormPage { layout: context.layout, form, collection, may_delete })
}

pub async fn new(context: RequestContext) -> Result<HttpResponse, Error> {
    form_page(context, Form::new(CollectionForm::default()), None)
}

pub async fn create(
    context: RequestContext,
    vault: web::Data<Vault>,
    mut form: Form<CollectionForm>,
) -> Result<HttpResponse, Error> {
    if let Some(new) = form.check(CollectionForm::checked_new) {
        let mut conn = context.conn().await?;
        let change = &mut Change::new(&mut conn, &context);
        match queries::create(change, &vault, &context.address.to_string(), &new).await {
            Ok(key) => return Ok(created(&context, &key)),
            // The second press of the same form finds what the first has made.
            Err(SaveError::Repeated) => {
                let key = connectors::key_of(&mut conn, context.actor.visibility, new.connector.id).await?;
                return Ok(created(&context, &key));
            }
            Err(SaveError::NameTaken) => {
                form.errors.name_taken("collection_name", "data connector", &new.connector.details.name);
            }
            Err(other) => return Err(other.into()),
        }
    }
    form_page(context, form, None)
}

fn created(context: &RequestContext, key: &str) -> HttpResponse {
    context.see_other(&format!("/collections/{key}"), "The collection was created")
}

pub async fn edit(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let collection = queries::find(&*context.conn().await?, &context.actor, &key, Right::Edit).await?;
    form_page(context, Form::new(CollectionForm::of(&collection)), Some(collection))
}

pub async fn update(
    context: RequestContext,
    Segment(key): Segment,
    mut form: Form<CollectionForm>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let collection = queries::find(&conn, &context.actor, &key, Right::Edit).await?;
    let Some(seen) = form.seen_version(collection.connector.version) else {
        return conflict(context.layout, &collection, &form);
    };
    if let Some(new) = form.check(CollectionForm::checked) {
        if new.records.members != collection.settings.members {
            // All records are indexed again.
            conn.extend(INDEXING).await?;
        }
        match queries::update(&mut Change::new(&mut conn, &context), (&collection, seen), &new).await {
            Ok(()) => {
                let outcome = saved_words(&conn, &collection, &new).await;
                return Ok(context.see_other(&format!("/collections/{key}"), outcome));
            }
            Err(SaveError::Stale) => {
                let theirs = queries::find(&conn, &context.actor, &key, Right::Edit).await?;
                return conflict(context.layout, &theirs, &form);
            }
            Err(SaveError::NameTaken) => form.errors.name_taken("collection_name", "data connector", &new.name),
            Err(SaveError::InUse) => form.errors.add(
                "schema",
                "Records are being imported. The schema and the members can be changed when the import has ended",
            ),
            Err(other) => return Err(other.into()),
        }
    }
    form_page(context, form, Some(collection))
}

/// The outcome of a save, and how many records do not fit a schema that is new.
async fn saved_words(conn: &Conn, old: &Collection, new: &CheckedCollection) -> String {
    const SAVED: &str = "The collection was saved";
    let changed = new.records.schema.as_ref().filter(|schema| !old.settings.has_schema(schema));
    let Some(schema) = changed else {
        return SAVED.into();
    };
    match queries::count_invalid(conn, old.connector.id, schema).await {
        Ok((_, 0)) => SAVED.into(),
        Ok((checked, invalid)) => format!(
            "{SAVED}. {} of the first {} {} not fit the schema: records are checked when they are saved.",
            grouped(invalid),
            plural(checked, "record", "records"),
            if invalid == 1 { "does" } else { "do" },
        ),
        // It was saved all the same.
        Err(error) => {
            tracing::warn!(cause = format!("{error:?}"), "the records could not be checked by a new schema");
            SAVED.into()
        }
    }
}

fn conflict(layout: Layout, theirs: &Collection, mine: &Form<CollectionForm>) -> Result<HttpResponse, Error> {
    let connector = &theirs.connector;
    let saved = LastSave { by: &connector.updated_by, at: Some(connector.updated_at), version: connector.version };
    let page = ConflictPage::new(layout, &connector.name, &format!("/collections/{}/edit", connector.key), saved)
        .fields(mine.data.carried());
    let both = CollectionForm::of(theirs).labelled().into_iter().zip(mine.labelled());
    both.fold(page, |page, ((label, theirs), (_, mine))| page.difference(label, theirs, mine)).respond()
}

//! Discovery: the collections whose records a key can use.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::connectors::{ListedConnector, page};
use super::problem::{COLLECTION_NOT_FOUND, Problem};
use super::request::ApiRequest;
use super::serve::json_response;
use crate::access::{Actor, Right};
use crate::collections::{self, records_path};
use crate::web::Error;

const LIST: &str = "/api/v1/collections";

/// Which collection is meant. It only describes the address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "addresses are read as `Captures`")]
pub(super) struct CollectionPath {
    /// The collection’s key, which is that of its data connector.
    #[param(example = "books")]
    key: String,
}

/// Collections whose records the API key can use.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[schema(examples(json!({ "collections": [{ "key": "books", "name": "Books", "href": "/api/v1/collections/books" }] })))]
pub(super) struct CollectionList {
    /// Sorted by key.
    pub collections: Vec<CollectionEntry>,
    /// The address of the next page; left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// A collection in a list.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) struct CollectionEntry {
    /// Its name in addresses, which is also that of its data connector; it never changes.
    pub key: String,
    /// Its name.
    pub name: String,
    /// The address of its description.
    pub href: String,
}

/// A collection and what its records are.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[schema(examples(json!({
    "key": "books", "name": "Books", "description": "What can be borrowed",
    "schema": { "type": "object", "required": ["title"], "properties": { "title": { "type": "string" } } },
    "members": ["title"], "records": "/api/v1/collections/books/records",
})))]
pub(super) struct CollectionDetails {
    /// Its name in addresses, which is also that of its data connector; it never changes.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The JSON Schema that every record fits; left out if every JSON object is a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub schema: Option<Box<RawValue>>,
    /// The members by which records can be sorted and filtered.
    pub members: Vec<String>,
    /// The address of its records.
    pub records: String,
}

/// List collections
///
/// Those whose data connector the API key can call, a hundred at a time.
#[utoipa::path(
    get, path = "/api/v1/collections", operation_id = "list_collections",
    params(("after" = Option<String>, Query, nullable = false, description = "The key after which the list goes on; comes in “next”.", example = "books")),
    responses((status = 200, description = "As asked.", body = CollectionList)),
)]
pub(super) async fn list(request: ApiRequest) -> Result<HttpResponse, Problem> {
    let (rows, next) = page(&request, LIST, true).await?;
    let entry = |row: ListedConnector| {
        let href = format!("{LIST}/{}", row.key);
        CollectionEntry { key: row.key, name: row.name, href }
    };
    json_response(&CollectionList { collections: rows.into_iter().map(entry).collect(), next })
}

/// Describe a collection
///
/// Its schema, and the members by which its records can be sorted and filtered.
#[utoipa::path(
    get, path = "/api/v1/collections/{key}", operation_id = "get_collection",
    params(CollectionPath),
    responses((status = 200, description = "As asked.", body = CollectionDetails)),
)]
pub(super) async fn show(request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = request.find_connector().await?.ok_or_else(collection_not_found)?;
    let conn = request.api.db.get().await.map_err(Error::from)?;
    let found = collections::find(&conn, &Actor::connectory(), &connector.key, Right::View).await;
    let collection = found.map_err(|error| missing(error, collection_not_found))?;
    let schema = Some(collection.settings.schema_text()).filter(|schema| !schema.is_empty());
    json_response(&CollectionDetails {
        name: collection.connector.label.clone(),
        description: collection.connector.description.clone(),
        schema: schema.map(RawValue::from_string).transpose().map_err(Error::internal)?,
        members: collection.settings.members,
        records: records_path(&connector.key),
        key: connector.key.clone(),
    })
}

/// The same for a collection that is not there, for a connector that is none, and for one that the key may not see.
pub(super) fn collection_not_found() -> Problem {
    COLLECTION_NOT_FOUND.because("No collection of this key is open to the API key.").into()
}

/// The problem of a row that was not found, or of another error.
pub(super) fn missing(error: Error, not_found: fn() -> Problem) -> Problem {
    match error {
        Error::NotFound => not_found(),
        error => error.into(),
    }
}

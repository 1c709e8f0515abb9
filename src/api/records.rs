//! The records of collections.
//!
//! Rules: an API key opens the records of a collection as it opens the proxy of its connector, with the same methods, and
//! so does the token of that connector. A change reads the collection's schema and the record's version in the
//! transaction that stores it, and keeps both from changing until then, so that nothing is checked against what is not
//! there any more. Texts of records pass through unparsed, so numbers keep their digits.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, CONTENT_ENCODING, ETAG, EntityTag, Header as _, HeaderName, IF_MATCH, IfMatch, IfNoneMatch, LOCATION,
};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::calls::read_body;
use super::collections::{CollectionPath, collection_not_found, missing};
use super::problem::{
    BODY_TOO_LARGE, CONTENT_TYPE_NOT_TAKEN, FieldError, MALFORMED, Problem, RECORD_CHANGED, RECORD_DOES_NOT_FIT,
    RECORD_NOT_FOUND,
};
use super::record_query::RecordQuery;
use super::request::ApiRequest;
use super::serve::json_response;
use crate::access::{Actor, Right, Wants};
use crate::audit::{Change, transaction};
use crate::collections::records::{self, NewRecord, Record, RecordId};
use crate::collections::{self, Collection, JsonProblem, MAX_TEXT, RecordData, records_path};
use crate::relay::ConnectorSnapshot;
use crate::web::{Error, Held};

/// The content type of a record.
const JSON: &str = "application/json";

/// The content type of a patch (RFC 7396 4).
pub(super) const PATCH: &str = "application/merge-patch+json";

/// Which record is meant. The same for every operation of one; it only describes the address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "addresses are read as `Captures`")]
struct RecordPath {
    /// The collection’s key, which is that of its data connector.
    #[param(example = "books")]
    key: String,
    /// The record’s id.
    #[param(example = "019a2b3c-4d5e-7f80-90a1-b2c3d4e5f607")]
    id: String,
}

/// Records of a collection.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[schema(examples(json!({
    "records": [{
        "id": "019a2b3c-4d5e-7f80-90a1-b2c3d4e5f607", "version": 1,
        "created_at": "2026-05-03T13:31:07.120Z", "updated_at": "2026-05-03T13:31:07.120Z",
        "data": { "title": "Emil and the Detectives", "pages": 224 },
    }],
    "next": "/api/v1/collections/books/records?sort=title&after=AZorPE1ef4CQobLD1OX2B3RpdGxlIDRlbWls",
})))]
pub(super) struct RecordList {
    /// As many as “limit” says; fewer on the last page, and if they are more than 4 MiB together.
    pub records: Vec<RecordDocument>,
    /// The address of the next page; left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// A record of a collection.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[schema(examples(json!({
    "id": "019a2b3c-4d5e-7f80-90a1-b2c3d4e5f607", "version": 1,
    "created_at": "2026-05-03T13:31:07.120Z", "updated_at": "2026-05-03T13:31:07.120Z",
    "data": { "title": "Emil and the Detectives", "pages": 224 },
})))]
pub(super) struct RecordDocument {
    /// Its name in addresses.
    pub id: Uuid,
    /// Counts its changes; in quotation marks it is the ETag.
    pub version: i32,
    /// When it was made (RFC 3339, UTC).
    pub created_at: String,
    /// When it was changed (RFC 3339, UTC).
    pub updated_at: String,
    /// What it holds: a JSON object.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
}

impl RecordDocument {
    fn of(record: Record) -> Result<RecordDocument, Problem> {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        Ok(RecordDocument {
            id: record.id,
            version: record.version,
            created_at: text(record.created_at),
            updated_at: text(record.updated_at),
            data: RawValue::from_string(record.data).map_err(Error::internal)?,
        })
    }
}

/// List records
///
/// In the order in which they were made, unless “sort” or a filter says otherwise. A list goes on at the address in
/// “next”; records that are made or changed meanwhile do not shift it.
///
/// The members by which a collection can be sorted and filtered are in its description. A list has one filter at most, and
/// is then in the order of that member. Values are in the order nothing, false, true, numbers, texts without regard to
/// case, then arrays and objects.
#[utoipa::path(
    get, path = "/api/v1/collections/{key}/records", operation_id = "list_records",
    params(
        CollectionPath,
        ("limit" = Option<u32>, Query, nullable = false, description = "How many records, from 1 to 100.", example = 25),
        ("after" = Option<String>, Query, nullable = false, description = "Where the list goes on; comes in “next”."),
        ("sort" = Option<String>, Query, nullable = false, description = "created, modified or a member; with a minus sign before it for descending order.", example = "-created"),
        ("filter.{member}" = Option<String>, Query, nullable = false, description = "With the name of a member in place of “{member}”: only records in which it is equal to this JSON text, number, true, false or null, or to this bare text.", example = "Emil"),
        ("prefix.{member}" = Option<String>, Query, nullable = false, description = "With the name of a member in place of “{member}”: only records in which it is a text that begins with this, without regard to case.", example = "em"),
    ),
    responses((status = 200, description = "As asked.", body = RecordList)),
)]
pub(super) async fn list(request: ApiRequest) -> Result<HttpResponse, Problem> {
    open(&request).await?;
    let conn = request.api.db.get().await.map_err(Error::from)?;
    let found = collections::find(&conn, &Actor::connectory(), &request.captures.key, Right::View).await;
    let collection = found.map_err(|error| missing(error, collection_not_found))?;
    let query = RecordQuery::parse(request.req.query_string(), &collection.settings.members)?;
    let page = (&query.keyset(), query.limit);
    let (records, more) = records::page(&conn, collection.connector.id, &query.selection, page).await?;
    let next = records.last().filter(|_| more);
    let next = next.map(|last| format!("{}?{}", records_path(&request.captures.key), query.next(last)));
    let records: Result<_, Problem> = records.into_iter().map(RecordDocument::of).collect();
    json_response(&RecordList { records: records?, next })
}

/// Create a record
///
/// The body is the record itself: a JSON object of up to 256 KiB. It must fit the collection’s schema, if there is one.
/// The response has the record’s id, and its address in the header Location.
#[utoipa::path(
    post, path = "/api/v1/collections/{key}/records", operation_id = "create_record",
    params(CollectionPath),
    request_body(content = Object, content_type = "application/json", description = "The record.", example = json!({ "title": "Emil and the Detectives", "pages": 224 })),
    responses((status = 201, description = "Created.", body = RecordDocument, headers(("Location" = String, description = "The record’s address."), ("ETag" = String, description = "The record’s version.")))),
)]
pub(super) async fn create(mut request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = open(&request).await?;
    let (data, _held) = body(&mut request, &connector, JSON).await?;
    let id = Uuid::now_v7();
    let record = change(&request, async |change, collection| {
        check(collection, &data)?;
        records::add(change, collection, &NewRecord { id, text: &data.text }).await?;
        Ok(records::find(change.conn, collection.connector.id, id).await?)
    })
    .await?;
    let mut response = respond(StatusCode::CREATED, record)?;
    let location = format!("{}/{id}", records_path(&connector.key)).parse().map_err(Error::internal)?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// Read a record
///
/// With If-None-Match and the ETag of an earlier response, there is a body only if the record has changed.
#[utoipa::path(
    get, path = "/api/v1/collections/{key}/records/{id}", operation_id = "get_record",
    params(
        RecordPath,
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "ETags of versions that need not be sent.", example = "\"1\""),
    ),
    responses(
        (status = 200, description = "As asked.", body = RecordDocument, headers(("ETag" = String, description = "The record’s version."))),
        (status = 304, description = "The record is one of those that If-None-Match names."),
    ),
)]
pub(super) async fn show(request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = open(&request).await?;
    let id = record_id(&request)?;
    let found = records::find(&*request.api.db.get().await.map_err(Error::from)?, connector.id, id).await;
    let record = found.map_err(|error| missing(error, record_not_found))?;
    if is_known(&request.req, record.version) {
        let mut response = HttpResponse::NotModified();
        return Ok(response.insert_header((ETAG, etag(record.version))).finish());
    }
    respond(StatusCode::OK, record)
}

/// Replace a record
///
/// The body is the record itself, as for a new one. With If-Match it is replaced only if it is still that version.
#[utoipa::path(
    put, path = "/api/v1/collections/{key}/records/{id}", operation_id = "replace_record",
    params(
        RecordPath,
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the version to replace.", example = "\"1\""),
    ),
    request_body(content = Object, content_type = "application/json", description = "The record.", example = json!({ "title": "Emil and the Detectives", "pages": 160 })),
    responses((status = 200, description = "Replaced.", body = RecordDocument, headers(("ETag" = String, description = "The record’s version.")))),
)]
pub(super) async fn replace(mut request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = open(&request).await?;
    let (data, _held) = body(&mut request, &connector, JSON).await?;
    let record = change(&request, async |change, collection| {
        let old = find_unchanged(&request, change, collection).await?;
        save(change, collection, &old, &data).await
    })
    .await?;
    respond(StatusCode::OK, record)
}

/// Change members of a record
///
/// The body is a JSON Merge Patch (RFC 7396): members that it has are set, those that are null are removed, all others
/// stay as they are. The record must fit the schema afterwards. With If-Match it is changed only if it is still that
/// version.
#[utoipa::path(
    patch, path = "/api/v1/collections/{key}/records/{id}", operation_id = "patch_record",
    params(
        RecordPath,
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the version to change.", example = "\"1\""),
    ),
    request_body(content = Object, content_type = "application/merge-patch+json", description = "The members to change.", example = json!({ "pages": 160, "shelf": null })),
    responses((status = 200, description = "Changed.", body = RecordDocument, headers(("ETag" = String, description = "The record’s version.")))),
)]
pub(super) async fn patch(mut request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = open(&request).await?;
    let (patch, _held) = body(&mut request, &connector, PATCH).await?;
    let record = change(&request, async |change, collection| {
        let old = find_unchanged(&request, change, collection).await?;
        let patched = records::patched(change.conn, &old, &patch).await?;
        save(change, collection, &old, &RecordData::parse(&patched)?).await
    })
    .await?;
    respond(StatusCode::OK, record)
}

/// Delete a record
///
/// With its history. With If-Match it is deleted only if it is still that version.
#[utoipa::path(
    delete, path = "/api/v1/collections/{key}/records/{id}", operation_id = "delete_record",
    params(
        RecordPath,
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the version to delete.", example = "\"1\""),
    ),
    responses((status = 204, description = "Deleted.")),
)]
pub(super) async fn delete(request: ApiRequest) -> Result<HttpResponse, Problem> {
    open(&request).await?;
    change(&request, async |change, collection| {
        let old = find_unchanged(&request, change, collection).await?;
        Ok(records::remove(change, collection, &old).await?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The connector of the collection, if the key may do with its records what the request asks.
async fn open(request: &ApiRequest) -> Result<Arc<ConnectorSnapshot>, Problem> {
    let connector = request.find_connector().await?.ok_or_else(collection_not_found)?;
    request.check(&connector, Wants::Proxy { method: request.req.method().as_str() })?;
    connector.check_enabled()?;
    Ok(connector)
}

/// The record or the patch that the request carries, which counts as held in memory.
async fn body(
    request: &mut ApiRequest,
    connector: &ConnectorSnapshot,
    content_type: &'static str,
) -> Result<(RecordData, Held), Problem> {
    let is_plain = !request.req.headers().contains_key(CONTENT_ENCODING);
    if !is_plain || !request.req.content_type().eq_ignore_ascii_case(content_type) {
        let problem = CONTENT_TYPE_NOT_TAKEN.because(format!("The body must be {content_type}."));
        let header = if content_type == PATCH { HeaderName::from_static("accept-patch") } else { ACCEPT };
        return Err(Problem { header: Some((header, content_type.into())), ..problem.into() });
    }
    let time = connector.limits(None).total;
    let (bytes, held) = read_body(request.payload.take(), MAX_TEXT, time, request.in_use.bodies()).await?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let at = error.valid_up_to();
        Problem::from(MALFORMED.because(format!("The body is not UTF-8: byte {at} begins no character.")))
    })?;
    Ok((RecordData::parse(text)?, held))
}

/// Makes a change of a collection's records in one transaction, during which its settings stay as they are.
async fn change<R>(
    request: &ApiRequest,
    work: impl AsyncFnOnce(&mut Change<'_>, &Collection) -> Result<R, Problem>,
) -> Result<R, Problem> {
    let mut conn = request.api.db.get().await.map_err(Error::from)?;
    let by = request.actor();
    let mut change = Change { conn: &mut conn, by: &by, now: request.api.clock.now() };
    transaction(&mut change, async |change| {
        let found = collections::find_and_hold(change.conn, &Actor::connectory(), &request.captures.key).await;
        let collection = found.map_err(|error| missing(error, collection_not_found))?;
        work(change, &collection).await
    })
    .await
}

/// The record of the address, locked, if it is one that the request's preconditions allow (RFC 9110 13.1).
async fn find_unchanged(
    request: &ApiRequest,
    change: &mut Change<'_>,
    collection: &Collection,
) -> Result<Record, Problem> {
    let found = records::find_and_lock(change.conn, collection.connector.id, record_id(request)?).await;
    let record = found.map_err(|error| missing(error, record_not_found))?;
    let expected = etag(record.version);
    let is_expected = match IfMatch::parse(&request.req) {
        _ if !request.req.headers().contains_key(IF_MATCH) => true,
        Ok(IfMatch::Any) => true,
        Ok(IfMatch::Items(tags)) => tags.iter().any(|tag| tag.strong_eq(&expected)),
        Err(_) => false,
    };
    if is_expected && !is_known(&request.req, record.version) {
        return Ok(record);
    }
    Err(RECORD_CHANGED.because(format!("The record has version {} now.", record.version)).into())
}

/// Whether If-None-Match names this version.
fn is_known(req: &HttpRequest, version: i32) -> bool {
    match IfNoneMatch::parse(req) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&etag(version))),
        Err(_) => false,
    }
}

/// Stores a new state of a record that is locked.
async fn save(
    change: &mut Change<'_>,
    collection: &Collection,
    old: &Record,
    new: &RecordData,
) -> Result<Record, Problem> {
    check(collection, new)?;
    records::store(change, collection, old, new).await?;
    Ok(records::find(change.conn, collection.connector.id, old.id).await?)
}

/// Whether a record fits the collection's schema.
fn check(collection: &Collection, data: &RecordData) -> Result<(), Problem> {
    let schema = collection.settings.schema().map_err(Error::internal)?;
    let problems = schema.map_or(Vec::new(), |schema| schema.problems(data));
    if problems.is_empty() {
        return Ok(());
    }
    let errors = problems.into_iter().map(|problem| FieldError {
        variable: None,
        pointer: Some(problem.pointer),
        detail: problem.message,
    });
    let errors = Some(errors.collect());
    let problem = RECORD_DOES_NOT_FIT.because(format!("{} has a schema.", collection.connector.label));
    Err(Problem { errors, ..problem.into() })
}

fn record_id(request: &ApiRequest) -> Result<RecordId, Problem> {
    Uuid::try_parse(&request.captures.id).map_err(|_| record_not_found())
}

fn record_not_found() -> Problem {
    RECORD_NOT_FOUND.because("The collection has no record of this id.").into()
}

fn etag(version: i32) -> EntityTag {
    EntityTag::new_strong(version.to_string())
}

fn respond(status: StatusCode, record: Record) -> Result<HttpResponse, Problem> {
    let etag = etag(record.version);
    let body = serde_json::to_string(&RecordDocument::of(record)?).map_err(Error::internal)?;
    Ok(HttpResponse::build(status).insert_header((ETAG, etag)).content_type(JSON).body(body))
}

impl From<JsonProblem> for Problem {
    fn from(problem: JsonProblem) -> Problem {
        let kind = if problem == JsonProblem::TooLarge { &BODY_TOO_LARGE } else { &MALFORMED };
        kind.because(format!("{problem}.")).into()
    }
}

//! The records' SQL.
//!
//! Rule: a record is stored as the text that came, so numbers keep their digits. `record_members` has the values of the
//! members by which a collection is sorted and filtered; triggers keep it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Int4, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::json::RecordData;
use super::model::Collection;
use super::selection::{COLUMNS, Selection};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{self, ConnectorId};
use crate::db::keyset::{Keyset, Select};
use crate::db::schema::{collections, connectors as connectors_table, record_versions, records};
use crate::db::version::{SeenVersion, VersionError};
use crate::db::{Conn, Db};
use crate::web::{Error, SaveError};

pub type RecordId = Uuid;

/// The most bytes of records on a page that [`page`] reads.
const MAX_PAGE: usize = 4 * 1024 * 1024;

/// A record as it is stored.
#[derive(Clone, Debug, QueryableByName)]
pub struct Record {
    #[diesel(sql_type = SqlUuid)]
    pub id: RecordId,
    /// The JSON text, as PostgreSQL writes it: names sorted by length, numbers with all digits.
    #[diesel(sql_type = Text)]
    pub data: String,
    #[diesel(sql_type = Int4)]
    pub version: i32,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub created_by: String,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub updated_by: String,
    /// The value by which the list is ordered; empty where that is a time.
    #[diesel(sql_type = Text)]
    pub sort_key: String,
}

/// A record that does not exist yet.
pub struct NewRecord<'a> {
    pub id: RecordId,
    /// The checked JSON.
    pub text: &'a str,
}

/// The record of this id.
pub async fn find(conn: &Conn, collection: ConnectorId, id: RecordId) -> Result<Record, Error> {
    find_row(conn, collection, id, "").await
}

/// The record of this id, locked until the transaction ends.
pub async fn find_and_lock(conn: &Conn, collection: ConnectorId, id: RecordId) -> Result<Record, Error> {
    find_row(conn, collection, id, "FOR UPDATE").await
}

async fn find_row(conn: &Conn, collection: ConnectorId, id: RecordId, lock: &str) -> Result<Record, Error> {
    let sql = format!(
        "SELECT r.id, {COLUMNS}, '' AS sort_key FROM records r WHERE r.collection_id = $1 AND r.id = $2 {lock}"
    );
    Ok(sql_query(sql).bind::<SqlUuid, _>(collection).bind::<SqlUuid, _>(id).get_result(&mut &*conn).await?)
}

#[derive(QueryableByName)]
struct Data {
    #[diesel(sql_type = Text)]
    data: String,
}

/// The text of a record as PostgreSQL writes it, which is not stored.
pub(super) async fn as_stored(conn: &Conn, record: &RecordData) -> Result<String, Error> {
    let text = sql::<Text>("").bind::<Text, _>(&record.text).sql("::jsonb::text");
    Ok(diesel::select(text).get_result(&mut &*conn).await?)
}

/// The text of a record after a JSON Merge Patch (RFC 7396), which is not stored.
pub async fn patched(conn: &Conn, old: &Record, patch: &RecordData) -> Result<String, Error> {
    let merged = sql::<Text>("merge_patch(").bind::<Text, _>(&old.data).sql("::jsonb, ");
    let merged = merged.bind::<Text, _>(&patch.text).sql("::jsonb)::text");
    Ok(diesel::select(merged).get_result(&mut &*conn).await?)
}

/// One page of a selection in an order, and whether there are more: at most `size` records, and no more after
/// [`MAX_PAGE`] bytes.
pub async fn page(
    conn: &Conn,
    collection: ConnectorId,
    selection: &Selection,
    (keyset, size): (&Keyset<'_>, usize),
) -> Result<(Vec<Record>, bool), Error> {
    let (rows, binds) = selection.select(collection);
    let (mut conn, mut page, mut bytes) = (conn, Vec::new(), 0);
    let query = Select { rows: &rows, binds: &binds, ..Select::default() }.query(keyset, size + 1);
    let mut records = std::pin::pin!(query.load_stream::<Record>(&mut conn).await?);
    while let Some(record) = records.try_next().await? {
        bytes += record.data.len();
        if page.len() == size || (bytes > MAX_PAGE && !page.is_empty()) {
            return Ok((page, true));
        }
        page.push(record);
    }
    Ok((page, false))
}

/// A record as an export reads it.
#[derive(QueryableByName)]
pub(super) struct Exported {
    #[diesel(sql_type = SqlUuid)]
    pub id: RecordId,
    #[diesel(sql_type = Text)]
    pub data: String,
}

/// The next records in the order of their ids.
pub(super) async fn after(
    conn: &Conn,
    collection: ConnectorId,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Exported>, Error> {
    let sql = "SELECT id, data::text AS data FROM records WHERE collection_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let query = sql_query(sql).bind::<SqlUuid, _>(collection).bind::<SqlUuid, _>(after.unwrap_or(Uuid::nil()));
    Ok(query.bind::<BigInt, _>(limit).load(&mut &*conn).await?)
}

/// How many records a collection has.
pub(super) async fn count(conn: &Conn, collection: ConnectorId) -> Result<i64, Error> {
    let of_collection = records::table.filter(records::collection_id.eq(collection));
    Ok(of_collection.count().get_result(&mut &*conn).await?)
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The names of the members that records have, in their order, and at most `limit` of them.
pub(super) async fn member_names(conn: &Conn, collection: ConnectorId, limit: usize) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT name FROM records, jsonb_object_keys(data) AS name
        WHERE collection_id = $1 ORDER BY name LIMIT $2";
    let limit = i64::try_from(limit).map_err(Error::internal)?;
    let names = sql_query(sql).bind::<SqlUuid, _>(collection).bind::<BigInt, _>(limit);
    Ok(names.load::<Name>(&mut &*conn).await?.into_iter().map(|row| row.name).collect())
}

/// An earlier state of a record.
#[derive(Clone, Debug, QueryableByName)]
pub struct RecordVersion {
    #[diesel(sql_type = Int4)]
    pub version: i32,
    #[diesel(sql_type = Text)]
    pub data: String,
    #[diesel(sql_type = Timestamptz)]
    pub saved_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub saved_by: String,
}

/// The most earlier states of a record that are kept and shown.
pub const MAX_VERSIONS: i32 = 50;

/// The earlier states of a record, the latest first.
pub async fn versions(conn: &Conn, collection: ConnectorId, id: RecordId) -> Result<Vec<RecordVersion>, Error> {
    let sql = "SELECT version, data::text AS data, saved_at, saved_by FROM record_versions
        WHERE collection_id = $1 AND record_id = $2 ORDER BY version DESC LIMIT $3";
    let query = sql_query(sql).bind::<SqlUuid, _>(collection).bind::<SqlUuid, _>(id).bind::<Int4, _>(MAX_VERSIONS);
    Ok(query.load(&mut &*conn).await?)
}

/// Stores a new record, which the caller has checked by the schema that `collection` has.
pub async fn create(change: &mut Change<'_>, collection: &Collection, new: &NewRecord<'_>) -> Result<(), SaveError> {
    transaction(change, async |change| {
        hold(change, collection).await?;
        add(change, collection, new).await
    })
    .await
}

/// Stores a new record in a transaction that keeps the collection's settings as they are.
pub async fn add(change: &mut Change<'_>, collection: &Collection, new: &NewRecord<'_>) -> Result<(), SaveError> {
    insert(change, collection.connector.id, std::slice::from_ref(new)).await?;
    record(change, "record.created", collection, new.id, Changes::none()).await
}

/// Stores new records by one statement, without audit entries.
pub(super) async fn insert(
    change: &mut Change<'_>,
    collection: ConnectorId,
    new: &[NewRecord<'_>],
) -> Result<(), SaveError> {
    let ids: Vec<RecordId> = new.iter().map(|record| record.id).collect();
    let texts: Vec<&str> = new.iter().map(|record| record.text).collect();
    let sql = "INSERT INTO records (collection_id, id, data, created_at, created_by, updated_at, updated_by)
        SELECT $1, id, data::jsonb, $4, $5, $4, $5 FROM unnest($2, $3) AS new (id, data)";
    sql_query(sql)
        .bind::<SqlUuid, _>(collection)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Text>, _>(texts)
        .bind::<Timestamptz, _>(change.now)
        .bind::<Text, _>(change.by.attribution())
        .execute(change.conn)
        .await?;
    Ok(())
}

/// Replaces a record that has not been saved since it was read.
pub async fn update(
    change: &mut Change<'_>,
    collection: &Collection,
    (old, seen): (&Record, SeenVersion),
    new: &RecordData,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        hold(change, collection).await?;
        lock(change, collection.connector.id, (old, seen)).await?;
        store(change, collection, old, new).await
    })
    .await
}

/// Replaces a record that the transaction has locked, as it has the collection's settings; its state before is kept as
/// a version.
pub async fn store(
    change: &mut Change<'_>,
    collection: &Collection,
    old: &Record,
    new: &RecordData,
) -> Result<(), SaveError> {
    let id = collection.connector.id;
    let keep = "INSERT INTO record_versions (collection_id, record_id, version, data, saved_at, saved_by)
        SELECT collection_id, id, version, data, updated_at, updated_by FROM records WHERE collection_id = $1 AND id = $2";
    sql_query(keep).bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(old.id).execute(change.conn).await?;
    let forget = record_versions::table
        .filter(record_versions::collection_id.eq(id))
        .filter(record_versions::record_id.eq(old.id))
        .filter(record_versions::version.le(old.version - MAX_VERSIONS));
    diesel::delete(forget).execute(change.conn).await?;
    let save = "UPDATE records SET data = $3::jsonb, version = version + 1, updated_at = $4, updated_by = $5
        WHERE collection_id = $1 AND id = $2 RETURNING data::text AS data";
    let saved: Data = sql_query(save)
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(old.id)
        .bind::<Text, _>(&new.text)
        .bind::<Timestamptz, _>(change.now)
        .bind::<Text, _>(change.by.attribution())
        .get_result(change.conn)
        .await?;
    record(change, "record.saved", collection, old.id, changed_members(&old.data, &saved.data)?).await
}

/// Deletes a record that has not been saved since it was read.
pub async fn delete(
    change: &mut Change<'_>,
    collection: &Collection,
    (old, seen): (&Record, SeenVersion),
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        lock(change, collection.connector.id, (old, seen)).await?;
        remove(change, collection, old).await
    })
    .await
}

/// Deletes a record that the transaction has locked, with its versions.
pub async fn remove(change: &mut Change<'_>, collection: &Collection, old: &Record) -> Result<(), SaveError> {
    diesel::delete(records::table.find((collection.connector.id, old.id))).execute(change.conn).await?;
    record(change, "record.deleted", collection, old.id, Changes::none()).await
}

/// How many records are deleted by one statement.
const PURGED: i64 = 10_000;

/// Deletes the records of collections that have been in the trash long enough, some at a time, because those of a large
/// collection take minutes.
pub async fn purge_records(db: &Db, now: DateTime<Utc>) -> Result<(), Error> {
    let sql = "DELETE FROM records WHERE (collection_id, id) IN (
            SELECT r.collection_id, r.id FROM connectors c JOIN records r ON r.collection_id = c.id WHERE c.deleted_at <= $1 LIMIT $2
        )";
    loop {
        let query = sql_query(sql).bind::<Timestamptz, _>(connectors::purged_before(now)).bind::<BigInt, _>(PURGED);
        let deleted = query.execute(&mut *db.get().await?).await?;
        if i64::try_from(deleted).is_ok_and(|deleted| deleted < PURGED) {
            return Ok(());
        }
    }
}

/// Keeps the collection's settings as they are until the transaction ends; [`SaveError::Stale`] if they are others than
/// those that the record was checked by.
pub(super) async fn hold(change: &mut Change<'_>, collection: &Collection) -> Result<(), SaveError> {
    let id = collection.connector.id;
    let live = connectors_table::table.find(id).filter(connectors_table::deleted_at.is_null());
    let row = collections::table.find(id).filter(exists(live));
    let version: i32 = row.select(collections::version).for_share().first(change.conn).await?;
    if version == collection.settings.version { Ok(()) } else { Err(SaveError::Stale) }
}

async fn lock(
    change: &mut Change<'_>,
    collection: ConnectorId,
    (record, seen): (&Record, SeenVersion),
) -> Result<(), VersionError> {
    let row = records::table.find((collection, record.id)).select(records::version);
    seen.lock(change.conn, row.for_update()).await
}

/// The audit entry: which members were changed, but no values, because entries outlive records.
async fn record(
    change: &Change<'_>,
    kind: &'static str,
    collection: &Collection,
    id: RecordId,
    changes: Changes,
) -> Result<(), SaveError> {
    let name = format!("{} in {}", id, collection.connector.name);
    Ok(change.record(kind, collection.connector.id, &name, changes).await?)
}

fn changed_members(old: &str, new: &str) -> Result<Changes, Error> {
    let members = |text| RecordData::raw_members(text).map_err(Error::internal);
    Ok(Changes::none().field("Changed members", "", changed_names(&members(old)?, &members(new)?).join(", ")))
}

/// The members whose values differ between two texts that PostgreSQL has written, with those that only one has.
pub(super) fn changed_names(old: &[(String, &str)], new: &[(String, &str)]) -> Vec<String> {
    let after: HashMap<&str, &str> = new.iter().map(|(name, raw)| (name.as_str(), *raw)).collect();
    let before: HashSet<&str> = old.iter().map(|(name, _)| name.as_str()).collect();
    let changed = old.iter().filter(|(name, raw)| after.get(name.as_str()) != Some(raw));
    let added = new.iter().filter(|(name, _)| !before.contains(name.as_str()));
    changed.chain(added).map(|(name, _)| name.clone()).collect()
}

//! The collections' SQL.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::connector::own_endpoints;
use super::forms::CheckedCollection;
use super::import_queries;
use super::json::RecordData;
use super::model::{Collection, ListRow, NewCollection, RecordSettings, Settings, records_path};
use super::schema::RecordSchema;
use crate::access::{Actor, ApiKey, Right, Visibility};
use crate::audit::{Change, Changes, next_version, transaction};
use crate::authorization::{self, NewToken};
use crate::connectors::{self, ConnectorId, CredentialChange};
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::collections;
use crate::db::version::SeenVersion;
use crate::endpoints;
use crate::name::like_pattern;
use crate::outbound::HttpUrl;
use crate::vault::{Secret, Vault};
use crate::web::{Error, ListQuery, Pages, SaveError};

/// The live collection of a key, for a person who needs this right to it.
pub async fn find(conn: &Conn, by: &Actor, key: &str, right: Right) -> Result<Collection, Error> {
    let connector = connectors::find(conn, by, key, right).await?;
    let settings = settings(conn, connector.id).await?;
    Ok(Collection { connector, settings })
}

/// One page of the collections that a person sees.
pub(super) async fn list(
    conn: &Conn,
    visibility: Visibility,
    query: &ListQuery<ListRow>,
) -> Result<(Vec<ListRow>, Pages), Error> {
    let rows = format!(
        "SELECT c.id, c.key, c.name, c.description_start AS description, array_to_string(k.members, ', ') AS members, c.updated_at
        FROM collections k JOIN connectors c ON c.id = k.connector_id
        WHERE c.deleted_at IS NULL AND c.own_folded LIKE $1{}",
        visibility.and("c")
    );
    query
        .fetch(conn, Select { rows: &rows, binds: &[Bind::Text(like_pattern(&query.search))], ..Select::default() })
        .await
}

/// The live collection of a key, whatever the person may do with it. Its settings stay as they are until the transaction
/// ends.
pub async fn find_and_hold(conn: &Conn, by: &Actor, key: &str) -> Result<Collection, Error> {
    let connector = connectors::find_visible(conn, by, key).await?;
    let row = collections::table.find(connector.id).select(Settings::as_select());
    let settings = row.for_share().first(&mut &*conn).await?;
    Ok(Collection { connector, settings })
}

/// What is stored of a collection beside its connector.
async fn settings(conn: &Conn, id: connectors::ConnectorId) -> Result<Settings, Error> {
    Ok(collections::table.find(id).select(Settings::as_select()).first(&mut &*conn).await?)
}

/// Stores a new collection with its connector, whose calls go to this program at `address`, and gives its key.
pub async fn create(
    change: &mut Change<'_>,
    vault: &Vault,
    address: &str,
    new: &NewCollection,
) -> Result<String, SaveError> {
    transaction(change, async |change| {
        let key = connectors::insert(change, &new.connector).await?;
        let id = new.connector.id;
        let url = HttpUrl::parse(&format!("{address}{}", records_path(&key))).map_err(Error::internal)?;
        connectors::make_collection(change, id, &url).await?;
        let token = ApiKey::random();
        diesel::insert_into(collections::table)
            .values((
                collections::connector_id.eq(id),
                collections::schema.eq(new.records.schema.as_ref().map(|schema| &schema.document)),
                collections::members.eq(&new.records.members),
                collections::token_hash.eq(Sha256::digest(token.expose()).to_vec()),
                collections::updated_at.eq(change.now),
                collections::updated_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        let token = NewToken::fixed(Secret::new(token.expose().to_owned()));
        authorization::store_token(change, vault, id, &token, &[url.origin()].into_iter().collect()).await?;
        connectors::outdate_evidence(change.conn, id, CredentialChange::Issued, change.now).await?;
        for endpoint in own_endpoints().map_err(Error::internal)? {
            endpoints::insert(change, id, Uuid::now_v7(), &endpoint).await?;
        }
        connectors::refresh_health(change.conn, id, change.now).await?;
        let changes = of_records(Changes::none(), &Default::default(), &new.records.shown());
        Ok(change.record("collection.created", id, new.connector.details.name.as_str(), changes).await.map(|()| key)?)
    })
    .await
}

/// Saves a collection whose connector has not been saved since it was read: every save of a collection gives its
/// connector the next version, and its own version changes only with schema and members, by which records are checked.
pub(super) async fn update(
    change: &mut Change<'_>,
    (old, seen): (&Collection, SeenVersion),
    new: &CheckedCollection,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        connectors::save_purpose(change, (&old.connector, seen), &new.name, &new.description).await?;
        let before = old.settings.shown();
        let after = new.records.shown();
        if before != after {
            // It holds the settings by which it checks its records.
            if import_queries::is_running(change.conn, old.connector.id, change.now).await? {
                return Err(SaveError::InUse);
            }
            diesel::update(collections::table.find(old.connector.id))
                .set((
                    collections::schema.eq(new.records.schema.as_ref().map(|schema| &schema.document)),
                    collections::members.eq(&new.records.members),
                    next_version!(collections, change),
                ))
                .execute(change.conn)
                .await?;
        }
        let changes = Changes::none().field("Name", old.connector.name.as_str(), new.name.as_str()).field(
            "Description",
            &old.connector.description,
            &new.description,
        );
        let changes = of_records(changes, &before, &after);
        Ok(change.record("collection.saved", old.connector.id, &new.name, changes).await?)
    })
    .await
}

/// How many records are checked against a schema that is new.
const RECORDS_CHECKED: i64 = 1000;

#[derive(QueryableByName)]
struct Data {
    #[diesel(sql_type = Text)]
    data: String,
}

/// How many of the first records of a collection were checked, and how many do not fit a schema. One is in memory at a
/// time.
pub(super) async fn count_invalid(conn: &Conn, id: ConnectorId, schema: &RecordSchema) -> Result<(i64, i64), Error> {
    let sql = "SELECT data::text AS data FROM records WHERE collection_id = $1 ORDER BY created_at, id LIMIT $2";
    let query = sql_query(sql).bind::<SqlUuid, _>(id).bind::<BigInt, _>(RECORDS_CHECKED);
    let records = query.load_stream::<Data>(&mut &*conn).await?;
    let counted = records.map_err(Error::from).try_fold((0, 0), async |(checked, invalid), record| {
        let record = RecordData::parse(&record.data).map_err(Error::internal)?;
        Ok((checked + 1, invalid + i64::from(!schema.problems(&record).is_empty())))
    });
    counted.await
}

impl Settings {
    /// As pages and the audit log show it.
    fn shown(&self) -> [String; 2] {
        [self.schema_text(), self.members.join(", ")]
    }
}

impl RecordSettings {
    /// As pages and the audit log show it.
    fn shown(&self) -> [String; 2] {
        let schema = self.schema.as_ref().map_or(String::new(), |schema| format!("{:#}", schema.document));
        [schema, self.members.join(", ")]
    }
}

fn of_records(changes: Changes, [schema, members]: &[String; 2], [new_schema, new_members]: &[String; 2]) -> Changes {
    changes.field("Schema", schema, new_schema).field("Members to sort and filter by", members, new_members)
}

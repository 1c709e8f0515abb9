//! The SQL of calls: a connector's snapshot, and the circuit breakers that are open.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Int8, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::circuit_breaker::OpenRecord;
use crate::authorization::{CALL_COLUMNS, CALL_TABLES, SealedSettings};
use crate::connectors::ConnectorId;
use crate::db::schema::breakers;
use crate::db::{Conn, Prepared, Stored};
use crate::outbound::HttpUrl;
use crate::web::Error;

/// Everything that calls need, in one query. The token version stays, and has grown, when the token is deleted.
static SNAPSHOT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.id, c.key, c.label, c.base_url, c.enabled, c.open_rights,
        (SELECT token_version FROM renewals WHERE connector_id = c.id) AS token_version,
        (SELECT origins FROM tokens WHERE connector_id = c.id) AS token_origins,
        ARRAY(SELECT url FROM endpoints WHERE connector_id = c.id AND url LIKE '%://%') AS urls, {CALL_COLUMNS}
        FROM connectors c JOIN authorizations a ON a.connector_id = c.id {CALL_TABLES} WHERE c.key = $1 AND c.deleted_at IS NULL"
    )
});

/// A row of [`SNAPSHOT`].
#[derive(QueryableByName)]
pub(super) struct SnapshotRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Text)]
    pub label: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub base_url: Option<Stored<HttpUrl>>,
    #[diesel(sql_type = Bool)]
    pub enabled: bool,
    #[diesel(sql_type = Array<Text>)]
    pub open_rights: Vec<String>,
    #[diesel(sql_type = Nullable<Int8>)]
    pub token_version: Option<i64>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    pub token_origins: Option<Vec<String>>,
    /// The absolute URLs of endpoints.
    #[diesel(sql_type = Array<Text>)]
    pub urls: Vec<String>,
    #[diesel(embed)]
    pub settings: SealedSettings,
}

/// The connector of a key that is not in the trash.
pub(super) async fn snapshot(conn: &mut Conn, key: &str) -> Result<Option<SnapshotRow>, Error> {
    let query = diesel::sql_query(SNAPSHOT.as_str()).bind::<Text, _>(key);
    let found = Prepared(query).get_result(conn).await;
    Ok(found.optional()?)
}

/// Stores that the circuit of a connector is open, or closed.
pub(super) async fn save_breaker(
    conn: &mut Conn,
    connector: ConnectorId,
    record: Option<&OpenRecord>,
) -> Result<(), Error> {
    let Some(record) = record else {
        diesel::delete(breakers::table.find(connector)).execute(conn).await?;
        return Ok(());
    };
    let values = (
        breakers::since.eq(record.since),
        breakers::open_until.eq(record.open_until),
        breakers::message.eq(&record.message),
    );
    diesel::insert_into(breakers::table)
        .values((breakers::connector_id.eq(connector), values))
        .on_conflict(breakers::connector_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

/// Connectors whose circuit could have been half-open before this time.
pub(super) async fn old_breakers(conn: &mut Conn, before: DateTime<Utc>) -> Result<Vec<ConnectorId>, Error> {
    Ok(breakers::table
        .filter(breakers::open_until.lt(before))
        .select(breakers::connector_id)
        .limit(500)
        .load(conn)
        .await?)
}

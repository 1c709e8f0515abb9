//! The SQL of calls: a connector's snapshot, and open circuit breakers with the connector's health, for the pages and
//! for other instances.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Int8, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::circuit_breaker::{CircuitBreaker, OpenRecord};
use super::state::ConnectorState;
use crate::authorization::{CALL_COLUMNS, SealedSettings, call_tables};
use crate::connectors::{self, ConnectorId};
use crate::db::schema::breakers;
use crate::db::{Conn, Db, Prepared, Stored};
use crate::outbound::HttpUrl;
use crate::web::Error;

/// A circuit that no call has tried for this long after it could be half-open is forgotten.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::minutes(10);

/// Everything that calls need, in one query. The token version stays, and has grown, when the token is deleted.
static SNAPSHOT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.id, c.key, c.label, c.base_url, c.enabled, c.open_rights, c.is_collection,
        (SELECT token_version FROM renewals WHERE connector_id = c.id) AS token_version,
        (SELECT origins FROM tokens WHERE connector_id = c.id) AS token_origins,
        ARRAY(SELECT url FROM endpoints WHERE connector_id = c.id AND url LIKE '%://%') AS urls, {CALL_COLUMNS}
        FROM connectors c JOIN authorizations a ON a.connector_id = c.id {} WHERE c.key = $1 AND c.deleted_at IS NULL",
        call_tables()
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
    #[diesel(sql_type = Bool)]
    pub is_collection: bool,
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

/// Stores the breaker's state in the background.
pub(super) fn store_breaker_in_background(db: &Db, state: &Arc<ConnectorState>) {
    let (db, state) = (db.clone(), Arc::clone(state));
    tokio::spawn(async move {
        // One after another, so that the last one stored is the latest.
        let _storing = state.storing.lock().await;
        if let Err(error) = store_current(&db, &state).await {
            let cause = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(cause, "the state of a failing API was not stored");
        }
    });
}

async fn store_current(db: &Db, state: &ConnectorState) -> Result<(), Error> {
    let mut conn = db.get().await?;
    store_breaker(&mut conn, state.connector, Some(&state.breaker), state.clock.now()).await
}

/// Forgets circuits that have not been tried for long, for which an instance may have stopped.
pub async fn forget_old_breakers(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    let old: Vec<ConnectorId> = breakers::table
        .filter(breakers::open_until.lt(now - FORGOTTEN_AFTER))
        .select(breakers::connector_id)
        .limit(500)
        .load(conn)
        .await?;
    for id in old {
        store_breaker(conn, id, None, now).await?;
    }
    Ok(())
}

async fn store_breaker(
    conn: &mut Conn,
    id: ConnectorId,
    breaker: Option<&CircuitBreaker>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    conn.transaction(async |conn| {
        connectors::hold_authorization(conn, id).await?;
        save_record(conn, id, breaker.and_then(CircuitBreaker::record)).await?;
        connectors::refresh_health(conn, id, now).await
    })
    .await
    .map(drop)
}

/// Stores that the circuit of a connector is open, or closed.
async fn save_record(conn: &mut Conn, connector: ConnectorId, record: Option<OpenRecord>) -> Result<(), Error> {
    let Some(record) = record else {
        diesel::delete(breakers::table.find(connector)).execute(conn).await?;
        return Ok(());
    };
    let values = (
        breakers::since.eq(record.since),
        breakers::open_until.eq(record.open_until),
        breakers::message.eq(record.message.as_str()),
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

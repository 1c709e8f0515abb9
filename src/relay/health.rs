//! Stores a connector's circuit breaker with its health, for the pages and for other instances.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;

use super::circuit_breaker::OpenRecord;
use super::queries;
use super::state::ConnectorState;
use crate::connectors::{self, ConnectorId};
use crate::db::{Conn, Db};
use crate::web::Error;

/// A circuit that no call has tried for this long after it could be half-open is forgotten.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::minutes(10);

/// Stores the breaker's state in the background.
pub(super) fn store_in_background(db: &Db, state: &Arc<ConnectorState>) {
    let (db, state) = (db.clone(), Arc::clone(state));
    tokio::spawn(async move {
        // One after another, so that the last one stored is the latest.
        let _storing = state.storing.lock().await;
        if let Err(error) = store_state(&db, &state).await {
            let cause = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(cause, "the state of a failing API was not stored");
        }
    });
}

async fn store_state(db: &Db, state: &ConnectorState) -> Result<(), Error> {
    let mut conn = db.get().await?;
    store(&mut conn, state.connector, || state.breaker.record(), state.clock.now()).await
}

/// Forgets circuits that have not been tried for long, for which an instance may have stopped.
pub async fn forget_old_breakers(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    for id in queries::old_breakers(conn, now - FORGOTTEN_AFTER).await? {
        store(conn, id, || None, now).await?;
    }
    Ok(())
}

async fn store(
    conn: &mut Conn,
    id: ConnectorId,
    record: impl FnOnce() -> Option<OpenRecord> + Send,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    conn.transaction(async |conn| {
        connectors::hold_authorization(conn, id).await?;
        queries::save_breaker(conn, id, record().as_ref()).await?;
        connectors::refresh_health(conn, id, now).await
    })
    .await
    .map(drop)
}

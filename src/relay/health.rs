//! Telling the connector's health, for the pages and for other instances, that its server is left alone.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;

use super::queries;
use super::switchboard::LineState;
use crate::connectors::{self, ConnectorId};
use crate::db::{Conn, Db};
use crate::web::Error;

/// Where nobody has called for so long after the rest, nobody knows how the server fares.
const FORGOTTEN: TimeDelta = TimeDelta::minutes(10);

/// Stores how the breaker stands by now; nobody waits for it.
pub(super) fn tell(db: &Db, state: &Arc<LineState>) {
    let (db, state) = (db.clone(), Arc::clone(state));
    tokio::spawn(async move {
        // One after another, so that what stands at the end is how it is at the end.
        let _turn = state.telling.lock().await;
        if let Err(error) = store(&db, &state).await {
            let cause = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(cause, "the state of a failing API was not stored");
        }
    });
}

async fn store(db: &Db, state: &LineState) -> Result<(), Error> {
    let mut conn = db.get().await?;
    let (id, now) = (state.connector, state.clock.now());
    conn.transaction(async |conn| {
        connectors::hold_authorization(conn, id).await?;
        queries::save_breaker(conn, id, state.breaker.record().as_ref()).await?;
        connectors::refresh_health(conn, id, now).await
    })
    .await
    .map(drop)
}

/// Forgets servers that nobody has called again long after their rest, for which an instance may have stopped.
pub async fn forget_old_breakers(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    for id in queries::old_breakers(conn, now - FORGOTTEN).await? {
        forget(conn, id, now).await?;
    }
    Ok(())
}

async fn forget(conn: &mut Conn, id: ConnectorId, now: DateTime<Utc>) -> Result<(), Error> {
    conn.transaction(async |conn| {
        connectors::hold_authorization(conn, id).await?;
        queries::save_breaker(conn, id, None).await?;
        connectors::refresh_health(conn, id, now).await
    })
    .await
    .map(drop)
}

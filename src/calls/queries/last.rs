//! The last call of each endpoint.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::row::CallPlace;
use super::super::words::CallStatus;
use crate::connectors::ConnectorId;
use crate::db::Conn;
use crate::web::Error;

/// When an endpoint was called last, and what became of it.
#[derive(QueryableByName)]
pub struct LastCall {
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<SmallInt>)]
    status: Option<i16>,
}

impl LastCall {
    /// For `calls/tag.html`.
    pub fn status(&self) -> CallStatus {
        CallStatus::read(&self.outcome, self.status)
    }

    /// The page of the call, for whoever has View Activity.
    pub fn href(&self) -> String {
        format!("/calls/{}", CallPlace { at: self.at, id: self.id })
    }
}

/// The last calls of a connector's endpoints, by endpoint: one look into an index for each, whatever the number of
/// calls. Endpoints that were not called within the retention are missing.
pub async fn last_calls(conn: &mut Conn, connector: ConnectorId) -> Result<HashMap<Uuid, LastCall>, Error> {
    let last: Vec<LastCall> = sql_query(
        "SELECT last.* FROM endpoints CROSS JOIN LATERAL (
            SELECT endpoint_id, id, at, outcome, status FROM calls
            WHERE calls.endpoint_id = endpoints.id ORDER BY at DESC, calls.id DESC LIMIT 1
        ) AS last WHERE endpoints.connector_id = $1",
    )
    .bind::<SqlUuid, _>(connector)
    .load(conn)
    .await?;
    Ok(last.into_iter().map(|call| (call.endpoint_id, call)).collect())
}

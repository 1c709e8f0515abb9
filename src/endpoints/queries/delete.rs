//! Deleting an endpoint, if it is as the person has seen it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::super::model::Endpoint;
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::endpoints;
use crate::db::version::SeenVersion;
use crate::web::SaveError;

pub async fn delete(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (endpoint, seen): (&Endpoint, SeenVersion),
) -> Result<(), SaveError> {
    conn.transaction(async |conn| {
        super::lock(conn, endpoint, seen).await?;
        diesel::delete(endpoints::table.find(endpoint.id)).execute(conn).await?;
        let event = Event {
            kind: "endpoint.deleted",
            subject_id: Some(endpoint.connector_id),
            subject_name: &endpoint.name,
            changes: Changes::none().field("Method", &endpoint.method, "").field("URL", &endpoint.url, ""),
        };
        audit::record(conn, by, now, event).await?;
        Ok(())
    })
    .await
}

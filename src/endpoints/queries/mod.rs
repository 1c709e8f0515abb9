//! The endpoints' SQL.

mod delete;
mod save;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Endpoint, EndpointId};
use crate::connectors::ConnectorId;
use crate::db::schema::{connectors, endpoints};
use crate::db::version::{SeenVersion, VersionError};
use crate::db::{Conn, Prepared};
use crate::web::Error;

pub(super) use delete::delete;
pub(super) use save::{NotSaved, Saving, create, update};

/// An endpoint as the list shows it, with its last call.
#[derive(QueryableByName)]
pub(super) struct ListRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: EndpointId,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub method: String,
    #[diesel(sql_type = Text)]
    pub url: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub outcome: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub status: Option<i16>,
}

/// Each endpoint's last call is the first row of an index, whatever the log holds.
const LIST: &str = "SELECT e.id, e.name, e.method, e.url, last.at AS last_at, last.outcome, last.status
    FROM endpoints AS e
    LEFT JOIN LATERAL (
        SELECT at, outcome, status FROM calls WHERE endpoint_id = e.id ORDER BY at DESC, id DESC LIMIT 1
    ) AS last ON true
    WHERE e.connector_id = $1
    ORDER BY e.name_key, e.id";

/// The endpoints of a connector by name.
pub(super) async fn list(conn: &Conn, connector: ConnectorId) -> Result<Vec<ListRow>, Error> {
    let statement = diesel::sql_query(LIST).bind::<SqlUuid, _>(connector);
    Ok(Prepared(statement).load(&mut &*conn).await?)
}

/// The keys of the names that are taken in a connector.
pub(super) async fn name_keys(conn: &Conn, connector: ConnectorId) -> Result<Vec<String>, Error> {
    Ok(endpoints::table
        .filter(endpoints::connector_id.eq(connector))
        .select(endpoints::name_key)
        .load(&mut &*conn)
        .await?)
}

/// An endpoint of a connector.
pub(super) async fn find(conn: &Conn, connector: ConnectorId, id: EndpointId) -> Result<Endpoint, Error> {
    Ok(endpoints::table
        .find(id)
        .filter(endpoints::connector_id.eq(connector))
        .select(Endpoint::as_select())
        .first(&mut &*conn)
        .await?)
}

/// Locks an endpoint, and compares its version. After the authorization of the connector, which whoever binds secrets
/// locks first.
async fn lock(conn: &mut Conn, endpoint: &Endpoint, seen: SeenVersion) -> Result<(), VersionError> {
    let row = endpoints::table.find(endpoint.id);
    let version = row.select(endpoints::version).for_no_key_update();
    seen.lock(conn, version).await
}

/// All endpoints of a connector with the keys of their names, and the connector's base URL; `None` without such a
/// connector.
pub(super) async fn all_with_base(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Option<(Option<String>, Vec<(String, Endpoint)>)>, Error> {
    let base: Option<Option<String>> =
        connectors::table.find(connector).select(connectors::base_url).first(conn).await.optional()?;
    let Some(base) = base else {
        return Ok(None);
    };
    let endpoints = endpoints::table
        .filter(endpoints::connector_id.eq(connector))
        .select((endpoints::name_key, Endpoint::as_select()))
        .load(conn)
        .await?;
    Ok(Some((base, endpoints)))
}

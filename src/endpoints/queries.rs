//! The endpoints' SQL. Each change records its audit event in the same transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::model::{CheckedEndpoint, Endpoint, EndpointId, Row, describe};
use crate::audit::{Change, Changes, transaction};
use crate::authorization;
use crate::connectors::{self, ConnectorId};
use crate::db::Conn;
use crate::db::schema::{connectors as connectors_table, endpoints};
use crate::db::version::{SeenVersion, VersionError};
use crate::outbound::Origin;
use crate::web::{Error, SaveError, grouped};

/// The most endpoints of one connector: as many as one page shows.
pub(super) const MAX_ENDPOINTS: i64 = 500;

/// The longest value of a field in the audit log, in characters.
const MAX_AUDITED: usize = 2_000;

/// An endpoint of the list.
#[derive(Queryable, Selectable)]
#[diesel(table_name = endpoints)]
pub(super) struct ListRow {
    pub id: EndpointId,
    pub name: String,
    pub method: String,
    pub url: String,
}

/// The endpoints of a connector by name.
pub(super) async fn list(conn: &Conn, connector: ConnectorId) -> Result<Vec<ListRow>, Error> {
    Ok(endpoints::table
        .filter(endpoints::connector_id.eq(connector))
        .order((endpoints::name_key, endpoints::id))
        .select(ListRow::as_select())
        .load(&mut &*conn)
        .await?)
}

/// The keys of the names that are taken in a connector.
pub(super) async fn name_keys(conn: &Conn, connector: ConnectorId) -> Result<Vec<String>, Error> {
    let of_connector = endpoints::table.filter(endpoints::connector_id.eq(connector));
    Ok(of_connector.select(endpoints::name_key).load(&mut &*conn).await?)
}

pub(super) async fn find(conn: &Conn, connector: ConnectorId, id: EndpointId) -> Result<Endpoint, Error> {
    let of_connector = endpoints::table.find(id).filter(endpoints::connector_id.eq(connector));
    Ok(of_connector.select(Endpoint::as_select()).first(&mut &*conn).await?)
}

/// The base URL and all endpoints of a connector with the keys of their names; `None` without such a connector.
pub(super) async fn all_with_base(
    conn: &mut Conn,
    connector: ConnectorId,
) -> Result<Option<(Option<String>, Vec<(String, Endpoint)>)>, Error> {
    let base_url = connectors_table::table.find(connector).select(connectors_table::base_url);
    let Some(base) = base_url.first(conn).await.optional()? else {
        return Ok(None);
    };
    let endpoints = endpoints::table
        .filter(endpoints::connector_id.eq(connector))
        .select((endpoints::name_key, Endpoint::as_select()))
        .load(conn)
        .await?;
    Ok(Some((base, endpoints)))
}

/// Whether the connector has as many endpoints as it may.
pub(super) async fn is_full(conn: &Conn, connector: ConnectorId) -> Result<bool, Error> {
    let of_connector = endpoints::table.filter(endpoints::connector_id.eq(connector));
    Ok(of_connector.count().get_result::<i64>(&mut &*conn).await? >= MAX_ENDPOINTS)
}

/// Stores a new endpoint.
pub async fn create(
    change: &mut Change<'_>,
    connector: ConnectorId,
    id: EndpointId,
    new: &CheckedEndpoint,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        note_origin(change, connector, new).await?;
        let created = (
            endpoints::id.eq(id),
            endpoints::connector_id.eq(connector),
            endpoints::created_at.eq(change.now),
            endpoints::created_by.eq(change.by.attribution()),
        );
        let row = (created, Columns::of(change, new));
        diesel::insert_into(endpoints::table).values(row).execute(change.conn).await?;
        let fields = new_fields(new).into_iter();
        let changes = fields.fold(Changes::none(), |changes, (label, value)| changes.field(label, "", value));
        Ok(change.record("endpoint.created", connector, new.name.as_str(), changes).await?)
    })
    .await
}

/// Whole rows, but for whose they are and who made them.
const COPY: &str = "INSERT INTO endpoints
    SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(), 'connector_id', c.id, 'version', 1,
        'created_at', c.created_at, 'created_by', c.created_by, 'updated_at', c.updated_at, 'updated_by', c.updated_by))).*
    FROM endpoints AS o, connectors AS c WHERE o.connector_id = $1 AND c.id = $2";

/// Copies the endpoints of a connector to a new one.
pub(super) async fn copy_all(conn: &mut Conn, from: ConnectorId, to: ConnectorId) -> Result<(), Error> {
    diesel::sql_query(COPY).bind::<SqlUuid, _>(from).bind::<SqlUuid, _>(to).execute(conn).await?;
    Ok(())
}

/// Saves an endpoint, unless it was saved since it was read.
pub(super) async fn update(
    change: &mut Change<'_>,
    connector: ConnectorId,
    (old, seen): (&Endpoint, SeenVersion),
    new: &CheckedEndpoint,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        note_origin(change, connector, new).await?;
        lock(change, old, seen).await?;
        let columns = Columns::of(change, new);
        diesel::update(endpoints::table.find(old.id))
            .set((endpoints::version.eq(endpoints::version + 1), columns))
            .execute(change.conn)
            .await?;
        let request = old.request().map_err(Error::internal)?;
        let before = describe(&old.name, &old.description, &request, &old.sample);
        let fields = before.into_iter().zip(new_fields(new));
        let changes =
            fields.fold(Changes::none(), |changes, ((label, old), (_, new))| changes.field(label, shortened(old), new));
        Ok(change.record("endpoint.saved", connector, new.name.as_str(), changes).await?)
    })
    .await
}

/// Deletes an endpoint, unless it was saved since it was read.
pub(super) async fn delete(
    change: &mut Change<'_>,
    connector: ConnectorId,
    (endpoint, seen): (&Endpoint, SeenVersion),
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        lock(change, endpoint, seen).await?;
        diesel::delete(endpoints::table.find(endpoint.id)).execute(change.conn).await?;
        let changes = Changes::none().field("Method", &endpoint.method, "").field("URL", &endpoint.url, "");
        Ok(change.record("endpoint.deleted", connector, &endpoint.name, changes).await?)
    })
    .await
}

/// Locks an endpoint, and compares its version. The row of the authorization is locked first, as by everything that
/// binds secrets.
async fn lock(change: &mut Change<'_>, endpoint: &Endpoint, seen: SeenVersion) -> Result<(), VersionError> {
    let version = endpoints::table.find(endpoint.id).select(endpoints::version).for_no_key_update();
    seen.lock(change.conn, version).await
}

/// The columns that creating and saving write.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = endpoints)]
struct Columns<'a> {
    name: &'a str,
    name_key: String,
    description: &'a str,
    method: &'static str,
    url: &'a str,
    parameters: Value,
    headers: Value,
    body_kind: &'static str,
    body: &'a str,
    form: Value,
    sample: &'a str,
    #[diesel(treat_none_as_null = true)]
    time_out: Option<i32>,
    retries: i32,
    paging: &'static str,
    paging_next: String,
    paging_parameter: &'a str,
    paging_items: String,
    updated_at: DateTime<Utc>,
    updated_by: String,
}

impl<'a> Columns<'a> {
    fn of(change: &Change<'_>, new: &'a CheckedEndpoint) -> Columns<'a> {
        let request = &new.request;
        Columns {
            name: new.name.as_str(),
            name_key: new.name.key(),
            description: &new.description,
            method: request.method.code(),
            url: &request.url,
            parameters: Row::stored(&request.parameters),
            headers: Row::stored(&request.headers),
            body_kind: request.body_kind.code(),
            body: &request.body,
            form: Row::stored(&request.form),
            sample: &new.sample,
            time_out: request.time_out,
            retries: request.retries,
            paging: request.paging.kind.code(),
            paging_next: request.paging.next.to_string(),
            paging_parameter: &request.paging.parameter,
            paging_items: request.paging.items.to_string(),
            updated_at: change.now,
            updated_by: change.by.attribution(),
        }
    }
}

/// An origin that is new to the connector makes open forms stale that ask for a secret, because they do not list it. The
/// row of the authorization is locked first, as by everything that stores a secret or changes the base URL.
async fn note_origin(change: &mut Change<'_>, connector: ConnectorId, new: &CheckedEndpoint) -> Result<(), Error> {
    let Some(origin) = Origin::of_template(&new.request.url) else {
        return Ok(());
    };
    connectors::hold_authorization(change.conn, connector).await?;
    let known = authorization::origins_in_use(change.conn, connector).await?;
    if !known.iter().any(|known| *known == origin) {
        connectors::outdate_authorization(change, connector).await?;
    }
    Ok(())
}

fn new_fields(new: &CheckedEndpoint) -> Vec<(&'static str, String)> {
    let fields = describe(new.name.as_str(), &new.description, &new.request, &new.sample);
    fields.into_iter().map(|(label, value)| (label, shortened(value))).collect()
}

/// The beginning of a long value: the audit log is kept for ever.
fn shortened(value: String) -> String {
    match value.char_indices().nth(MAX_AUDITED) {
        None => value,
        Some((end, _)) => {
            let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
            format!("{}… ({} characters)", &value[..end], grouped(length))
        }
    }
}

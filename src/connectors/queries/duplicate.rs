//! Duplicating: a new connector with the settings of another one.
//!
//! Rule: everything is copied but secrets, tokens and what belongs to them. Danger: a setting that is added later and
//! forgotten here, so tests compare the rows.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{categories_of, create};
use crate::access::Rights;
use crate::audit::{Change, Changes, transaction};
use crate::categories::CategoryId;
use crate::connectors::model::{Connector, ConnectorId, Details, EVERYBODY, NewConnector, parse_name};
use crate::db::Conn;
use crate::db::schema::connectors;
use crate::name::Name;
use crate::web::{Error, SaveError};

/// Names of the kind “X copy 2” that are tried.
const MOST_COPIES: u32 = 100;

/// What is copied of the row that came with the new connector.
const SETTINGS: &str = "UPDATE authorizations AS copy
    SET user_name = o.user_name, api_key_place = o.api_key_place, api_key_name = o.api_key_name, api_key_prefix = o.api_key_prefix,
        ca_certificate = o.ca_certificate, client_certificate = o.client_certificate, proxy_url = o.proxy_url, time_out = o.time_out,
        expired_statuses = o.expired_statuses, expired_body = o.expired_body, token_url = o.token_url, token_user = o.token_user,
        token_client_id = o.token_client_id, token_scope = o.token_scope, token_request_style = o.token_request_style,
        token_pointer = o.token_pointer, concurrency = o.concurrency
    FROM authorizations AS o WHERE o.connector_id = $1 AND copy.connector_id = $2";

/// A whole row, but for whose it is.
const OAUTH_CLIENT: &str = "INSERT INTO oauth_clients
    SELECT (jsonb_populate_record(o, jsonb_build_object('connector_id', $2))).* FROM oauth_clients AS o WHERE o.connector_id = $1";

/// Whole rows again, but for whose they are and who made them.
const ENDPOINTS: &str = "INSERT INTO endpoints
    SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(), 'connector_id', c.id, 'version', 1,
        'created_at', c.created_at, 'created_by', c.created_by, 'updated_at', c.updated_at, 'updated_by', c.updated_by))).*
    FROM endpoints AS o, connectors AS c WHERE o.connector_id = $1 AND c.id = $2";

/// The copy is open to the same people: else duplicating would open it to others.
const ACCESS: &str = "INSERT INTO connector_rights (id, connector_id, user_id, group_id, rights)
    SELECT gen_random_uuid(), $2, user_id, group_id, rights FROM connector_rights WHERE connector_id = $1";

const OWN_SETTINGS: &str =
    "UPDATE connectors AS copy SET verify_certificates = o.verify_certificates, open_rights = o.open_rights
    FROM connectors AS o WHERE o.id = $1 AND copy.id = $2";

/// Copies everything but secrets and tokens, under the first free name of the kind “X copy”. Gives the copy's key.
pub async fn duplicate(change: &mut Change<'_>, original: &Connector) -> Result<String, SaveError> {
    let categories = categories_of(change.conn, &original.key).await?;
    transaction(change, async |change| {
        for number in 1..MOST_COPIES {
            let copy = copy_of(original, &categories, number);
            match create(change, &copy).await {
                Err(SaveError::NameTaken) => {}
                other => {
                    let key = other?;
                    copy_settings(change.conn, original.id, copy.id).await?;
                    record_access(change, &copy).await?;
                    return Ok(key);
                }
            }
        }
        Err(SaveError::NameTaken)
    })
    .await
}

fn copy_of(original: &Connector, categories: &[CategoryId], number: u32) -> NewConnector {
    NewConnector {
        id: Uuid::now_v7(),
        details: Details { name: copy_name(&original.name, number), ..original.details.clone() },
        method: original.method(),
        categories: categories.to_vec(),
    }
}

/// “X copy”, “X copy 2”, …, with X shortened so that the whole stays a name.
fn copy_name(name: &str, number: u32) -> Name {
    let ending = if number == 1 { " copy".to_string() } else { format!(" copy {number}") };
    let beginning: String = name.chars().take(255 - ending.chars().count()).collect();
    // proven: a name's beginning and these words hold only the characters of names
    parse_name(&format!("{}{ending}", beginning.trim_end())).unwrap_or_else(|_| unreachable!("a copy's name is a name"))
}

/// The settings of the authorization, without anything secret, and the endpoints.
async fn copy_settings(conn: &mut Conn, from: ConnectorId, to: ConnectorId) -> Result<(), Error> {
    for sql in [SETTINGS, OAUTH_CLIENT, OWN_SETTINGS, ACCESS, ENDPOINTS] {
        diesel::sql_query(sql).bind::<SqlUuid, _>(from).bind::<SqlUuid, _>(to).execute(conn).await?;
    }
    Ok(())
}

/// The people and groups that a connector lists, as the pages of people name them, and their rights.
const LISTED: &str = "SELECT coalesce(u.name || ' (' || u.username || ')', 'group ' || g.name) AS who, r.rights
    FROM connector_rights r LEFT JOIN users u ON u.id = r.user_id LEFT JOIN groups g ON g.id = r.group_id
    WHERE r.connector_id = $1 ORDER BY coalesce(u.name, g.name) COLLATE \"und-x-icu\", r.id";

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = Text)]
    who: String,
    #[diesel(sql_type = Array<Text>, deserialize_as = Vec<String>)]
    rights: Rights,
}

/// Tells who may do what with the copy, unless that is what everybody may do with a new connector.
async fn record_access(change: &mut Change<'_>, copy: &NewConnector) -> Result<(), Error> {
    let open = connectors::table.find(copy.id).select(connectors::open_rights);
    let open: Vec<String> = open.first(change.conn).await?;
    let (open, usual) = (Rights::from(open), Rights::ALL);
    let listed: Vec<Listed> = diesel::sql_query(LISTED).bind::<SqlUuid, _>(copy.id).load(change.conn).await?;
    if open == usual && listed.is_empty() {
        return Ok(());
    }
    let changes = Changes::none().field(EVERYBODY, usual.labels(), open.labels());
    let changes = listed.iter().fold(changes, |changes, entry| changes.field(&entry.who, "", entry.rights.labels()));
    change.record("connector.access_saved", copy.id, &copy.details.name, changes).await
}

//! The authorization's SQL. Secrets are sealed here on the way in and opened here on the way out.

mod secrets;
mod tokens;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::credential::CredentialPlace;
use super::model::StoredBreaker;
use super::settings::{OAuthClient, StoredSettings, TokenRequestSettings};
use crate::db::schema::{authorizations, breakers, oauth_clients};
use crate::db::{Conn, in_row};
use crate::outbound::certificate_end;
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

pub(super) use secrets::{FurtherSecret, Sealed, SealedValues, promote_secret, remove_secret};
pub use secrets::{NewSecret, store_secret};
pub(super) use tokens::{forget_failures, keep_request, remove_token, stored_token, take_request, token_origins};
pub use tokens::{purge_token_requests, store_token, token_values};

/// At the beginning of a transaction: all its queries see the database as it is now, and it changes nothing.
pub(super) async fn see_one_state(conn: &mut Conn) -> Result<(), Error> {
    let snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
    Ok(conn.batch_execute(snapshot).await?)
}

pub(super) async fn find(conn: &mut Conn, connector: Uuid) -> Result<StoredSettings, Error> {
    let row = authorizations::table.find(connector).select(StoredSettings::as_select()).first(conn).await;
    Ok(in_row(&["authorizations"], connector, row)?)
}

/// The same, locked until the end of the transaction: storing and forgetting a secret lock this row first.
pub(super) async fn find_and_lock(conn: &mut Conn, connector: Uuid) -> Result<StoredSettings, Error> {
    let row = authorizations::table.find(connector).select(StoredSettings::as_select()).for_update().first(conn).await;
    Ok(in_row(&["authorizations"], connector, row)?)
}

/// The settings of an OAuth method; the usual ones while none are stored.
pub(super) async fn oauth_client(conn: &mut Conn, connector: Uuid) -> Result<OAuthClient, Error> {
    let row = oauth_clients::table.find(connector).select(OAuthClient::as_select()).first(conn).await;
    Ok(in_row(&["oauth_clients"], connector, row).optional()?.unwrap_or_default())
}

/// Stores the settings of an OAuth method, or removes them when the connector has another.
pub(super) async fn save_oauth_client(
    conn: &mut Conn,
    connector: Uuid,
    client: Option<&OAuthClient>,
) -> Result<(), Error> {
    match client {
        Some(client) => {
            diesel::insert_into(oauth_clients::table)
                .values((oauth_clients::connector_id.eq(connector), client))
                .on_conflict(oauth_clients::connector_id)
                .do_update()
                .set(client)
                .execute(conn)
                .await?;
        }
        None => {
            diesel::delete(oauth_clients::table.find(connector)).execute(conn).await?;
        }
    }
    Ok(())
}

/// Stores when the client certificate ends, as it says itself.
pub(super) async fn save_certificate_end(conn: &mut Conn, connector: Uuid, chain_pem: &str) -> Result<(), Error> {
    diesel::update(authorizations::table.find(connector))
        .set(authorizations::client_certificate_ends_at.eq(certificate_end(chain_pem)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes the ends of client certificates that were stored by a version that did not. Called at start.
pub async fn note_certificate_ends(conn: &mut Conn) -> Result<(), Error> {
    let unknown: Vec<(Uuid, String)> = authorizations::table
        .filter(authorizations::client_certificate.ne(""))
        .filter(authorizations::client_certificate_ends_at.is_null())
        .select((authorizations::connector_id, authorizations::client_certificate))
        .load(conn)
        .await?;
    for (connector, chain_pem) in unknown {
        save_certificate_end(conn, connector, &chain_pem).await?;
    }
    Ok(())
}

/// What is copied of the row that came with the new connector.
const SETTINGS: &str = "UPDATE authorizations AS copy
    SET user_name = o.user_name, api_key_place = o.api_key_place, api_key_name = o.api_key_name, api_key_prefix = o.api_key_prefix, basic_charset = o.basic_charset, access_token_place = o.access_token_place, access_token_name = o.access_token_name,
        access_token_prefix = o.access_token_prefix,
        ca_certificate = o.ca_certificate, ca_trust = o.ca_trust, client_certificate = o.client_certificate, proxy_url = o.proxy_url, time_out = o.time_out,
        expired_statuses = o.expired_statuses, expired_body = o.expired_body, token_url = o.token_url, token_user = o.token_user,
        token_client_id = o.token_client_id, token_scope = o.token_scope, token_request_style = o.token_request_style,
        token_pointer = o.token_pointer, concurrency = o.concurrency, stream_idle = o.stream_idle,
        token_user_field = o.token_user_field, token_password_field = o.token_password_field,
        options = o.options, client_certificate_ends_at = o.client_certificate_ends_at
    FROM authorizations AS o WHERE o.connector_id = $1 AND copy.connector_id = $2";

/// A whole row, but for whose it is.
const OAUTH_CLIENT: &str = "INSERT INTO oauth_clients
    SELECT (jsonb_populate_record(o, jsonb_build_object('connector_id', $2))).* FROM oauth_clients AS o WHERE o.connector_id = $1";

/// Copies the settings of a connector to a new one, without secrets and tokens.
pub async fn copy_settings(conn: &mut Conn, from: Uuid, to: Uuid) -> Result<(), Error> {
    for sql in [SETTINGS, OAUTH_CLIENT] {
        diesel::sql_query(sql).bind::<SqlUuid, _>(from).bind::<SqlUuid, _>(to).execute(conn).await?;
    }
    Ok(())
}

/// Stores the user name of Basic authentication.
pub async fn save_user_name(conn: &mut Conn, connector: Uuid, name: &str) -> Result<(), Error> {
    let row = authorizations::table.find(connector);
    diesel::update(row).set(authorizations::user_name.eq(name)).execute(conn).await?;
    Ok(())
}

/// Stores where the API key goes.
pub async fn save_api_key_place(
    conn: &mut Conn,
    connector: Uuid,
    place: CredentialPlace,
    name: &str,
) -> Result<(), Error> {
    diesel::update(authorizations::table.find(connector))
        .set((authorizations::api_key_place.eq(place), authorizations::api_key_name.eq(name)))
        .execute(conn)
        .await?;
    Ok(())
}

/// The API's circuit breaker, if it is open.
pub(super) async fn breaker(conn: &mut Conn, connector: Uuid) -> Result<Option<StoredBreaker>, Error> {
    Ok(breakers::table.find(connector).select(StoredBreaker::as_select()).first(conn).await.optional()?)
}

/// Stores the request that a token came from, for the next request and for renewal.
pub(super) async fn save_token_request(
    conn: &mut Conn,
    connector: Uuid,
    request: &TokenRequestSettings,
    keep_fresh: bool,
) -> Result<(), Error> {
    diesel::update(authorizations::table.find(connector))
        .set((request, authorizations::keep_fresh.eq(keep_fresh)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Seals a secret so that it opens only with these origins and in the place that the associated data name.
fn seal(vault: &Vault, data: AssociatedData<'_>, origins: &[String], secret: &Secret) -> Result<Vec<u8>, Error> {
    let data = AssociatedData { bound_to: Some(origins), ..data };
    vault.seal(data, secret).map_err(Error::internal)
}

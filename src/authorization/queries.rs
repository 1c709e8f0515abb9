//! The authorization's SQL. Secrets are sealed here on the way in and opened here on the way out.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Authorization, NewToken, SecretField, StoredSecret, StoredToken};
use super::token_form::TokenQuestion;
use crate::access::Actor;
use crate::db::Conn;
use crate::db::schema::{authorizations, secrets, token_requests, tokens};
use crate::vault::{Place, Secret, Vault};
use crate::web::Error;

/// How long the answer to a token request can be taken over.
const REQUEST_KEPT: TimeDelta = TimeDelta::minutes(10);

pub(super) async fn find(conn: &mut Conn, connector: Uuid) -> Result<Authorization, Error> {
    Ok(authorizations::table
        .find(connector)
        .select(Authorization::as_select())
        .first(conn)
        .await?)
}

/// The same, held until the end of the transaction: whoever stores or forgets a secret takes this row first.
pub(super) async fn find_and_hold(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Authorization, Error> {
    Ok(authorizations::table
        .find(connector)
        .select(Authorization::as_select())
        .for_update()
        .first(conn)
        .await?)
}

/// Which secrets are stored, without the secrets.
pub(super) async fn stored_secrets(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Vec<StoredSecret>, Error> {
    Ok(secrets::table
        .filter(secrets::connector_id.eq(connector))
        .select((secrets::field, secrets::set_at, secrets::set_by))
        .load(conn)
        .await?)
}

/// What may be known of the stored token.
pub(super) async fn stored_token(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Option<StoredToken>, Error> {
    let columns = (
        tokens::token_type,
        tokens::scope,
        tokens::obtained_at,
        tokens::expires_at,
        tokens::set_by,
    );
    Ok(tokens::table
        .find(connector)
        .select(columns)
        .first(conn)
        .await
        .optional()?)
}

fn secret_place(connector: Uuid, field: SecretField) -> Place<'static> {
    Place {
        table: "secrets",
        row: connector,
        column: field.code(),
    }
}

fn token_place(connector: Uuid) -> Place<'static> {
    Place {
        table: "tokens",
        row: connector,
        column: "access_token",
    }
}

/// Seals and stores a secret over whatever was there.
pub async fn store_secret(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    connector: Uuid,
    field: SecretField,
    secret: &Secret,
) -> Result<(), Error> {
    let sealed = vault
        .seal(secret_place(connector, field), secret)
        .map_err(Error::internal)?;
    let values = (
        secrets::sealed.eq(sealed),
        secrets::set_at.eq(now),
        secrets::set_by.eq(&by.name),
    );
    diesel::insert_into(secrets::table)
        .values((
            secrets::connector_id.eq(connector),
            secrets::field.eq(field.code()),
            values.clone(),
        ))
        .on_conflict((secrets::connector_id, secrets::field))
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

/// Opens a stored secret, for sending it to the host it was entered for.
pub(super) async fn open_secret(
    conn: &mut Conn,
    vault: &Vault,
    connector: Uuid,
    field: SecretField,
) -> Result<Option<Secret>, Error> {
    let sealed: Option<Vec<u8>> = secrets::table
        .find((connector, field.code()))
        .select(secrets::sealed)
        .first(conn)
        .await
        .optional()?;
    sealed
        .map(|sealed| {
            vault
                .open(secret_place(connector, field), &sealed)
                .map_err(Error::internal)
        })
        .transpose()
}

pub(super) async fn remove_secret(
    conn: &mut Conn,
    connector: Uuid,
    field: SecretField,
) -> Result<(), Error> {
    diesel::delete(secrets::table.find((connector, field.code())))
        .execute(conn)
        .await?;
    Ok(())
}

/// Seals and stores the access token in place of whatever was there.
pub async fn store_token(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    connector: Uuid,
    token: &NewToken,
) -> Result<(), Error> {
    let sealed = vault
        .seal(token_place(connector), &token.access)
        .map_err(Error::internal)?;
    let values = (
        tokens::access_token.eq(sealed),
        tokens::refresh_token.eq(None::<Vec<u8>>),
        tokens::token_type.eq(&token.token_type),
        tokens::scope.eq(&token.scope),
        tokens::obtained_at.eq(now),
        tokens::expires_at.eq(token.expires_at),
        tokens::set_by.eq(&by.name),
    );
    diesel::insert_into(tokens::table)
        .values((tokens::connector_id.eq(connector), values.clone()))
        .on_conflict(tokens::connector_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

/// Opens the stored access token.
pub(super) async fn open_token(
    conn: &mut Conn,
    vault: &Vault,
    connector: Uuid,
) -> Result<Option<Secret>, Error> {
    let sealed: Option<Vec<u8>> = tokens::table
        .find(connector)
        .select(tokens::access_token)
        .first(conn)
        .await
        .optional()?;
    sealed
        .map(|sealed| {
            vault
                .open(token_place(connector), &sealed)
                .map_err(Error::internal)
        })
        .transpose()
}

pub(super) async fn remove_token(conn: &mut Conn, connector: Uuid) -> Result<(), Error> {
    diesel::delete(tokens::table.find(connector))
        .execute(conn)
        .await?;
    diesel::update(authorizations::table.find(connector))
        .set(authorizations::keep_fresh.eq(false))
        .execute(conn)
        .await?;
    Ok(())
}

fn request_place(id: Uuid) -> Place<'static> {
    Place {
        table: "token_requests",
        row: id,
        column: "sealed",
    }
}

/// Keeps the answer to a token request, with what was asked, until somebody takes it over.
pub(super) async fn keep_request(
    conn: &mut Conn,
    vault: &Vault,
    user: Uuid,
    now: DateTime<Utc>,
    connector: Uuid,
    answer: &Secret,
) -> Result<Uuid, Error> {
    let id = Uuid::now_v7();
    let sealed = vault
        .seal(request_place(id), answer)
        .map_err(Error::internal)?;
    diesel::insert_into(token_requests::table)
        .values((
            token_requests::id.eq(id),
            token_requests::connector_id.eq(connector),
            token_requests::user_id.eq(user),
            token_requests::sealed.eq(sealed),
            token_requests::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(id)
}

/// Takes the answer to a request that this user made for this connector, once.
pub(super) async fn take_request(
    conn: &mut Conn,
    vault: &Vault,
    user: Uuid,
    now: DateTime<Utc>,
    connector: Uuid,
    id: Uuid,
) -> Result<Option<Secret>, Error> {
    let own = token_requests::table
        .find(id)
        .filter(token_requests::connector_id.eq(connector))
        .filter(token_requests::user_id.eq(user))
        .filter(token_requests::created_at.gt(now - REQUEST_KEPT));
    let sealed: Option<Vec<u8>> = diesel::delete(own)
        .returning(token_requests::sealed)
        .get_result(conn)
        .await
        .optional()?;
    sealed
        .map(|sealed| {
            vault
                .open(request_place(id), &sealed)
                .map_err(Error::internal)
        })
        .transpose()
}

/// Deletes the answers that nobody took over in time.
pub async fn purge_token_requests(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    Ok(diesel::delete(
        token_requests::table.filter(token_requests::created_at.le(now - REQUEST_KEPT)),
    )
    .execute(conn)
    .await?)
}

/// Stores what was asked of the token server, for the next request and for renewal.
pub(super) async fn save_question(
    conn: &mut Conn,
    connector: Uuid,
    question: &TokenQuestion,
    keep_fresh: bool,
) -> Result<(), Error> {
    diesel::update(authorizations::table.find(connector))
        .set((
            authorizations::keep_fresh.eq(keep_fresh),
            authorizations::token_url.eq(&question.url),
            authorizations::token_user.eq(&question.user),
            authorizations::token_client_id.eq(&question.client_id),
            authorizations::token_scope.eq(&question.scope),
            authorizations::token_request_style.eq(&question.style),
            authorizations::token_pointer.eq(&question.pointer),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

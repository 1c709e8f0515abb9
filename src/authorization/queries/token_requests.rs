//! The answers to Get Access Token, sealed, while they wait to be taken over.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::open_sealed;
use crate::db::Conn;
use crate::db::schema::token_requests;
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// How long the answer to a token request can be taken over.
const REQUEST_KEPT: TimeDelta = TimeDelta::minutes(10);

fn request_place(id: Uuid) -> AssociatedData<'static> {
    AssociatedData { table: "token_requests", row: id, column: "sealed", bound_to: None }
}

/// Keeps the answer to a token request, with what was asked, until somebody takes it over.
pub(in crate::authorization) async fn keep_request(
    conn: &mut Conn,
    vault: &Vault,
    user: Uuid,
    now: DateTime<Utc>,
    connector: Uuid,
    answer: &Secret,
) -> Result<Uuid, Error> {
    let id = Uuid::now_v7();
    let sealed = vault.seal(request_place(id), answer).map_err(Error::internal)?;
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
pub(in crate::authorization) async fn take_request(
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
    let sealed: Option<Vec<u8>> =
        diesel::delete(own).returning(token_requests::sealed).get_result(conn).await.optional()?;
    open_sealed(vault, request_place(id), sealed)
}

/// Deletes the answers that nobody took over in time.
pub async fn purge_token_requests(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    Ok(diesel::delete(token_requests::table.filter(token_requests::created_at.le(now - REQUEST_KEPT)))
        .execute(conn)
        .await?)
}

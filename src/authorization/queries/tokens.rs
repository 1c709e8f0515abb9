//! What token servers issued, sealed: stored tokens, and the tokens of requests while they wait to be taken over.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::seal;
use super::secrets::{SealedValues, token_data};
use crate::audit::Change;
use crate::authorization::model::{NewToken, RefreshToken, StoredToken};
use crate::authorization::origins::ApprovedOrigins;
use crate::db::schema::{authorizations, renewals, token_requests, tokens};
use crate::db::{Conn, Json};
use crate::oauth::KeptValues;
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// What may be known of the stored token.
pub(in crate::authorization) async fn stored_token(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Option<StoredToken>, Error> {
    let columns = (
        tokens::token_type,
        tokens::scope,
        tokens::obtained_at,
        tokens::expires_at,
        tokens::set_by,
        tokens::refresh_token.is_not_null(),
        tokens::refresh_expires_at,
        tokens::kept,
    );
    Ok(tokens::table.find(connector).select(columns).first(conn).await.optional()?)
}

/// What is kept with the connector's token.
pub async fn token_values(conn: &mut Conn, connector: Uuid) -> Result<KeptValues, Error> {
    let stored: Option<Json<KeptValues>> =
        tokens::table.find(connector).select(tokens::kept).first(conn).await.optional()?;
    Ok(stored.unwrap_or_default().0)
}

/// Seals and stores a token in place of whatever was there. A trigger ends the lease of a refresh of the one before.
/// Both tokens may be sent to `approved`, so a refresh token that is kept is sealed again if it was approved for others.
pub async fn store_token(
    change: &mut Change<'_>,
    vault: &Vault,
    connector: Uuid,
    token: &NewToken,
    approved: &ApprovedOrigins,
) -> Result<(), Error> {
    let origins = approved.stored();
    let seal = |column: &'static str, token: &Secret| seal(vault, token_data(connector, column), &origins, token);
    let access = seal("access_token", &token.access)?;
    let refresh = match &token.refresh {
        RefreshToken::Set(token) => Some(Some(seal("refresh_token", token)?)),
        RefreshToken::Keep if token_origins(change.conn, connector).await?.as_ref() == Some(approved) => None,
        RefreshToken::Keep => {
            let kept = SealedValues::read(change.conn, connector).await?;
            Some(kept.resealed_refresh_token(vault, approved)?)
        }
        RefreshToken::None => Some(None),
    };
    let refresh_life = refresh_life(change.conn, connector, token, change.now).await?;
    let values = (
        tokens::access_token.eq(access),
        refresh.map(|refresh| tokens::refresh_token.eq(refresh)),
        tokens::origins.eq(&origins),
        tokens::token_type.eq(&token.token_type),
        tokens::scope.eq(&token.scope),
        tokens::obtained_at.eq(change.now),
        tokens::expires_at.eq(token.expires_at),
        tokens::set_by.eq(change.by.attribution()),
        tokens::kept.eq(Json(token.kept.clone())),
        refresh_life.map(|(from, _)| tokens::refresh_from.eq(from)),
        refresh_life.map(|(_, end)| tokens::refresh_expires_at.eq(end)),
    );
    diesel::insert_into(tokens::table)
        .values((tokens::connector_id.eq(connector), values.clone()))
        .on_conflict(tokens::connector_id)
        .do_update()
        .set(values)
        .execute(change.conn)
        .await?;
    Ok(())
}

/// By how much the end of a refresh token must move to be another one: servers count down what is left in whole seconds.
const MOVED: TimeDelta = TimeDelta::minutes(1);

type RefreshLife = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Since when the end of the refresh token is known, and that end; `None` if both stay. An end that moves with each answer
/// counts from that answer; one that stays counts from the first, so that a person is asked in time.
async fn refresh_life(
    conn: &mut Conn,
    connector: Uuid,
    token: &NewToken,
    now: DateTime<Utc>,
) -> Result<Option<RefreshLife>, Error> {
    let end = match (&token.refresh, token.refresh_expires_at) {
        (RefreshToken::None, _) | (RefreshToken::Set(_), None) => return Ok(Some((None, None))),
        (RefreshToken::Keep, None) => return Ok(None),
        (RefreshToken::Set(_) | RefreshToken::Keep, Some(end)) => end,
    };
    let columns = (tokens::refresh_from, tokens::refresh_expires_at);
    let stored: Option<RefreshLife> = tokens::table.find(connector).select(columns).first(conn).await.optional()?;
    let from = match stored {
        Some((Some(from), Some(before))) if end - before < MOVED => from,
        _ => now,
    };
    Ok(Some((Some(from), Some(end))))
}

/// The origins of the stored token, which the token that renews it inherits; `None` while there is no token.
pub(in crate::authorization) async fn token_origins(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Option<ApprovedOrigins>, Error> {
    let stored: Option<Option<Vec<String>>> =
        tokens::table.find(connector).select(tokens::origins).first(conn).await.optional()?;
    stored.map(|origins| ApprovedOrigins::read("tokens.origins", connector, origins.as_deref())).transpose()
}

/// Forgets that renewing has failed: the settings are others now, so the server may be asked again.
pub(in crate::authorization) async fn forget_failures(conn: &mut Conn, connector: Uuid) -> Result<(), Error> {
    let failed = renewals::table.find(connector).filter(renewals::failures.gt(0));
    diesel::update(failed)
        .set((
            renewals::failures.eq(0),
            renewals::failed_at.eq(None::<DateTime<Utc>>),
            renewals::is_final.eq(false),
            renewals::next_attempt_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the tokens, and keeps answers to earlier requests from being stored.
pub(in crate::authorization) async fn remove_token(conn: &mut Conn, connector: Uuid) -> Result<(), Error> {
    diesel::delete(tokens::table.find(connector)).execute(conn).await?;
    // The trigger does so too, but only where there was a token.
    diesel::update(renewals::table.find(connector))
        .set((
            renewals::token_version.eq(renewals::token_version + 1),
            renewals::lease_id.eq(None::<Uuid>),
            renewals::lease_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    diesel::update(authorizations::table.find(connector))
        .set(authorizations::keep_fresh.eq(false))
        .execute(conn)
        .await?;
    Ok(())
}

/// How long the answer to a token request can be taken over.
const REQUEST_KEPT: TimeDelta = TimeDelta::minutes(10);

fn request_data(id: Uuid) -> AssociatedData<'static> {
    AssociatedData { table: "token_requests", row: id, column: "sealed", bound_to: None }
}

/// Keeps the answer to a token request, with what was asked, until it is taken over.
pub(in crate::authorization) async fn keep_request(
    change: &mut Change<'_>,
    vault: &Vault,
    connector: Uuid,
    answer: &Secret,
) -> Result<Uuid, Error> {
    let id = Uuid::now_v7();
    let sealed = vault.seal(request_data(id), answer).map_err(Error::internal)?;
    diesel::insert_into(token_requests::table)
        .values((
            token_requests::id.eq(id),
            token_requests::connector_id.eq(connector),
            token_requests::user_id.eq(change.by.id.ok_or(Error::SignIn)?),
            token_requests::sealed.eq(sealed),
            token_requests::created_at.eq(change.now),
        ))
        .execute(change.conn)
        .await?;
    Ok(id)
}

/// Takes the answer to a request that this user made for this connector, once.
pub(in crate::authorization) async fn take_request(
    change: &mut Change<'_>,
    vault: &Vault,
    connector: Uuid,
    id: Uuid,
) -> Result<Option<Secret>, Error> {
    let own = token_requests::table
        .find(id)
        .filter(token_requests::connector_id.eq(connector))
        .filter(token_requests::user_id.eq(change.by.id.ok_or(Error::SignIn)?))
        .filter(token_requests::created_at.gt(change.now - REQUEST_KEPT));
    let sealed: Option<Vec<u8>> =
        diesel::delete(own).returning(token_requests::sealed).get_result(change.conn).await.optional()?;
    sealed.map(|sealed| vault.open(request_data(id), &sealed).map_err(Error::internal)).transpose()
}

/// Deletes the answers that were not taken over in time.
pub async fn purge_token_requests(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    Ok(diesel::delete(token_requests::table.filter(token_requests::created_at.le(now - REQUEST_KEPT)))
        .execute(conn)
        .await?)
}

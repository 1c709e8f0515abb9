//! What token servers issued, sealed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::seal;
use super::secrets::SealedValues;
use crate::access::Actor;
use crate::authorization::model::{NewToken, RefreshToken, RenewalRecord, StoredToken};
use crate::authorization::origins::ApprovedOrigins;
use crate::db::Conn;
use crate::db::schema::{authorizations, renewals, tokens};
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
    );
    Ok(tokens::table.find(connector).select(columns).first(conn).await.optional()?)
}

pub(super) fn token_data(connector: Uuid, column: &'static str) -> AssociatedData<'static> {
    AssociatedData { table: "tokens", row: connector, column, bound_to: None }
}

/// Seals and stores a token in place of whatever was there. A trigger ends the lease of whoever renews the one before.
/// Both tokens may be sent to `approved`, so a refresh token that is kept is sealed anew if it was approved for others.
pub async fn store_token(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    connector: Uuid,
    token: &NewToken,
    approved: &ApprovedOrigins,
) -> Result<(), Error> {
    let origins = approved.stored();
    let seal = |column: &'static str, token: &Secret| seal(vault, token_data(connector, column), &origins, token);
    let access = seal("access_token", &token.access)?;
    let refresh = match &token.refresh {
        RefreshToken::Set(token) => Some(Some(seal("refresh_token", token)?)),
        RefreshToken::Keep if token_origins(conn, connector).await?.as_ref() == Some(approved) => None,
        RefreshToken::Keep => {
            let kept = SealedValues::read(conn, connector).await?;
            let kept = kept.stored_refresh_token(vault)?;
            Some(kept.map(|token| seal("refresh_token", &token)).transpose()?)
        }
        RefreshToken::None => Some(None),
    };
    let values = (
        tokens::access_token.eq(access),
        refresh.map(|refresh| tokens::refresh_token.eq(refresh)),
        tokens::origins.eq(&origins),
        tokens::token_type.eq(&token.token_type),
        tokens::scope.eq(&token.scope),
        tokens::obtained_at.eq(now),
        tokens::expires_at.eq(token.expires_at),
        tokens::set_by.eq(by.attribution()),
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

/// The origins of the stored token, which the token that renews it inherits; `None` while there is no token.
pub(in crate::authorization) async fn token_origins(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Option<ApprovedOrigins>, Error> {
    let stored: Option<Option<Vec<String>>> =
        tokens::table.find(connector).select(tokens::origins).first(conn).await.optional()?;
    stored.map(|origins| ApprovedOrigins::read("tokens.origins", connector, origins.as_deref())).transpose()
}

/// Why renewing the stored token has failed, if it has.
pub(in crate::authorization) async fn failed_renewal(
    conn: &mut Conn,
    connector: Uuid,
) -> Result<Option<RenewalRecord>, Error> {
    Ok(renewals::table
        .find(connector)
        .filter(renewals::failures.gt(0))
        .select((
            renewals::failures,
            renewals::failed_at,
            renewals::is_final,
            renewals::message,
            renewals::server_words,
            renewals::remedy,
            renewals::next_attempt_at,
        ))
        .first(conn)
        .await
        .optional()?)
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

/// Forgets the tokens, and lets nobody store a token who has asked for it before.
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

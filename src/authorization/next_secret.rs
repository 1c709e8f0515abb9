//! The next API key and the next Client Secret, which stand beside the present ones while these are replaced at the
//! server. The next one is tried when the present one is refused, and takes its place once it has worked.

use diesel_async::AsyncConnection;
use futures_util::future::BoxFuture;

use super::oauth_client::{ClientSecrets, OAuthClient, TokenUse};
use super::queries;
use crate::access::Actor;
use crate::audit::{Change, Changes};
use crate::clock::Clock;
use crate::connectors::{self, ConnectorId, SecretField};
use crate::db::Db;
use crate::oauth::{TokenEndpoint, TokenError};
use crate::outbound::Transport;
use crate::vault::Vault;
use crate::web::Error;

/// Puts the next API key in the place of the present one, as the API has taken a call with it.
pub async fn promote_api_key(db: &Db, vault: &Vault, clock: &Clock, connector: ConnectorId) -> Result<(), Error> {
    let (by, now) = (&Actor::connectory(), clock.now());
    let mut conn = db.get().await?;
    conn.transaction(async |conn| {
        let change = &mut Change { conn, by, now };
        queries::find_and_lock(change.conn, connector).await?;
        promote(change, vault, connector, SecretField::ApiKey).await
    })
    .await
}

/// Puts the next secret in the place of the present one, with the row of `authorizations` locked. Another call may have
/// done so already.
pub(super) async fn promote(
    change: &mut Change<'_>,
    vault: &Vault,
    connector: ConnectorId,
    field: SecretField,
) -> Result<(), Error> {
    if !queries::promote_secret(change, vault, connector, field).await? {
        return Ok(());
    }
    let name = connectors::name(change.conn, connector).await?;
    let changes = Changes::none().secret(field.label(), BY_NEXT);
    change.record("authorization.saved", connector, &name, changes).await
}

/// Asks a token server with the present Client Secret, and with the next one where the server refuses that. Gives with
/// the answer whether it is the next one that the server took.
pub(super) async fn ask<'a, T>(
    client: &OAuthClient,
    (secrets, purpose, transport): (&ClientSecrets, TokenUse, &Transport),
    request: impl Fn(TokenEndpoint) -> BoxFuture<'a, Result<T, TokenError>>,
) -> Result<Result<(T, bool), TokenError>, Error> {
    let ask_with = |secrets: &ClientSecrets| client.endpoint(secrets, purpose, transport).map(&request);
    let present = match ask_with(secrets) {
        Ok(answer) => answer.await,
        Err(error) => Err(error.refusal()?),
    };
    match (present, secrets.with_next()) {
        (Err(refusal), Some(next)) if refusal.blames_client() => match ask_with(&next) {
            Ok(answer) => Ok(answer.await.map(|answer| (answer, true))),
            Err(error) => error.refusal().map(Err),
        },
        (answer, _) => Ok(answer.map(|answer| (answer, false))),
    }
}

/// What became of the present secret, for the audit log.
pub(super) const BY_NEXT: &str = "replaced by the next one";

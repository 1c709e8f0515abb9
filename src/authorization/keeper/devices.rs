//! Asking for the tokens of people who agree on another device (RFC 8628 section 3.4).

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{Inner, TokenKeeper};
use crate::access::Actor;
use crate::audit::{Change, Changes};
use crate::authorization::device::queries::{DeviceRequest, DeviceState, claim_due, finish, wait};
use crate::authorization::model::{NewToken, RefreshToken};
use crate::authorization::next_secret;
use crate::authorization::origins::{NewValue, approved_for_new};
use crate::authorization::queries::{self, SealedValues};
use crate::authorization::settings::{OAuthClient, StoredSettings, TokenUse};
use crate::connectors::{self, CredentialChange, SecretField};
use crate::db::Conn;
use crate::db::schema::{connectors as connectors_table, users};
use crate::oauth::{ErrorCode, Grant, TokenEndpoint, TokenError};
use crate::web::Error;

/// What `slow_down` adds to the pause, for all later requests too (RFC 8628 section 3.5).
const SLOWER: TimeDelta = TimeDelta::seconds(5);

/// The longest pause after failures that may pass; it doubles with each.
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(60);

/// How long storing a token is tried while the database is away: its code is spent. And the pause between two tries.
const STORING: Duration = Duration::from_secs(60);
const BETWEEN_TRIES: Duration = Duration::from_millis(250);

impl TokenKeeper {
    /// Asks for the tokens of the device requests that are due, and gives how many these are.
    pub async fn poll_devices(&self) -> Result<usize, Error> {
        let due = claim_due(&mut *self.0.db.get().await?, self.0.clock.now()).await?;
        let count = due.len();
        // A slow server delays no other one.
        let polls = due.into_iter().map(|request| {
            let keeper = self.clone();
            tokio::spawn(async move { keeper.poll_device(request).await })
        });
        join_all(polls).await;
        Ok(count)
    }

    /// After a fault the token is asked for again when the claim has ended.
    async fn poll_device(&self, request: DeviceRequest) {
        if let Err(fault) = poll(&self.0, &request).await {
            let cause = format!("{:#}", anyhow::Error::from(fault));
            tracing::warn!(connector = %request.connector_id, cause, "the token of a device request could not be asked for");
        }
    }
}

/// What a request needs, of one state of the database.
struct Ready {
    settings: StoredSettings,
    client: OAuthClient,
    sealed: SealedValues,
    verify: bool,
}

async fn poll(keeper: &Inner, request: &DeviceRequest) -> Result<(), Error> {
    if request.expires_at <= keeper.clock.now() {
        return end(keeper, request, DeviceState::Expired, None).await;
    }
    let Some(ready) = read(keeper, request).await? else {
        return end(keeper, request, DeviceState::Failed, Some(changed())).await;
    };
    let refusal = match ask(keeper, request, &ready).await? {
        Ok((token, took_next)) => return store(keeper, request, (&token, took_next)).await,
        Err(refusal) => refusal,
    };
    let pause = TimeDelta::seconds(request.interval_seconds.into());
    let (pause, why) = match refusal.error_code {
        Some(ErrorCode::AuthorizationPending) => (pause, None),
        Some(ErrorCode::SlowDown) => (pause + SLOWER, None),
        Some(ErrorCode::AccessDenied) => return end(keeper, request, DeviceState::Denied, Some(refusal)).await,
        Some(ErrorCode::ExpiredToken) => return end(keeper, request, DeviceState::Expired, None).await,
        _ if refusal.is_final() => return end(keeper, request, DeviceState::Failed, Some(refusal)).await,
        _ => ((pause * 2).min(LONGEST_PAUSE.max(pause)), Some(refusal)),
    };
    let mut conn = keeper.db.get().await?;
    wait(&mut conn, keeper.clock.now(), request, pause, why).await
}

async fn end(
    keeper: &Inner,
    request: &DeviceRequest,
    state: DeviceState,
    why: Option<TokenError>,
) -> Result<(), Error> {
    let mut conn = keeper.db.get().await?;
    finish(&mut conn, request, state, why).await?;
    Ok(())
}

fn changed() -> TokenError {
    TokenError::not_sent(
        "The authorization of this data connector was changed since you pressed Authorize.",
        "Authorize again with the settings of now.",
    )
}

/// `None`: the settings are others now, or the connector or the person is gone.
async fn read(keeper: &Inner, request: &DeviceRequest) -> Result<Option<Ready>, Error> {
    let mut conn = keeper.db.get().await?;
    let id = request.connector_id;
    conn.transaction(async |conn| {
        queries::see_one_state(conn).await?;
        let verify: Option<bool> = connectors_table::table
            .find(id)
            .filter(connectors_table::deleted_at.is_null())
            .select(connectors_table::verify_certificates)
            .first(conn)
            .await
            .optional()?;
        let (Some(verify), Some(_)) = (verify, person(conn, request).await?) else { return Ok(None) };
        let settings = queries::find(conn, id).await?;
        if settings.version != request.authorization_version {
            return Ok(None);
        }
        let client = queries::oauth_client(conn, id).await?;
        Ok(Some(Ready { settings, client, sealed: SealedValues::read(conn, id).await?, verify }))
    })
    .await
}

/// The person who pressed Authorize, while their account is active.
async fn person(conn: &mut Conn, request: &DeviceRequest) -> Result<Option<Actor>, Error> {
    let active = users::table.find(request.user_id).filter(users::active);
    let found: Option<(String, String)> = active.select((users::username, users::name)).first(conn).await.optional()?;
    Ok(found.map(|(username, name)| Actor { id: Some(request.user_id), username, name, ..Actor::connectory() }))
}

/// Asks for the token, and says whether the server took the next Client Secret. No connection is held meanwhile.
async fn ask(
    keeper: &Inner,
    request: &DeviceRequest,
    ready: &Ready,
) -> Result<Result<(NewToken, bool), TokenError>, Error> {
    let transport = ready.settings.stored_transport(&keeper.vault, ready.verify, &ready.sealed)?;
    let secrets = ready.sealed.client_secrets(&keeper.vault)?;
    let grant = Grant::DeviceCode(request.texts(&keeper.vault)?.device_code());
    let (limits, now) = (ready.settings.limits(), keeper.clock.now());
    let send = |endpoint: TokenEndpoint| {
        let (transport, grant) = (&transport, &grant);
        async move { endpoint.request(&keeper.outbound, transport, limits, grant, now).await }.boxed()
    };
    let answer = next_secret::ask(&ready.client, (&secrets, TokenUse::Obtain, &transport), send).await?;
    Ok(answer.map(|(token, took_next)| {
        let refresh = token.refresh.clone().map_or(RefreshToken::None, RefreshToken::Set);
        (NewToken::issued(token, refresh, &ready.client.scope), took_next)
    }))
}

/// Stores the token, and goes on trying while the database is away.
async fn store(keeper: &Inner, request: &DeviceRequest, token: (&NewToken, bool)) -> Result<(), Error> {
    let began = Instant::now();
    loop {
        match try_to_store(keeper, request, token).await {
            Err(error) if !matches!(error, Error::NotFound) && began.elapsed() < STORING => {
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            stored => return stored,
        }
    }
}

/// Nothing is stored if the settings were saved or the request was given up meanwhile.
async fn try_to_store(
    keeper: &Inner,
    request: &DeviceRequest,
    (token, took_next): (&NewToken, bool),
) -> Result<(), Error> {
    let mut conn = keeper.db.get().await?;
    let by = &person(&mut conn, request).await?.unwrap_or_else(Actor::connectory);
    let (id, vault, now) = (request.connector_id, &keeper.vault, keeper.clock.now());
    conn.transaction(async |conn| {
        let change = &mut Change { conn, by, now };
        let current = queries::find_and_lock(change.conn, id).await?;
        if current.version != request.authorization_version {
            finish(change.conn, request, DeviceState::Failed, Some(changed())).await?;
            return Ok(());
        }
        if !finish(change.conn, request, DeviceState::Authorized, None).await? {
            return Ok(());
        }
        let value = NewValue { replaced: &["token"], ..NewValue::default() };
        let approved = approved_for_new(change.conn, id, &value).await?;
        queries::store_token(change, vault, id, token, &approved).await?;
        if took_next {
            next_secret::promote(change, vault, id, SecretField::ClientSecret).await?;
        }
        connectors::outdate_evidence(change.conn, id, CredentialChange::Issued, now).await?;
        connectors::refresh_health(change.conn, id, now).await?;
        let name = connectors::name(change.conn, id).await?;
        let changes = Changes::none().secret("Token", "changed").field("Scope", "", &token.scope);
        change.record("connector.authorized", id, &name, changes).await
    })
    .await
}

//! Sending a browser to an authorization server and taking it back: connectors and sign-in share it.
//!
//! Rule: nothing that comes back counts before its state has been found, belongs to this browser session, is unspent and
//! young. Each state is taken once.
//!
//! Danger: state, verifier and nonce protect only while they cannot be guessed. The database has a hash of the state and
//! the sealed rest, so a dump of it completes no request.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use oauth2::{CsrfToken, PkceCodeChallenge};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::callback_error::CallbackError;
use super::callback_params::CallbackParams;
use crate::db::Conn;
use crate::db::schema::authorization_requests as requests;
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// How long a response is waited for.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How long a spent or forgotten request is remembered, so that the page can say which of the two it is.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// How many requests of one person for one connector can wait for a response; the oldest are dropped.
const MOST_OPEN: i64 = 20;

/// The random values of one authorization request.
pub struct RequestSecrets {
    /// Comes back in the address (RFC 6749 10.12).
    pub state: Secret,
    /// The PKCE verifier, sent with the code alone (RFC 7636 4.1).
    pub verifier: Secret,
    /// Comes back in an ID token (OpenID Connect Core 1.0 section 3.1.2.1).
    pub nonce: Secret,
}

impl RequestSecrets {
    /// 256 bits each.
    pub fn random() -> Self {
        Self { state: random_text(), verifier: random_verifier(), nonce: random_text() }
    }
}

/// 256 random bits as 43 characters that need no encoding.
pub(super) fn random_text() -> Secret {
    Secret::new(CsrfToken::new_random_len(32).into_secret())
}

/// A PKCE verifier of 256 random bits (RFC 7636 4.1).
pub(super) fn random_verifier() -> Secret {
    Secret::new(PkceCodeChallenge::new_random_sha256().1.into_secret())
}

/// What a browser is sent away for.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// Access for a connector, by the settings of this version.
    Connector { id: Uuid, authorization_version: i32 },
    /// A sign-in, and then a path of this site.
    SignIn { next: &'a str },
}

/// A request whose browser is about to leave.
pub struct NewAuthorizationRequest<'a> {
    pub purpose: Purpose<'a>,
    /// The user; `None` without a session.
    pub user: Option<Uuid>,
    /// The hash of the browser's session.
    pub session: [u8; 32],
    pub secrets: &'a RequestSecrets,
}

/// A request as its response finds it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = requests)]
pub struct AuthorizationRequest {
    id: Uuid,
    pub user_id: Option<Uuid>,
    session_hash: Vec<u8>,
    sealed: Vec<u8>,
    pub authorization_version: Option<i32>,
    pub next: Option<String>,
    pub created_at: DateTime<Utc>,
    spent_at: Option<DateTime<Utc>>,
}

impl AuthorizationRequest {
    /// The PKCE verifier and the nonce.
    pub fn secrets(&self, vault: &Vault) -> Result<(Secret, Secret), Error> {
        let opened = vault.open(associated_data(self.id), &self.sealed).map_err(Error::internal)?;
        let parts = opened.expose().split_once('.');
        let (verifier, nonce) =
            parts.ok_or_else(|| Error::internal(anyhow::anyhow!("a sealed authorization request has one part")))?;
        Ok((Secret::new(verifier.to_owned()), Secret::new(nonce.to_owned())))
    }
}

fn associated_data(id: Uuid) -> AssociatedData<'static> {
    AssociatedData { table: "authorization_requests", row: id, column: "sealed", bound_to: None }
}

fn hash(state: &Secret) -> Vec<u8> {
    Sha256::digest(state.expose()).to_vec()
}

/// Stores a request before its browser leaves.
pub async fn store_request(
    conn: &mut Conn,
    vault: &Vault,
    now: DateTime<Utc>,
    new: &NewAuthorizationRequest<'_>,
) -> Result<(), Error> {
    let id = Uuid::now_v7();
    // Neither has a full stop in it.
    let secrets = Secret::new(format!("{}.{}", new.secrets.verifier.expose(), new.secrets.nonce.expose()));
    let (connector, version, next) = match new.purpose {
        Purpose::Connector { id, authorization_version } => (Some(id), Some(authorization_version), None),
        Purpose::SignIn { next } => (None, None, Some(next)),
    };
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(id),
            requests::connector_id.eq(connector),
            requests::user_id.eq(new.user),
            requests::session_hash.eq(new.session.to_vec()),
            requests::state_hash.eq(hash(&new.secrets.state)),
            requests::sealed.eq(vault.seal(associated_data(id), &secrets).map_err(Error::internal)?),
            requests::authorization_version.eq(version),
            requests::next.eq(next),
            requests::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    match (connector, new.user) {
        (Some(connector), Some(user)) => drop_oldest(conn, connector, user).await,
        _ => Ok(()),
    }
}

async fn drop_oldest(conn: &mut Conn, connector: Uuid, user: Uuid) -> Result<(), Error> {
    let too_many: Vec<Uuid> = requests::table
        .filter(requests::connector_id.eq(connector))
        .filter(requests::user_id.eq(user))
        .filter(requests::spent_at.is_null())
        .order((requests::created_at.desc(), requests::id.desc()))
        .offset(MOST_OPEN)
        .select(requests::id)
        .load(conn)
        .await?;
    if !too_many.is_empty() {
        diesel::delete(requests::table.filter(requests::id.eq_any(too_many))).execute(conn).await?;
    }
    Ok(())
}

/// Finds the request of a response and spends it. `connector` is the one at whose address the response came; `None`:
/// that of sign-ins.
pub async fn take_request(
    conn: &mut Conn,
    now: DateTime<Utc>,
    params: &CallbackParams,
    connector: Option<Uuid>,
    session: Option<[u8; 32]>,
) -> Result<Result<AuthorizationRequest, CallbackError>, Error> {
    let state = match params.state() {
        Ok(state) => state,
        Err(error) => return Ok(Err(error)),
    };
    let found: Option<AuthorizationRequest> = requests::table
        .filter(requests::connector_id.is_not_distinct_from(connector))
        .filter(requests::state_hash.eq(hash(state)))
        .select(AuthorizationRequest::as_select())
        .first(conn)
        .await
        .optional()?;
    let Some(request) = found else {
        return Ok(Err(CallbackError::UnknownState));
    };
    if request.spent_at.is_some() {
        return Ok(Err(CallbackError::AlreadyUsed));
    }
    if session.is_none_or(|session| session[..] != request.session_hash[..]) {
        return Ok(Err(CallbackError::OtherSession));
    }
    if now - request.created_at > LIFETIME {
        return Ok(Err(CallbackError::Expired));
    }
    let unspent = requests::table.find(request.id).filter(requests::spent_at.is_null());
    let spent = diesel::update(unspent).set(requests::spent_at.eq(now)).execute(conn).await?;
    Ok(if spent == 1 { Ok(request) } else { Err(CallbackError::AlreadyUsed) })
}

/// The connector for which this session has made the request of a response. The request stays unspent.
pub async fn connector_of_response(
    conn: &mut Conn,
    params: &CallbackParams,
    session: Option<[u8; 32]>,
) -> Result<Result<Uuid, CallbackError>, Error> {
    let state = match params.state() {
        Ok(state) => state,
        Err(error) => return Ok(Err(error)),
    };
    let found: Option<(Option<Uuid>, Vec<u8>)> = requests::table
        .filter(requests::state_hash.eq(hash(state)))
        .filter(requests::connector_id.is_not_null())
        .select((requests::connector_id, requests::session_hash))
        .first(conn)
        .await
        .optional()?;
    Ok(match found {
        Some((Some(connector), of)) if session.is_some_and(|session| session[..] == of[..]) => Ok(connector),
        Some(_) => Err(CallbackError::OtherSession),
        None => Err(CallbackError::UnknownState),
    })
}

/// Notes whether the response to a request has brought a token.
pub async fn note_outcome(conn: &mut Conn, request: &AuthorizationRequest, brought_token: bool) -> Result<(), Error> {
    let request = diesel::update(requests::table.find(request.id));
    request.set(requests::brought_token.eq(brought_token)).execute(conn).await?;
    Ok(())
}

/// What became of a response that was taken already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierOutcome {
    /// It is being used at this moment.
    UnderWay,
    BroughtToken,
    /// It brought none, or it is another session's, of other settings, or too old to be answered again.
    Other,
}

/// What became of a response that this session brings again, within the minutes that a response is waited for. `request`
/// is the connector and the version of its settings.
pub async fn earlier_outcome(
    conn: &mut Conn,
    now: DateTime<Utc>,
    params: &CallbackParams,
    request: (Uuid, i32),
    session: Option<[u8; 32]>,
) -> Result<EarlierOutcome, Error> {
    let (Some(state), Some(session)) = (&params.state, session) else {
        return Ok(EarlierOutcome::Other);
    };
    let (connector, version) = request;
    let found: Option<Option<bool>> = requests::table
        .filter(requests::connector_id.eq(connector))
        .filter(requests::authorization_version.eq(version))
        .filter(requests::state_hash.eq(hash(state)))
        .filter(requests::session_hash.eq(session.to_vec()))
        .filter(requests::spent_at.gt(now - LIFETIME))
        .select(requests::brought_token)
        .first(conn)
        .await
        .optional()?;
    Ok(match found {
        Some(None) => EarlierOutcome::UnderWay,
        Some(Some(true)) => EarlierOutcome::BroughtToken,
        Some(Some(false)) | None => EarlierOutcome::Other,
    })
}

/// Deletes requests that no response is waited for any more.
pub async fn purge_requests(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let old = requests::table.filter(requests::created_at.le(now - REMEMBERED));
    Ok(diesel::delete(old).execute(conn).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_random_is_long_and_fit_for_urls() {
        let (first, second) = (RequestSecrets::random(), RequestSecrets::random());
        for secret in [&first.verifier, &first.state, &first.nonce] {
            let text = secret.expose();
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            assert!(text.len() == 43 && text.bytes().all(is_plain), "{text}");
        }
        assert!(first.state.expose() != second.state.expose());
        assert!(first.verifier.expose() != second.verifier.expose());
    }
}

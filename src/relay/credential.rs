//! The credential of a call: prepared once, and put into requests to approved origins only.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use form_urlencoded::byte_serialize;
use thiserror::Error;

use super::error::RelayError;
use super::message::SentRequest;
use super::snapshot::{ConnectorSnapshot, Source};
use super::state::RelayState;
use super::target::without_pair;
use crate::authorization::{ApprovedOrigins, Credential, LiveToken, Need, OriginNotApproved, Placed, TokenProblem};
use crate::outbound::http::{HeaderMap, HeaderName, HeaderValue, Method};
use crate::outbound::{HttpUrl, MASKED, Mask, Transport};
use crate::vault::Secret;

/// How long a token must still be valid: until the request has arrived, with some clock skew.
const MIN_TTL: TimeDelta = TimeDelta::seconds(15);

/// A credential as requests carry it. The header's value, like its copies in requests, is not wiped from memory.
pub(super) struct RequestCredential {
    placement: Placement,
    /// What precedes the secret, for showing the request.
    prefix: String,
    mask: Mask,
    /// Where it may be sent; `None` for a connector without credentials.
    approved: Option<ApprovedOrigins>,
}

enum Placement {
    None,
    Header(HeaderName, HeaderValue),
    Query { name: String, value: Secret },
}

/// A credential that cannot be sent.
#[derive(Debug, Error)]
pub(super) enum CredentialError {
    #[error("The credential has a line break or another character that cannot be sent.")]
    Value,
    #[error("The header of the API key has a name that cannot be sent.")]
    Name,
}

impl RequestCredential {
    /// No credential, which may be sent anywhere.
    pub(super) fn none() -> RequestCredential {
        RequestCredential {
            placement: Placement::None,
            prefix: String::new(),
            mask: Mask::new(Vec::new()),
            approved: None,
        }
    }

    /// A credential that may be sent to these origins.
    pub(super) fn of(credential: &Credential, approved: ApprovedOrigins) -> Result<RequestCredential, CredentialError> {
        let placement = match credential.placed() {
            Placed::Nowhere => Placement::None,
            Placed::Query { name, value } => Placement::Query { name, value },
            Placed::Header { name, value } => {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| CredentialError::Name)?;
                let mut value =
                    HeaderValue::from_bytes(value.expose().as_bytes()).map_err(|_| CredentialError::Value)?;
                value.set_sensitive(true);
                Placement::Header(name, value)
            }
        };
        Ok(RequestCredential {
            placement,
            prefix: credential.lead(),
            mask: Mask::new(credential.echoes()),
            approved: Some(approved),
        })
    }

    /// Refuses a URL to which the credential may not be sent.
    pub(super) fn check(&self, url: &HttpUrl, transport: &Transport) -> Result<(), OriginNotApproved> {
        match &self.approved {
            Some(approved) => approved.check(url, transport),
            None => Ok(()),
        }
    }

    /// Puts the credential into the headers, in place of what the caller has put there, if it may be sent to this URL.
    /// Every request passes here just before it is sent, so no change during a call sends a credential elsewhere.
    /// Returns the URL to send it to.
    pub(super) fn sign<'a>(
        &self,
        url: &'a HttpUrl,
        headers: &mut HeaderMap,
        transport: &Transport,
    ) -> Result<Cow<'a, HttpUrl>, OriginNotApproved> {
        self.check(url, transport)?;
        match &self.placement {
            Placement::None => {}
            Placement::Header(name, value) => {
                headers.insert(name, value.clone());
            }
            Placement::Query { name, value } => return Ok(Cow::Owned(with_pair(url, name, value))),
        }
        Ok(Cow::Borrowed(url))
    }

    pub(super) fn mask(&self) -> Mask {
        self.mask.clone()
    }

    /// A request as it was sent, with a mark in place of the secret.
    pub(super) fn sent(&self, method: &Method, url: &HttpUrl, headers: &HeaderMap) -> SentRequest {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let mut url = url.absolute().to_string();
        match &self.placement {
            Placement::None => {}
            Placement::Header(name, _) => {
                headers.retain(|(other, _)| other != name.as_str());
                headers.push((name.to_string(), format!("{}{MASKED}", self.prefix)));
            }
            Placement::Query { name, .. } => {
                let sign = if url.contains('?') { '&' } else { '?' };
                let name: String = byte_serialize(name.as_bytes()).collect();
                url.push_str(&format!("{sign}{name}={}{MASKED}", self.prefix));
            }
        }
        // The secret may also have been typed elsewhere.
        let headers = headers.into_iter().map(|(name, value)| (name, self.mask.text(&value).into_owned()));
        SentRequest { method: method.clone(), url: self.mask.text(&url).into_owned(), headers: headers.collect() }
    }
}

fn with_pair(url: &HttpUrl, name: &str, value: &Secret) -> HttpUrl {
    let query = url.query().unwrap_or_default();
    let url = match without_pair(query, name) {
        rest if rest.len() == query.len() => url.clone(),
        rest => url.with_raw_query(&rest).unwrap_or_else(|| url.clone()),
    };
    url.with_query(&[(name, value.expose())])
}

/// The token in use, in memory.
pub(super) struct CachedToken {
    value: Arc<RequestCredential>,
    version: i64,
    ask_again_at: DateTime<Utc>,
    serves_until: Option<DateTime<Utc>>,
}

impl CachedToken {
    fn of(token: LiveToken) -> Result<CachedToken, CredentialError> {
        let (version, ask_again_at, serves_until) = (token.version, token.ask_again_at, token.serves_until);
        let credential = Credential::Token { token_type: token.token_type, access: token.access };
        Ok(CachedToken {
            value: Arc::new(RequestCredential::of(&credential, token.origins)?),
            version,
            ask_again_at,
            serves_until,
        })
    }

    /// Whether the token was not replaced, is valid for long enough and may be sent there.
    fn is_usable(&self, call: &Destination<'_>, version: i64, now: DateTime<Utc>) -> bool {
        self.version >= version
            && self.serves_until.is_none_or(|until| now < until)
            && self.value.check(call.url, &call.connector.transport).is_ok()
    }
}

/// The credential of one call, and the token's version if it is one.
#[derive(Clone)]
pub(super) struct CallCredential {
    pub value: Arc<RequestCredential>,
    pub version: Option<i64>,
}

impl CallCredential {
    fn of(token: &CachedToken) -> CallCredential {
        CallCredential { value: Arc::clone(&token.value), version: Some(token.version) }
    }
}

/// Where a call goes, which decides whether a token may be used for it.
#[derive(Clone, Copy)]
pub(super) struct Destination<'a> {
    pub connector: &'a ConnectorSnapshot,
    pub url: &'a HttpUrl,
}

/// The credential of a call, usually from memory.
pub(super) async fn for_call(state: &RelayState, call: Destination<'_>) -> Result<CallCredential, RelayError> {
    let connector = call.connector;
    let version = match &connector.source {
        Source::Missing => return Err(connector.not_authorized()),
        Source::Fixed(value) => return Ok(CallCredential { value: Arc::clone(value), version: None }),
        Source::Token { version, .. } => connector.state.min_version(*version),
    };
    let now = state.clock.now();
    let held = connector.state.token().clone();
    let held = held.filter(|held| held.is_usable(&call, version, now));
    if let Some(held) = &held
        && now < held.ask_again_at
    {
        return Ok(CallCredential::of(held));
    }
    // One call asks for a token; calls with a usable one do not wait for it.
    let _renewing = match (connector.state.renewing.try_lock(), &held) {
        (Ok(guard), _) => guard,
        (Err(_), Some(held)) => return Ok(CallCredential::of(held)),
        (Err(_), None) => connector.state.renewing.lock().await,
    };
    let fresh = connector.state.token().clone();
    let now = state.clock.now();
    if let Some(fresh) = fresh.filter(|fresh| fresh.is_usable(&call, version, now) && now < fresh.ask_again_at) {
        return Ok(CallCredential::of(&fresh));
    }
    let need = Need { min_ttl: MIN_TTL, refused: None };
    match (state.keeper.token(connector.id, need).await, held) {
        (Ok(token), _) => cache(connector, token),
        // The database may be unavailable for a moment, while the token is valid.
        (Err(TokenProblem::Fault(_)), Some(held)) => Ok(CallCredential::of(&held)),
        (Err(problem), _) => Err(RelayError::of_token(problem, state.clock.now())),
    }
}

/// Another token than the one that the API has rejected.
pub(super) async fn renewed(
    state: &RelayState,
    connector: &ConnectorSnapshot,
    rejected: i64,
) -> Result<CallCredential, RelayError> {
    let newer = connector.state.token().clone();
    if let Some(newer) = newer.filter(|held| held.version > rejected) {
        return Ok(CallCredential::of(&newer));
    }
    let need = Need { min_ttl: MIN_TTL, refused: Some(rejected) };
    match state.keeper.token(connector.id, need).await {
        Ok(token) => cache(connector, token),
        Err(problem) => Err(RelayError::of_token(problem, state.clock.now())),
    }
}

fn cache(connector: &ConnectorSnapshot, token: LiveToken) -> Result<CallCredential, RelayError> {
    let token = Arc::new(CachedToken::of(token)?);
    let credential = CallCredential::of(&token);
    let mut cached = connector.state.token();
    if cached.as_ref().is_none_or(|cached| cached.version <= token.version) {
        *cached = Some(token);
    }
    Ok(credential)
}

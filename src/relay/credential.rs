//! The credential of a call: prepared once, and put into requests to approved origins only.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use form_urlencoded::byte_serialize;
use thiserror::Error;

use super::error::RelayError;
use super::message::{RelayRequest, SentRequest};
use super::snapshot::{ConnectorSnapshot, Source};
use super::state::RelayState;
use super::target::without_pair;
use crate::authorization::{
    ApprovedOrigins, Credential, LiveToken, Need, OriginNotApproved, Placed, Placement, RequestSigner, TokenProblem,
};
use crate::outbound::http::header::AUTHORIZATION;
use crate::outbound::http::{HeaderMap, HeaderName, HeaderValue, Method};
use crate::outbound::{HttpUrl, MASKED, Mask, Request, Transport};
use crate::vault::Secret;

/// How long a token must still be valid: until the request has arrived, with some clock skew.
const MIN_TTL: TimeDelta = TimeDelta::seconds(15);

/// The credentials of a connector as requests carry them. A header's value, like its copies in requests, is not wiped
/// from memory.
#[derive(Clone, Default)]
pub(super) struct RequestCredential {
    parts: Vec<Part>,
    /// What a server may echo of them.
    echoes: Vec<Secret>,
    mask: Mask,
    /// What signs each request, when all the rest of it is there.
    signer: Option<RequestSigner>,
    /// Where they may be sent; `None` for a connector without credentials.
    approved: Option<ApprovedOrigins>,
}

#[derive(Clone)]
struct Part {
    value: PartValue,
    /// What precedes the secret, for showing the request.
    prefix: String,
}

#[derive(Clone)]
enum PartValue {
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
    /// No credential; answers may echo these secrets of the way.
    pub(super) fn none(echoes: Vec<Secret>) -> RequestCredential {
        RequestCredential { mask: Mask::new(echoes.clone()), echoes, ..RequestCredential::default() }
    }

    /// These credentials and one more, which may be sent to these origins.
    pub(super) fn with(
        mut self,
        credential: &Credential,
        approved: &ApprovedOrigins,
    ) -> Result<RequestCredential, CredentialError> {
        let value = match credential.placed() {
            Placed::Nowhere => None,
            Placed::Query { name, value } => Some(PartValue::Query { name, value }),
            Placed::Header { name, value } => {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| CredentialError::Name)?;
                let mut value =
                    HeaderValue::from_bytes(value.expose().as_bytes()).map_err(|_| CredentialError::Value)?;
                value.set_sensitive(true);
                Some(PartValue::Header(name, value))
            }
        };
        self.parts.extend(value.map(|value| Part { value, prefix: credential.lead() }));
        self.signer = credential.signer().cloned().or(self.signer);
        self.echoes.extend(credential.echoes());
        self.mask = Mask::new(self.echoes.clone());
        self.approved = Some(self.approved.map_or_else(|| approved.clone(), |others| others.and(approved)));
        Ok(self)
    }

    /// Refuses a URL to which one of the credentials may not be sent.
    pub(super) fn check(&self, url: &HttpUrl, transport: &Transport) -> Result<(), OriginNotApproved> {
        match &self.approved {
            Some(approved) => approved.check(url, transport),
            None => Ok(()),
        }
    }

    /// The request as it is sent: with the credentials in place of what the caller has put there, and signed, if they may
    /// be sent to this URL. Every request passes here just before it is sent, so no change during a call sends a
    /// credential elsewhere.
    pub(super) fn sign(
        &self,
        request: &RelayRequest,
        mut headers: HeaderMap,
        connector: &ConnectorSnapshot,
    ) -> Result<Request, RelayError> {
        let checked = self.check(&request.url, &connector.transport);
        checked.map_err(|refused| connector.not_approved(&refused))?;
        let mut url = Cow::Borrowed(&request.url);
        for part in &self.parts {
            match &part.value {
                PartValue::Header(name, value) => {
                    headers.insert(name, value.clone());
                }
                PartValue::Query { name, value } => url = Cow::Owned(with_pair(&url, name, value)),
            }
        }
        let signed = url.request(request.method.clone(), request.body.clone());
        let mut signed = signed.map_err(RelayError::of_failure)?;
        *signed.headers_mut() = headers;
        if let Some(signer) = &self.signer {
            let (memory, now) = (&connector.state.signer_memory, connector.state.clock.now());
            signer.sign(&url, &mut signed, memory, now).map_err(RelayError::of_failure)?;
        }
        Ok(signed)
    }

    /// What signs each request, if requests are signed.
    pub(super) fn signer(&self) -> Option<&RequestSigner> {
        self.signer.as_ref()
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
        for Part { value, prefix } in &self.parts {
            match value {
                PartValue::Header(name, _) => {
                    headers.retain(|(other, _)| other != name.as_str());
                    headers.push((name.to_string(), format!("{prefix}{MASKED}")));
                }
                PartValue::Query { name, .. } => {
                    let sign = if url.contains('?') { '&' } else { '?' };
                    let name: String = byte_serialize(name.as_bytes()).collect();
                    url.push_str(&format!("{sign}{name}={prefix}{MASKED}"));
                }
            }
        }
        if let Some(signer) = &self.signer {
            headers.retain(|(name, _)| name != AUTHORIZATION.as_str());
            headers.push((AUTHORIZATION.to_string(), format!("{} {MASKED}", signer.scheme())));
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

/// How the token of a connector is sent: its place, and what is sent beside it.
pub(super) struct TokenPlacing {
    pub placement: Placement,
    pub further: RequestCredential,
}

/// The token in use, in memory.
pub(super) struct CachedToken {
    value: Arc<RequestCredential>,
    /// What the value was made with: settings that were saved meanwhile need another one.
    placing: Arc<TokenPlacing>,
    version: i64,
    ask_again_at: DateTime<Utc>,
    serves_until: Option<DateTime<Utc>>,
}

impl CachedToken {
    fn of(token: LiveToken, placing: &Arc<TokenPlacing>) -> Result<CachedToken, CredentialError> {
        let (version, ask_again_at, serves_until) = (token.version, token.ask_again_at, token.serves_until);
        let (token_type, placement) = (token.token_type, placing.placement.clone());
        let credential = Credential::Token { token_type, access: token.access, placement };
        Ok(CachedToken {
            value: Arc::new(placing.further.clone().with(&credential, &token.origins)?),
            placing: Arc::clone(placing),
            version,
            ask_again_at,
            serves_until,
        })
    }

    /// Whether neither token nor settings were replaced, and the token is valid for long enough and may be sent there.
    fn is_usable(&self, call: &Destination<'_>, version: i64, now: DateTime<Utc>) -> bool {
        self.version >= version
            && self.is_placed_for(call.connector)
            && self.serves_until.is_none_or(|until| now < until)
            && self.value.check(call.url, &call.connector.transport).is_ok()
    }

    fn is_placed_for(&self, connector: &ConnectorSnapshot) -> bool {
        matches!(&connector.source, Source::Token { placing, .. } if Arc::ptr_eq(placing, &self.placing))
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
    if let Some(newer) = newer.filter(|held| held.version > rejected && held.is_placed_for(connector)) {
        return Ok(CallCredential::of(&newer));
    }
    let need = Need { min_ttl: MIN_TTL, refused: Some(rejected) };
    match state.keeper.token(connector.id, need).await {
        Ok(token) => cache(connector, token),
        Err(problem) => Err(RelayError::of_token(problem, state.clock.now())),
    }
}

fn cache(connector: &ConnectorSnapshot, token: LiveToken) -> Result<CallCredential, RelayError> {
    let Source::Token { placing, .. } = &connector.source else { return Err(connector.not_authorized()) };
    let token = Arc::new(CachedToken::of(token, placing)?);
    let credential = CallCredential::of(&token);
    let mut cached = connector.state.token();
    if cached.as_ref().is_none_or(|cached| cached.version <= token.version) {
        *cached = Some(token);
    }
    Ok(credential)
}

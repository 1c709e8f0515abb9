//! The credential of a call: made ready once, and put into requests to the connector's own hosts.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use form_urlencoded::byte_serialize;
use thiserror::Error;

use super::line::{Line, Source};
use super::order::SentRequest;
use super::problem::RelayProblem;
use super::switchboard::Switchboard;
use super::target::without_pair;
use crate::authorization::{ApprovedOrigins, Credential, LiveToken, Need, OriginNotApproved, Placed, TokenProblem};
use crate::outbound::http::{HeaderMap, HeaderName, HeaderValue, Method};
use crate::outbound::{HttpUrl, MASKED, Mask, Transport};
use crate::vault::Secret;

/// How long a token must still live: until the request has arrived, on a clock that may differ a little.
const MIN_TTL: TimeDelta = TimeDelta::seconds(15);

/// A credential as requests carry it. The header's value is a copy that is not wiped from memory, as are those in every
/// request.
pub(super) struct Presented {
    place: Place,
    /// What stands before the secret.
    lead: String,
    mask: Mask,
    /// Where it may be sent; `None` for a connector without credentials.
    approved: Option<ApprovedOrigins>,
}

enum Place {
    Nowhere,
    Header(HeaderName, HeaderValue),
    Query { name: String, value: Secret },
}

/// A credential that no request can carry.
#[derive(Debug, Error)]
pub(super) enum Carrier {
    #[error("The credential has a line break or another character that cannot be sent.")]
    Value,
    #[error("The header of the API key has a name that cannot be sent.")]
    Name,
}

impl Presented {
    /// No credential: every request may carry it.
    pub(super) fn nothing() -> Presented {
        Presented { place: Place::Nowhere, lead: String::new(), mask: Mask::new(Vec::new()), approved: None }
    }

    /// A credential that may be sent to these origins.
    pub(super) fn of(credential: &Credential, approved: ApprovedOrigins) -> Result<Presented, Carrier> {
        let place = match credential.placed() {
            Placed::Nowhere => Place::Nowhere,
            Placed::Query { name, value } => Place::Query { name, value },
            Placed::Header { name, value } => {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Carrier::Name)?;
                let mut value = HeaderValue::from_bytes(value.expose().as_bytes()).map_err(|_| Carrier::Value)?;
                value.set_sensitive(true);
                Place::Header(name, value)
            }
        };
        Ok(Presented { place, lead: credential.lead(), mask: Mask::new(credential.echoes()), approved: Some(approved) })
    }

    /// Refuses an address to which the credential may not be sent.
    pub(super) fn check(&self, url: &HttpUrl, transport: &Transport) -> Result<(), OriginNotApproved> {
        match &self.approved {
            Some(approved) => approved.check(url, transport),
            None => Ok(()),
        }
    }

    /// Signs a request in, if its credential may be sent there. Whatever the caller has put in the same place goes.
    /// Every request passes here just before it is sent, so no change during a call sends a credential elsewhere.
    /// Gives the address to send it to.
    pub(super) fn sign<'a>(
        &self,
        url: &'a HttpUrl,
        headers: &mut HeaderMap,
        transport: &Transport,
    ) -> Result<Cow<'a, HttpUrl>, OriginNotApproved> {
        self.check(url, transport)?;
        match &self.place {
            Place::Nowhere => {}
            Place::Header(name, value) => {
                headers.insert(name, value.clone());
            }
            Place::Query { name, value } => return Ok(Cow::Owned(with_pair(url, name, value))),
        }
        Ok(Cow::Borrowed(url))
    }

    pub(super) fn mask(&self) -> Mask {
        self.mask.clone()
    }

    /// A request as it was sent, without the secret: it is left out, not looked for.
    pub(super) fn shown(&self, method: &Method, url: &HttpUrl, mut headers: Vec<(String, String)>) -> SentRequest {
        let mut url = url.absolute().to_string();
        match &self.place {
            Place::Nowhere => {}
            Place::Header(name, _) => {
                headers.retain(|(other, _)| other != name.as_str());
                headers.push((name.to_string(), format!("{}{MASKED}", self.lead)));
            }
            Place::Query { name, .. } => {
                let sign = if url.contains('?') { '&' } else { '?' };
                let name: String = byte_serialize(name.as_bytes()).collect();
                url.push_str(&format!("{sign}{name}={}{MASKED}", self.lead));
            }
        }
        // Somebody may have typed the secret elsewhere as well.
        let headers = headers.into_iter().map(|(name, value)| (name, self.mask.text(&value).into_owned()));
        SentRequest { method: method.clone(), url: self.mask.text(&url).into_owned(), headers: headers.collect() }
    }
}

fn with_pair(url: &HttpUrl, name: &str, value: &Secret) -> HttpUrl {
    let query = url.query().unwrap_or_default();
    let url = match without_pair(query, name) {
        kept if kept.len() == query.len() => url.clone(),
        kept => url.with_raw_query(&kept).unwrap_or_else(|| url.clone()),
    };
    url.with_query(&[(name, value.expose())])
}

/// A token in use.
pub(super) struct Held {
    presented: Arc<Presented>,
    version: i64,
    ask_again_at: DateTime<Utc>,
    serves_until: Option<DateTime<Utc>>,
}

impl Held {
    fn of(token: LiveToken) -> Result<Held, Carrier> {
        let (version, ask_again_at, serves_until) = (token.version, token.ask_again_at, token.serves_until);
        let credential = Credential::Token { token_type: token.token_type, access: token.access };
        Ok(Held {
            presented: Arc::new(Presented::of(&credential, token.origins)?),
            version,
            ask_again_at,
            serves_until,
        })
    }

    /// Whether the token is still one that the connector has, lives long enough and may be sent there.
    fn serves(&self, call: &CallTo<'_>, version: i64, now: DateTime<Utc>) -> bool {
        self.version >= version
            && self.serves_until.is_none_or(|until| now < until)
            && self.presented.check(call.url, &call.line.transport).is_ok()
    }
}

/// The credential of one call, and the token's version if it is one.
#[derive(Clone)]
pub(super) struct Chosen {
    pub presented: Arc<Presented>,
    pub version: Option<i64>,
}

impl Chosen {
    fn of(held: &Held) -> Chosen {
        Chosen { presented: Arc::clone(&held.presented), version: Some(held.version) }
    }
}

/// Where a call goes, which decides whether a credential may be used for it.
#[derive(Clone, Copy)]
pub(super) struct CallTo<'a> {
    pub line: &'a Line,
    pub url: &'a HttpUrl,
}

/// What signs the call in; from memory in the usual course.
pub(super) async fn choose(board: &Switchboard, call: CallTo<'_>) -> Result<Chosen, RelayProblem> {
    let line = call.line;
    let version = match &line.source {
        Source::Missing => return Err(line.not_authorized()),
        Source::Fixed(presented) => {
            return Ok(Chosen { presented: Arc::clone(presented), version: None });
        }
        Source::Token { version, .. } => line.state.newest(*version),
    };
    let now = board.clock.now();
    let held = line.state.held().clone();
    let held = held.filter(|held| held.serves(&call, version, now));
    if let Some(held) = &held
        && now < held.ask_again_at
    {
        return Ok(Chosen::of(held));
    }
    // One asks, and who has a token that serves does not wait for it.
    let _turn = match (line.state.asking.try_lock(), &held) {
        (Ok(turn), _) => turn,
        (Err(_), Some(held)) => return Ok(Chosen::of(held)),
        (Err(_), None) => line.state.asking.lock().await,
    };
    let fresh = line.state.held().clone();
    let now = board.clock.now();
    if let Some(fresh) = fresh.filter(|fresh| fresh.serves(&call, version, now) && now < fresh.ask_again_at) {
        return Ok(Chosen::of(&fresh));
    }
    let need = Need { min_ttl: MIN_TTL, refused: None };
    match board.keeper.token(line.id, need).await {
        Ok(token) => keep(line, token),
        // The database may be away for a moment, while the token is good.
        Err(TokenProblem::Fault(_)) if held.is_some() => {
            Ok(held.map(|held| Chosen::of(&held))).and_then(|chosen| chosen.ok_or_else(|| line.not_authorized()))
        }
        Err(problem) => Err(told(board, problem)),
    }
}

/// Another token than the one that the API has refused.
pub(super) async fn another(board: &Switchboard, line: &Line, refused: i64) -> Result<Chosen, RelayProblem> {
    let newer = line.state.held().clone();
    if let Some(newer) = newer.filter(|held| held.version > refused) {
        return Ok(Chosen::of(&newer));
    }
    let need = Need { min_ttl: MIN_TTL, refused: Some(refused) };
    match board.keeper.token(line.id, need).await {
        Ok(token) => keep(line, token),
        Err(problem) => Err(told(board, problem)),
    }
}

fn keep(line: &Line, token: LiveToken) -> Result<Chosen, RelayProblem> {
    let held = Arc::new(Held::of(token)?);
    let chosen = Chosen::of(&held);
    let mut kept = line.state.held();
    if kept.as_ref().is_none_or(|kept| kept.version <= held.version) {
        *kept = Some(held);
    }
    Ok(chosen)
}

fn told(board: &Switchboard, problem: TokenProblem) -> RelayProblem {
    let now = board.clock.now();
    RelayProblem::of_token(problem, |next| (next - now).to_std().unwrap_or(Duration::ZERO))
}

//! A connector's settings as calls need them.

use std::sync::Arc;
use std::time::Duration;

use super::concurrency_limit::ConcurrencyLimit;
use super::credential::{CredentialError, RequestCredential, TokenPlacing};
use super::error::{
    CONNECTOR_DISABLED, HOST_NOT_ALLOWED, INTERNAL, NO_ADDRESS, NOT_AUTHORIZED, ORIGIN_NOT_APPROVED, RelayError,
};
use super::queries::SnapshotRow;
use super::state::{ConnectorState, RelayState};
use super::target;
use crate::access::{Rights, Subject};
use crate::authorization::{ApprovedOrigins, BodyNeed, CallSettings, CredentialSource, OriginNotApproved};
use crate::connectors::ConnectorId;
use crate::oauth::ExpiredSignals;
use crate::outbound::{HttpUrl, Limits, Origin, Transport};
use crate::web::Error;

/// A connector's settings as calls need them, read in one query and decrypted once.
pub struct ConnectorSnapshot {
    pub id: ConnectorId,
    pub key: String,
    /// Its name in pages and logs.
    pub label: Arc<str>,
    pub base_url: Option<HttpUrl>,
    pub enabled: bool,
    /// Rights of everyone who has the permission for them.
    open: Rights,
    /// In seconds; `None` for the default.
    pub time_out: Option<u32>,
    /// In seconds; `None` for the default.
    stream_idle: Option<u32>,
    pub(super) transport: Transport,
    pub(super) source: Source,
    /// What takes the place of a fixed credential that the API refuses.
    pub(super) next: Option<Arc<RequestCredential>>,
    pub(super) signals: ExpiredSignals,
    pub(super) limit: Arc<ConcurrencyLimit>,
    pub(super) state: Arc<ConnectorState>,
    /// The origins that calls may go to: of the base URL and of endpoints.
    origins: Vec<Origin>,
}

/// Where the credential of calls comes from.
pub(super) enum Source {
    Fixed(Arc<RequestCredential>),
    Missing,
    /// A token of this version or a later one.
    Token {
        version: i64,
        /// Where the stored token may be sent, by its row: saves asking for a token that cannot be used. What counts
        /// is in the token itself, see [`RequestCredential::sign`].
        approved: Option<ApprovedOrigins>,
        placing: Arc<TokenPlacing>,
    },
}

impl ConnectorSnapshot {
    pub(super) fn open(shared: &RelayState, row: SnapshotRow) -> Result<ConnectorSnapshot, Error> {
        let settings: CallSettings = row.settings.open(&shared.vault, row.id)?;
        let mut further = RequestCredential::none(settings.transport.echoes());
        for (credential, origins) in &settings.further {
            further = further.with(credential, origins).map_err(Error::internal)?;
        }
        let next = settings.next.map(|(credential, origins)| further.clone().with(&credential, &origins));
        let next = next.transpose().map_err(Error::internal)?.map(Arc::new);
        let source = match settings.credential {
            CredentialSource::Fixed(credential, origins) => {
                let value = further.with(&credential, &origins).map_err(Error::internal)?;
                Source::Fixed(Arc::new(value))
            }
            CredentialSource::None => Source::Fixed(Arc::new(further)),
            CredentialSource::Missing => Source::Missing,
            CredentialSource::Keeper(placement) => Source::Token {
                placing: Arc::new(TokenPlacing { placement, further }),
                version: row.token_version.unwrap_or(0),
                approved: row
                    .token_origins
                    .map(|origins| ApprovedOrigins::read("tokens.origins", row.id, Some(&origins)))
                    .transpose()?,
            },
        };
        let base_url = row.base_url.map(|url| url.known("connectors.base_url", row.id));
        let base_url = base_url.transpose().map_err(Error::internal)?;
        let state = shared.state_of(row.id);
        Ok(ConnectorSnapshot {
            id: row.id,
            key: row.key,
            label: row.label.into(),
            origins: own_origins(base_url.as_ref(), &row.urls),
            base_url,
            enabled: row.enabled,
            open: row.open_rights.into(),
            time_out: settings.time_out,
            stream_idle: settings.stream_idle,
            // A collection's records are served by this program: its calls need no settings of a connection.
            transport: match row.is_collection {
                true => Transport { is_own: true, ..Transport::default() },
                false => settings.transport,
            },
            source,
            next,
            signals: settings.signals,
            limit: state.limit(settings.concurrency),
            state,
        })
    }

    /// The limits of a call: with the endpoint's own time-out, or the connector's, or the program's; and with the
    /// connector's own limit for streams.
    pub fn limits(&self, own: Option<Duration>) -> Limits {
        let of_connector = || self.time_out.map(|seconds| Duration::from_secs(seconds.into()));
        let limits = own.or_else(of_connector).map_or_else(Limits::patient, Limits::within);
        let stream_idle = self.stream_idle.map_or(limits.stream_idle, |seconds| Duration::from_secs(seconds.into()));
        Limits { stream_idle, ..limits }
    }

    /// The URL of a path below the base URL, with path and query as the caller wrote them.
    pub fn below(&self, path: &str, query: Option<&str>) -> Result<HttpUrl, RelayError> {
        let base = self
            .base_url
            .as_ref()
            .ok_or_else(|| NO_ADDRESS.because("It has no base URL below which a path could be called."))?;
        target::below(base, path, query)
    }

    /// For checking whether a key has access.
    pub fn subject(&self) -> Subject {
        Subject { connector: self.id, open: self.open }
    }

    /// Whether its calls carry an access token that may be read. That of a collection is known to this program alone.
    pub fn has_token(&self) -> bool {
        !self.transport.is_own && matches!(self.source, Source::Token { .. })
    }

    /// What signing needs of the body of a request to this URL.
    pub fn body_need(&self, url: &HttpUrl) -> BodyNeed {
        let Source::Fixed(value) = &self.source else { return BodyNeed::None };
        value.signer().map_or(BodyNeed::None, |signer| signer.body_need(url))
    }

    /// Refuses calls through a disabled connector.
    pub fn check_enabled(&self) -> Result<(), RelayError> {
        if self.enabled {
            return Ok(());
        }
        Err(CONNECTOR_DISABLED.because(format!("Calls through {} are refused.", self.label)))
    }

    /// Refuses a URL that is on none of the connector's own origins, or on one for which its credential is not approved.
    /// A collection's connector calls nothing but the collection.
    pub(super) fn check_origin(&self, url: &HttpUrl) -> Result<(), RelayError> {
        if self.transport.is_own && !self.base_url.as_ref().is_some_and(|base| is_below(url, base)) {
            let detail = format!("{} calls the records of its collection only.", self.label);
            return Err(HOST_NOT_ALLOWED.because(detail));
        }
        if !self.origins.iter().any(|own| url.is_on(own)) {
            let detail = format!("{} is not a host of {}.", url.origin(), self.label);
            return Err(HOST_NOT_ALLOWED.because(detail));
        }
        let checked = match &self.source {
            Source::Fixed(value) => value.check(url, &self.transport),
            Source::Token { approved: Some(approved), .. } => approved.check(url, &self.transport),
            Source::Token { approved: None, .. } | Source::Missing => Ok(()),
        };
        checked.map_err(|refused| self.not_approved(&refused))
    }

    pub(super) fn not_approved(&self, refused: &OriginNotApproved) -> RelayError {
        let OriginNotApproved(origin) = refused;
        ORIGIN_NOT_APPROVED.because(format!(
            "The credential of {} may not be sent to {origin}, because that origin is not approved.",
            self.label
        ))
    }

    pub(super) fn not_authorized(&self) -> RelayError {
        NOT_AUTHORIZED.because(format!("{} has no credential yet.", self.label))
    }

    /// The last failure, if the circuit breaker is open.
    pub fn circuit_open(&self) -> Option<String> {
        self.state.breaker.record().map(|record| record.message)
    }
}

/// The form refuses such credentials, so it was stored by hand.
impl From<CredentialError> for RelayError {
    fn from(error: CredentialError) -> RelayError {
        tracing::error!(cause = %error, "a credential cannot be sent");
        INTERNAL.because(error.to_string())
    }
}

fn is_below(url: &HttpUrl, base: &HttpUrl) -> bool {
    let rest = url.path().strip_prefix(base.path());
    url.origin() == base.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The origins of the base URL and of the endpoints that have one of their own.
fn own_origins(base: Option<&HttpUrl>, urls: &[String]) -> Vec<Origin> {
    let endpoints = urls.iter().filter_map(|url| Origin::of_template(url));
    let mut origins: Vec<Origin> = base.map(HttpUrl::origin).into_iter().collect();
    for origin in endpoints {
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_origins_are_the_base_and_those_that_endpoints_name_without_variables() {
        let base = HttpUrl::parse("https://a.example/v1").ok();
        let urls = [
            "https://a.example/other",
            "https://b.example:8443/{{id}}?x={{y}}",
            "https://{{host}}/x",
            "https://c.example.{{tld}}/x",
            "ftp://d.example/",
            "{{base}}://e.example",
            "/x?next=https://f.example/",
        ];
        let own = own_origins(base.as_ref(), &urls.map(String::from));
        let origins: Vec<String> = own.iter().map(Origin::to_string).collect();
        assert_eq!(origins, ["https://a.example", "https://b.example:8443"]);
        assert!(own_origins(None, &[]).is_empty());
    }
}

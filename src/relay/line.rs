//! A connector as calls need it.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::OpenRecord;
use super::credential::{Carrier, Presented};
use super::gate::Gate;
use super::problem::{
    CONNECTOR_DISABLED, HOST_NOT_ALLOWED, INTERNAL, NO_ADDRESS, NOT_AUTHORIZED, ORIGIN_NOT_APPROVED, RelayProblem,
};
use super::queries::LineRow;
use super::switchboard::{LineState, Switchboard};
use super::target;
use crate::access::{Rights, Subject};
use crate::authorization::{ApprovedOrigins, CallSettings, CredentialSource, OriginNotApproved};
use crate::connectors::ConnectorId;
use crate::oauth::ExpiredSignals;
use crate::outbound::{HttpUrl, Limits, Origin, Transport};
use crate::web::Error;

/// A connector as calls need it, read in one query and opened once.
pub struct Line {
    pub id: ConnectorId,
    pub key: String,
    /// What pages and logs call it.
    pub label: Arc<str>,
    pub base_url: Option<HttpUrl>,
    pub enabled: bool,
    /// What is open to everybody who has the permission for it.
    open: Rights,
    /// Seconds that a call may take; `None` for the program's own limit.
    pub time_out: Option<u32>,
    pub(super) transport: Transport,
    pub(super) source: Source,
    pub(super) signals: ExpiredSignals,
    pub(super) gate: Arc<Gate>,
    pub(super) state: Arc<LineState>,
    /// The origins that calls may go to at all: of the base URL and of endpoints.
    own: Vec<Origin>,
}

/// What signs calls in.
pub(super) enum Source {
    Fixed(Arc<Presented>),
    Missing,
    /// A token of this version or a later one.
    Token {
        version: i64,
        /// Where the stored token may be sent, as the row says. What is true is in the token itself, see
        /// [`super::credential::Presented::sign`]; this spares the question for a token that cannot be used.
        approved: Option<ApprovedOrigins>,
    },
}

impl Line {
    pub(super) fn open(board: &Switchboard, row: LineRow) -> Result<Line, Error> {
        let settings: CallSettings = row.settings.open(&board.vault, row.id)?;
        let source = match settings.credential {
            CredentialSource::Fixed(credential, origins) => {
                let presented = Presented::of(&credential, origins).map_err(Error::internal)?;
                Source::Fixed(Arc::new(presented))
            }
            CredentialSource::None => Source::Fixed(Arc::new(Presented::nothing())),
            CredentialSource::Missing => Source::Missing,
            CredentialSource::Keeper => Source::Token {
                version: row.token_version.unwrap_or(0),
                approved: row
                    .token_origins
                    .map(|origins| ApprovedOrigins::read("tokens.origins", row.id, Some(&origins)))
                    .transpose()?,
            },
        };
        let base_url = row.base_url.map(|url| url.known("connectors.base_url", row.id));
        let base_url = base_url.transpose().map_err(Error::internal)?;
        let state = board.state_of(row.id);
        Ok(Line {
            id: row.id,
            key: row.key,
            label: row.label.into(),
            own: own_origins(base_url.as_ref(), &row.urls),
            base_url,
            enabled: row.enabled,
            open: row.open_rights.into(),
            time_out: settings.time_out,
            transport: settings.transport,
            source,
            signals: settings.signals,
            gate: state.gate(settings.concurrency),
            state,
        })
    }

    /// The limits of a call: with the endpoint's own time-out, or the connector's, or the program's.
    pub fn limits(&self, own: Option<Duration>) -> Limits {
        let of_connector = || self.time_out.map(|seconds| Duration::from_secs(seconds.into()));
        own.or_else(of_connector).map_or_else(Limits::patient, Limits::within)
    }

    /// The address of a path below the base URL, as the caller wrote path and query.
    pub fn below(&self, path: &str, query: Option<&str>) -> Result<HttpUrl, RelayProblem> {
        let base = self
            .base_url
            .as_ref()
            .ok_or_else(|| NO_ADDRESS.because("It has no base URL below which a path could be called."))?;
        target::below(base, path, query)
    }

    /// The connector, as keys are asked whether they open it.
    pub fn subject(&self) -> Subject {
        Subject { connector: self.id, open: self.open }
    }

    /// Whether its calls are signed in with a token.
    pub fn has_token(&self) -> bool {
        matches!(self.source, Source::Token { .. })
    }

    /// Whether calls are let through at all.
    pub fn check_enabled(&self) -> Result<(), RelayProblem> {
        if self.enabled {
            return Ok(());
        }
        Err(CONNECTOR_DISABLED.because(format!("Calls through {} are refused.", self.label)))
    }

    /// Refuses an address that is on none of the connector's own origins, or on one for which its credential is not
    /// approved.
    pub(super) fn check_origin(&self, url: &HttpUrl) -> Result<(), RelayProblem> {
        if !self.own.iter().any(|own| url.is_on(own)) {
            let detail = format!("{} is not a host of {}.", url.origin(), self.label);
            return Err(HOST_NOT_ALLOWED.because(detail));
        }
        let checked = match &self.source {
            Source::Fixed(presented) => presented.check(url, &self.transport),
            Source::Token { approved: Some(approved), .. } => approved.check(url, &self.transport),
            Source::Token { approved: None, .. } | Source::Missing => Ok(()),
        };
        checked.map_err(|refused| self.not_approved(&refused))
    }

    /// What is told where the credential may not be sent.
    pub(super) fn not_approved(&self, refused: &OriginNotApproved) -> RelayProblem {
        let OriginNotApproved(origin) = refused;
        ORIGIN_NOT_APPROVED.because(format!(
            "The credential of {} may not be sent to {origin}, because nobody has approved that origin.",
            self.label
        ))
    }

    /// What is told where nothing was entered yet that signs calls in.
    pub(super) fn not_authorized(&self) -> RelayProblem {
        NOT_AUTHORIZED.because(format!("{} has no credential yet, so calls cannot be signed in.", self.label))
    }

    /// Why the server is left alone at the moment, if it is.
    pub fn resting(&self) -> Option<String> {
        let record: Option<OpenRecord> = self.state.breaker.record();
        record.map(|record| record.message)
    }
}

/// Of a connector that cannot present its credential: the form checks it, so it was written by hand.
impl From<Carrier> for RelayProblem {
    fn from(carrier: Carrier) -> RelayProblem {
        tracing::error!(cause = %carrier, "a credential cannot be sent");
        INTERNAL.because(carrier.to_string())
    }
}

/// The origins of the base URL and of the endpoints that have one of their own.
fn own_origins(base: Option<&HttpUrl>, urls: &[String]) -> Vec<Origin> {
    let endpoints = urls.iter().filter_map(|url| Origin::of_template(url));
    let mut own: Vec<Origin> = base.map(HttpUrl::origin).into_iter().collect();
    for origin in endpoints {
        if !own.contains(&origin) {
            own.push(origin);
        }
    }
    own
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

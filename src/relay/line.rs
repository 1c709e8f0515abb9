//! A connector as calls need it.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::OpenRecord;
use super::credential::{Carrier, Presented};
use super::gate::Gate;
use super::problem::{
    CONNECTOR_DISABLED, HOST_NOT_ALLOWED, INTERNAL, NO_ADDRESS, NOT_AUTHORIZED, RelayProblem,
};
use super::queries::LineRow;
use super::switchboard::{LineState, Switchboard};
use super::target;
use crate::access::{Rights, Subject};
use crate::authorization::{CallSettings, CredentialSource};
use crate::connectors::ConnectorId;
use crate::oauth::ExpiredSignals;
use crate::outbound::{HttpUrl, Limits, Transport};
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
    /// An address on each of the connector's own hosts.
    own: Vec<HttpUrl>,
}

/// What signs calls in.
pub(super) enum Source {
    Fixed(Arc<Presented>),
    Missing,
    /// A token of this version or a later one.
    Token(i64),
}

impl Line {
    pub(super) fn open(board: &Switchboard, row: LineRow) -> Result<Line, Error> {
        let settings: CallSettings = row.settings.open(&board.vault, row.id)?;
        let source = match settings.credential {
            CredentialSource::Fixed(credential) => {
                let presented = Presented::of(&credential).map_err(Error::internal)?;
                Source::Fixed(Arc::new(presented))
            }
            CredentialSource::Missing => Source::Missing,
            CredentialSource::Keeper => Source::Token(row.token_version.unwrap_or(0)),
        };
        // The forms have checked them; an address that was written by hand may lead nowhere.
        let base_url = row.base_url.and_then(|url| HttpUrl::parse(&url).ok());
        let state = board.state_of(row.id);
        Ok(Line {
            id: row.id,
            key: row.key,
            label: row.label.into(),
            own: own_hosts(base_url.as_ref(), &row.urls),
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
        let of_connector = || {
            self.time_out
                .map(|seconds| Duration::from_secs(seconds.into()))
        };
        own.or_else(of_connector)
            .map_or_else(Limits::patient, Limits::within)
    }

    /// The address of a path below the base URL, as the caller wrote path and query.
    pub fn below(&self, path: &str, query: Option<&str>) -> Result<HttpUrl, RelayProblem> {
        let base = self.base_url.as_ref().ok_or_else(|| {
            NO_ADDRESS.because("It has no base URL below which a path could be called.")
        })?;
        target::below(base, path, query)
    }

    /// The connector, as keys are asked whether they open it.
    pub fn subject(&self) -> Subject {
        Subject {
            connector: self.id,
            open: self.open,
        }
    }

    /// Whether its calls are signed in with a token.
    pub fn has_token(&self) -> bool {
        matches!(self.source, Source::Token(_))
    }

    /// Whether calls are let through at all.
    pub fn check_enabled(&self) -> Result<(), RelayProblem> {
        if self.enabled {
            return Ok(());
        }
        Err(CONNECTOR_DISABLED.because(format!("Calls through {} are refused.", self.label)))
    }

    /// Whether this is one of the connector's own hosts: no credential goes elsewhere.
    pub(super) fn check_host(&self, url: &HttpUrl) -> Result<(), RelayProblem> {
        if self.own.iter().any(|own| own.is_beside(url)) {
            return Ok(());
        }
        Err(HOST_NOT_ALLOWED.because(format!("{} is not a host of {}.", url.origin(), self.label)))
    }

    /// What is told where nothing was entered yet that signs calls in.
    pub(super) fn not_authorized(&self) -> RelayProblem {
        NOT_AUTHORIZED.because(format!(
            "{} has no credential yet, so calls cannot be signed in.",
            self.label
        ))
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

/// The base URL, and a root for each endpoint that leads elsewhere as a whole address without variables in its host.
fn own_hosts(base: Option<&HttpUrl>, urls: &[String]) -> Vec<HttpUrl> {
    let mut own: Vec<HttpUrl> = base.cloned().into_iter().collect();
    for url in urls.iter().filter_map(|url| root(url)) {
        if !own.iter().any(|other| other.is_beside(&url)) {
            own.push(url);
        }
    }
    own
}

fn root(url: &str) -> Option<HttpUrl> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.contains(['{', '}']) {
        return None;
    }
    HttpUrl::parse(&format!("{scheme}://{authority}/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_hosts_are_the_base_and_those_that_endpoints_name_without_variables() {
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
        let own = own_hosts(base.as_ref(), &urls.map(String::from));
        let origins: Vec<String> = own.iter().map(|url| url.origin().to_string()).collect();
        assert_eq!(origins, ["https://a.example", "https://b.example:8443"]);
        assert!(own_hosts(None, &[]).is_empty());
    }
}

//! How a connector's requests travel: the same for token requests and calls.

use std::time::Duration;

use super::forms::CheckedAuthorization;
use super::model::Authorization;
use super::oauth_client::stored;
use super::queries::SealedValues;
use crate::outbound::{HttpUrl, Identity, Limits, Transport};
use crate::vault::{Secret, Vault};
use crate::web::{Error, plural};

/// The limits of requests for which nobody sits and waits: the connector's own time-out in seconds, or the program's.
pub(super) fn limits_of(time_out: Option<i32>) -> Limits {
    own_limits(time_out).unwrap_or_else(Limits::patient)
}

/// The limits of a request for which a person waits.
pub(super) fn waiting_limits_of(time_out: Option<i32>) -> Limits {
    own_limits(time_out).unwrap_or_default()
}

/// “30 seconds”: how long such a request can take.
pub(super) fn patience(limits: Limits) -> String {
    let seconds = i64::try_from(limits.total.as_secs()).unwrap_or(i64::MAX);
    plural(seconds, "second", "seconds")
}

fn own_limits(time_out: Option<i32>) -> Option<Limits> {
    let seconds = u64::try_from(time_out?).ok()?;
    Some(Limits::within(Duration::from_secs(seconds)))
}

/// The stored transport settings of a connector. `verify` is whether certificates are checked.
pub(super) fn transport_of(
    vault: &Vault,
    verify: bool,
    settings: &Authorization,
    sealed: &SealedValues,
) -> Result<Transport, Error> {
    build(
        verify,
        &settings.ca_certificate,
        &settings.client_certificate,
        sealed.client_key(vault)?,
        proxy_of(&settings.proxy_url)?,
    )
}

/// The transport settings of a form that is not saved, with the client key that it would have.
pub(super) fn transport_of_form(checked: &CheckedAuthorization, key: Option<Secret>) -> Result<Transport, Error> {
    build(checked.verify, &checked.ca_certificate, &checked.client_certificate, key, proxy_of(&checked.proxy_url)?)
}

fn proxy_of(text: &str) -> Result<Option<HttpUrl>, Error> {
    let typed = Some(text).filter(|text| !text.is_empty());
    typed.map(|text| stored(HttpUrl::parse(text))).transpose()
}

/// The settings as requests take them.
pub(super) fn build(
    verify: bool,
    ca: &str,
    certificate: &str,
    key: Option<Secret>,
    proxy: Option<HttpUrl>,
) -> Result<Transport, Error> {
    let some = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
    let identity = some(certificate).zip(key).map(|(chain_pem, key_pem)| Identity { chain_pem, key_pem });
    Ok(Transport { verify, ca_pem: some(ca), identity, proxy })
}

//! Find settings: the server's own description fills in the form, for review; nothing is saved.
//!
//! A description that names another issuer (RFC 8414 section 3.3) is shown, and its addresses are taken over only when the
//! person presses a button for that; the Issuer is empty then.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::forms::Fields;
use super::requirements;
use super::settings::Settings;
use super::tab::{Notice, Stored, tab_page};
use crate::access::RequestContext;
use crate::connectors::{Grant, Method};
use crate::oauth::{self, ClientAuthentication, DiscoveryError, Metadata, SigningAlgorithm, TokenError};
use crate::outbound::{HttpUrl, Limits, Outbound, Transport};
use crate::vault::Vault;
use crate::web::Error;

/// What the server's metadata hold, apart from what stands in the fields now.
pub(super) struct Found {
    /// `None` where they name another issuer than the one that was asked.
    pub issuer: Option<String>,
    /// The labels of the fields that were filled in.
    pub filled: Vec<&'static str>,
    /// The scopes that it knows, for choosing from.
    pub scopes: Vec<String>,
    /// What it requires and is missing here: sentences.
    pub missing_here: Vec<String>,
}

/// Why no settings were found.
pub(super) struct NotFound {
    pub error: TokenError,
    /// The addresses of metadata that name another issuer, with the labels of their fields.
    pub of_other_issuer: Vec<(&'static str, String)>,
}

impl From<DiscoveryError> for NotFound {
    fn from(missing: DiscoveryError) -> NotFound {
        let addresses =
            missing.of_other_issuer.as_deref().map(|metadata| addresses(metadata, false)).into_iter().flatten();
        let of_other_issuer = addresses.filter_map(|(label, url)| Some((label, url?.as_str().to_owned()))).collect();
        NotFound { error: missing.error, of_other_issuer }
    }
}

/// Asks the issuer for its metadata and shows the form filled in with them; with those of another issuer only if the
/// person `accepts_other_issuer`.
pub(super) async fn discover(
    context: RequestContext,
    vault: &Vault,
    outbound: &Outbound,
    mut stored: Stored,
    accepts_other_issuer: bool,
) -> Result<HttpResponse, Error> {
    let Some((issuer, transport, limits)) = check(vault, &mut stored)? else {
        return tab_page(context, stored, Notice::None, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let found = match oauth::discover(outbound, &transport, limits, &issuer).await {
        Ok(metadata) => Ok(fill_in(&mut stored, &metadata, true)),
        Err(DiscoveryError { of_other_issuer: Some(metadata), .. }) if accepts_other_issuer => {
            Ok(fill_in(&mut stored, &metadata, false))
        }
        Err(missing) => Err(missing.into()),
    };
    tab_page(context, stored, Notice::Found(found), StatusCode::OK)
}

/// Issuer, transport settings and time-out as typed; `None` leaves the messages in the form.
fn check(vault: &Vault, stored: &mut Stored) -> Result<Option<(HttpUrl, Transport, Limits)>, Error> {
    let secrets = stored.sealed.connection_secrets(vault)?;
    let (typed, settings) = (stored.form.issuer.clone(), stored.settings.settings.clone());
    Ok(stored.check_by(|check| {
        let issuer = check.url("issuer", "Issuer", &typed, true).0;
        let limits = Settings { time_out: check.time_out(), ..settings }.limits();
        let transport = check.typed_transport(secrets);
        issuer.zip(transport).map(|(issuer, transport)| (issuer, transport, limits))
    }))
}

/// The addresses that fill in fields, with the labels of these. A client `with_certificate` has addresses of its own
/// (RFC 8705 section 5).
fn addresses(metadata: &Metadata, with_certificate: bool) -> [(&'static str, Option<&HttpUrl>); 4] {
    if with_certificate {
        let aliases = &metadata.mtls;
        let (token, revocation) = (&aliases.token_endpoint, &aliases.revocation_endpoint);
        let device = &aliases.device_authorization_endpoint;
        return [
            ("Device authorization URL", device.as_ref().or(metadata.device_authorization_endpoint.as_ref())),
            ("Authorize URL", metadata.authorization_endpoint.as_ref()),
            ("AccessToken URL", token.as_ref().or(metadata.token_endpoint.as_ref())),
            ("Revocation URL", revocation.as_ref().or(metadata.revocation_endpoint.as_ref())),
        ];
    }
    [
        ("Device authorization URL", metadata.device_authorization_endpoint.as_ref()),
        ("Authorize URL", metadata.authorization_endpoint.as_ref()),
        ("AccessToken URL", metadata.token_endpoint.as_ref()),
        ("Revocation URL", metadata.revocation_endpoint.as_ref()),
    ]
}

/// How the client is to prove itself there: by a secret, before a key, which a person would have to make first.
fn authentication(metadata: &Metadata, typed: &Fields) -> Option<ClientAuthentication> {
    let mut names = metadata.token_endpoint_auth_methods_supported.clone();
    let preferred = ClientAuthentication::parse(&typed.authentication);
    // A client that gets tokens for itself proves itself (RFC 6749 section 4.4).
    if typed.method() == Method::OAuth(Grant::ClientCredentials) && names.len() > 1 {
        names.retain(|name| name != "none");
    }
    let by_certificate = requirements::takes_certificate(metadata);
    match ClientAuthentication::supported(&names, preferred) {
        // The certificate proves the client, which sends its id alone (RFC 8705 section 2).
        Some(ClientAuthentication::PrivateKeyJwt) if by_certificate && !typed.client_certificate.is_empty() => {
            Some(ClientAuthentication::None)
        }
        None if by_certificate => Some(ClientAuthentication::None),
        choice => choice,
    }
}

/// Puts what the server says into the fields. What it leaves out stays as it was. `is_own`: the metadata name the issuer
/// that was asked.
fn fill_in(stored: &mut Stored, metadata: &Metadata, is_own: bool) -> Found {
    let typed = &mut stored.form.fields;
    let mut filled = Vec::new();
    typed.issuer.clear();
    if is_own {
        typed.issuer = metadata.issuer.clone();
        filled.push("Issuer");
    }
    let has_devices = typed.method() == Method::OAuth(Grant::Device);
    let fields = [&mut typed.device_url, &mut typed.authorize_url, &mut typed.token_url, &mut typed.revocation_url];
    let with_certificate = !typed.client_certificate.is_empty();
    for ((label, found), field) in addresses(metadata, with_certificate).into_iter().zip(fields) {
        // The other methods have no such field.
        if let Some(url) = found.filter(|_| has_devices || label != "Device authorization URL") {
            *field = url.as_str().to_string();
            filled.push(label);
        }
    }
    if let Some(choice) = authentication(metadata, typed) {
        typed.authentication = choice.code().into();
        filled.push("Client authentication");
    }
    let algorithms = &metadata.token_endpoint_auth_signing_alg_values_supported;
    let algorithm = SigningAlgorithm::parse(&typed.assertion.assertion_algorithm);
    let is_signed = typed.authentication == ClientAuthentication::PrivateKeyJwt.code();
    if let Some(algorithm) = SigningAlgorithm::supported(algorithms, algorithm).filter(|_| is_signed) {
        typed.assertion.assertion_algorithm = algorithm.code().into();
        filled.push("Signing algorithm");
    }
    if metadata.iss_parameter_supported && is_own {
        typed.iss_required = true;
        filled.push("Refuse answers that do not name the issuer");
    }
    let issuer = is_own.then(|| metadata.issuer.clone());
    let missing_here = requirements::missing_here(metadata, typed);
    Found { issuer, filled, scopes: metadata.scopes_supported.clone(), missing_here }
}

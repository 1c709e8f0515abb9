//! What a server requires by its metadata and Connectory does not have, in words.

use super::forms::Fields;
use crate::connectors::{Grant, Method};
use crate::oauth::{ClientAuthentication, DEVICE_GRANT, JWT_BEARER_GRANT, Metadata, SigningAlgorithm};

/// How many names of a server's list are shown.
const SHOWN: usize = 6;

/// The sentences, for the method and the settings in the form.
pub(super) fn missing_here(metadata: &Metadata, typed: &Fields) -> Vec<String> {
    let Method::OAuth(grant) = typed.method() else { return Vec::new() };
    let mut missing = Vec::new();
    if grant.sends_back() {
        missing.extend(of_authorization_requests(metadata, grant));
    }
    let grants = &metadata.grant_types_supported;
    if !grants.is_empty() && !has(grants, grant_type(grant)) {
        missing.push(format!("It does not offer this grant ({}), but {}.", grant_type(grant), names(grants)));
    }
    let challenges = &metadata.code_challenge_methods_supported;
    if grant == Grant::AuthorizationCode && typed.pkce && !challenges.is_empty() && !has(challenges, "S256") {
        missing.push("It does not know PKCE by S256. Untick Use PKCE (S256).".into());
    }
    if grant != Grant::Implicit {
        missing.extend(of_client_authentication(metadata, typed));
    }
    if metadata.dpop_required {
        missing.push(
            "It binds tokens to a key of the client (DPoP, RFC 9449). Connectory makes no proofs for that and refuses such tokens."
                .into(),
        );
    }
    missing
}

fn of_authorization_requests(metadata: &Metadata, grant: Grant) -> Vec<String> {
    let mut missing = Vec::new();
    if metadata.par_required {
        missing.push(
            "It takes pushed authorization requests only (PAR, RFC 9126), which Connectory does not send. Authorize will fail until the server lets this client go without them.".into(),
        );
    }
    if metadata.signed_request_required {
        missing.push(
            "It takes signed authorization requests only (RFC 9101), which Connectory does not send. Authorize will fail until the server lets this client go without them.".into(),
        );
    }
    let (types, wanted) = (&metadata.response_types_supported, if grant == Grant::Implicit { "token" } else { "code" });
    if !types.is_empty() && !has(types, wanted) {
        missing.push(format!("It does not offer the response type “{wanted}” of this method, but {}.", names(types)));
    }
    missing
}

fn of_client_authentication(metadata: &Metadata, typed: &Fields) -> Option<String> {
    let supported = &metadata.token_endpoint_auth_methods_supported;
    if supported.is_empty() || ClientAuthentication::supported(supported, None).is_some() {
        return of_signatures(metadata, typed);
    }
    if !takes_certificate(metadata) {
        return Some(format!(
            "Clients must authenticate there by {}, which Connectory does not offer.",
            names(supported)
        ));
    }
    let has_certificate = !typed.client_certificate.is_empty();
    let words = "Clients authenticate there by a certificate (mutual TLS, RFC 8705). Enter Client certificate and Client key under Certificates and time-out.";
    (!has_certificate).then(|| words.into())
}

/// The algorithms of assertions, where they are signed at all.
fn of_signatures(metadata: &Metadata, typed: &Fields) -> Option<String> {
    let algorithms = &metadata.token_endpoint_auth_signing_alg_values_supported;
    let is_known = match ClientAuthentication::parse(&typed.authentication)? {
        ClientAuthentication::PrivateKeyJwt => SigningAlgorithm::supported(algorithms, None).is_some(),
        ClientAuthentication::ClientSecretJwt => has(algorithms, "HS256"),
        _ => return None,
    };
    let words = || format!("Clients must sign there with {}, which Connectory does not offer.", names(algorithms));
    (!is_known && !algorithms.is_empty()).then(words)
}

/// Whether a certificate alone can prove the client (RFC 8705 section 2).
pub(super) fn takes_certificate(metadata: &Metadata) -> bool {
    let supported = &metadata.token_endpoint_auth_methods_supported;
    has(supported, "tls_client_auth") || has(supported, "self_signed_tls_client_auth")
}

fn grant_type(grant: Grant) -> &'static str {
    match grant {
        Grant::AuthorizationCode => "authorization_code",
        Grant::ClientCredentials => "client_credentials",
        Grant::Password => "password",
        Grant::Implicit => "implicit",
        Grant::Device => DEVICE_GRANT,
        Grant::JwtBearer => JWT_BEARER_GRANT,
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|other| other == name)
}

/// The names as the server has them, in one line.
fn names(names: &[String]) -> String {
    names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ")
}

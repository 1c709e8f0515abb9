//! A server's metadata (RFC 8414, OpenID Connect Discovery 1.0), and the addresses where they are.
//!
//! Danger: this document says where codes and secrets are sent. It counts only if it
//! comes from the expected issuer and names that issuer, and a person reviews it.

use serde_json::{Map, Value};

use super::error::TokenError;
use super::http_client::Sender;
use super::remedy::RequestKind;
use super::response::{Reply, ResponseReader};
use super::response_document::Document;
use crate::outbound::http::Method;
use crate::outbound::{Body, HttpUrl, Limits, Mask, Outbound, SendError, Stage, Transport};

/// The most entries of a list, and the longest one in characters.
const MOST: usize = 200;
const LONGEST: usize = 255;

const OTHER_ISSUER: &str = "Enter the issuer just as the server's documentation has it. If it is right, the server is set \
     up wrongly, or another server answers in its place.";

/// A server's metadata (RFC 8414 2). What is missing or unusable in them is empty here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The server's name for itself, letter by letter.
    pub issuer: String,
    /// Where people grant access.
    pub authorization_endpoint: Option<HttpUrl>,
    /// Where tokens are requested.
    pub token_endpoint: Option<HttpUrl>,
    /// Where codes for other devices are requested (RFC 8628 4).
    pub device_authorization_endpoint: Option<HttpUrl>,
    /// Where tokens are ended (RFC 7009).
    pub revocation_endpoint: Option<HttpUrl>,
    /// Where the keys are that sign ID tokens (OpenID Connect Discovery 3).
    pub jwks_uri: Option<HttpUrl>,
    /// Where claims about a person are fetched.
    pub userinfo_endpoint: Option<HttpUrl>,
    /// Some of the scopes that there are.
    pub scopes_supported: Vec<String>,
    /// The grants; where none is named, `authorization_code` and `implicit` are meant.
    pub grant_types_supported: Vec<String>,
    /// How clients authenticate; where nothing is named, `client_secret_basic` is meant.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// How assertions of clients may be signed.
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// PKCE's methods; where none is named, the server knows no PKCE.
    pub code_challenge_methods_supported: Vec<String>,
    /// Whether every authorization response names its issuer (RFC 9207 3).
    pub iss_parameter_supported: bool,
    /// What an authorization request can ask for; where nothing is named, nothing is known.
    pub response_types_supported: Vec<String>,
    /// Whether authorization requests must be pushed (PAR, RFC 9126 5).
    pub par_required: bool,
    /// Whether authorization requests must be signed (RFC 9101 10.5).
    pub signed_request_required: bool,
    /// Whether tokens are bound to a key of the client (DPoP): RFC 9728 2 and RFC 9449 5.2 name it for APIs and for
    /// clients, and some servers say it of themselves.
    pub dpop_required: bool,
    /// The addresses for clients that show a certificate (RFC 8705 5).
    pub mtls: MtlsAliases,
}

/// The addresses for clients that show a certificate, where they are others (RFC 8705 5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MtlsAliases {
    pub token_endpoint: Option<HttpUrl>,
    pub revocation_endpoint: Option<HttpUrl>,
    pub device_authorization_endpoint: Option<HttpUrl>,
}

/// Why no metadata were found.
#[derive(Debug)]
pub struct DiscoveryError {
    pub error: TokenError,
    /// Metadata that name another issuer than the expected one, so they must not be used (RFC 8414 3.3) before a person
    /// has looked at them.
    pub of_other_issuer: Option<Box<Metadata>>,
}

impl From<TokenError> for DiscoveryError {
    fn from(error: TokenError) -> Self {
        Self { error, of_other_issuer: None }
    }
}

impl From<SendError> for DiscoveryError {
    fn from(error: SendError) -> Self {
        TokenError::from(error).into()
    }
}

/// Finds a server's metadata by its issuer, or by their own address.
pub async fn discover(
    outbound: &Outbound,
    transport: &Transport,
    limits: Limits,
    issuer: &HttpUrl,
) -> Result<Metadata, DiscoveryError> {
    let well_known = WellKnown::of(issuer).ok_or_else(has_query)?;
    let sender = Sender { outbound, transport, limits };
    let (mut closest, mask): (Option<NoMetadata>, _) = (None, Mask::new(transport.echoes()));
    for address in &well_known.addresses {
        let sent = sender.send(address.request(Method::GET, Body::Empty)?).await;
        let missing = match sent.map(|reply| read(&reply, address, &well_known, &mask)) {
            Ok(Ok(metadata)) => return Ok(metadata),
            Ok(Err(missing)) => missing,
            Err(error) if error.stage == Stage::Response => NoMetadata { exists: false, error: error.into() },
            // All addresses are on one host, which cannot be reached.
            Err(error) => return Err(error.into()),
        };
        // The first one is the likeliest, but one with unusable metadata says more.
        if closest.as_ref().is_none_or(|closest| missing.exists && !closest.exists) {
            closest = Some(missing);
        }
    }
    Err(closest.map_or_else(|| too_long().into(), |closest| closest.error))
}

/// Why an address has no metadata for us.
struct NoMetadata {
    /// Whether some are there, which cannot be used.
    exists: bool,
    error: DiscoveryError,
}

fn read(reply: &Reply, address: &HttpUrl, well_known: &WellKnown, mask: &Mask) -> Result<Metadata, NoMetadata> {
    let response = ResponseReader { url: address, kind: RequestKind::Metadata, mask, now: None };
    let document = response.document(reply).map_err(|error| NoMetadata { exists: false, error: error.into() })?;
    let check = RequestKind::Metadata.address();
    let missing = |exists, message, remedy| NoMetadata {
        exists,
        error: TokenError::new(Stage::Response, message, remedy).into(),
    };
    let members = match &document {
        Document::Json(Value::Object(members)) => members,
        Document::Markup(_) => {
            return Err(missing(false, "The server answered with a web page, not with its metadata.", check));
        }
        Document::Json(_) | Document::Text(_) => {
            return Err(missing(false, "The server's answer is no JSON object.", check));
        }
    };
    let Some(issuer) = members.get("issuer").and_then(Value::as_str) else {
        return Err(missing(false, "The answer is no metadata: it has no issuer.", check));
    };
    let metadata = Metadata::of(issuer, members);
    let is_usable = metadata.token_endpoint.is_some() || metadata.authorization_endpoint.is_some();
    if !well_known.is_issuer(issuer) {
        let error = TokenError::new(Stage::Response, "The metadata there are those of another issuer.", OTHER_ISSUER)
            .with_words(response.show(Some(issuer.to_owned())));
        let of_other_issuer = is_usable.then(|| Box::new(metadata));
        return Err(NoMetadata { exists: true, error: DiscoveryError { error, of_other_issuer } });
    }
    if !is_usable {
        return Err(missing(true, "The server's metadata have no usable address.", check));
    }
    Ok(metadata)
}

impl Metadata {
    fn of(issuer: &str, members: &Map<String, Value>) -> Self {
        let url = |name| members.get(name).and_then(url);
        let texts = |name| members.get(name).map(texts).unwrap_or_default();
        let is_true = |name| members.get(name) == Some(&Value::Bool(true));
        let alias = |name| members.get("mtls_endpoint_aliases")?.get(name).and_then(self::url);
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: url("authorization_endpoint"),
            token_endpoint: url("token_endpoint"),
            device_authorization_endpoint: url("device_authorization_endpoint"),
            revocation_endpoint: url("revocation_endpoint"),
            jwks_uri: url("jwks_uri"),
            userinfo_endpoint: url("userinfo_endpoint"),
            scopes_supported: texts("scopes_supported"),
            grant_types_supported: texts("grant_types_supported"),
            token_endpoint_auth_methods_supported: texts("token_endpoint_auth_methods_supported"),
            token_endpoint_auth_signing_alg_values_supported: texts("token_endpoint_auth_signing_alg_values_supported"),
            code_challenge_methods_supported: texts("code_challenge_methods_supported"),
            iss_parameter_supported: is_true("authorization_response_iss_parameter_supported"),
            response_types_supported: texts("response_types_supported"),
            par_required: is_true("require_pushed_authorization_requests"),
            signed_request_required: is_true("require_signed_request_object"),
            dpop_required: is_true("dpop_bound_access_tokens_required") || is_true("dpop_bound_access_tokens"),
            mtls: MtlsAliases {
                token_endpoint: alias("token_endpoint"),
                revocation_endpoint: alias("revocation_endpoint"),
                device_authorization_endpoint: alias("device_authorization_endpoint"),
            },
        }
    }
}

fn url(value: &Value) -> Option<HttpUrl> {
    HttpUrl::parse(value.as_str()?).ok()
}

/// The texts of a list that can be shown on one line.
fn texts(value: &Value) -> Vec<String> {
    let is_plain = |text: &&str| {
        let length = text.chars().take(LONGEST + 1).count();
        (1..=LONGEST).contains(&length) && text.chars().all(|c| !c.is_control())
    };
    let items = value.as_array().into_iter().flatten();
    let texts = items.filter_map(Value::as_str).filter(is_plain);
    texts.take(MOST).map(str::to_owned).collect()
}

fn has_query() -> TokenError {
    TokenError::new(
        Stage::Url,
        "An issuer has no query (the part from ?).",
        "Enter the issuer without it, or the whole address with /.well-known/ in it.",
    )
}

fn too_long() -> TokenError {
    TokenError::new(
        Stage::Url,
        "The issuer is too long for an address to be made of it.",
        RequestKind::Metadata.address(),
    )
}

const MARK: &str = "/.well-known/";

/// Addresses at which metadata may be, the likeliest first, and the issuer that they must name.
pub(super) struct WellKnown {
    pub(super) issuer: String,
    pub(super) addresses: Vec<HttpUrl>,
}

impl WellKnown {
    /// For an issuer, or for the whole address of its metadata. `None` for an address with a query,
    /// which no issuer has (RFC 8414 2).
    pub(super) fn of(typed: &HttpUrl) -> Option<Self> {
        let text = typed.as_str();
        if let Some((before, after)) = text.split_once(MARK) {
            let name = after.split('?').next().unwrap_or_default();
            // What follows the name of the document is the issuer's path.
            let path = name.find('/').and_then(|at| name.get(at..));
            return Some(Self {
                issuer: format!("{before}{}", path.unwrap_or_default()),
                addresses: vec![typed.clone()],
            });
        }
        if text.contains('?') {
            return None;
        }
        Some(Self { issuer: text.to_owned(), addresses: addresses(text) })
    }

    /// Whether a document is about the expected issuer (RFC 8414 3.3). Letter by letter,
    /// but for a slash at the end, which people do not see and which gives the same addresses.
    pub(super) fn is_issuer(&self, issuer: &str) -> bool {
        without_slash(issuer) == without_slash(&self.issuer)
    }
}

fn addresses(issuer: &str) -> Vec<HttpUrl> {
    let issuer = without_slash(issuer);
    let host = issuer.find("://").map_or(0, |at| at + 3);
    let rest = issuer.get(host..).unwrap_or_default();
    let path = rest.find('/').map_or(issuer.len(), |at| host + at);
    let (server, path) = issuer.split_at(path);
    let mut all =
        vec![format!("{server}{MARK}oauth-authorization-server{path}"), format!("{issuer}{MARK}openid-configuration")];
    if !path.is_empty() {
        all.push(format!("{issuer}{MARK}oauth-authorization-server"));
    }
    let addresses = all.iter().map(|address| HttpUrl::parse(address));
    addresses.filter_map(Result::ok).collect()
}

fn without_slash(issuer: &str) -> &str {
    issuer.strip_suffix('/').unwrap_or(issuer)
}

#[cfg(test)]
mod tests;

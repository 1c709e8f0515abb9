//! What signs a call in, and where it stands in a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::model::ApiKeyPlace;
use crate::outbound::http::Method;
use crate::outbound::{Body, HttpUrl, Request, SendError, add_header};
use crate::vault::Secret;

/// The credential of a connector.
pub enum Credential {
    None,
    /// RFC 7617, in UTF-8.
    Basic {
        user: String,
        password: Secret,
    },
    /// A token with its type (RFC 6749 section 7.1, RFC 6750 section 2.1).
    Token {
        token_type: String,
        access: Secret,
    },
    ApiKey {
        place: ApiKeyPlace,
        name: String,
        /// Put before the key with a space; may be empty.
        prefix: String,
        key: Secret,
    },
}

/// A credential as a request carries it.
pub enum Placed {
    Nowhere,
    Header { name: String, value: Secret },
    Query { name: String, value: Secret },
}

impl Credential {
    /// Where the credential stands in a request.
    pub fn placed(&self) -> Placed {
        match self {
            Credential::None => Placed::Nowhere,
            Credential::Basic { .. } => authorization(format!("Basic {}", self.basic_pair())),
            Credential::Token { token_type, access } => {
                authorization(format!("{} {}", scheme(token_type), access.expose()))
            }
            Credential::ApiKey { place, name, prefix, key } => {
                let (name, value) = (name.clone(), prefixed(prefix, key));
                match place {
                    ApiKeyPlace::Header => Placed::Header { name, value },
                    ApiKeyPlace::Query => Placed::Query { name, value },
                }
            }
        }
    }

    /// What stands before the secret in a header, as in `Bearer …`.
    pub fn lead(&self) -> String {
        match self {
            Credential::None => String::new(),
            Credential::Basic { .. } => "Basic ".into(),
            Credential::Token { token_type, .. } => format!("{} ", scheme(token_type)),
            Credential::ApiKey { prefix, .. } if prefix.is_empty() => String::new(),
            Credential::ApiKey { prefix, .. } => format!("{prefix} "),
        }
    }

    /// What a server may echo of it, to be masked wherever it is shown.
    pub fn echoes(&self) -> Vec<Secret> {
        match self {
            Credential::None => Vec::new(),
            Credential::Basic { user, password } => vec![
                password.clone(),
                Secret::new(format!("{user}:{}", password.expose())),
                Secret::new(self.basic_pair()),
            ],
            Credential::Token { access, .. } => vec![access.clone()],
            Credential::ApiKey { key, .. } => vec![key.clone()],
        }
    }

    /// A GET of this address, signed in.
    pub(super) fn get(&self, url: &HttpUrl) -> Result<Request, SendError> {
        let get = |url: &HttpUrl| url.request(Method::GET, Body::Empty);
        match self.placed() {
            Placed::Nowhere => get(url),
            Placed::Header { name, value } => {
                let mut request = get(url)?;
                add_header(request.headers_mut(), &name, value.expose())?;
                Ok(request)
            }
            Placed::Query { name, value } => get(&url.with_query(&[(&name, value.expose())])),
        }
    }

    fn basic_pair(&self) -> String {
        match self {
            Credential::Basic { user, password } => STANDARD.encode(format!("{user}:{}", password.expose())),
            _ => String::new(),
        }
    }
}

fn authorization(value: String) -> Placed {
    Placed::Header { name: "Authorization".into(), value: Secret::new(value) }
}

/// The schemes of IANA's registry of HTTP authentication schemes that carry a token, and the unregistered one that many
/// APIs have in common, each in the letters of its documents.
const TOKEN_SCHEMES: [&str; 5] = ["Bearer", "GNAP", "OAuth", "PrivateToken", "Token"];

/// The scheme of a token type. Schemes are compared without regard to case (RFC 9110 11.1), but not by every server. What
/// is no scheme, such as Slack's `bot` and Apigee's `BearerToken`, says what the token is, and is sent as Bearer.
fn scheme(token_type: &str) -> &'static str {
    TOKEN_SCHEMES.into_iter().find(|scheme| scheme.eq_ignore_ascii_case(token_type)).unwrap_or("Bearer")
}

fn prefixed(prefix: &str, key: &Secret) -> Secret {
    if prefix.is_empty() { key.clone() } else { Secret::new(format!("{prefix} {}", key.expose())) }
}

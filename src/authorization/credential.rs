//! What signs a call in, and how it is put into the request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::model::ApiKeyPlace;
use crate::outbound::{HttpUrl, Method, Request};
use crate::vault::Secret;

/// The credential of a connector.
pub(super) enum Credential {
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

impl Credential {
    /// A GET of this address, signed in.
    pub fn get(&self, url: &HttpUrl) -> Request {
        match self {
            Credential::None => Request::new(Method::Get, url.clone()),
            Credential::Basic { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
                authorized(url, "Authorization", format!("Basic {pair}"))
            }
            Credential::Token { token_type, access } => authorized(
                url,
                "Authorization",
                format!("{token_type} {}", access.expose()),
            ),
            Credential::ApiKey {
                place,
                name,
                prefix,
                key,
            } => {
                let value = if prefix.is_empty() {
                    key.expose().to_string()
                } else {
                    format!("{prefix} {}", key.expose())
                };
                match place {
                    ApiKeyPlace::Header => authorized(url, name, value),
                    ApiKeyPlace::Query => {
                        Request::new(Method::Get, url.with_query(&[(name, &value)]))
                    }
                }
            }
        }
    }
}

fn authorized(url: &HttpUrl, name: &str, value: String) -> Request {
    Request::new(Method::Get, url.clone()).header(name, value)
}

//! What the pages of this site post of a response: an address with a fragment, or the parameters themselves.

use chrono::{DateTime, TimeDelta, Utc};
use form_urlencoded::Serializer;

use crate::authorization::tab::Stored;
use crate::connectors::{Grant, Method};
use crate::oauth::{CallbackParams, known_parameters};
use crate::vault::Secret;
use crate::web::FormData;

/// What was posted. It holds a code or a token.
pub(super) enum Posted {
    /// The address of the page, with what stands behind its #.
    Address(Secret),
    /// The parameters, encoded as in a query.
    Parameters(Secret),
}

impl Posted {
    pub fn of(data: &FormData) -> Posted {
        match data.get("address") {
            Some(address) => Posted::Address(Secret::new(address.trim().to_owned())),
            None => {
                let parameters = known_parameters(data.carried());
                Posted::Parameters(Secret::new(Serializer::new(String::new()).extend_pairs(parameters).finish()))
            }
        }
    }

    /// The response in it; of the implicit grant it is a token.
    pub fn params(&self, is_implicit: bool, now: DateTime<Utc>, lifetime: Option<TimeDelta>) -> CallbackParams {
        match self {
            Posted::Parameters(text) if !is_implicit => CallbackParams::from_query(text.expose()),
            Posted::Parameters(text) | Posted::Address(text) => {
                CallbackParams::from_fragment(text.expose(), now, lifetime)
            }
        }
    }

    /// The response in it, by the connector's grant.
    pub fn params_for(&self, stored: &Stored, now: DateTime<Utc>) -> CallbackParams {
        let is_implicit = stored.connector.method() == Method::OAuth(Grant::Implicit);
        self.params(is_implicit, now, stored.oauth.lifetime())
    }

    /// Why there is no response in it.
    pub fn problem(&self) -> &'static str {
        match self {
            Posted::Address(address) if !address.is_empty() => {
                "There is no access token in this address. Copy it once more, with all that stands behind the #."
            }
            Posted::Address(_) | Posted::Parameters(_) => "Paste the whole address of this page",
        }
    }
}

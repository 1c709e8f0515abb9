//! The client that Connectory is for a server, and how it shows that it is that client.

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{AuthType, ClientId, ClientSecret, StandardRevocableToken};

use super::basic;
use super::token::TokenDocument;
use crate::db::text_enum;
use crate::outbound::Mask;
use crate::vault::Secret;

text_enum! {
    /// How a client authenticates itself (RFC 6749 2.3.1). Servers differ so much that only a person
    /// can choose: some do not read the header, some nothing else.
    #[derive(Default)]
    pub enum ClientAuthentication {
        /// Id and secret in the header `Authorization: Basic`, each form-encoded first.
        #[default]
        Basic = "basic", "HTTP Basic header";
        /// Id and secret as parameters `client_id` and `client_secret`.
        Body = "body", "Request body";
        /// The id alone: a client without secret, or one whom the server knows by its certificate
        /// (RFC 8705).
        None = "none", "None (public client)";
    }
}

/// What the server knows Connectory by.
#[derive(Clone)]
pub struct Client {
    /// The client id. Where it is empty nothing of the client is sent: a server may give tokens for
    /// user and password alone.
    pub id: String,
    /// The client secret; an empty one counts as none.
    pub secret: Option<Secret>,
    /// How both are sent. [`ClientAuthentication::Basic`] without a secret sends the id as a
    /// parameter (RFC 6749 3.2.1).
    pub authentication: ClientAuthentication,
}

impl ClientAuthentication {
    /// The names of RFC 8414 2 for the ones that are known here, the best first.
    const STANDARD: [(&str, Self); 3] =
        [("client_secret_basic", Self::Basic), ("client_secret_post", Self::Body), ("none", Self::None)];

    /// The best one that a server supports, by its metadata (RFC 8414 2); `preferred` if it is among them. `None` if it
    /// names none that is known here.
    pub fn supported(names: &[String], preferred: Option<Self>) -> Option<Self> {
        let is_named = |name: &str| names.iter().any(|other| other == name);
        let mut known = Self::STANDARD.into_iter().filter(|(name, _)| is_named(name)).map(|(_, known)| known);
        let best = known.clone().next();
        known.find(|known| Some(*known) == preferred).or(best)
    }
}

/// The crate's client for tokens that are read as [`TokenDocument`].
pub(super) type OAuth2Client = oauth2::Client<
    BasicErrorResponse,
    TokenDocument,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

impl Client {
    /// The client as the crate sends it.
    pub(super) fn oauth2(&self) -> OAuth2Client {
        let client = OAuth2Client::new(ClientId::new(self.id.clone()));
        let (client, secret) = match self.authentication {
            ClientAuthentication::Basic => (client.set_auth_type(AuthType::BasicAuth), self.secret()),
            ClientAuthentication::Body => (client.set_auth_type(AuthType::RequestBody), self.secret()),
            ClientAuthentication::None => (client.set_auth_type(AuthType::RequestBody), None),
        };
        match secret.filter(|_| !self.id.is_empty()) {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
            None => client,
        }
    }

    /// Adds what of the client a response must not show.
    pub(super) fn add_to(&self, mask: &mut Mask) {
        basic::add_to(mask, &self.id, self.secret().unwrap_or_default());
    }

    fn secret(&self) -> Option<&str> {
        let secret = self.secret.as_ref().map(Secret::expose);
        secret.filter(|secret| !secret.is_empty())
    }
}

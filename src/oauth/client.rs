//! The client that Connectory is for a server, and how it shows that it is that client.

use super::basic;
use crate::db::text_enum;
use crate::outbound::{Mask, RequestBuilder};
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

impl Client {
    /// What goes into the body.
    pub(super) fn parameters(&self) -> Vec<(&'static str, &str)> {
        if self.id.is_empty() {
            return Vec::new();
        }
        let id = ("client_id", self.id.as_str());
        match (self.authentication, self.secret()) {
            (ClientAuthentication::Basic, Some(_)) => Vec::new(),
            (ClientAuthentication::Body, Some(secret)) => vec![id, ("client_secret", secret)],
            (_, None) | (ClientAuthentication::None, _) => vec![id],
        }
    }

    /// Adds the header, if there is one.
    pub(super) fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        match (self.authentication, self.secret()) {
            (ClientAuthentication::Basic, Some(secret)) if !self.id.is_empty() => {
                let credentials = basic::form_encoded(&self.id, secret);
                request.header("Authorization", format!("Basic {credentials}"))
            }
            _ => request,
        }
    }

    /// Whatever of the client an answer must not show.
    pub(super) fn add_to(&self, mask: &mut Mask) {
        basic::add_to(mask, &self.id, self.secret().unwrap_or_default());
    }

    fn secret(&self) -> Option<&str> {
        let secret = self.secret.as_ref().map(Secret::expose);
        secret.filter(|secret| !secret.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_holds_what_the_header_does_not() {
        use ClientAuthentication::{Basic, Body, None};
        let id = ("client_id", "app");
        for (authentication, client_id, secret, parameters) in [
            (Basic, "app", "s", vec![]),
            (Basic, "app", "", vec![id]),
            (Basic, "", "s", vec![]),
            (Body, "app", "s", vec![id, ("client_secret", "s")]),
            (Body, "app", "", vec![id]),
            (Body, "", "s", vec![]),
            (None, "app", "s", vec![id]),
            (None, "", "", vec![]),
        ] {
            let client =
                Client { id: client_id.to_owned(), secret: Some(Secret::new(secret.to_owned())), authentication };
            assert_eq!(client.parameters(), parameters, "{authentication:?}");
        }
    }
}

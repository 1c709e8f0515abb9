//! The client that Connectory is for a server, how it authenticates itself, and how parameters are written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use oauth2::basic::BasicClient;
use oauth2::http::header::CONTENT_TYPE;
use oauth2::http::{HeaderValue, Method};
use oauth2::{AuthType, ClientId, ClientSecret};
use serde_json::{Map, Value};

use super::assertion::AssertionMaker;
use crate::db::text_enum;
use crate::outbound::{Body, HttpUrl, Mask, Request, SendError, add_header};
use crate::vault::Secret;

text_enum! {
    /// How a client authenticates itself (RFC 6749 2.3.1). Servers differ so much that only a person
    /// can choose: some do not read the header, some nothing else.
    #[derive(Default)]
    pub enum ClientAuthentication {
        /// Id and secret in the header `Authorization: Basic`, each form-encoded first.
        #[default]
        Basic = "basic", "HTTP Basic header";
        /// The same without form-encoding, as RFC 7617 alone has it: many servers decode base64 and nothing else.
        BasicAsTyped = "basic_as_typed", "HTTP Basic header, as typed";
        /// Id and secret as parameters `client_id` and `client_secret`.
        Body = "body", "Request body";
        /// The id alone: a client without secret, or one whom the server knows by its certificate
        /// (RFC 8705).
        None = "none", "None (public client)";
        /// A signed assertion in place of a secret (RFC 7523 2.2).
        PrivateKeyJwt = "private_key_jwt", "Signed with a private key (private_key_jwt)";
        /// An assertion that the secret signs (HS256), so that the secret is not sent.
        ClientSecretJwt = "client_secret_jwt", "Signed with the Client Secret (client_secret_jwt)";
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
    /// What the server calls them.
    pub names: ClientNames,
    /// What requests carry beside them.
    pub extra: ExtraSecrets,
    /// What makes its assertions, for a client that proves itself so.
    pub assertions: AssertionMaker,
}

/// Secret headers and parameters of requests to a token server, such as the subscription key of a gateway in front of it,
/// or the key of a grant type of one's own.
#[derive(Clone, Default)]
pub struct ExtraSecrets {
    pub headers: Vec<(String, Secret)>,
    /// Each is sent in place of another parameter of its name.
    pub parameters: Vec<(String, Secret)>,
}

impl ExtraSecrets {
    /// Puts the parameters in place of those of the same names.
    pub(super) fn add_parameters<'a>(&'a self, parameters: &mut Vec<(&'a str, &'a str)>) {
        parameters.retain(|(name, _)| self.parameters.iter().all(|(own, _)| own != name));
        parameters.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.expose())));
    }

    /// Puts the headers in place of those of the same names.
    pub(super) fn add_headers(&self, request: &mut Request) -> Result<(), SendError> {
        self.headers.iter().try_for_each(|(name, value)| {
            request.headers_mut().remove(name);
            add_header(request.headers_mut(), name, value.expose())
        })
    }

    /// Adds what a response must not show.
    pub(super) fn add_to(&self, mask: &mut Mask) {
        self.headers.iter().chain(&self.parameters).for_each(|(_, value)| mask.add(value.expose()));
    }
}

/// What a server calls the parameters `client_id` and `client_secret`, as in `appid` and `secret`; empty for these names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientNames {
    pub id: String,
    pub secret: String,
}

impl ClientNames {
    /// The name under which a parameter is sent.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> &'a str {
        match name {
            "client_id" if !self.id.is_empty() => &self.id,
            "client_secret" if !self.secret.is_empty() => &self.secret,
            other => other,
        }
    }
}

impl ClientAuthentication {
    /// The names of RFC 8414 2 for the ones that are known here, the best first.
    const STANDARD: [(&str, Self); 5] = [
        ("client_secret_basic", Self::Basic),
        ("client_secret_post", Self::Body),
        ("client_secret_jwt", Self::ClientSecretJwt),
        ("none", Self::None),
        ("private_key_jwt", Self::PrivateKeyJwt),
    ];

    /// The best one that a server supports, by its metadata (RFC 8414 2); `preferred` if it is among them. `None` if it
    /// names none that is known here.
    pub fn supported(names: &[String], preferred: Option<Self>) -> Option<Self> {
        let is_named = |name: &str| names.iter().any(|other| other == name);
        let mut known = Self::STANDARD.into_iter().filter(|(name, _)| is_named(name)).map(|(_, known)| known);
        let best = known.clone().next();
        known.find(|known| Some(*known) == preferred).or(best)
    }
}

impl Client {
    /// The client as the crate sends it.
    pub(super) fn oauth2(&self) -> BasicClient {
        let client = BasicClient::new(ClientId::new(self.id.clone()));
        let (client, secret) = match self.authentication {
            ClientAuthentication::Basic | ClientAuthentication::BasicAsTyped => {
                (client.set_auth_type(AuthType::BasicAuth), self.secret())
            }
            ClientAuthentication::Body => (client.set_auth_type(AuthType::RequestBody), self.secret()),
            ClientAuthentication::None
            | ClientAuthentication::PrivateKeyJwt
            | ClientAuthentication::ClientSecretJwt => (client.set_auth_type(AuthType::RequestBody), None),
        };
        match secret.filter(|_| !self.id.is_empty()) {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
            None => client,
        }
    }

    /// The header of [`ClientAuthentication::BasicAsTyped`], in place of that of the crate.
    pub(super) fn basic_as_typed(&self) -> Option<String> {
        let is_plain = self.authentication == ClientAuthentication::BasicAsTyped && !self.id.is_empty();
        let secret = self.secret().filter(|_| is_plain)?;
        Some(format!("Basic {}", basic_credentials(&self.id, secret)))
    }

    /// Adds what of the client a response must not show.
    pub(super) fn add_to(&self, mask: &mut Mask) {
        mask_credentials(mask, &self.id, self.secret().unwrap_or_default());
        self.extra.add_to(mask);
    }

    pub(super) fn secret(&self) -> Option<&str> {
        let secret = self.secret.as_ref().map(Secret::expose);
        secret.filter(|secret| !secret.is_empty())
    }
}

/// User and password as typed, in UTF-8 (RFC 7617 2.1). The caller has checked that the user holds
/// no colon, for the first one ends it.
pub(super) fn basic_credentials(user: &str, password: &str) -> String {
    STANDARD.encode(format!("{user}:{password}"))
}

/// Client id and secret, each form-encoded first (RFC 6749 2.3.1), so that either may hold a colon.
pub(super) fn form_encoded_credentials(id: &str, secret: &str) -> String {
    basic_credentials(&encoded(id), &encoded(secret))
}

/// Adds the secret of a sign-in to what is masked, and its encoded form in the header that carries
/// it.
pub(super) fn mask_credentials(mask: &mut Mask, name: &str, secret: &str) {
    if !secret.is_empty() {
        mask.add(secret);
        mask.add(&format!("{name}:{secret}"));
        mask.add(&format!("{}:{}", encoded(name), encoded(secret)));
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

text_enum! {
    /// How the parameters of a token request are written.
    #[derive(Default)]
    pub enum BodyFormat {
        /// `application/x-www-form-urlencoded`, as OAuth 2.0 says (RFC 6749 B).
        #[default]
        Form = "form", "Form";
        /// A JSON object, which some servers want though no standard says so. A parameter that is sent
        /// more than once becomes an array.
        Json = "json", "JSON";
        /// A GET with the parameters in the query, though secrets belong into no URL (RFC 6749 2.3.1): for servers that
        /// take nothing else.
        Query = "query", "Query parameters (GET)";
    }
}

impl BodyFormat {
    /// The request with the parameters.
    pub(super) fn request(self, url: &HttpUrl, parameters: &[(&str, &str)]) -> Result<Request, SendError> {
        let (content_type, body) = match self {
            Self::Form => ("application/x-www-form-urlencoded", form(parameters)),
            Self::Json => ("application/json", json(parameters)),
            Self::Query => return url.with_query(parameters).request(Method::GET, Body::Empty),
        };
        let mut request = url.request(Method::POST, body.into())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(request)
    }
}

fn form(parameters: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters);
    form.finish()
}

fn json(parameters: &[(&str, &str)]) -> String {
    let mut members = Map::new();
    for (name, value) in parameters {
        let value = Value::from(*value);
        match members.get_mut(*name) {
            None => drop(members.insert((*name).to_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standards_come_out() {
        // RFC 7617 2 and 2.1.
        assert_eq!(basic_credentials("Aladdin", "open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic_credentials("test", "123£"), "dGVzdDoxMjPCow==");
        assert_eq!(form_encoded_credentials("a:b", "c d+%&"), basic_credentials("a%3Ab", "c+d%2B%25%26"));
    }

    #[test]
    fn parameters_are_written_whole_in_both_formats() {
        let parameters = [
            ("grant_type", "password"),
            ("password", "p+%/:& \"ü"),
            ("resource", "https://a.example"),
            ("resource", "https://b.example"),
            ("resource", "urn:c"),
        ];
        assert_eq!(
            form(&parameters),
            "grant_type=password&password=p%2B%25%2F%3A%26+%22%C3%BC\
             &resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&resource=urn%3Ac"
        );
        assert_eq!(
            json(&parameters),
            "{\"grant_type\":\"password\",\"password\":\"p+%/:& \\\"ü\",\
             \"resource\":[\"https://a.example\",\"https://b.example\",\"urn:c\"]}"
        );
    }
}

//! Request token: asking any server for a token with a user or a client, in one of four request styles that are no
//! OAuth.

use std::fmt;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::client::BodyFormat;
use super::client::{basic_credentials, form_encoded_credentials, mask_credentials};
use super::error::{TokenError, TokenErrorStage};
use super::http_client::Sender;
use super::location::TokenLocation;
use super::remedy::RequestKind;
use super::response::{ResponseReader, TokenReader};
use super::token::Token;
use crate::db::text_enum;
use crate::outbound::http::Method;
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, RequestBuilder, Stage, Transport};
use crate::vault::Secret;

text_enum! {
    /// How a token request carries the sign-in.
    ///
    /// | style | user and password | client id and secret | both |
    /// |---|---|---|---|
    /// | form, JSON | in the body, `grant_type=password` (RFC 6749 4.3.2) | in the body (2.3.1), `grant_type=client_credentials` (4.4.2) | all in the body, `grant_type=password` |
    /// | Basic | the user in the header (RFC 7617), no `grant_type`: no OAuth server works so, and others ignore the body | the client in the header, form-encoded first (RFC 6749 2.3.1), `grant_type=client_credentials` | the client in the header, the user in the body, `grant_type=password` |
    /// | GET | the user in the header | the client in the header, as typed | refused: a URL is no place for secrets |
    ///
    /// With neither, form and JSON ask with `grant_type=client_credentials`: the server may know the
    /// client by its certificate (RFC 8705) or its address. Basic and GET refuse that.
    #[derive(Default)]
    pub enum RequestStyle {
        /// POST with `application/x-www-form-urlencoded`, as OAuth 2.0 says.
        #[default]
        FormBody = "form", "POST with a form body";
        /// POST with a JSON object.
        JsonBody = "json", "POST with a JSON body";
        /// POST with an `Authorization: Basic` header.
        HttpBasic = "basic", "POST with HTTP Basic";
        /// GET with an `Authorization: Basic` header; only scope and client id are in the query.
        GetWithBasic = "get", "GET with HTTP Basic";
    }
}

/// What a person enters to get a token. Empty texts count as missing. [`RequestStyle`] says what is
/// sent where.
#[derive(Clone)]
pub struct TokenRequest {
    /// The address of the endpoint.
    pub url: HttpUrl,
    /// How the request is written.
    pub style: RequestStyle,
    /// Who signs in.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// The id that the server has given to Connectory.
    pub client_id: Option<String>,
    /// The secret that belongs to the id.
    pub client_secret: Option<Secret>,
    /// The scopes, separated by spaces.
    pub scope: Option<String>,
    /// Where the token is in the response.
    pub location: TokenLocation,
}

/// A field of a [`TokenRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestField {
    /// `style`.
    Style,
    /// `user`.
    User,
    /// `password`.
    Password,
    /// `client_id`.
    ClientId,
    /// `client_secret`.
    ClientSecret,
}

/// Why a request cannot be sent; the text completes the label of [`RequestProblem::field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestProblem {
    /// The first colon ends the user in HTTP Basic (RFC 7617 2).
    #[error("must not contain a colon (:) with this request style")]
    Colon(RequestField),
    /// HTTP Basic has no place for control characters (RFC 7617 2).
    #[error("must not contain line breaks or other control characters")]
    ControlCharacter(RequestField),
    /// A client secret says nothing without its id.
    #[error("is needed with a Client Secret")]
    NoClientId,
    /// HTTP Basic with nothing to put into it.
    #[error("needs a user, or a Client ID with its secret")]
    NoSignIn,
    /// A GET can carry one sign-in only.
    #[error("can send a user or a Client Secret, but not both")]
    TwoSignIns,
}

impl RequestProblem {
    /// The field at fault.
    pub fn field(self) -> RequestField {
        match self {
            Self::Colon(field) | Self::ControlCharacter(field) => field,
            Self::NoClientId => RequestField::ClientId,
            Self::NoSignIn | Self::TwoSignIns => RequestField::Style,
        }
    }
}

/// Asks for a token within `limits`. `now` is the current time, from which the token's lifetime counts.
pub async fn request_token(
    outbound: &Outbound,
    transport: &Transport,
    limits: Limits,
    request: &TokenRequest,
    now: DateTime<Utc>,
) -> Result<Token, TokenError> {
    let http_request = request.http_request().map_err(unsendable)?;
    let reply = Sender { outbound, transport, limits }.send(http_request).await?;
    let response =
        ResponseReader { url: &request.url, kind: RequestKind::Styled, mask: &request.mask(), now: Some(now) };
    let reading = TokenReader { response, location: &request.location, now, lifetime: None };
    reading.read(&reply)
}

fn unsendable(problem: RequestProblem) -> TokenError {
    TokenError::new(
        TokenErrorStage::Send(Stage::Request),
        format!("{} {problem}.", problem.field()),
        "Change what is entered, or choose another request style.",
    )
}

impl TokenRequest {
    /// Finds what cannot be sent, so that a form can say it.
    pub fn check(&self) -> Result<(), RequestProblem> {
        self.http_request().map(drop)
    }

    /// What the server's message must not show: the secrets, and the headers that carry them.
    fn mask(&self) -> Mask {
        let mut mask = Mask::default();
        mask_credentials(&mut mask, self.user(), self.password());
        mask_credentials(&mut mask, self.client_id(), self.client_secret());
        mask
    }

    pub(super) fn has_user(&self) -> bool {
        !self.user().is_empty() || !self.password().is_empty()
    }

    pub(super) fn has_client_secret(&self) -> bool {
        !self.client_secret().is_empty()
    }

    pub(super) fn user(&self) -> &str {
        self.user.as_deref().unwrap_or_default()
    }

    pub(super) fn password(&self) -> &str {
        self.password.as_ref().map_or("", Secret::expose)
    }

    pub(super) fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or_default()
    }

    pub(super) fn client_secret(&self) -> &str {
        self.client_secret.as_ref().map_or("", Secret::expose)
    }

    pub(super) fn scope(&self) -> &str {
        self.scope.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for RequestField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Style => "The request style",
            Self::User => "User",
            Self::Password => "Password",
            Self::ClientId => "Client ID",
            Self::ClientSecret => "Client Secret",
        })
    }
}

type Parameters<'a> = Vec<(&'static str, &'a str)>;

impl TokenRequest {
    /// The request as it is sent.
    pub(super) fn http_request(&self) -> Result<RequestBuilder, RequestProblem> {
        if self.has_client_secret() && self.client_id().is_empty() {
            return Err(RequestProblem::NoClientId);
        }
        match self.style {
            RequestStyle::FormBody => Ok(BodyFormat::Form.post(&self.url, &self.all_parameters())),
            RequestStyle::JsonBody => Ok(BodyFormat::Json.post(&self.url, &self.all_parameters())),
            RequestStyle::HttpBasic => self.post_basic(),
            RequestStyle::GetWithBasic => self.get_basic(),
        }
    }

    /// Client and user in Basic's place: the client if it has a secret, else the user.
    fn post_basic(&self) -> Result<RequestBuilder, RequestProblem> {
        if !self.has_client_secret() {
            let credentials = self.user_credentials()?;
            let parameters = kept([("client_id", self.client_id()), ("scope", self.scope())]);
            return Ok(authorized(BodyFormat::Form.post(&self.url, &parameters), &credentials));
        }
        let credentials = form_encoded_credentials(self.client_id(), self.client_secret());
        let mut parameters = self.grant();
        parameters.extend(kept([("scope", self.scope())]));
        Ok(authorized(BodyFormat::Form.post(&self.url, &parameters), &credentials))
    }

    /// All secrets go into the header, for URLs end up in logs (RFC 6749 2.3.1).
    fn get_basic(&self) -> Result<RequestBuilder, RequestProblem> {
        if !self.has_client_secret() {
            let credentials = self.user_credentials()?;
            let query = kept([("client_id", self.client_id()), ("scope", self.scope())]);
            return Ok(authorized(self.get(&query), &credentials));
        }
        if self.has_user() {
            return Err(RequestProblem::TwoSignIns);
        }
        use RequestField::{ClientId, ClientSecret};
        let (id, secret) = (self.client_id(), self.client_secret());
        let credentials = plain_credentials((ClientId, id), (ClientSecret, secret))?;
        let query = kept([("scope", self.scope())]);
        Ok(authorized(self.get(&query), &credentials))
    }

    fn user_credentials(&self) -> Result<String, RequestProblem> {
        if !self.has_user() {
            return Err(RequestProblem::NoSignIn);
        }
        use RequestField::{Password, User};
        plain_credentials((User, self.user()), (Password, self.password()))
    }

    /// The grant type with the user's sign-in (RFC 6749 4.3.2), or without (4.4.2).
    fn grant(&self) -> Parameters<'_> {
        if !self.has_user() {
            return vec![("grant_type", "client_credentials")];
        }
        vec![("grant_type", "password"), ("username", self.user()), ("password", self.password())]
    }

    fn all_parameters(&self) -> Parameters<'_> {
        let mut all = self.grant();
        all.extend(kept([
            ("client_id", self.client_id()),
            ("client_secret", self.client_secret()),
            ("scope", self.scope()),
        ]));
        all
    }

    fn get(&self, query: &[(&str, &str)]) -> RequestBuilder {
        RequestBuilder::new(Method::GET, self.url.with_query(query))
    }
}

/// Only what is not empty.
fn kept<'a, const N: usize>(parameters: [(&'static str, &'a str); N]) -> Parameters<'a> {
    parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn authorized(request: RequestBuilder, credentials: &str) -> RequestBuilder {
    request.header("Authorization", format!("Basic {credentials}"))
}

/// Credentials as RFC 7617 2 has them, which cannot hold everything.
fn plain_credentials(
    (user_field, user): (RequestField, &str),
    (password_field, password): (RequestField, &str),
) -> Result<String, RequestProblem> {
    if user.contains(':') {
        return Err(RequestProblem::Colon(user_field));
    }
    for (field, text) in [(user_field, user), (password_field, password)] {
        if text.chars().any(char::is_control) {
            return Err(RequestProblem::ControlCharacter(field));
        }
    }
    Ok(basic_credentials(user, password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::location::TokenLocation;
    use crate::outbound::{HttpUrl, quote};
    use crate::vault::Secret;

    #[test]
    fn an_echoed_header_is_masked() {
        let request = TokenRequest {
            client_id: Some("app".to_owned()),
            client_secret: Some(Secret::new("t+p secret".to_owned())),
            ..request(RequestStyle::HttpBasic)
        };
        let mask = request.mask();
        for (echo, shown) in [
            ("bad YWxpY2U6aHVudGVyMjI= header", "bad ‹masked› header"),
            ("bad YXBwOnQlMkJwK3NlY3JldA== header", "bad ‹masked› header"),
            ("hunter22 or t%2Bp+secret", "‹masked› or ‹masked›"),
        ] {
            assert_eq!(quote(echo, &mask).as_deref(), Some(shown));
        }
    }

    /// Alice's request in a style; a made-up address that gets no request.
    pub(in super::super) fn request(style: RequestStyle) -> TokenRequest {
        TokenRequest {
            url: HttpUrl::parse("https://id.example.org/token").expect("an address"),
            style,
            user: Some("alice".to_owned()),
            password: Some(Secret::new("hunter22".to_owned())),
            client_id: None,
            client_secret: None,
            scope: None,
            location: TokenLocation::FindByItself,
        }
    }

    fn secret(text: &str) -> Option<Secret> {
        Some(Secret::new(text.to_owned()))
    }

    #[test]
    fn what_a_style_cannot_send_is_refused_at_its_field() {
        use RequestField::*;
        use RequestProblem::*;
        use RequestStyle::*;
        let user = |style, user: &str| TokenRequest { user: Some(user.to_owned()), ..request(style) };
        let password = |style, password| TokenRequest { password: secret(password), ..request(style) };
        let client = |style, id: &str, with_user| TokenRequest {
            client_id: Some(id.to_owned()),
            client_secret: secret("s3cret"),
            user: with_user,
            password: None,
            ..request(style)
        };
        let nobody = |style| TokenRequest { user: None, password: secret(""), ..request(style) };
        for (request, problem) in [
            (user(FormBody, "a:b\n"), None),
            (user(JsonBody, "a:b\n"), None),
            (user(HttpBasic, "a:b"), Some(Colon(User))),
            (user(GetWithBasic, "a:b"), Some(Colon(User))),
            (user(HttpBasic, "a\nb"), Some(ControlCharacter(User))),
            (password(HttpBasic, "a:b"), None),
            (password(GetWithBasic, "a\0b"), Some(ControlCharacter(Password))),
            (client(HttpBasic, "a:b", None), None),
            (client(GetWithBasic, "a:b", None), Some(Colon(ClientId))),
            (client(HttpBasic, "app", Some("a:b".to_owned())), None),
            (client(GetWithBasic, "app", Some("alice".to_owned())), Some(TwoSignIns)),
            (client(FormBody, "", None), Some(NoClientId)),
            (nobody(FormBody), None),
            (nobody(JsonBody), None),
            (nobody(HttpBasic), Some(NoSignIn)),
            (nobody(GetWithBasic), Some(NoSignIn)),
        ] {
            assert_eq!(request.check().err(), problem);
        }
    }
}

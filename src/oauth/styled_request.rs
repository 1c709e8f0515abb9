//! Request token: asking any server for a token with a user or a client, in one of four request styles that are no
//! OAuth.

use std::fmt;
use std::time::Instant;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::client::{BodyFormat, ExtraSecrets, basic_credentials, form_encoded_credentials, mask_credentials};
use super::error::TokenError;
use super::http_client::Sender;
use super::kept::KeptNames;
use super::remedy::RequestKind;
use super::response::{ResponseReader, TokenReader};
use super::token::Token;
use super::token_location::TokenLocation;
use crate::db::text_enum;
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, Request, Transport, add_header};
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
    pub user: String,
    /// The user's password.
    pub password: Option<Secret>,
    /// The id that the server has given to Connectory.
    pub client_id: String,
    /// The secret that belongs to the id.
    pub client_secret: Option<Secret>,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// Where the token is in the response.
    pub location: TokenLocation,
    /// What a body calls user and password; empty for `username` and `password`. With a name of its own the request is a
    /// login that is no OAuth, and has no `grant_type`.
    pub user_field: String,
    pub password_field: String,
    /// Secret headers and parameters.
    pub extra: ExtraSecrets,
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
    let started = Instant::now();
    let reply = Sender { outbound, transport, limits }.send(request.http_request()?).await?;
    let response =
        ResponseReader { url: &request.url, kind: RequestKind::Styled, mask: &request.mask(transport), now: Some(now) };
    TokenReader { response, location: &request.location, now, started, lifetime: None, keep: &KeptNames::default() }
        .read(&reply)
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

/// Base64 for `Authorization: Basic`, if it is sent, and the parameters of body or query.
type Parts<'a> = (Option<String>, Vec<(&'a str, &'a str)>);

impl TokenRequest {
    /// Finds what cannot be sent, so that a form can say it.
    pub fn check(&self) -> Result<(), RequestProblem> {
        self.parts().map(drop)
    }

    /// What the server's message must not show: the secrets, and the headers that carry them.
    fn mask(&self, transport: &Transport) -> Mask {
        let mut mask = Mask::new(transport.echoes());
        mask_credentials(&mut mask, &self.user, self.password());
        mask_credentials(&mut mask, &self.client_id, self.client_secret());
        self.extra.add_to(&mut mask);
        mask
    }

    fn password(&self) -> &str {
        self.password.as_ref().map_or("", Secret::expose)
    }

    fn client_secret(&self) -> &str {
        self.client_secret.as_ref().map_or("", Secret::expose)
    }

    fn has_user(&self) -> bool {
        !self.user.is_empty() || !self.password().is_empty()
    }

    /// The request as it is sent.
    fn http_request(&self) -> Result<Request, TokenError> {
        let (credentials, mut parameters) = self.parts().map_err(|problem| {
            let remedy = "Change what is entered, or choose another request style.";
            TokenError::not_sent(format!("{} {problem}.", problem.field()), remedy)
        })?;
        self.extra.add_parameters(&mut parameters);
        let mut request = match self.style {
            RequestStyle::FormBody | RequestStyle::HttpBasic => BodyFormat::Form.request(&self.url, &parameters)?,
            RequestStyle::JsonBody => BodyFormat::Json.request(&self.url, &parameters)?,
            RequestStyle::GetWithBasic => BodyFormat::Query.request(&self.url, &parameters)?,
        };
        if let Some(credentials) = credentials {
            add_header(request.headers_mut(), "Authorization", &format!("Basic {credentials}"))?;
        }
        self.extra.add_headers(&mut request)?;
        Ok(request)
    }

    /// What [`RequestStyle`] says of each style. In a query are no secrets, for URLs end up in logs (RFC 6749 2.3.1).
    fn parts(&self) -> Result<Parts<'_>, RequestProblem> {
        let (id, secret) = (self.client_id.as_str(), self.client_secret());
        if !secret.is_empty() && id.is_empty() {
            return Err(RequestProblem::NoClientId);
        }
        let (id_parameter, scope) = (("client_id", id), ("scope", self.scope.as_str()));
        let (credentials, grant, others) = match self.style {
            RequestStyle::FormBody | RequestStyle::JsonBody => {
                (None, self.grant(), vec![id_parameter, ("client_secret", secret), scope])
            }
            RequestStyle::HttpBasic | RequestStyle::GetWithBasic if secret.is_empty() => {
                (Some(self.user_credentials()?), vec![], vec![id_parameter, scope])
            }
            RequestStyle::HttpBasic => (Some(form_encoded_credentials(id, secret)), self.grant(), vec![scope]),
            RequestStyle::GetWithBasic if self.has_user() => return Err(RequestProblem::TwoSignIns),
            RequestStyle::GetWithBasic => {
                let fields = (RequestField::ClientId, RequestField::ClientSecret);
                (Some(plain_credentials(fields, id, secret)?), vec![], vec![scope])
            }
        };
        let others = others.into_iter().filter(|(_, value)| !value.is_empty());
        Ok((credentials, grant.into_iter().chain(others).collect()))
    }

    fn user_credentials(&self) -> Result<String, RequestProblem> {
        if !self.has_user() {
            return Err(RequestProblem::NoSignIn);
        }
        plain_credentials((RequestField::User, RequestField::Password), &self.user, self.password())
    }

    /// The grant type with the user's sign-in (RFC 6749 4.3.2), or without (4.4.2).
    fn grant(&self) -> Vec<(&str, &str)> {
        if !self.has_user() {
            return vec![("grant_type", "client_credentials")];
        }
        let grant = self.user_field.is_empty() && self.password_field.is_empty();
        let user = (or_usual(&self.user_field, "username"), self.user.as_str());
        let password = (or_usual(&self.password_field, "password"), self.password());
        grant.then_some(("grant_type", "password")).into_iter().chain([user, password]).collect()
    }
}

/// A name, or the usual one where none is set.
fn or_usual<'a>(name: &'a str, usual: &'a str) -> &'a str {
    if name.is_empty() { usual } else { name }
}

/// Credentials as RFC 7617 2 has them, which cannot hold everything.
fn plain_credentials(
    fields: (RequestField, RequestField),
    user: &str,
    password: &str,
) -> Result<String, RequestProblem> {
    if user.contains(':') {
        return Err(RequestProblem::Colon(fields.0));
    }
    for (field, text) in [(fields.0, user), (fields.1, password)] {
        if text.chars().any(char::is_control) {
            return Err(RequestProblem::ControlCharacter(field));
        }
    }
    Ok(basic_credentials(user, password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::token_location::TokenLocation;
    use crate::outbound::{HttpUrl, quote};
    use crate::vault::Secret;

    #[test]
    fn an_echoed_header_is_masked() {
        let request = TokenRequest {
            client_id: "app".to_owned(),
            client_secret: Some(Secret::new("t+p secret".to_owned())),
            ..request(RequestStyle::HttpBasic)
        };
        let mask = request.mask(&Transport::default());
        for (echo, shown) in [
            ("bad YWxpY2U6aHVudGVyMjI= header", "bad ‹masked› header"),
            ("bad YXBwOnQlMkJwK3NlY3JldA== header", "bad ‹masked› header"),
            ("hunter22 or t%2Bp+secret", "‹masked› or ‹masked›"),
        ] {
            assert_eq!(quote(echo, &mask).as_deref(), Some(shown));
        }
    }

    /// Alice's request in a style; a made-up address that gets no request.
    fn request(style: RequestStyle) -> TokenRequest {
        TokenRequest {
            url: HttpUrl::parse("https://id.example.org/token").expect("an address"),
            style,
            user: "alice".to_owned(),
            password: Some(Secret::new("hunter22".to_owned())),
            client_id: String::new(),
            client_secret: None,
            scope: String::new(),
            location: TokenLocation::FindByItself,
            user_field: String::new(),
            password_field: String::new(),
            extra: ExtraSecrets::default(),
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
        let user = |style, user: &str| TokenRequest { user: user.to_owned(), ..request(style) };
        let password = |style, password| TokenRequest { password: secret(password), ..request(style) };
        let client = |style, id: &str, user: &str| TokenRequest {
            client_id: id.to_owned(),
            client_secret: secret("s3cret"),
            user: user.to_owned(),
            password: None,
            ..request(style)
        };
        let anonymous = |style| TokenRequest { user: String::new(), password: secret(""), ..request(style) };
        for (request, problem) in [
            (user(FormBody, "a:b\n"), None),
            (user(JsonBody, "a:b\n"), None),
            (user(HttpBasic, "a:b"), Some(Colon(User))),
            (user(GetWithBasic, "a:b"), Some(Colon(User))),
            (user(HttpBasic, "a\nb"), Some(ControlCharacter(User))),
            (password(HttpBasic, "a:b"), None),
            (password(GetWithBasic, "a\0b"), Some(ControlCharacter(Password))),
            (client(HttpBasic, "a:b", ""), None),
            (client(GetWithBasic, "a:b", ""), Some(Colon(ClientId))),
            (client(HttpBasic, "app", "a:b"), None),
            (client(GetWithBasic, "app", "alice"), Some(TwoSignIns)),
            (client(FormBody, "", ""), Some(NoClientId)),
            (anonymous(FormBody), None),
            (anonymous(JsonBody), None),
            (anonymous(HttpBasic), Some(NoSignIn)),
            (anonymous(GetWithBasic), Some(NoSignIn)),
        ] {
            assert_eq!(request.check().err(), problem);
        }
    }
}

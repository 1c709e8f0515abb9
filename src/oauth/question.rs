//! How a [`TokenRequest`] is put to the server, by its style.

use super::basic;
use super::body::BodyFormat;
use super::request::{RequestField, RequestProblem, TokenRequest};
use super::style::RequestStyle;
use crate::outbound::RequestBuilder;
use crate::outbound::http::Method;

type Parameters<'a> = Vec<(&'static str, &'a str)>;

impl TokenRequest {
    /// The request as it is sent.
    pub(super) fn question(&self) -> Result<RequestBuilder, RequestProblem> {
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
        let credentials = basic::form_encoded(self.client_id(), self.client_secret());
        let mut parameters = self.grant();
        parameters.extend(kept([("scope", self.scope())]));
        Ok(authorized(BodyFormat::Form.post(&self.url, &parameters), &credentials))
    }

    /// Whatever is secret stands in the header, for URLs end up in logs (RFC 6749 2.3.1).
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
    Ok(basic::as_typed(user, password))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::location::TokenLocation;
    use super::*;
    use crate::outbound::HttpUrl;
    use crate::vault::Secret;

    /// Alice's request in a style; a made-up address that is never asked.
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

//! Request token: asking any server for a token with a user or a client.

use std::fmt;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::answer::Reading;
use super::basic;
use super::exchange::Exchange;
use super::inquiry::Inquiry;
use super::location::TokenLocation;
use super::refusal::{Refusal, RefusalLayer};
use super::remedy::Asked;
use super::style::RequestStyle;
use super::token::Token;
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, Transport};
use crate::vault::Secret;

/// What a person enters to get a token. Empty texts count as missing. [`RequestStyle`] says what is
/// sent where.
#[derive(Clone)]
pub struct TokenRequest {
    /// The address that is asked.
    pub url: HttpUrl,
    /// How it is asked.
    pub style: RequestStyle,
    /// Who signs in.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// The id that the server has given to Connectory.
    pub client_id: Option<String>,
    /// The secret that belongs to the id.
    pub client_secret: Option<Secret>,
    /// The scopes that are asked for, parted by spaces.
    pub scope: Option<String>,
    /// Where the token stands in the answer.
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

/// Why a request cannot be sent; the words complete the label of [`RequestProblem::field`].
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
) -> Result<Token, Refusal> {
    let question = request.question().map_err(unsendable)?;
    let reply = Exchange { outbound, transport, limits }.send(question).await?;
    let inquiry = Inquiry { url: &request.url, asked: Asked::Styled, mask: &request.mask(), now: Some(now) };
    let reading = Reading { inquiry, location: &request.location, now, lifetime: None };
    reading.read(&reply)
}

fn unsendable(problem: RequestProblem) -> Refusal {
    Refusal::new(
        RefusalLayer::Request,
        format!("{} {problem}.", problem.field()),
        "Change what is entered, or choose another request style.",
    )
}

impl TokenRequest {
    /// Finds what cannot be sent, so that a form can say it.
    pub fn check(&self) -> Result<(), RequestProblem> {
        self.question().map(drop)
    }

    /// What the server's words must not show: the secrets, and the headers that carry them.
    fn mask(&self) -> Mask {
        let mut mask = Mask::default();
        basic::add_to(&mut mask, self.user(), self.password());
        basic::add_to(&mut mask, self.client_id(), self.client_secret());
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

#[cfg(test)]
mod tests {
    use super::super::question::tests::request;
    use super::*;
    use crate::outbound::quote;

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
}

//! The ways in which servers want to be asked for a token.

use std::str::FromStr;

use thiserror::Error;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestStyle {
    /// POST with `application/x-www-form-urlencoded`, as OAuth 2.0 asks.
    #[default]
    FormBody,
    /// POST with a JSON object.
    JsonBody,
    /// POST with an `Authorization: Basic` header.
    HttpBasic,
    /// GET with an `Authorization: Basic` header; only scope and client id stand in the query.
    GetWithBasic,
}

/// A text is no code of a [`RequestStyle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is not a request style")]
pub struct UnknownStyle;

impl RequestStyle {
    /// All styles, in the order in which a form offers them.
    pub const ALL: [Self; 4] = [Self::FormBody, Self::JsonBody, Self::HttpBasic, Self::GetWithBasic];

    /// The code that forms and the database carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FormBody => "form",
            Self::JsonBody => "json",
            Self::HttpBasic => "basic",
            Self::GetWithBasic => "get",
        }
    }

    /// The words that a form shows.
    pub fn label(self) -> &'static str {
        match self {
            Self::FormBody => "POST with a form body",
            Self::JsonBody => "POST with a JSON body",
            Self::HttpBasic => "POST with HTTP Basic",
            Self::GetWithBasic => "GET with HTTP Basic",
        }
    }
}

/// Reads the code of a style.
impl FromStr for RequestStyle {
    type Err = UnknownStyle;

    fn from_str(code: &str) -> Result<Self, UnknownStyle> {
        let found = Self::ALL.into_iter().find(|style| style.as_str() == code);
        found.ok_or(UnknownStyle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for style in RequestStyle::ALL {
            assert_eq!(style.as_str().parse(), Ok(style));
        }
        assert_eq!("FORM".parse::<RequestStyle>(), Err(UnknownStyle));
        assert_eq!("".parse::<RequestStyle>(), Err(UnknownStyle));
    }
}

//! The body of a request to a token server.

use std::str::FromStr;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::outbound::{HttpUrl, Method, Request};

/// How the parameters of a token request are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`, as OAuth 2.0 asks (RFC 6749 B).
    #[default]
    Form,
    /// A JSON object, which some servers want though no standard says so. A parameter that is sent
    /// more than once becomes an array.
    Json,
}

/// A text is no code of a [`BodyFormat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is not a format of request bodies")]
pub struct UnknownBodyFormat;

impl BodyFormat {
    /// All formats, in the order in which a form offers them.
    pub const ALL: [Self; 2] = [Self::Form, Self::Json];

    /// The code that forms and the database carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Json => "json",
        }
    }

    /// The words that a form shows.
    pub fn label(self) -> &'static str {
        match self {
            Self::Form => "Form",
            Self::Json => "JSON",
        }
    }

    /// A POST of the parameters.
    pub(super) fn post(self, url: &HttpUrl, parameters: &[(&str, &str)]) -> Request {
        let (content_type, body) = match self {
            Self::Form => ("application/x-www-form-urlencoded", form(parameters)),
            Self::Json => ("application/json", json(parameters)),
        };
        Request::new(Method::Post, url.clone()).header("Content-Type", content_type).body(body)
    }
}

/// Reads the code of a format.
impl FromStr for BodyFormat {
    type Err = UnknownBodyFormat;

    fn from_str(code: &str) -> Result<Self, UnknownBodyFormat> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == code);
        found.ok_or(UnknownBodyFormat)
    }
}

fn form(parameters: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters);
    form.finish()
}

fn json(parameters: &[(&str, &str)]) -> String {
    let mut members = Map::new();
    for &(name, value) in parameters {
        match members.get_mut(name) {
            None => drop(members.insert(name.to_owned(), value.into())),
            Some(Value::Array(values)) => values.push(value.into()),
            Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
        }
    }
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for format in BodyFormat::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        assert_eq!("xml".parse::<BodyFormat>(), Err(UnknownBodyFormat));
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

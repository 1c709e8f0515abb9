//! The body of a request to a token server.

use serde_json::{Map, Value};

use crate::db::text_enum;
use crate::outbound::http::Method;
use crate::outbound::{HttpUrl, RequestBuilder};

text_enum! {
    /// How the parameters of a token request are written.
    #[derive(Default)]
    pub enum BodyFormat {
        /// `application/x-www-form-urlencoded`, as OAuth 2.0 asks (RFC 6749 B).
        #[default]
        Form = "form", "Form";
        /// A JSON object, which some servers want though no standard says so. A parameter that is sent
        /// more than once becomes an array.
        Json = "json", "JSON";
    }
}

impl BodyFormat {
    /// A POST of the parameters.
    pub(super) fn post<T: AsRef<str>>(self, url: &HttpUrl, parameters: &[(T, T)]) -> RequestBuilder {
        let (content_type, body) = match self {
            Self::Form => ("application/x-www-form-urlencoded", form(parameters)),
            Self::Json => ("application/json", json(parameters)),
        };
        RequestBuilder::new(Method::POST, url.clone()).header("Content-Type", content_type).body(body)
    }
}

fn form<T: AsRef<str>>(parameters: &[(T, T)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters);
    form.finish()
}

fn json<T: AsRef<str>>(parameters: &[(T, T)]) -> String {
    let mut members = Map::new();
    for (name, value) in parameters {
        let (name, value) = (name.as_ref(), value.as_ref());
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

//! What stands beside a token and is kept with it: values such as `instance_url` and `realmId`, which say where and for
//! whom the token is. They are no secrets, and are shown.

use std::collections::BTreeMap;
use std::str::FromStr;

use form_urlencoded::parse;
use serde_json::{Map, Value};
use thiserror::Error;

use super::response_document::letters;

/// The most names, and the longest name and value, in characters.
const MOST: usize = 20;
const LONGEST_NAME: usize = 80;
const LONGEST_VALUE: usize = 1_000;

/// Endings of names whose values are secret.
const SECRET: [&str; 6] = ["token", "secret", "password", "assertion", "code", "state"];

/// Values by their names.
pub type KeptValues = BTreeMap<String, String>;

/// The names of the values to keep, with white space or commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptNames(Vec<String>);

/// Why a text is no [`KeptNames`]; the text completes the label of its field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeptProblem {
    /// No name of a member or parameter.
    #[error("must be names of up to 80 letters, numbers, dots, hyphens and underscores, such as instance_url")]
    Name,
    /// A name whose value is a secret.
    #[error("must not have {0}: what is kept is shown, and this is a secret")]
    Secret(String),
    /// More than 20 names.
    #[error("must not have more than 20 names")]
    TooMany,
}

impl FromStr for KeptNames {
    type Err = KeptProblem;

    fn from_str(text: &str) -> Result<Self, KeptProblem> {
        let pieces = text.split(|c: char| c == ',' || c.is_whitespace());
        let names = pieces.filter(|piece| !piece.is_empty()).map(name).collect::<Result<Vec<_>, _>>()?;
        if names.len() > MOST { Err(KeptProblem::TooMany) } else { Ok(Self(names)) }
    }
}

fn name(text: &str) -> Result<String, KeptProblem> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if text.len() > LONGEST_NAME || !text.bytes().all(is_part) {
        return Err(KeptProblem::Name);
    }
    let plain: String = letters(text).map(char::from).collect();
    match SECRET.iter().any(|secret| plain.ends_with(secret)) {
        true => Err(KeptProblem::Secret(text.to_owned())),
        false => Ok(text.to_owned()),
    }
}

impl KeptNames {
    /// The values that stand in these objects, the nearest to the token first.
    pub(super) fn in_objects(&self, said: &[&Map<String, Value>]) -> KeptValues {
        let value = |name: &String| said.iter().find_map(|object| text(object.get(name)?));
        self.0.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
    }

    /// The values that came back to the redirect URL in its query (QuickBooks sends `realmId` so).
    pub fn in_query(&self, query: &str) -> KeptValues {
        let value = |name: &String| {
            let found = parse(query.as_bytes()).find(|(own, _)| own == name)?;
            shown(&found.1)
        };
        self.0.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => shown(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn shown(text: &str) -> Option<String> {
    let fits = text.chars().count() <= LONGEST_VALUE && !text.chars().any(char::is_control);
    (fits && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_read_and_those_of_secrets_refused() {
        let read = |text: &str| text.parse::<KeptNames>().map(|names| names.0);
        assert_eq!(
            read(" instance_url, realmId\nsub.domain "),
            Ok(vec!["instance_url".into(), "realmId".into(), "sub.domain".into()])
        );
        assert_eq!(read(""), Ok(vec![]));
        for secret in ["refresh_token", "accessToken", "client-secret", "code"] {
            assert_eq!(read(secret), Err(KeptProblem::Secret(secret.into())));
        }
        assert_eq!(read("a/b"), Err(KeptProblem::Name));
        assert_eq!(read(&"a ".repeat(21)), Err(KeptProblem::TooMany));
    }

    #[test]
    fn short_texts_and_numbers_are_kept() {
        let names: KeptNames = "a b c d e f".parse().expect("names");
        let answer = json!({"a": "x", "b": 7, "c": {"d": 1}, "d": "l\n", "e": "y".repeat(1_001), "f": "", "g": "z"});
        let kept = names.in_objects(&[answer.as_object().expect("an object")]);
        assert_eq!(kept, KeptValues::from([("a".into(), "x".into()), ("b".into(), "7".into())]));
        let kept = names.in_query("code=secret&a=%20x&c=&d=1%0A2");
        assert_eq!(kept, KeptValues::from([("a".into(), " x".into())]));
    }
}

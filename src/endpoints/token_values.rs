//! Values that are kept with the connector's token, as variables of its endpoints: `{{token.instance_url}}`.
//!
//! Rule: a value of the caller goes first, as before a default.

use serde_json::{Map, Value};

use crate::authorization::KeptValues;
use crate::template::Variable;

/// The member of the variables that has the values.
const TOKEN: &str = "token";

/// Adds the values to variables that do not set them.
pub(super) fn add(mut variables: Value, kept: &KeptValues) -> Value {
    if let Some(members) = variables.as_object_mut().filter(|_| !kept.is_empty())
        && let Value::Object(token) = members.entry(TOKEN).or_insert_with(|| Map::new().into())
    {
        for (name, value) in kept {
            add_at(token, name, value);
        }
    }
    variables
}

/// Adds a value at its path: the name of a value may have dots.
fn add_at(members: &mut Map<String, Value>, path: &str, value: &str) {
    match path.split_once('.') {
        None => _ = members.entry(path).or_insert_with(|| value.into()),
        Some((first, rest)) => {
            if let Value::Object(inner) = members.entry(first).or_insert_with(|| Map::new().into()) {
                add_at(inner, rest, value);
            }
        }
    }
}

/// Whether it is a variable for a value of the token, which needs no value of the caller.
pub(super) fn is_of_token(name: &str) -> bool {
    name.strip_prefix(TOKEN).is_some_and(|rest| rest.starts_with('.'))
}

/// What stands where the caller gives no value.
pub(super) fn default_of(variable: &Variable, kept: &KeptValues) -> Option<String> {
    let path = variable.name().strip_prefix(TOKEN).and_then(|rest| rest.strip_prefix('.'));
    let kept = path.and_then(|path| kept.get(path)).map(String::as_str);
    kept.or(variable.default()).map(str::to_string)
}

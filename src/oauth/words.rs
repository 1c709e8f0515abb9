//! A server's own account of what went wrong.

use serde_json::{Map, Value};

use super::document::{Document, member};
use super::markup;

/// Members that name an error, and those that describe it, of OAuth (RFC 6749 5.2), problem details
/// (RFC 9457 3.1) and of what others made up.
const NAMES: [&str; 4] = ["error", "title", "error_code", "code"];
const DESCRIPTIONS: [&str; 12] = [
    "error_description",
    "detail",
    "details",
    "message",
    "msg",
    "error_message",
    "description",
    "reason",
    "errors",
    "non_field_errors",
    "fault",
    "faultstring",
];

/// How deep errors are looked for in objects and arrays.
const DEPTH: usize = 4;

/// Whether an answer says that it is an error, though its status does not: `error` stands in it and
/// is not some way of saying "none".
pub(super) fn is_error(document: &Document) -> bool {
    let error = document.json().and_then(|value| value.get("error"));
    error.is_some_and(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) => true,
    })
}

/// The `error` code of an OAuth answer (RFC 6749 5.2).
pub(super) fn error_code(document: &Document) -> Option<&str> {
    document.json()?.get("error")?.as_str()
}

/// The words of an answer with an error status: those of an error if it has some, else the first
/// words in it. Not yet fit to be shown: see `mask`.
pub(super) fn of_failure(document: &Document) -> Option<String> {
    match document {
        Document::Json(value) => error_words(value, DEPTH).or_else(|| any_words(value, DEPTH)),
        Document::Markup(page) => markup::gist(page),
        Document::Text(text) => nonempty(text),
    }
}

/// The words of an answer that claims success: only what is called an error or a message, for the
/// rest may be the very token that was not found.
pub(super) fn of_success(document: &Document) -> Option<String> {
    match document {
        Document::Json(value @ Value::Object(_)) => error_words(value, DEPTH),
        Document::Json(_) | Document::Text(_) => None,
        Document::Markup(page) => markup::gist(page),
    }
}

/// "invalid_grant: wrong password", from the members that tell of errors.
fn error_words(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => nonempty(text),
        Value::Array(items) => items.iter().find_map(|item| error_words(item, depth)),
        Value::Object(object) => join(
            first(object, &NAMES, depth),
            first(object, &DESCRIPTIONS, depth),
        ),
        _ => None,
    }
}

fn first(object: &Map<String, Value>, names: &[&str], depth: usize) -> Option<String> {
    let found = names.iter().filter_map(|name| member(object, name));
    found
        .into_iter()
        .find_map(|(_, value)| error_words(value, depth))
}

fn join(name: Option<String>, description: Option<String>) -> Option<String> {
    match (name, description) {
        (Some(name), Some(description)) if name != description => {
            Some(format!("{name}: {description}"))
        }
        (name, description) => name.or(description),
    }
}

/// "username: This field is required.", from whatever stands first.
fn any_words(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => nonempty(text),
        Value::Array(items) => items.iter().find_map(|item| any_words(item, depth)),
        Value::Object(object) => object
            .iter()
            .find_map(|(name, value)| Some(format!("{name}: {}", any_words(value, depth)?))),
        _ => None,
    }
}

fn nonempty(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_read_as_servers_write_them() {
        for (answer, words) in [
            (json!({"error": "invalid_grant"}), Some("invalid_grant")),
            (
                json!({"error": "invalid_client", "error_description": "Bad secret"}),
                Some("invalid_client: Bad secret"),
            ),
            (
                json!({"type": "about:blank", "title": "Forbidden", "detail": "No quota"}),
                Some("Forbidden: No quota"),
            ),
            (
                json!({"error": {"code": 401, "message": "The token has expired"}}),
                Some("The token has expired"),
            ),
            (json!({"message": "Unauthorized"}), Some("Unauthorized")),
            (json!({"errorMessage": "Locked"}), Some("Locked")),
            (
                json!({"errors": [{"code": "E7", "detail": "No"}]}),
                Some("E7: No"),
            ),
            (json!({"error": "x", "message": "x"}), Some("x")),
            (
                json!({"username": ["This field is required."]}),
                Some("username: This field is required."),
            ),
            (
                json!({"non_field_errors": ["Unable to log in."]}),
                Some("Unable to log in."),
            ),
            (json!(["first", "second"]), Some("first")),
            (json!("plain"), Some("plain")),
            (json!({"error": ""}), None),
            (json!({"status": 7}), None),
            (json!([[[[[["too deep"]]]]]]), None),
        ] {
            let shown = of_failure(&Document::Json(answer.clone()));
            assert_eq!(shown.as_deref(), words, "{answer}");
        }
    }

    #[test]
    fn an_answer_that_claims_success_shows_its_messages_only() {
        for (answer, words) in [
            (json!({"apiKey": "s3cret"}), None),
            (json!("s3cret"), None),
            (json!(["s3cret"]), None),
            (
                json!({"success": false, "message": "Wrong user"}),
                Some("Wrong user"),
            ),
        ] {
            let shown = of_success(&Document::Json(answer.clone()));
            assert_eq!(shown.as_deref(), words, "{answer}");
        }
        assert_eq!(of_success(&Document::Text("s3cret".to_owned())), None);
    }

    #[test]
    fn only_a_real_error_is_one() {
        for (error, real) in [
            (json!("invalid_grant"), true),
            (json!(true), true),
            (json!(401), true),
            (json!({"code": 1}), true),
            (json!(["a"]), true),
            (json!(null), false),
            (json!(false), false),
            (json!(""), false),
            (json!(0), false),
            (json!({}), false),
            (json!([]), false),
        ] {
            let document = Document::Json(json!({"error": error, "access_token": "abc"}));
            assert_eq!(is_error(&document), real, "{error}");
        }
        assert!(!is_error(&Document::Json(json!(["error"]))));
        assert!(!is_error(&Document::Text("error".to_owned())));
    }
}

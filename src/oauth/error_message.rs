//! A server's own account of what went wrong: the parts of its response that are meant for people.
//!
//! Danger: the rest of a response may hold a token under any name, in any format, whatever its status.

use serde_json::{Map, Value};

use super::response_document::{Document, member};

/// Members that name an error, and those that describe it, of OAuth (RFC 6749 5.2), problem details
/// (RFC 9457 3.1) and of what others made up.
const NAMES: [&str; 5] = ["error", "title", "error_code", "code", "faultcode"];
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

/// The longest text that is taken for a message, in bytes.
const LONGEST: usize = 2_000;

/// The longest name of a form's field, in bytes.
const LONGEST_NAME: usize = 40;

/// Whether a response says that it is an error, though its status does not: it has an `error` that
/// does not mean "none".
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

/// The message of a response with an error status: those of an error, or what is wrong with a field of
/// a form. Not yet fit to be shown: see [`crate::outbound::quote`].
pub(super) fn of_failure(document: &Document) -> Option<String> {
    of_success(document).or_else(|| field_words(document.json()?.as_object()?))
}

/// The message of a response that claims success: only what is called an error or a message, in JSON or XML, or a page's
/// title. Text without any structure is never quoted.
pub(super) fn of_success(document: &Document) -> Option<String> {
    match document {
        Document::Json(value @ Value::Object(_)) => error_words(value, DEPTH),
        Document::Json(Value::Array(items)) => {
            let mut objects = items.iter().filter(|item| item.is_object());
            objects.find_map(|item| error_words(item, DEPTH))
        }
        Document::Json(_) | Document::Text(_) => None,
        Document::Markup(page) => match document.members() {
            Some(fault) => error_words(&fault, DEPTH),
            None => page_title(page),
        },
    }
}

/// "invalid_grant: wrong password", from the members that describe errors.
fn error_words(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => nonempty(text),
        Value::Array(items) => items.iter().find_map(|item| error_words(item, depth)),
        Value::Object(object) => join(first(object, &NAMES, depth), first(object, &DESCRIPTIONS, depth)),
        _ => None,
    }
}

fn first(object: &Map<String, Value>, names: &[&str], depth: usize) -> Option<String> {
    let found = names.iter().filter_map(|name| member(object, name));
    found.into_iter().find_map(|(_, value)| error_words(value, depth))
}

fn join(name: Option<String>, description: Option<String>) -> Option<String> {
    match (name, description) {
        (Some(name), Some(description)) if name != description => Some(format!("{name}: {description}")),
        (name, description) => name.or(description),
    }
}

/// "username: This field is required.", as frameworks for forms write it: a list of sentences under
/// the field's name. No token has spaces.
fn field_words(object: &Map<String, Value>) -> Option<String> {
    object.iter().find_map(|(name, value)| {
        let sentence = value.as_array()?.first()?.as_str().and_then(nonempty)?;
        let fits = name.len() <= LONGEST_NAME && sentence.contains(' ');
        fits.then(|| format!("{name}: {sentence}"))
    })
}

fn nonempty(text: &str) -> Option<String> {
    let text = text.trim();
    (1..=LONGEST).contains(&text.len()).then(|| text.to_owned())
}

/// The longest title, in bytes.
const LONGEST_TITLE: usize = 1_000;

/// The title of a page; the rest of it may be anything.
pub(super) fn page_title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = page.get(start..end)?.trim();
    (1..=LONGEST_TITLE).contains(&title.len()).then(|| decode(title))
}

/// Resolves the references that error pages use; `&amp;` last, so that nothing is resolved twice.
fn decode(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (reference, character)| text.replace(reference, character))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_read_as_servers_write_them() {
        for (answer, words) in [
            (json!({"error": "invalid_grant"}), Some("invalid_grant")),
            (json!({"error": "invalid_client", "error_description": "Bad secret"}), Some("invalid_client: Bad secret")),
            (json!({"type": "about:blank", "title": "Forbidden", "detail": "No quota"}), Some("Forbidden: No quota")),
            (json!({"error": {"code": 401, "message": "The token has expired"}}), Some("The token has expired")),
            (json!({"message": "Unauthorized"}), Some("Unauthorized")),
            (json!({"errorMessage": "Locked"}), Some("Locked")),
            (json!({"errors": [{"code": "E7", "detail": "No"}]}), Some("E7: No")),
            (json!({"error": "x", "message": "x"}), Some("x")),
            (json!({"username": ["This field is required."]}), Some("username: This field is required.")),
            (json!({"non_field_errors": ["Unable to log in."]}), Some("Unable to log in.")),
            (json!([{"errorCode": "INVALID", "message": "No session"}]), Some("INVALID: No session")),
            (json!(["first", "second"]), None),
            (json!("plain"), None),
            (json!({"unknown": "plain words"}), None),
            (json!({"unknown": ["plain"]}), None),
            (json!({"message": "a".repeat(2_001)}), None),
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
            (json!({"success": false, "message": "Wrong user"}), Some("Wrong user")),
        ] {
            let shown = of_success(&Document::Json(answer.clone()));
            assert_eq!(shown.as_deref(), words, "{answer}");
        }
        let xml = |text: &str| Document::Markup(text.to_owned());
        let fault = "<e:Fault xmlns:e=\"urn:e\"><faultcode>e:Client</faultcode><faultstring>No</faultstring></e:Fault>";
        for (answer, words) in [
            ("<Access_Token><Token>s3cret</Token></Access_Token>", None),
            (fault, Some("e:Client: No")),
            ("<Error><Code>E7</Code><Message>Locked</Message></Error>", Some("E7: Locked")),
            ("<html><title>Sign in</title><body>s3cret</body></html>", Some("Sign in")),
            ("<a>s3cret", None),
        ] {
            assert_eq!(of_success(&xml(answer)).as_deref(), words, "{answer}");
        }
        let text = Document::Text("words with s3cret".to_owned());
        assert_eq!((of_success(&text), of_failure(&text)), (None, None));
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

    #[test]
    fn a_page_is_known_by_its_title_alone() {
        let long = format!("<title>{}</title>", "a".repeat(LONGEST_TITLE + 1));
        for (page, text) in [
            ("<html><head><title>502 Bad Gateway</title></head>", Some("502 Bad Gateway")),
            ("<HTML><TITLE lang=en>\n Not &amp; FoundToken </TITLE>", Some("Not & FoundToken")),
            ("<title></title><h1>Sorry</h1><p>No &lt;b&gt;", None),
            ("<fault><code>7</code><string>Denied</string></fault>", None),
            ("<token>abc</token>", None),
            ("<", None),
            ("<title>ünclosed", None),
            ("<title>&amp;lt;</title>", Some("&lt;")),
            (&long, None),
        ] {
            assert_eq!(page_title(page).as_deref(), text, "{page}");
        }
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(page in "(<|>|</|title|script|style|İ|ẞ|&lt;|[ -~]|\\PC){0,40}") {
            page_title(&page);
        }
    }
}

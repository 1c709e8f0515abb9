//! Names that secrets usually have, in texts that are stored as they are: extra parameters, headers, bodies, sample
//! data.
//!
//! Rule: it warns and never refuses, for a name is only a name. A value in double braces is put in at each call and not
//! stored.

/// The warning for a text such as `name=value` lines, JSON, XML or an address, if a name in it looks like a secret's
/// and has a value.
pub fn secret_warning(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some(start) = rest.find(is_of_name) {
        let (_, from) = rest.split_at(start);
        let end = from.find(|letter| !is_of_name(letter)).unwrap_or(from.len());
        let (name, behind) = from.split_at(end);
        if has_stored_value(behind) && is_secret_name(name) {
            return Some(warning(name));
        }
        rest = behind;
    }
    None
}

/// The same for one name and its value.
pub fn secret_warning_of(name: &str, value: &str) -> Option<String> {
    let value = value.trim();
    let is_stored = !value.is_empty() && !value.starts_with("{{");
    (is_stored && is_secret_name(name)).then(|| warning(name))
}

fn warning(name: &str) -> String {
    format!(
        "“{name}” looks like the name of a secret. This value is not encrypted: everyone who can view the data connector sees it, and the audit log keeps it. Enter secrets in the fields of the Authorization tab that are stored encrypted."
    )
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.')
}

/// Whether a value that is stored follows the name: after `:`, `=` or, of an element, `>`.
fn has_stored_value(behind: &str) -> bool {
    let is_around = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'');
    let behind = behind.trim_start_matches(is_around);
    let Some(value) = behind.strip_prefix([':', '=', '>']) else {
        return false;
    };
    let value = value.trim_start_matches(is_around);
    !value.is_empty() && !value.starts_with("{{") && !value.starts_with(['<', ',', '}'])
}

/// Whether secrets usually have such a name, in any spelling: `api_key`, `X-Api-Key`, `apiKey`.
fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 8] = ["secret", "passw", "passphrase", "pwd", "token", "credential", "apikey", "accesskey"];
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    let ends_in_key = name.to_lowercase().split(['_', '-', '.']).any(|part| part == "key");
    ends_in_key || plain.ends_with("privatekey") || PARTS.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_where_a_value_is_stored() {
        for text in [
            "audience=x\nclient_secret=abc",
            r#"{"order": {"id": 7, "password": "x"}}"#,
            r#"{"apiKey" : 5}"#,
            "<login><passwd>x</passwd></login>",
            "https://a.example/x?api_key=abc",
            "X-Access-Token: abc",
            "key=1",
        ] {
            assert!(secret_warning(text).is_some(), "{text}");
        }
        for text in [
            "",
            "access_type=offline\nprompt=consent",
            r#"{"password": "{{password}}", "token": ""}"#,
            r#"{"note": "the password is elsewhere", "monkey": 1}"#,
            "https://a.example/tokens/key/{{id}}?q={{api_key}}",
            "<password>{{x}}</password><token></token>",
            "password",
        ] {
            assert_eq!(secret_warning(text), None, "{text}");
        }
        assert!(secret_warning_of("X-Api-Key", "abc").is_some());
        assert_eq!(secret_warning_of("X-Api-Key", "{{key}}"), None);
        assert_eq!(secret_warning_of("X-Api-Key", " "), None);
        assert_eq!(secret_warning_of("X-Page", "abc"), None);
    }
}

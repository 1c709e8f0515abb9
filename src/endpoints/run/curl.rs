//! A request as a curl command, with placeholders for secrets.
//!
//! Rule: every part of the request is inside of one quoted word of the shell.

use super::report::{PartContent, ShownBody, ShownPart};
use crate::relay::SentRequest;

const PLACEHOLDER: &str = "YOUR-SECRET";

/// The longest body in the command, in bytes: systems limit the length of arguments.
const MAX_BODY: usize = 96 * 1024;

/// The command for a POSIX shell; `masked` is the mark of secrets in the request.
pub(super) fn command(sent: &SentRequest, body: Option<&ShownBody>, masked: &str) -> String {
    let fill_in = |text: &str| text.replace(masked, PLACEHOLDER);
    let mut lines = vec![format!("curl {}{}", method(sent.method.as_str()), quoted(&fill_in(&sent.url)))];
    let is_form = matches!(body, Some(ShownBody::Parts(_)));
    let is_set = |name: &str| is_set_by_curl(name) || is_form && name.eq_ignore_ascii_case("content-type");
    let own = sent.headers.iter().filter(|(name, _)| !is_set(name));
    for (name, value) in own {
        lines.push(format!("--header {}", quoted(&header(name, &fill_in(value)))));
    }
    match body {
        Some(ShownBody::Text(body)) if is_too_long(body) => lines.push("--data-binary @body".to_string()),
        Some(ShownBody::Text(body)) => lines.push(format!("--data-raw {}", quoted(&fill_in(body)))),
        Some(ShownBody::Parts(parts)) => {
            lines.extend(parts.iter().map(|part| format!("--form {}", quoted(&fill_in(&form(part))))));
        }
        None => {}
    }
    lines.join(" \\\n  ")
}

/// A part as curl reads it: names and values between double quotes, so that no semicolon ends them.
fn form(part: &ShownPart) -> String {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let value = match &part.content {
        PartContent::Text(value) => text(value),
        PartContent::File(name, _) => format!("@{}", text(name)),
    };
    let kind = part.content_type.as_ref().map_or(String::new(), |kind| format!(";type={kind}"));
    format!("{}={value}{kind}", part.name)
}

/// Whether a body is too long for the command.
pub(super) fn is_too_long(body: &str) -> bool {
    body.len() > MAX_BODY
}

/// Without globbing: braces and brackets in URLs are literal.
fn method(method: &str) -> String {
    match method {
        "HEAD" => "--globoff --head ".to_string(),
        method => format!("--globoff --request {method} "),
    }
}

/// Headers that curl derives from the URL and the body, and those of the connection.
fn is_set_by_curl(name: &str) -> bool {
    ["host", "content-length", "connection", "transfer-encoding"].iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// An empty header has to end with a semicolon, or curl removes it.
fn header(name: &str, value: &str) -> String {
    if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") }
}

/// One word of the shell: between single quotes only the quote is special.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;
    use crate::outbound::MASKED;
    use crate::outbound::http::Method;

    /// The words that a shell makes of a command, `curl` being a function that prints them.
    fn words(command: &str) -> Vec<String> {
        let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\n{command}\n");
        let output = Command::new("sh").arg("-c").arg(script).output().expect("a shell");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut words: Vec<String> = text.split('\0').map(str::to_string).collect();
        words.pop();
        words
    }

    fn sent(url: &str, value: &str) -> SentRequest {
        SentRequest { method: Method::POST, url: url.into(), headers: vec![("X-Value".into(), value.into())] }
    }

    #[test]
    fn secrets_are_placeholders() {
        let mut sent = sent("https://a.example/?key=‹masked›", "Bearer ‹masked›");
        sent.headers.push(("X-Empty".into(), String::new()));
        assert_eq!(
            command(&sent, None, MASKED),
            "curl --globoff --request POST 'https://a.example/?key=YOUR-SECRET' \\\n  --header 'X-Value: Bearer YOUR-SECRET' \\\n  --header 'X-Empty;'"
        );
    }

    #[test]
    fn parts_are_forms_whose_files_are_named() {
        let part = |content| ShownPart { name: "a".into(), content_type: Some("text/csv".into()), content };
        let parts = [PartContent::Text("x\"; y".into()), PartContent::File("it's.csv".into(), 3)].map(part);
        let command = command(&sent("https://a.example/", "1"), Some(&ShownBody::Parts(parts.into())), MASKED);
        assert!(command.contains(r#"--form 'a="x\"; y";type=text/csv'"#), "{command}");
        assert_eq!(words(&command).last().map(String::as_str), Some("a=@\"it's.csv\";type=text/csv"));
    }

    #[test]
    fn a_body_that_is_too_long_for_a_command_is_a_file() {
        let long = "x".repeat(200_000);
        assert!(is_too_long(&long));
        assert!(
            command(&sent("https://a.example/", "1"), Some(&ShownBody::Text(long)), MASKED)
                .ends_with("--data-binary @body")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn whatever_is_sent_is_one_word_of_the_shell(
            path in "[!-~]{0,20}",
            value in "([ -~]|'|\"|`|\\$\\(id\\)|;|&|\\\\|!){0,20}",
            body in "([^\\x00]|'|\n|\\$\\{HOME\\}|\\\\|\r){0,30}",
        ) {
            let url = format!("https://a.example/{path}");
            let command = command(&sent(&url, &value), Some(&ShownBody::Text(body.clone())), MASKED);
            let header = if value.is_empty() { "X-Value;".to_string() } else { format!("X-Value: {value}") };
            let expected = ["--globoff", "--request", "POST", &url, "--header", &header, "--data-raw", &body];
            prop_assert_eq!(words(&command), expected);
        }
    }
}

//! A request as a command for curl, with placeholders where secrets stood.
//!
//! Rule: whatever the request holds is one quoted word of the shell, or part of one.

use super::report::SentRequest;

/// Stands for a secret in what was sent, and what stands for it in the command.
const PLACEHOLDER: &str = "YOUR-SECRET";

/// The largest body that is part of the command: systems refuse longer words.
const LARGEST_BODY: usize = 96 * 1024;

/// The command for a POSIX shell; `masked` is what stands in the place of secrets.
pub(super) fn command(sent: &SentRequest, masked: &str) -> String {
    let fill_in = |text: &str| text.replace(masked, PLACEHOLDER);
    let mut lines = vec![format!("curl {}{}", method(&sent.method), quoted(&fill_in(&sent.url)))];
    let own = sent.headers.iter().filter(|(name, _)| !is_set_by_curl(name));
    for (name, value) in own {
        lines.push(format!("--header {}", quoted(&header(name, &fill_in(value)))));
    }
    match &sent.body {
        Some(body) if body.len() > LARGEST_BODY => {
            lines.push("--data-binary @body".to_string());
        }
        Some(body) => lines.push(format!("--data-raw {}", quoted(&fill_in(body)))),
        None => {}
    }
    lines.join(" \\\n  ")
}

/// Whether the body is too long to be part of the command.
pub(super) fn leaves_body_out(sent: &SentRequest) -> bool {
    sent.body.as_ref().is_some_and(|body| body.len() > LARGEST_BODY)
}

/// Without globbing, because braces and brackets in addresses mean nothing to us.
fn method(method: &str) -> String {
    match method {
        "HEAD" => "--globoff --head ".to_string(),
        method => format!("--globoff --request {method} "),
    }
}

/// Headers that follow from the address and the body, and those of the connection.
fn is_set_by_curl(name: &str) -> bool {
    ["host", "content-length", "connection", "transfer-encoding"].iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// An empty header has to end with a semicolon, or curl takes the header away.
fn header(name: &str, value: &str) -> String {
    if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") }
}

/// One word for the shell: between single quotes nothing has a meaning but the quote that ends it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;
    use crate::outbound::MASKED;

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

    fn sent(url: &str, value: &str, body: Option<&str>) -> SentRequest {
        SentRequest {
            method: "POST".into(),
            url: url.into(),
            headers: vec![("X-Value".into(), value.into())],
            body: body.map(str::to_string),
        }
    }

    #[test]
    fn secrets_are_placeholders() {
        let mut sent = sent("https://a.example/?key=‹masked›", "Bearer ‹masked›", None);
        sent.headers.push(("X-Empty".into(), String::new()));
        assert_eq!(
            command(&sent, MASKED),
            "curl --globoff --request POST 'https://a.example/?key=YOUR-SECRET' \\\n  --header 'X-Value: Bearer YOUR-SECRET' \\\n  --header 'X-Empty;'"
        );
    }

    #[test]
    fn a_body_that_no_command_can_hold_is_a_file() {
        let long = "x".repeat(200_000);
        let sent = sent("https://a.example/", "1", Some(&long));
        assert!(leaves_body_out(&sent));
        assert!(command(&sent, MASKED).ends_with("--data-binary @body"));
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
            let command = command(&sent(&url, &value, Some(&body)), MASKED);
            let header = if value.is_empty() { "X-Value;".to_string() } else { format!("X-Value: {value}") };
            let expected = ["--globoff", "--request", "POST", &url, "--header", &header, "--data-raw", &body];
            prop_assert_eq!(words(&command), expected);
        }
    }
}

//! What can be watched: the log, the audit log, health and metrics.

use std::net::IpAddr;

use serde_json::Value;

use super::machine::Machine;

/// A line of the log with nothing left that differs from one to the next.
fn shape(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    for word in &mut words {
        for name in ["request{id=", "micros="] {
            if let Some(value) = word.strip_prefix(name) {
                assert!(value.chars().all(|letter| letter.is_ascii_hexdigit()), "{line}");
                *word = name.into();
            }
        }
        // Whoever asks; with the quotes.
        if let Some(value) = word.strip_prefix("address=") {
            let address = value.trim_matches('"').parse::<IpAddr>();
            assert!(address.is_ok() && value.starts_with('"'), "{line}");
            *word = "address=".into();
        }
    }
    assert!(words[0].starts_with("202") && words[0].ends_with('Z'), "{line}");
    format!("{} {}", words[0].len(), words[1..].join(" "))
}

#[tokio::test]
async fn the_log_is_json_without_requests_where_the_settings_say_so() {
    let mut machine = Machine::installed();
    machine.add_settings("log-settings");
    machine.run("enable");
    machine.run("first-super-admin");
    let browser = machine.browser();
    browser.get("/sign-in").await.expect(200);
    browser.sign_in("nobody", "a wrong password").await.expect(422);
    machine.stop();
    assert!(!machine.log.contains("answered"), "{}", machine.log);
    let lines = machine.log.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.iter().any(|line| line["level"] == "WARN"), "{}", machine.log);
}

#[tokio::test]
async fn what_goes_on_is_watched_as_the_document_says() {
    let mut machine = Machine::in_use();
    machine.ana().await.get("/connectors").await.expect(200);
    the_audit_log_is_proven(&mut machine);
    health_and_metrics_answer(&mut machine);
    // The restart for the metrics has given the log.
    let shown = machine.recipe("log-line");
    let mut lines = machine.log.lines();
    let line = lines.find(|line| line.contains("path=\"/connectors\""));
    assert_eq!(shape(line.expect("a line")), shape(shown.trim()));
}

/// The chain is whole, and an end that was noted still stands there, but no other.
fn the_audit_log_is_proven(machine: &mut Machine) {
    let out = machine.run("audit-verify");
    assert!(out.contains("OK: no entry was changed"), "{out}");
    let end = out.lines().find_map(|line| line.strip_prefix("End: "));
    let end = end.expect("the end of the chain").to_owned();
    machine.name("1204:3f2a9c…", &end);
    machine.run("audit-expect");
    let other = match end.strip_suffix('0') {
        Some(start) => format!("{start}1"),
        None => format!("{}0", &end[..end.len() - 1]),
    };
    machine.name("1204:3f2a9c…", &other);
    assert_eq!(machine.try_run("audit-expect").code, 3);
}

fn health_and_metrics_answer(machine: &mut Machine) {
    assert_eq!(machine.run("health"), "ready\n");
    assert_ne!(machine.try_run("metrics").code, 0, "they are off");
    machine.add_settings("metrics-settings");
    machine.run("stop-and-start");
    machine.run("health");
    let counted = "connectory_http_requests_total";
    let out = machine.run("metrics");
    assert!(out.contains(counted), "{out}");

    // Prometheus asks for what these three lines say.
    let scrape = machine.recipe("prometheus");
    let value = |name: &str| {
        let line = scrape.lines().find_map(|line| line.trim().strip_prefix(name));
        line.expect("a value").trim_matches(['[', ']', '\'', ' ']).to_owned()
    };
    let [path, token, target] = ["metrics_path:", "credentials:", "- targets:"].map(value);
    let ask = format!("curl -fsS -H 'Authorization: Bearer {token}' http://{target}{path}");
    let asked = machine.shell(&ask);
    assert!(asked.out.contains(counted), "{}", asked.err);
}

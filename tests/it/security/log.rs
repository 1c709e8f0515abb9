//! The program's own log: nobody writes a line into it, and what was refused says who asked and from where.

use connectory::access::Permission::ViewConnectors;

use super::*;
use crate::api_keys::{self, Whose};
use crate::support::PASSWORD;
use crate::support::program::{Installation, Program};

/// What a line of another program would look like.
const FORGED: &str = "2001-01-01T00:00:00.000000Z  WARN forged";

/// A program with this format of its log, somebody who may only look at connectors, and the program's address.
async fn program(app: &TestApp, format: &str) -> (Installation, Program, Browser) {
    let ben = app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let here = app.another_program().set("CONNECTORY_LOG", "connectory=debug").set("CONNECTORY_LOG_FORMAT", format);
    let program = here.serve();
    let browser = program.browser();
    browser.sign_in(&ben.username, PASSWORD).await.expect(303);
    (here, program, browser)
}

async fn send_what_forges(browser: &Browser) {
    let breaks = format!("a\r\n{FORGED}\u{85}\u{2028}\u{1b}[31m\u{7f}\u{9b}31m");
    let path = encoded(&breaks).replace('+', "%20");
    for address in [
        format!("/connectors/{path}"),
        format!("/connectors?q={path}"),
        format!("/{path}"),
        format!("/static/{path}"),
        format!("/api/v1/connectors/{path}"),
        format!("/sign-in?next=/{path}"),
    ] {
        browser.get(&address).await;
        let request = browser.request("MADE-UP".parse().expect("a method"), &address);
        let request = request
            .header("user-agent", FORGED)
            .header("x-forwarded-for", FORGED)
            .header("authorization", format!("Bearer {FORGED}"))
            .header("origin", FORGED);
        browser.send(request).await;
    }
    for (path, field) in [("/sign-in", "username"), ("/profile", "full_name"), ("/set-password", "link")] {
        let fields = [(field, breaks.as_str()), ("password", breaks.as_str())];
        browser.post(path, &fields).await;
    }
}

#[tokio::test]
async fn nobody_writes_a_line_into_it() {
    let app = TestApp::start().await;
    let (_here, program, browser) = program(&app, "text").await;
    send_what_forges(&browser).await;
    let (_, log) = program.stop();
    assert!(log.lines().count() > 20, "{log}");
    for line in log.lines() {
        let level = line.split_whitespace().nth(1).unwrap_or_default();
        assert!(
            line.starts_with("20") && !line.starts_with("2001") && ["DEBUG", "INFO", "WARN", "ERROR"].contains(&level),
            "no line of ours: {line:?}"
        );
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}

#[tokio::test]
async fn every_line_of_it_is_one_object_where_json_is_asked_for() {
    let app = TestApp::start().await;
    let (_here, program, browser) = program(&app, "json").await;
    send_what_forges(&browser).await;
    let (_, log) = program.stop();
    assert!(log.lines().count() > 20, "{log}");
    for line in log.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(object["timestamp"].is_string() && object["level"].is_string());
    }
}

#[tokio::test]
async fn what_is_refused_says_who_asked_and_from_where() {
    let app = TestApp::start().await;
    let (_here, program, browser) = program(&app, "text").await;
    browser.get("/users").await.expect(403);
    let request = browser.request(reqwest::Method::POST, "/profile");
    browser.send(request.form(&[("csrf", "wrong")])).await.expect(403);
    let visitor = program.browser();
    for _ in 0..30 {
        visitor.sign_in("ben", "a wrong password").await;
    }
    let key = visitor.request(reqwest::Method::GET, "/api/v1/connectors").bearer_auth("cty_nobody-has-this-key");
    visitor.send(key).await.expect(401);
    let eva = app.user(&[]).await;
    let ended = api_keys::key(&app, Whose::User(eva.id)).await;
    let revoke = "UPDATE api_keys SET revoked_at = now(), revoked_by = 'Ana'";
    app.sql(revoke).await;
    for _ in 0..20 {
        let ended = visitor.request(reqwest::Method::GET, "/api/v1/connectors").bearer_auth(ended.expose());
        visitor.send(ended).await.expect(401);
    }
    let (_, log) = program.stop();
    let person = ["address=\"127.0.0.1\"", "user=\"ben\""];
    for (event, words) in [
        ("permission refused", &person[..]),
        ("wrong CSRF token", &person[..]),
        ("sign-in refused", &["address=\"127.0.0.1\"", "username=\"ben\""]),
        ("too many tries", &["address=\"127.0.0.1\""]),
        ("API key refused", &["address=\"127.0.0.1\""]),
    ] {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(event)).collect();
        assert!(!lines.is_empty(), "nothing of “{event}” in\n{log}");
        for word in words {
            assert!(lines.iter().all(|line| line.contains(word)), "{word} in {lines:?}");
        }
    }
    // Once a minute each: more than a few only where this test takes minutes.
    for flood in ["too many tries", "This API key was revoked"] {
        let told = log.lines().filter(|line| line.contains(flood)).count();
        assert!((1..=5).contains(&told), "{told} of “{flood}” in\n{log}");
    }
    assert!(!log.contains("a wrong password") && !log.contains("cty_nobody"));
}

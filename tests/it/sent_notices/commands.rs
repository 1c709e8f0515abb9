//! `connectory notices test`.

use super::*;
use crate::support::smtp_server::{Door, SmtpServer};

#[tokio::test]
async fn a_test_says_of_each_way_what_became_of_it() {
    let app = TestApp::start().await;
    let receiver = Upstream::start(|_| Reply::of(403, &[], "")).await;
    let server = SmtpServer::start(Door::Open).await;
    let here = app.another_program();
    let command = move |settings: Vec<(&'static str, String)>| {
        let here = settings.iter().fold(here, |here, (name, value)| here.set(name, value));
        here.run(&["notices", "test"], "")
    };
    let settings = vec![
        ("CONNECTORY_SMTP_HOST", "127.0.0.1".to_owned()),
        ("CONNECTORY_SMTP_PORT", server.address.port().to_string()),
        ("CONNECTORY_SMTP_TLS", "none".into()),
        ("CONNECTORY_NOTICES_FROM", "connectory@example.org".into()),
        ("CONNECTORY_NOTICES_TO", "ana@example.org".into()),
        ("CONNECTORY_NOTICES_WEBHOOK_URL", receiver.url("/secret-path")),
        ("CONNECTORY_NOTICES_WEBHOOK_SECRETS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
    ];
    let outcome = tokio::task::spawn_blocking(move || command(settings)).await.expect("a run");
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    let lines: Vec<&str> = outcome.out.lines().collect();
    let webhook = format!("webhook to http://{}: not sent. The receiver answered 403 Forbidden.", receiver.address);
    assert_eq!(lines, ["e-mail to ana@example.org: sent", &webhook]);
    assert!(outcome.err.contains("1 of 2 test notices were not sent"), "{}", outcome.err);
    assert_eq!(body(&receiver.only())["type"], "connectory.test");
    assert_eq!(server.only().to, ["ana@example.org"]);
}

#[tokio::test]
async fn a_test_without_any_way_says_what_to_set() {
    let app = TestApp::start().await;
    let here = app.another_program();
    let outcome = tokio::task::spawn_blocking(move || here.run(&["notices", "test"], "")).await.expect("a run");
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("CONNECTORY_SMTP_HOST"), "{}", outcome.err);
}

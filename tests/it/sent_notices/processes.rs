//! Programs on one database: each event goes out once, however they start, stop and die.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;

use super::*;
use crate::support::METRICS_TOKEN;
use crate::support::program::{Installation, Program};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// One more program on the site's database, which tells this receiver.
fn program(app: &TestApp, receiver: &Upstream) -> (Installation, Program) {
    let here = app
        .another_program()
        .set("CONNECTORY_PUBLIC_URL", "https://connectory.example.org")
        .set("CONNECTORY_NOTICES_WEBHOOK_URL", &receiver.url("/in"))
        .set("CONNECTORY_NOTICES_WEBHOOK_SECRETS", SECRET);
    let program = here.serve();
    (here, program)
}

async fn in_trouble(app: &TestApp, name: &str) {
    let id = app.connector(name).await;
    set_health(app, id, "needs_reauthorization").await;
}

#[tokio::test]
async fn two_programs_tell_of_each_event_once() {
    let app = TestApp::start().await;
    let receiver = Upstream::start(|_| Reply::of(200, &[], "")).await;
    let names: Vec<String> = (0..30).map(|number| format!("Connector {number}")).collect();
    for name in &names {
        in_trouble(&app, name).await;
    }
    let programs = [program(&app, &receiver), program(&app, &receiver)];
    receiver.wait_for(names.len()).await;
    drop(programs);
    let _again = program(&app, &receiver);
    in_trouble(&app, "The last one").await;
    receiver.wait_for(names.len() + 1).await;
    let all = told(&receiver);
    let different: HashSet<_> = all.iter().collect();
    assert_eq!((all.len(), different.len()), (31, 31));
}

#[tokio::test]
async fn one_that_is_killed_while_it_sends_leaves_the_message_to_another_one() {
    let app = TestApp::start().await;
    let receiver = Upstream::start(|seen| match seen.number {
        0 => Reply::silence(),
        _ => Reply::of(200, &[], ""),
    })
    .await;
    in_trouble(&app, "Payroll").await;
    let victim = program(&app, &receiver);
    receiver.wait_for(1).await;
    // SIGKILL.
    drop(victim);
    app.sql("UPDATE notice_deliveries SET lease_until = now()").await;
    let _other = program(&app, &receiver);
    receiver.wait_for(2).await;
    let seen = receiver.seen();
    assert_eq!(seen[0].header("webhook-id"), seen[1].header("webhook-id"));
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test]
async fn one_that_is_stopped_while_it_sends_lets_the_message_arrive_and_marks_it() {
    let app = TestApp::start().await;
    let receiver = Upstream::start(|_| Reply::chunks(&["late"])).await;
    in_trouble(&app, "Payroll").await;
    let (_here, program) = program(&app, &receiver);
    receiver.wait_for(1).await;
    let stopping = tokio::task::spawn_blocking(move || program.stop());
    for _ in 0..2 {
        receiver.go_on();
    }
    let (status, log) = stopping.await.expect("the stop");
    assert!(status.success(), "{log}");
    let row = app.rows("SELECT state, attempts FROM notice_deliveries").await.remove(0);
    assert_eq!(row, ["sent", "1"], "{log}");
}

#[tokio::test]
async fn what_was_not_delivered_is_logged_and_counted_without_the_receivers_path() {
    let app = TestApp::start().await;
    let receiver = Upstream::start(|_| Reply::of(500, &[], "")).await;
    in_trouble(&app, "Payroll").await;
    let here = app
        .another_program()
        .set("CONNECTORY_METRICS_TOKEN", METRICS_TOKEN)
        .set("CONNECTORY_NOTICES_WEBHOOK_URL", &receiver.url("/hidden"))
        .set("CONNECTORY_NOTICES_WEBHOOK_SECRETS", SECRET);
    let program = here.serve();
    receiver.wait_for(1).await;
    let browser = program.browser();
    let counted = "connectory_notices_failed_total{channel=\"webhook\"} ";
    let asking = async {
        loop {
            let request = browser.request(Method::GET, "/metrics");
            let request = request.header(AUTHORIZATION, format!("Bearer {METRICS_TOKEN}"));
            let metrics = browser.send(request).await.expect(200);
            if metrics.html.contains(counted) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("it is counted");
    let (_, log) = tokio::task::spawn_blocking(move || program.stop()).await.expect("the stop");
    assert!(log.contains("a notice was not delivered"), "{log}");
    for secret in ["hidden", SECRET, &SECRET[6..]] {
        assert!(!log.contains(secret), "{log}");
    }
}

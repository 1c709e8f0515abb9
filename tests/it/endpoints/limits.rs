//! How much one person's runs may take.

use std::time::Duration;

use futures_util::future::join_all;

use super::*;
use crate::support::hostile::Behaviour;
use crate::support::upstream::{Reply, Upstream};

#[tokio::test]
async fn concurrent_runs_of_one_person_are_limited_and_others_have_their_own_limit() {
    let app = TestApp::start().await;
    let api = Hostile::start(Behaviour::Silence).await;
    connected(&app, &api).await;
    let (ana, ben) = (app.super_admin().await, app.super_admin().await);
    let runs = format!("{TAB}/new/runs");
    let orders = async || run(&ana, NEW, |form| form.set("endpoint_url", "/orders")).await;
    let meanwhile = async {
        while api.connections() < 8 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let refused = orders().await.expect(429);
        assert_eq!(refused.header("retry-after"), "2");
        // What cannot be sent is told at once, so this one is not held up.
        ben.post(&runs, &[]).await.expect(422);
        ana.get("/connectors").await.expect(200);
    };
    tokio::select! {
        _ = join_all((0..8).map(|_| orders())) => panic!("they hang"),
        () = meanwhile => {}
    }
    let mut looks = 0;
    while ana.post(&runs, &[]).await.status == 429 {
        looks += 1;
        assert!(looks < 100, "they have ended");
    }
}

#[tokio::test]
async fn a_response_larger_than_the_memory_left_is_shown_in_part() {
    let body = "x".repeat(600_000);
    let app = TestApp::start_with(|site| site.resources.body_memory = 4 * 1024 * 1024).await;
    let api = Upstream::start(move |seen| match seen.path() {
        "/v1/small" => Reply::json(200, "{}"),
        _ => Reply::of(200, &[("Content-Type", "text/plain")], &body),
    })
    .await;
    let base = api.url("/v1");
    app.connector_with("Payroll", |new| {
        new.details.base_url = Some(HttpUrl::parse(&base).expect("an address"));
    })
    .await;
    let ana = app.super_admin().await;
    let page = run(&ana, NEW, |form| form.set("endpoint_url", "/large")).await;
    let text = page.expect(200).text();
    let words = "The response broke off. All bodies together take as much memory as they may.";
    assert!(text.contains(words), "{text}");
    let page = run(&ana, NEW, |form| form.set("endpoint_url", "/small")).await;
    assert_eq!(shown_body(&page.expect(200)), "{}");
}

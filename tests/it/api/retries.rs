//! Retries, the limit of concurrent calls, and the circuit breaker.

use serde_json::json;

use super::*;

/// An API that fails so often before it answers.
fn fails(
    times: usize,
    failure: impl Fn() -> Reply + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| {
        if seen.number < times { failure() } else { Reply::json(200, "{}") }
    }
}

async fn with_retries(world: &World, method: &str, retries: u8) {
    world.endpoint("do", method, "/do").await;
    world.app.sql(&format!("UPDATE endpoints SET retries = {retries}")).await;
}

#[tokio::test]
async fn idempotent_calls_are_retried_as_often_as_the_endpoint_says() {
    for (method, status, retries, attempts, outcome) in [
        ("GET", 503, 3, "3", 200),
        ("PUT", 502, 3, "3", 200),
        ("DELETE", 504, 3, "3", 200),
        ("GET", 503, 1, "2", 503),
        ("GET", 503, 0, "1", 503),
        ("GET", 500, 3, "1", 500),
        ("GET", 403, 3, "1", 403),
        ("GET", 408, 3, "3", 200),
        ("POST", 503, 3, "1", 503),
        ("PATCH", 503, 3, "1", 503),
    ] {
        let world = World::new(fails(2, move || Reply::of(status, &[], "no"))).await;
        with_retries(&world, method, retries).await;
        let answer = world.call("do", json!({})).await;
        assert_eq!((answer.status, answer.header("connectory-attempts")), (outcome, attempts), "{method} {status}");
        world.wait_for_log(1).await;
        assert_eq!(world.log("attempts").await, [[attempts]]);
    }
}

#[tokio::test]
async fn a_server_that_names_a_time_is_given_it_if_there_is_time() {
    let soon = World::new(fails(2, || Reply::of(429, &[("Retry-After", "0")], "no"))).await;
    with_retries(&soon, "GET", 3).await;
    assert_eq!(soon.call("do", json!({})).await.status, 200);
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    let date = World::new(fails(1, move || Reply::of(503, &[("Retry-After", past)], "no"))).await;
    with_retries(&date, "GET", 3).await;
    assert_eq!(date.call("do", json!({})).await.status, 200);
    let late = World::new(fails(2, || Reply::of(429, &[("Retry-After", "3600")], "no"))).await;
    with_retries(&late, "GET", 3).await;
    let answer = late.call("do", json!({})).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "3600"));
    assert_eq!(late.api.seen().len(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_only_where_that_is_safe() {
    for (method, attempts, status) in [("GET", 3, 200), ("POST", 1, 502)] {
        let world = World::new(fails(2, || Reply::raw([]).closing())).await;
        with_retries(&world, method, 5).await;
        let answer = world.call("do", json!({})).await;
        assert_eq!((answer.status, world.api.seen().len()), (status, attempts), "{method}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_unsent_request_is_retried_whatever_its_method() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    // Nothing listens there.
    world.lead("http://127.0.0.1:1/").await;
    with_retries(&world, "POST", 2).await;
    until("the address is known", async || {
        let answer = world.call("do", json!({})).await;
        answer.status == 502 && answer.problem() == "api_connection_failed"
    })
    .await;
    world.wait_for_log(1).await;
    let log = world.log("attempts, outcome").await;
    assert_eq!(log.last(), Some(&vec!["3".to_string(), "failed".to_string()]));
}

#[tokio::test]
async fn the_proxy_hands_failures_on_and_tries_nothing_again() {
    let world = World::new(fails(1, || Reply::of(503, &[("Retry-After", "0")], "no"))).await;
    let answer = world.proxied("/x").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "no"));
    answer.is_upstreams();
}

#[tokio::test]
async fn a_pooled_connection_that_the_server_closes_costs_no_idempotent_call() {
    for (method, status, seen, attempts) in [("GET", 200, 3, "2"), ("PUT", 200, 3, "2"), ("POST", 502, 2, "1")] {
        // The second request comes on the connection of the first.
        let closes_second =
            |seen: &Seen| if seen.number == 1 { Reply::raw([]).closing() } else { Reply::json(200, "{}") };
        let world = World::new(closes_second).await;
        assert_eq!(world.proxied("/x").await.is_upstreams().status, 200);
        let answer = Answer::of(world.request(method, "/ledger/proxy/x")).await;
        assert_eq!((answer.status, world.api.seen().len()), (status, seen), "{method}: {}", answer.body);
        world.wait_for_log(2).await;
        assert_eq!(world.log("attempts").await, [["1"], [attempts]], "{method}");
        assert_eq!(world.app.count("SELECT count(*) FROM breakers").await, 0);
    }
    // A new connection was not closed because it was idle.
    let world = World::new(fails(1, || Reply::raw([]).closing())).await;
    assert_eq!(world.proxied("/x").await.status, 502);
    assert_eq!(world.api.seen().len(), 1);
}

#[tokio::test]
async fn calls_above_the_limit_wait_or_are_refused() {
    let world = World::new(|seen| match seen.path() {
        "/v1/slow" => Reply::chunks(&["one"]),
        _ => Reply::json(200, "{}"),
    })
    .await;
    world.endpoint("impatient", "GET", "/x").await;
    world.app.sql("UPDATE endpoints SET time_out = 1; UPDATE authorizations SET concurrency = 1").await;
    let slow = world.request("GET", "/ledger/proxy/slow").send().await.expect("a head");
    let busy = world.call("impatient", json!({})).await;
    assert_eq!((busy.status, busy.problem().as_str()), (503, "connector_busy"));
    assert_eq!(busy.header("retry-after"), "1");
    let (waited, ()) = tokio::join!(world.proxied("/x"), async {
        world.api.go_on();
        world.api.go_on();
        slow.bytes().await.expect("a body");
    });
    assert_eq!(waited.status, 200);
    world.wait_for_log(3).await;
    let refused =
        "SELECT count(*) FROM calls WHERE problem = 'connector_busy' AND outcome = 'refused' AND queue_us >= 900000";
    assert_eq!(world.app.count(refused).await, 1);
}

#[tokio::test]
async fn an_api_that_keeps_failing_opens_the_circuit_and_success_closes_it() {
    let world = World::new(fails(10, || Reply::of(503, &[], "no"))).await;
    let health = async || world.app.value("SELECT status FROM connectors").await;
    assert_eq!(health().await, "not_tested");
    for _ in 0..10 {
        world.proxied("/x").await.is_upstreams();
    }
    let answer = world.proxied("/x").await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "api_failing"));
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=5).contains(&seconds)));
    assert_eq!(world.api.seen().len(), 10);
    until("the health tells", async || health().await == "failing").await;
    let admin = world.app.super_admin().await;
    let tab = admin.get("/connectors/ledger/authorization").await.text();
    assert!(tab.contains("It answered 503 Service Unavailable."), "{tab}");
    assert!(tab.contains("Calls are let through again"), "{tab}");

    world.app.advance(TimeDelta::seconds(5));
    assert_eq!(world.proxied("/x").await.status, 200);
    world.wait_for_log(12).await;
    until("the health is good again", async || health().await == "healthy").await;
    assert_eq!(world.app.count("SELECT count(*) FROM breakers").await, 0);
    assert_eq!(world.proxied("/x").await.status, 200);
}

#[tokio::test]
async fn an_open_circuit_that_no_instance_tries_is_forgotten() {
    let world = World::new(|_| Reply::of(502, &[], "no")).await;
    for _ in 0..10 {
        world.proxied("/x").await;
    }
    let health = async || world.app.value("SELECT status FROM connectors").await;
    until("failing", async || health().await == "failing").await;
    world.wait_for_log(10).await;
    world.app.run_due_work().await;
    assert_eq!(health().await, "failing");
    world.app.advance(TimeDelta::minutes(11));
    world.app.run_due_work().await;
    assert_eq!(world.app.count("SELECT count(*) FROM breakers").await, 0);
    // Nothing has shown since that it works again.
    assert_eq!(health().await, "failing");
}

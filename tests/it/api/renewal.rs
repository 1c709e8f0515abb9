//! A token that the API refuses is renewed, and the call is made once more with the new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connectory::authorization::SecretField;
use connectory::connectors::Grant;
use futures_util::future::join_all;
use serde_json::json;

use super::*;

/// An API whose newest token is the only good one, and the server that issues them, in one.
fn issuing(seen: &Seen, good: &std::sync::atomic::AtomicUsize) -> Reply {
    use std::sync::atomic::Ordering::SeqCst;
    if seen.path() == "/token" {
        let number = good.fetch_add(1, SeqCst) + 1;
        return Reply::json(
            200,
            &format!("{{\"access_token\":\"fresh-{number}\",\"token_type\":\"bearer\",\"expires_in\":3600}}"),
        );
    }
    let wanted = format!("Bearer fresh-{}", good.load(SeqCst));
    if seen.header("authorization") == Some(&*wanted) {
        return Reply::json(200, &format!("{}", seen.body.len()));
    }
    match seen.path() {
        "/v1/odd" => Reply::json(200, "{\"error\": {\"code\": \"token_expired\"}}"),
        "/v1/419" => Reply::of(419, &[], "expired"),
        _ => Reply::of(401, &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")], "no"),
    }
}

async fn world() -> World {
    world_on(TestApp::start().await).await
}

async fn world_on(app: TestApp) -> World {
    let good = std::sync::atomic::AtomicUsize::new(0);
    let world = World::on(app, move |seen| issuing(seen, &good)).await;
    sign_in_by_itself(&world).await;
    // So that the stored token is not taken for one that has just come.
    world.app.advance(TimeDelta::minutes(5));
    world
}

/// The connector gets its tokens with its own client secret.
async fn sign_in_by_itself(world: &World) {
    let (app, id) = (&world.app, world.connector);
    app.sql(&format!(
        "UPDATE connectors SET method = '{}' WHERE id = '{id}';
         INSERT INTO oauth_clients (connector_id, token_url, client_id) VALUES ('{id}', '{}', 'web')",
        Method::OAuth(Grant::ClientCredentials).code(),
        world.api.url("/token")
    ))
    .await;
    app.store_secret(id, SecretField::ClientSecret, "client-secret").await;
}

fn asked_for_tokens(world: &World) -> usize {
    world.api.seen().iter().filter(|seen| seen.path() == "/token").count()
}

#[tokio::test]
async fn a_call_with_a_refused_token_is_made_once_more_with_a_new_one() {
    let world = world().await;
    let answer = Answer::of(world.request("POST", "/ledger/proxy/x").body("12345")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "5"), "the body was sent again");
    assert_eq!(answer.header("connectory-attempts"), "2");
    assert_eq!(asked_for_tokens(&world), 1);
    let answer = world.proxied("/x").await;
    assert_eq!((answer.status, answer.header("connectory-attempts")), (200, "1"));
    assert_eq!(asked_for_tokens(&world), 1);
}

#[tokio::test]
async fn many_calls_at_once_renew_it_once() {
    let world = world().await;
    let calls = (0..50).map(|_| world.proxied("/x"));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(asked_for_tokens(&world), 1);
}

#[tokio::test]
async fn a_streamed_body_cannot_be_sent_again_but_the_next_call_finds_a_new_token() {
    let world = world().await;
    let large = vec![b'x'; 200_000];
    let first = Answer::of(world.request("POST", "/ledger/proxy/x").body(large.clone())).await;
    assert_eq!((first.status, first.body.as_str()), (401, "no"));
    first.is_upstreams();
    until("a new token is there", async || asked_for_tokens(&world) == 1).await;
    until("it is used", async || {
        let answer = Answer::of(world.request("POST", "/ledger/proxy/x").body(large.clone())).await;
        answer.status == 200 && answer.body == "200000"
    })
    .await;
}

#[tokio::test]
async fn other_signals_of_an_ended_token_count_where_they_are_set() {
    let world = world().await;
    assert_eq!(world.proxied("/419").await.status, 419);
    assert!(world.proxied("/odd").await.body.contains("token_expired"));
    assert_eq!(asked_for_tokens(&world), 0);
    world
        .app
        .sql("UPDATE authorizations SET expired_statuses = '419', expired_body = '/error/code = token_expired'")
        .await;
    until("the setting is known", async || world.proxied("/odd").await.status == 200 && asked_for_tokens(&world) == 1)
        .await;
    let answer = world.proxied("/odd").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "0"));
}

#[tokio::test]
async fn the_apis_response_is_returned_if_no_other_token_can_be_obtained() {
    let world = World::new(|_| Reply::of(401, &[("WWW-Authenticate", "Bearer")], "no")).await;
    for _ in 0..3 {
        let answer = world.proxied("/x").await;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("www-authenticate")), (401, "no", "Bearer"));
        answer.is_upstreams();
    }
}

#[tokio::test]
async fn a_token_that_is_over_is_renewed_before_the_call() {
    let world = world().await;
    world.app.advance(TimeDelta::hours(2));
    let answer = world.proxied("/x").await;
    assert_eq!((answer.status, answer.header("connectory-attempts")), (200, "1"));
    assert_eq!(asked_for_tokens(&world), 1);
    let read = Answer::of(world.request("POST", "/ledger/token").json(&json!({ "min_ttl": 600 }))).await;
    assert_eq!(read.json()["access_token"], "fresh-1");
}

#[tokio::test]
async fn a_server_that_gives_no_token_makes_a_problem_and_no_fault() {
    let world = World::new(|seen| match seen.path() {
        "/token" => Reply::json(503, "{}"),
        _ => Reply::of(401, &[], "no"),
    })
    .await;
    world.app.sql(&format!(
        "UPDATE connectors SET method = '{}'; INSERT INTO oauth_clients (connector_id, token_url, client_id) VALUES ('{}', '{}', 'web')",
        Method::OAuth(Grant::ClientCredentials).code(), world.connector, world.api.url("/token"))).await;
    world.app.store_secret(world.connector, SecretField::ClientSecret, "client-secret").await;
    world.app.advance(TimeDelta::hours(2));
    let answer = world.proxied("/x").await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "token_unavailable"));
    let again = world.proxied("/x").await;
    assert_eq!(again.problem(), "token_unavailable");
    assert!(again.header("retry-after").parse::<u64>().is_ok());
}

#[tokio::test]
async fn no_call_after_a_renewal_carries_the_token_that_it_replaced() {
    // With notices and without: what is renewed here is known here before anybody is told of it.
    for app in [TestApp::start().await, super::forgetting::deaf().await] {
        let world = world_on(app).await;
        let calls = async || join_all((0..16).map(|_| world.proxied("/x"))).await;
        assert!(calls().await.iter().all(|answer| answer.status == 200));
        for round in 2..12 {
            let by = Actor::command_line();
            let renewed = world.app.keeper.renew_now(world.connector, &by).await;
            renewed.expect("another token");
            let before = world.api.seen().len();
            for answer in calls().await {
                let outcome = (answer.status, answer.header("connectory-attempts"));
                assert_eq!(outcome, (200, "1"), "round {round}");
            }
            let wanted = format!("Bearer fresh-{round}");
            for seen in &world.api.seen()[before..] {
                assert_eq!(seen.header("authorization"), Some(wanted.as_str()));
            }
        }
    }
}

#[tokio::test]
async fn a_renewal_that_was_killed_delays_calls_by_at_most_fifteen_seconds() {
    let hangs = Arc::new(AtomicBool::new(true));
    let server = Arc::clone(&hangs);
    let world = World::new(move |seen| match seen.path() {
        "/token" if server.load(Ordering::SeqCst) => Reply::silence(),
        "/token" => Reply::json(200, "{\"access_token\":\"fresh\",\"token_type\":\"bearer\"}"),
        _ => Reply::json(200, "{}"),
    })
    .await;
    sign_in_by_itself(&world).await;
    let app = &world.app;
    app.sql(
        "UPDATE tokens SET obtained_at = now() - interval '2 hours', expires_at = now() - interval '1 hour';
             UPDATE authorizations SET time_out = 300",
    )
    .await;
    let other = app.another_program();
    let program = other.serve();
    let url = format!("http://{}/api/v1/connectors/ledger/proxy/x", other.address);
    let calling = tokio::spawn(world.http.get(url).bearer_auth(&world.key).send());
    until_asked_for_tokens(&world, 1).await;
    // SIGKILL, in the middle of the token request.
    drop(program);
    let killed = Instant::now();
    assert!(calling.await.expect("no panic").is_err());
    hangs.store(false, Ordering::SeqCst);

    // A call that cannot wait is told what it waited for.
    app.sql("UPDATE authorizations SET time_out = 1").await;
    let late = world.proxied("/x").await;
    let problem = (late.status, late.problem());
    assert_eq!(problem, (503, "token_renewal_in_progress".into()));
    let seconds: u64 = late.header("retry-after").parse().expect("seconds");
    assert!((1..=15).contains(&seconds), "{seconds}");
    let detail = late.json()["detail"].to_string();
    let words = format!("Another instance is renewing the access token of Ledger: try again in {seconds} seconds.");
    assert!(detail.contains(&words), "{detail}");

    // One that can is carried.
    app.sql("UPDATE authorizations SET time_out = 300").await;
    let mut answer = world.proxied("/x").await;
    while answer.status == 503 {
        answer = world.proxied("/x").await;
    }
    let took = killed.elapsed();
    assert_eq!(answer.status, 200);
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!(asked_for_tokens(&world), 2);
}

async fn until_asked_for_tokens(world: &World, times: usize) {
    let asking = async {
        while asked_for_tokens(world) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let asked = tokio::time::timeout(Duration::from_secs(60), asking).await;
    asked.expect("nobody asks for a token");
}

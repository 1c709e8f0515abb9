//! Calls from endpoints and through the proxy.

mod limits;
mod streams;

use serde_json::json;

use crate::api::World;
use crate::support::upstream::Reply;

/// GitHub, Canvas and met.no refuse calls without `User-Agent`, and firewalls those without `Accept`.
#[tokio::test]
async fn a_call_says_what_sends_it_and_what_it_takes() {
    let world = World::new(|seen| match (seen.header("user-agent"), seen.header("accept")) {
        (Some(_), Some(_)) => Reply::json(200, "{}"),
        _ => Reply::json(403, r#"{"message":"Please make sure your request has a User-Agent header"}"#),
    })
    .await;
    world.endpoint("user", "GET", "/user").await;
    assert_eq!(world.call("user", json!({})).await.status, 200);
    let seen = world.api.last();
    assert_eq!((seen.header("user-agent"), seen.header("accept")), (Some("Connectory"), Some("*/*")));
}

/// A SOQL query with a list of ids is longer than the addresses that people type.
#[tokio::test]
async fn a_query_may_be_as_long_as_servers_take() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.endpoint("query", "GET", "/query?q={{q}}").await;
    let ids: Vec<String> = (0..120).map(|id| format!("'500{id:015}'")).collect();
    let query = format!("SELECT Id FROM Case WHERE Id IN ({})", ids.join(","));
    assert!(query.len() > 2_500);
    let answer = world.call("query", json!({ "q": query })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sent = world.api.last().target;
    let (_, sent) = sent.split_once("?q=").expect("a query");
    assert_eq!(percent_encoding::percent_decode_str(sent).decode_utf8().expect("UTF-8"), query);
    let answer = world.call("query", json!({ "q": "x".repeat(17 * 1024) })).await;
    assert!(answer.status == 422 && answer.body.contains("16 KiB"), "{} {}", answer.status, answer.body);
}

/// Reports and exports take ten minutes and more.
#[tokio::test]
async fn a_call_may_take_fifteen_minutes() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let tab = world.app.super_admin().await.get("/connectors/ledger/authorization").await.expect(200);
    tab.submit(|form| form.set("time_out", "900")).await.expect(303);
    assert_eq!(world.app.value("SELECT time_out FROM authorizations").await, "900");
}

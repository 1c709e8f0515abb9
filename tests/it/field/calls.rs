//! Calls from endpoints and through the proxy.

mod addresses;
mod files;
mod limits;
mod names;
mod pages;
mod streams;

use serde_json::json;

use crate::api::{World, until};
use crate::support::upstream::Reply;

/// Who sends it, as servers see it.
const SENDER: &str = concat!("Connectory/", env!("CARGO_PKG_VERSION"));

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
    assert_eq!((seen.header("user-agent"), seen.header("accept")), (Some(SENDER), Some("*/*")));
    // The client of these tests says what it accepts, and nothing of itself.
    assert_eq!(world.proxied("/user").await.status, 200);
    assert_eq!(world.api.last().header("user-agent"), Some(SENDER));
    let own = world.request("GET", "/ledger/proxy/user").header("User-Agent", "Ledger/2").header("Accept", "text/csv");
    assert_eq!(own.send().await.expect("an answer").status(), 200);
    let seen = world.api.last();
    assert_eq!((seen.header("user-agent"), seen.header("accept")), (Some("Ledger/2"), Some("text/csv")));
    world.app.sql(r#"UPDATE endpoints SET headers = '[{"name":"User-Agent","value":"Own","required":false}]'"#).await;
    until("the endpoint's own header is known", async || {
        assert_eq!(world.call("user", json!({})).await.status, 200);
        world.api.last().header("user-agent") == Some("Own")
    })
    .await;
}

/// OData services answer XML unless they are asked for JSON.
#[tokio::test]
async fn a_caller_or_an_endpoint_says_what_is_accepted() {
    let world = World::new(|seen| match seen.header("accept") {
        Some(accept) if accept.contains("json") => Reply::json(200, "{}"),
        _ => Reply::of(200, &[("Content-Type", "application/atom+xml")], "<feed/>"),
    })
    .await;
    world.endpoint("items", "GET", "/items").await;
    let call = world.request("POST", "/ledger/endpoints/items/call").header("Accept", "application/json");
    let answer = call.send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/json");
    world
        .app
        .sql(r#"UPDATE endpoints SET headers = '[{"name":"Accept","value":"application/json","required":false}]'"#)
        .await;
    until("the endpoint's own header is known", async || world.call("items", json!({})).await.body == "{}").await;
}

/// Reports and exports take ten minutes and more.
#[tokio::test]
async fn a_call_may_take_an_hour() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let tab = world.app.super_admin().await.get("/connectors/ledger/authorization").await.expect(200);
    tab.submit(|form| form.set("time_out", "3600")).await.expect(303);
    assert_eq!(world.app.value("SELECT time_out FROM authorizations").await, "3600");
    world.endpoint("report", "GET", "/report").await;
    world.app.sql("UPDATE endpoints SET time_out = 3600").await;
    assert_eq!(world.call("report", json!({})).await.status, 200);
}

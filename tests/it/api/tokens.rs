//! Reading the access token itself.

use serde_json::json;

use super::*;

#[tokio::test]
async fn whoever_may_reads_the_token_and_leaves_a_line_in_both_logs() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let answer = Answer::of(world.request("POST", "/ledger/token")).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let token = answer.json();
    assert_eq!((&token["access_token"], &token["token_type"]), (&TOKEN.into(), &"Bearer".into()));
    assert!(token["expires_in"].as_u64().is_some_and(|left| (3590..=3600).contains(&left)));
    assert!(token["expires_at"].as_str().is_some_and(|end| end.ends_with('Z')));
    assert_eq!(answer.header("connectory-answer"), "connectory");
    let audit = world
        .app
        .rows("SELECT kind, actor_name, subject_name, changes::text FROM audit_events WHERE kind = 'token.read'")
        .await;
    assert_eq!(audit.len(), 1);
    assert_eq!(audit[0][..3], ["token.read", "Billing", "Ledger"]);
    assert!(audit[0][3].contains(&world.key[..12]) && !audit[0][3].contains(&world.key));
    world.wait_for_log(1).await;
    assert_eq!(world.log("kind, outcome, status").await, [["token", "answered", ""]]);
    assert!(world.api.seen().is_empty());
}

#[tokio::test]
async fn the_request_for_a_token_is_checked() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    for (body, status) in [
        ("", 200),
        ("{}", 200),
        ("{\"min_ttl\": 60}", 200),
        ("{\"min_ttl\": -1}", 400),
        ("{\"min_ttl\": 1.5}", 400),
        ("{\"min_ttl\": 86401}", 400),
        ("{\"min_ttl\": \"60\"}", 400),
        ("{\"ttl\": 60}", 400),
        ("60", 400),
        ("{", 400),
    ] {
        let answer = Answer::of(world.request("POST", "/ledger/token").body(body)).await;
        assert_eq!(answer.status, status, "{body}");
        if status != 200 {
            assert_eq!(answer.problem(), "malformed_request");
        }
    }
    let large = Answer::of(world.request("POST", "/ledger/token").body(vec![b' '; 5000])).await;
    assert_eq!(large.problem(), "request_body_too_large");
    // It lives an hour and nobody can renew it.
    let longer = Answer::of(world.request("POST", "/ledger/token").json(&json!({ "min_ttl": 7200 }))).await;
    assert_eq!(longer.status, 200, "half a life is enough for any");
    world.app.advance(TimeDelta::minutes(40));
    let late = Answer::of(world.request("POST", "/ledger/token").json(&json!({ "min_ttl": 7200 }))).await;
    assert_eq!((late.status, late.problem().as_str()), (409, "connector_needs_reauthorization"));
    world.app.sql("UPDATE connectors SET method = 'no_auth'").await;
    until("the method is known", async || {
        let answer = Answer::of(world.request("POST", "/ledger/token")).await;
        answer.status == 409 && answer.problem() == "connector_without_token"
    })
    .await;
}

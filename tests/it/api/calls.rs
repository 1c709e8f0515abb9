//! Calling endpoints: variables in, the API's answer out.

use serde_json::json;

use super::*;

#[tokio::test]
async fn an_endpoint_makes_its_request_of_the_variables() {
    let world = World::new(|_| Reply::json(200, "[1]")).await;
    world.endpoint("Read order", "GET", "/orders/{{order.id}}?page={{page|1}}").await;
    let answer = world.call("read%20ORDER", json!({ "order": { "id": "a/b" } })).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "[1]"));
    answer.is_upstreams();
    let seen = world.api.only();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/v1/orders/a%2Fb?page=1"));
    assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    assert!(seen.header("via").is_some_and(|via| via.starts_with("1.1 connectory-")));
    world.wait_for_log(1).await;
    let log = world.log("kind, endpoint_name, method, target, outcome, status").await;
    assert_eq!(log, [["endpoint", "Read order", "GET", "/orders/{{order.id}}", "answered", "200"]]);
}

#[tokio::test]
async fn variables_that_do_not_fit_are_refused_before_anything_is_sent() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.endpoint("read", "GET", "/orders/{{id}}?q={{q}}").await;
    for (body, code, status) in [
        ("", "variables_do_not_fit", 422),
        ("{}", "variables_do_not_fit", 422),
        ("{\"variables\": {\"id\": \"..\", \"q\": 1}}", "variables_do_not_fit", 422),
        ("{\"variables\": 7}", "malformed_request", 400),
        ("{\"id\": 7}", "malformed_request", 400),
        ("[]", "malformed_request", 400),
        ("{\"variables\"", "malformed_request", 400),
        ("\u{0}", "malformed_request", 400),
    ] {
        let request = world.request("POST", "/ledger/endpoints/read/call").body(body);
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{body}");
        if code == "variables_do_not_fit" {
            assert!(answer.json()["errors"][0]["detail"].is_string());
        }
    }
    assert!(world.api.seen().is_empty());
}

#[tokio::test]
async fn unknown_endpoints_and_other_methods_have_their_problem() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.endpoint("read", "GET", "/orders").await;
    let unknown = world.call("write", json!({})).await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "endpoint_not_found"));
    let get = world.get("/ledger/endpoints/read/call").await;
    assert_eq!((get.status, get.problem().as_str()), (405, "method_not_allowed"));
    assert_eq!(get.header("allow"), "POST");
    let large = world.request("POST", "/ledger/endpoints/read/call");
    let large = Answer::of(large.body(vec![b' '; 10 * 1024 * 1024 + 1])).await;
    assert_eq!((large.status, large.problem().as_str()), (413, "request_body_too_large"));
}

#[tokio::test]
async fn redirects_are_followed_within_the_api_only_and_not_for_ever() {
    let world = World::new(|seen| match seen.path() {
        "/v1/a" => Reply::of(302, &[("Location", "b")], ""),
        "/v1/b" => Reply::of(301, &[("Location", "/v1/c?x=1")], ""),
        "/v1/c" => Reply::json(200, "\"there\""),
        "/v1/away" => Reply::of(302, &[("Location", "http://127.0.0.2/x")], "away"),
        _ => Reply::of(307, &[("Location", "/v1/loop")], "loop"),
    })
    .await;
    for (name, method, url) in
        [("near", "GET", "/a"), ("away", "GET", "/away"), ("loop", "GET", "/loop"), ("post", "POST", "/a")]
    {
        world.endpoint(name, method, url).await;
    }
    let near = world.call("near", json!({})).await;
    assert_eq!((near.status, near.body.as_str()), (200, "\"there\""));
    assert_eq!(near.header("connectory-attempts"), "3");
    let seen = world.api.seen();
    assert!(seen.iter().all(|seen| seen.header("authorization").is_some()));
    let away = world.call("away", json!({})).await;
    assert_eq!((away.status, away.body.as_str()), (302, "away"));
    let looped = world.call("loop", json!({})).await;
    assert_eq!((looped.status, looped.header("connectory-attempts")), (307, "6"));
    let post = world.call("post", json!({})).await;
    assert_eq!((post.status, post.header("connectory-attempts")), (302, "1"));
}

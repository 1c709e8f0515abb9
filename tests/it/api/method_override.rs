//! Keys whose methods are limited name no other method by header or query either.

use serde_json::json;

use super::*;

const HEADERS: [&str; 4] = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x_http_method_override"];

/// What the API saw last that names another method.
fn overrides(world: &World) -> Vec<String> {
    let seen = world.api.last();
    let names = seen.headers.iter().map(|(name, _)| name.clone());
    let named = names.filter(|name| name.contains("method"));
    let in_query = seen.target.to_lowercase().contains("method").then(|| seen.target.clone());
    named.chain(in_query).collect()
}

#[tokio::test]
async fn a_key_with_limited_methods_overrides_none() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.endpoint("order", "POST", "/orders").await;
    for (methods, reaches) in [("NULL", true), ("'{GET,HEAD,POST}'", false)] {
        world.app.sql(&format!("UPDATE api_keys SET methods = {methods}")).await;
        // The change has counted once a method that is not allowed is refused.
        until("the change counts", async || {
            (Answer::of(world.request("PUT", "/ledger/proxy/x")).await.status == 200) == reaches
        })
        .await;
        for name in HEADERS {
            for method in ["GET", "POST"] {
                let request = world.request(method, "/ledger/proxy/x").header(name, "DELETE");
                assert_eq!(Answer::of(request).await.is_upstreams().status, 200);
                assert_eq!(!overrides(&world).is_empty(), reaches, "{name}");
                assert_eq!(world.api.last().method, method);
            }
            let request = world.request("POST", "/ledger/endpoints/order/call").header(name, "DELETE");
            assert_eq!(Answer::of(request.json(&json!({}))).await.is_upstreams().status, 200);
            assert!(overrides(&world).is_empty(), "an endpoint sends its own headers");
        }
        for query in
            ["_method=DELETE", "%5Fmethod=DELETE", "a=1&_METHOD=PUT&b=2", ".method=PUT", "X-HTTP-Method-Override=PUT"]
        {
            let request = world.request("POST", &format!("/ledger/proxy/x?{query}"));
            assert_eq!(Answer::of(request).await.is_upstreams().status, 200);
            assert_eq!(world.api.last().target.ends_with(query), reaches, "{query}");
            assert_eq!(!overrides(&world).is_empty(), reaches, "{query}");
        }
        let request = world.request("GET", "/ledger/proxy/x?a=%20x&b");
        assert_eq!(Answer::of(request).await.status, 200);
        assert_eq!(world.api.last().target, "/v1/x?a=%20x&b");
    }
}

#[tokio::test]
async fn the_form_of_a_key_says_so() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let page = ana.get("/profile/keys/new").await.expect(200);
    assert!(page.text().contains("X-HTTP-Method-Override"));
}

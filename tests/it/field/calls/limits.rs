//! APIs that have had too many calls.

use serde_json::json;

use crate::api::World;
use crate::support::upstream::Reply;

/// An API that answers the first request like this, and all others well. Its endpoint allows three retries.
async fn refusing_once(method: &str, status: u16, headers: &'static [(&str, &str)]) -> World {
    let world = World::new(move |seen| match seen.number {
        0 => Reply::of(status, headers, "no"),
        _ => Reply::json(200, "{}"),
    })
    .await;
    world.endpoint("do", method, "/do").await;
    world.app.sql("UPDATE endpoints SET retries = 3").await;
    world
}

/// GitHub's secondary limit is a 403 with `Retry-After`, and a refused POST has not been processed.
#[tokio::test]
async fn a_limit_is_waited_for_as_the_api_says_it() {
    const AT_ONCE: &[(&str, &str)] = &[("Retry-After", "0")];
    const SOON: &[(&str, &str)] = &[("Retry-After-Ms", "20")];
    for (method, status, headers, answered) in [
        ("GET", 403, AT_ONCE, 200),
        ("POST", 403, AT_ONCE, 200),
        ("POST", 429, AT_ONCE, 200),
        ("PATCH", 429, SOON, 200),
        ("GET", 503, AT_ONCE, 200),
        ("POST", 503, AT_ONCE, 503),
        ("POST", 425, &[], 200),
        ("GET", 403, &[], 403),
    ] {
        let world = refusing_once(method, status, headers).await;
        assert_eq!(world.call("do", json!({})).await.status, answered, "{method} {status} {headers:?}");
        assert_eq!(world.api.seen().len(), if answered == 200 { 2 } else { 1 }, "{method} {status} {headers:?}");
    }
}

/// “429 Too Many Requests” and nothing else.
#[tokio::test]
async fn a_limit_without_a_time_is_tried_again_after_a_pause() {
    let (get, post) = tokio::join!(refusing_once("GET", 429, &[]), refusing_once("POST", 429, &[]));
    let (get, post) = tokio::join!(get.call("do", json!({})), post.call("do", json!({})));
    assert_eq!((get.status, post.status), (200, 200));
}

/// The end of a limit is a point in time; a call that cannot wait for it gets the API's own response.
#[tokio::test]
async fn a_limit_that_ends_too_late_is_the_callers() {
    let world = refusing_once("GET", 403, &[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "4102444800")]).await;
    let answer = world.call("do", json!({})).await;
    assert_eq!((answer.status, world.api.seen().len()), (403, 1));
}

/// Without retries there are none, and through the proxy the caller decides.
#[tokio::test]
async fn nothing_is_repeated_that_was_not_asked_for() {
    let world = refusing_once("GET", 429, &[("Retry-After", "0")]).await;
    world.app.sql("UPDATE endpoints SET retries = 0").await;
    assert_eq!(world.call("do", json!({})).await.status, 429);
    let world = refusing_once("GET", 429, &[("Retry-After", "0")]).await;
    assert_eq!(world.proxied("/do").await.status, 429);
}

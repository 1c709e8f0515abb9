//! Path and query go through as the same URL, or not at all.

use super::*;

#[tokio::test]
async fn path_and_query_arrive_as_the_same_url() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    for (sent, arrived) in [
        ("", "/v1"),
        ("/", "/v1/"),
        ("/a/b?x=1", "/v1/a/b?x=1"),
        ("/a%2Fb/%C3%BC", "/v1/a%2Fb/%C3%BC"),
        ("/a?filter=name%20eq%20'x'&y=%zz&&=", "/v1/a?filter=name%20eq%20%27x%27&y=%zz&&="),
        ("//evil.example/x", "/v1//evil.example/x"),
        ("/@evil.example", "/v1/@evil.example"),
        ("/a?", "/v1/a?"),
        ("/a;v=1/b", "/v1/a;v=1/b"),
        ("/a?next=//evil.example/../..", "/v1/a?next=//evil.example/../.."),
    ] {
        let answer = raw(&world, "GET", sent).await;
        assert_eq!(answer, 200, "{sent}");
        assert_eq!(world.api.last().target, arrived);
    }
}

#[tokio::test]
async fn paths_outside_the_base_are_refused() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    for path in [
        "/..",
        "/../x",
        "/a/../../b",
        "/%2e%2e/x",
        "/%2E%2e/x",
        "/.%2e/x",
        "/a/..;/b",
        "/a%2f..%2f..%2fb",
        "/a%5c..%5cb",
        "/%252e%252e/x",
        "/./x",
        "/a/.",
    ] {
        assert_eq!(raw(&world, "GET", path).await, 400, "{path}");
    }
    assert!(world.api.seen().is_empty());
    world.wait_for_log(12).await;
    let log = world.log("outcome, problem").await;
    assert!(log.iter().all(|row| row == &["refused", "path_not_allowed"]), "{log:?}");
}

/// The status of a request that no library has repaired.
async fn raw(world: &World, method: &str, path: &str) -> u16 {
    let request = format!(
        "{method} /api/v1/connectors/ledger/proxy{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        world.key
    );
    world.app.raw(request.as_bytes()).await.status
}

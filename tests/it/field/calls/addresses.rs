//! Addresses: long queries, and paths that are keys.

use serde_json::json;

use crate::api::World;
use crate::support::upstream::Reply;

/// A SOQL query with a list of ids is longer than the addresses that people type.
fn long_query() -> String {
    let ids: Vec<String> = (0..120).map(|id| format!("'500{id:015}'")).collect();
    format!("SELECT Id FROM Case WHERE Id IN ({})", ids.join(","))
}

/// The query that the API got.
fn sent_query(world: &World) -> String {
    let sent = world.api.last().target;
    let (_, sent) = sent.split_once("?q=").expect("a query");
    percent_encoding::percent_decode_str(sent).decode_utf8().expect("UTF-8").into_owned()
}

#[tokio::test]
async fn a_query_may_be_as_long_as_servers_take() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let id = world.endpoint("query", "GET", "/query?q={{q}}").await;
    let query = long_query();
    assert!(query.len() > 2_500);
    let answer = world.call("query", json!({ "q": query })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(sent_query(&world), query);
    let editor = format!("/connectors/ledger/endpoints/{id}");
    let page = world.app.super_admin().await.get(&editor).await.expect(200);
    page.form(&editor).set("sample", &json!({ "q": query }).to_string()).press("Run").send().await.expect(200);
    assert_eq!(world.api.seen().len(), 2);
    assert_eq!(sent_query(&world), query);
    let encoded = percent_encoding::utf8_percent_encode(&query, percent_encoding::NON_ALPHANUMERIC);
    assert_eq!(world.proxied(&format!("/query?q={encoded}")).await.status, 200);
    assert_eq!(sent_query(&world), query);
    let answer = world.call("query", json!({ "q": "x".repeat(17 * 1024) })).await;
    assert!(answer.status == 422 && answer.body.contains("16 KiB"), "{} {}", answer.status, answer.body);
}

/// Two slashes and an encoded one are parts of keys; a step up in any spelling is refused.
#[tokio::test]
async fn a_path_arrives_as_it_was_sent_or_not_at_all() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    for (path, answered) in [
        ("/bucket//a///b.txt", 200),
        ("/projects/group%2Fname", 200),
        ("/a/..;x=1/b", 400),
        ("/a/%2e%2e/b", 400),
        ("/a/../b", 400),
    ] {
        let before = world.api.seen().len();
        let request = format!(
            "GET /api/v1/connectors/ledger/proxy{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            world.key
        );
        let answer = world.app.raw(request.as_bytes()).await;
        assert_eq!(answer.status, answered, "{path}: {}", answer.body);
        let seen = world.api.seen();
        match answered {
            200 => assert_eq!(seen.last().expect("a request").target, format!("/v1{path}")),
            _ => assert!(seen.len() == before && answer.body.contains("path_not_allowed"), "{path}: {}", answer.body),
        }
    }
}

/// Elasticsearch and others read the body of a GET.
#[tokio::test]
async fn the_body_of_a_get_arrives() {
    const QUERY: &str = r#"{"query":{"match_all":{}}}"#;
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let id = world.endpoint("search", "GET", "/_search").await;
    world.app.sql(&format!("UPDATE endpoints SET body_kind = 'json', body = '{QUERY}'")).await;
    let editor = format!("/connectors/ledger/endpoints/{id}");
    let page = world.app.super_admin().await.get(&editor).await.expect(200);
    page.form(&editor).press("Run").send().await.expect(200);
    world.call("search", json!({})).await;
    let proxied = || world.request("GET", "/ledger/proxy/_search").header("Content-Type", "application/json");
    let chunks = futures_util::stream::iter(QUERY.as_bytes().chunks(7).map(Ok::<_, std::io::Error>));
    // The client of the test would leave out the body of a GET that does not say how it ends.
    let chunked = proxied().header("Transfer-Encoding", "chunked").body(reqwest::Body::wrap_stream(chunks));
    for request in [proxied().body(QUERY), chunked] {
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }
    let seen = world.api.seen();
    assert_eq!(seen.len(), 4);
    for request in seen {
        assert_eq!((request.method.as_str(), String::from_utf8_lossy(&request.body)), ("GET", QUERY.into()));
        assert_eq!(request.header("content-type"), Some("application/json"));
    }
}

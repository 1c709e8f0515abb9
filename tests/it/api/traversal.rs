//! Path traversal through a web server that decodes paths before it resolves them: nginx with a URI in `proxy_pass`.

use serde_json::json;

use super::*;
use crate::support::web_server::WebServer;

/// Values that some server would resolve to another path than the endpoint's.
const STEPS: [&str; 20] = [
    "../admin/users",
    "../../admin/users",
    "a/../../admin/users",
    "a/../../../admin/users",
    "..",
    ".",
    "./x",
    "x/..",
    "x/.",
    "..%2Fadmin%2Fusers",
    "..%2f..%2fadmin%2fusers",
    "%2e%2e/admin/users",
    "%2E%2E%2Fadmin%2Fusers",
    "..\\admin\\users",
    "..%5Cadmin",
    "..;/admin/users",
    "..;x=1/../admin/users",
    "%252e%252e%252fadmin%252fusers",
    "..%252f..%252fadmin",
    "..%00/admin",
];

/// A world whose connector leads to nginx, which passes decoded and resolved paths on to the API.
async fn behind_nginx(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (World, WebServer) {
    let world = World::new(answer).await;
    let front = WebServer::start("", &format!("location / {{ proxy_pass http://{}/; }}", world.api.address));
    let base = front.url("/v1");
    world.app.sql(&format!("UPDATE connectors SET base_url = '{base}'")).await;
    (world, front)
}

fn paths(world: &World) -> Vec<String> {
    world.api.seen().into_iter().map(|seen| seen.target).collect()
}

#[tokio::test]
async fn no_value_and_no_path_reaches_what_the_caller_may_not_call() {
    let (world, front) = behind_nginx(|_| Reply::json(200, "{}")).await;
    let id = world.endpoint("order", "GET", "/orders/{{id}}").await;
    world.endpoint("lines", "POST", "/orders/x{{id}}/lines").await;
    let ana = world.app.super_admin().await;
    let address = format!("/connectors/ledger/endpoints/{id}");
    let order = ana.get(&address).await.expect(200);
    for step in STEPS {
        for endpoint in ["order", "lines"] {
            // Behind the “x” a dot is part of a name.
            let value = if endpoint == "lines" { format!("/{step}") } else { step.to_string() };
            let answer = world.call(endpoint, json!({ "id": value })).await;
            assert_eq!(answer.status, 422, "{value}: {}", answer.body);
            assert!(answer.body.contains("“id”"), "{}", answer.body);
        }
        let form = order.form(&address);
        let page = form.set("sample", &json!({ "id": step }).to_string()).press("Run");
        let page = page.send().await.expect(422);
        assert!(page.text().contains("“.” or “..”"), "{step}");
        // As a client that encodes nothing and one that encodes everything would write it.
        let encoded: String = step.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for written in [step.replace('\\', "%5c"), encoded] {
            let request = format!(
                "GET /api/v1/connectors/ledger/proxy/orders/{written} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
                world.key
            );
            assert_eq!(world.app.raw(request.as_bytes()).await.status, 400, "{written}");
        }
    }
    assert_eq!(paths(&world), [""; 0]);
    // A slash in a value stays one, and the server in front does resolve what it gets.
    assert_eq!(world.call("order", json!({ "id": "7/8..9" })).await.status, 200);
    let direct = world.http.get(front.url("/v1/orders/..%2F..%2Fadmin/users"));
    assert_eq!(direct.send().await.expect("an answer").status(), 200);
    assert_eq!(paths(&world), ["/v1/orders/7/8..9", "/admin/users"]);
}

#[tokio::test]
async fn no_redirect_is_followed_to_a_path_with_a_step() {
    let (world, _front) = behind_nginx(|seen| match seen.path() {
        "/v1/kept" => Reply::json(200, "{}"),
        "/v1/good" => Reply::of(302, &[("Location", "/v1/kept")], ""),
        _ => Reply::of(302, &[("Location", "/v1/..%2fadmin/users")], ""),
    })
    .await;
    world.endpoint("good", "GET", "/good").await;
    world.endpoint("bad", "GET", "/bad").await;
    assert_eq!(world.call("good", Value::Null).await.status, 200);
    assert_eq!(world.call("bad", Value::Null).await.is_upstreams().status, 302);
    assert_eq!(paths(&world), ["/v1/good", "/v1/kept", "/v1/bad"]);
}

#[tokio::test]
async fn no_step_is_saved_in_a_base_url_or_an_endpoint_and_none_that_is_stored_is_called() {
    let (world, front) = behind_nginx(|_| Reply::json(200, "{}")).await;
    world.endpoint("order", "GET", "/orders").await;
    let ana = world.app.super_admin().await;
    let base = front.url("/v1/%2e%2e%2fadmin");
    let page = ana.get("/connectors/ledger/details").await.expect(200);
    let page = page.submit(|form| form.set("base_url", &base)).await.expect(422);
    let words = page.errors().into_iter().map(|(_, words)| words);
    assert!(words.eq(["Base URL has an encoded “.” or “..” in its path"]));
    assert_eq!(page.field_value("base_url"), base);
    let page = ana.get("/connectors/ledger/endpoints/new").await.expect(200);
    let form = page.form("/connectors/ledger/endpoints").set("endpoint_name", "bad");
    let page = form.set("endpoint_url", "/a%2f..%2fadmin").send().await.expect(422);
    let words = page.errors().into_iter().map(|(_, words)| words);
    assert!(words.eq(["URL has the part “a%2f..%2fadmin” in its path. Write the resolved path"]));
    world.app.sql(&format!("UPDATE connectors SET base_url = '{base}'")).await;
    for path in ["", "/users"] {
        let answer = world.proxied(path).await;
        assert_eq!((answer.status, &*answer.problem()), (400, "path_not_allowed"));
    }
    let answer = world.call("order", Value::Null).await;
    assert_eq!(answer.problem(), "path_not_allowed");
    assert_eq!(paths(&world), [""; 0]);
}

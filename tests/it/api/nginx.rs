//! Calls to a real web server, and calls that come through one.

use connectory::authorization::SecretField;
use connectory::connectors::Grant;
use nix::sys::signal::Signal;

use super::*;
use crate::support::authorization_server::{self as servers, ApiRequests, AuthorizationServer, Setup};
use crate::support::web_server::WebServer;

/// More than any buffer on the way holds.
const LARGE: usize = 8 << 20;

/// A connector that leads to nginx.
async fn world(server: &WebServer) -> World {
    let world = World::new(|_| Reply::of(500, &[], "")).await;
    world.lead(&server.url("/v1")).await;
    world
}

#[tokio::test]
async fn only_the_credential_of_the_connector_reaches_it() {
    let server = WebServer::start(
        "",
        &format!(
            "if ($http_authorization != \"Bearer {TOKEN}\") {{ return 401; }}
                  location / {{ return 200 '$http_x_connectory_key|$http_cookie|$http_host|$http_x_mine'; }}"
        ),
    );
    let world = world(&server).await;
    let request = world.bare("GET", "/ledger/proxy/x").header("X-Connectory-Key", &world.key).header("X-Mine", "mine");
    let answer = Answer::of(request).await;
    let host = format!("127.0.0.1:{}", server.nginx().port);
    assert_eq!((answer.status, answer.body.as_str()), (200, &*format!("||{host}|mine")));
}

#[tokio::test]
async fn files_come_whole_in_part_and_only_if_they_have_changed() {
    let server = WebServer::start("", "root html;");
    server.file("report.txt", b"0123456789");
    let world = world(&server).await;
    let whole = world.proxied("/report.txt").await;
    assert_eq!((whole.status, whole.body.as_str()), (200, "0123456789"));
    let asked = |method: &str, name: &str, value: &str| {
        Answer::of(world.request(method, "/ledger/proxy/report.txt").header(name, value))
    };
    let part = asked("GET", "Range", "bytes=2-4").await;
    assert_eq!((part.status, part.body.as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let same = asked("GET", "If-None-Match", whole.header("etag")).await;
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    let head = asked("HEAD", "Accept", "*/*").await;
    assert_eq!((head.status, head.header("content-length")), (200, "10"));
    let missing = world.proxied("/missing").await;
    assert_eq!(missing.is_upstreams().status, 404);
    assert!(missing.body.contains("<center>nginx"), "{}", missing.body);
}

#[tokio::test]
async fn what_is_uploaded_can_be_read_again() {
    let server =
        WebServer::start("", "root html; client_max_body_size 0; dav_methods PUT DELETE; create_full_put_path on;");
    let world = world(&server).await;
    let bytes: Vec<u8> = (0..LARGE).map(|at| (at * 31 / 7) as u8).collect();
    let put = world.request("PUT", "/ledger/proxy/big.bin").body(bytes.clone());
    assert_eq!(Answer::of(put).await.is_upstreams().status, 201);
    let read = world.request("GET", "/ledger/proxy/big.bin").send().await;
    let read = read.expect("an answer").bytes().await.expect("a body");
    assert!(read == bytes);
    let gone = Answer::of(world.request("DELETE", "/ledger/proxy/big.bin")).await;
    assert_eq!(gone.status, 204);
    world.wait_for_log(3).await;
    let log = world.log("method, status, sent_bytes, received_bytes").await;
    let size = LARGE.to_string();
    assert_eq!(log[0], ["PUT", "201", &size, "0"]);
    assert_eq!(log[1], ["GET", "200", "0", &size]);
}

#[tokio::test]
async fn compressed_responses_are_passed_through_and_read_for_endpoints() {
    let server = WebServer::start(
        "gzip on; gzip_proxied any; gzip_types application/json; gzip_min_length 1;",
        "root html; types { application/json json; }",
    );
    let text = format!("{{\"filler\":\"{}\"}}", "x".repeat(5_000));
    server.file("list.json", text.as_bytes());
    let world = world(&server).await;
    let asked = world.request("GET", "/ledger/proxy/list.json");
    let answer = asked.header("Accept-Encoding", "gzip").send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let bytes = answer.bytes().await.expect("a body");
    assert_eq!(bytes[..2], [0x1f, 0x8b]);
    assert!(bytes.len() < 500);
    assert_eq!(world.proxied("/list.json").await.body, text);
    world.endpoint("list", "GET", "list.json").await;
    let answer = world.call("list", Value::Null).await;
    assert_eq!((answer.status, answer.body), (200, text));
}

#[tokio::test]
async fn connections_that_it_closes_cost_no_call() {
    let server = WebServer::start("", "keepalive_requests 3; location / { return 200 '$connection_requests'; }");
    let world = world(&server).await;
    for method in ["GET", "POST"].repeat(10) {
        let answer = Answer::of(world.request(method, "/ledger/proxy/x")).await;
        assert_eq!(answer.is_upstreams().status, 200);
        assert!(matches!(&*answer.body, "1" | "2" | "3"), "{}", answer.body);
    }
    for _ in 0..3 {
        // Its old worker closes the connections that are not in use.
        assert!(server.nginx().signal(Signal::SIGHUP));
        let calls = (0..10).map(|_| world.proxied("/x"));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.is_upstreams().status, 200);
        }
    }
}

#[tokio::test]
async fn pieces_come_at_once_through_nginx_in_front_and_upgrades_are_refused() {
    let world = World::new(|_| Reply::chunks(&["one", "two"])).await;
    let front = WebServer::start(
        "",
        &format!(
            "location / {{ proxy_pass http://{}; proxy_http_version 1.1; proxy_buffering off;
             proxy_set_header Connection $http_connection; proxy_set_header Upgrade $http_upgrade; }}",
            world.app.address
        ),
    );
    let asked = |path: &str| {
        world.http.get(front.url(&format!("/api/v1/connectors/ledger/proxy{path}"))).bearer_auth(&world.key)
    };
    let mut answer = asked("/x").send().await.expect("an answer");
    assert_eq!(answer.headers()["connectory-answer"], "upstream");
    for wanted in ["one", "two"] {
        world.api.go_on();
        let piece = answer.chunk().await.expect("no break");
        assert_eq!(piece.as_deref(), Some(wanted.as_bytes()));
    }
    world.api.go_on();
    assert!(answer.chunk().await.expect("no break").is_none());
    let upgrade = asked("/x").header("Connection", "Upgrade").header("Upgrade", "websocket");
    assert_eq!(Answer::of(upgrade).await.problem(), "upgrade_not_supported");
}

#[tokio::test]
async fn a_token_server_and_its_api_are_reached_through_it() {
    const SECRET: &str = "s3cret+/%:& x";
    let client = servers::Client::confidential("web", SECRET, servers::Grant::ClientCredentials);
    let setup = Setup::with([client]);
    for theirs in [AuthorizationServer::oidc_provider(&setup), AuthorizationServer::django(&setup)] {
        let server = WebServer::start(
            "",
            &format!("location / {{ proxy_pass {}; proxy_http_version 1.1; }}", theirs.urls.issuer),
        );
        let here = |url: &str| server.url(url.trim_start_matches(&theirs.urls.issuer));
        let world = World::new(|_| Reply::of(500, &[], "")).await;
        world.lead(&here(&theirs.urls.api)).await;
        let method = Method::OAuth(Grant::ClientCredentials).code();
        world
            .app
            .sql(&format!(
                "UPDATE connectors SET method = '{method}';
                 INSERT INTO oauth_clients (connector_id, token_url, client_id) VALUES ('{}', '{}', 'web')",
                world.connector,
                here(&theirs.urls.token)
            ))
            .await;
        world.app.store_secret(world.connector, SecretField::ClientSecret, SECRET).await;
        // So that the stored token, which the API does not know, is not taken for one that has just come.
        world.app.advance(TimeDelta::minutes(5));
        let calls = (0..10).map(|_| world.proxied(""));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.is_upstreams().status, 200, "{answer:?}");
        }
        let seen = theirs.seen().await;
        assert_eq!(seen.token.len(), 1);
        let ApiRequests { ok, refused } = seen.api;
        assert!(ok == 10 && (1..=10).contains(&refused), "{ok} {refused}");
    }
}

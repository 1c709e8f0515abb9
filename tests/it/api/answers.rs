//! What comes back through the proxy: the API's answer as it is, and whose answer it is.

use super::*;

#[tokio::test]
async fn the_response_is_the_apis_own_with_status_headers_and_body() {
    let world = World::new(|_| {
        let headers = [
            ("Content-Type", "text/csv"),
            ("X-Rate", "7"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("ETag", "\"x\""),
            ("Cache-Control", "max-age=60"),
            ("Connection", "keep-alive, X-Hop"),
            ("X-Hop", "secret"),
            ("Connectory-Answer", "connectory"),
            ("Content-Security-Policy", "default-src *"),
        ];
        Reply::of(418, &headers, "a;b\n")
    })
    .await;
    let answer = world.proxied("/x").await;
    assert_eq!((answer.status, answer.body.as_str()), (418, "a;b\n"));
    answer.is_upstreams();
    assert_eq!(answer.header("content-type"), "text/csv");
    assert_eq!((answer.header("x-rate"), answer.header("etag")), ("7", "\"x\""));
    assert_eq!(answer.header("cache-control"), "max-age=60");
    assert_eq!(answer.header("vary"), "Authorization, X-Connectory-Key");
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    assert_eq!(answer.header("x-hop"), "");
    assert_eq!(answer.header("connectory-attempts"), "1");
    assert_eq!(answer.header("connectory-request-id").len(), 32);
    assert!(answer.header("content-security-policy").contains("sandbox"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn redirects_are_handed_on_and_not_followed() {
    for location in ["/v1/other", "https://elsewhere.example/x"] {
        let world = World::new(move |_| Reply::of(302, &[("Location", location)], "")).await;
        let answer = world.proxied("/x").await;
        assert_eq!((answer.status, answer.header("location")), (302, location));
        assert_eq!(world.api.seen().len(), 1);
    }
}

#[tokio::test]
async fn answers_without_a_body_keep_their_kind() {
    let world = World::new(|seen| match seen.path() {
        "/v1/none" => Reply::raw(*b"HTTP/1.1 204 No Content\r\nX-Kind: none\r\n\r\n"),
        "/v1/same" => Reply::raw(*b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"),
        "/v1/early" => {
            Reply::raw(*b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        _ if seen.method == "HEAD" => Reply::raw(*b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-Kind: head\r\n\r\n"),
        _ => Reply::of(200, &[], ""),
    })
    .await;
    let none = world.proxied("/none").await;
    assert_eq!((none.status, none.header("x-kind")), (204, "none"));
    assert_eq!(none.header("content-length"), "");
    let same = world.proxied("/same").await;
    assert_eq!((same.status, same.header("etag")), (304, "\"x\""));
    let early = world.proxied("/early").await;
    assert_eq!((early.status, early.body.as_str()), (200, "ok"));
    let head = Answer::of(world.request("HEAD", "/ledger/proxy/file")).await;
    assert_eq!((head.status, head.header("content-length")), (200, "1234"));
    assert_eq!((head.header("x-kind"), head.body.as_str()), ("head", ""));
    let empty = world.proxied("/empty").await;
    assert_eq!((empty.status, empty.header("content-length")), (200, "0"));
    // One connection served all of it, so nothing was left over in between.
    assert_eq!(world.api.seen().len(), 5);
}

#[tokio::test]
async fn a_response_without_a_type_gets_one_that_no_browser_runs() {
    let world = World::new(|_| Reply::of(200, &[], "<script>alert(1)</script>")).await;
    let answer = world.proxied("/x").await;
    assert_eq!(answer.header("content-type"), "application/octet-stream");
}

#[tokio::test]
async fn the_call_is_in_the_log() {
    let world = World::new(|_| Reply::json(201, "{\"a\":1}")).await;
    let made = world.request("POST", "/ledger/proxy/bookings?secret=1").body("12345").send().await.expect("an answer");
    let id = made.headers()["connectory-request-id"].to_str().expect("text").to_string();
    made.text().await.expect("a body");
    world.wait_for_log(1).await;
    let log = world.log("kind, connector_name, caller_kind, caller_name, method, target, outcome, status, problem, attempts, sent_bytes, received_bytes, request_id").await;
    let target = format!("{}/v1/bookings", world.api.url(""));
    assert_eq!(
        log,
        [[
            "proxy",
            "Ledger",
            "program",
            "Billing",
            "POST",
            target.as_str(),
            "answered",
            "201",
            "",
            "1",
            "5",
            "7",
            id.as_str()
        ]]
    );
}

//! What comes back: whole answers, hostile ones, redirects.

use std::time::{Duration, Instant};

use connectory::outbound::http::Method;
use connectory::outbound::{Limits, Stage, Transport, add_header};

use super::{LIMITS, failure, fetch, get, http_url, outbound, until_closed};
use crate::support::hostile::{Behaviour, Hostile, answer};

#[tokio::test]
async fn an_answer_comes_back_whole_and_the_request_as_made() {
    let headers = [("Content-Type", "text/plain"), ("X-Two", "a"), ("X-Two", "b")];
    let server = Hostile::start(answer(404, &headers, "grüezi")).await;
    let mut request = http_url(&server.url("/a?b=c%20d")).request(Method::PUT, "{}".into()).expect("an address");
    add_header(request.headers_mut(), "X-Key", "ä b").expect("a header");
    let response = outbound().fetch(&Transport::default(), request, LIMITS).await.expect("an answer");
    assert_eq!(response.status(), 404);
    assert_eq!(response.body(), "grüezi".as_bytes());
    assert_eq!(response.headers().get_all("x-two").iter().collect::<Vec<_>>(), ["a", "b"]);
    let request = server.request();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/a?b=c%20d"));
    assert_eq!(request.header("x-key"), Some("ä b"));
    assert_eq!(request.header("user-agent"), Some(concat!("Connectory/", env!("CARGO_PKG_VERSION"))));
    assert_eq!((request.header("referer"), request.body.as_str()), (None, "{}"));
}

#[tokio::test]
async fn every_hostile_behaviour_becomes_a_sentence_in_time() {
    let huge = "y".repeat(70 * 1024);
    let outbound = outbound();
    for (behaviour, layer, words) in [
        (Behaviour::Silence, Stage::TimeOut, "did not answer within 0.7 seconds"),
        (Behaviour::SlowHeaders, Stage::TimeOut, "did not answer within 0.7 seconds"),
        (Behaviour::StallInBody, Stage::TimeOut, "did not finish its answer within 0.7 seconds"),
        (Behaviour::EndlessBody, Stage::Response, "larger than 1 MiB"),
        (Behaviour::GzipBomb, Stage::Response, "larger than 1 MiB"),
        (Behaviour::FalseGzip, Stage::Response, "cannot be decompressed"),
        (Behaviour::Truncated, Stage::Response, "broke off before its end"),
        (Behaviour::EndlessHeaders, Stage::Response, "headers of the answer"),
        (answer(200, &[("X-Huge", &huge)], ""), Stage::Response, "larger than 64 KiB"),
        (Behaviour::Garbage, Stage::Response, "is not HTTP"),
        (Behaviour::Banner, Stage::Response, "is not HTTP"),
        (Behaviour::Close, Stage::Connection, "closed the connection"),
        (Behaviour::Reset, Stage::Connection, "closed the connection"),
    ] {
        let server = Hostile::start(behaviour).await;
        let started = Instant::now();
        let url = server.url("/path?key=s3cret");
        let failure = failure(fetch(&outbound, &Transport::default(), &url).await);
        assert_eq!(failure.stage, layer, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
        assert!(failure.message.contains(&server.address().to_string()), "{failure:?}");
        assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
        assert!(!failure.remedy.is_empty());
        assert!(started.elapsed() < Duration::from_millis(1500), "{failure:?}");
        // What the limit lets through, and what fits into the sockets' buffers.
        assert!(server.body_bytes() < 16 * 1024 * 1024, "{} bytes taken", server.body_bytes());
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_ends_at_the_server() {
    let server = Hostile::start(Behaviour::Silence).await;
    let limits = Limits { total: Duration::from_secs(60), ..LIMITS };
    let client = outbound();
    let transport = Transport::default();
    let sending = client.fetch(&transport, get(&server.url("/")), limits);
    let given_up = tokio::time::timeout(Duration::from_millis(200), sending).await;
    assert!(given_up.is_err());
    until_closed(&server).await;
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let other = Hostile::json("{}").await;
    let location = other.url("/stolen");
    let server = Hostile::start(answer(302, &[("Location", &location)], "")).await;
    let mut request = get(&server.url("/"));
    add_header(request.headers_mut(), "Authorization", "Bearer s3cret").expect("a header");
    let response = outbound().fetch(&Transport::default(), request, LIMITS).await.expect("an answer");
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers().get("location").map(|value| value.as_bytes()), Some(location.as_bytes()));
    assert!(other.requests().is_empty());
}

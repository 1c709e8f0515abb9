//! Servers that misbehave: each way has an answer that says what went wrong, and none is a fault of Connectory.

use std::time::Duration;

use super::*;
use crate::support::hostile::{Behaviour, Hostile};

async fn world_at(server: &Hostile) -> World {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.sql("UPDATE authorizations SET time_out = 1").await;
    world.lead(&server.url("/")).await;
    // Without reading any answer: some of these have no end.
    until("the address is known", async || {
        drop(world.request("GET", "/ledger/proxy/x").send().await);
        server.connections() > 0
    })
    .await;
    world
}

#[tokio::test]
async fn every_misbehaviour_has_its_problem() {
    for (behaviour, status, code) in [
        (Behaviour::Silence, 504, "api_timed_out"),
        (Behaviour::SlowHeaders, 504, "api_timed_out"),
        (Behaviour::EndlessHeaders, 502, "api_answer_unusable"),
        (Behaviour::Garbage, 502, "api_answer_unusable"),
        (Behaviour::Banner, 502, "api_answer_unusable"),
        (Behaviour::Close, 502, "api_connection_failed"),
        (Behaviour::Reset, 502, "api_connection_failed"),
    ] {
        let server = Hostile::start(behaviour).await;
        let world = world_at(&server).await;
        let answer = world.proxied("/x").await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let found = answer.problem();
        assert!(found == code || (status == 502 && found.starts_with("api_")), "{found} is not {code}");
    }
}

#[tokio::test]
async fn a_body_without_end_ends_with_its_caller_and_one_that_stalls_by_itself() {
    let server = Hostile::start(Behaviour::EndlessBody).await;
    let world = world_at(&server).await;
    let mut answer = world.request("GET", "/ledger/proxy/x").send().await.expect("a head");
    let mut read = 0;
    while read < 5_000_000 {
        read += answer.chunk().await.expect("a piece").expect("more").len();
    }
    drop(answer);
    let closed = server.closed();
    until("the server sees it end", async || {
        tokio::time::sleep(Duration::from_millis(1)).await;
        server.closed() > closed || server.connections() == server.closed()
    })
    .await;

    let server = Hostile::start(Behaviour::StallInBody).await;
    let world = world_at(&server).await;
    let answer = world.request("GET", "/ledger/proxy/x").send().await.expect("a head");
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn addresses_that_must_not_be_called_are_refused_in_every_spelling() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    for address in [
        "http://169.254.169.254/latest",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "http://169.254.169.254./",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
    ] {
        world.lead(address).await;
        until("refused", async || {
            let answer = world.proxied("/x").await;
            answer.status == 502 && answer.problem() == "api_address_refused"
        })
        .await;
    }
    let own = format!("http://{}/", world.app.address);
    world.lead(&own).await;
    until("the own listener is refused", async || {
        let answer = world.proxied("/x").await;
        answer.status == 502
            && answer.json()["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(&world.app.address.port().to_string()))
    })
    .await;
    world.lead("http://no-such-name.invalid/").await;
    until("unknown", async || world.proxied("/x").await.problem() == "api_name_not_found").await;
    assert!(world.api.seen().len() <= 1);
    let log = world.log("outcome, problem").await;
    assert!(log.contains(&vec!["refused".into(), "api_address_refused".into()]));
}

#[tokio::test]
async fn whatever_a_program_sends_is_no_fault() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.endpoint("read", "GET", "/x/{{id}}").await;
    let deep = format!("{{\"variables\": {}", "[".repeat(100_000));
    let long = format!("{{\"variables\": {{\"id\": \"{}\"}}}}", "x".repeat(3_000_000));
    let bodies: Vec<Vec<u8>> = [
        "",
        "null",
        "[]",
        "0",
        "\"\"",
        "{",
        "{\"variables\": null}",
        "{\"variables\": []}",
        "{\"variables\": {\"id\": {}}}",
        "{\"variables\": {\"id\": 1e999}}",
        "{\"variables\": {\"id\": 99999999999999999999999999}}",
        "{\"variables\": {\"id\": \"\\u0000\\ud800\"}}",
        "{\"variables\": {\"id\": \"..\"}}",
        "{\"variables\": {\"id\": \"a\\r\\nX: 1\"}, \"variables\": 1}",
        "{\"variables\": {\"__proto__\": {}, \"id\": \"<xss>\"}}",
        "{\"min_ttl\": -1}",
        "{\"min_ttl\": 1e400}",
        "{\"min_ttl\": 99999999999999999999999999}",
        "{\"min_ttl\": \"<xss>\"}",
        deep.as_str(),
        long.as_str(),
    ]
    .into_iter()
    .map(|body| body.as_bytes().to_vec())
    .chain([b"\xff\xfe{}".to_vec(), b"{\"variables\": {\"id\": \"\xff\"}}".to_vec()])
    .collect();
    for path in ["/ledger/endpoints/read/call", "/ledger/token"] {
        for body in &bodies {
            for kind in ["application/json", "text/plain", "\u{ff}"] {
                let request = world.request("POST", path).header("content-type", kind);
                let answer = Answer::of(request.body(body.clone())).await;
                let what = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
                assert!(answer.status < 500, "{path} {what}: {answer:?}");
                assert!(!answer.body.contains("<xss>"), "{path} {what}: {answer:?}");
            }
        }
    }
    for path in [
        "/%00",
        "/%ff",
        "/ledger/endpoints/%00/call",
        "/ledger/endpoints/%3Cxss%3E/call",
        "/ledger/endpoints/..%2f..%2ftoken/call",
        "/%0d%0aX-Injected:%201/token",
        "?after=%00&limit=-1",
        "?after=%ff&limit=99999999999999999999",
        "?limit=NaN",
    ] {
        for method in ["GET", "POST"] {
            let answer = Answer::of(world.request(method, path)).await;
            assert!(answer.status < 500, "{method} {path}: {answer:?}");
            assert_eq!(answer.header("x-injected"), "");
        }
    }
}

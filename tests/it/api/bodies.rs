//! Bodies stream in both directions, and whoever goes away ends the exchange.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn chunks_of_a_response_come_as_the_api_sends_them() {
    let world = World::new(|_| Reply::chunks(&["one", "two"])).await;
    let mut answer = world.request("GET", "/ledger/proxy/feed").send().await.expect("a head");
    for piece in ["one", "two"] {
        world.api.go_on();
        let came = answer.chunk().await.expect("whole");
        assert_eq!(came.as_deref(), Some(piece.as_bytes()));
    }
    world.api.go_on();
    assert!(answer.chunk().await.expect("whole").is_none());
}

#[tokio::test]
async fn a_large_body_goes_through_in_both_directions_as_it_is() {
    let world = World::new(|seen| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", seen.body.len());
        Reply::raw([head.as_bytes(), &seen.body].concat())
    })
    .await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let answer = world.request("PUT", "/ledger/proxy/file").body(body.clone()).send().await.expect("an answer");
    assert!(answer.bytes().await.expect("a body") == body);
    assert_eq!(world.api.last().header("content-length"), Some("3000000"));

    let mut stream = TcpStream::connect(world.app.address).await.expect("a connection");
    let head = format!(
        "PUT /api/v1/connectors/ledger/proxy/file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        world.key
    );
    stream.write_all(head.as_bytes()).await.expect("a head");
    for piece in body.chunks(70_000) {
        let size = format!("{:x}\r\n", piece.len());
        stream.write_all(size.as_bytes()).await.expect("a size");
        stream.write_all(piece).await.expect("a piece");
        stream.write_all(b"\r\n").await.expect("its end");
    }
    stream.write_all(b"0\r\n\r\n").await.expect("the end");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    assert!(answer.ends_with(&body));
    let seen = world.api.last();
    assert_eq!(seen.header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen.header("content-length"), None);
    assert!(seen.body == body);
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_exchange_and_is_logged_as_that() {
    let world = World::new(|seen| match seen.path() {
        "/v1/silent" => Reply::silence(),
        _ => Reply::chunks(&["one", "two"]),
    })
    .await;
    for (number, path) in ["/silent", "/feed"].into_iter().enumerate() {
        let mut stream = TcpStream::connect(world.app.address).await.expect("a connection");
        let request = format!(
            "GET /api/v1/connectors/ledger/proxy{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            world.key
        );
        stream.write_all(request.as_bytes()).await.expect("a request");
        world.api.wait_for(number + 1).await;
        if path == "/feed" {
            world.api.go_on();
            let mut some = [0; 20];
            stream.read_exact(&mut some).await.expect("the head");
        }
        drop(stream);
        world.api.wait_for_gone(number + 1).await;
    }
    world.wait_for_log(2).await;
    let log = world.log("outcome, coalesce(status::text, '')").await;
    assert_eq!(log, [["cancelled", ""], ["cancelled", "200"]]);
}

#[tokio::test]
async fn a_response_that_breaks_off_is_an_error() {
    let world = World::new(|seen| match seen.path() {
        "/v1/sized" => Reply::raw(*b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart").closing(),
        _ => Reply::raw(*b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n").closing(),
    })
    .await;
    for path in ["/sized", "/chunked"] {
        let answer = world.request("GET", &format!("/ledger/proxy{path}")).send().await.expect("a head");
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.is_err(), "{path}");
    }
    world.wait_for_log(2).await;
    let log = world.log("outcome, status, problem, received_bytes").await;
    let broken = ["failed", "200", "api_connection_failed", "4"];
    for row in log {
        assert!(row[0] == broken[0] && row[1] == broken[1] && !row[2].is_empty(), "{row:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_broken_from_its_first_byte_is_an_error() {
    const BROKEN: [&str; 5] = [
        "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "Transfer-Encoding: chunked\r\n\r\n\0\0\0",
        "Transfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n<html>\r\n",
    ];
    let world = World::new(|seen| {
        let number: usize = seen.path()[4..].parse().expect("a number");
        Reply::raw(format!("HTTP/1.1 200 OK\r\n{}", BROKEN[number])).closing()
    })
    .await;
    let ana = world.app.super_admin().await;
    for number in 0..BROKEN.len() {
        let name = format!("broken-{number}");
        world.endpoint(&name, "GET", &format!("/{number}")).await;
        let answers = [world.proxied(&format!("/{number}")).await, world.call(&name, Value::Null).await];
        for answer in answers {
            let problem = (answer.status, answer.problem());
            assert_eq!(problem, (502, "api_answer_unusable".into()), "{number}");
            assert!(!answer.header("connectory-request-id").is_empty());
        }
        let tab = "/connectors/ledger/endpoints";
        let form = ana.get(&format!("{tab}/new")).await.form(tab);
        let run = form.set("endpoint_url", &format!("/{number}"));
        let page = run.press("Run").send().await.expect(200);
        let text = page.text();
        assert!(text.contains("The API’s response cannot be used"), "{text}");
    }
    let lines = 3 * i64::try_from(BROKEN.len()).expect("a number");
    world.wait_for_log(lines).await;
    for row in world.log("outcome, problem").await {
        assert_eq!(row, ["failed", "api_answer_unusable"]);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_does_not_look_whole_to_the_api() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let mut stream = TcpStream::connect(world.app.address).await.expect("a connection");
    let request = format!(
        "POST /api/v1/connectors/ledger/proxy/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 100000\r\n\r\npart",
        world.key
    );
    stream.write_all(request.as_bytes()).await.expect("a request");
    world.api.wait_for_connections(1).await;
    drop(stream);
    world.api.wait_for_gone(1).await;
    world.wait_for_log(1).await;
    let log = world.log("outcome, status IS NULL").await;
    assert_eq!(log, [["cancelled", "t"]]);
    assert!(world.api.seen().is_empty(), "{:?}", world.api.seen());
}

#[tokio::test]
async fn a_caller_that_expects_100_continue_gets_it() {
    let world = World::new(|seen| Reply::json(200, &format!("{}", seen.body.len()))).await;
    let mut stream = TcpStream::connect(world.app.address).await.expect("a connection");
    let request = format!(
        "POST /api/v1/connectors/ledger/proxy/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
        world.key
    );
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.expect("an answer");
    assert!(told.starts_with(b"HTTP/1.1 100 Continue\r\n\r\n"), "{told:?}");
    stream.write_all(b"12345").await.expect("the body");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.expect("an answer");
    assert!(rest.ends_with("\r\n\r\n5"), "{rest}");
    assert_eq!(world.api.only().header("expect"), None);
}

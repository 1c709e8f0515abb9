//! Streamed exchanges: bodies in both directions, what frames them, and how they end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connectory::outbound::http::header::{CONTENT_LENGTH, HeaderValue};
use connectory::outbound::http::{HeaderName, Method};
use connectory::outbound::{Body, Bytes, Limits, Request, Response, SendError, Stage, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::scripted::{Scripted, head};
use super::{LIMITS, http_url, outbound};
use crate::support::hostile::{Behaviour, Hostile, answer};

const MIB: u64 = 1024 * 1024;

pub fn outgoing(method: Method, url: &str, body: Body) -> Request {
    http_url(url).request(method, body).expect("an address")
}

pub fn getting(url: &str) -> Request {
    outgoing(Method::GET, url, Body::Empty)
}

/// Opens with a client of its own.
async fn open(request: Request, limits: Limits) -> Result<Response, SendError> {
    outbound().for_worker().open(&Transport::default(), request, limits).await
}

/// Whether a kept connection served.
pub fn is_kept(answer: &Response) -> bool {
    answer.body().connect_time().is_none()
}

/// The rest of a body.
pub async fn read(answer: &mut Response) -> Result<Vec<u8>, SendError> {
    let mut whole = Vec::new();
    while let Some(piece) = answer.body_mut().next().await {
        whole.extend_from_slice(&piece?);
    }
    Ok(whole)
}

/// A body in pieces, and where they are put in.
fn pieces(size: Option<u64>) -> (mpsc::Sender<io::Result<Bytes>>, Body) {
    let (sender, pieces) = mpsc::channel(1);
    (sender, Body::stream(size, pieces))
}

async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come about");
}

fn patient() -> Limits {
    Limits::within(Duration::from_secs(20))
}

#[tokio::test]
async fn bodies_stream_both_ways_and_wait_for_whoever_is_slower() {
    const SIZE: u64 = 64 * MIB;
    let echo = Scripted::start(async |mut stream| {
        let asked = head(&mut stream).await.expect("a request");
        assert!(asked.contains(&format!("content-length: {SIZE}\r\n")), "{asked}");
        let (mut from, mut to) = stream.split();
        let start = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
        to.write_all(start.as_bytes()).await.expect("a client");
        tokio::io::copy(&mut from, &mut to).await.ok();
    })
    .await;
    let (sender, body) = pieces(Some(SIZE));
    let given = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&given);
    tokio::spawn(async move {
        let piece = Bytes::from(vec![b'x'; 65_536]);
        for _ in 0..SIZE / 65_536 {
            sender.send(Ok(piece.clone())).await.expect("a taker");
            counted.fetch_add(65_536, Ordering::SeqCst);
        }
    });
    let request = outgoing(Method::POST, &echo.url(), body);
    let mut answer = open(request, patient()).await.expect("an answer");
    assert_eq!(answer.body().size(), Some(SIZE));

    // Nobody reads: the sockets' buffers fill, and then nothing moves.
    let mut before = u64::MAX;
    while before != given.load(Ordering::SeqCst) {
        before = given.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(before < SIZE / 2, "{before} bytes were taken ahead");

    let mut received = 0;
    while let Some(piece) = answer.body_mut().next().await {
        let piece = piece.expect("a piece");
        assert!(piece.len() <= MIB as usize, "{} at once", piece.len());
        received += piece.len() as u64;
    }
    assert_eq!((received, answer.body().size()), (SIZE, Some(0)));
}

#[tokio::test]
async fn a_body_of_unknown_size_is_chunked_whatever_the_method() {
    let server = Scripted::start(async |mut stream| {
        let asked = head(&mut stream).await.expect("a request");
        assert!(asked.contains("transfer-encoding: chunked\r\n"), "{asked}");
        assert!(!asked.contains("content-length"), "{asked}");
        let mut body = Vec::new();
        while !body.ends_with(b"0\r\n\r\n") {
            body.push(stream.read_u8().await.expect("a byte"));
        }
        let size = body.len();
        let start = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
        stream.write_all(start.as_bytes()).await.expect("a client");
        stream.write_all(&body).await.expect("a client");
    })
    .await;
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let (sender, body) = pieces(None);
        let sending = async move {
            for piece in ["one", "", "two"] {
                sender.send(Ok(piece.into())).await.expect("a taker");
            }
        };
        let opening = open(outgoing(method, &server.url(), body), LIMITS);
        let ((), answer) = tokio::join!(sending, opening);
        let body = read(&mut answer.expect("an answer")).await;
        assert_eq!(body.as_deref(), Ok(&b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"[..]));
    }
}

#[tokio::test]
async fn address_and_body_frame_a_request_whatever_its_headers_say() {
    let server = Hostile::json("{}").await;
    for (body, length) in [(Body::Empty, "0"), (Body::Whole("abc".into()), "3"), (pieces(Some(0)).1, "0")] {
        let mut request = outgoing(Method::POST, &server.url("/a?b=c%20d"), body);
        for (name, value) in [
            ("host", "other.example"),
            ("content-length", "5000"),
            ("transfer-encoding", "chunked"),
            ("connection", "upgrade, x-key"),
            ("upgrade", "websocket"),
            ("keep-alive", "timeout=1"),
            ("proxy-authorization", "Basic czNjcmV0"),
            ("proxy-connection", "keep-alive"),
            ("x-key", "kept"),
        ] {
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        open(request, LIMITS).await.expect("an answer");
        let requests = server.requests();
        let seen = requests.last().expect("a request");
        let host = server.address().to_string();
        let mut expected = [("host", host.as_str()), ("content-length", length), ("x-key", "kept")];
        let mut headers: Vec<_> = seen.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        headers.sort_unstable();
        expected.sort_unstable();
        assert_eq!(headers, expected);
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/a?b=c%20d"));
    }
    let connect = outgoing(Method::CONNECT, &server.url("/"), Body::Empty);
    let refused = open(connect, LIMITS).await.expect_err("no tunnel");
    assert_eq!((refused.stage, refused.sent), (Stage::Request, false));
}

#[tokio::test]
async fn answers_without_a_body_end_with_their_head() {
    for (method, status, length) in [
        (Method::HEAD, 200, Some("5")),
        (Method::HEAD, 404, None),
        (Method::GET, 204, None),
        (Method::GET, 304, Some("5")),
        (Method::GET, 200, Some("0")),
    ] {
        let framing = length.map(|length| format!("Content-Length: {length}\r\n"));
        let head = format!("HTTP/1.1 {status} W\r\n{}\r\n", framing.unwrap_or_default());
        let server = Hostile::start(Behaviour::Answer(head.into_bytes())).await;
        let client = outbound().for_worker();
        for is_reused in [false, true] {
            let request = outgoing(method.clone(), &server.url("/"), Body::Empty);
            let opened = client.open(&Transport::default(), request, LIMITS).await;
            let mut answer = opened.expect("an answer");
            assert_eq!((answer.status().as_u16(), is_kept(&answer)), (status, is_reused));
            let named = answer.headers().get(CONTENT_LENGTH);
            assert_eq!(named.and_then(|value| value.to_str().ok()), length);
            assert_eq!(answer.body().size(), Some(0));
            assert!(answer.body_mut().next().await.is_none());
        }
    }
}

#[tokio::test]
async fn what_comes_before_an_answer_is_skipped_and_a_switch_is_refused() {
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let answer = format!("{early}HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 2\r\n\r\nok");
    let server = Hostile::start(Behaviour::Answer(answer.into_bytes())).await;
    let mut answer = open(getting(&server.url("/")), LIMITS).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().get("link")), (302, None));
    assert_eq!(read(&mut answer).await.as_deref(), Ok(&b"ok"[..]));
    assert_eq!(server.requests().len(), 1, "a redirect is an answer");

    let switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
    let server = Hostile::start(Behaviour::Answer(switching.to_vec())).await;
    let refused = open(getting(&server.url("/")), LIMITS).await.expect_err("no answer");
    assert!(refused.message.contains("status 101"), "{refused:?}");
    until(|| server.closed() == 1).await;
}

#[tokio::test]
async fn compressed_bytes_come_as_they_are() {
    let gzip = [("Content-Encoding", "gzip")];
    let server = Hostile::start(answer(200, &gzip, "not unpacked")).await;
    let mut answer = open(getting(&server.url("/")), LIMITS).await.expect("an answer");
    assert!(answer.headers().contains_key("content-encoding"));
    assert_eq!(read(&mut answer).await.as_deref(), Ok(&b"not unpacked"[..]));
    assert_eq!(server.request().header("accept-encoding"), None);
}

#[tokio::test]
async fn an_exchange_that_is_given_up_ends_at_the_server() {
    let client = outbound();
    for client in [client.for_worker(), client] {
        let silent = Hostile::start(Behaviour::Silence).await;
        let transport = Transport::default();
        let opening = client.open(&transport, getting(&silent.url("/")), patient());
        let given_up = tokio::time::timeout(Duration::from_millis(200), opening).await;
        assert!(given_up.is_err());
        until(|| silent.closed() == 1).await;

        let endless = Hostile::start(Behaviour::EndlessBody).await;
        let opened = client.open(&transport, getting(&endless.url("/")), LIMITS).await;
        let mut answer = opened.expect("an answer");
        assert!(matches!(answer.body_mut().next().await, Some(Ok(_))));
        assert_eq!(endless.closed(), 0);
        drop(answer);
        until(|| endless.closed() == 1).await;

        let (sender, body) = pieces(None);
        let request = outgoing(Method::POST, &silent.url("/"), body);
        let opening = client.open(&transport, request, patient());
        assert!(tokio::time::timeout(Duration::from_millis(100), opening).await.is_err());
        until(|| sender.is_closed()).await;
    }
}

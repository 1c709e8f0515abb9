//! Streamed exchanges that break: hostile framing, pauses, bodies that are not whole, and what is said
//! of how much was sent.

use std::io;
use std::time::Duration;

use connectory::outbound::http::Method;
use connectory::outbound::{Body, Bytes, Limits, SendError, Stage, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::scripted::{Scripted, head};
use super::streaming::{getting, is_kept, outgoing, read};
use super::{LIMITS, outbound};
use crate::support::hostile::{Behaviour, Hostile};

/// What becomes of an exchange: the whole body, or why there is none.
async fn fetched(url: &str) -> Result<Vec<u8>, SendError> {
    let client = outbound().for_worker();
    let opened = client.open(&Transport::default(), getting(url), LIMITS).await;
    match opened {
        Ok(mut answer) => read(&mut answer).await,
        Err(error) => Err(error),
    }
}

fn stream(size: Option<u64>) -> (mpsc::Sender<io::Result<Bytes>>, Body) {
    let (sender, pieces) = mpsc::channel(4);
    (sender, Body::stream(size, pieces))
}

async fn posted(url: &str, body: Body, limits: Limits) -> SendError {
    let client = outbound().for_worker();
    let request = outgoing(Method::POST, url, body);
    let opened = client.open(&Transport::default(), request, limits).await;
    opened.expect_err("no answer")
}

#[tokio::test]
async fn a_wrongly_framed_answer_is_a_failure_and_its_connection_is_closed() {
    for (framing, words) in [
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "does not say clearly"),
        ("Transfer-Encoding: gzip\r\n\r\nok", "does not say clearly"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "does not say clearly"),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "does not say clearly"),
        ("Content-Length: -1\r\n\r\n", "is not HTTP"),
        ("Content-Length: +2\r\n\r\nok", "is not HTTP"),
        ("Content-Length: 99999999999999999999999\r\n\r\n", "is not HTTP"),
        ("Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", "is not HTTP"),
        ("Content-Length: 2\r\nX-Folded: a\r\n b\r\n\r\nok", "is not HTTP"),
        ("Content-Length: 2\r\nX-Nul: a\0b\r\n\r\nok", "is not HTTP"),
        ("Content-Length: 2\r\nX Space: a\r\n\r\nok", "is not HTTP"),
        ("Content-Length : 2\r\n\r\nok", "is not HTTP"),
        ("Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "cannot be decompressed or read"),
        ("Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n", "cannot be decompressed or read"),
        ("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "cannot be decompressed or read"),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n", "cannot be decompressed or read"),
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{framing}").into_bytes();
        let server = Hostile::start(Behaviour::Answer(bytes)).await;
        let failure = fetched(&server.url("/?key=s3cret")).await.expect_err(framing);
        assert_eq!(failure.stage, Stage::Response, "{framing:?}: {failure:?}");
        assert!(failure.message.contains(words), "{framing:?}: {failure:?}");
        assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
        for _ in 0..100 {
            if server.closed() == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(server.closed(), 1, "{framing:?}");
    }
    let headers = "X-A: b\r\n".repeat(120);
    let many = format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes();
    let server = Hostile::start(Behaviour::Answer(many)).await;
    let failure = fetched(&server.url("/")).await.expect_err("too many");
    assert!(failure.message.contains("too large or too many"), "{failure:?}");
}

#[tokio::test]
async fn a_body_that_ends_early_or_pauses_is_told() {
    for (behaviour, layer, words) in [
        (Behaviour::Truncated, Stage::Response, "broke off before its end"),
        (Behaviour::StallInBody, Stage::TimeOut, "sent nothing more of its answer for 0.7 seconds"),
    ] {
        let server = Hostile::start(behaviour).await;
        let failure = fetched(&server.url("/")).await.expect_err("not whole");
        assert_eq!(failure.stage, layer, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
        assert!(failure.message.contains(&server.address().to_string()), "{failure:?}");
    }
}

#[tokio::test]
async fn a_request_may_be_sent_again_only_if_nothing_of_it_was_sent() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = format!("http://{}/", free.local_addr().expect("an address"));
    drop(free);
    for url in
        [closed.as_str(), "http://169.254.169.254/", "http://no-such-host.invalid/", "https://no-such-host.invalid/"]
    {
        let (sender, body) = stream(Some(3));
        sender.send(Ok("abc".into())).await.expect("room");
        let not_opened = posted(url, body.clone(), LIMITS).await;
        assert!(!not_opened.sent && body.is_sendable() && !body.is_repeatable(), "{not_opened:?}");
    }
    for behaviour in
        [Behaviour::Close, Behaviour::Reset, Behaviour::Silence, Behaviour::Garbage, Behaviour::EndlessHeaders]
    {
        let server = Hostile::start(behaviour).await;
        let (sender, body) = stream(Some(3));
        sender.send(Ok("abc".into())).await.expect("room");
        let not_opened = posted(&server.url("/"), body.clone(), LIMITS).await;
        assert!(not_opened.sent && !body.is_sendable(), "{not_opened:?}");
        assert_eq!(server.requests().len(), 1, "nothing is repeated");
    }
}

#[tokio::test]
async fn a_body_that_is_not_as_promised_breaks_the_exchange() {
    let broken = || Err(io::Error::from(io::ErrorKind::ConnectionReset));
    for (size, pieces) in [
        (None, vec![Ok("abc".into()), broken()]),
        (Some(5), vec![Ok("abc".into()), broken()]),
        (Some(5), vec![Ok("abc".into())]),
        (Some(5), vec![Ok("abc".into()), Ok("def".into())]),
    ] {
        let (told, mut heard) = mpsc::channel(1);
        let server = Scripted::start(move |mut stream| {
            let told = told.clone();
            async move {
                // What breaks off at once may not even have begun.
                _ = head(&mut stream).await;
                let mut body = Vec::new();
                stream.read_to_end(&mut body).await.ok();
                told.send(body).await.expect("a listener");
            }
        })
        .await;
        let (sender, body) = stream(size);
        for piece in pieces {
            sender.send(piece).await.expect("room");
        }
        drop(sender);
        let not_opened = posted(&server.url(), body.clone(), LIMITS).await;
        assert_eq!(not_opened.stage, Stage::Request, "{not_opened:?}");
        assert!(not_opened.sent && !body.is_sendable());
        let body = heard.recv().await.expect("what was sent");
        assert!(body.len() < 5 || size.is_none(), "never as long as promised");
        assert!(!body.ends_with(b"0\r\n\r\n"), "never closed as if it were whole");
    }
}

#[tokio::test]
async fn a_request_body_that_pauses_is_told_from_a_server_that_takes_none() {
    let server = Scripted::start(async |mut stream| {
        head(&mut stream).await.expect("a request");
        std::future::pending::<()>().await;
    })
    .await;
    let (sender, body) = stream(None);
    let waiting = posted(&server.url(), body, LIMITS).await;
    assert_eq!(waiting.stage, Stage::Request, "{waiting:?}");
    assert!(waiting.message.contains("for 0.7 seconds"), "{waiting:?}");
    sender.closed().await;

    let (sender, body) = stream(None);
    let filling = tokio::spawn(async move {
        let piece = Bytes::from(vec![0; 1024 * 1024]);
        while sender.send(Ok(piece.clone())).await.is_ok() {}
    });
    let full = posted(&server.url(), body, LIMITS).await;
    assert_eq!(full.stage, Stage::TimeOut, "{full:?}");
    assert!(full.message.contains("took nothing more"), "{full:?}");
    filling.await.expect("the body's end");
}

#[tokio::test]
async fn a_slow_body_does_not_use_up_the_time_for_the_answer() {
    let server = Scripted::start(async |mut stream| {
        head(&mut stream).await.expect("a request");
        stream.read_exact(&mut [0; 10]).await.expect("a body");
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        stream.write_all(answer).await.expect("a client");
    })
    .await;
    let (sender, body) = stream(Some(10));
    tokio::spawn(async move {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            sender.send(Ok("x".into())).await.expect("a taker");
        }
    });
    let request = outgoing(Method::POST, &server.url(), body);
    let client = outbound().for_worker();
    let opened = client.open(&Transport::default(), request, LIMITS).await;
    let mut answer = opened.expect("an answer after a second");
    assert_eq!(read(&mut answer).await.as_deref(), Ok(&b"ok"[..]));
}

#[tokio::test]
async fn an_answer_may_come_before_the_request_is_whole() {
    let (told, mut heard) = mpsc::channel(1);
    let server = Scripted::start(move |mut stream| {
        let told = told.clone();
        async move {
            head(&mut stream).await.expect("a request");
            let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!";
            stream.write_all(answer).await.expect("a client");
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.ok();
            told.send(()).await.expect("a listener");
        }
    })
    .await;
    let client = outbound().for_worker();
    for _ in 0..2 {
        let (sender, body) = stream(Some(1_000));
        sender.send(Ok("abc".into())).await.expect("room");
        let request = outgoing(Method::POST, &server.url(), body);
        let opened = client.open(&Transport::default(), request, LIMITS).await;
        let mut answer = opened.expect("an answer");
        assert_eq!((answer.status().as_u16(), is_kept(&answer)), (413, false));
        assert_eq!(read(&mut answer).await.as_deref(), Ok(&b"no!"[..]));
        heard.recv().await.expect("the connection is closed");
        sender.closed().await;
    }
    assert_eq!(server.connections(), 2);
}

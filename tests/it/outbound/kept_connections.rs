//! Which connections serve a second exchange, and which never do.

use std::time::Duration;

use connectory::outbound::http::Method;
use connectory::outbound::{Body, Outbound, Transport};
use tokio::io::AsyncWriteExt;

use super::proxies::through;
use super::scripted::{Scripted, head};
use super::streaming::{getting, is_kept, outgoing, read};
use super::{LIMITS, http_url, outbound, unverified};
use crate::support::forward_proxy::ForwardProxy;
use crate::support::hostile::{Behaviour, Hostile, Issued, answer};

/// Asks once; gives whether a kept connection served.
async fn is_reused(client: &Outbound, transport: &Transport, url: &str) -> bool {
    let opened = client.open(transport, getting(url), LIMITS).await;
    let mut answer = opened.expect("an answer");
    read(&mut answer).await.expect("its body");
    is_kept(&answer)
}

#[tokio::test]
async fn a_connection_serves_one_exchange_after_another() {
    let server = Hostile::json("{}").await;
    let client = outbound().for_worker();
    for turn in 0..50 {
        let reused = is_reused(&client, &Transport::default(), &server.url("/")).await;
        assert_eq!(reused, turn > 0);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn exchanges_at_the_same_time_have_a_connection_each() {
    let server = Hostile::json("{}").await;
    let client = outbound().for_worker();
    let (transport, url) = (Transport::default(), server.url("/"));
    let three = || async {
        let ask = || is_reused(&client, &transport, &url);
        tokio::join!(ask(), ask(), ask())
    };
    assert_eq!(three().await, (false, false, false));
    assert_eq!(three().await, (true, true, true));
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_replaced_unseen() {
    let (told, mut heard) = tokio::sync::mpsc::channel(1);
    let server = Scripted::start(move |mut stream| {
        let told = told.clone();
        async move {
            head(&mut stream).await.expect("a request");
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer).await.expect("a client");
            drop(stream);
            told.send(()).await.expect("a listener");
        }
    })
    .await;
    let client = outbound().for_worker();
    for turn in 1..=3 {
        // One of which nothing may be lost, for nobody could send it again.
        let request = outgoing(Method::POST, &server.url(), Body::Whole("abc".into()));
        let opened = client.open(&Transport::default(), request, LIMITS).await;
        let mut answer = opened.expect("an answer");
        assert!(!is_kept(&answer));
        assert_eq!(read(&mut answer).await.as_deref(), Ok(&b"ok"[..]));
        assert_eq!(server.connections(), turn);
        heard.recv().await.expect("a closed connection");
    }
}

#[tokio::test]
async fn a_connection_is_not_kept_against_the_servers_will() {
    for (header, is_kept) in [
        (("Connection", "close"), false),
        (("Keep-Alive", "timeout=1"), true),
        (("Keep-Alive", "timeout=5, max=100"), true),
        (("Keep-Alive", "soon"), true),
    ] {
        let server = Hostile::start(answer(200, &[header], "ok")).await;
        let client = outbound().for_worker();
        for turn in 0..2 {
            let reused = is_reused(&client, &Transport::default(), &server.url("/")).await;
            assert_eq!(reused, is_kept && turn > 0, "{header:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_was_not_asked_for_is_nobodys() {
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\
        HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let server = Hostile::start(Behaviour::Answer(twice.into())).await;
    let client = outbound().for_worker();
    for _ in 0..3 {
        let request = getting(&server.url("/"));
        let opened = client.open(&Transport::default(), request, LIMITS).await;
        let mut answer = opened.expect("an answer");
        assert!(!is_kept(&answer));
        assert_eq!(read(&mut answer).await.as_deref(), Ok(&b"ok"[..]));
    }
}

#[tokio::test]
async fn only_equal_settings_share_connections() {
    let server = Hostile::json("{}").await;
    let proxy = ForwardProxy::start().await;
    let client = outbound().for_worker();
    let url = server.url("/");
    let direct = Transport::default();
    let proxied = through(&proxy.url(), direct.clone());
    for (transport, by_proxy) in [(&direct, 0), (&proxied, 1), (&unverified(), 1)] {
        assert!(!is_reused(&client, transport, &url).await);
        assert_eq!(proxy.asked().len(), by_proxy);
    }
    assert!(is_reused(&client, &direct, &url).await);
    assert!(is_reused(&client, &unverified(), &url).await);

    let identity = Issued::self_signed("127.0.0.1");
    let secure = Hostile::start_tls(answer(200, &[], "ok"), &identity, None).await;
    let url = secure.url("/");
    assert!(!is_reused(&client, &unverified(), &url).await);
    assert!(is_reused(&client, &unverified(), &url).await);
    let checked = client.open(&direct, getting(&url), LIMITS).await;
    let refused = checked.expect_err("an unknown certificate");
    assert!(!refused.sent);
    assert_eq!(secure.requests().len(), 2);
}

#[tokio::test]
async fn each_worker_has_connections_of_its_own() {
    let server = Hostile::json("{}").await;
    let main = outbound();
    let (one, other) = (main.for_worker(), main.for_worker());
    for client in [&main, &one, &other] {
        assert!(!is_reused(client, &Transport::default(), &server.url("/")).await);
        assert!(is_reused(&client.clone(), &Transport::default(), &server.url("/")).await);
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_opened_on_the_main_runtime_is_read_on_another() {
    let server = Hostile::json("{}").await;
    let client = outbound();
    for is_second in [false, true] {
        let (client, url) = (client.clone(), server.url("/"));
        let worker = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let transport = Transport::default();
            let asked = is_reused(&client, &transport, &url);
            runtime.expect("a runtime").block_on(asked)
        });
        let reused = tokio::task::spawn_blocking(move || worker.join()).await;
        assert!(matches!(reused, Ok(Ok(reused)) if reused == is_second));
    }
    let unused = http_url(&server.url("/"));
    assert!(
        client
            .test_connection(&Transport::default(), &unused, LIMITS, chrono::DateTime::UNIX_EPOCH)
            .await
            .certificate
            .is_none()
    );
    drop(client);
    for _ in 0..100 {
        if server.closed() == server.connections() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("an idle connection outlives its client");
}

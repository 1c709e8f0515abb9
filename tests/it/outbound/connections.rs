//! Where connections are made: never to a refused address, kept for the next request, and told
//! apart when there is none.

use std::net::SocketAddr;
use std::sync::Arc;

use connectory::outbound::{Outbound, Policy, Stage, Transport};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::streaming::getting;
use super::{LIMITS, failure, fetch, outbound, policy, with_ca};
use crate::support::hostile::{Authority, Hostile, full_queue};

#[tokio::test]
async fn connections_that_cannot_be_made_are_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = free.local_addr().expect("an address");
    drop(free);
    let (full, _filling) = full_queue().await;
    let outbound = outbound();
    for (url, layer, words) in [
        (format!("http://{closed}/"), Stage::Connection, "refused the connection"),
        ("http://no-such-host.invalid/".to_owned(), Stage::NameLookup, "“no-such-host.invalid”"),
        (format!("http://{}/", full.local_addr().expect("an address")), Stage::TimeOut, "within 0.5 seconds"),
    ] {
        let failure = failure(fetch(&outbound, &Transport::default(), &url).await);
        assert_eq!(failure.stage, layer, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
    }
}

#[tokio::test]
async fn refused_addresses_are_never_connected_to() {
    let server = Hostile::json("{}").await;
    let port = server.address().port();
    let rules = |rules: &[&str]| Some(rules.iter().map(|r| r.parse().expect("a rule")).collect());
    let own = |address: SocketAddr| Policy { own: vec![address], ..policy() };
    let listed = |list: &[&str]| Policy { only: rules(list), ..policy() };
    let anywhere = SocketAddr::from(([0, 0, 0, 0], port));
    let wrong_port = format!("localhost:{}", port.wrapping_add(1).max(1));
    for (policy, url) in [
        (Policy::default(), server.url("/")),
        (Policy::default(), server.url_by_name("/")),
        (Policy::default(), format!("http://2130706433:{port}/")),
        (Policy::default(), format!("http://[::ffff:7f00:1]:{port}/")),
        (policy(), format!("http://0:{port}/")),
        (policy(), format!("http://[::]:{port}/")),
        (policy(), "http://169.254.169.254/latest/meta-data/".to_owned()),
        (own(server.address()), server.url("/")),
        (own(server.address()), server.url_by_name("/")),
        (own(anywhere), server.url_by_name("/")),
        (listed(&["10.0.0.0/8", "*.localhost"]), server.url_by_name("/")),
        (listed(&[&wrong_port]), server.url_by_name("/")),
    ] {
        let outbound = Outbound::new(policy).expect("a runtime");
        let failure = failure(fetch(&outbound, &Transport::default(), &url).await);
        assert_eq!(failure.stage, Stage::AddressRefused, "{url}: {failure:?}");
    }
    assert_eq!(server.connections(), 0);

    for list in [&["127.0.0.0/8", "::1"][..], &["localhost"]] {
        let outbound = Outbound::new(listed(list)).expect("a runtime");
        let reply = fetch(&outbound, &Transport::default(), &server.url_by_name("/")).await;
        assert!(reply.is_ok(), "{:?}", reply.err());
    }
}

#[tokio::test]
async fn a_server_chooses_between_http_2_and_1_1() {
    let authority = Authority::new("Ours");
    let acceptor = authority.issue("127.0.0.1").acceptor(None);
    for (offered, first) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(b"PRI * HTTP/2.0")),
        (&[b"h2"], Some(b"PRI * HTTP/2.0")),
        (&[b"http/1.1"], Some(b"GET / HTTP/1.1")),
        (&[b"imap"], None),
    ] {
        let mut config = acceptor.config().as_ref().clone();
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://{}/", listener.local_addr().expect("an address"));
        let (outbound, transport) = (outbound(), with_ca(&authority));
        let streamed = outbound.for_worker();
        let first_bytes = async || {
            let (socket, _) = listener.accept().await.expect("a connection");
            let accepting = TlsAcceptor::from(Arc::new(config.clone())).accept(socket);
            let mut stream = accepting.await.ok()?;
            let mut line = [0; 14];
            stream.read_exact(&mut line).await.ok()?;
            Some(line)
        };
        let (line, reply) = tokio::join!(first_bytes(), fetch(&outbound, &transport, &url));
        let opening = streamed.open(&transport, getting(&url), LIMITS);
        let (streamed_line, opened) = tokio::join!(first_bytes(), opening);
        assert_eq!((line.as_ref(), streamed_line.as_ref()), (first, first));
        for error in [failure(reply), opened.expect_err("no answer")] {
            let words = "speaks neither HTTP/1.1 nor HTTP/2";
            assert_eq!(error.message.contains(words), first.is_none(), "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_outlives_the_worker_that_opened_it() {
    let server = Hostile::json("{}").await;
    let client = outbound();
    for _ in 0..3 {
        let (client, url) = (client.clone(), server.url("/"));
        let worker = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let transport = Transport::default();
            let fetched = fetch(&client, &transport, &url);
            runtime.expect("a runtime").block_on(fetched).is_ok()
        });
        let fetched = tokio::task::spawn_blocking(move || worker.join()).await;
        assert!(matches!(fetched, Ok(Ok(true))));
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
}

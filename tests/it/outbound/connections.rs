//! Where connections are made: never to a refused address, kept for the next request, and told
//! apart when there is none.

use std::net::SocketAddr;
use std::sync::Arc;

use connectory::outbound::{Layer, Outbound, Policy, Transport};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{failure, fetch, outbound, policy, with_ca};
use crate::support::hostile::{Authority, Hostile, full_queue};

#[tokio::test]
async fn connections_that_cannot_be_made_are_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = free.local_addr().expect("an address");
    drop(free);
    let (full, _filling) = full_queue().await;
    let outbound = outbound();
    for (url, layer, words) in [
        (format!("http://{closed}/"), Layer::Connection, "refused the connection"),
        ("http://no-such-host.invalid/".to_owned(), Layer::NameLookup, "“no-such-host.invalid”"),
        (format!("http://{}/", full.local_addr().expect("an address")), Layer::TimeOut, "within 0.5 seconds"),
    ] {
        let failure = failure(fetch(&outbound, &Transport::default(), &url).await);
        assert_eq!(failure.layer, layer, "{failure:?}");
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
        assert_eq!(failure.layer, Layer::AddressRefused, "{url}: {failure:?}");
    }
    assert_eq!(server.connections(), 0);

    for list in [&["127.0.0.0/8", "::1"][..], &["localhost"]] {
        let outbound = Outbound::new(listed(list)).expect("a runtime");
        let reply = fetch(&outbound, &Transport::default(), &server.url_by_name("/")).await;
        assert!(reply.is_ok(), "{:?}", reply.err());
    }
}

#[tokio::test]
async fn a_server_is_spoken_to_in_http_1_1_even_if_it_would_rather_have_2() {
    let authority = Authority::new("Ours");
    let acceptor = authority.issue("127.0.0.1").acceptor(None);
    for (offered, is_spoken) in [(&[&b"h2"[..], b"http/1.1"][..], true), (&[b"h2"], false)] {
        let mut config = acceptor.config().as_ref().clone();
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://{}/", listener.local_addr().expect("an address"));
        let first_bytes = async {
            let (socket, _) = listener.accept().await.expect("a connection");
            let accepting = TlsAcceptor::from(Arc::new(config)).accept(socket);
            let mut stream = accepting.await.ok()?;
            let mut line = [0; 14];
            stream.read_exact(&mut line).await.ok()?;
            Some(line)
        };
        let (outbound, transport) = (outbound(), with_ca(&authority));
        let (line, reply) = tokio::join!(first_bytes, fetch(&outbound, &transport, &url));
        assert_eq!(line.is_some(), is_spoken);
        let failure = failure(reply);
        if is_spoken {
            assert_eq!(line.as_ref(), Some(b"GET / HTTP/1.1"));
        } else {
            let words = "does not speak HTTP/1.1";
            assert!(failure.message.contains(words), "{failure:?}");
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

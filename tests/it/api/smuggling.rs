//! Nobody gets a second request past Connectory, or a header that it does not mean.

use super::*;

/// Sends bytes and gives what the API saw.
async fn seen(world: &World, request: &str) -> (u16, Vec<Seen>) {
    let before = world.api.seen().len();
    let request = request.replace("KEY", &world.key);
    let status = world.app.raw(request.as_bytes()).await.status;
    (status, world.api.seen().split_off(before))
}

#[tokio::test]
async fn unclear_lengths_are_refused_or_made_clear() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let start = "POST /api/v1/connectors/ledger/proxy/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n";
    let smuggled = "GET /api/v1/connectors/ledger/proxy/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        "Content-Length: +5\r\n\r\n12345",
        "Content-Length: 5, 5\r\n\r\n12345",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 99999999999999999999999\r\n\r\n",
    ] {
        let (status, seen) = seen(&world, &format!("{start}{framing}{smuggled}")).await;
        assert!(status != 500, "{framing:?}");
        for seen in &seen {
            assert!(!seen.target.contains("smuggled"), "{framing:?}: {seen:?}");
            let lengths =
                seen.headers.iter().filter(|(name, _)| name == "content-length" || name == "transfer-encoding");
            assert!(lengths.count() <= 1, "{framing:?}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn line_breaks_and_odd_names_do_not_become_headers() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    for odd in [
        "X-A: 1\nX-Smuggled: 1\r\n",
        "X-A: 1\rX-Smuggled: 1\r\n",
        "X-A: 1\r\n X-Smuggled: folded\r\n",
        "X-Smuggled\u{0}: 1\r\n",
        "X Smuggled: 1\r\n",
        "X-A: \u{0}\r\n",
        ": x-smuggled\r\n",
    ] {
        let request = format!(
            "GET /api/v1/connectors/ledger/proxy/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n{odd}\r\n"
        );
        let (status, all) = seen(&world, &request).await;
        assert!(status != 500, "{odd:?}");
        for seen in all {
            let smuggled = seen.headers.iter().find(|(name, _)| name.contains("smuggled"));
            assert!(smuggled.is_none() || odd.starts_with("X-A: 1\nX"), "{odd:?}: {seen:?}");
        }
    }
    for target in ["/x%0d%0aX-Smuggled:%201", "/x?a=%0d%0aX-Smuggled:%201"] {
        let (status, all) = seen(&world, &format!("GET /api/v1/connectors/ledger/proxy{target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(status, 200);
        assert!(all[0].target.ends_with(target) && all[0].header("x-smuggled").is_none());
    }
}

#[tokio::test]
async fn other_protocols_are_refused_with_a_reason() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let upgrade = world
        .request("GET", "/ledger/proxy/socket")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13");
    let answer = Answer::of(upgrade).await;
    assert_eq!((answer.status, answer.problem().as_str()), (501, "upgrade_not_supported"));
    assert!(world.api.seen().is_empty());
    let custom = Answer::of(world.request("PROPFIND", "/ledger/proxy/x")).await;
    assert_eq!((custom.status, world.api.only().method.as_str()), (200, "PROPFIND"));
}

#[tokio::test]
async fn hop_by_hop_and_network_headers_are_not_sent() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let request = world
        .request("GET", "/ledger/proxy/x")
        .header("X-Forwarded-For", "10.1.2.3")
        .header("Forwarded", "for=10.1.2.3")
        .header("X-Real-IP", "10.1.2.3")
        .header("Via", "1.1 inner")
        .header("TE", "trailers")
        .header("X-Hop", "1")
        .header("Connection", "X-Hop")
        .header("Proxy-Authorization", "Basic x")
        .header("X-Trace", "kept");
    assert_eq!(Answer::of(request).await.status, 200);
    let seen = world.api.only();
    assert_eq!(seen.header("x-trace"), Some("kept"));
    assert!(seen.header("via").is_some_and(|via| via.starts_with("1.1 connectory-")));
    assert_eq!(seen.header("host"), Some(&*world.api.address.to_string()));
    assert!(!format!("{seen:?}").contains("10.1.2.3"));
    for gone in ["x-hop", "te", "proxy-authorization", "forwarded", "x-real-ip"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
}

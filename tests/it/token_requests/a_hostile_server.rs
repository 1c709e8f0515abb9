//! Servers that misbehave become pages in words.

use super::*;

/// The connector's time-out, and what a busy machine adds.
const AT_MOST: Duration = Duration::from_secs(10 + 5);

#[tokio::test]
async fn becomes_a_page_in_words_whatever_it_does() {
    let app = TestApp::start().await;
    bearer(&app).await;
    app.sql("UPDATE authorizations SET time_out = 10").await;
    let other = Hostile::json("{}").await;
    let moved = other.url("/elsewhere");
    let html = "<html><title>Sign in</title><h1>Please sign in</h1></html>";
    let kind = [("Content-Type", "text/html")];
    let json = [("Content-Type", "application/json")];
    let cases = [
        (Behaviour::Silence, "did not answer within 10 seconds."),
        (Behaviour::SlowHeaders, "did not answer within 10 seconds."),
        (Behaviour::StallInBody, "did not finish its answer within 10 seconds."),
        (Behaviour::EndlessBody, "The contents of the answer of "),
        (Behaviour::GzipBomb, "The contents of the answer of "),
        (Behaviour::FalseGzip, "cannot be decompressed or read."),
        (Behaviour::Truncated, "broke off before its end."),
        (Behaviour::EndlessHeaders, "headers of the answer of "),
        (Behaviour::Garbage, "is not HTTP."),
        (Behaviour::Banner, "is not HTTP."),
        (Behaviour::Close, "closed the connection without an answer."),
        (Behaviour::Reset, "closed the connection without an answer."),
        (Behaviour::Echo, "The server answered 400 (Bad Request)."),
        (answer(500, &kind, html), "The server answered 500 (Internal Server Error)."),
        (answer(200, &kind, html), "The server answered with a web page, not with a token."),
        (answer(302, &[("Location", &moved)], ""), "The server redirects to “"),
        (
            answer(302, &[("Location", "javascript:alert(1)")], ""),
            "The server answered 302 (Found), but to no usable address.",
        ),
        (answer(200, &json, r#"{"status":"ok"}"#), "The answer has no token. Its members are status."),
        (answer(200, &json, r#"{"error":"invalid_grant"}"#), "The server answered with an error in place of a token."),
        (
            answer(200, &json, r#"{"access_token":"two words"}"#),
            "What the answer has as token (access_token) is longer than 16 KiB or has spaces",
        ),
        (
            answer(200, &json, "{\"access_token\":\"a\\r\\nX-Injected: 1\"}"),
            "What the answer has as token (access_token) is longer than 16 KiB or has spaces",
        ),
        (answer(200, &json, ""), "The server's answer is empty."),
        (answer(200, &json, "[[[["), "The server answered with a text, not with JSON."),
        (answer(200, &json, &"[".repeat(100_000)), "The server answered with a text, not with JSON."),
        (answer(204, &[], ""), "The server's answer is empty."),
        (answer(999, &json, "{}"), ""),
    ];
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(REQUEST).await;
    let ask = async |(behaviour, words): (Behaviour, &'static str)| {
        let server = Hostile::start(behaviour).await;
        let started = Instant::now();
        let form = page
            .form(REQUEST)
            .set("token_url", &server.url("/token?a=b"))
            .set("token_user", "ana")
            .set("token_password", CANARY);
        let page = form.send().await.expect(200);
        assert!(started.elapsed() < AT_MOST, "{words}: {:?}", started.elapsed());
        let said = refusal(&page);
        assert!(said[0].contains(words), "{words}: {said:?}");
        let is_slow = words.ends_with("within 10 seconds.");
        assert_eq!(said[1].contains("Time-out in seconds"), is_slow, "{said:?}");
        assert!(said.iter().all(|text| !text.is_empty()) && said.len() >= 2, "what to try is missing: {said:?}");
        assert!(
            !page.html.contains(CANARY) && !page.html.contains("<h1>Please") && !page.html.contains("X-Injected"),
            "{said:?}"
        );
        assert_eq!((page.field_value("token_user").as_str(), page.field_value("token_password").as_str()), ("ana", ""));
        // What the limit lets through, and what fits into the sockets' buffers.
        assert!(server.body_bytes() < 16 * 1024 * 1024, "{words}: {} bytes", server.body_bytes());
    };
    join_all(cases.map(ask)).await;
    assert!(other.requests().is_empty(), "no redirect was followed");
    assert_eq!(app.count("SELECT count(*) FROM token_requests").await, 0);
    ana.get("/connectors").await.expect(200);
}

#[tokio::test]
async fn is_not_talked_to_when_there_is_no_way_to_it() {
    let app = TestApp::start().await;
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = free.local_addr().expect("an address");
    drop(free);
    for (url, words) in [
        (format!("http://{closed}/token"), "refused the connection."),
        ("https://no-such-host.invalid/token".into(), "“no-such-host.invalid”"),
    ] {
        let page = ask(&ana, &url, "ana", CANARY).await.expect(200);
        assert!(refusal(&page)[0].contains(words), "{:?}", refusal(&page));
    }
}

#[tokio::test]
async fn is_trusted_only_as_the_connector_says() {
    let authority = Authority::new("Ours");
    let (issued, alone) = (authority.issue("127.0.0.1"), Issued::self_signed("127.0.0.1"));
    let token = answer(200, &[("Content-Type", "application/json")], r#"{"access_token":"the-token"}"#);
    let (known, stranger) =
        (Hostile::start_tls(token.clone(), &issued, None).await, Hostile::start_tls(token, &alone, None).await);
    let app = TestApp::start().await;
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let words = "is self-signed, or its issuer is not known here.";
    for server in [&known, &stranger] {
        let page = ask(&ana, &server.url("/token"), "ana", CANARY).await.expect(200);
        assert!(refusal(&page)[0].ends_with(words), "{:?}", refusal(&page));
    }
    ana.get(TAB).await.form(TAB).set("ca_certificate", &authority.pem()).send().await.expect(303);
    assert_eq!(ask(&ana, &known.url("/token"), "ana", CANARY).await.field_value("access_token"), "the-token");
    assert!(refusal(&ask(&ana, &stranger.url("/token"), "ana", CANARY).await)[0].ends_with(words));

    ana.get(TAB)
        .await
        .form(TAB)
        .set("ca_certificate", "")
        .untick("verify", "yes")
        .forge("verify_off", "yes")
        .send()
        .await
        .expect(303);
    for server in [&known, &stranger] {
        let page = ask(&ana, &server.url("/token"), "ana", CANARY).await.expect(200);
        assert_eq!(page.field_value("access_token"), "the-token");
    }
}

#[tokio::test]
async fn that_asks_for_a_client_certificate_gets_the_connectors() {
    let authority = Authority::new("Ours");
    let (servers, clients) = (authority.issue("127.0.0.1"), authority.issue("client"));
    let token = answer(200, &[("Content-Type", "application/json")], r#"{"access_token":"the-token"}"#);
    let server = Hostile::start_tls(token, &servers, Some(&authority)).await;
    let app = TestApp::start().await;
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let with_ca = ana.get(TAB).await.form(TAB).set("ca_certificate", &authority.pem());
    with_ca.send().await.expect(303);
    let page = ask(&ana, &server.url("/token"), "ana", CANARY).await.expect(200);
    assert!(refusal(&page)[0].ends_with("asks for a client certificate."), "{:?}", refusal(&page));
    let with_identity = ana
        .get(TAB)
        .await
        .form(TAB)
        .set("client_certificate", &clients.certificate_pem)
        .set("client_key", &clients.key_pem);
    with_identity.send().await.expect(303);
    assert_eq!(ask(&ana, &server.url("/token"), "ana", CANARY).await.field_value("access_token"), "the-token");
}

#[tokio::test]
async fn holds_no_database_connection_while_it_is_waited_for() {
    let app = TestApp::start_with(|site| (site.workers, site.connections) = (1, 2)).await;
    bearer(&app).await;
    let server = Hostile::start(Behaviour::Silence).await;
    let ana = app.person(&[EditConnectors, ViewActivity]).await;
    let page = ana.get(REQUEST).await;
    let slow = join_all((0..5).map(|_| page.form(REQUEST).set("token_url", &server.url("/token")).send()));
    let meanwhile = async {
        while server.requests().len() < 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for path in ["/connectors", TAB, REQUEST, "/connectors/payroll/activity", "/readyz"] {
            let started = Instant::now();
            ana.get(path).await.expect(200);
            assert!(started.elapsed() < Duration::from_secs(3), "{path} took {:?}", started.elapsed());
        }
    };
    tokio::select! {
        _ = slow => panic!("the requests were to last longer than the pages"),
        () = meanwhile => {}
    }
}

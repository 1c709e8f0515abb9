//! The HTTP client and token requests against a server that behaves badly on purpose.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use connectory::oauth::{
    ExpirySource, Refusal, RefusalLayer, RequestStyle, Token, TokenLocation, TokenRequest,
    request_token,
};
use connectory::outbound::{
    Failure, HttpUrl, Identity, Layer, Limits, Method, Outbound, Policy, Reply, Request, Transport,
};
use connectory::vault::Secret;

use serde_json::json;

use crate::support::hostile::{Authority, Behaviour, Hostile, Issued, answer, full_queue};

/// Short, so that no test waits long.
const LIMITS: Limits = Limits {
    connect: Duration::from_millis(500),
    total: Duration::from_millis(700),
    body: 1024 * 1024,
    headers: 64 * 1024,
};

fn policy() -> Policy {
    Policy {
        allow_loopback: true,
        ..Policy::default()
    }
}

fn outbound() -> Outbound {
    Outbound::new(policy()).expect("a runtime")
}

fn http_url(url: &str) -> HttpUrl {
    HttpUrl::parse(url).expect("an address")
}

fn get(url: &str) -> Request {
    Request::new(Method::Get, http_url(url))
}

async fn fetch(outbound: &Outbound, transport: &Transport, url: &str) -> Result<Reply, Failure> {
    outbound.send(transport, get(url), LIMITS).await
}

/// The failure, told from an answer without printing one.
fn failure(result: Result<Reply, Failure>) -> Failure {
    match result {
        Ok(reply) => panic!("an answer with status {}", reply.status),
        Err(failure) => failure,
    }
}

fn with_ca(authority: &Authority) -> Transport {
    Transport {
        ca_pem: Some(authority.pem()),
        ..Transport::default()
    }
}

fn unverified() -> Transport {
    Transport {
        verify: false,
        ..Transport::default()
    }
}

#[tokio::test]
async fn an_answer_comes_back_whole_and_the_request_as_made() {
    let headers = [
        ("Content-Type", "text/plain"),
        ("X-Two", "a"),
        ("X-Two", "b"),
    ];
    let server = Hostile::start(answer(404, &headers, "grüezi")).await;
    let request = Request::new(Method::Put, http_url(&server.url("/a?b=c%20d")))
        .header("X-Key", "ä b")
        .body("{}");
    let reply = outbound()
        .send(&Transport::default(), request, LIMITS)
        .await
        .expect("an answer");
    assert_eq!((reply.status, reply.reason()), (404, Some("Not Found")));
    assert_eq!(reply.body, "grüezi".as_bytes());
    assert_eq!(reply.header("x-two"), Some("a"));
    assert!(
        reply
            .headers
            .contains(&("x-two".to_owned(), "b".to_owned()))
    );
    let request = server.request();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("PUT", "/a?b=c%20d")
    );
    assert_eq!(request.header("x-key"), Some("ä b"));
    assert_eq!(request.header("user-agent"), Some("Connectory"));
    assert_eq!(
        (request.header("referer"), request.body.as_str()),
        (None, "{}")
    );
}

#[tokio::test]
async fn every_hostile_behaviour_becomes_a_sentence_in_time() {
    let huge = "y".repeat(70 * 1024);
    let outbound = outbound();
    for (behaviour, layer, words) in [
        (
            Behaviour::Silence,
            Layer::TimeOut,
            "did not answer within 0.7 seconds",
        ),
        (
            Behaviour::SlowHeaders,
            Layer::TimeOut,
            "did not answer within 0.7 seconds",
        ),
        (
            Behaviour::StallInBody,
            Layer::TimeOut,
            "did not finish its answer within 0.7 seconds",
        ),
        (Behaviour::EndlessBody, Layer::Answer, "larger than 1 MiB"),
        (Behaviour::GzipBomb, Layer::Answer, "larger than 1 MiB"),
        (
            Behaviour::FalseGzip,
            Layer::Answer,
            "cannot be decompressed",
        ),
        (
            Behaviour::Truncated,
            Layer::Answer,
            "broke off before its end",
        ),
        (
            Behaviour::EndlessHeaders,
            Layer::Answer,
            "headers of the answer",
        ),
        (
            answer(200, &[("X-Huge", &huge)], ""),
            Layer::Answer,
            "larger than 64 KiB",
        ),
        (Behaviour::Garbage, Layer::Answer, "is not HTTP"),
        (Behaviour::Banner, Layer::Answer, "is not HTTP"),
        (Behaviour::Close, Layer::Connection, "closed the connection"),
        (Behaviour::Reset, Layer::Connection, "closed the connection"),
    ] {
        let server = Hostile::start(behaviour).await;
        let started = Instant::now();
        let url = server.url("/path?key=s3cret");
        let failure = failure(fetch(&outbound, &Transport::default(), &url).await);
        assert_eq!(failure.layer, layer, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
        assert!(
            failure.message.contains(&server.address().to_string()),
            "{failure:?}"
        );
        assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
        assert!(!failure.remedy.is_empty());
        assert!(
            started.elapsed() < Duration::from_millis(1500),
            "{failure:?}"
        );
        // What the limit lets through, and what fits into the sockets' buffers.
        assert!(
            server.body_bytes() < 16 * 1024 * 1024,
            "{} bytes taken",
            server.body_bytes()
        );
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_ends_at_the_server() {
    let server = Hostile::start(Behaviour::Silence).await;
    let limits = Limits {
        total: Duration::from_secs(60),
        ..LIMITS
    };
    let client = outbound();
    let transport = Transport::default();
    let sending = client.send(&transport, get(&server.url("/")), limits);
    let given_up = tokio::time::timeout(Duration::from_millis(200), sending).await;
    assert!(given_up.is_err());
    for _ in 0..100 {
        if server.closed() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the connection is still open");
}

#[tokio::test]
async fn connections_that_cannot_be_made_are_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = free.local_addr().expect("an address");
    drop(free);
    let (full, _filling) = full_queue().await;
    let outbound = outbound();
    for (url, layer, words) in [
        (
            format!("http://{closed}/"),
            Layer::Connection,
            "refused the connection",
        ),
        (
            "http://no-such-host.invalid/".to_owned(),
            Layer::NameLookup,
            "“no-such-host.invalid”",
        ),
        (
            format!("http://{}/", full.local_addr().expect("an address")),
            Layer::TimeOut,
            "within 0.5 seconds",
        ),
    ] {
        let failure = failure(fetch(&outbound, &Transport::default(), &url).await);
        assert_eq!(failure.layer, layer, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let other = Hostile::json("{}").await;
    let location = other.url("/stolen");
    let server = Hostile::start(answer(302, &[("Location", &location)], "")).await;
    let request = get(&server.url("/")).header("Authorization", "Bearer s3cret");
    let reply = outbound()
        .send(&Transport::default(), request, LIMITS)
        .await
        .expect("an answer");
    assert_eq!(
        (reply.status, reply.header("location")),
        (302, Some(location.as_str()))
    );
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn refused_addresses_are_never_connected_to() {
    let server = Hostile::json("{}").await;
    let port = server.address().port();
    let rules = |rules: &[&str]| Some(rules.iter().map(|r| r.parse().expect("a rule")).collect());
    let own = |address: SocketAddr| Policy {
        own: vec![address],
        ..policy()
    };
    let listed = |list: &[&str]| Policy {
        only: rules(list),
        ..policy()
    };
    let anywhere = SocketAddr::from(([0, 0, 0, 0], port));
    let wrong_port = format!("localhost:{}", port.wrapping_add(1).max(1));
    for (policy, url) in [
        (Policy::default(), server.url("/")),
        (Policy::default(), server.url_by_name("/")),
        (Policy::default(), format!("http://2130706433:{port}/")),
        (Policy::default(), format!("http://[::ffff:7f00:1]:{port}/")),
        (policy(), format!("http://0:{port}/")),
        (policy(), format!("http://[::]:{port}/")),
        (
            policy(),
            "http://169.254.169.254/latest/meta-data/".to_owned(),
        ),
        (own(server.address()), server.url("/")),
        (own(server.address()), server.url_by_name("/")),
        (own(anywhere), server.url_by_name("/")),
        (
            listed(&["10.0.0.0/8", "*.localhost"]),
            server.url_by_name("/"),
        ),
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
async fn a_server_is_trusted_as_its_certificate_allows() {
    let (ours, theirs) = (Authority::new("Ours"), Authority::new("Theirs"));
    let namesake = Authority::new("Ours");
    let good = ours.issue("127.0.0.1");
    let expired = ours.issue_expired("127.0.0.1");
    let other_name = ours.issue("other.example");
    let alone = Issued::self_signed("127.0.0.1");
    let pinned = Transport {
        ca_pem: Some(alone.certificate_pem.clone()),
        ..Transport::default()
    };
    let both = Transport {
        ca_pem: Some([theirs.pem(), ours.pem()].concat()),
        ..Transport::default()
    };
    let unknown = Some("self-signed, or its issuer is not known");
    let outbound = outbound();
    for (identity, transport, words) in [
        (&good, with_ca(&ours), None),
        (&good, both, None),
        (&good, with_ca(&theirs), unknown),
        (&good, with_ca(&namesake), unknown),
        (&good, Transport::default(), unknown),
        (&good, unverified(), None),
        (&alone, Transport::default(), unknown),
        (&alone, pinned, None),
        (&alone, unverified(), None),
        (&expired, with_ca(&ours), Some("has expired")),
        (&expired, unverified(), None),
        (&other_name, with_ca(&ours), Some("another host name")),
        (&other_name, unverified(), None),
    ] {
        let server = Hostile::start_tls(answer(200, &[], "ok"), identity, None).await;
        match (fetch(&outbound, &transport, &server.url("/")).await, words) {
            (Ok(reply), None) => assert_eq!(reply.body, b"ok"),
            (Err(failure), Some(words)) => {
                assert_eq!(failure.layer, Layer::Tls, "{failure:?}");
                assert!(failure.message.contains(words), "{failure:?}");
                assert!(server.requests().is_empty());
            }
            (result, words) => panic!("{:?}, expected {words:?}", result.err()),
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_servers_that_ask() {
    let authority = Authority::new("Ours");
    let server_side = authority.issue("127.0.0.1");
    let stranger = Authority::new("Theirs").issue("client");
    let with_identity = |issued: &Issued| Transport {
        identity: Some(Identity {
            chain_pem: issued.certificate_pem.clone(),
            key_pem: Secret::new(issued.key_pem.clone()),
        }),
        ..with_ca(&authority)
    };
    let server = Hostile::start_tls(answer(200, &[], "ok"), &server_side, Some(&authority)).await;
    let outbound = outbound();
    let known = with_identity(&authority.issue("client"));
    assert!(fetch(&outbound, &known, &server.url("/")).await.is_ok());
    for (transport, words) in [
        (with_ca(&authority), "asks for a client certificate"),
        (
            with_identity(&stranger),
            "does not accept this connector's client certificate",
        ),
    ] {
        let failure = failure(fetch(&outbound, &transport, &server.url("/")).await);
        assert_eq!(failure.layer, Layer::Tls, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_wrong_scheme_is_told() {
    let plain = Hostile::start(Behaviour::Banner).await;
    let url = plain.url("/").replace("http://", "https://");
    let no_tls = failure(fetch(&outbound(), &Transport::default(), &url).await);
    assert_eq!(no_tls.layer, Layer::Tls, "{no_tls:?}");
    assert!(
        no_tls.message.contains("does not answer with TLS"),
        "{no_tls:?}"
    );
    assert!(no_tls.remedy.contains("http://"), "{no_tls:?}");
    let authority = Authority::new("Ours");
    let identity = authority.issue("127.0.0.1");
    let server = Hostile::start_tls(answer(200, &[], ""), &identity, None).await;
    let url = server.url("/").replace("https://", "http://");
    let no_plain = failure(fetch(&outbound(), &Transport::default(), &url).await);
    assert!(
        matches!(no_plain.layer, Layer::Answer | Layer::Connection),
        "{no_plain:?}"
    );
    assert!(no_plain.remedy.contains("https://"), "{no_plain:?}");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_told_when_used() {
    let transport = Transport {
        ca_pem: Some("nonsense".to_owned()),
        ..Transport::default()
    };
    let server = Hostile::json("{}").await;
    let failure = failure(fetch(&outbound(), &transport, &server.url("/")).await);
    assert_eq!(failure.layer, Layer::Tls);
    assert!(
        failure
            .message
            .starts_with("CA certificate must contain a certificate"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn an_unverified_connection_serves_no_one_who_wants_it_checked() {
    let identity = Issued::self_signed("127.0.0.1");
    let server = Hostile::start_tls(answer(200, &[], "ok"), &identity, None).await;
    let outbound = outbound();
    for _ in 0..2 {
        assert!(
            fetch(&outbound, &unverified(), &server.url("/"))
                .await
                .is_ok()
        );
    }
    assert_eq!(server.connections(), 1, "the connection is kept");
    let checked = fetch(&outbound, &Transport::default(), &server.url("/")).await;
    assert_eq!(failure(checked).layer, Layer::Tls);
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_outlives_the_worker_that_opened_it() {
    let server = Hostile::json("{}").await;
    let client = outbound();
    for _ in 0..3 {
        let (client, url) = (client.clone(), server.url("/"));
        let worker = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let transport = Transport::default();
            let fetched = fetch(&client, &transport, &url);
            runtime.expect("a runtime").block_on(fetched).is_ok()
        });
        let fetched = tokio::task::spawn_blocking(move || worker.join()).await;
        assert!(matches!(fetched, Ok(Ok(true))));
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
}

fn alice(server: &Hostile, style: RequestStyle) -> TokenRequest {
    TokenRequest {
        url: http_url(&server.url("/token?tenant=7")),
        style,
        user: Some("alice".to_owned()),
        password: Some(Secret::new("pa ss+w&rd".to_owned())),
        client_id: None,
        client_secret: None,
        scope: Some("read write".to_owned()),
        location: TokenLocation::FindByItself,
    }
}

fn with_client(request: TokenRequest) -> TokenRequest {
    TokenRequest {
        client_id: Some("app".to_owned()),
        client_secret: Some(Secret::new("t:p".to_owned())),
        ..request
    }
}

fn without_user(request: TokenRequest) -> TokenRequest {
    TokenRequest {
        user: None,
        password: None,
        ..request
    }
}

async fn ask(request: &TokenRequest) -> Result<Token, Refusal> {
    let now: DateTime<Utc> = DateTime::UNIX_EPOCH;
    request_token(&outbound(), &Transport::default(), request, now).await
}

async fn refused(request: &TokenRequest) -> Refusal {
    match ask(request).await {
        Ok(token) => panic!("a token from {}", token.found_at),
        Err(refusal) => refusal,
    }
}

#[tokio::test]
async fn a_token_is_read_with_all_its_details() {
    let body = r#"{"access_token":"abc","token_type":"bearer","expires_in":"3600","scope":"read",
        "refresh_token":"r1"}"#;
    let server = Hostile::json(body).await;
    let token = ask(&alice(&server, RequestStyle::FormBody))
        .await
        .map_err(|r| r.message);
    let token = token.expect("a token");
    assert_eq!(
        (token.access.expose(), token.token_type.as_str()),
        ("abc", "Bearer")
    );
    assert_eq!(
        token.expires_at,
        Some(DateTime::UNIX_EPOCH + TimeDelta::hours(1))
    );
    assert_eq!(
        (token.expiry_source, token.status),
        (ExpirySource::ExpiresIn, 200)
    );
    assert_eq!(
        (token.scope.as_deref(), token.found_at.as_str()),
        (Some("read"), "access_token")
    );
    assert_eq!(token.refresh.as_ref().map(Secret::expose), Some("r1"));
}

#[tokio::test]
async fn every_style_sends_the_sign_in_in_its_own_place() {
    use RequestStyle::{FormBody, GetWithBasic, HttpBasic, JsonBody};
    let alices = "Basic YWxpY2U6cGEgc3MrdyZyZA=="; // alice:pa ss+w&rd
    let apps_encoded = "Basic YXBwOnQlM0Fw"; // app:t%3Ap
    let apps = "Basic YXBwOnQ6cA=="; // app:t:p
    let password = "grant_type=password&username=alice&password=pa+ss%2Bw%26rd";
    let client = "grant_type=client_credentials";
    let secret = "client_id=app&client_secret=t%3Ap";
    let scope = "scope=read+write";
    let form = |parts: &[&str]| parts.join("&");
    let json_body = json!({"grant_type": "password", "username": "alice",
        "password": "pa ss+w&rd", "scope": "read write"});
    let server = Hostile::json(r#"{"token":"abc"}"#).await;
    for (request, authorization, body) in [
        (alice(&server, FormBody), None, form(&[password, scope])),
        (
            with_client(alice(&server, FormBody)),
            None,
            form(&[password, secret, scope]),
        ),
        (
            without_user(with_client(alice(&server, FormBody))),
            None,
            form(&[client, secret, scope]),
        ),
        (
            without_user(alice(&server, FormBody)),
            None,
            form(&[client, scope]),
        ),
        (alice(&server, JsonBody), None, json_body.to_string()),
        (alice(&server, HttpBasic), Some(alices), scope.to_owned()),
        (
            with_client(alice(&server, HttpBasic)),
            Some(apps_encoded),
            form(&[password, scope]),
        ),
        (
            without_user(with_client(alice(&server, HttpBasic))),
            Some(apps_encoded),
            form(&[client, scope]),
        ),
        (alice(&server, GetWithBasic), Some(alices), String::new()),
        (
            without_user(with_client(alice(&server, GetWithBasic))),
            Some(apps),
            String::new(),
        ),
    ] {
        let before = server.requests().len();
        assert!(ask(&request).await.is_ok());
        let requests = server.requests();
        let sent = requests.get(before).expect("a request");
        let (method, target, media_type) = match request.style {
            GetWithBasic => ("GET", "/token?tenant=7&scope=read+write", None),
            JsonBody => ("POST", "/token?tenant=7", Some("application/json")),
            _ => (
                "POST",
                "/token?tenant=7",
                Some("application/x-www-form-urlencoded"),
            ),
        };
        assert_eq!(
            (sent.method.as_str(), sent.target.as_str()),
            (method, target)
        );
        assert_eq!(sent.header("authorization"), authorization);
        assert_eq!(sent.header("content-type"), media_type);
        assert_eq!(sent.body, body);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is() {
    let server = Hostile::json("{}").await;
    let request = TokenRequest {
        user: Some("a:b".to_owned()),
        ..alice(&server, RequestStyle::HttpBasic)
    };
    let refusal = refused(&request).await;
    assert_eq!(refusal.layer, RefusalLayer::Request);
    assert!(
        refusal.message.starts_with("User must not contain a colon"),
        "{refusal:?}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_echoed_sign_in_is_never_shown() {
    let server = Hostile::start(Behaviour::Echo).await;
    for style in RequestStyle::ALL {
        let request = match style {
            RequestStyle::GetWithBasic => alice(&server, style),
            _ => with_client(alice(&server, style)),
        };
        let request = TokenRequest {
            client_secret: request
                .client_secret
                .map(|_| Secret::new("s3cr3t/=x".to_owned())),
            ..request
        };
        let refusal = refused(&request).await;
        assert_eq!(refusal.layer, RefusalLayer::HttpStatus(400));
        let words = refusal.server_words.clone().unwrap_or_default();
        assert!(words.starts_with("invalid_request: cannot read"), "{words}");
        assert!(words.contains("•••"), "{words}");
        for secret in [
            "pa ss+w&rd",
            "pa+ss%2Bw%26rd",
            "s3cr3t",
            "YWxpY2U6",
            "YXBwOn",
        ] {
            assert!(
                !format!("{refusal:?}").contains(secret),
                "{secret}: {refusal:?}"
            );
        }
    }
}

#[tokio::test]
async fn answers_without_a_token_are_explained() {
    let other = Hostile::json("{}").await;
    let away = other.url("/v2/token?u=alice");
    let redirected = format!("The server redirects to “{}”.", other.url("/v2/token"));
    let json = [("Content-Type", "application/json")];
    let html = [("Content-Type", "text/html")];
    let page = "<html><title>Sign in</title></html>";
    for (behaviour, layer, message, words) in [
        (
            answer(200, &json, r#"{"status":"ok"}"#),
            RefusalLayer::Answer,
            "The answer has no token. Its members are status.",
            None,
        ),
        (
            answer(
                200,
                &json,
                r#"{"error":"invalid_grant","error_description":"Wrong"}"#,
            ),
            RefusalLayer::Answer,
            "The server answered with an error in place of a token.",
            Some("invalid_grant: Wrong"),
        ),
        (
            answer(200, &html, page),
            RefusalLayer::Answer,
            "The server answered with a web page, not with a token.",
            Some("Sign in"),
        ),
        (
            answer(502, &html, "<h1>Bad  gateway</h1>"),
            RefusalLayer::HttpStatus(502),
            "The server answered 502 (Bad Gateway).",
            Some("Bad gateway"),
        ),
        (
            answer(307, &[("Location", &away)], ""),
            RefusalLayer::HttpStatus(307),
            &redirected,
            None,
        ),
    ] {
        let server = Hostile::start(behaviour).await;
        let refusal = refused(&alice(&server, RequestStyle::FormBody)).await;
        assert_eq!((refusal.layer, refusal.message.as_str()), (layer, message));
        assert_eq!(refusal.server_words.as_deref(), words);
        assert!(!refusal.remedy.is_empty());
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_token_is_found_in_a_mislabelled_answer_and_by_pointer() {
    let body = r#"{"a":{"b":["x","abc"]},"token":"top"}"#;
    let server = Hostile::start(answer(201, &[("Content-Type", "text/html")], body)).await;
    let by_itself = alice(&server, RequestStyle::JsonBody);
    let by_pointer = TokenRequest {
        location: "/a/b/1".parse().expect("a pointer"),
        ..by_itself.clone()
    };
    for (request, token) in [(by_itself, "top"), (by_pointer, "abc")] {
        let found = ask(&request)
            .await
            .map(|token| token.access.expose().to_owned());
        assert_eq!(found.ok().as_deref(), Some(token));
    }
}

#[tokio::test]
async fn failures_below_http_keep_their_layer() {
    let identity = Issued::self_signed("127.0.0.1");
    let tls = Hostile::start_tls(answer(200, &[], ""), &identity, None).await;
    let reset = Hostile::start(Behaviour::Reset).await;
    for (server, layer) in [
        (&tls, RefusalLayer::Tls),
        (&reset, RefusalLayer::Connection),
    ] {
        let refusal = refused(&alice(server, RequestStyle::FormBody)).await;
        assert_eq!(refusal.layer, layer, "{refusal:?}");
        assert!(!refusal.remedy.is_empty());
    }
    let strict = Outbound::new(Policy::default()).expect("a runtime");
    let request = alice(&reset, RequestStyle::FormBody);
    let now = DateTime::UNIX_EPOCH;
    let result = request_token(&strict, &Transport::default(), &request, now).await;
    let layer = result.err().map(|refusal| refusal.layer);
    assert_eq!(layer, Some(RefusalLayer::Address));
}

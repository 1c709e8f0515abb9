//! Requests through a connector's own proxy: which go there, whom the policy judges, and how a proxy
//! that does not help is told.

use connectory::outbound::{Outbound, Policy, ProxyUrl, Stage, Transport};

use super::{failure, fetch, outbound, policy, with_ca};
use crate::support::forward_proxy::ForwardProxy;
use crate::support::hostile::{Authority, Behaviour, Hostile, answer};

pub fn through(proxy: &str, transport: Transport) -> Transport {
    Transport { proxy: Some(ProxyUrl::parse(proxy).expect("an address").into()), ..transport }
}

#[tokio::test]
async fn only_a_connector_with_a_proxy_goes_through_it() {
    let authority = Authority::new("Ours");
    let plain = Hostile::json("{}").await;
    let tls = Hostile::start_tls(answer(200, &[], "ok"), &authority.issue("api.example"), None).await;
    let proxy = ForwardProxy::start().await;
    let outbound = outbound();
    let direct = with_ca(&authority);
    let proxied = through(&proxy.url_by_name(), direct.clone());
    let http = plain.url("/a?b=c");
    // A name that only the proxy knows.
    let https = format!("https://api.example:{}/", tls.address().port());

    assert!(fetch(&outbound, &direct, &http).await.is_ok());
    let unknown = failure(fetch(&outbound, &direct, &https).await);
    assert_eq!(unknown.stage, Stage::NameLookup, "{unknown:?}");
    assert!(proxy.asked().is_empty());

    let reply = fetch(&outbound, &proxied, &http).await.expect("an answer");
    assert_eq!(reply.body(), b"{}");
    let reply = fetch(&outbound, &proxied, &https).await.expect("an answer");
    assert_eq!(reply.body(), b"ok");
    let asked = format!("CONNECT api.example:{}", tls.address().port());
    assert_eq!(proxy.asked(), [format!("GET {http}"), asked]);

    assert!(fetch(&outbound, &direct, &http).await.is_ok());
    assert_eq!(proxy.asked().len(), 2, "a direct request after it");
}

#[tokio::test]
async fn an_ipv6_address_is_reached_through_a_proxy() {
    let authority = Authority::new("Ours");
    let identity = authority.issue("2001:db8::1");
    let server = Hostile::start_tls(answer(200, &[], "ok"), &identity, None).await;
    let proxy = ForwardProxy::start().await;
    let proxied = through(&proxy.url(), with_ca(&authority));
    let target = format!("[2001:db8::1]:{}", server.address().port());
    let reply = fetch(&outbound(), &proxied, &format!("https://{target}/")).await;
    assert!(reply.is_ok(), "{:?}", reply.err());
    assert_eq!(proxy.asked(), [format!("CONNECT {target}")]);
    assert_eq!(server.request().header("host"), Some(target.as_str()));
}

#[tokio::test]
async fn a_proxy_may_itself_be_reached_by_tls() {
    let authority = Authority::new("Ours");
    let identity = authority.issue("127.0.0.1");
    let server = Hostile::start_tls(answer(200, &[], "ok"), &identity, None).await;
    let outbound = outbound();
    let good = ForwardProxy::start_tls(&authority.issue("127.0.0.1")).await;
    let proxied = through(&good.url(), with_ca(&authority));
    let reply = fetch(&outbound, &proxied, &server.url("/")).await;
    assert!(reply.is_ok(), "{:?}", reply.err());

    let expired = ForwardProxy::start_tls(&authority.issue_expired("127.0.0.1")).await;
    let proxied = through(&expired.url(), with_ca(&authority));
    let failure = failure(fetch(&outbound, &proxied, &server.url("/")).await);
    assert_eq!(failure.stage, Stage::Tls);
    let words = format!("The certificate of the proxy {} has expired.", expired.address());
    assert_eq!(failure.message, words);
}

#[tokio::test]
async fn the_targets_certificate_is_checked_behind_a_proxy() {
    let authority = Authority::new("Ours");
    let identity = authority.issue("127.0.0.1");
    let server = Hostile::start_tls(answer(200, &[], ""), &identity, None).await;
    let proxy = ForwardProxy::start().await;
    let proxied = through(&proxy.url(), with_ca(&Authority::new("Theirs")));
    let failure = failure(fetch(&outbound(), &proxied, &server.url("/")).await);
    assert_eq!(failure.stage, Stage::Tls);
    let words =
        format!("The certificate of {} (through the proxy {}) is self-signed", server.address(), proxy.address());
    assert!(failure.message.starts_with(&words), "{failure:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_refused_target_is_refused_with_a_proxy_too() {
    let proxy = ForwardProxy::start().await;
    let by_proxy = through(&proxy.url(), Transport::default());
    let only = |rules: &[String]| Policy {
        only: Some(rules.iter().map(|r| r.parse().expect("a rule")).collect()),
        ..policy()
    };
    let listed = only(&[proxy.address().to_string(), "*.example.org".to_owned()]);
    let remote = through("http://192.0.2.1:3128", Transport::default());
    for (policy, transport, url) in [
        (&policy(), &by_proxy, "http://169.254.169.254/latest"),
        (&policy(), &by_proxy, "https://169.254.169.254/"),
        (&policy(), &by_proxy, "https://[fd00:ec2::254]/"),
        (&policy(), &by_proxy, "http://[::ffff:a9fe:a9fe]/"),
        (&policy(), &by_proxy, "http://0.0.0.0/"),
        (&listed, &by_proxy, "https://10.1.2.3/"),
        (&listed, &by_proxy, "https://intranet/"),
        (&Policy::default(), &remote, "http://127.0.0.1/"),
        (&Policy::default(), &remote, "https://localhost/"),
    ] {
        let outbound = Outbound::new(policy.clone()).expect("a runtime");
        let failure = failure(fetch(&outbound, transport, url).await);
        assert_eq!(failure.stage, Stage::AddressRefused, "{url}: {failure:?}");
        assert!(!failure.message.contains("proxy"), "{failure:?}");
    }
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn the_proxy_is_judged_by_the_address_connected_to() {
    let proxy = ForwardProxy::start().await;
    let port = proxy.address().port();
    let allowing_other_port = Policy {
        only: Some(vec!["localhost:1".parse().expect("a rule"), "api.example".parse().expect("a rule")]),
        ..policy()
    };
    let own = Policy { own: vec![proxy.address()], ..policy() };
    for (policy, proxy) in [
        (Policy::default(), proxy.url()),
        (Policy::default(), proxy.url_by_name()),
        (policy(), format!("http://0.0.0.0:{port}")),
        (policy(), "http://169.254.169.254:80".to_owned()),
        (own.clone(), proxy.url()),
        (own, proxy.url_by_name()),
        (allowing_other_port, proxy.url_by_name()),
    ] {
        let outbound = Outbound::new(policy).expect("a runtime");
        for url in ["http://api.example/", "https://api.example/"] {
            let transport = through(&proxy, Transport::default());
            let failure = failure(fetch(&outbound, &transport, url).await);
            assert_eq!(failure.stage, Stage::AddressRefused, "{proxy}: {failure:?}");
            assert!(failure.message.contains("connect to the proxy “"), "{failure:?}");
        }
    }
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn a_proxy_that_does_not_help_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = free.local_addr().expect("an address");
    drop(free);
    let asking = ForwardProxy::refusing(407).await;
    let strict = ForwardProxy::refusing(403).await;
    let lost = ForwardProxy::refusing(502).await;
    let silent = Hostile::start(Behaviour::Silence).await;
    let hanging_up = Hostile::start(Behaviour::Close).await;
    let no_proxy = Hostile::start(Behaviour::Garbage).await;
    let outbound = outbound();
    for (proxy, schemes, layer, words) in [
        (
            format!("http://{closed}"),
            &["http", "https"][..],
            Stage::Connection,
            format!("The proxy {closed} refused the connection."),
        ),
        (
            "http://no-such-proxy.invalid".to_owned(),
            &["http", "https"],
            Stage::NameLookup,
            "The proxy's name “no-such-proxy.invalid”".to_owned(),
        ),
        (
            asking.url(),
            &["http", "https"],
            Stage::Connection,
            format!("The proxy {} asks for a sign-in (status 407).", asking.address()),
        ),
        (
            strict.url(),
            &["https"],
            Stage::Connection,
            format!("The proxy {} refused to connect to api.example:443 (status 403).", strict.address()),
        ),
        (
            lost.url(),
            &["https"],
            Stage::Connection,
            format!("The proxy {} could not connect to api.example:443 (status 502).", lost.address()),
        ),
        (
            silent.url(""),
            &["http"],
            Stage::TimeOut,
            format!("(through the proxy {}) did not answer within 0.7 seconds.", silent.address()),
        ),
        (
            silent.url(""),
            &["https"],
            Stage::TimeOut,
            format!("The proxy {} did not answer within 0.5 seconds.", silent.address()),
        ),
        (
            hanging_up.url(""),
            &["https"],
            Stage::Connection,
            format!("The proxy {} closed the connection", hanging_up.address()),
        ),
        (
            no_proxy.url(""),
            &["https"],
            Stage::Connection,
            format!("What the proxy {} answered is not HTTP.", no_proxy.address()),
        ),
    ] {
        for scheme in schemes {
            let transport = through(&proxy, Transport::default());
            let url = format!("{scheme}://api.example/?key=s3cret");
            let failure = failure(fetch(&outbound, &transport, &url).await);
            assert_eq!(failure.stage, layer, "{scheme}: {failure:?}");
            assert!(failure.message.contains(&words), "{scheme}: {failure:?}");
            assert!(!format!("{failure:?}").contains("s3cret"), "{failure:?}");
            assert!(!failure.remedy.is_empty());
        }
    }
}

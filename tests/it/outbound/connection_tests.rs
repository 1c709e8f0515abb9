//! "Test connection": how far the way to a server leads, step by step.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use connectory::outbound::{
    ConnectionTest, Identity, Limits, Outbound, Policy, SendError, Stage, Step, TlsSeen, Transport,
};
use connectory::vault::Secret;

use super::proxies::through;
use super::{LIMITS, http_url, outbound, policy, until_closed, unverified, with_ca};
use crate::support::forward_proxy::ForwardProxy;
use crate::support::hostile::{Authority, Behaviour, Hostile, Issued, answer, full_queue};

/// A month after the expired certificates of these tests have ended, on 1 January 2020.
fn now() -> DateTime<Utc> {
    let end = DateTime::from_timestamp(1_577_836_800, 0).expect("a time");
    end + TimeDelta::days(30)
}

async fn probe(transport: &Transport, url: &str) -> ConnectionTest {
    let url = http_url(url);
    outbound().test_connection(transport, &url, LIMITS, now()).await
}

/// The failure of a step.
fn failed<T>(step: Step<T>) -> SendError {
    match step {
        Step::Failed(failure) => failure,
        Step::Done(_) => panic!("the step is done"),
        Step::NotReached | Step::NotNeeded => panic!("the step was left out"),
    }
}

fn done<T: std::fmt::Debug>(step: Step<T>) -> T {
    match step {
        Step::Done(seen) => seen,
        other => panic!("{other:?}"),
    }
}

fn is_connected(probe: &ConnectionTest) -> bool {
    matches!(probe.connection, Step::Done(_))
}

#[tokio::test]
async fn a_plain_server_is_looked_up_and_connected_to() {
    let server = Hostile::json("{}").await;
    let by_address = probe(&Transport::default(), &server.url("/")).await;
    assert_eq!(by_address.lookup, Step::NotNeeded);
    assert_eq!(by_address.tls, Step::NotNeeded);
    let connected = done(by_address.connection);
    assert_eq!((connected.address, connected.is_proxy), (server.address(), false));

    let by_name = probe(&Transport::default(), &server.url_by_name("/")).await;
    let lookup = done(by_name.lookup);
    assert_eq!(lookup.name, "localhost");
    let loopback = lookup.addresses.iter().all(|found| found.address.is_loopback());
    assert!(loopback && lookup.addresses.iter().all(|found| !found.is_refused));
    assert_eq!(done(by_name.connection).address, server.address());
    assert!(server.requests().is_empty(), "nothing is asked");
}

#[tokio::test]
async fn a_certificate_is_judged_as_for_requests_and_shown_in_any_case() {
    let (ours, theirs) = (Authority::new("Ours"), Authority::new("Theirs"));
    let good = ours.issue("127.0.0.1");
    let expired = ours.issue_expired("127.0.0.1");
    let other_name = ours.issue("other.example");
    let alone = Issued::self_signed("127.0.0.1");
    let pinned = Transport { ca_pem: Some(alone.certificate_pem.clone()), ..Transport::default() };
    let unknown = "self-signed, or its issuer is not known";
    for (identity, transport, outcome) in [
        (&good, with_ca(&ours), Ok(true)),
        (&alone, pinned, Ok(true)),
        (&good, unverified(), Ok(false)),
        (&expired, unverified(), Ok(false)),
        (&other_name, unverified(), Ok(false)),
        (&good, Transport::default(), Err(unknown)),
        (&good, with_ca(&theirs), Err(unknown)),
        (&expired, with_ca(&ours), Err("has expired")),
        (&other_name, with_ca(&ours), Err("another host name")),
    ] {
        let server = Hostile::start_tls(answer(200, &[], ""), identity, None).await;
        let probe = probe(&transport, &server.url("/")).await;
        assert!(is_connected(&probe));
        let leaf = probe.certificate.expect("a certificate");
        let is_expired = std::ptr::eq(identity, &expired);
        assert_eq!(leaf.days_left < 0, is_expired, "{leaf:?}");
        if is_expired {
            assert_eq!(leaf.days_left, -30);
            assert_eq!(leaf.issuer, "CN=Ours");
        }
        match (probe.tls, outcome) {
            (Step::Done(TlsSeen { version, is_verified, .. }), Ok(verified)) => {
                assert_eq!((version, is_verified), ("TLS 1.3", verified));
            }
            (Step::Failed(failure), Err(words)) => {
                assert_eq!(failure.stage, Stage::Tls, "{failure:?}");
                assert!(failure.message.contains(words), "{failure:?}");
                assert!(!failure.remedy.is_empty());
            }
            (tls, outcome) => panic!("{tls:?}, expected {outcome:?}"),
        }
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_servers_that_ask() {
    let authority = Authority::new("Ours");
    let server_side = authority.issue("127.0.0.1");
    let server = Hostile::start_tls(answer(200, &[], ""), &server_side, Some(&authority)).await;
    let showing = |issued: &Issued| Transport {
        identity: Some(Identity {
            chain_pem: issued.certificate_pem.clone(),
            key_pem: Secret::new(issued.key_pem.clone()),
        }),
        ..with_ca(&authority)
    };
    let known = probe(&showing(&authority.issue("client")), &server.url("/")).await;
    assert!(done(known.tls).is_verified);
    for (transport, words) in [
        (with_ca(&authority), "asks for a client certificate"),
        (showing(&Authority::new("Theirs").issue("client")), "does not accept this connector's client certificate"),
    ] {
        let probe = probe(&transport, &server.url("/")).await;
        assert!(probe.certificate.is_some());
        let failure = failed(probe.tls);
        assert_eq!(failure.stage, Stage::Tls);
        assert!(failure.message.contains(words), "{failure:?}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_fail_where_they_are_needed() {
    let broken = Transport { ca_pem: Some("nonsense".to_owned()), ..Transport::default() };
    let server = Hostile::start(Behaviour::Silence).await;
    let url = server.url("/").replace("http://", "https://");
    let probe = probe(&broken, &url).await;
    assert!(is_connected(&probe));
    assert!(failed(probe.tls).message.starts_with("CA certificate must"));
}

#[tokio::test]
async fn refused_addresses_are_listed_and_never_connected_to() {
    let server = Hostile::json("{}").await;
    let own = Policy { own: vec![server.address()], ..policy() };
    let judged = async |policy: Policy, url: String| {
        let outbound = Outbound::new(policy).expect("a runtime");
        let url = http_url(&url);
        outbound.test_connection(&Transport::default(), &url, LIMITS, now()).await
    };
    let by_name = judged(own.clone(), server.url_by_name("/")).await;
    let refused = done(by_name.lookup).addresses;
    let v4 = refused.iter().find(|found| found.address == IpAddr::from([127, 0, 0, 1]));
    assert_eq!(v4.map(|found| found.is_refused), Some(true), "{refused:?}");
    assert_eq!(failed(by_name.connection).stage, Stage::AddressRefused);
    assert_eq!(by_name.tls, Step::NotReached);

    let by_address = judged(own, server.url("/")).await;
    assert_eq!(by_address.lookup, Step::NotNeeded);
    assert_eq!(failed(by_address.connection).stage, Stage::AddressRefused);

    let local = judged(Policy::default(), server.url_by_name("/")).await;
    assert_eq!(failed(local.lookup).stage, Stage::AddressRefused);
    assert_eq!(local.connection, Step::NotReached);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_way_that_ends_early_says_where_and_in_time() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = free.local_addr().expect("an address");
    drop(free);
    let nothing = Transport::default();
    let unknown = probe(&nothing, "https://no-such-host.invalid/").await;
    assert_eq!(failed(unknown.lookup).stage, Stage::NameLookup);
    assert_eq!(unknown.connection, Step::NotReached);
    assert_eq!(unknown.tls, Step::NotReached);

    let refused = probe(&nothing, &format!("https://{closed}/")).await;
    let failure = failed(refused.connection);
    assert_eq!(failure.message, format!("{closed} refused the connection."));
    assert_eq!(refused.tls, Step::NotReached);

    let (full, _filling) = full_queue().await;
    let url = format!("http://{}/", full.local_addr().expect("an address"));
    let started = Instant::now();
    let unheard = failed(probe(&nothing, &url).await.connection);
    assert_eq!(unheard.stage, Stage::TimeOut);
    assert!(unheard.message.contains("within 0.5 seconds"), "{unheard:?}");
    assert!(started.elapsed() < Duration::from_millis(1_500));
}

#[tokio::test]
async fn a_server_without_tls_is_told_in_time() {
    for (behaviour, layer, words) in [
        (Behaviour::Banner, Stage::Tls, "does not answer with TLS"),
        (Behaviour::Silence, Stage::TimeOut, "did not finish the TLS handshake within 0.5 seconds"),
    ] {
        let server = Hostile::start(behaviour).await;
        let url = server.url("/").replace("http://", "https://");
        let started = Instant::now();
        let probe = probe(&Transport::default(), &url).await;
        assert!(is_connected(&probe));
        assert_eq!(probe.certificate, None);
        let failure = failed(probe.tls);
        assert_eq!(failure.stage, layer, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
        assert!(started.elapsed() < Duration::from_millis(1_500));
    }
}

#[tokio::test]
async fn a_test_that_is_given_up_ends_at_the_server() {
    let server = Hostile::start(Behaviour::Silence).await;
    let url = http_url(&server.url("/").replace("http://", "https://"));
    let patient = Limits::within(Duration::from_secs(60));
    let (client, transport) = (outbound(), Transport::default());
    let probing = client.test_connection(&transport, &url, patient, now());
    let given_up = tokio::time::timeout(Duration::from_millis(200), probing).await;
    assert!(given_up.is_err());
    until_closed(&server).await;
}

#[tokio::test]
async fn with_a_proxy_the_first_steps_are_the_proxys() {
    let authority = Authority::new("Ours");
    let identity = authority.issue("api.example");
    let server = Hostile::start_tls(answer(200, &[], ""), &identity, None).await;
    let url = format!("https://api.example:{}/", server.address().port());
    let plain = ForwardProxy::start().await;
    let by_tls = ForwardProxy::start_tls(&authority.issue("localhost")).await;
    for proxy in [&plain, &by_tls] {
        let transport = through(&proxy.url_by_name(), with_ca(&authority));
        let probe = probe(&transport, &url).await;
        assert_eq!(done(probe.lookup).name, "localhost");
        let connected = done(probe.connection);
        assert_eq!((connected.address, connected.is_proxy), (proxy.address(), true));
        assert!(done(probe.tls).is_verified);
        let asked = format!("CONNECT {}", url.trim_start_matches("https://").trim_end_matches('/'));
        assert_eq!(proxy.asked(), [asked]);
    }

    let strict = ForwardProxy::refusing(403).await;
    let transport = through(&strict.url(), with_ca(&authority));
    let refusal = probe(&transport, &url).await;
    assert!(is_connected(&refusal));
    assert!(failed(refusal.tls).message.ends_with("(status 403)."));
    let silent = Hostile::start(Behaviour::Silence).await;
    let stuck = probe(&through(&silent.url(""), with_ca(&authority)), &url).await;
    let words = format!("The proxy {} did not answer within 0.5 seconds.", silent.address());
    assert_eq!(failed(stuck.tls).message, words);
    let hidden = probe(&transport, "https://169.254.169.254/").await;
    assert_eq!(failed(hidden.connection).stage, Stage::AddressRefused);
}

//! Which server is trusted, and what this side shows of itself.

use connectory::outbound::{Identity, Stage, Transport};
use connectory::vault::Secret;

use super::{failure, fetch, outbound, unverified, with_ca};
use crate::support::hostile::{Authority, Behaviour, Hostile, Issued, answer};

#[tokio::test]
async fn a_server_is_trusted_as_its_certificate_allows() {
    let (ours, theirs) = (Authority::new("Ours"), Authority::new("Theirs"));
    let namesake = Authority::new("Ours");
    let good = ours.issue("127.0.0.1");
    let expired = ours.issue_expired("127.0.0.1");
    let other_name = ours.issue("other.example");
    let alone = Issued::self_signed("127.0.0.1");
    let pinned = Transport { ca_pem: Some(alone.certificate_pem.clone()), ..Transport::default() };
    let both = Transport { ca_pem: Some([theirs.pem(), ours.pem()].concat()), ..Transport::default() };
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
            (Ok(reply), None) => assert_eq!(reply.body(), b"ok"),
            (Err(failure), Some(words)) => {
                assert_eq!(failure.stage, Stage::Tls, "{failure:?}");
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
        (with_identity(&stranger), "does not accept this connector's client certificate"),
    ] {
        let failure = failure(fetch(&outbound, &transport, &server.url("/")).await);
        assert_eq!(failure.stage, Stage::Tls, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_wrong_scheme_is_told() {
    let plain = Hostile::start(Behaviour::Banner).await;
    let url = plain.url("/").replace("http://", "https://");
    let no_tls = failure(fetch(&outbound(), &Transport::default(), &url).await);
    assert_eq!(no_tls.stage, Stage::Tls, "{no_tls:?}");
    assert!(no_tls.message.contains("does not answer with TLS"), "{no_tls:?}");
    assert!(no_tls.remedy.contains("http://"), "{no_tls:?}");
    let authority = Authority::new("Ours");
    let identity = authority.issue("127.0.0.1");
    let server = Hostile::start_tls(answer(200, &[], ""), &identity, None).await;
    let url = server.url("/").replace("https://", "http://");
    let no_plain = failure(fetch(&outbound(), &Transport::default(), &url).await);
    assert!(matches!(no_plain.stage, Stage::Response | Stage::Connection), "{no_plain:?}");
    assert!(no_plain.remedy.contains("https://"), "{no_plain:?}");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_told_when_used() {
    let transport = Transport { ca_pem: Some("nonsense".to_owned()), ..Transport::default() };
    let server = Hostile::json("{}").await;
    let failure = failure(fetch(&outbound(), &transport, &server.url("/")).await);
    assert_eq!(failure.stage, Stage::Tls);
    assert!(failure.message.starts_with("CA certificate must contain a certificate"), "{failure:?}");
}

#[tokio::test]
async fn an_unverified_connection_serves_no_one_who_wants_it_checked() {
    let identity = Issued::self_signed("127.0.0.1");
    let server = Hostile::start_tls(answer(200, &[], "ok"), &identity, None).await;
    let outbound = outbound();
    for _ in 0..2 {
        assert!(fetch(&outbound, &unverified(), &server.url("/")).await.is_ok());
    }
    assert_eq!(server.connections(), 1, "the connection is kept");
    let checked = fetch(&outbound, &Transport::default(), &server.url("/")).await;
    assert_eq!(failure(checked).stage, Stage::Tls);
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

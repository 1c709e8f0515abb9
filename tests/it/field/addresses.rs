//! Names with addresses of several kinds, and networks that translate addresses.

use std::net::IpAddr;
use std::time::Duration;

use connectory::outbound::http::Method;
use connectory::outbound::{Body, HttpUrl, Limits, Outbound, Policy, SendError, Stage, Transport};

use crate::support::hostile::{Hostile, answer};

/// Fetches from a host whose name has these addresses.
async fn fetch(policy: &Policy, addresses: &[&str], port: u16) -> Result<u16, SendError> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().expect("an address")).collect();
    let outbound = Outbound::looking_up(policy.clone(), move |_| Ok(addresses.clone())).expect("a runtime");
    let url = HttpUrl::parse(&format!("http://nas.test:{port}/")).expect("an address");
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::within(Duration::from_millis(400)) };
    let request = url.request(Method::GET, Body::Empty).expect("a request");
    outbound.fetch(&Transport::default(), request, limits).await.map(|response| response.status().as_u16())
}

fn open() -> Policy {
    Policy { allow_loopback: true, ..Policy::default() }
}

/// Hosts publish link-local addresses by mDNS beside the one that is meant.
#[tokio::test]
async fn link_local_addresses_of_a_name_are_left_out() {
    let server = Hostile::start(answer(200, &[], "ok")).await;
    let port = server.address().port();
    for addresses in [
        &["127.0.0.1", "fe80::211:32ff:fe00:1"][..],
        &["fe80::1", "127.0.0.1"],
        &["169.254.7.7", "127.0.0.1", "169.254.169.254"],
    ] {
        assert_eq!(fetch(&open(), addresses, port).await.ok(), Some(200), "{addresses:?}");
    }
    let refused = fetch(&open(), &["fe80::1", "169.254.169.254"], port).await.expect_err("refused");
    assert_eq!(refused.stage, Stage::AddressRefused);
    assert!(refused.message.contains("it resolves to fe80::1, a link-local address"), "{refused:?}");
    let own = Policy { own: vec![server.address()], ..open() };
    let refused = fetch(&own, &["192.0.2.1", "127.0.0.1"], port).await.expect_err("refused");
    assert!(refused.message.contains("where Connectory itself listens"), "{refused:?}");
}

/// In networks with IPv6 alone every name of an IPv4 server has such an address.
#[tokio::test]
async fn an_address_of_nat64_is_judged_by_the_ipv4_address_inside() {
    let local = Policy { nat64: vec!["64:ff9b:1::/96".parse().expect("a prefix")], ..open() };
    for (policy, address, is_refused) in [
        (&open(), "64:ff9b::192.0.2.1", false),
        (&open(), "64:ff9b::169.254.169.254", true),
        (&open(), "64:ff9b:1::192.0.2.1", true),
        (&local, "64:ff9b:1::192.0.2.1", false),
        (&local, "64:ff9b:1::169.254.169.254", true),
        (&Policy::default(), "64:ff9b::127.0.0.1", true),
    ] {
        let failure = fetch(policy, &[address], 9).await.expect_err("no such network");
        assert_eq!(failure.stage == Stage::AddressRefused, is_refused, "{address}: {failure:?}");
    }
}

/// Podman calls 169.254.1.2 host.containers.internal.
#[tokio::test]
async fn one_link_local_address_can_be_allowed() {
    let podman = Policy { link_local: vec!["169.254.1.2".parse().expect("an address")], ..open() };
    // Whether there is such a host depends on the machine.
    let tried = fetch(&podman, &["169.254.1.2"], 9).await;
    assert_ne!(tried.err().map(|failure| failure.stage), Some(Stage::AddressRefused));
    let refused = fetch(&podman, &["169.254.1.3"], 9).await.expect_err("refused");
    assert_eq!(refused.stage, Stage::AddressRefused);
}

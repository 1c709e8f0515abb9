//! Which destinations the policy allows.

use super::*;
use crate::outbound::url::UrlProblem;

fn refusal(policy: &Policy, url: &str) -> Result<Option<Why>, UrlProblem> {
    let url = HttpUrl::parse(url)?;
    let host = url.host().ok_or(UrlProblem::NoHost)?;
    Ok(policy.check_host(&host, url.port()).err().map(|r| r.why))
}

#[test]
fn every_spelling_of_a_forbidden_address_is_refused() {
    let policy = Policy { allow_loopback: true, ..Policy::default() };
    for host in [
        "169.254.169.254",
        "169.254.169.254.",
        "2852039166",
        "0xa9fea9fe",
        "0xA9.0xFE.0xA9.0xFE",
        "0251.0376.0251.0376",
        "0251.254.0xa9.254",
        "169.254.43518",
        "169.16689662",
        "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
        "169。254。169。254",
        "%31%36%39.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[64:ff9b::169.254.169.254]",
        "[2002:a9fe:a9fe::]",
        "[fe80::1]",
        "0",
        "0.0.0.0",
        "0x0",
        "[::]",
        "[::ffff:0:0]",
        "224.0.0.251",
        "[ff02::fb]",
        "255.255.255.255",
        "4294967295",
    ] {
        let why = refusal(&policy, &format!("http://{host}/"));
        assert!(matches!(why, Ok(Some(Why::Forbidden(_)))), "{host}: {why:?}");
    }
}

#[test]
fn loopback_is_refused_unless_allowed() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.255.255.254",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
    ] {
        let url = format!("http://{host}:8080/");
        assert_eq!(refusal(&Policy::default(), &url), Ok(Some(Why::Loopback)), "{host}");
        let allowing = Policy { allow_loopback: true, ..Policy::default() };
        assert_eq!(refusal(&allowing, &url), Ok(None), "{host}");
    }
}

#[test]
fn own_listeners_are_refused_even_where_loopback_is_allowed() -> Result<(), UrlProblem> {
    let own = |own: &str| Policy { allow_loopback: true, own: own.parse().into_iter().collect(), ..Policy::default() };
    for (listener, url, why) in [
        ("127.0.0.1:8080", "http://127.0.0.1:8080/", Some(Why::Own)),
        ("127.0.0.1:8080", "http://[::ffff:7f00:1]:8080/", Some(Why::Own)),
        ("127.0.0.1:8080", "http://127.0.0.1:8081/", None),
        ("127.0.0.1:8080", "http://127.0.0.2:8080/", None),
        ("0.0.0.0:8080", "http://127.0.0.2:8080/", Some(Why::Own)),
        ("0.0.0.0:8080", "http://[::1]:8080/", Some(Why::Own)),
        ("[::]:8080", "http://127.0.0.1:8080/", Some(Why::Own)),
        ("[::]:8080", "http://192.0.2.1:8080/", None),
        ("10.1.2.3:80", "http://10.1.2.3/", Some(Why::Own)),
    ] {
        assert_eq!(refusal(&own(listener), url)?, why, "{listener} {url}");
    }
    Ok(())
}

#[test]
fn only_the_api_of_collections_is_reached_at_the_own_listener() -> Result<(), http::uri::InvalidUri> {
    let policy = |own: &str| Policy {
        own: own.parse().into_iter().collect(),
        public: HttpUrl::parse("https://connectory.example.org").ok(),
        ..Policy::default()
    };
    let reached = |own: &str, url: &str| -> Result<Option<String>, http::uri::InvalidUri> {
        let listener = policy(own).own_listener(&url.parse()?);
        Ok(listener.ok().map(|listener| listener.to_string()))
    };
    let books = "https://connectory.example.org/api/v1/collections/books/records";
    for (own, connected) in [
        ("127.0.0.1:8080", Some("127.0.0.1:8080")),
        ("0.0.0.0:8080", Some("127.0.0.1:8080")),
        ("[::]:8080", Some("[::1]:8080")),
        ("10.1.2.3:80", Some("10.1.2.3:80")),
        ("", None),
    ] {
        assert_eq!(reached(own, books)?.as_deref(), connected, "{own}");
    }
    for url in [
        "https://connectory.example.org/",
        "https://connectory.example.org/connectors",
        "https://connectory.example.org/api/v1/connectors",
        "https://connectory.example.org/api/v1/collections",
        "https://connectory.example.org/api/v1/collections/../connectors",
        "https://connectory.example.org/api/v1/collections/%2e%2e/connectors",
        "http://connectory.example.org/api/v1/collections/books/records",
        "https://connectory.example.org:8443/api/v1/collections/books/records",
        "https://127.0.0.1:8080/api/v1/collections/books/records",
    ] {
        assert_eq!(reached("127.0.0.1:8080", url)?, None, "{url}");
    }
    assert!(Policy { public: None, ..policy("127.0.0.1:8080") }.own_listener(&books.parse()?).is_err());
    Ok(())
}

#[test]
fn the_public_address_and_own_ports_of_the_machines_addresses_are_refused() -> Result<(), UrlProblem> {
    let policy = Policy {
        own: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
        public: Some(HttpUrl::parse("https://connectory.example.org")?),
        ..Policy::default()
    };
    for (url, why) in [
        ("https://connectory.example.org/api/v1/", Some(Why::Own)),
        ("https://CONNECTORY.example.org.:443/", Some(Why::Own)),
        ("http://connectory.example.org:443/", Some(Why::Own)),
        ("https://connectory.example.org:8443/", None),
        ("https://api.connectory.example.org/", None),
    ] {
        assert_eq!(refusal(&policy, url)?, why, "{url}");
    }
    // The address by which this machine would send; nothing is sent. A machine without a network has none.
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    if socket.connect("192.0.2.1:9").is_ok()
        && let Ok(local) = socket.local_addr()
    {
        let at = |port| format!("http://{}:{port}/", local.ip());
        assert_eq!(refusal(&policy, &at(8080))?, Some(Why::Own));
        assert_eq!(refusal(&policy, &at(8081))?, None);
    }
    Ok(())
}

#[test]
fn a_list_allows_its_places_only_and_nothing_forbidden() -> Result<(), UrlProblem> {
    let rules = ["10.0.0.0/8:443", "169.254.0.0/16", "127.0.0.1"];
    let policy = Policy { only: Some(rules.iter().flat_map(|rule| rule.parse()).collect()), ..Policy::default() };
    for (url, why) in [
        ("https://10.1.2.3/", None),
        ("https://[::ffff:10.1.2.3]/", None),
        ("http://10.1.2.3/", Some(Why::NotListed)),
        ("https://192.0.2.1/", Some(Why::NotListed)),
        ("https://169.254.1.1/", Some(Why::Forbidden(Forbidden::LinkLocal))),
        ("https://127.0.0.1/", Some(Why::Loopback)),
    ] {
        assert_eq!(refusal(&policy, url)?, why, "{url}");
    }
    Ok(())
}

#[test]
fn a_name_that_a_proxy_looks_up_must_itself_be_listed() -> Result<(), UrlProblem> {
    let rules = ["*.example.org:443", "10.0.0.0/16"];
    let listed = Policy { only: Some(rules.iter().flat_map(|rule| rule.parse()).collect()), ..Policy::default() };
    for (policy, url, why) in [
        (&listed, "https://api.example.org/", None),
        (&listed, "https://10.0.1.2/", None),
        (&listed, "http://api.example.org/", Some(Why::NotListed)),
        (&listed, "https://intranet/", Some(Why::NotListed)),
        (&Policy::default(), "https://intranet/", None),
        (&Policy::default(), "http://localhost/", Some(Why::Loopback)),
    ] {
        let url = HttpUrl::parse(url)?;
        let host = url.host().ok_or(UrlProblem::NoHost)?;
        let refused = policy.check_behind_proxy(&host, url.port()).err();
        assert_eq!(refused.map(|refused| refused.why), why, "{url:?}");
    }
    Ok(())
}

#[test]
fn the_addresses_of_a_name_are_judged_one_by_one() {
    let good = IpAddr::from([10, 0, 0, 1]);
    let bad = IpAddr::from([169, 254, 169, 254]);
    let open = Policy::default();
    let why = |policy: &Policy, name, addresses: &[IpAddr]| policy.usable(name, 443, addresses).err().map(|r| r.why);
    let usable = |policy: &Policy, addresses: &[IpAddr]| policy.usable("other.example", 443, addresses).ok();
    assert_eq!(why(&open, "a.example", &[good]), None);
    let forbidden = Some(Why::Forbidden(Forbidden::LinkLocal));
    assert_eq!(why(&open, "a.example", &[bad]), forbidden);
    assert_eq!(usable(&open, &[bad, good, bad]), Some(vec![good]), "the others are left out");
    assert_eq!(why(&open, "a.example", &[IpAddr::from([127, 0, 0, 1])]), Some(Why::Loopback));

    let rules = ["*.example.org:443", "10.0.0.0/16"];
    let listed = Policy { only: Some(rules.iter().flat_map(|rule| rule.parse()).collect()), ..Policy::default() };
    let elsewhere = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(why(&listed, "API.example.org.", &[elsewhere]), None);
    assert_eq!(why(&listed, "api.example.org", &[bad]), forbidden);
    assert_eq!(why(&listed, "other.example", &[good]), None);
    assert_eq!(usable(&listed, &[good, elsewhere]), Some(vec![good]));
    assert_eq!(why(&listed, "other.example", &[elsewhere]), Some(Why::NotListed));
    let own = Policy { own: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 443))], ..Policy::default() };
    assert_eq!(why(&own, "a.example", &[good, Ipv4Addr::LOCALHOST.into()]), Some(Why::Own));
}

#[test]
fn a_refusal_is_told_in_a_sentence() {
    let address = IpAddr::from([169, 254, 169, 254]);
    let refused = Policy::default().usable("meta.example", 80, &[address]);
    assert_eq!(
        refused.map_err(|refused| refused.error(false).message),
        Err("Connectory does not connect to “meta.example”: it resolves to 169.254.169.254, a \
             link-local address, where clouds keep their metadata."
            .to_owned())
    );
}

#[test]
fn addresses_of_nat64_are_judged_by_the_one_inside_and_link_local_ones_by_a_setting() {
    let why = |policy: &Policy, url: &str| refusal(policy, url).expect("an address");
    let open = Policy::default();
    assert_eq!(why(&open, "https://[64:ff9b::192.0.2.1]/"), None);
    assert_eq!(why(&open, "https://[64:ff9b::127.0.0.1]/"), Some(Why::Loopback));
    assert_eq!(why(&open, "https://[64:ff9b::10.0.0.1]/"), None);
    let link_local = Some(Why::Forbidden(Forbidden::LinkLocal));
    assert_eq!(why(&open, "https://[64:ff9b::169.254.169.254]/"), link_local);
    let embedded = Some(Why::Forbidden(Forbidden::Embedded));
    assert_eq!(why(&open, "https://[64:ff9b:1::192.0.2.1]/"), embedded);
    let local = Policy { nat64: vec!["64:ff9b:1::/96".parse().expect("a prefix")], ..Policy::default() };
    assert_eq!(why(&local, "https://[64:ff9b:1::192.0.2.1]/"), None);
    assert_eq!(why(&local, "https://[64:ff9b:1::169.254.169.254]/"), link_local);
    let only = vec!["192.0.2.0/24".parse().expect("an entry")];
    let listed = Policy { only: Some(only), ..local };
    assert_eq!(why(&listed, "https://[64:ff9b::192.0.2.1]/"), None);
    assert_eq!(why(&listed, "https://[64:ff9b::198.51.100.1]/"), Some(Why::NotListed));

    let podman = Policy { link_local: vec!["169.254.1.2".parse().expect("an address")], ..Policy::default() };
    assert_eq!(why(&podman, "https://169.254.1.2/"), None);
    assert_eq!(why(&podman, "https://169.254.1.3/"), link_local);
    assert_eq!(why(&open, "https://169.254.1.2/"), link_local);
}

//! Where requests may go, and what is said of a destination that is refused.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use url::Host;

use super::address::Forbidden;
use super::error::{SendError, Stage};
use super::rule::Rule;
use super::url::HttpUrl;

/// What the administrator allows. Some addresses are refused whatever stands here: link-local,
/// cloud metadata, multicast, unspecified, broadcast, reserved and disguised IPv4 ones, and this
/// program's own listeners.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether requests to this machine's loopback addresses are allowed.
    pub allow_loopback: bool,
    /// The only destinations allowed; `None` allows all that is not forbidden, private networks
    /// included.
    pub only: Option<Vec<Rule>>,
    /// Where this program itself listens. Its ports are refused at every address of this machine's interfaces.
    pub own: Vec<SocketAddr>,
    /// The address that people open, which leads back to this program through its reverse proxy.
    pub public: Option<HttpUrl>,
}

impl Policy {
    /// Judges a host before anything is sent: an IP address wholly, for it is never looked up; a
    /// name as far as it goes, for its addresses are judged when they are known.
    pub(super) fn check_host(&self, host: &Host<&str>, port: u16) -> Result<(), Refused> {
        if self.is_public(host, port) {
            return Err(Refused { destination: format!("{host}:{port}"), led_to: None, why: Why::Own });
        }
        let address = match host {
            Host::Ipv4(v4) => IpAddr::V4(*v4),
            Host::Ipv6(v6) => IpAddr::V6(*v6),
            Host::Domain(name) => return self.check_name(name, port),
        };
        let listed = self.lists(|rule| rule.allows_address(address.to_canonical(), port));
        let destination = || SocketAddr::new(address, port).to_string();
        let why = self.judge(address, port, listed);
        why.map_or(Ok(()), |why| Err(Refused { destination: destination(), led_to: None, why }))
    }

    /// Judges a host that a proxy will look up, in its own network: as [`Self::check_host`], but
    /// where destinations are listed, the name itself must be on the list, for its addresses will
    /// never be known here.
    pub(super) fn check_behind_proxy(&self, host: &Host<&str>, port: u16) -> Result<(), Refused> {
        self.check_host(host, port)?;
        let Host::Domain(name) = host else {
            return Ok(());
        };
        let plain = plain_name(name);
        if self.lists(|rule| rule.allows_name(&plain, port)) {
            return Ok(());
        }
        Err(Refused { destination: format!("{name}:{port}"), led_to: None, why: Why::NotListed })
    }

    /// Judges every address that a look-up of `name` gave. One bad address refuses the name: which
    /// of several is connected to is not for us to say, and an honest name has no such address.
    pub(super) fn check_answers(&self, name: &str, port: u16, addresses: &[IpAddr]) -> Result<(), Refused> {
        let refused = addresses.iter().find_map(|&address| self.refusal(name, port, address));
        refused.map_or(Ok(()), Err)
    }

    /// Why one address of `name` is refused, if it is.
    pub(super) fn refusal(&self, name: &str, port: u16, address: IpAddr) -> Option<Refused> {
        let (plain, canonical) = (plain_name(name), address.to_canonical());
        let listed = self.lists(|rule| rule.allows_name(&plain, port) || rule.allows_address(canonical, port));
        let why = self.judge(address, port, listed)?;
        Some(Refused { destination: name.to_owned(), led_to: Some(address), why })
    }

    /// Refuses names that mean this machine (RFC 6761 6.3), without asking a name server.
    fn check_name(&self, name: &str, port: u16) -> Result<(), Refused> {
        let plain = plain_name(name);
        let local = plain == "localhost" || plain.ends_with(".localhost");
        if local && !self.allow_loopback {
            return Err(Refused { destination: format!("{name}:{port}"), led_to: None, why: Why::Loopback });
        }
        Ok(())
    }

    fn judge(&self, address: IpAddr, port: u16, listed: bool) -> Option<Why> {
        let address = address.to_canonical();
        if let Some(kind) = Forbidden::find(address) {
            return Some(Why::Forbidden(kind));
        }
        if self.is_own(address, port) {
            return Some(Why::Own);
        }
        if address.is_loopback() && !self.allow_loopback {
            return Some(Why::Loopback);
        }
        (!listed).then_some(Why::NotListed)
    }

    /// Whether a rule of the list fits; without a list, everything does.
    fn lists(&self, fits: impl Fn(&Rule) -> bool) -> bool {
        self.only.as_ref().is_none_or(|rules| rules.iter().any(fits))
    }

    /// A listener may be forwarded to from another address of this machine, so its port is its own at all of them.
    fn is_own(&self, address: IpAddr, port: u16) -> bool {
        self.own.iter().any(|own| {
            own.port() == port
                && match address.is_loopback() {
                    true => own.ip().is_unspecified() || own.ip().to_canonical() == address,
                    false => own.ip().to_canonical() == address || is_local(address),
                }
        })
    }

    /// Whether this is the address that people open, under the name that they type.
    fn is_public(&self, host: &Host<&str>, port: u16) -> bool {
        let public = self.public.as_ref().filter(|url| url.port() == port);
        let public = public.and_then(HttpUrl::host);
        public.is_some_and(|public| plain_name(&public.to_string()) == plain_name(&host.to_string()))
    }
}

/// Whether this machine has the address: only then can a socket be bound to it. Nothing is sent.
fn is_local(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// A name as rules know it: lower case, without the final full stop of an absolute name.
fn plain_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// A destination that the policy refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// What was asked for: a host name, or an address and port.
    destination: String,
    /// The address of the name.
    led_to: Option<IpAddr>,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Forbidden(Forbidden),
    Loopback,
    Own,
    NotListed,
}

impl Refused {
    /// The refusal in words. `is_proxy` is whether it is the proxy's address.
    pub(super) fn error(&self, is_proxy: bool) -> SendError {
        let role = if is_proxy { "the proxy " } else { "" };
        let is = match self.led_to {
            Some(address) => format!("it resolves to {address},"),
            None => "it is".to_owned(),
        };
        let what = match self.why {
            Why::Forbidden(kind) => kind.words(),
            Why::Loopback => "a loopback address (Connectory's own machine)",
            Why::Own => "where Connectory itself listens",
            Why::NotListed => "not on the list of allowed destinations",
        };
        let message = format!("Connectory does not connect to {role}“{}”: {is} {what}.", self.destination);
        SendError::new(Stage::AddressRefused, message, self.remedy(is_proxy))
    }

    fn remedy(&self, is_proxy: bool) -> String {
        let (itself, it) = if is_proxy { ("the proxy itself", "the proxy") } else { ("the API itself", "the API") };
        match self.why {
            Why::Forbidden(_) | Why::Own => format!(
                "Enter the address of {itself}. Addresses of this kind are always refused, \
                 to keep internal services unreachable through Connectory."
            ),
            Why::Loopback => format!(
                "Enter the address that {it} has in the network, or ask the administrator of \
                 Connectory to allow loopback addresses."
            ),
            Why::NotListed => "Ask your administrator to add it to the list of allowed destinations.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::url::UrlProblem;
    use super::*;

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
        let own =
            |own: &str| Policy { allow_loopback: true, own: own.parse().into_iter().collect(), ..Policy::default() };
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
    fn a_name_is_judged_by_all_its_addresses() {
        let good = IpAddr::from([10, 0, 0, 1]);
        let bad = IpAddr::from([169, 254, 169, 254]);
        let open = Policy::default();
        let why = |policy: &Policy, name, addresses: &[IpAddr]| {
            policy.check_answers(name, 443, addresses).err().map(|r| r.why)
        };
        assert_eq!(why(&open, "a.example", &[good]), None);
        let forbidden = Some(Why::Forbidden(Forbidden::LinkLocal));
        assert_eq!(why(&open, "a.example", &[good, bad]), forbidden);
        assert_eq!(why(&open, "a.example", &[IpAddr::from([127, 0, 0, 1])]), Some(Why::Loopback));

        let rules = ["*.example.org:443", "10.0.0.0/16"];
        let listed = Policy { only: Some(rules.iter().flat_map(|rule| rule.parse()).collect()), ..Policy::default() };
        let elsewhere = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(why(&listed, "API.example.org.", &[elsewhere]), None);
        assert_eq!(why(&listed, "api.example.org", &[bad]), forbidden);
        assert_eq!(why(&listed, "other.example", &[good]), None);
        assert_eq!(why(&listed, "other.example", &[good, elsewhere]), Some(Why::NotListed));
    }

    #[test]
    fn a_refusal_is_told_in_a_sentence() {
        let address = IpAddr::from([169, 254, 169, 254]);
        let refused = Policy::default().check_answers("meta.example", 80, &[address]);
        assert_eq!(
            refused.map_err(|refused| refused.error(false).message),
            Err("Connectory does not connect to “meta.example”: it resolves to 169.254.169.254, a \
                 link-local address, where clouds keep their metadata."
                .to_owned())
        );
    }
}

//! The allow list: the destinations to which the administrator limits requests (`CONNECTORY_OUTBOUND_ONLY`).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;
use url::Host;

/// An entry of the list: a network or host to which requests may go, with or without a port.
///
/// Written `10.0.0.0/8`, `10.0.0.0/8:443`, `[2001:db8::/32]:443`, `api.example.org` or
/// `*.example.org:8443`; the last one means every host below `example.org`, not that host itself.
/// Without a port, every port is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowListEntry {
    place: Place,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Network(IpNet),
    Host(String),
    /// The part after `*`, with its full stop: `.example.org`.
    Below(String),
}

/// Why a text is no [`AllowListEntry`]; the words complete the text itself ("“a b” is …").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AllowListProblem {
    /// The part after the colon is no number from 1 to 65,535.
    #[error("must have a port between 1 and 65,535")]
    Port,
    /// Neither a network nor a host.
    #[error("is neither a network such as 10.0.0.0/8 nor a host such as api.example.org")]
    Place,
}

impl FromStr for AllowListEntry {
    type Err = AllowListProblem;

    fn from_str(text: &str) -> Result<Self, AllowListProblem> {
        let text = text.trim();
        // A bare IPv6 address or network is full of colons; it has a port only after brackets.
        if let Some(place) = network(text) {
            return Ok(Self { place, port: None });
        }
        let (place, port) = match text.rsplit_once(':') {
            Some((place, port)) => (place, Some(parse_port(port)?)),
            None => (text, None),
        };
        let place = network(place).or_else(|| host(place));
        place.map(|place| Self { place, port }).ok_or(AllowListProblem::Place)
    }
}

impl AllowListEntry {
    /// Whether the entry names this host itself, whatever its addresses are. `name` is in lower case
    /// and without a final full stop.
    pub(super) fn allows_name(&self, name: &str, port: u16) -> bool {
        let meant = match &self.place {
            Place::Network(_) => false,
            Place::Host(host) => host == name,
            Place::Below(suffix) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
        };
        meant && self.allows_port(port)
    }

    /// Whether the entry names a network that holds this address (in its canonical form).
    pub(super) fn allows_address(&self, address: IpAddr, port: u16) -> bool {
        match &self.place {
            Place::Network(network) => network.contains(&address) && self.allows_port(port),
            Place::Host(_) | Place::Below(_) => false,
        }
    }

    fn allows_port(&self, port: u16) -> bool {
        self.port.is_none_or(|allowed| allowed == port)
    }
}

impl fmt::Display for AllowListEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.port) {
            (Place::Network(IpNet::V6(network)), Some(port)) => write!(f, "[{network}]:{port}"),
            (Place::Network(network), Some(port)) => write!(f, "{network}:{port}"),
            (Place::Network(network), None) => write!(f, "{network}"),
            (Place::Host(host), Some(port)) => write!(f, "{host}:{port}"),
            (Place::Host(host), None) => write!(f, "{host}"),
            (Place::Below(suffix), Some(port)) => write!(f, "*{suffix}:{port}"),
            (Place::Below(suffix), None) => write!(f, "*{suffix}"),
        }
    }
}

fn parse_port(text: &str) -> Result<u16, AllowListProblem> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(AllowListProblem::Port),
    }
}

/// A network or a single address, in brackets or not.
fn network(text: &str) -> Option<Place> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let text = bare.unwrap_or(text);
    let network = text.parse::<IpNet>().ok();
    let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.map(|network| Place::Network(network.trunc()))
}

/// A host name, in the form in which URLs carry it (lower case, `xn--…`).
fn host(text: &str) -> Option<Place> {
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    if name.contains(['*', '/', '\\', '@', '?', '#', '%']) {
        return None;
    }
    match Host::parse(name.trim_end_matches('.')).ok()? {
        Host::Domain(name) if below => Some(Place::Below(format!(".{name}"))),
        Host::Domain(name) => Some(Place::Host(name)),
        // Another spelling of an address (decimal, octal) would surprise its reader.
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_as_written() {
        for text in [
            "10.0.0.0/8",
            "10.0.0.0/8:443",
            "2001:db8::/32",
            "[2001:db8::/32]:443",
            "api.example.org",
            "api.example.org:8443",
            "*.example.org",
            "*.example.org:8443",
            "intranet",
        ] {
            let entry = text.parse::<AllowListEntry>().map(|entry| entry.to_string());
            assert_eq!(entry.as_deref(), Ok(text));
        }
        for (text, shown) in [
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("::1", "::1/128"),
            ("[::1]:8080", "[::1/128]:8080"),
            (" API.Example.org. ", "api.example.org"),
            ("bücher.example", "xn--bcher-kva.example"),
        ] {
            let entry = text.parse::<AllowListEntry>().map(|entry| entry.to_string());
            assert_eq!(entry.as_deref(), Ok(shown));
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for (text, problem) in [
            ("", AllowListProblem::Place),
            ("*", AllowListProblem::Place),
            ("*.", AllowListProblem::Place),
            ("a.*.org", AllowListProblem::Place),
            ("a b", AllowListProblem::Place),
            ("10.0.0.0/33", AllowListProblem::Place),
            ("0x7f000001", AllowListProblem::Place),
            ("https://example.org", AllowListProblem::Port),
            ("example.org/path", AllowListProblem::Place),
            ("example.org:0", AllowListProblem::Port),
            ("example.org:65536", AllowListProblem::Port),
            ("example.org:", AllowListProblem::Port),
        ] {
            assert_eq!(text.parse::<AllowListEntry>(), Err(problem), "{text:?}");
        }
    }

    #[test]
    fn an_entry_allows_what_it_names_and_no_more() -> Result<(), AllowListProblem> {
        let below = "*.example.org:443".parse::<AllowListEntry>()?;
        assert!(below.allows_name("api.example.org", 443));
        assert!(below.allows_name("a.b.example.org", 443));
        assert!(!below.allows_name("example.org", 443));
        assert!(!below.allows_name("badexample.org", 443));
        assert!(!below.allows_name("api.example.org", 80));
        assert!(!below.allows_name("api.example.org.evil.example", 443));
        let network = "10.0.0.0/8".parse::<AllowListEntry>()?;
        assert!(network.allows_address(IpAddr::from([10, 9, 8, 7]), 5432));
        assert!(!network.allows_address(IpAddr::from([11, 0, 0, 1]), 5432));
        assert!(!network.allows_name("10.0.0.1", 443));
        Ok(())
    }
}

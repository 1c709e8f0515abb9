//! Protection against SSRF (server-side request forgery): where requests may go, and the message about a destination
//! that is refused.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use http::Uri;
use url::Host;

use super::allow_list::AllowListEntry;
use super::error::{SendError, Stage};
use super::exceptions::{LinkLocalServer, Nat64};
use super::forbidden_addresses::Forbidden;
use super::url::{HttpUrl, has_step};

/// What the administrator allows. Some addresses are refused whatever stands here: link-local,
/// cloud metadata, multicast, unspecified, broadcast, reserved and disguised IPv4 ones, and this
/// program's own listeners.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether requests to this machine's loopback addresses are allowed.
    pub allow_loopback: bool,
    /// The allow list: the only destinations allowed; `None` allows all that is not forbidden, private networks
    /// included.
    pub only: Option<Vec<AllowListEntry>>,
    /// Prefixes of NAT64 of this machine's network: an address of theirs is judged by the IPv4 address inside.
    pub nat64: Vec<Nat64>,
    /// Link-local addresses that are allowed all the same.
    pub link_local: Vec<LinkLocalServer>,
    /// Where this program itself listens. Its ports are refused at every address of this machine's interfaces.
    pub own: Vec<SocketAddr>,
    /// The address that people open, which leads back to this program through its reverse proxy.
    pub public: Option<HttpUrl>,
}

/// The part of this program's API that its own requests may call: what is below has a token of its own.
pub(super) const OWN_PATH: &str = "/api/v1/collections/";

impl Policy {
    /// Where this program itself listens, for a request of a collection's connector: no other request to it is allowed.
    pub(super) fn own_listener(&self, uri: &Uri) -> Result<SocketAddr, Refused> {
        let is_allowed = self.public.as_ref().is_some_and(|public| public.is_origin_of(uri))
            && uri.path().starts_with(OWN_PATH)
            && !has_step(uri.path());
        self.own.first().filter(|_| is_allowed).map(|own| connectable(*own)).ok_or_else(|| {
            let destination = uri.authority().map_or(String::new(), ToString::to_string);
            Refused { destination, led_to: None, why: Why::Own }
        })
    }

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
        let listed = self.lists(|entry| entry.allows_address(self.meant(address), port));
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
        if self.lists(|entry| entry.allows_name(&plain, port)) {
            return Ok(());
        }
        Err(Refused { destination: format!("{name}:{port}"), led_to: None, why: Why::NotListed })
    }

    /// The addresses of a look-up of `name` that may be connected to. The others are left out, for hosts of local
    /// networks have link-local addresses too; nothing but what is given here is connected to. A name with an address of
    /// this program, or with none that may be, is refused.
    pub(super) fn usable(&self, name: &str, port: u16, addresses: &[IpAddr]) -> Result<Vec<IpAddr>, Refused> {
        let mut usable = Vec::new();
        let mut first = None;
        for &address in addresses {
            match self.refusal(name, port, address) {
                None => usable.push(address),
                Some(refused) if refused.why == Why::Own => return Err(refused),
                Some(refused) => first = first.or(Some(refused)),
            }
        }
        match first {
            Some(refused) if usable.is_empty() => Err(refused),
            _ => Ok(usable),
        }
    }

    /// Why one address of `name` is refused, if it is.
    pub(super) fn refusal(&self, name: &str, port: u16, address: IpAddr) -> Option<Refused> {
        let (plain, meant) = (plain_name(name), self.meant(address));
        let listed = self.lists(|entry| entry.allows_name(&plain, port) || entry.allows_address(meant, port));
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
        let address = self.meant(address);
        if let Some(kind) = Forbidden::find(address)
            && !self.link_local.iter().any(|server| IpAddr::V4(server.0) == address)
        {
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

    /// The address that is reached by this one: an IPv4 address may be mapped or translated.
    fn meant(&self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V6(v6) => Nat64::translate(&self.nat64, v6).map_or(v6.into(), IpAddr::V4),
            v4 => v4,
        }
    }

    /// Whether an entry of the list fits; without a list, everything does.
    fn lists(&self, fits: impl Fn(&AllowListEntry) -> bool) -> bool {
        self.only.as_ref().is_none_or(|entries| entries.iter().any(fits))
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

/// The address of a listener as a client of this machine connects to it.
fn connectable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

/// Whether this machine has the address: only then can a socket be bound to it. Nothing is sent.
fn is_local(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// A name as the allow list has it: lower case, without the final full stop of an absolute name.
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

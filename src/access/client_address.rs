//! Where a request comes from: the address at the other end of the connection, or the one that a trusted proxy names.
//!
//! Rule: `X-Forwarded-For` counts only from proxies that the administrator trusts, and is read from its end, because
//! the sender of a request writes its beginning.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use actix_web::{HttpRequest, web};
use ipnet::IpNet;

/// The header to which proxies add the address of their client.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks of the proxies that are trusted.
#[derive(Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    pub fn new(networks: Vec<IpNet>) -> TrustedProxies {
        TrustedProxies(networks.into())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the last of the named ones that is no trusted proxy's. A name that is no address ends the
    /// way back, at the proxy that has passed it on. The sender of a request writes the beginning of a line, so bytes
    /// that are no text there must not make what a proxy has added unreadable.
    fn client(&self, peer: IpAddr, lines: &[&[u8]]) -> IpAddr {
        let mut client = peer;
        for name in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = parse(String::from_utf8_lossy(name).trim()) else {
                break;
            };
            client = address;
        }
        client
    }
}

/// An address with or without a port, and an IPv6 one with or without brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    let address = address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// The address of the sender of a request; empty if the connection has none.
pub fn client_address(req: &HttpRequest) -> String {
    let Some(peer) = req.peer_addr() else {
        return String::new();
    };
    let peer = peer.ip().to_canonical();
    let proxies = req.app_data::<web::Data<TrustedProxies>>();
    let Some(proxies) = proxies.filter(|proxies| proxies.trusts(peer)) else {
        return peer.to_string();
    };
    let lines = req.headers().get_all(FORWARDED_FOR);
    let lines: Vec<&[u8]> = lines.map(|line| line.as_bytes()).collect();
    proxies.client(peer, &lines).to_string()
}

/// The address at the other end, if it says for whom it asks and is not trusted to: a proxy that the administrator has
/// forgotten, or a client that pretends to be one.
pub fn untrusted_forwarder(req: &HttpRequest) -> Option<IpAddr> {
    let peer = req.peer_addr()?.ip().to_canonical();
    let proxies = req.app_data::<web::Data<TrustedProxies>>();
    let is_trusted = proxies.is_some_and(|proxies| proxies.trusts(peer));
    (!is_trusted && req.headers().contains_key(FORWARDED_FOR)).then_some(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_that_is_no_proxys_is_the_clients() {
        let networks = ["10.0.0.0/8", "::1/128"].map(|text| text.parse().expect("a network"));
        let proxies = TrustedProxies::new(networks.into());
        let table: &[(&str, &[&[u8]], &str)] = &[
            ("10.0.0.1", &[b"192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &[b"1.1.1.1, 192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &[b"1.1.1.1", b"192.0.2.7, 10.0.0.2"], "192.0.2.7"),
            ("10.0.0.1", &[b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &[b"192.0.2.7:4711"], "192.0.2.7"),
            ("::1", &[b"[2001:db8::7]:4711"], "2001:db8::7"),
            ("::1", &[b"2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &[b"::ffff:192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &[b"192.0.2.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &[b"192.0.2.7, , 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[b"\xff, 192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &[b"192.0.2.7, \xff"], "10.0.0.1"),
            ("10.0.0.1", &[b"\xff", b"192.0.2.7"], "192.0.2.7"),
            ("192.0.2.9", &[b"192.0.2.7"], "192.0.2.9"),
        ];
        for (peer, named, client) in table {
            let peer = peer.parse().expect("an address");
            assert_eq!(proxies.client(peer, named).to_string(), *client, "{named:?}");
        }
    }
}

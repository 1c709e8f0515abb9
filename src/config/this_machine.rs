//! Whether a host of a setting or of an address is this machine, to which nothing has to be encrypted.

use std::net::IpAddr;

/// Whether a host is this machine: `localhost` or a loopback address, an IPv6 one with or without the brackets that it
/// has in URLs.
pub fn is_this_machine(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_by_name_or_address_is_this_machine() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "[::1]", "::ffff:127.0.0.1"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", "localhost.example.org", "127.example.org", "10.0.0.1", "0.0.0.0", "::", "[::2]"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}

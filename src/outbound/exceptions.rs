//! Addresses that the administrator has said more about: prefixes of NAT64, and link-local addresses that are servers.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::Ipv6Net;
use thiserror::Error;

/// A prefix whose addresses stand for IPv4 ones, which a gateway of the network translates (RFC 6052).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nat64(Ipv6Net);

/// What is no [`Nat64`]; the words complete the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, such as 64:ff9b:1::/96")]
pub struct Nat64Problem;

impl Nat64 {
    /// The prefix that is the same everywhere (RFC 6052 2.1).
    const WELL_KNOWN: Nat64 = Nat64(Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96));

    /// The IPv4 address that an address stands for, by the prefix that is known everywhere or by one of `local`.
    pub(super) fn translate(local: &[Nat64], address: Ipv6Addr) -> Option<Ipv4Addr> {
        let prefix = [Self::WELL_KNOWN].iter().chain(local).find(|prefix| prefix.0.contains(&address))?;
        let bytes = address.octets();
        // The byte after the first 64 bits is left out (RFC 6052 2.2).
        let from = usize::from(prefix.0.prefix_len() / 8);
        let mut inside = (from..16).filter(|&at| at != 8).map(|at| bytes[at]);
        let mut next = || inside.next().unwrap_or_default();
        Some(Ipv4Addr::from([next(), next(), next(), next()]))
    }
}

impl FromStr for Nat64 {
    type Err = Nat64Problem;

    fn from_str(text: &str) -> Result<Self, Nat64Problem> {
        let prefix: Ipv6Net = text.parse().map_err(|_| Nat64Problem)?;
        let fits = matches!(prefix.prefix_len(), 32 | 40 | 48 | 56 | 64 | 96);
        fits.then_some(Self(prefix.trunc())).ok_or(Nat64Problem)
    }
}

/// A link-local address behind which there is a server, such as 169.254.1.2, the host of Podman's containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLocalServer(pub(super) Ipv4Addr);

/// What is no [`LinkLocalServer`]; the words complete the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LinkLocalProblem {
    #[error("is no address in 169.254.0.0/16")]
    Address,
    /// Where clouds keep what their machines may know, credentials included.
    #[error("is an address of the metadata services of clouds, which are always refused")]
    Metadata,
}

impl FromStr for LinkLocalServer {
    type Err = LinkLocalProblem;

    fn from_str(text: &str) -> Result<Self, LinkLocalProblem> {
        let address: Ipv4Addr = text.parse().map_err(|_| LinkLocalProblem::Address)?;
        match address.octets() {
            // Most clouds, the containers of AWS, and Tencent.
            [169, 254, 169 | 170, _] | [169, 254, 0, 23] => Err(LinkLocalProblem::Metadata),
            [169, 254, ..] => Ok(Self(address)),
            _ => Err(LinkLocalProblem::Address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_nat64_is_read_as_rfc_6052_has_it() -> Result<(), Box<dyn std::error::Error>> {
        for (prefix, address) in [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
            ("64:ff9b:1::/96", "64:ff9b::192.0.2.33"),
        ] {
            let inside = Nat64::translate(&[prefix.parse()?], address.parse()?);
            assert_eq!(inside, Some(Ipv4Addr::new(192, 0, 2, 33)), "{prefix} {address}");
        }
        assert_eq!(Nat64::translate(&[], "64:ff9b:1::a00:1".parse()?), None);
        for wrong in ["", "64:ff9b::", "64:ff9b::/95", "10.0.0.0/8"] {
            assert_eq!(wrong.parse::<Nat64>(), Err(Nat64Problem), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn a_link_local_server_is_no_metadata_service() {
        assert!("169.254.1.2".parse::<LinkLocalServer>().is_ok());
        for (text, problem) in [
            ("169.254.169.254", LinkLocalProblem::Metadata),
            ("169.254.170.2", LinkLocalProblem::Metadata),
            ("10.0.0.1", LinkLocalProblem::Address),
            ("169.254.0.0/16", LinkLocalProblem::Address),
        ] {
            assert_eq!(text.parse::<LinkLocalServer>(), Err(problem), "{text}");
        }
    }
}

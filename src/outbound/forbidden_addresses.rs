//! Protection against SSRF (server-side request forgery): the addresses that are refused whatever the administrator
//! allows. What the administrator allows is in `policy`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Kinds of address that have no API, but machinery behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forbidden {
    /// 0.0.0.0/8 and `::` (RFC 1122 3.2.1.3): on Linux, this machine itself.
    Unspecified,
    /// 169.254.0.0/16 (RFC 3927), with the metadata services of most clouds, and fe80::/10.
    LinkLocal,
    /// Metadata services of clouds outside the link-local range.
    Metadata,
    /// 224.0.0.0/4 and ff00::/8.
    Multicast,
    /// 255.255.255.255.
    Broadcast,
    /// 240.0.0.0/4 (RFC 1112 4) and fec0::/10 (RFC 3879).
    Reserved,
    /// NAT64 of unknown prefixes (RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380), IPv4-compatible (RFC 4291
    /// 2.5.5.1) and IPv4-translated (RFC 2765) addresses: an IPv4 address in disguise.
    Embedded,
}

/// Metadata services that answer on ordinary-looking addresses: Azure's wire server, Alibaba,
/// Oracle.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];

/// The same in IPv6: AWS, Google, Oracle, Scaleway.
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

impl Forbidden {
    /// Why `address` is always refused, if it is. An IPv4-mapped address counts as its IPv4 one.
    pub(super) fn find(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            IpAddr::V4(v4) => find_v4(v4),
            IpAddr::V6(v6) => find_v6(v6),
        }
    }

    /// The kind in words: "…, a multicast address".
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Unspecified => "an unspecified address",
            Self::LinkLocal => "a link-local address, where clouds keep their metadata",
            Self::Metadata => "the metadata service of a cloud",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Reserved => "a reserved address",
            Self::Embedded => "an IPv4 address wrapped in an IPv6 one",
        }
    }
}

fn find_v4(v4: Ipv4Addr) -> Option<Forbidden> {
    match v4.octets() {
        [0, ..] => Some(Forbidden::Unspecified),
        [169, 254, ..] => Some(Forbidden::LinkLocal),
        [255, 255, 255, 255] => Some(Forbidden::Broadcast),
        [224..=239, ..] => Some(Forbidden::Multicast),
        [240..=255, ..] => Some(Forbidden::Reserved),
        _ => METADATA_V4.contains(&v4).then_some(Forbidden::Metadata),
    }
}

fn find_v6(v6: Ipv6Addr) -> Option<Forbidden> {
    if v6 == Ipv6Addr::LOCALHOST {
        return None;
    }
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some(Forbidden::Unspecified),
        [0xfe80..=0xfebf, ..] => Some(Forbidden::LinkLocal),
        [0xfec0..=0xfeff, ..] => Some(Forbidden::Reserved),
        [0xff00..=0xffff, ..] => Some(Forbidden::Multicast),
        [0, 0, 0, 0, 0, 0, _, _]
        | [0, 0, 0, 0, 0xffff, 0, _, _]
        | [0x64, 0xff9b, 0, 0, 0, 0, _, _]
        | [0x64, 0xff9b, 1, ..]
        | [0x2001, 0, ..]
        | [0x2002, ..] => Some(Forbidden::Embedded),
        _ => METADATA_V6.contains(&v6).then_some(Forbidden::Metadata),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(address: &str) -> Result<Option<Forbidden>, std::net::AddrParseError> {
        address.parse().map(Forbidden::find)
    }

    #[test]
    fn machinery_is_refused_in_every_form() {
        use Forbidden::*;
        for (address, kind) in [
            ("0.0.0.0", Unspecified),
            ("0.1.2.3", Unspecified),
            ("169.254.0.1", LinkLocal),
            ("169.254.169.254", LinkLocal),
            ("169.254.170.2", LinkLocal),
            ("168.63.129.16", Metadata),
            ("100.100.100.200", Metadata),
            ("192.0.0.192", Metadata),
            ("224.0.0.1", Multicast),
            ("239.255.255.255", Multicast),
            ("240.0.0.1", Reserved),
            ("255.255.255.254", Reserved),
            ("255.255.255.255", Broadcast),
            ("::", Unspecified),
            ("::ffff:0.0.0.0", Unspecified),
            ("::ffff:169.254.169.254", LinkLocal),
            ("::ffff:168.63.129.16", Metadata),
            ("::ffff:224.0.0.1", Multicast),
            ("::ffff:255.255.255.255", Broadcast),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("fec0::1", Reserved),
            ("ff02::1", Multicast),
            ("fd00:ec2::254", Metadata),
            ("fd20:ce::254", Metadata),
            ("fd00:c1::a9fe:a9fe", Metadata),
            ("fd00:42::42", Metadata),
            ("64:ff9b::a9fe:a9fe", Embedded),
            ("64:ff9b::8.8.8.8", Embedded),
            ("64:ff9b:1::a9fe:a9fe", Embedded),
            ("2002:a9fe:a9fe::1", Embedded),
            ("2001::1", Embedded),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Embedded),
            ("::169.254.169.254", Embedded),
            ("::127.0.0.1", Embedded),
            ("::ffff:0:169.254.169.254", Embedded),
        ] {
            assert_eq!(find(address), Ok(Some(kind)), "{address}");
        }
    }

    #[test]
    fn hosts_and_intranets_are_not() {
        for address in [
            "1.1.1.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "168.63.129.17",
            "223.255.255.255",
            "::1",
            "::ffff:10.0.0.1",
            "2001:db8::1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "fd00::1",
            "fd00:ec2::1",
            "fc00::1",
        ] {
            assert_eq!(find(address), Ok(None), "{address}");
        }
    }
}

//! A connector's own proxy: its address, its sign-in, and the hosts that it is not used for.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use http::HeaderValue;
use url::Host;

use super::allow_list::AllowListEntry;
use super::origin::Origin;
use super::url::{HttpUrl, UrlProblem};
use crate::db::text_column;
use crate::vault::Secret;

/// The port of a SOCKS proxy whose address names none (RFC 1928 section 3).
const SOCKS_PORT: u16 = 1_080;

/// The address of a proxy: `http://`, `https://` or `socks5://`. With the last one, as with the others, the proxy looks
/// names up; `socks5h://` says the same.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct ProxyUrl {
    typed: String,
    /// Where it is connected to.
    server: HttpUrl,
    is_socks: bool,
}

text_column!(ProxyUrl, |text| ProxyUrl::parse(text).ok(), ProxyUrl::as_str);

impl ProxyUrl {
    /// Reads what was typed, without outer white space.
    pub fn parse(typed: &str) -> Result<Self, UrlProblem> {
        let typed = typed.trim();
        let (server, is_socks) = match without_socks(typed) {
            Some(rest) => (HttpUrl::parse(&format!("http://{}/", with_port(rest)))?, true),
            None => (HttpUrl::parse(typed)?, false),
        };
        Ok(Self { typed: typed.to_owned(), server, is_socks })
    }

    /// The address as it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Scheme, host and port: what its password is bound to.
    pub fn origin(&self) -> Origin {
        match self.is_socks {
            true => Origin::new("socks5", self.server.host_text(), self.server.port()),
            false => self.server.origin(),
        }
    }
}

/// What follows the scheme of SOCKS.
fn without_socks(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_socks = scheme.eq_ignore_ascii_case("socks5") || scheme.eq_ignore_ascii_case("socks5h");
    is_socks.then(|| rest.trim_end_matches('/'))
}

fn with_port(authority: &str) -> String {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { authority.to_owned() } else { format!("{authority}:{SOCKS_PORT}") }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({})", self.origin())
    }
}

/// The forward proxy that requests go through (RFC 9110 7.3.2): `http` ones in absolute form, `https` ones by CONNECT,
/// so that the proxy sees the host name and no more; through SOCKS (RFC 1928) both as they are. The proxy's own
/// certificate, if its address is an `https` one, is checked with the same settings as the target's.
///
/// The address judged after look-up is the proxy's, for that is what is connected to. The target is judged as it is
/// written: a literal address wholly, a name only as a name, because it is the proxy that looks it up, in its own
/// network. Where destinations are listed, the target's name itself must be on the list.
#[derive(Clone)]
pub struct Proxy {
    pub url: ProxyUrl,
    /// User and password (RFC 7617, RFC 1929), which the proxy alone gets.
    pub sign_in: Option<(String, Secret)>,
    /// Hosts that are reached without it.
    pub exceptions: Vec<AllowListEntry>,
}

impl From<ProxyUrl> for Proxy {
    fn from(url: ProxyUrl) -> Self {
        Self { url, sign_in: None, exceptions: Vec::new() }
    }
}

impl Proxy {
    /// Whether requests to this address go through it.
    pub(super) fn serves(&self, target: &HttpUrl) -> bool {
        let port = target.port();
        let address =
            |address: IpAddr| self.exceptions.iter().any(|entry| entry.allows_address(address.to_canonical(), port));
        let is_exception = match target.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                self.exceptions.iter().any(|entry| entry.allows_name(&name, port))
            }
            Some(Host::Ipv4(v4)) => address(v4.into()),
            Some(Host::Ipv6(v6)) => address(v6.into()),
            None => false,
        };
        !is_exception
    }

    pub(super) fn server(&self) -> &HttpUrl {
        &self.url.server
    }

    pub(super) fn is_socks(&self) -> bool {
        self.url.is_socks
    }

    /// The header that signs in at an HTTP proxy.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let (user, password) = self.sign_in.as_ref()?;
        let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
        let mut value = HeaderValue::from_str(&format!("Basic {pair}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Whether both are used in the same way.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let sign_ins =
            [self, other].map(|proxy| proxy.sign_in.as_ref().map(|(user, password)| (user, password.expose())));
        self.url == other.url && sign_ins[0] == sign_ins[1] && self.exceptions == other.exceptions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_typed_and_has_an_origin_of_its_own() {
        for (typed, origin) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("https://proxy.example", "https://proxy.example"),
            ("socks5://proxy.example", "socks5://proxy.example:1080"),
            ("SOCKS5H://Proxy.example:80/", "socks5://proxy.example:80"),
            ("socks5://[2001:db8::1]", "socks5://[2001:db8::1]:1080"),
        ] {
            let url = ProxyUrl::parse(typed);
            assert_eq!(url.as_ref().map(ProxyUrl::as_str), Ok(typed));
            let shown = url.map(|url| url.origin().to_string()).unwrap_or_default();
            assert_eq!(shown, origin);
            assert_eq!(Origin::parse(&shown).map(|origin| origin.to_string()).as_deref(), Some(origin));
            assert_eq!(Origin::of_template(typed).map(|origin| origin.to_string()).as_deref(), Some(origin));
        }
        for (typed, problem) in [
            ("socks4://proxy.example", UrlProblem::Scheme),
            ("socks5://ana:pw@proxy.example", UrlProblem::UserInformation),
            ("socks5://", UrlProblem::NoHost),
        ] {
            assert_eq!(ProxyUrl::parse(typed), Err(problem), "{typed}");
        }
    }

    #[test]
    fn hosts_that_are_listed_go_without_it() -> Result<(), Box<dyn std::error::Error>> {
        let exceptions = ["*.corp.example", "10.0.0.0/8", "api.example:8443"];
        let exceptions = exceptions.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let proxy = Proxy { exceptions, ..ProxyUrl::parse("http://proxy.example:3128")?.into() };
        for (url, expected) in [
            ("https://a.corp.example/", false),
            ("https://corp.example/", true),
            ("http://10.1.2.3/", false),
            ("http://11.1.2.3/", true),
            ("https://API.example.:8443/", false),
            ("https://api.example/", true),
        ] {
            assert_eq!(proxy.serves(&HttpUrl::parse(url)?), expected, "{url}");
        }
        Ok(())
    }
}

//! Origins: scheme, host and port of an address, which tell one server from another.

use std::fmt;

use super::{HttpUrl, ProxyUrl};

/// Scheme, host and port of a URL (RFC 6454). Two URLs of one origin have the same server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    pub(super) fn new(scheme: &str, host: &str, port: u16) -> Origin {
        Origin { scheme: scheme.to_owned(), host: host.to_owned(), port }
    }

    /// Reads what [`Origin`] displays, and nothing else: `None` for any other text.
    pub fn parse(text: &str) -> Option<Origin> {
        let origin = match text.starts_with("socks5") {
            true => ProxyUrl::parse(text).ok()?.origin(),
            false => HttpUrl::parse(text).ok()?.origin(),
        };
        (origin.to_string() == text).then_some(origin)
    }

    /// The origin of an absolute URL whose path and query may hold variables; `None` for a relative URL, or one with a
    /// variable in its scheme, host or port.
    pub fn of_template(url: &str) -> Option<Origin> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        if authority.contains(['{', '}']) {
            return None;
        }
        // The connector's own proxy is one of its addresses.
        let root = ProxyUrl::parse(&format!("{scheme}://{authority}/")).ok()?;
        Some(root.origin())
    }

    /// Whether requests to it are encrypted.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The host: a name in lower case (internationalised ones as `xn--…`), or an IP address, in
    /// brackets if it is an IPv6 one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where it is the scheme's default.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// `https://api.example.org`, or `http://10.0.0.5:8080`: a default port is hidden.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = match self.scheme.as_str() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        write!(f, "{}://{}", self.scheme, self.host)?;
        if Some(self.port) == default {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_origin_reads_back_and_no_other_text_does() {
        for text in ["https://a.example", "http://10.0.0.5:8080", "https://[2001:db8::1]:8443"] {
            let origin = Origin::parse(text).map(|origin| origin.to_string());
            assert_eq!(origin.as_deref(), Some(text));
        }
        for text in
            ["https://a.example/", "https://a.example:443", "HTTPS://a.example", "a.example", "", "ftp://a.example"]
        {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_template_has_an_origin_where_its_host_has_no_variables() {
        let of = |url| Origin::of_template(url).map(|origin| origin.to_string());
        assert_eq!(of("https://b.example:8443/{{id}}?x={{y}}").as_deref(), Some("https://b.example:8443"));
        assert_eq!(of(" HTTPS://A.example ").as_deref(), Some("https://a.example"));
        for url in [
            "https://{{host}}/x",
            "https://c.example.{{tld}}/x",
            "ftp://d.example/",
            "{{base}}://e.example",
            "/x?next=https://f.example/",
            "",
        ] {
            assert_eq!(of(url), None, "{url}");
        }
    }
}

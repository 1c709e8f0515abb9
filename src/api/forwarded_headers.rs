//! Which headers are forwarded between a caller and an API, and which are hop-by-hop (RFC 9110 7.6.1).
//!
//! Rule: hop-by-hop headers end here, in both directions, those that `Connection` names included. Not sent to the API is
//! also what is meant for Connectory alone (key, cookies, `Connectory-…`) and what describes the network behind it
//! (`Forwarded` and the like); `Via` is added, as RFC 9110 7.6.3 asks of a gateway. The API's response cannot set
//! `Connectory-…` headers or rules for this site. A key whose methods are limited sends no header and no query pair by
//! which servers take a request for one of another method: its POST stays a POST.
//!
//! Danger: frameworks fold the names of such overrides before they compare them (CGI makes `_` of `-`, PHP of `.` and
//! spaces too), so names are compared folded. Two versions of the crate `http` meet here, the server's and the client's.

use actix_web::http::header::{HeaderMap as OwnMap, HeaderName as OwnName, HeaderValue as OwnValue};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::outbound::http::header::{CONNECTION, VIA};
use crate::outbound::http::{HeaderMap, HeaderName, HeaderValue};

/// The name of an installation in `Via` (RFC 9110 7.6.3): the same for its instances and another for others, so that
/// one that calls through another is no loop. Nothing can be read from it.
pub struct Pseudonym(String);

impl Pseudonym {
    /// The one of the installation that people open at this address.
    pub fn of(address: &str) -> Pseudonym {
        let digest = Sha256::digest(format!("via {address}"));
        let digits = digest.iter().take(4).map(|byte| format!("{byte:02x}"));
        Pseudonym(format!("connectory-{}", digits.collect::<String>()))
    }

    fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("1.1 {}", self.0)).ok()
    }

    /// Whether a request has passed this installation already.
    pub fn has_passed(&self, request: &OwnMap) -> bool {
        let lines = request.get_all("via").filter_map(|line| line.to_str().ok());
        let mut hops = lines.flat_map(|line| line.split(','));
        hops.any(|hop| hop.split_whitespace().nth(1) == Some(&self.0))
    }
}

/// The prefix of Connectory's own headers.
const OWN_PREFIX: &str = "connectory-";

/// Hop-by-hop headers, and headers that follow from the message itself.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Headers of a request that are for Connectory alone.
fn is_private(name: &str) -> bool {
    matches!(
        name,
        "authorization" | "cookie" | "expect" | "forwarded" | "host" | "via" | "x-connectory-key" | "x-real-ip"
    ) || name.starts_with("x-forwarded-")
        || name.starts_with(OWN_PREFIX)
}

/// Headers of a response that would set rules for this site, which the API is not: what browsers store, delete or report
/// about it, or let other sites read.
fn sets_site_rules(name: &str) -> bool {
    matches!(
        name,
        "alt-svc"
            | "clear-site-data"
            | "nel"
            | "public-key-pins"
            | "report-to"
            | "reporting-endpoints"
            | "strict-transport-security"
    ) || name.starts_with("access-control-")
}

/// The headers of a caller's request that go to the API, by the installation of this name. With `limits_methods` those
/// that override the method do not.
pub(super) fn outgoing(request: &OwnMap, limits_methods: bool, own: &Pseudonym) -> HeaderMap {
    let named = named_by_connection(request.get_all("connection").map(OwnValue::as_bytes));
    let mut headers = HeaderMap::with_capacity(request.len_keys() + 4);
    for (name, value) in request.iter() {
        let name = name.as_str();
        if is_hop_by_hop(name) || is_private(name) || named.iter().any(|other| other == name) {
            continue;
        }
        if limits_methods && is_method_override(name) {
            continue;
        }
        // Both have passed the server's parser, which takes what this one takes.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            headers.append(name, value);
        }
    }
    if let Some(via) = own.value() {
        headers.insert(VIA, via);
    }
    headers
}

/// The headers of an API's response that go to the caller.
pub(super) fn incoming<'a>(response: &'a HeaderMap) -> impl Iterator<Item = (OwnName, OwnValue)> + 'a {
    let lines = response.get_all(CONNECTION).into_iter();
    let named = named_by_connection(lines.map(HeaderValue::as_bytes));
    response.iter().filter_map(move |(name, value)| {
        let name = name.as_str();
        let is_dropped = is_hop_by_hop(name)
            || sets_site_rules(name)
            || name.starts_with(OWN_PREFIX)
            || named.iter().any(|other| other == name);
        if is_dropped {
            return None;
        }
        let name = OwnName::from_bytes(name.as_bytes()).ok()?;
        let value = OwnValue::from_bytes(value.as_bytes()).ok()?;
        Some((name, value))
    })
}

/// The names in lower case; usually there are none, or `keep-alive` and `close`, which say nothing more.
fn named_by_connection<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let names = lines.flat_map(|line| line.split(|byte| *byte == b','));
    let names = names.map(|name| name.trim_ascii());
    names
        .filter(|name| !name.eq_ignore_ascii_case(b"keep-alive") && !name.eq_ignore_ascii_case(b"close"))
        .map(|name| String::from_utf8_lossy(name).to_ascii_lowercase())
        .collect()
}

/// Whether the caller wants another protocol on the connection (RFC 9110 7.8).
pub(super) fn wants_upgrade(request: &OwnMap) -> bool {
    request.contains_key("upgrade")
}

/// Whether a header or a parameter of this name overrides the method.
fn is_method_override(name: &str) -> bool {
    let folded: String = name.trim().chars().map(fold).collect();
    matches!(
        folded.as_str(),
        "_method"
            | "_http_method"
            | "http_method_override"
            | "x_http_method_override"
            | "x_http_method"
            | "x_method_override"
    )
}

fn fold(letter: char) -> char {
    match letter {
        '-' | '.' | ' ' | '[' => '_',
        letter => letter.to_ascii_lowercase(),
    }
}

/// The query without its pairs that override the method; `None` if it has none. All others stay byte by byte. Some
/// servers part pairs by semicolons.
pub(super) fn without_method_override(query: &str) -> Option<String> {
    let overrides = |pair: &str| {
        let name = pair.split(['=', '&', ';']).next().unwrap_or_default().replace('+', " ");
        is_method_override(&percent_decode_str(&name).decode_utf8_lossy())
    };
    let pairs = || query.split_inclusive(['&', ';']);
    if !pairs().any(overrides) {
        return None;
    }
    let rest: String = pairs().filter(|pair| !overrides(pair)).collect();
    Some(rest.trim_end_matches(['&', ';']).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &'static str)]) -> OwnMap {
        let mut map = OwnMap::new();
        for (name, value) in pairs {
            map.append(OwnName::from_static(name), OwnValue::from_static(value));
        }
        map
    }

    #[test]
    fn hop_by_hop_headers_and_those_for_connectory_are_not_sent() {
        let request = own(&[
            ("accept", "application/json"),
            ("x-trace", "1"),
            ("x-trace", "2"),
            ("connection", "Keep-Alive, X-Hop"),
            ("connection", "x-other"),
            ("x-hop", "a"),
            ("x-other", "b"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("trailer", "x-sum"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic x"),
            ("content-length", "5"),
            ("host", "connectory.example"),
            ("authorization", "Bearer cty_x"),
            ("x-connectory-key", "cty_x"),
            ("connectory-retries", "3"),
            ("cookie", "connectory=session"),
            ("expect", "100-continue"),
            ("x-forwarded-for", "10.0.0.7"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "10.0.0.7"),
            ("forwarded", "for=10.0.0.7"),
            ("via", "1.1 inner-proxy"),
        ]);
        let own = Pseudonym::of("https://connectory.example.org");
        let sent = outgoing(&request, false, &own);
        let mut names: Vec<&str> = sent.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "via", "x-trace"]);
        assert_eq!(sent.get_all("x-trace").iter().count(), 2);
        assert_eq!(sent.get("via"), own.value().as_ref());
    }

    #[test]
    fn a_request_that_has_passed_is_known_by_its_own_name_alone() {
        let own = Pseudonym::of("https://connectory.example.org");
        let other = Pseudonym::of("https://connectory.example.net");
        for (via, is_own) in [
            (format!("1.1 {}", own.0), true),
            (format!("1.1 proxy, 1.1 {} (comment),HTTP/2 x", own.0), true),
            (format!("1.1 {}", other.0), false),
            ("1.1 connectory".into(), false),
            (String::new(), false),
        ] {
            let mut request = own_map(&via);
            assert_eq!(own.has_passed(&request), is_own, "{via}");
            request.remove("via");
            assert!(!own.has_passed(&request));
        }
    }

    fn own_map(via: &str) -> OwnMap {
        let mut map = OwnMap::new();
        let value = OwnValue::from_str(via).expect("a value");
        map.append(OwnName::from_static("via"), value);
        map
    }

    #[test]
    fn method_overrides_are_sent_for_keys_with_all_methods_only() {
        let request = own(&[
            ("x-http-method-override", "DELETE"),
            ("x-http-method", "DELETE"),
            ("x-method-override", "DELETE"),
            ("x_http_method_override", "DELETE"),
            ("x-method", "kept"),
        ]);
        let names = |limits_methods| {
            let own = Pseudonym::of("https://connectory.example.org");
            let sent = outgoing(&request, limits_methods, &own);
            let mut names: Vec<String> = sent.keys().map(HeaderName::to_string).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(true), ["via", "x-method"]);
        assert_eq!(names(false).len(), 6);
    }

    #[test]
    fn hop_by_hop_headers_and_connectorys_own_are_not_returned() {
        let mut response = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("connection", "close, x-hop"),
            ("x-hop", "a"),
            ("transfer-encoding", "chunked"),
            ("connectory-answer", "connectory"),
            ("access-control-allow-origin", "*"),
            ("alt-svc", "h2=\"evil.example:443\""),
            ("clear-site-data", "\"*\""),
            ("strict-transport-security", "max-age=0"),
            ("proxy-authenticate", "Basic"),
            ("www-authenticate", "Bearer"),
        ] {
            response.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let back: Vec<String> = incoming(&response).map(|(name, _)| name.to_string()).collect();
        assert_eq!(back, ["content-type", "set-cookie", "set-cookie", "www-authenticate"]);
    }

    #[test]
    fn pairs_that_override_the_method_are_left_out_in_every_spelling() {
        for (query, kept) in [
            ("_method=DELETE", Some("")),
            ("_method", Some("")),
            ("a=%20x&_method=DELETE&b='1'", Some("a=%20x&b='1'")),
            ("a=1&%5FMethod=DELETE", Some("a=1")),
            ("a=1;_method=PUT;b=2", Some("a=1;b=2")),
            (".method=PUT&+_method=PUT&a", Some("a")),
            ("X-HTTP-Method-Override=PUT&a", Some("a")),
            ("method=PUT&a_method=1&x=_method", None),
            ("", None),
            ("&&a", None),
        ] {
            assert_eq!(without_method_override(query).as_deref(), kept, "{query}");
        }
    }
}

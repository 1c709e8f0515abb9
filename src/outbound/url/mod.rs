//! Addresses of other servers, as people type them.

use std::fmt;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use http::{Method, Uri};
use thiserror::Error;
use url::{Host, ParseError, Position, Url};

use super::Origin;
use super::error::{SendError, Stage};
use super::request::{Body, Request};
use crate::db::text_column;

mod steps;
mod target;

pub use steps::has_step;

/// The longest address that is accepted, in characters: what servers and proxies agree to carry.
const LONGEST: usize = 2_048;
/// The longest URL of a request, in bytes: what the largest servers take.
const LONGEST_REQUEST: usize = 16 * 1024;

/// An `http` or `https` URL with a host and without user information or fragment.
///
/// It reads back exactly as it was typed, but for outer white space, while requests and
/// comparisons use the form that browsers agree on (WHATWG URL), in which `0xa9fea9fe` and
/// `169.254.169.254` are the same host.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct HttpUrl {
    typed: String,
    parsed: Url,
}

text_column!(HttpUrl, |text| HttpUrl::parse(text).ok(), HttpUrl::as_str);

/// Why a text is no [`HttpUrl`]; the words complete the label of the field ("URL Token must …").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UrlProblem {
    /// More than 2,048 characters.
    #[error("is longer than 2,048 characters")]
    TooLong,
    /// The URL of a request with more than 16 KiB.
    #[error("is longer than 16 KiB")]
    RequestTooLong,
    /// Another scheme, or none.
    #[error("must start with https:// or http://")]
    Scheme,
    /// White space or a control character, which URL parsers drop in silence.
    #[error("must not contain spaces or line breaks")]
    WhiteSpace,
    /// A backslash, which some parsers take for a slash.
    #[error("must not contain a backslash")]
    Backslash,
    /// Nothing stands where the host belongs.
    #[error("has no host name")]
    NoHost,
    /// `user:password@`, which would put a secret into an address that pages show.
    #[error("must not contain a user name or password")]
    UserInformation,
    /// A part from `#` on, which is never sent.
    #[error("must not have a fragment (the part from #)")]
    Fragment,
    /// A port that is no number from 1 to 65,535.
    #[error("must have a port between 1 and 65,535")]
    Port,
    /// A host that is neither a name nor an IP address.
    #[error("has a host name that is not valid")]
    Host,
}

impl HttpUrl {
    /// Reads what was typed, without outer white space.
    pub fn parse(typed: &str) -> Result<Self, UrlProblem> {
        let typed = typed.trim();
        if typed.chars().count() > LONGEST {
            return Err(UrlProblem::TooLong);
        }
        Self::read(typed)
    }

    /// Reads the URL of a request, whose values can be long.
    pub fn of_request(url: &str) -> Result<Self, UrlProblem> {
        if url.len() > LONGEST_REQUEST { Err(UrlProblem::RequestTooLong) } else { Self::read(url) }
    }

    fn read(typed: &str) -> Result<Self, UrlProblem> {
        check_authority(typed)?;
        let parsed = Url::parse(typed).map_err(problem)?;
        if parsed.fragment().is_some() {
            return Err(UrlProblem::Fragment);
        }
        if parsed.port() == Some(0) {
            return Err(UrlProblem::Port);
        }
        Ok(Self { typed: typed.to_owned(), parsed })
    }

    /// The address of a request.
    pub(super) fn from_uri(uri: &Uri) -> Result<Self, SendError> {
        let parsed = Url::parse(&uri.to_string()).ok().filter(is_plain);
        parsed.map(Self::of).ok_or_else(SendError::invalid_url)
    }

    /// A request to this address.
    pub fn request(&self, method: Method, body: Body) -> Result<Request, SendError> {
        let mut request = Request::new(body);
        *request.uri_mut() = Uri::try_from(self.absolute()).map_err(|_| {
            SendError::new(
                Stage::Url,
                "The address has characters that cannot be sent.",
                "Percent-encode them: a space is %20.",
            )
        })?;
        *request.method_mut() = method;
        Ok(request)
    }

    fn of(parsed: Url) -> Self {
        Self { typed: parsed.to_string(), parsed }
    }

    /// The address as it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Scheme, host and port: what a stored secret is bound to.
    pub fn origin(&self) -> Origin {
        Origin::new(self.parsed.scheme(), self.host_text(), self.port())
    }

    /// The same address with `pairs` added to its query, form-encoded.
    pub fn with_query(&self, pairs: &[(&str, &str)]) -> Self {
        if pairs.is_empty() {
            return self.clone();
        }
        let mut parsed = self.parsed.clone();
        parsed.query_pairs_mut().extend_pairs(pairs);
        Self::of(parsed)
    }

    /// The address that a `Location` header names, seen from this one, without query and fragment,
    /// which may carry secrets; `None` if it is no address or no `http(s)` one.
    pub fn location(&self, location: &str) -> Option<String> {
        let mut target = self.parsed.join(location).ok()?;
        target.set_query(None);
        target.set_fragment(None);
        target.set_username("").ok()?;
        target.set_password(None).ok()?;
        matches!(target.scheme(), "http" | "https").then(|| target.to_string())
    }

    /// Whether the address lies on this origin; cheaper than comparing [`Self::origin`].
    pub fn is_on(&self, origin: &Origin) -> bool {
        self.port() == origin.port() && self.is_https() == origin.is_https() && self.host_text() == origin.host()
    }

    pub(super) fn host_text(&self) -> &str {
        self.parsed.host_str().unwrap_or_default()
    }

    /// Its root: what all addresses of the origin have in common.
    pub(super) fn root(&self) -> Self {
        let mut parsed = self.parsed.clone();
        parsed.set_path("");
        parsed.set_query(None);
        Self::of(parsed)
    }

    /// Whether a request to `uri` goes to this origin. False where `uri` writes the origin in another way.
    pub(super) fn is_origin_of(&self, uri: &Uri) -> bool {
        let authority = &self.parsed[Position::BeforeUsername..Position::BeforePath];
        uri.scheme_str() == Some(self.parsed.scheme()) && uri.authority().is_some_and(|of| of.as_str() == authority)
    }

    pub(super) fn is_https(&self) -> bool {
        self.parsed.scheme() == "https"
    }

    pub(super) fn host(&self) -> Option<Host<&str>> {
        self.parsed.host()
    }

    pub(super) fn port(&self) -> u16 {
        self.parsed.port_or_known_default().unwrap_or_default()
    }

    /// Host and port, the only part of an address that messages show.
    pub(super) fn host_and_port(&self) -> String {
        let host = self.parsed.host_str().unwrap_or_default();
        format!("{host}:{}", self.port())
    }
}

/// Whether an address is an `http(s)` one without a sign-in of its own.
fn is_plain(parsed: &Url) -> bool {
    let is_http = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
    is_http && parsed.username().is_empty() && parsed.password().is_none() && parsed.port() != Some(0)
}

/// Shows the origin only: a query may hold a secret.
impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({})", self.origin())
    }
}

/// Checks on the typed text what the parser would repair in silence: a repaired address might lead
/// elsewhere than its reader thinks.
fn check_authority(typed: &str) -> Result<(), UrlProblem> {
    let (scheme, rest) = typed.split_once("://").ok_or(UrlProblem::Scheme)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(UrlProblem::Scheme);
    }
    if typed.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(UrlProblem::WhiteSpace);
    }
    if typed.contains('\\') {
        return Err(UrlProblem::Backslash);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(UrlProblem::UserInformation);
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(UrlProblem::NoHost);
    }
    Ok(())
}

fn problem(error: ParseError) -> UrlProblem {
    match error {
        ParseError::EmptyHost => UrlProblem::NoHost,
        ParseError::InvalidPort => UrlProblem::Port,
        _ => UrlProblem::Host,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_reads_back_as_typed() {
        for typed in [
            "https://api.example.org",
            "http://10.0.0.5:8080/token?tenant=a%20b",
            "HTTPS://Api.Example.ORG/Path",
            "https://bücher.example/ü",
            "http://[2001:db8::1]:8443/",
        ] {
            let url = HttpUrl::parse(&format!("  {typed}\n"));
            assert_eq!(url.as_ref().map(HttpUrl::as_str), Ok(typed));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_in_words() {
        let long = format!("https://example.org/{}", "a".repeat(2_048));
        for (typed, problem) in [
            ("", UrlProblem::Scheme),
            ("example.org", UrlProblem::Scheme),
            ("ftp://example.org", UrlProblem::Scheme),
            ("javascript://example.org", UrlProblem::Scheme),
            ("https:example.org", UrlProblem::Scheme),
            ("https://", UrlProblem::NoHost),
            ("https:///path", UrlProblem::NoHost),
            ("https://:443/", UrlProblem::NoHost),
            ("https://?a", UrlProblem::NoHost),
            ("https://u:p@example.org", UrlProblem::UserInformation),
            ("https://@example.org", UrlProblem::UserInformation),
            ("https://example.org/#top", UrlProblem::Fragment),
            ("https://example.org:0/", UrlProblem::Port),
            ("https://example.org:65536/", UrlProblem::Port),
            ("https://example.org:abc/", UrlProblem::Port),
            ("https://exa mple.org", UrlProblem::WhiteSpace),
            ("https://example.org/a\tb", UrlProblem::WhiteSpace),
            ("https://example.org/a\r\nb", UrlProblem::WhiteSpace),
            ("https://example.org\\@evil.example", UrlProblem::Backslash),
            ("https://[::1", UrlProblem::Host),
            ("https://1.2.3.4.5/", UrlProblem::Host),
            ("https://a<b/", UrlProblem::Host),
            (long.as_str(), UrlProblem::TooLong),
        ] {
            assert_eq!(HttpUrl::parse(typed), Err(problem), "{typed:?}");
        }
    }

    #[test]
    fn an_origin_hides_its_default_port_and_compares_by_meaning() {
        for (typed, shown) in [
            ("https://api.example.org:443/a?b", "https://api.example.org"),
            ("HTTP://API.example.org:80", "http://api.example.org"),
            ("http://api.example.org:443", "http://api.example.org:443"),
            ("http://0xa9fea9fe/", "http://169.254.169.254"),
            ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            let shown_origin = HttpUrl::parse(typed).map(|url| url.origin().to_string());
            assert_eq!(shown_origin.as_deref(), Ok(shown));
        }
        let origin = |typed| HttpUrl::parse(typed).map(|url| url.origin());
        assert_eq!(origin("https://A.example"), origin("https://a.example:443/x"));
        assert_ne!(origin("https://a.example"), origin("http://a.example:443"));
        assert_ne!(origin("https://a.example"), origin("https://a.example:8443"));
    }

    #[test]
    fn debug_output_and_redirect_targets_leave_the_query_out() -> Result<(), UrlProblem> {
        let url = HttpUrl::parse("https://example.org/a?key=s3cret")?;
        assert_eq!(format!("{url:?}"), "HttpUrl(https://example.org)");
        let seen = |location| url.location(location);
        assert_eq!(seen("/b?key=s3cret#x").as_deref(), Some("https://example.org/b"));
        assert_eq!(seen("//u:p@b.example/c").as_deref(), Some("https://b.example/c"));
        assert_eq!(seen("file:///etc/passwd"), None);
        assert_eq!(seen("http://["), None);
        Ok(())
    }

    #[test]
    fn the_parts_that_a_request_names() -> Result<(), UrlProblem> {
        for (typed, target, authority) in [
            ("https://Example.org", "/", "example.org:443"),
            ("https://example.org:443/a?b=c%20d", "/a?b=c%20d", "example.org:443"),
            ("http://10.0.0.5:8080?b", "/?b", "10.0.0.5:8080"),
            ("http://[2001:db8::1]:8443//x", "//x", "[2001:db8::1]:8443"),
        ] {
            let url = HttpUrl::parse(typed)?;
            assert_eq!((url.path_and_query(), url.host_and_port().as_str()), (target, authority));
            assert_eq!(url.root().path_and_query(), "/");
            assert!(url.is_on(&url.root().origin()));
            assert!(!url.is_on(&HttpUrl::parse("http://example.org:443/")?.origin()));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn an_accepted_address_is_accepted_again(typed in "(https?://)?\\PC{0,60}") {
            if let Ok(url) = HttpUrl::parse(&typed) {
                prop_assert_eq!(HttpUrl::parse(url.as_str()), Ok(url.clone()));
                prop_assert!(url.host().is_some());
            }
        }
    }
}

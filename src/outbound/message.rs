//! What is sent, what comes back, and how much of it.

use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::failure::{Layer, Problem};
use super::outgoing::{Outgoing, OutgoingBody};
use super::url::HttpUrl;

/// An HTTP method (RFC 9110 9.3, RFC 5789).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Reads the headers only.
    Head,
    /// Creates or acts.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
    /// Asks what is possible.
    Options,
}

/// A request. It has no `Debug`, for headers and body may hold secrets.
pub struct Request {
    method: Method,
    url: HttpUrl,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// How long a request may take and how much it may bring back. Every limit is finite.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Name look-up, connection and TLS handshake together.
    pub connect: Duration,
    /// Everything, from the call to the last byte of the answer; an hour at most. Of a streamed exchange
    /// it is the time until the answer's head, counted from the end of the request's body.
    pub total: Duration,
    /// How long a streamed body may pause, on either side.
    pub idle: Duration,
    /// The body in bytes, after decompression. A streamed one is not limited.
    pub body: usize,
    /// Names and values of all headers, in bytes.
    pub headers: usize,
}

/// A whole answer, whatever its status.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code (RFC 9110 15).
    pub status: u16,
    /// Header names in lower case with their values, in the order of arrival. Bytes that are no
    /// UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// The time from the call to the last byte.
    pub elapsed: Duration,
}

/// Headers that say how a message is framed or routed (RFC 9110 7.2, 7.6.1; RFC 9112 6). Only the
/// client may set them: a wrong one would smuggle a second request, or name another host than the
/// one that the policy judged.
const FRAMING: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Default for Limits {
    /// The limits of token requests: 10 seconds, 1 MiB of body, 64 KiB of headers.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            body: 1024 * 1024,
            headers: 64 * 1024,
        }
    }
}

impl Limits {
    /// The longest total time.
    pub(super) const LONGEST: Duration = Duration::from_secs(3_600);

    /// The limits where nobody waits before a page, of calls and renewals: 10 seconds for the
    /// connection, 30 in all.
    pub fn patient() -> Self {
        Self::within(Duration::from_secs(30))
    }

    /// The limits with a connector's own time-out; the connection has 10 seconds of it at most.
    pub fn within(total: Duration) -> Self {
        let default = Self::default();
        Self { connect: default.connect.min(total), total, idle: total, ..default }
    }

    /// The total time, which no caller can make longer than an hour: no request is forgotten.
    pub(super) fn in_all(&self) -> Duration {
        self.total.min(Self::LONGEST)
    }
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, url: HttpUrl) -> Self {
        Self { method, url, headers: Vec::new(), body: None }
    }

    /// Adds a header. Whether it can be sent is judged by [`super::Outbound::send`].
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// What is sent, with the headers that this client adds, if it can be.
    pub(super) fn outgoing(self) -> Result<Outgoing, Problem> {
        let mut headers = self.header_map()?;
        let add = |headers: &mut HeaderMap, name, value| {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        };
        add(&mut headers, USER_AGENT, "Connectory");
        add(&mut headers, ACCEPT, "*/*");
        // A range counts the bytes of what is sent, compressed or not.
        if !headers.contains_key(RANGE) {
            add(&mut headers, ACCEPT_ENCODING, "gzip");
        }
        Ok(Outgoing {
            method: self.method.into(),
            url: self.url,
            headers,
            body: self.body.map_or(OutgoingBody::Empty, |body| OutgoingBody::Whole(body.into())),
        })
    }

    /// The headers, if they can be sent: no line break or other control character can end one and
    /// begin the next.
    fn header_map(&self) -> Result<HeaderMap, Problem> {
        let mut map = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let name = header_name(name)?;
            let mut value = header_value(&name, value)?;
            value.set_sensitive(true);
            map.append(name, value);
        }
        Ok(map)
    }
}

fn header_name(name: &str) -> Result<HeaderName, Problem> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        Problem::new(
            Layer::Request,
            "A header has a name that cannot be sent.",
            "Use letters, digits and hyphens in header names.",
        )
    })?;
    if FRAMING.contains(&parsed.as_str()) {
        return Err(Problem::new(
            Layer::Request,
            format!("The header “{parsed}” cannot be set."),
            "Remove it: Connectory sets it by itself.",
        ));
    }
    Ok(parsed)
}

fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        Problem::new(
            Layer::Request,
            format!("The header “{name}” has a line break or another control character."),
            "Enter the value again, on one line.",
        )
    })
}

impl Reply {
    /// The first value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The standard words for the status ("Not Found"); the server's own are not trusted.
    pub fn reason(&self) -> Option<&'static str> {
        http::StatusCode::from_u16(self.status).ok()?.canonical_reason()
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
            Method::Options => Self::OPTIONS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::url::UrlProblem;
    use super::*;

    #[test]
    fn a_time_out_of_ones_own_bounds_the_connection_too() {
        let seconds = |limits: Limits| (limits.connect.as_secs(), limits.in_all().as_secs());
        let within = |total| seconds(Limits::within(Duration::from_secs(total)));
        assert_eq!(seconds(Limits::default()), (10, 10));
        assert_eq!(seconds(Limits::patient()), (10, 30));
        assert_eq!(within(3), (3, 3));
        assert_eq!(within(60), (10, 60));
        assert_eq!(within(7_200), (10, 3_600));
        assert_eq!(Limits::patient().body, Limits::default().body);
    }

    #[test]
    fn a_header_cannot_carry_another_one() -> Result<(), UrlProblem> {
        let url = HttpUrl::parse("https://example.org")?;
        for (name, value, sent) in [
            ("X-Key", "abc", true),
            ("X-Key", "ä tab\tand space", true),
            ("X-Key", "a\r\nHost: b", false),
            ("X-Key", "a\nb", false),
            ("X-Key", "a\rb", false),
            ("X-Key", "a\0b", false),
            ("X-Key", "a\u{7f}b", false),
            ("X Key", "abc", false),
            ("X-Key:", "abc", false),
            ("", "abc", false),
            ("Transfer-Encoding", "chunked", false),
            ("HOST", "other.example", false),
        ] {
            let request = Request::new(Method::Get, url.clone()).header(name, value);
            let map = request.header_map();
            assert_eq!(map.is_ok(), sent, "{name:?}: {value:?}");
            if let Err(problem) = map {
                assert_eq!(problem.layer, Layer::Request);
                assert!(!problem.message.contains("abc"));
            }
        }
        Ok(())
    }
}

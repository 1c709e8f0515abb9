//! The headers of what is sent: those that frame a message, which only this client sets, and those that a request may
//! carry.

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use hyper::body::Body as _;

use super::error::{SendError, Stage};
use super::request::Body;

/// Headers that say how a message is framed or routed (RFC 9110 7.2, 7.6.1; RFC 9112 6). Only the client sets them: a
/// wrong one would smuggle a second request, or name another host than the one that the policy judged.
static FRAMING: [HeaderName; 10] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The value of `User-Agent` (RFC 9110 10.1.5).
const SENDER: &str = concat!("Connectory/", env!("CARGO_PKG_VERSION"));

/// Sets what frames a message, and takes away what would frame it otherwise.
pub(super) fn frame(method: &Method, headers: &mut HeaderMap, body: &Body) -> Result<(), SendError> {
    if *method == Method::CONNECT {
        return Err(SendError::new(
            Stage::Request,
            "The method CONNECT cannot be sent.",
            "Choose the method that the API's documentation names.",
        ));
    }
    for name in &FRAMING {
        headers.remove(name);
    }
    // A server may wait for a body that a method usually has (RFC 9110 8.6).
    if body.is_end_stream() && matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    // hyper would drop the body of a GET in silence if this did not say that there is one.
    if let Body::Stream(stream) = body
        && stream.size().is_none()
    {
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    Ok(())
}

/// Adds who sends a request and that any media type is accepted, unless its headers say so: GitHub and others refuse
/// requests without `User-Agent`, firewalls those without `Accept`.
pub fn introduce(headers: &mut HeaderMap) {
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(SENDER));
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
}

/// Adds a header, if it can be sent: no line break or other control character can end one and begin the next.
pub fn add_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), SendError> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        SendError::new(
            Stage::Request,
            "A header has a name that cannot be sent.",
            "Use letters, digits and hyphens in header names.",
        )
    })?;
    if FRAMING.contains(&name) {
        let message = format!("The header “{name}” cannot be set.");
        return Err(SendError::new(Stage::Request, message, "Remove it: Connectory sets it by itself."));
    }
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        SendError::new(
            Stage::Request,
            format!("The header “{name}” has a line break or another control character."),
            "Enter the value again, on one line.",
        )
    })?;
    value.set_sensitive(true);
    headers.append(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_carry_another_one() {
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
            let mut headers = HeaderMap::new();
            let added = add_header(&mut headers, name, value);
            assert_eq!((added.is_ok(), headers.len()), (sent, usize::from(sent)), "{name:?}: {value:?}");
            if let Err(problem) = added {
                assert_eq!(problem.stage, Stage::Request);
                assert!(!problem.message.contains("abc"));
            }
        }
    }
}

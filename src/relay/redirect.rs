//! Redirects are followed for GET and HEAD, within one origin, to a path without dot segments, at most
//! [`MAX_REDIRECTS`] times. All others are returned to the caller.

use crate::outbound::HttpUrl;
use crate::outbound::http::header::LOCATION;
use crate::outbound::http::{HeaderMap, Method};

pub(super) const MAX_REDIRECTS: u16 = 5;

/// The target of a redirect that is followed (RFC 9110 15.4).
pub(super) fn target(method: &Method, url: &HttpUrl, status: u16, headers: &HeaderMap) -> Option<HttpUrl> {
    let is_safe = matches!(*method, Method::GET | Method::HEAD);
    if !is_safe || !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(LOCATION)?.to_str().ok()?;
    url.join(location).filter(|target| target.is_beside(url) && !target.has_step())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::http::HeaderValue;

    #[test]
    fn only_reading_and_only_the_same_origin_is_followed() {
        let url = HttpUrl::parse("https://a.example/v1/x?y").expect("an address");
        let follow = |method: Method, status, location: &'static str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            target(&method, &url, status, &headers).map(|url| url.path_and_query().to_string())
        };
        let get = |location| follow(Method::GET, 302, location);
        assert_eq!(get("/z?a").as_deref(), Some("/z?a"));
        assert_eq!(get("z#top").as_deref(), Some("/v1/z"));
        assert_eq!(get("https://A.example:443/z").as_deref(), Some("/z"));
        for elsewhere in [
            "https://b.example/z",
            "http://a.example/z",
            "https://a.example:8443/z",
            "//b.example/z",
            "\\\\b.example/z",
            "https://u:p@b.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://",
            "/v1/..%2fadmin",
            "/v1/%252e%252e/admin",
            "..;/admin",
        ] {
            assert_eq!(get(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(get("https://u:p@a.example/z"), None, "a sign-in of the server's own");
        assert!(follow(Method::HEAD, 308, "/z").is_some());
        for (method, status) in
            [(Method::POST, 303), (Method::DELETE, 307), (Method::GET, 304), (Method::GET, 300), (Method::GET, 200)]
        {
            assert_eq!(follow(method, status, "/z"), None);
        }
    }
}

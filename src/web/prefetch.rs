//! Requests that are made before a person asks for the page: by a browser that fetches or renders it ahead, and by
//! programs that check links.
//!
//! Rule: a GET that uses something up, such as the response of another server, does so for a person only.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};

use super::Error;

/// The headers that say so: the one of the Fetch standard (section 3.8), and what browsers sent before it.
const HEADERS: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Whether a request comes before a person asks for the page.
fn is_prefetch(req: &HttpRequest) -> bool {
    let says = |name: &&str| {
        let value = req.headers().get(*name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // `prefetch;prerender`: parameters follow the word.
        let word = value.split([';', ',']).next().unwrap_or_default().trim();
        word.eq_ignore_ascii_case("prefetch") || word.eq_ignore_ascii_case("preview")
    };
    *req.method() == Method::HEAD || HEADERS.iter().any(says)
}

/// The response to such a request; `None` for one of a person. Browsers use a page that they fetched ahead only if its
/// status says that it went well, so they ask again.
pub fn refuse_prefetch(req: &HttpRequest) -> Option<Result<HttpResponse, Error>> {
    is_prefetch(req).then(|| Ok(HttpResponse::ServiceUnavailable().finish()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_comes_ahead_is_told_by_its_header() {
        for (name, value, is_ahead) in [
            ("Sec-Purpose", "prefetch", true),
            ("Sec-Purpose", "prefetch;prerender", true),
            ("Sec-Purpose", "prefetch; anonymous-client-ip", true),
            ("Purpose", "prefetch", true),
            ("X-Purpose", "preview", true),
            ("X-Moz", "Prefetch", true),
            ("Sec-Purpose", "", false),
            ("Sec-Purpose", "prefetched", false),
            ("Sec-Fetch-Dest", "prefetch", false),
        ] {
            let req = TestRequest::get().insert_header((name, value)).to_http_request();
            assert_eq!(is_prefetch(&req), is_ahead, "{name}: {value}");
        }
        assert!(is_prefetch(&TestRequest::with_uri("/").method(Method::HEAD).to_http_request()));
        assert!(!is_prefetch(&TestRequest::get().to_http_request()));
    }
}

//! The URL of a call: below the base URL.
//!
//! Rule: a path is passed on as the same URL by RFC 3986 (an apostrophe may become `%27`) or refused. A dot segment in
//! any spelling that some server reads ([`has_step`]) is refused, because the call would leave the base URL. Danger:
//! repairing a path, because the repaired one is another path.

use percent_encoding::percent_decode_str;

use super::error::{PATH_NOT_ALLOWED, RelayError};
use crate::outbound::{HttpUrl, has_step};

/// The longest path and query in bytes, which servers accept.
const MAX_LENGTH: usize = 16 * 1024;

/// The URL of `path` and `query` below `base`, both as the caller wrote them. The path is empty or begins with a slash.
pub(super) fn below(base: &HttpUrl, path: &str, query: Option<&str>) -> Result<HttpUrl, RelayError> {
    check_path(path)?;
    if let Some(query) = query {
        check_characters(query)?;
    }
    let root = base.path().trim_end_matches('/');
    let queries = [base.query(), query];
    let mut target = String::with_capacity(root.len() + path.len() + query.map_or(1, str::len) + 16);
    target.push_str(root);
    target.push_str(path);
    if target.is_empty() {
        target.push('/');
    }
    let mut sign = '?';
    for query in queries.into_iter().flatten() {
        target.push(sign);
        target.push_str(query);
        sign = '&';
    }
    if target.len() > MAX_LENGTH {
        return Err(PATH_NOT_ALLOWED.because("Path and query have more than 16 KiB."));
    }
    base.with_target(&target).ok_or_else(|| PATH_NOT_ALLOWED.because("The path cannot be sent."))
}

fn check_path(path: &str) -> Result<(), RelayError> {
    if !path.is_empty() && !path.starts_with('/') {
        return Err(PATH_NOT_ALLOWED.because("The path does not begin with a slash."));
    }
    check_characters(path)?;
    if path.contains(['?', '\\']) {
        return Err(PATH_NOT_ALLOWED.because("The path has a backslash or a question mark."));
    }
    refuse_steps(has_step(path))
}

/// Refuses a URL whose path has a dot segment; every call is checked.
pub(super) fn check_steps(url: &HttpUrl) -> Result<(), RelayError> {
    refuse_steps(url.has_step())
}

fn refuse_steps(has_step: bool) -> Result<(), RelayError> {
    if has_step {
        return Err(PATH_NOT_ALLOWED.because("The path has a segment “.” or “..”."));
    }
    Ok(())
}

/// Only what may be in a request line (RFC 9112 3.2): visible ASCII, and no fragment.
fn check_characters(text: &str) -> Result<(), RelayError> {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if text.bytes().all(fits) {
        return Ok(());
    }
    Err(PATH_NOT_ALLOWED.because("The path or query has a character that must be encoded."))
}

/// The query without the pairs of this name, so that the credential is the only one.
pub fn without_pair(query: &str, name: &str) -> String {
    let is_other = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default().replace('+', " ");
        percent_decode_str(&key).decode_utf8_lossy() != name
    };
    let kept: Vec<&str> = query.split('&').filter(is_other).collect();
    kept.join("&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base(typed: &str) -> HttpUrl {
        HttpUrl::parse(typed).expect("an address")
    }

    fn joined(base_url: &str, path: &str, query: Option<&str>) -> Option<String> {
        let url = below(&base(base_url), path, query).ok()?;
        Some(format!("{} {}", url.origin(), url.path_and_query()))
    }

    #[test]
    fn path_and_query_are_passed_on_as_they_came() {
        for (base_url, path, query, wanted) in [
            ("https://a.example", "", None, "/"),
            ("https://a.example", "/", None, "/"),
            ("https://a.example/v1", "", None, "/v1"),
            ("https://a.example/v1/", "", None, "/v1"),
            ("https://a.example/v1", "/", None, "/v1/"),
            ("https://a.example/v1/", "/x/y", None, "/v1/x/y"),
            ("https://a.example/v1", "/x", Some(""), "/v1/x?"),
            ("https://a.example/v1", "/x", Some("a=%20+'b'&c"), "/v1/x?a=%20+%27b%27&c"),
            ("https://a.example/v1?t=1", "/x", Some("a"), "/v1/x?t=1&a"),
            ("https://a.example/v1?t=1", "/x", None, "/v1/x?t=1"),
            ("https://a.example", "/group%2Fproject", None, "/group%2Fproject"),
            ("https://a.example", "//b.example/x", None, "//b.example/x"),
            ("https://a.example", "/a..b/...", None, "/a..b/..."),
            ("https://a.example", "/@b.example", None, "/@b.example"),
            ("https://a.example", "/a%zz", None, "/a%zz"),
        ] {
            let found = joined(base_url, path, query);
            assert_eq!(found, Some(format!("https://a.example {wanted}")), "{path}");
        }
    }

    #[test]
    fn dot_segments_and_other_targets_are_refused() {
        for path in [
            "/..",
            "/../x",
            "/a/../b",
            "/a/..",
            "/.",
            "/./a",
            "/%2e%2e/a",
            "/%2E./a",
            "/.%2e",
            "/a%2f..%2fb",
            "/a%5c..%5cb",
            "/a/..;/b",
            "/a/..;x=1/b",
            "/%252e%252e/a",
            "/a%252f..%252f",
            "/..%00/",
            "/..%20/a",
            "/a\\b",
            "x",
            "@b.example/",
            "/a b",
            "/a\r\nb",
            "/a\tb",
            "/ä",
            "/a#b",
            "/a?b",
            "/\u{0}",
        ] {
            assert_eq!(joined("https://a.example/v1", path, None), None, "{path:?}");
        }
        for query in ["a b", "a#b", "a\r\nb", "ä"] {
            assert_eq!(joined("https://a.example/v1", "/a", Some(query)), None);
        }
        assert_eq!(joined("https://a.example", &"/a".repeat(9_000), None), None);
    }

    #[test]
    fn pairs_of_a_name_are_left_out_in_every_spelling() {
        for (query, wanted) in
            [("a=1&key=2&b=3", "a=1&b=3"), ("key", ""), ("k%65y=1&KEY=2&keys=3", "KEY=2&keys=3"), ("", "")]
        {
            assert_eq!(without_pair(query, "key"), wanted);
        }
        assert_eq!(without_pair("api+key=1&api%20key=2&x", "api key"), "x");
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_base(path in "(/|%2e|%2E|%2f|%5c|%25|\\.|;|a|@|:|\\\\|%|b\\.example){0,12}", query in proptest::option::of("[!-~]{0,12}")) {
            let origin = "https://a.example";
            let Ok(url) = below(&base("https://a.example/v1"), &path, query.as_deref()) else { return Ok(()); };
            prop_assert_eq!(url.origin().to_string(), origin);
            prop_assert!(url.path_and_query().starts_with("/v1"));
            // As the strictest and the most careless server would read it.
            let whole = format!("{origin}{}", url.path_and_query());
            let read = url::Url::parse(&whole).expect("an address");
            prop_assert_eq!(read.origin().ascii_serialization(), origin);
            prop_assert!(read.path().starts_with("/v1"));
            let twice = percent_decode_str(read.path()).decode_utf8_lossy().replace('\\', "/").replace(['?', '#'], "");
            let careless = url::Url::parse(&format!("{origin}{twice}")).expect("an address");
            prop_assert!(careless.path().starts_with("/v1"), "{}", careless);
        }
    }
}

//! Addresses whose path and query are sent byte by byte as somebody else wrote them.
//!
//! Rule: scheme, host and port come from an address that was parsed; a target only follows them. Danger: the parser of
//! addresses repairs what it reads, so such a target never passes through it.

use url::{Position, Url};

use super::HttpUrl;

impl HttpUrl {
    /// The same origin with this path and query, which are sent as they stand; `None` if they do not begin with a slash
    /// or hold anything but visible ASCII without `#`.
    pub fn with_target(&self, target: &str) -> Option<HttpUrl> {
        let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        if !target.starts_with('/') || !target.bytes().all(fits) {
            return None;
        }
        let origin = &self.parsed[..Position::BeforePath];
        let mut typed = String::with_capacity(origin.len() + target.len());
        typed.push_str(origin);
        typed.push_str(target);
        Some(HttpUrl { typed, parsed: self.parsed.clone(), is_exact: true })
    }

    /// The same address with another query, written as it is to be sent; an empty one is left out.
    pub fn with_raw_query(&self, query: &str) -> Option<HttpUrl> {
        let path = self.path();
        if query.is_empty() { self.with_target(path) } else { self.with_target(&format!("{path}?{query}")) }
    }

    pub(super) fn with_exact_query(&self, pairs: &[(&str, &str)]) -> HttpUrl {
        let mut url = self.clone();
        match url.query() {
            None => url.typed.push('?'),
            Some("") => {}
            Some(_) => url.typed.push('&'),
        }
        let mut added = form_urlencoded::Serializer::new(String::new());
        url.typed.push_str(&added.extend_pairs(pairs).finish());
        url
    }

    /// Where a `Location` header leads, seen from this address (RFC 9110 10.2.2); `None` if it is no `http(s)` address
    /// or names a sign-in of its own.
    pub fn join(&self, location: &str) -> Option<HttpUrl> {
        let base = Url::parse(&self.typed).ok()?;
        let mut parsed = base.join(location).ok()?;
        parsed.set_fragment(None);
        let is_plain = parsed.username().is_empty() && parsed.password().is_none();
        let is_http = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
        (is_plain && is_http && parsed.port() != Some(0)).then(|| HttpUrl {
            typed: parsed.to_string(),
            parsed,
            is_exact: false,
        })
    }

    /// Path and query, as a request to the server itself names them (RFC 9112 3.2.1).
    pub fn path_and_query(&self) -> &str {
        if self.is_exact {
            let origin = self.parsed[..Position::BeforePath].len();
            self.typed.get(origin..).unwrap_or("/")
        } else {
            &self.parsed[Position::BeforePath..]
        }
    }

    /// The path, which begins with a slash.
    pub fn path(&self) -> &str {
        let target = self.path_and_query();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// The query, if there is a question mark.
    pub fn query(&self) -> Option<&str> {
        self.path_and_query().split_once('?').map(|(_, query)| query)
    }

    /// The whole address, as a request to a proxy names it (RFC 9112 3.2.2).
    pub fn absolute(&self) -> &str {
        if self.is_exact { &self.typed } else { self.parsed.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::UrlProblem;
    use super::*;

    #[test]
    fn a_target_is_sent_as_it_was_written() -> Result<(), UrlProblem> {
        let base = HttpUrl::parse("HTTPS://A.example:443/v1?x=%20")?;
        assert_eq!((base.path(), base.query()), ("/v1", Some("x=%20")));
        for target in ["/", "//b.example/", "/a/../b", "/%2E?q='x'&y=%zz", "/a?", "/@b:c"] {
            let url = base.with_target(target).expect("a target");
            assert_eq!(url.path_and_query(), target);
            assert_eq!(url.absolute(), format!("https://a.example{target}"));
            assert_eq!(url.as_str(), url.absolute());
            assert!(url.is_beside(&base) && url.origin() == base.origin());
        }
        for target in ["", "a", "@b.example", "/a b", "/a#b", "/a\r\n", "/ä", "/\u{7f}"] {
            assert!(base.with_target(target).is_none(), "{target:?}");
        }
        Ok(())
    }

    #[test]
    fn a_query_is_added_behind_one_that_stays_as_it_is() -> Result<(), UrlProblem> {
        let base = HttpUrl::parse("https://a.example/v1")?;
        let seen = |target| {
            let url = base.with_target(target).expect("a target");
            url.with_query(&[("k", "ä b&")]).path_and_query().to_owned()
        };
        assert_eq!(seen("/a?f=x%20'y'"), "/a?f=x%20'y'&k=%C3%A4+b%26");
        assert_eq!(seen("/a"), "/a?k=%C3%A4+b%26");
        assert_eq!(seen("/a?"), "/a?k=%C3%A4+b%26");
        let other = |query| base.with_raw_query(query).map(|url| url.path_and_query().to_owned());
        assert_eq!(other("x='1'").as_deref(), Some("/v1?x='1'"));
        assert_eq!(other("").as_deref(), Some("/v1"));
        Ok(())
    }
}

//! Path and query of an address that come from outside.
//!
//! Rule: a path and query are sent as the same URL by RFC 3986 (a `'` may become `%27`), or refused: what the parser of
//! URLs would change in meaning (dot segments, backslashes) is no target.

use url::{Position, Url};

use super::{HttpUrl, has_step, is_plain};

impl HttpUrl {
    /// The same origin with this path and query; `None` if they do not begin with a slash, hold anything but visible
    /// ASCII without `#`, or have a backslash or a dot segment, which would change the path.
    pub fn with_target(&self, target: &str) -> Option<HttpUrl> {
        let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        let path = target.split('?').next().unwrap_or_default();
        if !target.starts_with('/') || !target.bytes().all(fits) || path.contains('\\') || has_step(path) {
            return None;
        }
        let origin = &self.parsed[..Position::BeforePath];
        let mut whole = String::with_capacity(origin.len() + target.len());
        whole.push_str(origin);
        whole.push_str(target);
        Url::parse(&whole).ok().map(Self::of)
    }

    /// The same address with another query, written as it is to be sent; an empty one is left out.
    pub fn with_raw_query(&self, query: &str) -> Option<HttpUrl> {
        let path = self.path();
        if query.is_empty() { self.with_target(path) } else { self.with_target(&format!("{path}?{query}")) }
    }

    /// Where a `Location` header leads, seen from this address (RFC 9110 10.2.2); `None` if it is no `http(s)` address
    /// or names a sign-in of its own.
    pub fn join(&self, location: &str) -> Option<HttpUrl> {
        let mut parsed = self.parsed.join(location).ok()?;
        parsed.set_fragment(None);
        is_plain(&parsed).then(|| Self::of(parsed))
    }

    /// Path and query, as a request to the server itself names them (RFC 9112 3.2.1).
    pub fn path_and_query(&self) -> &str {
        &self.parsed[Position::BeforePath..]
    }

    /// The path, which begins with a slash.
    pub fn path(&self) -> &str {
        self.parsed.path()
    }

    /// The query, if there is a question mark.
    pub fn query(&self) -> Option<&str> {
        self.parsed.query()
    }

    /// The whole address, as it is sent.
    pub fn absolute(&self) -> &str {
        self.parsed.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::super::UrlProblem;
    use super::*;

    #[test]
    fn a_target_is_sent_as_the_same_url_or_refused() -> Result<(), UrlProblem> {
        let base = HttpUrl::parse("HTTPS://A.example:443/v1?x=%20")?;
        assert_eq!((base.path(), base.query()), ("/v1", Some("x=%20")));
        for (target, sent) in [
            ("/", "/"),
            ("//b.example/", "//b.example/"),
            ("/%2F?q='x'&y=%zz", "/%2F?q=%27x%27&y=%zz"),
            ("/{a}?\\", "/%7Ba%7D?\\"),
            ("/a?", "/a?"),
            ("/@b:c", "/@b:c"),
        ] {
            let url = base.with_target(target).expect("a target");
            assert_eq!(url.path_and_query(), sent);
            assert_eq!(url.absolute(), format!("https://a.example{sent}"));
            assert_eq!(url.as_str(), url.absolute());
            assert!(url.is_on(&base.origin()) && url.origin() == base.origin());
        }
        for target in ["", "a", "@b.example", "/a b", "/a#b", "/a\r\n", "/ä", "/\u{7f}", "/a/../b", "/%2E?x", "/a\\b"]
        {
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
        assert_eq!(seen("/a?f=x%20'y'"), "/a?f=x%20%27y%27&k=%C3%A4+b%26");
        assert_eq!(seen("/a"), "/a?k=%C3%A4+b%26");
        assert_eq!(seen("/a?"), "/a?k=%C3%A4+b%26");
        let other = |query| base.with_raw_query(query).map(|url| url.path_and_query().to_owned());
        assert_eq!(other("x='1'").as_deref(), Some("/v1?x=%271%27"));
        assert_eq!(other("").as_deref(), Some("/v1"));
        Ok(())
    }
}

//! Where a server's metadata stand, and for which issuer (RFC 8414 3, OpenID Connect Discovery 4).

use crate::outbound::HttpUrl;

const MARK: &str = "/.well-known/";

/// Addresses at which metadata may stand, the likeliest first, and the issuer that they must name.
pub(super) struct WellKnown {
    pub(super) issuer: String,
    pub(super) addresses: Vec<HttpUrl>,
}

impl WellKnown {
    /// For an issuer, or for the whole address of its metadata. `None` for an address with a query,
    /// which no issuer has (RFC 8414 2).
    pub(super) fn of(typed: &HttpUrl) -> Option<Self> {
        let text = typed.as_str();
        if let Some((before, after)) = text.split_once(MARK) {
            let name = after.split('?').next().unwrap_or_default();
            // What follows the name of the document is the issuer's path.
            let path = name.find('/').and_then(|at| name.get(at..));
            return Some(Self {
                issuer: format!("{before}{}", path.unwrap_or_default()),
                addresses: vec![typed.clone()],
            });
        }
        if text.contains('?') {
            return None;
        }
        Some(Self { issuer: text.to_owned(), addresses: addresses(text) })
    }

    /// Whether a document is about the issuer that was asked for (RFC 8414 3.3). Letter by letter,
    /// but for a slash at the end, which people do not see and which leads to the same addresses.
    pub(super) fn is_issuer(&self, issuer: &str) -> bool {
        without_slash(issuer) == without_slash(&self.issuer)
    }
}

fn addresses(issuer: &str) -> Vec<HttpUrl> {
    let issuer = without_slash(issuer);
    let host = issuer.find("://").map_or(0, |at| at + 3);
    let rest = issuer.get(host..).unwrap_or_default();
    let path = rest.find('/').map_or(issuer.len(), |at| host + at);
    let (server, path) = issuer.split_at(path);
    let mut all =
        vec![format!("{server}{MARK}oauth-authorization-server{path}"), format!("{issuer}{MARK}openid-configuration")];
    if !path.is_empty() {
        all.push(format!("{issuer}{MARK}oauth-authorization-server"));
    }
    let addresses = all.iter().map(|address| HttpUrl::parse(address));
    addresses.filter_map(Result::ok).collect()
}

fn without_slash(issuer: &str) -> &str {
    issuer.strip_suffix('/').unwrap_or(issuer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(typed: &str) -> Option<WellKnown> {
        WellKnown::of(&HttpUrl::parse(typed).expect("an address"))
    }

    #[test]
    fn the_path_is_inserted_or_appended() {
        let oauth = "/.well-known/oauth-authorization-server";
        let openid = "/.well-known/openid-configuration";
        for (typed, issuer, addresses) in [
            (
                "https://a.example",
                "https://a.example",
                vec![format!("https://a.example{oauth}"), format!("https://a.example{openid}")],
            ),
            (
                "https://a.example:8443/",
                "https://a.example:8443/",
                vec![format!("https://a.example:8443{oauth}"), format!("https://a.example:8443{openid}")],
            ),
            (
                "https://a.example/realms/x/",
                "https://a.example/realms/x/",
                vec![
                    format!("https://a.example{oauth}/realms/x"),
                    format!("https://a.example/realms/x{openid}"),
                    format!("https://a.example/realms/x{oauth}"),
                ],
            ),
            (
                "https://a.example/.well-known/oauth-authorization-server/realms/x",
                "https://a.example/realms/x",
                vec![format!("https://a.example{oauth}/realms/x")],
            ),
            (
                "https://a.example/x/.well-known/openid-configuration?p=B2C_1",
                "https://a.example/x",
                vec![format!("https://a.example/x{openid}?p=B2C_1")],
            ),
        ] {
            let found = of(typed).expect(typed);
            let asked: Vec<_> = found.addresses.iter().map(HttpUrl::as_str).collect();
            assert_eq!((found.issuer.as_str(), asked), (issuer, addresses.iter().map(String::as_str).collect()));
        }
        assert!(of("https://a.example/x?p=1").is_none());
    }

    #[test]
    fn an_issuer_is_compared_letter_by_letter_but_for_the_last_slash() {
        let known = of("https://a.example/x").expect("an issuer");
        for (issuer, is_it) in [
            ("https://a.example/x", true),
            ("https://a.example/x/", true),
            ("https://a.example/x//", false),
            ("https://a.example/X", false),
            ("https://a.example", false),
            ("https://a.example:443/x", false),
            ("http://a.example/x", false),
            ("", false),
        ] {
            assert_eq!(known.is_issuer(issuer), is_it, "{issuer}");
        }
    }

    proptest! {
        #[test]
        fn no_issuer_leads_to_another_host(typed in "https?://[a-z]{1,5}(/|\\?|[.]well-known|\\PC){0,12}") {
            if let Ok(url) = HttpUrl::parse(&typed)
                && let Some(found) = WellKnown::of(&url)
            {
                prop_assert!(found.addresses.iter().all(|a| a.origin() == url.origin()));
            }
        }
    }
}

//! Where a browser is sent to have access granted: the authorization request (RFC 6749 4.1.1,
//! 4.2.1).

use form_urlencoded::{byte_serialize, parse};
use url::Url;

use super::parameters::Parameters;
use super::scope::ScopeSeparator;
use crate::outbound::HttpUrl;
use crate::vault::Secret;

/// What the server is to send back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    /// A code, which only the client can redeem.
    Code,
    /// The token itself, in the fragment: the implicit grant, which RFC 9700 2.1.2 advises
    /// against.
    Token,
}

/// An authorization request.
pub struct AuthorizeRequest<'a> {
    /// The server's address for people.
    pub endpoint: &'a HttpUrl,
    /// What is wanted.
    pub response_type: ResponseType,
    /// The client id.
    pub client_id: &'a str,
    /// Where the server sends the browser back to.
    pub redirect_url: &'a str,
    /// The scopes, parted by white space or commas; none if empty.
    pub scope: &'a str,
    /// What parts them when they are sent.
    pub separator: ScopeSeparator,
    /// What the token is for (RFC 8707 2.1).
    pub resources: &'a [String],
    /// What the token is for, as servers ask that have no resources; none if empty.
    pub audience: &'a str,
    /// What binds the answer to this browser.
    pub state: &'a Secret,
    /// The challenge of [`super::Pkce`].
    pub challenge: Option<&'a str>,
    /// What the server wants besides.
    pub extra: &'a Parameters,
}

impl AuthorizeRequest<'_> {
    /// The address to send the browser to, in ASCII. It keeps the query that the endpoint has
    /// (RFC 6749 3.1), but for parameters that are set here: none may stand twice.
    pub fn url(&self) -> String {
        let scope = self.separator.join(self.scope);
        let set = self.extra.added_to(self.own(&scope));
        let typed = self.endpoint.as_str();
        let (base, query) = typed.split_once('?').unwrap_or((typed, ""));
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !sets(pair, &set)).map(str::to_owned);
        let own = set.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let query = kept.chain(own).collect::<Vec<_>>().join("&");
        let address = format!("{base}?{query}");
        // Names of hosts may hold any letters, and a Location header only ASCII.
        Url::parse(&address).map_or(address, String::from)
    }

    fn own<'a>(&'a self, scope: &'a str) -> Vec<(&'a str, &'a str)> {
        let response_type = match self.response_type {
            ResponseType::Code => "code",
            ResponseType::Token => "token",
        };
        let mut own = vec![
            ("response_type", response_type),
            ("client_id", self.client_id),
            ("redirect_uri", self.redirect_url),
            ("scope", scope),
            ("state", self.state.expose()),
        ];
        if let Some(challenge) = self.challenge {
            own.extend([("code_challenge", challenge), ("code_challenge_method", "S256")]);
        }
        own.push(("audience", self.audience));
        own.extend(self.resources.iter().map(|r| ("resource", r.as_str())));
        own
    }
}

/// Whether a pair of the endpoint's query has the name of one of these.
fn sets(pair: &str, set: &[(&str, &str)]) -> bool {
    parse(pair.as_bytes()).any(|(name, _)| set.iter().any(|(own, _)| *own == name))
}

/// Form-encoded, with `%20` for a space: servers that know no `+` exist, none that know no `%20`.
fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address of a request with all that there is but extra parameters, after `change`.
    fn url(endpoint: &str, change: impl FnOnce(&mut AuthorizeRequest<'_>)) -> String {
        url_with(endpoint, "", change)
    }

    fn url_with(endpoint: &str, extra: &str, change: impl FnOnce(&mut AuthorizeRequest<'_>)) -> String {
        let endpoint = HttpUrl::parse(endpoint).expect("an address");
        let resources = ["urn:a".to_owned(), "https://b.example".to_owned()];
        let mut request = AuthorizeRequest {
            endpoint: &endpoint,
            response_type: ResponseType::Code,
            client_id: "app:1",
            redirect_url: "https://c.example/callback",
            scope: "read, write",
            separator: ScopeSeparator::Space,
            resources: &resources,
            audience: "api",
            state: &Secret::new("st".to_owned()),
            challenge: Some("ch"),
            extra: &extra.parse().expect("parameters"),
        };
        change(&mut request);
        request.url()
    }

    #[test]
    fn a_whole_request_comes_out() {
        assert_eq!(
            url("https://id.example/authorize", |_| ()),
            "https://id.example/authorize?response_type=code&client_id=app%3A1\
             &redirect_uri=https%3A%2F%2Fc.example%2Fcallback&scope=read%20write&state=st\
             &code_challenge=ch&code_challenge_method=S256&audience=api&resource=urn%3Aa\
             &resource=https%3A%2F%2Fb.example"
        );
    }

    #[test]
    fn a_small_request_has_nothing_empty() {
        let small = |request: &mut AuthorizeRequest<'_>| {
            request.response_type = ResponseType::Token;
            (request.scope, request.audience) = (" , ", "");
            (request.resources, request.challenge) = (&[], None);
        };
        assert_eq!(
            url("https://id.example", small),
            "https://id.example/?response_type=token&client_id=app%3A1\
             &redirect_uri=https%3A%2F%2Fc.example%2Fcallback&state=st"
        );
    }

    #[test]
    fn the_endpoints_own_query_stays_but_sets_nothing_twice() {
        let small = |request: &mut AuthorizeRequest<'_>| {
            (request.scope, request.audience) = ("a,b", "");
            request.separator = ScopeSeparator::Comma;
            (request.resources, request.challenge) = (&[], None);
        };
        let rest = "response_type=code&client_id=app%3A1\
                    &redirect_uri=https%3A%2F%2Fc.example%2Fcallback&scope=a%2Cb&state=st";
        for (endpoint, start) in [
            ("https://id.example/a?p=B2C_1&q=%20+", "https://id.example/a?p=B2C_1&q=%20+&"),
            ("https://id.example/a?", "https://id.example/a?"),
            ("https://id.example/a?&state=x&%73cope=y&r", "https://id.example/a?r&"),
            ("https://bücher.example/ü?ä=ö", "https://xn--bcher-kva.example/%C3%BC?%C3%A4=%C3%B6&"),
        ] {
            assert_eq!(url(endpoint, small), format!("{start}{rest}"));
        }
    }

    #[test]
    fn extra_parameters_are_added_or_take_a_place() {
        let extra = "prompt=consent\nscope=offline x\nresource=";
        let url = url_with("https://id.example/a?prompt=none", extra, |request| {
            (request.challenge, request.audience) = (None, "");
        });
        assert!(url.ends_with("&state=st&prompt=consent&scope=offline%20x"), "{url}");
        assert!(!url.contains("prompt=none") && !url.contains("resource"), "{url}");
    }
}

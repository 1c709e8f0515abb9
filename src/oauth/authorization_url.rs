//! Where a browser is sent to have access granted: the authorization request (RFC 6749 4.1.1,
//! 4.2.1).

use form_urlencoded::parse;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use url::{ParseError, Url};

use super::client::ClientNames;
use super::parameters::{Parameters, ScopeSeparator};
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
pub struct AuthorizationUrl<'a> {
    /// The server's address for people.
    pub endpoint: &'a HttpUrl,
    /// What is wanted.
    pub response_type: ResponseType,
    /// The client id.
    pub client_id: &'a str,
    /// Where the server sends the browser back to.
    pub redirect_url: &'a str,
    /// The scopes, separated by white space or commas; none if empty.
    pub scope: &'a str,
    /// What parts them when they are sent.
    pub separator: ScopeSeparator,
    /// What the token is for (RFC 8707 2.1).
    pub resources: &'a [String],
    /// What the token is for, for servers that use it in place of resources; none if empty.
    pub audience: &'a str,
    /// What binds the response to this browser.
    pub state: &'a Secret,
    /// The PKCE verifier, whose challenge is sent (RFC 7636 4.3).
    pub verifier: Option<&'a Secret>,
    /// What the server wants besides, or in place of what is sent otherwise.
    pub extra: &'a Parameters,
    /// What the server calls the client id.
    pub names: ClientNames,
    /// The fragment that the address ends with, without the #; servers such as WeChat read it in the browser.
    pub fragment: &'a str,
}

impl AuthorizationUrl<'_> {
    /// The address to send the browser to, in ASCII. It keeps the query that the endpoint has
    /// (RFC 6749 3.1), but for parameters that are set here: none may stand twice.
    pub fn url(&self) -> Result<String, ParseError> {
        let typed = self.endpoint.as_str();
        let (base, query) = typed.split_once('?').unwrap_or((typed, ""));
        let mut url = self.url_without_query_of_endpoint(base)?;
        let own: Vec<_> = url.query_pairs().collect();
        let own = own.iter().map(|(name, value)| (&**name, &**value)).collect();
        let named = self.extra.added_to(own).into_iter().map(|(name, value)| (self.names.of(name), value));
        // Servers that know no `+` for a space exist, none that know no `%20`.
        let set = form_urlencoded::Serializer::new(String::new()).extend_pairs(named).finish().replace('+', "%20");
        let names: Vec<_> = parse(set.as_bytes()).map(|(name, _)| name).collect();
        let is_set = |pair: &&str| parse(pair.as_bytes()).any(|(name, _)| names.contains(&name));
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !is_set(pair));
        let query = kept.chain([set.as_str()]).collect::<Vec<_>>().join("&");
        url.set_query(Some(&query));
        url.set_fragment(Some(self.fragment).filter(|fragment| !fragment.is_empty()));
        Ok(url.into())
    }

    fn url_without_query_of_endpoint(&self, base: &str) -> Result<Url, ParseError> {
        let client = BasicClient::new(ClientId::new(self.client_id.to_owned()))
            .set_auth_uri(AuthUrl::new(base.to_owned())?)
            .set_redirect_uri(RedirectUrl::new(self.redirect_url.to_owned())?);
        let state = || CsrfToken::new(self.state.expose().to_owned());
        let mut request = client.authorize_url(state);
        if self.response_type == ResponseType::Token {
            request = request.use_implicit_flow();
        }
        if let Some(verifier) = self.verifier {
            let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
            request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        }
        let scope = self.separator.join(self.scope);
        if !scope.is_empty() {
            request = request.add_scope(Scope::new(scope));
        }
        let resources = self.resources.iter().map(|resource| ("resource", resource.as_str()));
        let others = [("audience", self.audience)].into_iter().chain(resources).filter(|(_, value)| !value.is_empty());
        let request = others.fold(request, |request, (name, value)| request.add_extra_param(name, value));
        Ok(request.url().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636 B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    /// The address of a request with all that there is but extra parameters, after `change`.
    fn url(endpoint: &str, change: impl FnOnce(&mut AuthorizationUrl<'_>)) -> String {
        url_with(endpoint, "", change)
    }

    fn url_with(endpoint: &str, extra: &str, change: impl FnOnce(&mut AuthorizationUrl<'_>)) -> String {
        let endpoint = HttpUrl::parse(endpoint).expect("an address");
        let resources = ["urn:a".to_owned(), "https://b.example".to_owned()];
        let mut request = AuthorizationUrl {
            endpoint: &endpoint,
            response_type: ResponseType::Code,
            client_id: "app:1",
            redirect_url: "https://c.example/callback",
            scope: "read, write",
            separator: ScopeSeparator::Space,
            resources: &resources,
            audience: "api",
            state: &secret("st"),
            verifier: Some(&secret(VERIFIER)),
            extra: &extra.parse().expect("parameters"),
            names: ClientNames::default(),
            fragment: "",
        };
        change(&mut request);
        request.url().expect("an address")
    }

    #[test]
    fn a_whole_request_comes_out() {
        assert_eq!(
            url("https://id.example/authorize", |_| ()),
            "https://id.example/authorize?response_type=code&client_id=app%3A1&state=st\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
             &redirect_uri=https%3A%2F%2Fc.example%2Fcallback&scope=read%20write&audience=api&resource=urn%3Aa\
             &resource=https%3A%2F%2Fb.example"
        );
    }

    #[test]
    fn a_small_request_has_nothing_empty() {
        let small = |request: &mut AuthorizationUrl<'_>| {
            request.response_type = ResponseType::Token;
            (request.scope, request.audience) = (" , ", "");
            (request.resources, request.verifier) = (&[], None);
        };
        assert_eq!(
            url("https://id.example", small),
            "https://id.example/?response_type=token&client_id=app%3A1&state=st\
             &redirect_uri=https%3A%2F%2Fc.example%2Fcallback"
        );
    }

    #[test]
    fn the_endpoints_own_query_stays_but_sets_nothing_twice() {
        let small = |request: &mut AuthorizationUrl<'_>| {
            (request.scope, request.audience) = ("a,b", "");
            request.separator = ScopeSeparator::Comma;
            (request.resources, request.verifier) = (&[], None);
        };
        let rest = "response_type=code&client_id=app%3A1&state=st\
                    &redirect_uri=https%3A%2F%2Fc.example%2Fcallback&scope=a%2Cb";
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
            (request.verifier, request.audience) = (None, "");
        });
        assert!(url.ends_with("%2Fcallback&prompt=consent&scope=offline%20x"), "{url}");
        assert!(!url.contains("prompt=none") && !url.contains("resource"), "{url}");
    }

    #[test]
    fn the_client_id_has_the_name_and_the_address_the_end_that_the_server_wants() {
        let url = url_with("https://open.example/connect", "response_type=code\nscope=snsapi_login", |request| {
            request.names = ClientNames { id: "appid".to_owned(), secret: "secret".to_owned() };
            (request.audience, request.resources, request.verifier) = ("", &[], None);
            request.fragment = "wechat_redirect";
        });
        assert_eq!(
            url,
            "https://open.example/connect?appid=app%3A1&state=st&redirect_uri=https%3A%2F%2Fc.example%2Fcallback\
             &response_type=code&scope=snsapi_login#wechat_redirect"
        );
    }
}

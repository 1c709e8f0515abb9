//! What the API asks for in `WWW-Authenticate`, where that is another method than the connector's, in words.

use crate::connectors::Method;
use crate::outbound::http::HeaderMap;
use crate::outbound::http::header::WWW_AUTHENTICATE;

/// What to do about a 401; `None` where the API asks for the connector's method, or says nothing that is known.
pub fn remedy(method: Method, headers: &HeaderMap) -> Option<&'static str> {
    let offers = |scheme: &str| offers(headers, scheme);
    let is_own = match method {
        Method::Basic => offers("Basic"),
        Method::Digest => offers("Digest"),
        Method::Bearer | Method::Login | Method::OAuth(_) => offers("Bearer"),
        Method::NoAuth | Method::ApiKey | Method::AwsSignature => false,
    };
    if is_own {
        return None;
    }
    let known = [
        ("Digest", "The API asks for HTTP Digest. Choose the method HTTP Digest, and enter user and password."),
        ("AWS4-HMAC-SHA256", "The API asks for AWS signatures. Choose the method AWS Signature."),
        (
            "DPoP",
            "The API takes only tokens that are bound to a key of the client (DPoP, RFC 9449), which Connectory does not support. Ask its operator for Bearer tokens.",
        ),
        ("Bearer", "The API asks for a token (Bearer). Choose the method Bearer Token, or one of OAuth 2.0."),
        ("Basic", "The API asks for user and password. Choose the method Basic Auth."),
        (
            "NTLM",
            "The API asks for a Windows sign-in (NTLM), which Connectory does not support, because it signs in a connection and no request. Ask its operator for Basic Auth over https, an API key or OAuth 2.0.",
        ),
        (
            "Negotiate",
            "The API asks for a Windows or Kerberos sign-in (Negotiate), which Connectory does not support, because it needs a domain. Ask its operator for Basic Auth over https, an API key or OAuth 2.0.",
        ),
    ];
    known.into_iter().find(|(scheme, _)| offers(scheme)).map(|(_, words)| words)
}

/// Whether a challenge of this scheme is among those of the response (RFC 9110 11.6.1). Each begins a value, or follows a
/// comma; what follows a comma and has an equals sign is a parameter. A quoted text with a comma may look like a scheme
/// only if that is the whole of its part.
fn offers(headers: &HeaderMap, scheme: &str) -> bool {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let name = part.split_whitespace().next().unwrap_or_default();
        name.eq_ignore_ascii_case(scheme)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::Grant;
    use crate::outbound::http::HeaderValue;

    fn remedy_of(method: Method, challenges: &[&'static str]) -> &'static str {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        remedy(method, &headers).unwrap_or_default()
    }

    #[test]
    fn another_scheme_is_named_in_words() {
        let digest = r#"Digest realm="cam, east", nonce="n1", qop="auth""#;
        for (method, challenges, words) in [
            (Method::Basic, &[digest][..], "HTTP Digest"),
            (Method::NoAuth, &[r#"basic realm="x""#], "Basic Auth"),
            (Method::Basic, &["Negotiate", "NTLM"], "NTLM"),
            (Method::Basic, &["Negotiate"], "Negotiate"),
            (Method::ApiKey, &[r#"Bearer realm="x""#], "Bearer Token"),
            (Method::OAuth(Grant::Password), &[r#"DPoP algs="ES256""#], "DPoP"),
            (Method::ApiKey, &["AWS4-HMAC-SHA256"], "AWS Signature"),
            (Method::Basic, &[r#"NTLM, Digest realm="x", nonce="n""#], "HTTP Digest"),
        ] {
            assert!(remedy_of(method, challenges).contains(words), "{challenges:?}");
        }
        for (method, challenges) in [
            (Method::Basic, &["Negotiate", r#"Basic realm="x""#][..]),
            (Method::Digest, &[digest]),
            (Method::Bearer, &[r#"Bearer error="invalid_token""#]),
            (Method::ApiKey, &[r#"ApiKey realm="Digest""#]),
            (Method::ApiKey, &[]),
        ] {
            assert_eq!(remedy_of(method, challenges), "", "{challenges:?}");
        }
    }
}

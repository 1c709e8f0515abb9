//! Metadata as servers write them, and as they should not.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oauth::tests::{Server, answer, limits, outbound};

/// A server whose metadata stand at `place`; `{issuer}` in them becomes its own address.
async fn server(place: &'static str, metadata: Value) -> Server {
    let listener = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let own = std::sync::Arc::clone(&listener);
    let server = Server::start(move |target| {
        let own = own.get().map_or("", String::as_str);
        let body = metadata.to_string().replace("{issuer}", own);
        if target == place {
            answer(200, "Content-Type: application/json\r\n", &body)
        } else {
            answer(404, "", "<title>Nothing here</title>")
        }
    })
    .await;
    listener.get_or_init(|| server.url("").as_str().to_owned());
    server
}

async fn find(issuer: &HttpUrl) -> Result<Metadata, TokenError> {
    discover(&outbound(), &Transport::default(), limits(), issuer).await.map_err(|missing| missing.error)
}

#[tokio::test]
async fn metadata_are_found_in_every_place() {
    let oauth = "/.well-known/oauth-authorization-server";
    for (place, typed, issuer, requests) in [
        (oauth, "", "{issuer}", 1),
        (oauth, "/", "{issuer}", 1),
        (oauth, "", "{issuer}/", 1),
        ("/.well-known/openid-configuration", "", "{issuer}", 2),
        ("/.well-known/oauth-authorization-server/x/y", "/x/y/", "{issuer}/x/y", 1),
        ("/x/.well-known/openid-configuration", "/x", "{issuer}/x", 2),
        ("/x/.well-known/oauth-authorization-server", "/x", "{issuer}/x", 3),
        ("/x/.well-known/openid-configuration", "/x/.well-known/openid-configuration", "{issuer}/x", 1),
    ] {
        let document = json!({"issuer": issuer, "token_endpoint": "{issuer}/token"});
        let server = server(place, document).await;
        let metadata = find(&server.url(typed)).await.expect(place);
        let own = server.url("");
        assert_eq!(metadata.issuer, issuer.replace("{issuer}", own.as_str()));
        assert_eq!(metadata.token_endpoint, Some(server.url("/token")));
        assert_eq!(server.received().len(), requests, "{place} {typed}");
    }
}

#[tokio::test]
async fn every_member_is_read_and_a_bad_one_left_out() {
    let many: Vec<_> = (0..500).map(|n| n.to_string()).collect();
    let document = json!({
        "issuer": "{issuer}",
        "authorization_endpoint": "https://a.example/authorize?p=1",
        "token_endpoint": "javascript:alert(1)",
        "revocation_endpoint": 7,
        "scopes_supported": ["read", 7, "", "a\nb", "x".repeat(256), "write"],
        "grant_types_supported": "authorization_code",
        "token_endpoint_auth_methods_supported": many,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "response_types_supported": ["code", "code token"],
        "require_pushed_authorization_requests": true,
        "require_signed_request_object": "true",
        "dpop_bound_access_tokens_required": true,
        "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.a.example/token", "revocation_endpoint": []},
        "unknown": {"a": []}
    });
    let server = server("/.well-known/oauth-authorization-server", document).await;
    let metadata = find(&server.url("")).await.expect("metadata");
    let authorize = HttpUrl::parse("https://a.example/authorize?p=1").ok();
    assert_eq!(metadata.authorization_endpoint, authorize);
    assert_eq!((metadata.token_endpoint, metadata.revocation_endpoint), (None, None));
    assert_eq!(metadata.scopes_supported, ["read", "write"]);
    assert!(metadata.grant_types_supported.is_empty());
    assert_eq!(metadata.token_endpoint_auth_methods_supported.len(), MOST);
    assert_eq!(metadata.code_challenge_methods_supported, ["S256"]);
    assert!(metadata.iss_parameter_supported && metadata.par_required && metadata.dpop_required);
    assert!(!metadata.signed_request_required, "a text");
    assert_eq!(metadata.response_types_supported, ["code", "code token"]);
    let token_endpoint = HttpUrl::parse("https://mtls.a.example/token").ok();
    assert_eq!(metadata.mtls, MtlsAliases { token_endpoint, ..MtlsAliases::default() });
}

#[tokio::test]
async fn another_issuers_metadata_are_not_used() {
    for issuer in ["https://evil.example", "{issuer}//", "{issuer}/x", ""] {
        let document = json!({"issuer": issuer, "token_endpoint": "https://evil.example/t"});
        let server = server("/.well-known/openid-configuration", document).await;
        let refusal = find(&server.url("")).await.expect_err(issuer);
        assert_eq!(refusal.stage, Stage::Response);
        assert!(refusal.message.contains("another issuer"), "{refusal:?}");
        assert_eq!(refusal.remedy, OTHER_ISSUER);
    }
}

#[tokio::test]
async fn what_is_no_metadata_is_told() {
    for (status, headers, body, stage, message) in [
        (404, "", "", Stage::Status(404), "The server answered 404"),
        (302, "Location: /login\r\n", "", Stage::Status(302), "The server redirects"),
        (503, "", "{}", Stage::Status(503), "The server answered 503"),
        (200, "", "", Stage::Response, "The server's answer is no JSON"),
        (200, "", "[1]", Stage::Response, "The server's answer is no JSON"),
        (200, "", "{\"issuer\"", Stage::Response, "The server's answer is no JSON"),
        (200, "", "{}", Stage::Response, "The answer is no metadata"),
        (200, "", "{\"issuer\": 7}", Stage::Response, "The answer is no metadata"),
        (200, "", "{\"error\": \"x\"}", Stage::Response, "The server answered with an error"),
        (200, "", "<html><title>App", Stage::Response, "The server answered with a web"),
    ] {
        let server = Server::with(status, headers, body).await;
        let refusal = find(&server.url("/x")).await.expect_err(body);
        assert_eq!(refusal.stage, stage, "{body}");
        assert!(refusal.message.starts_with(message), "{refusal:?}");
        assert!(!refusal.remedy.is_empty());
    }
    let large = format!("{{\"issuer\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let server = Server::with(200, "", &large).await;
    let refusal = find(&server.url("")).await.expect_err("too large");
    assert!(refusal.message.contains("larger than 1 MiB"), "{refusal:?}");
}

#[tokio::test]
async fn nothing_is_asked_that_cannot_be_an_issuer() {
    let server = Server::with(200, "", "{}").await;
    let refusal = find(&server.url("/x?a=b")).await.expect_err("a query");
    assert_eq!(refusal.stage, Stage::Url);
    assert!(server.received().is_empty());
    let none = HttpUrl::parse("http://127.0.0.1:1/x").expect("an address");
    let refusal = find(&none).await.expect_err("no server listens");
    assert_eq!(refusal.stage, Stage::Connection);
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(text in "\\PC{0,20}", number in any::<f64>()) {
        let members = json!({
            "issuer": "https://a.example", "token_endpoint": &text,
            "authorization_endpoint": number, "scopes_supported": [&text, number, [[]]]
        });
        if let Value::Object(members) = members {
            Metadata::of("https://a.example", &members);
        }
    }
}

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
        let tried: Vec<_> = found.addresses.iter().map(HttpUrl::as_str).collect();
        assert_eq!((found.issuer.as_str(), tried), (issuer, addresses.iter().map(String::as_str).collect()));
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

//! What each grant sends, and what comes of odd answers to it; how a token is ended; what a made-up code tells.

use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use super::*;
use crate::oauth::client::{ClientAuthentication, basic_credentials};
use crate::oauth::error::ErrorCode;
use crate::oauth::refusal;
use crate::oauth::response_document::Document;
use crate::oauth::tests::{Server, client, endpoint, limits, outbound};
use crate::oauth::token::ExpirySource;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn code() -> Grant {
    Grant::AuthorizationCode {
        code: secret("the code/1"),
        redirect_url: "https://c.example/callback".to_owned(),
        verifier: Some(secret("the-verifier")),
    }
}

fn password() -> Grant {
    Grant::Password { user: "alice".to_owned(), password: secret("p+ä:&%/ w") }
}

fn refresh() -> Grant {
    Grant::RefreshToken { token: secret("the-refresh-token"), scope: String::new() }
}

async fn ask(endpoint: &TokenEndpoint, grant: &Grant) -> Result<Token, TokenError> {
    let now = DateTime::UNIX_EPOCH;
    endpoint.request(&outbound(), &Transport::default(), limits(), grant, now).await
}

/// What an endpoint sends for a grant after `change`.
async fn sent(grant: &Grant, change: impl FnOnce(&mut TokenEndpoint)) -> (Option<String>, String, String) {
    let server = Server::with(200, "", "{\"access_token\": \"abc\"}").await;
    let mut endpoint = endpoint(server.url("/token?v=2"));
    change(&mut endpoint);
    assert!(ask(&endpoint, grant).await.is_ok());
    let received = server.request();
    assert_eq!(received.target, "POST /token?v=2");
    let header = |name| received.header(name).map(str::to_owned);
    let content_type = header("content-type").unwrap_or_default();
    (header("authorization"), content_type, received.body.clone())
}

#[tokio::test]
async fn each_grant_sends_its_own_parameters() {
    let client = "client_id=my+app&client_secret=s3cret-value";
    let rest = "resource=urn%3Aa&resource=urn%3Ab&tenant=7";
    for (grant, own, after_client) in [
        (
            code(),
            "grant_type=authorization_code&code=the+code%2F1&code_verifier=the-verifier",
            "redirect_uri=https%3A%2F%2Fc.example%2Fcallback&",
        ),
        (Grant::ClientCredentials, "grant_type=client_credentials&scope=read+write", "audience=api&"),
        (
            password(),
            "grant_type=password&username=alice&password=p%2B%C3%A4%3A%26%25%2F+w&scope=read+write",
            "audience=api&",
        ),
        (refresh(), "grant_type=refresh_token&refresh_token=the-refresh-token", ""),
    ] {
        let form = "application/x-www-form-urlencoded".to_owned();
        let expected = (None, form, format!("{own}&{client}&{after_client}{rest}"));
        assert_eq!(sent(&grant, |_| ()).await, expected);
    }
}

#[tokio::test]
async fn a_client_shows_itself_as_it_is_set() {
    use ClientAuthentication::{Basic, Body, None as Public};
    let odd = "s+/%:& x";
    let header = Some(format!("Basic {}", basic_credentials("my+app", "s%2B%2F%25%3A%26+x")));
    let plain = "grant_type=client_credentials";
    for (authentication, id, secret, header, body) in [
        (Basic, "my app", odd, header, plain.to_owned()),
        (Basic, "my app", "", None, format!("{plain}&client_id=my+app")),
        (Body, "my app", odd, None, format!("{plain}&client_id=my+app&client_secret=s%2B%2F%25%3A%26+x")),
        (Body, "my app", "", None, format!("{plain}&client_id=my+app")),
        (Body, "", odd, None, plain.to_owned()),
        (Public, "my app", odd, None, format!("{plain}&client_id=my+app")),
        (Public, "", "", None, plain.to_owned()),
        (Basic, "", odd, None, plain.to_owned()),
    ] {
        let (sent_header, _, sent_body) = sent(&Grant::ClientCredentials, |endpoint| {
            endpoint.client = client(authentication, secret);
            endpoint.client.id = id.to_owned();
            (endpoint.scope, endpoint.audience) = Default::default();
            (endpoint.resources, endpoint.extra) = Default::default();
        })
        .await;
        assert_eq!((sent_header, sent_body), (header, body));
    }
}

#[tokio::test]
async fn a_json_body_has_every_parameter() {
    let (_, content_type, body) = sent(&password(), |endpoint| {
        endpoint.body = BodyFormat::Json;
        endpoint.separator = ScopeSeparator::Comma;
        endpoint.extra = "audience=x y\ntenant=".parse().expect("parameters");
    })
    .await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let expected = json!({
        "grant_type": "password", "username": "alice", "password": "p+ä:&%/ w",
        "scope": "read,write", "audience": "x y", "resource": ["urn:a", "urn:b"],
        "client_id": "my app", "client_secret": "s3cret-value"
    });
    assert_eq!((content_type.as_str(), body), ("application/json", expected));
}

#[tokio::test]
async fn odd_answers_are_read_tolerantly() {
    let (told, manual, unknown) = (ExpirySource::ExpiresIn, ExpirySource::Manual, ExpirySource::Unknown);
    for (extra, lifetime, expiry, scope, refreshed) in [
        (json!({"expires_in": 60}), None, (Some(60), told), None, None),
        (json!({"expires_in": "60"}), None, (Some(60), told), None, None),
        (json!({"expires_in": 60.5}), None, (Some(60), told), None, None),
        (json!({}), None, (None, unknown), None, None),
        (json!({}), Some(30), (Some(30), manual), None, None),
        (json!({"expires_in": -1}), Some(30), (Some(30), manual), None, None),
        (json!({"expires_in": 4e15}), Some(30), (Some(30), manual), None, None),
        (json!({"expires_in": 60}), Some(30), (Some(60), told), None, None),
        (json!({"expires_in": 3_600_000}), Some(30), (Some(3_600_000), told), None, None),
        (json!({"scope": "a,b", "refresh_token": "new"}), None, (None, unknown), Some("a b"), Some("new")),
    ] {
        let mut body = extra.clone();
        body["access_token"] = json!("abc");
        let server = Server::with(200, "", &body.to_string()).await;
        let mut endpoint = endpoint(server.url("/token"));
        endpoint.lifetime = lifetime.map(TimeDelta::seconds);
        let token = ask(&endpoint, &refresh()).await.expect("a token");
        let end = token.expires_at.map(|end| end.timestamp());
        assert_eq!((end, token.expiry_source), expiry, "{extra}");
        assert_eq!(token.scope.as_deref(), scope);
        assert_eq!(token.refresh.as_ref().map(Secret::expose), refreshed);
        assert_eq!(token.token_type, "Bearer");
    }
}

#[tokio::test]
async fn refusals_tell_whether_a_person_must_do_something() {
    let invalid = "{\"error\": \"invalid_grant\", \"error_description\": \"ended\"}";
    let busy = "{\"error\": \"temporarily_unavailable\"}";
    let retry = "Retry-After: 7\r\n";
    for (status, headers, body, code, is_final, wait) in [
        (400, "", invalid, Some(ErrorCode::InvalidGrant), true, None),
        (200, "", invalid, Some(ErrorCode::InvalidGrant), true, None),
        (401, retry, invalid, Some(ErrorCode::InvalidGrant), true, None),
        (403, "", "{\"error\": \"E7\"}", Some(ErrorCode::Other), false, None),
        (400, "", busy, Some(ErrorCode::TemporarilyUnavailable), false, None),
        (200, "", busy, Some(ErrorCode::TemporarilyUnavailable), false, None),
        (500, "", invalid, Some(ErrorCode::InvalidGrant), false, None),
        (503, retry, "<title>Busy</title>", None, false, Some(7)),
        (429, retry, invalid, Some(ErrorCode::InvalidGrant), false, Some(7)),
        (408, "", "", None, false, None),
        (404, "", invalid, Some(ErrorCode::InvalidGrant), false, None),
        (403, "", "<html>proxy</html>", None, false, None),
        (401, "", "{\"error\": {\"code\": 7}}", None, false, None),
        (302, "Location: /login\r\n", "", None, false, None),
        (200, "", "", None, false, None),
        (200, "", "<title>Sign in</title>", None, false, None),
        (200, "", "{}", None, false, None),
    ] {
        let server = Server::with(status, headers, body).await;
        let refusal = ask(&endpoint(server.url("/token")), &refresh()).await.err();
        let refusal = refusal.expect("a refusal");
        assert_eq!(refusal.error_code, code, "{status} {body}");
        assert_eq!(refusal.is_final(), is_final, "{status} {body}");
        assert_eq!(refusal.retry_after, wait.map(Duration::from_secs));
        assert!(!refusal.message.is_empty() && !refusal.remedy.is_empty());
    }
    let closed = HttpUrl::parse("http://127.0.0.1:1/token").expect("an address");
    let refusal = ask(&endpoint(closed), &refresh()).await.err();
    let refusal = refusal.map(|refusal| (refusal.stage, refusal.is_final()));
    assert_eq!(refusal, Some((Stage::Connection, false)));
}

#[tokio::test]
async fn a_refusal_names_the_fields_of_its_grant() {
    // Servers mix up the two codes.
    for (grant, error, remedy) in [
        (code(), "invalid_grant", "Authorize again: the code"),
        (refresh(), "invalid_grant", "Authorize again: the refresh"),
        (password(), "invalid_grant", "Check user and password"),
        (Grant::ClientCredentials, "invalid_grant", "Check Client ID"),
        (code(), "invalid_request", "Authorize again"),
        (refresh(), "invalid_request", "Authorize again"),
        (password(), "invalid_request", "Check user and password"),
        (Grant::ClientCredentials, "invalid_request", "Something"),
        (refresh(), "invalid_client", "Check Client ID"),
    ] {
        let server = Server::with(400, "", &format!("{{\"error\": \"{error}\"}}")).await;
        let refusal = ask(&endpoint(server.url("/token")), &grant).await.err();
        let said = refusal.map(|refusal| refusal.remedy).unwrap_or_default();
        assert!(said.starts_with(remedy), "{said}");
    }
}

#[tokio::test]
async fn no_secret_of_a_request_is_shown() {
    let echo = "the code/1 the-verifier p+ä:&%/ w the-refresh-token s3cret-value \
                bXkrYXBwOnMzY3JldC12YWx1ZQ==";
    let body = json!({"error": "invalid_request", "error_description": echo}).to_string();
    let server = Server::with(400, "", &body).await;
    let mut endpoint = endpoint(server.url("/token"));
    endpoint.client.authentication = ClientAuthentication::Basic;
    for (grant, hidden) in
        [(code(), vec!["the code", "the-verifier"]), (password(), vec!["p+ä"]), (refresh(), vec!["the-refresh"])]
    {
        let refusal = ask(&endpoint, &grant).await.err().expect("a refusal");
        let shown = format!("{refusal:?}");
        for secret in hidden.into_iter().chain(["s3cret", "bXkrYXBw"]) {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("‹masked›"), "{shown}");
    }
}

#[tokio::test]
async fn a_made_up_code_tells_of_the_client_without_showing_it() {
    use crate::oauth::ClientCheck;
    for (status, body, accepted) in [
        (400, "{\"error\": \"invalid_grant\"}", true),
        (401, "{\"error\": \"invalid_client\"}", false),
        (200, "{\"access_token\": \"abc\"}", false),
    ] {
        let server = Server::with(status, "", body).await;
        let (outbound, transport) = (outbound(), Transport::default());
        let url = "https://c.example/callback";
        let now = DateTime::UNIX_EPOCH;
        let check = endpoint(server.url("/token")).check_client(&outbound, &transport, limits(), url, now).await;
        assert_eq!(check == ClientCheck::Accepted, accepted, "{check:?}");
        let received = server.request().body;
        assert!(received.starts_with("grant_type=authorization_code&code="), "{received}");
        assert!(received.contains("&code_verifier="), "{received}");
    }
}

async fn end(server: &Server, client: &Client, hint: TokenHint) -> Result<(), TokenError> {
    let token = Secret::new("the/token".to_owned());
    let url = server.url("/revoke");
    let (outbound, transport) = (outbound(), Transport::default());
    revoke((&outbound, &transport, limits()), &url, client, (&token, hint), DateTime::UNIX_EPOCH).await
}

#[tokio::test]
async fn a_token_is_sent_with_its_kind_and_the_client() {
    use ClientAuthentication::{Basic, Body, None as Public};
    let header = format!("Basic {}", basic_credentials("my+app", "s%3Acret"));
    for (authentication, hint, header, body) in [
        (Basic, TokenHint::AccessToken, Some(header), "token=the%2Ftoken&token_type_hint=access_token"),
        (
            Body,
            TokenHint::RefreshToken,
            None,
            "token=the%2Ftoken&token_type_hint=refresh_token&client_id=my+app\
             &client_secret=s%3Acret",
        ),
        (Public, TokenHint::RefreshToken, None, "token=the%2Ftoken&token_type_hint=refresh_token&client_id=my+app"),
    ] {
        let server = Server::with(200, "", "").await;
        let client = client(authentication, "s:cret");
        assert_eq!(end(&server, &client, hint).await, Ok(()));
        let received = server.request();
        assert_eq!((received.target.as_str(), received.body.as_str()), ("POST /revoke", body));
        assert_eq!(received.header("authorization").map(str::to_owned), header);
    }
}

#[tokio::test]
async fn a_status_says_whether_the_token_has_ended() {
    let unsupported = "{\"error\": \"unsupported_token_type\"}";
    let client = client(ClientAuthentication::Basic, "s:cret");
    for (status, body, code, wait) in [
        (400, unsupported, Some(ErrorCode::UnsupportedTokenType), None),
        (401, "{\"error\": \"invalid_client\"}", Some(ErrorCode::InvalidClient), None),
        (503, "", None, Some(5)),
        (404, "", None, Some(5)),
    ] {
        let server = Server::with(status, "Retry-After: 5\r\n", body).await;
        let refusal = end(&server, &client, TokenHint::AccessToken).await.err();
        let refusal = refusal.expect("a refusal");
        assert_eq!((refusal.error_code, refusal.retry_after), (code, wait.map(Duration::from_secs)));
        assert!(!refusal.remedy.is_empty());
    }
    for body in ["", "not JSON", unsupported, "<title>Hi</title>"] {
        let server = Server::with(200, "", body).await;
        assert_eq!(end(&server, &client, TokenHint::AccessToken).await, Ok(()));
    }
}

#[tokio::test]
async fn the_token_is_not_shown() {
    let body = "{\"error\": \"invalid_request\", \"error_description\": \"bad the/token, s:cret\"}";
    let server = Server::with(400, "", body).await;
    let client = client(ClientAuthentication::Body, "s:cret");
    let refusal = end(&server, &client, TokenHint::AccessToken).await.err();
    let words = refusal.and_then(|refusal| refusal.server_words);
    assert_eq!(words.as_deref(), Some("invalid_request: bad ‹masked›, ‹masked›"));
}

/// What an `error` means.
fn meant(error: &str) -> Option<ErrorCode> {
    refusal::code_of(&Document::Json(json!({ "error": error })), RequestKind::Code)
}

#[test]
fn the_answer_to_a_made_up_code_tells_of_the_client() {
    use Stage::{Connection, NameLookup, Response, Status, TimeOut, Tls};
    for (stage, code, verdict) in [
        (Status(400), "invalid_grant", "accepted"),
        (Status(401), "invalid_grant", "accepted"),
        (Response, "bad_verification_code", "accepted"),
        (Status(400), "invalid_client", "refused"),
        (Status(401), "invalid_client", "refused"),
        (Status(400), "unauthorized_client", "refused"),
        (Status(401), "", "refused"),
        (Status(401), "invalid_request", "refused"),
        (Response, "incorrect_client_credentials", "refused"),
        (Status(400), "invalid_request", "unclear"),
        (Status(400), "access_denied", "unclear"),
        (Status(403), "", "unclear"),
        (Status(404), "", "unclear"),
        (Status(500), "server_error", "unclear"),
        (Status(500), "invalid_grant", "unclear"),
        (Status(429), "invalid_grant", "unclear"),
        (Response, "", "unclear"),
        (Connection, "", "unreachable"),
        (TimeOut, "", "unreachable"),
        (Tls, "", "unreachable"),
        (NameLookup, "", "unreachable"),
    ] {
        let refusal = TokenError::new(stage, "", "").with_code(meant(code));
        let found = match judge(refusal) {
            ClientCheck::Accepted => "accepted",
            ClientCheck::Refused(_) => "refused",
            ClientCheck::Unclear(_) => "unclear",
            ClientCheck::Unreachable(_) => "unreachable",
        };
        assert_eq!(found, verdict, "{stage:?} {code}");
    }
}

#[test]
fn an_unclear_answer_says_how_to_find_out() {
    for (stage, code, remedy) in [
        (Stage::Status(400), "invalid_request", AUTHORIZE),
        (Stage::Response, "E7", AUTHORIZE),
        (Stage::Status(400), "server_error", "wait"),
        (Stage::Status(500), "invalid_request", "wait"),
        (Stage::Response, "", "wait"),
    ] {
        let refusal = TokenError::new(stage, "", "wait").with_code(meant(code));
        let expected = ClientCheck::Unclear(refusal.clone().with_remedy(remedy));
        assert_eq!(judge(refusal), expected, "{stage:?} {code}");
    }
}

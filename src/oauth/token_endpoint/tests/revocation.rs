//! What is sent to end a token, and what counts as success.

use std::time::Duration;

use crate::oauth::client::{ClientAuthentication, basic_credentials};
use crate::oauth::error::ErrorCode;
use crate::oauth::tests::{Server, client, limits, outbound};
use crate::oauth::token_endpoint::*;

async fn end(server: &Server, client: &Client, hint: TokenHint) -> Result<(), TokenError> {
    let token = Secret::new("the/token".to_owned());
    let url = server.url("/revoke");
    let (outbound, transport) = (outbound(), Transport::default());
    revoke(&outbound, &transport, limits(), &url, client, &token, hint).await
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
        (404, "", None, None),
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

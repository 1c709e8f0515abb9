//! Token requests: what is sent in which style, and what is read from the answer.

use chrono::{DateTime, TimeDelta, Utc};
use connectory::oauth::{ExpirySource, RequestStyle, Token, TokenError, TokenLocation, TokenRequest, request_token};
use connectory::outbound::{Limits, Outbound, Policy, Stage, Transport};
use connectory::vault::Secret;
use serde_json::json;

use super::{http_url, outbound};
use crate::support::hostile::{Behaviour, Hostile, Issued, answer};

fn alice(server: &Hostile, style: RequestStyle) -> TokenRequest {
    TokenRequest {
        url: http_url(&server.url("/token?tenant=7")),
        style,
        user: "alice".to_owned(),
        password: Some(Secret::new("pa ss+w&rd".to_owned())),
        client_id: String::new(),
        client_secret: None,
        scope: "read write".to_owned(),
        location: TokenLocation::FindByItself,
        user_field: String::new(),
        password_field: String::new(),
        extra: connectory::oauth::ExtraSecrets::default(),
    }
}

fn with_client(request: TokenRequest) -> TokenRequest {
    TokenRequest { client_id: "app".to_owned(), client_secret: Some(Secret::new("t:p".to_owned())), ..request }
}

fn without_user(request: TokenRequest) -> TokenRequest {
    TokenRequest { user: String::new(), password: None, ..request }
}

async fn ask(request: &TokenRequest) -> Result<Token, TokenError> {
    let now: DateTime<Utc> = DateTime::UNIX_EPOCH;
    request_token(&outbound(), &Transport::default(), Limits::default(), request, now).await
}

async fn refused(request: &TokenRequest) -> TokenError {
    match ask(request).await {
        Ok(token) => panic!("a token from {}", token.found_at),
        Err(refusal) => refusal,
    }
}

#[tokio::test]
async fn a_token_is_read_with_all_its_details() {
    let body = r#"{"access_token":"abc","token_type":"bearer","expires_in":"3600","scope":"read",
        "refresh_token":"r1"}"#;
    let server = Hostile::json(body).await;
    let token = ask(&alice(&server, RequestStyle::FormBody)).await.map_err(|r| r.message);
    let token = token.expect("a token");
    assert_eq!((token.access.expose(), token.token_type.as_str()), ("abc", "Bearer"));
    assert_eq!(token.expires_at, Some(DateTime::UNIX_EPOCH + TimeDelta::hours(1)));
    assert_eq!((token.expiry_source, token.status), (ExpirySource::ExpiresIn, 200));
    assert_eq!((token.scope.as_deref(), token.found_at.as_str()), (Some("read"), "access_token"));
    assert_eq!(token.refresh.as_ref().map(Secret::expose), Some("r1"));
}

#[tokio::test]
async fn every_style_sends_the_sign_in_in_its_own_place() {
    use RequestStyle::{FormBody, GetWithBasic, HttpBasic, JsonBody};
    let alices = "Basic YWxpY2U6cGEgc3MrdyZyZA=="; // alice:pa ss+w&rd
    let apps_encoded = "Basic YXBwOnQlM0Fw"; // app:t%3Ap
    let apps = "Basic YXBwOnQ6cA=="; // app:t:p
    let password = "grant_type=password&username=alice&password=pa+ss%2Bw%26rd";
    let client = "grant_type=client_credentials";
    let secret = "client_id=app&client_secret=t%3Ap";
    let scope = "scope=read+write";
    let form = |parts: &[&str]| parts.join("&");
    let json_body = json!({"grant_type": "password", "username": "alice",
        "password": "pa ss+w&rd", "scope": "read write"});
    let server = Hostile::json(r#"{"token":"abc"}"#).await;
    for (request, authorization, body) in [
        (alice(&server, FormBody), None, form(&[password, scope])),
        (with_client(alice(&server, FormBody)), None, form(&[password, secret, scope])),
        (without_user(with_client(alice(&server, FormBody))), None, form(&[client, secret, scope])),
        (without_user(alice(&server, FormBody)), None, form(&[client, scope])),
        (alice(&server, JsonBody), None, json_body.to_string()),
        (alice(&server, HttpBasic), Some(alices), scope.to_owned()),
        (with_client(alice(&server, HttpBasic)), Some(apps_encoded), form(&[password, scope])),
        (without_user(with_client(alice(&server, HttpBasic))), Some(apps_encoded), form(&[client, scope])),
        (alice(&server, GetWithBasic), Some(alices), String::new()),
        (without_user(with_client(alice(&server, GetWithBasic))), Some(apps), String::new()),
    ] {
        let before = server.requests().len();
        assert!(ask(&request).await.is_ok());
        let requests = server.requests();
        let sent = requests.get(before).expect("a request");
        let (method, target, media_type) = match request.style {
            GetWithBasic => ("GET", "/token?tenant=7&scope=read+write", None),
            JsonBody => ("POST", "/token?tenant=7", Some("application/json")),
            _ => ("POST", "/token?tenant=7", Some("application/x-www-form-urlencoded")),
        };
        assert_eq!((sent.method.as_str(), sent.target.as_str()), (method, target));
        assert_eq!(sent.header("authorization"), authorization);
        assert_eq!(sent.header("content-type"), media_type);
        assert_eq!(sent.body, body);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is() {
    let server = Hostile::json("{}").await;
    let request = TokenRequest { user: "a:b".to_owned(), ..alice(&server, RequestStyle::HttpBasic) };
    let refusal = refused(&request).await;
    assert_eq!(refusal.stage, Stage::Request);
    assert!(refusal.message.starts_with("User must not contain a colon"), "{refusal:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_echoed_sign_in_is_never_shown() {
    let server = Hostile::start(Behaviour::Echo).await;
    for style in RequestStyle::ALL {
        let request = match style {
            RequestStyle::GetWithBasic => alice(&server, style),
            _ => with_client(alice(&server, style)),
        };
        let request = TokenRequest {
            client_secret: request.client_secret.map(|_| Secret::new("s3cr3t/=x".to_owned())),
            ..request
        };
        let refusal = refused(&request).await;
        assert_eq!(refusal.stage, Stage::Status(400));
        let words = refusal.server_words.clone().unwrap_or_default();
        assert!(words.starts_with("invalid_request: cannot read"), "{words}");
        // The words may end within the mark.
        assert!(words.contains("‹m"), "{words}");
        for secret in ["pa ss+w&rd", "pa+ss%2Bw%26rd", "s3cr3t", "YWxpY2U6", "YXBwOn"] {
            assert!(!format!("{refusal:?}").contains(secret), "{secret}: {refusal:?}");
        }
    }
}

#[tokio::test]
async fn answers_without_a_token_are_explained() {
    let other = Hostile::json("{}").await;
    let away = other.url("/v2/token?u=alice");
    let redirected = format!("The server redirects to “{}”.", other.url("/v2/token"));
    let json = [("Content-Type", "application/json")];
    let html = [("Content-Type", "text/html")];
    let page = "<html><title>Sign in</title></html>";
    for (behaviour, layer, message, words) in [
        (
            answer(200, &json, r#"{"status":"ok"}"#),
            Stage::Response,
            "The answer has no token. Its members are status.",
            None,
        ),
        (
            answer(200, &json, r#"{"error":"invalid_grant","error_description":"Wrong"}"#),
            Stage::Response,
            "The server answered with an error in place of a token.",
            Some("invalid_grant: Wrong"),
        ),
        (
            answer(200, &html, page),
            Stage::Response,
            "The server answered with a web page, not with a token.",
            Some("Sign in"),
        ),
        (
            answer(502, &html, "<title>Bad  gateway</title><h1>Sorry</h1>"),
            Stage::Status(502),
            "The server answered 502 (Bad Gateway).",
            Some("Bad gateway"),
        ),
        (answer(307, &[("Location", &away)], ""), Stage::Status(307), &redirected, None),
    ] {
        let server = Hostile::start(behaviour).await;
        let refusal = refused(&alice(&server, RequestStyle::FormBody)).await;
        assert_eq!((refusal.stage, refusal.message.as_str()), (layer, message));
        assert_eq!(refusal.server_words.as_deref(), words);
        assert!(!refusal.remedy.is_empty());
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_token_is_found_in_a_mislabelled_answer_and_by_pointer() {
    let body = r#"{"a":{"b":["x","abc"]},"token":"top"}"#;
    let server = Hostile::start(answer(201, &[("Content-Type", "text/html")], body)).await;
    let by_itself = alice(&server, RequestStyle::JsonBody);
    let by_pointer = TokenRequest { location: "/a/b/1".parse().expect("a pointer"), ..by_itself.clone() };
    for (request, token) in [(by_itself, "top"), (by_pointer, "abc")] {
        let found = ask(&request).await.map(|token| token.access.expose().to_owned());
        assert_eq!(found.ok().as_deref(), Some(token));
    }
}

#[tokio::test]
async fn failures_below_http_keep_their_layer() {
    let identity = Issued::self_signed("127.0.0.1");
    let tls = Hostile::start_tls(answer(200, &[], ""), &identity, None).await;
    let reset = Hostile::start(Behaviour::Reset).await;
    for (server, layer) in [(&tls, Stage::Tls), (&reset, Stage::Connection)] {
        let refusal = refused(&alice(server, RequestStyle::FormBody)).await;
        assert_eq!(refusal.stage, layer, "{refusal:?}");
        assert!(!refusal.remedy.is_empty());
    }
    let strict = Outbound::new(Policy::default()).expect("a runtime");
    let request = alice(&reset, RequestStyle::FormBody);
    let now = DateTime::UNIX_EPOCH;
    let result = request_token(&strict, &Transport::default(), Limits::default(), &request, now).await;
    let layer = result.err().map(|refusal| refusal.stage);
    assert_eq!(layer, Some(Stage::AddressRefused));
}

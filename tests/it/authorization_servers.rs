//! That the two authorization servers do what the tests of OAuth flows hold Connectory against. Where they differ, the
//! difference is asserted too, for a flow that works with both must not rely on either.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;
use url::Url;

use crate::support::authorization_server::{ApiRequests, AuthorizationServer, Client, Grant, Setup};
use crate::support::oauth_server::{USER, USERS_PASSWORD};

/// Never visited.
const CALLBACK: &str = "http://127.0.0.1:9/callback";
/// Has every character that goes wrong when Basic credentials are not form-encoded (RFC 6749, section 2.3.1).
const SECRET: &str = "s3cret+/%:& x";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Both servers, the one that revokes a grant when its refresh token comes twice first.
fn both(setup: &Setup) -> [AuthorizationServer; 2] {
    [AuthorizationServer::oidc_provider(setup), AuthorizationServer::django(setup)]
}

fn authorization_request(server: &AuthorizationServer, parameters: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&server.urls.authorize).expect("an address");
    url.query_pairs_mut()
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("state", "a state")
        .extend_pairs(parameters);
    url.into()
}

/// The parameters that came back to the callback, from the query or the fragment.
fn came_back(address: &str, separator: char) -> Vec<(String, String)> {
    let (callback, answer) = address.split_once(separator).expect(address);
    assert_eq!(callback, CALLBACK);
    form_urlencoded::parse(answer.as_bytes()).into_owned().collect()
}

fn one<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = parameters.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

/// Posts a form with the client `web` in the header.
async fn post(url: &str, form: &[(&str, &str)]) -> Response {
    let secret: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let request = reqwest::Client::new().post(url).form(form);
    let request = request.basic_auth("web", Some(secret));
    request.send().await.expect("an answer")
}

async fn token(server: &AuthorizationServer, form: &[(&str, &str)]) -> (u16, Value) {
    answer(post(&server.urls.token, form).await).await
}

async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

async fn refresh(server: &AuthorizationServer, tokens: &Value) -> (u16, Value) {
    let refresh_token = text(tokens, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    token(server, &form).await
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}"))
}

/// Consents and trades the code for tokens.
async fn code_grant(server: &AuthorizationServer) -> Value {
    let back = server.allow(&code_request(server)).await;
    let back = came_back(&back, '?');
    assert_eq!(one(&back, "state"), Some("a state"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", one(&back, "code").expect("a code")),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let (status, tokens) = token(server, &form).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

fn code_request(server: &AuthorizationServer) -> String {
    let parameters = [
        ("response_type", "code"),
        ("client_id", "web"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("scope", "read"),
    ];
    authorization_request(server, &parameters)
}

fn web() -> Client {
    Client::confidential("web", SECRET, Grant::AuthorizationCode).redirect(CALLBACK)
}

#[tokio::test]
async fn a_spent_refresh_token_that_comes_again_ends_the_grant_only_at_oidc_provider() {
    for (server, ends_grant) in both(&Setup::with([web()])).iter().zip([true, false]) {
        let first = code_grant(server).await;
        assert_eq!(server.call_api(text(&first, "access_token")).await, 200);
        let (status, second) = refresh(server, &first).await;
        assert_eq!(status, 200, "{second}");

        let (status, refusal) = refresh(server, &first).await;
        assert_eq!((status, text(&refusal, "error")), (400, "invalid_grant"));
        let (status, _) = refresh(server, &second).await;
        assert_eq!(status, if ends_grant { 400 } else { 200 });
        if ends_grant {
            assert_eq!(server.call_api(text(&second, "access_token")).await, 401);
            let api = server.seen().await.api;
            assert_eq!(api, ApiRequests { ok: 1, refused: 1 });
        }
    }
}

#[tokio::test]
async fn the_answer_names_the_server_and_what_went_wrong() {
    for (server, names_itself) in both(&Setup::with([web()])).iter().zip([true, false]) {
        let issuer = names_itself.then_some(server.urls.issuer.as_str());
        let denied = came_back(&server.deny(&code_request(server)).await, '?');
        assert_eq!(one(&denied, "error"), Some("access_denied"));
        assert_eq!(one(&denied, "state"), Some("a state"));
        assert_eq!(one(&denied, "iss"), issuer);

        let without_pkce = [("response_type", "code"), ("client_id", "web"), ("scope", "read")];
        let request = authorization_request(server, &without_pkce);
        let refused = came_back(&server.allow(&request).await, '?');
        assert_eq!(one(&refused, "error"), Some("invalid_request"));

        assert_eq!(server.urls.discovery.is_some(), names_itself);
        for path in discovery_paths(server) {
            let answer = reqwest::get(&path).await.expect("an answer");
            let metadata: Value = answer.json().await.expect("JSON");
            assert_eq!(text(&metadata, "issuer"), server.urls.issuer);
            assert_eq!(text(&metadata, "revocation_endpoint"), server.urls.revocation);
        }
    }
}

/// OpenID Connect's address and RFC 8414's.
fn discovery_paths(server: &AuthorizationServer) -> Vec<String> {
    let Some(openid) = &server.urls.discovery else {
        return Vec::new();
    };
    vec![openid.clone(), openid.replace("openid-configuration", "oauth-authorization-server")]
}

#[tokio::test]
async fn clients_get_tokens_for_themselves_and_give_them_back() {
    let client = Client::confidential("web", SECRET, Grant::ClientCredentials);
    for server in &both(&Setup::with([client])) {
        let in_header = [("grant_type", "client_credentials"), ("scope", "read")];
        let in_body = [("grant_type", "client_credentials"), ("client_id", "web"), ("client_secret", SECRET)];
        let (status, tokens) = token(server, &in_header).await;
        assert_eq!(status, 200, "{tokens}");
        let request = reqwest::Client::new().post(&server.urls.token).form(&in_body);
        assert_eq!(request.send().await.expect("an answer").status(), 200);

        let access_token = text(&tokens, "access_token");
        assert_eq!(server.call_api(access_token).await, 200);
        let revoked = post(&server.urls.revocation, &[("token", access_token)]).await;
        assert_eq!(revoked.status(), 200);
        assert_eq!(server.call_api(access_token).await, 401);

        let seen = server.seen().await;
        let requests: Vec<(&str, &[String])> =
            seen.token.iter().map(|outcome| (outcome.authentication.as_str(), &outcome.parameters[..])).collect();
        let names = |form: &[(&str, &str)]| -> Vec<String> {
            let mut names: Vec<String> = form.iter().map(|(name, _)| name.to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(requests, [("basic", &names(&in_header)[..]), ("body", &names(&in_body)[..])]);
    }
}

#[tokio::test]
async fn a_token_in_the_fragment_opens_the_api() {
    let client = Client::public("page", Grant::Implicit).redirect(CALLBACK);
    for server in &both(&Setup::with([client])) {
        let parameters = [("response_type", "token"), ("client_id", "page")];
        let request = authorization_request(server, &parameters);
        let back = came_back(&server.allow(&request).await, '#');
        assert_eq!(one(&back, "state"), Some("a state"));
        let access_token = one(&back, "access_token").expect("a token");
        assert_eq!(server.call_api(access_token).await, 200);
    }
}

#[tokio::test]
async fn django_takes_a_password() {
    let client = Client::confidential("web", SECRET, Grant::Password);
    let server = AuthorizationServer::django(&Setup::with([client]));
    for (password, status) in [(USERS_PASSWORD, 200), ("wrong", 400)] {
        let form = [("grant_type", "password"), ("username", USER), ("password", password)];
        assert_eq!(token(&server, &form).await.0, status);
    }
}

#[tokio::test]
async fn a_test_can_watch_a_server_and_break_it() {
    for server in &both(&Setup::with([])) {
        server.add_client(&web()).await;
        let tokens = code_grant(server).await;

        server.fail(503, Some(1)).await;
        assert_eq!(refresh(server, &tokens).await, (503, Value::Null));
        let (status, tokens) = refresh(server, &tokens).await;
        assert_eq!(status, 200, "{tokens}");

        server.fail(500, None).await;
        assert_eq!(refresh(server, &tokens).await.0, 500);
        assert_eq!(refresh(server, &tokens).await.0, 500);
        let seen = server.seen().await;
        assert_eq!((seen.by_grant["authorization_code"], seen.arrived), (1, 1 + 4));
        server.reset().await;

        server.revoke_all().await;
        let (status, refusal) = refresh(server, &tokens).await;
        assert_eq!((status, text(&refusal, "error")), (400, "invalid_grant"));
        assert_eq!(server.call_api(text(&tokens, "access_token")).await, 401);
        let outcome = &server.seen().await.token[0];
        assert_eq!(outcome.grant_type, "refresh_token");
        assert_eq!(outcome.status, 400);
        assert_eq!(outcome.error.as_deref(), Some("invalid_grant"));

        server.delay(Duration::from_secs(60)).await;
        tokio::select! {
            _ = refresh(server, &tokens) => panic!("an answer at once"),
            seen = server.seen_when_arrived(2) => assert_eq!(seen.token.len(), 1),
        }
    }
}

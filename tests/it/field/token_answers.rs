//! What token servers answer.

use chrono::TimeDelta;
use connectory::connectors::Grant;

use crate::api::World;
use crate::support::TestApp;
use crate::support::upstream::{Reply, Upstream};
use crate::tokens::oauth_connector;

const TAB: &str = "/connectors/payroll/authorization";

/// A site whose connector has asked this server for a token with its own client id and secret, and the tab after that.
async fn asked(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (TestApp, uuid::Uuid, String) {
    let app = TestApp::start().await;
    let server = Upstream::start(move |_| reply()).await;
    let id = oauth_connector(&app, Grant::ClientCredentials, &server.url("/token"), &server.url("/")).await;
    let admin = app.super_admin().await;
    let page = admin.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await;
    let page = if page.status == 303 { page.follow().await } else { page };
    (app, id, page.expect(200).text())
}

/// Apigee says `BearerToken`, Slack `bot` and `user`; their APIs take Bearer only.
#[tokio::test]
async fn a_token_type_that_is_no_scheme_is_sent_as_bearer() {
    for (token_type, scheme) in [
        ("BearerToken", "Bearer"),
        ("bot", "Bearer"),
        ("user", "Bearer"),
        ("bearer", "Bearer"),
        ("JWT", "Bearer"),
        ("urn:ietf:params:oauth:token-type:jwt", "Bearer"),
        ("token", "Token"),
    ] {
        let world = World::new(|_| Reply::json(200, "{}")).await;
        world.app.sql(&format!("UPDATE tokens SET token_type = '{token_type}'")).await;
        assert_eq!(world.proxied("/echo").await.status, 200);
        let sent = world.api.last();
        let sent = sent.header("authorization").expect("a credential");
        assert_eq!(sent.split(' ').next(), Some(scheme), "{token_type}");
    }
}

/// Zoho's `expires_in` counts milliseconds, and `expires_in_sec` beside it seconds. Others say when the token ends.
#[tokio::test]
async fn an_expiry_is_read_as_servers_say_it() {
    for (answer, words) in [
        (
            r#"{"access_token":"t","expires_in":3600000,"expires_in_sec":3600,"api_domain":"https://api.example"}"#,
            "in 60 minutes",
        ),
        (r#"{"access_token":"t","expiresIn":"1h"}"#, "in 60 minutes"),
        (r#"{"access_token":"t"}"#, "Not known"),
    ] {
        let (_, _, text) = asked(move || Reply::json(200, answer)).await;
        assert!(text.contains(words), "{answer}: {text}");
    }
    let app = TestApp::start().await;
    let end = app.clock.now() + TimeDelta::minutes(30);
    for end in [
        end.timestamp().to_string(),
        format!("\"{}\"", end.timestamp_millis()),
        format!("\"{}\"", end.to_rfc3339()),
        format!("\"{}\"", end.to_rfc2822()),
        format!("\"{}\"", end.format("%-m/%-d/%Y %-I:%M:%S %p")),
    ] {
        let (_, _, text) = asked({
            let end = end.clone();
            move || Reply::json(200, &format!(r#"{{"access_token":"t","expires_at":{end}}}"#))
        })
        .await;
        assert!(text.contains("in 30 minutes") || text.contains("in 29 minutes"), "{end}: {text}");
    }
}

/// Slack sends the tokens of people under `authed_user`.
#[tokio::test]
async fn a_token_of_slack_is_found_where_it_is() {
    for (answer, token) in [
        (r#"{"ok":true,"access_token":"xoxb-1","token_type":"bot","scope":"chat:write"}"#, "xoxb-1"),
        (r#"{"ok":true,"authed_user":{"id":"U1","access_token":"xoxp-1","token_type":"user"}}"#, "xoxp-1"),
    ] {
        let (app, id, text) = asked(move || Reply::json(200, answer)).await;
        assert_eq!(app.token(id).await.as_deref(), Some(token), "{text}");
    }
}

#[tokio::test]
async fn the_place_of_the_token_can_be_set() {
    const ANSWER: &str =
        r#"{"tokenData":{"access_token":"t1","token_type":"Bearer","expires_in":60000},"errors":[],"success":true}"#;
    let (app, id, text) = asked(|| Reply::json(200, ANSWER)).await;
    assert!(text.contains("The answer has no token. Its members are tokenData, errors, success."), "{text}");
    assert!(text.contains("enter where, under Tokens"), "{text}");
    let tab = app.super_admin().await.get(TAB).await;
    let page = tab.form(TAB).set("token_pointer", "tokenData").send().await.expect(422);
    let error = page.field_error("token_pointer");
    assert_eq!(error.as_deref(), Some("JSON Pointer must start with /, for example /data/token"));
    tab.form(TAB).set("token_pointer", "/tokenData/access_token").send().await.expect(303);
    let admin = app.super_admin().await;
    let page = admin.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await.expect(303).follow().await;
    assert!(page.text().contains("in 17 hours"), "the expiry beside it: {}", page.text());
    assert_eq!(app.token(id).await.as_deref(), Some("t1"));
}

/// Old servers call a form plain text.
#[tokio::test]
async fn a_form_is_read_as_one_whatever_it_is_called() {
    const FORM: &str = "access_token=abc123abc123&token_type=bearer&expires_in=5184000";
    for kind in ["text/plain", "text/html", "application/x-www-form-urlencoded"] {
        let (app, id, text) = asked(move || Reply::of(200, &[("Content-Type", kind)], FORM)).await;
        assert_eq!(app.token(id).await.as_deref(), Some("abc123abc123"), "{kind}");
        assert!(text.contains("in 60 days"), "{text}");
    }
}

#[tokio::test]
async fn a_bare_text_is_no_token_of_oauth() {
    let (app, id, text) = asked(|| Reply::of(200, &[("Content-Type", "text/plain")], "abc123abc123abc123")).await;
    assert_eq!(app.token(id).await, None);
    assert!(text.contains("The server answered with a text, not with JSON."), "{text}");
    assert!(!text.contains("abc123abc123"), "{text}");
}

/// Concur answers XML. A token in it is shown nowhere.
#[tokio::test]
async fn an_xml_answer_is_called_so_and_its_token_is_not_shown() {
    const CONCUR: &str = "<Access_Token><Token>t0ken-canary</Token><Expiration_date>9/30/2027 1:15:00 PM\
                          </Expiration_date></Access_Token>";
    const PAGE: &str = "<html><title>Sign in</title><body><input value=t0ken-canary></body></html>";
    const FAULT: &str = "<Error><Code>E7</Code><Message>Locked</Message><Token>t0ken-canary</Token></Error>";
    let xml = [("Content-Type", "application/xml")];
    for (status, body, message) in [
        (200, CONCUR, "The server answered with XML (root element Access_Token), not with JSON."),
        (400, CONCUR, "The server answered 400"),
        (200, PAGE, "The server answered with a web page, not with a token. The server said: “Sign in”"),
        (403, FAULT, "The server said: “E7: Locked”"),
    ] {
        let (app, _, text) = asked(move || Reply::of(status, &xml, body)).await;
        assert!(text.contains(message), "{text}");
        for shown in [text, app.value("SELECT message || server_words FROM renewals").await] {
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}

/// A server that answers XML unless the request accepts JSON.
#[tokio::test]
async fn json_is_asked_for() {
    let app = TestApp::start().await;
    let server = Upstream::start(|seen| match seen.header("accept").is_some_and(|accept| accept.contains("json")) {
        true => Reply::json(200, r#"{"access_token":"t"}"#),
        false => Reply::of(200, &[("Content-Type", "application/xml")], "<token>t</token>"),
    })
    .await;
    let id = oauth_connector(&app, Grant::ClientCredentials, &server.url("/token"), &server.url("/")).await;
    app.super_admin().await.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await.expect(303);
    assert_eq!(app.token(id).await.as_deref(), Some("t"));
}

/// Keycloak and ASP.NET send empty errors beside a good token.
#[tokio::test]
async fn an_empty_error_is_none() {
    for error in ["\"\"", "null", "false"] {
        let body = format!(
            r#"{{"access_token":"t-0123456789abcdef","token_type":"Bearer","expires_in":7199,"error":{error},"error_description":null}}"#
        );
        let (app, id, _) = asked(move || Reply::json(200, &body)).await;
        assert_eq!(app.token(id).await.as_deref(), Some("t-0123456789abcdef"), "{error}");
    }
}

#[tokio::test]
async fn bearer_before_a_token_is_sent_once() {
    let world = World::new(|seen| match seen.path() {
        "/login" => Reply::json(200, r#"{"token":"Bearer eyJh.eyJz.c2ln"}"#),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let admin = world.app.super_admin().await;
    let path = "/connectors/ledger/authorization/token-requests";
    let form = admin.get(path).await.form(path).set("token_url", &world.api.url("/login")).set("token_user", "ana");
    let page = form.set("token_password", "pw").set("token_request_style", "json").send().await.expect(200);
    page.form("/connectors/ledger/authorization/token").press("Use this token").send().await.expect(303);
    assert_eq!(world.proxied("/echo").await.status, 200);
    assert_eq!(world.api.last().header("authorization"), Some("Bearer eyJh.eyJz.c2ln"));
}

/// Salesforce and Zoho say beside the token where the API is.
#[tokio::test]
async fn what_stands_beside_a_token_is_kept_and_shown() {
    let world = World::new(|seen| match seen.number {
        0 => Reply::json(
            200,
            r#"{"access_token":"t","expires_in":3600,"instance_url":"https://na7.my.example","id":"x","secret_id":"canary-1"}"#,
        ),
        _ => Reply::json(200, r#"{"access_token":"t2","expires_in":3600,"instance_url":"https://na8.my.example"}"#),
    })
    .await;
    let (app, id) = (&world.app, world.connector);
    app.sql(&format!(
        "UPDATE connectors SET method = 'oauth_client_credentials' WHERE id = '{id}';
         INSERT INTO oauth_clients (connector_id, token_url, client_id) VALUES ('{id}', '{}', 'web')",
        world.api.url("/token")
    ))
    .await;
    app.store_secret(id, connectory::authorization::SecretField::ClientSecret, "client-secret").await;
    let tab = "/connectors/ledger/authorization";
    let admin = app.super_admin().await;
    let page = admin.get(tab).await.form(tab).set("kept_names", "refresh_token").send().await.expect(422);
    let error = page.field_error("kept_names").unwrap_or_default();
    assert!(error.starts_with("Values to keep must not have refresh_token"), "{error}");
    admin.get(tab).await.form(tab).set("kept_names", "instance_url, id").send().await.expect(303);
    for address in ["https://na7.my.example", "https://na8.my.example"] {
        let page = admin.get(tab).await.form(&format!("{tab}/token-renewals")).send().await.expect(303).follow().await;
        assert!(page.text().contains(&format!("instance_url: {address}")), "{}", page.text());
        let shown = world.request("GET", "/ledger").send().await.expect("an answer").text().await.expect("a body");
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(shown["token_values"], serde_json::json!({"id": "x", "instance_url": address}));
        assert!(!page.text().contains("canary"));
    }
    // In endpoints they are variables. A caller's own value goes first.
    let endpoint = world.endpoint("query", "GET", "/v3/{{token.id}}/query?at={{token.instance_url}}").await;
    let asked = "/v1/v3/x/query?at=https%3A%2F%2Fna8.my.example";
    assert_eq!(world.call("query", serde_json::json!({})).await.status, 200);
    assert_eq!(world.api.last().target, asked);
    assert_eq!(world.call("query", serde_json::json!({ "token": { "id": "a b" } })).await.status, 200);
    assert_eq!(world.api.last().target, asked.replace("/x/", "/a%20b/"));
    let shown = world.request("GET", "/ledger").send().await.expect("an answer").text().await.expect("a body");
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["endpoints"][0]["variables"][0], serde_json::json!({ "name": "token.id", "default": "x" }));
    let page = admin.get(&format!("/connectors/ledger/endpoints/{endpoint}")).await.expect(200);
    assert!(page.text().contains("token.id (kept with the token)"), "{}", page.text());
    page.main_form().press("Run").send().await.expect(200);
    assert_eq!(world.api.last().target, asked);
    let other = world.endpoint("other", "GET", "/{{token.no}}").await;
    let page = admin.get(&format!("/connectors/ledger/endpoints/{other}")).await.expect(200);
    let page = page.main_form().press("Run").send().await.expect(422);
    assert!(page.text().contains("token.no"), "{}", page.text());
}

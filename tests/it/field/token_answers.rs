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

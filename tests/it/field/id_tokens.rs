//! APIs that want the ID token of a sign-in, such as those behind AWS Cognito or Google's Identity-Aware Proxy.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::connector;
use crate::api::{World, until};
use crate::support::Browser;
use crate::support::upstream::{Reply, Upstream};

const TAB: &str = "/connectors/ledger/authorization";

/// An ID token that ends at the beginning of 2040.
fn id_token() -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(r#"{"sub":"app","exp":2208988800}"#), part("signature"))
}

/// A connector with client credentials at a server that answers so.
async fn at(answer: String) -> (World, Browser, Upstream) {
    let server = Upstream::start(move |seen| match seen.path() {
        "/token" => Reply::json(200, &answer),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let (world, ana) = connector("oauth_client_credentials", &server.url("/")).await;
    let form = ana.get(TAB).await.form(TAB).set("token_url", &server.url("/token")).set("client_id", "app");
    form.set("client_secret", "s3cret").send().await.expect(303);
    (world, ana, server)
}

/// Calls until they carry this token, because a change is known a little later.
async fn expect_sent(world: &World, server: &Upstream, token: &str) {
    let header = format!("Bearer {token}");
    until("the token is sent", async || {
        world.proxied("/echo").await.status == 200 && server.last().header("authorization") == Some(&header)
    })
    .await;
}

#[tokio::test]
async fn the_id_token_is_sent_where_it_is_chosen_and_ends_when_it_says() {
    let answer = format!(r#"{{"access_token":"acc3ss-1","id_token":"{}","expires_in":60}}"#, id_token());
    let (world, ana, server) = at(answer).await;
    ana.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await.expect(303);
    expect_sent(&world, &server, "acc3ss-1").await;
    assert_eq!(ana.get(TAB).await.field_value("token_to_send"), "access_token");
    ana.get(TAB).await.form(TAB).set("token_to_send", "id_token").send().await.expect(303);
    ana.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await.expect(303);
    expect_sent(&world, &server, &id_token()).await;
    let ends = world.app.value("SELECT extract(epoch FROM expires_at)::bigint FROM tokens").await;
    assert_eq!(ends, "2208988800", "not when the access token does");
    let tab = ana.get(TAB).await;
    assert_eq!(tab.field_value("token_to_send"), "id_token");
    assert_eq!(tab.field_value("token_pointer"), "");
    assert!(tab.html.contains("<details class=\"more\" open><summary>Tokens"), "it has a value");
    let recorded = world.app.value("SELECT string_agg(changes::text, '') FROM audit_events").await;
    assert!(recorded.contains("Token to send"), "{recorded}");
}

/// As earlier versions stored it.
#[tokio::test]
async fn a_stored_pointer_to_the_id_token_keeps_its_meaning() {
    let (world, ana, server) = at(format!(r#"{{"access_token":"acc3ss-1","id_token":"{}"}}"#, id_token())).await;
    world.app.sql("UPDATE oauth_clients SET token_pointer = '/id_token'").await;
    assert_eq!(ana.get(TAB).await.field_value("token_to_send"), "id_token");
    ana.get(TAB).await.form(TAB).set("time_out", "9").send().await.expect(303);
    ana.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await.expect(303);
    expect_sent(&world, &server, &id_token()).await;
    assert_eq!(world.app.value("SELECT token_pointer FROM oauth_clients").await, "/id_token");
    // Typed as before, beside the choice of the access token.
    let form = ana.get(TAB).await.form(TAB).set("token_to_send", "access_token");
    form.set("token_pointer", "/id_token").send().await.expect(303);
    assert_eq!(ana.get(TAB).await.field_value("token_to_send"), "id_token");
    let form = ana.get(TAB).await.form(TAB).set("token_to_send", "access_token");
    form.set("token_pointer", "").send().await.expect(303);
    assert_eq!(world.app.value("SELECT token_pointer FROM oauth_clients").await, "");
}

#[tokio::test]
async fn an_answer_without_an_id_token_says_how_to_get_one() {
    let (_world, ana, _server) = at(r#"{"access_token":"acc3ss-1"}"#.into()).await;
    let page = ana.get(TAB).await.form(TAB).set("token_to_send", "id_token").set("token_pointer", "/data/token");
    let page = page.send().await.expect(422);
    let wanted = "Leave this empty with the ID token, or choose the access token";
    assert_eq!(page.field_error("token_pointer").as_deref(), Some(wanted));
    assert_eq!(page.field_value("token_to_send"), "id_token");
    page.form(TAB).set("token_pointer", "").send().await.expect(303);
    let page = ana.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await.expect(200);
    let text = page.text();
    assert!(text.contains("The answer has no ID token. Its members are access_token."), "{text}");
    assert!(text.contains("Most servers send one for the scope openid: add it to Scope."), "{text}");
}

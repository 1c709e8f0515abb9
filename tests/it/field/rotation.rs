//! API keys and client secrets are replaced without an outage: the next one stands beside the present one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connectory::connectors::{Grant, Method};
use connectory::outbound::HttpUrl;

use super::authorizing::{self, Site};
use crate::api::{World, until};
use crate::support::upstream::{Reply, Upstream};
use crate::support::{Browser, PASSWORD, TestApp};

const TAB: &str = "/connectors/ledger/authorization";
const OLD: &str = "old-k3y-4711";
const NEW: &str = "new-k3y-4712";

/// An API that knows both keys, until it refuses the old one with the status.
async fn keyed(next: &str) -> (World, Browser, Arc<AtomicU16>) {
    let refuses_old = Arc::new(AtomicU16::new(0));
    let (refuses, next) = (Arc::clone(&refuses_old), next.to_owned());
    let known = next.clone();
    let world = World::new(move |seen| match (seen.header("x-api-key"), refuses.load(Ordering::SeqCst)) {
        (Some(OLD), 0) => Reply::json(200, "{}"),
        (Some(key), _) if key == NEW && known == NEW => Reply::json(200, "{}"),
        (_, 0) => Reply::json(401, "{}"),
        (_, status) => Reply::json(status, "{}"),
    })
    .await;
    world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'api_key'; UPDATE authorizations SET api_key_name = 'X-API-Key'").await;
    let ana = world.app.super_admin().await;
    let form = ana.get(TAB).await.form(TAB).set("api_key", OLD);
    form.send().await.expect(303);
    ana.get(TAB).await.form(TAB).set("next_api_key", &format!(" {next}\n")).send().await.expect(303);
    world.sent_when_known("x-api-key", OLD).await;
    (world, ana, refuses_old)
}

async fn fields(app: &TestApp) -> String {
    app.value("SELECT string_agg(field || ' by ' || set_by, ', ' ORDER BY field) FROM secrets").await
}

#[tokio::test]
async fn the_next_api_key_takes_the_place_of_a_refused_one() {
    for status in [401, 403] {
        let (world, ana, refuses_old) = keyed(NEW).await;
        assert!(ana.get(TAB).await.text().contains("Next API key"));
        assert_eq!(world.proxied("/echo").await.status, 200);
        assert_eq!(world.api.last().header("x-api-key"), Some(OLD), "the present one, while it works");
        refuses_old.store(status, Ordering::SeqCst);
        let answer = world.request("POST", "/ledger/proxy/echo").body("{}").send().await.expect("a response");
        assert_eq!(answer.status(), 200);
        let keys: Vec<_> = world
            .api
            .seen()
            .iter()
            .rev()
            .take(2)
            .map(|seen| seen.header("x-api-key").unwrap_or("").to_owned())
            .collect();
        assert_eq!(keys, [NEW, OLD]);
        until("it has taken the place", async || fields(&world.app).await == "api_key by Connectory").await;
        assert_eq!(world.sent_when_known("x-api-key", NEW).await, NEW);
        let recorded = world.app.value("SELECT changes::text FROM audit_events WHERE kind = 'authorization.saved' AND actor_name = 'Connectory'").await;
        assert!(
            recorded.contains("API key") && recorded.contains("replaced by the next one") && !recorded.contains(NEW)
        );
    }
}

#[tokio::test]
async fn a_next_api_key_that_is_refused_too_changes_nothing() {
    let (world, _ana, refuses_old) = keyed("unknown-k3y").await;
    refuses_old.store(401, Ordering::SeqCst);
    assert_eq!(world.proxied("/echo").await.status, 401);
    assert_eq!(world.api.last().header("x-api-key"), Some("unknown-k3y"));
    let both = fields(&world.app).await;
    assert!(both.starts_with("api_key by ") && both.contains("next_api_key by "), "{both}");
}

#[tokio::test]
async fn the_next_api_key_stays_when_the_present_one_is_removed() {
    let (world, ana, _) = keyed(NEW).await;
    let form = ana.get(TAB).await.form(TAB).set("api_key_choice", "remove").set("own_password", PASSWORD);
    form.send().await.expect(303);
    assert_eq!(world.sent_when_known("x-api-key", NEW).await, NEW);
    assert!(!fields(&world.app).await.contains("next_api_key"));
    // Without a present one there is no next one.
    ana.get(TAB).await.form(TAB).set("api_key_choice", "remove").send().await.expect(303);
    let page = ana.get(TAB).await.form(TAB).set("next_api_key", NEW).send().await.expect(422);
    let wanted = "Enter it as the API key, because there is none yet";
    assert_eq!(page.field_error("next_api_key").as_deref(), Some(wanted));
    let page = ana.get(TAB).await.form(TAB).set("api_key", OLD).set("next_api_key", "kß").send().await.expect(422);
    let wanted = "Next API key can have letters, numbers and signs only. Copy it once more, without line breaks.";
    assert_eq!(page.field_error("next_api_key").as_deref(), Some(wanted));
}

#[tokio::test]
async fn the_next_client_secret_takes_the_place_of_a_refused_one() {
    let basic = |secret: &str| format!("Basic {}", STANDARD.encode(format!("app:{secret}")));
    let (old, new) = (basic(OLD), basic(NEW));
    let wanted = new.clone();
    let server = Upstream::start(move |seen| match seen.header("authorization") == Some(&wanted) {
        true => Reply::json(200, r#"{"access_token":"t-1","expires_in":3600}"#),
        false => Reply::json(401, r#"{"error":"invalid_client"}"#),
    })
    .await;
    let app = TestApp::start().await;
    app.connector_with("Ledger", |new| {
        new.method = Method::OAuth(Grant::ClientCredentials);
        new.details.base_url = Some(HttpUrl::parse(&server.url("/")).expect("an address"));
    })
    .await;
    let ana = app.super_admin().await;
    let form = ana.get(TAB).await.form(TAB).set("token_url", &server.url("/token")).set("client_id", "app");
    form.set("client_secret", OLD).set("next_client_secret", NEW).send().await.expect(303);
    let fetch = async || ana.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await.expect(303);
    fetch().await;
    let sent: Vec<_> =
        server.seen().iter().filter_map(|seen| seen.header("authorization").map(str::to_owned)).collect();
    assert_eq!(sent, [old, new.clone()]);
    let left = fields(&app).await;
    assert!(left.starts_with("client_secret by ") && !left.contains("next_client_secret"), "{left}");
    fetch().await;
    assert_eq!(server.last().header("authorization"), Some(&*new));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_code_is_exchanged_with_the_next_client_secret_where_the_present_one_is_refused() {
    let site = Site::with(|seen| {
        let header = seen.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let pair = header.and_then(|value| STANDARD.decode(value).ok()).unwrap_or_default();
        match pair.ends_with(NEW.as_bytes()) {
            true => Reply::json(200, r#"{"access_token":"t-1","expires_in":3600}"#),
            false => Reply::json(401, r#"{"error":"invalid_client"}"#),
        }
    })
    .await;
    let form = site.ana.get(authorizing::TAB).await.form(authorizing::TAB);
    form.set("client_secret", OLD).set("next_client_secret", NEW).send().await.expect(303);
    let answer = site.answer().await;
    site.ana.get(&answer).await.expect(303);
    assert_eq!(site.server.seen().len(), 2);
    assert!(fields(&site.app).await.starts_with("client_secret by "), "{}", fields(&site.app).await);
    assert!(!fields(&site.app).await.contains("next_client_secret"));
}

//! A stored secret or token goes to approved origins only, whoever names another one, and whenever.

use connectory::access::Permission::{CallConnectors, EditConnectors};
use connectory::authorization::{SecretField, approve_origins_in_use};
use connectory::connectors::Grant;
use connectory::vault::AssociatedData;
use serde_json::json;

use super::*;
use crate::support::{Browser, Page};

const TAB: &str = "/connectors/ledger/authorization";
const APPROVALS: &str = "/connectors/ledger/authorization/approvals";
const CANARY: &str = "canary-c0ffee-5ecret";

/// A connector of this method without any secret, its API, and a server that somebody wants to hear the secret.
struct Scene {
    world: World,
    evil: Upstream,
}

impl Scene {
    async fn new(method: Method) -> Scene {
        let world = World::new(|_| Reply::json(200, "{}")).await;
        let id = world.connector;
        world
            .app
            .sql(&format!(
                "DELETE FROM tokens; UPDATE connectors SET method = '{}', status = 'not_authorized' WHERE id = '{id}'",
                method.code()
            ))
            .await;
        let evil = Upstream::json("{}").await;
        Scene { world, evil }
    }

    /// Somebody who may edit and call saves an endpoint on the other server, by the page.
    async fn plant(&self, by: &Browser) {
        let page = by.get("/connectors/ledger/endpoints/new").await;
        let form = page.form("/connectors/ledger/endpoints").set("endpoint_name", "collect");
        let form = form.set("endpoint_url", &self.evil.url("/collect"));
        form.send().await.expect(303);
    }

    /// Calls the planted endpoint as a program; gives the code of the problem, or the status.
    async fn collect(&self) -> String {
        let answer = self.world.call("collect", json!({})).await;
        if answer.header("connectory-answer") == "connectory" { answer.problem() } else { answer.status.to_string() }
    }

    fn evil_has_the_secret(&self) -> bool {
        self.evil
            .seen()
            .iter()
            .any(|seen| format!("{seen:?}").contains(CANARY) || seen.header("authorization").is_some())
    }

    /// Enters the secret on the tab, as the owner does.
    async fn enter(&self, owner: &Browser, method: Method) -> Page {
        let form = owner.get(TAB).await.expect(200).form(TAB);
        let form = match method {
            Method::Basic => form.set("user_name", "svc").set("password", CANARY),
            Method::ApiKey => form.set("api_key_name", "X-Key").set("api_key", CANARY),
            _ => form.set("token", CANARY),
        };
        form.send().await
    }
}

async fn mallory(scene: &Scene) -> Browser {
    scene.world.app.person(&[EditConnectors, CallConnectors]).await
}

#[tokio::test]
async fn a_planted_endpoint_does_not_get_the_secret_that_is_entered_later() {
    for method in [Method::Basic, Method::ApiKey, Method::Bearer] {
        let scene = Scene::new(method).await;
        scene.plant(&mallory(&scene).await).await;
        let owner = scene.world.app.super_admin().await;
        let tab = owner.get(TAB).await;
        assert!(tab.text().contains(&scene.evil.url("")), "the tab names it: {}", tab.text());
        scene.enter(&owner, method).await.expect(303);
        assert_eq!(scene.world.proxied("/x").await.status, 200, "{method:?}");
        assert_eq!(scene.collect().await, "origin_not_approved", "{method:?}");
        assert!(scene.evil.seen().is_empty(), "{method:?}");
        let tab = owner.get(TAB).await.text();
        assert!(tab.contains("Waiting for approval"), "{tab}");
    }
}

#[tokio::test]
async fn an_endpoint_whose_origin_is_ticked_with_the_secret_is_called() {
    let scene = Scene::new(Method::Basic).await;
    scene.plant(&mallory(&scene).await).await;
    let owner = scene.world.app.super_admin().await;
    let form = owner.get(TAB).await.form(TAB).set("user_name", "svc").set("password", CANARY);
    let form = form.tick("approve_origin", &origin(&scene.evil));
    form.send().await.expect(303);
    assert_eq!(scene.collect().await, "200");
    // Another secret keeps what was approved.
    let form = owner.get(TAB).await.form(TAB).set("password_choice", "replace");
    form.set("password", "another").confirmed().send().await.expect(303);
    until("the other password is used", async || {
        scene.collect().await == "200" && scene.evil.last().header("authorization") == Some("Basic c3ZjOmFub3RoZXI=")
    })
    .await;
}

fn origin(server: &Upstream) -> String {
    format!("http://{}", server.address)
}

#[tokio::test]
async fn somebody_with_authorize_approves_with_the_own_password() {
    let scene = Scene::new(Method::Basic).await;
    let owner = scene.world.app.super_admin().await;
    scene.enter(&owner, Method::Basic).await.expect(303);
    scene.plant(&mallory(&scene).await).await;
    assert_eq!(scene.collect().await, "origin_not_approved");

    let page = owner.get(APPROVALS).await.expect(200);
    let tick = || page.form(APPROVALS).tick("origin", &origin(&scene.evil));
    for wrong in ["", "wrong"] {
        tick().set("own_password", wrong).send().await.expect(422);
    }
    page.form(APPROVALS).confirmed().send().await.expect(422);
    let unknown = page.form(APPROVALS).forge("origin", "https://other.example");
    unknown.confirmed().send().await.expect(422);
    assert_eq!(scene.collect().await, "origin_not_approved");
    let flash = tick().confirmed().send().await.expect(303).follow().await.flash();
    assert_eq!(flash, "The origins were approved");
    until("the approval counts", async || scene.collect().await == "200").await;
    assert!(scene.evil_has_the_secret());
    assert_eq!(scene.world.proxied("/x").await.status, 200);
    let changes = scene.world.app.value("SELECT changes FROM audit_events WHERE kind = 'origins.approved'").await;
    assert!(changes.contains(&origin(&scene.evil)), "{changes}");
    tick().confirmed().send().await.expect(409);
    owner.get(APPROVALS).await.expect(303);
}

#[tokio::test]
async fn an_approval_of_a_list_that_is_old_changes_nothing() {
    let scene = Scene::new(Method::Basic).await;
    let owner = scene.world.app.super_admin().await;
    scene.enter(&owner, Method::Basic).await.expect(303);
    let mallory = mallory(&scene).await;
    scene.plant(&mallory).await;
    let page = owner.get(APPROVALS).await;
    let details = mallory.get("/connectors/ledger/details").await;
    details.submit(|form| form.set("base_url", "http://127.0.0.1:9/")).await.expect(303);
    let form = || page.form(APPROVALS).tick("origin", &origin(&scene.evil)).confirmed();
    form().send().await.expect(409);
    let version = scene.world.app.count("SELECT version::bigint FROM authorizations").await;
    for forged in [version + 1, version + 1000, i32::MAX.into(), 0, -1] {
        let forged = form().forge("version", &forged.to_string());
        forged.send().await.expect(409);
    }
    form().without("version").send().await.expect(409);
    form().forge("version", "x").send().await.expect(409);
    assert_eq!(scene.collect().await, "origin_not_approved");
}

#[tokio::test]
async fn a_base_url_that_changes_during_a_call_does_not_get_the_newer_token() {
    // The evil server keeps a call waiting, and says that the token has ended once the owner is done.
    let evil = Upstream::start(|_| Reply::of(401, &[], "no").held()).await;
    let scene = Scene::new(Method::Bearer).await;
    let (world, owner) = (&scene.world, scene.world.app.super_admin().await);
    let good = world.app.value("SELECT base_url FROM connectors").await;
    let base_url = async |url: &str| {
        let details = owner.get("/connectors/ledger/details").await;
        details.submit(|form| form.set("base_url", url)).await.expect(303);
    };
    base_url(&evil.url("/")).await;
    owner.get(TAB).await.form(TAB).set("token", "junk").send().await.expect(303);
    let (answer, ()) = tokio::join!(world.proxied("/x"), async {
        evil.wait_for(1).await;
        base_url(&good).await;
        let form = owner.get(TAB).await.form(TAB).set("token_choice", "replace");
        form.set("token", CANARY).confirmed().send().await.expect(303);
        evil.go_on();
    });
    assert_eq!(answer.status, 401, "{answer:?}");
    let heard: Vec<_> = evil.seen().iter().map(|seen| seen.header("authorization").map(String::from)).collect();
    assert_eq!(heard, [Some("Bearer junk".to_string())]);
    assert_eq!(world.proxied("/x").await.status, 200);
}

#[tokio::test]
async fn a_set_that_was_edited_in_the_database_opens_nothing() {
    for method in [Method::Basic, Method::ApiKey, Method::Bearer] {
        let scene = Scene::new(method).await;
        let owner = scene.world.app.super_admin().await;
        scene.enter(&owner, method).await.expect(303);
        scene.plant(&mallory(&scene).await).await;
        let evil = origin(&scene.evil);
        for edit in [
            format!("SET origins = origins || '{evil}'::text"),
            format!("SET origins = ARRAY['{evil}']"),
            "SET origins = NULL".to_string(),
            "SET origins = '{}'".to_string(),
        ] {
            scene.world.app.sql(&format!("UPDATE secrets {edit}; UPDATE tokens {edit}")).await;
            // A token that was used before may stay in memory, with its own set.
            let code = scene.collect().await;
            assert!(["internal_error", "origin_not_approved"].contains(&&*code), "{edit}: {code}");
        }
        assert!(scene.evil.seen().is_empty(), "{method:?}");
        // Nor does a start approve it: the value was never sealed without its origins.
        scene.world.app.sql("UPDATE secrets SET origins = NULL; UPDATE tokens SET origins = NULL").await;
        adopt(&scene.world.app).await;
        assert_eq!(scene.collect().await, "internal_error", "{method:?}");
        assert!(scene.evil.seen().is_empty(), "{method:?}");
    }
}

async fn adopt(app: &TestApp) {
    let mut conn = app.conn().await;
    approve_origins_in_use(&mut conn, &app.vault, app.clock.now()).await.expect("a start");
}

#[tokio::test]
async fn test_connection_sends_a_stored_secret_to_approved_origins_only() {
    for method in [Method::Basic, Method::ApiKey, Method::Bearer] {
        let scene = Scene::new(method).await;
        let owner = scene.world.app.super_admin().await;
        scene.enter(&owner, method).await.expect(303);
        let details = mallory(&scene).await.get("/connectors/ledger/details").await;
        details.submit(|form| form.set("base_url", &scene.evil.url("/"))).await.expect(303);
        let page = owner.get(TAB).await.form(TAB).press("Test connection").send().await.expect(200);
        assert!(page.text().contains("that origin is not approved"), "{method:?}: {}", page.text());
        assert!(!scene.evil_has_the_secret(), "{method:?}");
    }
}

#[tokio::test]
async fn a_token_is_neither_asked_for_nor_given_back_where_its_secrets_are_not_approved() {
    let scene = Scene::new(Method::OAuth(Grant::ClientCredentials)).await;
    let (world, id) = (&scene.world, scene.world.connector);
    let owner = world.app.super_admin().await;
    world
        .app
        .sql(&format!(
            "INSERT INTO oauth_clients (connector_id, token_url, client_id) VALUES ('{id}', '{}', 'web')",
            world.api.url("/token")
        ))
        .await;
    world.app.store_secret(id, SecretField::ClientSecret, CANARY).await;
    world.app.store_token(id, CANARY, None).await;
    world
        .app
        .sql(&format!("UPDATE oauth_clients SET token_url = '{0}', revocation_url = '{0}'", scene.evil.url("/")))
        .await;
    let page = owner.post(&format!("{TAB}/token-renewals"), &[]).await.expect(200);
    assert!(page.text().contains("that origin is not approved"), "{}", page.text());
    let page = owner.get(TAB).await.form(TAB).press("Test connection").send().await.expect(200);
    assert!(page.text().contains("that origin is not approved"), "{}", page.text());
    let page = owner.post(&format!("{TAB}/disconnections"), &[]).await.expect(303).follow().await;
    assert!(page.flash().contains("not revoked"), "{}", page.flash());
    assert!(!scene.evil_has_the_secret(), "{:?}", scene.evil.seen());
}

#[tokio::test]
async fn a_proxy_that_is_not_approved_carries_no_secret() {
    let scene = Scene::new(Method::Basic).await;
    let owner = scene.world.app.super_admin().await;
    scene.enter(&owner, Method::Basic).await.expect(303);
    let proxy = origin(&scene.evil);
    scene.world.app.sql(&format!("UPDATE authorizations SET proxy_url = '{proxy}'")).await;
    until("the proxy is known", async || {
        let answer = scene.world.proxied("/x").await;
        answer.status == 403 && answer.problem() == "origin_not_approved"
    })
    .await;
    assert!(!scene.evil_has_the_secret());
}

#[tokio::test]
async fn origins_in_use_are_approved_once_for_what_an_earlier_version_stored() {
    let scene = Scene::new(Method::Basic).await;
    let (app, id) = (&scene.world.app, scene.world.connector);
    scene.plant(&mallory(&scene).await).await;
    app.sql("UPDATE authorizations SET user_name = 'svc'").await;
    // As the earlier version sealed them: bound to no origins.
    let sealed = |table, column, text: &str| {
        let place = AssociatedData { table, row: id, column, bound_to: None };
        let sealed = app.vault.seal(place, &Secret::new(text.into())).expect("a sealed value");
        sealed.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let (password, access, refresh) = (
        sealed("secrets", "password", CANARY),
        sealed("tokens", "access_token", "the-token"),
        sealed("tokens", "refresh_token", "the-refresh-token"),
    );
    app.sql(&format!(
        "INSERT INTO secrets (connector_id, field, sealed, set_at, set_by) VALUES ('{id}', 'password', '\\x{password}', now(), 'Ana');
         INSERT INTO tokens (connector_id, access_token, refresh_token, token_type, obtained_at, set_by) VALUES ('{id}', '\\x{access}', '\\x{refresh}', 'Bearer', now(), 'Ana')"
    ))
    .await;
    let version = app.value("SELECT token_version FROM renewals").await;
    for _ in 0..2 {
        adopt(app).await;
    }
    until("the approval is known", async || scene.collect().await == "200").await;
    assert_eq!(scene.world.proxied("/x").await.status, 200);
    assert!(scene.evil_has_the_secret(), "what worked before works");
    assert_eq!(app.token(id).await.as_deref(), Some("the-token"));
    assert_eq!(app.value("SELECT token_version FROM renewals").await, version, "no new token has come");
    let events = app.rows("SELECT actor_name, changes FROM audit_events WHERE kind = 'origins.approved'").await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0][1].contains(&origin(&scene.evil)), "{events:?}");
}

//! The health of a connector as time goes by: what the list and the tabs say, and when.

use chrono::TimeDelta;
use connectory::access::Permission::EditConnectors;
use connectory::authorization::SecretField;
use connectory::connectors::{Health, Method, NewConnector};
use uuid::Uuid;

use crate::support::{Browser, TestApp, strs};

const DETAILS: &str = "/connectors/payroll/details";
const TAB: &str = "/connectors/payroll/authorization";

async fn bearer(app: &TestApp) -> Uuid {
    app.connector_with("Payroll", |new| new.method = Method::Bearer).await
}

/// Lets time pass, and the background work happen.
async fn later(app: &TestApp, time: TimeDelta) {
    app.advance(time);
    app.run_due_work().await;
}

/// The health is the same on the list, on the tab and in the list's filter, and is told since when.
async fn shows(browser: &Browser, words: &str, code: &str, advice: &str) {
    let list = browser.get("/connectors").await;
    let cell = list.rows().swap_remove(0).swap_remove(4);
    assert!(cell.starts_with(words), "on the list: {cell}");
    assert_eq!(cell.contains("since"), words != "Healthy", "{cell}");
    let found = browser.get(&format!("/connectors?status={code}")).await;
    assert_eq!(strs(&found.row_heads()), ["Payroll"], "by the filter {code}");
    let all = Health::ALL.map(Health::code);
    for other in all {
        if other != code {
            assert!(
                browser.get(&format!("/connectors?status={other}")).await.row_heads().is_empty(),
                "by the filter {other}"
            );
        }
    }
    let tab = browser.get(TAB).await;
    let said = tab.texts("dl.kv dd").swap_remove(0);
    assert!(said.starts_with(&format!("{words} since ")) && said.ends_with(advice), "{said}");
    assert_eq!(tab.texts(".head .tag"), [words]);
}

async fn since(app: &TestApp) -> i64 {
    app.count("SELECT extract(epoch FROM status_since)::bigint FROM connectors").await
}

#[tokio::test]
async fn a_token_goes_from_healthy_over_expiring_to_its_end() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    shows(&ana, "Not authorized", "not_authorized", "Fill in the fields on this page.").await;
    app.store_token(id, "the-token", Some(TimeDelta::minutes(50))).await;
    shows(&ana, "Healthy", "healthy", "The server has issued a token.").await;
    let healthy_since = since(&app).await;

    later(&app, TimeDelta::minutes(44)).await;
    shows(&ana, "Healthy", "healthy", "The server has issued a token.").await;
    assert_eq!(since(&app).await, healthy_since, "nothing has changed");

    later(&app, TimeDelta::minutes(1)).await;
    shows(&ana, "Expiring", "expiring", "Get a new access token before it does.").await;
    let expiring_since = since(&app).await;
    assert!((expiring_since - healthy_since - 45 * 60).abs() <= 2, "{}", expiring_since - healthy_since);

    later(&app, TimeDelta::minutes(4)).await;
    assert_eq!(since(&app).await, expiring_since);
    later(&app, TimeDelta::minutes(1)).await;
    shows(&ana, "Needs re-authorization", "needs_reauthorization", "Get a new access token.").await;
    later(&app, TimeDelta::minutes(5)).await;
    shows(&ana, "Needs re-authorization", "needs_reauthorization", "Get a new access token.").await;
}

#[tokio::test]
async fn a_long_pause_of_the_background_work_skips_nothing() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.store_token(id, "the-token", Some(TimeDelta::minutes(30))).await;
    let ana = app.person(&[EditConnectors]).await;
    later(&app, TimeDelta::minutes(45)).await;
    shows(&ana, "Needs re-authorization", "needs_reauthorization", "Get a new access token.").await;
}

#[tokio::test]
async fn a_token_that_has_ended_when_it_is_stored_needs_reauthorization_at_once() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.store_token(id, "the-token", Some(TimeDelta::minutes(-1))).await;
    let ana = app.person(&[EditConnectors]).await;
    shows(&ana, "Needs re-authorization", "needs_reauthorization", "Get a new access token.").await;
}

#[tokio::test]
async fn a_new_token_repairs_it() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.store_token(id, "the-token", Some(TimeDelta::minutes(30))).await;
    later(&app, TimeDelta::minutes(31)).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await;
    page.form(TAB).set("token_choice", "replace").set("token", "another").confirmed().send().await.expect(303);
    let advice = "Press Test connection, or make a call.";
    shows(&ana, "Not tested yet", "not_tested", advice).await;
    later(&app, TimeDelta::minutes(30)).await;
    shows(&ana, "Not tested yet", "not_tested", advice).await;
}

#[tokio::test]
async fn a_token_that_is_kept_fresh_stays_healthy() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.sql("UPDATE authorizations SET keep_fresh = true, token_url = 'https://login.example.org/token'").await;
    app.store_token(id, "the-token", Some(TimeDelta::minutes(50))).await;
    // Nobody renews it before its last five minutes, and nobody needs a person for that.
    later(&app, TimeDelta::minutes(44)).await;
    let ana = app.person(&[EditConnectors]).await;
    shows(&ana, "Healthy", "healthy", "The server has issued a token.").await;
}

#[tokio::test]
async fn a_disabled_connector_is_disabled_whatever_its_token_does() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.store_token(id, "the-token", Some(TimeDelta::minutes(50))).await;
    let ana = app.person(&[EditConnectors]).await;
    let disabled = "Calls are refused. Enable the data connector on the Details tab.";
    ana.get(DETAILS).await.submit(|form| form.untick("enabled", "yes")).await.expect(303);
    shows(&ana, "Disabled", "disabled", disabled).await;
    later(&app, TimeDelta::minutes(47)).await;
    shows(&ana, "Disabled", "disabled", disabled).await;

    // Enabled again, it is as the time has made it meanwhile, and goes on from there.
    ana.get(DETAILS).await.submit(|form| form.tick("enabled", "yes")).await.expect(303);
    shows(&ana, "Expiring", "expiring", "Get a new access token before it does.").await;
    later(&app, TimeDelta::minutes(4)).await;
    shows(&ana, "Needs re-authorization", "needs_reauthorization", "Get a new access token.").await;
}

#[tokio::test]
async fn a_secret_makes_basic_and_api_key_ready_for_a_test_and_nothing_else_does() {
    for (method, field) in [(Method::Basic, SecretField::Password), (Method::ApiKey, SecretField::ApiKey)] {
        let app = TestApp::start().await;
        let id = app.connector_with("Payroll", |new: &mut NewConnector| new.method = method).await;
        let ana = app.person(&[EditConnectors]).await;
        app.store_secret(id, SecretField::ClientKey, "a key").await;
        shows(&ana, "Not authorized", "not_authorized", "Fill in the fields on this page.").await;
        app.store_secret(id, field, "a secret").await;
        let advice = "Press Test connection, or make a call.";
        shows(&ana, "Not tested yet", "not_tested", advice).await;
        later(&app, TimeDelta::minutes(50)).await;
        shows(&ana, "Not tested yet", "not_tested", advice).await;
    }
}

#[tokio::test]
async fn in_the_trash_the_time_passes_too() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.store_token(id, "the-token", Some(TimeDelta::minutes(20))).await;
    let ana = app.super_admin().await;
    ana.get("/connectors/payroll/delete").await.submit(|form| form).await.expect(303);
    app.advance(TimeDelta::minutes(21));
    ana.get("/connectors/trash").await.form("/connectors/payroll/restorations").send().await.expect(303);
    shows(&ana, "Needs re-authorization", "needs_reauthorization", "Get a new access token.").await;
}

#[tokio::test]
async fn many_tokens_that_end_at_once_are_all_seen() {
    let app = TestApp::start().await;
    let id = bearer(&app).await;
    app.store_token(id, "the-token", Some(TimeDelta::minutes(30))).await;
    app.sql(
        "INSERT INTO connectors (id, key, name, name_key, description, method, status, status_since, category_names, category_names_folded, own_folded, created_at, created_by, updated_at, updated_by)
             SELECT gen_random_uuid(), 'c' || n, 'C ' || n, 'c ' || n, '', 'bearer', 'healthy', now(), '', '', '', now(), '', now(), '' FROM generate_series(1, 600) AS n;
         INSERT INTO authorizations (connector_id, updated_at, updated_by) SELECT id, now(), '' FROM connectors WHERE name <> 'Payroll';
         INSERT INTO tokens (connector_id, access_token, token_type, obtained_at, expires_at, set_by, status_due_at)
             SELECT c.id, '', 'Bearer', t.obtained_at, t.expires_at, '', t.status_due_at FROM connectors c, tokens t WHERE c.name <> 'Payroll'",
    )
    .await;
    app.advance(TimeDelta::minutes(31));
    // So many a run, so that no run holds the database for long.
    for _ in 0..2 {
        app.run_due_work().await;
    }
    assert_eq!(app.count("SELECT count(*) FROM connectors WHERE status = 'needs_reauthorization'").await, 601);
}

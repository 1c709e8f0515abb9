//! One line with all that is known of it.

use connectory::authorization::SecretField;
use connectory::connectors::Method;

use crate::support::{Page, TestApp, strs};

/// The facts of the page by their names.
fn fact(page: &Page, name: &str) -> String {
    let names = page.texts("dt");
    let at = names.iter().position(|other| other == name);
    page.texts("dd")[at.unwrap_or_else(|| panic!("no {name} among {names:?}"))].clone()
}

#[tokio::test]
async fn a_change_is_shown_field_by_field_with_where_it_came_from_and_its_place_in_the_chain() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.connector("Payroll").await;
    ana.get("/connectors/payroll/details")
        .await
        .submit(|form| form.set("connector_name", "Wages").set("description", ""))
        .await
        .expect(303);
    let page = ana.get("/audit?event=connector.saved").await;
    let href = page.attribute("tbody th a", "href").expect("a line");
    let early = ana.get(&href).await.expect(200);
    assert!(early.text().contains("Not in the chain yet"), "{}", early.text());
    app.chain().await;
    let page = ana.get(&href).await.expect(200);
    assert_eq!(page.h1(), "Connector saved: Wages");
    assert_eq!(page.rows(), [["Name", "Payroll", "Wages"], ["Description", "What Payroll is for", "Empty"]]);
    let stored = app
        .rows("SELECT request_id, address, seq, encode(hash, 'hex'), encode(previous_hash, 'hex') FROM audit_events JOIN audit_links ON event_id = id WHERE kind = 'connector.saved'")
        .await
        .remove(0);
    for (name, value) in ["Request", "From", "Entry", "Hash", "Hash before"].into_iter().zip(stored) {
        assert_eq!(fact(&page, name), value, "{name}");
    }
    assert!(fact(&page, "Who").starts_with(&ana.user().attribution()));
    let same = page.click("All entries for this object").await.expect(200);
    assert_eq!(same.row_heads().len(), 2);
    assert!(same.text().contains("Only Wages"));
    let name = format!("All entries of {}", ana.user().attribution());
    let by_ana = page.click(&name).await.expect(200);
    assert!(by_ana.row_heads().len() >= 2);
    let only = format!("Only by {}", ana.user().attribution());
    assert!(by_ana.text().contains(&only), "{}", by_ana.text());
}

#[tokio::test]
async fn of_a_secret_only_that_it_changed() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::ApiKey).await;
    ana.get("/connectors/payroll/authorization")
        .await
        .submit(|form| form.set("api_key_name", "X-Key").set("api_key", "canary-key"))
        .await
        .expect(303);
    assert_eq!(app.secret(id, SecretField::ApiKey).await.as_deref(), Some("canary-key"));
    let page = ana.get("/audit?event=authorization.saved").await;
    assert!(page.text().contains("API key"));
    let href = page.attribute("tbody th a", "href").expect("a line");
    let detail = ana.get(&href).await.expect(200);
    let row = detail.rows().into_iter().find(|row| row[0] == "API key");
    assert_eq!(row.as_deref().map(strs), Some(vec!["API key", "Empty", "changed"]));
    assert!(!detail.html.contains("canary") && !page.html.contains("canary"));
}

#[tokio::test]
async fn the_activity_tab_and_the_log_use_the_same_words() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.connector("Payroll").await;
    let tab = ana.get("/connectors/payroll/activity/changes").await.expect(200);
    assert_eq!(tab.row_heads(), ["Connector created"]);
    app.chain().await;
    let log = ana.get("/audit?thing=payroll").await.expect(200);
    assert!(log.row_heads()[0].starts_with("Connector created"));
}

#[tokio::test]
async fn there_is_no_page_for_what_is_no_line() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    for id in ["x", "00000000-0000-7000-8000-000000000000", "1"] {
        ana.get(&format!("/audit/{id}")).await.expect(404);
    }
}

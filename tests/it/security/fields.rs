//! Fields that come twice, in the wrong place, or that no form has.

use connectory::access::Permission::{CreateCategories, EditCategories, EditConnectors, ManageUsers, ViewCategories};
use serde_json::Value;

use super::*;
use crate::support::PASSWORD;

#[tokio::test]
async fn of_a_field_that_comes_twice_the_first_counts() {
    let app = &TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    let csrf = ana.csrf().await;
    let fields = [
        ("csrf", csrf.as_str()),
        ("category_name", "First"),
        ("category_name", "Second"),
        ("status", "active"),
        ("status", "inactive"),
    ];
    ana.post_exactly("/categories", &fields).await.expect(303);
    let rows = app.rows("SELECT name, status FROM categories WHERE name IN ('First', 'Second')");
    assert_eq!(rows.await, [["First", "active"]]);

    let (ben, eva) = (app.user(&[]).await, app.user(&[]).await);
    let visitor = app.browser();
    let csrf = visitor.csrf().await;
    let fields = [
        ("csrf", csrf.as_str()),
        ("username", &ben.username),
        ("username", &eva.username),
        ("password", PASSWORD),
        ("password", "another one"),
    ];
    visitor.post_exactly("/sign-in", &fields).await.expect(303);
    let who = "SELECT actor_id FROM audit_events WHERE kind = 'session.started' ORDER BY id DESC LIMIT 1";
    assert_eq!(app.value(who).await, ben.id.to_string());

    let page = ana.get("/categories?q=First&q=Second").await.expect(200);
    assert_eq!(page.field_value("q"), "First");
    assert_eq!(page.row_heads(), ["First"]);
}

#[tokio::test]
async fn what_stands_in_the_address_is_no_field_of_a_form() {
    let app = &TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    let page = ana.post("/categories?category_name=Forged&status=active", &[]).await.expect(422);
    assert!(page.field_error("category_name").is_some());
    assert_eq!(app.count("SELECT count(*) FROM categories WHERE name = 'Forged'").await, 0);
}

/// A row as JSON, and the names of its columns.
async fn row(app: &TestApp, table: &str, at: &str) -> serde_json::Map<String, Value> {
    let text = app.value(&format!("SELECT to_jsonb(t) FROM {table} t WHERE {at}")).await;
    match serde_json::from_str(&text) {
        Ok(Value::Object(row)) => row,
        other => panic!("{table} {at}: {other:?}"),
    }
}

/// Sends a page's form with every column of a table that is no field of it, and gives the columns that have changed.
async fn forged(
    app: &TestApp,
    browser: &Browser,
    page: &str,
    action: &str,
    (table, at): (&str, String),
) -> Vec<String> {
    let before = row(app, table, &at).await;
    let page = browser.get(page).await.expect(200);
    let mut form = page.form(action);
    for (column, value) in &before {
        if form.value(column).is_none() && page.all(&format!("[name='{column}']")).next().is_none() {
            let value = match value {
                Value::Bool(is) => (!is).to_string(),
                Value::Number(_) => "77".to_string(),
                _ => "2001-01-01T00:00:00Z".to_string(),
            };
            form = form.forge(column, &value);
        }
    }
    form.send().await.expect(303);
    let after = row(app, table, &at).await;
    let changed = after.iter().filter(|(column, value)| before.get(*column) != Some(value));
    changed.map(|(column, _)| column.clone()).collect()
}

#[tokio::test]
async fn columns_that_are_no_fields_of_a_form_cannot_be_set() {
    let app = &TestApp::start().await;
    app.founded().await;
    let category = app.category("Finance").await;
    let connector = app.connector_with("Payroll", |new| new.categories = vec![category]).await;
    let ben = app.user(&[]).await;
    let manager = app.person(&[ManageUsers]).await;
    let editor = app.person(&[EditConnectors, EditCategories, ViewCategories]).await;
    let bookkeeping = ["updated_at", "updated_by", "version"];
    let at = |id: String| format!("id = '{id}'");
    let own = editor.user().id.to_string();
    let (category, ben) = (category.to_string(), ben.id.to_string());
    for (browser, page, action, table, id) in [
        (&editor, "/profile".into(), "/profile".into(), "users", own),
        (
            &editor,
            "/connectors/payroll/details".to_string(),
            "/connectors/payroll/details".to_string(),
            "connectors",
            connector.to_string(),
        ),
        (
            &editor,
            format!("/categories/{category}/edit"),
            format!("/categories/{category}"),
            "categories",
            category.clone(),
        ),
        (&manager, format!("/users/{ben}"), format!("/users/{ben}"), "users", ben),
    ] {
        let mut changed = forged(app, browser, &page, &action, (table, at(id))).await;
        changed.retain(|column| !bookkeeping.contains(&column.as_str()));
        assert!(changed.is_empty(), "{page}: {changed:?}");
    }
    assert_eq!(app.count("SELECT count(*) FROM users WHERE super_admin").await, 1);
}

//! What the audit log says about connectors, and the Activity tab that shows it.

use chrono::TimeDelta;
use connectory::access::Actor;
use connectory::access::Permission::{CreateConnectors, EditConnectors, ViewActivity, ViewConnectors};
use connectory::audit::Change;
use connectory::connectors::{self, Details, Method, NewConnector, Stewardship};
use uuid::Uuid;

use crate::support::{TestApp, strs};

#[tokio::test]
async fn every_change_is_recorded_with_who_when_from_where_and_each_field() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let page = ana.get("/connectors/new").await;
    page.submit(|form| {
        form.set("connector_name", "Payroll").set("description", "Salaries").set("auth_method", "basic")
    })
    .await
    .expect(303);
    ana.get("/connectors/payroll/details")
        .await
        .submit(|form| form.set("connector_name", "Wages").untick("enabled", "yes"))
        .await
        .expect(303);
    ana.get("/connectors/payroll/details").await.submit(|form| form).await.expect(303);
    ana.get("/connectors/payroll/delete").await.submit(|form| form).await.expect(303);
    ana.get("/connectors/trash").await.form("/connectors/payroll/restorations").send().await.expect(303);
    ana.get("/connectors/payroll/details").await.form("/connectors/payroll/duplicates").send().await.expect(303);

    let (id, name) = (ana.user().id.to_string(), ana.user().name.as_str());
    let lines = app.rows("SELECT kind, subject_name, actor_id, actor_name, address FROM audit_events WHERE kind LIKE 'connector.%' ORDER BY id").await;
    let expected = [
        ("connector.created", "Payroll"),
        ("connector.saved", "Wages"),
        ("connector.saved", "Wages"),
        ("connector.deleted", "Wages"),
        ("connector.restored", "Wages"),
        ("connector.created", "Wages copy"),
    ];
    assert_eq!(lines, expected.map(|(kind, subject)| [kind, subject, &id, name, "127.0.0.1"]));

    let changes = |row: usize| {
        format!("SELECT changes FROM audit_events WHERE kind LIKE 'connector.%' ORDER BY id OFFSET {row} LIMIT 1")
    };
    let created: serde_json::Value = serde_json::from_str(&app.value(&changes(0)).await).expect("JSON");
    let fields: Vec<&str> =
        created.as_array().into_iter().flatten().filter_map(|change| change["field"].as_str()).collect();
    assert_eq!(fields, ["Name", "Key", "Description", "Authentication Type", "Category", "Status"]);
    let saved: serde_json::Value = serde_json::from_str(&app.value(&changes(1)).await).expect("JSON");
    let expected = serde_json::json!([{ "field": "Name", "from": "Payroll", "to": "Wages" }, { "field": "Status", "from": "Enabled", "to": "Disabled" }]);
    assert_eq!(saved, expected);
    assert_eq!(app.value(&changes(2)).await, "[]", "nothing was changed");
}

#[tokio::test]
async fn a_change_that_cannot_be_recorded_does_not_happen() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let category = app.category("Finance").await;
    let ana = app.super_admin().await;
    let (new, edit) = (ana.get("/connectors/new").await, ana.get("/connectors/payroll/details").await);
    let (delete, trash) = (ana.get("/connectors/payroll/delete").await, app.connector("Ledger").await);
    app.sql(&format!("UPDATE connectors SET deleted_at = now() WHERE id = '{trash}'")).await;
    app.sql("ALTER TABLE audit_events ADD CONSTRAINT refused CHECK (kind = 'nothing') NOT VALID").await;
    let everything = "SELECT md5(string_agg(t, ',' ORDER BY t)) FROM (SELECT connectors::text t FROM connectors UNION ALL SELECT categories::text FROM categories) all_rows";
    let before = app.value(everything).await;

    let page = new.submit(|form| form.set("connector_name", "Taxes").set("description", "x")).await.expect(500);
    assert_eq!(page.h1(), "There is a problem with Connectory");
    assert!(!page.html.contains("audit_events") && !page.html.contains("constraint"), "says nothing of the inside");
    edit.submit(|form| form.set("connector_name", "Wages")).await.expect(500);
    delete.submit(|form| form).await.expect(500);
    ana.post("/connectors/ledger/restorations", &[]).await.expect(500);
    ana.post("/connectors/payroll/duplicates", &[]).await.expect(500);
    ana.post(&format!("/categories/{category}/delete"), &[]).await.expect(500);
    ana.post("/categories", &[("category_name", "Maps"), ("status", "active")]).await.expect(500);
    ana.post(&format!("/categories/{category}"), &[("category_name", "Money"), ("status", "active"), ("version", "1")])
        .await
        .expect(500);
    assert_eq!(app.value(everything).await, before);
}

#[tokio::test]
async fn the_record_can_be_added_to_only() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    for statement in ["UPDATE audit_events SET actor_name = 'Nobody'", "DELETE FROM audit_events"] {
        assert_eq!(app.try_sql(statement).await, Err("audit_events is append-only".to_string()), "{statement}");
    }
}

#[tokio::test]
async fn the_activity_tab_shows_it_newest_first_and_escaped() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors, ViewActivity]).await;
    ana.get("/connectors/payroll/details")
        .await
        .submit(|form| form.set("description", "<script>alert(1)</script>"))
        .await
        .expect(303);
    app.advance(TimeDelta::minutes(1));
    ana.get("/connectors/payroll/details")
        .await
        .submit(|form| form.set("description", "").set("display_name", "Pay"))
        .await
        .expect(303);
    let page = ana.get("/connectors/payroll/activity").await.expect(200).click("Changes").await.expect(200);
    assert_eq!((page.h1().as_str(), page.title().as_str()), ("Pay: Activity", "Changes, Activity, Pay – Connectory"));
    assert_eq!(strs(&page.row_heads()), ["Connector saved", "Connector saved", "Connector created"]);
    let rows = page.rows();
    assert_eq!(rows[0][4], "Display name: Pay Description: “<script>alert(1)</script>” removed");
    assert_eq!(rows[1][4], "Description: “What Payroll is for” became “<script>alert(1)</script>”");
    assert_eq!((rows[0][2].as_str(), rows[0][3].as_str()), (ana.user().attribution().as_str(), "127.0.0.1"));
    assert_eq!((rows[2][2].as_str(), rows[2][3].as_str()), ("command line", "This server"));
    assert!(!page.html.contains("<script>alert"));
}

#[tokio::test]
async fn the_activity_tab_is_for_whoever_may_view_activity() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ben = app.person(&[ViewConnectors]).await;
    assert!(!ben.get("/connectors/payroll/details").await.has_link("Activity"));
    ben.get("/connectors/payroll/activity/changes").await.expect(403);
}

#[tokio::test]
async fn what_a_person_typed_is_escaped_on_every_page_that_prints_it() {
    let app = TestApp::start().await;
    let bad = r#"<script>alert(1)</script>"'&"#;
    app.connector_with("Payroll", |new| {
        new.details.display_name = bad.into();
        new.details.description = bad.into();
    })
    .await;
    // Names are checked; what stands in the database is not trusted all the same.
    app.sql(&format!(
        "UPDATE connectors SET name = '{0}', category_names = '{0}', updated_by = '{0}', created_by = '{0}'",
        bad.replace('\'', "''")
    ))
    .await;
    let ana = app.super_admin().await;
    app.sql(&format!("UPDATE users SET name = '{}' WHERE id = '{}'", bad.replace('\'', "''"), ana.user().id)).await;
    let search: String = form_urlencoded::byte_serialize(bad.as_bytes()).collect();
    let mut paths =
        vec!["/connectors".to_string(), format!("/connectors?q={search}"), format!("/categories?q={search}")];
    paths.extend(["", "/delete", "/activity/changes", "/authorization"].map(|tab| format!("/connectors/payroll{tab}")));
    for path in &paths {
        let page = ana.get(path).await.expect(200);
        assert!(!page.html.contains("<script>alert"), "{path}");
        assert!(page.html.contains("script&#62;alert") || page.html.contains("script&gt;alert"), "{path} prints it");
    }
    // On the page with both versions.
    let page = ana.get("/connectors/payroll/details").await;
    let stale = page
        .submit(|form| {
            form.set("connector_name", "Payroll")
                .forge("version", "0")
                .set("description", "<img src=x onerror=alert(2)>")
        })
        .await
        .expect(409);
    assert!(!stale.html.contains("<script>alert") && !stale.html.contains("<img"));
    ana.get("/connectors/payroll/delete").await.submit(|form| form).await.expect(303);
    let page = ana.get("/connectors/trash").await;
    assert!(!page.html.contains("<script>alert"));
}

#[tokio::test]
async fn connectors_of_the_command_line_are_recorded_as_such() {
    let app = TestApp::start().await;
    let new = NewConnector {
        key: None,
        id: Uuid::now_v7(),
        details: Details {
            name: connectors::parse_name("Payroll").expect("a name"),
            display_name: String::new(),
            description: String::new(),
            base_url: None,
            enabled: true,
            stewardship: Stewardship::default(),
        },
        method: Method::NoAuth,
        categories: vec![connectory::categories::UNCATEGORIZED],
    };
    connectors::insert(
        &mut Change { conn: &mut *app.conn().await, by: &Actor::command_line(), now: app.clock.now() },
        &new,
    )
    .await
    .expect("a new connector");
    assert_eq!(app.rows("SELECT actor_id, actor_name, address FROM audit_events").await, [["", "command line", ""]]);
    let ana = app.person(&[CreateConnectors]).await;
    assert!(ana.get("/connectors/payroll/details").await.text().contains("by command line"));
}

//! Deleting, the trash, and the way back.

use chrono::TimeDelta;
use connectory::access::Permission::{DeleteConnectors, EditConnectors};
use connectory::connectors::Method;

use crate::support::{TestApp, strs};

#[tokio::test]
async fn deleting_asks_first_and_moves_to_the_trash() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[DeleteConnectors]).await;
    let page = ana.get("/connectors").await.click("Delete Payroll").await.expect(200);
    assert_eq!(page.h1(), "Are you sure you want to delete “Payroll”?");
    assert_eq!(
        app.count("SELECT count(*) FROM connectors WHERE deleted_at IS NULL").await,
        1,
        "asking deletes nothing"
    );
    let kept = page.click("Keep it").await.expect(200);
    assert_eq!(kept.path, "/connectors/payroll");
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), ("/connectors", "The Data Connector was deleted"));
    assert!(page.text().contains("No data connectors yet"));
    for path in ["/connectors/payroll/details", "/connectors/payroll/authorization", "/connectors/payroll/delete"] {
        ana.get(path).await.expect(404);
    }
    let page = page.click("Trash").await.expect(200);
    assert_eq!(strs(&page.row_heads()), ["Payroll"]);
    assert_eq!(page.rows()[0][2], ana.user().attribution());
}

#[tokio::test]
async fn whoever_saw_another_version_looks_again_before_deleting() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let (ana, ben) = (app.person(&[DeleteConnectors]).await, app.person(&[EditConnectors]).await);
    let page = ana.get("/connectors/payroll/delete").await;
    ben.get("/connectors/payroll/details").await.submit(|form| form.set("description", "changed")).await.expect(303);
    let page = page.submit(|form| form).await.expect(409);
    assert!(
        page.text()
            .contains(&format!("{} saved this data connector after you opened this page", ben.user().attribution())),
        "{}",
        page.text()
    );
    page.submit(|form| form).await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM connectors WHERE deleted_at IS NULL").await, 0);
}

#[tokio::test]
async fn what_is_restored_is_whole() {
    let app = TestApp::start().await;
    let category = app.category("Finance").await;
    let id = app
        .connector_with("Payroll", |new| {
            new.method = Method::Basic;
            new.categories = vec![category];
        })
        .await;
    app.sql(&format!("INSERT INTO secrets (connector_id, field, sealed, set_at, set_by) VALUES ('{id}', 'password', 'x', now(), 'Ana')")).await;
    let facts = "SELECT key, name, description, base_url, method, enabled, category_names FROM connectors";
    let before = app.rows(facts).await;
    let ana = app.person(&[DeleteConnectors]).await;
    ana.get("/connectors/payroll/delete").await.submit(|form| form).await.expect(303);
    app.advance(TimeDelta::minutes(10));
    let page = ana.get("/connectors/trash").await;
    assert!(page.buttons().contains(&"Restore Payroll".to_string()));
    let page = page.form("/connectors/payroll/restorations").send().await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), ("/connectors/payroll", "The Data Connector was restored"));
    assert_eq!(app.rows(facts).await, before);
    assert_eq!(app.rows("SELECT status, deleted_at, deleted_by FROM connectors").await, [["not_tested", "", ""]]);
    assert_eq!(app.count("SELECT count(*) FROM secrets").await, 1);
    assert!(ana.get("/connectors/trash").await.text().contains("The trash is empty"));
}

#[tokio::test]
async fn a_name_is_free_once_its_connector_is_in_the_trash_and_then_keeps_it_there() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.super_admin().await;
    ana.get("/connectors/payroll/delete").await.submit(|form| form).await.expect(303);
    let page = ana
        .get("/connectors/new")
        .await
        .submit(|form| form.set("connector_name", "PAYROLL").set("description", "x"))
        .await
        .expect(303);
    assert_eq!(page.location(), Some("/connectors/payroll-2/endpoints"), "a key is never used twice");

    let page = ana.get("/connectors/trash").await.form("/connectors/payroll/restorations").send().await.expect(409);
    assert!(
        page.text().contains("Not restored. There is another data connector named “Payroll” now"),
        "{}",
        page.text()
    );
    assert_eq!(strs(&page.row_heads()), ["Payroll"]);

    ana.get("/connectors/payroll-2/details").await.submit(|form| form.set("connector_name", "Wages")).await.expect(303);
    page.form("/connectors/payroll/restorations").send().await.expect(303);
    assert_eq!(strs(&ana.get("/connectors").await.row_heads()), ["Payroll", "Wages"]);
}

#[tokio::test]
async fn restoring_what_is_not_in_the_trash_is_not_found() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[DeleteConnectors]).await;
    ana.post("/connectors/payroll/restorations", &[]).await.expect(404);
    ana.post("/connectors/nothing/restorations", &[]).await.expect(404);
    ana.get("/connectors/payroll/delete").await.submit(|form| form).await.expect(303);
    let page = ana.get("/connectors/trash").await;
    page.form("/connectors/payroll/restorations").send().await.expect(303);
    page.form("/connectors/payroll/restorations").send().await.expect(404);
}

#[tokio::test]
async fn after_thirty_days_it_is_gone_for_good_with_its_secrets_and_only_its_record_stays() {
    let app = TestApp::start().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Basic).await;
    app.connector("Ledger").await;
    app.sql(&format!("INSERT INTO secrets (connector_id, field, sealed, set_at, set_by) VALUES ('{id}', 'password', 'x', now(), 'Ana')")).await;
    let ana = app.person(&[DeleteConnectors]).await;
    ana.get("/connectors/payroll/delete").await.submit(|form| form).await.expect(303);

    let deleter = ana.user().name.clone();

    app.advance(TimeDelta::days(30) - TimeDelta::minutes(1));
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 2);
    let ana = app.person(&[DeleteConnectors]).await;
    assert_eq!(ana.get("/connectors/trash").await.rows()[0][3], "in 59 seconds");

    app.advance(TimeDelta::minutes(2));
    app.run_due_work().await;
    assert_eq!(app.rows("SELECT name FROM connectors").await, [["Ledger"]]);
    for table in ["secrets", "authorizations", "connector_categories"] {
        assert_eq!(app.count(&format!("SELECT count(*) FROM {table} WHERE connector_id = '{id}'")).await, 0, "{table}");
    }
    ana.post("/connectors/payroll/restorations", &[]).await.expect(404);
    let kinds =
        app.rows(&format!("SELECT kind, actor_name FROM audit_events WHERE subject_id = '{id}' ORDER BY id")).await;
    assert_eq!(
        kinds,
        [["connector.created", "command line"], ["connector.deleted", &deleter], ["connector.purged", "Connectory"]]
    );
}

#[tokio::test]
async fn a_live_connector_cannot_be_deleted_for_good_by_any_statement() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let refusal = app.try_sql("DELETE FROM connectors").await.expect_err("a refusal");
    assert!(refusal.contains("is not in the trash"), "{refusal}");
}

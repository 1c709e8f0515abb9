//! The Details tab.

use connectory::access::Permission::{EditConnectors, ViewConnectors};
use connectory::categories::{CategoryStatus, UNCATEGORIZED};
use connectory::connectors::Method;

use super::error;
use crate::support::{TestApp, strs};

#[tokio::test]
async fn every_field_is_saved_and_the_key_stays() {
    let app = TestApp::start().await;
    let category = app.category("Finance").await.to_string();
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await.expect(200);
    assert_eq!((page.h1().as_str(), page.title().as_str()), ("Payroll: Details", "Details, Payroll – Connectory"));
    assert_eq!(strs(&page.texts("nav.tabs a")), ["Overview", "Details", "Authorization", "Endpoints"]);
    let filled = page.submit(|form| {
        let form = form
            .set("connector_name", "Wages")
            .set("display_name", "Wages 2.0")
            .set("description", "")
            .set("base_url", "http://10.0.0.1:8080/");
        form.tick("category", &category).untick("category", &UNCATEGORIZED.to_string()).untick("enabled", "yes")
    });
    let page = filled.await.expect(303).follow().await;
    assert_eq!(
        (page.path.as_str(), page.flash().as_str()),
        ("/connectors/payroll/details", "The Data Connector was saved")
    );
    let fields = ["connector_name", "display_name", "description", "base_url"].map(|id| page.field_value(id));
    assert_eq!(fields, ["Wages", "Wages 2.0", "", "http://10.0.0.1:8080/"]);
    assert_eq!((page.ticked("category"), page.ticked("enabled")), (vec![category], vec![]));
    assert_eq!(
        app.rows("SELECT key, name, status, enabled FROM connectors").await,
        [["payroll", "Wages", "disabled", "f"]]
    );

    page.submit(|form| form.tick("enabled", "yes")).await.expect(303);
    assert_eq!(app.value("SELECT status FROM connectors").await, "not_tested");
}

#[tokio::test]
async fn what_is_wrong_is_kept_with_what_to_do() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.connector("Ledger").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    for (field, typed, message) in [
        ("connector_name", "", "Enter a name"),
        ("connector_name", "ledger", "A data connector named “ledger” already exists"),
        ("base_url", "ftp://example.org", "Base URL must start with https:// or http://"),
    ] {
        let page = page.submit(|form| form.set(field, typed).set("display_name", "typed too")).await.expect(422);
        assert_eq!(page.errors(), error(field, message));
        assert_eq!(page.field_value(field), typed);
        assert_eq!(page.field_value("display_name"), "typed too");
        assert_eq!(
            (page.h1().as_str(), page.title().as_str()),
            ("Payroll: Details", "Error: Details, Payroll – Connectory")
        );
    }
    let page = page.submit(|form| form.untick("category", &UNCATEGORIZED.to_string())).await.expect(422);
    assert_eq!(page.errors(), error("category", "Choose at least one category"));
    assert_eq!(app.value("SELECT version FROM connectors WHERE key = 'payroll'").await, "1");
}

#[tokio::test]
async fn an_inactive_category_stays_where_it_is_and_is_offered_to_nobody_else() {
    let app = TestApp::start().await;
    let retired = app.category_with("Retired", CategoryStatus::Inactive).await;
    app.connector_with("Payroll", |new| new.categories = vec![retired]).await;
    app.connector("Ledger").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    assert_eq!(strs(&page.choices("category")), ["Generated", "Retired (inactive)", "Uncategorized"]);
    page.submit(|form| form.set("description", "still there")).await.expect(303);
    assert_eq!(app.value("SELECT category_names FROM connectors WHERE key = 'payroll'").await, "Retired");

    let page = ana.get("/connectors/ledger/details").await;
    assert_eq!(strs(&page.choices("category")), ["Generated", "Uncategorized"]);
    page.submit(|form| form.forge("category", &retired.to_string())).await.expect(422);
}

#[tokio::test]
async fn the_second_of_two_who_edit_at_once_sees_both_versions_and_decides() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let (anas, bens) = (ana.get("/connectors/payroll/details").await, ben.get("/connectors/payroll/details").await);
    anas.submit(|form| form.set("description", "by Ana").set("base_url", "https://api.example.org/v2"))
        .await
        .expect(303);
    let page = bens.submit(|form| form.set("description", "by Ben <b>").untick("enabled", "yes")).await.expect(409);
    assert_eq!(page.h1(), "Someone else saved this first");
    assert!(page.text().contains(&format!("{} saved “Payroll”", ana.user().attribution())), "{}", page.text());
    let differences = [
        ["Description", "by Ana", "by Ben <b>"],
        ["Base URL", "https://api.example.org/v2", "https://api.example.org/v1"],
        ["Status", "Enabled", "Disabled"],
    ];
    assert_eq!(page.rows(), differences);
    assert_eq!(app.value("SELECT description FROM connectors").await, "by Ana", "nothing is saved yet");

    let theirs = page.click("Keep theirs and discard mine").await.expect(200);
    assert_eq!(theirs.field_value("description"), "by Ana");
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The Data Connector was saved");
    assert_eq!(
        app.rows("SELECT description, base_url, enabled FROM connectors").await,
        [["by Ben <b>", "https://api.example.org/v1", "f"]]
    );
}

#[tokio::test]
async fn a_third_save_in_between_shows_both_versions_once_more() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let pages = [
        ana.get("/connectors/payroll/details").await,
        ana.get("/connectors/payroll/details").await,
        ana.get("/connectors/payroll/details").await,
    ];
    pages[0].submit(|form| form.set("description", "first")).await.expect(303);
    let conflict = pages[1].submit(|form| form.set("description", "second")).await.expect(409);
    ana.get("/connectors/payroll/details").await.submit(|form| form.set("description", "third")).await.expect(303);
    let conflict = conflict.submit(|form| form).await.expect(409);
    assert_eq!(conflict.rows(), [["Description", "third", "second"]]);
    conflict.submit(|form| form).await.expect(303);
    assert_eq!(app.value("SELECT description FROM connectors").await, "second");
}

#[tokio::test]
async fn a_form_that_does_not_say_what_it_was_made_from_saves_nothing() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    for version in ["", "0", "2", "-1", "1.0", "99999999999999999999"] {
        page.submit(|form| form.set("description", "overwritten").forge("version", version)).await.expect(409);
    }
    assert_eq!(app.rows("SELECT description, version FROM connectors").await, [["What Payroll is for", "1"]]);
}

#[tokio::test]
async fn a_connector_that_was_deleted_meanwhile_is_not_found_and_not_brought_back() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    app.sql("UPDATE connectors SET deleted_at = now()").await;
    page.submit(|form| form.set("description", "changed")).await.expect(404);
    ana.get("/connectors/payroll/details").await.expect(404);
    assert_eq!(app.value("SELECT description FROM connectors").await, "What Payroll is for");
}

#[tokio::test]
async fn who_may_only_view_reads_the_same_facts_in_words() {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.details.display_name = "Pay <i>".into()).await;
    let ben = app.person(&[ViewConnectors]).await;
    let page = ben.get("/connectors/payroll/details").await.expect(200);
    assert!(!page.has_form("/connectors/payroll/details"));
    for fact in [
        "Payroll",
        "Pay <i>",
        "payroll",
        "What Payroll is for",
        "https://api.example.org/v1",
        "No Auth",
        "Uncategorized",
        "Enabled",
    ] {
        assert!(page.texts("dd").contains(&fact.to_string()), "{fact}: {:?}", page.texts("dd"));
    }
}

/// A Basic Auth connector for https://api.example.org with a stored password.
async fn with_secret(app: &TestApp) {
    let id = app.connector_with("Payroll", |new| new.method = Method::Basic).await;
    app.sql(&format!("INSERT INTO secrets (connector_id, field, sealed, set_at, set_by, origins) VALUES ('{id}', 'password', 'x', now(), 'Ana', '{{https://api.example.org}}')")).await;
    app.sql("UPDATE connectors SET status = 'healthy'").await;
}

#[tokio::test]
async fn a_base_url_of_the_same_host_keeps_the_stored_secret_without_asking() {
    let app = TestApp::start().await;
    with_secret(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    for same in ["https://api.example.org/v2", "https://API.EXAMPLE.ORG/v2", "https://api.example.org:443/", ""] {
        ana.get("/connectors/payroll/details").await.submit(|form| form.set("base_url", same)).await.expect(303);
        assert_eq!(app.count("SELECT count(*) FROM secrets").await, 1, "{same}");
    }
}

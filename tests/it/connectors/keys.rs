//! The key of a connector: chosen when it is created, and changed until the first call.

use connectory::access::Permission::{CreateConnectors, EditConnectors};

use super::error;
use crate::support::{Browser, Page, TestApp};

const TAKEN: &str = "Another data connector has this key, perhaps one in the trash. Choose another key.";

async fn created(ana: &Browser, name: &str, key: &str) -> Page {
    let page = ana.get("/connectors/new").await;
    let page = page.submit(|form| form.set("connector_name", name).set("description", "x").set("connector_key", key));
    page.await
}

#[tokio::test]
async fn a_key_is_chosen_when_the_connector_is_created() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    assert_eq!(created(&ana, "Electronic identity", "eid").await.location(), Some("/connectors/eid/endpoints"));
    for (key, message) in [
        ("eid", TAKEN),
        ("e/id", "Key can have the letters a to z in lower case, digits and hyphens. Remove “/”."),
        ("trash", "“trash” is a page of Connectory. Choose another key."),
    ] {
        let page = created(&ana, "Second", key).await.expect(422);
        assert_eq!(page.errors(), error("connector_key", message));
        assert_eq!(
            (page.field_value("connector_key").as_str(), page.field_value("connector_name").as_str()),
            (key, "Second")
        );
    }
    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = ''").await;
    assert_eq!(created(&ana, "Second", "eid").await.expect(422).errors(), error("connector_key", TAKEN));
}

#[tokio::test]
async fn a_proposed_key_has_whole_words_of_any_script() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    for (name, key) in [
        ("Signatures and certificates of the electronic identity service", "signatures-and-certificates-of-the"),
        ("Ærø Kommune", "aero-kommune"),
    ] {
        assert_eq!(created(&ana, name, "").await.location(), Some(format!("/connectors/{key}/endpoints").as_str()));
    }
}

#[tokio::test]
async fn a_key_can_be_changed_until_the_first_call() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.connector("Ledger").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    let refused = page.submit(|form| form.set("connector_key", "ledger")).await.expect(422);
    assert_eq!(refused.errors(), error("connector_key", TAKEN));
    let page = page.submit(|form| form.set("connector_key", "wages")).await.expect(303);
    assert_eq!(page.location(), Some("/connectors/wages/details"));
    ana.get("/connectors/payroll/details").await.expect(404);
    let audited = "SELECT changes::jsonb @> '[{\"field\": \"Key\", \"from\": \"payroll\", \"to\": \"wages\"}]'
        FROM audit_events WHERE kind = 'connector.saved'";
    assert_eq!(app.value(audited).await, "t");

    let open = ana.get("/connectors/wages/details").await.expect(200);
    app.sql(
        "INSERT INTO call_hours (hour, connector_id, endpoint_id, caller_id, caller_kind, caller_name, calls, errors, latencies, last_at)
        SELECT now(), id, gen_random_uuid(), gen_random_uuid(), 'program', 'x', 1, 0, '{}', now() FROM connectors WHERE key = 'wages'",
    )
    .await;
    let page = ana.get("/connectors/wages/details").await.expect(200);
    assert!(page.texts("#connector_key").is_empty() && page.text().contains("stays the same from the first call on"));
    page.submit(|form| form.set("display_name", "Wages")).await.expect(303);
    let stale = open.submit(|form| form.set("connector_key", "salaries")).await.expect(409);
    assert!(stale.text().contains("salaries"));
    let open = ana.get("/connectors/wages/details").await;
    open.submit(|form| form.forge("connector_key", "salaries")).await.expect(409);
    assert_eq!(app.count("SELECT count(*) FROM connectors WHERE key = 'wages'").await, 1);
}

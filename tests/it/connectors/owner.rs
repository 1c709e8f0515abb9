//! Owner, contact, documentation link and notes of a connector.

use connectory::access::Permission::{CreateConnectors, EditConnectors, ManageUsers, ViewConnectors};
use uuid::Uuid;

use super::error;
use crate::support::{Page, TestApp, strs};

const UP: &str = include_str!("../../../migrations/2026-11-30-230000_own_connectors/up.sql");
const DOWN: &str = include_str!("../../../migrations/2026-11-30-230000_own_connectors/down.sql");

/// The group Accounting, with a description that is not its name.
async fn accounting(app: &TestApp) -> Uuid {
    let id = Uuid::now_v7();
    app.sql(&format!("INSERT INTO groups (id, name, name_key, description, search_text, created_at, updated_at) VALUES ('{id}', 'Accounting', 'accounting', 'Zebras', ' accounting zebras', now(), now())")).await;
    id
}

/// The owner that is stored, as user and group.
async fn stored(app: &TestApp) -> Vec<String> {
    app.rows("SELECT coalesce(owner_user_id, owner_group_id), owner_folded FROM connectors WHERE key = 'payroll'")
        .await
        .concat()
}

#[tokio::test]
async fn an_owner_is_named_by_user_name_or_by_the_name_of_a_person_or_group() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ben = app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let group = accounting(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    let suggested = page.attributes("datalist#owners option", "value");
    assert_eq!(suggested[0], "group Accounting");
    assert!(suggested.contains(&"Ben Okafor (ben)".to_string()), "{suggested:?}");
    let (ben, group) = ([ben.id.to_string(), " ben ben okafor".into()], [group.to_string(), " accounting".into()]);
    for (typed, owner, shown) in [
        ("ben", &ben, "Ben Okafor (ben)"),
        ("group Accounting", &group, "group Accounting"),
        ("BEN", &ben, "Ben Okafor (ben)"),
        ("accounting", &group, "group Accounting"),
        ("  Ben   Okafor ", &ben, "Ben Okafor (ben)"),
        ("Ben Okafor (ben)", &ben, "Ben Okafor (ben)"),
    ] {
        let page =
            ana.get("/connectors/payroll/details").await.submit(|form| form.set("owner", typed)).await.expect(303);
        assert_eq!(page.follow().await.field_value("owner"), shown, "{typed}");
        assert_eq!(stored(&app).await, *owner, "{typed}");
    }
    ana.get("/connectors/payroll/details").await.submit(|form| form.set("owner", " ")).await.expect(303);
    assert_eq!(stored(&app).await, ["", ""]);
}

#[tokio::test]
async fn everything_is_saved_recorded_and_shown_to_people_who_may_only_view() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    accounting(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    let filled = page.submit(|form| {
        form.set("owner", "Accounting")
            .set("contact", " accounting@example.org ")
            .set("documentation_url", "HTTPS://Docs.Example.org/api#/pay roll".replace(' ', "").as_str())
            .set("notes", "Closed on <b>Sundays</b>.\nAsk first.")
    });
    let page = filled.await.expect(303).follow().await;
    let fields = ["owner", "contact", "documentation_url", "notes"].map(|field| page.field_value(field));
    let text = [
        "group Accounting",
        "accounting@example.org",
        "HTTPS://Docs.Example.org/api#/payroll",
        "Closed on <b>Sundays</b>.\nAsk first.",
    ];
    assert_eq!(fields, text);
    let changes = app.value("SELECT changes FROM audit_events WHERE kind = 'connector.saved'").await;
    let changes: serde_json::Value = serde_json::from_str(&changes).expect("JSON");
    let labels = ["Owner", "Contact", "Documentation link", "Notes"];
    let expected =
        labels.iter().zip(text).map(|(label, to)| serde_json::json!({ "field": label, "from": "", "to": to }));
    assert_eq!(changes, expected.collect::<serde_json::Value>());

    let page = app.person(&[ViewConnectors]).await.get("/connectors/payroll/details").await;
    let shown = page.texts("dd");
    for text in ["group Accounting", "accounting@example.org", "Closed on <b>Sundays</b>. Ask first."] {
        assert!(shown.contains(&text.to_string()), "{text}: {shown:?}");
    }
    assert!(page.links().contains(&(text[2].into(), text[2].into())), "{:?}", page.links());
    assert!(!page.html.contains("<datalist"), "names are suggested to people who may edit");
}

#[tokio::test]
async fn what_is_wrong_is_kept_with_what_to_do() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    accounting(&app).await;
    for username in ["kim1", "kim2"] {
        app.user_named(username, "Kim", &[ViewConnectors]).await;
    }
    let gone = app.user_named("gone", "Gone", &[ViewConnectors]).await;
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", gone.id)).await;
    let long = "x".repeat(256);
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    let unknown = |name: &str| {
        format!("No active user and no group is called “{name}”. Enter a name or a user name, or leave Owner empty")
    };
    for (field, typed, message) in [
        ("owner", "Zebras", unknown("Zebras").as_str()),
        ("owner", "gone", unknown("gone").as_str()),
        (
            "owner",
            "Kim",
            "Several are called “Kim”. Enter the user name, or “group” and the name, such as “Kim (kim1)”",
        ),
        ("contact", &long, "Contact must be 255 characters or fewer"),
        ("documentation_url", "javascript:alert(1)", "Documentation link must start with https:// or http://"),
        (
            "documentation_url",
            "https://ana:pw@example.org",
            "Documentation link must not contain a user name or password",
        ),
        ("documentation_url", "https://example.org/#a b", "Documentation link must not contain spaces or line breaks"),
        ("notes", &"x".repeat(10_001), "Notes must be 10,000 characters or fewer"),
    ] {
        let page = page.submit(|form| form.set("contact", "typed too").set(field, typed)).await.expect(422);
        assert_eq!(page.errors(), error(field, message));
        assert_eq!(page.field_value(field), typed);
        assert!(field == "contact" || page.field_value("contact") == "typed too");
    }
    assert_eq!(app.value("SELECT version FROM connectors").await, "1");
}

#[tokio::test]
async fn two_who_edit_at_once_see_both_owners() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    accounting(&app).await;
    app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let ana = app.person(&[EditConnectors]).await;
    let (first, second) = (ana.get("/connectors/payroll/details").await, ana.get("/connectors/payroll/details").await);
    first.submit(|form| form.set("owner", "ben").set("notes", "theirs")).await.expect(303);
    let conflict = second.submit(|form| form.set("owner", "group Accounting").set("notes", "mine")).await.expect(409);
    assert_eq!(conflict.rows(), [["Owner", "Ben Okafor (ben)", "group Accounting"], ["Notes", "theirs", "mine"]]);
    conflict.submit(|form| form).await.expect(303);
    assert_eq!(app.rows("SELECT owner_folded, notes FROM connectors").await, [[" accounting", "mine"]]);
}

#[tokio::test]
async fn a_copy_has_the_same_owner_and_notes() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    accounting(&app).await;
    let ana = app.person(&[CreateConnectors]).await;
    ana.get("/connectors/payroll/details")
        .await
        .submit(|form| form.set("owner", "Accounting").set("notes", "Ask first"))
        .await
        .expect(303);
    let copy =
        ana.get("/connectors/payroll/details").await.form("/connectors/payroll/duplicates").send().await.expect(303);
    let page = ana.get("/connectors/payroll-copy/details").await;
    assert_eq!(
        [page.field_value("owner"), page.field_value("notes")],
        ["group Accounting", "Ask first"],
        "{:?}",
        copy.location()
    );
    let created = app.value("SELECT changes FROM audit_events WHERE subject_name = 'Payroll copy'").await;
    assert!(created.contains("group Accounting"), "{created}");
}

async fn found(ana: &crate::support::Browser, search: &str) -> Vec<String> {
    let page: Page = ana.get(&format!("/connectors?q={search}")).await.expect(200);
    page.row_heads()
}

#[tokio::test]
async fn the_search_finds_key_host_and_owner_also_after_they_are_renamed() {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.details.display_name = "Wages".into()).await;
    app.connector("Ledger").await;
    accounting(&app).await;
    let ben = app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let ana = app.super_admin().await;
    let page = ana.get("/connectors/payroll/details").await;
    page.submit(|form| {
        form.set("connector_name", "Salaries")
            .set("base_url", "https://EID.Example.net:8443/v1/secret")
            .set("owner", "ben")
    })
    .await
    .expect(303);
    let wages = ["Wages Salaries"];
    for search in ["payroll", "eid.example.net", "EID.example.net:8443", "okafor", "ben wages"] {
        assert_eq!(strs(&found(&ana, search).await), wages, "{search}");
    }
    assert!(found(&ana, "secret").await.is_empty(), "the path is not searched");
    let page = ana.get(&format!("/users/{}", ben.id)).await;
    page.submit(|form| form.set("full_name", "Benedikt Ærø")).await.expect(303);
    assert_eq!(strs(&found(&ana, "benedikt").await), wages);
    assert!(found(&ana, "okafor").await.is_empty());

    ana.get("/connectors/payroll/details").await.submit(|form| form.set("owner", "Accounting")).await.expect(303);
    assert_eq!(strs(&found(&ana, "accounting").await), wages);
    assert!(found(&ana, "zebras").await.is_empty(), "a group’s description is not its name");
    app.sql("UPDATE groups SET name = 'Book keeping', search_text = ' book keeping zebras'").await;
    assert_eq!(strs(&found(&ana, "book+keeping").await), wages);
    assert!(found(&ana, "accounting").await.is_empty() && found(&ana, "zebras").await.is_empty());
}

#[tokio::test]
async fn deleting_an_owner_says_and_leaves_the_connector_without_one() {
    let app = TestApp::start().await;
    for name in ["Payroll", "Ledger"] {
        app.connector(name).await;
    }
    let group = accounting(&app).await;
    let ben = app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let ana = app.person(&[EditConnectors, ManageUsers]).await;
    app.confirm(&ana).await;
    ana.get("/connectors/payroll/details").await.submit(|form| form.set("owner", "ben")).await.expect(303);
    ana.get("/connectors/ledger/details").await.submit(|form| form.set("owner", "Accounting")).await.expect(303);
    for (path, words, field) in [
        (
            format!("/users/{}/delete", ben.id),
            "1 data connector, which the user owns, will have no owner.",
            ("Data connectors that they owned", "Payroll"),
        ),
        (
            format!("/groups/{group}/delete"),
            "1 data connector, which it owns, will have no owner.",
            ("Data connectors that it owned", "Ledger"),
        ),
    ] {
        let page = ana.get(&path).await.expect(200);
        assert!(page.text().contains(words), "{}", page.text());
        page.submit(|form| form).await.expect(303);
        let recorded = app.value("SELECT changes FROM audit_events ORDER BY id DESC LIMIT 1").await;
        let entry = serde_json::json!({ "field": field.0, "from": field.1, "to": "" });
        let recorded: serde_json::Value = serde_json::from_str(&recorded).expect("JSON");
        assert!(recorded.as_array().is_some_and(|changes| changes.contains(&entry)), "{recorded}");
    }
    let left =
        "SELECT count(*) FROM connectors WHERE owner_user_id IS NULL AND owner_group_id IS NULL AND owner_folded = ''";
    assert_eq!(app.count(left).await, 2);
    assert_eq!(ana.get("/connectors/payroll/details").await.field_value("owner"), "");
}

#[tokio::test]
async fn an_owner_who_was_deleted_meanwhile_is_not_stored() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ben = app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/connectors/payroll/details").await;
    app.sql(&format!("DELETE FROM users WHERE id = '{}'", ben.id)).await;
    let page = page.submit(|form| form.set("owner", "Ben Okafor (ben)")).await.expect(422);
    assert!(page.field_error("owner").is_some());
}

#[tokio::test]
async fn connectors_of_the_version_before_have_no_owner_and_are_found_by_host_and_key() {
    let app = TestApp::start().await;
    app.sql(DOWN).await;
    app.sql("INSERT INTO connectors (id, key, name, name_key, display_name, description, base_url, method, status, status_since, category_names, category_names_folded, own_folded, created_at, created_by, updated_at, updated_by)
        VALUES (gen_random_uuid(), 'pay-roll', 'Payroll', 'payroll', '', '', 'https://eid.example.net/v1', 'no_auth', 'not_tested', now(), '', '', ' payroll', now(), 'Ana', now(), 'Ana')").await;
    app.sql(UP).await;
    let ana = app.person(&[ViewConnectors]).await;
    for search in ["payroll", "pay-roll", "eid.example.net"] {
        assert_eq!(strs(&found(&ana, search).await), ["Payroll"], "{search}");
    }
    assert_eq!(
        app.rows("SELECT search_text, contact, notes FROM connectors").await,
        [[" payroll  pay-roll eid.example.net", "", ""]]
    );
}

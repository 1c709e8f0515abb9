//! Changes of access that come with something else: pages tell them before, the audit log afterwards.

use connectory::access::Permission::{CreateConnectors, ManageUsers};

use super::tab::{recorded, stored};
use super::*;

#[tokio::test]
async fn deleting_a_group_says_what_lists_it_and_takes_it_off() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let finance = group(&app, "Finance").await;
    let page = ana.get(&format!("/groups/{finance}/delete")).await;
    assert!(!page.expect(200).text().contains("lists it"));
    list_group(&app, payroll, finance, "{view}").await;
    let page = ana.get(&format!("/groups/{finance}/delete")).await;
    assert!(page.text().contains("1 data connector lists it."), "{}", page.text());
    page.submit(|form| form).await.expect(303);
    assert_eq!(stored(&app).await, ["{view,call,edit,authorize}"]);
}

/// What an audit line of this kind says that connectors listed.
async fn listing_told(app: &TestApp, kind: &str, field: &str) -> String {
    app.value(&format!(
        "SELECT coalesce((SELECT change->>'from' FROM jsonb_array_elements(changes::jsonb) change WHERE change->>'field' = '{field}'), '')
         FROM audit_events WHERE kind = '{kind}' ORDER BY id DESC LIMIT 1"
    ))
    .await
}

#[tokio::test]
async fn deleting_somebody_tells_what_listed_them() {
    let app = TestApp::start().await;
    let (payroll, ledger) = (app.connector("Payroll").await, app.connector("Ledger").await);
    let ana = app.super_admin().await;
    let (ben, dora) = (app.user(&[]).await, app.user(&[]).await);
    let finance = group(&app, "Finance").await;
    for connector in [payroll, ledger] {
        list(&app, connector, ben.id, "{view}").await;
        list_group(&app, connector, finance, "{view}").await;
    }
    // In the trash it can still be restored, so it is told of, but it is in no number.
    app.sql(&format!("UPDATE connectors SET deleted_at = now() WHERE id = '{ledger}'")).await;
    for (path, words, kind, field) in [
        (
            format!("/users/{}/delete", ben.id),
            "1 data connector lists the user.",
            "user.deleted",
            "Data connectors that listed them",
        ),
        (
            format!("/groups/{finance}/delete"),
            "1 data connector lists it.",
            "group.deleted",
            "Data connectors that listed it",
        ),
    ] {
        let page = ana.get(&path).await.expect(200);
        assert!(page.text().contains(words), "{}", page.text());
        page.submit(|form| form).await.expect(303);
        assert_eq!(listing_told(&app, kind, field).await, "Ledger, Payroll");
    }
    let path = format!("/users/{}/delete", dora.id);
    let page = ana.get(&path).await.expect(200);
    assert!(!page.text().contains("data connector"), "{}", page.text());
    page.submit(|form| form).await.expect(303);
    let field = "Data connectors that listed them";
    assert_eq!(listing_told(&app, "user.deleted", field).await, "");
}

#[tokio::test]
async fn a_warning_counts_what_its_reader_sees_and_says_that_there_may_be_others() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ledger = app.connector("Ledger").await;
    let (ben, finance) = (app.user(&[]).await, group(&app, "Finance").await);
    let manager = app.person(&[ManageUsers]).await;
    close(&app, payroll).await;
    let told = async |path: &str| manager.get(path).await.expect(200).text();
    let paths = [(format!("/users/{}/delete", ben.id), "the user"), (format!("/groups/{finance}/delete"), "it")];
    list(&app, payroll, ben.id, "{view}").await;
    list_group(&app, payroll, finance, "{view}").await;
    for (path, whom) in &paths {
        let (text, words) = (told(path).await, format!("Data connectors that you do not see may list {whom}."));
        assert!(text.contains(&words), "{text}");
    }
    list(&app, ledger, ben.id, "{view}").await;
    list_group(&app, ledger, finance, "{view}").await;
    for (path, whom) in &paths {
        let (text, words) = (
            told(path).await,
            format!("1 data connector that you see lists {whom}, and others may that you do not see."),
        );
        assert!(text.contains(&words), "{text}");
    }
}

#[tokio::test]
async fn the_access_to_a_copy_is_told_unless_it_is_as_everybody_expects() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    app.connector("Ledger").await;
    let ana = app.person(&[CreateConnectors]).await;
    let lines = "SELECT count(*) FROM audit_events WHERE kind = 'connector.access_saved'";
    let copy = async |key: &str| {
        let path = format!("/connectors/{key}/duplicates");
        ana.post(&path, &[]).await.expect(303);
    };
    copy("ledger").await;
    assert_eq!(app.count(lines).await, 0);
    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    let finance = group(&app, "Finance").await;
    list(&app, payroll, ben.id, "{view,call}").await;
    copy("payroll").await;
    let changes = recorded(&app).await;
    assert!(changes.contains("Ben Okafor (ben)") && !changes.contains("Everybody"), "{changes}");
    list_group(&app, payroll, finance, "{view}").await;
    open_for(&app, payroll, "{view,edit}").await;
    copy("payroll").await;
    let changes = recorded(&app).await;
    for words in ["Everybody with the permission", "View, Call, Edit, Authorize", "View, Edit", "group Finance"] {
        assert!(changes.contains(words), "{words}: {changes}");
    }
    let subject = app
        .value("SELECT subject_name FROM audit_events WHERE kind = 'connector.access_saved' ORDER BY id DESC LIMIT 1");
    assert_eq!(subject.await, "Payroll copy 2");
}

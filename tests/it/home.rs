//! The home page: what needs attention, what happened lately, and only what the person may see of it.

use chrono::TimeDelta;
use connectory::access::Permission::{
    CallConnectors, CreateConnectors, EditConnectors, ManageUsers, ViewActivity, ViewConnectors,
};
use connectory::calls::Outcome;

use crate::support::{Page, TestApp, strs};

async fn state(app: &TestApp, name: &str, status: &str) {
    let id = app.connector(name).await;
    app.sql(&format!(
        "UPDATE connectors SET status = '{status}', status_since = now() - interval '2 hours' WHERE id = '{id}'"
    ))
    .await;
}

fn line(page: &Page, name: &str) -> String {
    let rows = page.texts("#main tbody tr");
    let row = rows.into_iter().find(|row| row.contains(name));
    row.unwrap_or_else(|| panic!("no row of {name}: {}", page.text()))
}

#[tokio::test]
async fn a_site_without_connectors_says_how_to_begin() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/").await.expect(200);
    assert_eq!(page.h1(), "Home");
    assert!(page.text().contains("How to begin"));
    let form = page.click("Create a data connector").await.expect(200);
    assert_eq!(form.path, "/connectors/new");
    let viewer = app.person(&[ViewConnectors]).await;
    let page = viewer.get("/").await.expect(200);
    assert!(!page.has_link("Create a data connector"));
    assert!(page.text().contains("“Create Data Connectors”"));
}

/// The words of the steps that are ticked.
fn done(page: &Page) -> Vec<String> {
    let steps = page.texts("section[aria-labelledby=begin] li").into_iter();
    steps
        .filter_map(|step| step.strip_prefix("Done ").map(|words| words.split(' ').next().unwrap_or("").into()))
        .collect()
}

#[tokio::test]
async fn the_steps_are_ticked_as_they_are_done_and_gone_at_the_end() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    assert_eq!(done(&ana.get("/").await), [""; 0]);
    let id = app.connector_with("Payroll", |new| new.method = connectory::connectors::Method::Basic).await;
    let page = ana.get("/").await;
    assert_eq!(done(&page), ["Create"]);
    assert!(page.links().iter().any(|(_, href)| href == "/connectors/payroll/authorization"));
    app.store_secret(id, connectory::connectors::SecretField::Password, "x").await;
    assert_eq!(done(&ana.get("/").await), ["Create", "Enter"]);
    app.sql(&format!(
        "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
         VALUES (gen_random_uuid(), '{id}', 'list', 'list', 'GET', '/orders', now(), '', now(), '')"
    ))
    .await;
    assert_eq!(done(&ana.get("/").await), ["Create", "Enter"], "it was not run yet");
    app.call_log.record(crate::calls::call(app.clock.now(), id));
    app.call_log.finish().await;
    assert_eq!(done(&ana.get("/").await), ["Create", "Enter", "Add"]);
    app.sql(
        "INSERT INTO api_keys (id, hash, prefix, name, user_id, created_at, created_by)
         SELECT gen_random_uuid(), sha256('key'), 'abcdefgh', 'key', id, now(), '' FROM users",
    )
    .await;
    assert_eq!(done(&ana.get("/").await), ["Create", "Enter", "Add", "Create"]);
    app.sql("UPDATE api_keys SET last_used_at = now()").await;
    assert!(!ana.get("/").await.text().contains("How to begin"), "all is done");
    app.sql("DELETE FROM calls").await;
    assert!(!ana.get("/").await.text().contains("How to begin"), "calls are not kept for ever");
}

#[tokio::test]
async fn connectors_that_need_somebody_come_first_and_the_worst_of_them_before_the_others() {
    let app = TestApp::start().await;
    state(&app, "Expires", "expiring").await;
    state(&app, "Fails", "failing").await;
    state(&app, "Refused", "needs_reauthorization").await;
    state(&app, "Works", "healthy").await;
    state(&app, "Unfinished", "not_authorized").await;
    state(&app, "Off", "disabled").await;
    app.sql(
        "INSERT INTO renewals (connector_id, failures, is_final, message, server_words, next_attempt_at)
         SELECT id, 2, false, 'The token server did not answer.', 'busy <b>', now() + interval '1 hour' FROM connectors WHERE name = 'Fails'
         ON CONFLICT (connector_id) DO UPDATE SET failures = 2, is_final = false, message = excluded.message,
            server_words = excluded.server_words, next_attempt_at = excluded.next_attempt_at",
    )
    .await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/").await.expect(200);
    assert_eq!(strs(&page.row_heads()), ["Refused", "Fails", "Expires"]);
    let fails = line(&page, "Fails");
    for words in ["Failing", "2 hours ago", "The token server did not answer. “busy <b>” Next try in ", "Repair Fails"]
    {
        assert!(fails.contains(words), "{words}: {fails}");
    }
    assert!(line(&page, "Refused").contains("It must be authorized again."));
    let repair = page.click("Repair Refused").await.expect(200);
    assert_eq!(repair.path, "/connectors/refused/authorization");
    for (link, name) in [
        ("Needs re-authorization: 1", "Refused"),
        ("Failing: 1", "Fails"),
        ("Expiring: 1", "Expires"),
        ("Not authorized yet: 1", "Unfinished"),
    ] {
        let list = page.click(link).await.expect(200);
        assert_eq!(strs(&list.row_heads()), [name], "{link}");
    }
    let viewer = app.person(&[ViewConnectors]).await;
    let page = viewer.get("/").await.expect(200);
    assert_eq!(page.row_heads().len(), 3);
    assert!(!page.has_link("Repair Fails"));
}

#[tokio::test]
async fn many_are_counted_and_the_first_are_shown() {
    let app = TestApp::start().await;
    for number in 0..7 {
        state(&app, &format!("Meter {number}"), "failing").await;
    }
    app.sql("UPDATE connectors SET verify_certificates = false").await;
    let ana = app.person(&[ViewConnectors]).await;
    let page = ana.get("/").await.expect(200);
    assert_eq!(page.row_heads().len(), 5);
    assert!(page.has_link("Failing: 7"));
    let text = page.text();
    assert!(text.contains("The first 5, the worst first."), "{text}");
    assert!(text.contains("Certificates are not checked"));
    assert!(text.contains("There are more."));
}

#[tokio::test]
async fn that_all_is_well_is_said_and_what_was_changed_last() {
    let app = TestApp::start().await;
    state(&app, "Ledger", "healthy").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/").await.expect(200);
    assert!(page.text().contains("Every data connector that is authorized works."));
    let details = page.click("Ledger").await.expect(200).click("Details").await.expect(200);
    let saved = details.form("/connectors/ledger/details").set("description", "Books");
    saved.send().await.expect(303);
    let text = ana.get("/").await.expect(200).text();
    assert!(text.contains(&format!("Ledger by {}", ana.user().attribution())), "{text}");
}

#[tokio::test]
async fn a_connector_in_the_trash_needs_nobody() {
    let app = TestApp::start().await;
    state(&app, "Fails", "failing").await;
    state(&app, "Works", "healthy").await;
    app.sql(
        "UPDATE connectors SET verify_certificates = false, deleted_at = now(), deleted_by = 'Ana' WHERE name = 'Fails'",
    )
    .await;
    let ana = app.person(&[ViewConnectors]).await;
    let page = ana.get("/").await.expect(200);
    assert!(!page.text().contains("Fails"), "{}", page.text());
}

#[tokio::test]
async fn calls_of_the_last_day_are_counted_with_the_errors_among_them() {
    let app = TestApp::start().await;
    let eva = app.person(&[ViewActivity]).await;
    let page = eva.get("/").await.expect(200);
    assert!(page.text().contains("Calls in the last 24 hours None."));
    let (now, id) = (app.clock.now(), app.connector("Payroll").await);
    let mut failed = crate::calls::call(now, id);
    (failed.outcome, failed.status) = (Outcome::Failed, None);
    let before = crate::calls::call(now - TimeDelta::hours(30), id);
    for call in [crate::calls::call(now, id), failed, before] {
        app.call_log.record(call);
    }
    app.call_log.finish().await;
    let page = eva.get("/").await.expect(200);
    assert!(page.text().contains("2 calls, among them 1 error."), "{}", page.text());
    let list = page.click("1 error").await.expect(200);
    assert_eq!(list.path, "/calls?outcome=errors");
}

#[tokio::test]
async fn each_part_is_for_whoever_may_see_it() {
    let app = TestApp::start().await;
    state(&app, "Fails", "failing").await;
    let calls = "Calls in the last 24 hours";
    for (permissions, sees_connectors, sees_calls) in [
        (vec![], false, false),
        (vec![ViewActivity], false, true),
        (vec![ManageUsers], false, false),
        (vec![ViewConnectors, CallConnectors], true, false),
    ] {
        let page = app.person(&permissions).await.get("/").await.expect(200);
        let text = page.text();
        assert_eq!(text.contains("Fails"), sees_connectors, "{permissions:?}");
        assert_eq!(text.contains(calls), sees_calls, "{permissions:?}");
        assert!(page.has_link("API reference"));
        let is_bare = text.contains("There is nothing for you here yet");
        assert_eq!(is_bare, permissions.is_empty(), "{permissions:?}");
    }
}

#[tokio::test]
async fn super_admins_are_told_that_everything_hangs_on_one_of_them_or_on_the_provider() {
    let (alone, locked) = ("You are the only super admin.", "No active super admin has a password.");
    let app = TestApp::start().await;
    let viewer = app.person(&[ViewConnectors]).await;
    let admin = app.super_admin().await;
    app.sql(&format!("UPDATE users SET super_admin = false WHERE id <> '{}'", admin.user().id)).await;
    let text = admin.get("/").await.expect(200).text();
    assert!(text.contains(alone) && !text.contains(locked), "{text}");
    let other = app.super_admin().await;
    let text = admin.get("/").await.expect(200).text();
    assert!(!text.contains(alone) && !text.contains(locked), "{text}");
    // A restored backup of a site that had no such rule yet.
    app.sql("ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET password_hash = NULL WHERE super_admin").await;
    let page = other.get("/").await.expect(200);
    assert!(page.text().contains(locked));
    page.click("Super admins").await.expect(200);
    let text = viewer.get("/").await.expect(200).text();
    assert!(!text.contains(alone) && !text.contains(locked), "{text}");
}

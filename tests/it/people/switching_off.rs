//! Deactivating, reactivating and deleting a user, and ending sessions.

use connectory::access::Permission::{CreateConnectors, ViewConnectors};

use super::{group, history, link, manager, paste, put_user};
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_deactivated_user_is_signed_out_everywhere_at_once_and_cannot_come_back() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[ViewConnectors]).await;
    let elsewhere = app.signed_in(ben.user().clone()).await;
    let address = format!("/users/{}", ben.user().id);
    let page = boss.get(&address).await.click("Deactivate this user").await.expect(200);
    assert!(page.text().contains("2 sessions end at once."), "{}", page.text());
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The user was deactivated");
    for browser in [&ben, &elsewhere] {
        assert_eq!(browser.get("/connectors").await.location(), Some("/sign-in?next=%2Fconnectors"));
    }
    assert_eq!(app.count(&format!("SELECT count(*) FROM sessions WHERE user_id = '{}'", ben.user().id)).await, 0);
    app.browser().sign_in(&ben.user().username, PASSWORD).await.expect(422);
    assert!(page.text().contains("Deactivated"));
    // The last line is that the sign-in was refused.
    let lines = history(&app, ben.user().id).await;
    let deactivated = lines.iter().find(|(kind, _)| kind == "user.deactivated");
    assert_eq!(
        deactivated.cloned().expect("a line"),
        ("user.deactivated".into(), "Status: Active > Deactivated; Sessions: 2 > ".into())
    );
}

#[tokio::test]
async fn a_reactivated_user_signs_in_anew_with_everything_that_was_theirs() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[ViewConnectors]).await;
    let address = format!("/users/{}", ben.user().id);
    boss.post(&format!("{address}/deactivations"), &[]).await.expect(303);
    // As if a sign-in had been on its way.
    app.sql(&format!("INSERT INTO sessions SELECT sha256('x'), id, '', '', now(), now(), now() + interval '1 hour' FROM users WHERE id = '{}'", ben.user().id)).await;
    let page = boss.get(&address).await;
    let page = page.form(&format!("{address}/reactivations")).send().await.expect(303).follow().await;
    assert_eq!(page.flash(), "The user was reactivated");
    assert_eq!(
        app.count(&format!("SELECT count(*) FROM sessions WHERE user_id = '{}'", ben.user().id)).await,
        0,
        "no session comes back to life"
    );
    let ben = app.signed_in(ben.user().clone()).await;
    ben.get("/connectors").await.expect(200);
}

#[tokio::test]
async fn a_link_to_a_password_ends_with_the_user() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let address = format!("/users/{}", ben.id);
    let shown = link(&boss.post(&format!("{address}/invitations"), &[]).await.expect(200));
    boss.post(&format!("{address}/deactivations"), &[]).await.expect(303);
    paste(&app.browser(), &shown).await.expect(422);
    boss.post(&format!("{address}/reactivations"), &[]).await.expect(303);
    paste(&app.browser(), &shown).await.expect(422);
}

#[tokio::test]
async fn nobody_deactivates_or_deletes_themselves() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let address = format!("/users/{}", boss.user().id);
    let page = boss.get(&address).await;
    assert!(!page.has_link("Deactivate this user") && !page.has_link("Delete this user"));
    for way in ["deactivations", "delete"] {
        for page in [
            boss.get(&format!("{address}/{way}")).await.expect(200),
            boss.post(&format!("{address}/{way}"), &[]).await.expect(409),
        ] {
            assert!(page.text().contains("This is your own account."), "{}", page.text());
            assert!(!page.has_form(&format!("{address}/{way}")));
        }
    }
    boss.get("/users").await.expect(200);
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_all_of_theirs_and_stays_in_the_records() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[CreateConnectors]).await;
    let accounting = group(&app, "Accounting", &[]).await;
    put_user(&app, accounting, ben.user().id).await;
    app.sql(&format!("INSERT INTO api_keys (id, hash, prefix, name, user_id, created_at, created_by) VALUES (gen_random_uuid(), 'x', 'x', 'x', '{}', now(), 'x')", ben.user().id)).await;
    ben.get("/connectors/new")
        .await
        .submit(|form| form.set("connector_name", "Ledger").set("description", "x"))
        .await
        .expect(303);
    let address = format!("/users/{}", ben.user().id);
    let page = boss.get(&address).await.click("Delete this user").await.expect(200);
    assert_eq!(page.h1(), format!("Are you sure you want to delete “{}”?", ben.user().name));
    assert!(
        page.text().contains("Deleted with the user: 1 membership in a group, 1 session, 1 API key"),
        "{}",
        page.text()
    );
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), ("/users", "The user was deleted"));
    assert_eq!(ben.get("/connectors").await.status, 303);
    for table in ["user_permissions", "group_users", "sessions", "api_keys"] {
        let left = format!("SELECT count(*) FROM {table} WHERE user_id = '{}'", ben.user().id);
        assert_eq!(app.count(&left).await, 0, "{table}");
    }
    assert_eq!(app.value("SELECT created_by FROM connectors").await, ben.user().attribution());
    assert_eq!(
        app.value("SELECT actor_name FROM audit_events WHERE kind = 'connector.created'").await,
        ben.user().name
    );
    let (kind, fields) = history(&app, ben.user().id).await.pop().expect("a line");
    assert_eq!(kind, "user.deleted");
    for part in
        ["Groups: Accounting > ", "Permissions: Create Data Connectors, Edit Data Connectors, View Data Connectors > "]
    {
        assert!(fields.contains(part), "{fields}");
    }
    boss.get(&address).await.expect(404);
    boss.post(&format!("{address}/delete"), &[]).await.expect(404);
}

#[tokio::test]
async fn all_sessions_of_a_user_are_ended_and_the_password_stays() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[ViewConnectors]).await;
    let page = boss.get(&format!("/users/{}", ben.user().id)).await;
    assert!(page.text().contains("1 session, last used"), "{}", page.text());
    let page = page.click("End all sessions").await.expect(200);
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "All sessions of the user were ended");
    assert_eq!(ben.get("/connectors").await.status, 303);
    app.browser().sign_in(&ben.user().username, PASSWORD).await.expect(303);
    boss.get("/users").await.expect(200);
}

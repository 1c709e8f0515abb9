//! Seeing and ending a user's sessions, for whoever manages users.

use super::{history, manager};
use crate::support::TestApp;

#[tokio::test]
async fn who_manages_users_sees_and_ends_one_of_a_users_sessions() {
    let app = TestApp::start().await;
    let (mia, ben) = (manager(&app).await, app.person(&[]).await);
    let other = app.signed_in(ben.user().clone()).await;
    let id = ben.user().id;
    let page = mia.get(&format!("/users/{id}")).await.click("See sessions").await.expect(200);
    assert_eq!(page.h1(), format!("{}: Sessions", ben.user().name));
    assert_eq!(page.rows().len(), 2);
    assert!(!page.text().contains("This one"));
    let actions = page.attributes("td.actions form", "action");
    // The one used last comes first.
    let tab = mia.get(&page.path).await;
    for (page, outcome) in [(page, "The session was ended"), (tab, "The session had ended already")] {
        let page = page.form(&actions[0]).send().await.expect(303).follow().await;
        assert_eq!((page.flash().as_str(), page.rows().len()), (outcome, 1));
    }
    assert_eq!(ben.get("/profile").await.status + other.get("/profile").await.status, 200 + 303);
    let line = ("session.revoked".into(), "Session: An unknown browser from 127.0.0.1 > ".into());
    assert_eq!(history(&app, id).await.last(), Some(&line));
}

#[tokio::test]
async fn a_super_admins_sessions_are_out_of_reach_for_who_is_none() {
    let app = TestApp::start().await;
    let (mia, ana) = (manager(&app).await, app.super_admin().await);
    let id = ana.user().id;
    assert!(!mia.get(&format!("/users/{id}")).await.has_link("See sessions"));
    mia.get(&format!("/users/{id}/sessions")).await.expect(403);
    let session = app.value(&format!("SELECT id FROM sessions WHERE user_id = '{id}'")).await;
    mia.post(&format!("/users/{id}/sessions/{session}/sign-outs"), &[]).await.expect(403);
    ana.get("/profile").await.expect(200);
}

#[tokio::test]
async fn a_session_is_ended_under_its_own_user_only() {
    let app = TestApp::start().await;
    let (mia, ben, eva) = (manager(&app).await, app.person(&[]).await, app.super_admin().await);
    let session = app.value(&format!("SELECT id FROM sessions WHERE user_id = '{}'", eva.user().id)).await;
    let path = format!("/users/{}/sessions/{session}/sign-outs", ben.user().id);
    let page = mia.post(&path, &[]).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The session had ended already");
    eva.get("/profile").await.expect(200);
}

#[tokio::test]
async fn of_a_user_who_is_not_signed_in_there_is_nothing_to_end() {
    let app = TestApp::start().await;
    let (mia, ben) = (manager(&app).await, app.user(&[]).await);
    let page = mia.get(&format!("/users/{}/sessions", ben.id)).await.expect(200);
    assert!(page.text().contains("This user is not signed in.") && !page.has_link("End all sessions"));
}

#[tokio::test]
async fn the_own_session_is_marked_there_too() {
    let app = TestApp::start().await;
    let mia = manager(&app).await;
    let page = mia.get(&format!("/users/{}/sessions", mia.user().id)).await;
    assert_eq!(page.rows()[0].last().map(String::as_str), Some("This one"));
}

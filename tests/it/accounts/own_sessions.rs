//! The own sessions: which there are, and ending them.

use chrono::TimeDelta;

use super::is_signed_in;
use crate::support::{Browser, PASSWORD, Page, TestApp, strs};

const TAB: &str = "/profile/sessions";

/// A session of the same person in a browser that calls itself so.
async fn elsewhere(app: &TestApp, person: &Browser, user_agent: &str) -> Browser {
    let browser = app.signed_in(person.user().clone()).await;
    app.sql(&format!(
        "UPDATE sessions SET user_agent = '{user_agent}' WHERE created_at = (SELECT max(created_at) FROM sessions)"
    ))
    .await;
    browser
}

/// The addresses to which the buttons of the table send.
fn endings(page: &Page) -> Vec<String> {
    page.attributes("td.actions form", "action")
}

async fn audited(app: &TestApp) -> Vec<Vec<String>> {
    app.rows("SELECT kind, changes->0->>'from' FROM audit_events WHERE kind LIKE 'session.%revoked' ORDER BY id").await
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    app.person(&[]).await;
    app.advance(TimeDelta::minutes(3));
    elsewhere(&app, &ben, "Mozilla/5.0 (Windows NT 10.0) Firefox/145.0").await;
    app.advance(TimeDelta::minutes(5));
    let page = ben.get(TAB).await.expect(200);
    let rows = page.rows();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(page.row_heads(), ["An unknown browser", "Firefox on Windows"]);
    assert_eq!(strs(&rows[0][3..]), ["Just now", "This one"], "{rows:?}");
    assert_eq!((rows[1][1].as_str(), rows[1][3].as_str()), ("127.0.0.1", "5 minutes ago"));
    assert!(rows[1][4].starts_with("End the session of Firefox on Windows from 127.0.0.1, signed in "));
    assert_eq!(page.attributes("td time", "datetime").len(), 4);
}

#[tokio::test]
async fn sessions_that_are_over_are_not_shown() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    elsewhere(&app, &ben, "curl").await;
    for _ in 0..2 {
        app.advance(TimeDelta::minutes(40));
        assert!(is_signed_in(&ben).await);
    }
    assert_eq!(ben.get(TAB).await.rows().len(), 1);
}

#[tokio::test]
async fn one_is_ended_and_refused_at_its_next_request() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let other = elsewhere(&app, &ben, "curl/8").await;
    let third = elsewhere(&app, &ben, "Wget/1").await;
    // Two tabs: the second finds it done.
    let tabs = [ben.get(TAB).await, ben.get(TAB).await];
    let address = endings(&tabs[0]).into_iter().nth(1).expect("a second button");
    for (tab, outcome) in tabs.iter().zip(["The session was ended", "The session had ended already"]) {
        let page = tab.form(&address).send().await.expect(303).follow().await;
        assert_eq!((page.path.as_str(), page.flash().as_str()), (TAB, outcome));
    }
    let left = [is_signed_in(&ben).await, is_signed_in(&other).await, is_signed_in(&third).await];
    assert_eq!(left, [true, false, true]);
    assert_eq!(audited(&app).await, [["session.revoked", "curl from 127.0.0.1"]]);
}

#[tokio::test]
async fn nobody_ends_the_session_of_another_person_here() {
    let app = TestApp::start().await;
    let (ben, eva) = (app.person(&[]).await, app.super_admin().await);
    let id = app.value(&format!("SELECT id FROM sessions WHERE user_id = '{}'", eva.user().id)).await;
    let page = ben.post(&format!("{TAB}/{id}/sign-outs"), &[]).await.expect(303);
    assert_eq!(page.follow().await.flash(), "The session had ended already");
    assert!(is_signed_in(&eva).await);
    ben.post(&format!("{TAB}/rubbish/sign-outs"), &[]).await.expect(404);
    assert!(audited(&app).await.is_empty());
}

#[tokio::test]
async fn all_others_are_ended_after_a_question() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let others = [elsewhere(&app, &ben, "a").await, elsewhere(&app, &ben, "b").await];
    let somebody = app.person(&[]).await;
    let question = ben.get(TAB).await.click("End all other sessions").await.expect(200);
    assert_eq!(question.h1(), "End all your other sessions?");
    assert!(question.text().contains("2 sessions end at once."));
    let page = question.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "2 other sessions were ended");
    assert!(!page.has_link("End all other sessions"));
    assert!(is_signed_in(&ben).await && is_signed_in(&somebody).await);
    for other in &others {
        assert!(!is_signed_in(other).await);
    }
    // The question in another tab.
    let page = question.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "There was no other session");
    assert_eq!(ben.get("/profile/sign-outs").await.h1(), "You have no other session");
    assert_eq!(audited(&app).await, [["session.others_revoked", "2"]]);
}

#[tokio::test]
async fn what_the_browser_says_of_itself_is_printed_as_text() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    elsewhere(&app, &ben, "<script>alert(1)</script>").await;
    let page = ben.get(TAB).await;
    assert!(!page.html.contains("<script>alert"));
    let browser = app.browser();
    browser.sign_in(&ben.user().username, PASSWORD).await.expect(303);
}

//! Changing the own password.

use chrono::TimeDelta;
use connectory::access::Permission::ViewConnectors;

use super::is_signed_in;
use crate::support::{Browser, PASSWORD, Page, SESSION_COOKIE, TestApp};

const NEW: &str = "four quite other words";

async fn change(person: &Browser, old: &str, new: &str) -> Page {
    let page = person.get("/profile/password").await.expect(200);
    page.submit(|form| form.set("old_password", old).set("password", new)).await
}

async fn audited(app: &TestApp) -> Vec<Vec<String>> {
    app.rows("SELECT subject_name, changes::text FROM audit_events WHERE kind = 'user.password_changed'").await
}

#[tokio::test]
async fn a_new_password_counts_at_once_and_ends_all_other_sessions() {
    let app = TestApp::start().await;
    let ben = app.person(&[ViewConnectors]).await;
    let elsewhere = app.signed_in(ben.user().clone()).await;
    let somebody = app.person(&[]).await;
    let (cookie, old_key) = (ben.cookie(SESSION_COOKIE).expect("a session"), ben.session_key());
    let page = change(&ben, PASSWORD, NEW).await.expect(303).follow().await;
    assert_eq!(page.flash(), "Your password was changed. All your other sessions were ended.");
    assert!(is_signed_in(&ben).await && is_signed_in(&somebody).await);
    assert!(!is_signed_in(&elsewhere).await);
    // The session goes on under another id; the old one opens nothing.
    assert_ne!(ben.session_key(), old_key);
    let thief = app.browser();
    thief.set_cookie(SESSION_COOKIE, &cookie);
    assert!(!is_signed_in(&thief).await);
    let username = &ben.user().username;
    app.browser().sign_in(username, PASSWORD).await.expect(422);
    app.browser().sign_in(username, NEW).await.expect(303);
    let lines = audited(&app).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(&lines[0][0], username);
    assert!(lines[0][1].contains(r#"{"to": "1", "from": "2", "field": "Sessions"}"#), "{lines:?}");
    assert!(!lines[0][1].contains(NEW));
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_no_password_comes_back() {
    let app = TestApp::start().await;
    let ben = app.user_named("ben.okafor", "Ben Okafor", &[]).await;
    let ben = app.signed_in(ben).await;
    for (old, new, field, message) in [
        ("", NEW, "old_password", "Enter your current password"),
        ("wrong", NEW, "old_password", "This is not your password"),
        (PASSWORD, "", "password", "Enter a password"),
        (PASSWORD, "eleven chrs", "password", "Password must be at least 12 characters long"),
        (PASSWORD, &"x y z w".repeat(40), "password", "Password must be 256 characters or fewer"),
        (
            PASSWORD,
            "the okafor family",
            "password",
            "Choose a password without your name, your user name or “Connectory” in it: these are tried first",
        ),
        (
            PASSWORD,
            "a Connectory of mine",
            "password",
            "Choose a password without your name, your user name or “Connectory” in it: these are tried first",
        ),
        (
            PASSWORD,
            "ManchesterUnited",
            "password",
            "Choose a password that is not easy to guess: this one is among the most common, or repeats itself or your user name",
        ),
        (PASSWORD, PASSWORD, "password", "Enter another password than the current one"),
    ] {
        let page = change(&ben, old, new).await.expect(422);
        assert_eq!(page.errors(), [(field.to_string(), message.to_string())]);
        assert_eq!((page.field_value("old_password"), page.field_value("password")), (String::new(), String::new()));
        assert!(new.is_empty() || !page.html.contains(new));
    }
    assert_eq!(audited(&app).await.len(), 0);
    assert!(is_signed_in(&ben).await);
}

#[tokio::test]
async fn any_characters_count_exactly_as_they_are_typed() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let mut old = PASSWORD.to_string();
    for new in ["  пароль из слов  ", "日本語のパスワードです、はい", &"wide sky, ".repeat(25)]
    {
        change(&ben, &old, new).await.expect(303);
        let username = &ben.user().username;
        app.browser().sign_in(username, new.trim()).await.expect(if new.trim() == new { 303 } else { 422 });
        app.browser().sign_in(username, new).await.expect(303);
        old = new.to_string();
        app.advance(TimeDelta::minutes(5));
    }
}

#[tokio::test]
async fn guessing_the_present_one_is_slowed_down() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let mut statuses = Vec::new();
    for number in 0..11 {
        statuses.push(change(&ben, &format!("guess {number}"), NEW).await.status);
    }
    assert!(statuses.ends_with(&[429]) && statuses.starts_with(&[422]), "{statuses:?}");
    change(&ben, PASSWORD, NEW).await.expect(429);
    app.advance(TimeDelta::minutes(1));
    change(&ben, PASSWORD, NEW).await.expect(303);
}

#[tokio::test]
async fn links_that_could_set_another_one_lose_their_force() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let id = ben.user().id;
    app.sql(&format!("INSERT INTO invitations (id, user_id, token_hash, created_at, created_by, expires_at) VALUES (gen_random_uuid(), '{id}', 'x', now(), '', now() + interval '1 day')")).await;
    change(&ben, PASSWORD, NEW).await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM invitations").await, 0);
}

#[tokio::test]
async fn of_two_changes_at_once_one_counts() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let elsewhere = app.signed_in(ben.user().clone()).await;
    let (one, other) = tokio::join!(
        change(&ben, PASSWORD, "the first new password"),
        change(&elsewhere, PASSWORD, "another new password"),
    );
    let mut done = [&one, &other].map(|page| page.location() == Some("/profile/password"));
    done.sort_unstable();
    assert_eq!(done, [false, true]);
    assert_eq!(audited(&app).await.len(), 1);
    assert_eq!(app.count("SELECT count(*) FROM sessions").await, 1);
}

//! What was refused to people without a session and to keys.

use chrono::TimeDelta;
use connectory::clock::Clock;
use reqwest::Method;

use crate::api_keys::{self, Whose};
use crate::support::{Browser, TestApp};

async fn lines(app: &TestApp, kind: &str) -> Vec<Vec<String>> {
    app.rows(&format!("SELECT subject_name, coalesce(actor_id::text, ''), actor_name, address, changes::text FROM audit_events WHERE kind = '{kind}' ORDER BY id"))
        .await
}

fn reason(reason: &str) -> String {
    format!(r#"[{{"to": "{reason}", "from": "", "field": "Reason"}}]"#)
}

async fn show_key(browser: &Browser, key: &str) -> u16 {
    let request = browser.request(Method::GET, "/api/v1/connectors");
    browser.send(request.bearer_auth(key)).await.status
}

#[tokio::test]
async fn refused_sign_ins_are_recorded_with_the_account_and_never_with_what_was_typed() {
    let app = TestApp::start_with(|site| site.clock = Clock::still()).await;
    let ana = app.super_admin().await;
    app.user_named("ben", "Ben Okafor", &[]).await;
    let eva = app.user_named("eva", "Eva Lind", &[]).await;
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", eva.id)).await;
    let visitor = app.browser();
    for name in ["BEN", "ben", "canary-typed", "canary-other", "eva"] {
        visitor.sign_in(name, "canary-password").await.expect(422);
    }
    let lines = lines(&app, "sign_in.refused").await;
    let line = |subject: &str, why: &str| [subject, "", "", "127.0.0.1", &reason(why)].map(String::from);
    assert_eq!(
        lines,
        [
            line("ben", "Wrong password"),
            line("", "There is no user of this name"),
            line("eva", "The user is not active"),
        ]
    );
    assert_eq!(app.count("SELECT count(*) FROM audit_events a WHERE a::text LIKE '%canary%'").await, 0);
    app.advance(TimeDelta::minutes(1));
    visitor.sign_in("ben", "canary-password").await.expect(422);
    let counted = self::lines(&app, "sign_in.refused").await.pop().expect("a line");
    assert!(
        counted[4].contains(r#"{"to": "1", "from": "", "field": "The same since the previous entry"}"#),
        "{}",
        counted[4]
    );
    app.chain().await;
    let page = ana.get("/audit?event=sign_in.").await.expect(200);
    assert!(page.rows()[0][0].starts_with("Sign-in refused"));
    assert_eq!(page.rows()[0][2], "Not signed in");
}

#[tokio::test]
async fn sign_ins_that_are_slowed_down_are_recorded_once_a_minute() {
    let app = TestApp::start_with(|site| site.clock = Clock::still()).await;
    app.user_named("ben", "Ben Okafor", &[]).await;
    let visitor = app.browser();
    for _ in 0..20 {
        visitor.sign_in("ben", "a wrong password").await;
    }
    let slowed = lines(&app, "sign_in.slowed").await;
    let expected = ["ben", "", "", "127.0.0.1", &reason("Too many tries")].map(String::from);
    assert_eq!(slowed, [expected]);
    assert_eq!(lines(&app, "sign_in.refused").await.len(), 1);
}

#[tokio::test]
async fn refused_keys_are_recorded_by_their_visible_part() {
    let app = TestApp::start_with(|site| site.clock = Clock::still()).await;
    let eva = app.user(&[]).await;
    let revoked = api_keys::key(&app, Whose::User(eva.id)).await;
    app.sql("UPDATE api_keys SET revoked_at = now(), revoked_by = 'Ana'").await;
    let visitor = app.browser();
    for _ in 0..3 {
        assert_eq!(show_key(&visitor, revoked.expose()).await, 401);
    }
    let made_up = |digit: char| format!("cty_abcdefg{digit}_{}", String::from(digit).repeat(43));
    for digit in ['2', '3', '4'] {
        assert_eq!(show_key(&visitor, &made_up(digit)).await, 401);
    }
    assert_eq!(show_key(&visitor, "hunter2-canary").await, 401);
    let lines = lines(&app, "api_key.refused").await;
    let line = |subject: &str, why: &str| [subject, "", "", "127.0.0.1", &reason(why)].map(String::from);
    assert_eq!(
        lines,
        [
            line(revoked.prefix(), "This API key was revoked."),
            line("cty_abcdefg2", "This is no API key of this Connectory, or none any more."),
        ]
    );
    let secret = &revoked.expose()[13..];
    let found = format!(
        "SELECT count(*) FROM audit_events a WHERE a::text LIKE '%{secret}%' OR a::text LIKE '%hunter2%' OR a::text LIKE '%22222%'"
    );
    assert_eq!(app.count(&found).await, 0);
}

#[tokio::test]
async fn a_flood_of_refusals_cannot_fill_the_log() {
    let app = TestApp::start_with(|site| site.clock = Clock::still()).await;
    let eva = app.user(&[]).await;
    let mut keys = Vec::new();
    for _ in 0..80 {
        keys.push(api_keys::key(&app, Whose::User(eva.id)).await);
    }
    app.sql("UPDATE api_keys SET revoked_at = now(), revoked_by = 'Ana'").await;
    let visitor = app.browser();
    for key in &keys {
        assert_eq!(show_key(&visitor, key.expose()).await, 401);
    }
    let recorded = lines(&app, "api_key.refused").await;
    assert_eq!(recorded.len(), 60);
    app.advance(TimeDelta::minutes(1));
    show_key(&visitor, keys[0].expose()).await;
    let last = lines(&app, "api_key.refused").await.pop().expect("a line");
    assert!(last[4].contains(r#"{"to": "20", "from": "", "field": "Others without an entry"}"#), "{}", last[4]);
}

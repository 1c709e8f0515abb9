//! How sessions end, and what they leave behind.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;

use super::is_signed_in;
use crate::support::{PASSWORD, SESSION_COOKIE, TestApp};

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let cookie = ana.cookie(SESSION_COOKIE).expect("a token");
    let page = ana.open("/").await.form("/sign-out").send().await.expect(303);
    assert!(page.header("clear-site-data").contains("\"cache\""));
    assert_eq!(page.follow().await.flash(), "You are signed out");
    assert_eq!(app.count("SELECT count(*) FROM sessions").await, 0);
    assert_ne!(ana.cookie(SESSION_COOKIE).as_deref(), Some(cookie.as_str()));

    ana.set_cookie(SESSION_COOKIE, &cookie);
    assert!(!is_signed_in(&ana).await, "the old cookie opens nothing");
}

#[tokio::test]
async fn signing_out_takes_a_button_not_a_link() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    ana.get("/sign-out").await.expect(405);
    assert!(is_signed_in(&ana).await);
}

#[tokio::test]
async fn signing_out_ends_no_other_session() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let elsewhere = app.browser();
    elsewhere.sign_in(&ana.user().username, PASSWORD).await.expect(303);
    elsewhere.post("/sign-out", &[]).await.expect(303);
    assert!(is_signed_in(&ana).await);
}

#[tokio::test]
async fn an_hour_without_a_request_ends_it() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    for _ in 0..3 {
        app.advance(TimeDelta::minutes(59));
        assert!(is_signed_in(&ana).await, "in use");
    }
    app.advance(TimeDelta::minutes(61));
    assert!(!is_signed_in(&ana).await);
}

#[tokio::test]
async fn twelve_hours_end_it_in_any_case() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    for _ in 0..23 {
        app.advance(TimeDelta::minutes(30));
        assert!(is_signed_in(&ana).await, "in use");
    }
    app.advance(TimeDelta::minutes(30));
    assert!(!is_signed_in(&ana).await);
}

#[tokio::test]
async fn the_limits_are_those_of_the_site() {
    let app = TestApp::start_with(|site| site.limits.idle = Duration::from_secs(60)).await;
    let ana = app.super_admin().await;
    app.advance(TimeDelta::seconds(66));
    assert!(!is_signed_in(&ana).await);
}

#[tokio::test]
async fn a_session_in_use_goes_on_and_an_idle_one_ends_in_its_time() {
    for minutes in [1, 2, 5, 30] {
        let idle = TimeDelta::minutes(minutes);
        // The last use is written only so often.
        let slack = (idle / 10).min(TimeDelta::minutes(1));
        let app = TestApp::start_with(|site| {
            site.limits.idle = idle.to_std().expect("a duration");
        })
        .await;
        let (ana, ben) = (app.super_admin().await, app.person(&[]).await);
        // In steps that no interval divides, for four times the idle time.
        let pauses = (0..).map(|number| TimeDelta::seconds(20 + number * 13 % 40));
        let mut passed = TimeDelta::zero();
        for pause in pauses {
            app.advance(pause);
            passed += pause;
            for person in [&ana, &ben] {
                assert!(is_signed_in(person).await, "{minutes} minutes: in use");
            }
            if passed > idle * 4 {
                break;
            }
        }
        app.advance(idle - TimeDelta::seconds(1));
        assert!(is_signed_in(&ana).await, "{minutes} minutes: not yet over");
        app.advance(TimeDelta::seconds(1) + slack);
        assert!(!is_signed_in(&ben).await, "{minutes} minutes: over");
        assert!(is_signed_in(&ana).await, "{minutes} minutes: in use again");
        app.run_due_work().await;
        let left = app.rows("SELECT user_id FROM sessions").await;
        assert_eq!(left, [[ana.user().id.to_string()]], "{minutes} minutes");
    }
}

#[tokio::test]
async fn those_that_are_over_leave_the_database() {
    let app = TestApp::start().await;
    app.advance(TimeDelta::minutes(50));
    let ben = app.person(&[]).await;
    app.advance(TimeDelta::minutes(50));
    app.run_due_work().await;
    assert_eq!(app.rows("SELECT user_id FROM sessions").await, [[ben.user().id.to_string()]]);
    assert!(is_signed_in(&ben).await);
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_of_the_user() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let ben = app.person(&[]).await;
    let hash = app.hasher.hash("another good password".into()).await.expect("a hash");
    let by = connectory::access::Actor::command_line();
    let (mut conn, now) = (app.conn().await, app.clock.now());
    let change = &mut connectory::audit::Change { conn: &mut conn, by: &by, now };
    connectory::accounts::set_password(change, &ben.user().username, &hash).await.expect("a new password");
    assert!(!is_signed_in(&ben).await);
    assert!(is_signed_in(&ana).await);
    app.browser().sign_in(&ben.user().username, PASSWORD).await.expect(422);
    app.browser().sign_in(&ben.user().username, "another good password").await.expect(303);
}

#[tokio::test]
async fn a_made_up_cookie_is_nobody() {
    let app = TestApp::start().await;
    app.founded().await;
    let made_up = URL_SAFE_NO_PAD.encode([7; 32]);
    for cookie in [made_up.as_str(), "x", "", "!!!", &"A".repeat(3000)] {
        let visitor = app.browser();
        visitor.set_cookie(SESSION_COOKIE, cookie);
        assert!(!is_signed_in(&visitor).await, "{cookie}");
    }
}

#[tokio::test]
async fn a_session_key_counts_with_its_signature_only() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let ana = app.super_admin().await;
    let cookie = ana.cookie(SESSION_COOKIE).expect("a session");
    let signed_elsewhere = other.super_admin().await.cookie(SESSION_COOKIE).expect("a session");
    let (signature, _) = signed_elsewhere.split_at(signed_elsewhere.len() - ana.session_key().len());
    let altered = cookie.replacen(|letter: char| letter.is_ascii_lowercase(), "A", 1);
    for forged in [ana.session_key(), altered, format!("{signature}{}", ana.session_key())] {
        let thief = app.browser();
        thief.set_cookie(SESSION_COOKIE, &forged);
        assert!(!is_signed_in(&thief).await, "{forged}");
    }
    assert!(is_signed_in(&ana).await);
}

#[tokio::test]
async fn what_the_store_cannot_save_or_end_is_answered_with_a_page_and_all_headers() {
    let app = TestApp::start().await;
    let (ana, ben) = (app.super_admin().await, app.user(&[]).await);
    app.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT OR DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    let begun = app.browser().sign_in(&ben.username, PASSWORD).await.expect(500);
    let ended = ana.post("/sign-out", &[]).await.expect(500);
    for page in [&begun, &ended] {
        assert_eq!(page.h1(), "There is a problem with Connectory");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(page.header("cache-control"), "no-store");
    }
    assert!(is_signed_in(&ana).await, "the session has not ended");
    let recorded = "SELECT count(*) FROM audit_events WHERE kind = 'session.started' AND actor_id = ";
    assert_eq!(app.count(&format!("{recorded} '{}'", ben.id)).await, 0, "in one transaction with the session");
}

#[tokio::test]
async fn a_page_says_that_the_database_is_away_and_a_file_needs_none() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let page = ana.get("/connectors").await.expect(200);
    let file = page.attribute("link[rel=stylesheet]", "href").expect("a style sheet");
    app.take_database_away().await;
    let page = ana.get("/connectors").await.expect(503);
    assert_eq!(page.h1(), "Connectory cannot reach its database");
    assert_eq!(page.header("retry-after"), "5");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for open in [file.as_str(), "/healthz"] {
        ana.get(open).await.expect(200);
    }
    app.give_database_back().await;
}

#[tokio::test]
async fn an_outcome_is_shown_once_and_cannot_be_made_up() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let page = ana.get("/connectors/new").await;
    let page =
        page.submit(|form| form.set("connector_name", "Payroll").set("description", "Salaries")).await.expect(303);
    assert_eq!(page.follow().await.flash(), "The Data Connector was created");
    assert_eq!(page.follow().await.flash(), "");

    let text = URL_SAFE_NO_PAD.encode("<b>Send your password to evil.example</b>");
    for signature in ["", "AAAA", &ana.csrf().await] {
        ana.set_cookie("connectory-flash", &format!("{text}.{signature}"));
        assert!(!ana.get("/connectors").await.html.contains("evil.example"));
    }
}

//! The provider itself: found by its issuer, kept in memory, its keys changing, and down.

use chrono::TimeDelta;
use serde_json::json;

use super::{Staff, site_of_nobody};
use crate::support::PASSWORD;

const DESCRIPTION: &str = "/.well-known/openid-configuration";

#[tokio::test]
async fn it_is_asked_for_its_description_once_an_hour_and_not_at_the_start() {
    let staff = Staff::start().await;
    staff.app.browser().get("/sign-in").await.expect(200);
    assert_eq!(staff.provider.asked(DESCRIPTION), 0);
    for _ in 0..3 {
        staff.come(&staff.app.browser()).await.expect(303);
    }
    assert_eq!((staff.provider.asked(DESCRIPTION), staff.provider.asked("/jwks")), (1, 1));
    staff.app.advance(TimeDelta::minutes(61));
    staff.come(&staff.app.browser()).await.expect(303);
    assert_eq!((staff.provider.asked(DESCRIPTION), staff.provider.asked("/jwks")), (2, 2));
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_needed_and_no_more_than_once_a_minute() {
    let staff = Staff::start().await;
    staff.come(&staff.app.browser()).await.expect(303);
    staff.app.advance(TimeDelta::minutes(2));
    staff.provider.rotate("second");
    staff.come(&staff.app.browser()).await.expect(303);
    assert_eq!(staff.provider.asked("/jwks"), 2);
    // Whoever invents keys does not make the provider be asked each time.
    for name in ["third", "fourth", "fifth"] {
        staff.provider.rotate(name);
        let page = staff.come(&staff.app.browser()).await.expect(400);
        assert_eq!(page.h1(), "The provider’s answer cannot be believed");
    }
    assert_eq!(staff.provider.asked("/jwks"), 2);
    staff.app.advance(TimeDelta::minutes(2));
    staff.come(&staff.app.browser()).await.expect(303);
    assert_eq!(staff.provider.asked("/jwks"), 3);
}

#[tokio::test]
async fn a_provider_that_is_down_hinders_nobody_else() {
    let app = site_of_nobody().await;
    let local = app.user(&[]).await;
    let browser = app.browser();
    let page = browser.get("/sign-in").await.expect(200);
    let page = page.form("/sign-in/attempts").send().await.expect(200);
    assert_eq!(page.h1(), "The provider cannot be reached");
    assert!(page.text().contains("127.0.0.1:1"), "{}", page.text());
    assert!(page.has_form("/sign-in/attempts") && page.has_link("Go to the sign-in page"));
    assert_eq!(page.header("refresh"), "");
    assert_eq!(app.count("SELECT count(*) FROM authorization_requests").await, 0);
    browser.sign_in(&local.username, PASSWORD).await.expect(303);
}

#[tokio::test]
async fn a_provider_that_fails_is_left_alone_for_a_moment_and_then_asked_again() {
    let staff = Staff::start().await;
    staff.provider.break_down(DESCRIPTION, 503);
    let browser = staff.app.browser();
    for _ in 0..5 {
        let page = browser.get("/sign-in").await.form("/sign-in/attempts").send().await;
        assert_eq!(page.h1(), "The provider cannot be reached");
    }
    assert_eq!(staff.provider.asked(DESCRIPTION), 1);
    staff.provider.break_down(DESCRIPTION, 200);
    staff.app.advance(TimeDelta::seconds(11));
    staff.come(&browser).await.expect(303);
}

#[tokio::test]
async fn what_was_known_still_counts_while_the_description_fails() {
    let staff = Staff::start().await;
    staff.come(&staff.app.browser()).await.expect(303);
    staff.provider.break_down(DESCRIPTION, 500);
    staff.app.advance(TimeDelta::hours(2));
    staff.come(&staff.app.browser()).await.expect(303);
}

#[tokio::test]
async fn each_part_that_fails_has_its_page_and_nothing_is_half_done() {
    let staff = Staff::start().await;
    staff.provider.person(json!({"sub": "1", "name": "Ben"}));
    staff.provider.more(json!({"preferred_username": "ben"}));
    for (path, title) in [("/userinfo", "The provider cannot be reached"), ("/token", "The provider refused")] {
        staff.provider.break_down(path, 500);
        let page = staff.come(&staff.app.browser()).await.expect(200);
        assert_eq!(page.h1(), title);
        staff.provider.break_down(path, 200);
    }
    assert_eq!(staff.sessions().await, 0);
    staff.come(&staff.app.browser()).await.expect(303);
    assert_eq!(staff.app.count("SELECT count(*) FROM users WHERE username = 'ben'").await, 1);
}

#[tokio::test]
async fn a_description_of_somebody_else_or_without_addresses_is_not_used() {
    for wrong in [
        json!({"issuer": "https://evil.example"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"token_endpoint": null}),
        json!({"jwks_uri": 7}),
    ] {
        let staff = Staff::start().await;
        staff.provider.describe(wrong.clone());
        let page = staff.app.browser().get("/sign-in").await;
        let page = page.form("/sign-in/attempts").send().await;
        assert_eq!(page.h1(), "The provider cannot be reached", "{wrong}");
        assert_eq!(page.header("refresh"), "");
    }
}

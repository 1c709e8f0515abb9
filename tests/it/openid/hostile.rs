//! Answers that bring nobody in: forged, repeated, late, somebody else's, and a provider that says what is not to be
//! believed.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Staff;
use crate::support::identity_provider::{Signing, query};
use crate::support::{Browser, Page};

/// Nobody has come in, and the page says why and has a way on.
async fn refused(staff: &Staff, browser: &Browser, page: Page, title: &str) -> Page {
    assert_eq!(page.h1(), title, "{}", page.text());
    assert!([200, 400].contains(&page.status), "{}", page.status);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.has_form("/sign-in/attempts") && page.has_link("Go to the sign-in page"));
    for secret in ["the-access-token", "s3cret", "code=", "eyJ0eXAi"] {
        assert!(!page.html.contains(secret), "{secret}: {}", page.html);
    }
    browser.get("/profile").await.expect(303);
    assert_eq!(staff.sessions().await, 0);
    page
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_for_ten_minutes() {
    let staff = Staff::start().await;
    let (ben, thief) = (staff.app.browser(), staff.app.browser());
    thief.get("/sign-in").await;

    let answer = staff.provider.answer(&staff.leave(&ben).await);
    let page = staff.follow(&thief, &answer).await;
    refused(&staff, &thief, page, "This sign-in began in another session").await;

    staff.follow(&ben, &answer).await.expect(303);
    staff.app.sql("DELETE FROM sessions").await;
    let page = staff.follow(&ben, &answer).await;
    refused(&staff, &ben, page, "This response was used already").await;
    assert_eq!(staff.provider.asked("/token"), 1);

    let answer = staff.provider.answer(&staff.leave(&ben).await);
    staff.app.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let page = staff.follow(&ben, &answer).await;
    refused(&staff, &ben, page, "This response came too late").await;
    assert_eq!(staff.provider.asked("/token"), 1);
}

#[tokio::test]
async fn whoever_goes_back_to_an_answer_is_still_signed_in() {
    let staff = Staff::start().await;
    let ben = staff.app.browser();
    let answer = staff.provider.answer(&staff.leave(&ben).await);
    staff.follow(&ben, &answer).await.expect(303);
    let page = staff.follow(&ben, &answer).await.expect(400);
    assert_eq!(page.h1(), "This response was used already");
    assert!(page.has_link("Go to the home page"));
    ben.get("/profile").await.expect(200);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_taken() {
    let staff = Staff::start().await;
    let ben = staff.app.browser();
    let request = staff.leave(&ben).await;
    let state = query(&request)["state"].clone();
    for (answer, title) in [
        ("".to_string(), "There is no response in this address"),
        ("?code=x".to_string(), "This sign-in could not be completed"),
        ("?code=x&state=forged".to_string(), "This sign-in could not be completed"),
        (format!("?code=x&state={state}&state={state}"), "There is no response in this address"),
    ] {
        let page = ben.get(&format!("/sign-in/callback{answer}")).await;
        refused(&staff, &ben, page, title).await;
    }
    assert_eq!(staff.provider.asked("/token"), 0);
}

#[tokio::test]
async fn another_servers_answer_is_not_taken() {
    let staff = Staff::start().await;
    let ben = staff.app.browser();
    for iss in [None, Some("https://evil.example"), Some("")] {
        let request = staff.leave(&ben).await;
        let (state, back) = (query(&request)["state"].clone(), query(&request)["redirect_uri"].clone());
        let iss = iss.map(|iss| format!("&iss={iss}")).unwrap_or_default();
        let page = staff.follow(&ben, &format!("{back}?code=x&state={state}{iss}")).await;
        refused(&staff, &ben, page, "This response comes from another server").await;
    }
    assert_eq!(staff.provider.asked("/token"), 0);
}

#[tokio::test]
async fn the_providers_no_is_shown_with_its_words() {
    let staff = Staff::start().await;
    let ben = staff.app.browser();
    for (error, words, title) in [
        ("access_denied", "Ben does not want <b>it</b>", "Access was denied"),
        ("server_error", "later", "The server refused"),
    ] {
        let request = staff.leave(&ben).await;
        let answer = staff.provider.back(&request, &[("error", error), ("error_description", words)]);
        let page = staff.follow(&ben, &answer).await.expect(200);
        let page = refused(&staff, &ben, page, title).await;
        assert!(page.text().contains(words) && page.text().contains(error), "{}", page.text());
        assert!(!page.html.contains("<b>it"));
    }
    // A code that the provider does not know.
    let request = staff.leave(&ben).await;
    let answer = staff.provider.back(&request, &[("code", "made-up")]);
    let page = staff.follow(&ben, &answer).await.expect(200);
    refused(&staff, &ben, page, "The provider refused").await;
}

#[tokio::test]
async fn an_id_token_counts_only_if_all_of_it_fits() {
    let staff = Staff::start().await;
    let now = staff.app.clock.now().timestamp();
    let (unbelievable, clock) = ("The provider’s answer cannot be believed", "The clocks do not agree");
    let cases: [(&'static str, Value, &str); 16] = [
        ("nonce", json!("another"), unbelievable),
        ("nonce", Value::Null, unbelievable),
        ("aud", json!("other"), unbelievable),
        ("aud", json!(["connectory", "other"]), unbelievable),
        ("azp", json!("other"), unbelievable),
        ("iss", json!("https://evil.example"), unbelievable),
        ("sub", json!(""), unbelievable),
        ("sub", Value::Null, unbelievable),
        ("at_hash", json!("x"), unbelievable),
        ("exp", Value::Null, unbelievable),
        ("iat", Value::Null, unbelievable),
        ("exp", json!(now - 120), clock),
        ("exp", json!(0), clock),
        ("iat", json!(now + 600), clock),
        ("iat", json!(now - 7200), clock),
        ("nbf", json!(now + 600), clock),
    ];
    for (name, value, title) in cases {
        let ben = staff.app.browser();
        let what = format!("{name}: {value}");
        staff.provider.twist(move |claims| match &value {
            Value::Null => _ = claims.as_object_mut().expect("an object").remove(name),
            value => claims[name] = value.clone(),
        });
        let page = staff.come(&ben).await;
        assert_eq!(page.h1(), title, "{what}");
        refused(&staff, &ben, page, title).await;
    }
    staff.provider.twist(|_| ());
    staff.come(&staff.app.browser()).await.expect(303);
}

#[tokio::test]
async fn an_id_token_counts_only_with_the_providers_signature() {
    let staff = Staff::start().await;
    for signing in [Signing::Foreign, Signing::None, Signing::Hmac] {
        staff.provider.sign(signing);
        let ben = staff.app.browser();
        let page = staff.come(&ben).await.expect(400);
        refused(&staff, &ben, page, "The provider’s answer cannot be believed").await;
    }
    staff.provider.sign(Signing::Own);
    staff.come(&staff.app.browser()).await.expect(303);
}

#[tokio::test]
async fn another_persons_userinfo_is_not_taken() {
    let staff = Staff::start().await;
    staff.provider.person(json!({"sub": "1"}));
    staff.provider.more(json!({"sub": "2", "preferred_username": "root"}));
    let ben = staff.app.browser();
    let page = staff.come(&ben).await.expect(400);
    refused(&staff, &ben, page, "The provider’s answer cannot be believed").await;
    assert_eq!(staff.app.count("SELECT count(*) FROM identities").await, 0);
}

#[tokio::test]
async fn departures_are_braked_by_address() {
    let staff = Staff::start().await;
    let ben = staff.app.browser();
    let csrf = ben.csrf().await;
    let press = async || ben.post_exactly("/sign-in/attempts", &[("csrf", &csrf)]).await;
    // All at once: one more comes back with every second that passes.
    let pages = futures_util::future::join_all((0..240).map(|_| press())).await;
    let held: Vec<_> = pages.iter().filter(|page| page.status == 429).collect();
    assert!((1..=120).contains(&held.len()), "{}", held.len());
    assert!(held.iter().all(|page| !page.header("retry-after").is_empty()));
    // Somebody with a password is not held up by it.
    let local = staff.app.user(&[]).await;
    staff.app.browser().sign_in(&local.username, crate::support::PASSWORD).await.expect(303);
    staff.app.advance(TimeDelta::seconds(2));
    press().await.expect(200);
}

//! Connecting an account that is there already with the provider's, on the profile, and taking the two apart.

use serde_json::json;

use super::{Staff, leads_to};
use crate::people::history;
use crate::support::identity_provider::query;
use crate::support::{Browser, PASSWORD, Page};

const PAGE: &str = "/profile/provider";
const CONNECT: &str = "/profile/provider/attempts";

/// Fills in the form of the page with the own password.
async fn leave(browser: &Browser) -> String {
    let page = browser.get(PAGE).await.expect(200);
    let form = page.form(CONNECT).set("own_password", PASSWORD);
    leads_to(&form.send().await)
}

async fn connect(staff: &Staff, browser: &Browser) -> Page {
    let request = leave(browser).await;
    staff.follow(browser, &staff.provider.answer(&request)).await
}

#[tokio::test]
async fn an_account_is_connected_on_the_profile_and_keeps_its_password() {
    let staff = Staff::start().await;
    let ana = staff.app.person(&[]).await;
    let page = ana.get("/profile").await.click("Sign in with Staff login").await.expect(200);
    assert!(page.text().contains("is not connected"));
    let page = connect(&staff, &ana).await.expect(303).follow().await;
    assert_eq!(page.flash(), "Your account is connected with Staff login");
    assert!(page.text().contains("Connected on"));
    let lines = history(&staff.app, ana.user().id).await;
    assert_eq!(lines.last().expect("a line").0, "identity.connected");

    let other = staff.app.browser();
    staff.come(&other).await.expect(303);
    assert!(other.get("/profile").await.text().contains(&ana.user().name));
    staff.app.browser().sign_in(&ana.user().username, PASSWORD).await.expect(303);
    assert_eq!(staff.app.count("SELECT count(*) FROM users WHERE username = 'ana'").await, 0);
}

#[tokio::test]
async fn connecting_asks_for_the_own_password_and_a_new_sign_in_there() {
    let staff = Staff::start().await;
    let ana = staff.app.person(&[]).await;
    for (password, message) in [("", "Enter your password"), ("wrong", "This is not your password")] {
        let page = ana.get(PAGE).await;
        let page = page.form(CONNECT).set("own_password", password).send().await.expect(422);
        assert_eq!(page.field_error("own_password").as_deref(), Some(message));
        assert_eq!(page.header("refresh"), "");
    }
    let request = leave(&ana).await;
    let asked = query(&request);
    assert_eq!((asked["prompt"].as_str(), asked["max_age"].as_str()), ("login", "0"));
    // Somebody who was signed in there an hour ago need not be she.
    let long_ago = staff.app.clock.now().timestamp() - 3600;
    for time in [json!(long_ago), json!(null)] {
        staff.provider.twist(move |claims| claims["auth_time"] = time.clone());
        let page = ana.get(PAGE).await.form(CONNECT).send().await;
        let page = staff.follow(&ana, &staff.provider.answer(&leads_to(&page))).await.expect(400);
        assert_eq!(page.h1(), "The provider did not ask who you are");
    }
    assert_eq!(staff.app.count("SELECT count(*) FROM identities").await, 0);
}

#[tokio::test]
async fn one_person_there_is_one_account_here() {
    let staff = Staff::start().await;
    let (ana, ben) = (staff.app.person(&[]).await, staff.app.person(&[]).await);
    connect(&staff, &ana).await.expect(303);
    let page = connect(&staff, &ben).await.expect(409);
    assert_eq!(page.h1(), "This is another account");
    // Nor does another person of the provider come to her account.
    staff.provider.person(json!({"sub": "other", "preferred_username": "other"}));
    staff.app.advance(chrono::TimeDelta::minutes(20));
    let page = ana.get(PAGE).await.expect(200);
    assert!(!page.has_form(CONNECT));
    let csrf = ana.csrf_of(PAGE).await;
    let fields = [("csrf", csrf.as_str()), ("own_password", PASSWORD)];
    let request = leads_to(&ana.post_exactly(CONNECT, &fields).await);
    let page = staff.follow(&ana, &staff.provider.answer(&request)).await.expect(409);
    assert_eq!(page.h1(), "This is another account");
    assert_eq!(staff.app.count("SELECT count(*) FROM identities").await, 1);
}

#[tokio::test]
async fn an_attempt_to_connect_signs_nobody_in() {
    let staff = Staff::start().await;
    let ana = staff.app.person(&[]).await;
    let answer = staff.provider.answer(&leave(&ana).await);
    let thief = staff.app.person(&[]).await;
    let page = staff.follow(&thief, &answer).await.expect(400);
    assert_eq!(page.h1(), "This sign-in began in another session");
    // Nor does it count after she has signed out.
    ana.post("/sign-out", &[]).await.expect(303);
    let page = staff.follow(&ana, &answer).await.expect(400);
    assert_eq!(page.h1(), "This sign-in began in another session");
    assert_eq!(staff.app.count("SELECT count(*) FROM identities").await, 0);
}

#[tokio::test]
async fn the_two_are_taken_apart_unless_it_is_the_only_way_in() {
    let staff = Staff::start().await;
    let ana = staff.app.person(&[]).await;
    connect(&staff, &ana).await.expect(303);
    let page = ana.get(PAGE).await;
    let page = page.form("/profile/provider/removals").send().await.expect(303).follow().await;
    assert_eq!(page.flash(), "Your account is not connected with Staff login any more");
    let lines = history(&staff.app, ana.user().id).await;
    assert_eq!(lines.last().expect("a line").0, "identity.disconnected");

    let (ben, page) = staff.arrive(json!({"sub": "1", "preferred_username": "ben"})).await;
    page.expect(303);
    let page = ben.get(PAGE).await.expect(200);
    assert!(page.text().contains("this is your only way to sign in"));
    assert!(!page.has_form("/profile/provider/removals"));
    let csrf = ben.csrf_of(PAGE).await;
    let page = ben.post_exactly("/profile/provider/removals", &[("csrf", &csrf)]).await;
    page.expect(422);
    assert_eq!(staff.app.count("SELECT count(*) FROM identities").await, 1);
}

#[tokio::test]
async fn whoever_manages_users_takes_the_two_apart_and_ends_the_sessions() {
    let staff = Staff::start().await;
    let claims = json!({"sub": "1", "preferred_username": "ben", "name": "Ben"});
    let (ben, page) = staff.arrive(claims.clone()).await;
    page.expect(303);
    let id = staff.user("ben").await;
    let manager = staff.app.person(&[connectory::access::Permission::ManageUsers]).await;
    let page = manager.get(&format!("/users/{id}")).await.expect(200);
    let page = page.click("Disconnect from the sign-in provider").await.expect(200);
    assert!(page.text().contains("Ben has no password"), "{}", page.text());
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The user is not connected with the sign-in provider any more");
    assert!(!page.has_link("Disconnect from the sign-in provider"));
    ben.get("/profile").await.expect(303);
    // The account is nobody's now, and is not given to whoever is called like that.
    let (_, page) = staff.arrive(claims).await;
    page.expect(409);
    let lines = history(&staff.app, id).await;
    let last = lines.last().expect("a line");
    assert_eq!(last.0, "identity.disconnected");
    assert!(last.1.contains("Sessions: 1 > "), "{}", last.1);

    let admin = staff.app.super_admin().await;
    let address = format!("/users/{}/disconnections", admin.user().id);
    manager.get(&address).await.expect(403);
    manager.post(&address, &[]).await.expect(403);
    admin.post(&address, &[]).await.expect(409);
}

//! Somebody without a password shows by the provider that it is still them, where others enter their own password.

use chrono::TimeDelta;
use connectory::access::Permission::{CallConnectors, ManageUsers, ViewConnectors};
use serde_json::json;

use super::{Staff, leads_to};
use crate::people::{group, put_user};

const PAGE: &str = "/profile/provider";

#[tokio::test]
async fn a_new_sign_in_there_counts_like_the_own_password_for_fifteen_minutes() {
    let staff = Staff::start().await;
    let callers = group(&staff.app, "Callers", &[CallConnectors, ViewConnectors]).await;
    let claims = json!({"sub": "1", "preferred_username": "ben"});
    let (ben, _) = staff.arrive(claims).await;
    put_user(&staff.app, callers, staff.user("ben").await).await;

    let page = ben.get("/profile/keys/new").await.expect(200);
    let page = page.submit(|form| form.set("own_password", "anything")).await.expect(422);
    let message = page.field_error("own_password").expect("a message");
    assert!(message.contains("You have no password here."), "{message}");

    let page = ben.get(PAGE).await.expect(200);
    let page = page.form("/profile/provider/attempts").send().await;
    let answer = staff.provider.answer(&leads_to(&page));
    let page = staff.follow(&ben, &answer).await.expect(303).follow().await;
    assert_eq!(page.flash(), "Staff login confirmed that it’s you. You won’t be asked again for 15 minutes");
    let asks = async || {
        let page = ben.get("/profile/keys/new").await.expect(200);
        page.all("#own_password").next().is_some()
    };
    assert!(!asks().await);
    staff.app.advance(TimeDelta::minutes(16));
    assert!(asks().await);
}

#[tokio::test]
async fn somebody_without_a_password_is_told_the_way_and_loses_nothing_that_was_typed() {
    let staff = Staff::start().await;
    let managers = group(&staff.app, "Managers", &[ManageUsers]).await;
    let claims = json!({"sub": "1", "preferred_username": "ben"});
    let (ben, _) = staff.arrive(claims).await;
    put_user(&staff.app, managers, staff.user("ben").await).await;
    let page = ben.get("/groups/new").await.expect(200);
    let form = page.main_form().set("group_name", "Finance");
    let kept = form.send_once().await.expect(422);
    let message = kept.field_error("own_password").expect("a message");
    assert!(message.contains("You have no password here."), "{message}");
    assert!(kept.has_link("the sign-in provider on your profile"));

    let page = ben.get(PAGE).await.expect(200);
    let page = page.form("/profile/provider/attempts").send().await;
    let answer = staff.provider.answer(&leads_to(&page));
    staff.follow(&ben, &answer).await.expect(303);
    // The page that was left open goes on.
    kept.form("/groups").send_once().await.expect(303);
    let made = "SELECT count(*) FROM groups WHERE name = 'Finance'";
    assert_eq!(staff.app.count(made).await, 1);
}

#[tokio::test]
async fn another_person_there_does_not_count() {
    let staff = Staff::start().await;
    let (ben, _) = staff.arrive(json!({"sub": "1", "preferred_username": "ben"})).await;
    let page = ben.get(PAGE).await.form("/profile/provider/attempts").send().await;
    staff.provider.person(json!({"sub": "2", "preferred_username": "eve"}));
    let page = staff.follow(&ben, &staff.provider.answer(&leads_to(&page))).await.expect(409);
    assert_eq!(page.h1(), "This is another account");
    let confirmed = "SELECT count(*) FROM sessions WHERE confirmed_at IS NOT NULL";
    assert_eq!(staff.app.count(confirmed).await, 0);
}

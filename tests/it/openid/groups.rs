//! Groups that the provider fills: by the claim value on a group's page, renewed at every sign-in.

use connectory::access::Permission::{ManageUsers, ViewConnectors};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Staff;
use crate::people::{group, history, put_user};
use crate::support::Browser;

/// Ben with these groups.
async fn ben(staff: &Staff, groups: Value) -> Browser {
    let claims = json!({"sub": "1", "preferred_username": "ben", "name": "Ben Okafor", "groups": groups});
    let (browser, page) = staff.arrive(claims).await;
    page.expect(303);
    browser
}

async fn filled_by(staff: &Staff, name: &str, value: &str) -> Uuid {
    let id = group(&staff.app, name, &[ViewConnectors]).await;
    staff.app.sql(&format!("UPDATE groups SET claim_value = '{value}' WHERE id = '{id}'")).await;
    id
}

async fn members(staff: &Staff, group: Uuid) -> Vec<String> {
    let query = format!(
        "SELECT u.username || CASE WHEN m.by_claim THEN ' by claim' ELSE '' END FROM group_users m JOIN users u ON u.id = m.user_id WHERE group_id = '{group}' ORDER BY 1"
    );
    staff.app.rows(&query).await.concat()
}

#[tokio::test]
async fn memberships_follow_the_claim_at_every_sign_in() {
    let staff = Staff::start().await;
    let books = filled_by(&staff, "Accounting", "cn=books").await;
    let second = filled_by(&staff, "Also accounting", "cn=books").await;
    let other = filled_by(&staff, "Other", "cn=other").await;
    let plain = filled_by(&staff, "Plain", "").await;

    let browser = ben(&staff, json!(["cn=books", "", "cn=unknown"])).await;
    browser.get("/connectors").await.expect(200);
    assert_eq!(members(&staff, books).await, ["ben by claim"]);
    assert_eq!(members(&staff, second).await, ["ben by claim"]);
    assert!(members(&staff, other).await.is_empty() && members(&staff, plain).await.is_empty());

    ben(&staff, json!("cn=other")).await;
    assert!(members(&staff, books).await.is_empty());
    assert_eq!(members(&staff, other).await, ["ben by claim"]);
    let lines = history(&staff.app, books).await;
    assert_eq!(
        lines,
        [
            ("group.member_added".into(), "Members:  > Ben Okafor (ben); By claim:  > cn=books".into()),
            ("group.member_removed".into(), "Members: Ben Okafor (ben) > ; By claim: cn=books > ".into()),
        ]
    );

    // No claim at all is no group.
    let (browser, page) = staff.arrive(json!({"sub": "1", "preferred_username": "ben"})).await;
    page.expect(303);
    assert!(members(&staff, other).await.is_empty());
    browser.get("/connectors").await.expect(403);
}

#[tokio::test]
async fn a_membership_made_by_hand_stays_whatever_the_provider_says() {
    let staff = Staff::start().await;
    let books = filled_by(&staff, "Accounting", "cn=books").await;
    ben(&staff, json!([])).await;
    put_user(&staff.app, books, staff.user("ben").await).await;
    ben(&staff, json!(["cn=books"])).await;
    assert_eq!(members(&staff, books).await, ["ben"]);
    ben(&staff, json!([])).await;
    assert_eq!(members(&staff, books).await, ["ben"]);
    assert!(history(&staff.app, books).await.is_empty());
}

#[tokio::test]
async fn groups_count_from_the_userinfo_endpoint_too_and_nobody_loses_them_while_it_fails() {
    let staff = Staff::start().await;
    let books = filled_by(&staff, "Accounting", "cn=books").await;
    staff.provider.more(json!({"groups": ["cn=books"], "name": "Not this one"}));
    let claims = json!({"sub": "1", "preferred_username": "ben", "name": "Ben"});
    let (browser, page) = staff.arrive(claims.clone()).await;
    page.expect(303);
    assert_eq!(members(&staff, books).await, ["ben by claim"]);
    assert!(browser.get("/profile").await.text().contains("Ben"));
    assert!(!browser.get("/profile").await.text().contains("Not this one"));
    staff.provider.break_down("/userinfo", 500);
    let (_, page) = staff.arrive(claims).await;
    page.expect(200);
    assert_eq!(members(&staff, books).await, ["ben by claim"]);
}

#[tokio::test]
async fn nobody_becomes_a_super_admin_by_a_claim() {
    let staff = Staff::start().await;
    let claims =
        json!({"sub": "1", "preferred_username": "ben", "super_admin": true, "groups": ["super-admin", "Super Admin"]});
    let (browser, page) = staff.arrive(claims).await;
    page.expect(303);
    browser.get("/users").await.expect(403);
    let admins = staff.app.count("SELECT count(*) FROM users WHERE super_admin AND username = 'ben'").await;
    assert_eq!(admins, 0);
}

#[tokio::test]
async fn the_value_is_set_on_the_groups_page_and_shown_with_the_members() {
    let staff = Staff::start().await;
    let ana = staff.app.person(&[ManageUsers]).await;
    let page = ana.get("/groups/new").await.expect(200);
    assert!(page.text().contains("People who sign in with Staff login"), "{}", page.text());
    let page =
        page.submit(|form| form.set("group_name", "Accounting").set("claim_value", " cn=books ")).await.expect(303);
    let books: Uuid = staff.app.value("SELECT id FROM groups").await.parse().expect("an id");
    drop(page);
    assert_eq!(staff.app.value("SELECT claim_value FROM groups").await, "cn=books");
    ben(&staff, json!(["cn=books"])).await;

    let address = format!("/groups/{books}");
    let page = ana.get(&format!("{address}/members")).await.expect(200);
    assert_eq!(page.rows()[0][1], "User, by claim");
    let member = page.attribute("input[name=member]", "value").expect("a member");
    let page = ana.post(&format!("{address}/removals"), &[("member", &member)]).await;
    assert!(page.text().contains("becomes one again at the next sign-in"), "{}", page.text());
    let user = staff.user("ben").await;
    let page = ana.get(&format!("/users/{user}")).await.expect(200);
    assert!(page.text().contains("Accounting (by claim, renewed at every sign-in)"), "{}", page.text());
    assert!(page.text().contains("Connected on"), "{}", page.text());
    let list = ana.get("/users?q=ben").await;
    assert!(!list.rows()[0].concat().contains("No password"), "{:?}", list.rows());

    let page = ana.get(&address).await.expect(200);
    assert_eq!(page.field_value("claim_value"), "cn=books");
    for (wrong, message) in [
        ("x".repeat(256), "Claim value must be 255 characters or fewer"),
        ("a\tb".into(), "Claim value must be on one line"),
    ] {
        let page = ana.get(&address).await;
        let page = page.form(&address).set("claim_value", &wrong).send().await.expect(422);
        assert_eq!(page.field_error("claim_value").as_deref(), Some(message));
    }
    let page = ana.get(&address).await.form(&address).set("claim_value", "cn=ledgers").send().await;
    page.expect(303);
    let last = history(&staff.app, books).await.pop().expect("a line");
    assert_eq!(last, ("group.saved".into(), "Claim value: cn=books > cn=ledgers".into()));
}

#[tokio::test]
async fn without_a_groups_claim_the_value_is_not_asked_for_and_stays() {
    let staff = Staff::with(|settings| settings.groups_claim = None).await;
    let books = filled_by(&staff, "Accounting", "cn=books").await;
    let ana = staff.app.super_admin().await;
    let address = format!("/groups/{books}");
    let page = ana.get(&address).await.expect(200);
    assert!(page.all("#claim_value").next().is_none());
    page.form(&address).set("description", "Books").send().await.expect(303);
    assert_eq!(staff.app.value("SELECT claim_value FROM groups").await, "cn=books");
    ben(&staff, json!(["cn=books"])).await;
    assert!(members(&staff, books).await.is_empty());
}

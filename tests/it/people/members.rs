//! Who is in a group: adding by search, removing, and lists of thousands.

use connectory::access::Permission::ViewConnectors;
use uuid::Uuid;

use super::{group, history, manager, put_group, put_user};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn users_and_groups_are_found_ticked_and_added_without_scripts() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let finance = group(&app, "Finance", &[ViewConnectors]).await;
    let accounting = group(&app, "Accounting Okafor", &[]).await;
    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    app.user_named("carl", "Carl", &[]).await;
    let page = boss.get(&format!("/groups/{finance}/members")).await.expect(200);
    assert!(page.text().contains("No members yet"));
    let page = page.click("Add the first members").await.expect(200);
    let page = page.submit(|form| form.set("q", "okafor")).await.expect(200);
    assert_eq!(strs(&page.choices("member")), ["Accounting Okafor (group)", "Ben Okafor (ben)"]);
    let way = format!("/groups/{finance}/members");
    let page = page
        .form(&way)
        .tick("member", &format!("user.{}", ben.id))
        .tick("member", &format!("group.{accounting}"))
        .send()
        .await
        .expect(303)
        .follow()
        .await;
    assert_eq!(page.flash(), "2 members were added");
    assert_eq!(strs(&page.row_heads()), ["Accounting Okafor", "Ben Okafor"]);
    let history = history(&app, finance).await;
    assert_eq!(
        history,
        [
            ("group.member_added".into(), "Members:  > group Accounting Okafor".into()),
            ("group.member_added".into(), "Members:  > Ben Okafor (ben)".into())
        ]
    );
    let ben = app.signed_in(ben).await;
    ben.get("/connectors").await.expect(200);
    let page = boss.get(&format!("{way}/new?q=okafor")).await.expect(200);
    assert!(page.text().contains("No one else matches “okafor”."));
}

#[tokio::test]
async fn somebody_added_twice_is_in_it_once_and_nothing_is_made_up() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let finance = group(&app, "Finance", &[]).await;
    let ben = app.user(&[]).await;
    let way = format!("/groups/{finance}/members");
    let value = format!("user.{}", ben.id);
    for (fields, outcome) in [
        (vec![("member", value.as_str()), ("member", value.as_str())], "1 member was added"),
        (vec![("member", value.as_str())], "0 members were added"),
        (vec![("member", "user.00000000-0000-0000-0000-000000000000")], "0 members were added"),
    ] {
        let page = boss.post(&way, &fields).await.expect(303).follow().await;
        assert_eq!(page.flash(), outcome);
    }
    let page = boss.post(&way, &[("member", "rubbish")]).await.expect(422);
    assert_eq!(page.errors(), [("member-0".to_string(), "Select who is to become a member".to_string())]);
    assert_eq!(history(&app, finance).await.len(), 1);
    assert_eq!(app.count("SELECT count(*) FROM group_users").await, 1);
}

#[tokio::test]
async fn members_are_removed_after_a_question_that_names_them() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let finance = group(&app, "Finance", &[ViewConnectors]).await;
    let inner = group(&app, "Inner", &[]).await;
    let ben = app.person(&[]).await;
    put_user(&app, finance, ben.user().id).await;
    put_group(&app, finance, inner).await;
    ben.get("/connectors").await.expect(200);
    let way = format!("/groups/{finance}/members");
    let removals = format!("/groups/{finance}/removals");
    let page = boss.get(&way).await;
    let refused = page.form(&removals).send().await.expect(422);
    assert_eq!(refused.errors(), [("member-0".to_string(), "Select the members that you want to remove".to_string())]);
    let page = page
        .form(&removals)
        .tick("member", &format!("user.{}", ben.user().id))
        .tick("member", &format!("group.{inner}"))
        .send()
        .await
        .expect(200);
    assert_eq!(page.h1(), "Remove 2 members from “Finance”?");
    let named = format!("group Inner, {} ({})", ben.user().name, ben.user().username);
    assert!(page.text().contains(&named), "{}", page.text());
    assert_eq!(app.count("SELECT count(*) FROM group_users").await, 1, "only asked");
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "2 members were removed");
    ben.get("/connectors").await.expect(403);
    let kinds: Vec<(String, String)> = history(&app, finance).await;
    assert_eq!(kinds[0], ("group.member_removed".into(), "Members: group Inner > ".into()));
    assert_eq!(kinds.len(), 2);
}

#[tokio::test]
async fn thousands_of_members_are_paged_and_searched() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let all = group(&app, "Everybody", &[ViewConnectors]).await;
    app.sql(&format!(
        "INSERT INTO users (id, username, username_key, name, search_text, created_at, updated_at)
             SELECT gen_random_uuid(), 'staff' || n, 'staff' || n, 'Staff ' || n, ' staff' || n || ' staff ' || n, now(), now() FROM generate_series(1, 3000) n;
         INSERT INTO group_users SELECT '{all}', id FROM users WHERE username LIKE 'staff%' AND username <> 'staff2999'"
    ))
    .await;
    let way = format!("/groups/{all}/members");
    let page = boss.get(&format!("{way}?size=100")).await.expect(200);
    assert_eq!(page.row_heads().len(), 100);
    assert_eq!(page.table_foot(), "1 – 100 of more than 1,000 members");
    let page = page.click("Next page").await.expect(200);
    assert_eq!(page.row_heads().len(), 100);
    let page = boss.get(&format!("{way}?q=staff1234")).await;
    assert_eq!(strs(&page.row_heads()), ["Staff 1234"]);
    let page = boss.get(&format!("{way}/new?q=staff")).await.expect(200);
    assert_eq!(strs(&page.choices("member")), ["Staff 2999 (staff2999)"]);
    let other = group(&app, "Others", &[]).await;
    let page = boss.get(&format!("/groups/{other}/members/new")).await.expect(200);
    assert_eq!(page.choices("member").len(), 50);
    assert!(page.text().contains("The first 50 by name. Search to find others."));
}

#[tokio::test]
async fn a_group_that_is_gone_takes_no_members() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let gone = Uuid::now_v7();
    let ben = app.user(&[]).await;
    let value = format!("user.{}", ben.id);
    boss.post(&format!("/groups/{gone}/members"), &[("member", &value)]).await.expect(404);
    boss.post(&format!("/groups/{gone}/removals"), &[("member", &value)]).await.expect(404);
}

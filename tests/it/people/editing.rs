//! Changing a user: names, permissions, and what comes through groups.

use connectory::access::Permission::{
    self, CreateConnectors, EditConnectors, ManageUsers, ViewActivity, ViewConnectors,
};

use super::{granted, group, history, manager, put_group, put_user};
use crate::support::TestApp;

#[tokio::test]
async fn names_and_permissions_are_saved_and_recorded_field_by_field() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user_named("ben", "Ben Okafor", &[ViewConnectors]).await;
    let page = boss.get(&format!("/users/{}", ben.id)).await.expect(200);
    assert_eq!(page.h1(), "Edit user “Ben Okafor”");
    assert_eq!(page.ticked("permission"), ["view-data-connectors"]);
    let page = page
        .submit(|form| {
            form.set("username", "benedict")
                .set("full_name", "Benedict Okafor")
                .tick("permission", "view-activity")
                .untick("permission", "view-data-connectors")
        })
        .await
        .expect(303)
        .follow()
        .await
        .expect(200);
    assert_eq!(page.flash(), "The user was saved");
    assert_eq!(page.ticked("permission"), ["view-activity"]);
    let history = history(&app, ben.id).await;
    assert_eq!(
        history[1],
        (
            "user.saved".into(),
            "User name: ben > benedict; Name: Ben Okafor > Benedict Okafor; Permissions: View Data Connectors > View Activity".into()
        )
    );
    assert_eq!(boss.get("/users?q=benedict").await.row_heads(), ["Benedict Okafor"]);
}

#[tokio::test]
async fn a_change_counts_on_the_next_request_of_somebody_signed_in() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[]).await;
    ben.get("/connectors").await.expect(403);
    let address = format!("/users/{}", ben.user().id);
    let page = boss.get(&address).await;
    page.submit(|form| form.tick("permission", "view-data-connectors")).await.expect(303);
    ben.get("/connectors").await.expect(200);
    let page = boss.get(&address).await;
    page.submit(|form| form.untick("permission", "view-data-connectors")).await.expect(303);
    ben.get("/connectors").await.expect(403);
}

#[tokio::test]
async fn unticking_edit_unticks_create_and_the_page_says_so() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[CreateConnectors]).await;
    let address = format!("/users/{}", ben.id);
    let page = boss
        .get(&address)
        .await
        .submit(|form| form.untick("permission", "edit-data-connectors"))
        .await
        .expect(303)
        .follow()
        .await;
    assert_eq!(
        page.flash(),
        "The user was saved. Also taken away, because it needs what you unticked: Create Data Connectors"
    );
    assert_eq!(granted(&app, ben.id).await, ["view-data-connectors"]);
    let page = boss
        .get(&address)
        .await
        .submit(|form| form.tick("permission", "create-data-connectors"))
        .await
        .expect(303)
        .follow()
        .await;
    assert!(page.flash().ends_with("needs it: Edit Data Connectors"), "{}", page.flash());
    let page =
        boss.get(&address).await.submit(|form| form.untick("permission", "view-data-connectors")).await.expect(303);
    drop(page);
    assert!(granted(&app, ben.id).await.is_empty());
}

#[tokio::test]
async fn what_comes_through_groups_is_text_with_the_group_it_comes_from() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[]).await;
    let finance = group(&app, "Finance", &[ViewConnectors, EditConnectors]).await;
    let accounting = group(&app, "Accounting", &[ViewActivity]).await;
    let auditors = group(&app, "Auditors", &[ViewActivity]).await;
    put_group(&app, finance, accounting).await;
    put_user(&app, accounting, ben.user().id).await;
    put_user(&app, auditors, ben.user().id).await;
    let page = boss.get(&format!("/users/{}", ben.user().id)).await.expect(200);
    assert_eq!(
        page.texts("h3 + ul li"),
        [
            "Edit Data Connectors, from the group Finance (through Accounting)",
            "View Data Connectors, from the group Finance (through Accounting)",
            "View Activity, from the group Accounting, and from the group Auditors"
        ]
    );
    assert!(page.ticked("permission").is_empty());
    assert!(page.attributes("input[type=checkbox]", "disabled").is_empty());
    assert!(page.has_link("Finance") && page.has_link("Accounting"));
    ben.get("/connectors").await.expect(200);
}

#[tokio::test]
async fn of_two_who_edit_at_once_the_second_sees_both_versions() {
    let app = TestApp::start().await;
    let (one, other) = (manager(&app).await, manager(&app).await);
    let ben = app.user_named("ben", "Ben", &[ViewConnectors]).await;
    let address = format!("/users/{}", ben.id);
    let mine = one.get(&address).await;
    other.get(&address).await.submit(|form| form.set("full_name", "Their Ben")).await.expect(303);
    let page =
        mine.submit(|form| form.set("full_name", "My Ben").tick("permission", "view-activity")).await.expect(409);
    assert_eq!(
        page.rows(),
        [
            ["Name", "Their Ben", "My Ben"],
            ["Permissions", "View Data Connectors", "View Data Connectors, View Activity"]
        ]
    );
    page.submit(|form| form).await.expect(303);
    assert_eq!(granted(&app, ben.id).await, ["view-activity", "view-data-connectors"]);
    assert_eq!(app.value("SELECT name FROM users WHERE username = 'ben'").await, "My Ben");
}

#[tokio::test]
async fn whoever_manages_users_may_grant_everything_but_not_touch_a_super_admin() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let page = boss.get(&format!("/users/{}", ben.id)).await;
    let all = Permission::all().fold(page.main_form(), |form, permission| form.tick("permission", permission.code()));
    all.send().await.expect(303);
    assert_eq!(granted(&app, ben.id).await.len(), 12);
    assert!(!page.has_link("Make this user a Super Admin"));

    let ana = app.super_admin().await;
    let address = format!("/users/{}", ana.user().id);
    let page = boss.get(&address).await.expect(200);
    assert!(page.text().contains("Only a super admin can change"), "{}", page.text());
    assert!(!page.has_form(&address) && page.texts("main a.btn").is_empty());
    let before = app.count("SELECT count(*) FROM audit_events").await;
    for way in ["deactivations", "sign-outs", "invitations", "super-admin", "delete"] {
        boss.get(&format!("{address}/{way}")).await.expect(403);
    }
    for (way, fields) in [
        ("", vec![("username", "mine"), ("full_name", "Mine"), ("version", "1")]),
        ("/deactivations", vec![]),
        ("/reactivations", vec![]),
        ("/sign-outs", vec![]),
        ("/invitations", vec![]),
        ("/super-admin", vec![("super_admin", "no")]),
        ("/delete", vec![]),
    ] {
        let page = boss.post(&format!("{address}{way}"), &fields).await.expect(403);
        assert!(page.text().contains("Only a super admin"), "{way}: {}", page.text());
    }
    for (fields, user) in [(vec![("super_admin", "yes")], ben.id), (vec![("super_admin", "yes")], boss.user().id)] {
        boss.post(&format!("/users/{user}/super-admin"), &fields).await.expect(403);
    }
    assert_eq!(app.count("SELECT count(*) FROM audit_events").await, before);
    assert_eq!(ana.open("/").await.status, 200, "still signed in");
    assert_eq!(app.count("SELECT count(*) FROM users WHERE super_admin").await, 2);
}

#[tokio::test]
async fn a_super_admin_who_came_after_the_page_was_opened_is_out_of_reach_too() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let page = boss.get(&format!("/users/{}", ben.id)).await;
    app.sql(&format!("UPDATE users SET super_admin = true WHERE id = '{}'", ben.id)).await;
    page.submit(|form| form.set("username", "mine")).await.expect(403);
    assert_eq!(app.count("SELECT count(*) FROM users WHERE username = 'mine'").await, 0);
}

#[tokio::test]
async fn whoever_gives_up_managing_users_is_not_left_on_a_page_that_is_forbidden_now() {
    let app = TestApp::start().await;
    let boss = app.person(&[ManageUsers, ViewConnectors]).await;
    let page = boss
        .get(&format!("/users/{}", boss.user().id))
        .await
        .submit(|form| form.untick("permission", "manage-users"))
        .await
        .expect(303);
    assert_eq!(page.location(), Some("/"));
    boss.get("/users").await.expect(403);
}

#[tokio::test]
async fn addresses_of_nobody_are_not_found() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    for id in ["x", "00000000-0000-0000-0000-000000000000", "%00"] {
        for list in ["users", "groups"] {
            ana.get(&format!("/{list}/{id}")).await.expect(404);
            ana.get(&format!("/{list}/{id}/delete")).await.expect(404);
            ana.post(&format!("/{list}/{id}/delete"), &[]).await.expect(404);
        }
        ana.post(&format!("/users/{id}/super-admin"), &[("super_admin", "yes")]).await.expect(404);
    }
}

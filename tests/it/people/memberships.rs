//! The groups of a user, changed on the user's own page; and the ways from people to what the audit log says of them.

use connectory::access::Permission::{ManageUsers, ViewAuditLog, ViewConnectors};

use super::{group, history, manager, put_user};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn groups_are_found_ticked_and_joined_without_scripts() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let finance = group(&app, "Finance", &[ViewConnectors]).await;
    let fire = group(&app, "Fire brigade", &[]).await;
    let parks = group(&app, "Parks", &[]).await;
    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    put_user(&app, parks, ben.id).await;
    let page = boss.get(&format!("/users/{}", ben.id)).await.expect(200);
    let page = page.click("Add to groups").await.expect(200);
    assert_eq!(page.h1(), "Ben Okafor: Add to groups");
    assert_eq!(strs(&page.choices("group")), ["Finance", "Fire brigade"]);
    let page = page.submit(|form| form.set("q", "fina")).await.expect(200);
    assert_eq!(strs(&page.choices("group")), ["Finance"]);
    let way = format!("/users/{}/groups", ben.id);
    // A group that is gone, one twice, one that the user is in already.
    let gone = uuid::Uuid::now_v7().to_string();
    let ids = [finance, fire, fire, parks].map(|id| id.to_string());
    let mut fields = vec![("group", gone.as_str()), ("group", "rubbish")];
    fields.extend(ids.iter().map(|id| ("group", id.as_str())));
    let page = boss.post(&way, &fields).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The user was added to 2 groups");
    let names = page.texts("section[aria-labelledby=groups] li");
    assert_eq!(strs(&names), ["Finance", "Fire brigade", "Parks"]);
    assert_eq!(history(&app, finance).await, [("group.member_added".into(), "Members:  > Ben Okafor (ben)".into())]);
    app.signed_in(ben).await.get("/connectors").await.expect(200);
}

#[tokio::test]
async fn groups_are_left_and_who_leaves_what_gave_them_the_right_is_sent_home() {
    let app = TestApp::start().await;
    let managers = group(&app, "Managers", &[ManageUsers]).await;
    let parks = group(&app, "Parks", &[]).await;
    let boss = app.person(&[]).await;
    let own = boss.user().id;
    put_user(&app, managers, own).await;
    put_user(&app, parks, own).await;
    app.sql("UPDATE group_users SET by_claim = true").await;
    let page = boss.get(&format!("/users/{own}")).await.expect(200);
    let page = page.click("Take out of groups").await.expect(200);
    let choices = page.choices("group");
    assert!(choices.len() == 2 && choices[0].starts_with("Managers (by claim: "), "{choices:?}");
    let way = format!("/users/{own}/group-removals");
    let nothing = page.form(&way).send().await.expect(422);
    let error = ("group-0".into(), "Select the groups that the user leaves".into());
    assert_eq!(nothing.errors(), [error]);
    let form = page.form(&way).tick("group", &parks.to_string());
    let page = form.send().await.expect(303).follow().await.expect(200);
    assert_eq!(page.flash(), "The user was taken out of 1 group");
    let page = page.click("Take out of groups").await;
    let form = page.form(&way).tick("group", &managers.to_string());
    let page = form.send().await.expect(303);
    assert_eq!(page.location(), Some("/"));
    assert_eq!(app.count("SELECT count(*) FROM group_users").await, 0);
    let left = history(&app, managers).await;
    assert_eq!(left[0].0, "group.member_removed");
    boss.get(&format!("/users/{own}")).await.expect(403);
}

#[tokio::test]
async fn nothing_chosen_and_nothing_found_are_said() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let page = boss.get(&format!("/users/{}/groups/new", ben.id)).await;
    let text = page.expect(200).text();
    assert!(text.contains("There is no group that this user is not in already."));
    group(&app, "Finance <b>", &[]).await;
    let way = format!("/users/{}/groups", ben.id);
    let page = boss.post(&way, &[("q", "fin")]).await.expect(422);
    let error = ("group-0".into(), "Select the groups that the user joins".into());
    assert_eq!(page.errors(), [error]);
    assert_eq!(page.field_value("q"), "fin");
    assert_eq!(strs(&page.choices("group")), ["Finance <b>"]);
    let page = boss.get(&format!("{way}/new?q=no<thing")).await.expect(200);
    assert!(page.text().contains("No group fits “no<thing”"));
    let page = boss.get(&format!("/users/{}/group-removals", ben.id)).await;
    assert!(page.expect(200).text().contains("This user is in no group."));
}

#[tokio::test]
async fn a_super_admins_groups_are_for_super_admins_to_change() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let finance = group(&app, "Finance", &[]).await;
    let admin = app.super_admin().await;
    let id = admin.user().id;
    let page = boss.get(&format!("/users/{id}")).await.expect(200);
    assert!(!page.has_link("Add to groups"));
    boss.get(&format!("/users/{id}/groups/new")).await.expect(403);
    let chosen = [("group", finance.to_string())];
    let chosen = chosen.each_ref().map(|(name, id)| (*name, id.as_str()));
    let way = format!("/users/{id}/groups");
    boss.post(&way, &chosen).await.expect(403);
    boss.get(&format!("/users/{id}/group-removals")).await.expect(403);
    let leaving = format!("/users/{id}/group-removals");
    boss.post(&leaving, &chosen).await.expect(403);
    admin.post(&way, &chosen).await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM group_users").await, 1);
}

#[tokio::test]
async fn whoever_reads_the_audit_log_gets_from_people_to_what_they_did() {
    let app = TestApp::start().await;
    let finance = group(&app, "Finance", &[]).await;
    let ben = app.user_named("ben", "Ben & Okafor", &[ManageUsers]).await;
    let page = format!("/users/{}", ben.id);
    let group_page = format!("/groups/{finance}");
    let boss = manager(&app).await;
    for page in [&page, &group_page] {
        let page = boss.get(page).await.expect(200);
        assert!(!page.has_link("What was changed here"));
    }
    let ben = app.signed_in(ben).await;
    ben.post("/groups", &[("group_name", "Parks")]).await;
    let reader = app.person(&[ManageUsers, ViewAuditLog]).await;
    let seen = reader.get(&page).await.expect(200);
    let log = seen.click("What Ben & Okafor did").await.expect(200);
    assert!(log.text().contains("Only by Ben & Okafor (ben)"), "{}", log.text());
    let log = seen.click("What was changed here").await.expect(200);
    assert!(log.path.contains("subject="));
    let seen = reader.get(&group_page).await.expect(200);
    seen.click("What was changed here").await.expect(200);
}

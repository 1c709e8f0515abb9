//! Who is a super admin, and that one always remains.

use futures_util::future::join_all;

use super::{history, link, manager, paste};
use crate::support::{Browser, TestApp};

const ACTIVE: &str = "SELECT count(*) FROM users WHERE super_admin AND active";

fn address(browser: &Browser) -> String {
    format!("/users/{}", browser.user().id)
}

#[tokio::test]
async fn a_super_admin_makes_another_on_a_page_of_its_own() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let ben = app.person(&[]).await;
    ben.get("/connectors").await.expect(403);
    let page = ana.get(&address(&ben)).await.expect(200);
    assert!(page.attributes("input[name=super_admin]", "value").is_empty());
    let page = page.click("Make this user a Super Admin").await.expect(200);
    assert_eq!(page.h1(), format!("Make “{}” a super admin?", ben.user().name));
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The user is a super admin now");
    ben.get("/connectors/new").await.expect(200);
    let last = history(&app, ben.user().id).await.pop().expect("a line");
    assert_eq!(last, ("user.promoted".into(), "Super Admin: No > Yes".into()));

    let page = ana.get(&address(&ben)).await.click("Take the rights of a super admin away").await;
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The user is no super admin any more");
    ben.get("/connectors").await.expect(403);
    let last = history(&app, ben.user().id).await.pop().expect("a line");
    assert_eq!(last, ("user.demoted".into(), "Super Admin: Yes > No".into()));
}

#[tokio::test]
async fn the_last_one_can_be_neither_demoted_nor_deactivated_nor_deleted() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    // Another one, who does not count because she is switched off.
    let off = app.super_admin().await;
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", off.user().id)).await;
    let own = address(&ana);
    for page in [
        ana.get(&format!("{own}/super-admin")).await.expect(200),
        ana.post(&format!("{own}/super-admin"), &[("super_admin", "no")]).await.expect(409),
    ] {
        assert!(page.text().contains("This is the last active super admin."), "{}", page.text());
        assert!(!page.has_form(&format!("{own}/super-admin")));
    }
    for statement in [
        "UPDATE users SET super_admin = false WHERE active",
        "UPDATE users SET active = false",
        "DELETE FROM users",
        "UPDATE users SET super_admin = false, active = false",
    ] {
        let refusal = app.try_sql(statement).await.expect_err("it is refused");
        assert_eq!(refusal, "one active super admin must remain", "{statement}");
    }
    assert_eq!(app.count(ACTIVE).await, 1);
    ana.get("/users").await.expect(200);
}

#[tokio::test]
async fn two_who_demote_each_other_at_once_leave_one() {
    let app = TestApp::start().await;
    for ways in [
        ["super-admin", "super-admin"],
        ["deactivations", "super-admin"],
        ["delete", "deactivations"],
        ["delete", "delete"],
    ] {
        let (ana, ben) = (app.super_admin().await, app.super_admin().await);
        tokio::join!(app.confirm(&ana), app.confirm(&ben));
        app.sql(&format!(
            "UPDATE users SET super_admin = false WHERE id NOT IN ('{}', '{}')",
            ana.user().id,
            ben.user().id
        ))
        .await;
        let (one, other) = (ana.csrf().await, ben.csrf().await);
        let press = async |by: &Browser, csrf: &str, whom: &Browser, way: &str| {
            let fields = [("csrf", csrf), ("super_admin", "no")];
            let way = format!("{}/{way}", address(whom));
            let page = by.post_exactly(&way, &fields).await;
            // Who is signed out by the other one is sent to sign in.
            let signed_out = page.location().is_some_and(|to| to.starts_with("/sign-in"));
            if signed_out { 401 } else { page.status }
        };
        let (one, other) = tokio::join!(press(&ana, &one, &ben, ways[0]), press(&ben, &other, &ana, ways[1]));
        let statuses = [one, other];
        assert_eq!(app.count(ACTIVE).await, 1, "{ways:?}: {statuses:?}");
        let done = statuses.iter().filter(|status| **status == 303).count();
        assert_eq!(done, 1, "{ways:?}: {statuses:?}");
        // The other one came too late: as the last one, or as one who may not or is not any more.
        let late = |status: &u16| [303, 401, 403, 404, 409].contains(status);
        assert!(statuses.iter().all(late), "{ways:?}: {statuses:?}");
    }
}

#[tokio::test]
async fn ten_super_admins_who_all_step_down_at_once_leave_one() {
    let app = TestApp::start().await;
    let mut all = Vec::new();
    for _ in 0..10 {
        let admin = app.super_admin().await;
        app.confirm(&admin).await;
        all.push(admin);
    }
    let tokens = join_all(all.iter().map(Browser::csrf)).await;
    let sends = all.iter().zip(&tokens).map(async |(browser, csrf)| {
        let fields = [("csrf", csrf.as_str()), ("super_admin", "no")];
        let way = format!("{}/super-admin", address(browser));
        browser.post_exactly(&way, &fields).await.status
    });
    let statuses = join_all(sends).await;
    assert_eq!(app.count(ACTIVE).await, 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn a_link_made_by_who_only_manages_users_does_not_survive_the_promotion() {
    let app = TestApp::start().await;
    let (ana, boss) = (app.super_admin().await, manager(&app).await);
    let ben = app.user(&[]).await;
    let way = format!("/users/{}/invitations", ben.id);
    let shown = link(&boss.post(&way, &[]).await.expect(200));
    let opened = paste(&app.browser(), &shown).await.expect(200);
    let promote = format!("/users/{}/super-admin", ben.id);
    ana.post(&promote, &[("super_admin", "yes")]).await.expect(303);
    paste(&app.browser(), &shown).await.expect(422);
    opened.submit(|form| form.set("password", "a password of the manager")).await.expect(422);
    assert_eq!(app.value(&format!("SELECT password_hash IS NULL FROM users WHERE id = '{}'", ben.id)).await, "t");
    boss.post(&way, &[]).await.expect(403);
    ana.post(&way, &[]).await.expect(200);
}

#[tokio::test]
async fn who_is_deactivated_cannot_be_promoted_and_who_says_nothing_changes_nothing() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let ben = app.user(&[]).await;
    let way = format!("/users/{}/super-admin", ben.id);
    ana.post(&way, &[]).await.expect(400);
    ana.post(&way, &[("super_admin", "no")]).await.expect(303);
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", ben.id)).await;
    for page in [ana.get(&way).await.expect(200), ana.post(&way, &[("super_admin", "yes")]).await.expect(409)] {
        assert!(page.text().contains("reactivate the user first"), "{}", page.text());
    }
    assert_eq!(app.count(ACTIVE).await, 2);
}

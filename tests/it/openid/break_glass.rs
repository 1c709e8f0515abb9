//! Somebody can always come in and do everything while the provider is down: one active super admin has a password.

use serde_json::json;

use super::Staff;
use crate::support::{Browser, TestApp};

const LAST: &str = "No other active super admin has a password.";

/// A super admin who comes through the provider alone, and has just shown there that it is them.
async fn remote_admin(staff: &Staff) -> Browser {
    let (ben, page) = staff.arrive(json!({"sub": "1", "preferred_username": "ben", "name": "Ben"})).await;
    page.expect(303);
    staff
        .app
        .sql("UPDATE users SET super_admin = true WHERE username = 'ben'; UPDATE sessions SET confirmed_at = '2200-01-01'")
        .await;
    ben
}

/// The only super admin with a password.
async fn local_admin(app: &TestApp) -> String {
    app.value("SELECT id FROM users WHERE super_admin AND password_hash IS NOT NULL").await
}

#[tokio::test]
async fn the_last_super_admin_with_a_password_is_kept_on_every_path() {
    let staff = Staff::start().await;
    let ben = remote_admin(&staff).await;
    let last = local_admin(&staff.app).await;
    for (step, fields) in [
        ("super-admin", vec![("super_admin", "no")]),
        ("deactivations", vec![]),
        ("delete", vec![]),
        ("invitations", vec![]),
    ] {
        let address = format!("/users/{last}/{step}");
        let page = ben.get(&address).await.expect(200);
        assert!(page.text().contains(LAST), "{step}: {}", page.text());
        assert!(!page.has_form(&address));
        let page = ben.post(&address, &fields).await.expect(409);
        assert!(page.text().contains(LAST), "{step}: {}", page.text());
    }
    for statement in [
        "UPDATE users SET super_admin = false",
        "UPDATE users SET active = false",
        "UPDATE users SET password_hash = NULL",
        "DELETE FROM users",
    ] {
        let refused = staff.app.try_sql(&format!("{statement} WHERE id = '{last}'")).await;
        let refused = refused.expect_err("a refusal");
        assert!(refused.contains("with a password must remain"), "{refused}");
    }
    assert_eq!(local_admin(&staff.app).await, last);
}

#[tokio::test]
async fn with_another_one_it_is_as_before() {
    let staff = Staff::start().await;
    let ben = remote_admin(&staff).await;
    let last = local_admin(&staff.app).await;
    staff.app.super_admin().await;
    ben.post(&format!("/users/{last}/invitations"), &[]).await.expect(200);
    ben.post(&format!("/users/{last}/super-admin"), &[("super_admin", "no")]).await.expect(303);
}

#[tokio::test]
async fn two_who_take_passwords_away_at_once_leave_one() {
    let staff = Staff::start().await;
    let ben = remote_admin(&staff).await;
    staff.app.super_admin().await;
    let ids = staff.app.rows("SELECT id FROM users WHERE super_admin AND password_hash IS NOT NULL").await;
    let addresses: Vec<String> = ids.concat().iter().map(|id| format!("/users/{id}/invitations")).collect();
    let csrf = ben.csrf().await;
    let fields = [("csrf", csrf.as_str())];
    let pages = addresses.iter().map(|address| ben.post_exactly(address, &fields));
    let mut statuses: Vec<u16> = futures_util::future::join_all(pages).await.iter().map(|page| page.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert!(!local_admin(&staff.app).await.is_empty());
}

#[tokio::test]
async fn super_admins_are_warned_when_none_of_them_has_a_password() {
    let staff = Staff::start().await;
    let ben = remote_admin(&staff).await;
    let words = "No active super admin has a password.";
    assert!(!ben.get("/users").await.expect(200).text().contains(words));
    staff
        .app
        .sql("ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET password_hash = NULL; ALTER TABLE users ENABLE TRIGGER USER")
        .await;
    assert!(ben.get("/users").await.expect(200).text().contains(words));
    let manager = staff.app.person(&[connectory::access::Permission::ManageUsers]).await;
    assert!(!manager.get("/users").await.expect(200).text().contains(words));
}

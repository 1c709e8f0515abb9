//! The program as an administrator sets it up: by its settings, and what its log tells.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{Staff, leads_to};
use crate::support::identity_provider::{CLIENT_ID, CLIENT_SECRET, query};
use crate::support::program::Installation;
use crate::support::{PASSWORD, TestApp};

fn set_up(app: &TestApp, issuer: &str) -> Installation {
    app.another_program()
        .set("CONNECTORY_OIDC_ISSUER", issuer)
        .set("CONNECTORY_OIDC_CLIENT_ID", CLIENT_ID)
        .set("CONNECTORY_OIDC_NAME", "Staff login")
        .set("CONNECTORY_OIDC_GROUPS_CLAIM", "groups")
}

#[tokio::test]
async fn people_come_in_by_the_settings_alone_and_the_log_holds_nothing_secret() {
    let staff = Staff::start().await;
    let here = set_up(&staff.app, &staff.provider.issuer).set("CONNECTORY_LOG", "connectory=debug");
    let secret = here.key_file().with_file_name("oidc.secret");
    std::fs::create_dir_all(secret.parent().expect("a folder")).expect("a folder");
    std::fs::write(&secret, format!("{CLIENT_SECRET}\n")).expect("a file");
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&secret, mode).expect("a mode");
    let secret = secret.to_string_lossy().into_owned();
    let program = here.set("CONNECTORY_OIDC_CLIENT_SECRET_FILE", &secret).serve();
    let browser = program.browser();
    let page = browser.get("/sign-in").await.expect(200);
    let request = leads_to(&page.form("/sign-in/attempts").send().await);
    let answer = staff.provider.answer(&request);
    let path = &answer[answer.find("/sign-in/callback").expect("the site's address")..];
    let page = browser.get(path).await;
    assert_eq!(page.location(), Some("/"), "{}", page.text());
    browser.get(path).await.expect(400);
    staff.provider.person(json!({"sub": "x", "preferred_username": "ana"}));
    let other = program.browser();
    let page = other.get("/sign-in").await.expect(200);
    let second = leads_to(&page.form("/sign-in/attempts").send().await);
    let back = staff.provider.answer(&second);
    let path = &back[back.find("/sign-in/callback").expect("the site's address")..];
    other.get(path).await.expect(409);
    let (status, log) = program.stop();
    assert!(status.success(), "{status}");
    assert!(log.contains("sign-in by the provider refused") && log.contains("username-taken"), "{log}");
    for word in [
        CLIENT_SECRET,
        "the-access-token",
        "eyJ0eXAi",
        &query(&request)["state"],
        &query(&request)["nonce"],
        &query(&answer)["code"],
        &query(&back)["code"],
    ] {
        assert!(!log.contains(word), "the log holds “{word}”");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_hinders_neither_the_start_nor_a_password() {
    let app = TestApp::start().await;
    let user = app.user(&[]).await;
    let program = set_up(&app, "http://127.0.0.1:1").serve();
    let browser = program.browser();
    browser.sign_in(&user.username, PASSWORD).await.expect(303);
    let (status, _) = program.stop();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn the_start_warns_where_no_super_admin_has_a_password() {
    let app = TestApp::start().await;
    app.founded().await;
    let warning = "no active super admin has a password";
    let (_, log) = set_up(&app, "http://127.0.0.1:1").serve().stop();
    assert!(!log.contains(warning), "{log}");
    app.sql("ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET password_hash = NULL; ALTER TABLE users ENABLE TRIGGER USER").await;
    let here = set_up(&app, "http://127.0.0.1:1");
    let (_, log) = here.serve().stop();
    assert!(log.contains(warning), "{log}");
    // The way in from the server.
    let username = app.value("SELECT username FROM users").await;
    let outcome = here.run(&["user", "reset-password", &username], PASSWORD);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    app.browser().sign_in(&username, PASSWORD).await.expect(303);
}

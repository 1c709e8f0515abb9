//! A link to a password stands in no log and in no address that is sent.

use super::{link, paste};
use crate::support::program::Installation;
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn the_programs_own_log_holds_no_link_and_no_password() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let here: Installation = app.another_program().set("CONNECTORY_LOG", "connectory=debug");
    let program = here.serve();
    let boss = program.browser();
    boss.sign_in(&ana.user().username, PASSWORD).await.expect(303);
    let page = boss
        .get("/users/new")
        .await
        .submit(|form| form.set("username", "ben").set("full_name", "Ben"))
        .await
        .expect(200);
    let shown = link(&page);
    let secret = shown.rsplit('#').next().expect("a secret").to_string();
    let ben = program.browser();
    let page = paste(&ben, &shown).await.expect(200);
    page.submit(|form| form.set("password", "too short")).await.expect(422);
    page.submit(|form| form.set("password", "quite another good password")).await.expect(303);
    paste(&ben, &shown).await.expect(422);
    let (status, log) = program.stop();
    assert!(status.success(), "{status}");
    assert!(log.contains("/set-password"), "requests are logged");
    for word in [secret.as_str(), "quite another good password", "too short"] {
        assert!(!log.contains(word), "the log holds “{word}”");
    }
}

#[tokio::test]
async fn the_page_asks_browsers_to_send_no_address_elsewhere_and_keeps_nothing() {
    let app = TestApp::start().await;
    app.founded().await;
    let page = app.browser().get("/set-password").await.expect(200);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(
        page.attributes("form[data-fragment]", "data-fragment"),
        ["#link"],
        "the script takes the secret out of the address"
    );
    assert!(page.links().iter().all(|(_, href)| href.starts_with(['/', '#'])));
}

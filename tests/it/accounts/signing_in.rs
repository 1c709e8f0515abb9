//! Signing in: who gets in, what the cookie is like, where one is led.

use chrono::TimeDelta;
use connectory::access::Permission::ViewConnectors;
use sha2::{Digest, Sha256};

use super::{founder, hex, is_signed_in, random_bits};
use crate::support::{CSRF_COOKIE, PASSWORD, SESSION_COOKIE, TestApp};

#[tokio::test]
async fn a_name_and_its_password_open_the_home_page() {
    let app = TestApp::start().await;
    let user = app.user(&[ViewConnectors]).await;
    let ben = app.browser();
    ben.sign_in(&user.username, PASSWORD).await.expect(303);
    let page = ben.open("/").await.expect(200);
    assert_eq!(page.h1(), "Home");
    assert!(page.texts("header").concat().contains(&user.name));
}

#[tokio::test]
async fn a_name_is_known_in_any_case_and_with_white_space_around_it_and_a_password_only_as_it_is() {
    let app = TestApp::start().await;
    let user = app.user(&[]).await;
    app.browser().sign_in(&format!(" {} ", user.username.to_uppercase()), PASSWORD).await.expect(303);
    for wrong in [PASSWORD.to_uppercase(), format!("{PASSWORD} "), format!(" {PASSWORD}"), PASSWORD[1..].to_string()] {
        app.browser().sign_in(&user.username, &wrong).await.expect(422);
    }
}

#[tokio::test]
async fn an_unknown_name_a_wrong_password_and_a_deactivated_user_get_the_same_page() {
    let app = TestApp::start().await;
    let (active, inactive) = (app.user(&[]).await, app.user(&[]).await);
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", inactive.id)).await;
    let mut pages = Vec::new();
    for (username, password) in
        [("person0", "wrong"), (active.username.as_str(), "wrong"), (inactive.username.as_str(), PASSWORD)]
    {
        let visitor = app.browser();
        let page = visitor.sign_in(username, password).await.expect(422);
        assert_eq!(page.errors(), [("username".to_string(), "The user name or the password is wrong".to_string())]);
        assert_eq!((page.field_value("username").as_str(), page.field_value("password").as_str()), (username, ""));
        pages.push(page.html.replace(&visitor.csrf().await, "csrf").replace(username, "username"));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
    assert_eq!(app.count("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn empty_fields_are_asked_for() {
    let app = TestApp::start().await;
    app.founded().await;
    let page = app.browser().sign_in("", "").await.expect(422);
    let expected = [("username", "Enter your user name"), ("password", "Enter your password")];
    assert_eq!(page.errors(), expected.map(|(field, message)| (field.to_string(), message.to_string())));
    assert_eq!(page.title(), "Error: Sign in – Connectory");
}

#[tokio::test]
async fn a_session_has_a_new_id_and_ends_the_one_before() {
    let app = TestApp::start().await;
    let (first, second) = (app.user(&[]).await, app.user(&[]).await);
    let browser = app.browser();
    let page = browser.get("/sign-in").await;
    let before = browser.cookie(CSRF_COOKIE).expect("a key before signing in");
    page.submit(|form| form.set("username", &first.username).set("password", PASSWORD)).await.expect(303);
    let during = browser.cookie(SESSION_COOKIE).expect("a session");
    assert_ne!(before, browser.session_key());
    let thief = app.browser();
    thief.set_cookie(CSRF_COOKIE, &before);
    thief.set_cookie(SESSION_COOKIE, &before);
    assert!(!is_signed_in(&thief).await, "the key from before signing in is no session");

    // In another tab that was open all the while.
    let fields = [("username", second.username.as_str()), ("password", PASSWORD)];
    browser.post("/sign-in", &fields).await.expect(303);
    thief.set_cookie(SESSION_COOKIE, &during);
    assert!(!is_signed_in(&thief).await, "the session before has ended");
    assert_eq!(app.count(&format!("SELECT count(*) FROM sessions WHERE user_id = '{}'", first.id)).await, 0);
}

#[tokio::test]
async fn the_database_keeps_a_hash_of_the_session_only() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let key = ana.session_key();
    assert_eq!(app.value("SELECT encode(id_hash, 'hex') FROM sessions").await, hex(&Sha256::digest(&key)));
    assert!(random_bits(&key).len() >= 16, "at least 128 bits");
    let row = app.value("SELECT sessions::text || encode(id_hash, 'base64') FROM sessions").await;
    assert!(!row.contains(&hex(&random_bits(&key))) && !row.contains(&hex(key.as_bytes())) && !row.contains(&key));
    assert_eq!(app.value("SELECT address FROM sessions").await, "127.0.0.1");
}

#[tokio::test]
async fn it_is_recorded_with_who_and_from_where() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let rows = app.rows("SELECT actor_id, actor_name, address, length(request_id) > 0 FROM audit_events WHERE kind = 'session.started'").await;
    assert_eq!(rows, [[ana.user().id.to_string(), ana.user().name.clone(), "127.0.0.1".into(), "t".into()]]);
}

#[tokio::test]
async fn it_leads_back_to_where_one_was_and_never_to_another_site() {
    let app = TestApp::start().await;
    let user = app.user(&[ViewConnectors]).await;
    let page = app.browser().get("/connectors?q=pay&sort=-name").await.expect(303);
    let page = page
        .follow()
        .await
        .submit(|form| form.set("username", &user.username).set("password", "wrong"))
        .await
        .expect(422);
    let page = page.submit(|form| form.set("username", &user.username).set("password", PASSWORD)).await;
    assert_eq!(page.location(), Some("/connectors?q=pay&sort=-name"));

    for elsewhere in
        ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "/a\nb"]
    {
        app.advance(TimeDelta::minutes(10));
        let query: String = form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
        let page = app.browser().get(&format!("/sign-in?next={query}")).await;
        let page = page.submit(|form| form.set("username", &user.username).set("password", PASSWORD)).await;
        assert_eq!(page.location(), Some("/"), "{elsewhere:?}");
    }
}

#[tokio::test]
async fn the_sign_in_page_sends_on_whoever_is_signed_in() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    assert_eq!(ana.get("/sign-in").await.location(), Some("/"));
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites() {
    let app = TestApp::start().await;
    let page = app.browser().get("/first-run").await;
    let signed_in = page.submit(|form| founder(&app, form)).await.expect(303);
    for (page, name) in [(&page, "connectory-csrf="), (&signed_in, "connectory="), (&signed_in, "connectory-flash=")] {
        let cookie = page.cookie_header(name);
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain") && !cookie.contains("Secure"), "{cookie}");
    }
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host_and_browsers_are_told_to_stay() {
    let app = TestApp::start_with(|site| site.public_url = "https://connectory.example.org".into()).await;
    let browser = app.browser();
    let first = browser.get("/first-run").await;
    let page = first.submit(|form| founder(&app, form)).await.expect(303);
    for (page, name) in
        [(&first, "__Host-connectory-csrf="), (&page, "__Host-connectory="), (&page, "__Host-connectory-flash=")]
    {
        let cookie = page.cookie_header(name);
        assert!(cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    }
    assert!(page.header("strict-transport-security").starts_with("max-age=31536000"));
    assert_eq!(browser.open("/").await.flash(), "You are the first super admin of this Connectory");
    assert_eq!(app.browser().sign_in("ana", PASSWORD).await.location(), Some("/"));
}

#[tokio::test]
async fn a_sign_in_that_is_overtaken_by_who_shuts_the_user_out_begins_no_session() {
    let app = TestApp::start().await;
    for shut_out in ["active = false", "password_hash = NULL", "password_hash = 'another'"] {
        let user = app.user(&[]).await;
        let visitor = app.browser();
        let page = visitor.get("/sign-in").await;
        // Not committed: the sign-in still sees the user as before, and comes to wait for this.
        app.sql(&format!("BEGIN; UPDATE users SET {shut_out} WHERE id = '{}'", user.id)).await;
        let sign_in = page.submit(|form| form.set("username", &user.username).set("password", PASSWORD));
        let commit = async {
            app.until_a_lock_is_waited_for().await;
            app.sql("COMMIT").await;
        };
        let (page, ()) = tokio::join!(sign_in, commit);
        assert_eq!(page.status, 422, "{shut_out}");
        let sessions = format!("SELECT count(*) FROM sessions WHERE user_id = '{}'", user.id);
        assert_eq!(app.count(&sessions).await, 0, "{shut_out}");
    }
}

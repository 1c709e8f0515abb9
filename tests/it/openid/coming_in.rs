//! Who comes in through the provider, to which account, and who does not.

use connectory::access::Permission::ViewConnectors;
use serde_json::{Value, json};

use super::{BUTTON, Staff};
use crate::people::history;
use crate::support::identity_provider::query;
use crate::support::{CSRF_COOKIE, PASSWORD};

fn claims(subject: &str, username: &str) -> Value {
    json!({"sub": subject, "preferred_username": username, "name": "Ben Okafor"})
}

#[tokio::test]
async fn the_sign_in_page_offers_the_provider_beside_the_password() {
    let staff = Staff::start().await;
    let page = staff.app.browser().get("/sign-in?next=/calls").await;
    assert_eq!(page.buttons(), [BUTTON, "Sign in"]);
    let next = page.attributes("input[name=next]", "value");
    assert_eq!(next, ["/calls", "/calls"]);
    let plain = crate::support::TestApp::start().await;
    plain.founded().await;
    let page = plain.browser().get("/sign-in").await;
    assert_eq!(page.buttons(), ["Sign in"]);
    plain.browser().get("/sign-in/callback").await.expect(404);
    let ana = plain.person(&[]).await;
    ana.get("/profile/provider").await.expect(404);
    assert!(!ana.get("/profile").await.text().contains("Sign in with"));
}

#[tokio::test]
async fn the_first_sign_in_makes_an_account_without_password_and_permissions() {
    let staff = Staff::start().await;
    let (ben, page) = staff.arrive(claims("248289", "ben")).await;
    assert_eq!((page.status, page.location()), (303, Some("/")));
    let page = ben.get("/").await.expect(200);
    assert!(page.text().contains("There is nothing for you here yet"));
    assert!(page.texts("header").concat().contains("Ben Okafor"));
    let row = staff
        .app
        .rows("SELECT name, password_hash, super_admin, active, last_sign_in_at IS NOT NULL FROM users WHERE username = 'ben'")
        .await;
    assert_eq!(row, [["Ben Okafor", "", "f", "t", "t"]]);
    let identity = staff.app.rows("SELECT issuer, subject FROM identities").await;
    assert_eq!(identity, [[staff.provider.issuer.as_str(), "248289"]]);
    let lines = history(&staff.app, staff.user("ben").await).await;
    let kinds: Vec<&str> = lines.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["user.created", "identity.connected"]);
    let session =
        "SELECT count(*) FROM audit_events WHERE kind = 'session.started' AND changes::text LIKE '%Staff login%'";
    assert_eq!(staff.app.count(session).await, 1);
}

#[tokio::test]
async fn the_same_person_finds_the_same_account_whatever_they_are_called_now() {
    let staff = Staff::start().await;
    staff.arrive(claims("248289", "ben")).await;
    let (ben, page) = staff
        .arrive(json!({"sub": "248289", "preferred_username": "benedict", "name": "B", "email": "x@example.org"}))
        .await;
    page.expect(303);
    assert!(ben.get("/profile").await.text().contains("Ben Okafor"));
    assert_eq!(staff.app.count("SELECT count(*) FROM identities").await, 1);
    // Somebody else who is called as he was is not he.
    let (_, page) = staff.arrive(claims("777", "ben")).await;
    assert_eq!(page.expect(409).h1(), "Your user name belongs to another account");
}

#[tokio::test]
async fn an_account_with_the_same_user_name_is_never_taken_over() {
    let staff = Staff::start().await;
    let local = staff.app.user_named("ana", "Ana Local", &[ViewConnectors]).await;
    for username in ["ana", "ANA"] {
        let (browser, page) = staff.arrive(claims("1", username)).await;
        let page = page.expect(409);
        assert_eq!(page.h1(), "Your user name belongs to another account");
        assert!(page.text().contains(username), "{}", page.text());
        assert!(page.has_link("Go to the sign-in page") && !page.has_form("/sign-in/attempts"));
        browser.get("/profile").await.expect(303);
    }
    assert_eq!(staff.app.count("SELECT count(*) FROM identities").await, 0);
    assert_eq!(staff.sessions().await, 0);
    let lines = history(&staff.app, local.id).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test]
async fn where_no_accounts_are_made_only_those_who_have_one_come_in() {
    let staff = Staff::with(|settings| settings.create_people = false).await;
    let (browser, page) = staff.arrive(claims("1", "ben")).await;
    let page = page.expect(403);
    assert_eq!(page.h1(), "You have no account here");
    browser.get("/profile").await.expect(303);
    assert_eq!(staff.app.count("SELECT count(*) FROM users WHERE username = 'ben'").await, 0);
}

#[tokio::test]
async fn only_members_of_an_allowed_group_come_in_and_it_is_asked_every_time() {
    let staff = Staff::with(|settings| settings.allowed_groups = Some(vec!["staff".into()])).await;
    let with = |groups: Value| json!({"sub": "1", "preferred_username": "ben", "groups": groups});
    let (_, page) = staff.arrive(with(json!(["guests"]))).await;
    assert_eq!(page.expect(403).h1(), "You may not use Connectory");
    let (_, page) = staff.arrive(with(json!(["guests", "staff"]))).await;
    page.expect(303);
    let (_, page) = staff.arrive(with(json!([]))).await;
    page.expect(403);
}

#[tokio::test]
async fn a_deactivated_user_stays_out() {
    let staff = Staff::start().await;
    staff.arrive(claims("1", "ben")).await;
    staff.app.sql("UPDATE users SET active = false WHERE username = 'ben'; DELETE FROM sessions").await;
    let (browser, page) = staff.arrive(claims("1", "ben")).await;
    assert_eq!(page.expect(403).h1(), "Your account is deactivated");
    browser.get("/profile").await.expect(303);
    assert_eq!(staff.sessions().await, 0);
}

#[tokio::test]
async fn a_name_that_cannot_be_a_user_name_is_told_and_escaped() {
    let staff = Staff::start().await;
    for (username, shown) in [
        (json!("<b>ben</b>"), "<b>ben</b>"),
        (json!("a:b"), "a:b"),
        (json!(7), "Staff login names none"),
        (Value::Null, "Staff login names none"),
    ] {
        let claims = json!({"sub": "1", "preferred_username": username, "name": "Ben"});
        let (_, page) = staff.arrive(claims).await;
        let page = page.expect(400);
        assert_eq!(page.h1(), "Your user name cannot be used here");
        assert!(page.text().contains(shown), "{}", page.text());
        assert!(!page.html.contains("<b>ben"));
    }
}

#[tokio::test]
async fn a_name_from_the_provider_is_escaped() {
    let staff = Staff::start().await;
    let (ben, page) =
        staff.arrive(json!({"sub": "1", "preferred_username": "ben", "name": "<script>alert(1)</script>"})).await;
    page.expect(303);
    let page = ben.get("/profile").await.expect(200);
    assert!(!page.html.contains("<script>alert"), "{}", page.html);
    assert!(page.text().contains("<script>alert(1)</script>"));
}

#[tokio::test]
async fn the_session_is_a_new_one_and_leads_to_the_page_that_was_asked_for() {
    let staff = Staff::start().await;
    let ben = staff.app.browser();
    let page = ben.get("/profile").await.expect(303).follow().await;
    let before = ben.cookie(CSRF_COOKIE);
    let request = super::leads_to(&page.form("/sign-in/attempts").send().await);
    let page = staff.follow(&ben, &staff.provider.answer(&request)).await;
    assert_eq!(page.location(), Some("/profile"));
    assert_ne!(Some(ben.session_key()), before);
    for elsewhere in ["https://evil.example", "//evil.example", "/\\evil", ""] {
        let browser = staff.app.browser();
        let page = browser.get("/sign-in").await;
        let form = page.form("/sign-in/attempts").set("next", elsewhere);
        let request = super::leads_to(&form.send().await);
        let page = staff.follow(&browser, &staff.provider.answer(&request)).await;
        assert_eq!(page.location(), Some("/"), "{elsewhere}");
    }
}

#[tokio::test]
async fn what_is_asked_of_the_provider_is_bound_to_this_attempt() {
    let staff = Staff::start().await;
    let ben = staff.app.browser();
    let (first, second) = (staff.leave(&ben).await, staff.leave(&ben).await);
    let (first, second) = (query(&first), query(&second));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "connectory"),
        ("scope", "openid profile"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", &format!("{}/sign-in/callback", staff.app.public_url)),
    ] {
        assert_eq!(first[name], value);
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(first[name].len(), 43);
        assert_ne!(first[name], second[name]);
    }
    assert!(!first.contains_key("prompt") && !first.contains_key("max_age"));
    // A dump of the database completes nobody's attempt.
    let kept = staff.app.rows("SELECT authorization_requests::text FROM authorization_requests").await;
    let kept = kept.concat().concat();
    assert!(!kept.contains(&first["state"]) && !kept.contains(&first["nonce"]));
}

#[tokio::test]
async fn whoever_is_signed_in_is_not_sent_away_and_nobody_comes_before_the_first_super_admin() {
    let staff = Staff::start().await;
    let ana = staff.app.super_admin().await;
    let page = ana.post("/sign-in/attempts", &[]).await.expect(303);
    assert_eq!(page.location(), Some("/"));
    let empty = Staff::start().await;
    empty.app.sql("ALTER TABLE users DISABLE TRIGGER USER; DELETE FROM users").await;
    let browser = empty.app.browser();
    let csrf = browser.get("/first-run").await.attribute("input[name=csrf]", "value");
    let csrf = csrf.expect("a form");
    let page = browser.post_exactly("/sign-in/attempts", &[("csrf", &csrf)]).await;
    assert_eq!(page.location(), Some("/first-run"));
}

#[tokio::test]
async fn somebody_without_a_password_cannot_use_the_form_and_may_be_given_one() {
    let staff = Staff::start().await;
    staff.arrive(claims("1", "ben")).await;
    for password in ["", PASSWORD] {
        staff.app.browser().sign_in("ben", password).await.expect(422);
    }
    let hash = staff.app.hasher.hash(PASSWORD.into()).await.expect("a hash");
    staff.app.sql(&format!("UPDATE users SET password_hash = '{hash}' WHERE username = 'ben'")).await;
    staff.app.browser().sign_in("ben", PASSWORD).await.expect(303);
    let (_, page) = staff.arrive(claims("1", "ben")).await;
    page.expect(303);
}

#[tokio::test]
async fn two_windows_of_one_new_person_make_one_account() {
    let staff = Staff::start().await;
    staff.provider.person(claims("1", "ben"));
    let windows: Vec<_> = (0..6).map(|_| staff.app.browser()).collect();
    let pages = futures_util::future::join_all(windows.iter().map(|window| staff.come(window))).await;
    for page in pages {
        page.expect(303);
    }
    assert_eq!(staff.app.count("SELECT count(*) FROM identities").await, 1);
    assert_eq!(staff.app.count("SELECT count(*) FROM users WHERE username_key LIKE 'ben%'").await, 1);
}

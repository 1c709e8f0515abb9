//! Forms that come after the end of their session.

use chrono::TimeDelta;
use connectory::access::Permission::{CreateCategories, EditConnectors, ViewConnectors};
use connectory::connectors::Method;
use uuid::Uuid;

use crate::support::{Browser, PASSWORD, Page, SESSION_COOKIE, TestApp};

/// A form of the create page, filled in.
async fn filled(browser: &Browser) -> crate::support::FormFill {
    let form = browser.get("/connectors/new").await.expect(200).form("/connectors");
    form.set("connector_name", "Payroll")
        .set("description", "Salaries of all")
        .set("base_url", "https://api.example.org")
}

/// The sign-in page to which the answer sends, and where it goes on to.
async fn sign_in_page(answer: &Page) -> (Page, String) {
    let page = answer.follow().await.expect(200);
    let next = page.field_value_of("next");
    (page, next)
}

impl Page {
    fn field_value_of(&self, name: &str) -> String {
        self.attribute(&format!("input[name={name}]"), "value").unwrap_or_default()
    }

    async fn sign_in_as(self, browser: &Browser) -> Page {
        self.form("/sign-in").set("username", &browser.user().username).set("password", PASSWORD).send().await
    }
}

const ENDED: &str = "Your session ended. Nothing was saved yet.";

#[tokio::test]
async fn the_same_form_stands_there_after_signing_in_and_says_that_it_was_not_saved() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let form = filled(&ana).await;
    app.advance(TimeDelta::minutes(62));
    let answer = form.send_once().await.expect(303);
    let (page, next) = sign_in_page(&answer).await;
    assert!(page.text().contains(ENDED), "{}", page.text());
    assert!(next.starts_with("/drafts/"), "{next}");
    let wrong = page.form("/sign-in").set("username", &ana.user().username).set("password", "x").send().await;
    assert!(wrong.text().contains(ENDED), "also after a mistake");
    let back = wrong.sign_in_as(&ana).await.expect(303).follow().await.expect(200);
    assert!(back.flash().contains("not saved"), "{}", back.flash());
    assert_eq!(back.field_value("connector_name"), "Payroll");
    assert_eq!(back.field_value("description"), "Salaries of all");
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 0);
    // It can be sent as it is, and was not used up by being shown.
    assert_eq!(ana.get(&next).await.expect(200).field_value("base_url"), "https://api.example.org");
    back.form("/connectors").send().await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM connectors WHERE name = 'Payroll'").await, 1);
}

#[tokio::test]
async fn a_session_that_was_ended_elsewhere_loses_nothing_either() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let form = filled(&ana).await;
    app.sql("DELETE FROM sessions").await;
    let (page, _) = sign_in_page(&form.send_once().await).await;
    let back = page.sign_in_as(&ana).await.follow().await;
    assert_eq!(back.field_value("connector_name"), "Payroll");
}

#[tokio::test]
async fn after_signing_in_again_in_another_tab_the_form_comes_back_at_once() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let form = filled(&ana).await;
    ana.post("/sign-out", &[]).await.expect(303);
    ana.sign_in(&ana.user().username, PASSWORD).await.expect(303);
    let back = form.send_once().await.expect(303).follow().await.expect(200);
    assert_eq!(back.field_value("connector_name"), "Payroll");
    assert!(back.flash().contains("not saved"));
    back.form("/connectors").send().await.expect(303);
}

#[tokio::test]
async fn another_person_who_signs_in_gets_nothing_and_the_draft_is_dropped() {
    let app = TestApp::start().await;
    let (ana, ben) = (app.super_admin().await, app.super_admin().await);
    let form = filled(&ana).await;
    app.sql(&format!("DELETE FROM sessions WHERE user_id = '{}'", ana.user().id)).await;
    let (page, next) = sign_in_page(&form.send_once().await).await;
    let home = page.sign_in_as(&ben).await.follow().await.expect(303);
    assert_eq!(home.location(), Some("/"));
    assert_eq!(app.count("SELECT count(*) FROM drafts").await, 0);
    app.browser().of_user(&ana).await.get(&next).await.expect(404);
    // Nor does a form of hers become his when he has signed in in her browser.
    let form = filled(&app.browser().of_user(&ana).await).await;
    let stale = form.value("csrf").expect("a token").to_string();
    let fields = [("csrf", stale.as_str()), ("connector_name", "Payroll")];
    ben.post_exactly("/connectors", &fields).await.expect(403);
    assert_eq!(app.count("SELECT count(*) FROM drafts").await, 0);
}

impl Browser {
    async fn of_user(&self, other: &Browser) -> Browser {
        self.sign_in(&other.user().username, PASSWORD).await.expect(303);
        self.clone()
    }
}

#[tokio::test]
async fn strangers_cannot_store_anything() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let stranger = app.browser();
    let token = stranger.csrf().await;
    for csrf in [token.as_str(), "", "A-token-that-was-invented"] {
        let fields = [("csrf", csrf), ("connector_name", "Payroll")];
        let answer = stranger.post_exactly("/connectors", &fields).await.expect(303);
        let (page, next) = sign_in_page(&answer).await;
        assert_eq!((page.text().contains(ENDED), next.as_str()), (true, "/"));
    }
    // With a session cookie whose signature is wrong no more is read than of any stranger.
    let cookie = ana.cookie(SESSION_COOKIE).expect("a session");
    let stale = ana.csrf_of("/connectors/new").await;
    app.sql("DELETE FROM sessions").await;
    let long = "x".repeat(20_000);
    let fields = [("csrf", stale.as_str()), ("description", long.as_str())];
    stranger.set_cookie(SESSION_COOKIE, &cookie.replacen(|letter: char| letter.is_ascii_alphanumeric(), "_", 1));
    stranger.post_exactly("/connectors", &fields).await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM drafts").await, 0);
    stranger.set_cookie(SESSION_COOKIE, &cookie);
    stranger.post_exactly("/connectors", &fields).await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM drafts").await, 1, "the cookie of a session that has ended");
    // A page of another site cannot send a form at all.
    let request = stranger.request(reqwest::Method::POST, "/connectors").body(format!("csrf={stale}&connector_name=x"));
    let mut request = request.build().expect("a request");
    for (name, value) in [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")] {
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    stranger.execute(request).await.expect(403);
    assert_eq!(app.count("SELECT count(*) FROM drafts").await, 1);
}

#[tokio::test]
async fn a_person_has_ten_drafts_at_most_and_each_lasts_a_day() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let token = ana.csrf_of("/connectors/new").await;
    app.sql("DELETE FROM sessions").await;
    let mut last = String::new();
    for number in 0..13 {
        app.advance(TimeDelta::seconds(1));
        let name = format!("Payroll {number}");
        let answer = ana.post_exactly("/connectors", &[("csrf", &token), ("connector_name", &name)]).await;
        last = sign_in_page(&answer).await.1;
    }
    assert_eq!(app.count("SELECT count(*) FROM drafts").await, 10);
    ana.sign_in(&ana.user().username, PASSWORD).await.expect(303);
    assert_eq!(ana.get(&last).await.field_value("connector_name"), "Payroll 12");
    app.advance(TimeDelta::hours(24));
    ana.sign_in(&ana.user().username, PASSWORD).await.expect(303);
    ana.get(&last).await.expect(404);
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM drafts").await, 0);
    // Whose session it was is forgotten a day after the session would have ended in any case.
    app.advance(TimeDelta::hours(13));
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM session_users WHERE forget_at < now() + interval '2 days'").await, 0);
}

#[tokio::test]
async fn secrets_are_left_out_and_the_rest_is_sealed() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.connector_with("Payroll", |new| new.method = Method::Basic).await;
    let page = ana.get("/connectors/payroll/authorization").await;
    let form = page.form("/connectors/payroll/authorization").set("user_name", "payroll-reader");
    let form = form.set("password", "hush-hush");
    app.sql("DELETE FROM sessions").await;
    let (page, next) = sign_in_page(&form.send_once().await).await;
    let id: Uuid = next.trim_start_matches("/drafts/").parse().expect("an id");
    let bytes = app.value(&format!("SELECT encode(sealed, 'escape') FROM drafts WHERE id = '{id}'")).await;
    assert!(!bytes.contains("payroll-reader"));
    let opened = app.draft(id).await;
    assert!(opened.contains("payroll-reader") && !opened.contains("hush-hush"), "{opened}");
    let back = page.sign_in_as(&ana).await.follow().await.expect(200);
    assert_eq!((back.field_value("user_name"), back.field_value("password")), ("payroll-reader".into(), String::new()));
    // Moved to another person it does not open.
    let ben = app.super_admin().await;
    app.sql(&format!("UPDATE drafts SET user_id = '{}'", ben.user().id)).await;
    ben.get(&next).await.expect(500);
}

#[tokio::test]
async fn what_the_person_may_not_do_any_more_is_refused_as_ever() {
    let app = TestApp::start().await;
    let ana = app.person(&[ViewConnectors, CreateCategories]).await;
    let form = ana.get("/categories/new").await.expect(200).form("/categories").set("category_name", "Finance");
    app.sql("DELETE FROM sessions").await;
    app.sql("DELETE FROM user_permissions").await;
    let (page, _) = sign_in_page(&form.send_once().await).await;
    page.sign_in_as(&ana).await.follow().await.expect(403);
}

#[tokio::test]
async fn a_form_that_was_changed_meanwhile_shows_both_versions() {
    let app = TestApp::start().await;
    let (ana, ben) = (app.super_admin().await, app.person(&[EditConnectors]).await);
    app.connector("Payroll").await;
    let edit = async |browser: &Browser, name: &str| {
        browser
            .get("/connectors/payroll/details")
            .await
            .expect(200)
            .form("/connectors/payroll/details")
            .set("description", name)
    };
    let form = edit(&ana, "Hers").await;
    app.sql(&format!("DELETE FROM sessions WHERE user_id = '{}'", ana.user().id)).await;
    edit(&ben, "His").await.send().await.expect(303);
    let (page, _) = sign_in_page(&form.send_once().await).await;
    let back = page.sign_in_as(&ana).await.follow().await.expect(409);
    assert!(back.text().contains("Hers") && back.text().contains("His"), "{}", back.text());
}

#[tokio::test]
async fn another_instance_gives_the_form_back() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let form = filled(&ana).await;
    app.sql("DELETE FROM sessions").await;
    let (_, next) = sign_in_page(&form.send_once().await).await;
    let other = app.another_program().serve();
    let elsewhere = other.browser();
    elsewhere.sign_in(&ana.user().username, PASSWORD).await.expect(303);
    assert_eq!(elsewhere.get(&next).await.expect(200).field_value("connector_name"), "Payroll");
}

//! The first run: one super admin, guarded by the code of the console.

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::founder;
use crate::support::{Browser, PASSWORD, Page, TestApp};

#[tokio::test]
async fn the_very_first_visitor_is_led_to_it() {
    let app = TestApp::start().await;
    let page = app.browser().open("/").await.expect(200);
    assert_eq!((page.path.as_str(), page.h1().as_str()), ("/first-run", "Create the first super admin"));
}

#[tokio::test]
async fn the_code_of_the_console_makes_the_first_super_admin_who_is_signed_in() {
    let app = TestApp::start().await;
    let ana = app.browser();
    let page = ana.get("/first-run").await.submit(|form| founder(&app, form)).await.expect(303);
    let page = page.follow().await.expect(200);
    assert_eq!(page.flash(), "You are the first super admin of this Connectory");
    assert_eq!((page.path.as_str(), page.h1().as_str()), ("/", "Home"));
    assert!(page.text().contains("How to begin"));
    assert!(page.has_link("Add Data Connector"), "may do everything");
    assert_eq!(
        app.rows("SELECT username, name, super_admin, active FROM users").await,
        [["ana", "Ana Ruiz", "t", "t"]]
    );
    assert_eq!(
        app.rows("SELECT kind, actor_name, subject_name FROM audit_events").await,
        [["user.created", "Ana Ruiz", "ana"]]
    );
}

#[tokio::test]
async fn a_wrong_code_makes_nobody_and_keeps_all_but_the_password() {
    let app = TestApp::start().await;
    let ana = app.browser();
    let page = ana
        .get("/first-run")
        .await
        .submit(|form| founder(&app, form).set("code", "AAAA-BBBB-CCCC-DDDD"))
        .await
        .expect(422);
    assert_eq!(
        page.errors(),
        [("code".to_string(), "Enter the code that the server printed when it was started last".to_string())]
    );
    assert_eq!((page.field_value("username").as_str(), page.field_value("full_name").as_str()), ("ana", "Ana Ruiz"));
    assert_eq!((page.field_value("password"), page.field_value("code")), (String::new(), String::new()));
    assert!(!page.html.contains(PASSWORD));
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn a_code_cannot_be_guessed_at_leisure() {
    let app = TestApp::start().await;
    let page = app.browser().get("/first-run").await;
    for _ in 0..10 {
        page.submit(|form| founder(&app, form).set("code", "wrong")).await;
    }
    let page = page.submit(|form| founder(&app, form)).await.expect(429);
    assert!(!page.header("retry-after").is_empty());
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn weak_passwords_and_missing_names_are_refused_with_what_to_do() {
    let app = TestApp::start().await;
    let page = app.browser().get("/first-run").await;
    for (field, typed, message) in [
        ("username", "", "Enter a user name"),
        ("username", "ana ruiz", "A user name can have letters, numbers, full stops, underscores, hyphens, @ and +"),
        ("full_name", " ", "Enter your name"),
        ("password", "", "Enter a password"),
        ("password", "eleven char", "Password must be at least 12 characters long"),
    ] {
        app.advance(TimeDelta::minutes(5));
        let page = page.submit(|form| founder(&app, form).set(field, typed)).await.expect(422);
        assert_eq!(page.errors(), [(field.to_string(), message.to_string())]);
        assert_eq!(page.field_error(field).as_deref(), Some(message));
        assert!(page.title().starts_with("Error: "), "{}", page.title());
        assert_eq!(page.field_value("code"), app.first_run.code(), "it is not typed again for a mistake elsewhere");
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn it_is_gone_once_there_is_a_super_admin() {
    let app = TestApp::start().await;
    let late = app.browser();
    let page = late.get("/first-run").await.expect(200);
    app.super_admin().await;
    late.get("/first-run").await.expect(404);
    page.submit(|form| founder(&app, form)).await.expect(404);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(late.open("/").await.path, "/sign-in?next=%2F");
}

#[tokio::test]
async fn twenty_at_once_make_one_super_admin() {
    let app = TestApp::start().await;
    let visitors: Vec<Browser> = (0..20).map(|_| app.browser()).collect();
    let pages = join_all(visitors.iter().map(|visitor| visitor.get("/first-run"))).await;
    let fill = |number: usize, page: &Page| founder(&app, page.main_form()).set("username", &format!("ana{number}"));
    let sends = pages.iter().enumerate().map(|(number, page)| fill(number, page).send());
    let answers = join_all(sends).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert!(answers.iter().all(|answer| [303, 404, 429].contains(&answer.status)));
    assert_eq!(app.count("SELECT count(*) FROM users WHERE super_admin").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM sessions").await, 1);
}

//! Two people on one tab.

use super::*;

#[tokio::test]
async fn the_second_sees_both_versions_and_no_secret() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let (anas, bens) = (ana.get(TAB).await, ben.get(TAB).await);
    save(&anas, |form| replace(form.set("user_name", "anas"), "password", "canary-anas-77")).await.expect(303);
    let page = save(&bens, |form| replace(form.set("user_name", "bens"), "password", NEW)).await.expect(409);
    assert_eq!(page.h1(), "Someone else saved this first");
    assert!(page.text().contains(&format!("{} saved “Payroll”", ana.user().attribution())));
    assert_eq!(page.rows(), [["User", "anas", "bens"]]);
    assert!(page.text().contains(
        "Passwords and other secrets that you typed are not shown or kept here. After saving, enter them again."
    ));
    assert!(!page.html.contains("canary"));
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some("canary-anas-77"));

    let kept = page.click("Keep theirs and discard mine").await.expect(200);
    assert_eq!(kept.field_value("user_name"), "anas");
    let saved = page.form(TAB).send().await.expect(303).follow().await;
    assert_eq!((saved.flash().as_str(), saved.field_value("user_name").as_str()), (SAVED, "bens"));
    assert_eq!(
        app.secret(id, SecretField::Password).await.as_deref(),
        Some("canary-anas-77"),
        "the secret is untouched"
    );
}

#[tokio::test]
async fn a_form_that_does_not_say_what_it_was_made_from_saves_nothing() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    for version in ["", "0", "-1", "2", "x", "99999999999999999999"] {
        let page = save(&ana.get(TAB).await, |form| replace(form, "password", NEW).forge("version", version))
            .await
            .expect(409);
        assert!(!page.html.contains(NEW));
    }
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(OLD));
}

#[tokio::test]
async fn a_secret_is_not_entered_for_a_host_that_was_changed_meanwhile() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Basic).await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let open = ana.get(TAB).await;
    ben.get(DETAILS).await.submit(|form| form.set("base_url", "https://collector.example.net")).await.expect(303);
    save(&open, |form| form.set("user_name", "svc").set("password", NEW)).await.expect(409);
    assert_eq!(app.secret(id, SecretField::Password).await, None);
}

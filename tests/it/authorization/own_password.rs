//! Replacing and removing a stored secret asks for the own password again.

use chrono::TimeDelta;
use connectory::access::OWN_PASSWORD;
use connectory::access::Permission::EditConnectors;
use connectory::authorization::SecretField;
use connectory::connectors::Method;
use uuid::Uuid;

use super::{NEW, OLD, TAB, authorized, save};
use crate::support::{FormFill, PASSWORD, TestApp};

async fn stored(app: &TestApp, id: Uuid) -> Option<String> {
    app.secret(id, SecretField::Password).await
}

fn typed(form: FormFill) -> FormFill {
    form.set("password_choice", "replace").set("password", NEW)
}

#[tokio::test]
async fn a_stored_secret_is_replaced_with_the_own_password_only() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await;
    for (own, message) in [("", "Enter your password"), ("wrong", "This is not your password")] {
        let fill = |form| typed(form).set("user_name", "kept").set(OWN_PASSWORD, own);
        let page = save(&page, fill).await.expect(422);
        let error = (OWN_PASSWORD.to_string(), message.to_string());
        assert_eq!(page.errors(), [error]);
        // All that is no secret is still there, and what was chosen for the secret.
        let form = page.form(TAB);
        assert_eq!(form.value("user_name"), Some("kept"));
        assert_eq!(form.value("password_choice"), Some("replace"));
        assert_eq!((form.value("password"), form.value(OWN_PASSWORD)), (Some(""), Some("")));
        assert!(!page.html.contains(NEW));
        assert_eq!(stored(&app, id).await.as_deref(), Some(OLD));
    }
    let fill = |form| typed(form).set(OWN_PASSWORD, PASSWORD);
    let page = save(&page, fill).await.expect(303).follow().await;
    assert_eq!(stored(&app, id).await.as_deref(), Some(NEW));
    // It counts for a quarter of an hour.
    assert_eq!(page.form(TAB).value(OWN_PASSWORD), None);
    app.advance(TimeDelta::minutes(14));
    save(&page, typed).await.expect(303);
    let page = ana.get(TAB).await;
    app.advance(TimeDelta::minutes(1));
    save(&page, typed).await.expect(422);
}

#[tokio::test]
async fn a_pasted_token_is_a_secret_too() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Bearer).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await;
    let fill = |form: FormFill| form.set("token_choice", "replace").set("token", NEW);
    save(&page, fill).await.expect(422);
    assert_eq!(app.token(id).await.as_deref(), Some(OLD));
    save(&page, |form| fill(form).confirmed()).await.expect(303);
    assert_eq!(app.token(id).await.as_deref(), Some(NEW));
}

#[tokio::test]
async fn what_replaces_no_secret_is_saved_without_it() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await;
    let page = save(&page, |form| form.set("user_name", "another"));
    let page = page.await.expect(303).follow().await;
    app.sql("DELETE FROM secrets").await;
    // Where none is stored, there is nothing to replace, and nothing is asked.
    drop(page);
    let page = ana.get(TAB).await;
    assert_eq!(page.form(TAB).value(OWN_PASSWORD), None);
    save(&page, |form| form.set("password", NEW)).await.expect(303);
    assert_eq!(stored(&app, id).await.as_deref(), Some(NEW));
}

/// Else whoever may not replace a secret would remove it and enter another one.
#[tokio::test]
async fn a_stored_secret_is_removed_with_the_own_password_only() {
    for (method, field) in [(Method::Basic, "password"), (Method::Bearer, "token")] {
        let app = TestApp::start().await;
        let id = authorized(&app, method).await;
        let is_there = async || match method {
            Method::Bearer => app.token(id).await.is_some(),
            _ => stored(&app, id).await.is_some(),
        };
        let ana = app.person(&[EditConnectors]).await;
        let page = ana.get(TAB).await;
        let choice = format!("{field}_choice");
        let fill = |form: FormFill| form.set(&choice, "remove");
        let page = save(&page, fill).await.expect(422);
        let error = (OWN_PASSWORD.into(), "Enter your password".into());
        assert_eq!(page.errors(), [error]);
        assert_eq!(page.form(TAB).value(&choice), Some("remove"));
        assert!(is_there().await);
        save(&page, |form| form.confirmed()).await.expect(303);
        assert!(!is_there().await);
    }
}

/// Another method removes the secrets of the one before, too.
#[tokio::test]
async fn another_method_takes_stored_secrets_away_with_the_own_password_only() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await;
    let fill = |form: FormFill| form.set("auth_method", "no_auth");
    let page = save(&page, fill).await.expect(422);
    assert_eq!(page.field_error(OWN_PASSWORD).as_deref(), Some("Enter your password"));
    assert_eq!(stored(&app, id).await.as_deref(), Some(OLD));
    save(&page, |form| form.confirmed()).await.expect(303);
    assert_eq!(stored(&app, id).await, None);
}

#[tokio::test]
async fn a_page_with_both_versions_does_not_carry_it() {
    let app = TestApp::start().await;
    authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await;
    save(&page, |form| form.set("user_name", "theirs")).await.expect(303);
    let page = save(&page, |form| typed(form).set("user_name", "mine").set(OWN_PASSWORD, PASSWORD));
    let page = page.await.expect(409);
    assert!(!page.html.contains(PASSWORD) && !page.html.contains(OWN_PASSWORD));
}

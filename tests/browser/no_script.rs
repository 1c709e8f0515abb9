//! The main job without JavaScript: every page does its whole work by itself, and nothing typed is lost.

use serde_json::json;
use thirtyfour::{By, Key};

use super::{PAYROLL, Window, origin};
use crate::support::oauth_server::{OAuthServer, USER, USERS_PASSWORD};
use crate::support::{PASSWORD, TestApp};

/// Presses Enter in a text field and waits for the page that comes of it.
async fn enter_in(window: &Window, id: &str) {
    window.find(By::Id(id)).await.focus().await.expect("the focus goes there");
    window.key_to_next_page(Key::Enter).await;
}

#[tokio::test]
async fn the_whole_main_job_is_done_without_scripts() {
    let app = TestApp::start().await;
    let tokens = OAuthServer::start();
    let window = Window::open_without_scripts(&app).await;

    window.go("/").await;
    window.fill("code", app.first_run.code()).await;
    window.fill("username", "ana").await;
    window.fill("full_name", "Ana Ruiz").await;
    window.fill("password", PASSWORD).await;
    window.press("Create super admin").await;
    assert_eq!(window.flash().await, "You are the first super admin of this Connectory");

    window.press("Categories").await;
    window.press("Add Category").await;
    window.fill("category_name", "Human resources").await;
    enter_in(&window, "category_name").await;
    assert_eq!(window.flash().await, "The category was created");

    window.go("/connectors").await;
    window.press("Create the first data connector").await;
    window.fill("connector_name", PAYROLL).await;
    window.fill("base_url", origin(&tokens)).await;
    window.choose("auth_method", "Bearer Token").await;
    window.tick("Human resources").await;
    window.press("Save").await;
    assert_eq!(window.texts(".note.bad li").await, ["Enter a description"]);
    assert_eq!(window.value("connector_name").await, PAYROLL);
    assert_eq!(window.value("base_url").await, origin(&tokens));
    assert_eq!(window.value("auth_method").await, "bearer");
    let ticked = window.script("return document.querySelectorAll('[name=category]:checked').length", json!([])).await;
    assert_eq!(ticked, 2);
    window.fill("description", "Salaries and payslips").await;
    window.press("Save").await;
    assert_eq!(window.flash().await, "The Data Connector was created");
    assert_eq!(window.h1().await, format!("{PAYROLL}: Authorization"));

    window.press("Get Access Token").await;
    window.fill("token_url", &tokens.token_url).await;
    window.fill("token_user", USER).await;
    window.fill("token_password", "wrong").await;
    enter_in(&window, "token_password").await;
    assert_eq!(window.text(".note.bad h2").await, "No access token");
    assert_eq!(window.value("token_url").await, tokens.token_url);
    assert_eq!(window.value("token_user").await, USER);
    assert_eq!(window.value("token_password").await, "");
    window.fill("token_password", USERS_PASSWORD).await;
    window.press("Get Access Token").await;
    assert!(window.value("access_token").await.starts_with("ey"), "a token is shown");
    assert_eq!(window.text(".result dd").await, "Bearer");
    window.press("Use this token").await;
    assert_eq!(window.flash().await, "The token was stored");

    window.go("/connectors").await;
    assert!(window.text("tbody td[data-label=Status]").await.starts_with("Healthy token issued"));
}

#[tokio::test]
async fn another_methods_fields_are_shown_by_a_button_and_nothing_typed_is_lost() {
    let app = TestApp::start().await;
    app.connector_with("Ledger", |new| new.method = connectory::connectors::Method::Basic).await;
    let window = Window::open_without_scripts(&app).await;
    window.be(&app.super_admin().await).await;
    window.go("/connectors/ledger/authorization").await;

    window.fill("user_name", "somebody else").await;
    window.choose("auth_method", "API Key").await;
    window.press("Show fields for this method").await;
    assert_eq!(
        window.texts("[data-case=api_key] label, [data-case=basic] label").await[..2],
        ["Sent as", "Name of the header or parameter"]
    );
    window.fill("api_key_name", "X-Ledger-Key").await;
    window.choose("auth_method", "Basic Auth").await;
    window.press("Show fields for this method").await;
    assert_eq!(window.value("user_name").await, "somebody else");
    window.choose("auth_method", "API Key").await;
    window.press("Show fields for this method").await;
    assert_eq!(window.value("api_key_name").await, "X-Ledger-Key");
    assert_eq!(app.value("SELECT method FROM connectors").await, "basic", "nothing is saved yet");
}

#[tokio::test]
async fn enter_in_a_text_field_saves_and_does_not_switch() {
    let app = TestApp::start().await;
    app.connector_with("Ledger", |new| new.method = connectory::connectors::Method::Basic).await;
    let window = Window::open_without_scripts(&app).await;
    window.be(&app.super_admin().await).await;
    window.go("/connectors/ledger/authorization").await;
    window.fill("user_name", "somebody else").await;
    enter_in(&window, "user_name").await;
    assert_eq!(window.flash().await, "The Data Connector was saved");
    assert_eq!(window.value("user_name").await, "somebody else");
}

#[tokio::test]
async fn what_only_a_script_could_do_is_not_offered() {
    let app = TestApp::start().await;
    let person = app.super_admin().await;
    app.connector_with("Ledger", |new| new.method = connectory::connectors::Method::Basic).await;
    let window = Window::open_without_scripts(&app).await;
    for page in ["/sign-in", "/connectors/ledger/authorization"] {
        window.go(page).await;
        let dead = window.texts("[data-reveal], [data-copy]").await;
        assert!(dead.is_empty(), "{page} shows buttons that do nothing: {dead:?}");
        window.be(&person).await;
    }
}

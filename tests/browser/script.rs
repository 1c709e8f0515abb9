//! What the script adds: comforts, each of which must not get in anybody's way.

use std::time::Duration;

use connectory::connectors::Method;
use serde_json::{Value, json};
use thirtyfour::{By, Key};

use super::{Window, origin};
use crate::support::TestApp;
use crate::support::oauth_server::{OAuthServer, USER, USERS_PASSWORD};

/// Leaves in the tab's memory, for the next page, whether the page before asked not to be left.
const REMEMBER_THE_QUESTION: &str =
    "addEventListener('beforeunload', event => sessionStorage.setItem('asked', event.defaultPrevented))";

/// Whether the page would ask before it is left now.
const WOULD_ASK: &str = "return !dispatchEvent(new Event('beforeunload', { cancelable: true }))";

/// A site with a connector “Ledger” of this method, open on one of its pages.
async fn ledger(method: Method, page: &str) -> (TestApp, Window) {
    let app = TestApp::start().await;
    app.connector_with("Ledger", |new| new.method = method).await;
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    window.go(&format!("/connectors/ledger{page}")).await;
    (app, window)
}

async fn ask(window: &Window, body: &str) -> Value {
    window.script(body, json!([])).await
}

#[tokio::test]
async fn another_method_shows_its_fields_at_once_and_the_focus_stays() {
    let (_app, window) = ledger(Method::Basic, "/authorization").await;
    assert!(
        !window.texts("button").await.contains(&"Show fields for this method".into()),
        "the button is for those without scripts"
    );
    window.find(By::Id("auth_method")).await.focus().await.expect("the focus goes there");
    window.key(Key::Down).await;
    window.until("return document.getElementById('token').checkVisibility()").await;
    assert_eq!(window.focus().await.id, "auth_method");
    assert_eq!(ask(&window, "return document.getElementById('user_name').checkVisibility()").await, false);
    assert_eq!(
        ask(&window, "return document.getElementById('user_name').disabled").await,
        true,
        "what is hidden is not sent"
    );
    assert_eq!(window.text("legend[data-switch-name]").await, "Bearer Token");
    window
        .until(
            "return document.querySelector('main > [role=status]')?.textContent == 'Showing fields for Bearer Token'",
        )
        .await;
    window.key(Key::Up).await;
    window.until("return document.getElementById('user_name').checkVisibility()").await;
}

#[tokio::test]
async fn what_was_typed_for_one_method_survives_a_look_at_another() {
    let (_app, window) = ledger(Method::Basic, "/authorization").await;
    window.fill("user_name", "somebody else").await;
    window.choose("auth_method", "API Key").await;
    window.until("return document.getElementById('api_key_name').checkVisibility()").await;
    window.choose("auth_method", "Basic Auth").await;
    window.until("return document.getElementById('user_name').checkVisibility()").await;
    assert_eq!(window.value("user_name").await, "somebody else");
    window.press("Save").await;
    assert_eq!(window.flash().await, "The Data Connector was saved");
    assert_eq!(window.value("user_name").await, "somebody else");
}

#[tokio::test]
async fn a_received_token_is_copied_with_and_without_the_clipboard_of_safe_sites() {
    let tokens = OAuthServer::start();
    let (app, window) = ledger(Method::Bearer, "/authorization/token-requests").await;
    let permissions =
        json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": app.public_url });
    window.devtools("Browser.grantPermissions", permissions).await;
    app.sql(&format!("UPDATE connectors SET base_url = '{}/'", origin(&tokens))).await;
    window.fill("token_url", &tokens.token_url).await;
    window.fill("token_user", USER).await;
    window.fill("token_password", USERS_PASSWORD).await;
    window.press("Get Access Token").await;
    let token = window.value("access_token").await;
    for way in ["", "Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })"] {
        window.script_to_come("navigator.clipboard.writeText('something else').then(arguments[0])", json!([])).await;
        ask(&window, way).await;
        window.click("//button[@data-copy]").await;
        window.until("return document.querySelector('.said[role=status]')?.textContent == 'Access token copied'").await;
        assert!(window.focus().await.name.starts_with("Copy"), "the focus stays on the button");
        ask(&window, "delete navigator.clipboard; document.querySelector('.said').textContent = ''").await;
        let copied = window
            .script_to_come(
                "navigator.clipboard.readText().then(arguments[0], error => arguments[0](String(error)))",
                json!([]),
            )
            .await;
        assert_eq!(copied, token.as_str());
    }
}

#[tokio::test]
async fn a_browser_that_hangs_fails_the_test_with_a_message() {
    let app = TestApp::start().await;
    let window = Window::open(&app).await;
    window.limit_scripts(Duration::from_millis(200)).await;
    let answer = window.script_answer("/* calls nothing */", json!([])).await;
    let problem = answer.expect_err("nothing ever comes");
    assert!(problem.contains("calls nothing") && problem.contains("packaging/provision"), "{problem}");
}

#[tokio::test]
async fn a_password_is_shown_and_hidden_again_and_the_focus_stays() {
    let (_app, window) = ledger(Method::Basic, "/authorization").await;
    window.fill("password", "secret words").await;
    let button = "//button[@data-reveal='#password']";
    for (kind, words, said) in
        [("text", "Hide password", "Password is visible"), ("password", "Show password", "Password is hidden")]
    {
        window.click(button).await;
        assert_eq!(ask(&window, "return document.getElementById('password').type").await, kind);
        assert_eq!(window.focus().await.name, words);
        window.until(&format!("return document.querySelector('main > [role=status]')?.textContent == '{said}'")).await;
    }
    window.click(button).await;
    window.fill("user_name", "ledger").await;
    window.press("Save").await;
    assert_eq!(window.flash().await, "The Data Connector was saved", "a shown password is sent like any other");
}

#[tokio::test]
async fn a_second_press_of_save_is_ignored() {
    let (app, window) = ledger(Method::Basic, "/details").await;
    window.fill("display_name", "General ledger").await;
    let press_twice = "
        const ignored = [];
        addEventListener('submit', event => ignored.push(event.defaultPrevented));
        const save = document.querySelector('main form button[type=submit]');
        save.click();
        save.click();
        return ignored";
    assert_eq!(ask(&window, press_twice).await, json!([false, true]));
    window.until("return Boolean(document.querySelector('.note.ok'))").await;
    assert_eq!(window.flash().await, "The Data Connector was saved");
    let saved = "SELECT count(*) FROM audit_events WHERE kind = 'connector.saved'";
    assert_eq!(app.count(saved).await, 1);
}

#[tokio::test]
async fn leaving_asks_about_unsaved_edits_and_saving_does_not() {
    let (_app, window) = ledger(Method::Basic, "/details").await;
    assert_eq!(ask(&window, WOULD_ASK).await, false, "nothing was edited yet");
    window.fill("display_name", "General ledger").await;
    assert_eq!(ask(&window, WOULD_ASK).await, true);
    ask(&window, REMEMBER_THE_QUESTION).await;
    window.press("Save").await;
    assert_eq!(window.flash().await, "The Data Connector was saved");
    assert_eq!(ask(&window, "return sessionStorage.getItem('asked')").await, "false");

    window.fill("display_name", "Special ledger").await;
    ask(&window, REMEMBER_THE_QUESTION).await;
    window.press("Cancel").await;
    assert_eq!(ask(&window, "return sessionStorage.getItem('asked')").await, "false", "Cancel means it");
    assert_eq!(window.texts("tbody th a").await, ["General ledger"]);
}

#[tokio::test]
async fn a_refused_form_asks_before_it_is_left_and_saves_without_asking() {
    let (_app, window) = ledger(Method::Basic, "/details").await;
    window.fill("connector_name", "").await;
    window.press("Save").await;
    assert_eq!(window.focus().await.classes, "note bad");
    assert_eq!(ask(&window, WOULD_ASK).await, true, "what was typed is not saved");
    window.fill("connector_name", "Ledger").await;
    ask(&window, REMEMBER_THE_QUESTION).await;
    window.press("Save").await;
    assert_eq!(ask(&window, "return sessionStorage.getItem('asked')").await, "false");
}

#[tokio::test]
async fn a_running_import_is_followed_until_it_has_ended() {
    let app = TestApp::start().await;
    app.collection("Parts", "").await;
    let id = "00000000-0000-7000-8000-00000000000a";
    app.sql(&format!(
        "INSERT INTO imports (id, collection_id, file_name, size, state, bytes_read, created_at, created_by, updated_at)
         SELECT '{id}', connector_id, 'parts.csv', 100, 'running', 50, now(), '', now() + interval '1 day' FROM collections"
    ))
    .await;
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    window.go(&format!("/collections/parts/imports/{id}")).await;
    window.find(By::LinkText("Refresh")).await.focus().await.expect("the focus goes there");
    app.sql("UPDATE imports SET bytes_read = 75").await;
    window.until("return document.querySelector('progress').value == 75").await;
    assert_eq!(ask(&window, "return document.activeElement.textContent").await, "Refresh");
    app.sql("UPDATE imports SET state = 'done', records_read = 12").await;
    window
        .until("return document.querySelector('main > [role=status]')?.textContent == '12 records were imported.'")
        .await;
    assert_eq!(ask(&window, "return document.activeElement.textContent").await, "Show the records");
    assert_eq!(ask(&window, "return document.querySelector('progress')").await, Value::Null);
}

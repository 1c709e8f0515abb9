//! What the script does for the form of the OAuth 2.0 methods.

use connectory::connectors::{Grant, Method};
use serde_json::json;

use super::Window;
use crate::support::TestApp;

/// The fields of Sign-in that can be seen.
const SEEN: &str = "[...document.querySelectorAll('fieldset:has([data-switch-name]) :is(input, select, textarea)')].filter(field => field.type != 'hidden' && field.checkVisibility()).map(field => field.id)";

/// Those that would be sent, and those of another method that would be sent too.
const SENT_UNSEEN: &str = "return [...document.querySelectorAll('fieldset [data-case][hidden] :is(input, select, textarea, button)')].filter(field => !field.disabled).map(field => field.id)";

async fn tab(grant: Grant) -> (TestApp, Window) {
    let app = TestApp::start().await;
    app.connector_with("Ledger", |new| new.method = Method::OAuth(grant)).await;
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    window.go("/connectors/ledger/authorization").await;
    (app, window)
}

async fn seen(window: &Window) -> Vec<String> {
    let seen = window.script(&format!("return {SEEN}"), json!([])).await;
    serde_json::from_value(seen).expect("ids")
}

#[tokio::test]
async fn each_grant_shows_its_own_fields_and_no_other_is_sent() {
    let (_app, window) = tab(Grant::Implicit).await;
    for (method, fields, client_id) in [
        (
            "OAuth 2.0 Authorization Code",
            "issuer authorize_url token_url redirect_url client_id client_secret scope",
            "Client ID",
        ),
        ("OAuth 2.0 Client Credentials", "issuer token_url client_id client_secret scope", "Client ID"),
        (
            "Auth 2.0 Password",
            "issuer token_url oauth_user oauth_password client_id client_secret scope",
            "Client ID (optional)",
        ),
        ("OAuth 2.0 Implicit", "issuer authorize_url redirect_url client_id scope", "Client ID"),
        ("OAuth 2.0 Device Authorization", "issuer device_url token_url client_id client_secret scope", "Client ID"),
        (
            "OAuth 2.0 JWT Bearer",
            "issuer token_url client_id client_secret assertion_issuer assertion_subject assertion_claims signing_key \
             assertion_algorithm assertion_key_id scope",
            "Client ID (optional)",
        ),
        (
            "Login Request",
            "login_method login_url login_user login_password login_body_kind login_body login_token",
            "",
        ),
        ("No Auth", "", ""),
    ] {
        window.choose("auth_method", method).await;
        window
            .until(&format!(
                "return document.querySelector('main > [role=status]')?.textContent == 'Showing fields for {method}'"
            ))
            .await;
        assert_eq!(seen(&window).await.join(" "), fields, "{method}");
        let unseen = window.script(SENT_UNSEEN, json!([])).await;
        assert_eq!(unseen, json!([]), "{method}");
        if !client_id.is_empty() {
            let field = window.find(thirtyfour::By::Id("client_id")).await;
            field.focus().await.expect("the focus goes there");
            assert_eq!(window.focus().await.name, client_id, "{method}");
        }
    }
}

#[tokio::test]
async fn what_can_take_long_says_so() {
    let (_app, window) = tab(Grant::AuthorizationCode).await;
    let stay = "addEventListener('submit', event => event.preventDefault())";
    for (button, words) in [
        ("Find settings", "Asking the server. This can take up to 30 seconds."),
        ("Test connection", "Testing. This can take up to 30 seconds for each step."),
    ] {
        window.go("/connectors/ledger/authorization").await;
        window.script(stay, json!([])).await;
        window.click(&format!("//button[not(@hidden)][normalize-space()='{button}']")).await;
        window.until(&format!("return document.querySelector('.said[role=status]')?.textContent == '{words}'")).await;
    }
}

#[tokio::test]
async fn without_scripts_what_can_take_long_says_so_beforehand() {
    let app = TestApp::start().await;
    let code = Method::OAuth(Grant::AuthorizationCode);
    app.connector_with("Ledger", |new| new.method = code).await;
    let window = Window::open_without_scripts(&app).await;
    window.be(&app.super_admin().await).await;
    for (time_out, words) in [("NULL", "30 seconds"), ("1", "1 second"), ("7", "7 seconds")] {
        app.sql(&format!("UPDATE authorizations SET time_out = {time_out}")).await;
        window.go("/connectors/ledger/authorization").await;
        let said = window.texts("noscript").await;
        let asking = format!("Asking the server can take up to {words}.");
        let testing = format!("Testing can take up to {words} for each step.");
        assert_eq!(said, [asking, testing]);
    }
}

#[tokio::test]
async fn the_redirect_url_is_copied_also_where_the_clipboard_never_answers() {
    let (app, window) = tab(Grant::AuthorizationCode).await;
    let permissions =
        json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": app.public_url });
    window.devtools("Browser.grantPermissions", permissions).await;
    for clipboard in ["", "navigator.clipboard.writeText = () => new Promise(() => {})"] {
        window.script(clipboard, json!([])).await;
        window.click("//button[@data-copy='#redirect_url']").await;
        window.until("return document.querySelector('.said[role=status]')?.textContent == 'Redirect URL copied'").await;
        let read = "navigator.clipboard.readText().then(arguments[0], error => arguments[0](String(error)))";
        let copied = window.script_to_come(read, json!([])).await;
        let wanted = format!("{}/connectors/ledger/authorization/callback", app.public_url);
        assert_eq!(copied, wanted.as_str());
        window.script("document.querySelector('.said').textContent = ''", json!([])).await;
    }
    let edited = "return !dispatchEvent(new Event('beforeunload', { cancelable: true }))";
    assert_eq!(window.script(edited, json!([])).await, false);
}

//! Authorizing a data connector at servers of other authors: from the tab's form to the server's pages and back, with
//! and without JavaScript, and by keyboard alone.

use connectory::connectors::Method;
use serde_json::json;
use thirtyfour::{By, Key};

use super::Window;
use super::keyboard::Typist;
use crate::support::TestApp;
use crate::support::authorization_server::{AuthorizationServer, Client, Grant, Setup};
use crate::support::oauth_server::{USER, USERS_PASSWORD};

const TAB: &str = "/connectors/ledger/authorization";
const CLIENT_ID: &str = "connectory";
const CLIENT_SECRET: &str = "s3cret+/%:& x";

/// A site with the data connector “Ledger”, which has no method yet.
async fn ledger() -> TestApp {
    let app = TestApp::start().await;
    app.connector_with("Ledger", |new| new.method = Method::NoAuth).await;
    app
}

/// Forgets what was saved for the server before.
async fn start_over(app: &TestApp) {
    app.sql("DELETE FROM tokens; DELETE FROM secrets; UPDATE connectors SET method = 'no_auth'").await;
}

/// What the server's operator registers.
fn setup(app: &TestApp, grant: Grant) -> Setup {
    let client = match grant {
        Grant::Implicit => Client::public(CLIENT_ID, grant),
        _ => Client::confidential(CLIENT_ID, CLIENT_SECRET, grant),
    };
    Setup::with([client.redirect(&format!("{}{TAB}/callback", app.public_url))])
}

/// Fills in the tab for this grant, as a person does who has just registered the client, and saves it.
async fn fill_in(window: &Window, server: &AuthorizationServer, grant: Grant, scripts: bool) {
    window.go(TAB).await;
    let method = match grant {
        Grant::Implicit => "OAuth 2.0 Implicit",
        _ => "OAuth 2.0 Authorization Code",
    };
    window.choose("auth_method", method).await;
    if scripts {
        window.until("return document.getElementById('authorize_url').checkVisibility()").await;
    } else {
        window.press("Show fields for this method").await;
    }
    window.fill("authorize_url", &server.urls.authorize).await;
    window.fill("client_id", CLIENT_ID).await;
    window.fill("scope", "read").await;
    if !matches!(grant, Grant::Implicit) {
        window.fill("token_url", &server.urls.token).await;
        window.fill("client_secret", CLIENT_SECRET).await;
    }
    window.press("Save").await;
    assert_eq!(window.flash().await, "The Data Connector was saved");
}

/// Leaves for the server, signs in there and answers its question with this button.
async fn answer(window: &Window, server: &AuthorizationServer, button: &str) {
    window.press("Authorize").await;
    assert_eq!(window.h1().await, "Ledger: Authorize");
    window.press(&format!("Continue to {}", server.urls.issuer)).await;
    sign_in(window).await;
    press_there(window, button).await;
}

/// Signs in at the server: its fields are called as everybody calls them.
pub async fn sign_in(window: &Window) {
    for (name, text) in [("username", USER), ("password", USERS_PASSWORD)] {
        let field = window.find(By::Name(name)).await;
        field.send_keys(text).await.expect("a text field");
    }
    window.key_to_next_page(Key::Enter).await;
}

/// Presses a button of the server's page.
pub async fn press_there(window: &Window, words: &str) {
    let focus = "[...document.querySelectorAll('button, input[type=submit]')].find(button => (button.matches('input') ? button.value : button.textContent).trim() == arguments[0]).focus()";
    window.script(focus, json!([words])).await;
    window.key_to_next_page(Key::Enter).await;
}

async fn is_authorized(window: &Window) {
    window.until("return Boolean(document.querySelector('main .note.ok')) && document.readyState == 'complete'").await;
    assert_eq!(window.flash().await, "The data connector is authorized");
    assert_eq!(window.path().await, TAB);
    assert_eq!(window.text(".head .tag").await, "Healthy");
}

/// Every address that the window has been to.
async fn history(window: &Window) -> String {
    let history = window.devtools("Page.getNavigationHistory", json!({})).await;
    history["entries"].to_string()
}

#[tokio::test]
async fn the_code_grant_works_with_both_servers_with_and_without_scripts() {
    let app = ledger().await;
    let setup = setup(&app, Grant::AuthorizationCode);
    let person = app.super_admin().await;
    for server in [AuthorizationServer::oidc_provider(&setup), AuthorizationServer::django(&setup)] {
        for scripts in [true, false] {
            let window = if scripts { Window::open(&app).await } else { Window::open_without_scripts(&app).await };
            window.be(&person).await;
            start_over(&app).await;
            fill_in(&window, &server, Grant::AuthorizationCode, scripts).await;
            answer(&window, &server, server.allow).await;
            is_authorized(&window).await;
            assert_eq!(app.count("SELECT count(*) FROM tokens").await, 1);
        }
    }
}

#[tokio::test]
async fn the_session_is_known_to_whoever_comes_back_from_another_site() {
    let app = ledger().await;
    let person = app.super_admin().await;
    for grant in [Grant::AuthorizationCode, Grant::Implicit] {
        let window = Window::open(&app).await;
        window.be(&person).await;
        let server = AuthorizationServer::oidc_provider(&setup(&app, grant));
        start_over(&app).await;
        fill_in(&window, &server, grant, true).await;
        // A browser takes another name for another site, which another port alone does not make.
        let elsewhere = |address: &str| address.replace("127.0.0.1", "localhost");
        let there = elsewhere(&server.urls.authorize);
        app.sql(&format!("UPDATE oauth_clients SET authorize_url = '{there}'")).await;
        window.go(TAB).await;
        window.press("Authorize").await;
        window.press(&format!("Continue to {}", elsewhere(&server.urls.issuer))).await;
        sign_in(&window).await;
        let host = window.script("return location.hostname", json!([])).await;
        assert_eq!(host, "localhost");
        press_there(&window, server.allow).await;
        is_authorized(&window).await;
    }
}

/// `response_mode=form_post`: the server's page posts the answer from another site, so no cookie of ours comes with it.
#[tokio::test]
async fn an_answer_that_the_server_posts_is_taken_with_and_without_scripts() {
    let app = ledger().await;
    let person = app.super_admin().await;
    let server = AuthorizationServer::oidc_provider(&setup(&app, Grant::AuthorizationCode));
    for scripts in [true, false] {
        let window = if scripts { Window::open(&app).await } else { Window::open_without_scripts(&app).await };
        window.be(&person).await;
        start_over(&app).await;
        fill_in(&window, &server, Grant::AuthorizationCode, scripts).await;
        let elsewhere = |address: &str| address.replace("127.0.0.1", "localhost");
        let there = elsewhere(&server.urls.authorize);
        app.sql(&format!(
            "UPDATE oauth_clients SET authorize_url = '{there}', authorize_parameters = 'response_mode=form_post'"
        ))
        .await;
        window.go(TAB).await;
        window.press("Authorize").await;
        window.press(&format!("Continue to {}", elsewhere(&server.urls.issuer))).await;
        sign_in(&window).await;
        press_there(&window, server.allow).await;
        if !scripts {
            press_there(&window, "Continue").await;
            // A page after one of another site may come in a new process of the browser that still runs scripts. That the
            // page works without them is tested over HTTP, too.
            if window.h1().await == "Finish authorizing" {
                window.press("Continue").await;
            }
        }
        is_authorized(&window).await;
        let history = history(&window).await;
        assert!(!history.contains("code="), "{history}");
    }
}

#[tokio::test]
async fn the_script_posts_the_implicit_answer_and_wipes_the_address() {
    let app = ledger().await;
    let server = AuthorizationServer::django(&setup(&app, Grant::Implicit));
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    fill_in(&window, &server, Grant::Implicit, true).await;
    answer(&window, &server, server.allow).await;
    is_authorized(&window).await;
    let history = history(&window).await;
    assert!(!history.contains("access_token"), "{history}");
    assert!(!window.html().await.contains("access_token="));
}

#[tokio::test]
async fn without_scripts_the_implicit_answer_is_pasted() {
    let app = ledger().await;
    let server = AuthorizationServer::django(&setup(&app, Grant::Implicit));
    let window = Window::open_without_scripts(&app).await;
    window.be(&app.super_admin().await).await;
    fill_in(&window, &server, Grant::Implicit, false).await;
    answer(&window, &server, server.allow).await;
    assert_eq!(window.h1().await, "Ledger: Finish authorizing");
    window.press("Finish").await;
    assert_eq!(window.texts(".note.bad li").await, ["Paste the whole address of this page"]);
    window.go(TAB).await;
    window.press("Authorize").await;
    window.press(&format!("Continue to {}", server.urls.issuer)).await;
    press_there(&window, server.allow).await;
    let address = window.script("return location.href", json!([])).await;
    let address = address.as_str().expect("an address");
    assert!(address.contains("#") && address.contains("access_token="), "{address}");
    window.fill("address", address).await;
    window.press("Finish").await;
    is_authorized(&window).await;
}

#[tokio::test]
async fn a_denied_consent_says_so_and_leads_back() {
    let app = ledger().await;
    let setup = setup(&app, Grant::AuthorizationCode);
    let person = app.super_admin().await;
    for server in [AuthorizationServer::oidc_provider(&setup), AuthorizationServer::django(&setup)] {
        let window = Window::open(&app).await;
        window.be(&person).await;
        start_over(&app).await;
        fill_in(&window, &server, Grant::AuthorizationCode, true).await;
        answer(&window, &server, server.deny).await;
        assert_eq!(window.h1().await, "Access was denied");
        assert!(window.text("main dd").await.contains("access_denied"));
        window.press("Back to Authorization").await;
        assert_eq!(window.text(".head .tag").await, "Not authorized");
    }
}

#[tokio::test]
async fn a_data_connector_is_authorized_by_keyboard_alone() {
    let app = ledger().await;
    let server = AuthorizationServer::oidc_provider(&setup(&app, Grant::AuthorizationCode));
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    let typist = Typist { window: &window };
    window.go(TAB).await;
    typist.tab_to("Method").await;
    window.keys("OAuth 2.0 Au").await;
    window.until("return document.getElementById('authorize_url').checkVisibility()").await;
    typist.fill("Issuer (optional)", &server.urls.issuer).await;
    typist.follow("Find settings").await;
    let focus = window.focus().await;
    assert!(focus.classes.contains("note ok"), "{focus:?}");
    assert_eq!(window.value("authorize_url").await, server.urls.authorize);
    assert_eq!(window.value("token_url").await, server.urls.token);
    typist.fill("Client ID", CLIENT_ID).await;
    typist.fill("Client Secret (not set)", CLIENT_SECRET).await;
    typist.fill("Scope (optional)", "read").await;
    typist.send().await;
    typist.focus_is_on_the_outcome("The Data Connector was saved").await;
    typist.follow("Authorize").await;
    typist.follow(&format!("Continue to {}", server.urls.issuer)).await;
    for (label, text) in [("User name", USER), ("Password", USERS_PASSWORD)] {
        window.key(Key::Tab).await;
        assert_eq!(window.focus().await.name, label);
        window.keys(text).await;
    }
    window.key_to_next_page(Key::Enter).await;
    window.key(Key::Tab).await;
    assert_eq!(window.focus().await.name, server.allow);
    window.key_to_next_page(Key::Enter).await;
    typist.focus_is_on_the_outcome("The data connector is authorized").await;
    is_authorized(&window).await;
}

//! Signing in through a provider of other authors: from the button to its pages and back, with and without JavaScript,
//! and by keyboard alone.

use thirtyfour::Key;

use super::Window;
use super::consent::{press_there, sign_in};
use super::keyboard::Typist;
use crate::openid::{BUTTON, site_of};
use crate::support::oauth_server::{USER, USERS_PASSWORD};
use crate::support::{PASSWORD, TestApp};

async fn open(app: &TestApp, scripts: bool) -> Window {
    if scripts { Window::open(app).await } else { Window::open_without_scripts(app).await }
}

/// Waits until the provider's page to sign in is there, to which nobody presses a link.
async fn is_at_provider(window: &Window) {
    window
        .until("return document.readyState == 'complete' && Boolean(document.querySelector('[name=password]')) && !document.querySelector('form[action=\"/sign-in\"]')")
        .await;
}

/// Waits until the site's page of this heading is there.
async fn is_back(window: &Window, heading: &str) {
    window
        .until(&format!(
            "return document.readyState == 'complete' && document.querySelector('h1')?.textContent == '{heading}'"
        ))
        .await;
}

#[tokio::test]
async fn people_come_in_with_and_without_scripts_to_the_page_that_they_asked_for() {
    let (server, app) = site_of(|_| ()).await;
    for scripts in [true, false] {
        let window = open(&app, scripts).await;
        window.go("/profile").await;
        assert_eq!(window.h1().await, "Sign in");
        window.press(BUTTON).await;
        is_at_provider(&window).await;
        sign_in(&window).await;
        press_there(&window, server.allow).await;
        is_back(&window, "Your profile: Details").await;
        assert!(window.text("main").await.contains("Ana Ruiz"));
    }
    assert_eq!(app.count("SELECT count(*) FROM identities").await, 1);
}

#[tokio::test]
async fn whoever_says_no_is_told_so_and_can_try_again_or_use_a_password() {
    let (server, app) = site_of(|_| ()).await;
    let local = app.user(&[]).await;
    for scripts in [true, false] {
        let window = open(&app, scripts).await;
        window.go("/sign-in").await;
        window.press(BUTTON).await;
        is_at_provider(&window).await;
        sign_in(&window).await;
        press_there(&window, server.deny).await;
        is_back(&window, "Access was denied").await;
        assert!(window.text("main dd").await.contains("ana does not want it."));
        window.press("Go to the sign-in page").await;
        window.fill("username", &local.username).await;
        window.fill("password", PASSWORD).await;
        window.press("Sign in").await;
        assert_eq!(window.path().await, "/");
    }
}

#[tokio::test]
async fn an_account_is_connected_and_signed_in_to_by_keyboard_alone() {
    let (server, app) = site_of(|_| ()).await;
    let ana = app.super_admin().await;
    let window = Window::open(&app).await;
    window.be(&ana).await;
    let typist = Typist { window: &window };
    window.go("/profile").await;
    typist.follow(BUTTON).await;
    typist.fill("Your password", PASSWORD).await;
    typist.follow("Connect with Staff login").await;
    is_at_provider(&window).await;
    for text in [USER, USERS_PASSWORD] {
        window.key(Key::Tab).await;
        window.keys(text).await;
    }
    window.key_to_next_page(Key::Enter).await;
    window.key(Key::Tab).await;
    assert_eq!(window.focus().await.name, server.allow);
    window.key(Key::Enter).await;
    is_back(&window, "Sign in with Staff login").await;
    window.settled().await;
    typist.focus_is_on_the_outcome("Your account is connected with Staff login").await;
}

//! A program and its key from the first to the last page: by keyboard alone, and without scripts.

use chrono::TimeDelta;
use thirtyfour::Key;

use super::Window;
use super::keyboard::Typist;
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_key_is_made_led_somewhere_and_revoked_by_keyboard_alone() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.connector("Ledger").await;
    let window = Window::open(&app).await;
    let typist = Typist { window: &window };
    window.be(&app.super_admin().await).await;
    window.go("/programs").await;
    typist.follow("Create the first program").await;
    typist.fill("Name", "Billing").await;
    typist.send().await;
    // From here on it is clear for a while who sits there.
    assert_eq!(window.h1().await, "Confirm it’s you");
    typist.fill("Your password", PASSWORD).await;
    typist.send().await;
    typist.focus_is_on_the_outcome("The program was created").await;

    typist.follow("Add API key").await;
    typist.fill("Name", "Nightly").await;
    typist.tab_to("In 90 days").await;
    window.key(Key::Down).await;
    window.key(Key::Down).await;
    let date = (app.clock.now() + TimeDelta::days(40)).format("%Y-%m-%d").to_string();
    typist.fill("Date", &date).await;
    typist.tab_to("Only chosen data connectors").await;
    typist.tab_to("All methods").await;
    window.key(Key::Down).await;
    typist.tab_to("GET").await;
    window.key(Key::Space).await;
    typist.send().await;
    typist.focus_is_on_the_outcome("The API key was created.").await;
    let key = window.value("api_key").await;
    assert!(key.starts_with("cty_"), "a key is shown");
    typist.tab_to("Copy API key").await;

    typist.follow("Choose data connectors").await;
    typist.fill("Name, description or category", "pay").await;
    typist.send().await;
    typist.tab_to("Payroll").await;
    window.key(Key::Space).await;
    typist.follow("Continue").await;
    assert_eq!(window.h1().await, "Nightly: Payroll");
    typist.tab_to("All endpoints").await;
    typist.tab_to("May use the proxy").await;
    window.key(Key::Space).await;
    typist.follow("Allow it").await;
    typist.focus_is_on_the_outcome("The key can now call “Payroll”").await;
    assert_eq!(window.texts("tbody tr th").await, ["Payroll"]);
    assert!(!window.html().await.contains(&key));

    typist.follow("Revoke").await;
    typist.follow("Revoke “Nightly”").await;
    typist.focus_is_on_the_outcome("The API key was revoked.").await;
    let found = app.api_keys.find(&app.db, &key, app.clock.now()).await;
    assert_eq!(found.err().map(|refusal| refusal.code()), Some("key_revoked"));
}

#[tokio::test]
async fn an_own_key_is_made_and_led_somewhere_without_scripts() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let window = Window::open_without_scripts(&app).await;
    window.be(&app.super_admin().await).await;
    window.go("/profile/keys").await;
    window.press("Add API key").await;
    window.fill("key_name", "My script").await;
    // Nothing is hidden: the date and the methods stand there for whoever wants them.
    window.fill("expires_on", "no date").await;
    window.tick("On a date").await;
    window.tick("Only the ticked ones").await;
    window.fill("own_password", PASSWORD).await;
    window.press("Create key").await;
    let problems = [
        "Enter the date as year, month and day, such as 2027-03-31",
        "Tick at least one method, or choose All methods",
    ];
    assert_eq!(window.texts(".note.bad li").await, problems);
    assert_eq!(window.value("expires_on").await, "no date");
    window.tick("Never").await;
    window.tick("GET").await;
    window.press("Create key").await;
    assert!(window.value("api_key").await.starts_with("cty_"));
    window.press("Choose data connectors").await;
    window.fill("q", "PAY").await;
    window.press("Search").await;
    window.tick("Payroll").await;
    window.press("Continue").await;
    window.tick("May use the proxy").await;
    window.press("Allow it").await;
    assert_eq!(window.flash().await, "The key can now call “Payroll”");
}

//! People by keyboard, with the script and without it.

use serde_json::json;
use thirtyfour::Key;

use super::Window;
use super::keyboard::Typist;
use crate::support::{Browser, TestApp};

/// The boxes that are ticked, by their codes.
const TICKED: &str = "return [...document.querySelectorAll('[name=permission]:checked')].map(box => box.value)";

async fn ticked(window: &Window) -> Vec<String> {
    serde_json::from_value(window.script(TICKED, json!([])).await).expect("codes")
}

async fn open(app: &TestApp, scripts: bool) -> (Window, Browser) {
    let window = if scripts { Window::open(app).await } else { Window::open_without_scripts(app).await };
    let ana = app.super_admin().await;
    app.confirm(&ana).await;
    window.be(&ana).await;
    (window, ana)
}

#[tokio::test]
async fn a_user_is_created_and_granted_rights_by_keyboard_alone() {
    let app = TestApp::start().await;
    let (window, _ana) = open(&app, true).await;
    let typist = Typist { window: &window };
    window.go("/").await;
    typist.follow("People").await;
    typist.follow("Add User").await;
    typist.fill("User name", "ben").await;
    typist.fill("Name", "Ben Okafor").await;
    typist.tab_to("Create Data Connectors").await;
    window.key(Key::Space).await;
    assert_eq!(window.focus().await.name, "Create Data Connectors", "the focus stays");
    window.until("return document.querySelector('main > [role=status]')?.textContent == 'Also ticked: Edit Data Connectors, View Data Connectors'").await;
    typist.tab_to("View Activity").await;
    window.key(Key::Space).await;
    typist.follow("Create user").await;
    typist.focus_is_on_the_outcome("The user was created.").await;
    typist.tab_to("Link").await;
    typist.follow("Go to “Ben Okafor”").await;
    assert_eq!(
        ticked(&window).await,
        ["create-data-connectors", "edit-data-connectors", "view-data-connectors", "view-activity"]
    );
    typist.follow("Make this user a Super Admin").await;
    typist.follow("Make “Ben Okafor” a super admin").await;
    typist.focus_is_on_the_outcome("The user is a super admin now").await;

    typist.follow("Users").await;
    typist.follow("Groups").await;
    typist.follow("Create the first group").await;
    typist.fill("Name", "Finance").await;
    typist.send().await;
    typist.focus_is_on_the_outcome("The group was created").await;
    typist.follow("Add the first members").await;
    typist.fill("Name or user name", "okafor").await;
    typist.send().await;
    typist.tab_to("Ben Okafor (ben)").await;
    window.key(Key::Space).await;
    typist.follow("Add selected members").await;
    typist.focus_is_on_the_outcome("1 member was added").await;
    assert_eq!(window.texts("tbody th").await, ["Ben Okafor"]);
}

#[tokio::test]
async fn boxes_that_need_each_other_move_together_at_once() {
    let app = TestApp::start().await;
    let (window, _ana) = open(&app, true).await;
    window.go("/users/new").await;
    window.tick("Create Data Connector Categories").await;
    let all = [
        "view-data-connectors",
        "create-data-connector-categories",
        "edit-data-connector-categories",
        "view-data-connector-categories",
    ];
    assert_eq!(ticked(&window).await, all);
    window.tick("Delete Data Connectors").await;
    window.tick("Edit Data Connector Categories").await;
    assert_eq!(
        ticked(&window).await,
        ["delete-data-connectors", "view-data-connectors", "view-data-connector-categories"],
        "without Edit no Create"
    );
    window.tick("Manage Users").await;
    window.tick("View Data Connectors").await;
    assert_eq!(ticked(&window).await, ["manage-users"], "without View nothing of the group");
    window.until("return document.querySelector('main > [role=status]')?.textContent == 'Also unticked: Delete Data Connectors, View Data Connector Categories'").await;
}

#[tokio::test]
async fn without_scripts_the_server_moves_the_boxes_and_says_so() {
    let app = TestApp::start().await;
    let (window, _ana) = open(&app, false).await;
    let ben = app.user(&[]).await;
    window.go(&format!("/users/{}", ben.id)).await;
    window.tick("Create Data Connectors").await;
    assert_eq!(ticked(&window).await, ["create-data-connectors"]);
    window.press("Save user").await;
    assert_eq!(
        window.flash().await,
        "The user was saved. Also granted, because what you ticked needs it: Edit Data Connectors, View Data Connectors"
    );
    window.tick("Edit Data Connectors").await;
    window.press("Save user").await;
    assert_eq!(ticked(&window).await, ["view-data-connectors"]);
    window.press("Deactivate this user").await;
    window.press(&format!("Deactivate “{}”", ben.name)).await;
    assert_eq!(window.flash().await, "The user was deactivated");
}

/// The link that the admin gets, taken from the page.
async fn make_a_link(window: &Window, ana: &Browser, app: &TestApp) -> String {
    let ben = app.user_named("ben", "Ben", &[]).await;
    let page = ana.post(&format!("/users/{}/invitations", ben.id), &[]).await.expect(200);
    window.devtools("Network.clearBrowserCookies", json!({})).await;
    page.field_value("link").trim().to_string()
}

#[tokio::test]
async fn a_link_is_followed_with_and_without_scripts_and_its_secret_leaves_the_address() {
    for scripts in [true, false] {
        let app = TestApp::start().await;
        let (window, ana) = open(&app, scripts).await;
        let link = make_a_link(&window, &ana, &app).await;
        let (_, secret) = link.split_once('#').expect("a secret");
        window.go(&format!("/set-password#{secret}")).await;
        if scripts {
            window.until("return document.querySelector('h1')?.textContent == 'Welcome, Ben: choose a password'").await;
            let script = "return [location.href, history.length, document.referrer].join(' ')";
            let seen = window.script(script, json!([])).await;
            assert!(!seen.to_string().contains(secret), "{seen}");
        } else {
            window.fill("link", &link).await;
            window.press("Continue").await;
        }
        assert_eq!(window.h1().await, "Welcome, Ben: choose a password");
        window.fill("password", "quite another good password").await;
        window.press("Set password").await;
        assert_eq!(window.flash().await, "Your password is set. Sign in with it");
        window.fill("username", "ben").await;
        window.fill("password", "quite another good password").await;
        window.press("Sign in").await;
        assert_eq!(window.h1().await, "Home");
    }
}

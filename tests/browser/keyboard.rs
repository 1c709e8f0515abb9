//! The main job by keyboard alone: no mouse, and at every stop the focus can be seen and goes on in reading order.

use serde::Deserialize;
use serde_json::json;
use thirtyfour::Key;

use super::{PAYROLL, Window, origin};
use crate::support::oauth_server::{OAuthServer, USER, USERS_PASSWORD};
use crate::support::{PASSWORD, TestApp};

/// More stops than any page has.
const MANY: usize = 80;

/// Looks at what has the focus, and at the stop before it: where it is, whether it can be seen and where it stands.
const LOOK: &str = r#"
const element = document.activeElement, before = window.stopBefore;
const box = element.getBoundingClientRect(), style = getComputedStyle(element);
const faults = [];
if (element === document.body) return { outside: true, faults };
const hit = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, innerHeight) / 2);
if (!hit || !(element.contains(hit) || hit.contains(element))) faults.push('is covered or outside the window');
if (!element.matches(':focus-visible')) faults.push('does not match :focus-visible');
if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) faults.push('has no outline');
if (element.tabIndex > 0) faults.push('has a tabindex');
const top = box.top + scrollY, bottom = box.bottom + scrollY;
if (before?.element.isConnected) {
    const follows = Boolean(before.element.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (follows !== arguments[0]) faults.push('stands on the wrong side of the stop before in the document');
    const [one, other] = arguments[0] ? [before, { top, bottom, left: box.left }] : [{ top, bottom, left: box.left }, before];
    if (other.bottom <= one.top && other.left <= one.left) faults.push('stands above the stop before');
}
window.stopBefore = { element, top, bottom, left: box.left };
return { outside: false, faults };
"#;

#[derive(Deserialize)]
struct Stop {
    /// The focus has left the page.
    outside: bool,
    faults: Vec<String>,
}

/// Somebody who has a keyboard and no mouse.
pub struct Typist<'a> {
    pub window: &'a Window,
}

impl Typist<'_> {
    /// Presses Tab until the focus is on the control of this name.
    pub async fn tab_to(&self, name: &str) {
        self.walk(name, true).await;
    }

    /// Presses Shift and Tab until the focus is on the control of this name.
    async fn tab_back_to(&self, name: &str) {
        self.walk(name, false).await;
    }

    async fn walk(&self, name: &str, forwards: bool) {
        let mut names = Vec::new();
        for _ in 0..MANY {
            if forwards {
                self.window.key(Key::Tab).await;
            } else {
                self.window.chord(Key::Shift, Key::Tab.into()).await;
            }
            let stop: Stop = serde_json::from_value(self.window.script(LOOK, json!([forwards])).await).expect("a stop");
            if stop.outside {
                break;
            }
            let focus = self.window.focus().await;
            assert!(stop.faults.is_empty(), "on {}, {focus:?} {}", self.window.path().await, stop.faults.join(", "));
            if focus.name == name {
                return;
            }
            names.push(focus.name);
        }
        panic!("Tab does not lead to “{name}” on {}, only to {names:?}", self.window.path().await);
    }

    /// Goes to a link or button and presses Enter, which leads to another page.
    pub async fn follow(&self, name: &str) {
        self.tab_to(name).await;
        self.window.key_to_next_page(Key::Enter).await;
    }

    /// Goes to a text field and replaces what it holds: Tab has selected it.
    pub async fn fill(&self, label: &str, text: &str) {
        self.tab_to(label).await;
        self.window.keys(text).await;
    }

    /// Presses Enter in the field that was filled in last, which sends the form.
    pub async fn send(&self) {
        self.window.key_to_next_page(Key::Enter).await;
    }

    pub async fn focus_is_on_the_outcome(&self, words: &str) {
        let focus = self.window.focus().await;
        if !focus.classes.contains("note ok") {
            let page = self.window.text("main").await;
            panic!("the focus is on {focus:?}, not on the outcome “{words}”: {page}");
        }
        let flash = self.window.flash().await;
        assert!(flash.starts_with(words), "the outcome is “{flash}”, not “{words}”");
    }

    async fn focus_is_on_the_problem(&self, words: &str) {
        let focus = self.window.focus().await;
        assert!(focus.classes.contains("note bad"), "the focus is on {focus:?}, not on “{words}”");
        assert_eq!(self.window.text(".note.bad h2").await, words);
    }
}

#[tokio::test]
async fn the_whole_main_job_is_done_by_keyboard_alone() {
    let app = TestApp::start().await;
    let tokens = OAuthServer::start();
    let window = Window::open(&app).await;
    let typist = Typist { window: &window };
    become_the_first_super_admin(&typist, &app).await;
    create_a_category(&typist).await;
    create_the_connector(&typist, origin(&tokens)).await;
    choose_bearer_token(&typist).await;
    request_a_token(&typist, &tokens).await;
    typist.follow("Connectors").await;
    assert_eq!(window.texts("tbody tr th").await, [PAYROLL]);
    assert!(window.text("tbody td[data-label=Status]").await.starts_with("Healthy token issued"));
}

async fn become_the_first_super_admin(typist: &Typist<'_>, app: &TestApp) {
    let window = typist.window;
    window.go("/").await;
    assert_eq!(window.h1().await, "Create the first super admin");
    typist.follow("Create super admin").await;
    typist.focus_is_on_the_problem("There are 4 problems").await;
    typist.tab_to("Enter the code that the server printed when it was started last").await;
    window.key(Key::Enter).await;
    assert_eq!(window.focus().await.name, "One-time code", "the message leads into its field");
    window.keys(app.first_run.code()).await;
    typist.fill("User name", "ana").await;
    typist.fill("Your name", "Ana Ruiz").await;
    typist.fill("Password", PASSWORD).await;
    typist.send().await;
    typist.focus_is_on_the_outcome("You are the first super admin").await;
}

async fn create_a_category(typist: &Typist<'_>) {
    typist.follow("Categories").await;
    typist.follow("Add Category").await;
    typist.follow("Create category").await;
    typist.focus_is_on_the_problem("There is a problem").await;
    typist.fill("Name", "Human resources").await;
    typist.send().await;
    typist.focus_is_on_the_outcome("The category was created").await;
    typist.follow("Data Connectors").await;
}

async fn create_the_connector(typist: &Typist<'_>, origin: &str) {
    let window = typist.window;
    typist.follow("Create the first data connector").await;
    typist.fill("Name", PAYROLL).await;
    typist.fill("Display name (optional)", "").await;
    typist.fill("Description", "Salaries and payslips").await;
    typist.fill("Base URL (optional)", origin).await;
    typist.tab_to("Authentication Type").await;
    window.key(Key::Down).await;
    assert_eq!(window.value("auth_method").await, "basic");
    typist.tab_to("Human resources").await;
    window.key(Key::Space).await;
    typist.tab_to("Uncategorized").await;
    window.key(Key::Space).await;
    typist.follow("Save").await;
    typist.focus_is_on_the_outcome("The Data Connector was created").await;
    assert_eq!(window.h1().await, format!("{PAYROLL}: Authorization"));
}

async fn choose_bearer_token(typist: &Typist<'_>) {
    let window = typist.window;
    typist.tab_to("Method").await;
    window.key(Key::Down).await;
    window.until("return document.getElementById('token').checkVisibility()").await;
    assert_eq!(window.focus().await.name, "Method", "choosing does not move the focus");
    typist.follow("Save").await;
    typist.focus_is_on_the_outcome("The Data Connector was saved").await;
}

async fn request_a_token(typist: &Typist<'_>, tokens: &OAuthServer) {
    let window = typist.window;
    typist.follow("Get Access Token").await;
    typist.fill("URL Token", &tokens.token_url).await;
    typist.fill("User (optional)", USER).await;
    typist.fill("Password (optional)", "wrong").await;
    typist.send().await;
    typist.focus_is_on_the_problem("No access token").await;
    assert_eq!(window.value("token_url").await, tokens.token_url, "a refusal keeps what was typed");
    typist.fill("Password (optional)", USERS_PASSWORD).await;
    typist.send().await;
    typist.focus_is_on_the_outcome("Access token received.").await;
    assert!(window.value("access_token").await.starts_with("ey"), "a token is shown");
    let facts = window.texts(".result dd").await;
    assert_eq!(facts[0], "Bearer");
    assert!(
        facts[1].contains("UTC (in 60 minutes)")
            || facts[1].contains("in 59 minutes")
            || facts[1].contains("in 1 hour"),
        "{}",
        facts[1]
    );
    typist.tab_to("Access token").await;
    typist.follow("Use this token").await;
    typist.focus_is_on_the_outcome("The token was stored").await;
    typist.tab_back_to("Connectors").await;
    typist.tab_back_to("Skip to main content").await;
}

#[tokio::test]
async fn the_skip_link_is_the_first_stop_and_leads_past_the_navigation() {
    let app = TestApp::start().await;
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    for page in ["/connectors", "/categories/new"] {
        window.go(page).await;
        window.key(Key::Tab).await;
        assert_eq!(window.focus().await.name, "Skip to main content");
        let seen = "return document.activeElement.getBoundingClientRect().top >= 0";
        let seen = window.script(seen, json!([])).await;
        assert_eq!(seen, true, "the link comes into view");
        window.key(Key::Enter).await;
        assert_eq!(window.focus().await.id, "main");
        window.key(Key::Tab).await;
        let inside = "return Boolean(document.activeElement.closest('main'))";
        let inside = window.script(inside, json!([])).await;
        assert_eq!(inside, true, "{:?} comes next", window.focus().await);
    }
}

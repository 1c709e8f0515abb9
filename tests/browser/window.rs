//! A browser window on a site, and what a person does in it.
//!
//! Rule: an action that leads to another page waits until that page is there: its document is another one than before.
//! Elements are looked up anew for every action, so none is ever stale.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use thirtyfour::action_chain::ActionChain;
use thirtyfour::{By, Key, WebElement};
use url::Url;

use super::driver::Session;
use crate::support::{Browser, SESSION_COOKIE, TestApp};

/// After this time nothing comes any more.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a window looks whether something has come.
const LOOK: Duration = Duration::from_millis(20);

/// The usual window, in CSS pixels.
pub const USUAL: (u32, u32) = (1280, 900);
/// The narrowest one that pages are made for.
pub const NARROW: (u32, u32) = (320, 800);

/// What has the focus.
#[derive(Debug)]
pub struct Focus {
    /// The name that screen readers say.
    pub name: String,
    pub id: String,
    pub classes: String,
}

pub struct Window {
    session: Session,
    site: String,
    /// Whether the page's own scripts run.
    scripts: AtomicBool,
}

impl Window {
    /// A window in which nobody is signed in and nothing is open yet.
    pub async fn open(app: &TestApp) -> Window {
        let session = Session::start().await;
        let window = Window { session, site: app.public_url.clone(), scripts: AtomicBool::new(true) };
        window.devtools("Network.enable", json!({})).await;
        // So that the page is as wide as its window.
        window.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        window.resize(USUAL).await;
        window
    }

    /// The same without JavaScript. What a test itself asks the page is still answered.
    pub async fn open_without_scripts(app: &TestApp) -> Window {
        let window = Window::open(app).await;
        window.scripts(false).await;
        window
    }

    /// Goes over to another site, where nobody is signed in.
    pub async fn visit(&mut self, app: &TestApp) {
        self.site.clone_from(&app.public_url);
        self.devtools("Network.clearBrowserCookies", json!({})).await;
    }

    /// Becomes somebody who has signed in.
    pub async fn be(&self, person: &Browser) {
        let token = person.cookie(SESSION_COOKIE).expect("a person who has signed in");
        let cookie =
            json!({ "name": SESSION_COOKIE, "value": token, "url": self.site, "httpOnly": true, "sameSite": "Lax" });
        self.devtools("Network.setCookie", cookie).await;
    }

    /// Turns the page's own scripts on or off, from the next page on.
    pub async fn scripts(&self, on: bool) {
        self.scripts.store(on, Ordering::Relaxed);
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !on })).await;
    }

    /// Makes the system's colours dark or light. Nothing moves, or a colour could be measured on its way to another.
    pub async fn dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    pub async fn resize(&self, (width, height): (u32, u32)) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Opens an address of the site.
    pub async fn go(&self, path: &str) {
        let address = format!("{}{path}", self.site);
        self.session.driver.goto(&address).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Comes back to the redirect URL of the authorization server that the open page leads to, without having been
    /// there.
    pub async fn return_with(&self, answer: &str) {
        let link = "return document.querySelector('main a[rel=noreferrer]').href";
        let link = self.script(link, json!([])).await;
        let link = Url::parse(link.as_str().expect("a link")).expect("an address");
        let of = |name: &str| {
            let mut pairs = link.query_pairs();
            let (_, value) = pairs.find(|(key, _)| key == name).expect(name);
            value.into_owned()
        };
        let back = Url::parse(&of("redirect_uri")).expect("an address");
        self.go(&format!("{}?state={}&{answer}", back.path(), of("state"))).await;
    }

    /// Clicks on the link or button with these words and waits for the page that it leads to.
    pub async fn press(&self, words: &str) {
        let before = self.document().await;
        self.click(&control(words)).await;
        self.arrive(&before, words).await;
    }

    /// Opens the first row of the list.
    pub async fn open_first_row(&self) {
        let before = self.document().await;
        let link = "//table[contains(@class, 'list')]/tbody//th/a";
        self.click(link).await;
        self.arrive(&before, link).await;
    }

    /// Clicks on whatever this XPath finds first, and waits for nothing.
    pub async fn click(&self, xpath: &str) {
        let element = self.find(By::XPath(xpath)).await;
        element.click().await.unwrap_or_else(|error| panic!("clicking on {xpath}: {error}"));
    }

    /// Presses a key that leads to another page and waits for that page.
    pub async fn key_to_next_page(&self, key: Key) {
        let before = self.document().await;
        self.key(key.clone()).await;
        self.arrive(&before, &format!("{key:?}")).await;
    }

    /// Presses a key.
    pub async fn key(&self, key: Key) {
        self.keys(&char::from(key).to_string()).await;
    }

    /// Holds one key while another is pressed.
    pub async fn chord(&self, held: Key, key: char) {
        let chain = self.actions();
        let held = char::from(held);
        let chain = chain.key_down(held).key_down(key).key_up(key).key_up(held);
        chain.perform().await.expect("keys can be pressed");
    }

    /// Types whatever the focus is on.
    pub async fn keys(&self, text: &str) {
        let chain = self.actions().send_keys(text);
        chain.perform().await.expect("keys can be pressed");
    }

    /// Keys that follow each other without a pause.
    fn actions(&self) -> ActionChain {
        let none = Some(Duration::ZERO);
        self.session.driver.action_chain_with_delay(none, none)
    }

    /// Replaces what a text field holds, all at once, as pasting does.
    pub async fn fill(&self, id: &str, text: &str) {
        let script = "const field = document.getElementById(arguments[0]); field.focus(); field.select(); return document.activeElement === field && document.execCommand(arguments[1] ? 'insertText' : 'delete', false, arguments[1]) || field.value === arguments[1]";
        let done = self.script(script, json!([id, text])).await;
        assert_eq!(done, true, "{id} on {} takes no text", self.path().await);
    }

    /// Chooses an option of a select by its words.
    pub async fn choose(&self, id: &str, option: &str) {
        self.click(&format!("//select[@id='{id}']/option[normalize-space()='{option}']")).await;
    }

    /// Ticks or unticks a box, or chooses a radio button, by its label.
    pub async fn tick(&self, label: &str) {
        self.click(&format!("//label[starts-with(normalize-space(), \"{label}\")]")).await;
    }

    /// What a field holds.
    pub async fn value(&self, id: &str) -> String {
        let value = self.script("return document.getElementById(arguments[0]).value", json!([id])).await;
        value.as_str().unwrap_or_else(|| panic!("{id} holds no text")).to_string()
    }

    /// The words of the first element that fits, as they are shown.
    pub async fn text(&self, css: &str) -> String {
        self.texts(css).await.into_iter().next().unwrap_or_default()
    }

    /// The words of every element that fits and can be seen.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].filter(element => element.checkVisibility()).map(element => element.textContent.replace(/\\s+/g, ' ').trim())";
        serde_json::from_value(self.script(script, json!([css])).await).expect("texts")
    }

    pub async fn h1(&self) -> String {
        self.text("h1").await
    }

    /// The outcome of the last action.
    pub async fn flash(&self) -> String {
        self.text("main .note.ok[role=status]").await
    }

    /// The path and query of the open page.
    pub async fn path(&self) -> String {
        let address = self.session.driver.current_url().await.expect("an address");
        address[url::Position::BeforePath..].to_string()
    }

    pub async fn focus(&self) -> Focus {
        let element = self.session.driver.active_element().await;
        // Hidden words have no-break spaces around them, which nobody hears.
        let name = self.session.name_of(&element.expect("an element")).await;
        let name = name.split_whitespace().collect::<Vec<&str>>().join(" ");
        let facts = "const element = document.activeElement; return [element.id, element.className]";
        let facts = self.script(facts, json!([])).await;
        let [id, classes]: [String; 2] = serde_json::from_value(facts).expect("texts");
        Focus { name, id, classes }
    }

    /// Runs a function body in the page and gives what it returns.
    pub async fn script(&self, body: &str, arguments: Value) -> Value {
        let answer = self.session.driver.execute(body, list(arguments)).await;
        answer.unwrap_or_else(|error| panic!("{}", no_answer(body, &error))).json().clone()
    }

    /// The same for a body that calls its last argument when it is done.
    pub async fn script_to_come(&self, body: &str, arguments: Value) -> Value {
        self.script_answer(body, arguments).await.unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// The same, or why nothing came.
    pub async fn script_answer(&self, body: &str, arguments: Value) -> Result<Value, String> {
        let answer = self.session.driver.execute_async(body, list(arguments)).await;
        answer.map(|answer| answer.json().clone()).map_err(|error| no_answer(body, &error))
    }

    /// Makes scripts that take longer than this fail.
    pub async fn limit_scripts(&self, limit: Duration) {
        self.session.driver.set_script_timeout(limit).await.expect("a time limit");
    }

    /// Waits until a function body returns true. Between two pages there is nobody who could answer.
    pub async fn until(&self, body: &str) {
        let started = Instant::now();
        let ask = || self.session.driver.execute(body, Vec::new());
        while !ask().await.is_ok_and(|answer| answer.json() == true) {
            assert!(started.elapsed() < PATIENCE, "it never comes true that {body}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The page as the server sent it.
    pub async fn html(&self) -> String {
        let answer = self.devtools("Network.getResponseBody", json!({ "requestId": self.document().await })).await;
        answer["body"].as_str().expect("a page").to_string()
    }

    /// Stores a picture of the whole page.
    pub async fn picture(&self, file: &Path) {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let size = &metrics["cssContentSize"];
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let wanted = json!({ "format": "png", "optimizeForSpeed": true, "captureBeyondViewport": true, "clip": clip });
        let answer = self.devtools("Page.captureScreenshot", wanted).await;
        let picture = BASE64.decode(answer["data"].as_str().expect("a picture")).expect("base64");
        std::fs::write(file, picture).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.session.devtools(command, parameters).await
    }

    pub async fn find(&self, by: By) -> WebElement {
        let found = self.session.driver.find(by.clone()).await;
        match found {
            Ok(element) => element,
            Err(_) => panic!("no {by:?} on {}: {}", self.path().await, self.text("main").await),
        }
    }

    /// What tells this page from the one before, even where both have the same address and heading.
    async fn document(&self) -> String {
        let tree = self.devtools("Page.getFrameTree", json!({})).await;
        tree["frameTree"]["frame"]["loaderId"].as_str().expect("a document").to_string()
    }

    /// Waits until another document than this one is there, with its scripts run.
    async fn arrive(&self, before: &str, what: &str) {
        let started = Instant::now();
        while self.document().await == before {
            assert!(
                started.elapsed() < PATIENCE,
                "“{what}” leads to no other page than {}: {}",
                self.path().await,
                self.text("main").await
            );
            tokio::time::sleep(LOOK).await;
        }
        self.settled().await;
    }

    /// Waits until the page has loaded and its script has moved the focus.
    pub async fn settled(&self) {
        self.until("return document.readyState == 'complete'").await;
        if self.scripts.load(Ordering::Relaxed) {
            // The page's script moves the focus a moment after it has loaded.
            self.until("return !document.querySelector('[data-focus]') || document.activeElement !== document.body")
                .await;
        }
    }
}

fn list(arguments: Value) -> Vec<Value> {
    arguments.as_array().expect("a list of arguments").clone()
}

fn no_answer(body: &str, error: &dyn std::fmt::Display) -> String {
    format!("the browser has no answer to “{body}” (the oldest supported Chromium is in packaging/provision): {error}")
}

/// The link or button with exactly these words, those for screen readers included; not the hidden copy of a button.
fn control(words: &str) -> String {
    format!("//*[self::a or self::button or self::summary][not(@hidden)][normalize-space()=\"{words}\"]")
}

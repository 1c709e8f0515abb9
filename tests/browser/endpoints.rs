//! An endpoint is written and run by keyboard alone, without scripts, and with them nothing typed is lost.

use connectory::outbound::HttpUrl;
use serde_json::json;
use thirtyfour::{By, Key};

use super::Window;
use super::keyboard::Typist;
use crate::support::TestApp;
use crate::support::hostile::Hostile;

const TAB: &str = "/connectors/payroll/endpoints";

async fn connected(app: &TestApp, api: &Hostile) {
    let base = api.url("/v1");
    app.connector_with("Payroll", |new| new.details.base_url = HttpUrl::parse(&base).ok()).await;
}

#[tokio::test]
async fn an_endpoint_is_written_and_run_by_keyboard_alone() {
    let app = TestApp::start().await;
    let api = Hostile::json(r#"{"entries":[1,2]}"#).await;
    connected(&app, &api).await;
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    let typist = Typist { window: &window };

    window.go(TAB).await;
    typist.follow("Create the first endpoint").await;
    typist.fill("Name", "List entries").await;
    typist.fill("URL", "/entries").await;
    typist.follow("Add a parameter").await;
    assert_eq!(window.focus().await.id, "parameter-1", "the page goes on at the new row");
    typist.fill("Key", "month").await;
    typist.fill("Default value", "{{month}}").await;
    typist.follow("Add another parameter").await;
    typist.follow("Remove parameter 2").await;
    let focus = window.focus().await;
    assert_eq!(focus.id, "parameter-removed", "the focus stays where it was");
    typist.fill("Sample data (optional)", "{\"month\": \"2026-11\"}").await;
    typist.follow("Run").await;
    typist.focus_is_on_the_outcome("200 OK in ").await;
    assert_eq!(api.request().target, "/v1/entries?month=2026-11");
    typist.tab_to("Go to the response").await;
    window.key(Key::Enter).await;
    typist.tab_to("Response body").await;
    window.go(TAB).await;
}

#[tokio::test]
async fn an_endpoint_is_written_and_run_without_scripts() {
    let app = TestApp::start().await;
    let api = Hostile::json(r#"{"id":7}"#).await;
    connected(&app, &api).await;
    let window = Window::open_without_scripts(&app).await;
    window.be(&app.super_admin().await).await;

    window.go(TAB).await;
    window.press("Create the first endpoint").await;
    window.fill("endpoint_url", "/entries/{{id}}").await;
    window.choose("http_method", "POST").await;
    window.press("Add a header").await;
    assert_eq!(window.focus().await.id, "header-1");
    window.fill("header_1_name", "X-Trace").await;
    window.fill("header_1_value", "{{id}}").await;
    window.choose("body_kind", "Form").await;
    window.press("Show fields for this body type").await;
    window.press("Add a form field").await;
    assert_eq!(window.focus().await.id, "field-1");
    window.fill("field_1_name", "note").await;
    window.fill("field_1_value", "a & b").await;
    window.press("Add another header").await;
    window.press("Remove header 2").await;
    assert_eq!(window.focus().await.id, "header-removed");
    window.fill("sample", "{\"id\": 7}").await;
    window.press("Run").await;
    assert!(window.text(".note h2").await.starts_with("200 OK in "));
    let sent = api.request();
    assert_eq!(sent.target, "/v1/entries/7");
    assert_eq!(sent.header("x-trace"), Some("7"));
    assert_eq!(sent.body, "note=a+%26+b");
    assert_eq!(window.value("endpoint_url").await, "/entries/{{id}}");
    // Enter in a field saves, and does nothing else.
    window.find(By::Id("endpoint_name")).await.focus().await.expect("the focus goes there");
    window.key_to_next_page(Key::Enter).await;
    assert_eq!(window.flash().await, "The endpoint was created");
    assert_eq!(api.requests().len(), 1);
}

#[tokio::test]
async fn what_another_kind_of_body_hides_is_not_lost() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    window.go(&format!("{TAB}/new")).await;
    window.choose("body_kind", "JSON").await;
    window.until("return document.getElementById('body').checkVisibility()").await;
    window.fill("body", "{\"a\": {{a}}}").await;
    window.choose("body_kind", "None").await;
    window.until("return !document.getElementById('body').checkVisibility()").await;
    window.press("Add a parameter").await;
    assert_eq!(window.value("body").await, "{\"a\": {{a}}}");
    let guarded = "return document.querySelector('form[data-guard]').dataset.guard";
    assert_eq!(window.script(guarded, json!([])).await, "unsaved");
}

//! Deleting: a page that names it, and the endpoint as it was seen.

use connectory::access::Permission::{EditConnectors, ViewConnectors};

use super::*;

#[tokio::test]
async fn an_endpoint_is_deleted_after_a_question() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let address = created(&ana, |form| form.set("endpoint_url", "/a")).await;
    let page = ana.get(&address).await.click("Delete this endpoint").await;
    assert_eq!(page.h1(), "Are you sure you want to delete “list”?");
    assert!(page.has_link("Keep it"));
    let page = page.main_form().send().await.expect(303);
    assert_eq!(page.location(), Some(TAB));
    assert_eq!(page.follow().await.flash(), "The endpoint was deleted");
    ana.get(&address).await.expect(404);
}

#[tokio::test]
async fn an_endpoint_that_was_saved_meanwhile_is_shown_once_more() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let address = created(&ana, |form| form.set("endpoint_url", "/a")).await;
    let question = ana.get(&format!("{address}/delete")).await;
    let page = ana.get(&address).await;
    page.form(&address).set("endpoint_url", "/b").send().await.expect(303);
    let page = question.main_form().send().await.expect(409);
    assert!(page.text().contains("Not deleted."));
    assert!(page.text().contains("/b"));
    page.main_form().send().await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 0);
}

#[tokio::test]
async fn a_viewer_cannot_delete_an_endpoint() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let address = created(&ana, |form| form.set("endpoint_url", "/a")).await;
    let ben = app.person(&[ViewConnectors]).await;
    ben.get(&format!("{address}/delete")).await.expect(403);
    ben.post(&format!("{address}/delete"), &[("version", "1")]).await.expect(403);
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 1);
}

//! What the connector of a collection offers, and what it does not.

use connectory::access::Permission::{CallConnectors, CreateConnectors, EditConnectors, ManageUsers, ViewActivity};

use super::error;
use crate::support::TestApp;

const BELONGS: &str = "This data connector belongs to a collection";

#[tokio::test]
async fn its_tabs_link_to_the_collection_and_back() {
    let app = TestApp::start().await;
    app.collection("Books", "").await;
    let ana = app.super_admin().await;
    let page = ana.get("/connectors/books/details").await.expect(200);
    assert!(page.text().contains("belongs to the collection Books"), "{}", page.text());
    assert!(!page.has_form("/connectors/books/details") && !page.has_form("/connectors/books/duplicates"));
    let page = page.click("Change the collection’s settings").await.expect(200);
    let page = page.click("data connector Books").await.expect(200);
    assert_eq!(page.path, "/connectors/books");
    let page = page.click("Authorization").await.expect(200);
    assert!(page.text().contains("Connectory authorizes this data connector itself"), "{}", page.text());
    assert!(!page.html.contains("token-reveals") && page.buttons().iter().all(|button| button == "Sign out"));
    for tab in ["Endpoints", "Activity", "Access"] {
        page.click(tab).await.expect(200);
    }
}

#[tokio::test]
async fn nothing_of_it_is_changed_but_by_the_collection() {
    let app = TestApp::start().await;
    app.collection("Books", "").await;
    let ana = app.super_admin().await;
    app.confirm(&ana).await;
    let stored = "SELECT c::text, a::text, t::text FROM connectors c JOIN authorizations a ON a.connector_id = c.id JOIN tokens t ON t.connector_id = c.id";
    let before = app.rows(stored).await;
    let version: &[(&str, &str)] = &[("version", "1"), ("connector_name", "Mine"), ("category", "x")];
    for (path, fields) in [
        ("/details", version),
        ("/duplicates", &[]),
        ("/authorization", &[("version", "1"), ("auth_method", "none")]),
        ("/authorization", &[("version", "1"), ("do", "test")]),
        ("/authorization", &[("version", "1"), ("do", "discover")]),
        ("/authorization/token-requests", &[("token_url", "https://example.org")]),
        ("/authorization/token", &[]),
        ("/authorization/token-renewals", &[]),
        ("/authorization/attempts", &[]),
        ("/authorization/answers", &[]),
        ("/authorization/disconnections", &[]),
        ("/authorization/approvals", &[("origin", "https://example.org")]),
        ("/authorization/token-reveals", &[]),
    ] {
        let page = ana.post(&format!("/connectors/books{path}"), fields).await;
        assert_eq!((page.status, page.h1().as_str()), (409, BELONGS), "{path}");
    }
    for page in ["token-requests", "callback", "disconnections", "approvals", "token-reveals"] {
        let page = ana.get(&format!("/connectors/books/authorization/{page}")).await;
        assert_eq!((page.status, page.h1().as_str()), (409, BELONGS), "{}", page.path);
    }
    assert_eq!(app.rows(stored).await, before);
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 1);
}

#[tokio::test]
async fn an_endpoint_of_it_is_below_its_base_url() {
    let app = TestApp::start().await;
    app.collection("Books", "").await;
    let ana = app.person(&[CallConnectors, EditConnectors]).await;
    let page = ana.get("/connectors/books/endpoints/new").await.expect(200);
    let message = "URL must be a path below the base URL, because this data connector calls its collection only";
    for url in [format!("{}/connectors", app.public_url), "https://example.org/x".into()] {
        let form = page.form("/connectors/books/endpoints").set("endpoint_name", "other").set("endpoint_url", &url);
        assert_eq!(form.send().await.expect(422).errors(), error("endpoint_url", message));
        let form = page.form("/connectors/books/endpoints").set("endpoint_name", "other").set("endpoint_url", &url);
        assert_eq!(form.press("Run").send().await.expect(422).errors(), error("endpoint_url", message));
    }
    let form = page.form("/connectors/books/endpoints").set("endpoint_name", "other");
    form.set("endpoint_url", "?sort=-modified").send().await.expect(303);
}

#[tokio::test]
async fn its_address_follows_the_configured_one() {
    let app = TestApp::start().await;
    app.collection("Books", "").await;
    app.connector("Maps").await;
    let here = app.another_program().set("CONNECTORY_PUBLIC_URL", "https://connectory.example.org");
    let running = here.serve();
    let addresses = app.rows("SELECT base_url FROM connectors ORDER BY key").await;
    let books = "https://connectory.example.org/api/v1/collections/books/records";
    assert_eq!(addresses, [[books], ["https://api.example.org/v1"]]);
    drop(running);
}

#[tokio::test]
async fn access_is_set_as_of_every_connector() {
    let app = TestApp::start().await;
    app.collection("Books", "").await;
    let ana = app.person(&[ManageUsers, CreateConnectors, ViewActivity]).await;
    app.confirm(&ana).await;
    let page = ana.get("/connectors/books/access").await.expect(200);
    page.submit(|form| form.untick("everybody", "edit")).await.expect(303);
    ana.get("/collections/books/edit").await.expect(403);
}

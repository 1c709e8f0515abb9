//! The tab: what there is, when it was called last, and what is offered to whom.

use connectory::access::Permission::{CallConnectors, EditConnectors, ViewConnectors};

use super::*;
use crate::support::strs;

#[tokio::test]
async fn a_connector_without_endpoints_says_what_one_is() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let editor = app.person(&[EditConnectors]).await;
    let page = editor.get(TAB).await.expect(200);
    assert_eq!(page.h1(), "Payroll: Endpoints");
    assert_eq!(page.title(), "Endpoints, Payroll – Connectory");
    assert!(page.text().contains("An endpoint is one thing"));
    let page = page.click("Create the first endpoint").await.expect(200);
    assert_eq!(page.h1(), "Payroll: New endpoint");

    let viewer = app.person(&[ViewConnectors]).await;
    let page = viewer.get(TAB).await.expect(200);
    assert!(!page.has_link("Create the first endpoint"));
    assert!(page.text().contains("“Edit Data Connectors”"));
}

#[tokio::test]
async fn endpoints_are_listed_by_name_with_their_last_call() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.super_admin().await;
    for (name, method, url) in [("update", "PUT", "/orders/{{id}}"), ("Create", "POST", "/orders"), ("list", "GET", "")]
    {
        created(&ana, |form| form.set("endpoint_name", name).set("http_method", method).set("endpoint_url", url)).await;
    }
    let page = ana.get(TAB).await.expect(200);
    assert_eq!(strs(&page.row_heads()), ["Create", "list", "update"]);
    assert_eq!(strs(&page.rows()[2]), ["update", "PUT", "/orders/{{id}}", "Never"]);
    assert_eq!(strs(&page.rows()[1]), ["list", "GET", "The base URL", "Never"]);
    assert!(page.has_link("Add Endpoint"));
    let page = page.click("update").await.expect(200);
    assert_eq!(page.h1(), "Payroll: Endpoint “update”");
}

#[tokio::test]
async fn people_who_may_not_edit_see_an_endpoint_as_text() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let address = created(&ana, |form| {
        form.set("endpoint_name", "list").set("endpoint_url", "/orders?<b>={{q}}").set("description", "All of them")
    })
    .await;
    let viewer = app.person(&[ViewConnectors]).await;
    let page = viewer.get(&address).await.expect(200);
    assert!(page.text().contains("/orders?<b>={{q}}"));
    assert!(page.text().contains("All of them"));
    assert!(page.text().contains("“Call Data Connectors”"));
    assert!(page.all("main form").next().is_none());
    assert!(!page.has_link("Delete this endpoint"));

    let caller = app.person(&[CallConnectors]).await;
    let page = caller.get(&address).await.expect(200);
    assert!(page.has_form(&format!("{address}/runs")));
    assert!(page.all("[name=endpoint_url]").next().is_none());

    let editor = app.person(&[EditConnectors]).await;
    let page = editor.get(&address).await.expect(200);
    assert!(!page.buttons().contains(&"Run".to_string()));
    assert!(page.text().contains("“Call Data Connectors”"));
}

#[tokio::test]
async fn an_endpoint_of_another_connector_is_not_found() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.connector("Ledger").await;
    let ana = app.super_admin().await;
    let address = created(&ana, |form| form.set("endpoint_url", "/orders")).await;
    let elsewhere = address.replace("/payroll/", "/ledger/");
    for path in
        [elsewhere.clone(), format!("{elsewhere}/delete"), format!("{TAB}/no-id"), format!("{TAB}/{}", Uuid::nil())]
    {
        ana.get(&path).await.expect(404);
    }
    for path in [elsewhere.clone(), format!("{elsewhere}/runs"), format!("{elsewhere}/delete")] {
        ana.post(&path, &[]).await.expect(404);
    }
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 1);
}

#[tokio::test]
async fn no_auth_leads_from_creating_to_the_endpoints() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let page = ana.get("/connectors/new").await;
    let page =
        page.submit(|form| form.set("connector_name", "Payroll").set("description", "Salaries")).await.expect(303);
    assert_eq!(page.location(), Some(TAB));
}

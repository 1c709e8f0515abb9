//! Who may run what.

use connectory::access::Permission::{CallConnectors, EditConnectors, ViewConnectors};

use super::*;

#[tokio::test]
async fn callers_run_the_saved_endpoint_with_their_own_data() {
    let app = TestApp::start().await;
    let api = Hostile::json("{}").await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let address = created(&ana, |form| form.set("endpoint_url", "/orders/{{id}}").set("sample", "{\"id\": 1}")).await;
    let ben = app.person(&[CallConnectors]).await;
    let runs = format!("{address}/runs");
    let page = ben.get(&address).await.expect(200);
    let form = page.form(&runs).set("sample", "{\"id\": 2}");
    // What only an editor could change does not count.
    let form = form.forge("endpoint_url", "/admin").forge("http_method", "DELETE");
    let page = form.send().await.expect(200);
    assert!(outcome(&page).starts_with("200 OK in "));
    let sent = api.request();
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("GET", "/v1/orders/2"));
    assert_eq!(page.field_value("sample").trim(), "{\"id\": 2}");
    assert_eq!(app.value("SELECT sample FROM endpoints").await, "{\"id\": 1}");
    ben.post(&format!("{TAB}/new/runs"), &[("endpoint_url", "/admin")]).await.expect(403);
    let page = ben.post(&runs, &[("sample", "{")]).await.expect(422);
    assert_eq!(page.errors().len(), 1);
    assert_eq!(api.requests().len(), 1);
}

#[tokio::test]
async fn people_who_may_not_call_cannot_run() {
    let app = TestApp::start().await;
    let api = Hostile::json("{}").await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let address = created(&ana, |form| form.set("endpoint_url", "/orders")).await;
    for may in [&[ViewConnectors][..], &[EditConnectors][..]] {
        let ben = app.person(may).await;
        let page = ben.post(&format!("{address}/runs"), &[]).await.expect(403);
        assert!(page.text().contains("“Call Data Connectors”"));
    }
    assert_eq!(api.requests().len(), 0);
}

#[tokio::test]
async fn a_disabled_connector_refuses_a_run() {
    let app = TestApp::start().await;
    let api = Hostile::json("{}").await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let address = created(&ana, |form| form.set("endpoint_url", "/orders")).await;
    app.sql("UPDATE connectors SET enabled = false").await;
    let page = run(&ana, &address, |form| form).await.expect(200);
    assert_eq!(outcome(&page), "The data connector is disabled");
    assert_eq!(api.connections(), 0);
}

#[tokio::test]
async fn a_host_that_is_not_saved_yet_gets_no_request() {
    let app = TestApp::start().await;
    let (api, other) = (Hostile::json("{}").await, Hostile::json("{}").await);
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let page = run(&ana, NEW, |form| form.set("endpoint_url", &other.url("/collect"))).await.expect(200);
    assert_eq!(outcome(&page), "The address is not one of the connector’s own");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn runs_without_end_are_slowed_down() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let runs = format!("{TAB}/new/runs");
    for _ in 0..120 {
        ana.post(&runs, &[]).await.expect(422);
    }
    ana.post(&runs, &[]).await.expect(429);
}

//! A stored secret goes to no host for which nobody has approved it: an endpoint on another one waits.

use connectory::access::Permission::EditConnectors;
use connectory::authorization::SecretField;
use connectory::connectors::Method;

use super::*;

const ELSEWHERE: &str = "https://collector.example.net/v1/{{id}}";

async fn with_password(app: &TestApp) -> Uuid {
    let id = app.connector_with("Payroll", |new| new.method = Method::Basic).await;
    app.sql("UPDATE authorizations SET user_name = 'svc'").await;
    app.store_secret(id, SecretField::Password, "canary-5f1c77").await;
    id
}

/// The origins for which the stored secret is approved.
async fn approved(app: &TestApp) -> String {
    app.value("SELECT array_to_string(origins, ' ') FROM secrets").await
}

#[tokio::test]
async fn an_address_on_another_host_is_saved_and_waits_for_approval() {
    let app = TestApp::start().await;
    let id = with_password(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let waits = "Calls to https://collector.example.net are refused until it is approved on the Authorization tab, because it was added after the secret or token was stored.";

    let form = ana.get(NEW).await.form(TAB).set("endpoint_url", ELSEWHERE);
    let page = form.send().await.expect(303).follow().await;
    assert_eq!(page.flash(), format!("The endpoint was created. {waits}"));

    let address = created(&ana, |form| form.set("endpoint_name", "other").set("endpoint_url", "/orders")).await;
    let form = ana.get(&address).await.form(&address).set("endpoint_url", ELSEWHERE);
    let page = form.send().await.expect(303).follow().await;
    assert_eq!(page.flash(), format!("The endpoint was saved. {waits}"));

    assert_eq!(approved(&app).await, "https://api.example.org");
    assert!(app.secret(id, SecretField::Password).await.is_some());
    let tab = ana.get("/connectors/payroll/authorization").await;
    assert!(tab.text().contains("Waiting for approval"), "{}", tab.text());
    assert!(tab.text().contains("https://collector.example.net"));
}

#[tokio::test]
async fn a_host_for_which_the_secret_is_approved_does_not_wait() {
    let app = TestApp::start().await;
    with_password(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let saved = async |name: &str, url: &str| {
        let form = ana.get(NEW).await.form(TAB).set("endpoint_name", name);
        let page = form.set("endpoint_url", url).send().await;
        page.expect(303).follow().await.flash()
    };
    let same = saved("same host", "https://API.example.org:443/other").await;
    assert_eq!(same, "The endpoint was created");
    // Another port of it is another server.
    let other = saved("other port", "https://api.example.org:8443/").await;
    assert!(other.contains("https://api.example.org:8443"), "{other}");
}

#[tokio::test]
async fn nothing_waits_where_no_secret_is_stored() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let form = ana.get(NEW).await.form(TAB).set("endpoint_url", ELSEWHERE);
    let page = form.send().await.expect(303).follow().await;
    assert_eq!(page.flash(), "The endpoint was created");
}

#[tokio::test]
async fn a_form_in_which_a_secret_is_being_entered_becomes_stale() {
    let app = TestApp::start().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Basic).await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let tab = "/connectors/payroll/authorization";
    let open = ben.get(tab).await.expect(200);
    created(&ana, |form| form.set("endpoint_url", ELSEWHERE)).await;
    let form = open.form(tab).set("user_name", "svc");
    let form = form.set("password", "meant for one host");
    form.send().await.expect(409);
    assert_eq!(app.secret(id, SecretField::Password).await, None);
}

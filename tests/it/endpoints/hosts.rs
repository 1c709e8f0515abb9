//! A stored secret goes to no host that it was not entered for.

use connectory::access::Permission::EditConnectors;
use connectory::authorization::SecretField;
use connectory::connectors::Method;

use super::*;
use crate::support::strs;

const ELSEWHERE: &str = "https://collector.example.net/v1/{{id}}";

async fn with_password(app: &TestApp) -> Uuid {
    let id = app
        .connector_with("Payroll", |new| new.method = Method::Basic)
        .await;
    app.sql("UPDATE authorizations SET user_name = 'svc'").await;
    app.store_secret(id, SecretField::Password, "canary-5f1c77")
        .await;
    id
}

#[tokio::test]
async fn an_address_on_another_host_asks_for_the_secret_again() {
    let app = TestApp::start().await;
    let id = with_password(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let message = "The stored secret was not entered for https://collector.example.net, and calls of this endpoint would send it there. Tick the box to remove it, then enter it again on the Authorization tab.";
    let refused = async |page: &Page, action: &str| {
        let form = page.form(action).set("endpoint_url", ELSEWHERE);
        let page = form.send().await.expect(422);
        assert_eq!(
            page.errors(),
            [("forget_secrets".to_string(), message.to_string())]
        );
        assert_eq!(page.field_value("endpoint_url"), ELSEWHERE);
        page
    };
    refused(&ana.get(NEW).await, TAB).await;
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 0);

    let address = created(&ana, |form| form.set("endpoint_url", "/orders")).await;
    let page = refused(&ana.get(&address).await, &address).await;
    assert_eq!(app.value("SELECT url FROM endpoints").await, "/orders");
    assert!(app.secret(id, SecretField::Password).await.is_some());

    for (typed, message) in [
        ("", "Enter your own password"),
        ("wrong", "This is not your password"),
    ] {
        let form = page.form(&address).tick("forget_secrets", "yes");
        let refused = form.set("own_password", typed).send().await.expect(422);
        assert_eq!(
            refused.errors(),
            [("own_password".to_string(), message.to_string())]
        );
        assert_eq!(strs(&refused.ticked("forget_secrets")), ["yes"]);
        assert!(app.secret(id, SecretField::Password).await.is_some());
    }
    let form = page.form(&address).tick("forget_secrets", "yes");
    form.confirmed().send().await.expect(303);
    assert_eq!(app.value("SELECT url FROM endpoints").await, ELSEWHERE);
    assert_eq!(app.secret(id, SecretField::Password).await, None);
    assert_eq!(
        app.value("SELECT status FROM connectors").await,
        "not_authorized"
    );
    let changes = app
        .value("SELECT changes FROM audit_events WHERE kind = 'endpoint.saved'")
        .await;
    assert!(
        changes.contains("removed, because the URL leads to another host"),
        "{changes}"
    );
}

#[tokio::test]
async fn a_host_that_the_secret_goes_to_already_is_not_asked_about() {
    let app = TestApp::start().await;
    let id = with_password(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    created(&ana, |form| {
        form.set("endpoint_name", "same host")
            .set("endpoint_url", "https://API.example.org:443/other")
    })
    .await;
    // Another port of it is another server.
    let page = ana.get(NEW).await;
    let form = page.form(TAB);
    let form = form
        .set("endpoint_name", "other port")
        .set("endpoint_url", "https://api.example.org:8443/");
    let page = form.send().await.expect(422);
    let form = page.form(TAB).tick("forget_secrets", "yes");
    form.confirmed().send().await.expect(303);
    app.store_secret(id, SecretField::Password, "entered again")
        .await;
    created(&ana, |form| {
        form.set("endpoint_name", "same port")
            .set("endpoint_url", "https://api.example.org:8443/more")
    })
    .await;
    assert!(app.secret(id, SecretField::Password).await.is_some());
}

#[tokio::test]
async fn nothing_is_asked_where_no_secret_is_stored() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    created(&ana, |form| form.set("endpoint_url", ELSEWHERE)).await;
}

#[tokio::test]
async fn a_secret_that_is_being_entered_meanwhile_is_asked_for_again() {
    let app = TestApp::start().await;
    let id = app
        .connector_with("Payroll", |new| new.method = Method::Basic)
        .await;
    let (ana, ben) = (
        app.person(&[EditConnectors]).await,
        app.person(&[EditConnectors]).await,
    );
    let tab = "/connectors/payroll/authorization";
    let open = ben.get(tab).await.expect(200);
    created(&ana, |form| form.set("endpoint_url", ELSEWHERE)).await;
    let form = open.form(tab).set("user_name", "svc");
    let form = form.set("password", "meant for one host");
    form.send().await.expect(409);
    assert_eq!(app.secret(id, SecretField::Password).await, None);
}

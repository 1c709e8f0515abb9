//! Secrets that look like what other programs show in place of one.

use super::*;

const TAB: &str = "/connectors/payroll/authorization";
const REQUEST: &str = "/connectors/payroll/authorization/token-requests";

#[tokio::test]
async fn survive_a_token_request_and_its_renewals() {
    let app = TestApp::start().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Bearer).await;
    let server = Hostile::json(r#"{"access_token":"***"}"#).await;
    let ana = app.super_admin().await;
    let form = ana.get(REQUEST).await.form(REQUEST).set("token_url", &server.url("/token")).set("token_user", "svc");
    let page = form
        .set("token_password", "***")
        .set("token_client_id", "app")
        .set("token_client_secret", "***")
        .send()
        .await
        .expect(200);
    assert_eq!(page.field_value("access_token"), "***");
    let page = page.form(&format!("{TAB}/token")).press("Keep it fresh").send().await.expect(303).follow().await;
    // Saving the tab with what it shows changes nothing.
    page.form(TAB).send().await.expect(303);
    for _ in 0..2 {
        ana.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await.expect(303);
    }
    let sent: Vec<String> = server.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(sent.len(), 3);
    for body in &sent {
        assert_eq!(body, "grant_type=password&username=svc&password=***&client_id=app&client_secret=***");
    }
    assert_eq!(app.token(id).await.as_deref(), Some("***"));
    let page = ana.post(&format!("{TAB}/token-reveals"), &[("own_password", PASSWORD)]).await.expect(200);
    assert_eq!(page.field_value("access_token"), "***");
}

#[tokio::test]
async fn survive_the_tab_in_every_field() {
    for (method, name, field) in
        [(Method::Basic, "password", SecretField::Password), (Method::ApiKey, "api_key", SecretField::ApiKey)]
    {
        let app = TestApp::start().await;
        let id = app.connector_with("Payroll", |new| new.method = method).await;
        let ana = app.person(&[EditConnectors]).await;
        app.sql("UPDATE authorizations SET user_name = 'svc', api_key_name = 'X-Key'").await;
        for secret in ["***", "......", "keep", "remove", "Set"] {
            app.sql("DELETE FROM secrets").await;
            let page = ana.get(TAB).await.form(TAB).set(name, secret).send().await.expect(303).follow().await;
            let page = page.form(TAB).send().await.expect(303).follow().await;
            page.form(TAB).set(name, "not chosen").send().await.expect(303);
            assert_eq!(app.secret(id, field).await.as_deref(), Some(secret));
        }
    }
}

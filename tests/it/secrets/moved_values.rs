//! Sealed values that were moved or altered.

use super::*;

/// The page for a fault tells nothing but where to look it up.
fn tells_nothing(page: Page) {
    let page = page.expect(500);
    assert_eq!(page.h1(), "There is a problem with Connectory");
    assert!(page.text().contains("Reference: "));
    for word in ["canary", "sealed", "vault", "secrets", "tokens", "altered"] {
        assert!(!page.html.contains(word), "{word}: {}", page.text());
    }
}

/// Two connectors whose sealed values have changed places, and their editor.
async fn swapped(field: SecretField) -> (TestApp, Browser) {
    let app = TestApp::start().await;
    for name in ["Payroll", "Ledger"] {
        let id = app.connector_with(name, |new| new.method = Method::Bearer).await;
        app.store_token(id, &format!("canary-token-of-{name}"), None).await;
        app.store_secret(id, field, &format!("canary-secret-of-{name}")).await;
    }
    app.sql(
        "UPDATE authorizations SET keep_fresh = true, token_url = 'http://127.0.0.1:9/token';
         UPDATE tokens SET access_token = o.access_token FROM tokens o WHERE o.connector_id <> tokens.connector_id;
         UPDATE secrets SET sealed = o.sealed FROM secrets o WHERE o.connector_id <> secrets.connector_id",
    )
    .await;
    let ana = app.super_admin().await;
    (app, ana)
}

#[tokio::test]
async fn a_token_of_another_connector_is_not_revealed() {
    let (app, ana) = swapped(SecretField::TokenPassword).await;
    tells_nothing(ana.post("/connectors/payroll/authorization/token-reveals", &[("own_password", PASSWORD)]).await);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'token.revealed'").await, 0);
    ana.get("/connectors/payroll/authorization").await.expect(200);
}

#[tokio::test]
async fn the_sign_in_of_another_connector_is_not_sent() {
    for field in [SecretField::TokenPassword, SecretField::TokenClientSecret, SecretField::ClientKey] {
        let (app, ana) = swapped(field).await;
        let server = Hostile::json(r#"{"access_token":"x"}"#).await;
        app.sql(&format!("UPDATE authorizations SET token_url = '{}', token_user = 'svc', token_client_id = 'app', client_certificate = 'x'", server.url("/token"))).await;
        tells_nothing(ana.post("/connectors/payroll/authorization/token-renewals", &[]).await);
        assert_eq!(server.connections(), 0, "{field:?}");
    }
}

#[tokio::test]
async fn a_value_of_another_field_does_not_open_either() {
    let (app, ana) = swapped(SecretField::TokenPassword).await;
    let server = Hostile::json(r#"{"access_token":"x"}"#).await;
    app.sql(&format!("UPDATE authorizations SET token_url = '{}', token_client_id = 'app'", server.url("/token")))
        .await;
    // Undo the swap of the rows, and call the password a client secret.
    app.sql(
        "UPDATE secrets SET sealed = o.sealed FROM secrets o WHERE o.connector_id <> secrets.connector_id;
         UPDATE secrets SET field = 'token_client_secret'",
    )
    .await;
    tells_nothing(ana.post("/connectors/payroll/authorization/token-renewals", &[]).await);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_answer_that_waits_does_not_open_for_another_request() {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.method = Method::Bearer).await;
    let server = Hostile::json(r#"{"access_token":"canary-token"}"#).await;
    let ana = app.person(&[EditConnectors]).await;
    let requests = "/connectors/payroll/authorization/token-requests";
    let mut ids = Vec::new();
    for _ in 0..2 {
        let page =
            ana.get(requests).await.form(requests).set("token_url", &server.url("/token")).send().await.expect(200);
        ids.push(page.form("/connectors/payroll/authorization/token").value("request").expect("an id").to_string());
    }
    app.sql("UPDATE token_requests SET sealed = o.sealed FROM token_requests o WHERE o.id <> token_requests.id").await;
    for id in &ids {
        tells_nothing(ana.post("/connectors/payroll/authorization/token", &[("request", id), ("do", "use")]).await);
    }
    assert_eq!(app.count("SELECT count(*) FROM tokens").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM token_requests").await, 2, "nothing was done by halves");
}

#[tokio::test]
async fn one_altered_bit_opens_nothing() {
    let app = TestApp::start().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Bearer).await;
    let ana = app.super_admin().await;
    app.store_token(id, "canary-token", None).await;
    let length = app.count("SELECT length(access_token) FROM tokens").await;
    for at in [0, 1, 5, 20, length - 20, length - 1] {
        let alter =
            format!("UPDATE tokens SET access_token = set_byte(access_token, {at}, get_byte(access_token, {at}) # 1)");
        app.sql(&alter).await;
        app.advance(chrono::TimeDelta::minutes(1));
        tells_nothing(ana.post("/connectors/payroll/authorization/token-reveals", &[("own_password", PASSWORD)]).await);
        app.sql(&alter).await;
    }
    for sealed in ["", "\\x01", "\\x0000000000", "\\x01000000010203"] {
        app.sql(&format!("UPDATE tokens SET access_token = '{sealed}'")).await;
        app.advance(chrono::TimeDelta::minutes(1));
        tells_nothing(ana.post("/connectors/payroll/authorization/token-reveals", &[("own_password", PASSWORD)]).await);
    }
}

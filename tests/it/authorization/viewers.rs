//! What somebody sees who may not edit.

use super::*;

#[tokio::test]
async fn see_words_only() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ben = app.person(&[ViewConnectors]).await;
    let page = ben.get(TAB).await.expect(200);
    let today = app.clock.now().format("%-d %B %Y");
    assert_eq!((fact(&page, "Method").as_str(), fact(&page, "User").as_str()), ("Basic Auth", "svc"));
    assert_eq!(fact(&page, "Password"), format!("Set on {today} by command line"));
    assert_eq!(fact(&page, "SSL certificate verification"), "On");
    assert_eq!(page.all("main form, main input, main textarea, main button").count(), 0);
    assert!(!page.html.contains(OLD));

    let forbidden = ben.post(TAB, &[("auth_method", "no_auth"), ("version", "1"), ("do", "save")]).await.expect(403);
    assert!(forbidden.text().contains("This needs the permission “Edit Data Connectors”."));
    ben.post(TAB, &[("auth_method", "no_auth"), ("version", "1"), ("do", "show")]).await.expect(403);
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(OLD));
}

#[tokio::test]
async fn see_neither_the_token_nor_the_ways_to_it() {
    let app = TestApp::start().await;
    kept_fresh(&app).await;
    let ben = app.person(&[ViewConnectors]).await;
    let page = ben.get(TAB).await.expect(200);
    assert!(fact(&page, "Access token").ends_with("by command line, type Bearer"));
    assert!(!page.has_link("Get Access Token") && !page.has_link("Reveal token"));
    assert!(!page.has_form("/connectors/payroll/authorization/token-renewals"));
    assert!(!page.html.contains(OLD));
}

#[tokio::test]
async fn of_an_api_key_see_that_it_is_not_set() {
    let app = TestApp::start().await;
    connector(&app, Method::ApiKey).await;
    let ben = app.person(&[ViewConnectors]).await;
    assert_eq!(fact(&ben.get(TAB).await, "API key"), "Not set");
}

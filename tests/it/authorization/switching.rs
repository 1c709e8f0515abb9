//! Another method: seeing its fields, and what becomes of the secrets of the one before.

use super::*;

#[tokio::test]
async fn shows_the_fields_saves_nothing_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let before = app.value("SELECT authorizations::text FROM authorizations").await;
    let page = ana.get(TAB).await;
    let fill = |form: FormFill| {
        replace(form, "password", NEW)
            .set("auth_method", "api_key")
            .set("user_name", "typed-user")
            .set("api_key_prefix", "Token")
    };
    let page = save(&page, |form| fill(form).press("Show fields for this method")).await.expect(200);
    assert_eq!(shown_cases(&page), ["api_key", WITH_SECRETS, WITH_SIGN_IN]);
    assert!(page.text().contains("These are the fields for API Key. Nothing is saved yet."));
    assert!(page.errors().is_empty(), "nothing is wrong yet");
    assert_eq!(
        (page.field_value("auth_method").as_str(), page.field_value("user_name").as_str()),
        ("api_key", "typed-user")
    );
    assert_eq!(page.field_value("api_key_prefix"), "Token");
    assert!(!page.html.contains(NEW));

    let page =
        save(&page, |form| form.set("auth_method", "basic").press("Show fields for this method")).await.expect(200);
    assert_eq!(
        (shown_cases(&page), page.field_value("user_name").as_str()),
        (vec!["basic digest", "basic", WITH_SECRETS, WITH_SIGN_IN], "typed-user")
    );
    assert!(!page.text().contains("Nothing is saved yet."));
    assert_eq!(app.value("SELECT authorizations::text FROM authorizations").await, before);
    assert_eq!(app.value("SELECT method FROM connectors").await, "basic");
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(OLD));
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'authorization.saved'").await, 0);
}

#[tokio::test]
async fn removes_the_secrets_of_the_method_before_when_saved() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let page =
        save(&ana.get(TAB).await, |form| form.set("auth_method", "api_key").press("Show fields for this method")).await;
    let page = save(&page, |form| form.set("api_key_name", "X-Key").set("api_key", NEW).confirmed()).await.expect(303);
    assert_eq!(page.follow().await.flash(), SAVED);
    assert_eq!(app.value("SELECT method FROM connectors").await, "api_key");
    assert_eq!(app.secret(id, SecretField::Password).await, None);
    assert_eq!(app.secret(id, SecretField::ApiKey).await.as_deref(), Some(NEW));
    let changes = last_changes(&app, "authorization.saved").await;
    for expected in
        [change("Method", "Basic Auth", "API Key"), change("Password", "", "removed"), change("API key", "", "changed")]
    {
        assert!(changes.contains(&expected), "{expected:?} in {changes:?}");
    }
}

#[tokio::test]
async fn away_from_bearer_removes_the_token_and_what_keeps_it_fresh() {
    let app = TestApp::start().await;
    let id = kept_fresh(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    save(&ana.get(TAB).await, |form| {
        form.set("auth_method", "basic").set("user_name", "svc").set("password", NEW).confirmed()
    })
    .await
    .expect(303);
    assert_eq!(app.rows("SELECT field FROM secrets").await, [["password"]]);
    assert_eq!((app.token(id).await, app.value("SELECT keep_fresh FROM authorizations").await.as_str()), (None, "f"));
    assert_eq!(status(&app).await, "not_tested");
}

#[tokio::test]
async fn to_no_auth_removes_the_secrets_of_the_method_before() {
    let app = TestApp::start().await;
    authorized(&app, Method::ApiKey).await;
    let ana = app.person(&[EditConnectors]).await;
    save(&ana.get(TAB).await, |form| form.set("auth_method", "no_auth").confirmed()).await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM secrets").await, 0);
    assert_eq!(status(&app).await, "not_tested");
}

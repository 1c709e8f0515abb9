//! Keep, Replace and Remove.

use super::*;

/// The methods with a secret: the name of its field in forms and in sentences, and in audit lines.
const FIELDS: [(Method, &str, &str, &str); 3] = [
    (Method::Basic, "password", "password", "Password"),
    (Method::ApiKey, "api_key", "API key", "API key"),
    (Method::Bearer, "token", "token", "Token"),
];

async fn stored(app: &TestApp, id: Uuid, method: Method) -> Option<String> {
    match method {
        Method::Basic => app.secret(id, SecretField::Password).await,
        Method::ApiKey => app.secret(id, SecretField::ApiKey).await,
        _ => app.token(id).await,
    }
}

#[tokio::test]
async fn are_kept_replaced_or_removed() {
    for (method, name, _, label) in FIELDS {
        let app = TestApp::start().await;
        let id = authorized(&app, method).await;
        let ana = app.person(&[EditConnectors]).await;
        let page = ana.get(TAB).await;
        assert_eq!(page.form(TAB).value(&format!("{name}_choice")), Some("keep"));

        let page = save(&page, |form| form.set(name, "typed but not chosen")).await.expect(303).follow().await;
        assert_eq!(stored(&app, id, method).await.as_deref(), Some(OLD), "{name} kept");

        let page = save(&page, |form| replace(form, name, NEW)).await.expect(303).follow().await;
        assert_eq!(stored(&app, id, method).await.as_deref(), Some(NEW), "{name} replaced");
        assert!(page.texts("p.secret").concat().ends_with(&format!("by {}", ana.user().attribution())));
        assert_eq!(last_changes(&app, "authorization.saved").await, [change(label, "", "changed")]);

        let page = save(&page, |form| form.set(&format!("{name}_choice"), "remove")).await.expect(303).follow().await;
        assert_eq!(stored(&app, id, method).await, None, "{name} removed");
        assert!(fact(&page, "Status").starts_with("Not authorized"), "{}", fact(&page, "Status"));
        assert_eq!(last_changes(&app, "authorization.saved").await, [change(label, "", "removed")]);
    }
}

#[tokio::test]
async fn are_not_replaced_by_nothing() {
    for (method, name, words, _) in FIELDS {
        let app = TestApp::start().await;
        let id = authorized(&app, method).await;
        let ana = app.person(&[EditConnectors]).await;
        let page = save(&ana.get(TAB).await, |form| replace(form, name, "")).await.expect(422);
        let message = format!("Enter the new {words}, or choose another option");
        assert_eq!(page.errors(), errors(&[(name, &message)]));
        assert_eq!(page.field_error(name), Some(message));
        assert_eq!(page.form(TAB).value(&format!("{name}_choice")), Some("replace"), "the choice comes back");
        assert_eq!(stored(&app, id, method).await.as_deref(), Some(OLD));
    }
}

#[tokio::test]
async fn and_settings_whose_field_was_not_sent_stay() {
    for (method, name, ..) in FIELDS {
        let app = TestApp::start().await;
        let id = authorized(&app, method).await;
        let ana = app.person(&[EditConnectors]).await;
        let before = app.rows("SELECT user_name, api_key_place, api_key_name, api_key_prefix, ca_certificate, client_certificate FROM authorizations").await;
        let version = ana.get(TAB).await.form(TAB).value("version").expect("a version").to_string();
        // As the script sends it, with the fields of other methods switched off.
        ana.post(TAB, &[("auth_method", method.code()), ("version", &version), ("verify", "yes"), ("do", "save")])
            .await
            .expect(303);
        assert_eq!(stored(&app, id, method).await.as_deref(), Some(OLD), "{name}");
        assert_eq!(app.rows("SELECT user_name, api_key_place, api_key_name, api_key_prefix, ca_certificate, client_certificate FROM authorizations").await, before);
        assert!(last_changes(&app, "authorization.saved").await.is_empty());
    }
}

#[tokio::test]
async fn of_a_token_that_is_kept_fresh_go_with_it() {
    for choice in ["replace", "remove"] {
        let app = TestApp::start().await;
        let id = kept_fresh(&app).await;
        let ana = app.person(&[EditConnectors]).await;
        let page = ana.get(TAB).await;
        assert!(fact(&page, "Kept fresh").ends_with("with the sign-in for https://login.example.org/token"));
        let page = save(&page, |form| form.set("token_choice", "keep")).await.expect(303).follow().await;
        assert_eq!(app.secret(id, SecretField::TokenPassword).await.as_deref(), Some(OLD));
        assert_eq!(app.value("SELECT keep_fresh FROM authorizations").await, "t");

        save(&page, |form| form.set("token_choice", choice).set("token", NEW).confirmed()).await.expect(303);
        assert_eq!(app.count("SELECT count(*) FROM secrets").await, 0, "nothing is left that could renew it");
        assert_eq!(app.value("SELECT keep_fresh FROM authorizations").await, "f");
        assert_eq!(app.token(id).await.as_deref(), (choice == "replace").then_some(NEW));
    }
}

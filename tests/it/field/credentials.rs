//! Credentials as people type and paste them.

use connectory::authorization::SecretField;
use connectory::connectors::{Grant, Method};

use crate::support::TestApp;

const TAB: &str = "/connectors/ledger/authorization";

/// A key or client secret that was copied with a space or a line break at its end.
#[tokio::test]
async fn white_space_around_a_pasted_key_is_dropped_and_a_password_keeps_it() {
    for (method, field, secret, stored) in [
        (Method::ApiKey, "api_key", " k3y-1 \r\n", "k3y-1"),
        (Method::OAuth(Grant::ClientCredentials), "client_secret", "s3cret-1 ", "s3cret-1"),
        (Method::Basic, "password", " s3cret-1 ", " s3cret-1 "),
    ] {
        let app = TestApp::start().await;
        let id = app.connector_with("Ledger", |new| new.method = method).await;
        let tab = app.super_admin().await.get(TAB).await.expect(200);
        let filled = |name: &str| tab.html.contains(&format!("name=\"{name}\""));
        let mut form = tab.main_form().set(field, secret);
        for (name, value) in [
            ("api_key_name", "X-Key"),
            ("user_name", "ana"),
            ("client_id", "app"),
            ("token_url", "https://a.example/token"),
        ] {
            form = if filled(name) { form.set(name, value) } else { form };
        }
        form.send().await.expect(303);
        let field = SecretField::ALL.into_iter().find(|known| known.code() == field).expect("a secret");
        assert_eq!(app.secret(id, field).await.as_deref(), Some(stored));
    }
}

/// A header that frames a message would be left out of every call.
#[tokio::test]
async fn a_key_cannot_be_sent_in_a_header_of_the_connection() {
    let app = TestApp::start().await;
    app.connector_with("Ledger", |new| new.method = Method::ApiKey).await;
    let ana = app.super_admin().await;
    for name in ["Host", "content-length", "Transfer-Encoding", "Connection"] {
        let tab = ana.get(TAB).await.expect(200);
        let page = tab.submit(|form| form.set("api_key_name", name).set("api_key", "k3y")).await.expect(422);
        let problem = page.field_error("api_key_name").unwrap_or_default();
        assert!(problem.contains("is set by Connectory itself"), "{name}: {problem}");
    }
}

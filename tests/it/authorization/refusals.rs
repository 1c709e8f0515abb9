//! What is not accepted, said where it stands; what was typed is still there, secrets never.

use connectory::connectors::Grant;

use super::*;

/// Sends the form with these fields; what is wrong is said in the summary and beside the field, and what was typed
/// is still there.
async fn refused(browser: &Browser, typed: &[(&str, &str)], field: &str, message: &str) -> Page {
    let page = browser.get(TAB).await;
    let fill = |form: FormFill| typed.iter().fold(form, |form, (name, text)| form.set(name, text));
    let page = save(&page, fill).await.expect(422);
    assert_eq!(page.errors(), errors(&[(field, message)]), "{typed:?}");
    assert_eq!(page.field_error(field).as_deref(), Some(message));
    assert_eq!(page.title(), "Error: Authorization, Payroll – Connectory");
    assert!(page.text().contains("What you typed is still here, except passwords and other secrets."));
    for (name, text) in typed {
        let secret = ["password", "api_key", "token"].contains(name);
        assert_eq!(page.field_value(name), if secret { "" } else { text.trim() }, "{name}");
    }
    page
}

#[tokio::test]
async fn of_basic_say_what_to_do_and_keep_what_was_typed() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let long = "x".repeat(256);
    for (user, message) in [
        ("ana:ruiz", "User must not contain a colon (:), which Basic Auth cannot send"),
        ("ana\u{7}", "User must not contain control characters"),
        (long.as_str(), "User must be 255 characters or fewer"),
    ] {
        let page = refused(&ana, &[("user_name", user), ("password", NEW)], "user_name", message).await;
        assert!(!page.html.contains(NEW));
    }
    let message = "Password must not contain line breaks or other control characters";
    for password in ["canary\nnew", "canary\r\nnew", "canary\u{1b}new"] {
        let page = refused(&ana, &[("user_name", "svc"), ("password", password)], "password", message).await;
        assert!(!page.html.contains("canary"));
    }
    assert_eq!(app.secret(id, SecretField::Password).await, None);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'authorization.saved'").await, 0);
}

#[tokio::test]
async fn of_an_api_key_follow_what_headers_and_queries_can_carry() {
    let app = TestApp::start().await;
    connector(&app, Method::ApiKey).await;
    let ana = app.person(&[EditConnectors]).await;
    let header = "A header name can have letters, numbers and hyphens, such as X-API-Key";
    let prefix = "Prefix can have up to 255 letters, numbers and signs, such as Token";
    let long = "x".repeat(256);
    for (place, name, before, field, message) in [
        ("header", "", "", "api_key_name", "Enter the name of the header or parameter"),
        ("header", "X Key", "", "api_key_name", header),
        ("header", "X-Key:", "", "api_key_name", header),
        ("header", "X-Schlüssel", "", "api_key_name", header),
        ("header", "X\u{1}Key", "", "api_key_name", header),
        ("header", long.as_str(), "", "api_key_name", "Name must be 255 characters or fewer"),
        ("query", "", "", "api_key_name", "Enter the name of the header or parameter"),
        ("query", "a\u{7}b", "", "api_key_name", "Name must not contain control characters"),
        ("query", long.as_str(), "", "api_key_name", "Name must be 255 characters or fewer"),
        ("header", "X-Key", "Schlüssel", "api_key_prefix", prefix),
        ("header", "X-Key", "a\u{7}b", "api_key_prefix", prefix),
        ("header", "X-Key", long.as_str(), "api_key_prefix", prefix),
    ] {
        let typed = [("api_key_place", place), ("api_key_name", name), ("api_key_prefix", before), ("api_key", NEW)];
        refused(&ana, &typed, field, message).await;
    }
    let message = "API key can have letters, numbers and signs only. Copy it once more, without line breaks.";
    for key in ["canary\nnew", "schlüssel", "a\tb"] {
        refused(&ana, &[("api_key_name", "X-Key"), ("api_key", key)], "api_key", message).await;
    }
    let page = save(&ana.get(TAB).await, |form| form.set("api_key_name", "X-Key").forge("api_key_place", "cookie"))
        .await
        .expect(422);
    assert_eq!(page.errors(), errors(&[("api_key_place", "Choose where the key is sent")]));
    assert_eq!(app.count("SELECT count(*) FROM secrets").await, 0);
}

#[tokio::test]
async fn of_a_token_keep_out_what_no_header_can_carry() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Bearer).await;
    let ana = app.person(&[EditConnectors]).await;
    let long = "x".repeat(16_385);
    for token in ["two words", "line\r\nX-Injected: 1", "tab\tbed", "tökén", "\u{7f}", "  "] {
        let page = refused(&ana, &[("token", token)], "token", NOT_A_TOKEN).await;
        assert!(!page.html.contains("X-Injected"));
    }
    let message = "Token must not be longer than 16 KiB (16384 bytes)";
    let page = refused(&ana, &[("token", &long)], "token", message).await;
    assert!(!page.html.contains(&long));
    assert_eq!(app.token(id).await, None);
    save(&ana.get(TAB).await, |form| form.set("token", &long[1..])).await.expect(303);
    assert_eq!(app.token(id).await.as_deref(), Some(&long[1..]));
}

#[tokio::test]
async fn of_an_unknown_method_save_nothing() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    for method in ["", "kerberos", "oauth", "BASIC"] {
        let page = save(&ana.get(TAB).await, |form| form.forge("auth_method", method)).await.expect(422);
        assert_eq!(page.errors(), errors(&[("auth_method", "Choose a method")]));
    }
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(OLD));
}

#[tokio::test]
async fn print_what_was_typed_as_text() {
    let app = TestApp::start().await;
    connector(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let typed = "\"><script>alert(1)</script>:";
    let page = refused(
        &ana,
        &[("user_name", typed)],
        "user_name",
        "User must not contain a colon (:), which Basic Auth cannot send",
    )
    .await;
    assert!(!page.html.contains("<script>alert"));
    let page = save(&page, |form| form.set("user_name", &typed[..typed.len() - 1])).await.expect(303).follow().await;
    assert_eq!(page.field_value("user_name"), typed[..typed.len() - 1]);
    assert!(!page.html.contains("<script>alert"));
}

#[tokio::test]
async fn of_a_secret_that_is_too_long_say_how_long_it_may_be() {
    let grant = Method::OAuth(Grant::Password);
    for (method, field, label, longest) in [
        (Method::Basic, "password", "Password", 16),
        (Method::ApiKey, "api_key", "API key", 16),
        (Method::Bearer, "token", "Token", 16),
        (grant, "client_secret", "Client Secret", 16),
        (grant, "oauth_password", "Password", 16),
        (Method::Basic, "client_key", "Client key", 64),
        (Method::Basic, "client_certificate", "Client certificate", 64),
    ] {
        let app = TestApp::start().await;
        connector(&app, method).await;
        let ana = app.person(&[EditConnectors]).await;
        let bytes = longest * 1024;
        let message = format!("{label} must not be longer than {longest} KiB ({bytes} bytes)");
        for (size, is_refused) in [(bytes + 1, true), (bytes, false)] {
            let typed = "x".repeat(size);
            let page = save(&ana.get(TAB).await, |form| form.set(field, &typed)).await;
            let found = page.errors();
            let told = found.contains(&(field.to_string(), message.clone()));
            assert_eq!(told, is_refused, "{field}, {size}: {found:?}");
            assert_eq!(app.count("SELECT count(*) FROM secrets WHERE length(sealed) > 70000").await, 0);
        }
    }
}

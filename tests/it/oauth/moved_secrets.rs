//! A stored client secret, password or token goes to the host, and on the way, that it was entered for.

use super::*;

const ANOTHER_HOST: &str = "it would go to another host";
const ANOTHER_DOOR: &str = "people would be sent to another host to agree";
const ANOTHER_PROXY: &str = "it would go through another proxy";
const UNCHECKED: &str = "certificates are no longer checked";
const TICK: &str = "Tick the box if secrets are to be sent without checking who receives them";

/// A connector of this grant with stored secrets and a token, whose server is `home`.
async fn at_home(method: Method, home: &Hostile) -> (TestApp, Uuid, Browser) {
    let app = TestApp::start().await;
    let id = connector(&app, method, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors]).await;
    let form = ana.get(TAB).await.form(TAB);
    let form = form
        .set("authorize_url", &home.url("/authorize"))
        .set("token_url", &home.url("/token"))
        .set("client_id", "app")
        .set("client_secret", SECRET);
    let form = match method {
        PASSWORDS => form.set("oauth_user", USER).set("oauth_password", USERS_PASSWORD),
        _ => form,
    };
    saved(form).await;
    app.store_token(id, "canary-token", None).await;
    (app, id, ana)
}

/// The messages for every secret that the grant has.
fn again(method: Method, why: &str) -> Vec<(String, String)> {
    let message = |label: &str| format!("{label} must be entered again or removed, because {why}");
    let secret = ("client_secret".to_string(), message("Client Secret"));
    let password = ("oauth_password".to_string(), message("Password"));
    if method == PASSWORDS { vec![secret, password] } else { vec![secret] }
}

#[tokio::test]
async fn are_asked_for_again_where_they_would_go_elsewhere_and_nothing_is_sent() {
    for method in [CODE, CLIENT, PASSWORDS] {
        let (home, elsewhere) = (Hostile::json("{}").await, Hostile::json("{}").await);
        let proxy = ForwardProxy::start().await;
        let (app, id, ana) = at_home(method, &home).await;
        let (url, proxied) = (elsewhere.url("/token"), proxy.url());
        let changes = [
            ("token_url", url.as_str(), ANOTHER_HOST),
            ("refresh_url", url.as_str(), ANOTHER_HOST),
            ("revocation_url", url.as_str(), ANOTHER_HOST),
            ("token_url", "https://127.0.0.1/token", ANOTHER_HOST),
            ("authorize_url", url.as_str(), ANOTHER_DOOR),
            ("proxy_url", proxied.as_str(), ANOTHER_PROXY),
        ];
        // Client credentials have no refresh token.
        let of_grant = |field: &str| match field {
            "refresh_url" => method != CLIENT,
            "authorize_url" => method == CODE,
            _ => true,
        };
        for (field, value, why) in changes.into_iter().filter(|(field, ..)| of_grant(field)) {
            for button in ["Save", "Test connection"] {
                let page = ana.get(TAB).await;
                let form = page.form(TAB).set(field, value).press(button);
                let page = form.send().await.expect(422);
                assert_eq!(page.errors(), again(method, why), "{field} {button}");
                assert_eq!(page.field_value(field), value);
            }
        }
        for button in ["Save", "Test connection"] {
            let page = ana.get(TAB).await;
            let form = page.form(TAB).untick("verify", "yes").press(button);
            let page = form.send().await.expect(422);
            let mut expected = vec![("verify_off".to_string(), TICK.to_string())];
            expected.extend(again(method, UNCHECKED));
            assert_eq!(page.errors(), expected, "{button}");
        }
        assert_eq!((elsewhere.connections(), home.connections()), (0, 0));
        assert!(proxy.asked().is_empty());
        assert_eq!(app.token(id).await.as_deref(), Some("canary-token"));
        assert_eq!(audited(&app, "authorization.saved").await, 1);
    }
}

#[tokio::test]
async fn go_elsewhere_when_they_are_entered_again_and_the_tokens_are_forgotten() {
    for method in [CODE, CLIENT, PASSWORDS] {
        let (home, elsewhere) = (Hostile::json("{}").await, Hostile::json("{}").await);
        let (app, id, ana) = at_home(method, &home).await;
        let form = ana.get(TAB).await.form(TAB);
        let form = form.set("token_url", &elsewhere.url("/token"));
        let form = replace(form, "client_secret", "the new secret");
        let form = match method {
            PASSWORDS => replace(form, "oauth_password", "the new password"),
            _ => form,
        };
        let page = saved(form).await;
        assert!(page.flash().contains("Its tokens were removed"), "{}", page.flash());
        let secret = app.secret(id, SecretField::ClientSecret).await;
        assert_eq!(secret.as_deref(), Some("the new secret"));
        assert_eq!(app.token(id).await, None);
        let line = last_line(&app, "authorization.saved").await;
        assert!(line.contains("AccessToken URL") && line.contains("Client Secret"), "{line}");
        assert!(!line.contains("the new"), "{line}");
    }
}

#[tokio::test]
async fn stay_with_settings_that_lead_to_the_same_host() {
    let home = Hostile::json("{}").await;
    let (app, id, ana) = at_home(CODE, &home).await;
    for (field, value) in [
        ("token_url", home.url("/other/token")),
        ("refresh_url", home.url("/refresh")),
        ("revocation_url", home.url("/revoke")),
        ("authorize_url", home.url("/other/authorize")),
        ("scope", "read".into()),
        ("time_out", "5".into()),
        ("expired_statuses", "401, 403".into()),
    ] {
        let page = ana.get(TAB).await;
        saved(page.form(TAB).set(field, &value)).await;
        assert!(app.token(id).await.is_some(), "{field}");
    }
    // A proxy that stays counts as the same however it is written.
    let form = ana.get(TAB).await.form(TAB).set("proxy_url", "http://127.0.0.1:9");
    saved(replace(form, "client_secret", SECRET)).await;
    app.store_token(id, "canary-token", None).await;
    let form = ana.get(TAB).await.form(TAB).set("proxy_url", "HTTP://127.0.0.1:9");
    saved(form).await;
    assert!(app.token(id).await.is_some());
}

#[tokio::test]
async fn tokens_go_with_the_client_and_the_method_that_they_were_issued_to() {
    for change in ["client", "grant", "bearer", "basic"] {
        let home = Hostile::json("{}").await;
        let (app, id, ana) = at_home(CODE, &home).await;
        let form = ana.get(TAB).await.form(TAB);
        let form = match change {
            "client" => form.set("client_id", "another"),
            "grant" => form.set("auth_method", "oauth_client_credentials"),
            "bearer" => form.set("auth_method", "bearer"),
            _ => form.set("auth_method", "basic").set("user_name", "svc").set("password", "x"),
        };
        saved(form.confirmed()).await;
        assert_eq!(app.token(id).await, None, "{change}");
        let secret = app.secret(id, SecretField::ClientSecret).await;
        assert_eq!(secret.is_some(), ["client", "grant"].contains(&change), "{change}");
        if change == "bearer" {
            assert_eq!(app.value("SELECT status FROM connectors").await, "not_authorized");
        }
    }
}

#[tokio::test]
async fn finding_settings_carries_no_secret() {
    let (home, elsewhere) = (Hostile::json("{}").await, Hostile::json("{}").await);
    let (_app, _, ana) = at_home(PASSWORDS, &home).await;
    let form = ana.get(TAB).await.form(TAB);
    let form = replace(form, "client_secret", "typed-canary").set("issuer", &elsewhere.url(""));
    form.press("Find settings").send().await.expect(200);
    let requests = elsewhere.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!((request.method.as_str(), request.body.as_str()), ("GET", ""));
        assert_eq!(request.header("authorization"), None);
        let text = format!("{request:?}");
        assert!(!text.contains("canary") && !text.contains(USERS_PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn a_token_is_fetched_for_no_base_url_that_waits() {
    for method in [CLIENT, PASSWORDS] {
        let home = Hostile::json(r#"{"access_token":"canary-new","expires_in":3600}"#).await;
        let (app, id, ana) = at_home(method, &home).await;
        app.sql("DELETE FROM tokens").await;
        let elsewhere = |form: FormFill| form.set("base_url", "https://evil.example.net");
        let page = ana.get("/connectors/payroll/details").await.submit(elsewhere).await;
        let page = page.expect(303).follow().await;
        assert!(page.flash().contains("are refused until it is approved"));
        let renewals = "/connectors/payroll/authorization/token-renewals";
        ana.post(renewals, &[]).await.expect(303);
        assert_eq!(app.token(id).await.as_deref(), Some("canary-new"));
        let origins = app.value("SELECT array_to_string(origins, ' ') FROM tokens").await;
        assert!(!origins.contains("evil"), "{origins}");
    }
}

//! The form of the request: what it refuses, what it sends.

use super::*;

#[tokio::test]
async fn is_there_for_bearer_connectors_only() {
    let app = TestApp::start().await;
    bearer(&app).await;
    let ana = app.super_admin().await;
    for method in ["no_auth", "basic", "api_key", "oauth_password"] {
        app.sql(&format!("UPDATE connectors SET method = '{method}'")).await;
        ana.get(REQUEST).await.expect(404);
        ana.post(REQUEST, &[("token_url", "https://login.example.org"), ("token_request_style", "form")])
            .await
            .expect(404);
        ana.post(TAKE, &[("request", ""), ("do", "use")]).await.expect(404);
        ana.post(RENEW, &[]).await.expect(404);
        ana.get(REVEAL).await.expect(404);
    }
    let ben = app.person(&[ViewConnectors]).await;
    for path in [REQUEST, REVEAL] {
        ben.get(path).await.expect(403);
    }
    for path in [REQUEST, TAKE, RENEW, REVEAL] {
        ben.post(path, &[]).await.expect(403);
    }
}

#[tokio::test]
async fn says_what_cannot_be_asked_and_asks_nobody() {
    let (app, server) = (TestApp::start().await, Hostile::json("{}").await);
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let url = server.url("/token");
    let long = "x".repeat(1_001);
    let with_login = url.replace("http://", "http://ana:canary-url@");
    for (field, typed, message) in [
        ("token_url", "", "Enter the URL Token"),
        ("token_url", "login.example.org/token", "URL Token must start with https:// or http://"),
        ("token_url", "ftp://login.example.org/", "URL Token must start with https:// or http://"),
        ("token_url", "javascript:alert(1)", "URL Token must start with https:// or http://"),
        ("token_url", "file:///etc/passwd", "URL Token must start with https:// or http://"),
        ("token_url", &with_login, "URL Token must not contain a user name or password"),
        ("token_url", "https://login.example.org/#x", "URL Token must not have a fragment (the part from #)"),
        ("token_user", &long, "Use 1,000 characters or fewer"),
        ("token_scope", &long, "Use 1,000 characters or fewer"),
    ] {
        let fill = |form: FormFill| {
            form.set("token_url", &url)
                .set("token_password", CANARY)
                .set("token_client_secret", CANARY)
                .set("token_client_id", "app")
                .set(field, typed)
        };
        let page = ask_with(&ana, fill).await.expect(422);
        assert_eq!(page.errors(), [(field.to_string(), message.to_string())]);
        assert_eq!(page.field_error(field).as_deref(), Some(message));
        assert_eq!((page.field_value(field).as_str(), page.field_value("token_password").as_str()), (typed, ""));
        assert!(!page.html.contains(CANARY));
        assert_eq!(
            (page.title().as_str(), page.header("cache-control")),
            ("Error: Request token, Payroll – Connectory", "no-store")
        );
    }
    for (style, user, client, field, message) in [
        ("basic", "a:b", "", "token_user", "User must not contain a colon (:) with this request style"),
        ("get", "a\u{7}b", "", "token_user", "User must not contain line breaks or other control characters"),
        ("form", "ana", CANARY, "token_client_id", "Client ID is needed with a Client Secret"),
        ("basic", "", "", "token_request_style", "Request style needs a user, or a Client ID with its secret"),
    ] {
        let fill = |form: FormFill| {
            let form = form
                .set("token_url", &url)
                .set("token_request_style", style)
                .set("token_user", user)
                .set("token_client_secret", client);
            if user.is_empty() { form } else { form.set("token_password", CANARY) }
        };
        let page = ask_with(&ana, fill).await.expect(422);
        assert_eq!(page.errors(), [(field.to_string(), message.to_string())], "{style}");
        assert_eq!(page.field_value("token_request_style"), style);
    }
    let page =
        ask_with(&ana, |form| form.set("token_url", &url).forge("token_request_style", "telegram")).await.expect(422);
    assert_eq!(page.errors(), [("token_request_style".to_string(), "Choose a request style".to_string())]);
    let page = ask_with(&ana, |form| form.set("token_url", &url).set("token_pointer", "data/token")).await.expect(422);
    assert!(page.errors()[0].1.starts_with("JSON Pointer "), "{:?}", page.errors());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn asks_in_the_chosen_style_and_looks_where_it_is_told() {
    let (app, server) =
        (TestApp::start().await, Hostile::json(r#"{"deep":{"er":"the-token"},"access_token":"another"}"#).await);
    let id = bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    for (style, method, sent) in [
        ("form", "POST", "password=p%26w"),
        ("json", "POST", r#""password":"p&w""#),
        ("basic", "POST", ""),
        ("get", "GET", ""),
    ] {
        let fill = |form: FormFill| {
            let form =
                form.set("token_url", &server.url("/token")).set("token_user", "ana").set("token_password", "p&w");
            form.set("token_request_style", style).set("token_pointer", "/deep/er")
        };
        let page = ask_with(&ana, fill).await.expect(200);
        assert_eq!(
            (page.field_value("access_token").as_str(), fact(&page, "Found at").as_str()),
            ("the-token", "/deep/er")
        );
        assert_eq!(page.field_value("token_request_style"), style);
        let asked = server.requests().pop().expect("a request");
        assert_eq!(asked.method, method);
        assert!(asked.body.contains(sent) && !asked.target.contains("p&w"), "{asked:?}");
        assert_eq!(asked.header("authorization"), ["basic", "get"].contains(&style).then_some("Basic YW5hOnAmdw=="));
        take(&page, "Keep it fresh").await;
        ana.get(TAB).await.form(RENEW).send().await.expect(303);
        let again = server.requests().pop().expect("a request");
        assert_eq!(
            (again.method, again.body, again.target),
            (asked.method, asked.body, asked.target),
            "renewal asks in the same way"
        );
    }
    assert_eq!(app.token(id).await.as_deref(), Some("the-token"));
}

#[tokio::test]
async fn lets_one_person_ask_so_often_and_not_more() {
    let (app, server) = (TestApp::start().await, Hostile::json("{}").await);
    bearer(&app).await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let page = ana.get(REQUEST).await;
    let form = || page.form(REQUEST).set("token_url", &server.url("/token"));
    let mut passed = 0;
    while form().send().await.status == 200 {
        passed += 1;
        assert!(passed <= 100, "no brake");
    }
    let refused = form().send().await.expect(429);
    assert_eq!((refused.h1().as_str(), server.requests().len()), ("Too many tries", passed));
    assert!(passed >= 10, "trying out needs more than {passed}");
    ask(&ben, &server.url("/token"), "ben", CANARY).await.expect(200);
    app.advance(TimeDelta::minutes(1));
    form().send().await.expect(200);
}

#[tokio::test]
async fn leaves_a_line_in_the_audit_log_for_every_request() {
    let (app, server) = (TestApp::start().await, Hostile::start(Behaviour::Echo).await);
    bearer(&app).await;
    let ana = app.person(&[EditConnectors, ViewActivity]).await;
    ask(&ana, &server.url("/token"), "ana", CANARY).await.expect(200);
    let event = app.rows("SELECT actor_name, changes FROM audit_events WHERE kind = 'token.requested'").await;
    assert_eq!(event[0][0], ana.user().name);
    assert!(
        event[0][1].contains(&server.url("/token")) && event[0][1].contains("The server answered 400"),
        "{event:?}"
    );
    assert!(!event[0][1].contains(CANARY));
    assert!(!ana.get("/connectors/payroll/activity/changes").await.expect(200).html.contains(CANARY));
}

#[tokio::test]
async fn refuses_a_secret_that_is_too_long() {
    let app = TestApp::start().await;
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let server = Hostile::json("{}").await;
    let long = "x".repeat(16 * 1024 + 1);
    for (field, label) in [("token_password", "Password"), ("token_client_secret", "Client Secret")] {
        let typed = |form: FormFill| {
            form.set("token_url", &server.url("/token"))
                .set("token_user", "ana")
                .set("token_client_id", "app")
                .set(field, &long)
        };
        let page = ask_with(&ana, typed).await.expect(422);
        let message = format!("{label} must not be longer than 16 KiB (16384 bytes)");
        assert_eq!(page.field_error(field), Some(message));
        assert!(!page.html.contains(&long));
    }
    assert!(server.requests().is_empty());
}

//! Against an authorization server of other authors.

use super::*;

#[tokio::test]
async fn gives_a_token_that_is_shown_with_all_about_it() {
    let (app, server) = (TestApp::start().await, OAuthServer::start());
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await.click("Get Access Token").await.expect(200);
    assert_eq!((page.path.as_str(), page.h1().as_str()), (REQUEST, "Payroll: Request token"));
    assert_eq!(page.header("cache-control"), "no-store");
    let fill = |form: FormFill| {
        form.set("token_url", &server.token_url)
            .set("token_user", USER)
            .set("token_password", USERS_PASSWORD)
            .set("token_scope", "read write")
    };
    let page = fill(page.form(REQUEST)).send().await.expect(200);
    assert_eq!(page.title(), "Access token received, Payroll – Connectory");
    assert_eq!(page.header("cache-control"), "no-store");
    let token = page.field_value("access_token");
    assert_eq!(token.split('.').count(), 3, "a JWT: {token}");
    assert_eq!((fact(&page, "Type").as_str(), fact(&page, "Scope").as_str()), ("Bearer", "read write"));
    assert_eq!((fact(&page, "Status").as_str(), fact(&page, "Found at").as_str()), ("200", "access_token"));
    assert!(fact(&page, "Time taken").ends_with(" milliseconds"), "{}", fact(&page, "Time taken"));
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims")).expect("base64");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    let seconds = claims["exp"].as_i64().expect("an end") - app.clock.now().timestamp();
    assert!((3590..=3600).contains(&seconds), "{seconds}");
    assert!(
        fact(&page, "Expires").ends_with(" (in 60 minutes)") || fact(&page, "Expires").ends_with(" (in 59 minutes)"),
        "{}",
        fact(&page, "Expires")
    );
    assert_eq!((page.field_value("token_user").as_str(), page.field_value("token_password").as_str()), (USER, ""));
    assert!(!page.html.contains(USERS_PASSWORD));
    assert_eq!(app.count("SELECT count(*) FROM tokens").await, 0, "nothing is stored before it is taken over");
}

#[tokio::test]
async fn its_token_is_stored_by_use_this_token() {
    let (app, server) = (TestApp::start().await, OAuthServer::start());
    let id = bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = received(&ana, &server.token_url).await;
    let token = page.field_value("access_token");
    let page = take(&page, "Use this token").await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), (TAB, STORED));
    assert_eq!(app.token(id).await.as_deref(), Some(token.as_str()));
    assert!(!page.html.contains(&token));
    assert!(fact(&page, "Status").contains("The server has issued a token."));
    assert_eq!(fact(&page, "Kept fresh"), "No: when it ends, a person has to get a new one");
    assert_eq!(app.value("SELECT status FROM connectors").await, "healthy");
    assert_eq!(app.count("SELECT count(*) FROM secrets").await, 0, "the password was not asked to be kept");
    assert!(!page.has_form(RENEW));
    let event = app.rows("SELECT actor_name, subject_id, changes FROM audit_events WHERE kind = 'token.stored'").await;
    assert_eq!(event[0][..2], [ana.user().name.clone(), id.to_string()]);
    assert!(event[0][2].contains(&server.token_url) && !event[0][2].contains(&token), "{event:?}");
    // The form remembers what was asked, except the secrets.
    let page = ana.get(REQUEST).await;
    assert_eq!(
        (page.field_value("token_url").as_str(), page.field_value("token_user").as_str()),
        (server.token_url.as_str(), USER)
    );
    assert_eq!(page.field_value("token_password"), "");
}

#[tokio::test]
async fn its_token_is_renewed_with_the_sign_in_that_keep_it_fresh_has_stored() {
    let (app, server) = (TestApp::start().await, OAuthServer::start());
    let id = bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = received(&ana, &server.token_url).await;
    let first = page.field_value("access_token");
    let page = take(&page, "Keep it fresh").await;
    assert_eq!(page.flash(), "The token was stored and is kept fresh");
    assert!(fact(&page, "Kept fresh").ends_with(&format!("with the sign-in for {}", server.token_url)));
    assert_eq!(app.secret(id, SecretField::TokenPassword).await.as_deref(), Some(USERS_PASSWORD));

    let page = page.form(RENEW).send().await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), (TAB, "The token was renewed"));
    let second = app.token(id).await.expect("a token");
    assert_ne!(first, second);
    assert_eq!(audit(&app, "token.renewed").await, 1);
    assert!(!page.html.contains(&second));

    // The server goes away: what is stored stays, and the reason may pass.
    drop(server);
    let page = page.form(RENEW).send().await.expect(200);
    assert!(refusal(&page)[0].ends_with(" refused the connection."), "{:?}", refusal(&page));
    assert_eq!((app.token(id).await.as_deref(), audit(&app, "token.renewed").await), (Some(second.as_str()), 1));
    assert_eq!(app.value("SELECT status FROM connectors").await, "failing");
}

#[tokio::test]
async fn its_refusal_leaves_the_token_as_it_was() {
    let (app, server) = (TestApp::start().await, OAuthServer::start());
    let id = bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = take(&received(&ana, &server.token_url).await, "Keep it fresh").await;
    let before = app.token(id).await;
    let row = app.value("SELECT tokens::text FROM tokens").await;
    app.store_secret(id, SecretField::TokenPassword, CANARY).await;
    let page = page.form(RENEW).send().await.expect(200);
    let said = refusal(&page);
    assert_eq!(
        said[..2],
        [
            "The server answered 400 (Bad Request).",
            "The server said: “invalid_grant: The user name or the password is wrong.”"
        ]
    );
    assert_eq!((app.token(id).await, app.value("SELECT tokens::text FROM tokens").await), (before, row));
    assert!(!page.html.contains(CANARY));
    assert_eq!(audit(&app, "token.renewed").await, 0);
}

#[tokio::test]
async fn says_that_the_password_is_wrong_and_the_form_keeps_the_rest() {
    let (app, server) = (TestApp::start().await, OAuthServer::start());
    bearer(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let fill = |form: FormFill| {
        form.set("token_url", &server.token_url)
            .set("token_user", USER)
            .set("token_password", CANARY)
            .set("token_scope", "read")
            .set("token_client_id", "app")
    };
    let page = ask_with(&ana, fill).await.expect(200);
    assert_eq!(page.title(), "No access token: Request token, Payroll – Connectory");
    assert_eq!(
        refusal(&page),
        [
            "The server answered 400 (Bad Request).",
            "The server said: “invalid_grant: The user name or the password is wrong.”",
            "Check user and password. The account may also be locked, or need another way of signing in.",
            "Go to User or Password"
        ]
    );
    for (field, kept) in [
        ("token_url", server.token_url.as_str()),
        ("token_user", USER),
        ("token_scope", "read"),
        ("token_client_id", "app"),
        ("token_password", ""),
    ] {
        assert_eq!(page.field_value(field), kept, "{field}");
    }
    assert!(!page.html.contains(CANARY));
    assert_eq!(page.all("details.more[open]").count(), 1);
    assert!(!page.has_form(TAKE));
    assert_eq!(app.count("SELECT count(*) FROM token_requests").await, 0);
}

//! Each method: what its fields show, and what saving them stores and records.

use super::*;

#[tokio::test]
async fn no_auth_says_that_there_is_no_security() {
    let app = TestApp::start().await;
    connector(&app, Method::NoAuth).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await.expect(200);
    assert_eq!(
        (page.h1().as_str(), page.title().as_str()),
        ("Payroll: Authorization", "Authorization, Payroll – Connectory")
    );
    assert_eq!(page.field_value("auth_method"), "no_auth");
    assert_eq!(
        strs(&page.choices("auth_method")),
        [
            "No Auth",
            "Basic Auth",
            "Bearer Token",
            "API Key",
            "Login Request",
            "HTTP Digest",
            "AWS Signature",
            "OAuth 2.0 Authorization Code",
            "OAuth 2.0 Client Credentials",
            "Auth 2.0 Password",
            "OAuth 2.0 Implicit",
            "OAuth 2.0 Device Authorization",
            "OAuth 2.0 JWT Bearer"
        ]
    );
    assert_eq!(shown_cases(&page), ["no_auth"]);
    assert!(page.text().contains("There is no security with this option."));
    let page = save(&page, |form| form).await.expect(303).follow().await;
    assert_eq!((page.flash().as_str(), status(&app).await.as_str()), (SAVED, "not_tested"));
}

#[tokio::test]
async fn basic_begins_with_the_name_of_whoever_creates_the_connector() {
    let app = TestApp::start().await;
    let (ana, ben) = (app.person(&[CreateConnectors]).await, app.person(&[EditConnectors]).await);
    let page = ana.get("/connectors/new").await;
    let page = page
        .submit(|form| form.set("connector_name", "Payroll").set("description", "x").set("auth_method", "basic"))
        .await
        .expect(303);
    let page = page.follow().await.expect(200);
    assert_eq!((page.path.as_str(), page.flash().as_str()), (TAB, "The Data Connector was created"));
    assert_eq!(page.field_value("user_name"), ana.user().username);
    assert_eq!(ben.get(TAB).await.field_value("user_name"), ana.user().username);
    assert_eq!(shown_cases(&page), ["basic digest", "basic", WITH_SECRETS, WITH_SIGN_IN]);
}

#[tokio::test]
async fn basic_is_saved_recorded_and_waits_for_a_test() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await;
    assert!(fact(&page, "Status").starts_with("Not authorized since "), "{}", fact(&page, "Status"));
    let page = save(&page, |form| form.set("user_name", " svc-größe ").set("password", NEW)).await.expect(303);
    let page = page.follow().await.expect(200);
    assert_eq!(page.flash(), SAVED);
    assert_eq!(page.field_value("user_name"), "svc-größe");
    let today = app.clock.now().format("%-d %B %Y");
    assert_eq!(page.texts("p.secret"), [format!("Set on {today} by {}", ana.user().attribution())]);
    assert!(fact(&page, "Status").ends_with("Press Test connection, or make a call."), "{}", fact(&page, "Status"));
    assert!(page.text().contains(&format!("by {}.", ana.user().attribution())));
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(NEW));
    assert_eq!(status(&app).await, "not_tested");
    assert_eq!(
        last_changes(&app, "authorization.saved").await,
        [change("User", "", "svc-größe"), change("Password", "", "changed")]
    );
    assert_eq!(app.value("SELECT actor_name FROM audit_events ORDER BY id DESC LIMIT 1").await, ana.user().name);
}

#[tokio::test]
async fn a_secret_is_kept_exactly_as_typed() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    for password in ["***", " outer spaces ", "ü:&%+\"<>'", "•••", "0", "keep", &"x".repeat(10_000)] {
        let page = ana.get(TAB).await;
        let typed = |form: FormFill| {
            if has_field(&page, "password_choice") {
                replace(form, "password", password)
            } else {
                form.set("password", password)
            }
        };
        save(&page, |form| typed(form.set("user_name", "svc"))).await.expect(303);
        assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(password));
    }
}

#[tokio::test]
async fn an_api_key_goes_in_a_header_or_in_the_query() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::ApiKey).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await.expect(200);
    assert_eq!(shown_cases(&page), ["api_key", WITH_SECRETS, WITH_SIGN_IN]);
    assert_eq!(
        strs(&page.choices("api_key_place")),
        [
            "Request header",
            "Query parameter",
            "Basic Auth, as the user with an empty password",
            "Basic Auth, as the password with an empty user"
        ]
    );
    let page =
        save(&page, |form| form.set("api_key_name", "X-API-Key").set("api_key_prefix", "Token").set("api_key", NEW))
            .await
            .expect(303);
    let page = page.follow().await;
    assert_eq!((page.flash().as_str(), status(&app).await.as_str()), (SAVED, "not_tested"));
    assert_eq!(app.secret(id, SecretField::ApiKey).await.as_deref(), Some(NEW));
    // A parameter's name is encoded when it is sent, so that it can be any text.
    let page = save(&page, |form| form.set("api_key_place", "query").set("api_key_name", "schlüssel nr"))
        .await
        .expect(303)
        .follow()
        .await;
    assert_eq!(
        (page.field_value("api_key_place").as_str(), page.field_value("api_key_name").as_str()),
        ("query", "schlüssel nr")
    );
    assert_eq!(page.field_value("api_key_prefix"), "Token");
    let changes = [
        change("API key sent as", "Request header", "Query parameter"),
        change("API key name", "X-API-Key", "schlüssel nr"),
    ];
    assert_eq!(last_changes(&app, "authorization.saved").await, changes);
}

#[tokio::test]
async fn a_pasted_token_is_stored_without_the_white_space_around_it() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Bearer).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(TAB).await.expect(200);
    assert_eq!(shown_cases(&page), ["bearer", WITH_TOKEN, WITH_SECRETS, WITH_SIGN_IN]);
    assert!(page.has_link("Get Access Token") && !page.has_link("Reveal token"));
    let page = save(&page, |form| form.set("token", &format!(" \t{NEW}\r\n"))).await.expect(303).follow().await;
    assert_eq!(app.token(id).await.as_deref(), Some(NEW));
    assert_eq!(
        (fact(&page, "Expires").as_str(), fact(&page, "Kept fresh").as_str()),
        ("Not known", "No: when it ends, a person has to get a new one")
    );
    assert!(page.has_link("Reveal token"));
    assert_eq!(status(&app).await, "not_tested");
    assert_eq!(last_changes(&app, "authorization.saved").await, [change("Token", "", "changed")]);
}

#[tokio::test]
async fn a_pasted_jwt_says_itself_when_it_ends() {
    let app = TestApp::start().await;
    connector(&app, Method::Bearer).await;
    let ana = app.person(&[EditConnectors]).await;
    let ends = app.clock.now() + TimeDelta::hours(5);
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"svc","exp":{}}}"#, ends.timestamp()));
    let jwt = format!("eyJhbGciOiJSUzI1NiJ9.{claims}.c2lnbmF0dXJl");
    let page = save(&ana.get(TAB).await, |form| form.set("token", &jwt)).await.expect(303).follow().await;
    let stored: DateTime<chrono::Utc> = app
        .value("SELECT to_char(expires_at, 'YYYY-MM-DD\"T\"HH24:MI:SSOF\":00\"') FROM tokens")
        .await
        .parse()
        .expect("a time");
    assert_eq!(stored.timestamp(), ends.timestamp());
    let expected = format!("{} (in 5 hours)", ends.format("%-d %B %Y, %H:%M UTC"));
    assert_eq!(fact(&page, "Expires"), expected);
    assert!(!page.html.contains(&claims));
}

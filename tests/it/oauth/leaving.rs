//! The page before somebody leaves for the authorization server, and the address that it leads to.

use reqwest::header::HOST;

use super::*;

#[tokio::test]
async fn the_page_names_where_to_and_what_for() {
    for method in [CODE, IMPLICIT] {
        let app = TestApp::start().await;
        connector(&app, method, "https://api.example.org/v1").await;
        let ana = app.person(&[EditConnectors]).await;
        let form = ana.get(TAB).await.form(TAB);
        let form = form
            .set("authorize_url", "https://id.example.org/authorize?p=B2C&state=fixed")
            .set("token_url", "https://id.example.org/token")
            .set("client_id", "app: 1&2")
            .set("scope", "read write")
            .set("scope_separator", "comma")
            .set("resources", "https://a.example/\nurn:b")
            .set("audience", "the api")
            .set("authorize_parameters", "prompt=consent\naccess_type=offline");
        saved(form).await;
        let page = ana.get(TAB).await.form(ATTEMPTS).send().await.expect(200);
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.h1(), "Payroll: Authorize");
        let text = page.text();
        let redirect = format!("{}{CALLBACK}", app.public_url);
        for words in [
            "https://id.example.org",
            "app: 1&2",
            "read",
            "write",
            "https://a.example/",
            "urn:b",
            "the api",
            redirect.as_str(),
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(text.contains("A legacy method."), method == IMPLICIT);

        let link = away(&page);
        assert!(link.starts_with("https://id.example.org/authorize?"), "{link}");
        let kind = if method == CODE { "code" } else { "token" };
        for (name, value) in [
            ("p", "B2C"),
            ("response_type", kind),
            ("client_id", "app: 1&2"),
            ("redirect_uri", redirect.as_str()),
            ("scope", "read,write"),
            ("audience", "the api"),
            ("prompt", "consent"),
            ("access_type", "offline"),
        ] {
            assert_eq!(parameter(&link, name), value, "{name}");
        }
        assert_eq!(strs(&parameters(&link, "resource")), ["https://a.example/", "urn:b"]);
        assert!(parameter(&link, "state").len() >= 32);
        let challenges = parameters(&link, "code_challenge");
        if method == CODE {
            assert_eq!(challenges[0].len(), 43);
            assert_eq!(parameter(&link, "code_challenge_method"), "S256");
        } else {
            assert!(challenges.is_empty());
        }
        let again = leave(&ana).await;
        for name in ["state", "code_challenge"] {
            let (first, second) = (parameters(&link, name), parameters(&again, name));
            assert!(first.is_empty() || first != second, "{name} is used once");
        }
    }
}

#[tokio::test]
async fn the_page_shows_what_is_asked_for_even_if_extra_parameters_ask_for_it() {
    let app = TestApp::start().await;
    connector(&app, CODE, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors]).await;
    let form = ana.get(TAB).await.form(TAB);
    let form = form
        .set("authorize_url", "http://id.example.org/authorize")
        .set("token_url", "https://id.example.org/token")
        .set("client_id", "app")
        .set("scope", "harmless")
        .set("authorize_parameters", "scope=everything");
    saved(form).await;
    let page = ana.get(TAB).await.form(ATTEMPTS).send().await;
    assert!(page.text().contains("everything") && !page.text().contains("harmless"));
    assert!(page.text().contains("This address is not encrypted."));
}

#[tokio::test]
async fn the_redirect_url_does_not_follow_the_host_header() {
    let app = TestApp::start_with(|site| site.public_url = "https://vault.example.org".into()).await;
    connector(&app, CODE, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors]).await;
    let redirect = format!("https://vault.example.org{CALLBACK}");
    assert_eq!(ana.get(TAB).await.field_value("redirect_url"), redirect);
    let form = ana.get(TAB).await.form(TAB);
    let form = form
        .set("authorize_url", "https://id.example.org/authorize")
        .set("token_url", "https://id.example.org/token")
        .set("client_id", "app");
    saved(form).await;
    let csrf = ana.csrf().await;
    let request = ana
        .request(reqwest::Method::POST, ATTEMPTS)
        .header(HOST, "evil.example.net")
        .header("x-forwarded-host", "evil.example.net")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("csrf={csrf}"));
    let page = ana.send(request).await.expect(200);
    assert_eq!(parameter(&away(&page), "redirect_uri"), redirect);
    assert!(!page.html.contains("evil.example.net"));
}

#[tokio::test]
async fn only_a_form_of_somebody_who_may_edit_makes_an_attempt() {
    let app = TestApp::start().await;
    connector(&app, CODE, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors]).await;
    assert!(!ana.get(TAB).await.has_form(ATTEMPTS), "nothing is filled in");
    ana.post(ATTEMPTS, &[]).await.expect(404);
    app.sql(
        "INSERT INTO oauth_clients (connector_id, authorize_url, token_url, client_id)
        SELECT id, 'https://id.example.org/authorize', 'https://id.example.org/token', 'app' FROM connectors",
    )
    .await;
    let viewer = app.person(&[connectory::access::Permission::ViewConnectors]).await;
    assert!(!viewer.get(TAB).await.has_form(ATTEMPTS));
    viewer.post(ATTEMPTS, &[]).await.expect(403);
    ana.get(ATTEMPTS).await.expect(405);
    ana.post_exactly(ATTEMPTS, &[]).await.expect(403);
    ana.post_exactly(ATTEMPTS, &[("csrf", &viewer.csrf().await)]).await.expect(403);
    let made = "SELECT count(*) FROM authorization_requests";
    assert_eq!(app.count(made).await, 0);
    ana.post(ATTEMPTS, &[]).await.expect(200);
    assert_eq!(app.count(made).await, 1);
    app.sql("UPDATE connectors SET deleted_at = now()").await;
    ana.post(ATTEMPTS, &[]).await.expect(404);
}

#[tokio::test]
async fn of_twenty_one_that_are_open_the_oldest_is_dropped() {
    let app = TestApp::start().await;
    connector(&app, CODE, "https://api.example.org/v1").await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let form = ana.get(TAB).await.form(TAB);
    let form = form
        .set("authorize_url", "https://id.example.org/authorize")
        .set("token_url", "https://id.example.org/token")
        .set("client_id", "app")
        .set("authorize_parameters", "login_token=abc");
    saved(form).await;
    let begin = async |browser: &Browser| {
        let page = browser.get(TAB).await.form(ATTEMPTS).send().await;
        app.advance(TimeDelta::seconds(1));
        parameter(&away(&page.expect(200)), "state")
    };
    let others = begin(&ben).await;
    let mut states = Vec::new();
    for _ in 0..21 {
        states.push(begin(&ana).await);
    }
    assert_eq!(app.count("SELECT count(*) FROM authorization_requests").await, 21);
    let answered = async |browser: &Browser, state: &str| {
        let address = format!("{CALLBACK}?error=access_denied&state={state}");
        browser.get(&address).await.h1()
    };
    let (oldest, second) = (answered(&ana, &states[0]).await, answered(&ana, &states[1]).await);
    assert_ne!(oldest, second, "the oldest is not known any more");
    assert_eq!(answered(&ben, &others).await, second);
    // A name that looks like a secret's is warned of beside the field.
    let page = ana.get(TAB).await.expect(200);
    let warning = page.texts("#authorize_parameters-warning").join(" ");
    assert!(warning.contains("“login_token” looks like"), "{warning}");
    assert_eq!(page.all("#token_parameters-warning").count(), 0);
}

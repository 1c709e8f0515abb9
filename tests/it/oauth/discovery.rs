//! Find settings: what the server says of itself fills in the form and nothing else.

use super::*;

async fn find(form: FormFill) -> Page {
    form.press("Find settings").send().await
}

#[tokio::test]
async fn a_server_fills_in_the_form_for_review() {
    let scene = Scene::new(Kind::Oidc, CODE).await;
    let urls = &scene.server.urls;
    for typed in [&urls.issuer, urls.discovery.as_ref().expect("an address")] {
        let form = scene.ana.get(TAB).await.form(TAB);
        let form = form
            .set("issuer", typed)
            .set("client_id", "typed")
            .set("scope", "read")
            .set("authentication", "body")
            .set("time_out", "7")
            .set("client_secret", SECRET);
        let page = find(form).await.expect(200);
        let note = page.texts(".note.ok").concat();
        assert!(note.contains("has described itself"), "{note}");
        assert!(
            note.contains(
                "Issuer, Authorize URL, AccessToken URL, Revocation URL, Client authentication, Refuse answers that do not name the issuer."
            ),
            "{note}"
        );
        assert!(note.contains("Nothing is saved yet."), "{note}");
        assert!(note.contains("offline_access"), "{note}");
        for (field, value) in [
            ("issuer", urls.issuer.as_str()),
            ("authorize_url", &urls.authorize),
            ("token_url", &urls.token),
            ("revocation_url", &urls.revocation),
            ("authentication", "body"),
            ("client_id", "typed"),
            ("scope", "read"),
            ("time_out", "7"),
            ("client_secret", ""),
        ] {
            assert_eq!(page.field_value(field), value, "{field}");
        }
        assert_eq!(strs(&page.ticked("iss_required")), ["yes"]);
        assert_eq!(scene.app.count("SELECT count(*) FROM oauth_clients").await, 0);
        assert_eq!(scene.audited("authorization.saved").await, 0);
    }
    // What was found works.
    let form = scene.ana.get(TAB).await.form(TAB).set("issuer", &urls.issuer);
    let page = find(form).await;
    let form = page.form(TAB).set("client_id", "app").set("client_secret", SECRET);
    saved(form).await;
    assert_eq!(scene.authorize().await.flash(), AUTHORIZED);
}

#[tokio::test]
async fn what_is_no_metadata_is_said_in_words() {
    let app = TestApp::start().await;
    connector(&app, CODE, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors]).await;
    let html = [("Content-Type", "text/html")];
    let other = json!({"issuer": "https://other.example", "token_endpoint": "https://other.example/t"});
    let servers = [
        (Hostile::json("{}").await, "The answer is no metadata"),
        (Hostile::json(&other.to_string()).await, "The metadata there are those of another issuer."),
        (Hostile::start(answer(200, &html, "<html><title>Sign in</title></html>")).await, "web page"),
        (Hostile::start(answer(404, &[], "")).await, "The server answered 404"),
        (Hostile::start(answer(302, &[("Location", "https://evil.example/")], "")).await, "redirects"),
    ];
    let closed = {
        let gone = Hostile::json("{}").await;
        gone.url("")
    };
    let mut cases: Vec<(String, &str)> = Vec::new();
    for (server, words) in &servers {
        cases.push((server.url(""), words));
    }
    cases.push((closed, "127.0.0.1"));
    for (issuer, words) in cases {
        let form = ana.get(TAB).await.form(TAB);
        let form = form
            .set("issuer", &issuer)
            .set("authorize_url", "https://typed.example/a")
            .set("client_id", "typed")
            .untick("pkce", "yes");
        let page = find(form).await.expect(200);
        assert_eq!(page.texts(".note.bad h2"), ["No settings found"]);
        let said = page.texts(".note.bad[role=group]").concat();
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(page.field_value("issuer"), issuer);
        assert_eq!(page.field_value("authorize_url"), "https://typed.example/a");
        assert_eq!(page.field_value("client_id"), "typed");
        assert!(page.ticked("pkce").is_empty());
    }
    for (typed, message) in [("", "Enter the Issuer"), ("id.example.org", "Issuer must start with https:// or http://")]
    {
        let form = ana.get(TAB).await.form(TAB).set("issuer", typed);
        let page = find(form).await.expect(422);
        assert_eq!(page.field_error("issuer").as_deref(), Some(message));
    }
}

#[tokio::test]
async fn asking_servers_is_limited_for_each_person() {
    let app = TestApp::start().await;
    connector(&app, CODE, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors]).await;
    let tab = ana.get(TAB).await;
    let mut statuses = Vec::new();
    for _ in 0..31 {
        statuses.push(find(tab.form(TAB)).await.status);
    }
    assert_eq!((statuses[0], statuses[29], statuses[30]), (422, 422, 429));
    tab.form(TAB).press("Test connection").send().await.expect(429);
}

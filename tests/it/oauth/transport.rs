//! A connector's own CA, proxy and time-out hold for token requests and calls alike.

use super::*;

const TOKEN: &str = r#"{"access_token":"canary-token","token_type":"Bearer","expires_in":3600}"#;

fn tokens() -> Behaviour {
    answer(200, &[("Content-Type", "application/json")], TOKEN)
}

/// A connector with client credentials, filled in.
async fn filled(api: &str, token_url: &str) -> (TestApp, Uuid, Browser, FormFill) {
    let app = TestApp::start().await;
    let id = connector(&app, CLIENT, api).await;
    let ana = app.person(&[EditConnectors]).await;
    let form = ana.get(TAB).await.form(TAB);
    let form = form.set("token_url", token_url).set("client_id", "app").set("client_secret", SECRET);
    (app, id, ana, form)
}

async fn test(browser: &Browser) -> Page {
    let form = browser.get(TAB).await.form(TAB);
    form.press("Test connection").send().await.expect(200)
}

async fn get_token(browser: &Browser) -> Page {
    browser.get(TAB).await.form(RENEWALS).send().await
}

#[tokio::test]
async fn a_ca_of_ones_own() {
    let (ours, theirs) = (Authority::new("Ours"), Authority::new("Theirs"));
    let identity = ours.issue("127.0.0.1");
    let api = Hostile::start_tls(answer(200, &[], "{}"), &identity, None).await;
    let server = Hostile::start_tls(tokens(), &identity, None).await;
    for (ca, trusted) in [(ours.pem(), true), (theirs.pem(), false), (String::new(), false)] {
        let (app, id, ana, form) = filled(&api.url("/v1"), &server.url("/token")).await;
        let before = (server.requests().len(), api.requests().len());
        saved(form.set("ca_certificate", &ca)).await;
        let page = get_token(&ana).await;
        assert_eq!(page.status == 303, trusted, "{}", page.text());
        assert_eq!(app.token(id).await.is_some(), trusted);
        let page = test(&ana).await;
        let mark = if trusted { "Good" } else { "Problem" };
        for name in ["Token server: TLS", "API: TLS"] {
            assert!(step(&page, name).starts_with(mark), "{name}: {}", step(&page, name));
        }
        let after = (server.requests().len(), api.requests().len());
        assert_eq!(after != before, trusted, "nothing is sent to a stranger");
    }
}

#[tokio::test]
async fn a_client_certificate() {
    let (ours, clients) = (Authority::new("Ours"), Authority::new("Clients"));
    let identity = ours.issue("127.0.0.1");
    let api = Hostile::start_tls(answer(200, &[], "{}"), &identity, Some(&clients)).await;
    let server = Hostile::start_tls(tokens(), &identity, Some(&clients)).await;
    let client = clients.issue("connectory");
    for shown in [true, false] {
        let (app, id, ana, form) = filled(&api.url("/v1"), &server.url("/token")).await;
        let form = form.set("ca_certificate", &ours.pem());
        saved(if shown {
            form.set("client_certificate", &client.certificate_pem).set("client_key", &client.key_pem)
        } else {
            form
        })
        .await;
        let before = (server.requests().len(), api.requests().len());
        let page = get_token(&ana).await;
        assert_eq!(page.status == 303, shown, "{}", page.text());
        assert_eq!(app.token(id).await.is_some(), shown);
        let called = steps(&test(&ana).await);
        let good =
            |(name, said): &(String, String)| name == "Base URL" && said.starts_with("Good The API answered 200");
        assert_eq!(called.iter().any(good), shown, "{called:?}");
        let after = (server.requests().len(), api.requests().len());
        assert_eq!(after != before, shown, "servers let no stranger in");
    }
}

#[tokio::test]
async fn certificates_that_are_not_checked() {
    let identity = crate::support::hostile::Issued::self_signed("127.0.0.1");
    let api = Hostile::start_tls(answer(200, &[], "{}"), &identity, None).await;
    let server = Hostile::start_tls(tokens(), &identity, None).await;
    let (app, id, ana, form) = filled(&api.url("/v1"), &server.url("/token")).await;
    let page = form.untick("verify", "yes").send().await.expect(422);
    let form = page.form(TAB).tick("verify_off", "yes");
    saved(form.set("client_secret", SECRET)).await;
    get_token(&ana).await.expect(303);
    assert_eq!(app.token(id).await.as_deref(), Some("canary-token"));
    let page = test(&ana).await;
    assert!(step(&page, "Base URL").starts_with("Good The API answered 200"));
    for name in ["Token server: TLS", "API: TLS"] {
        assert!(step(&page, name).starts_with("Warning"), "{name}");
    }
}

#[tokio::test]
async fn a_proxy() {
    let (api, server) = (Hostile::json("{}").await, Hostile::start(tokens()).await);
    let proxy = ForwardProxy::start().await;
    let (app, id, ana, form) = filled(&api.url("/v1"), &server.url("/token")).await;
    saved(form.set("proxy_url", &proxy.url())).await;
    get_token(&ana).await.expect(303);
    assert_eq!(app.token(id).await.as_deref(), Some("canary-token"));
    assert_eq!(proxy.asked(), [format!("POST {}", server.url("/token"))]);
    let page = test(&ana).await;
    assert!(step(&page, "Base URL").starts_with("Good The API answered 200"));
    let called = format!("GET {}", api.url("/v1"));
    assert!(proxy.asked().contains(&called), "{:?}", proxy.asked());
    assert!(step(&page, "API: connection").contains("(the proxy)"));
}

#[tokio::test]
async fn a_time_out() {
    let (api, server) = (Hostile::start(Behaviour::Silence).await, Hostile::start(Behaviour::Silence).await);
    let (app, id, ana, form) = filled(&api.url("/v1"), &server.url("/token")).await;
    saved(form.set("time_out", "1")).await;
    let begun = std::time::Instant::now();
    let page = get_token(&ana).await.expect(200);
    assert!(page.text().contains("1 second"), "{}", page.text());
    assert!(begun.elapsed() < Duration::from_secs(8));
    app.store_token(id, "canary-token", None).await;
    let page = test(&ana).await;
    let said = step(&page, "Base URL");
    assert!(said.starts_with("Problem") && said.contains("1 second"), "{said}");
    assert_eq!((server.requests().len(), api.requests().len()), (1, 1));
}

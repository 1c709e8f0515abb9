//! A stored secret goes to the hosts for which it is approved: another base URL waits.

use super::*;

const ELSEWHERE: &str = "https://collector.example.net/v1";

async fn save_url(browser: &Browser, url: &str) -> Page {
    browser.get(DETAILS).await.submit(|form| form.set("base_url", url)).await
}

/// The sets of origins of all secrets and tokens that are sent.
async fn approved(app: &TestApp) -> Vec<String> {
    app.rows(
        "SELECT array_to_string(origins, ' ') FROM secrets WHERE field <> 'client_key'
         UNION SELECT array_to_string(origins, ' ') FROM tokens",
    )
    .await
    .concat()
}

#[tokio::test]
async fn on_another_host_waits_for_approval() {
    for (method, kept_fresh_too) in
        [(Method::Basic, false), (Method::ApiKey, false), (Method::Bearer, false), (Method::Bearer, true)]
    {
        let app = TestApp::start().await;
        let id = if kept_fresh_too { kept_fresh(&app).await } else { authorized(&app, method).await };
        app.store_secret(id, SecretField::ClientKey, "the client's key").await;
        let before = approved(&app).await;
        let ana = app.person(&[EditConnectors]).await;
        for (url, host) in [
            (ELSEWHERE, "https://collector.example.net"),
            ("https://api.example.org:8443/v1", "https://api.example.org:8443"),
            ("http://api.example.org/v1", "http://api.example.org"),
            ("https://api.example.org.collector.example.net/v1", "https://api.example.org.collector.example.net"),
        ] {
            let page = save_url(&ana, url).await.expect(303).follow().await;
            let words = format!(
                "{SAVED}. Calls to {host} are refused until it is approved on the Authorization tab, because it was added after the secret or token was stored."
            );
            assert_eq!(page.flash(), words);
            let tab = ana.get("/connectors/payroll/authorization").await;
            let text = tab.text();
            let (_, waiting) = text.split_once("Waiting for approval").expect("an origin waits");
            assert!(waiting.contains(host), "{waiting}");
        }
        assert_eq!(approved(&app).await, before, "nothing was approved");
        // The host of before is approved still.
        let page = save_url(&ana, "https://api.example.org/v2").await;
        assert_eq!(page.expect(303).follow().await.flash(), SAVED);
    }
}

#[tokio::test]
async fn may_change_as_long_as_the_host_is_the_same() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    for url in ["https://api.example.org/v2", "https://API.example.org:443/", "HTTPS://api.example.org/v3?tenant=7"] {
        let page = save_url(&ana, url).await.expect(303).follow().await;
        assert_eq!(page.flash(), SAVED);
    }
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(OLD));
}

#[tokio::test]
async fn does_not_wait_when_nothing_is_stored_that_is_sent() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Basic).await;
    app.store_secret(id, SecretField::ClientKey, "the client's key").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = save_url(&ana, ELSEWHERE).await.expect(303).follow().await;
    assert_eq!(page.flash(), SAVED);
    assert_eq!(app.secret(id, SecretField::ClientKey).await.as_deref(), Some("the client's key"));
}

#[tokio::test]
async fn that_is_set_after_none_waits_too() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    save_url(&ana, "").await.expect(303);
    let page = save_url(&ana, ELSEWHERE).await.expect(303).follow().await;
    assert!(page.flash().contains("Calls to https://collector.example.net are refused"), "{}", page.flash());
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(OLD));
    assert_eq!(approved(&app).await, ["https://api.example.org"]);
}

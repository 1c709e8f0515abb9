//! Against a provider of other authors, which is certified for OpenID Connect.

use serde_json::json;

use super::{BUTTON, let_in, settings};
use crate::support::authorization_server::{AuthorizationServer, Client, Grant, Setup};
use crate::support::identity_provider::{CLIENT_ID, CLIENT_SECRET};
use crate::support::{Browser, TestApp};

/// The provider has to know the site's address, and the site the provider's: it is found first.
pub async fn site_of(setup: impl FnOnce(&mut Setup)) -> (AuthorizationServer, TestApp) {
    let mut own = Setup::with([]);
    own.people = json!({"ana": {"preferred_username": "ana", "name": "Ana Ruiz", "groups": ["books", "staff"]}});
    setup(&mut own);
    let server = AuthorizationServer::oidc_provider(&own);
    let app = TestApp::start_with(|site| {
        let mut settings = settings(&server.urls.issuer);
        settings.scopes = "openid profile groups".into();
        let_in(site, settings);
    })
    .await;
    app.founded().await;
    let client = Client::confidential(CLIENT_ID, CLIENT_SECRET, Grant::AuthorizationCode);
    let redirect = format!("{}/sign-in/callback", app.public_url);
    server.add_client(&client.redirect(&redirect)).await;
    (server, app)
}

async fn leave(browser: &Browser) -> String {
    let page = browser.get("/sign-in").await.expect(200);
    let page = page.form("/sign-in/attempts").press(BUTTON).send().await;
    super::leads_to(&page)
}

#[tokio::test]
async fn people_come_in_with_every_kind_of_signature() {
    for algorithm in ["ES256", "RS256", "PS256", "EdDSA"] {
        let (server, app) = site_of(|setup| setup.signing = algorithm.into()).await;
        app.sql("INSERT INTO groups (id, name, name_key, claim_value, created_at, updated_at) VALUES (gen_random_uuid(), 'Accounting', 'accounting', 'books', now(), now())").await;
        let browser = app.browser();
        let answer = server.allow(&leave(&browser).await).await;
        let path = answer.strip_prefix(&app.public_url).expect("the site");
        let page = browser.get(path).await;
        assert_eq!(page.location(), Some("/"), "{algorithm}: {}", page.text());
        assert!(browser.get("/profile").await.text().contains("Ana Ruiz"));
        let members = "SELECT count(*) FROM group_users WHERE by_claim";
        assert_eq!(app.count(members).await, 1, "{algorithm}");
    }
}

#[tokio::test]
async fn whoever_does_not_want_to_is_not_signed_in() {
    let (server, app) = site_of(|_| ()).await;
    let browser = app.browser();
    let answer = server.deny(&leave(&browser).await).await;
    let page = browser.get(answer.strip_prefix(&app.public_url).expect("the site")).await;
    assert_eq!(page.expect(200).h1(), "Access was denied");
    browser.get("/profile").await.expect(303);
}

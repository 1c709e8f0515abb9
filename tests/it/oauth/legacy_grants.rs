//! A legacy grant that is switched off: it is not offered, not taken, and no token is asked for with it.

use connectory::connectors::LegacyGrants;

use super::*;

const OFF: LegacyGrants = LegacyGrants { password: false, implicit: false };

/// A site without the legacy grants, with a connector of this method whose settings were made before.
async fn switched_off(method: Method) -> (TestApp, Browser, Hostile) {
    let app = TestApp::start_with(|site| site.legacy_grants = OFF).await;
    let server = Hostile::start(answer(200, &[], r#"{"access_token":"given","expires_in":600}"#));
    let server = server.await;
    let id = connector(&app, method, &server.url("/")).await;
    app.sql(&format!(
        "INSERT INTO oauth_clients (connector_id, authorize_url, token_url, client_id, user_name)
         VALUES ('{id}', '{0}', '{0}', 'app', 'ana')",
        server.url("/token")
    ))
    .await;
    app.store_secret(id, SecretField::OAuthPassword, USERS_PASSWORD).await;
    let ana = app.person(&[CreateConnectors, EditConnectors]).await;
    (app, ana, server)
}

#[tokio::test]
async fn is_not_offered_and_not_taken() {
    let app = TestApp::start_with(|site| site.legacy_grants = OFF).await;
    connector(&app, CODE, "https://api.example.org").await;
    let ana = app.person(&[CreateConnectors, EditConnectors]).await;
    let saved = "SELECT method FROM connectors";
    for (method, label) in [(PASSWORDS, "Auth 2.0 Password"), (IMPLICIT, "OAuth 2.0 Implicit")] {
        for address in [TAB, "/connectors/new"] {
            let page = ana.get(address).await.expect(200);
            let offered = page.texts("#auth_method option");
            assert!(!offered.iter().any(|words| words == label), "{offered:?}");
            let form = page.form(address.strip_suffix("/new").unwrap_or(address));
            let page = form.forge("auth_method", method.code()).send().await;
            let page = page.expect(422);
            assert!(page.text().contains(&format!("{label} is switched off here.")), "{}", page.text());
        }
    }
    assert_eq!(app.rows(saved).await, [["oauth_authorization_code"]]);
}

#[tokio::test]
async fn asks_for_no_token_where_it_is_stored() {
    for (method, label, action) in
        [(PASSWORDS, "Auth 2.0 Password", RENEWALS), (IMPLICIT, "OAuth 2.0 Implicit", ATTEMPTS)]
    {
        let (_app, ana, server) = switched_off(method).await;
        let tab = ana.get(TAB).await.expect(200);
        let text = tab.text();
        assert!(text.contains(&format!("{label} is switched off here.")), "{text}");
        assert!(text.contains("Choose another method on this page."));
        assert!(!tab.has_form(action));
        ana.post(action, &[]).await.expect(404);
        let pressed = tab.form(TAB).press("Test connection").send().await;
        assert!(pressed.expect(422).text().contains("is switched off here."), "nothing is tried");
        assert_eq!(server.requests().len(), 0);
        let form = tab.form(TAB).set("auth_method", CLIENT.code());
        saved(form.set("client_secret", SECRET).confirmed()).await;
    }
}

#[tokio::test]
async fn takes_no_answer_that_comes_late() {
    let (app, ana, _server) = switched_off(IMPLICIT).await;
    let fragment = format!("{}{CALLBACK}#access_token=t&state=s", app.public_url);
    let page = ana.get(CALLBACK).await.expect(200).form(ANSWERS);
    let page = page.set("address", &fragment).send().await.expect(400);
    assert_eq!(page.h1(), "This method is switched off");
    assert!(page.has_link("Back to Authorization"));
    assert_eq!(app.count("SELECT count(*) FROM tokens").await, 0);
}

#[tokio::test]
async fn lets_the_stored_token_end_and_says_that_a_person_is_needed() {
    let scene = Scene::new(Kind::Django, PASSWORDS).await;
    scene.save().await;
    scene.authorize().await;
    let asked = scene.server.seen().await.arrived;
    let keeper = scene.app.another_keeper_with(OFF);
    let token = keeper.token(scene.id, Need::default()).await;
    assert!(token.is_ok(), "the stored token serves");
    scene.app.advance(TimeDelta::hours(20));
    for _ in 0..3 {
        keeper.renew_due().await.expect("the background work");
        let token = keeper.token(scene.id, Need::default()).await;
        let problem = token.map(|_| ()).expect_err("no token");
        assert!(matches!(problem, TokenProblem::Backoff(_)), "{problem:?}");
    }
    assert_eq!(scene.server.seen().await.arrived, asked);
    assert_eq!(scene.status().await, "needs_reauthorization");
    let why = scene.app.value("SELECT message FROM renewals").await;
    assert_eq!(why, "Auth 2.0 Password is switched off here.");
}

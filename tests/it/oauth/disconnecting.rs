//! Disconnect: the tokens are forgotten here, and given back to the server where it takes them.

use super::*;

async fn disconnect(scene: &Scene) -> Page {
    let page = scene.ana.get(TAB).await.click("Disconnect").await.expect(200);
    assert_eq!(page.h1(), "Are you sure you want to disconnect Payroll?");
    let form = page.form(DISCONNECTIONS).press("Disconnect");
    form.send().await.expect(303).follow().await.expect(200)
}

/// The tokens are gone, everything else stays.
async fn is_disconnected(scene: &Scene, words: &str) {
    assert_eq!(scene.token().await, None);
    assert_eq!(scene.status().await, "not_authorized");
    assert_eq!(scene.app.count("SELECT count(*) FROM oauth_clients").await, 1);
    let secret = scene.app.secret(scene.id, SecretField::ClientSecret).await;
    assert_eq!(secret.as_deref(), Some(SECRET));
    let line = last_line(&scene.app, "connector.disconnected").await;
    assert!(line.contains("removed") && line.contains(words), "{line}");
    scene.ana.get(DISCONNECTIONS).await.expect(404);
    let again = scene.ana.post(DISCONNECTIONS, &[]).await.expect(303);
    let words = "The data connector is disconnected";
    assert_eq!(again.follow().await.flash(), words);
    assert_eq!(scene.audited("connector.disconnected").await, 1);
    assert!(!scene.ana.get(TAB).await.has_link("Disconnect"));
}

#[tokio::test]
async fn tokens_are_revoked_where_the_server_takes_them_back() {
    for (kind, method) in [(Kind::Oidc, CODE), (Kind::Django, CODE), (Kind::Oidc, CLIENT), (Kind::Django, PASSWORDS)] {
        let scene = Scene::new(kind, method).await;
        let revocation = scene.server.urls.revocation.clone();
        scene.save_with(|form| form.set("revocation_url", &revocation)).await;
        scene.authorize().await;
        let token = scene.token().await.expect("a token");
        assert_eq!(scene.server.call_api(&token).await, 200);
        let issuer = &scene.server.urls.issuer;
        let question = scene.ana.get(DISCONNECTIONS).await.text();
        assert!(question.contains(&format!("revoked at {issuer}")), "{question}");
        let page = disconnect(&scene).await;
        assert_eq!(page.flash(), format!("Disconnected. The tokens were forgotten, and revoked at {issuer}."));
        assert_eq!(scene.server.call_api(&token).await, 401);
        is_disconnected(&scene, &format!("Revoked at {issuer}")).await;
        assert!(!page.html.contains(&token));
        // With the same settings it can be authorized anew.
        scene.authorize().await;
        assert_eq!(scene.status().await, "healthy");
    }
}

#[tokio::test]
async fn without_a_revocation_url_they_are_forgotten_and_it_is_said() {
    let scene = Scene::new(Kind::Oidc, CODE).await;
    scene.save().await;
    scene.authorize().await;
    let token = scene.token().await.expect("a token");
    let question = scene.ana.get(DISCONNECTIONS).await.text();
    assert!(question.contains("no Revocation URL is set"), "{question}");
    let page = disconnect(&scene).await;
    let words = "Disconnected. The tokens were forgotten, but not revoked: no Revocation URL is set, so they stay valid at the server until they end.";
    assert!(page.text().contains(words), "{}", page.text());
    is_disconnected(&scene, "Not revoked: no Revocation URL").await;
    assert_eq!(scene.server.call_api(&token).await, 200, "as the page said");
}

#[tokio::test]
async fn a_server_that_refuses_does_not_keep_the_tokens_here() {
    let scene = Scene::new(Kind::Django, CODE).await;
    let refusing = Hostile::start(Behaviour::Echo).await;
    scene.save_with(|form| form.set("revocation_url", &refusing.url("/revoke"))).await;
    scene.authorize().await;
    let token = scene.token().await.expect("a token");
    let page = disconnect(&scene).await;
    let words = "Disconnected. The tokens were forgotten, but not revoked: The server answered 400";
    assert!(page.text().contains(words), "{}", page.text());
    assert!(page.text().contains("They may stay valid at the server until they end."));
    assert!(!page.html.contains(&token));
    is_disconnected(&scene, "Not revoked: The server answered 400").await;
    let asked = refusing.requests();
    let hints: Vec<bool> = ["refresh_token", "access_token"]
        .iter()
        .zip(&asked)
        .map(|(hint, request)| request.body.contains(&format!("token_type_hint={hint}")))
        .collect();
    assert_eq!((asked.len(), hints), (2, vec![true, true]));
}

#[tokio::test]
async fn only_what_was_issued_can_be_disconnected() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Bearer, "https://api.example.org").await;
    app.store_token(id, "canary-token", None).await;
    let ana = app.person(&[EditConnectors]).await;
    ana.get(DISCONNECTIONS).await.expect(404);
    ana.post(DISCONNECTIONS, &[]).await.expect(404);
    assert!(app.token(id).await.is_some());
}

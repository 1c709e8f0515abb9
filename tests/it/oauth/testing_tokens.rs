//! Test connection where a token is needed: the token server is asked, and nothing of the answer is kept.

use super::*;

async fn test(form: FormFill) -> Page {
    form.press("Test connection").send().await.expect(200)
}

/// Nothing but the token that was there, if one was.
async fn nothing_saved(scene: &Scene) {
    assert_eq!(scene.app.count("SELECT count(*) FROM oauth_clients").await, 0);
    assert_eq!(scene.app.count("SELECT count(*) FROM secrets").await, 0);
    assert_eq!(scene.token().await, None);
    assert_eq!(scene.audited("authorization.saved").await, 0);
}

#[tokio::test]
async fn a_client_is_right_or_wrong_before_anybody_has_agreed() {
    for kind in BOTH {
        let scene = Scene::new(kind, CODE).await;
        let page = test(scene.filled().await).await;
        let said = step(&page, "Client");
        assert!(said.starts_with("Good The server knows Client ID and Client Secret"), "{said}");
        assert!(step(&page, "Base URL").starts_with("Not tried"));
        let note = page.texts("section[aria-labelledby=tested] .note").concat();
        let summary = "What could be tried works, with a warning.";
        assert!(note.contains(summary), "{note}");
        let public = scene.filled().await.set("authentication", "none");
        let said = step(&test(public).await, "Client");
        assert!(!said.contains("knows"), "{said}");
        let wrong = scene.filled().await.set("client_secret", "wrong");
        let said = step(&test(wrong).await, "Client");
        assert!(said.starts_with("Problem") && said.contains("invalid_client"), "{said}");
        nothing_saved(&scene).await;
    }
}

#[tokio::test]
async fn a_token_is_fetched_just_for_the_test() {
    for (kind, method) in [(Kind::Oidc, CLIENT), (Kind::Django, CLIENT), (Kind::Django, PASSWORDS)] {
        let scene = Scene::new(kind, method).await;
        let page = test(scene.filled().await).await;
        let said = step(&page, "Token");
        assert_eq!(said, "Good The server gave an access token. It was not stored.");
        assert!(step(&page, "Base URL").starts_with("Good The API answered 200"));
        let wrong = scene.filled().await.set("client_secret", "wrong");
        let page = test(wrong).await;
        assert!(step(&page, "Token").starts_with("Problem"));
        assert!(step(&page, "Base URL").starts_with("Not tried"));
        nothing_saved(&scene).await;
    }
    let scene = Scene::new(Kind::Django, IMPLICIT).await;
    let page = test(scene.filled().await).await;
    let said = step(&page, "Token");
    assert!(said.starts_with("Not tried No person has given consent yet."), "{said}");
}

#[tokio::test]
async fn a_stored_token_that_the_api_refuses_is_renewed_once() {
    for (kind, method) in [(Kind::Oidc, CLIENT), (Kind::Django, CLIENT), (Kind::Django, PASSWORDS)] {
        let scene = Scene::new(kind, method).await;
        scene.save().await;
        scene.authorize().await;
        let first = scene.token().await;
        let page = test(scene.ana.get(TAB).await.form(TAB)).await;
        assert!(step(&page, "Token").starts_with("Good There is a valid access token."));
        assert_eq!(scene.token().await, first);

        // A token must have lived for a while before its refusal means its end.
        scene.app.advance(TimeDelta::minutes(2));
        scene.server.revoke_all().await;
        scene.server.reset().await;
        let page = test(scene.ana.get(TAB).await.form(TAB)).await;
        let second = "The API refused the stored token, so it was renewed.";
        assert!(page.text().contains(second), "{}", page.text());
        assert!(step(&page, "Base URL").starts_with("Good The API answered 200"));
        let seen = scene.server.seen().await;
        assert_eq!((seen.api.refused, seen.api.ok), (1, 1));
        let token = scene.token().await.expect("a token");
        assert_ne!(Some(&token), first.as_ref());
        assert_eq!(scene.server.call_api(&token).await, 200);
    }
}

#[tokio::test]
async fn a_token_that_only_a_person_can_renew_is_said_to_need_one() {
    let scene = Scene::new(Kind::Django, IMPLICIT).await;
    scene.save().await;
    scene.authorize().await;
    scene.app.advance(TimeDelta::minutes(2));
    scene.server.revoke_all().await;
    let page = test(scene.ana.get(TAB).await.form(TAB)).await;
    let said = page.text();
    assert!(said.contains("a new one needs a person"), "{said}");
    assert!(step(&page, "Base URL").starts_with("Problem The API answered 401"));
}

#[tokio::test]
async fn a_new_secret_is_tried_though_a_token_is_stored() {
    for (kind, method) in [(Kind::Oidc, CODE), (Kind::Django, CLIENT), (Kind::Django, PASSWORDS)] {
        let scene = Scene::new(kind, method).await;
        scene.save().await;
        scene.authorize().await;
        let token = scene.token().await;
        let name = if method == CODE { "Client" } else { "Token" };
        for (secret, mark) in [("wrong", "Problem"), (SECRET, "Good")] {
            let form = scene.ana.get(TAB).await.form(TAB);
            let page = test(replace(form, "client_secret", secret)).await;
            let said = step(&page, name);
            assert!(said.starts_with(mark), "{method:?}: {said}");
        }
        assert_eq!(scene.token().await, token);
    }
}

#[tokio::test]
async fn a_token_server_that_cannot_be_reached_is_said_so() {
    let scene = Scene::new(Kind::Django, CLIENT).await;
    let closed = Hostile::json("{}").await.url("/token");
    let page = test(scene.filled().await.set("token_url", &closed)).await;
    assert!(step(&page, "Token server: connection").starts_with("Problem"));
    assert_eq!(step(&page, "Token"), "Not tried The token server was not reached.");
    assert!(step(&page, "Base URL").starts_with("Not tried"));
    nothing_saved(&scene).await;
}

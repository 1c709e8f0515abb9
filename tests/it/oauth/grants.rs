//! Each grant, from the empty form to a token that the server's API accepts.

use super::*;

/// Fills in, saves, gets a token and tries it.
async fn works(scene: &Scene, change: impl FnOnce(FormFill) -> FormFill) {
    assert_eq!(scene.status().await, "not_authorized");
    scene.save_with(change).await;
    let page = scene.authorize().await;
    let stored = if matches!(scene.method, CODE | IMPLICIT) { AUTHORIZED } else { "The access token was stored" };
    assert_eq!(page.flash(), stored);
    let token = scene.token().await.expect("a token");
    assert_eq!(scene.server.call_api(&token).await, 200);
    assert_eq!(scene.status().await, "healthy");
    assert!(!page.html.contains(&token), "no page shows it");
}

#[tokio::test]
async fn a_code_becomes_a_token() {
    for kind in BOTH {
        for authentication in ["basic", "body"] {
            let scene = Scene::new(kind, CODE).await;
            works(&scene, |form| form.set("authentication", authentication)).await;
            let seen = scene.server.seen().await;
            let [exchange] = &seen.token[..] else {
                panic!("{kind:?}: {} requests", seen.token.len());
            };
            assert_eq!(
                (exchange.grant_type.as_str(), exchange.authentication.as_str()),
                ("authorization_code", authentication)
            );
            let has = |name: &str| exchange.parameters.iter().any(|known| known == name);
            assert!(has("code_verifier") && has("redirect_uri") && has("code"));
            assert_eq!(scene.audited("authorization.begun").await, 1);
            let line = last_line(&scene.app, "connector.authorized").await;
            assert!(line.contains("Token") && line.contains("Scope"), "{line}");
        }
    }
}

#[tokio::test]
async fn a_public_client_needs_no_secret() {
    for kind in BOTH {
        let client = Client::public("app", server::Grant::AuthorizationCode);
        let scene = Scene::of(kind, CODE, client, |_| {}).await;
        works(&scene, |form| form.set("client_secret", "").set("authentication", "none")).await;
        let seen = scene.server.seen().await;
        assert_eq!(seen.token[0].authentication, "none");
    }
}

#[tokio::test]
async fn pkce_can_be_turned_off_for_servers_that_refuse_it() {
    for kind in BOTH {
        let scene = Scene::with(kind, CODE, |setup| setup.pkce_required = false).await;
        works(&scene, |form| form.untick("pkce", "yes")).await;
        let seen = scene.server.seen().await;
        let parameters = &seen.token[0].parameters;
        assert!(!parameters.iter().any(|name| name == "code_verifier"));
    }
}

#[tokio::test]
async fn a_client_gets_a_token_for_itself() {
    for kind in BOTH {
        for authentication in ["basic", "body"] {
            let scene = Scene::new(kind, CLIENT).await;
            works(&scene, |form| form.set("authentication", authentication)).await;
            let seen = scene.server.seen().await;
            assert_eq!(seen.token[0].authentication, authentication);
            let page = scene.ana.get(TAB).await;
            assert!(!page.has_form(ATTEMPTS), "nobody has to agree");
        }
    }
}

#[tokio::test]
async fn user_and_password_become_a_token() {
    let scene = Scene::new(Kind::Django, PASSWORDS).await;
    works(&scene, |form| form).await;
    let seen = scene.server.seen().await;
    assert_eq!(seen.token[0].grant_type, "password");
}

#[tokio::test]
async fn the_implicit_grants_token_comes_in_the_pasted_address() {
    for kind in BOTH {
        let scene = Scene::new(kind, IMPLICIT).await;
        works(&scene, |form| form).await;
        assert!(scene.server.seen().await.token.is_empty());
    }
}

#[tokio::test]
async fn the_page_for_the_fragment_is_made_for_the_script_and_says_what_is_missing() {
    let scene = Scene::new(Kind::Oidc, IMPLICIT).await;
    scene.save().await;
    let page = scene.ana.get(CALLBACK).await.expect(200);
    assert_eq!(page.h1(), "Payroll: Finish authorizing");
    assert_eq!(page.header("cache-control"), "no-store");
    let script = page.attribute("form[data-fragment]", "data-fragment");
    assert_eq!(script.as_deref(), Some("#address"));
    assert!(page.text().contains("RFC 9700"));
    for (typed, message) in [
        ("", "Paste the whole address of this page"),
        (
            "https://here.example/callback#state=x",
            "There is no access token in this address. Copy it once more, with all that stands behind the #.",
        ),
    ] {
        let form = page.form(ANSWERS).set("address", typed);
        let page = form.send().await.expect(422);
        assert_eq!(page.field_error("address").as_deref(), Some(message));
        assert_eq!(page.field_value("address"), "", "it may hold a token");
    }
    // The script sends the fragment alone.
    let address = scene.allowed().await;
    let (_, fragment) = address.split_once('#').expect("a fragment");
    let form = page.form(ANSWERS).set("address", fragment);
    let page = form.send().await.expect(303).follow().await;
    assert_eq!(page.flash(), AUTHORIZED);
}

#[tokio::test]
async fn a_code_comes_back_through_a_reverse_proxy() {
    let public = "https://vault.example.org";
    let app = TestApp::start_with(|site| site.public_url = public.into()).await;
    let client = Client::confidential("app", SECRET, server::Grant::AuthorizationCode);
    let client = client.redirect(&format!("{public}{CALLBACK}"));
    let scene = Scene::at(app, Kind::Oidc, CODE, &Setup::with([client])).await;
    scene.save().await;
    let back = scene.allowed().await;
    assert!(back.starts_with(&format!("{public}{CALLBACK}?")), "{back}");
    // The proxy ends TLS and calls the program by its own name.
    let request = scene.ana.request(reqwest::Method::GET, scene.path(&back));
    let request = request
        .header("host", "connectory.internal:8080")
        .header("x-forwarded-host", "vault.example.org")
        .header("sec-fetch-site", "cross-site");
    let page = scene.ana.send(request).await.expect(303).follow().await;
    assert_eq!(page.flash(), AUTHORIZED);
}

#[tokio::test]
async fn authorizing_again_replaces_the_token() {
    for kind in BOTH {
        let scene = Scene::new(kind, CODE).await;
        scene.save().await;
        scene.authorize().await;
        let first = scene.token().await;
        scene.authorize().await;
        let second = scene.token().await.expect("a token");
        assert_ne!(first.as_ref(), Some(&second));
        assert_eq!(scene.server.call_api(&second).await, 200);
    }
}

#[tokio::test]
async fn resources_and_extra_parameters_reach_the_token_server() {
    for method in [CODE, CLIENT] {
        let scene = Scene::new(Kind::Oidc, method).await;
        let resource = format!("{}/api/one", scene.server.urls.issuer);
        scene.save_with(|form| form.set("resources", &resource).set("token_parameters", "x_tenant=7")).await;
        scene.authorize().await;
        let seen = scene.server.seen().await;
        let parameters = &seen.token[0].parameters;
        for name in ["resource", "x_tenant"] {
            assert!(parameters.iter().any(|sent| sent == name), "{name}: {parameters:?}");
        }
        assert!(scene.token().await.is_some());
    }
}

//! Answers that bring no token: each has a page that says why, with the way on, and leaves what was stored.

use super::*;

/// The page of an answer that was not taken: nothing of the answer is on it, and Authorize again works.
async fn refused(page: Page, status: u16, h1: &str) -> Page {
    let page = page.expect(status);
    assert_eq!(page.h1(), h1);
    assert_eq!(page.header("cache-control"), "no-store");
    let (_, query) = page.path.split_once('?').unwrap_or_default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let is_secret = ["code", "state"].contains(&name.as_ref()) && !value.is_empty();
        assert!(!is_secret || !page.html.contains(&*value), "{name} on the page");
    }
    assert!(page.has_link("Back to Authorization"));
    let again = page.form(ATTEMPTS).press("Authorize again").send().await;
    assert_eq!(again.expect(200).h1(), "Payroll: Authorize");
    page
}

/// A scene that has a token already, which no wrong answer may take away.
async fn with_token(kind: Kind) -> (Scene, String) {
    let scene = Scene::new(kind, CODE).await;
    scene.save().await;
    scene.authorize().await;
    let token = scene.token().await.expect("a token");
    (scene, token)
}

/// Changes one parameter of an address; without a value it is taken away.
fn changed(address: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = address.split_once('?').expect("a query");
    let others = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != name);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .extend_pairs(value.map(|value| (name, value)))
        .finish();
    format!("{path}?{query}")
}

#[tokio::test]
async fn a_denied_answer_says_so() {
    for kind in BOTH {
        let (scene, token) = with_token(kind).await;
        let back = scene.server.deny(&scene.leave().await).await;
        let page = refused(scene.come_back(&back).await, 200, "Access was denied").await;
        assert!(page.text().contains("access_denied"));
        assert_eq!(scene.token().await, Some(token));
        let back = scene.server.deny(&scene.leave().await).await;
        let odd = changed(&back, "error", Some("<b>odd</b>"));
        let page = refused(scene.come_back(&odd).await, 200, "The server refused").await;
        assert!(page.text().contains("<b>odd</b>"), "as text");
    }
}

#[tokio::test]
async fn an_answer_counts_once_and_for_ten_minutes() {
    for kind in BOTH {
        let (scene, _) = with_token(kind).await;
        let back = scene.allowed().await;
        let page = scene.come_back(&back).await.expect(303).follow().await;
        assert_eq!(page.flash(), AUTHORIZED);
        let token = scene.token().await;
        let repeated = scene.come_back(&back).await.expect(303).follow().await;
        assert_eq!(repeated.flash(), AUTHORIZED);
        assert_eq!(scene.token().await, token, "the first token stays");

        let late = scene.allowed().await;
        scene.app.advance(TimeDelta::seconds(601));
        let page = scene.come_back(&late).await;
        refused(page, 400, "This response came too late").await;
        assert_eq!(scene.token().await, token);
        let seen = scene.server.seen().await;
        assert_eq!(seen.by_grant["authorization_code"], 2);
    }
}

#[tokio::test]
async fn an_answer_counts_in_the_session_that_left() {
    let (scene, token) = with_token(Kind::Django).await;
    let back = scene.allowed().await;
    let title = "This sign-in began in another session";
    let ben = scene.app.person(&[EditConnectors]).await;
    refused(ben.get(scene.path(&back)).await, 400, title).await;
    scene.ana.post("/sign-out", &[]).await.expect(303);
    let user = &scene.ana.user().username;
    scene.ana.sign_in(user, PASSWORD).await.expect(303);
    refused(scene.come_back(&back).await, 400, title).await;
    assert_eq!(scene.token().await, Some(token));
    assert_eq!(scene.server.seen().await.by_grant["authorization_code"], 1);
}

#[tokio::test]
async fn an_answer_without_its_state_is_not_believed() {
    let (scene, token) = with_token(Kind::Oidc).await;
    let back = scene.allowed().await;
    let unknown = "This sign-in could not be completed";
    let nothing = "There is no response in this address";
    let twice = format!("{back}&code=zz-twice");
    for (address, title) in [
        (changed(&back, "state", Some("made-up")), unknown),
        (changed(&back, "state", None), unknown),
        (changed(&back, "state", Some("")), unknown),
        (format!("{back}&state=zz-twice"), nothing),
        (format!("{}{CALLBACK}", scene.app.public_url), nothing),
        (format!("{}{CALLBACK}?x=y", scene.app.public_url), nothing),
        (twice, nothing),
    ] {
        refused(scene.come_back(&address).await, 400, title).await;
    }
    // The last one had the state, so it is spent.
    let page = scene.come_back(&back).await;
    refused(page, 400, "This response was used already").await;
    assert_eq!(scene.token().await, Some(token));
    assert_eq!(scene.server.seen().await.by_grant["authorization_code"], 1);
}

#[tokio::test]
async fn the_state_of_another_connector_does_not_count() {
    let (scene, token) = with_token(Kind::Django).await;
    let back = scene.allowed().await;
    scene.app.connector_with("Ledger", |new| new.method = CODE).await;
    let other = back.replace("/payroll/", "/ledger/");
    let page = scene.come_back(&other).await.expect(400);
    assert_eq!(page.h1(), "This sign-in could not be completed");
    assert!(page.buttons().iter().all(|words| words != "Authorize again"));
    assert_eq!(scene.token().await, Some(token));
}

#[tokio::test]
async fn an_answer_must_come_from_the_issuer() {
    let scene = Scene::new(Kind::Oidc, CODE).await;
    let issuer = scene.server.urls.issuer.clone();
    scene.save_with(|form| form.set("issuer", &issuer).tick("iss_required", "yes")).await;
    let other = "This response comes from another server";
    for iss in [Some("https://evil.example.net"), Some("http://127.0.0.1"), None] {
        let back = changed(&scene.allowed().await, "iss", iss);
        refused(scene.come_back(&back).await, 400, other).await;
    }
    assert_eq!(scene.token().await, None);
    assert_eq!(scene.server.seen().await.arrived, 0, "no code was sent");
    assert_eq!(scene.authorize().await.flash(), AUTHORIZED);
    // A server that names itself needs no setting to be compared, only the issuer.
    let page = scene.ana.get(TAB).await;
    saved(page.form(TAB).untick("iss_required", "yes")).await;
    let token = scene.token().await;
    let back = changed(&scene.allowed().await, "iss", Some("https://evil.example.net"));
    refused(scene.come_back(&back).await, 400, other).await;
    assert_eq!(scene.token().await, token);
    let back = changed(&scene.allowed().await, "iss", None);
    scene.come_back(&back).await.expect(303);
}

#[tokio::test]
async fn the_servers_no_to_the_code_is_told() {
    for kind in BOTH {
        let scene = Scene::new(kind, CODE).await;
        scene.save_with(|form| form.set("client_secret", "wrong").set("time_out", "1")).await;
        let back = scene.allowed().await;
        let page = refused(scene.come_back(&back).await, 200, "No access token").await;
        let text = page.text();
        assert!(text.contains("invalid_client"), "{text}");
        assert!(text.contains("Check Client ID and Client Secret"), "{text}");
        assert_eq!((scene.token().await, scene.status().await.as_str()), (None, "not_authorized"));

        let page = scene.ana.get(TAB).await;
        saved(replace(page.form(TAB), "client_secret", SECRET)).await;
        scene.authorize().await;
        let token = scene.token().await;
        scene.server.fail(503, Some(1)).await;
        let back = scene.allowed().await;
        let page = refused(scene.come_back(&back).await, 200, "No access token").await;
        assert!(page.text().contains("503"), "{}", page.text());

        scene.server.delay(Duration::from_secs(20)).await;
        let back = scene.allowed().await;
        let page = refused(scene.come_back(&back).await, 200, "No access token").await;
        assert!(page.text().contains("1 second"), "{}", page.text());
        assert_eq!(scene.token().await, token, "the one before stays");
        scene.server.reset().await;
        assert_eq!(scene.authorize().await.flash(), AUTHORIZED);
    }
}

#[tokio::test]
async fn twenty_deliveries_of_one_answer_ask_for_one_token() {
    for kind in BOTH {
        let scene = Scene::new(kind, CODE).await;
        scene.save().await;
        let back = scene.allowed().await;
        let pages = join_all((0..20).map(|_| scene.come_back(&back))).await;
        // All of them have the outcome of the first.
        for page in &pages {
            assert_eq!((page.status, page.location()), (303, Some(TAB)));
        }
        let seen = scene.server.seen().await;
        assert_eq!(seen.arrived, 1);
        let token = scene.token().await.expect("a token");
        assert_eq!(scene.server.call_api(&token).await, 200);
    }
}

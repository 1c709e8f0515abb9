//! What happens here while somebody is away at the authorization server.

use super::*;

const CHANGED: &str = "The settings were changed meanwhile";

#[tokio::test]
async fn settings_that_are_saved_meanwhile_end_the_attempt() {
    let scene = Scene::new(Kind::Django, CODE).await;
    scene.save().await;
    let back = scene.allowed().await;
    let page = scene.ana.get(TAB).await;
    saved(page.form(TAB).set("scope", "read write")).await;
    let page = scene.come_back(&back).await.expect(400);
    assert_eq!(page.h1(), CHANGED);
    page.form(ATTEMPTS).press("Authorize again").send().await.expect(200);
    assert_eq!((scene.token().await, scene.server.seen().await.arrived), (None, 0));
}

#[tokio::test]
async fn another_method_meanwhile_leaves_nothing_to_authorize() {
    for method in [CODE, IMPLICIT] {
        let scene = Scene::new(Kind::Django, method).await;
        scene.save().await;
        let back = scene.allowed().await;
        let page = scene.ana.get(TAB).await;
        saved(page.form(TAB).set("auth_method", "no_auth").confirmed()).await;
        let page = if method == CODE {
            scene.come_back(&back).await
        } else {
            scene.ana.post(ANSWERS, &[("address", &back)]).await
        };
        let page = page.expect(400);
        assert_eq!(page.h1(), CHANGED);
        assert!(!page.has_form(ATTEMPTS));
        assert!(page.has_link("Back to Authorization"));
        assert_eq!((scene.token().await, scene.server.seen().await.arrived), (None, 0));
        scene.ana.get(CALLBACK).await.expect(404);
    }
}

#[tokio::test]
async fn a_connector_in_the_trash_takes_no_answer() {
    let scene = Scene::new(Kind::Django, CODE).await;
    scene.save().await;
    let back = scene.allowed().await;
    scene.app.sql("UPDATE connectors SET deleted_at = now()").await;
    scene.come_back(&back).await.expect(404);
    assert_eq!(scene.server.seen().await.arrived, 0);
}

#[tokio::test]
async fn whoever_has_signed_out_signs_in_without_carrying_the_answer_along() {
    let scene = Scene::new(Kind::Django, CODE).await;
    scene.save().await;
    let back = scene.allowed().await;
    let (code, state) = (parameter(&back, "code"), parameter(&back, "state"));
    scene.ana.post("/sign-out", &[]).await.expect(303);
    let page = scene.come_back(&back).await.expect(303);
    let location = page.location().unwrap_or_default();
    assert!(location.starts_with("/sign-in"), "{location}");
    assert!(!location.contains(&code) && !location.contains(&state), "{location}");
    assert!(!page.html.contains(&code) && !page.html.contains(&state));
    let user = scene.ana.user().username.clone();
    let fill = |form: FormFill| form.set("username", &user).set("password", PASSWORD);
    let page = page.follow().await.submit(fill).await.expect(303).follow().await;
    assert_eq!(page.h1(), "There is no response in this address");
    page.form(ATTEMPTS).press("Authorize again").send().await.expect(200);
}

#[tokio::test]
async fn whoever_may_no_longer_edit_brings_nothing() {
    let scene = Scene::new(Kind::Django, CODE).await;
    scene.save().await;
    let back = scene.allowed().await;
    let id = scene.ana.user().id;
    let sql = format!("DELETE FROM user_permissions WHERE user_id = '{id}'");
    scene.app.sql(&sql).await;
    scene.come_back(&back).await.expect(403);
    assert_eq!((scene.token().await, scene.server.seen().await.arrived), (None, 0));
}

#[tokio::test]
async fn a_token_that_comes_after_the_settings_were_saved_is_not_stored() {
    let scene = Scene::new(Kind::Django, CODE).await;
    scene.save().await;
    let back = scene.allowed().await;
    scene.server.delay(Duration::from_millis(500)).await;
    let (page, ()) = tokio::join!(scene.come_back(&back), async {
        scene.server.seen_when_arrived(1).await;
        let page = scene.ana.get(TAB).await;
        saved(page.form(TAB).set("client_id", "other")).await;
    });
    assert_eq!(page.expect(400).h1(), CHANGED);
    assert_eq!(scene.token().await, None);
}

#[tokio::test]
async fn a_first_token_that_was_asked_for_by_the_settings_before_is_not_stored() {
    let scene = Scene::new(Kind::Django, CLIENT).await;
    scene.save().await;
    scene.server.delay(Duration::from_millis(500)).await;
    let tab = scene.ana.get(TAB).await;
    let (page, ()) = tokio::join!(tab.form(RENEWALS).send(), async {
        scene.server.seen_when_arrived(1).await;
        saved(tab.form(TAB).set("client_id", "other")).await;
    });
    let page = page.expect(303).follow().await;
    assert!(page.flash().contains("changed meanwhile"), "{}", page.flash());
    assert_eq!(scene.token().await, None);
}

#[tokio::test]
async fn a_first_token_is_not_approved_for_a_base_url_of_another_host() {
    let scene = Scene::new(Kind::Django, CLIENT).await;
    scene.save().await;
    scene.server.delay(Duration::from_millis(500)).await;
    let tab = scene.ana.get(TAB).await;
    let (page, ()) = tokio::join!(tab.form(RENEWALS).send(), async {
        scene.server.seen_when_arrived(1).await;
        let elsewhere = |form: FormFill| form.set("base_url", "https://evil.example.net");
        let page = scene.ana.get("/connectors/payroll/details").await;
        page.submit(elsewhere).await.expect(303);
    });
    page.expect(303);
    let origins = scene.app.value("SELECT array_to_string(origins, ' ') FROM tokens").await;
    assert!(!origins.is_empty() && !origins.contains("evil"), "{origins}");
}

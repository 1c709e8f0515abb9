//! Turning certificate checks off: meant, with the secrets again, recorded and warned of.

use super::*;

const ASKED: (&str, &str) = ("verify_off", "Tick the box if secrets are to be sent without checking who receives them");

fn again(label: &str) -> String {
    format!("{label} must be entered again or removed, because certificates are no longer checked")
}

#[tokio::test]
async fn must_be_meant_and_need_the_secret_again() {
    for (method, name, label) in [
        (Method::Basic, "password", "Password"),
        (Method::ApiKey, "api_key", "API key"),
        (Method::Bearer, "token", "Token"),
    ] {
        let app = TestApp::start().await;
        let id = authorized(&app, method).await;
        let ana = app.person(&[EditConnectors]).await;
        let page = ana.get(TAB).await;
        assert!(!has_field(&page, "verify_off"), "asked only when checks are being turned off");
        let page = save(&page, |form| form.untick("verify", "yes")).await.expect(422);
        assert_eq!(page.errors(), errors(&[ASKED, (name, &again(label))]));
        assert_eq!(app.value("SELECT verify_certificates FROM connectors").await, "t");

        let page =
            save(&page, |form| form.tick("verify_off", "yes").set(&format!("{name}_choice"), "keep")).await.expect(422);
        assert_eq!(page.errors(), errors(&[(name, &again(label))]), "ticking alone sends no stored secret");
        assert_eq!(page.ticked("verify_off"), ["yes"], "the box stays ticked");

        let page = save(&page, |form| replace(form, name, NEW)).await.expect(303).follow().await;
        assert_eq!(app.value("SELECT verify_certificates FROM connectors").await, "f");
        assert!(page.ticked("verify").is_empty());
        let changes = last_changes(&app, "authorization.saved").await;
        assert!(changes.contains(&change("SSL certificate verification", "On", "Off")), "{changes:?}");
        let stored = if method == Method::Bearer {
            app.token(id).await
        } else {
            Some(app.value("SELECT field FROM secrets").await)
        };
        assert!(stored.is_some());
    }
}

#[tokio::test]
async fn take_the_secret_away_when_it_is_not_entered_again() {
    let app = TestApp::start().await;
    kept_fresh(&app).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = save(&ana.get(TAB).await, |form| form.untick("verify", "yes")).await.expect(422);
    assert_eq!(page.errors(), errors(&[ASKED, ("token", &again("Token"))]));
    save(&page, |form| form.tick("verify_off", "yes").set("token_choice", "remove").confirmed()).await.expect(303);
    assert_eq!(
        app.count("SELECT count(*) FROM secrets").await + app.count("SELECT count(*) FROM tokens").await,
        0,
        "the stored sign-in goes too"
    );
    assert_eq!(status(&app).await, "not_authorized");
}

#[tokio::test]
async fn ask_for_the_client_key_again_as_well() {
    let app = TestApp::start().await;
    authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let ours = Issued::self_signed("client");
    let page = save(&ana.get(TAB).await, |form| {
        form.set("client_certificate", &ours.certificate_pem).set("client_key", &ours.key_pem)
    })
    .await;
    let page = save(&page.expect(303).follow().await, |form| form.untick("verify", "yes")).await.expect(422);
    assert_eq!(page.errors(), errors(&[ASKED, ("password", &again("Password")), ("client_key", &again("Client key"))]));
    let page = save(&page, |form| {
        replace(replace(form.tick("verify_off", "yes"), "password", NEW), "client_key", &ours.key_pem)
    })
    .await;
    page.expect(303);
}

#[tokio::test]
async fn without_any_secret_need_the_box_only() {
    let app = TestApp::start().await;
    connector(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = save(&ana.get(TAB).await, |form| form.set("user_name", "svc").untick("verify", "yes")).await.expect(422);
    assert_eq!(page.errors(), errors(&[ASKED]));
    save(&page, |form| form.tick("verify_off", "yes").set("password", NEW)).await.expect(303);
    assert_eq!(status(&app).await, "not_tested");
}

#[tokio::test]
async fn are_warned_of_on_every_tab_and_in_the_list_until_they_are_checked_again() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors, ViewActivity]).await;
    let warns = async |words: &str, paths: &[&str], expected: bool| {
        for path in paths {
            assert_eq!(ana.get(path).await.expect(200).text().contains(words), expected, "{path}");
        }
    };
    let tabs = [DETAILS, TAB, "/connectors/payroll/activity/changes"];
    warns("Certificates are not checked.", &tabs, false).await;
    warns("Certificate not checked", &["/connectors"], false).await;
    let fill = |form: FormFill| {
        form.set("user_name", "svc").set("password", NEW).untick("verify", "yes").forge("verify_off", "yes")
    };
    save(&ana.get(TAB).await, fill).await.expect(303);
    warns("Certificates are not checked.", &tabs, true).await;
    warns("Certificate not checked", &["/connectors"], true).await;
    let activity = ana.get("/connectors/payroll/activity/changes").await;
    assert!(
        activity.rows()[0][4].contains("SSL certificate verification: “On” became “Off”"),
        "{:?}",
        activity.rows()[0]
    );

    // Saving again with checks off asks nothing, and turning them on needs no secret.
    let page = save(&ana.get(TAB).await, |form| form).await.expect(303).follow().await;
    save(&page, |form| form.tick("verify", "yes")).await.expect(303);
    assert_eq!(app.secret(id, SecretField::Password).await.as_deref(), Some(NEW));
    warns("Certificates are not checked.", &tabs, false).await;
}

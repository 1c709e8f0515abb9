//! No page of a connector holds a secret.

use super::*;

#[tokio::test]
async fn of_a_connector_hold_none_of_its_secrets() {
    let app = TestApp::start().await;
    let id = kept_fresh(&app).await;
    for field in SecretField::ALL {
        app.store_secret(id, field, OLD).await;
    }
    let ana = app.super_admin().await;
    let mut pages = Vec::new();
    for path in [
        "/connectors",
        "/connectors?q=canary-old",
        "/connectors/new",
        "/connectors/trash",
        DETAILS,
        TAB,
        "/connectors/payroll/activity",
        "/connectors/payroll/activity/changes",
        "/connectors/payroll/delete",
        "/connectors/payroll/authorization/token-requests",
        "/connectors/payroll/authorization/token-reveals",
        "/connectors/payroll/nothing",
    ] {
        pages.push(ana.get(path).await);
    }
    for method in ["basic", "bearer", "api_key", "no_auth"] {
        pages.push(
            save(&ana.get(TAB).await, |form| form.set("auth_method", method).press("Show fields for this method"))
                .await,
        );
    }
    let fill = |form: FormFill| {
        form.forge("password_choice", "replace")
            .forge("password", NEW)
            .forge("token_choice", "replace")
            .forge("token", NEW)
    };
    pages.push(save(&ana.get(TAB).await, |form| fill(form).forge("auth_method", "unknown")).await.expect(422));
    pages.push(save(&ana.get(TAB).await, |form| fill(form).forge("version", "0")).await);
    pages.push(save(&ana.get(TAB).await, |form| fill(form).forge("csrf", "wrong")).await.expect(403));
    pages.push(ana.get(DETAILS).await.submit(|form| form.set("base_url", "collector.example.net")).await.expect(422));
    pages.push(ana.get(DETAILS).await.form("/connectors/payroll/duplicates").send().await.expect(303).follow().await);
    pages.push(ana.get("/connectors/payroll-copy/authorization").await.expect(200));
    for page in pages {
        assert!(!page.html.contains(OLD) && !page.html.contains(NEW), "{} ({})", page.path, page.status);
    }
    assert_eq!(
        app.count(
            "SELECT count(*) FROM secrets s JOIN connectors c ON c.id = s.connector_id WHERE c.key = 'payroll-copy'"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn of_no_connector_are_not_there() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    ana.get("/connectors/nothing/authorization").await.expect(404);
    ana.post("/connectors/nothing/authorization", &[("auth_method", "basic"), ("do", "save")]).await.expect(404);
    app.connector_with("Payroll", |new| new.details.base_url = HttpUrl::parse("https://api.example.org").ok()).await;
    app.sql("UPDATE connectors SET deleted_at = now()").await;
    ana.get(TAB).await.expect(404);
    ana.post(TAB, &[("auth_method", "basic"), ("version", "1"), ("do", "save")]).await.expect(404);
}

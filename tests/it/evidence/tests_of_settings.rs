//! Test connection with the stored settings counts like a call; saving forgets what it concerns and nothing else.

use super::*;

#[tokio::test]
async fn a_stored_secret_is_not_tested_yet_until_a_test_shows_that_the_api_takes_it() {
    let site = Basic::new(|_| Reply::json(200, "{}")).await;
    assert_eq!(site.status().await, "not_tested");
    let page = site.ana.get(TAB).await;
    assert!(fact(&page, "Status").starts_with("Not tested yet since "), "{}", fact(&page, "Status"));
    let page = site.test(|form| form).await;
    assert_eq!(page.texts(".head .tag"), ["Healthy"], "the page says it at once");
    assert!(fact(&page, "Status").ends_with("The API takes calls."));
    assert!(fact(&page, "Last success").contains("The API took a call"), "{}", page.text());
    site.app.advance(TimeDelta::minutes(2));
    let viewer = site.app.person(&[ViewConnectors]).await;
    assert_eq!(viewer.get("/connectors").await.rows()[0][4], "Healthy last call 2 minutes ago");
}

#[tokio::test]
async fn a_test_that_is_refused_says_so_with_the_words_of_the_api() {
    let echo = r#"{"message":"Bad credentials","sent":"canary-5f1c77"}"#;
    for status in [401, 403] {
        let site = Basic::new(move |_| Reply::json(status, echo)).await;
        let page = site.test(|form| form).await;
        assert_eq!(page.texts(".head .tag"), ["Refused"]);
        let said = fact(&page, "Last failure");
        assert!(said.contains(&format!("The API answered {status} ")), "{said}");
        assert!(said.contains("The API said: “Bad credentials”"), "{said}");
        assert!(!page.html.contains("canary"));
        assert!(fact(&page, "Status").contains("Check user and password on this page"));
        let list = site.ana.get("/connectors").await;
        let cell = &list.rows()[0][4];
        assert!(cell.starts_with("Refused Repair Payroll since ") && cell.contains("“Bad credentials”"), "{cell}");
        assert!(list.has_link("Repair Payroll"));
        let home = site.ana.get("/").await;
        assert!(home.has_link("Refused: 1") && home.text().contains("Bad credentials"), "{}", home.text());
    }
}

#[tokio::test]
async fn a_test_whose_api_fails_or_is_not_reached_makes_it_failing_and_never_refused() {
    let site = Basic::new(|_| Reply::json(503, "{}")).await;
    let page = site.test(|form| form).await;
    assert_eq!(page.texts(".head .tag"), ["Failing"]);
    assert!(fact(&page, "Last failure").contains("The API answered 503 Service Unavailable."), "{}", page.text());

    let site = Basic::new(|_| Reply::json(200, "{}")).await;
    site.app.sql("UPDATE connectors SET base_url = 'http://127.0.0.1:1/v1'").await;
    site.app.approve_origins(site.id).await;
    let page = site.test(|form| form).await;
    assert_eq!(page.texts(".head .tag"), ["Failing"]);
    assert!(!fact(&page, "Last failure").is_empty());
}

#[tokio::test]
async fn a_404_of_the_base_url_counts_as_taken() {
    let site = Basic::new(|_| Reply::json(404, "{}")).await;
    site.test(|form| form).await;
    assert_eq!(site.status().await, "healthy");
}

#[tokio::test]
async fn a_test_of_what_is_only_typed_says_nothing_of_what_is_stored() {
    let site = Basic::new(|_| Reply::json(200, "{}")).await;
    for fill in [
        |form: FormFill| form.set("password_choice", "replace").set("password", "another"),
        |form: FormFill| form.set("user_name", "other"),
        |form: FormFill| form.set("auth_method", "no_auth"),
    ] {
        site.test(fill).await;
        assert_eq!(site.status().await, "not_tested");
    }
    site.test(|form| form.set("time_out", "12")).await;
    assert_eq!(site.status().await, "healthy", "how long a call may take is no part of it");
}

#[tokio::test]
async fn a_save_forgets_what_it_concerns_and_nothing_else() {
    let site = Basic::new(|_| Reply::json(200, "{}")).await;
    site.test(|form| form).await;
    for fill in [|form: FormFill| form, |form: FormFill| form.set("time_out", "12").set("concurrency", "3")] {
        site.save(fill).await;
        assert_eq!(site.status().await, "healthy");
    }
    for fill in [
        |form: FormFill| form.set("password_choice", "replace").set("password", "another"),
        |form: FormFill| form.set("user_name", "other"),
        |form: FormFill| form.set("expired_statuses", "401, 498"),
    ] {
        site.save(fill).await;
        assert_eq!(site.status().await, "not_tested");
        site.test(|form| form).await;
        assert_eq!(site.status().await, "healthy");
    }
    site.save_details(|form| form.set("description", "Salaries")).await;
    assert_eq!(site.status().await, "healthy");
    site.save_details(|form| form.set("base_url", &site.api.url("/v2"))).await;
    assert_eq!(site.status().await, "not_tested");
}

#[tokio::test]
async fn disabled_and_enabled_again_it_is_as_before() {
    for (status, before) in [(200, "healthy"), (401, "refused"), (500, "failing")] {
        let site = Basic::new(move |_| Reply::json(status, "{}")).await;
        site.test(|form| form).await;
        assert_eq!(site.status().await, before);
        site.save_details(|form| form.untick("enabled", "yes")).await;
        assert_eq!(site.status().await, "disabled");
        site.save_details(|form| form.tick("enabled", "yes")).await;
        assert_eq!(site.status().await, before);
    }
}

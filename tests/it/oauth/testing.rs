//! Test connection without a token server: each way of signing in, and what stands in the way to the API.

use super::*;

/// What a person types into the form.
type Fill = fn(FormFill) -> FormFill;

/// Presses Test connection on the form filled in so.
async fn test(browser: &Browser, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    let form = fill(browser.get(TAB).await.form(TAB));
    form.press("Test connection").send().await.expect(200)
}

fn basic(form: FormFill) -> FormFill {
    form.set("auth_method", "basic").set("user_name", "svc").set("password", "päss:word")
}

fn bearer(form: FormFill) -> FormFill {
    form.set("auth_method", "bearer").set("token", "canary-token")
}

fn api_key(form: FormFill) -> FormFill {
    form.set("auth_method", "api_key").set("api_key_name", "X-Key").set("api_key", "canary-key")
}

#[tokio::test]
async fn each_method_signs_in_as_typed_and_nothing_is_saved() {
    let api = Hostile::json("{}").await;
    let app = TestApp::start().await;
    connector(&app, Method::NoAuth, &api.url("/v1")).await;
    let ana = app.person(&[EditConnectors]).await;
    let methods: [(Fill, &str, Option<&str>); 5] = [
        (|form| form, "authorization", None),
        (basic, "authorization", Some("Basic c3ZjOnDDpHNzOndvcmQ=")),
        (bearer, "authorization", Some("Bearer canary-token")),
        (api_key, "x-key", Some("canary-key")),
        (|form| api_key(form).set("api_key_prefix", "Token"), "x-key", Some("Token canary-key")),
    ];
    for (at, (fill, header, value)) in methods.into_iter().enumerate() {
        let page = test(&ana, fill).await;
        let said = step(&page, "Base URL");
        assert!(said.starts_with("Good The API answered 200 (OK) in "), "{said}");
        assert!(step(&page, "API: connection").starts_with("Good Connected to 127.0.0.1"));
        let tls = step(&page, "API: TLS");
        assert!(tls.starts_with("Warning") && tls.contains("is not encrypted"), "{tls}");
        let summary = page.texts("section[aria-labelledby=tested] [role=status]").concat();
        assert!(summary.contains("works, with a warning") && summary.contains("Nothing was saved."), "{summary}");
        let request = api.requests().swap_remove(at);
        assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/v1"));
        assert_eq!(request.header(header), value);
        for secret in ["päss:word", "canary-token", "canary-key"] {
            assert!(!page.html.contains(secret));
        }
    }
    let in_query = |form| api_key(form).set("api_key_place", "query");
    test(&ana, in_query).await;
    assert_eq!(api.requests()[5].target, "/v1?X-Key=canary-key");
    assert_eq!(app.value("SELECT method FROM connectors").await, "no_auth");
    assert_eq!(app.count("SELECT count(*) FROM secrets").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM tokens").await, 0);
    assert_eq!(audited(&app, "authorization.saved").await, 0);
}

#[tokio::test]
async fn the_apis_answer_is_judged() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::NoAuth, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors]).await;
    let json = [("Content-Type", "application/json")];
    for (status, body, mark, words) in [
        (401, "", "Problem", "The API refuses the credential."),
        (403, "", "Problem", "The API refuses the credential."),
        (404, "", "Good", "did not refuse the credential"),
        (302, "", "Warning", "The API redirects."),
        (503, "", "Warning", "The API is in trouble."),
        (419, "", "Problem", "The API refuses the credential."),
        (200, r#"{"error":{"code":"ended"}}"#, "Problem", "The API refuses the credential."),
    ] {
        let api = Hostile::start(answer(status, &json, body)).await;
        let sql = format!("UPDATE connectors SET base_url = '{}' WHERE id = '{id}'", api.url("/"));
        app.sql(&sql).await;
        let page = test(&ana, |form| {
            bearer(form).set("expired_statuses", "401, 419").set("expired_body", "/error/code = ended")
        })
        .await;
        let said = step(&page, "Base URL");
        assert!(said.starts_with(mark) && said.contains(words), "{status}: {said}");
    }
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_is_sent() {
    let app = TestApp::start().await;
    let api = Hostile::json("{}").await;
    connector(&app, Method::NoAuth, &api.url("/")).await;
    let ana = app.person(&[EditConnectors]).await;
    for (method, name, words) in
        [("api_key", "Sign-in", "The secret is not set."), ("bearer", "Token", "There is no access token yet.")]
    {
        let page = test(&ana, |form| form.set("auth_method", method).set("api_key_name", "X-Key")).await;
        let said = step(&page, name);
        assert!(said.starts_with("Problem") && said.contains(words), "{said}");
        assert!(step(&page, "Base URL").starts_with("Not tried"));
    }
    assert!(api.requests().is_empty());
    app.sql("UPDATE connectors SET base_url = NULL").await;
    let page = test(&ana, bearer).await;
    assert!(step(&page, "API").contains("There is no base URL on the Details tab"));
}

#[tokio::test]
async fn what_stands_in_the_way_is_said_and_no_credential_is_sent() {
    let app = TestApp::start().await;
    let id = connector(&app, Method::NoAuth, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors]).await;
    let ours = Authority::new("Ours");
    let good = || answer(200, &[], "{}");
    let expired = Hostile::start_tls(good(), &ours.issue_expired("127.0.0.1"), None).await;
    let unknown = Hostile::start_tls(good(), &ours.issue("127.0.0.1"), None).await;
    let named = Hostile::start_tls(good(), &ours.issue("other.example"), None).await;
    let closed = Hostile::json("{}").await.url("/");
    let nowhere = "http://nowhere.invalid/".to_string();
    let ca = ours.pem();
    let cases = [
        (expired.url("/"), ca.as_str(), "API: TLS", "has expired"),
        (unknown.url("/"), "", "API: TLS", "issuer is not known"),
        (named.url("/"), ca.as_str(), "API: TLS", "another host name"),
        (closed, "", "API: connection", "127.0.0.1"),
        (nowhere, "", "API: name look-up", "nowhere.invalid"),
    ];
    for (url, ca, name, words) in cases {
        let sql = format!("UPDATE connectors SET base_url = '{url}' WHERE id = '{id}'");
        app.sql(&sql).await;
        let page = test(&ana, |form| bearer(form).set("ca_certificate", ca)).await;
        let said = step(&page, name);
        assert!(said.starts_with("Problem") && said.contains(words), "{url}: {said}");
        let steps = steps(&page);
        assert!(steps.iter().all(|(name, _)| name != "Base URL"), "{steps:?}");
        assert!(page.text().contains("The test found a problem."));
    }
    let sql = format!("UPDATE connectors SET base_url = '{}' WHERE id = '{id}'", unknown.url("/"));
    app.sql(&sql).await;
    let page = test(&ana, |form| bearer(form).set("ca_certificate", &ca)).await;
    let tls = step(&page, "API: TLS");
    assert!(tls.starts_with("Good") && tls.contains("days left"), "{tls}");
    let unchecked = |form| bearer(form).untick("verify", "yes").forge("verify_off", "yes");
    let page = test(&ana, unchecked).await;
    let tls = step(&page, "API: TLS");
    assert!(tls.starts_with("Warning") && tls.contains("was not checked"), "{tls}");
    assert!(expired.requests().is_empty() && named.requests().is_empty());
    assert_eq!(unknown.requests().len(), 2);
}

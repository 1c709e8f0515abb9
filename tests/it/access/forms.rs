//! No form is taken that its visitor did not send from a page of ours.

use actix_web::http::Method;
use connectory::access::Needs;
use connectory::routes;

use super::examples::Examples;
use crate::openid::site_of_nobody;
use crate::support::TestApp;

/// Without a token: what another site posts to the redirect URL changes nothing, and what is passed on from there holds
/// the state of the session.
const WITH_STATE: [&str; 4] = [
    "/connectors/{key}/authorization/callback",
    "/connectors/{key}/authorization/answers",
    "/oauth/callback",
    "/oauth/answers",
];

#[tokio::test]
async fn no_form_is_taken_without_the_visitors_own_token() {
    let app = site_of_nobody().await;
    let examples = Examples::create(&app).await;
    let (ana, other) = (app.super_admin().await, app.super_admin().await);
    let (own, foreign) = (ana.csrf().await, other.csrf().await);
    let wrong = own.chars().rev().collect::<String>();
    let before = app.count("SELECT count(*) FROM audit_events").await;
    let mut routes = routes::all();
    routes.retain(|route| route.method != Method::GET && route.needs != Needs::ApiKey);
    routes.retain(|route| !WITH_STATE.contains(&route.path));
    for route in &routes {
        let path = examples.path(&app, route).await;
        let before = app.count("SELECT count(*) FROM audit_events").await;
        let tries = [
            ("without a token", path.clone(), vec![]),
            ("with an empty token", path.clone(), vec![("csrf", "")]),
            ("with a wrong token", path.clone(), vec![("csrf", wrong.as_str())]),
            ("with another session's token", path.clone(), vec![("csrf", foreign.as_str())]),
            ("with the token in the address", format!("{path}?csrf={own}"), vec![]),
        ];
        for (how, path, fields) in tries {
            let page = ana.post_exactly(&path, &fields).await;
            assert_eq!((page.status, page.h1().as_str()), (403, "This form is out of date"), "{path} {how}");
        }
        assert_eq!(app.count("SELECT count(*) FROM audit_events").await, before, "{path} changed something");
    }
    assert!(app.count("SELECT count(*) FROM audit_events").await >= before);
    assert_eq!(ana.open("/").await.status, 200, "still signed in");
}

#[tokio::test]
async fn a_form_that_another_site_sends_is_refused_even_with_the_right_token() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let csrf = ana.csrf().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let request =
            ana.request(reqwest::Method::POST, "/sign-out").header("content-type", "application/x-www-form-urlencoded");
        let mut request = request.body(format!("csrf={csrf}")).build().expect("a request");
        request.headers_mut().insert(name, value.parse().expect("a header"));
        let page = ana.execute(request).await;
        assert_eq!((page.status, page.h1().as_str()), (403, "This form is out of date"), "{name}: {value}");
    }
    ana.post("/sign-out", &[]).await.expect(303);
}

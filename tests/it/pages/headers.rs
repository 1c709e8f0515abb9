//! The headers of every answer, pages and files, good and bad.

use actix_web::http::Method;

use super::populated;
use crate::support::Page;

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let (app, ana) = populated().await;
    let style_sheet = ana.get("/connectors").await.attribute("link[rel=stylesheet]", "href").expect("a style sheet");
    let script = ana.get("/connectors").await.attribute("script", "src").expect("a script");
    let mut found = Vec::new();
    for address in [
        "/",
        "/connectors",
        "/sign-in",
        "/nowhere",
        "/static/nothing.css",
        "/favicon.ico",
        "/healthz",
        "/readyz",
        "/metrics",
        &style_sheet,
        &script,
    ] {
        found.extend(missing_headers(&app.browser().get(address).await));
        found.extend(missing_headers(&ana.get(address).await));
    }
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD, Method::PATCH] {
        let method = method.as_str().parse().expect("a method");
        found.extend(missing_headers(&ana.send(ana.request(method, "/connectors")).await));
    }
    found.extend(missing_headers(
        &ana.post("/connectors", &[("connector_name", &"x".repeat(1100 * 1024))]).await.expect(413),
    ));
    let cached = ana.request(reqwest::Method::GET, &style_sheet).header("if-none-match", "*");
    found.extend(missing_headers(&ana.send(cached).await.expect(304)));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn files_are_kept_by_the_browser_and_pages_are_not() {
    let (_app, ana) = populated().await;
    let page = ana.get("/connectors").await;
    assert_eq!(page.header("cache-control"), "no-store");
    for (css, attribute) in [("link[rel=stylesheet]", "href"), ("script", "src"), ("link[rel=icon]", "href")] {
        let file = ana.get(&page.attribute(css, attribute).expect("a file")).await.expect(200);
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(file.header("set-cookie").is_empty());
    }
}

/// The headers that every answer has, pages and files, good and bad.
pub fn missing_headers(page: &Page) -> Vec<String> {
    let policy = page.header("content-security-policy");
    let mut missing: Vec<String> = [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "script-src 'self'",
        "style-src 'self'",
    ]
    .into_iter()
    .filter(|directive| !policy.split(';').any(|part| part.trim() == *directive))
    .map(|directive| format!("{}: {directive} is not in the policy “{policy}”", page.path))
    .collect();
    if policy.contains("unsafe") || policy.contains('*') || policy.contains("data:") {
        missing.push(format!("{}: the policy allows too much: {policy}", page.path));
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        if page.header(name) != value {
            missing.push(format!("{}: {name} is “{}”", page.path, page.header(name)));
        }
    }
    for name in ["server", "x-powered-by", "access-control-allow-origin"] {
        if !page.header(name).is_empty() {
            missing.push(format!("{}: {name} says “{}”", page.path, page.header(name)));
        }
    }
    if page.header("cache-control").is_empty() {
        missing.push(format!("{}: says nothing of caching", page.path));
    }
    missing
}

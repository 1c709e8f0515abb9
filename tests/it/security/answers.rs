//! Every answer of every route: its headers, where it sends, and that asking changes nothing.

use super::*;
use crate::pages::missing_headers;

/// The methods that a client may think of, and one that nobody knows.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "MADEUP"];

/// Headers of answers for programs, which have no page.
fn missing_for_programs(page: &Page) -> Vec<String> {
    let policy = page.header("content-security-policy");
    let mut missing = Vec::new();
    for directive in ["default-src 'none'", "frame-ancestors 'none'", "sandbox"] {
        if !policy.contains(directive) {
            missing.push(format!("{}: no {directive} in “{policy}”", page.path));
        }
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("access-control-allow-origin", ""),
        ("server", ""),
    ] {
        if page.header(name) != value {
            missing.push(format!("{}: {name} is “{}”", page.path, page.header(name)));
        }
    }
    missing
}

/// Whether a body says what it is, and texts in which characters.
fn type_is_missing(page: &Page) -> Option<String> {
    let kind = page.header("content-type");
    let says = match kind.split(';').next().unwrap_or_default() {
        "" => page.html.is_empty(),
        kind_of_text if kind_of_text.starts_with("text/") => kind.contains("charset=utf-8"),
        _ => true, // JSON is UTF-8 by its own definition (RFC 8259 8.1)
    };
    (!says).then(|| format!("{}: a body of the type “{kind}”", page.path))
}

#[tokio::test]
async fn every_answer_of_every_route_to_every_method_has_the_security_headers() {
    let World { app, examples, ana } = &World::new().await;
    let mut found = Vec::new();
    for route in all_routes() {
        let path = examples.path(app, &route).await;
        for visitor in [ana, &app.browser()] {
            for method in METHODS {
                let method = method.parse().expect("a method");
                let page = visitor.send(visitor.request(method, &path)).await;
                if path.starts_with("/api/v1/") {
                    found.extend(missing_for_programs(&page));
                } else {
                    found.extend(missing_headers(&page));
                }
                found.extend(type_is_missing(&page));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn a_method_that_no_route_has_is_refused_and_nothing_is_sent_back() {
    let World { app, examples, ana } = &World::new().await;
    for route in all_routes() {
        let path = examples.path(app, &route).await;
        for method in ["TRACE", "MADEUP", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let request = ana.request(method.parse().expect("a method"), &path);
            let page = ana.send(request.header("x-mine", "echo-me")).await;
            let refusals: &[u16] = match route.needs {
                Needs::ApiKey => &[401, 405, 501],
                Needs::Nothing if path.starts_with("/api/v1/") => &[405, 501],
                _ => &[405],
            };
            assert!(refusals.contains(&page.status), "{method} {path}: {}", page.status);
            assert!(!page.html.contains("echo-me"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn no_redirect_and_no_link_follows_what_a_request_says_of_its_host() {
    let World { app, examples, ana } = &World::new().await;
    let evil = "evil.example";
    for route in pages() {
        let path = examples.path(app, &route).await;
        for visitor in [ana, &app.browser()] {
            let request = visitor
                .request(reqwest::Method::GET, &format!("{path}?next=//{evil}/"))
                .header("host", evil)
                .header("x-forwarded-host", evil)
                .header("x-forwarded-proto", "gopher")
                .header("forwarded", format!("host={evil}"))
                .header("referer", format!("https://{evil}/"));
            let page = visitor.send(request).await;
            let own = |address: &str| address.starts_with('/') && !address.starts_with("//");
            assert!(page.location().is_none_or(own), "{path}: {:?}", page.location());
            for (css, attribute) in
                [("[href]", "href"), ("[action]", "action"), ("[formaction]", "formaction"), ("[src]", "src")]
            {
                for address in page.attributes(css, attribute) {
                    let host = address.split('/').nth(2).unwrap_or_default();
                    assert!(host != evil, "{path} leads to {address}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_page_that_is_only_looked_at_changes_anything() {
    let World { app, examples, ana } = &World::new().await;
    let mut paths = Vec::new();
    for route in pages() {
        paths.push(examples.path(app, &route).await);
    }
    let tables = app
        .rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'
             AND table_type = 'BASE TABLE' AND table_name <> 'sessions'",
        )
        .await;
    let contents = async || {
        let mut all = Vec::new();
        for table in tables.iter().flatten() {
            let rows = format!("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t");
            all.push((table.clone(), app.value(&rows).await));
        }
        all
    };
    let before = contents().await;
    for path in &paths {
        ana.get(path).await;
        ana.get(&format!("{path}?code=a&state=b&error=c&link=d&delete=yes")).await;
        ana.send(ana.request(reqwest::Method::HEAD, path)).await;
    }
    assert_eq!(contents().await, before);
}

#[tokio::test]
async fn nothing_lies_about_that_is_no_page() {
    let World { app, ana, .. } = &World::new().await;
    for path in [
        "/.git/config",
        "/.env",
        "/Cargo.toml",
        "/master.key",
        "/static/",
        "/static",
        "/static/..%2f..%2fetc%2fpasswd",
        "/static/....//....//etc/passwd",
        "/debug",
        "/server-status",
        "/actuator/env",
        "/phpinfo.php",
        "/api/v1/../../metrics",
        "/metrics",
    ] {
        for visitor in [ana, &app.browser()] {
            visitor.get(path).await.expect(404);
        }
    }
}

#[tokio::test]
async fn a_cookie_stays_small_whatever_is_in_it() {
    let World { app, examples, ana } = &World::new().await;
    let longest = "\u{20bb7}".repeat(255);
    app.sql(&format!("UPDATE connectors SET name = '{longest}'")).await;
    let address = "/programs/{program}/keys/{key}/connectors/{connector}";
    let route = pages().find(|route| route.path == address);
    let path = examples.path(app, &route.expect("a route")).await;
    let page = ana.get(&path).await.form(&path).send().await.expect(303);
    let cookies = page.headers.get_all("set-cookie").iter();
    let size = cookies.map(|cookie| cookie.len()).max();
    assert!(size.is_some_and(|bytes| bytes < 4096), "{size:?}");
    let shown = page.follow().await.flash();
    assert!(shown.contains(&longest), "{shown}");
}

#[tokio::test]
async fn what_is_no_http_is_answered_with_nothing_to_show() {
    let app = TestApp::start().await;
    for bytes in [
        "GET\r\n\r\n",
        "<xss> / HTTP/1.1\r\n\r\n",
        "GET /<xss> HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n<xss>: 1\r\n\r\n",
    ] {
        let answer = app.raw(bytes.as_bytes()).await;
        assert_eq!(answer.status, 400, "{bytes}: {}", answer.head);
        assert_eq!(answer.body, "", "{bytes}");
        assert!(!answer.head.contains("xss"), "{bytes}: {}", answer.head);
    }
}

//! Addresses of nothing, and a database that is away.

use super::populated;
use crate::support::METRICS_TOKEN;

#[tokio::test]
async fn an_unknown_address_is_a_page_with_a_way_on() {
    let (app, ana) = populated().await;
    for address in [
        "/nowhere",
        "/connectors/",
        "/connectors/nothing",
        "/connectors/nothing/authorization",
        "/connectors/payroll/nothing",
        "/categories/nothing/edit",
        "//connectors",
        "/static/../Cargo.toml",
        "/.git/config",
    ] {
        let page = ana.get(address).await.expect(404);
        assert_eq!(
            (page.h1().as_str(), page.title().as_str()),
            ("Page not found", "Page not found – Connectory"),
            "{address}"
        );
        assert!(page.has_link("Go to the home page") && page.has_link("Connectors"));
    }
    assert!(app.browser().get("/nowhere").await.expect(404).has_link("Go to the sign-in page"));
}

#[tokio::test]
async fn head_answers_as_get_without_the_page() {
    let (_app, ana) = populated().await;
    for (address, status) in [("/connectors", 200), ("/nowhere", 404), ("/healthz", 200)] {
        let page = ana.send(ana.request(reqwest::Method::HEAD, address)).await.expect(status);
        assert_eq!(page.html, "", "{address}");
    }
}

#[tokio::test]
async fn the_program_tells_whether_it_lives_and_is_ready_and_shows_its_metrics_for_the_token() {
    let (app, ana) = populated().await;
    let visitor = app.browser();
    for (address, text) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let page = visitor.get(address).await.expect(200);
        assert_eq!((page.html.as_str(), page.header("content-type")), (text, "text/plain; charset=utf-8"));
    }
    ana.get("/metrics").await.expect(404);
    for (token, status) in [("", 404), ("wrong", 404), (METRICS_TOKEN, 200)] {
        let request = visitor.request(reqwest::Method::GET, "/metrics").bearer_auth(token);
        visitor.send(request).await.expect(status);
    }
}

#[tokio::test]
async fn connections_that_the_database_has_closed_are_replaced() {
    let (app, ana) = populated().await;
    ana.get("/connectors").await.expect(200);
    app.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
    // Whoever is served by a worker that has not noticed yet is told to try again, which is no fault.
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(ana.get("/connectors").await.status);
    }
    assert!(
        statuses.iter().all(|status| [200, 503].contains(status)) && statuses.ends_with(&[200; 10]),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn without_the_database_a_page_says_so_and_when_it_is_back_everything_goes_on() {
    let (app, ana) = populated().await;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let database = app.value("SELECT current_database()").await;
    app.sql(&format!("ALTER DATABASE {database} CONNECTION LIMIT 0; {terminate}")).await;
    for address in ["/connectors", "/", "/categories/new"] {
        let page = ana.get(address).await.expect(503);
        assert_eq!(page.h1(), "Connectory cannot reach its database");
        assert!(page.text().contains("Reference: ") && !page.header("retry-after").is_empty());
        assert!(!page.html.contains("too many connections"), "says nothing of the inside");
    }
    ana.get("/readyz").await.expect(503);
    ana.get("/healthz").await.expect(200);
    app.sql(&format!("ALTER DATABASE {database} CONNECTION LIMIT -1")).await;
    ana.get("/connectors").await.expect(200);
    ana.get("/readyz").await.expect(200);
}

//! What no request may bring about, over every route of the table, and what a crowd or a guesser may not do.

mod answers;
mod every_form;
mod fields;
mod forms;
mod guessing;
mod late_forms;
mod log;
mod meanwhile;
mod nothing_is_a_fault;
mod versions;

use std::time::Duration;

use actix_web::http::Method;
use connectory::access::Needs;
use connectory::routes::{self, Route};

use crate::access::Examples;
use crate::openid::{let_in, settings};
use crate::support::{Browser, Page, TestApp};

/// A site with something at every address, and a super admin who is signed in.
struct World {
    app: TestApp,
    examples: Examples,
    ana: Browser,
}

impl World {
    async fn new() -> World {
        let app = TestApp::start_with(|site| {
            let_in(site, settings("http://127.0.0.1:1"));
            // The clock is moved a long way, so that no brake hides what is behind it.
            let limit = Duration::from_secs(100_000 * 3600);
            (site.limits.idle, site.limits.lifetime) = (limit, limit);
        })
        .await;
        let examples = Examples::create(&app).await;
        // Nobody answers there, and says so at once.
        app.sql("UPDATE connectors SET base_url = 'http://127.0.0.1:1/v1'").await;
        let ana = app.super_admin().await;
        app.confirm(&ana).await;
        World { app, examples, ana }
    }
}

/// Every route but the one that ends the session of whoever asks.
fn all_routes() -> Vec<Route> {
    let mut all = routes::all();
    all.retain(|route| route.path != "/sign-out");
    all
}

/// The routes of pages.
fn pages() -> impl Iterator<Item = Route> {
    let all = all_routes().into_iter();
    all.filter(|route| route.needs != Needs::ApiKey && route.method == Method::GET)
}

/// Stands in what is sent; no page may hold it as markup.
const MARKUP: &str = "<xss>";

/// Why this is no answer to give: a fault of ours, or what was sent came back as something else than text.
fn wrong(page: &Page, what: &str) -> Option<String> {
    let short: String = what.chars().take(120).collect();
    if page.status >= 500 {
        return Some(format!("{} for {short}: {}", page.path, page.status));
    }
    // A file is no page: it holds what was stored as it is.
    let is_file = page.header("content-disposition").starts_with("attachment");
    if !is_file && page.html.contains(MARKUP) {
        return Some(format!("{} for {short}: markup comes back", page.path));
    }
    if page.headers.contains_key("x-injected") {
        return Some(format!("{} for {short}: a header was added", page.path));
    }
    None
}

/// A value as it stands in a query.
fn encoded(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

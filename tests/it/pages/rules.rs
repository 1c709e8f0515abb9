//! The rules that every page keeps, checked on every page.

use std::collections::HashSet;

use actix_web::http::Method;
use connectory::access::Permission::ViewConnectors;
use connectory::routes;
use scraper::{ElementRef, Selector};

use super::headers::missing_headers;
use super::{fill_in, populated};
use crate::support::{Page, TestApp, words};

/// Names that would hide the form's own properties from scripts.
const HIDING: [&str; 9] = ["action", "method", "name", "id", "submit", "reset", "target", "elements", "length"];

/// What no page holds: inline scripts and styles, frames, and what browsers do instead of us.
const FORBIDDEN: [&str; 13] = [
    "style",
    "[style]",
    "script:not([src])",
    "iframe",
    "object",
    "embed",
    "base",
    "[required]",
    "[placeholder]",
    "select[multiple]",
    "[autofocus]",
    "[target]",
    "dialog",
];

#[tokio::test]
async fn every_page_keeps_the_rules_of_the_house() {
    let (app, ana) = populated().await;
    let mut found = Vec::new();
    for address in addresses(&app).await {
        let page = ana.get(&address).await;
        assert!(page.status < 500, "{address}: {}", page.status);
        if page.location().is_none() {
            found.extend(faults(&page));
        }
    }
    for address in ["/sign-in", "/sign-in?next=/connectors", "/nowhere", "/first-run", "/set-password"] {
        found.extend(faults(&app.browser().get(address).await));
    }
    let empty = TestApp::start().await;
    found.extend(faults(&empty.browser().get("/first-run").await));
    let ben = empty.super_admin().await;
    for address in
        ["/connectors", "/connectors/trash", "/categories", "/connectors/new", "/calls", "/groups", "/collections"]
    {
        found.extend(faults(&ben.get(address).await));
    }
    found.extend(faults(&empty.person(&[]).await.get("/").await));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn every_refused_form_keeps_the_rules_of_the_house() {
    let (app, ana) = populated().await;
    let endpoint = app.value("SELECT id FROM endpoints").await;
    let mut found = Vec::new();
    for (address, expected) in [
        ("/connectors".to_string(), 422),
        ("/connectors/payroll/details".into(), 422),
        ("/connectors/payroll/delete".into(), 409),
        ("/connectors/payroll/authorization/token-requests".into(), 422),
        ("/categories".into(), 422),
        ("/collections".into(), 422),
        ("/collections/books/edit".into(), 422),
        (fill_in(&app, "/categories/{id}").await, 422),
        (fill_in(&app, "/categories/{id}/delete").await, 409),
        ("/users".into(), 422),
        (fill_in(&app, "/users/{id}").await, 422),
        ("/groups".into(), 422),
        (fill_in(&app, "/groups/{id}").await, 422),
        (fill_in(&app, "/groups/{id}/members").await, 422),
        (fill_in(&app, "/groups/{id}/removals").await, 422),
        ("/set-password".into(), 422),
        ("/set-password/password".into(), 422),
        ("/connectors/payroll/endpoints".into(), 422),
        (format!("/connectors/payroll/endpoints/{endpoint}"), 422),
        (format!("/connectors/payroll/endpoints/{endpoint}/runs"), 422),
        (format!("/connectors/payroll/endpoints/{endpoint}/delete"), 409),
    ] {
        let version: &[(&str, &str)] = match expected {
            422 => &[("version", "1")],
            _ => &[],
        };
        let page = ana.post(&address, version).await.expect(expected);
        assert_eq!(page.title().starts_with("Error: "), expected == 422, "{address}: {}", page.title());
        found.extend(faults(&page));
    }
    let conflict =
        ana.get("/connectors/payroll/details").await.submit(|form| form.forge("version", "0")).await.expect(409);
    found.extend(faults(&conflict));
    found.extend(faults(&ana.post_exactly("/connectors", &[]).await.expect(403)));
    let visitor = app.browser();
    found.extend(faults(&visitor.sign_in("", "").await.expect(422)));
    for _ in 0..9 {
        visitor.sign_in("nobody", "wrong").await;
    }
    found.extend(faults(&visitor.sign_in("nobody", "wrong").await.expect(429)));
    found.extend(faults(&app.person(&[]).await.get("/connectors").await.expect(403)));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn a_page_is_as_good_for_somebody_who_may_do_little() {
    let (app, _) = populated().await;
    let ben = app.person(&[ViewConnectors]).await;
    let mut found = Vec::new();
    for address in [
        "/connectors",
        "/connectors/payroll/details",
        "/connectors/payroll/authorization",
        "/connectors/payroll/endpoints",
        "/connectors/weather/endpoints",
        "/connectors/maps/details",
        "/connectors/ledger/authorization",
    ] {
        found.extend(faults(&ben.get(address).await.expect(200)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Every address that answers with a page, the variable parts filled in.
async fn addresses(app: &TestApp) -> Vec<String> {
    let endpoint = app.value("SELECT id FROM endpoints").await;
    let line = app.value("SELECT id FROM audit_events WHERE changes <> '[]' LIMIT 1").await;
    let mut addresses: Vec<String> = Vec::new();
    for route in routes::all().iter().filter(|route| route.method == Method::GET && !route.path.starts_with("/api/v1/"))
    {
        match route.path {
            "/"
            | "/static/{file}"
            | "/favicon.ico"
            | "/healthz"
            | "/readyz"
            | "/metrics"
            | "/calls.csv"
            | "/expirations/calendar.ics" => {}
            "/calls/{place}" => addresses.push(format!("/calls/{}", newest_call(app).await)),
            path if path.contains("{program}") || path.starts_with("/profile/keys/{key}") => {
                addresses.push(fill_in(app, path).await)
            }
            path if path.starts_with("/collections/{key}") => addresses.push(path.replace("{key}", "books")),
            path if path.contains("{key}") => addresses.extend(
                ["payroll", "ledger", "maps", "weather", "books"]
                    .map(|key| path.replace("{key}", key).replace("{id}", &endpoint).replace("{body}", "no-body")),
            ),
            "/audit/{id}" => addresses.push(format!("/audit/{line}")),
            path => addresses.push(fill_in(app, path).await),
        }
    }
    let generated = "00000000-0000-7000-8000-000000000002";
    addresses.extend(
        [
            "/connectors?q=nothing",
            "/connectors?sort=-modified&size=25",
            "/connectors?auth_method=bearer",
            "/categories?q=nothing",
            "/collections?q=nothing",
            "/calls?period=7d&outcome=errors&size=100",
            "/calls?outcome=cancelled",
            "/calls?from=rubbish",
            "/calls?connector=rubbish&caller=rubbish&endpoint=rubbish",
            "/users?q=nothing",
            "/users?status=active&rights=super-admin&sort=-last-sign-in",
            "/groups?q=nothing",
            "/audit?person=nobody",
            "/audit?from=never",
            "/audit?thing=payroll&period=week",
        ]
        .map(String::from),
    );
    addresses.extend([
        format!("/categories/{generated}/delete"),
        format!("/categories/{generated}/edit"),
        "/nowhere".into(),
    ]);
    addresses
}

/// Where a call is found in the log.
async fn newest_call(app: &TestApp) -> String {
    app.value("SELECT (extract(epoch FROM at) * 1000000)::bigint || '-' || id FROM calls ORDER BY at DESC LIMIT 1")
        .await
}

/// What is wrong with a page, by the rules of the house.
fn faults(page: &Page) -> Vec<String> {
    let mut lint = Lint { page, faults: Vec::new() };
    lint.frame();
    lint.words();
    lint.references();
    lint.links();
    lint.fields();
    lint.forms();
    lint.tables();
    lint.messages();
    lint.faults.extend(missing_headers(page));
    lint.faults
}

struct Lint<'a> {
    page: &'a Page,
    faults: Vec<String>,
}

impl Lint<'_> {
    fn demand(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(format!("{}: {}", self.page.path, fault()));
        }
    }

    /// There is exactly one of it.
    fn one(&mut self, css: &str) {
        let count = self.page.all(css).count();
        self.demand(count == 1, || format!("{count} of {css}"));
    }

    fn frame(&mut self) {
        let page = self.page;
        self.demand(page.html.starts_with("<!DOCTYPE html>"), || "no doctype".into());
        for css in [
            "html[lang=en]",
            "head title",
            "meta[charset]",
            "meta[name=viewport]",
            "header",
            "main#main",
            "h1",
            "footer",
        ] {
            self.one(css);
        }
        for css in FORBIDDEN {
            self.demand(page.all(css).next().is_none(), || format!("{css} on the page"));
        }
        for (name, _) in page.all("*").flat_map(|element| element.value().attrs()) {
            self.demand(!name.starts_with("on"), || format!("inline script in {name}"));
        }
        let first = page.all("header a").next().and_then(|link| link.attr("href"));
        self.demand(first == Some("#main"), || "no skip link first".into());
        let (kind, kept) = (page.header("content-type"), page.header("cache-control"));
        self.demand(kind == "text/html; charset=utf-8", || format!("content type {kind}"));
        self.demand(kept == "no-store", || format!("cache-control {kept}"));
        self.demand(page.html.len() < 100_000, || format!("{} bytes", page.html.len()));
    }

    fn words(&mut self) {
        let (title, h1) = (self.page.title(), self.page.h1());
        let named = title.strip_suffix(" – Connectory").is_some_and(|before| !before.trim().is_empty());
        self.demand(named, || format!("title “{title}”"));
        self.demand(!h1.is_empty(), || "an empty h1".into());
        for nav in self.page.all("nav") {
            let label = nav.attr("aria-label").unwrap_or_default();
            let fits = !label.is_empty() && !label.to_lowercase().contains("navigation");
            self.demand(fits, || format!("a nav labelled “{label}”"));
        }
        for button in self.page.all("button") {
            self.demand(!words(button).is_empty(), || "a button without words".into());
        }
    }

    fn ids(&self) -> Vec<String> {
        self.page.attributes("[id]", "id")
    }

    /// Ids are unique, and what points to one finds it.
    fn references(&mut self) {
        let ids = self.ids();
        let known: HashSet<&str> = ids.iter().map(String::as_str).collect();
        self.demand(known.len() == ids.len(), || format!("ids are not unique: {ids:?}"));
        for attribute in ["for", "aria-labelledby", "aria-describedby", "aria-controls"] {
            for value in self.page.attributes(&format!("[{attribute}]"), attribute) {
                let mut pointed = value.split_whitespace().peekable();
                let fits = pointed.peek().is_some() && pointed.all(|id| known.contains(id));
                self.demand(fits, || format!("{attribute} points to “{value}”, which is not there"));
            }
        }
    }

    /// Every link has words and stays on the site.
    fn links(&mut self) {
        let ids = self.ids();
        for (text, href) in self.page.links() {
            let anchor = href.strip_prefix('#').is_some_and(|id| ids.iter().any(|other| other == id));
            self.demand(!text.is_empty(), || format!("a link without words to {href}"));
            self.demand(href.starts_with('/') || anchor, || format!("link “{text}” leads to “{href}”"));
        }
    }

    fn fields(&mut self) {
        let page = self.page;
        for name in page.attributes("input, select, textarea, button[name]", "name") {
            self.demand(!name.is_empty() && !HIDING.contains(&name.as_str()), || format!("a field named “{name}”"));
        }
        for field in page.all("input:not([type=hidden]), select, textarea") {
            let (name, id) = (field.attr("name").unwrap_or_default(), field.attr("id").unwrap_or_default());
            self.one(&format!("label[for='{id}']"));
            let says = field.attr("autocomplete").is_some() || !takes_text(field);
            self.demand(says, || format!("field {name} says nothing of autocomplete"));
        }
        let shown = page.all("input[type=password][value]").next();
        self.demand(shown.is_none(), || "a secret in the page".into());
    }

    fn forms(&mut self) {
        for form in self.page.all("form") {
            let action = form.attr("action").unwrap_or_default();
            let posts = form.attr("method") == Some("post");
            let tokens = within(form, "input[type=hidden][name=csrf]").filter_map(|input| input.attr("value"));
            let tokens: Vec<usize> = tokens.map(str::len).collect();
            // 256 bits in base64. What an authorization server has sent holds the state of the session in its place.
            let fits = tokens == if posts && !action.ends_with("/answers") { vec![43] } else { vec![] };
            self.demand(fits, || format!("CSRF tokens of the lengths {tokens:?} in the form {action}"));
            self.demand(action.starts_with('/'), || format!("a form that is sent to “{action}”"));
            let enter = within(form, "button:not([type=button])").next().is_some();
            self.demand(enter, || format!("a form without a button: {action}"));
        }
    }

    fn tables(&mut self) {
        for table in self.page.all("table") {
            let has = |css: &str| within(table, css).next().is_some();
            let named = has("caption") && has("th[scope=col]") && !has("th:not([scope])");
            self.demand(named, || "a table without caption or scopes".into());
            self.demand(has("tbody tr") && !has("thead td"), || "a table without rows".into());
            for note in within(table, "caption .muted") {
                let before = note.prev_sibling().and_then(|node| node.value().as_text()).map(|text| text.to_string());
                let ends = before.is_some_and(|text| text.ends_with(".\u{a0}"));
                self.demand(ends, || "a caption that is read as one word with its note: end it with “.&nbsp;”".into());
            }
        }
        let sorted = self.page.all("th[aria-sort]").count();
        self.demand(sorted <= 1, || format!("{sorted} columns say that they sort"));
    }

    /// A field's message is tied to the field, and the summary links to it. What takes the focus is read once: it has
    /// no alert in it, and is named by its heading.
    fn messages(&mut self) {
        let alert = self.page.all("[data-focus] [role=alert]").next();
        self.demand(alert.is_none(), || "an alert inside what takes the focus is read twice".into());
        for heading in self.page.attributes(".note.bad[data-focus]", "aria-labelledby") {
            self.one(&format!(".note.bad[role=group] h2#{heading}"));
        }
        for error in self.page.attributes(".err", "id") {
            let field = error.trim_end_matches("-error");
            let tied = self.page.all(&format!("[aria-describedby~='{error}']")).next().is_some();
            self.demand(tied, || format!("the message {error} is not tied to {field}"));
            self.one(&format!(".note.bad a[href='#{field}']"));
        }
    }
}

fn within<'a>(element: ElementRef<'a>, css: &str) -> impl Iterator<Item = ElementRef<'a>> {
    let found: Vec<ElementRef<'a>> = element.select(&Selector::parse(css).expect("a selector")).collect();
    found.into_iter()
}

fn takes_text(field: ElementRef<'_>) -> bool {
    match field.value().name() {
        "select" => false,
        "textarea" => true,
        _ => !matches!(field.attr("type"), Some("checkbox" | "file" | "radio" | "hidden")),
    }
}

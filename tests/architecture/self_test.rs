//! The rules can fail: what each finds in small sources, by line.

use super::*;

fn lines(rule: fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    rule(&source).into_iter().map(|finding| finding.0).collect()
}

#[test]
fn an_import_is_seen_however_it_is_written() {
    let seen = |path, text| lines(imports, path, text);
    assert_eq!(seen("src/db/pool.rs", "use crate::web::Error;"), [1]);
    assert_eq!(seen("src/db/pool.rs", "\nlet x = crate::web::Error::Gone;"), [2]);
    assert_eq!(seen("src/db/pool.rs", "use crate::{\nconfig::{A, B as C},\nweb};"), [3]);
    assert_eq!(seen("src/db/pool.rs", "use {std::fs, crate::{config, {web::{a, b}}}};"), [1, 1]);
    assert_eq!(seen("src/db/pool.rs", "use super::super::web;"), [1]);
    assert_eq!(seen("src/db/mod.rs", "use super::web;"), [1]);
    assert_eq!(seen("src/db/mod.rs", "mod tests { use super::super::web; }"), [1]);
    assert_eq!(seen("src/db/pool.rs", "use crate::*;"), [1]);
    assert_eq!(seen("src/vault.rs", "fn f<'a>(x: &'a str) { g::<crate::db::Pool>('\"') }"), [1]);
    assert_eq!(seen("src/main.rs", "connectory::app::run(); connectory::cli::run()"), [1]);
    assert_eq!(seen("src/db/pool.rs", "macro_rules! m { () => { $crate::web::x() } }"), [1]);
}

#[test]
fn an_allowed_import_is_none_of_the_findings() {
    let seen = |path, text| lines(imports, path, text);
    let none: [usize; 0] = [];
    assert_eq!(seen("src/db/pool.rs", "use crate::{config::Config, db, clock::Clock};"), none);
    assert_eq!(seen("src/db/mod.rs", "mod tests { use super::web; }"), none);
    assert_eq!(seen("src/db/a/b.rs", "use super::super::web; pub(crate) fn f() {}"), none);
    assert_eq!(seen("src/outbound/mod.rs", "use crate::vault::Secret;"), none);
    assert_eq!(seen("src/outbound/mod.rs", "use crate::vault::{Secret, seal};"), [1]);
    assert_eq!(seen("src/outbound/mod.rs", "use crate::vault;"), [1]);
    let unread = "// crate::web\n/* /* */ crate::web */ \"\\\"crate::web\" r#\"\"crate::web\"#";
    assert_eq!(seen("src/db/pool.rs", unread), none);
}

#[test]
fn a_module_without_a_row_is_found() {
    assert_eq!(lines(unmapped, "src/helpers.rs", ""), [1]);
}

#[test]
fn length_and_opening_are_measured() {
    assert_eq!(lines(length, "src/web/page.rs", &"\n".repeat(401)), [401]);
    assert_eq!(lines(length, "src/web/page.rs", &"\n".repeat(400)), [0; 0]);
    assert_eq!(lines(opening, "src/web/page.rs", "// For pages."), [1]);
}

#[test]
fn a_panic_counts_outside_tests_only() {
    let text = "a.unwrap();\nb\n    .expect(\"x\");\n#[cfg(test)]\nmod tests { fn f(x: [u8; 3]) { a.unwrap() } }";
    assert_eq!(lines(panics, "src/web/page.rs", text), [1, 3]);
    assert_eq!(lines(panics, "src/cli/demo.rs", text), [0; 0]);
    assert_eq!(lines(panics, "src/web/tests.rs", text), [0; 0]);
    assert_eq!(lines(panics, "src/web/page.rs", "#[cfg(test)]\nuse a::b;\nc.unwrap();"), [3]);
    assert_eq!(lines(panics, "src/web/page.rs", "a.unwrap_or(b).expect_err(c)"), [0; 0]);
}

#[test]
fn a_silenced_lint_is_found() {
    assert_eq!(lines(lints, "src/a.rs", "#![allow(dead_code)]\n#[expect(unused)]"), [1, 2]);
    assert_eq!(lines(lints, "src/a.rs", "#[cfg_attr(test, allow(unused))]"), [1]);
    assert_eq!(lines(lints, "src/a.rs", "#[expect(unused, reason = \"it is allowed\")]"), [0; 0]);
}

#[test]
fn side_doors_are_found() {
    assert_eq!(lines(unsafe_code, "src/a.rs", "// unsafe\nunsafe {}"), [2]);
    assert_eq!(lines(environment, "src/a.rs", "use std::{fs,\nenv};\nstd::env::var(\"A\")"), [2, 3]);
    assert_eq!(lines(environment, "src/a.rs", "::std::env::var(\"A\"); env!(\"A\")"), [1]);
    assert_eq!(lines(environment, "src/config.rs", "std::env::var(\"A\")"), [0; 0]);
    assert_eq!(lines(http_client, "src/oauth/refresh.rs", "fn f(c: hyper::Request<()>) {}\nuse reqwest::get;"), [1, 2]);
    assert_eq!(lines(http_client, "src/outbound/client.rs", "hyper::client::conn::http1::Builder::new()"), [0; 0]);
    assert_eq!(lines(time, "src/web/page.rs", "chrono::Utc::now();\nSystemTime::now"), [1, 2]);
    assert_eq!(lines(time, "src/clock.rs", "Utc::now()"), [0; 0]);
    assert_eq!(lines(left_open, "src/a.rs", "// later\n// FIXME: now\ntodo!()"), [2, 3]);
}

//! The rules of `docs/architecture.md` that no compiler knows, checked on the text of `src/`.
//!
//! Rule: a failure names file, line and the rule in words; nothing else is needed to mend it.

#[path = "architecture/dependencies.rs"]
mod dependencies;
#[path = "architecture/security_page.rs"]
mod security_page;
#[path = "architecture/self_test.rs"]
mod self_test;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/tables.rs"]
mod tables;
#[path = "architecture/words.rs"]
mod words;

use source::{Finding, Source, closing, paths, sources, text};

/// What a folder or file of `src/` may import, from top to bottom: a row names only rows above
/// it, so there is no cycle. `a::B` is that one item; what `+`, `slices` and `everything` stand
/// for is below. What goes beyond the picture in the docs has its reason beside it.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("name", &[]),
    ("vault", &[]),
    ("config", &["vault::Secret"]), // passwords and keys that are set
    ("db", &["config"]),
    ("outbound", &["db::text_column", "vault::Secret"]), // addresses are stored; credentials pass through requests
    // a failure with a page; the page of a list; what a form was made from
    ("web", &["db::Conn", "db::Unavailable", "db::keyset", "db::text_enum", "db::version"]),
    ("oauth", &["db", "outbound", "vault", "web"]), // round_trip stores who left and says why nothing came back
    ("template", &["db::text_enum", "outbound", "web::capitalized"]), // addresses; the errors of values are sentences
    ("access", &["db", "web"]),
    ("audit", &["access", "db", "vault", "web"]), // keys of the chain's links
    ("keyring", &["+", "vault"]),
    ("categories", &["+"]),
    ("connectors", &["+", "categories", "outbound::HttpUrl", "template::ENCODED"]), // the base URL; paths of calls
    ("authorization", &["+", "connectors", "oauth", "outbound", "template", "vault"]),
    ("checks", &["+", "connectors", "authorization"]),
    ("calls", &["+", "connectors"]),
    ("relay", &["+", "connectors", "authorization", "calls", "oauth", "outbound", "vault"]),
    ("endpoints", &["+", "connectors", "authorization", "calls", "relay", "outbound", "template"]),
    ("providers", &["+", "categories", "connectors", "authorization", "outbound::HttpUrl", "vault"]),
    ("expirations", &["+", "connectors"]),
    ("collections", &["+", "categories", "connectors", "authorization", "endpoints", "outbound::HttpUrl", "vault"]),
    (
        "notices",
        &[
            "+",
            "config", // the ways that they go
            "connectors",
            "expirations", // what to remind of
            "outbound",
        ],
    ),
    (
        "system",
        &[
            "+", "calls",  // lines that wait
            "config", // the settings in effect
            "keyring",
        ],
    ),
    ("programs", &["+", "connectors"]),                // which of them a key may call
    ("accounts", &["+", "programs", "vault::Secret"]), // a person's own keys; passwords in forms
    // whose session a form is of; sealing; names of secrets
    ("drafts", &["+", "accounts", "connectors::SecretField", "vault"]),
    ("people", &["+", "accounts"]),             // user names; storing users
    ("rights", &["+", "connectors", "people"]), // users and groups to list, and where their permissions come from
    // storing a user, beginning a session; groups by claim
    ("openid", &["+", "accounts", "people", "config", "oauth", "outbound", "vault"]),
    ("api", &["+", "collections", "endpoints", "connectors", "authorization", "calls", "relay", "outbound"]),
    ("overview", &["+", "authorization", "calls", "connectors", "endpoints"]),
    ("home", &["+", "accounts", "connectors", "calls"]),
    ("status", &["db", "vault::Secret", "web"]), // the token of the metrics
    ("routes", &["+", "slices", "status"]),
    ("app", &["everything"]),
    ("cli", &["everything"]),
    ("lib", &[]),
    ("main", &["cli"]),
];
const KIT: &[&str] = &["audit", "access", "db", "web"]; // "+"
const SLICES: &[&str] = &[
    "categories",
    "connectors",
    "providers",
    "authorization",
    "checks",
    "calls",
    "relay",
    "endpoints",
    "expirations",
    "collections",
    "notices",
    "system",
    "programs",
    "accounts",
    "drafts",
    "people",
    "rights",
    "openid",
    "api",
    "home",
    "overview",
];
const FOR_ALL: &[&str] = &["clock", "name"]; // asked everywhere, so answered in one place

const LONGEST: usize = 400;
const GENERATED: &str = "src/db/schema.rs"; // by diesel: neither opened nor kept short by hand

#[test]
fn a_folder_imports_only_what_the_map_allows() {
    check(imports);
}

#[test]
fn every_module_stands_in_the_map() {
    check(unmapped);
}

#[test]
fn the_map_has_no_cycle() {
    for (at, (folder, _)) in MAY_IMPORT.iter().enumerate() {
        for entry in may_import(folder) {
            let module = entry.split("::").next().unwrap();
            let above = MAY_IMPORT[..at].iter().any(|row| row.0 == module);
            assert!(above, "MAY_IMPORT: {folder} names {module}, which does not stand above it");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    check(length);
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    check(opening);
}

#[test]
fn nothing_panics_by_unwrap_or_expect() {
    check(panics);
}

#[test]
fn no_lint_is_allowed_and_every_expected_one_has_its_reason() {
    check(lints);
}

#[test]
fn no_code_is_unsafe() {
    check(unsafe_code);
}

#[test]
fn only_config_reads_the_environment() {
    check(environment);
}

#[test]
fn only_outbound_names_the_http_client() {
    check(http_client);
}

#[test]
fn only_the_clock_asks_for_the_time() {
    check(time);
}

#[test]
fn nothing_is_left_open() {
    check(left_open);
}

fn check(rule: fn(&Source) -> Vec<Finding>) {
    let mut broken = String::new();
    for source in sources() {
        for (line, words) in rule(&source) {
            broken += &format!("{}:{line}: {words}\n", source.path);
        }
    }
    assert!(broken.is_empty(), "\n{broken}");
}

fn imports(source: &Source) -> Vec<Finding> {
    let folder = source.folder();
    let tokens = source.tokens();
    let mut found = vec![];
    for path in paths(&tokens) {
        let leaf = tokens[path.at];
        let supers = path.segments.iter().take_while(|name| **name == "super").count();
        let root = match path.segments[0] {
            "crate" => 1,
            "connectory" if folder == "main" => 1,
            "super" if supers == source.depth() + leaf.inside => supers,
            _ => continue,
        };
        let Some(module) = path.segments.get(root) else {
            continue;
        };
        let item = path.segments.get(root + 1);
        let full = item.map_or(module.to_string(), |item| format!("{module}::{item}"));
        let mut allowed = may_import(folder).into_iter().chain(FOR_ALL.iter().copied());
        if *module != folder && !allowed.any(|entry| entry == *module || entry == full) {
            let rule = format!("{folder} may not import {full} (MAY_IMPORT, tests/architecture.rs)");
            found.push((leaf.line, rule));
        }
    }
    found
}

fn may_import(folder: &str) -> Vec<&'static str> {
    let Some(at) = MAY_IMPORT.iter().position(|row| row.0 == folder) else {
        return vec![];
    };
    let spell_out = |entry: &&'static str| match *entry {
        "+" => KIT.to_vec(),
        "slices" => SLICES.to_vec(),
        "everything" => MAY_IMPORT[..at].iter().map(|row| row.0).collect(),
        module => vec![module],
    };
    MAY_IMPORT[at].1.iter().flat_map(spell_out).collect()
}

fn unmapped(source: &Source) -> Vec<Finding> {
    let known = MAY_IMPORT.iter().any(|row| row.0 == source.folder());
    unless(known, 1, "a module at the top of src/ needs a row in MAY_IMPORT, tests/architecture.rs")
}

fn length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let is_table = source.path.ends_with("/tests.rs"); // cases, one a line, are read one at a time
    let fine = lines <= LONGEST || is_table || source.path == GENERATED;
    unless(fine, lines, "a file of more than 400 lines becomes a folder by screen")
}

fn opening(source: &Source) -> Vec<Finding> {
    let fine = source.text.starts_with("//!") || source.path == GENERATED;
    unless(fine, 1, "a module opens with //!: what for, its rule, its danger")
}

fn panics(source: &Source) -> Vec<Finding> {
    let rule = "unwrap and expect are for tests, main and cli: give back an error";
    let calls = [[".", "unwrap", "("], [".", "expect", "("]];
    let found = calls.iter().flat_map(|call| source.finds(call)).filter(|token| !token.test);
    let found = found.map(|token| (token.line, rule.to_owned()));
    if ["main", "cli"].contains(&source.folder()) { vec![] } else { found.collect() }
}

fn lints(source: &Source) -> Vec<Finding> {
    let tokens = source.tokens();
    let mut found = vec![];
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "#") {
        let open = if text(&tokens, at + 1) == "!" { at + 2 } else { at + 1 };
        if text(&tokens, open) != "[" {
            continue;
        }
        let attribute = &tokens[open..closing(&tokens, open)];
        let has = |word| attribute.iter().any(|token| token.text == word);
        if has("allow") || (has("expect") && !has("reason")) {
            found.push((token.line, "mend it, or #[expect(lint, reason = \"…\")]".to_owned()));
        }
    }
    found
}

fn unsafe_code(source: &Source) -> Vec<Finding> {
    named(source, &["unsafe"], "no unsafe code")
}

fn environment(source: &Source) -> Vec<Finding> {
    let rule = "only config reads the environment: take the setting from Config";
    let tokens = source.tokens();
    let mut found = paths(&tokens);
    found.retain(|path| path.segments.starts_with(&["std", "env"]) && !tokens[path.at].test);
    let found = found.iter().map(|path| (tokens[path.at].line, rule.to_owned()));
    if source.folder() == "config" { vec![] } else { found.collect() }
}

fn http_client(source: &Source) -> Vec<Finding> {
    if source.folder() == "outbound" {
        return vec![];
    }
    let rule = "only outbound names an HTTP client: ask its guarded one";
    let clients = ["hyper", "hyper_util", "reqwest"];
    clients.iter().flat_map(|client| named(source, &[client], rule)).collect()
}

fn time(source: &Source) -> Vec<Finding> {
    if source.folder() == "clock" {
        return vec![];
    }
    let rule = "only clock asks for the time: take it as a value";
    let kinds = ["Utc", "Local", "SystemTime"];
    kinds.iter().flat_map(|kind| named(source, &[kind, "::", "now"], rule)).collect()
}

fn left_open(source: &Source) -> Vec<Finding> {
    let marks = ["TODO", "FIXME", "todo!(", "unimplemented!("];
    let lines = source.text.lines().zip(1..);
    let open = lines.filter(|(line, _)| marks.iter().any(|mark| line.contains(mark)));
    open.map(|(_, at)| (at, "nothing is left open in the code: do it or file it".to_owned())).collect()
}

fn named(source: &Source, words: &[&str], rule: &str) -> Vec<Finding> {
    source.finds(words).iter().map(|token| (token.line, rule.to_owned())).collect()
}

fn unless(fine: bool, line: usize, rule: &str) -> Vec<Finding> {
    if fine { vec![] } else { vec![(line, rule.to_owned())] }
}

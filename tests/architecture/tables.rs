//! Each table is written by one module: only its source may INSERT, UPDATE or DELETE it. Triggers are not looked at.

use super::source::{Finding, Source, Token, closing, sources, text};

/// Every table of the schema, and the module that writes it.
const OWNERS: &[(&str, &str)] = &[
    ("api_key_endpoints", "programs"),
    ("api_key_scopes", "programs"),
    ("api_keys", "programs"),
    ("audit_chain", "audit"),
    ("audit_events", "audit"),
    ("audit_links", "audit"),
    ("audit_names", "audit"),
    ("audit_queue", "audit"),
    ("audit_transition", "audit"),
    ("authorization_requests", "oauth"),
    ("authorizations", "authorization"),
    ("breakers", "relay"),
    ("call_hours", "calls"),
    ("calls", "calls"),
    ("categories", "categories"),
    ("check_runs", "checks"),
    ("check_schedules", "checks"),
    ("checks", "checks"),
    ("collections", "collections"),
    ("connector_categories", "connectors"),
    ("connector_rights", "connectors"),
    ("connector_templates", "providers"),
    ("connector_total", "connectors"),
    ("connectors", "connectors"),
    ("cookie_keys", "keyring"),
    ("data_keys", "keyring"),
    ("device_requests", "authorization"),
    ("drafts", "drafts"),
    ("endpoints", "endpoints"),
    ("evidence", "connectors"),
    ("group_groups", "people"),
    ("group_permissions", "people"),
    ("group_users", "people"),
    ("groups", "people"),
    ("identities", "accounts"),
    ("imports", "collections"),
    ("instances", "keyring"),
    ("invitations", "accounts"),
    ("notice_deliveries", "notices"),
    ("notice_events", "notices"),
    ("notice_stops", "notices"),
    ("oauth_clients", "authorization"),
    ("programs", "programs"),
    ("record_members", "collections"),
    ("record_versions", "collections"),
    ("records", "collections"),
    ("renewals", "authorization"),
    ("secrets", "authorization"),
    ("session_users", "accounts"),
    ("sessions", "accounts"),
    ("sign_in_alarms", "access"),
    ("sign_in_places", "access"),
    ("token_requests", "authorization"),
    ("tokens", "authorization"),
    ("user_permissions", "accounts"),
    ("users", "accounts"),
];

/// A table that another module writes as well, and why. `{table}` is one whose name the program fills in.
const SHARED: &[(&str, &str, &str)] = &[
    ("authorizations", "connectors", "a new connector gets its row, and a new base URL makes open forms of it stale"),
    (
        "connectors",
        "categories",
        "a category's name stands in its connectors, so that they are sorted and searched by it",
    ),
    (
        "renewals",
        "connectors",
        "the health forecast says when the token is renewed; a connector is disabled and restored",
    ),
    ("tokens", "connectors", "the health forecast says when it changes; a connector is disabled and restored"),
    ("users", "access", "the list of data connectors remembers the rows per page for a person"),
    (
        "{table}",
        "keyring",
        "sealing again replaces a value by the same value; SEALED in src/keyring/sealed.rs has the tables",
    ),
];

const SCHEMA: &str = "src/db/schema.rs";

#[test]
fn a_table_is_written_by_its_module_alone() {
    super::check(writes);
}

#[test]
fn every_table_has_an_owner_and_every_exception_is_needed() {
    let sources = sources();
    let schema = sources.iter().find(|source| source.path == SCHEMA).unwrap();
    let owned: Vec<&str> = OWNERS.iter().map(|(table, _)| *table).collect();
    assert_eq!(tables(schema), owned, "OWNERS has the tables of {SCHEMA}");
    for (table, module, _) in SHARED {
        let is_used = sources.iter().filter(|source| source.folder() == *module);
        let mut written = is_used.flat_map(written);
        assert!(written.any(|(_, name)| name.as_deref() == Some(table)), "SHARED: {module} does not write {table}");
    }
}

fn writes(source: &Source) -> Vec<Finding> {
    let module = source.folder();
    let is_allowed = |name: &str| {
        let is_other = !name.starts_with('{') && OWNERS.iter().all(|row| row.0 != name);
        is_other || OWNERS.contains(&(name, module)) || SHARED.iter().any(|row| (row.0, row.1) == (name, module))
    };
    let finding = |(line, name): (usize, Option<String>)| match name {
        None => Some((line, "name the table in the statement, or bind it with let before".to_owned())),
        Some(name) if is_allowed(&name) => None,
        Some(name) => Some((line, format!("{module} may not write {name} (OWNERS, tests/architecture/tables.rs)"))),
    };
    written(source).into_iter().filter_map(finding).collect()
}

/// The tables of the schema, by name.
fn tables(schema: &Source) -> Vec<String> {
    let tokens = schema.tokens();
    let starts = (0..tokens.len()).filter(|at| text(&tokens, *at) == "table" && text(&tokens, at + 1) == "!");
    let mut names: Vec<String> = starts.map(|at| text(&tokens, at + 3).to_owned()).collect();
    names.sort();
    names
}

/// What the statements of a source write: line and table, `None` where the table cannot be told.
fn written(source: &Source) -> Vec<(usize, Option<String>)> {
    let tokens = source.tokens();
    let mut found = vec![];
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| !token.test) {
        if token.text.starts_with(['"', 'r']) && token.text.ends_with(['"', '#']) {
            found.extend(written_by_sql(token.text).into_iter().map(|name| (token.line, Some(name))));
        }
        let is_change = ["update", "delete"].contains(&token.text) && at > 1 && text(&tokens, at - 2) == "diesel";
        if (is_change || token.text == "insert_into") && text(&tokens, at + 1) == "(" {
            found.push((token.line, table_of(&tokens, at + 2, closing(&tokens, at + 1))));
        }
    }
    found
}

/// The tables behind INSERT INTO, UPDATE and DELETE FROM in a text.
fn written_by_sql(sql: &str) -> Vec<String> {
    let separators = |c: char| c.is_whitespace() || ['(', ')', '"', ';', ','].contains(&c);
    let words: Vec<&str> = sql.split(separators).filter(|word| !word.is_empty()).collect();
    let name = |at: usize| match (words[at], words.get(at + 1)) {
        ("INSERT" | "MERGE", Some(&"INTO")) | ("DELETE", Some(&"FROM")) => words.get(at + 2),
        ("UPDATE" | "TRUNCATE", next) if at == 0 || !["FOR", "KEY", "DO"].contains(&words[at - 1]) => next,
        _ => None,
    };
    (0..words.len()).filter_map(name).map(ToString::to_string).collect()
}

/// The table of the expression from `start` to `end`: the first `name::table` in it, or in what it was bound to by the
/// nearest `let` before.
fn table_of(tokens: &[Token], start: usize, end: usize) -> Option<String> {
    let named = (start..end).find(|at| text(tokens, at + 1) == "::" && text(tokens, at + 2) == "table");
    if let Some(at) = named {
        let name = text(tokens, at);
        let alias = (1..tokens.len()).find(|at| text(tokens, *at) == "as" && text(tokens, at + 1) == name);
        return Some(alias.map_or(name, |at| text(tokens, at - 1)).to_owned());
    }
    let variable = text(tokens, start);
    let bound = (1..start)
        .rev()
        .find(|at| text(tokens, *at) == variable && text(tokens, at - 1) == "let" && text(tokens, at + 1) == "=")?;
    let end = (bound..start).find(|at| text(tokens, *at) == ";")?;
    table_of(tokens, bound + 2, end)
}

#[test]
fn a_write_is_seen_however_it_is_written() {
    let seen = |path: &str, text: &str| {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        writes(&source).into_iter().map(|finding| finding.0).collect::<Vec<usize>>()
    };
    let none: [usize; 0] = [];
    assert_eq!(seen("src/people/a.rs", "\ndiesel::insert_into(users::table).values(x);"), [2]);
    assert_eq!(seen("src/people/a.rs", "diesel::delete(groups::table.find(id))"), none);
    assert_eq!(seen("src/people/a.rs", "let row = users::table.find(id); diesel::update(row).set(x)"), [1]);
    assert_eq!(seen("src/people/a.rs", "use schema::users as u; diesel::delete(u::table)"), [1]);
    assert_eq!(seen("src/people/a.rs", "fn f(row: R) { diesel::update(row) }"), [1], "a table that cannot be told");
    assert_eq!(seen("src/people/a.rs", "sql_query(\"WITH x AS (\n UPDATE users SET y = 1)\")"), [1]);
    assert_eq!(seen("src/people/a.rs", "\"SELECT 1 FROM users FOR NO KEY UPDATE\""), none);
    assert_eq!(seen("src/people/a.rs", "r#\"INSERT INTO users (id) VALUES (1)\"#; \"DELETE FROM users\""), [1, 1]);
    assert_eq!(seen("src/people/a.rs", "format!(\"UPDATE {name} SET y = 1\")"), [1], "a name that is filled in");
    assert_eq!(seen("src/accounts/a.rs", "\"UPDATE users SET y = 1\"; diesel::delete(users::table)"), none);
}

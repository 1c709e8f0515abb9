//! `docs/security.md` against the sources: a test that it names exists, and no line of its tables says nothing.

use std::path::{Path, PathBuf};

const PAGE: &str = "docs/security.md";

/// The last column of each table: what keeps the line.
const COLUMN: &str = "Kept by";

/// Begins a cell that says why no test can keep the line.
const NO_TEST: &str = "No test: ";

/// A reason takes some words.
const SHORTEST_REASON: usize = 30;

/// Where modules of tests are found: the integration tests, those of the browser, these rules, the program itself.
const ROOTS: [&str; 4] = ["tests/it", "tests", "tests/architecture", "src"];

#[test]
fn every_line_names_tests_that_exist_or_says_why_there_is_none() {
    let text = std::fs::read_to_string(in_project(PAGE)).unwrap();
    assert!(text.matches(COLUMN).count() > 10, "{PAGE} has its tables");
    let found = findings(&text, exists);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_line_without_a_test_and_a_test_that_is_none_are_found() {
    let lines = |row: &str| {
        let text = format!("| What | {COLUMN} |\n|---|---|\n{row}\n");
        findings(&text, |name| name == "vault::tests::it_opens").len()
    };
    assert_eq!(lines("| a | `vault::tests::it_opens` |"), 0);
    assert_eq!(lines("| a | `vault::tests::it_opens`, `vault::gone` |"), 1);
    assert_eq!(lines("| a | vault::tests::it_opens |"), 1, "not in code");
    assert_eq!(lines("| a | |"), 1);
    assert_eq!(lines("| a | – |"), 1);
    assert_eq!(lines("| a | No test: none |"), 1, "no reason");
    assert_eq!(lines("| a | No test: the compiler keeps it, and nothing else could |"), 0);
    let other = findings("| What | Who |\n|---|---|\n| a | b |\n", |_| true);
    assert_eq!(other.len(), 2, "a table without the column, and its row");
}

#[test]
fn a_test_is_found_where_cargo_says_that_it_is() {
    assert!(exists("nothing_panics_by_unwrap_or_expect"), "a rule");
    assert!(exists("access::matrix::every_route_answers_everybody_as_reviewed"));
    assert!(exists("vault::tests::a_key_of_another_length_is_none"), "in a file of its own");
    assert!(exists("web::csrf::tests::a_csrf_token_fits_its_browser_only"), "beside the code");
    assert!(!exists("web::csrf::tests::sign"), "no test");
    assert!(!exists("vault::tests::no_such_test"));
    assert!(!exists("no::such::module"));
}

/// What is wrong with the tables of a page.
fn findings(text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = "";
    for (line, at) in text.lines().zip(1..) {
        let in_table = before.starts_with('|');
        before = line;
        let Some(cell) = last_cell(line) else {
            continue;
        };
        if !in_table && cell != COLUMN {
            found.push(format!("{PAGE}:{at}: the last column of a table is “{COLUMN}”"));
        }
        if in_table && !line.starts_with("|---") {
            found.extend(problem(cell, &exists).map(|words| format!("{PAGE}:{at}: {words}")));
        }
    }
    found
}

fn last_cell(line: &str) -> Option<&str> {
    let row = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
    row.rsplit('|').next().map(str::trim)
}

fn problem(cell: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    if let Some(reason) = cell.strip_prefix(NO_TEST) {
        return (reason.chars().count() < SHORTEST_REASON).then(|| "say why no test can keep it".to_string());
    }
    cell.split(", ").find_map(|part| {
        let name = part.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        match name {
            None => Some(format!("“{part}” is neither a test in backticks nor “{NO_TEST}…”")),
            Some(name) if !exists(name) => Some(format!("there is no test {name}")),
            Some(_) => None,
        }
    })
}

/// Whether the sources have a test of this name, as `cargo test` prints it: in a file of its module, or in a module
/// that stands within the file of the one above.
fn exists(name: &str) -> bool {
    let (module, function) = name.rsplit_once("::").unwrap_or(("", name));
    let (above, last) = module.rsplit_once("::").unwrap_or(("", module));
    let inline = format!("mod {last} {{");
    let has = |text: String| is_test(&text, function);
    texts(module).any(has) || texts(above).any(|text| text.contains(&inline) && has(text))
}

/// The texts of the files in which a module can stand.
fn texts(module: &str) -> impl Iterator<Item = String> {
    let path = module.replace("::", "/");
    let paths: Vec<String> = if path.is_empty() {
        vec!["tests/architecture.rs".into()]
    } else {
        let forms = |root: &&str| [format!("{root}/{path}.rs"), format!("{root}/{path}/mod.rs")];
        ROOTS.iter().flat_map(forms).collect()
    };
    let read = |path: String| std::fs::read_to_string(in_project(&path)).ok();
    paths.into_iter().filter_map(read)
}

/// Whether the function stands there under an attribute that makes it a test.
fn is_test(text: &str, function: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let start = format!("fn {function}(");
    let at = lines.iter().position(|line| line.contains(&start));
    at.is_some_and(|at| {
        let above = lines[..at].iter().rev();
        above.take_while(|line| line.starts_with("#[")).any(|line| line.contains("test"))
    })
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

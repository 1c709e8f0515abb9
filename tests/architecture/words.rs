//! Words that the project does not use, in code, comments, pages and docs: the standard term is what people search for.
//!
//! Rule: a word on the list has a standard term or is literary English. Text in backticks is left out in the docs, where
//! it names tests and quotes output.

use std::fs;
use std::path::{Path, PathBuf};

/// The word, and what to write instead. Words of several parts are found across single spaces.
const WORDS: &[(&str, &str)] = &[
    ("whoever", "name the person, client or role"),
    ("somebody", "name the person or role"),
    ("nobody", "say what is not possible"),
    ("anybody", "name the person or role"),
    ("manners", "retry policy"),
    ("anew", "again"),
    ("is told", "receives a notice, or: the page says"),
    ("are told", "receive a notice, or: the page says"),
    ("leads to", "can call, has access to, or: links to"),
    ("lead to", "can call, have access to, or: link to"),
    ("leads here", "can call this connector"),
    ("lead here", "can call this connector"),
    ("leads nowhere", "has no access yet"),
    ("by every way", "through every channel"),
    ("rows a page", "rows per page"),
    ("lines a page", "rows per page"),
    ("is it you", "confirm it’s you"),
    ("deserves attention", "problems"),
    ("gone for good", "deleted permanently"),
    ("all that fit", "all matches"),
    ("calls at once", "concurrent calls"),
    ("switchboard", "relay state"),
];

#[test]
fn the_standard_term_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md")];
    for folder in ["src", "templates", "docs"] {
        files_below(&root.join(folder), &mut files);
    }
    let mut found = String::new();
    for file in files.iter().filter(|file| is_text(file)) {
        let text = fs::read_to_string(file).unwrap();
        let is_doc = file.extension().is_some_and(|ending| ending == "md");
        for (line, word, instead) in findings(&text, is_doc) {
            let file = file.strip_prefix(root).unwrap().display();
            found += &format!("{file}:{line}: “{word}”: {instead}\n");
        }
    }
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn a_word_is_found_whole_in_any_case_and_outside_of_quoted_code() {
    let lines = |text: &str, is_doc| findings(text, is_doc).iter().map(|found| found.0).collect::<Vec<_>>();
    assert_eq!(lines("a\nWhoever may\n", false), [2]);
    assert_eq!(lines("It leads to\nnobody", false), [1, 2]);
    assert_eq!(lines("a busybody, renewed; manners_of", false), [0; 0]);
    assert_eq!(lines("kept by `tests::nobody_may`", true), [0; 0]);
    assert_eq!(lines("```\nanew\n```\nanew", true), [4]);
    assert_eq!(lines("/// `anew`", false), [1]);
}

fn is_text(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ["rs", "html", "md"].iter().any(|known| ending == *known))
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, files) } else { files.push(path) }
    }
}

fn findings(text: &str, is_doc: bool) -> Vec<(usize, &'static str, &'static str)> {
    let mut found = vec![];
    let mut in_block = false;
    for (line, at) in text.lines().zip(1..) {
        in_block ^= is_doc && line.trim_start().starts_with("```");
        if in_block {
            continue;
        }
        let line = if is_doc { line.split('`').step_by(2).collect() } else { line.to_string() };
        let line = line.to_lowercase();
        let words = WORDS.iter().filter(|(word, _)| holds(&line, word));
        found.extend(words.map(|(word, instead)| (at, *word, *instead)));
    }
    found
}

/// Whether a line has the word, with no letter, digit or underscore beside it.
fn holds(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .any(|(at, _)| !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next()))
}

//! No block of the documents is without a test, or without the reason why.

use std::collections::HashSet;
use std::fs;

use super::document::{Marker, blocks, read, repository};

/// The functions by which tests take a recipe out of a document.
const READERS: [&str; 7] = ["recipe", "block", "run", "try_run", "paste", "put", "add_settings"];

/// The sources of the tests that run recipes, each call on one line with its first argument.
fn tests() -> String {
    let folder = fs::read_dir(repository("tests/it/recipes")).expect("the tests");
    let files = folder.map(|file| file.expect("a file").path());
    files.map(|path| with_joined_calls(&fs::read_to_string(path).expect("a source"))).collect()
}

fn with_joined_calls(source: &str) -> String {
    let pieces: Vec<&str> = source.split('(').map(str::trim_start).collect();
    pieces.join("(")
}

/// Whether one of the readers is called with this name.
fn is_read(sources: &str, name: &str) -> bool {
    READERS.iter().any(|reader| {
        let call = format!("{reader}(\"{name}\"");
        let mut places = sources.match_indices(&call);
        places.any(|(place, _)| {
            let before = sources[..place].chars().next_back();
            !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
        })
    })
}

#[test]
fn a_name_that_only_stands_somewhere_in_a_test_runs_nothing() {
    let source =
        with_joined_calls("let name = \"backup\"; overrun(\"backup\"); machine.run(\n        \"restore\",\n    );");
    assert!(!is_read(&source, "backup"));
    assert!(is_read(&source, "restore"));
}

#[test]
fn every_code_block_is_run_by_a_test_or_says_why_not() {
    let tests = tests();
    let mut names = HashSet::new();
    for path in ["docs/operations.md", "README.md"] {
        for block in blocks(&read(path)) {
            let place = format!("{path}:{}", block.line);
            match block.marker {
                Marker::Recipe(name) => {
                    assert!(is_read(&tests, &name), "{place}: no test runs the recipe “{name}”");
                    assert!(names.insert(name.clone()), "{place}: a second “{name}”");
                }
                Marker::NotRun(reason) => {
                    assert!(reason.len() > 10, "{place}: is “{reason}” a reason?");
                }
                Marker::Missing => panic!(
                    "{place}: put <!-- recipe: name --> before the block, and a test into tests/it/recipes that runs it; or <!-- not run: reason -->"
                ),
            }
        }
    }
    assert!(names.len() > 60, "{}", names.len());
}

#[test]
fn every_code_block_stands_between_fences_that_the_reader_knows() {
    for path in ["docs/operations.md", "README.md"] {
        let mut inside = false;
        for (number, line) in read(path).lines().enumerate() {
            let is_fence = line.trim_start().starts_with("```");
            inside ^= is_fence;
            assert!(
                inside || is_fence || !line.starts_with("    "),
                "{path}:{}: an indented block has no comment; write it between ```",
                number + 1
            );
        }
        assert!(!inside, "{path}: a block does not end");
    }
}

/// The name by which GitHub and others lead to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn every_link_into_the_operations_guide_leads_to_a_heading() {
    let guide = read("docs/operations.md");
    let headings = guide.lines().filter_map(|line| line.strip_prefix("## "));
    let headings: HashSet<String> = headings.map(anchor).collect();
    for (path, start) in [("docs/operations.md", "](#"), ("README.md", "](docs/operations.md#")] {
        let document = read(path);
        let links: Vec<&str> = document.split(start).skip(1).collect();
        assert!(!links.is_empty());
        for link in links {
            let name = link.split(')').next().expect("the end of the link");
            assert!(headings.contains(name), "{path} leads to #{name}");
        }
    }
    // And the list at the top has every one.
    let list = guide.split("\n## ").next().expect("the top");
    for name in headings {
        assert!(list.contains(&format!("](#{name})")), "the list lacks #{name}");
    }
}

#[test]
fn a_block_is_read_without_its_lists_indentation_and_knows_its_comment() {
    let document = "1. So:\n\n   <!-- recipe: one -->\n   ```sh\n   a\n     b\n   ```\n\n<!-- not run: no reason -->\n```\nc\n```\ntext\n```\nd\n```\n";
    let found = blocks(document);
    let texts: Vec<&str> = found.iter().map(|block| block.text.as_str()).collect();
    assert_eq!(texts, ["a\n  b\n", "c\n", "d\n"]);
    assert_eq!(found[0].marker, Marker::Recipe("one".into()));
    assert_eq!(found[1].marker, Marker::NotRun("no reason".into()));
    assert_eq!((&found[2].marker, found[2].line), (&Marker::Missing, 14));
}

//! The reader of the documents: their code blocks, and what stands in the comments before them.

use std::fs;
use std::path::PathBuf;

/// What the comment before a block says.
#[derive(Debug, PartialEq, Eq)]
pub enum Marker {
    /// A test runs it by this name.
    Recipe(String),
    /// No test can, for this reason.
    NotRun(String),
    Missing,
}

/// A fenced code block, without the indentation of a list.
#[derive(Debug)]
pub struct Block {
    pub marker: Marker,
    pub text: String,
    /// The line of the document in which it begins.
    pub line: usize,
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the repository.
pub fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text of the block of this name in docs/operations.md.
pub fn recipe(name: &str) -> String {
    let wanted = Marker::Recipe(name.into());
    let mut blocks = blocks(&read("docs/operations.md"));
    blocks.retain(|block| block.marker == wanted);
    match <[Block; 1]>::try_from(blocks) {
        Ok([block]) => block.text,
        Err(found) => panic!("docs/operations.md has {} recipes “{name}”", found.len()),
    }
}

/// All code blocks of a document.
pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut marker = Marker::Missing;
    let mut lines = document.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let content = line.trim_start();
        if content.starts_with("```") {
            let indentation = &line[..line.len() - content.len()];
            let inside = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```")
                .map(|line| format!("{}\n", line.strip_prefix(indentation).unwrap_or(line)));
            blocks.push(Block { text: inside.collect(), marker, line: number + 1 });
            marker = Marker::Missing;
        } else {
            marker = marker_of(content);
        }
    }
    blocks
}

fn marker_of(line: &str) -> Marker {
    let comment = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
    match comment.and_then(|comment| comment.split_once(": ")) {
        Some(("recipe", name)) => Marker::Recipe(name.into()),
        Some(("not run", reason)) => Marker::NotRun(reason.into()),
        _ => Marker::Missing,
    }
}

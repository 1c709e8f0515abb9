//! Rust source as far as the rules need it: words and signs without comments, and the paths made of them.
//!
//! Danger: no parser. It relies on code that compiles, and does not look into what macros make.

use std::{fs, path::Path};

/// A line, and the rule that it breaks.
pub type Finding = (usize, String);

pub struct Source {
    /// From the project's root: `src/db/pool.rs`.
    pub path: String,
    pub text: String,
}

#[derive(Clone, Copy)]
pub struct Token<'a> {
    pub text: &'a str,
    pub line: usize,
    /// How many `mod name { … }` of its file stand around it.
    pub inside: usize,
    /// Whether it belongs to an item under `#[cfg(test)]`.
    pub test: bool,
}

/// A path as written, or one leaf of a `use` group: its segments and its last token.
pub struct CodePath<'a> {
    pub segments: Vec<&'a str>,
    pub at: usize,
}

/// Every Rust file under `src/`, in the order of their names.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![];
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root).unwrap().display().to_string();
                found.push(Source { path, text });
            }
        }
    }
    assert!(found.iter().any(|source| source.path == "src/lib.rs"));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

impl Source {
    /// The module at the top of `src/` that it belongs to: `db` for `src/db/pool.rs`.
    pub fn folder(&self) -> &str {
        self.segments().next().unwrap()
    }

    /// How many times `super` leads from the file to the crate.
    pub fn depth(&self) -> usize {
        self.segments().filter(|name| !["mod", "lib", "main"].contains(name)).count()
    }

    fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.trim_start_matches("src/").trim_end_matches(".rs").split('/')
    }

    pub fn tokens(&self) -> Vec<Token<'_>> {
        let mut found = vec![];
        let (mut rest, mut line) = (self.text.as_str(), 1);
        let test = self.path.ends_with("/tests.rs");
        while !rest.is_empty() {
            let (text, after) = rest.split_at(lexeme(rest));
            let comment = text.starts_with("//") || text.starts_with("/*");
            if !comment && !text.trim().is_empty() {
                found.push(Token { text, line, inside: 0, test });
            }
            line += text.matches('\n').count();
            rest = after;
        }
        mark(&mut found);
        found
    }

    /// The first token wherever these words stand in this order, outside comments and texts.
    pub fn finds(&self, words: &[&str]) -> Vec<Token<'_>> {
        let tokens = self.tokens();
        let starts = (0..tokens.len()).filter(|at| stand(&tokens, *at, words));
        starts.map(|at| tokens[at]).collect()
    }
}

/// The text of the token there; empty past the end.
pub fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

/// The bracket that closes the one there, or the last token.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}

/// Every path of two segments or more, `use` groups spread out.
pub fn paths<'a>(tokens: &[Token<'a>]) -> Vec<CodePath<'a>> {
    let mut found = vec![];
    for at in 0..tokens.len() {
        let starts = at == 0 || text(tokens, at - 1) != "::" || !is_word(text(tokens, at.max(2) - 2));
        if starts && is_word(text(tokens, at)) && text(tokens, at + 1) == "::" {
            follow(tokens, at, vec![], &mut found);
        }
    }
    found
}

/// Follows a path or a `use` tree to its leaves; gives back where it ends.
fn follow<'a>(tokens: &[Token<'a>], mut at: usize, mut segments: Vec<&'a str>, found: &mut Vec<CodePath<'a>>) -> usize {
    while is_segment(text(tokens, at)) {
        segments.push(tokens[at].text);
        if text(tokens, at + 1) != "::" {
            found.push(CodePath { segments, at });
            return at + 1;
        }
        at += 2;
    }
    if text(tokens, at) != "{" {
        // A turbofish, or a macro's variable.
        found.push(CodePath { segments, at: at - 1 });
        return at;
    }
    let end = closing(tokens, at);
    while at < end {
        at += 1;
        if is_segment(text(tokens, at)) || text(tokens, at) == "{" {
            at = follow(tokens, at, segments.clone(), found);
            let comma = (at..end).find(|next| text(tokens, *next) == ",");
            at = comma.unwrap_or(end);
        }
    }
    end + 1
}

fn is_segment(text: &str) -> bool {
    is_word(text) || text == "*"
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Notes which modules and which `#[cfg(test)]` items the tokens stand in.
fn mark(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        if text(tokens, at) == "mod" && text(tokens, at + 2) == "{" {
            let end = closing(tokens, at + 2);
            tokens[at + 2..=end].iter_mut().for_each(|token| token.inside += 1);
        }
        if stand(tokens, at, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            let end = item_end(tokens, at + 7);
            tokens[at..=end].iter_mut().for_each(|token| token.test = true);
        }
    }
}

/// Where the item that starts there ends: at its `;`, or with its body.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    loop {
        match text(tokens, at) {
            "" => return tokens.len() - 1,
            ";" => return at,
            "{" => return closing(tokens, at),
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
}

fn stand(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(step, word)| text(tokens, at + step) == *word)
}

/// The length of the token, comment or white space at the start.
fn lexeme(rest: &str) -> usize {
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let after = &rest[word..];
    match &rest[..word] {
        "" if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
        "" if rest.starts_with("/*") => block_comment(rest),
        "r" | "br" | "cr" if after.starts_with(['"', '#']) => raw_text(rest, word),
        "" | "b" | "c" if after.starts_with('"') => quoted(rest, word, '"'),
        "" | "b" if is_character(after) => quoted(rest, word, '\''),
        "" if rest.starts_with("::") => 2,
        "" => rest.chars().next().map_or(0, char::len_utf8),
        _ => word,
    }
}

/// Whether it is `'x'` or `'\n'`, not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut inner = rest.chars().skip(1);
    rest.starts_with('\'') && (inner.next() == Some('\\') || inner.next() == Some('\''))
}

fn quoted(rest: &str, prefix: usize, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest[prefix + 1..].char_indices() {
        if c == quote && !escaped {
            return prefix + at + 2;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// `r#"…"#`; for a raw name such as `r#type`, its `r` alone.
fn raw_text(rest: &str, prefix: usize) -> usize {
    let inner = rest[prefix..].trim_start_matches('#');
    let hashes = rest.len() - prefix - inner.len();
    let end = format!("\"{}", "#".repeat(hashes));
    match inner.strip_prefix('"').map(|body| body.find(&end)) {
        Some(Some(at)) => prefix + hashes + 1 + at + end.len(),
        Some(None) => rest.len(),
        None => prefix,
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

//! Reading templates: `{{path.to.value}}`, `{{page|1}}`, `{{q|"a b"}}`, and `{{"{{"}}` for braces that are meant.

use super::problem::{Place, TemplateFault, TemplateProblem};
use super::{DefaultValue, Part, Template, Variable};

/// The longest path of a variable, in characters, and the most variables of a template.
const LONGEST_PATH: usize = 200;
const MOST_VARIABLES: usize = 1_000;

pub(super) fn parse(text: &str) -> Result<Template, TemplateProblem> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut variables = 0;
    while let Some(open) = rest.find("{{") {
        let at = text.len() - rest.len() + open;
        let fault = |fault| TemplateProblem::at(fault, text, at);
        push_text(&mut parts, &rest[..open]);
        let (variable, behind) = variable(&rest[open..]).map_err(fault)?;
        variables += 1;
        if variables > MOST_VARIABLES {
            return Err(fault(TemplateFault::TooMany(MOST_VARIABLES)));
        }
        parts.push(Part::Variable(variable));
        rest = behind;
    }
    push_text(&mut parts, rest);
    Ok(Template { parts })
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_string()));
    }
}

/// The variable at the beginning of `text`, and what stands behind it.
fn variable(text: &str) -> Result<(Variable, &str), TemplateFault> {
    let inside = text.get(2..).unwrap_or_default();
    let (name, default, behind) = match inside.trim_start_matches(BLANKS) {
        quoted if quoted.starts_with('"') => {
            let (literal, behind) = quoted_text(quoted)?;
            (String::new(), Some(literal), close(behind)?)
        }
        _ => plain(inside)?,
    };
    Ok((Variable { name, default, length: text.len() - behind.len() }, behind))
}

const BLANKS: [char; 2] = [' ', '\t'];

/// A path, perhaps with a default.
fn plain(inside: &str) -> Result<(String, Option<DefaultValue>, &str), TemplateFault> {
    let end = inside.find(['|', '}', '{', '\n', '"']).ok_or(TemplateFault::Unclosed)?;
    let name = path(inside[..end].trim_matches(BLANKS))?;
    let rest = &inside[end..];
    let Some(behind_bar) = rest.strip_prefix('|') else {
        return Ok((name, None, close(rest)?));
    };
    let default = behind_bar.trim_start_matches(BLANKS);
    if default.starts_with('"') {
        let (literal, behind) = quoted_text(default)?;
        return Ok((name, Some(literal), close(behind)?));
    }
    let end = default.find(['}', '{', '\n', '"', '|']).ok_or(TemplateFault::Unclosed)?;
    let text = default[..end].trim_matches(BLANKS).to_string();
    let behind = &default[end..];
    if !behind.starts_with("}}") && !behind.starts_with('\n') {
        return Err(TemplateFault::Default);
    }
    let quoted = false;
    Ok((name, Some(DefaultValue { text, quoted }), close(behind)?))
}

fn close(text: &str) -> Result<&str, TemplateFault> {
    let text = text.trim_start_matches(BLANKS);
    if let Some(behind) = text.strip_prefix("}}") {
        return Ok(behind);
    }
    match text.chars().next() {
        None | Some('\n') | Some('}') => Err(TemplateFault::Unclosed),
        Some(other) => Err(TemplateFault::Character(other)),
    }
}

/// A text in double quotes, in which a backslash escapes as it does in JSON.
fn quoted_text(text: &str) -> Result<(DefaultValue, &str), TemplateFault> {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let (literal, behind) = text.split_at(at + 1);
                let text = serde_json::from_str(literal).map_err(|_| TemplateFault::Quoted)?;
                let quoted = true;
                return Ok((DefaultValue { text, quoted }, behind));
            }
            _ => {}
        }
    }
    Err(TemplateFault::Quoted)
}

/// A path: names with full stops between them.
fn path(text: &str) -> Result<String, TemplateFault> {
    if text.is_empty() {
        return Err(TemplateFault::NoName);
    }
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if let Some(letter) = text.chars().find(|letter| !fits(*letter)) {
        return Err(TemplateFault::Character(letter));
    }
    if text.split('.').any(str::is_empty) {
        return Err(TemplateFault::Path(text.to_string()));
    }
    if text.chars().count() > LONGEST_PATH {
        return Err(TemplateFault::LongPath(LONGEST_PATH));
    }
    Ok(text.to_string())
}

impl TemplateProblem {
    /// A fault at a byte of the text.
    pub(super) fn at(fault: TemplateFault, text: &str, byte: usize) -> TemplateProblem {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let character = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        TemplateProblem {
            fault,
            place: Some(Place { line: text.contains('\n').then(|| before.matches('\n').count() + 1), character }),
        }
    }
}

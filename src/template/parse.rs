//! The syntax of templates: `{{path.to.value}}`, `{{page|1}}`, `{{q|"a b"}}`, and `{{"{{"}}` for literal braces.

use super::{DefaultValue, Part, Template, TemplateError, Variable};

/// The longest path of a variable, in characters.
const MAX_PATH: usize = 200;
const MAX_VARIABLES: usize = 1_000;

pub(super) fn parse(text: &str) -> Result<Template, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut variables = 0;
    while let Some(open) = rest.find("{{") {
        let at = text.len() - rest.len() + open;
        push_text(&mut parts, &rest[..open]);
        let (variable, behind) = variable(&rest[open..]).map_err(|error| error.at(text, at))?;
        variables += 1;
        if variables > MAX_VARIABLES {
            return Err(TemplateError::new(format!("has more than {MAX_VARIABLES} variables")).at(text, at));
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

/// The variable at the beginning of `text`, and the rest.
fn variable(text: &str) -> Result<(Variable, &str), TemplateError> {
    let inside = text.get(2..).unwrap_or_default();
    let (name, default, rest) = match inside.trim_start_matches(BLANKS) {
        quoted if quoted.starts_with('"') => {
            let (literal, rest) = quoted_text(quoted)?;
            (String::new(), Some(literal), close(rest)?)
        }
        _ => plain(inside)?,
    };
    Ok((Variable { name, default, length: text.len() - rest.len() }, rest))
}

const BLANKS: [char; 2] = [' ', '\t'];

/// A path with an optional default.
fn plain(inside: &str) -> Result<(String, Option<DefaultValue>, &str), TemplateError> {
    let end = inside.find(['|', '}', '{', '\n', '"']).ok_or_else(unclosed)?;
    let name = path(inside[..end].trim_matches(BLANKS))?;
    let rest = &inside[end..];
    let Some(after_bar) = rest.strip_prefix('|') else {
        return Ok((name, None, close(rest)?));
    };
    let default = after_bar.trim_start_matches(BLANKS);
    if default.starts_with('"') {
        let (literal, rest) = quoted_text(default)?;
        return Ok((name, Some(literal), close(rest)?));
    }
    let end = default.find(['}', '{', '\n', '"', '|']).ok_or_else(unclosed)?;
    let text = default[..end].trim_matches(BLANKS).to_string();
    let rest = &default[end..];
    if !rest.starts_with("}}") && !rest.starts_with('\n') {
        return Err(TemplateError::new(
            "has a default with braces, quotes or a bar in it, which must be in double quotes",
        ));
    }
    Ok((name, Some(DefaultValue { text, quoted: false }), close(rest)?))
}

fn close(text: &str) -> Result<&str, TemplateError> {
    let text = text.trim_start_matches(BLANKS);
    if let Some(rest) = text.strip_prefix("}}") {
        return Ok(rest);
    }
    match text.chars().next() {
        None | Some('\n') | Some('}') => Err(unclosed()),
        Some(other) => Err(invalid_character(other)),
    }
}

/// A text in double quotes, with the escapes of JSON.
fn quoted_text(text: &str) -> Result<(DefaultValue, &str), TemplateError> {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let (literal, rest) = text.split_at(at + 1);
                let text = serde_json::from_str(literal).map_err(|_| invalid_quoted())?;
                return Ok((DefaultValue { text, quoted: true }, rest));
            }
            _ => {}
        }
    }
    Err(invalid_quoted())
}

/// A path: names with full stops between them.
fn path(text: &str) -> Result<String, TemplateError> {
    if text.is_empty() {
        return Err(TemplateError::new("has a variable without a name"));
    }
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if let Some(letter) = text.chars().find(|letter| !fits(*letter)) {
        return Err(invalid_character(letter));
    }
    if text.split('.').any(str::is_empty) {
        return Err(TemplateError::new(format!("has the path “{text}”, of which a part is empty")));
    }
    if text.chars().count() > MAX_PATH {
        return Err(TemplateError::new(format!("has a variable with a path of more than {MAX_PATH} characters")));
    }
    Ok(text.to_string())
}

fn unclosed() -> TemplateError {
    TemplateError::new("has “{{” without the “}}” that ends the variable")
}

fn invalid_quoted() -> TemplateError {
    TemplateError::new("has a text in double quotes that does not end, or has a backslash that means nothing")
}

fn invalid_character(letter: char) -> TemplateError {
    TemplateError::new(format!(
        "has “{letter}” in a variable, whose name can have letters, digits, underscores and hyphens, with full stops between the parts of a path"
    ))
}

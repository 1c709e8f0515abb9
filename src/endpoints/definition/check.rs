//! Reading the templates of an endpoint when it is saved: what is wrong is told all at once.

use std::fmt;

use super::super::model::{BodyKind, Recipe, Row};
use super::super::template::{HeaderTemplate, JsonTemplate, PairTemplate, Template, XmlTemplate};
use super::{Body, Part, PartProblem};

/// Headers that the client or the connector's authorization sets: in the hands of an endpoint they would smuggle a
/// second request, or send a credential that no one keeps secret.
const NOT_TO_BE_SET: [&str; 11] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn keep<T, E: fmt::Display>(problems: &mut Vec<PartProblem>, part: Part, read: Result<T, E>) -> Option<T> {
    let problem = |error: E| PartProblem { part, in_name: false, words: error.to_string() };
    read.map_err(|error| problems.push(problem(error))).ok()
}

pub(super) fn pairs(rows: &[Row], part: fn(usize) -> Part, problems: &mut Vec<PartProblem>) -> Vec<PairTemplate> {
    let mut read = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if row.name.contains("{{") {
            problems.push(PartProblem {
                part: part(index),
                in_name: true,
                words: "cannot have variables. Only the value can".into(),
            });
        }
        let pair = PairTemplate::parse(&row.name, &row.value, row.required);
        read.extend(keep(problems, part(index), pair));
    }
    read
}

pub(super) fn headers(rows: &[Row], problems: &mut Vec<PartProblem>) -> Vec<HeaderTemplate> {
    let read: Vec<HeaderTemplate> =
        pairs(rows, Part::Header, problems).into_iter().map(|row| HeaderTemplate { row }).collect();
    for (index, row) in rows.iter().enumerate() {
        let is_twice = rows.iter().take(index).any(|other| other.name.eq_ignore_ascii_case(&row.name));
        let words = if is_twice {
            Some("is the name of another header, too".to_string())
        } else {
            header_name_problem(&row.name)
        };
        problems.extend(words.map(|words| PartProblem { part: Part::Header(index), in_name: true, words }));
    }
    for header in &read {
        let index = rows.iter().position(|row| row.name == header.row.name);
        let foreign = header.foreign_character();
        problems.extend(index.zip(foreign).map(|(index, letter)| PartProblem {
            part: Part::Header(index),
            in_name: false,
            words: format!(
                "has “{}”. Headers can hold visible ASCII characters and spaces only",
                letter.escape_debug()
            ),
        }));
    }
    read
}

/// Why a header cannot have this name (RFC 9110 5.6.2).
fn header_name_problem(name: &str) -> Option<String> {
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    if name.contains("{{") {
        return None;
    }
    if let Some(letter) = name.chars().find(|letter| !is_token(*letter)) {
        let letter = letter.escape_debug();
        return Some(format!("has “{letter}”. Names of headers can have letters, digits and hyphens"));
    }
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "authorization" | "proxy-authorization" => Some("is set by what stands on the Authorization tab".into()),
        lower if NOT_TO_BE_SET.contains(&lower) => Some("is set by Connectory itself".into()),
        _ => None,
    }
}

pub(super) fn body(recipe: &Recipe, problems: &mut Vec<PartProblem>) -> Option<Body> {
    let text = &recipe.body;
    let is_missing = recipe.body_kind.has_text() && text.trim().is_empty();
    if is_missing {
        problems.push(PartProblem {
            part: Part::Body,
            in_name: false,
            words: "is empty. Enter it, or choose None as the kind of body".into(),
        });
        return None;
    }
    match recipe.body_kind {
        BodyKind::None => Some(Body::None),
        BodyKind::Json => keep(problems, Part::Body, JsonTemplate::parse(text)).map(Body::Json),
        BodyKind::Text => keep(problems, Part::Body, Template::parse(text)).map(Body::Text),
        BodyKind::Xml => keep(problems, Part::Body, XmlTemplate::parse(text)).map(Body::Xml),
        BodyKind::Form => Some(Body::Form(pairs(&recipe.form, Part::FormField, problems))),
    }
}

//! URLs, absolute or relative to the base URL, with variables in path and query only.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{Part, Template, TemplateError, ValueErrorKind, ValueErrors};
use crate::outbound::{HttpUrl, Origin, has_step};

/// What is percent-encoded in a URL: all but the unreserved characters (RFC 3986 2.3).
pub const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL with variables.
#[derive(Clone, Debug)]
pub struct UrlTemplate {
    /// `None` for a relative URL.
    prefix: Option<Prefix>,
    /// Empty without a path.
    segments: Vec<Template>,
    query: Template,
    whole: Template,
}

impl UrlTemplate {
    pub fn parse(text: &str) -> Result<UrlTemplate, TemplateError> {
        let whole = Template::parse(text)?;
        let (prefix, parts) = split_prefix(&whole)?;
        let (path, query) = split_query(parts)?;
        let segments = split_path(path, prefix.is_some())?;
        Ok(UrlTemplate { prefix, segments, query, whole })
    }

    pub fn template(&self) -> &Template {
        &self.whole
    }

    pub fn is_relative(&self) -> bool {
        self.prefix.is_none()
    }

    /// The URL with all values, and `parameters` appended to its query.
    pub fn render(
        &self,
        base: Option<&HttpUrl>,
        variables: &Value,
        parameters: &[(String, String)],
    ) -> Result<HttpUrl, ValueErrors> {
        let (start, base_query, origin) = match (&self.prefix, base) {
            (Some((prefix, origin)), _) => (prefix.as_str(), "", origin.clone()),
            (None, Some(base)) => {
                let (start, query) = base.as_str().split_once('?').unwrap_or((base.as_str(), ""));
                (start, query, base.origin())
            }
            (None, None) => return Err(ValueErrorKind::NoBaseUrl.general()),
        };
        let path = self.path(variables);
        let own_query = self.query.render(variables, encode);
        let (path, own_query) = match (path, own_query) {
            (Ok(path), Ok(query)) => (path, query),
            (path, query) => {
                return Err([path.err(), query.err()].into_iter().flatten().flatten().collect());
            }
        };
        let mut url = match path {
            Some(path) => format!("{}/{path}", start.trim_end_matches('/')),
            None => start.to_string(),
        };
        let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let queries = [base_query.to_string(), own_query].into_iter().chain(pairs);
        let queries: Vec<String> = queries.filter(|query| !query.is_empty()).collect();
        if !queries.is_empty() {
            url.push('?');
            url.push_str(&queries.join("&"));
        }
        let invalid = |reason: String| ValueErrorKind::Url(reason).general();
        let url = HttpUrl::of_request(&url).map_err(|problem| invalid(problem.to_string()))?;
        // Cannot happen by the code above, but the credential must not depend on that.
        if url.origin() != origin {
            return Err(invalid(format!("goes to another host than {origin}")));
        }
        Ok(url)
    }

    fn path(&self, variables: &Value) -> Result<Option<String>, ValueErrors> {
        if self.segments.is_empty() {
            return Ok(None);
        }
        let (mut path, mut errors) = (Vec::new(), Vec::new());
        for segment in &self.segments {
            match render_segment(segment, variables) {
                Ok(text) => path.push(text),
                Err(more) => errors.extend(more),
            }
        }
        if errors.is_empty() { Ok(Some(path.join("/"))) } else { Err(errors) }
    }
}

fn render_segment(segment: &Template, variables: &Value) -> Result<String, ValueErrors> {
    let text = segment.render(variables, encode)?;
    if segment.is_literal() {
        return Ok(text);
    }
    let variable = segment.variables().next().map_or("", |variable| variable.name());
    if text.is_empty() {
        return Err(ValueErrorKind::EmptySegment.of(variable));
    }
    if has_step(&text) {
        return Err(ValueErrorKind::DotSegment.of(variable));
    }
    Ok(text)
}

fn encode(out: &mut String, value: &str) -> Result<(), ValueErrorKind> {
    out.extend(utf8_percent_encode(value, ENCODED));
    Ok(())
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Scheme, host and port of an absolute URL, as typed and parsed.
type Prefix = (String, Origin);

/// The prefix of an absolute URL, and the rest.
fn split_prefix(template: &Template) -> Result<(Option<Prefix>, Vec<Part>), TemplateError> {
    let parts = template.parts.clone();
    let first = match parts.first() {
        Some(Part::Text(first)) => first.clone(),
        _ => String::new(),
    };
    if first.starts_with("//") {
        return Err(TemplateError::new(
            "begins with //, which would go to another host. Begin with one slash, or with https://",
        ));
    }
    if !has_scheme(&first) {
        let shape = template.with(|_, _| "x".to_string());
        let is_whole = has_scheme(&shape) && shape.find("://") == shape.find(':');
        return if is_whole { Err(variable_in_origin()) } else { Ok((None, parts)) };
    }
    let host = first.find("://").map_or(first.len(), |at| at + 3);
    let after_host = first[host..].find(['/', '?', '#']);
    let end = after_host.map_or(first.len(), |at| host + at);
    if after_host.is_none() && parts.len() > 1 {
        return Err(variable_in_origin());
    }
    let (prefix, rest) = first.split_at(end);
    let url = HttpUrl::parse(prefix).map_err(|problem| TemplateError::new(problem.to_string()))?;
    let rest = (!rest.is_empty()).then(|| Part::Text(rest.to_string()));
    let parts = rest.into_iter().chain(parts.into_iter().skip(1)).collect();
    Ok((Some((prefix.to_string(), url.origin())), parts))
}

fn variable_in_origin() -> TemplateError {
    TemplateError::new(
        "has a variable in the scheme, host or port. Only path and query can have variables, so that no value decides where a secret goes",
    )
}

/// Whether parsers would read a scheme at the beginning.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
}

/// The path and the query, divided at the first literal question mark.
fn split_query(parts: Vec<Part>) -> Result<(Vec<Part>, Template), TemplateError> {
    let (mut path, mut query, mut in_query) = (Vec::new(), Vec::new(), false);
    for part in parts {
        let Part::Text(text) = part else {
            if in_query { &mut query } else { &mut path }.push(part);
            continue;
        };
        check_literal(&text)?;
        if in_query {
            query.push(Part::Text(text));
            continue;
        }
        let (before, after) = match text.split_once('?') {
            Some((before, after)) => (before.to_string(), Some(after.to_string())),
            None => (text, None),
        };
        path.push(Part::Text(before));
        in_query = after.is_some();
        query.extend(after.map(Part::Text));
    }
    let query = Template { parts: query };
    Ok((path, query))
}

fn check_literal(text: &str) -> Result<(), TemplateError> {
    let message = text.chars().find_map(|letter| match letter {
        letter if letter.is_whitespace() || letter.is_control() => {
            Some("has a space or line break, which must be written as %20 or %0A")
        }
        '\\' => Some("has a backslash"),
        '#' => Some("has a fragment (the part from #), which is never sent"),
        _ => None,
    });
    message.map_or(Ok(()), |message| Err(TemplateError::new(message)))
}

/// The segments of a path.
fn split_path(parts: Vec<Part>, is_whole: bool) -> Result<Vec<Template>, TemplateError> {
    let mut segments = vec![Vec::new()];
    let mut slashes = 0;
    for part in parts {
        let Part::Text(text) = part else {
            if let Some(segment) = segments.last_mut() {
                segment.push(part);
            }
            continue;
        };
        for (index, piece) in text.split('/').enumerate() {
            if index > 0 {
                slashes += 1;
                segments.push(Vec::new());
            }
            if let (Some(segment), false) = (segments.last_mut(), piece.is_empty()) {
                segment.push(Part::Text(piece.to_string()));
            }
        }
    }
    let begins_with_slash = segments.first().is_some_and(Vec::is_empty);
    if begins_with_slash {
        segments.remove(0);
    }
    if slashes == 0 && (is_whole || begins_with_slash) {
        return Ok(Vec::new());
    }
    segments
        .into_iter()
        .map(|parts| {
            let segment = Template { parts };
            let literal = segment.with(|_, _| "x".to_string());
            if segment.is_literal() && has_step(&literal) {
                return Err(TemplateError::new(format!(
                    "has the part “{literal}” in its path. Write the resolved path"
                )));
            }
            Ok(segment)
        })
        .collect()
}

//! Addresses: relative to the base URL or whole, with variables in path and query only.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::problem::{Fault, Misfit, TemplateFault, TemplateProblem};
use super::{Part, Template};
use crate::outbound::{HttpUrl, Origin, has_step};

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An address with variables.
#[derive(Clone, Debug)]
pub struct UrlTemplate {
    /// `None` for one that is relative to the base URL.
    prefix: Option<Prefix>,
    /// The parts of the path between slashes; none where there is no path at all.
    segments: Vec<Template>,
    query: Template,
    whole: Template,
}

impl UrlTemplate {
    pub fn parse(text: &str) -> Result<UrlTemplate, TemplateProblem> {
        let whole = Template::parse(text)?;
        let (prefix, parts) = split_prefix(&whole)?;
        let (path, query) = split_query(parts)?;
        let segments = split_path(path, prefix.is_some())?;
        Ok(UrlTemplate { prefix, segments, query, whole })
    }

    pub fn template(&self) -> &Template {
        &self.whole
    }

    /// Where a whole address leads; `None` for one that is relative to the base URL.
    pub fn origin(&self) -> Option<&Origin> {
        self.prefix.as_ref().map(|(_, origin)| origin)
    }

    /// The address with all values and the encoded `parameters` behind its own query.
    pub fn render(
        &self,
        base: Option<&HttpUrl>,
        variables: &Value,
        parameters: &[(String, String)],
    ) -> Result<HttpUrl, Vec<Fault>> {
        let (start, base_query, origin) = match (&self.prefix, base) {
            (Some((prefix, origin)), _) => (prefix.as_str(), "", origin.clone()),
            (None, Some(base)) => {
                let (start, query) = base.as_str().split_once('?').unwrap_or((base.as_str(), ""));
                (start, query, base.origin())
            }
            (None, None) => return Err(vec![Fault::new("", Misfit::NoBaseUrl)]),
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
        let misfit = |words: String| vec![Fault::new("", Misfit::Url(words))];
        let url = HttpUrl::parse(&url).map_err(|problem| misfit(problem.to_string()))?;
        // Follows from how it was put together; nothing may rest on that alone.
        if url.origin() != origin {
            return Err(misfit(format!("leads to another host than {origin}")));
        }
        Ok(url)
    }

    fn path(&self, variables: &Value) -> Result<Option<String>, Vec<Fault>> {
        if self.segments.is_empty() {
            return Ok(None);
        }
        let (mut path, mut faults) = (Vec::new(), Vec::new());
        for segment in &self.segments {
            match render_segment(segment, variables) {
                Ok(text) => path.push(text),
                Err(more) => faults.extend(more),
            }
        }
        if faults.is_empty() { Ok(Some(path.join("/"))) } else { Err(faults) }
    }
}

fn render_segment(segment: &Template, variables: &Value) -> Result<String, Vec<Fault>> {
    let text = segment.render(variables, encode)?;
    if segment.is_literal() {
        return Ok(text);
    }
    let blamed = segment.variables().next().map_or("", |variable| variable.name());
    if text.is_empty() {
        return Err(vec![Fault::new(blamed, Misfit::EmptySegment)]);
    }
    if has_step(&text) {
        return Err(vec![Fault::new(blamed, Misfit::DotSegment)]);
    }
    Ok(text)
}

fn encode(out: &mut String, value: &str) -> Result<(), Misfit> {
    out.extend(utf8_percent_encode(value, RESERVED));
    Ok(())
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Scheme, host and port of a whole address, as typed and as they are compared.
type Prefix = (String, Origin);

/// The prefix of a whole address, and what stands behind it.
fn split_prefix(template: &Template) -> Result<(Option<Prefix>, Vec<Part>), TemplateProblem> {
    let parts = template.parts.clone();
    let first = match parts.first() {
        Some(Part::Text(first)) => first.clone(),
        _ => String::new(),
    };
    if first.starts_with("//") {
        return Err(TemplateFault::TwoSlashes.into());
    }
    if !has_scheme(&first) {
        let shape = template.with(|_, _| "x".to_string());
        let is_whole = has_scheme(&shape) && shape.find("://") == shape.find(':');
        return if is_whole { Err(TemplateFault::InOrigin.into()) } else { Ok((None, parts)) };
    }
    let host = first.find("://").map_or(first.len(), |at| at + 3);
    let after_host = first[host..].find(['/', '?', '#']);
    let end = after_host.map_or(first.len(), |at| host + at);
    if after_host.is_none() && parts.len() > 1 {
        return Err(TemplateFault::InOrigin.into());
    }
    let (prefix, rest) = first.split_at(end);
    let url = HttpUrl::parse(prefix).map_err(|problem| TemplateFault::Url(problem.to_string()))?;
    let rest = (!rest.is_empty()).then(|| Part::Text(rest.to_string()));
    let parts = rest.into_iter().chain(parts.into_iter().skip(1)).collect();
    Ok((Some((prefix.to_string(), url.origin())), parts))
}

/// Whether a text begins with letters and a colon, so that parsers take them for a scheme.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
}

/// The path's parts, and the query behind the first literal question mark.
fn split_query(parts: Vec<Part>) -> Result<(Vec<Part>, Template), TemplateProblem> {
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

fn check_literal(text: &str) -> Result<(), TemplateProblem> {
    let fault = text.chars().find_map(|letter| match letter {
        letter if letter.is_whitespace() || letter.is_control() => Some(TemplateFault::WhiteSpace),
        '\\' => Some(TemplateFault::Backslash),
        '#' => Some(TemplateFault::Fragment),
        _ => None,
    });
    fault.map_or(Ok(()), |fault| Err(fault.into()))
}

/// The parts of a path, without the slash before the first.
fn split_path(parts: Vec<Part>, is_whole: bool) -> Result<Vec<Template>, TemplateProblem> {
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
                return Err(TemplateFault::DotSegment(literal).into());
            }
            Ok(segment)
        })
        .collect()
}

//! An endpoint ready to be called: its templates, parsed once, and the requests that values make of them.

mod multipart;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use super::model::{BodyKind, HttpMethod, RequestSettings, Row, RowField, RowKind};
use crate::outbound::http::header::CONTENT_TYPE;
use crate::outbound::http::{HeaderMap, HeaderName, HeaderValue};
use crate::outbound::{CONNECTION_HEADERS, HttpUrl, WrittenNames};
use crate::template::{
    JsonTemplate, MAX_SIZE, PairTemplate, Template, UrlTemplate, ValueErrorKind, ValueErrors, Variable, XmlTemplate,
};

use multipart::PartTemplate;

pub use multipart::{FileValue, Files, MAX_BODY, RenderedPart, is_content_type};

/// A part of an endpoint's request. Rows count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Url,
    Row(RowKind, usize),
    Body,
}

/// A template that cannot be used; the message completes the label of its field.
#[derive(Debug, PartialEq, Eq)]
pub struct PartProblem {
    pub part: Part,
    /// The field of the row.
    pub field: RowField,
    pub message: String,
}

/// An endpoint's parsed templates, and the base URL.
#[derive(Clone, Debug)]
pub struct Definition {
    pub method: HttpMethod,
    base: Option<HttpUrl>,
    url: UrlTemplate,
    parameters: Vec<PairTemplate>,
    headers: Vec<PairTemplate>,
    /// The headers' names as they were written.
    names: WrittenNames,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Json(JsonTemplate),
    Form(Vec<PairTemplate>),
    Text(Template),
    Xml(XmlTemplate),
    Multipart(Vec<PartTemplate>),
}

/// A request with its values.
#[derive(Clone, Debug)]
pub struct Rendered {
    pub url: HttpUrl,
    /// With the content type of the body.
    pub headers: HeaderMap,
    pub names: WrittenNames,
    pub body: Option<Vec<u8>>,
    /// The parts of a multipart body.
    pub parts: Vec<RenderedPart>,
    /// Optional parameters, headers and form fields without a value.
    pub left_out: Vec<String>,
}

/// A value that is missing or cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct RenderProblem {
    /// Whether the URL's template must be changed, not a value.
    pub is_in_url: bool,
    sentence: String,
}

impl RenderProblem {
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

/// Everything that keeps a request from being made.
#[derive(Debug, PartialEq, Eq)]
pub struct RenderProblems(pub Vec<RenderProblem>);

impl fmt::Display for RenderProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentences: Vec<&str> = self.0.iter().map(|problem| problem.sentence()).collect();
        f.write_str(&sentences.join(" "))
    }
}

impl std::error::Error for RenderProblems {}

impl Definition {
    /// Parses the templates of an endpoint. Gives all problems at once.
    pub fn new(request: &RequestSettings, base: Option<&HttpUrl>) -> Result<Definition, Vec<PartProblem>> {
        let mut parser = Parser { problems: Vec::new() };
        let url = parser.keep(Part::Url, UrlTemplate::parse(&request.url));
        let parameters = parser.rows(request, RowKind::Parameter);
        let headers = parser.headers(request);
        let body = parser.body(request);
        match (url, body) {
            (Some(url), Some(body)) if parser.problems.is_empty() => {
                let names = WrittenNames::of(headers.iter().map(|header| header.name.as_str()));
                Ok(Definition { method: request.method, base: base.cloned(), url, parameters, headers, names, body })
            }
            _ => Err(parser.problems),
        }
    }

    /// Whether its URL begins with the base URL.
    pub fn is_relative(&self) -> bool {
        self.url.is_relative()
    }

    /// All variables in their order, each once.
    pub fn variables(&self) -> Vec<&Variable> {
        let rows = self.parameters.iter().chain(&self.headers).map(PairTemplate::template);
        let body: Vec<&Template> = match &self.body {
            Body::None => Vec::new(),
            Body::Json(json) => vec![json.template()],
            Body::Form(fields) => fields.iter().map(PairTemplate::template).collect(),
            Body::Text(text) => vec![text],
            Body::Xml(xml) => vec![xml.template()],
            Body::Multipart(parts) => parts.iter().flat_map(PartTemplate::templates).collect(),
        };
        let templates = [self.url.template()].into_iter().chain(rows).chain(body);
        let mut seen: Vec<&Variable> = Vec::new();
        for variable in templates.flat_map(Template::variables) {
            if !seen.iter().any(|other| other.name() == variable.name()) {
                seen.push(variable);
            }
        }
        seen
    }

    /// The request with these variables and files. Gives all problems at once.
    pub fn render(&self, variables: &Value, files: &Files) -> Result<Rendered, RenderProblems> {
        let mut renderer = Renderer { variables, problems: Vec::new(), left_out: Vec::new(), size: 0 };
        let parameters = renderer.rows(&self.parameters, RowKind::Parameter);
        let headers = renderer.rows(&self.headers, RowKind::Header);
        let url = self.url.render(self.base.as_ref(), variables, &parameters);
        let url = renderer.keep("the URL", url);
        let parts = renderer.parts(&self.body, files);
        let (body, content_type) = match &self.body {
            Body::Multipart(_) => Some(multipart::encode(&parts)).unzip(),
            body => (renderer.body(body), body.kind().content_type().map(str::to_string)),
        };
        match url {
            Some(url) if renderer.problems.is_empty() => {
                let headers = header_map(headers, content_type);
                Ok(Rendered { url, headers, names: self.names.clone(), body, parts, left_out: renderer.left_out })
            }
            _ => Err(RenderProblems(renderer.problems)),
        }
    }
}

impl Body {
    fn kind(&self) -> BodyKind {
        match self {
            Body::None => BodyKind::None,
            Body::Json(_) => BodyKind::Json,
            Body::Form(_) => BodyKind::Form,
            Body::Text(_) => BodyKind::Text,
            Body::Xml(_) => BodyKind::Xml,
            Body::Multipart(_) => BodyKind::Multipart,
        }
    }
}

/// Collects the problems of an endpoint's templates.
struct Parser {
    problems: Vec<PartProblem>,
}

impl Parser {
    fn add(&mut self, part: Part, field: RowField, message: impl Into<String>) {
        self.problems.push(PartProblem { part, field, message: message.into() });
    }

    fn keep<T, E: fmt::Display>(&mut self, part: Part, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.add(part, RowField::Value, error.to_string())).ok()
    }

    fn rows(&mut self, request: &RequestSettings, kind: RowKind) -> Vec<PairTemplate> {
        let mut pairs = Vec::new();
        for (index, row) in request.rows(kind).iter().enumerate() {
            let part = Part::Row(kind, index);
            if row.name.contains("{{") {
                self.add(part, RowField::Name, "cannot have variables. Only the value can");
            }
            pairs.extend(self.keep(part, PairTemplate::parse(&row.name, &row.value, row.required)));
        }
        pairs
    }

    fn headers(&mut self, request: &RequestSettings) -> Vec<PairTemplate> {
        let rows = &request.headers;
        let headers = self.rows(request, RowKind::Header);
        for (index, row) in rows.iter().enumerate() {
            let is_framed = request.body_kind == BodyKind::Multipart && row.name.eq_ignore_ascii_case("content-type");
            let set = is_framed.then(|| "is set by Connectory itself for this type of body".to_string());
            if let Some(message) = set.or_else(|| header_name_problem(&row.name, &rows[..index])) {
                self.add(Part::Row(RowKind::Header, index), RowField::Name, message);
            }
        }
        for header in &headers {
            let index = rows.iter().position(|row| row.name == header.name);
            if let Some((index, letter)) = index.zip(header.invalid_in_header()) {
                let letter = letter.escape_debug();
                let message = format!("has “{letter}”. Headers can hold visible ASCII characters and spaces only");
                self.add(Part::Row(RowKind::Header, index), RowField::Value, message);
            }
        }
        headers
    }

    fn body(&mut self, request: &RequestSettings) -> Option<Body> {
        let text = &request.body;
        if request.body_kind.has_text() && text.trim().is_empty() {
            self.add(Part::Body, RowField::Value, "is empty. Enter it, or choose None as the body type");
            return None;
        }
        match request.body_kind {
            BodyKind::None => Some(Body::None),
            BodyKind::Json => self.keep(Part::Body, JsonTemplate::parse(text)).map(Body::Json),
            BodyKind::Text => self.keep(Part::Body, Template::parse(text)).map(Body::Text),
            BodyKind::Xml => self.keep(Part::Body, XmlTemplate::parse(text)).map(Body::Xml),
            BodyKind::Form => Some(Body::Form(self.rows(request, RowKind::FormField))),
            BodyKind::Multipart => Some(Body::Multipart(self.parts(request))),
        }
    }

    fn parts(&mut self, request: &RequestSettings) -> Vec<PartTemplate> {
        let pairs = self.rows(request, RowKind::Part);
        let mut file_names = Vec::new();
        for (index, row) in request.form.iter().enumerate() {
            let part = Part::Row(RowKind::Part, index);
            if !row.content_type.is_empty() && !is_content_type(&row.content_type) {
                self.add(part, RowField::ContentType, "must be a type and a subtype, such as application/pdf");
            }
            let file_name = Template::parse(&row.file_name);
            let file_name = file_name.map_err(|error| self.add(part, RowField::FileName, error.to_string()));
            file_names.push(file_name.unwrap_or_default());
        }
        // Where one is missing there is a problem, and the parts are not used.
        let rows = request.form.iter().zip(pairs).zip(file_names);
        rows.map(|((row, pair), file_name)| PartTemplate::new(row, pair, file_name)).collect()
    }
}

/// Why a header cannot have this name (RFC 9110 5.6.2).
fn header_name_problem(name: &str, before: &[Row]) -> Option<String> {
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    if before.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
        return Some("is the name of another header, too".into());
    }
    if name.contains("{{") {
        return None;
    }
    if let Some(letter) = name.chars().find(|letter| !is_token(*letter)) {
        let letter = letter.escape_debug();
        return Some(format!("has “{letter}”. Names of headers can have letters, digits and hyphens"));
    }
    match name.to_ascii_lowercase().as_str() {
        "authorization" | "proxy-authorization" => Some("is set on the Authorization tab".into()),
        lower if CONNECTION_HEADERS.contains(&lower) => Some("is set by Connectory itself".into()),
        _ => None,
    }
}

/// Collects the parts of a request and the problems of its values.
struct Renderer<'a> {
    variables: &'a Value,
    problems: Vec<RenderProblem>,
    left_out: Vec<String>,
    /// Of all rows so far, in bytes.
    size: usize,
}

impl Renderer<'_> {
    fn keep<T>(&mut self, part: &str, rendered: Result<T, ValueErrors>) -> Option<T> {
        let errors = match rendered {
            Ok(value) => return Some(value),
            Err(errors) => errors,
        };
        self.problems.extend(errors.iter().map(|error| RenderProblem {
            is_in_url: part == "the URL" && error.variable.is_empty(),
            sentence: error.sentence(part),
        }));
        None
    }

    fn rows(&mut self, rows: &[PairTemplate], kind: RowKind) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for row in rows {
            let value = match kind {
                RowKind::Header => row.render_header(self.variables),
                _ => row.render(self.variables),
            };
            pairs.extend(self.row(kind, &row.name, value));
        }
        pairs
    }

    fn row(
        &mut self,
        kind: RowKind,
        name: &str,
        value: Result<Option<String>, ValueErrors>,
    ) -> Option<(String, String)> {
        let label = format!("{} “{name}”", kind.noun());
        let Some(value) = self.keep(&format!("the {label}"), value)? else {
            self.left_out.push(label);
            return None;
        };
        self.size += value.len();
        if self.size > MAX_SIZE {
            return self.keep("the request", Err(ValueErrorKind::TooLarge.general()));
        }
        Some((name.to_string(), value))
    }

    fn parts(&mut self, body: &Body, files: &Files) -> Vec<RenderedPart> {
        let Body::Multipart(templates) = body else { return Vec::new() };
        let mut parts = Vec::new();
        for template in templates {
            let label = format!("part “{}”", template.name());
            match self.keep(&format!("the {label}"), template.render(self.variables, files)) {
                Some(Some(part)) => {
                    self.size += part.bytes.len();
                    parts.push(part);
                }
                Some(None) => self.left_out.push(label),
                None => {}
            }
            if self.size > MAX_BODY {
                self.keep::<()>("the request body", Err(ValueErrorKind::FilesTooLarge.general()));
                return Vec::new();
            }
        }
        parts
    }

    fn body(&mut self, body: &Body) -> Option<Vec<u8>> {
        let text = match body {
            Body::None | Body::Multipart(_) => return None,
            Body::Json(json) => json.render(self.variables),
            Body::Text(text) => text.render_plain(self.variables),
            Body::Xml(xml) => xml.render(self.variables),
            Body::Form(fields) => {
                let pairs = self.rows(fields, RowKind::FormField);
                Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
            }
        };
        self.keep("the request body", text).map(String::into_bytes)
    }
}

/// The headers, with a content type unless it is among them. Names were checked when they were saved, values when they
/// were rendered.
fn header_map(rendered: Vec<(String, String)>, content_type: Option<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in rendered {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            headers.append(name, value);
        }
    }
    if let Some(content_type) = content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        headers.entry(CONTENT_TYPE).or_insert(content_type);
    }
    headers
}

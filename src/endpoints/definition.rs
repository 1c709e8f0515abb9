//! An endpoint ready to be called: its templates, read once, and the request that values make of them.

use std::fmt;

use serde_json::Value;

use super::model::{BodyKind, HttpMethod, Recipe, Row};
use super::template::{
    Fault, HeaderTemplate, JsonTemplate, LARGEST, Misfit, PairTemplate, RenderedRow, Template,
    UrlTemplate, Variable, XmlTemplate,
};
use crate::outbound::http::header::CONTENT_TYPE;
use crate::outbound::http::{HeaderMap, HeaderName, HeaderValue};
use crate::outbound::{HttpUrl, Origin};

/// Headers that the client or the connector's authorization sets: in the hands of an endpoint they would smuggle a second
/// request, or send a credential that no one keeps secret.
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

/// The part of an endpoint that something is about; rows count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Url,
    Parameter(usize),
    Header(usize),
    Body,
    FormField(usize),
}

/// A template that cannot be used, and why; the words complete the label of its field.
#[derive(Debug, PartialEq, Eq)]
pub struct PartProblem {
    pub part: Part,
    /// It is the name of the row, not its value.
    pub in_name: bool,
    pub words: String,
}

/// An endpoint's templates with what they are relative to.
#[derive(Clone, Debug)]
pub struct Definition {
    pub method: HttpMethod,
    base: Option<HttpUrl>,
    url: UrlTemplate,
    parameters: Vec<PairTemplate>,
    headers: Vec<HeaderTemplate>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Json(JsonTemplate),
    Form(Vec<PairTemplate>),
    Text(Template),
    Xml(XmlTemplate),
}

/// A request with all its values.
#[derive(Debug)]
pub struct Rendered {
    pub url: HttpUrl,
    /// With the content type of the body.
    pub headers: HeaderMap,
    pub body: Option<Vec<u8>>,
    /// Optional parameters, headers and fields that had no value.
    pub left_out: Vec<String>,
}

/// A value that is missing or does not fit.
#[derive(Debug, PartialEq, Eq)]
pub struct RenderProblem {
    pub part: Part,
    /// Such as “the header “X-Page””.
    place: String,
    pub fault: Fault,
}

/// All that keeps a request from being made. Nothing was sent.
#[derive(Debug, PartialEq, Eq)]
pub struct RenderProblems(pub Vec<RenderProblem>);

impl Definition {
    /// Reads the templates of an endpoint of a connector with this base URL.
    pub fn new(recipe: &Recipe, base: Option<&HttpUrl>) -> Result<Definition, Vec<PartProblem>> {
        let mut problems = Vec::new();
        let url = keep(&mut problems, Part::Url, UrlTemplate::parse(&recipe.url));
        let parameters = pairs(&recipe.parameters, Part::Parameter, &mut problems);
        let headers = headers(&recipe.headers, &mut problems);
        let body = body(recipe, &mut problems);
        match (url, body) {
            (Some(url), Some(body)) if problems.is_empty() => Ok(Definition {
                method: recipe.method,
                base: base.cloned(),
                url,
                parameters,
                headers,
                body,
            }),
            _ => Err(problems),
        }
    }

    /// Where a whole address leads; `None` for one that is relative to the base URL.
    pub fn origin(&self) -> Option<&Origin> {
        self.url.origin()
    }

    /// All variables in their order, each once.
    pub fn variables(&self) -> Vec<&Variable> {
        let rows = self.parameters.iter().map(PairTemplate::template);
        let headers = self.headers.iter().map(|header| header.row.template());
        let body: Vec<&Template> = match &self.body {
            Body::None => Vec::new(),
            Body::Json(json) => vec![json.template()],
            Body::Form(fields) => fields.iter().map(PairTemplate::template).collect(),
            Body::Text(text) => vec![text],
            Body::Xml(xml) => vec![xml.template()],
        };
        let templates = [self.url.template()]
            .into_iter()
            .chain(rows)
            .chain(headers)
            .chain(body);
        let mut seen: Vec<&Variable> = Vec::new();
        for variable in templates.flat_map(Template::variables) {
            if !seen.iter().any(|other| other.name() == variable.name()) {
                seen.push(variable);
            }
        }
        seen
    }

    /// The request that these variables make.
    pub fn render(&self, variables: &Value) -> Result<Rendered, RenderProblems> {
        let mut render = Render {
            variables,
            problems: Vec::new(),
            left_out: Vec::new(),
            size: 0,
        };
        let parameters = render.pairs(&self.parameters, "parameter", Part::Parameter);
        let headers = render.headers(&self.headers);
        let url = self.url.render(self.base.as_ref(), variables, &parameters);
        let url = render.keep(Part::Url, || "the URL".into(), url);
        let body = render.body(&self.body);
        if let (Some(url), true) = (url, render.problems.is_empty()) {
            return Ok(Rendered {
                url,
                headers: header_map(headers, self.body.kind().content_type()),
                body,
                left_out: render.left_out,
            });
        }
        Err(RenderProblems(render.problems))
    }
}

/// The headers, and what the body is, unless one of them says so. Names were checked when they were saved, values as they were
/// rendered.
fn header_map(rendered: Vec<(String, String)>, content_type: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in rendered {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            headers.append(name, value);
        }
    }
    if let Some(content_type) = content_type {
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(content_type));
    }
    headers
}

impl Body {
    fn kind(&self) -> BodyKind {
        match self {
            Body::None => BodyKind::None,
            Body::Json(_) => BodyKind::Json,
            Body::Form(_) => BodyKind::Form,
            Body::Text(_) => BodyKind::Text,
            Body::Xml(_) => BodyKind::Xml,
        }
    }
}

fn keep<T, E: fmt::Display>(
    problems: &mut Vec<PartProblem>,
    part: Part,
    read: Result<T, E>,
) -> Option<T> {
    let problem = |error: E| PartProblem {
        part,
        in_name: false,
        words: error.to_string(),
    };
    read.map_err(|error| problems.push(problem(error))).ok()
}

fn pairs(
    rows: &[Row],
    part: fn(usize) -> Part,
    problems: &mut Vec<PartProblem>,
) -> Vec<PairTemplate> {
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

fn headers(rows: &[Row], problems: &mut Vec<PartProblem>) -> Vec<HeaderTemplate> {
    let read: Vec<HeaderTemplate> = pairs(rows, Part::Header, problems)
        .into_iter()
        .map(|row| HeaderTemplate { row })
        .collect();
    for (index, row) in rows.iter().enumerate() {
        let is_twice = rows
            .iter()
            .take(index)
            .any(|other| other.name.eq_ignore_ascii_case(&row.name));
        let words = if is_twice {
            Some("is the name of another header, too".to_string())
        } else {
            header_name_problem(&row.name)
        };
        problems.extend(words.map(|words| PartProblem {
            part: Part::Header(index),
            in_name: true,
            words,
        }));
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
    let is_token =
        |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    if name.contains("{{") {
        return None;
    }
    if let Some(letter) = name.chars().find(|letter| !is_token(*letter)) {
        let letter = letter.escape_debug();
        return Some(format!(
            "has “{letter}”. Names of headers can have letters, digits and hyphens"
        ));
    }
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "authorization" | "proxy-authorization" => {
            Some("is set by what stands on the Authorization tab".into())
        }
        lower if NOT_TO_BE_SET.contains(&lower) => Some("is set by Connectory itself".into()),
        _ => None,
    }
}

fn body(recipe: &Recipe, problems: &mut Vec<PartProblem>) -> Option<Body> {
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

/// A request on its way from templates to bytes.
struct Render<'a> {
    variables: &'a Value,
    problems: Vec<RenderProblem>,
    left_out: Vec<String>,
    /// Of all rows so far, in bytes.
    size: usize,
}

impl Render<'_> {
    fn keep<T>(
        &mut self,
        part: Part,
        place: impl Fn() -> String,
        rendered: Result<T, Vec<Fault>>,
    ) -> Option<T> {
        let problem = |fault| RenderProblem {
            part,
            place: place(),
            fault,
        };
        rendered
            .map_err(|faults| self.problems.extend(faults.into_iter().map(problem)))
            .ok()
    }

    fn pairs(
        &mut self,
        rows: &[PairTemplate],
        kind: &str,
        part: fn(usize) -> Part,
    ) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let value = row.render(self.variables);
            pairs.extend(self.row(part(index), kind, &row.name, value));
        }
        pairs
    }

    fn headers(&mut self, rows: &[HeaderTemplate]) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        for (index, header) in rows.iter().enumerate() {
            let value = header.render(self.variables);
            headers.extend(self.row(Part::Header(index), "header", &header.row.name, value));
        }
        headers
    }

    fn row(
        &mut self,
        part: Part,
        kind: &str,
        name: &str,
        value: Result<RenderedRow, Vec<Fault>>,
    ) -> Option<(String, String)> {
        let place = || format!("the {kind} “{name}”");
        match self.keep(part, place, value)? {
            RenderedRow::Value(value) => {
                self.size += value.len();
                if self.size > LARGEST {
                    let fault = Fault::new("", Misfit::TooLarge);
                    return self.keep(part, || "the request".into(), Err(vec![fault]));
                }
                Some((name.to_string(), value))
            }
            RenderedRow::LeftOut => {
                self.left_out.push(format!("{kind} “{name}”"));
                None
            }
        }
    }

    fn body(&mut self, body: &Body) -> Option<Vec<u8>> {
        let place = || "the request body".to_string();
        let text = match body {
            Body::None => return None,
            Body::Json(json) => json.render(self.variables),
            Body::Text(text) => text.render_plain(self.variables),
            Body::Xml(xml) => xml.render(self.variables),
            Body::Form(fields) => {
                let pairs = self.pairs(fields, "form field", Part::FormField);
                let mut form = form_urlencoded::Serializer::new(String::new());
                Ok(form.extend_pairs(pairs).finish())
            }
        };
        self.keep(Part::Body, place, text).map(String::into_bytes)
    }
}

impl RenderProblem {
    pub fn sentence(&self) -> String {
        self.fault.sentence(&self.place)
    }
}

impl fmt::Display for RenderProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentences: Vec<String> = self.0.iter().map(RenderProblem::sentence).collect();
        f.write_str(&sentences.join(" "))
    }
}

impl std::error::Error for RenderProblems {}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, value: &str, required: bool) -> Row {
        Row {
            name: name.into(),
            value: value.into(),
            required,
        }
    }

    fn recipe() -> Recipe {
        Recipe {
            method: HttpMethod::Post,
            url: "/orders/{{order.id}}".into(),
            parameters: vec![row("page", "{{page|1}}", true), row("q", "{{q}}", false)],
            headers: vec![row("X-Trace", "{{trace}}", true)],
            body_kind: BodyKind::Json,
            body: r#"{"n": {{order.n}}}"#.into(),
            form: Vec::new(),
            time_out: None,
            retries: 0,
        }
    }

    fn base() -> HttpUrl {
        HttpUrl::parse("https://api.example.org/v1").expect("a base")
    }

    #[test]
    fn values_make_a_request_of_an_endpoint() {
        let definition = Definition::new(&recipe(), Some(&base())).expect("a definition");
        let names: Vec<&str> = definition
            .variables()
            .iter()
            .map(|one| one.name())
            .collect();
        assert_eq!(names, ["order.id", "page", "q", "trace", "order.n"]);
        let variables = serde_json::json!({ "order": { "id": "a/b", "n": 3 }, "trace": "t" });
        let rendered = definition.render(&variables).expect("a request");
        assert_eq!(
            rendered.url.as_str(),
            "https://api.example.org/v1/orders/a%2Fb?page=1"
        );
        assert_eq!(rendered.headers["x-trace"], "t");
        assert_eq!(rendered.headers["content-type"], "application/json");
        assert_eq!(rendered.body.as_deref(), Some(&br#"{"n": 3}"#[..]));
        assert_eq!(rendered.left_out, ["parameter “q”"]);
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let definition = Definition::new(&recipe(), Some(&base())).expect("a definition");
        let problems = definition
            .render(&serde_json::json!({ "q": "x" }))
            .expect_err("problems");
        assert_eq!(
            problems.to_string(),
            "There is no value for “trace”, which the header “X-Trace” needs. \
             There is no value for “order.id”, which the URL needs. \
             There is no value for “order.n”, which the request body needs."
        );
    }

    #[test]
    fn headers_of_others_cannot_be_set() {
        for (name, in_name) in [
            ("Authorization", true),
            ("HOST", true),
            ("Content-Length", true),
            ("X Page", true),
            ("X:Page", true),
            ("X-{{page}}", true),
            ("x-trace", true),
            ("Accept", false),
        ] {
            let mut recipe = recipe();
            recipe.headers.push(row(name, "1", true));
            let problems = Definition::new(&recipe, None).err().unwrap_or_default();
            assert_eq!(
                problems
                    .iter()
                    .any(|problem| problem.part == Part::Header(1) && problem.in_name),
                in_name,
                "{name}: {problems:?}"
            );
        }
    }

    #[test]
    fn a_body_has_the_type_that_a_header_gives_it() {
        let mut recipe = recipe();
        recipe
            .headers
            .push(row("content-type", "application/vnd.api+json", true));
        let definition = Definition::new(&recipe, Some(&base())).expect("a definition");
        let variables = serde_json::json!({ "order": { "id": 1, "n": 3 }, "trace": "t" });
        let rendered = definition.render(&variables).expect("a request");
        let types: Vec<_> = rendered.headers.get_all("content-type").iter().collect();
        assert_eq!(types, ["application/vnd.api+json"]);
    }
}

//! Making a request of an endpoint's templates and values: all that is missing is told at once.

use std::fmt;

use serde_json::Value;

use super::super::template::{Fault, HeaderTemplate, LARGEST, Misfit, PairTemplate, RenderedRow};
use super::{Body, Definition, Part, RenderProblem, RenderProblems, Rendered};
use crate::outbound::http::header::CONTENT_TYPE;
use crate::outbound::http::{HeaderMap, HeaderName, HeaderValue};

pub(super) fn render(definition: &Definition, variables: &Value) -> Result<Rendered, RenderProblems> {
    let mut render = Render { variables, problems: Vec::new(), left_out: Vec::new(), size: 0 };
    let base = definition.base.as_ref();
    let parameters = render.pairs(&definition.parameters, "parameter", Part::Parameter);
    let headers = render.headers(&definition.headers);
    let url = definition.url.render(base, variables, &parameters);
    let url = render.keep(Part::Url, || "the URL".into(), url);
    let body = render.body(&definition.body);
    match url {
        Some(url) if render.problems.is_empty() => Ok(Rendered {
            url,
            headers: header_map(headers, definition.body.kind().content_type()),
            body,
            left_out: render.left_out,
        }),
        _ => Err(RenderProblems(render.problems)),
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
    fn keep<T>(&mut self, part: Part, place: impl Fn() -> String, rendered: Result<T, Vec<Fault>>) -> Option<T> {
        let problem = |fault| RenderProblem { part, place: place(), fault };
        rendered.map_err(|faults| self.problems.extend(faults.into_iter().map(problem))).ok()
    }

    fn pairs(&mut self, rows: &[PairTemplate], kind: &str, part: fn(usize) -> Part) -> Vec<(String, String)> {
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

/// The headers, and what the body is, unless one of them says so. Names were checked when they were saved, values as
/// they were rendered.
fn header_map(rendered: Vec<(String, String)>, content_type: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in rendered {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            headers.append(name, value);
        }
    }
    if let Some(content_type) = content_type {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
    }
    headers
}

//! An endpoint ready to be called: its templates, read once, and the request that values make of them.

mod check;
mod render;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::model::{BodyKind, HttpMethod, Recipe};
use super::template::{
    Fault, HeaderTemplate, JsonTemplate, PairTemplate, Template, UrlTemplate, Variable, XmlTemplate,
};
use crate::outbound::http::HeaderMap;
use crate::outbound::{HttpUrl, Origin};

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
        let url = check::keep(&mut problems, Part::Url, UrlTemplate::parse(&recipe.url));
        let parameters = check::pairs(&recipe.parameters, Part::Parameter, &mut problems);
        let headers = check::headers(&recipe.headers, &mut problems);
        let body = check::body(recipe, &mut problems);
        match (url, body) {
            (Some(url), Some(body)) if problems.is_empty() => {
                Ok(Definition { method: recipe.method, base: base.cloned(), url, parameters, headers, body })
            }
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
        let templates = [self.url.template()].into_iter().chain(rows).chain(headers).chain(body);
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
        render::render(self, variables)
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
        }
    }
}

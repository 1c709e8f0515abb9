//! What an endpoint is: as stored and as checked.

use std::fmt;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::connectors::ConnectorId;
use crate::db::{StoredValueError, all_known, known};
use crate::name::{Name, NameProblem};
use crate::outbound::http::Method;

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;

/// The names that the first endpoints of a connector are offered, with their methods.
const USUAL: [(&str, HttpMethod); 4] = [
    ("list", HttpMethod::Get),
    ("create", HttpMethod::Post),
    ("update", HttpMethod::Put),
    ("delete", HttpMethod::Delete),
];

pub type EndpointId = Uuid;

/// An endpoint's name: rule of names, at most 100 characters.
pub fn parse_name(typed: &str) -> Result<Name, NameProblem> {
    Name::parse(typed, LONGEST_NAME)
}

/// The first usual name that is not `taken`, with its method.
pub(super) fn offered(taken: &[String]) -> Option<(&'static str, HttpMethod)> {
    USUAL.into_iter().find(|(name, _)| !taken.iter().any(|other| other == name))
}

/// The HTTP method of an endpoint (RFC 9110 9.3, RFC 5789).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HttpMethod {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
}

impl HttpMethod {
    pub const ALL: [HttpMethod; 7] = [
        HttpMethod::Get,
        HttpMethod::Post,
        HttpMethod::Put,
        HttpMethod::Patch,
        HttpMethod::Delete,
        HttpMethod::Head,
        HttpMethod::Options,
    ];

    /// Its name in requests, forms and the database.
    pub fn code(self) -> &'static str {
        match self {
            HttpMethod::Get => "GET",
            HttpMethod::Post => "POST",
            HttpMethod::Put => "PUT",
            HttpMethod::Patch => "PATCH",
            HttpMethod::Delete => "DELETE",
            HttpMethod::Head => "HEAD",
            HttpMethod::Options => "OPTIONS",
        }
    }

    /// The same for requests.
    pub fn http(self) -> Method {
        match self {
            HttpMethod::Get => Method::GET,
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Patch => Method::PATCH,
            HttpMethod::Delete => Method::DELETE,
            HttpMethod::Head => Method::HEAD,
            HttpMethod::Options => Method::OPTIONS,
        }
    }

    pub fn parse(code: &str) -> Option<HttpMethod> {
        HttpMethod::ALL.into_iter().find(|method| method.code() == code)
    }
}

impl fmt::Display for HttpMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What kind of body a request has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyKind {
    None,
    Json,
    Form,
    Text,
    Xml,
}

impl BodyKind {
    pub const ALL: [BodyKind; 5] = [BodyKind::None, BodyKind::Json, BodyKind::Form, BodyKind::Text, BodyKind::Xml];

    pub fn code(self) -> &'static str {
        match self {
            BodyKind::None => "none",
            BodyKind::Json => "json",
            BodyKind::Form => "form",
            BodyKind::Text => "text",
            BodyKind::Xml => "xml",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            BodyKind::None => "None",
            BodyKind::Json => "JSON",
            BodyKind::Form => "Form",
            BodyKind::Text => "Text",
            BodyKind::Xml => "XML",
        }
    }

    pub fn parse(code: &str) -> Option<BodyKind> {
        BodyKind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether its text is one template.
    pub fn has_text(self) -> bool {
        matches!(self, BodyKind::Json | BodyKind::Text | BodyKind::Xml)
    }

    /// What the request says of its body, unless a header says otherwise.
    pub fn content_type(self) -> Option<&'static str> {
        match self {
            BodyKind::None => None,
            BodyKind::Json => Some("application/json"),
            BodyKind::Form => Some("application/x-www-form-urlencoded"),
            BodyKind::Text => Some("text/plain; charset=utf-8"),
            BodyKind::Xml => Some("application/xml; charset=utf-8"),
        }
    }
}

/// A parameter, header or form field: its value is a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub value: String,
    pub required: bool,
}

impl Row {
    pub(super) fn rows_of(stored: &Value) -> Option<Vec<Row>> {
        Vec::deserialize(stored).ok()
    }

    pub(super) fn stored(rows: &[Row]) -> Value {
        let row = |row: &Row| serde_json::json!({ "name": row.name, "value": row.value, "required": row.required });
        Value::Array(rows.iter().map(row).collect())
    }

    /// The rows in a line each, for people.
    pub(super) fn words(rows: &[Row]) -> String {
        let words = |row: &Row| {
            let required = if row.required { " (required)" } else { "" };
            format!("{}: {}{required}", row.name, row.value)
        };
        rows.iter().map(words).collect::<Vec<_>>().join("\n")
    }
}

/// What a request is made from: the texts of an endpoint that are or hold templates.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub method: HttpMethod,
    pub url: String,
    pub parameters: Vec<Row>,
    pub headers: Vec<Row>,
    pub body_kind: BodyKind,
    pub body: String,
    pub form: Vec<Row>,
    /// Seconds that a call may take; `None`: as long as the connector says.
    pub time_out: Option<i32>,
    /// How often a call that failed is tried again.
    pub retries: i32,
}

/// What the editor has made of an endpoint.
#[derive(Clone, Debug)]
pub struct CheckedEndpoint {
    pub name: Name,
    pub description: String,
    pub recipe: Recipe,
    /// JSON as it was typed, to try it out with.
    pub sample: String,
}

/// An endpoint as it is stored.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::endpoints)]
pub struct Endpoint {
    pub id: EndpointId,
    pub connector_id: ConnectorId,
    pub name: String,
    pub description: String,
    pub method: String,
    pub url: String,
    parameters: Value,
    headers: Value,
    body_kind: String,
    body: String,
    form: Value,
    pub sample: String,
    time_out: Option<i32>,
    retries: i32,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl Endpoint {
    /// What its requests are made from, if all of it can be read.
    pub fn recipe(&self) -> Result<Recipe, StoredValueError> {
        let rows = |column, stored| known(column, self.id, Row::rows_of(stored));
        let method = HttpMethod::parse(&self.method);
        let body_kind = BodyKind::parse(&self.body_kind);
        let time_out_reads = self.time_out.is_none_or(|seconds| seconds > 0);
        let retries_read = u8::try_from(self.retries).is_ok();
        all_known(self.id, &[("endpoints.time_out", time_out_reads), ("endpoints.retries", retries_read)])?;
        Ok(Recipe {
            method: known("endpoints.method", self.id, method)?,
            url: self.url.clone(),
            parameters: rows("endpoints.parameters", &self.parameters)?,
            headers: rows("endpoints.headers", &self.headers)?,
            body_kind: known("endpoints.body_kind", self.id, body_kind)?,
            body: self.body.clone(),
            form: rows("endpoints.form", &self.form)?,
            time_out: self.time_out,
            retries: self.retries,
        })
    }
}

/// Its fields as people read them, in the order of the editor.
pub(super) fn field_words(name: &str, description: &str, recipe: &Recipe, sample: &str) -> Vec<(&'static str, String)> {
    let body = match recipe.body_kind {
        BodyKind::None => String::new(),
        BodyKind::Form => Row::words(&recipe.form),
        _ => recipe.body.clone(),
    };
    let time_out =
        recipe.time_out.map_or(String::new(), |seconds| crate::web::plural(seconds.into(), "second", "seconds"));
    vec![
        ("Name", name.to_string()),
        ("Description", description.to_string()),
        ("Method", recipe.method.code().into()),
        ("URL", recipe.url.clone()),
        ("Parameters", Row::words(&recipe.parameters)),
        ("Request headers", Row::words(&recipe.headers)),
        ("Request body", recipe.body_kind.label().into()),
        ("Body", body),
        ("Sample data", sample.to_string()),
        ("Timeout", time_out),
        ("Retries", recipe.retries.to_string()),
    ]
}

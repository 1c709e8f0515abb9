//! Endpoints as stored and as checked.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::paging::{Paging, PagingKind, Pointer};
use crate::db::{StoredValueError, all_known, known, text_enum};
use crate::name::{Name, NameProblem};
pub use crate::template::HttpMethod;

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// The suggested names of a connector's first endpoints, with their methods.
const SUGGESTIONS: [(&str, HttpMethod); 4] = [
    ("list", HttpMethod::Get),
    ("create", HttpMethod::Post),
    ("update", HttpMethod::Put),
    ("delete", HttpMethod::Delete),
];

pub type EndpointId = Uuid;

pub fn parse_name(typed: &str) -> Result<Name, NameProblem> {
    Name::parse(typed, MAX_NAME)
}

/// The first suggested name that is not `taken`, with its method.
pub(super) fn suggestion(taken: &[String]) -> Option<(&'static str, HttpMethod)> {
    SUGGESTIONS.into_iter().find(|(name, _)| !taken.iter().any(|other| other == name))
}

text_enum! {
    /// The type of a request's body.
    pub enum BodyKind {
        None = "none", "None";
        Json = "json", "JSON";
        Form = "form", "Form";
        Multipart = "multipart", "Multipart";
        Text = "text", "Text";
        Xml = "xml", "XML";
    }
}

impl BodyKind {
    /// Whether it is one template.
    pub fn has_text(self) -> bool {
        matches!(self, BodyKind::Json | BodyKind::Text | BodyKind::Xml)
    }

    /// The `Content-Type`, unless a header sets it; that of a multipart body names its boundary.
    pub fn content_type(self) -> Option<&'static str> {
        match self {
            BodyKind::None | BodyKind::Multipart => None,
            BodyKind::Json => Some("application/json"),
            BodyKind::Form => Some("application/x-www-form-urlencoded"),
            BodyKind::Text => Some("text/plain; charset=utf-8"),
            BodyKind::Xml => Some("application/xml; charset=utf-8"),
        }
    }
}

/// A parameter, header, form field or part of a multipart body, whose value is a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub value: String,
    pub required: bool,
    /// Of a part: it is sent as a file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_file: bool,
    /// Of a part that is a file: a template; empty for the name that the file has.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file_name: String,
    /// Of a part; empty for none, or for that of the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content_type: String,
}

text_enum! {
    /// What a part of a multipart body is.
    pub enum PartKind {
        Text = "text", "Text";
        File = "file", "File";
    }
}

impl Row {
    pub(super) fn kind(&self) -> PartKind {
        if self.is_file { PartKind::File } else { PartKind::Text }
    }

    pub(super) fn stored(rows: &[Row]) -> Value {
        serde_json::json!(rows)
    }

    /// The rows as text, one per line.
    pub(super) fn describe(rows: &[Row]) -> String {
        let line = |row: &Row| {
            let required = if row.required { " (required)" } else { "" };
            let file = if row.is_file { " (file)" } else { "" };
            let labels = [("file name", &row.file_name), ("content type", &row.content_type)];
            let more = labels.into_iter().filter(|(_, text)| !text.is_empty());
            let more: String = more.map(|(label, text)| format!(", {label} {text}")).collect();
            format!("{}: {}{file}{more}{required}", row.name, row.value)
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowKind {
    Parameter,
    Header,
    FormField,
    /// Of a multipart body.
    Part,
}

impl RowKind {
    pub const ALL: [RowKind; 4] = [RowKind::Parameter, RowKind::Header, RowKind::FormField, RowKind::Part];

    /// The prefix of the names of its inputs.
    pub fn code(self) -> &'static str {
        match self {
            RowKind::Parameter => "parameter",
            RowKind::Header => "header",
            RowKind::FormField => "field",
            RowKind::Part => "part",
        }
    }

    /// The name of an input of the row at an index.
    pub fn field(self, index: &usize, field: &str) -> String {
        format!("{}_{}_{field}", self.code(), index + 1)
    }

    /// Its name within a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            RowKind::FormField => "form field",
            kind => kind.code(),
        }
    }

    pub fn column(self) -> &'static str {
        match self {
            RowKind::Parameter => "endpoints.parameters",
            RowKind::Header => "endpoints.headers",
            RowKind::FormField | RowKind::Part => "endpoints.form",
        }
    }
}

/// A field of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowField {
    Name,
    Value,
    FileName,
    ContentType,
}

impl RowField {
    /// The end of the name of its input, and its label within a sentence.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            RowField::Name => ("name", "key"),
            RowField::Value => ("value", "value"),
            RowField::FileName => ("file_name", "file name"),
            RowField::ContentType => ("content_type", "content type"),
        }
    }
}

/// What an endpoint's requests are made from. The texts are templates.
#[derive(Clone, Debug)]
pub struct RequestSettings {
    pub method: HttpMethod,
    pub url: String,
    pub parameters: Vec<Row>,
    pub headers: Vec<Row>,
    pub body_kind: BodyKind,
    pub body: String,
    /// The form fields, or the parts of a multipart body.
    pub form: Vec<Row>,
    /// In seconds; `None` for the connector's own.
    pub time_out: Option<i32>,
    pub retries: i32,
    pub paging: Paging,
}

/// A checked endpoint.
#[derive(Clone, Debug)]
pub struct CheckedEndpoint {
    pub name: Name,
    pub description: String,
    pub request: RequestSettings,
    /// JSON as it was typed, with values for Run.
    pub sample: String,
}

/// An endpoint as it is stored.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::endpoints)]
pub struct Endpoint {
    pub id: EndpointId,
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
    paging: String,
    paging_next: String,
    paging_parameter: String,
    paging_items: String,
}

impl RequestSettings {
    pub fn rows(&self, kind: RowKind) -> &[Row] {
        match kind {
            RowKind::Parameter => &self.parameters,
            RowKind::Header => &self.headers,
            RowKind::FormField | RowKind::Part => &self.form,
        }
    }
}

impl Endpoint {
    pub fn request(&self) -> Result<RequestSettings, StoredValueError> {
        let rows = |kind: RowKind, stored| known(kind.column(), self.id, Vec::<Row>::deserialize(stored).ok());
        let method = HttpMethod::parse(&self.method);
        let body_kind = BodyKind::parse(&self.body_kind);
        let time_out_reads = self.time_out.is_none_or(|seconds| seconds > 0);
        let retries_read = u8::try_from(self.retries).is_ok();
        all_known(self.id, &[("endpoints.time_out", time_out_reads), ("endpoints.retries", retries_read)])?;
        Ok(RequestSettings {
            method: known("endpoints.method", self.id, method)?,
            url: self.url.clone(),
            parameters: rows(RowKind::Parameter, &self.parameters)?,
            headers: rows(RowKind::Header, &self.headers)?,
            body_kind: known("endpoints.body_kind", self.id, body_kind)?,
            body: self.body.clone(),
            form: rows(RowKind::FormField, &self.form)?,
            time_out: self.time_out,
            retries: self.retries,
            paging: self.paging()?,
        })
    }

    fn paging(&self) -> Result<Paging, StoredValueError> {
        let pointer = |column, text| known(column, self.id, Pointer::parse(text).ok());
        Ok(Paging {
            kind: known("endpoints.paging", self.id, PagingKind::parse(&self.paging))?,
            next: pointer("endpoints.paging_next", &self.paging_next)?,
            parameter: self.paging_parameter.clone(),
            items: pointer("endpoints.paging_items", &self.paging_items)?,
        })
    }
}

/// Labels and values of its fields, in the order of the editor.
pub(super) fn describe(
    name: &str,
    description: &str,
    request: &RequestSettings,
    sample: &str,
) -> Vec<(&'static str, String)> {
    let body = match request.body_kind {
        BodyKind::None => String::new(),
        BodyKind::Form | BodyKind::Multipart => Row::describe(&request.form),
        _ => request.body.clone(),
    };
    let paging = request.paging.kind;
    let time_out =
        request.time_out.map_or(String::new(), |seconds| crate::web::plural(seconds.into(), "second", "seconds"));
    vec![
        ("Name", name.to_string()),
        ("Description", description.to_string()),
        ("Method", request.method.code().into()),
        ("URL", request.url.clone()),
        ("Parameters", Row::describe(&request.parameters)),
        ("Request headers", Row::describe(&request.headers)),
        ("Request body", request.body_kind.label().into()),
        ("Body", body),
        ("Sample data", sample.to_string()),
        ("Timeout", time_out),
        ("Retries", request.retries.to_string()),
        ("Paging", paging.label().into()),
        ("Next page", request.paging.next.to_string()),
        ("Parameter of the page", request.paging.parameter.clone()),
        ("Items", request.paging.items.to_string()),
    ]
}

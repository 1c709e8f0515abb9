//! Checks of the editor's form.

use serde_json::Value;

use super::super::definition::{Definition, Part, PartProblem};
use super::super::model::{BodyKind, CheckedEndpoint, HttpMethod, RequestSettings, Row, RowKind, parse_name};
use super::EndpointForm;
use super::rows::MAX_ROWS;
use crate::name::Name;
use crate::web::grouped;

/// The longest URL, name and value of a row, and description in characters; body and sample data in bytes.
const MAX_URL: usize = 2_000;
const MAX_NAME: usize = 200;
const MAX_VALUE: usize = 4_000;
const MAX_DESCRIPTION: usize = 4_000;
const MAX_BODY: usize = 256 * 1024;
const MAX_SAMPLE: usize = 128 * 1024;

/// A checked endpoint, ready to be called.
pub(in crate::endpoints) struct Checked {
    pub endpoint: CheckedEndpoint,
    pub definition: Definition,
    pub variables: Value,
}

/// Rows that are not empty, with their indexes in the form.
struct Numbered {
    rows: Vec<Row>,
    indexes: Vec<usize>,
}

impl EndpointForm {
    /// The checked endpoint; `None` leaves the messages in the form.
    pub fn check(&mut self) -> Option<Checked> {
        let name = self.check_name();
        self.check_lengths();
        let method = HttpMethod::parse(&self.method).ok_or("Choose a method");
        let method = self.errors.keep("http_method", method);
        let kind = BodyKind::parse(&self.body_kind).ok_or("Choose a body type");
        let kind = self.errors.keep("body_kind", kind);
        let parameters = self.check_rows(RowKind::Parameter);
        let headers = self.check_rows(RowKind::Header);
        let fields = self.check_rows(RowKind::FormField);
        let time_out = self.check_time_out();
        let retries = self.check_retries();
        let variables = self.check_sample();
        let request = RequestSettings {
            method: method?,
            url: self.url.clone(),
            parameters: parameters.rows,
            headers: headers.rows,
            body_kind: kind?,
            body: self.body_text(),
            form: fields.rows,
            time_out: time_out.unwrap_or_default(),
            retries: retries.unwrap_or_default(),
        };
        let indexes = [parameters.indexes, headers.indexes, fields.indexes];
        let definition = self.define(&request, &indexes);
        self.show_row_errors();
        let endpoint = CheckedEndpoint {
            name: name?,
            description: self.description.trim().to_string(),
            request,
            sample: self.sample.trim().to_string(),
        };
        if self.errors.any() {
            return None;
        }
        Some(Checked { endpoint, definition: definition?, variables: variables? })
    }

    /// The fields without a check.
    pub(super) fn request_as_typed(&self) -> RequestSettings {
        let rows = |rows: &super::Rows| rows.filled().into_iter().map(|(_, row)| row).collect();
        RequestSettings {
            method: HttpMethod::parse(&self.method).unwrap_or(HttpMethod::Get),
            url: self.url.clone(),
            parameters: rows(&self.parameters),
            headers: rows(&self.headers),
            body_kind: self.body_kind(),
            body: self.body_text(),
            form: if self.body_kind() == BodyKind::Form { rows(&self.form_fields) } else { Vec::new() },
            time_out: self.time_out.parse().ok(),
            retries: self.retries.parse().unwrap_or_default(),
        }
    }

    /// The text, unless the body type has none.
    fn body_text(&self) -> String {
        if self.body_kind().has_text() { self.body.clone() } else { String::new() }
    }

    fn check_name(&mut self) -> Option<Name> {
        self.errors.keep("endpoint_name", parse_name(&self.name))
    }

    fn check_lengths(&mut self) {
        let in_characters = [
            ("description", "Description", &self.description, MAX_DESCRIPTION),
            ("endpoint_url", "URL", &self.url, MAX_URL),
        ];
        for (field, label, text, longest) in in_characters {
            if text.chars().count() > longest {
                let most = grouped(i64::try_from(longest).unwrap_or(i64::MAX));
                let message = format!("{label} must be {most} characters or fewer");
                self.errors.add(field, message);
            }
        }
        for (field, label, text, largest) in
            [("body", "Body", &self.body, MAX_BODY), ("sample", "Sample data", &self.sample, MAX_SAMPLE)]
        {
            if text.len() > largest {
                let message = format!("{label} must be {} kilobytes or less", largest / 1024);
                self.errors.add(field, message);
            }
        }
    }

    /// The rows of one kind without the empty ones. Form fields count only if the body is a form.
    fn check_rows(&mut self, kind: RowKind) -> Numbered {
        if kind == RowKind::FormField && self.body_kind() != BodyKind::Form {
            let (rows, indexes) = (Vec::new(), Vec::new());
            return Numbered { rows, indexes };
        }
        let (code, noun) = (kind.code(), kind.noun());
        let filled = self.rows_mut(kind).filled();
        if filled.len() > MAX_ROWS {
            let message = format!("There can be {MAX_ROWS} of each kind of row. Remove some");
            self.errors.add(format!("{code}_{}_name", MAX_ROWS + 1), message);
        }
        for (index, row) in &filled {
            let number = index + 1;
            let name_problem = if row.name.is_empty() {
                Some(format!("Enter the key of {noun} {number}, or remove it"))
            } else if row.name.chars().count() > MAX_NAME {
                Some(format!("The key of {noun} {number} must be {MAX_NAME} characters or fewer"))
            } else {
                None
            };
            if let Some(message) = name_problem {
                self.errors.add(format!("{code}_{number}_name"), message);
            }
            if row.value.chars().count() > MAX_VALUE {
                let message = format!("The value of {noun} {number} must be 4,000 characters or fewer");
                self.errors.add(format!("{code}_{number}_value"), message);
            }
        }
        let (indexes, rows) = filled.into_iter().unzip();
        Numbered { rows, indexes }
    }

    fn check_time_out(&mut self) -> Option<Option<i32>> {
        if self.time_out.is_empty() {
            return Some(None);
        }
        let seconds = self.time_out.parse::<i32>().ok();
        let seconds = seconds.filter(|seconds| (1..=300).contains(seconds));
        let checked = seconds.map(Some).ok_or("Timeout must be a whole number of seconds from 1 to 300");
        self.errors.keep("time_out", checked)
    }

    fn check_retries(&mut self) -> Option<i32> {
        let retries = self.retries.parse::<i32>().ok();
        let retries = retries.filter(|retries| (0..=5).contains(retries));
        self.errors.keep("retries", retries.ok_or("Choose from 0 to 5 retries"))
    }

    /// The sample data as a JSON object.
    pub fn check_sample(&mut self) -> Option<Value> {
        let typed = self.sample.trim();
        if typed.is_empty() {
            return Some(Value::Object(serde_json::Map::new()));
        }
        let read = serde_json::from_str::<Value>(typed).map_err(|error| {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            let (line, column) = (error.line(), error.column());
            format!("Sample data is not JSON: {words} at line {line}, character {column}")
        });
        let object = read.and_then(|value| match value {
            Value::Object(_) => Ok(value),
            _ => Err("Sample data must be a JSON object, such as {\"id\": 7}".to_string()),
        });
        self.errors.keep("sample", object)
    }

    fn define(&mut self, request: &RequestSettings, indexes: &[Vec<usize>; 3]) -> Option<Definition> {
        match Definition::new(request, self.base_url.as_ref()) {
            Ok(definition) => Some(definition),
            Err(problems) => {
                for problem in problems {
                    let (field, label) = field_of(&problem, indexes);
                    self.errors.add(field, format!("{label} {}", problem.message));
                }
                None
            }
        }
    }

    pub fn show_row_errors(&mut self) {
        let errors = self.errors.clone();
        for kind in RowKind::ALL {
            self.rows_mut(kind).show_errors(&errors);
        }
    }

    pub fn name_taken(&mut self) {
        let name = parse_name(&self.name).map(|name| name.as_str().to_string()).unwrap_or_default();
        self.errors.add("endpoint_name", format!("An endpoint named “{name}” already exists in this data connector"));
    }

    pub fn too_many(&mut self, most: i64) {
        self.errors.add("endpoint_name", format!("A data connector can have {most} endpoints. Delete one first"));
    }
}

/// The field of a problem, and its label at the beginning of a sentence.
fn field_of(problem: &PartProblem, indexes: &[Vec<usize>; 3]) -> (String, String) {
    let [parameters, headers, fields] = indexes;
    let (kind, index) = match problem.part {
        Part::Url => return ("endpoint_url".into(), "URL".into()),
        Part::Body => return ("body".into(), "Body".into()),
        Part::Row(kind, index) => (kind, index),
    };
    let indexes = match kind {
        RowKind::Parameter => parameters,
        RowKind::Header => headers,
        RowKind::FormField => fields,
    };
    let number = indexes.get(index).map_or(1, |index| index + 1);
    let (field, what) = if problem.in_name { ("name", "key") } else { ("value", "value") };
    (format!("{}_{number}_{field}", kind.code()), format!("The {what} of {} {number}", kind.noun()))
}

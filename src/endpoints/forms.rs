//! The editor's form, and its check.

use serde::Deserialize;
use serde_json::Value;
use validator::Validate;

use super::definition::{Definition, Part, PartProblem};
use super::model::{
    BodyKind, CheckedEndpoint, Endpoint, HttpMethod, RequestSettings, RowKind, describe, parse_name, suggestion,
};
use super::paging::{Paging, PagingKind, Pointer};
use super::rows::{MAX_ROWS, Rows};
use crate::db::StoredValueError;
use crate::outbound::HttpUrl;
use crate::web::form::{NewId, Text};
use crate::web::{Errors, FormData};

/// The longest name and value of a row in characters; body and sample data in bytes.
const MAX_NAME: usize = 200;
const MAX_VALUE: usize = 4_000;
const MAX_BODY: usize = 256 * 1024;
const MAX_SAMPLE: usize = 128 * 1024;

/// The fields as typed. Rows are not fields of this name: they are read by [`EndpointForm::read_rows`].
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct EndpointForm {
    pub(super) new_id: NewId,
    pub(super) endpoint_name: Text,
    #[validate(length(max = 4000, message = "Description must be 4,000 characters or fewer"))]
    pub(super) description: Text,
    pub(super) http_method: Text,
    #[validate(length(max = 2000, message = "URL must be 2,000 characters or fewer"))]
    pub(super) endpoint_url: Text,
    pub(super) parameter: Rows,
    pub(super) header: Rows,
    pub(super) body_kind: Text,
    pub(super) body: Text,
    pub(super) field: Rows,
    pub(super) part: Rows,
    pub(super) sample: Text,
    pub(super) time_out: Text,
    pub(super) retries: Text,
    pub(super) paging: Text,
    #[validate(length(max = 200, message = "Next page must be 200 characters or fewer"))]
    pub(super) paging_next: Text,
    #[validate(length(max = 200, message = "Parameter of the page must be 200 characters or fewer"))]
    pub(super) paging_parameter: Text,
    #[validate(length(max = 200, message = "Items must be 200 characters or fewer"))]
    pub(super) paging_items: Text,
}

/// A checked endpoint, ready to be called.
pub(super) struct Checked {
    pub endpoint: CheckedEndpoint,
    pub definition: Definition,
    pub variables: Value,
}

impl EndpointForm {
    /// The form of a new endpoint, with the first suggested name that is not `taken`.
    pub(super) fn empty(taken: &[String]) -> EndpointForm {
        let (name, method) = suggestion(taken).unwrap_or(("", HttpMethod::Get));
        EndpointForm {
            endpoint_name: name.into(),
            http_method: method.code().into(),
            body_kind: BodyKind::None.code().into(),
            retries: "0".into(),
            paging: PagingKind::None.code().into(),
            ..EndpointForm::default()
        }
    }

    pub(super) fn of(endpoint: &Endpoint) -> Result<EndpointForm, StoredValueError> {
        let request = endpoint.request()?;
        let (field, part) = match request.body_kind {
            BodyKind::Multipart => (Vec::new(), request.form),
            _ => (request.form, Vec::new()),
        };
        Ok(EndpointForm {
            new_id: NewId(endpoint.id),
            endpoint_name: endpoint.name.as_str().into(),
            description: endpoint.description.as_str().into(),
            http_method: request.method.code().into(),
            endpoint_url: request.url.into(),
            parameter: Rows::of(request.parameters),
            header: Rows::of(request.headers),
            body_kind: request.body_kind.code().into(),
            body: request.body.into(),
            field: Rows::of(field),
            part: Rows::of(part),
            sample: endpoint.sample.as_str().into(),
            time_out: request.time_out.map_or(String::new(), |seconds| seconds.to_string()).into(),
            retries: request.retries.to_string().into(),
            paging: request.paging.kind.code().into(),
            paging_next: request.paging.next.to_string().into(),
            paging_parameter: request.paging.parameter.into(),
            paging_items: request.paging.items.to_string().into(),
        })
    }

    /// Reads the numbered rows, which are no fields of a fixed name.
    pub(super) fn read_rows(&mut self, data: &FormData) {
        for kind in RowKind::ALL {
            *self.rows_mut(kind) = Rows::read(kind, data);
        }
    }

    /// Does what the pressed button asks for: shows the fields of another body type, or adds or removes a row. False for
    /// Save and Run.
    pub(super) fn apply_button(&mut self, data: &FormData) -> bool {
        let pressed = data.get("do").unwrap_or_default();
        let (action, rest) = pressed.split_once('-').unwrap_or((pressed, ""));
        let (code, number) = rest.split_once('-').unwrap_or((rest, ""));
        let kind = RowKind::ALL.into_iter().find(|kind| kind.code() == code);
        let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match (action, kind, index) {
            ("show", ..) => {}
            ("add", Some(kind), _) => self.rows_mut(kind).add(),
            ("remove", Some(kind), Some(index)) => self.rows_mut(kind).remove(index),
            _ => return false,
        }
        true
    }

    pub(super) fn rows(&self, kind: RowKind) -> &Rows {
        match kind {
            RowKind::Parameter => &self.parameter,
            RowKind::Header => &self.header,
            RowKind::FormField => &self.field,
            RowKind::Part => &self.part,
        }
    }

    fn rows_mut(&mut self, kind: RowKind) -> &mut Rows {
        match kind {
            RowKind::Parameter => &mut self.parameter,
            RowKind::Header => &mut self.header,
            RowKind::FormField => &mut self.field,
            RowKind::Part => &mut self.part,
        }
    }

    /// The chosen body type; none if it is unknown.
    pub(super) fn chosen_body(&self) -> BodyKind {
        BodyKind::parse(&self.body_kind).unwrap_or(BodyKind::None)
    }

    /// Whether a group of fields is for the chosen body type; `kinds` are codes with spaces between them.
    pub(super) fn is_for(&self, kinds: &str) -> bool {
        kinds.split(' ').any(|code| code == self.chosen_body().code())
    }

    /// Labels and values of its fields.
    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        describe(self.endpoint_name.trim(), self.description.trim(), &self.request(), &self.sample)
    }

    /// The request of the fields as they are. A number that cannot be read counts as not entered.
    fn request(&self) -> RequestSettings {
        let rows = |kind| self.rows(kind).filled().map(|(_, row)| row.clone()).collect();
        let body_kind = self.chosen_body();
        RequestSettings {
            method: HttpMethod::parse(&self.http_method).unwrap_or(HttpMethod::Get),
            url: self.endpoint_url.trim().into(),
            parameters: rows(RowKind::Parameter),
            headers: rows(RowKind::Header),
            body_kind,
            body: if body_kind.has_text() { self.body.to_string() } else { String::new() },
            form: match body_kind {
                BodyKind::Form => rows(RowKind::FormField),
                BodyKind::Multipart => rows(RowKind::Part),
                _ => Vec::new(),
            },
            time_out: self.time_out.trim().parse().ok(),
            retries: self.retries.trim().parse().unwrap_or_default(),
            paging: self.paging(),
        }
    }

    /// How the API pages. Fields that this way of paging does not have are left out.
    fn paging(&self) -> Paging {
        let kind = self.chosen_paging();
        let pointer =
            |is_used: bool, text: &Text| Pointer::parse(text.trim()).ok().filter(|_| is_used).unwrap_or_default();
        Paging {
            kind,
            next: pointer(kind.has_pointer(), &self.paging_next),
            parameter: if kind.has_parameter() { self.paging_parameter.trim().into() } else { String::new() },
            items: pointer(kind != PagingKind::None, &self.paging_items),
        }
    }

    /// The chosen way of paging; none if it is unknown or, in a form that was sent without it, missing.
    fn chosen_paging(&self) -> PagingKind {
        PagingKind::parse(&self.paging).unwrap_or(PagingKind::None)
    }

    /// Whether the API pages.
    pub(super) fn pages(&self) -> bool {
        self.chosen_paging() != PagingKind::None
    }

    fn check_paging(&self, errors: &mut Errors) {
        let kind = self.chosen_paging();
        if kind.has_parameter() && self.paging_parameter.trim().is_empty() {
            errors.add("paging_parameter", "Enter the name of the query parameter that says which page is wanted");
        }
        if kind.has_pointer() && self.paging_next.trim().is_empty() {
            errors.add("paging_next", "Enter where the next page is in the response, such as /meta/next");
        }
        let fields = [
            ("paging_next", "Next page", &self.paging_next, kind.has_pointer()),
            ("paging_items", "Items", &self.paging_items, kind != PagingKind::None),
        ];
        for (field, label, text, _) in fields.into_iter().filter(|(.., is_used)| *is_used) {
            if let Err(problem) = Pointer::parse(text.trim()) {
                errors.add(field, format!("{label} {problem}"));
            }
        }
    }

    /// The checked endpoint of a connector with this base URL.
    pub(super) fn checked(&self, base_url: Option<&HttpUrl>, errors: &mut Errors) -> Option<Checked> {
        let name = errors.keep("endpoint_name", parse_name(&self.endpoint_name));
        let method = HttpMethod::parse(&self.http_method).ok_or("Choose a method");
        let method = errors.keep("http_method", method);
        let kind = BodyKind::parse(&self.body_kind).ok_or("Choose a body type");
        let kind = errors.keep("body_kind", kind);
        for (field, label, text, max) in
            [("body", "Body", &self.body, MAX_BODY), ("sample", "Sample data", &self.sample, MAX_SAMPLE)]
        {
            if text.len() > max {
                errors.add(field, format!("{label} must be {} kilobytes or less", max / 1024));
            }
        }
        self.check_numbers(errors);
        self.check_paging(errors);
        let request = self.request();
        for kind in RowKind::ALL {
            let is_sent = match kind {
                RowKind::Parameter | RowKind::Header => true,
                RowKind::FormField => request.body_kind == BodyKind::Form,
                RowKind::Part => request.body_kind == BodyKind::Multipart,
            };
            if is_sent {
                self.check_rows(kind, errors);
            }
        }
        let variables = self.checked_sample(errors);
        method?;
        kind?;
        let definition = Definition::new(&request, base_url);
        let definition = definition.map_err(|problems| self.add_problems(&problems, errors)).ok();
        let endpoint = CheckedEndpoint {
            name: name?,
            description: self.description.trim().into(),
            request,
            sample: self.sample.trim().into(),
        };
        Some(Checked { endpoint, definition: definition?, variables: variables? })
    }

    /// The rows of one kind that are not empty.
    fn check_rows(&self, kind: RowKind, errors: &mut Errors) {
        let noun = kind.noun();
        if self.rows(kind).filled().count() > MAX_ROWS {
            let message = format!("There can be {MAX_ROWS} of each kind of row. Remove some");
            errors.add(kind.field(&MAX_ROWS, "name"), message);
        }
        for (index, row) in self.rows(kind).filled() {
            let number = index + 1;
            if row.name.is_empty() {
                errors.add(kind.field(&index, "name"), format!("Enter the key of {noun} {number}, or remove it"));
            } else if row.name.chars().count() > MAX_NAME {
                let message = format!("The key of {noun} {number} must be {MAX_NAME} characters or fewer");
                errors.add(kind.field(&index, "name"), message);
            }
            if row.value.chars().count() > MAX_VALUE {
                let message = format!("The value of {noun} {number} must be 4,000 characters or fewer");
                errors.add(kind.field(&index, "value"), message);
            }
            for (field, label, text) in
                [("file_name", "file name", &row.file_name), ("content_type", "content type", &row.content_type)]
            {
                if text.chars().count() > MAX_NAME {
                    let message = format!("The {label} of {noun} {number} must be {MAX_NAME} characters or fewer");
                    errors.add(kind.field(&index, field), message);
                }
            }
        }
    }

    fn check_numbers(&self, errors: &mut Errors) {
        let is_within = |text: &str, range: std::ops::RangeInclusive<i32>| {
            text.trim().parse().is_ok_and(|number| range.contains(&number))
        };
        if !self.time_out.trim().is_empty() && !is_within(&self.time_out, 1..=3_600) {
            errors.add("time_out", "Timeout must be a whole number of seconds from 1 to 3600");
        }
        if !is_within(&self.retries, 0..=5) {
            errors.add("retries", "Choose from 0 to 5 retries");
        }
    }

    /// The sample data as a JSON object.
    fn checked_sample(&self, errors: &mut Errors) -> Option<Value> {
        let typed = self.sample.trim();
        if typed.is_empty() {
            return Some(Value::Object(serde_json::Map::new()));
        }
        let object = match serde_json::from_str::<Value>(typed) {
            Ok(Value::Object(members)) => Ok(Value::Object(members)),
            Ok(_) => Err("Sample data must be a JSON object, such as {\"id\": 7}".to_string()),
            Err(error) => {
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default();
                let (line, column) = (error.line(), error.column());
                Err(format!("Sample data is not JSON: {message} at line {line}, character {column}"))
            }
        };
        errors.keep("sample", object)
    }

    /// Adds the problems of templates at their fields.
    fn add_problems(&self, problems: &[PartProblem], errors: &mut Errors) {
        for problem in problems {
            let (field, label) = match problem.part {
                Part::Url => ("endpoint_url".to_string(), "URL".to_string()),
                Part::Body => ("body".to_string(), "Body".to_string()),
                Part::Row(kind, at) => {
                    let index = self.rows(kind).filled().nth(at).map_or(0, |(index, _)| index);
                    let (field, what) = problem.field.words();
                    (kind.field(&index, field), format!("The {what} of {} {}", kind.noun(), index + 1))
                }
            };
            errors.add(field, format!("{label} {}", problem.message));
        }
    }

    /// The variables of the typed templates with their defaults; empty while the templates have errors.
    pub(super) fn variables(&self, base_url: Option<&HttpUrl>) -> Vec<(String, Option<String>)> {
        let Ok(definition) = Definition::new(&self.request(), base_url) else {
            return Vec::new();
        };
        let variables = definition.variables().into_iter();
        variables.map(|variable| (variable.name().to_string(), variable.default().map(str::to_string))).collect()
    }
}

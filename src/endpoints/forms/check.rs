//! Checking what was typed into the editor.

use serde_json::Value;

use super::super::definition::{Definition, Part, PartProblem};
use super::super::model::{BodyKind, CheckedEndpoint, HttpMethod, Recipe, Row, parse_name};
use super::rows::MOST;
use super::{EndpointForm, RowGroup};
use crate::name::Name;
use crate::web::grouped;

/// The longest texts: URL, name and value of a row, description in characters; body and sample data in bytes.
const LONGEST_URL: usize = 2_000;
const LONGEST_NAME: usize = 200;
const LONGEST_VALUE: usize = 4_000;
const LONGEST_DESCRIPTION: usize = 4_000;
const LARGEST_BODY: usize = 256 * 1024;
const LARGEST_SAMPLE: usize = 128 * 1024;

/// What an endpoint needs to be called: the stored texts, and what they were read to.
pub(in crate::endpoints) struct Checked {
    pub endpoint: CheckedEndpoint,
    pub definition: Definition,
    pub variables: Value,
}

/// Rows as they count, with the numbers that they have in the form.
struct Numbered {
    rows: Vec<Row>,
    places: Vec<usize>,
}

impl EndpointForm {
    /// The checked endpoint; `None` leaves the messages in the form.
    pub fn check(&mut self) -> Option<Checked> {
        let name = self.check_name();
        self.check_lengths();
        let method = HttpMethod::parse(&self.method).ok_or("Choose a method");
        let method = self.errors.keep("http_method", method);
        let kind = BodyKind::parse(&self.body_kind).ok_or("Choose a kind of body");
        let kind = self.errors.keep("body_kind", kind);
        let parameters = self.check_rows(RowGroup::Parameter);
        let headers = self.check_rows(RowGroup::Header);
        let fields = self.check_rows(RowGroup::FormField);
        let time_out = self.check_time_out();
        let retries = self.check_retries();
        let variables = self.check_sample();
        let recipe = Recipe {
            method: method?,
            url: self.url.clone(),
            parameters: parameters.rows,
            headers: headers.rows,
            body_kind: kind?,
            body: self.kept_body(),
            form: fields.rows,
            time_out: time_out.unwrap_or_default(),
            retries: retries.unwrap_or_default(),
        };
        let places = [parameters.places, headers.places, fields.places];
        let definition = self.define(&recipe, &places);
        self.show_row_errors();
        let endpoint = CheckedEndpoint {
            name: name?,
            description: self.description.trim().to_string(),
            recipe,
            sample: self.sample.trim().to_string(),
        };
        if self.errors.any() {
            return None;
        }
        Some(Checked { endpoint, definition: definition?, variables: variables? })
    }

    /// What was typed, checked or not.
    pub(super) fn recipe_as_typed(&self) -> Recipe {
        let rows = |rows: &super::Rows| rows.filled().into_iter().map(|(_, row)| row).collect();
        Recipe {
            method: HttpMethod::parse(&self.method).unwrap_or(HttpMethod::Get),
            url: self.url.clone(),
            parameters: rows(&self.parameters),
            headers: rows(&self.headers),
            body_kind: self.body_kind(),
            body: self.kept_body(),
            form: if self.body_kind() == BodyKind::Form { rows(&self.form_fields) } else { Vec::new() },
            time_out: self.time_out.parse().ok(),
            retries: self.retries.parse().unwrap_or_default(),
        }
    }

    /// A kind without a text keeps none: what nobody sees should not be stored.
    fn kept_body(&self) -> String {
        if self.body_kind().has_text() { self.body.clone() } else { String::new() }
    }

    fn check_name(&mut self) -> Option<Name> {
        self.errors.keep("endpoint_name", parse_name(&self.name))
    }

    fn check_lengths(&mut self) {
        let in_characters = [
            ("description", "Description", &self.description, LONGEST_DESCRIPTION),
            ("endpoint_url", "URL", &self.url, LONGEST_URL),
        ];
        for (field, label, text, longest) in in_characters {
            if text.chars().count() > longest {
                let most = grouped(i64::try_from(longest).unwrap_or(i64::MAX));
                let message = format!("{label} must be {most} characters or fewer");
                self.errors.add(field, message);
            }
        }
        for (field, label, text, largest) in
            [("body", "Body", &self.body, LARGEST_BODY), ("sample", "Sample data", &self.sample, LARGEST_SAMPLE)]
        {
            if text.len() > largest {
                let message = format!("{label} must be {} kilobytes or less", largest / 1024);
                self.errors.add(field, message);
            }
        }
    }

    /// The rows of a group without the empty ones. Form fields count only if the body is a form.
    fn check_rows(&mut self, group: RowGroup) -> Numbered {
        if group == RowGroup::FormField && self.body_kind() != BodyKind::Form {
            let (rows, places) = (Vec::new(), Vec::new());
            return Numbered { rows, places };
        }
        let (code, word) = (group.code(), group.word());
        let filled = self.rows_mut(group).filled();
        if filled.len() > MOST {
            let message = format!("There can be {MOST} of each kind of row. Remove some");
            self.errors.add(format!("{code}_{}_name", MOST + 1), message);
        }
        for (index, row) in &filled {
            let number = index + 1;
            let name_problem = if row.name.is_empty() {
                Some(format!("Enter the key of {word} {number}, or remove it"))
            } else if row.name.chars().count() > LONGEST_NAME {
                Some(format!("The key of {word} {number} must be {LONGEST_NAME} characters or fewer"))
            } else {
                None
            };
            if let Some(message) = name_problem {
                self.errors.add(format!("{code}_{number}_name"), message);
            }
            if row.value.chars().count() > LONGEST_VALUE {
                let message = format!("The value of {word} {number} must be 4,000 characters or fewer");
                self.errors.add(format!("{code}_{number}_value"), message);
            }
        }
        let (places, rows) = filled.into_iter().unzip();
        Numbered { rows, places }
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

    /// The sample data as JSON: an object, empty where nothing was typed.
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

    fn define(&mut self, recipe: &Recipe, places: &[Vec<usize>; 3]) -> Option<Definition> {
        match Definition::new(recipe, self.base_url.as_ref()) {
            Ok(definition) => Some(definition),
            Err(problems) => {
                for problem in problems {
                    let (field, label) = field_of(&problem, places);
                    self.errors.add(field, format!("{label} {}", problem.words));
                }
                None
            }
        }
    }

    pub fn show_row_errors(&mut self) {
        let errors = self.errors.clone();
        for group in RowGroup::ALL {
            self.rows_mut(group).show_errors(&errors);
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

/// The field that a problem is about, and its label at the beginning of a sentence.
fn field_of(problem: &PartProblem, places: &[Vec<usize>; 3]) -> (String, String) {
    let [parameters, headers, fields] = places;
    let (group, places, index) = match problem.part {
        Part::Url => return ("endpoint_url".into(), "URL".into()),
        Part::Body => return ("body".into(), "Body".into()),
        Part::Parameter(index) => (RowGroup::Parameter, parameters, index),
        Part::Header(index) => (RowGroup::Header, headers, index),
        Part::FormField(index) => (RowGroup::FormField, fields, index),
    };
    let number = places.get(index).map_or(1, |place| place + 1);
    let (field, what) = if problem.in_name { ("name", "key") } else { ("value", "value") };
    (format!("{}_{number}_{field}", group.code()), format!("The {what} of {} {number}", group.word()))
}

//! The form of a record: a field for each property of the schema, or its JSON in one text area.
//!
//! Rule: an empty field leaves its member out, so a record with an empty text, a null or a member that has no field is
//! edited as JSON. A number is stored as it was typed, digit by digit.

use serde_json::Value;

use super::json::{RecordData, json_text, object, parse_value, scalar};
use super::schema::{FieldKind, RecordField, RecordProblem, RecordSchema};
use crate::web::form::NewId;
use crate::web::{Errors, FormData, SelectOption, in_sentence};

/// Why a form that is right is not saved: it was checked by settings that are no longer the collection's.
pub(super) const OTHER_SETTINGS: &str =
    "The settings of the collection were changed while you were editing. Check the record and save it again";

/// A record as it was typed or is stored, and what is wrong with it.
pub(super) struct RecordForm {
    pub new_id: NewId,
    /// The fields of the schema; empty if a record can only be edited as JSON.
    pub fields: Vec<TypedField>,
    pub is_json: bool,
    pub json: String,
    /// The earlier version whose values it has.
    pub restored: Option<i32>,
    pub errors: Errors,
    /// The fields as they were sent.
    pub data: FormData,
}

/// A field of the form.
pub(super) struct TypedField {
    pub field: RecordField,
    /// Of the input: names of members can have any characters.
    pub id: String,
    pub typed: String,
}

impl RecordForm {
    /// The form of a new record.
    pub fn empty(schema: Option<&RecordSchema>) -> RecordForm {
        let fields = fields(schema);
        let (is_json, json) = (fields.is_empty(), "{\n}".into());
        RecordForm {
            new_id: NewId::default(),
            fields,
            is_json,
            json,
            restored: None,
            errors: Errors::default(),
            data: FormData::default(),
        }
    }

    /// The form of a stored record.
    pub fn of(schema: Option<&RecordSchema>, text: &str) -> RecordForm {
        let mut form = RecordForm::empty(schema);
        form.is_json = !form.fill(text);
        form.json = indented(text);
        form
    }

    /// The form as it was sent.
    pub fn sent(schema: Option<&RecordSchema>, data: FormData) -> RecordForm {
        let mut form = RecordForm::empty(schema);
        let names = (0..).map_while(|index| data.get(&format!("name_{index}"))).enumerate();
        let mut unknown = Vec::new();
        for (index, name) in names {
            let typed = data.text(&format!("member_{index}"));
            match form.fields.iter_mut().find(|field| field.field.name == name) {
                Some(field) => field.typed = typed,
                None if typed.is_empty() => {}
                None => unknown.push((name, scalar(&typed).unwrap_or_else(|| json_text(&typed)))),
            }
        }
        form.is_json = form.fields.is_empty() || data.get("mode") == Some("json");
        form.json = data.text("json");
        if !unknown.is_empty() {
            // Nothing of what was typed is lost with the members that are no longer in the schema.
            let text = object(form.members().chain(unknown));
            (form.json, form.is_json) = (indented(&text), true);
            form.errors.add("json", OTHER_SETTINGS);
        }
        form.new_id = NewId(data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or(form.new_id.0));
        form.data = data;
        form
    }

    /// Whether it was sent to be shown in the other mode, and not to be saved.
    pub fn is_switched(&self) -> bool {
        self.data.get("switch").is_some()
    }

    /// Shows the fields instead of the JSON or the other way round. What the other mode cannot hold stays, with the
    /// reason.
    pub fn switch(&mut self) {
        if !self.is_json {
            (self.json, self.is_json) = (indented(&self.text()), true);
            return;
        }
        match RecordData::parse(&self.json) {
            Ok(data) if self.fill(&data.text) => self.is_json = false,
            Ok(_) => self.errors.add("json", "The form cannot hold this record: it has other members, or other kinds of values, than the fields of the schema"),
            Err(problem) => self.errors.add("json", problem.to_string()),
        }
    }

    /// The record, if it fits the schema; never of a draft.
    pub fn checked(&mut self, schema: Option<&RecordSchema>) -> Option<RecordData> {
        if !self.is_json {
            self.check_fields();
        }
        let data = self.errors.keep(self.whole(), RecordData::parse(&self.json_text()))?;
        for problem in schema.map(|schema| schema.problems(&data)).unwrap_or_default() {
            self.add(problem);
        }
        (!self.errors.any() && !self.data.is_draft()).then_some(data)
    }

    /// The field of what is wrong with the record as a whole.
    pub fn whole(&self) -> &'static str {
        if self.is_json { "json" } else { "record" }
    }

    /// What was typed, as JSON.
    pub fn json_text(&self) -> String {
        if self.is_json { self.json.clone() } else { self.text() }
    }

    fn check_fields(&mut self) {
        for TypedField { field, id, typed } in &self.fields {
            let label = in_sentence(&field.label);
            match raw(&field.kind, typed) {
                None if field.is_required => self.errors.add(id, format!("Enter {label}")),
                Some(Err(example)) => self.errors.add(id, format!("{} must be {example}", field.label)),
                _ => {}
            }
        }
    }

    /// Shows a problem at its field, else above the form.
    fn add(&mut self, problem: RecordProblem) {
        let RecordProblem { pointer, message } = problem;
        if self.is_json {
            let place = if pointer.is_empty() { "The record".into() } else { pointer };
            return self.errors.add("json", format!("{place}: {message}"));
        }
        let name = pointer.trim_start_matches('/').replace("~1", "/").replace("~0", "~");
        match self.fields.iter().find(|field| !pointer.is_empty() && field.field.name == name) {
            Some(field) if self.errors.has(&field.id) => {}
            Some(field) => self.errors.add(&field.id, format!("{}: {message}", field.field.label)),
            // Most likely that a member is missing, which its field says.
            None if self.errors.any() => {}
            None => self.errors.add("record", format!("The record: {message}")),
        }
    }

    /// The JSON of the fields.
    fn text(&self) -> String {
        object(self.members())
    }

    fn members(&self) -> impl Iterator<Item = (&str, String)> {
        self.fields.iter().filter_map(|TypedField { field, typed, .. }| {
            Some((field.name.as_str(), raw(&field.kind, typed)?.unwrap_or_else(|_| json_text(typed))))
        })
    }

    /// Puts a record into the fields; false if they cannot hold it.
    fn fill(&mut self, text: &str) -> bool {
        let Ok(members) = RecordData::raw_members(text) else {
            return false;
        };
        let mut typed = vec![String::new(); self.fields.len()];
        for (name, value) in members {
            let Some(at) = self.fields.iter().position(|field| field.field.name == name) else {
                return false;
            };
            let Some(value) = typed_value(&self.fields[at].field.kind, value) else {
                return false;
            };
            typed[at] = value;
        }
        for (field, typed) in self.fields.iter_mut().zip(typed) {
            field.typed = typed;
        }
        !self.fields.is_empty()
    }
}

impl TypedField {
    /// What can be chosen, beside nothing; empty if the value is typed.
    pub fn choices(&self) -> Vec<SelectOption> {
        let values = match &self.field.kind {
            FieldKind::Boolean => vec![("true", "Yes"), ("false", "No")],
            FieldKind::Choice(values) => values.iter().map(|value| (value.as_str(), value.as_str())).collect(),
            _ => return Vec::new(),
        };
        let options = values.into_iter().map(|(code, label)| SelectOption::new(code, label));
        std::iter::once(SelectOption::new("", "No value")).chain(options).collect()
    }

    pub fn is_long(&self) -> bool {
        self.field.kind == FieldKind::LongText
    }

    pub fn is_number(&self) -> bool {
        matches!(self.field.kind, FieldKind::Number | FieldKind::Integer)
    }
}

fn fields(schema: Option<&RecordSchema>) -> Vec<TypedField> {
    let fields = schema.and_then(RecordSchema::fields).unwrap_or_default();
    let numbered = fields.into_iter().enumerate();
    numbered.map(|(at, field)| TypedField { field, id: format!("member_{at}"), typed: String::new() }).collect()
}

/// The JSON of what was typed; `None` if nothing was, and an example of what it should be if it is something else.
fn raw(kind: &FieldKind, typed: &str) -> Option<Result<String, &'static str>> {
    if typed.trim().is_empty() && (typed.is_empty() || matches!(kind, FieldKind::Number | FieldKind::Integer)) {
        return None;
    }
    let parsed = || parse_value(typed.trim()).ok();
    Some(match kind {
        FieldKind::Text | FieldKind::LongText | FieldKind::Choice(_) => Ok(json_text(typed)),
        FieldKind::Boolean if matches!(parsed(), Some(Value::Bool(_))) => Ok(typed.trim().to_owned()),
        FieldKind::Boolean => Err("Yes or No"),
        _ if matches!(parsed(), Some(Value::Number(_))) => Ok(typed.trim().to_owned()),
        FieldKind::Integer => Err("a whole number such as 12"),
        FieldKind::Number => Err("a number such as 12.5"),
    })
}

/// What is typed for a value in JSON; `None` if a field of this kind cannot hold it.
fn typed_value(kind: &FieldKind, raw: &str) -> Option<String> {
    let is_held = |text: &str| match kind {
        FieldKind::Text => !text.contains(['\n', '\r']),
        FieldKind::LongText => !text.contains('\r'),
        FieldKind::Choice(values) => values.iter().any(|value| value == text),
        _ => false,
    };
    match (kind, parse_value(raw).ok()?) {
        (_, Value::String(text)) if !text.is_empty() && is_held(&text) => Some(text),
        (FieldKind::Number | FieldKind::Integer, Value::Number(_)) | (FieldKind::Boolean, Value::Bool(_)) => {
            Some(raw.to_owned())
        }
        _ => None,
    }
}

/// The longest text that is indented: a longer one could become larger than a form may be.
const MAX_INDENTED: usize = 64 * 1024;

/// A record as people read it.
pub(super) fn indented(text: &str) -> String {
    let indented = (text.len() <= MAX_INDENTED).then(|| crate::endpoints::indented(text, usize::MAX));
    indented.flatten().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> RecordSchema {
        let text = r#"{"required": ["a/b"], "properties": {"a/b": {"type": "string", "title": "Name", "minLength": 2},
            "n": {"type": "number", "maximum": 100}, "yes": {"type": "boolean"}}}"#;
        RecordSchema::parse(text).expect("a schema")
    }

    fn sent(schema: &RecordSchema, body: &str) -> RecordForm {
        RecordForm::sent(Some(schema), FormData::parse(body.as_bytes()).expect("a form"))
    }

    #[test]
    fn a_stored_record_comes_back_as_it_was() {
        let schema = schema();
        for text in [r#"{"a/b":"x\"y","n":1.50,"yes":false}"#, r#"{"n":123456789012345678901234567890}"#, "{}"] {
            let form = RecordForm::of(Some(&schema), text);
            assert!(!form.is_json, "{text}");
            assert_eq!(form.text(), text);
        }
    }

    #[test]
    fn what_the_fields_cannot_hold_is_json() {
        let schema = schema();
        for text in [r#"{"other":1}"#, r#"{"n":"1"}"#, r#"{"n":null}"#, r#"{"a/b":""}"#, r#"{"a/b":"x\ny"}"#] {
            assert!(RecordForm::of(Some(&schema), text).is_json, "{text}");
        }
        assert!(RecordForm::of(None, "{}").is_json);
    }

    #[test]
    fn problems_stand_at_their_fields() {
        let schema = schema();
        let mut form = sent(&schema, "name_0=n&member_0=many&name_1=a/b&member_1=");
        assert!(form.checked(Some(&schema)).is_none());
        let at = |form: &RecordForm, name: &str| {
            let field = form.fields.iter().find(|field| field.field.name == name).expect("a field");
            form.errors.get(&field.id).unwrap_or_default().to_owned()
        };
        assert_eq!(
            (at(&form, "n").as_str(), at(&form, "a/b").as_str()),
            ("n must be a number such as 12.5", "Enter name")
        );
        assert!(!form.errors.has("record"));
        let mut form = sent(&schema, "name_0=n&member_0=101&name_1=a/b&member_1=x");
        assert!(form.checked(Some(&schema)).is_none());
        assert!(at(&form, "n").starts_with("n: ") && at(&form, "a/b").starts_with("Name: "));
    }

    #[test]
    fn switching_loses_nothing() {
        let schema = schema();
        let mut form = sent(&schema, "switch=1&name_0=n&member_0=1.50&name_1=a/b&member_1=x");
        form.switch();
        assert!(form.is_json && form.json.contains("1.50"));
        form.switch();
        assert!(!form.is_json);
        let mut form = sent(&schema, "mode=json&json={\"more\":1}");
        form.switch();
        assert!(form.is_json && form.errors.has("json"));
    }
}

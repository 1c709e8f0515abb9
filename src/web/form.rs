//! Forms: a struct whose fields are called as the inputs are, read by serde, checked by validator, shown by the macros
//! of `templates/kit/form.html`.
//!
//! Rules: id = name; the error stands beside the field and in the summary in the same words and in the order of the
//! struct's fields; what was typed comes back, secrets never; optional fields say so; no `required`, no placeholder.
//! A field that a rule of validator checks must be printable, so secrets are checked by functions.

use std::fmt::{self, Display};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use askama::Template;
use askama::filters::HtmlSafe;
use serde::de::{DeserializeOwned, IgnoredAny, Visitor, value};
use serde::{Deserialize, Deserializer, Serialize, forward_to_deserialize_any};
use uuid::Uuid;
use validator::{Validate, ValidateLength, ValidationError, ValidationErrors, ValidationErrorsKind};

use super::{Error, FormData, TypedForm};
use crate::db::version::SeenVersion;

/// A form as its page shows it: what was typed or is stored, and what is wrong with it. As an extractor it is one that
/// was submitted with the visitor's CSRF token.
pub struct Form<T> {
    pub fields: T,
    pub errors: Errors,
    /// The fields as they were sent; none if the form was not submitted.
    pub data: FormData,
}

impl<T> Form<T> {
    /// A form that was not submitted yet.
    pub fn new(fields: T) -> Form<T> {
        Form { fields, errors: Errors::default(), data: FormData::default() }
    }

    /// A form that was submitted.
    pub fn of(data: FormData) -> Result<Form<T>, Error>
    where
        T: DeserializeOwned,
    {
        Ok(Form { fields: data.read()?, errors: Errors::default(), data })
    }

    /// The version that the form is to be checked against; see [`FormData::seen_version`].
    pub fn seen_version(&self, of_row: i32) -> Option<SeenVersion> {
        self.data.seen_version(of_row)
    }
}

impl<T: DeserializeOwned + Validate> Form<T> {
    /// Checks the rules of the fields and then what `convert` adds. The converted value if there is no error; else the
    /// errors stand in the form, one for each field, in the order of the fields. Of a draft there is never a value.
    pub fn check<C>(&mut self, convert: impl FnOnce(&T, &mut Errors) -> Option<C>) -> Option<C> {
        if let Err(errors) = self.fields.validate() {
            self.errors.add_all(&errors);
        }
        let converted = convert(&self.fields, &mut self.errors);
        self.errors.sort(field_names::<T>());
        converted.filter(|_| !self.errors.any() && !self.data.is_draft())
    }
}

impl<T> Deref for Form<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.fields
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Form<T>, Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let data = TypedForm::from_request(req, payload);
        Box::pin(async { Form::of(data.await?.0) })
    }
}

/// Text as it was typed. Rules for its length count its characters without the white space around it.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// Without surrounding white space, and with single spaces inside.
    pub fn single_spaced(&self) -> String {
        self.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl<S: Into<String>> From<S> for Text {
    fn from(text: S) -> Text {
        Text(text.into())
    }
}

impl ValidateLength<u64> for Text {
    fn length(&self) -> Option<u64> {
        u64::try_from(self.trim().chars().count()).ok()
    }
}

/// A rule for fields that must not be empty: `#[validate(custom(function = "entered", message = "Enter …"))]`.
pub fn entered(text: &Text) -> Result<(), ValidationError> {
    if text.trim().is_empty() { Err(ValidationError::new("entered")) } else { Ok(()) }
}

/// Reads a box, which is only sent if it is ticked: `#[serde(deserialize_with = "ticked")]`.
pub fn ticked<'de, D: Deserializer<'de>>(sent: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(sent).map(|_| true)
}

/// The id that a new row will have. It is made with the empty form, so that pressing twice creates one row.
#[derive(Clone, Copy, Debug)]
pub struct NewId(pub Uuid);

impl Default for NewId {
    fn default() -> NewId {
        NewId(Uuid::now_v7())
    }
}

impl Display for NewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is no id counts as not sent.
impl<'de> Deserialize<'de> for NewId {
    fn deserialize<D: Deserializer<'de>>(sent: D) -> Result<NewId, D::Error> {
        let id = String::deserialize(sent)?;
        Ok(id.parse().map(NewId).unwrap_or_default())
    }
}

/// Messages of a form that was refused, in the order of its fields.
#[derive(Default, Clone, Debug)]
pub struct Errors(Vec<(String, String)>);

impl Errors {
    /// Adds a message to the field of this id; the first message of a field is the one shown.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push((field.into(), message.into()));
    }

    /// Adds that another row has the name, such as “A category named “Sales” already exists”.
    pub fn name_taken(&mut self, field: &str, noun: &str, name: &str) {
        self.add(field, format!("A {noun} named “{name}” already exists"));
    }

    /// Keeps the value of a check, or its error as the message of the field.
    pub fn keep<T, E: Display>(&mut self, field: &str, checked: Result<T, E>) -> Option<T> {
        checked.map_err(|error| self.add(field, error.to_string())).ok()
    }

    fn add_all(&mut self, errors: &ValidationErrors) {
        for (field, kind) in errors.errors() {
            match kind {
                ValidationErrorsKind::Field(errors) => {
                    errors.iter().for_each(|error| self.add(&**field, error.to_string()))
                }
                ValidationErrorsKind::Struct(errors) => self.add_all(errors),
                ValidationErrorsKind::List(rows) => rows.values().for_each(|errors| self.add_all(errors)),
            }
        }
    }

    /// Puts the messages into the order of these fields, with one for each. `row_3_name` stands with the field `row`.
    fn sort(&mut self, fields: &[&str]) {
        let is_of = |field: &str, name: &str| {
            let rest = name.strip_prefix(field);
            rest.is_some_and(|rest| {
                rest.is_empty()
                    || rest.strip_prefix('_').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            })
        };
        self.0.sort_by_key(|(name, _)| fields.iter().position(|field| is_of(field, name)).unwrap_or(fields.len()));
        self.0.dedup_by(|next, first| next.0 == first.0);
    }

    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, message)| message.as_str())
    }

    pub fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The value of `aria-describedby` for a field; empty when there is nothing to point at.
    pub fn described_by(&self, field: &str, has_hint: bool, has_warning: bool) -> String {
        let notes = [("hint", has_hint), ("warning", has_warning), ("error", self.has(field))];
        let ids = notes.iter().filter(|(_, is_shown)| *is_shown).map(|(note, _)| format!("{field}-{note}"));
        ids.collect::<Vec<_>>().join(" ")
    }

    /// The status of the page that shows them, or shows that there are none.
    pub fn status(&self) -> StatusCode {
        if self.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
    }

    pub fn summary(&self) -> ErrorSummary {
        ErrorSummary { errors: self.0.clone(), note: None }
    }

    /// The summary of a form that held a secret, which does not come back.
    pub fn summary_without_secrets(&self) -> ErrorSummary {
        let note = Some("What you typed is still here, except passwords and other secrets.");
        ErrorSummary { note, ..self.summary() }
    }
}

/// The list of everything that is wrong, first on the page; prints nothing when all is well.
#[derive(Template)]
#[template(path = "kit/error_summary.html")]
pub struct ErrorSummary {
    errors: Vec<(String, String)>,
    note: Option<&'static str>,
}

impl HtmlSafe for ErrorSummary {}

/// One choice of a select that is no stored enumeration.
pub struct SelectOption {
    code: String,
    label: String,
}

impl SelectOption {
    pub fn new(code: impl Into<String>, label: impl Into<String>) -> SelectOption {
        SelectOption { code: code.into(), label: label.into() }
    }

    pub fn code(&self) -> &str {
        &self.code
    }

    pub fn label(&self) -> &str {
        &self.label
    }
}

/// One choice of radio buttons.
pub struct Radio {
    code: &'static str,
    label: String,
    hint: &'static str,
}

impl Radio {
    /// `hint` says what follows from it; it may be empty.
    pub fn new(code: &'static str, label: impl Into<String>, hint: &'static str) -> Radio {
        Radio { code, label: label.into(), hint }
    }

    pub fn code(&self) -> &str {
        self.code
    }

    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn hint(&self) -> &str {
        self.hint
    }
}

/// One box of a list of boxes.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub ticked: bool,
    /// Said after the label, such as why the choice is unusual.
    pub note: &'static str,
}

/// Whether a choice of this code is the chosen one.
pub fn is_chosen(code: &str, chosen: &str) -> bool {
    code == chosen
}

/// The names of a struct's fields in their order, which serde's derive passes to a deserializer.
fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // An error, always: there is nothing to deserialize.
    drop(T::deserialize(FieldNames(&mut names)));
    names
}

struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(serde::de::Error::custom("only the names of the fields are asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Deserialize, Validate)]
    #[serde(default)]
    struct Sample {
        id: NewId,
        #[validate(custom(function = "entered", message = "Enter a title"))]
        #[validate(length(max = 5, message = "Title must be 5 characters or fewer"))]
        title: Text,
        kind: String,
        #[validate(length(max = 2, message = "Note must be 2 characters or fewer"))]
        note: Text,
        tag: Vec<String>,
        #[serde(deserialize_with = "ticked")]
        on: bool,
    }

    fn sent(body: &str) -> Form<Sample> {
        let data = FormData::parse(body.as_bytes()).unwrap();
        Form { fields: data.read().unwrap(), errors: Errors::default(), data }
    }

    fn checked(form: &Sample, errors: &mut Errors) -> Option<u8> {
        errors.keep("kind", form.kind.parse::<u8>().map_err(|_| "Enter a kind"))
    }

    #[test]
    fn fields_are_read_by_their_names() {
        let form = sent("tag=a&tag=b&title=+x%0D%0Ay+&on=yes&other=1&other=2");
        assert_eq!(form.tag, ["a", "b"]);
        assert_eq!(&*form.title, " x\ny ", "as typed");
        assert_eq!(form.title.single_spaced(), "x y");
        assert!(form.on);
        let form = sent("tag=a&id=nothing");
        assert_eq!((form.tag.len(), form.on, &*form.title), (1, false, ""));
        assert!(form.id.0.get_version_num() == 7, "what is no id is one of its own");
        let form = sent("kind=a&kind=b&title=c&title=d&on=e&on=f");
        assert_eq!((&*form.kind, &*form.title, form.on), ("a", "c", true), "the first value counts");
    }

    #[test]
    fn errors_stand_in_the_order_of_the_fields_and_one_for_each() {
        let mut form = sent("title=++&note=long&kind=x");
        assert_eq!(form.check(checked), None);
        let messages: Vec<&str> = form.errors.0.iter().map(|(_, message)| message.as_str()).collect();
        assert_eq!(messages, ["Enter a title", "Enter a kind", "Note must be 2 characters or fewer"]);
        let mut form = sent("title=+12345+&kind=7&note=ab");
        assert_eq!(form.check(checked), Some(7), "white space around a text is not counted");
        assert!(!form.errors.any());
    }
}

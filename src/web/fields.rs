//! The old form kit, for pages that are not converted yet: each field is a value that prints itself with label, hint, error and their connections.
//!
//! Rules: id = name; the error stands beside the field and in the summary in the same words; what was typed comes
//! back, secrets never; optional fields say so; no `required`, no placeholder.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::Errors;

/// What all fields share.
#[derive(Clone, Default)]
pub struct PlainField {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub error: Option<String>,
    /// What to think about that is no mistake.
    pub warning: Option<String>,
    pub optional: bool,
    /// The choices of the form's select for which it is optional, and whether the present one is among them.
    pub optional_for: Option<(&'static str, bool)>,
}

impl PlainField {
    fn new(name: &str, label: &str) -> PlainField {
        PlainField { name: name.into(), label: label.into(), ..PlainField::default() }
    }

    /// The value of `aria-describedby`; empty when there is nothing to point at.
    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let warning = self.warning.as_ref();
        let warning = warning.map(|_| format!("{}-warning", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        hint.into_iter().chain(warning).chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// The setters that every kind of field has.
macro_rules! field_setters {
    ($kind:ty) => {
        impl $kind {
            pub fn hint(mut self, hint: impl Into<String>) -> Self {
                self.field.hint = hint.into();
                self
            }

            pub fn warning(mut self, warning: Option<String>) -> Self {
                self.field.warning = warning;
                self
            }

            pub fn optional(mut self) -> Self {
                self.field.optional = true;
                self
            }

            /// Optional for some choices of the form's select only, in the words of `data-case`.
            pub fn optional_for(mut self, choices: &'static str, is_chosen: bool) -> Self {
                self.field.optional_for = Some((choices, is_chosen));
                self
            }

            /// Shows the message that the form has for this field.
            pub fn errors(mut self, errors: &Errors) -> Self {
                self.field.error = errors.get(&self.field.name).map(str::to_string);
                self
            }
        }

        impl HtmlSafe for $kind {}
    };
}

field_setters!(TextField);
field_setters!(TextArea);

/// A line of text: plain, a URL, or a password.
#[derive(Template)]
#[template(path = "kit/text_field.html")]
pub struct TextField {
    field: PlainField,
    value: String,
    kind: &'static str,
    input_mode: &'static str,
    autocomplete: &'static str,
    width: &'static str,
    /// Words typed by people for people are checked for spelling; codes and names are not.
    prose: bool,
}

impl TextField {
    pub fn new(name: &str, label: &str, value: impl Into<String>) -> TextField {
        TextField {
            field: PlainField::new(name, label),
            value: value.into(),
            kind: "text",
            input_mode: "",
            autocomplete: "off",
            width: "",
            prose: false,
        }
    }

    /// A URL: the value is shown even when it is none, which `type=url` would not allow.
    pub fn url(name: &str, label: &str, value: impl Into<String>) -> TextField {
        TextField { input_mode: "url", ..TextField::new(name, label, value) }
    }

    /// A secret of another system: never shown again, and not filled in by the reader's password manager.
    pub fn secret(name: &str, label: &str) -> TextField {
        TextField { kind: "password", autocomplete: "new-password", ..TextField::new(name, label, "") }
    }

    pub fn autocomplete(mut self, autocomplete: &'static str) -> Self {
        self.autocomplete = autocomplete;
        self
    }

    pub fn width(mut self, class: &'static str) -> Self {
        self.width = class;
        self
    }

    pub fn prose(mut self) -> Self {
        self.prose = true;
        self
    }

    fn is_secret(&self) -> bool {
        self.kind == "password"
    }

    fn label_in_sentence(&self) -> String {
        let mut letters = self.field.label.chars();
        letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
    }
}

/// Several lines of text.
#[derive(Template)]
#[template(path = "kit/text_area.html")]
pub struct TextArea {
    field: PlainField,
    value: String,
    rows: u8,
    /// Certificates and code: fixed width, no spelling.
    code: bool,
}

impl TextArea {
    pub fn new(name: &str, label: &str, value: impl Into<String>) -> TextArea {
        TextArea { field: PlainField::new(name, label), value: value.into(), rows: 3, code: false }
    }

    pub fn code(mut self, rows: u8) -> Self {
        self.rows = rows;
        self.code = true;
        self
    }
}

//! The field of a secret: an empty password field when none is stored, Keep / Replace / Remove when one is.

use std::borrow::Cow;

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

use crate::connectors::SecretField;
use crate::vault::Secret;
use crate::web::form::Form;
use crate::web::{Errors, FormData};

/// What a person wants done with a secret.
pub(super) enum SecretChange {
    Keep,
    Replace(Secret),
    Remove,
}

/// The radio button of a stored secret that is on.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum SecretChoice {
    #[default]
    Keep,
    Replace,
    Remove,
}

impl SecretChoice {
    /// The choice that was sent for the field of this name; `Keep` if there was none.
    fn read(data: &FormData, name: &str) -> SecretChoice {
        match data.get(&format!("{name}_choice")) {
            Some("replace") => SecretChoice::Replace,
            Some("remove") => SecretChoice::Remove,
            _ => SecretChoice::Keep,
        }
    }
}

impl SecretChange {
    pub fn keeps(&self) -> bool {
        matches!(self, SecretChange::Keep)
    }

    /// Without the white space that comes with copying. Servers issue no keys with it at their ends, unlike passwords,
    /// which people choose.
    pub fn trimmed(self) -> SecretChange {
        match self {
            SecretChange::Replace(secret) => SecretChange::Replace(Secret::new(secret.expose().trim().to_owned())),
            other => other,
        }
    }

    /// The secret after the change of the stored one.
    pub fn apply(&self, stored: Option<Secret>) -> Option<Secret> {
        match self {
            SecretChange::Keep => stored,
            SecretChange::Replace(secret) => Some(secret.clone()),
            SecretChange::Remove => None,
        }
    }

    /// Reads the choice for the field of this name. An absent field is a kept secret; a replacement must not be empty,
    /// nor longer than secrets may be.
    pub fn read(data: &FormData, name: &str, label: &str, is_stored: bool, errors: &mut Errors) -> SecretChange {
        let typed = Secret::new(data.text(name));
        let choice = SecretChoice::read(data, name);
        if choice != SecretChoice::Remove {
            check_length(name, label, &typed, errors);
        }
        match choice {
            SecretChoice::Remove => SecretChange::Remove,
            SecretChoice::Replace if typed.is_empty() => {
                errors.add(name, format!("Enter the new {}, or choose another option", in_sentence(label)));
                SecretChange::Keep
            }
            SecretChoice::Replace => SecretChange::Replace(typed),
            SecretChoice::Keep if !is_stored && !typed.is_empty() => SecretChange::Replace(typed),
            SecretChoice::Keep => SecretChange::Keep,
        }
    }
}

/// Refuses a secret that is too long, at its field.
pub(super) fn check_length(name: &str, label: &str, typed: &Secret, errors: &mut Errors) {
    let is_key = SecretField::parse(name).is_some_and(SecretField::is_key);
    let longest = if is_key { Secret::LONGEST_KEY } else { Secret::LONGEST };
    if typed.expose().len() > longest {
        let kibibytes = longest / 1024;
        errors.add(name, format!("{label} must not be longer than {kibibytes} KiB ({longest} bytes)"));
    }
}

fn in_sentence(label: &str) -> String {
    if label.starts_with("API") { label.to_string() } else { label.to_lowercase() }
}

/// The field of one secret.
#[derive(Template)]
#[template(path = "authorization/secret_field.html")]
pub(super) struct SecretInput {
    name: Cow<'static, str>,
    label: Cow<'static, str>,
    hint: &'static str,
    /// When and by whom it was set; `None` if it is not.
    stored: Option<(DateTime<Utc>, String)>,
    error: Option<String>,
    /// Keys are several lines of text.
    lines: bool,
    /// What was chosen: it stands there again when the form comes back, while the typed secret is gone.
    choice: SecretChoice,
}

impl HtmlSafe for SecretInput {}

impl SecretInput {
    pub fn new<T>(
        name: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        stored: Option<(DateTime<Utc>, String)>,
        form: &Form<T>,
    ) -> SecretInput {
        let (name, label) = (name.into(), label.into());
        let error = form.errors.get(&name).map(str::to_string);
        let choice = match SecretChoice::read(&form.data, &name) {
            SecretChoice::Keep if error.is_some() => SecretChoice::Replace,
            chosen => chosen,
        };
        SecretInput { name, label, hint: "", stored, error, lines: false, choice }
    }

    pub fn hint(mut self, hint: &'static str) -> SecretInput {
        self.hint = hint;
        self
    }

    pub fn lines(mut self) -> SecretInput {
        self.lines = true;
        self
    }

    fn label_in_sentence(&self) -> String {
        in_sentence(&self.label)
    }

    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

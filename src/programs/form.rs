//! The program form: typed text in, a checked program or the form with its errors out.

use uuid::Uuid;

use super::model::{CheckedProgram, Program, ProgramId, STATUSES, parse_name};
use crate::web::{Errors, FormData, Option_, SelectField, TextArea, TextField};

/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 4000;

/// What the form holds.
pub(super) struct ProgramForm {
    /// The id that a new program will have; made with the empty form so that pressing twice creates one.
    pub new_id: ProgramId,
    name: String,
    description: String,
    status: String,
    pub errors: Errors,
}

impl ProgramForm {
    pub fn empty() -> ProgramForm {
        ProgramForm {
            new_id: Uuid::now_v7(),
            name: String::new(),
            description: String::new(),
            status: "active".into(),
            errors: Errors::default(),
        }
    }

    pub fn of(program: &Program) -> ProgramForm {
        ProgramForm {
            name: program.name.clone(),
            description: program.description.clone(),
            status: if program.active { "active" } else { "inactive" }.into(),
            ..ProgramForm::empty()
        }
    }

    pub fn read(data: &FormData) -> ProgramForm {
        ProgramForm {
            new_id: data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            name: data.text("program_name"),
            description: data.trimmed("description"),
            status: data.text("status"),
            errors: Errors::default(),
        }
    }

    /// The checked program; `None` leaves the messages in the form.
    pub fn check(&mut self) -> Option<CheckedProgram> {
        let name = self.errors.keep("program_name", parse_name(&self.name));
        if self.description.chars().count() > LONGEST_DESCRIPTION {
            let message = "Description must be 4,000 characters or fewer";
            self.errors.add("description", message);
        }
        let known = STATUSES.iter().any(|(code, _)| *code == self.status);
        if !known {
            self.errors.add("status", "Choose Active or Inactive");
        }
        (!self.errors.any()).then_some(CheckedProgram {
            name: name?,
            description: self.description.clone(),
            active: self.status == "active",
        })
    }

    pub fn typed_name(&self) -> String {
        self.name.trim().to_string()
    }

    pub fn description(&self) -> &str {
        &self.description
    }

    /// Its keys would work again where the person may not call.
    pub fn leads_beyond(&mut self) {
        self.errors.add("status", "Leave it inactive: keys of this program lead to a data connector that is kept to certain people, and you are not among those who may call it");
    }

    pub fn status_word(&self) -> &'static str {
        let known = STATUSES.iter().find(|(code, _)| *code == self.status);
        known.map_or("", |(_, word)| word)
    }

    pub fn name_taken(&mut self) {
        let name = parse_name(&self.name).map(|name| name.as_str().to_string()).unwrap_or_default();
        let message = format!("A program named “{name}” already exists");
        self.errors.add("program_name", message);
    }

    pub fn name_field(&self) -> TextField {
        TextField::new("program_name", "Name", &self.name)
            .hint("What calls it makes stand under this name in the call log.")
            .prose()
            .width("w28")
            .errors(&self.errors)
    }

    pub fn description_field(&self) -> TextArea {
        TextArea::new("description", "Description", &self.description)
            .hint("What the program does, where it runs and who looks after it.")
            .optional()
            .errors(&self.errors)
    }

    pub fn status_field(&self) -> SelectField {
        let options = STATUSES.map(|(code, word)| Option_::new(code, word)).into();
        SelectField::new("status", "Status", options, &self.status)
            .hint("The calls of an inactive program are refused, whatever its keys allow.")
            .errors(&self.errors)
    }
}

//! The program form.

use serde::Deserialize;
use validator::Validate;

use super::model::{CheckedProgram, Program, ProgramStatus, parse_name};
use crate::web::Errors;
use crate::web::form::{NewId, Text};

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct ProgramForm {
    pub new_id: NewId,
    pub program_name: Text,
    #[validate(length(max = 4000, message = "Description must be 4,000 characters or fewer"))]
    pub description: Text,
    pub status: Text,
}

impl ProgramForm {
    pub fn empty() -> ProgramForm {
        ProgramForm { status: ProgramStatus::Active.code().into(), ..ProgramForm::default() }
    }

    pub(super) fn of(program: &Program) -> ProgramForm {
        ProgramForm {
            program_name: program.name.clone().into(),
            description: program.description.clone().into(),
            status: program.status().code().into(),
            ..ProgramForm::default()
        }
    }

    pub(super) fn checked(&self, errors: &mut Errors) -> Option<CheckedProgram> {
        let name = errors.keep("program_name", parse_name(&self.program_name));
        let status = errors.keep("status", ProgramStatus::parse(&self.status).ok_or("Choose Active or Inactive"));
        Some(CheckedProgram { name: name?, description: self.description.trim().into(), status: status? })
    }
}

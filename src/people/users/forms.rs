//! The user form: typed text in, a checked user or the form with its errors out.

use uuid::Uuid;

use super::model::{CheckedUser, User};
use crate::access::PermissionSet;
use crate::accounts::{Username, UsernameProblem, parse_person_name};
use crate::people::permissions::PermissionBoxes;
use crate::web::{Errors, FormData, TextField};

/// What the form holds.
pub(super) struct UserForm {
    /// The id that a new user will have; made with the empty form so that pressing twice creates one.
    pub new_id: Uuid,
    pub username: String,
    pub name: String,
    pub ticked: PermissionSet,
    pub errors: Errors,
}

impl UserForm {
    pub fn empty() -> UserForm {
        UserForm {
            new_id: Uuid::now_v7(),
            username: String::new(),
            name: String::new(),
            ticked: PermissionSet::default(),
            errors: Errors::default(),
        }
    }

    pub fn of(user: &User) -> UserForm {
        UserForm {
            username: user.facts.username.clone(),
            name: user.facts.name.clone(),
            ticked: user.permissions,
            ..UserForm::empty()
        }
    }

    pub fn read(data: &FormData) -> UserForm {
        UserForm {
            new_id: data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            username: data.text("username"),
            name: data.text("full_name"),
            ticked: PermissionBoxes::read(data),
            errors: Errors::default(),
        }
    }

    /// The checked user; `None` leaves the messages in the form.
    pub fn check(&mut self) -> Option<CheckedUser> {
        let username = self.errors.keep::<_, UsernameProblem>("username", Username::parse(&self.username));
        let name = self.errors.keep("full_name", parse_person_name(&self.name));
        Some(CheckedUser { username: username?, name: name?, chosen: self.ticked })
    }

    pub fn username_taken(&mut self) {
        self.errors.add("username", format!("A user named “{}” already exists", self.username.trim()));
    }

    pub fn username_field(&self) -> TextField {
        TextField::new("username", "User name", &self.username)
            .hint("What the person signs in with: letters, numbers, full stops, underscores, hyphens, @ and +.")
            .width("w28")
            .errors(&self.errors)
    }

    pub fn name_field(&self) -> TextField {
        TextField::new("full_name", "Name", &self.name)
            .hint("What pages and the audit log call the person.")
            .prose()
            .width("w28")
            .errors(&self.errors)
    }

    pub fn boxes(&self) -> PermissionBoxes {
        PermissionBoxes::new(self.ticked)
    }
}

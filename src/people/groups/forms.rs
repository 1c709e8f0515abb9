//! The group form: typed text in, a checked group or the form with its errors out.

use uuid::Uuid;

use super::model::{CheckedGroup, Group, LONGEST_CLAIM_VALUE, LONGEST_DESCRIPTION, parse_name};
use crate::access::PermissionSet;
use crate::accounts::SignInProvider;
use crate::people::permissions::PermissionBoxes;
use crate::web::{Errors, FormData, TextArea, TextField};

/// What the form holds.
pub(super) struct GroupForm {
    /// The id that a new group will have; made with the empty form so that pressing twice creates one.
    pub new_id: Uuid,
    pub name: String,
    pub description: String,
    pub claim_value: String,
    /// The provider that tells groups; where none does, the value is not asked for and stays.
    pub provider: SignInProvider,
    pub ticked: PermissionSet,
    pub errors: Errors,
}

impl GroupForm {
    pub fn empty(provider: &SignInProvider) -> GroupForm {
        GroupForm {
            new_id: Uuid::now_v7(),
            name: String::new(),
            description: String::new(),
            claim_value: String::new(),
            provider: provider.clone(),
            ticked: PermissionSet::default(),
            errors: Errors::default(),
        }
    }

    pub fn of(group: &Group, provider: &SignInProvider) -> GroupForm {
        GroupForm {
            name: group.facts.name.clone(),
            description: group.facts.description.clone(),
            claim_value: group.facts.claim_value.clone(),
            ticked: group.permissions,
            ..GroupForm::empty(provider)
        }
    }

    pub fn read(data: &FormData, provider: &SignInProvider) -> GroupForm {
        GroupForm {
            new_id: data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            name: data.text("group_name"),
            description: data.trimmed("description"),
            claim_value: data.trimmed("claim_value"),
            provider: provider.clone(),
            ticked: PermissionBoxes::read(data),
            errors: Errors::default(),
        }
    }

    /// The checked group; `None` leaves the messages in the form.
    pub fn check(&mut self) -> Option<CheckedGroup> {
        let name = self.errors.keep("group_name", parse_name(&self.name));
        if self.description.chars().count() > LONGEST_DESCRIPTION {
            let message = "Description must be 1,000 characters or fewer";
            self.errors.add("description", message);
        }
        if self.claim_value.chars().count() > LONGEST_CLAIM_VALUE {
            let message = "Claim value must be 255 characters or fewer";
            self.errors.add("claim_value", message);
        } else if self.claim_value.chars().any(char::is_control) {
            let message = "Claim value must be on one line";
            self.errors.add("claim_value", message);
        }
        if self.errors.any() {
            return None;
        }
        Some(CheckedGroup {
            name: name?,
            description: self.description.clone(),
            claim_value: self.claim().map(|_| self.claim_value.clone()),
            chosen: self.ticked,
        })
    }

    pub fn name_taken(&mut self) {
        let name = parse_name(&self.name).map(|name| name.as_str().to_string()).unwrap_or_default();
        self.errors.add("group_name", format!("A group named “{name}” already exists"));
    }

    pub fn name_field(&self) -> TextField {
        TextField::new("group_name", "Name", &self.name).prose().width("w28").errors(&self.errors)
    }

    pub fn description_field(&self) -> TextArea {
        TextArea::new("description", "Description", &self.description).optional().errors(&self.errors)
    }

    /// The claim that tells groups, if one does.
    fn claim(&self) -> Option<&str> {
        self.provider.groups_claim()
    }

    pub fn claim_field(&self) -> Option<TextField> {
        let (claim, name) = (self.claim()?, self.provider.name().unwrap_or_default());
        let hint = format!(
            "Whoever signs in with {name} and has this value in the claim “{claim}” is a member until a later sign-in says otherwise. Left empty, members are chosen here alone."
        );
        let field = TextField::new("claim_value", "Claim value", &self.claim_value);
        Some(field.hint(hint).optional().width("w28").errors(&self.errors))
    }

    pub fn boxes(&self) -> PermissionBoxes {
        PermissionBoxes::new(self.ticked)
    }
}
